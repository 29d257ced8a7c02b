"""Ways to put a right image into the features of the left one."""

from .base import BaseStereoFusion
from .concat import ConcatStereoFusion
from .correlation import CorrelationStereoFusion, correlation_volume, local_soft_argmax
from .epipolar import EpipolarStereoFusion

__all__ = [
    'BaseStereoFusion',
    'ConcatStereoFusion',
    'CorrelationStereoFusion',
    'EpipolarStereoFusion',
    'correlation_volume',
    'local_soft_argmax',
]
