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


def test_too_few_pixels_are_refused():
    with pytest.raises(ValueError, match='at least 20 pixels'):
        calibrate(np.ones(3), np.ones(3))
