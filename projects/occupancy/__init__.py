"""3D occupancy: data set, models, metrics and pictures."""

from . import datasets, evaluation, models, ops, visualization
from .hooks import OccVisualizationHook
from .structures import OccDataSample

__all__ = ['OccDataSample', 'OccVisualizationHook', 'datasets', 'evaluation', 'models', 'ops', 'visualization']
