"""The verdict of a study and its charts."""

import math
from xml.etree import ElementTree

import pytest

from projects.reporting import interval_chart, seed_chart
from projects.studies.ablation_figures import gain_figures, verdict
from projects.studies.statistics import Gain


def gain(mean, p, low, high):
    return {'miou': Gain(mean, 0.1, p, low, high)}


def test_an_arm_gains_when_neither_seeds_nor_scenes_explain_it():
    """Holm over three arms: 0.01 -> 0.03, 0.03 -> 0.06, 0.9 -> 0.9; the third's interval holds zero."""
    few = {'a': gain(2.0, 0.01, 1.0, 3.0), 'b': gain(1.0, 0.03, 0.5, 1.5), 'c': gain(0.1, 0.9, -1.0, 1.2)}
    text = verdict({'few': few, 'all': {}}, 'miou', 'alone')
    assert text == 'few: miou gains beyond noise over alone: a +2.00 (p 0.030) (of 3 arms).'


def test_an_arm_that_loses_never_gains_however_sure():
    assert 'no arm (of 1 arms)' in verdict({'few': {'a': gain(-2.0, 0.001, -3.0, -1.0)}}, 'miou', 'alone')


def test_one_seed_is_named_apart_and_gains_nothing_beyond_noise():
    """Holm leaves out the arm without a p."""
    text = verdict({'few': {'a': gain(2.0, 0.01, 1.0, 3.0), 'b': gain(3.0, math.nan, 2.0, 4.0)}}, 'miou', 'alone')
    assert text == (
        'few: miou gains beyond noise over alone: a +2.00 (p 0.010) (of 2 arms). With one seed, which cannot tell '
        'seeds from arms: b +3.00.'
    )


def test_charts_name_every_arm_and_setting():
    figures = gain_figures(
        {'few': {'a': gain(2.0, 0.1, 1.0, 3.0)}, 'all': {'b': gain(1.0, 0.1, 0, 2.0)}}, ['miou'], 'x'
    )
    assert len(figures) == 1
    assert all(f'>{word}<' in figures[0].content for word in ('few', 'all', 'a', 'b'))
    assert gain_figures({'few': {}}, ['miou'], 'x') == []


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
