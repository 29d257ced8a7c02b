import numpy as np
import pytest

from projects.studies.calibration import calibrate


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


def test_equal_scales_say_nothing_of_errors_that_grow_along_the_image():
    """Errors 0 to 1 in the order of the pixels. With that order among equals, one scale had a correlation of 1 and 0.52
    of the error left, two that alternate 0.50 and 0.72."""
    error = np.linspace(0, 1, 4000)
    one, two = calibrate(np.full(4000, 0.3), error), calibrate(np.tile([0.1, 0.2], 2000), error)
    assert np.isnan(one.rank_correlation)
    assert one.as_json()['rank_correlation'] is None
    assert two.rank_correlation == pytest.approx(0.0004, abs=1e-4)
    assert [one.area_under_sparsification, two.area_under_sparsification] == pytest.approx([1, 1], abs=1e-3)


def test_ranks_of_equal_scales_by_hand():
    """Ranks of the scales 1.5, 1.5, 3, 4 and of the errors 1 to 4: covariance 4.5 of 4.5 and 5, 0.9487. The errors 1
    and 2 of the equal ones count as 1.5."""
    result = calibrate(np.array([1.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0]), bins=4)
    assert result.rank_correlation == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
    assert result.measured.tolist() == [1.5, 1.5, 3.0, 4.0]


def test_too_few_pixels_are_refused():
    with pytest.raises(ValueError, match='at least 20 pixels'):
        calibrate(np.ones(3), np.ones(3))
