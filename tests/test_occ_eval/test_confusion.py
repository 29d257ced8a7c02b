"""Counts equal the published evaluator's, and IoUs those worked out by hand."""

import numpy as np
import pytest
from occ_oracles import disturb, make_scene, published_histogram

from projects.occ_eval import iou_from_confusion, mean_iou, occ_confusion


@pytest.fixture(params=['numba', 'numpy'])
def _backend(request, monkeypatch):
    monkeypatch.setenv('GEODISTILL_NUMBA', '1' if request.param == 'numba' else '0')


@pytest.mark.usefixtures('_backend')
@pytest.mark.parametrize('share', [0.0, 0.05, 0.6, 1.0])
def test_histogram_is_that_of_the_published_evaluator(share):
    target = make_scene(0)
    pred, mask = disturb(target, 1), np.random.default_rng(2).random(target.shape) < share
    np.testing.assert_array_equal(occ_confusion(pred, target, mask), published_histogram(pred, target, mask))


@pytest.mark.usefixtures('_backend')
def test_label_voxels_255_do_not_count():
    target = make_scene(0)
    pred, everything = disturb(target, 1), np.ones(target.shape, bool)
    target[:7, 5:90] = 255
    expected = published_histogram(pred, target, everything)
    np.testing.assert_array_equal(occ_confusion(pred, target, everything), expected)
    np.testing.assert_array_equal(occ_confusion(pred, target), expected)


@pytest.mark.usefixtures('_backend')
def test_sizes_that_are_no_multiple_of_a_word_and_views_count():
    rng = np.random.default_rng(0)
    pred, target = rng.integers(0, 18, (2, 7, 5, 3)).astype(np.uint8)
    expected = published_histogram(pred, target, np.ones(pred.shape, bool))
    np.testing.assert_array_equal(occ_confusion(pred, target), expected)
    np.testing.assert_array_equal(occ_confusion(pred[::-1], target[::-1]), expected)


@pytest.mark.usefixtures('_backend')
def test_wrong_ids_are_named():
    pred, target = np.zeros((2, 4, 2, 2), np.uint8)
    pred[0, 0, 0] = 18
    with pytest.raises(ValueError, match=r'pred holds class ids 0\.\.18, expected 0\.\.17'):
        occ_confusion(pred, target)
    mask = np.ones(pred.shape, bool)
    mask[0, 0, 0] = False
    assert occ_confusion(pred, target, mask)[0, 0] == 15


def test_policies_differ_for_a_class_that_only_the_prediction_has():
    # Label 0 0 1 (free); prediction 0 2 free, so class 0 has 1 of 2, class 2 has 0 of 1 predicted, class 1 is nowhere.
    hist = np.zeros((4, 4), int)
    hist[0, 0] = hist[0, 2] = hist[3, 3] = 1
    np.testing.assert_allclose(iou_from_confusion(hist), [0.5, np.nan, 0, 1])
    np.testing.assert_allclose(iou_from_confusion(hist, 'label'), [0.5, np.nan, np.nan, 1])
    assert mean_iou(hist, 3) == 0.25
    assert mean_iou(hist, 3, 'label') == 0.5
    with pytest.raises(ValueError, match='nan_policy'):
        iou_from_confusion(hist, 'gt')
