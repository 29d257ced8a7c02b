import numpy as np
import pytest
import torch
from mmengine.config import Config

from projects.radocc import VolumeRenderingConnector
from projects.rendering import RenderedView
from projects.studies.renders import (
    FINE_BINS,
    build_renderer,
    camera_rays,
    choose_rays,
    edges,
    label_view,
    render_views,
)

RADOCC = 'configs/radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive.py'


def _renderer(**fields):
    grid = {'point_cloud_range': (0.0, -4.0, -4.0, 8.0, 4.0, 4.0), 'grid_size': (8, 8, 8)}
    geometry = {'type': 'RaySampleGeometry', **grid, 't_range': (0.0, 8.0), **fields}
    return VolumeRenderingConnector('log_odds', geometry=geometry)


GRID = _renderer().geometry.grid


class _Data:
    metainfo = {'ori_shape': (3, 3)}


def _forward_camera():
    """Sample of a camera at the middle of the near face that looks along x; 3 x 3 pixels, 90 degrees."""
    cam2img = torch.tensor([[[1.5, 0, 1.0], [0, 1.5, 1.0], [0, 0, 1]]])
    cam2ego = torch.eye(4)
    cam2ego[:3, :3] = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    inputs = {'cam2img': cam2img, 'cam2ego': cam2ego[None], 'bda_mat': torch.eye(4)}
    return {'inputs': inputs, 'data_samples': _Data()}


def _wall(at_x):
    label = np.full((8, 8, 8), 2, np.uint8)
    label[at_x] = 1
    return label


def _logits(label):
    return 20.0 * (2.0 * torch.nn.functional.one_hot(torch.from_numpy(label).long(), 3) - 1.0)[None]


def test_wall_is_seen_at_its_distance_in_label_and_render():
    rays = camera_rays(_forward_camera(), 0, 3)
    truth = label_view(_wall(5), 2, *rays, GRID)
    assert np.allclose(truth.depths, 5.0)
    assert (truth.semantics == 1).all()

    logits = _logits(_wall(5))
    view = render_views({'wall': logits}, *rays, _renderer(step=0.05))['wall']
    # Between the voxel centres at 4.5 m (free) and 5.5 m the interpolated free logit changes sign at 5 m.
    assert np.abs(view.depths - 5.0).max() < 0.3
    assert (view.semantics == 1).all()
    assert view.weights.shape == (3, 3, 160)


@pytest.mark.parametrize(('field', 'depth'), [('voxel', 5 + 1 / 40), ('trilinear', 5 + 0.14)])
def test_pictures_render_the_field_that_the_config_trains(tmp_path, field, depth):
    """A wall from 5 m on, whose voxels have the log-odds 40 of being occupied, behind free space.

    Voxels of constant density 40 per metre end rays 1/40 m behind the face on average. Interpolated, the log-odds are
    zero at the face and grow by 80 per metre: rays end at sqrt(pi / (2 * 80)) = 0.14 m behind it.
    """
    path = tmp_path / 'radocc.py'
    grid = 'point_cloud_range=(0, -4, -4, 8, 4, 4), grid_size=(8, 8, 8), t_range=(0, 8)'
    path.write_text(
        f"geometry = dict(type='RaySampleGeometry', {grid}, step=0.5, field={field!r})\n"
        "rendered = dict(type='VolumeRenderingConnector', density='log_odds')\n"
        'model = dict(shared=dict(rays=dict(geometry=geometry)), connectors=dict(rendered=rendered))\n'
    )
    rays = camera_rays(_forward_camera(), 0, 3)
    view = render_views({'wall': _logits(_wall(5))}, *rays, build_renderer(path, {'step': 0.01}))['wall']
    assert view.depths[1, 1] == pytest.approx(depth, abs=0.01)


def test_pictures_of_the_small_config_have_its_field_and_density_but_finer_bins(repo):
    model = Config.fromfile(repo / RADOCC).model
    renderer = build_renderer(repo / RADOCC, FINE_BINS)
    assert renderer.geometry.field == model.shared.rays.geometry.field == 'voxel'
    assert renderer.density == model.connectors.rendered.density == 'log_odds'
    assert len(edges(renderer)[0]) == 287
    assert len(edges(build_renderer(repo / RADOCC))[0]) == 120


def test_a_ray_that_meets_an_unlabelled_voxel_has_no_true_depth():
    label = _wall(5)
    label[3, :, 4:] = 255  # the upper half of the view
    view = label_view(label, 2, *camera_rays(_forward_camera(), 0, 3), GRID)
    assert np.isinf(view.depths[0]).all()
    assert (view.semantics[0] == 2).all()
    assert np.allclose(view.depths[2], 5.0)
    assert (view.semantics[2] == 1).all()


def test_empty_volume_hits_nothing():
    rays = camera_rays(_forward_camera(), 0, 3)
    free = torch.tensor([-20.0, -20.0, 20.0]).expand(1, 8, 8, 8, 3).contiguous()
    view = render_views({'free': free}, *rays, _renderer(step=0.5))['free']
    assert np.isnan(view.depths).all()
    assert (view.semantics == 2).all()


def _view(weights):
    weights = np.asarray(weights, np.float32)[None]
    depths = (weights * np.array([5.0, 10.0, 15.0])).sum(-1)
    return RenderedView(depths, np.zeros_like(depths, dtype=int), weights)


def test_chosen_rays_agree_in_depth_and_differ_in_distribution():
    sharp, spread = [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]
    off = [1.0, 0.0, 0.0]
    columns = 16
    teacher = _view([sharp] * columns)
    # Column 3: same mean depth, other distribution. Column 12: another depth altogether. All others are equal.
    baseline = _view([spread if i == 3 else off if i == 12 else sharp for i in range(columns)])
    chosen = choose_rays(teacher, baseline, _view([sharp] * columns))
    assert (chosen[0].column, chosen[0].reason) == (3, 'depths agree, distributions differ most')
    assert 12 not in [ray.column for ray in chosen]
    assert len(chosen) == 4


def test_no_ray_is_chosen_where_the_label_is_empty():
    nothing = RenderedView(np.full((1, 4), np.nan), np.zeros((1, 4), int), np.zeros((1, 4, 0), np.float32))
    sharp = _view([[0.0, 1.0, 0.0]] * 4)
    assert choose_rays(sharp, sharp, nothing) == []
