"""Label id 255 means "not labelled" in every metric: neither right nor wrong."""

import numba
import numpy as np
import pytest
from occ_oracles import cast_ray, disturb, make_scene, published_fscore, published_rays

from projects.occ_eval import iou_from_confusion, lidar_rays, occ_confusion, occupancy_fscore, ray_counts

ORIGIN = np.array([[0.0, 0.1, 1.0]])


def free(shape=(200, 200, 16)):
    return np.full(shape, 17, np.uint8)


def test_miou_worked_out_by_hand():
    pred = np.array([4, 11, 4, 4, 11], np.uint8).reshape(5, 1, 1)
    target = np.array([4, 4, 255, 17, 255], np.uint8).reshape(5, 1, 1)
    # Car: one right of two labelled, one more in free space: 1 / 3. Driveable surface: only a missed car: 0 / 1.
    iou = iou_from_confusion(occ_confusion(pred, target))
    assert iou[4] == pytest.approx(1 / 3)
    assert iou[11] == 0
    assert np.isnan(np.delete(iou, [4, 11, 17])).all()


def test_fscore_worked_out_by_hand():
    pred, target = free((9, 9, 9)), free((9, 9, 9))
    pred[1, 1, 1] = target[1, 1, 1] = 4
    pred[7, 7, 7] = 4
    assert occupancy_fscore(pred, target).precision == 0.5
    target[7, 7, 7] = 255  # nobody knows, so the prediction there is not wrong
    assert occupancy_fscore(pred, target) == (1.0, 1.0, 1.0)
    target[7, 7, 6] = 255  # and it is no labelled matter that a prediction could miss
    assert occupancy_fscore(pred, target).recall == 1.0


@pytest.mark.parametrize('official', [True, False])
def test_fscore_is_that_of_a_mask_without_the_unlabelled_voxels(official):
    target, rng = make_scene(3), np.random.default_rng(5)
    pred, mask = disturb(target, 4, share=0.005), rng.random(target.shape) < 0.4
    unlabelled = rng.random(target.shape) < 0.2
    masked = occupancy_fscore(pred, target, mask & ~unlabelled, official=official)
    target = np.where(unlabelled, 255, target).astype(np.uint8)
    assert occupancy_fscore(pred, target, mask, official=official) == masked
    if official:
        expected = published_fscore(pred, target, mask & ~unlabelled, 0.4)
        assert masked.fscore == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ('unlabelled', 'counted'), [(None, 1), (105, 0), (110, 0), (115, 1)], ids=['none', 'in front', 'the hit', 'behind']
)
def test_a_ray_that_meets_an_unlabelled_voxel_first_does_not_count(unlabelled, counted):
    target, pred = free(), free()
    target[110] = pred[110] = 15
    if unlabelled is not None:
        target[unlabelled] = 255
    counts = ray_counts(pred, target, ORIGIN, rays=np.array([[1, 0, 0]], np.float32))
    assert counts[:, 15].tolist() == [counted] * 5
    assert counts.sum() == 5 * counted


def test_ray_counts_equal_the_literal_port_without_the_rays_that_end_in_unlabelled_voxels():
    target, rng = make_scene(0), np.random.default_rng(1)
    pred = disturb(target, 1)
    target[rng.random(target.shape) < 0.3] = 255
    rays, cast = lidar_rays()[::7], numba.njit(cast_ray)
    (pred_label, pred_dist), (label, dist) = (published_rays(s, rays, ORIGIN, cast) for s in (pred, target))
    keep = (label != 17) & (label != 255)
    assert (label == 255).sum() > 100
    expected = np.zeros((5, 17), int)
    for p, t, error in zip(pred_label[keep], label[keep], np.abs(pred_dist - dist)[keep]):
        expected[3, t] += 1
        if p != 17:
            expected[4, p] += 1
        for row, metres in enumerate((1, 2, 4)):
            expected[row, t] += p == t and error < metres
    np.testing.assert_array_equal(ray_counts(pred, target, ORIGIN, rays=rays), expected)


@pytest.mark.parametrize('score', [occupancy_fscore, lambda p, t: ray_counts(p, t, ORIGIN)])
def test_a_prediction_of_255_and_other_ids_are_refused(score):
    wrong = free()
    wrong[3, 3, 3] = 255
    with pytest.raises(ValueError, match=r'pred holds class ids \[255\], expected 0\.\.17$'):
        score(wrong, free())
    wrong[3, 3, 3] = 18
    with pytest.raises(ValueError, match=r'target holds class ids \[18\], expected 0\.\.17 and 255'):
        score(free(), wrong)
