"""3D occupancy: data set, models, metrics and pictures."""

from . import datasets, evaluation, models, ops, pictures, visualization
from .structures import OccDataSample

__all__ = ['OccDataSample', 'datasets', 'evaluation', 'models', 'ops', 'pictures', 'visualization']
