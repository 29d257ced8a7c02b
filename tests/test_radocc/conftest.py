"""Fixtures of the RadOcc tests: two samples of a two-camera vehicle."""

import math
from types import SimpleNamespace

import pytest
import torch

GEOMETRY = {
    'type': 'RaySampleGeometry',
    'point_cloud_range': [-4, -4, -1.6, 4, 4, 1.6],
    'grid_size': [20, 20, 8],
    't_range': (0, 6),
    'step': 0.25,
}


class Sample(SimpleNamespace):
    """As much of a data sample as the ray sampler reads."""

    def __contains__(self, name):
        return hasattr(self, name)


def camera_to_ego(yaw, device):
    cos, sin = math.cos(yaw), math.sin(yaw)
    rows = [[sin, 0.0, cos, 0.5 * cos], [-cos, 0.0, sin, 0.5 * sin], [0.0, -1.0, 0.0, 0.3], [0.0, 0.0, 0.0, 1.0]]
    return torch.tensor(rows, device=device)


@pytest.fixture
def make_batch():
    """Inputs and data samples of images of 32 x 48 pixels; render size in the tests is 16 x 24."""

    def make(batch=2, device='cpu', **fields):
        cam2img = torch.tensor([[30.0, 0.0, 23.5], [0.0, 30.0, 15.5], [0.0, 0.0, 1.0]], device=device)
        cam2ego = torch.stack([camera_to_ego(yaw, device) for yaw in (0.0, 2.0)])
        inputs = {
            'cam2img': cam2img.expand(batch, 2, 3, 3).clone(),
            'cam2ego': cam2ego.expand(batch, 2, 4, 4).clone(),
            'bda_mat': torch.eye(4, device=device).expand(batch, 4, 4).clone(),
            'img_aug_matrix': torch.eye(3, device=device).expand(batch, 2, 3, 3).clone(),
        }
        samples = [
            Sample(metainfo={'token': f'token{b}', 'ori_shape': (32, 48)}, **{k: v[b] for k, v in fields.items()})
            for b in range(batch)
        ]
        return inputs, samples

    return make


@pytest.fixture
def geometry():
    """Config of the sample geometry."""
    return dict(GEOMETRY)
