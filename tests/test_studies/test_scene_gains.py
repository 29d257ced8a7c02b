import operator

import numpy as np
import pytest

from projects.studies.depth_gains import depth_gains
from projects.studies.occupancy_gains import best_thresholds, occupancy_gains
from projects.studies.scene_gains import MetricSums, gain_figure, in_numbers, in_words, over_scenes
from projects.studies.statistics import Gain


def _share(sums):
    return 100 * sums[0] / sums[1]


def test_gain_is_over_the_best_control_and_scenes_that_agree_leave_no_width():
    """Both scenes give 60 % to the arm, 50 % to one control and 30 % to the other."""
    arm, better, worse = (np.array([[[share, 10], [share, 10], [2 * share, 20]]]) for share in (6, 5, 3))
    gain = over_scenes(MetricSums(arm, [worse, better], _share, operator.sub), ['a', 'a', 'b'])
    assert (gain.mean, gain.low, gain.high) == pytest.approx((10.0, 10.0, 10.0))
    assert np.isnan(gain.p_seeds)


def test_interval_is_over_scenes_and_not_over_frames():
    """One frame each way in the same scene cancels; as scenes of their own they span the interval. One has none."""
    arm, control = np.array([[[10, 10], [0, 10]]]), np.array([[[0, 10], [10, 10]]])
    sums = MetricSums(arm, [control], _share, operator.sub)
    together, apart = over_scenes(sums, ['a', 'a']), over_scenes(sums, ['a', 'b'])
    assert together.mean == 0.0
    assert np.isnan([together.low, together.high]).all()
    assert (apart.mean, apart.low, apart.high) == (0.0, -100.0, 100.0)


def test_seeds_are_averaged_and_give_a_p():
    """Gains of 10 and 12 points: mean 11, spread sqrt(2), t = 11, two-sided p of one degree of freedom 0.0577."""
    arm = np.array([[[6, 10]], [[62, 100]]])
    control = np.array([[[5, 10]], [[50, 100]]])
    gain = over_scenes(MetricSums(arm, [control], _share, operator.sub), ['a'])
    assert gain.mean == pytest.approx(11.0)
    assert gain.spread == pytest.approx(2**0.5)
    assert gain.p_seeds == pytest.approx(0.0577, abs=1e-4)


def test_a_gain_is_said_only_when_the_interval_is_on_one_side():
    nan = float('nan')
    assert [in_words(Gain(1.0, nan, nan, low, high)) for low, high in ((0.1, 2), (-0.1, 2), (-2, -0.1))] == [
        'better',
        'no better',
        'worse',
    ]
    assert in_words(Gain(0.03, nan, nan, 0.01, 0.05)) == 'no better'  # +0.0 on the page
    assert in_words(Gain(0.03, nan, nan, 0.01, 0.05), 2) == 'better'
    assert in_words(Gain(1.0, nan, nan, nan, nan)) == 'no better'  # one scene
    assert in_numbers(Gain(1.26, nan, nan, -0.34, 2.0), 1, ' mIoU') == '+1.3 mIoU, 95 % over scenes -0.3 to +2.0'


def test_chart_has_a_row_for_each_metric():
    chart = gain_figure({'mIoU': Gain(1.0, 0.0, 0.0, 0.5, 1.5), 'rays': Gain(2.0, 0.0, 0.0, 1.0, 3.0)}, 'points')
    assert chart.is_svg
    assert all(text in chart.content for text in ('>mIoU<', '>rays<', '>gain (points)<'))


class _Voxels:
    """Counts of two frames, each with one car and one free voxel; so many cars are taken for free."""

    free_class = 1

    def __init__(self, missed):
        self.frames = [np.array([[10 - missed, missed], [0, 10]])] * 2


class _Rays:
    """Counts of two frames by name: of ten rays so many are within 25 %, of ten open ones so many end."""

    def __init__(self, within, ended):
        self.within, self.ended = within, ended

    def counts(self, name):
        return np.array([[self.within[name], 10, self.ended[name], 10]] * 2)

    def score(self, name):
        class Score:
            within = self.within[name]

        return Score


def test_every_metric_of_occupancy_is_compared_with_its_own_best_student_alone():
    """Cars found: 5 and 6 alone, 8 under the teacher: IoU 60 to 80 %. Rays: 4 and 3 alone, 5 under the teacher; at the
    best thresholds 6 and 7, then 7. Open rays that end: 2 and 1 alone, 3 under the teacher."""
    voxels = {'baseline': _Voxels(5), 'labelled': _Voxels(4), 'radocc': _Voxels(2), 'teacher': _Voxels(0)}
    within = {'baseline': 4, 'labelled': 3, 'radocc': 5, 'b+': 6, 'l+': 7, 'r+': 7}
    rays = _Rays(within, {'baseline': 2, 'labelled': 1, 'radocc': 3, 'b+': 2, 'l+': 3, 'r+': 1})
    raised = {'baseline': 'b+', 'labelled': 'l+', 'radocc': 'r+'}
    gains = occupancy_gains(voxels, rays, raised, ['a', 'b'])
    assert {name: round(gain.mean, 6) for name, gain in gains.items()} == {
        'miou': 20.0,
        'iou': 20.0,
        'within': 10.0,
        'within_best': 0.0,
        'false_ends': -20.0,
        'false_ends_best': 10.0,
    }
    assert best_thresholds(raised, rays) == {'alone_best_threshold': 'l+', 'radocc_best_threshold': 'r+'}


class _Frames:
    """Metrics of frames; None where a frame has no truth."""

    def __init__(self, *errors):
        self.errors = errors

    def frame_sums(self, metric):
        return np.array(
            [(0.0, 0.0) if e is None else (1 - e if metric in ('d1', 'd2') else e, 1.0) for e in self.errors]
        )


def test_depth_gains_are_shares_of_the_student_alone_and_right_is_better_for_all():
    """AbsRel 0.2 to 0.18 saves 10 %; d1 0.8 to 0.82 gains 2.5 %. The frame without truth counts for nothing."""
    alone, taught = _Frames(0.2, None, 0.2), _Frames(0.18, None, 0.18)
    gains = depth_gains([{'baseline': alone, 'adudepth': taught}], ['a', 'a', 'b'])
    assert (gains['abs_rel'].mean, gains['abs_rel'].low) == pytest.approx((10.0, 10.0))
    assert gains['d1'].mean == pytest.approx(2.5)
