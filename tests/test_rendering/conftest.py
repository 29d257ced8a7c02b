"""Fixtures of the rendering tests: back ends, a small scene, and the real keyframe with a real label."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from projects.rendering import VoxelGrid

CAMERAS = ('CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK', 'CAM_BACK_RIGHT')


@pytest.fixture(params=['numba', 'torch'])
def backend(request, monkeypatch):
    """Run the test with the numba kernels and with pure torch."""
    if request.param == 'numba':
        pytest.importorskip('numba')
    monkeypatch.setenv('GEODISTILL_NUMBA', '1' if request.param == 'numba' else '0')
    return request.param


@pytest.fixture
def small_grid():
    """6 x 5 x 4 voxels of different edge lengths, not centred."""
    return VoxelGrid([-3.0, -2.0, -1.0, 3.0, 3.0, 1.0], [6, 5, 4])


@pytest.fixture
def make_rays():
    """Random rays from inside and outside the box, some parallel to an axis. Shape (B, R, 3)."""

    def make(batch, num_rays, seed=0, dtype=torch.float32):
        generator = torch.Generator().manual_seed(seed)
        rays_o = torch.randn(batch, num_rays, 3, generator=generator, dtype=dtype) * 1.5
        rays_d = torch.randn(batch, num_rays, 3, generator=generator, dtype=dtype)
        rays_d[:, ::5, 0] = 0
        rays_d[:, ::7, 2] = 0
        return rays_o, rays_d

    return make


class _InfoUnpickler(pickle.Unpickler):
    _allowed = frozenset({('numpy.core.multiarray', 'scalar'), ('numpy', 'dtype'), ('_codecs', 'encode')})

    def find_class(self, module, name):
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f'{module}.{name} is not allowed in an info file')
        return super().find_class(module, name)


@pytest.fixture(scope='session')
def real_scene():
    """Real Occ3D label and the cameras of a real keyframe: semantics, cam2img (6, 3, 3) and cam2ego (6, 4, 4)."""
    root = os.environ.get('GEODISTILL_REALDATA')
    if not root:
        pytest.skip('GEODISTILL_REALDATA is not set')
    info_path = next((Path(root) / 'nuscenes_keyframe').glob('*.pkl'))
    with info_path.open('rb') as file:
        info = _InfoUnpickler(file).load()['data_list'][0]
    lidar2ego = np.array(info['lidar_points']['lidar2ego'])
    cameras = [info['images'][name] for name in CAMERAS]
    cam2ego = np.stack([lidar2ego @ np.linalg.inv(np.array(camera['lidar2cam'])) for camera in cameras])
    cam2img = np.stack([np.array(camera['cam2img']) for camera in cameras])
    semantics = np.load(Path(root) / 'occ3d_label' / 'labels.npz')['semantics']
    return torch.from_numpy(semantics).long(), torch.from_numpy(cam2img), torch.from_numpy(cam2ego)
