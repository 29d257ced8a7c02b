"""Lidarseg by hand and against the table of the nuScenes devkit."""

import numpy as np
import pytest

from projects.occ_eval import labels_at_points, lidarseg_confusion, lidarseg_iou, lidarseg_miou
from projects.occ_eval.classes import LIDARSEG_CLASSES, LIDARSEG_FROM_FINE


def ids(*values):
    return np.array(values, np.uint8)


def test_categories_map_as_in_the_devkit():
    from nuscenes.eval.lidarseg.utils import LidarsegClassMapper
    from nuscenes.utils.color_map import get_colormap

    mapper = LidarsegClassMapper.__new__(LidarsegClassMapper)
    mapper.ignore_class = mapper.get_ignore_class()
    to_coarse = mapper.get_fine2coarse()
    coarse = [to_coarse[name] for name in get_colormap()]  # in the order of the ids
    assert [LIDARSEG_CLASSES[i] for i in LIDARSEG_FROM_FINE] == coarse


def test_scores_worked_out_by_hand():
    # Challenge ids. The ignored point does not count, whatever is predicted; class 4: 1 of 2 + 1 - 1, class 7: 1 of 1,
    # class 11: 0 of 1 predicted; the prediction of 0 is an error.
    hist = lidarseg_confusion(ids(3, 4, 0, 7, 11), ids(0, 4, 4, 7, 4))
    iou = lidarseg_iou(hist)
    assert iou[3] == pytest.approx(1 / 3)
    assert iou[6] == 1
    assert iou[10] == 0
    assert np.isnan(iou[2])
    assert lidarseg_miou(hist) == pytest.approx((1 / 3 + 1 + 0) / 3)


def test_categories_of_label_files_are_recognised_and_merged():
    # car 17 -> 4, adult 2 and child 3 -> 7, driveable surface 24 -> 11, ego vehicle 31 -> ignored.
    fine = lidarseg_confusion(ids(4, 7, 7, 11, 5), ids(17, 2, 3, 24, 31))
    coarse = lidarseg_confusion(ids(4, 7, 7, 11, 5), ids(4, 7, 7, 11, 0))
    np.testing.assert_array_equal(lidarseg_iou(fine), lidarseg_iou(coarse))
    np.testing.assert_array_equal(lidarseg_iou(fine), lidarseg_iou(fine, 'fine'))
    assert lidarseg_miou(fine) == 1
    with pytest.raises(ValueError, match='above 16'):
        lidarseg_iou(fine, 'challenge')
    with pytest.raises(ValueError, match='label_ids'):
        lidarseg_iou(fine, 'coarse')


def test_bad_labels_are_refused():
    with pytest.raises(ValueError, match='2 predicted labels for 3 points'):
        lidarseg_confusion(ids(1, 2), ids(1, 2, 3))
    with pytest.raises(ValueError, match='prediction holds id 17'):
        lidarseg_confusion(ids(17), ids(1))
    with pytest.raises(ValueError, match='label holds id 32'):
        lidarseg_confusion(ids(1), ids(32))


def test_points_get_the_class_of_their_voxel():
    occ = np.full((200, 200, 16), 17, np.uint8)
    occ[100, 100, 2] = 4
    occ[0, 0, 0] = 11
    points = [[0.1, 0.1, 0.0], [0.1, 0.1, 0.3], [-39.9, -39.99, -0.9], [-40.1, -40, -1], [np.nan, 0, 0], [40, 0, 0]]
    assert labels_at_points(occ, np.array(points)).tolist() == [4, 0, 11, 0, 0, 0]
