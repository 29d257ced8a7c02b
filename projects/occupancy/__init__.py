"""3D occupancy: data set, models, metrics and pictures."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from . import datasets, evaluation, models, ops, pictures, visualization
from .inferencer import OccInferencer
from .structures import OccDataSample

__all__ = ['OccDataSample', 'OccInferencer', 'datasets', 'evaluation', 'models', 'ops', 'pictures', 'visualization']
