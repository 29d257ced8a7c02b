"""Ways to put a right image into the features of the left one."""

from .base import BaseStereoFuser
from .concat import ConcatStereoFuser
from .correlation import CorrelationStereoFuser, correlation_volume, local_soft_argmax
from .epipolar import EpipolarStereoFuser

__all__ = [
    'BaseStereoFuser',
    'ConcatStereoFuser',
    'CorrelationStereoFuser',
    'EpipolarStereoFuser',
    'correlation_volume',
    'local_soft_argmax',
]
