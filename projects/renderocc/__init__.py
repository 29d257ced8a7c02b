"""What only RenderOcc needs: rays to LiDAR returns as labels, and the losses along them."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from .draw import DrawLidarRays, class_weights, seen_by
from .losses import RayEndLoss, RenderedClassLoss, RenderedSILogLoss, end_bins, ray_end_nll, rendered_class_nll, silog
from .neighbours import AddNeighbourRays
from .supervision import LidarRaySupervision
from .targets import RayTargets, stack_targets
from .view import RayView, class_volume

__all__ = [
    'AddNeighbourRays',
    'DrawLidarRays',
    'LidarRaySupervision',
    'RayEndLoss',
    'RayTargets',
    'RayView',
    'RenderedClassLoss',
    'RenderedSILogLoss',
    'class_volume',
    'class_weights',
    'end_bins',
    'ray_end_nll',
    'rendered_class_nll',
    'seen_by',
    'silog',
    'stack_targets',
]
