"""Depth bins that are even, and those of FlashOcc M2 that widen."""

import pytest
import torch

from projects.occupancy.models import LSSViewTransform
from projects.occupancy.models.depth_bins import bin_depths, bin_numbers
from projects.occupancy.models.losses import depth_bin_targets

RANGE = (1.0, 10.0, 3.0)
"""Three bins; widening ones grow by 3 each: the last begins at 9 m, a metre before the end, and sqrt(9 / 1) is 3."""


def test_depths_of_both_spacings_by_hand():
    assert bin_depths(RANGE, 'even', at=0).tolist() == [1, 4, 7]
    assert bin_depths(RANGE, 'even', at=0.5).tolist() == [2.5, 5.5, 8.5]
    torch.testing.assert_close(bin_depths(RANGE, 'log', at=0), torch.tensor([1.0, 3, 9]))
    torch.testing.assert_close(bin_depths(RANGE, 'log', at=0.5), torch.tensor([1.0, 3, 9]) * 3**0.5)
    with pytest.raises(ValueError, match=r"depth_spacing must be one of .*'odd'"):
        bin_depths(RANGE, 'odd', at=0)


def test_numbers_of_both_spacings_by_hand():
    depth = torch.tensor([0.5, 1, 2.9, 3.1, 5, 8.9, 9.1, 9.9, 10, float('inf')])
    assert bin_numbers(depth, RANGE, 'even').tolist() == [-1, 0, 0, 0, 1, 2, 2, 2, -1, -1]
    assert bin_numbers(depth, RANGE, 'log').tolist() == [-1, 0, 0, 1, 1, 1, 2, 2, -1, -1]
    cells = torch.tensor([[3.5, 0], [0, 9.5]])[None]
    assert depth_bin_targets(cells, RANGE, 1, 'log').tolist() == [[[1, -1], [-1, 2]]]


def test_widening_bins_are_those_of_flashocc():
    """88 bins from 1 m to 44 m: exp(log(1) + i / 87 log(44 / 1))."""
    depths = bin_depths((1.0, 45.0, 0.5), 'log', at=0)
    assert len(depths) == 88
    for i in (0, 1, 40, 87):
        assert depths[i].item() == pytest.approx(44 ** (i / 87), rel=1e-5)


def test_the_middle_of_each_bin_falls_into_it():
    for spacing in ('even', 'log'):
        middle = bin_depths((1.0, 45.0, 0.5), spacing, at=0.5)
        assert bin_numbers(middle[:-1], (1.0, 45.0, 0.5), spacing).tolist() == list(range(87))


def test_a_lift_with_widening_bins_fills_other_cells_than_an_even_one_of_the_same_cameras(make_calibration):
    """Points of the frustum are ranked anew although everything else of the two is the same."""
    calibration, found = make_calibration(1, 2, 32, 64), []
    for spacing in ('even', 'log'):
        view = LSSViewTransform(
            in_channels=4,
            out_channels=1,
            point_cloud_range=[-40.0, -40.0, -1.0, 40.0, 40.0, 5.4],
            grid_size=[200, 200, 1],
            depth_range=(1.0, 45.0, 4.0),
            depth_spacing=spacing,
        )
        depth, context = torch.ones(2, 11, 2, 4), torch.ones(2, 1, 2, 4)
        found.append(view.splat(depth, context, calibration))
    assert not torch.equal(*(feature > 0 for feature in found))
