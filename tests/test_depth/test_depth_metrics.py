import math
import subprocess
import sys

import cv2
import numpy as np
import pytest

from projects.depth_eval import (
    crop_mask,
    decode_depth,
    eigen_image,
    eigen_metrics,
    encode_depth,
    interpolate_background,
    kb_crop,
    kb_crop_offset,
    kitti_image,
    kitti_metrics,
    macro_average,
)

GT = np.array([[10, 20, 40, 0, 79.5, 5]], np.float32)
PRED = np.array([[11, 18, 44, 7, 70, 5]], np.float32)


def test_golden_vector_of_the_eigen_protocol():
    metrics = eigen_image(GT, PRED, crop='none')
    golden = {'abs_rel': 0.0838994, 'sq_rel': 0.3670440, 'rmse': 4.716991, 'rmse_log': 0.0953567, 'log10': 0.0367624}
    for key, value in golden.items():
        assert metrics[key] == pytest.approx(value, abs=1e-6), key
    assert (metrics['d1'], metrics['d2'], metrics['d3']) == (1, 1, 1)
    assert metrics['silog'] == pytest.approx(9.498592, abs=1e-6)
    assert metrics['irmse'] == pytest.approx(4.931294, abs=1e-6)


def test_golden_vector_of_the_kitti_devkit():
    metrics = kitti_image(GT, PRED)
    golden = {'silog': 9.498592, 'sq_error_rel': 0.885590, 'abs_error_rel': 8.389937, 'irmse': 4.931294}
    assert metrics == pytest.approx(golden, abs=1e-6)


def test_squared_relative_error_divides_by_gt_here_and_by_its_square_there():
    gt, pred = np.array([4.0]), np.array([6.0])
    assert eigen_metrics(gt, pred)['sq_rel'] == 4 / 4
    assert kitti_metrics(gt, pred)['sq_error_rel'] == 100 * 4 / 16


def test_thresholds_count_ratios_in_both_directions():
    metrics = eigen_metrics(np.array([1.0, 1.0, 1.0, 1.0]), np.array([1.2, 1 / 1.3, 1.9, 2.0]))
    assert (metrics['d1'], metrics['d2'], metrics['d3']) == (0.25, 0.5, 0.75)


def test_predictions_are_clamped():
    gt = np.array([[50.0, 50.0, 50.0, 50.0]])
    wild = np.array([[0.0, 50.0, -3.0, 500.0]])
    assert eigen_image(gt, wild, crop='none') == eigen_image(gt, np.array([[1e-3, 50, 1e-3, 80]]), crop='none')


@pytest.mark.parametrize('score', [kitti_image, lambda gt, pred: eigen_image(gt, pred, crop='none')])
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_predictions_that_are_not_finite_are_refused_wherever_they_are(score, value):
    # The first pixel has no truth, so it would not count; but a network that writes NaN there is broken.
    gt = np.array([[0.0, 50.0, 50.0]])
    with pytest.raises(ValueError, match=r'NaN or infinity at 1 of 3 pixels; weights of the model .* likely cause'):
        score(gt, np.array([[value, 50.0, 50.0]]))


def test_empty_prediction_is_refused_by_the_eigen_protocol():
    with pytest.raises(ValueError, match=r'prediction is empty: .* any of the 2 pixels that count'):
        eigen_image(np.array([[5.0, 5.0, 0.0]]), np.array([[0.0, 0.0, 7.0]]), crop='none')


def test_depth_at_the_cap_does_not_count():
    gt = np.array([[80.0, 10.0, 1e-3]])
    assert eigen_image(gt, np.array([[1.0, 10.0, 1.0]]), crop='none')['abs_rel'] == 0


@pytest.mark.parametrize(
    ('crop', 'shape', 'box'),
    [
        ('garg', (352, 1216), (143, 349, 43, 1172)),
        ('garg', (375, 1242), (153, 371, 44, 1197)),
        ('eigen', (352, 1216), (117, 321, 43, 1172)),
        ('none', (5, 7), (0, 5, 0, 7)),
    ],
)
def test_crops_have_the_published_borders(crop, shape, box):
    rows, columns = np.nonzero(crop_mask(shape, crop))
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == box
    assert len(rows) == (box[1] - box[0]) * (box[3] - box[2])


def test_kb_crop_keeps_the_bottom_and_the_middle():
    image = np.arange(375 * 1242).reshape(375, 1242)
    assert kb_crop_offset(375, 1242) == (23, 13)
    assert kb_crop(image)[0, 0] == image[23, 13]
    assert kb_crop(image)[-1, -1] == image[374, 13 + 1215]
    with pytest.raises(ValueError, match='at least 352x1216'):
        kb_crop_offset(351, 1242)


def test_kb_cropped_and_full_predictions_score_the_same():
    rng = np.random.default_rng(0)
    gt = rng.uniform(1, 90, (375, 1242)) * (rng.random((375, 1242)) < 0.2)
    pred = rng.uniform(1, 90, (375, 1242))
    full = eigen_image(gt, pred, use_kb_crop=True)
    assert full == eigen_image(gt, kb_crop(pred), use_kb_crop=True)
    assert full != eigen_image(gt, pred)
    with pytest.raises(ValueError, match='prediction is 352x1216, ground truth 375x1242'):
        eigen_image(gt, kb_crop(pred))


@pytest.mark.parametrize('score', [eigen_image, kitti_image])
def test_image_without_truth_gives_nothing_and_sizes_must_agree(score):
    assert score(np.zeros((4, 6)), np.ones((4, 6))) is None
    with pytest.raises(ValueError, match='prediction is 4x5, ground truth 4x6'):
        score(np.ones((4, 6)), np.ones((4, 5)))


def test_gaps_take_the_smaller_neighbour_and_ends_extend():
    depth = np.array(
        [
            [0, 0, 0, 0, 0],
            [0, 7, 0, 0, 3],
            [0, 0, 0, 0, 0],
            [2, 0, 0, 9, 0],
            [0, 0, 0, 0, 0],
        ]
    )
    expected = [
        [7, 7, 3, 3, 3],  # the top extends the first row that has values
        [7, 7, 3, 3, 3],
        [0, 0, 0, 0, 0],  # the devkit leaves an empty row between others empty
        [2, 2, 2, 9, 9],
        [2, 2, 2, 9, 9],
    ]
    assert interpolate_background(depth).tolist() == expected


def test_filling_agrees_with_a_pixel_by_pixel_port_of_the_devkit():
    def port(depth):
        data = np.where(depth > 0, depth, -1.0)
        height, width = data.shape
        for v in range(height):
            count = 0
            for u in range(width):
                if data[v, u] >= 0:
                    if count >= 1:
                        first, last = u - count, u - 1
                        if first > 0 and last < width - 1:
                            data[v, first : last + 1] = min(data[v, first - 1], data[v, last + 1])
                    count = 0
                else:
                    count += 1
            valid = np.flatnonzero(data[v] >= 0)
            if len(valid):
                data[v, : valid[0]] = data[v, valid[0]]
                data[v, valid[-1] + 1 :] = data[v, valid[-1]]
        for u in range(width):
            valid = np.flatnonzero(data[:, u] >= 0)
            if len(valid):
                data[: valid[0], u] = data[valid[0], u]
                data[valid[-1] + 1 :, u] = data[valid[-1], u]
        return np.maximum(data, 0)

    rng = np.random.default_rng(1)
    for share in (0.02, 0.1, 0.5, 1.0):
        depth = rng.uniform(1, 80, (12, 17)) * (rng.random((12, 17)) < share)
        assert np.array_equal(interpolate_background(depth), port(depth))


def test_empty_or_broken_prediction_is_refused_by_the_benchmark():
    gt = np.ones((3, 4))
    with pytest.raises(ValueError, match='no value at 12 valid pixels'):
        kitti_image(gt, np.zeros((3, 4)))
    with pytest.raises(ValueError, match='NaN'):
        kitti_image(gt, np.full((3, 4), np.nan))


def test_average_is_over_images_and_does_not_depend_on_their_order():
    rng = np.random.default_rng(2)
    rows = [{'a': float(v)} for v in rng.normal(size=1000) * 10.0 ** rng.integers(-8, 8, 1000)]
    assert macro_average(rows) == macro_average(rows[::-1]) == macro_average(sorted(rows, key=lambda r: r['a']))
    assert macro_average([{'a': 1.0}, None, {'a': 2.0}]) == {'a': 1.5}
    with pytest.raises(ValueError, match='none of 2 images'):
        macro_average([None, None])


def test_png_round_trip_is_exact_on_stored_values_and_truncates_others():
    stored = np.arange(65536).reshape(256, 256) / 256
    assert np.array_equal(decode_depth(encode_depth(stored), 'a'), stored.astype(np.float32))
    depth = np.array([[0.0, 1e-4, 1.0039, 255.997, 256.0, 1000.0]])
    expected = [[0, 1 / 256, 257 / 256 - 1 / 256, 65535 / 256, 65535 / 256, 65535 / 256]]
    assert decode_depth(encode_depth(depth), 'a').tolist() == expected


def test_depth_past_the_format_is_clipped_or_refused_and_nan_is_refused():
    with pytest.raises(ValueError, match=r'reaches 256.00 m, but a 16-bit PNG ends at 255.996 m'):
        encode_depth(np.array([[256.0]]), overflow='refuse')
    assert decode_depth(encode_depth(np.array([[65535 / 256]]), overflow='refuse'), 'a')[0, 0] == 65535 / 256
    for bad in (math.nan, -1.0):
        with pytest.raises(ValueError, match='NaN or negative'):
            encode_depth(np.array([[bad]]))
    assert decode_depth(encode_depth(np.array([[math.inf]])), 'a')[0, 0] == 65535 / 256


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (cv2.imencode('.png', np.ones((4, 4), np.uint8))[1].tobytes(), '8 bits and 1 channels'),
        (cv2.imencode('.png', np.ones((4, 4, 3), np.uint16))[1].tobytes(), '16 bits and 3 channels'),
        (cv2.imencode('.png', np.ones((4, 4), np.uint16))[1].tobytes()[:-16], 'truncated'),
        (b'\xff\xd8\xff', 'not a PNG'),
    ],
)
def test_other_files_than_16_bit_maps_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        decode_depth(data, 'x.png')


def test_evaluation_needs_neither_torch_nor_mm_packages():
    code = (
        'import sys, projects.depth_eval.submission, projects.depth_eval.pairing\n'
        'print({m.split(".")[0] for m in sys.modules} & {"torch", "mmengine", "mmcv", "mmdet", "mmdet3d"})'
    )
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == 'set()'
