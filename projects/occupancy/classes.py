"""Classes, colours and grid of Occ3D-nuScenes, for models and data sets."""

from projects.occ_eval.classes import (
    FREE_CLASS,
    NUSC_CAMERAS,
    OCC3D_CLASSES,
    OCC3D_PALETTE,
    OCC3D_RANGE,
    OCC3D_SHAPE,
    UNLABELLED,
)

__all__ = ['FREE_CLASS', 'NUSC_CAMERAS', 'OCC3D_CLASSES', 'OCC3D_PALETTE', 'OCC3D_RANGE', 'OCC3D_SHAPE', 'UNLABELLED']
