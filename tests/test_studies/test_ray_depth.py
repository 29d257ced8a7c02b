import numpy as np
import pytest
import torch

from projects.radocc import VolumeRenderingConnector
from projects.studies.ray_depth import RayDepthMeter, RayTruth, count_rays, score_rays

GEOMETRY = {
    'type': 'RaySampleGeometry',
    'point_cloud_range': (0.0, -4.0, -4.0, 8.0, 4.0, 4.0),
    'grid_size': (8, 8, 8),
    't_range': (0.0, 8.0),
    'step': 0.5,
    'field': 'voxel',
}
RENDERER = VolumeRenderingConnector('log_odds', geometry=GEOMETRY)


def test_scores_of_five_rays_by_hand():
    truth = np.array([10.0, 10.0, 10.0, 50.0, np.nan, np.nan])
    depths = np.array([12.0, 13.0, 5.0, 1.0, 3.0, 40.0])  # ratios 1.2, 1.3 and 2; the fourth is too far to count
    opacities = np.array([1.0, 1.0, 1.0, 1.0, 0.9, 0.2])
    scores = score_rays(depths, opacities, truth)
    assert scores.within == pytest.approx(100 / 3)
    assert scores.median_error == 3.0
    assert scores.rmse == pytest.approx(((4 + 9 + 25) / 3) ** 0.5)
    assert scores.false_ends == 50.0
    assert count_rays(depths, opacities, truth).tolist() == [1, 3, 1, 2]


def test_no_rays_are_null_in_json():
    assert set(score_rays(*np.empty((3, 0))).as_json().values()) == {None}


class _Sample:
    """A wall of class 1 at x = 5 m, seen by a camera at the middle of the near face that looks along x."""

    metainfo = {'ori_shape': (4, 4)}

    def __init__(self):
        self.gt_occ = torch.full((8, 8, 8), 2, dtype=torch.uint8)
        self.gt_occ[5] = 1


@pytest.fixture
def sample():
    cam2ego = torch.eye(4)
    cam2ego[:3, :3] = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    cam2img = torch.tensor([[[4.0, 0, 1.5], [0, 4.0, 1.5], [0, 0, 1]]])
    return {
        'data_samples': _Sample(),
        'inputs': {'cam2img': cam2img, 'cam2ego': cam2ego[None], 'bda_mat': torch.eye(4)},
    }


def _wall(at_x):
    label = torch.full((8, 8, 8), 2)
    label[at_x] = 1
    return 30.0 * (2.0 * torch.nn.functional.one_hot(label, 3) - 1.0)[None]


def test_rays_end_in_the_wall_of_each_model(sample):
    meter = RayDepthMeter(RayTruth(RENDERER, free_class=2, height=4))
    for name, wall in {'right': _wall(5), 'near': _wall(3)}.items():
        meter.add(name, wall, sample)
        meter.add(name, wall, sample)
    scores = {name: meter.score(name) for name in ('right', 'near')}
    # Voxels end rays at 60 per metre: 1/60 m behind their face.
    assert scores['right'].within == 100.0
    assert scores['right'].median_error == pytest.approx(1 / 60, rel=0.1)
    assert scores['near'].within == 0.0
    assert scores['near'].median_error == pytest.approx(2 - 1 / 60, rel=0.01)
    assert np.isnan(scores['near'].false_ends)  # every ray hits the wall
    assert meter.counts('right').tolist() == [[16, 16, 0, 0]] * 2


def test_ray_through_an_empty_volume_ends_at_the_far_end(sample):
    meter = RayDepthMeter(RayTruth(RENDERER, free_class=2, height=4))
    meter.add('empty', torch.tensor([-20.0, -20.0, 20.0]).expand(1, 8, 8, 8, 3).contiguous(), sample)
    assert meter.score('empty').median_error == pytest.approx(3.0, abs=0.01)


def test_control_is_the_best_of_the_raised_free_logits(sample):
    # In front of a wall at 2 m lie voxels of log-odds 0, a density of log 2 = 0.69 per metre; raised by 1.5 it is
    # log(1 + exp(-1.5)) = 0.20 per metre. Rays end at (1 - exp(-2 s)) / s on average: at 1.08 m, at last at 1.65 m.
    fog = torch.zeros(1, 8, 8, 8, 2)
    fog[:, 2, ..., 0] = 30.0
    sample['data_samples'].gt_occ[:] = 1
    sample['data_samples'].gt_occ[2] = 0
    meter = RayDepthMeter(RayTruth(RENDERER, free_class=1, height=4))
    meter.add('fog', fog, sample)
    meter.add_raised('fog', fog, sample)
    assert meter.score('fog').median_error == pytest.approx(2 - 1.08, rel=0.1)
    assert meter.score('fog + 1.5').median_error == pytest.approx(2 - 1.65, rel=0.1)
    assert (meter.score('fog').within, meter.score('fog + 1.0').within) == (0.0, 0.0)
    assert meter.score(meter.best_raised('fog')).within == 100.0
