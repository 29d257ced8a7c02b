"""Monocular and stereo depth: data sets, models and metrics."""

from . import datasets, evaluation, models, pictures, visualization
from .structures import DepthDataSample

__all__ = ['DepthDataSample', 'datasets', 'evaluation', 'models', 'pictures', 'visualization']
