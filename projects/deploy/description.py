"""What a user of an ONNX file has to know, as plain values for a JSON file beside it."""

from collections.abc import Mapping
from typing import Any

from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from .graphs import DepthGraph, OccGraph


def describe_inputs(graph: OccGraph | DepthGraph, images: Tensor, preprocessor: BaseDataPreprocessor) -> dict[str, Any]:
    """Names and shapes of what goes in and comes out, and how images are normalised.

    Args:
        graph (OccGraph | DepthGraph): The graph.
        images (Tensor): Its input.
        preprocessor (BaseDataPreprocessor): Of the model, with ``mean``, ``std`` and ``bgr_to_rgb``.
    """
    return {
        'inputs': {graph.INPUT: list(images.shape)},
        'normalisation': {
            'formula': '(pixel - mean) / std, pixels from 0 to 255, float32',
            'channels': 'RGB' if preprocessor.bgr_to_rgb else 'BGR',
            'mean': preprocessor.mean.flatten().tolist(),
            'std': preprocessor.std.flatten().tolist(),
        },
    }


def describe_task(graph: OccGraph | DepthGraph, inputs: Mapping[str, Tensor], dataset: Any) -> dict[str, Any]:
    """Calibration, classes and grid of occupancy; the part of the map that is no padding of depth.

    Args:
        graph (OccGraph | DepthGraph): The graph.
        inputs (Mapping[str, Tensor]): Preprocessed inputs of the sample.
        dataset (BaseDataset): The data set; for occupancy one with a ``spec``.
    """
    if isinstance(graph, DepthGraph):
        valid = inputs['valid_mask'][0]
        return {'units': 'metres', 'valid_size': [int(valid[:, 0].sum()), int(valid[0].sum())]}
    spec = dataset.spec
    return {
        'cameras': list(spec.cameras),
        'calibration': {key: matrices[0].tolist() for key, matrices in graph.calibration.items()},
        'classes': list(spec.classes),
        'free_class': spec.free_class,
        'voxel_grid': {
            'axes': 'x (forward), y (left), z (up) of the ego frame, in metres',
            'point_cloud_range': list(spec.point_cloud_range),
            'grid_size': list(spec.grid_size),
            'voxel_size': list(spec.voxel_size),
        },
    }
