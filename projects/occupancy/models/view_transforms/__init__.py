"""From camera features to BEV and voxel features."""

from .depth_net import CameraAwareDepthNet
from .lss import LSSViewTransform, frustum_rays

__all__ = ['CameraAwareDepthNet', 'LSSViewTransform', 'frustum_rays']
