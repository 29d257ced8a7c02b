import numpy as np
import pytest

from projects.adudepth.report import calibrate, colour_depth, colour_error, draw_grid


def test_laplace_errors_of_the_predicted_scale_are_calibrated():
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.05, 0.5, 40000)
    result = calibrate(scale, np.abs(rng.laplace(0, scale)))
    assert result.mean_ratio == pytest.approx(1.0, abs=0.02)
    assert np.abs(result.measured / result.predicted - 1).max() < 0.1


def test_bins_by_hand():
    """Sorted by scale: errors (1, 3), (5, 7) -> means 2 and 6; left after removal: 2 and 4, of 4."""
    result = calibrate(np.array([4.0, 1.0, 3.0, 2.0]), np.array([7.0, 1.0, 5.0, 3.0]), bins=2)
    assert result.predicted.tolist() == [1.5, 3.5]
    assert result.measured.tolist() == [2.0, 6.0]
    assert result.rank_correlation == pytest.approx(1.0)
    assert result.area_under_sparsification == pytest.approx((2 + 4) / 2 / 4)


def test_scale_that_says_nothing():
    rng = np.random.default_rng(0)
    result = calibrate(rng.uniform(size=20000), rng.uniform(size=20000))
    assert abs(result.rank_correlation) < 0.03
    assert result.area_under_sparsification == pytest.approx(1.0, abs=0.05)


def test_too_few_pixels_are_refused():
    with pytest.raises(ValueError, match='at least 20 pixels'):
        calibrate(np.ones(3), np.ones(3))


def test_pixels_without_truth_have_a_colour_of_their_own():
    depth = np.array([[0.0, 3.0, 80.0]])
    colours = colour_depth(depth)
    assert colours[0, 0].tolist() == [0, 0, 0]
    assert colours[0, 1].tolist() != colours[0, 2].tolist()
    assert colour_error(np.zeros((1, 2)), np.array([[True, False]]))[0, 1].tolist() == [89, 89, 89]


def test_grid_fills_its_last_row():
    cells = [(f'cell {i}', np.zeros((4, 8, 3), np.uint8)) for i in range(3)]
    picture = draw_grid(cells, 2, 80)
    assert picture.shape == (2 * (22 + 20), 80, 3)
