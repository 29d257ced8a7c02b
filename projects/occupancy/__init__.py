"""3D occupancy: data set, models, metrics and pictures."""

import projects.engine  # noqa: F401  says how to install mmcv where it is missing

from . import datasets, evaluation, models, ops, pictures, visualization
from .structures import OccDataSample

__all__ = ['OccDataSample', 'datasets', 'evaluation', 'models', 'ops', 'pictures', 'visualization']
