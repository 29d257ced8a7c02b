"""Small inputs that compile every kernel of this package: pooling, LiDAR encoder, Lovasz loss, passed voxels."""

from collections.abc import Callable

import numpy as np
import torch

from .models.backbones.pillar_encoder import PillarEncoder
from .models.losses import lovasz_softmax_loss
from .ops import voxel_pool, voxel_pool_prepare
from .ops.numba_rays import passed_voxels


def _pool() -> None:
    rays, origins = torch.ones(1, 1, 1, 2, 3), torch.zeros(1, 1, 3)
    index = voxel_pool_prepare(rays, origins, torch.tensor([0.5, 1.5]), (0, 0, 0), (1, 1, 1), (2, 2, 2))
    depth, feats = torch.ones(1, 1, 2, 1, 2).requires_grad_(), torch.ones(1, 1, 1, 2, 4).requires_grad_()
    voxel_pool(depth, feats, index).sum().backward()


def _encode() -> None:
    encoder = PillarEncoder([0.0, 0.0, 0.0, 2.0, 2.0, 2.0], [1.0, 1.0], channels=4).eval()
    with torch.no_grad():
        encoder([torch.ones(3, 5)])


def _lovasz() -> None:
    lovasz_softmax_loss(torch.zeros(2, 2).requires_grad_(), torch.tensor([0, 1])).backward()


def _pass() -> None:
    passed_voxels(np.zeros(3), np.ones((1, 3)), (0, 0, 0, 2, 2, 2), (2, 2, 2))


#: What to run, by what it is.
WORKLOADS: dict[str, Callable[[], None]] = {
    'voxel pooling': _pool,
    'pillars': _encode,
    'Lovasz': _lovasz,
    'rays': _pass,
}
