"""RayIoU of one frame: 8 origins x 14,040 rays through label and prediction, and counting."""

import numpy as np
import torch

from projects.occ_eval import lidar_rays, ray_counts
from projects.occ_eval.classes import OCC3D

from .core import Benchmark
from .occ_scenes import make_prediction, make_scene
from .peers_rayiou import count_as_published, trace_as_published

PEER = 'port of dvr + calc_rayiou'
LOWER, VOXEL = np.array(OCC3D.lower), np.float64(np.float32(OCC3D.cube_edge('RayIoU')))


def published(pred: np.ndarray, target: np.ndarray, origins: np.ndarray) -> np.ndarray:
    """SparseOcc's structure on one thread: every grid is traced from every origin, then rays are counted by class."""
    traced = []
    for semantics in (pred, target):
        occupied = np.ascontiguousarray((semantics < 17).astype(np.float32).transpose(2, 1, 0))
        labels, distances = [], []
        for origin in origins:
            start = ((origin - LOWER) / VOXEL).astype(np.float32).astype(np.float64)
            ends = ((lidar_rays() + origin - LOWER) / VOXEL).astype(np.float32).astype(np.float64)
            cells, dist = trace_as_published(occupied, start, ends)
            labels.append(semantics[cells[:, 0], cells[:, 1], cells[:, 2]])
            distances.append(dist * np.float32(0.4))
        traced.append((np.concatenate(labels), np.concatenate(distances)))
    (pred_label, pred_dist), (label, dist) = traced
    kept = label != 17
    return count_as_published(pred_label[kept], pred_dist[kept], label[kept], dist[kept])


def same_counts(variant: str, result: np.ndarray, reference: np.ndarray) -> str | None:
    """Counts of rays must be equal."""
    different = int((result != reference).sum())
    return f'{variant}: {different} of {reference.size} counts differ' if different else None


def benchmarks(quick: bool) -> list[Benchmark]:
    """The published structure against the fused kernel, on one thread and on as many as torch uses."""
    target = make_scene(0)
    pred = make_prediction(target, 0)
    origins = np.stack([np.linspace(-30, 30, 8), np.linspace(2, 6, 8), np.linspace(1.8, 1.9, 8)], 1)
    threads = torch.get_num_threads()
    variants = {PEER: published, 'fused, 1 thread': lambda *frame: ray_counts(*frame)}
    parallel = f'fused, {threads} threads'
    if threads > 1:
        variants[parallel] = lambda *frame: ray_counts(*frame, threads=threads)
    return [
        Benchmark(
            'rayiou',
            PEER,
            variants,
            same_counts,
            setup=lambda: (pred, target, origins),
            floors={parallel: 15.0} if threads > 1 else {},
            notes={PEER: 'numba, 1 thread, literal; never compared with the CUDA kernel itself'},
        )
    ]
