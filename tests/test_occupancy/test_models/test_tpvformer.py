"""Three planes of queries: where their pillars lie, what they read of each other, and how they make voxels."""

import pytest
import torch
from mmdet3d.registry import MODELS

from projects.occupancy.models.view_transforms.deformable_attention import DeformableAttention
from projects.occupancy.models.view_transforms.tpvformer import anchors_of_plane, points_of_plane

RANGE = (-40.0, -40.0, -1.0, 40.0, 40.0, 5.4)
ABOVE, SIDE, FRONT = range(3)


def test_pillars_of_each_plane_run_along_the_axis_that_it_lacks():
    """Box of 4 x 2 x 3 m with 2 x 2 x 3 cells: of 2, 1 and 1 m."""
    box, grid = (0.0, 0.0, 0.0, 4.0, 2.0, 3.0), (2, 2, 3)
    above = points_of_plane(box, grid, ABOVE, 1)
    assert above[:, 0].tolist() == [[1, 0.5, 1.5], [3, 0.5, 1.5], [1, 1.5, 1.5], [3, 1.5, 1.5]]
    side = points_of_plane(box, grid, SIDE, 2)  # rows of z, columns of x, pillars along y
    assert side.shape == (6, 2, 3)
    assert side[1].tolist() == [[3, 0.5, 0.5], [3, 1.5, 0.5]]
    assert side[4].tolist() == [[1, 0.5, 2.5], [1, 1.5, 2.5]]
    front = points_of_plane(box, grid, FRONT, 2)  # rows of z, columns of y, pillars along x
    assert front[3].tolist() == [[1, 1.5, 1.5], [3, 1.5, 1.5]]


def test_a_pillar_lies_on_one_place_of_its_own_plane_and_on_a_line_of_the_others():
    """Cell (x 1, z 0) of 2 x 2 x 4 cells: x at 0.75, z at 0.125, two points along y."""
    anchors = anchors_of_plane((2, 2, 4), SIDE, 2)
    assert anchors.shape == (1, 8, 3, 2, 2)
    assert anchors[0, 1, ABOVE].tolist() == [[0.75, 0.25], [0.75, 0.75]]
    assert anchors[0, 1, SIDE].tolist() == [[0.75, 0.125], [0.75, 0.125]]
    assert anchors[0, 1, FRONT].tolist() == [[0.25, 0.125], [0.75, 0.125]]


def test_each_map_is_read_at_its_own_place():
    """One point, right of its anchor by one cell: map 0 is read in (row 1, column 2), map 1 in (row 0, column 1)."""
    attention = DeformableAttention(4, 1, 2, 1)
    with torch.no_grad():
        attention.value_proj.weight.copy_(torch.eye(4))
    maps = [torch.arange(9.0).view(3, 3), 100 + torch.arange(4.0).view(2, 2)]
    value = torch.cat([found.flatten() for found in maps])[None, :, None].expand(-1, -1, 4)
    anchors = torch.tensor([[0.5, 0.5], [0.25, 0.25]]).view(1, 1, 2, 1, 2)
    found = attention(torch.randn(1, 1, 4), value, [(3, 3), (2, 2)], anchors)
    assert found[0, 0].tolist() == pytest.approx([(5 + 101) / 2] * 4)


def encoder_of(**changes):
    cfg = {
        'type': 'TPVFormerEncoder', 'embed_dims': 8, 'point_cloud_range': RANGE, 'grid_size': [10, 6, 2],
        'num_layers': 1, 'num_plane_layers': 0, 'num_levels': 1, 'num_heights': [2, 4, 4], 'num_points': [2, 4, 4],
        'num_heads': 2, 'plane_heights': 2, 'plane_points': 2, 'dropout': 0.0,
    }  # fmt: skip
    return MODELS.build({**cfg, **changes}).eval()


def scene(make_calibration, N=6):
    torch.manual_seed(3)
    return {**make_calibration(1, N, 32, 64), 'imgs': torch.zeros(1, N, 3, 32, 64)}, torch.randn(1, N, 8, 4, 8)


def test_a_voxel_is_the_sum_of_its_three_cells(make_calibration):
    encoder, (inputs, feats) = encoder_of(num_layers=0), scene(make_calibration)
    with torch.no_grad():
        voxels = encoder([feats], inputs)[0]
    above, side, front = (embed.weight for embed in encoder.query_embed)
    assert voxels.shape == (8, 10, 6, 2)
    for x, y, z in ((0, 0, 0), (9, 5, 1), (3, 4, 0), (7, 1, 1)):
        expected = above[10 * y + x] + side[10 * z + x] + front[6 * z + y]
        assert torch.allclose(voxels[:, x, y, z], expected)


def seen_voxels(views, camera):
    """Voxels of which at least one of the three cells is seen by a camera; slow."""
    cells = [set(view.rows[0, camera][view.valid[0, camera]].tolist()) for view in views]
    seen = torch.zeros(10, 6, 2, dtype=torch.bool)
    for x, y, z in torch.cartesian_prod(torch.arange(10), torch.arange(6), torch.arange(2)).tolist():
        seen[x, y, z] = 10 * y + x in cells[0] or 10 * z + x in cells[1] or 6 * z + y in cells[2]
    return seen


def test_a_camera_changes_the_voxels_whose_cells_it_sees_and_no_other(make_calibration):
    encoder, (inputs, feats) = encoder_of(), scene(make_calibration)
    views = encoder.find(inputs)
    some = 0
    with torch.no_grad():
        before = encoder([feats], inputs)[0]
        for camera in range(6):
            other = feats.clone()
            other[0, camera] += 5 * torch.randn(8, 4, 8)
            changed = (encoder([other], inputs)[0] != before).any(0)
            seen = seen_voxels(views, camera)
            assert not changed[~seen].any()
            assert changed[seen].float().mean() > 0.8
            some += int((~seen).sum())
    assert some > 50


def test_planes_read_each_other_around_the_points_of_their_pillars(make_calibration):
    """Fresh heads look one cell right and left. Pillars of the side meet the plane from above in rows 1 and 4, those of
    the front in columns 2 and 7: its cell (x 3, y 1) is read by the sides x = 2 and 4, by the front y = 1, and by its
    neighbours.
    """
    encoder, (inputs, feats) = encoder_of(num_layers=0, num_plane_layers=1), scene(make_calibration)
    with torch.no_grad():
        before = encoder([feats], inputs)[0]
        encoder.query_embed[ABOVE].weight[10 * 1 + 3] += 1.0
        changed = (encoder([feats], inputs)[0] - before).abs().amax(0) > 1e-6
    expected = torch.zeros(10, 6, 2, dtype=torch.bool)
    expected[[2, 4]] = expected[:, 1] = True
    assert torch.equal(changed, expected)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'grid_size': [10, 10]}, 'grid_size must be three'),
        ({'num_heights': [2, 4]}, 'num_heights and num_points need 3 values'),
        ({'num_points': [3, 4, 4]}, 'num_points=3 must be a multiple of the 2 points of a pillar'),
        ({'embed_dims': 7, 'num_heads': 1}, 'embed_dims must be even'),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        encoder_of(**changes)


def test_feature_maps_of_another_width_are_named(make_calibration):
    encoder, (inputs, feats) = encoder_of(), scene(make_calibration)
    with pytest.raises(ValueError, match=r'TPVFormerEncoder expects 1 feature maps of 8 channels, got 1 of \[4\]'):
        encoder([feats[:, :, :4]], inputs)
