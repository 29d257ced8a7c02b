"""What has no kernel without memory: pooling, sampling, pillars, rendering, and the time of an epoch. Pure functions.

A multiplication with an addition counts two FLOPs; all counts are upper bounds: points and samples outside of the grid
count as well.
"""

import math

FLOAT = 4  # bytes


def pooling_flops(num_cams: int, depths: int, height: int, width: int, channels: int) -> float:
    """Sum of depth times feature over the frustum points of a sample (lift-splat), D points a cell of the feature."""
    return 2.0 * num_cams * depths * height * width * channels


def matching_flops(num_cams: int, depths: int, height: int, width: int, channels: int) -> float:
    """Plane sweep of a sample: C interpolated values (8 FLOPs each) and their absolute differences, D a cell."""
    return 11.0 * num_cams * depths * height * width * channels


def warp_flops(cells: int, channels: int, corners: int) -> float:
    """Interpolation of the C values of each cell of a grid between four (BEV) or eight (voxels) others."""
    return 2.0 * cells * channels * corners


def sampling_flops(reads: float, channels: int) -> float:
    """Deformable attention: C interpolated values (8 FLOPs each) a place that a head reads, weighed and added."""
    return 10.0 * reads * channels


def pillar_flops(points: int, values: int, channels: int) -> float:
    """Linear layer, normalisation and maximum of a pillar encoder over the points of a sample."""
    return points * channels * (2.0 * values + 3.0)


def pieces_per_ray(num_bins: int, step: float, voxel_size: float, field: str) -> float:
    """Places at which a ray reads the volume.

    In the field 'trilinear' they are the bins. In the field 'voxel' a level ray of length L meets 4 / pi * L / size
    faces of voxels, averaged over its direction.
    """
    return float(num_bins) if field == 'trilinear' else 4 / math.pi * num_bins * step / voxel_size


def render_flops(num_rays: int, pieces: float, classes: int, field: str) -> float:
    """FLOPs of one render of a sample: K logits of eight corners (or of one voxel), density, transmittance, sums."""
    corners = 8 if field == 'trilinear' else 1
    return num_rays * pieces * (2.0 * classes * corners + 2.0 * classes + 10.0)


def render_bytes(num_rays: int, num_bins: int, pieces: float, classes: int) -> float:
    """Bytes of a sample that both renders keep: weights and semantics of each, and where samples lie, once."""
    outputs = 2 * num_rays * (num_bins + classes - 1) * FLOAT
    places = num_rays * pieces * 6 * FLOAT
    return outputs + places


def weight_bytes(student: int, teacher: int = 0) -> float:
    """Weights, gradients and two moments of AdamW of the student, weights of the teacher, in float32."""
    return FLOAT * (4.0 * student + teacher)


def epoch_steps(samples: int, batch: int, gpus: int) -> int:
    """Steps of an epoch in which every sample is seen once and the last incomplete batch is left out."""
    return max(samples // (batch * gpus), 1)


def step_seconds(flops: float, tflops: float, utilisation: float) -> float:
    """Seconds of a step of ``flops`` on a GPU whose peak is ``tflops``, of which ``utilisation`` is reached."""
    return flops / (tflops * 1e12 * utilisation)
