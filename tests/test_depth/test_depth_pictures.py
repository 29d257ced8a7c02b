"""Pictures of depth: colours, points over images, panels of predictions and of inputs."""

import numpy as np
import pytest
import torch

from projects.depth.pictures import draw_depth_inputs
from projects.depth.structures import DepthDataSample
from projects.depth.visualization import colour_depth, colour_error, draw_map, overlay_points, paint_points
from projects.engine import draw_prediction


def test_pixels_without_truth_have_a_colour_of_their_own():
    colours = colour_depth(np.array([[0.0, 3.0, 80.0]]))
    assert colours[0, 0].tolist() == [0, 0, 0]
    assert colours[0, 1].tolist() != colours[0, 2].tolist()
    assert colour_error(np.zeros((1, 2)), np.array([[True, False]]))[0, 1].tolist() == [89, 89, 89]


def test_painted_squares_are_cut_at_the_border_and_the_last_one_is_on_top():
    pixels = np.array([[0, 0], [3, 1], [4, 1], [-2, 0], [9, 9]])
    colours = np.repeat(np.arange(1, 6, dtype=np.uint8)[:, None], 3, 1)
    picture = paint_points(np.zeros((4, 6, 3), np.uint8), pixels, colours)[..., 0]
    assert picture.tolist() == [[1, 1, 2, 3, 3, 3], [1, 1, 2, 3, 3, 3], [0, 0, 2, 3, 3, 3], [0, 0, 0, 0, 0, 0]]


def test_points_are_drawn_at_the_centre_of_their_pixel_near_ones_on_top():
    """Pixel (1, 0) of an image of 4 x 2 is centred at (4, 1) when the image is three times as large."""
    image = np.full((2, 4, 3), 100, np.uint8)
    colours = np.array([[255, 0, 0], [0, 255, 0]], np.uint8)
    picture = overlay_points(image, np.array([[1, 0], [1, 0]]), np.array([5.0, 9.0]), colours, 12)
    assert picture.shape == (6, 12, 3)
    red = (picture == (255, 0, 0)).all(2)
    assert sorted(zip(*np.nonzero(red))) == [(row, column) for row in (0, 1, 2) for column in (3, 4, 5)]
    assert (picture[~red] == 50).all()  # the image, dimmed


def test_sparse_maps_are_points_over_the_image_and_dense_ones_areas():
    image, depth = np.full((10, 20, 3), 100, np.uint8), np.zeros((10, 20))
    depth[4, 6] = 10.0
    sparse = draw_map(image, depth, colour_depth(depth), 20)
    assert (sparse == colour_depth(depth)[4, 6]).all(2).sum() == 9
    assert (sparse == 50).all(2).sum() == 200 - 9
    dense = draw_map(image, depth + 10, colour_depth(depth + 10), 20)
    assert np.array_equal(dense, colour_depth(depth + 10))


def frame(**maps):
    sample = DepthDataSample(metainfo={'frame_id': 'drive/0000000069', 'flipped': True})
    for key, value in maps.items():
        sample.set_data({key: torch.as_tensor(value, dtype=torch.float32)})
    return sample


def test_panel_of_a_prediction_shows_what_the_sample_has():
    inputs = {'img': torch.full((3, 10, 42), 100, dtype=torch.uint8)}
    pred = np.full((10, 42), 22.0)
    alone = draw_prediction(frame(pred_depth=pred), inputs, {})
    row, legend = 22 + 150, 40
    assert alone.shape == (row + legend, 1260, 3)
    assert (alone[22:row, 630:] == colour_depth(pred)[0, 0]).all()
    assert (alone[22:row, :630] == 100).all()
    # Without any measurement there is no truth to draw; with one there are truth and error, both as points.
    none = draw_prediction(frame(pred_depth=pred, gt_depth=0 * pred), inputs, {})
    assert np.array_equal(none, alone)
    truth = np.zeros((10, 42))
    truth[5, 10] = 20.0
    both = draw_prediction(frame(pred_depth=pred, gt_depth=truth), inputs, {})
    assert both.shape == (2 * row + legend, 1260, 3)
    error = colour_error(np.array([[0.1]]), np.array([[True]]))[0, 0]  # |22 - 20| / 20
    assert (both[row + 22 : 2 * row, 630:] == error).all(2).any()
    assert (both[row + 22 : 2 * row, :630] == colour_depth(truth)[5, 10]).all(2).any()
    scale = draw_prediction(frame(pred_depth=pred, gt_depth=truth, pred_log_scale=np.log(0.25 + 0 * pred)), inputs, {})
    assert scale.shape == (3 * row + legend, 1260, 3)


def test_dense_truth_goes_before_the_measured_one():
    inputs = {'img': torch.zeros(3, 10, 42, dtype=torch.uint8)}
    pred = np.full((10, 42), 22.0)
    panel = draw_prediction(frame(pred_depth=pred, gt_depth=0 * pred, gt_depth_dense=pred / 2), inputs, {})
    assert (panel[172 + 22 : 2 * 172, :630] == colour_depth(pred / 2)[0, 0]).all()


def test_truth_is_moved_by_its_disparity_into_the_right_image():
    """f = 100 px, b = 0.5 m, Z = 10 m: 5 px to the left, at four times the size of the image."""
    truth = np.zeros((10, 40), np.float32)
    truth[5, 30] = 10.0
    inputs = {
        'img': torch.full((3, 10, 40), 100, dtype=torch.uint8),
        'right_img': torch.full((3, 10, 40), 60, dtype=torch.uint8),
        'cam2img': torch.tensor([[100.0, 0, 20], [0, 100, 5], [0, 0, 1]]),
        'baseline': torch.tensor(0.5),
    }
    picture = draw_depth_inputs(frame(gt_depth=truth), inputs, width=320)
    row = 22 + 40
    assert picture.shape == (22 + 2 * row + 40, 320, 3)
    colour = colour_depth(truth)[5, 30]
    places = []
    for top in (22 + 22, 22 + row + 22):
        rows, columns = np.nonzero((picture[top : top + 40, 160:] == colour).all(2))
        places.append((rows.mean(), columns.mean()))
    assert places[0] == pytest.approx((5.5 * 4 - 0.5, 30.5 * 4 - 0.5), abs=0.5)
    assert places[1] == pytest.approx((5.5 * 4 - 0.5, 25.5 * 4 - 0.5), abs=0.5)
    del inputs['right_img']
    assert draw_depth_inputs(frame(gt_depth=truth), inputs, width=320).shape == (22 + row + 40, 320, 3)
