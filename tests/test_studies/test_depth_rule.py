"""The rule that is fitted to every depth student on calibration drives."""

import numpy as np
import pytest

from projects.studies.depth_rule import DepthRule, fit_rule


def test_a_student_that_is_off_by_a_scale_and_an_exponent_is_set_right():
    truth = np.random.default_rng(0).uniform(2, 70, 5000)
    predicted = (truth / 1.5) ** (1 / 0.8)
    rule = fit_rule(np.log(predicted), np.log(truth), np.full(5000, np.log(0.1)))
    assert (rule.scale, rule.exponent) == pytest.approx((1.5, 0.8), rel=1e-3)
    np.testing.assert_allclose(rule.apply(predicted), truth, rtol=1e-3)
    np.testing.assert_allclose(rule.apply_log(np.log(predicted)), np.log(truth), atol=1e-3)


def test_the_rule_is_no_worse_than_any_other_in_mean_absolute_log_error():
    rng = np.random.default_rng(1)
    x, noise = rng.uniform(0.5, 4.4, 800), rng.laplace(0, 0.2, 800)
    y = 0.2 + 0.9 * x + noise
    rule = fit_rule(x, y, np.zeros(800))

    def error(scale, exponent):
        return np.abs(y - np.log(scale) - exponent * x).mean()

    best = min(error(np.exp(c), g) for c in np.linspace(-0.5, 0.9, 57) for g in np.linspace(0.6, 1.2, 61))
    assert error(rule.scale, rule.exponent) <= best + 1e-6
    assert error(rule.scale, rule.exponent) <= error(1.0, 1.0)


def test_wild_pixels_do_not_move_the_rule():
    x = np.linspace(1, 4, 101)
    y = x.copy()
    y[::10] += 5.0
    rule = fit_rule(x, y, np.zeros(101))
    assert (rule.scale, rule.exponent) == pytest.approx((1.0, 1.0), abs=0.02)


def test_the_scale_factor_is_the_mean_of_errors_over_scales():
    """Errors of 0.1 on both sides of the median under a scale of 0.05: twice as large."""
    x = np.repeat(np.linspace(1, 4, 50), 2)
    y = x + np.tile([-0.1, 0.1], 50)
    assert fit_rule(x, y, np.full(100, np.log(0.05))).scale_factor == pytest.approx(2.0, rel=0.02)


def test_a_student_without_a_scale_has_no_factor():
    rule = fit_rule(np.linspace(1, 4, 9), np.linspace(1, 4, 9), np.full(9, np.nan))
    assert rule.as_json() == {'scale': 1.0, 'exponent': 1.0, 'scale_factor': None}
    assert DepthRule(2.0, 1.0, 0.5).as_json() == {'scale': 2.0, 'exponent': 1.0, 'scale_factor': 0.5}


def test_no_pixels_are_refused():
    with pytest.raises(ValueError, match='no pixel with truth'):
        fit_rule(np.zeros(0), np.zeros(0), np.zeros(0))
