"""Masks become segments: thresholds, suppression and the order of painting, worked out by hand."""

import numpy as np
import torch

from projects.segments.masks import distinct_masks, good_masks, mask_boxes, paint_masks, stability_scores


def rectangle(top, left, bottom, right):
    mask = np.zeros((4, 6), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_smallest_mask_lies_on_top_whatever_its_place_in_the_list():
    small, large, medium = rectangle(1, 1, 2, 3), rectangle(0, 0, 4, 4), rectangle(0, 2, 2, 6)  # 2, 16 and 8 pixels
    expected = [
        [2, 2, 3, 3, 3, 3],
        [2, 1, 1, 3, 3, 3],
        [2, 2, 2, 2, 0, 0],
        [2, 2, 2, 2, 0, 0],
    ]
    np.testing.assert_array_equal(paint_masks(np.stack([small, large, medium])), expected)


def test_equal_masks_and_no_masks_are_painted():
    twice = np.stack([rectangle(0, 0, 1, 1)] * 2)
    assert paint_masks(twice)[0, 0] == 2  # the first is covered
    np.testing.assert_array_equal(paint_masks(np.zeros((0, 4, 6), bool)), np.zeros((4, 6)))


def test_stability_is_the_iou_of_two_thresholds():
    logits = torch.tensor([[[2.0, 2.0, 0.5, -0.5, -3.0]], [[9.0, 9.0, -9.0, -9.0, -9.0]], [[-9.0] * 5]])
    # Above 1: two pixels, above -1: four. Then two of two, and none of none.
    assert stability_scores(logits).tolist() == [0.5, 1.0, 0.0]


def test_a_box_ends_after_the_last_pixel_and_an_empty_one_is_zero():
    masks = np.stack([rectangle(1, 2, 3, 5), rectangle(0, 0, 4, 6), rectangle(0, 0, 0, 0)])
    assert mask_boxes(torch.from_numpy(masks)).tolist() == [[2, 1, 5, 3], [0, 0, 6, 4], [0, 0, 0, 0]]


def test_masks_need_score_stability_and_pixels():
    sure, unsure, empty = torch.full((1, 4), 9.0), torch.tensor([[9.0, 0.5, 0.5, 0.5]]), torch.full((1, 4), -9.0)
    logits = torch.stack([sure, sure, unsure, empty])
    scores = torch.tensor([0.95, 0.88, 0.95, 0.99])
    assert good_masks(logits, scores, 0.88, 0.95).tolist() == [0]
    assert good_masks(logits, scores, 0.5, 0.25).tolist() == [0, 1, 2]  # one pixel of four is above 1
    assert good_masks(logits, scores, 0.5, 0.0).tolist() == [0, 1, 2]


def test_of_two_boxes_that_overlap_too_much_the_better_stays():
    # Boxes of 4 x 4 and 4 x 3 pixels: IoU 12 / 16. The third touches neither.
    masks = torch.from_numpy(np.stack([rectangle(0, 0, 4, 4), rectangle(0, 0, 4, 3), rectangle(0, 4, 4, 6)]))
    scores = torch.tensor([0.90, 0.95, 0.89])
    assert distinct_masks(masks, scores, 0.7).tolist() == [1, 2]
    assert distinct_masks(masks, scores, 0.8).tolist() == [1, 0, 2]
    assert distinct_masks(masks[:0], scores[:0], 0.7).tolist() == []
