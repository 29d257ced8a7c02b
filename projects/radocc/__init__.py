"""What only RadOcc needs: rays of the cameras, the rendering neck, and its two consistency losses."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from .losses import (
    RayDistributionConsistencyLoss,
    RenderedDepthLoss,
    RenderedSemanticConsistencyLoss,
    RenderedSemanticKLLoss,
)
from .neck import VolumeRenderingNeck
from .rays import CameraRaySampler, RaySampleGeometry, full_image_rays
from .segments import segment_affinity, segment_means

__all__ = [
    'CameraRaySampler',
    'RayDistributionConsistencyLoss',
    'RaySampleGeometry',
    'RenderedDepthLoss',
    'RenderedSemanticConsistencyLoss',
    'RenderedSemanticKLLoss',
    'VolumeRenderingNeck',
    'full_image_rays',
    'segment_affinity',
    'segment_means',
]
