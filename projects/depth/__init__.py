"""Monocular and stereo depth: data sets, models and metrics."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from . import datasets, evaluation, models, pictures, visualization
from .inferencer import DepthInferencer
from .structures import DepthDataSample

__all__ = ['DepthDataSample', 'DepthInferencer', 'datasets', 'evaluation', 'models', 'pictures', 'visualization']
