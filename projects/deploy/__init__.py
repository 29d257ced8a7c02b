"""Trained students for other runtimes: graphs of one calibration, as ONNX files with a description."""

from .description import describe_inputs, describe_task
from .graphs import DepthGraph, OccGraph, graph_of
from .onnx_graph import Parity, compare, export_onnx, open_session, operators_of, require_onnx, run_session
from .pooling import FixedVoxelPool

__all__ = [
    'DepthGraph',
    'FixedVoxelPool',
    'OccGraph',
    'Parity',
    'compare',
    'describe_inputs',
    'describe_task',
    'export_onnx',
    'graph_of',
    'open_session',
    'operators_of',
    'require_onnx',
    'run_session',
]
