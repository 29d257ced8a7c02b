"""Decoders from the levels of a backbone to named feature maps."""

from .fpn_decoder import DepthFPNDecoder
from .window_crf_decoder import WindowCRFDecoder

__all__ = ['DepthFPNDecoder', 'WindowCRFDecoder']
