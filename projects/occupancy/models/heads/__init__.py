"""Heads that turn BEV and voxel features into occupancy logits."""

from .base_occ_head import BaseOccHead
from .bevdet_occ_head import BEVDetOccHead
from .flashocc_head import FlashOccHead
from .ssc_occ_head import SSCOccHead

__all__ = ['BEVDetOccHead', 'BaseOccHead', 'FlashOccHead', 'SSCOccHead']
