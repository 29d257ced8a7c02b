"""Charts can be read: also in grey, by colour-blind readers, on any screen, and beside other charts in one page."""

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from wcag import contrast, linear

from projects.reporting import interval_chart, line_chart, seed_chart
from projects.reporting.charts import COLOURS, DASHES, line_style

# Machado, Oliveira and Fernandes 2009, severity 1: what is left of linear RGB without one kind of cones.
NO_GREEN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
NO_RED = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def lab(light):
    white = np.array(TO_XYZ) @ np.ones(3)
    t = np.array(TO_XYZ) @ np.clip(light, 0, 1) / white
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def curve(value=1.0):
    return ([1, 2, 3], [value, 0.5 * value, 0.25 * value])


def labels_of(svg):
    return [text.text for text in ElementTree.fromstring(svg).findall('.//{*}text')]


def test_contrast_is_that_of_the_standard():
    """Black on white 21; #777777 on white 4.48, the known grey that just fails for text."""
    assert contrast('#000000', '#ffffff') == pytest.approx(21)
    assert contrast('#777777', '#ffffff') == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize('colour', COLOURS)
def test_lines_stand_out_from_white(colour):
    assert contrast(colour, '#ffffff') >= 3  # WCAG 2.1, 1.4.11: graphics


@pytest.mark.parametrize('cones', [np.eye(3), NO_GREEN, NO_RED], ids=['all', 'no_green', 'no_red'])
def test_colours_are_told_apart_without_red_or_green_cones(cones):
    """CIE 1976: a difference of 2.3 is just seen; ten times that is plain in a thin line."""
    seen = [lab(np.array(cones) @ linear(colour)) for colour in COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 23


def test_thirty_lines_differ_and_neighbours_do_in_their_dashes():
    styles = [(line_style(i)['color'], line_style(i)['linestyle']) for i in range(30)]
    assert len(set(styles)) == len(COLOURS) * len(DASHES) == 30
    assert all(a[1] != b[1] for a, b in itertools.pairwise(styles))


def test_legend_is_below_the_axes_and_covers_no_line():
    """In an SVG y goes down: every name of a line is farther down than the label of the x axis."""
    svg = line_chart({f'line {i}': curve(i + 1) for i in range(9)}, 'training step', 'loss (nats)')
    height = {t.text: float(t.get('y')) for t in ElementTree.fromstring(svg).findall('.//{*}text') if t.get('y')}
    assert all(height[f'line {i}'] > height['training step'] for i in range(9))


def test_steps_and_epochs_have_whole_ticks():
    svg = line_chart({'a': curve()}, 'epoch', 'mIoU (%)')
    assert '1.5' not in labels_of(svg)
    assert {'1', '2', '3'} <= set(labels_of(svg))


def test_a_logarithmic_axis_has_plain_numbers():
    texts = labels_of(line_chart({'a': ([1, 2], [1.0, 0.1])}, 'training step', 'loss (nats)', log_y=True))
    assert {'0.1', '0.2', '0.5', '1'} <= set(texts)


def test_series_of_intervals_differ_in_their_markers():
    svg = interval_chart({name: {'row': (1.0, 0.5, 1.5)} for name in ('a', 'b')}, 'gain (%)')
    root = ElementTree.fromstring(svg)
    shapes = {path.get('d') for path in root.findall('.//{*}defs/{*}path') if path.get('style', '').count('stroke: #')}
    colours = {re.search('fill: (#[0-9a-f]+)', use.get('style', '') + 'fill: #0')[1] for use in root.iter()}
    assert {COLOURS[0], COLOURS[1]} <= colours
    assert len(shapes) >= 2


def test_charts_of_one_page_have_no_id_in_common_and_refer_to_their_own():
    charts = [
        line_chart({'a': curve()}, 'epoch', 'mIoU (%)'),
        line_chart({'a': curve(2.0)}, 'epoch', 'mIoU (%)'),
        seed_chart({'x (%)': {'alone': [1.0, 2.0]}}, 'alone'),
    ]
    ids = [re.findall(r'\bid="([^"]+)"', chart) for chart in charts]
    assert len(set(itertools.chain(*ids))) == sum(map(len, ids))
    for chart, known in zip(charts, ids):
        used = re.findall(r'(?:href="|url\()#([^")]+)', chart)
        assert used
        assert set(used) == set(known)
