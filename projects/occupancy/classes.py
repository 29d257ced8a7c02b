"""What is known of Occ3D-nuScenes, for models and data sets."""

from projects.occ_eval.classes import OCC3D, OCC3D_CLASSES, OCC3D_PALETTE, UNLABELLED
from projects.occ_eval.spec import OccSpec

__all__ = ['OCC3D', 'OCC3D_CLASSES', 'OCC3D_PALETTE', 'UNLABELLED', 'OccSpec']
