"""Gains over seeds and scenes, by hand."""

import math

import numpy as np
import pytest

from projects.studies.statistics import (
    bootstrap_tail,
    holm,
    paired_gain,
    rounded_or_none,
    scene_interval,
    scene_intervals,
)


def test_paired_t_of_three_seeds_by_hand():
    """Differences 0.52, 0.44, 0.41: mean 0.4567, deviation 0.0569, t = 13.9 with 2 degrees of freedom: p = 0.0051."""
    gain = paired_gain([9.32, 9.15, 9.18], [8.80, 8.71, 8.77], 0.1, 0.9)
    assert gain.mean == pytest.approx(0.45667, abs=1e-5)
    assert gain.spread == pytest.approx(0.05686, abs=1e-5)
    t = 0.45667 / (0.05686 / math.sqrt(3))
    assert gain.p_seeds == pytest.approx(1 - t / math.sqrt(t * t + 2), rel=1e-3)  # t distribution of 2 degrees
    assert (gain.low, gain.high) == (0.1, 0.9)


def test_one_seed_has_no_p_and_says_so_in_json():
    gain = paired_gain([2.0], [1.0], 0.5, 1.5)
    assert math.isnan(gain.p_seeds)
    assert gain.as_json() == {'mean': 1.0, 'spread': None, 'p_seeds': None, 'low': 0.5, 'high': 1.5}


def test_runs_that_cannot_be_paired_are_refused():
    with pytest.raises(ValueError, match='2 runs of the arm and 1 of the control'):
        paired_gain([1.0, 2.0], [1.0], 0, 0)


def test_a_gain_that_is_the_same_in_every_scene_has_no_interval():
    """Hits and voxels of 3 scenes in 2 runs: the arm hits 10 of 100 more everywhere."""
    control = np.array([[[20, 100], [50, 100], [70, 100]]] * 2, float)
    arm = control + np.array([10, 0])
    low, high = scene_interval(arm, control, lambda total: total[0] / total[1], resamples=50)
    assert (low, high) == pytest.approx((0.1, 0.1))


def test_a_gain_of_one_scene_alone_has_an_interval_that_touches_zero():
    """With 5 scenes, the one that gains is missing in (4/5)^5 = 33 % of the resamples."""
    control = np.full((1, 5, 2), [50.0, 100.0])
    arm = control.copy()
    arm[0, 2, 0] += 25
    low, high = scene_interval(arm, control, lambda total: total[0] / total[1], resamples=400)
    assert low == 0.0
    assert 0.10 <= high <= 0.25


def test_intervals_of_several_scores_are_those_of_each():
    arm, control = np.random.default_rng(0).uniform(1, 2, (2, 3, 6, 2))
    scores = (lambda total: total[0] / total[1], lambda total: total[0] * total[1])
    low, high = scene_intervals(arm, control, lambda total: np.array([score(total) for score in scores]), 50)
    for i, score in enumerate(scores):
        assert (low[i], high[i]) == pytest.approx(scene_interval(arm, control, score, resamples=50), abs=1e-12)
    assert np.isnan(scene_intervals(arm[:, :1], control[:, :1], lambda total: total)).all()


def test_tail_by_hand():
    """t of 11 degrees is 2.2010; times sqrt(12 / 11) it is 2.2989, beyond which a normal has 1.08 %."""
    assert bootstrap_tail(12) == pytest.approx(0.01076, abs=1e-5)
    assert bootstrap_tail(1000) == pytest.approx(0.025, abs=3e-4)


def test_interval_of_a_mean_is_as_wide_as_that_of_students_t():
    """Gains of 12 scenes: 0.5 +- 2.2010 * sd / sqrt(12). Plain percentiles of the resamples are 15 % narrower."""
    gains = np.array([-1.4, -0.9, -0.5, -0.1, 0.2, 0.4, 0.6, 0.8, 1.1, 1.5, 1.9, 2.4])
    arm = np.stack([gains, np.ones(12)], axis=1)[None]
    control = arm * np.array([0, 1])
    low, high = scene_interval(arm, control, lambda total: total[0] / total[1], resamples=4000)
    half = 2.2010 * gains.std(ddof=1) / math.sqrt(12)
    assert high - low == pytest.approx(2 * half, rel=0.05)
    assert low < 0.5 < high


def test_one_scene_tells_no_interval():
    arm = np.array([[[20.0, 100.0]]])
    assert np.isnan(scene_interval(arm, arm / 2, lambda total: total[0] / total[1])).all()


def test_holm_by_hand():
    """0.01 * 3, then max(0.03, 0.03 * 2), then max(0.06, 0.04)."""
    adjusted = holm({'a': 0.04, 'b': 0.01, 'c': 0.03, 'd': float('nan')})
    assert math.isnan(adjusted.pop('d'))
    assert adjusted == pytest.approx({'a': 0.06, 'b': 0.03, 'c': 0.06})


def test_a_number_for_json_is_rounded_and_nan_is_none():
    assert rounded_or_none(1.23456, 3) == 1.235
    assert rounded_or_none(float('nan'), 3) is None
