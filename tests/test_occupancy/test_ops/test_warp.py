"""A feature of a former keyframe lies where it stood after the warp."""

import numpy as np
import pytest
import torch

from projects.occupancy.classes import OCC3D
from projects.occupancy.datasets import Occ3DNuScenesDataset
from projects.occupancy.datasets.transforms import load_occ_label
from projects.occupancy.ops import warp_to_key

BOX = (-40.0, -40.0, -1.0, 40.0, 40.0, 5.4)


def pose(x=0.0, y=0.0, z=0.0, degrees=0.0):
    matrix, angle = torch.eye(4, dtype=torch.float64), np.deg2rad(degrees)
    matrix[:2, :2] = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix[:3, 3] = torch.tensor([x, y, z])
    return matrix


def moved(shape, cell, ego2key, box=BOX):
    """Cells that are not 0, with their values, after the warp of a 1 in one cell; (x, y) or (x, y, z)."""
    bev = len(shape) == 2
    feature = torch.zeros(shape)
    feature[cell] = 1
    out = warp_to_key((feature.T if bev else feature)[None, None], ego2key[None], box)[0, 0]
    out = out.T if bev else out
    return {
        tuple(place): pytest.approx(out[tuple(place)].item(), abs=1e-4) for place in (out > 1e-4).nonzero().tolist()
    }


def test_a_drive_by_whole_cells_moves_cells_exactly():
    """Cells of 0.8 m: 4 m are five cells; in z cells of 0.8 m as well, of which 1.6 m are two."""
    feature = torch.randn(2, 3, 100, 100)
    out = warp_to_key(feature, pose(x=-4.0, y=2.4).expand(2, 4, 4), BOX)
    torch.testing.assert_close(out[:, :, 3:, :-5], feature[:, :, :-3, 5:], atol=2e-4, rtol=0)
    assert out[:, :, :3].abs().max() < 2e-4
    assert out[:, :, :, -5:].abs().max() < 2e-4
    voxels = torch.randn(1, 2, 100, 100, 8)
    out = warp_to_key(voxels, pose(x=-4.0, y=2.4, z=1.6)[None], BOX)
    torch.testing.assert_close(out[:, :, :-5, 3:, 2:], voxels[:, :, 5:, :-3, :-2], atol=2e-4, rtol=0)
    assert out[..., :2].abs().max() < 2e-4


def test_a_quarter_turn_is_exact():
    """The car has turned left: what was ahead of it (x) is on its right (-y)."""
    feature = torch.randn(1, 2, 100, 100)
    out = warp_to_key(feature, pose(degrees=-90)[None], BOX)
    torch.testing.assert_close(out, feature.transpose(2, 3).flip(2), atol=2e-4, rtol=0)
    voxels = torch.randn(1, 2, 100, 100, 8)
    out = warp_to_key(voxels, pose(degrees=-90)[None], BOX)
    torch.testing.assert_close(out, voxels.transpose(2, 3).flip(3), atol=2e-4, rtol=0)


def test_between_cells_a_feature_is_shared_by_its_distance():
    """5 m are 6.25 cells of 0.8 m, and 0.2 m upwards a quarter of one."""
    assert moved((100, 100), (70, 20), pose(x=-5.0)) == {(64, 20): 0.75, (63, 20): 0.25}
    assert moved((100, 100, 8), (70, 20, 3), pose(z=0.2)) == {(70, 20, 3): 0.75, (70, 20, 4): 0.25}
    assert moved((100, 100), (70, 20), pose(x=-60.0)) == {}


def test_a_box_with_other_sides_is_warped_in_metres():
    """Four cells of 4 m from 0 along x, eight of 2 m from -8 along y: the centre of the cell (1, 5) is (6, 3).

    Turned right by 90 degrees it is at (3, -6), a quarter of 4 m from column 1 (6) to column 0 (2) - and row 0 (-7) and
    1 (-5). Read backwards, the centre (2, y) of a cell of column 0 was at (-y, 2), half way between rows 4 and 5; for
    the rows 0, 1 and 2 its x was 7, 5 and 3: 1, 1 and 3 m from the centre of column 1.
    """
    box, shape, cell = (0.0, -8.0, -1.0, 16.0, 8.0, 5.4), (4, 8), (1, 5)
    assert moved(shape, cell, pose(4.0, -2.0), box) == {(2, 4): 1}
    expected = {(0, 0): 0.5 * 0.75, (0, 1): 0.5 * 0.75, (0, 2): 0.5 * 0.25}
    assert moved(shape, cell, pose(degrees=-90), box) == expected


def test_there_and_back_is_the_inverse_up_to_interpolation():
    smooth = torch.nn.functional.interpolate(torch.randn(1, 1, 6, 6), size=(60, 60), mode='bicubic')
    way = pose(3.3, -1.7, degrees=20)
    back = warp_to_key(warp_to_key(smooth, way[None], BOX), torch.linalg.inv(way)[None], BOX)
    inside = slice(20, 40)
    assert (back - smooth)[:, :, inside, inside].abs().mean() < 0.02 * smooth.abs().mean()


def test_gradients_reach_the_feature_and_half_precision_is_kept():
    feature = torch.randn(1, 2, 10, 10, requires_grad=True)
    with torch.autocast('cpu', torch.bfloat16):
        out = warp_to_key(feature, pose(8.0)[None], BOX)
    out.sum().backward()
    torch.testing.assert_close(feature.grad[0, 0, 0], torch.tensor([1.0] * 9 + [0.0]), atol=1e-4, rtol=0)
    assert warp_to_key(feature.bfloat16(), pose()[None], BOX).dtype == torch.bfloat16
    with pytest.raises(ValueError, match=r'feature must be \(B, C, Y, X\)'):
        warp_to_key(feature[0], pose()[None], BOX)


def standing(frame):
    """Voxels of a keyframe that hold what stands still, as a feature (1, 1, X, Y, Z)."""
    label = load_occ_label(frame['occ_path'], OCC3D.grid_size, len(OCC3D.classes))
    classes = [OCC3D.classes.index(name) for name in ('manmade', 'vegetation')]
    found = torch.from_numpy(np.isin(label['gt_occ'], classes)).float()
    return found[None, None]


def test_what_stands_still_in_a_driven_scene_falls_on_itself_to_a_fraction_of_a_voxel(
    minidrive_root, tmp_path, converter_class
):
    """Buildings and trees of the former label, warped: the best shift along x and y is below a fifth of a voxel."""
    converter_class(str(minidrive_root), 'v1.0-minidrive', str(tmp_path), workers=1).run()
    path = str(tmp_path / 'occ3d-nus_infos_train.pkl')
    dataset = Occ3DNuScenesDataset(path, data_root=str(minidrive_root), history=1)
    pairs = [(info, info['history'][0]) for info in map(dataset.get_data_info, range(len(dataset)))]
    driven = [pair for pair in pairs if np.linalg.norm(pair[1]['ego2key'][:2, 3]) > 1]
    assert len(driven) >= 2

    def overlap(first, second):
        return ((first * second).sum() / (first.sum() * second.sum()).sqrt()).item()

    for key, former in driven:
        there, here = standing(former), standing(key)
        warped = warp_to_key(there, torch.from_numpy(former['ego2key'])[None], OCC3D.point_cloud_range)
        for axis in (2, 3):
            behind, fit, ahead = (overlap(warped.roll(shift, axis), here) for shift in (-1, 0, 1))
            assert abs(0.5 * (behind - ahead) / (behind - 2 * fit + ahead)) < 0.2  # peak of the parabola through them
        assert overlap(warped, here) > 1.5 * overlap(there, here)
