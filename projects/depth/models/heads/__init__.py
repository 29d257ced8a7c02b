"""Heads of depth models."""

from .depth_scale_head import DepthScaleHead, stack_depth

__all__ = ['DepthScaleHead', 'stack_depth']
