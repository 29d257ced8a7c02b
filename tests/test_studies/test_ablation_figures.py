"""The verdict of a study and its charts."""

import math
from xml.etree import ElementTree

import pytest

from projects.reporting import interval_chart, seed_chart
from projects.studies.ablation_figures import gain_figures
from projects.studies.ablation_verdict import p_text, verdict
from projects.studies.arm_meter import ArmMetric
from projects.studies.statistics import Gain

MIOU = ArmMetric('miou', 'hist', lambda sums: 0.0, 'mIoU', '%', 'Mean IoU.')


def gain(mean, p, low, high):
    return {'miou': Gain(mean, 0.1, p, low, high)}


def test_an_arm_gains_when_neither_seeds_nor_scenes_explain_it():
    """Holm over three arms: 0.01 -> 0.03, 0.03 -> 0.06, 0.9 -> 0.9; the third's interval holds zero."""
    few = {'a': gain(2.0, 0.01, 1.0, 3.0), 'b': gain(1.0, 0.03, 0.5, 1.5), 'c': gain(0.1, 0.9, -1.0, 1.2)}
    text = verdict('few labels', few, MIOU, 'the student', {'a': 'Arm A', 'b': 'B', 'c': 'C'}.get)
    assert text == (
        'With few labels, 1 of 3 arms gain mIoU (points) over the student beyond noise: Arm A +2.00 (p 0.030).'
    )


def test_only_the_three_largest_gains_are_named():
    """Holm over five arms: 0.0001 -> 0.0005 for all."""
    gains = {f'a{i}': gain(i + 1.0, 0.0001, 0.5, 9.0) for i in range(5)}
    assert verdict('few', gains, MIOU, 'b').endswith(
        '5 of 5 arms gain mIoU (points) over b beyond noise: a4 +5.00 (p < 0.001), a3 +4.00 (p < 0.001), a2 +3.00 '
        '(p < 0.001), and 2 more.'
    )


def test_an_arm_that_loses_never_gains_however_sure():
    text = verdict('few', {'a': gain(-2.0, 0.001, -3.0, -1.0)}, MIOU, 'alone')
    assert text == 'With few, no arm of 1 gains mIoU (points) over alone beyond noise: a has -2.00 (p 0.001).'


def test_one_seed_is_named_apart_and_gains_nothing_beyond_noise():
    """Holm leaves out the arm without a p."""
    one, two = gain(3.0, math.nan, 2.0, 4.0), gain(2.0, 0.01, 1.0, 3.0)
    text = verdict('few', {'a': two, 'b': one}, MIOU, 'alone')
    assert text == (
        'With few, 1 of 2 arms gain mIoU (points) over alone beyond noise: a +2.00 (p 0.010). With one seed, which '
        'cannot tell seeds from arms: b +3.00.'
    )
    assert verdict('few', {'b': one}, MIOU, 'alone').startswith(
        'With few, no gain in mIoU (points) over alone can be tested over seeds. With one seed'
    )


def test_p_is_never_zero_and_empty_where_there_is_none():
    assert [p_text(p) for p in (0.0004, 0.001, 0.25, math.nan)] == ['p < 0.001', 'p 0.001', 'p 0.250', '']


def test_charts_name_every_arm_and_setting():
    figures = gain_figures({'few': {'a': gain(2.0, 0.1, 1.0, 3.0)}, 'all': {'b': gain(1.0, 0.1, 0, 2.0)}}, [MIOU], 'x')
    assert len(figures) == 1
    assert all(f'>{word}<' in figures[0].content for word in ('few', 'all', 'a', 'b'))
    assert '>gain in mIoU (points)<' in figures[0].content
    assert gain_figures({'few': {}}, [MIOU], 'x') == []


def test_intervals_are_drawn_at_their_values():
    """Two rows: the dots of 1 and 3 lie on their ticks, so a value that moves changes the picture."""
    chart = interval_chart({'s': {'a': (1.0, 0.5, 1.5), 'b': (3.0, 2.0, 4.0)}}, 'x')
    assert chart == interval_chart({'s': {'a': (1.0, 0.5, 1.5), 'b': (3.0, 2.0, 4.0)}}, 'x')
    assert chart != interval_chart({'s': {'a': (1.0, 0.5, 1.5), 'b': (2.0, 2.0, 4.0)}}, 'x')
    with pytest.raises(ValueError, match='reshape'):
        interval_chart({'s': {'a': (1.0, 0.5)}}, 'x')


def test_every_seed_is_a_dot_at_its_value_and_the_control_a_line_through_all_rows():
    """Dots of 1 and 3, mean 2: where the mean of another row stands as well. 4 stands as far right as 1 stands left."""
    svg = seed_chart({'x (%)': {'alone': [1.0, 3.0], 'taught': [2.0], 'other': [4.0, 0.0]}}, 'alone')
    root = ElementTree.fromstring(svg)
    assert root.tag == '{http://www.w3.org/2000/svg}svg'  # a file of its own is a picture
    ticks = {text.text: float(text.get('x')) for text in root.findall('.//{*}text') if text.get('y')}
    zero, one = ticks['0.0'], ticks['1.0'] - ticks['0.0']

    def values(style):
        return [(float(dot.get('x')) - zero) / one for dot in root.findall('.//{*}use') if style in dot.get('style')]

    assert values('fill-opacity: 0.5') == pytest.approx([1, 3, 2, 4, 0])
    assert values('stroke-width: 2.2') == pytest.approx([2, 2, 2])
    (line,) = (path for path in root.findall('.//{*}path') if 'stroke-dasharray' in path.get('style', ''))
    assert (float(line.get('d').split()[1]) - zero) / one == pytest.approx(2)
