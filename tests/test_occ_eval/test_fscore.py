"""The F-score by hand, by brute force and by the published code."""

import itertools

import numpy as np
import pytest
from occ_oracles import disturb, make_scene, published_fscore

from projects.occ_eval import OccSpec, occupancy_fscore
from projects.occ_eval.fscore import near_offsets


def grid(*voxels):
    occ = np.full((12, 12, 6), 17, np.uint8)
    for voxel in voxels:
        occ[voxel] = 4
    return occ


def test_scores_worked_out_by_hand():
    # One of two predicted voxels lies one voxel (0.4 m) from the only labelled one, the other far away.
    pred, target = grid((1, 1, 1), (9, 9, 4)), grid((2, 1, 1))
    score = occupancy_fscore(pred, target, threshold=0.5)
    assert score == (2 * 0.5 * 1 / 1.5, 0.5, 1.0)
    assert occupancy_fscore(pred, target, threshold=0.4).fscore == 0.0
    assert occupancy_fscore(target, target).fscore == 1.0


def test_mask_empties_both():
    mask = np.ones((12, 12, 6), bool)
    mask[9, 9, 4] = False
    assert occupancy_fscore(grid((1, 1, 1), (9, 9, 4)), grid((1, 1, 1)), mask) == (1.0, 1.0, 1.0)


def test_empty_frames_score_zero():
    for pred, target in itertools.product((grid(), grid((1, 1, 1))), (grid(), grid((1, 1, 1)))):
        expected = 1.0 if (pred == 4).any() and (target == 4).any() else 0.0
        assert occupancy_fscore(pred, target).fscore == expected


def test_one_voxel_counts_alike_everywhere_unless_the_published_arithmetic_is_asked_for():
    results = {False: set(), True: set()}
    for x, official in itertools.product(range(11), (False, True)):
        score = occupancy_fscore(grid((x, 3, 3)), grid((x + 1, 3, 3)), threshold=0.4, official=official)
        results[official].add(round(score.fscore))
    assert results == {False: {0}, True: {0, 1}}


def test_diagonal_neighbours_of_three_voxels_are_compared_as_integers():
    # 1.2 m is three voxels: 2 ** 2 + 2 ** 2 + 1 ** 2 = 9 is on the limit and does not count, 8 does.
    assert occupancy_fscore(grid((1, 1, 1)), grid((3, 3, 2)), threshold=1.2).fscore == 0
    assert occupancy_fscore(grid((1, 1, 1)), grid((3, 3, 1)), threshold=1.2).fscore == 1


@pytest.mark.parametrize('threshold', [0.3, 0.4, 0.6, 1.0])
def test_official_mode_gives_the_published_numbers(threshold):
    target = make_scene(3)
    pred, mask = disturb(target, 4, share=0.005), np.random.default_rng(5).random(target.shape) < 0.4
    ours = occupancy_fscore(pred, target, mask, threshold, official=True)
    assert ours.fscore == pytest.approx(published_fscore(pred, target, mask, threshold), abs=1e-12)


def test_published_number_of_disjoint_occupancy_is_its_epsilon():
    pred, target, mask = grid((0, 0, 0)), grid((9, 9, 5)), np.ones((12, 12, 6), bool)
    ours = occupancy_fscore(pred, target, mask, 0.4, official=True).fscore
    assert ours == pytest.approx(published_fscore(pred, target, mask, 0.4), rel=1e-12)
    assert 0 < ours < 2e-8


@pytest.mark.parametrize(('threshold', 'count'), [(0.4, 1), (0.41, 7), (0.6, 19), (0.8, 27)])
def test_number_of_neighbours(threshold, count):
    assert len(near_offsets(threshold, 0.4, official=False)) == count


def test_classes_and_voxels_come_from_the_spec():
    spec = OccSpec(('wall', 'free'), ((0, 0, 0), (9, 9, 9)), (0.0, 0.0, 0.0, 8.0, 8.0, 8.0), (10, 10, 10), ('FRONT',))
    pred, target = np.ones((2, 10, 10, 10), np.uint8)
    pred[3, 3, 3] = target[4, 3, 3] = 0  # neighbours, 0.8 m apart
    assert occupancy_fscore(pred, target, threshold=0.8, spec=spec).fscore == 0
    assert occupancy_fscore(pred, target, threshold=0.81, spec=spec).fscore == 1
    with pytest.raises(ValueError, match=r'expected 0\.\.1'):
        occupancy_fscore(pred + 2, target, spec=spec)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match='threshold'):
        occupancy_fscore(grid(), grid(), threshold=0.0)
    with pytest.raises(ValueError, match='one shape'):
        occupancy_fscore(grid(), np.zeros((2, 2, 2), np.uint8))
