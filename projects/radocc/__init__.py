"""What only RadOcc needs: rays of the cameras, the connector that renders along them, and the consistency losses."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from .connector import VolumeRenderingConnector
from .losses import (
    RayDistributionConsistencyLoss,
    RenderedDepthLoss,
    RenderedSemanticConsistencyLoss,
    RenderedSemanticKLLoss,
)
from .rays import CameraRaySampler, bin_middles, full_image_rays
from .regions import RayRegions, balanced_weights
from .segments import segment_affinity, segment_means
from .trust import RayTrust, label_ends, mass_near_ends, ray_confidence
from .visible import VisibleVoxels, voxels_on_rays

__all__ = [
    'CameraRaySampler',
    'RayDistributionConsistencyLoss',
    'RayRegions',
    'RayTrust',
    'RenderedDepthLoss',
    'RenderedSemanticConsistencyLoss',
    'RenderedSemanticKLLoss',
    'VisibleVoxels',
    'VolumeRenderingConnector',
    'balanced_weights',
    'bin_middles',
    'full_image_rays',
    'label_ends',
    'mass_near_ends',
    'ray_confidence',
    'segment_affinity',
    'segment_means',
    'voxels_on_rays',
]
