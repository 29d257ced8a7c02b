"""Depth metric of the Runner; its functions are those of ``projects.depth_eval``."""

from .depth_metric import DepthMetric

__all__ = ['DepthMetric']
