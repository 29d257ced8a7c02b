"""From camera features to BEV and voxel features."""

from .bevformer import BEVFormerEncoder
from .bevstereo_depth_net import BEVStereoDepthNet
from .depth_net import CameraAwareDepthNet
from .lss import LSSViewTransform, frustum_rays
from .stereo_depth_net import StereoDepthNet
from .stereo_lss import StereoLSSViewTransform
from .tpvformer import TPVFormerEncoder

__all__ = [
    'BEVFormerEncoder',
    'BEVStereoDepthNet',
    'CameraAwareDepthNet',
    'LSSViewTransform',
    'StereoDepthNet',
    'StereoLSSViewTransform',
    'TPVFormerEncoder',
    'frustum_rays',
]
