"""A page serves every reader: on a phone, in the dark, on paper, by ear, by keyboard, and without a network."""

import html as escaping
import itertools
import re
from pathlib import Path

import chromium
import pytest
from wcag import contrast

from projects.reporting import Figure, Page, Section, Table, format_table, line_chart

STYLE = (Path(__file__).parents[2] / 'projects/reporting/page.html.j2').read_text()


def a_page():
    wide = Table(
        ['arm', *(f'metric {i} (%)' for i in range(12))],
        [['alone', *['10.00 ± 0.10'] * 12], ['taught', *['+1.00\n[+0.50, +1.50]'] * 12]],
        'Caption.',
        about={'metric 0 (%)': 'What it is.', 'alone': 'No teacher.'},
    )
    chart = Figure(line_chart({'a': ([1, 2, 3], [3.0, 2.0, 1.0])}, 'epoch', 'mIoU (%)'), 'Rises to "3" & more', False)
    return Page(
        'Title',
        'The answer.',
        [
            Section('Result', tables=[wide], figures=[chart], figures_first=True),
            Section('Closed', ['Text'], collapsed=True),
            Section('Words', words=[('mIoU', 'Mean IoU.')]),
        ],
        [('seed', '0')],
        points=['Why.', 'How sure.'],
    )


def colours(theme):
    """Custom properties of a theme."""
    block = re.findall(r':root \{(.*?)\}', STYLE, re.DOTALL)[('light', 'dark').index(theme)]
    return dict(re.findall(r'--(\w+): (#\w{6})', block))


@pytest.mark.parametrize('theme', ['light', 'dark'])
@pytest.mark.parametrize('text', ['ink', 'soft', 'accent'])
@pytest.mark.parametrize('ground', ['paper', 'shade'])
def test_text_has_the_contrast_that_small_text_needs(theme, text, ground):
    """4.5 by WCAG 2.1, 1.4.3."""
    found = colours(theme)
    assert contrast(found[text], found[ground]) >= 4.5


def test_the_first_screen_has_the_answer_and_its_points_before_any_part():
    html = a_page().to_html()
    places = [html.index(part) for part in ('<h1>', 'The answer.', '<li>Why.</li>', '<li>How sure.</li>', '<nav')]
    assert places == sorted(places)
    assert html.index('<nav') < html.index('<h2>')


def test_headings_go_down_one_level_at_a_time_and_closed_parts_have_one():
    levels = [int(level) for level in re.findall(r'<h(\d)', a_page().to_html())]
    assert levels == [1, 2, 2, 2, 2]  # three parts, and how it was measured
    assert '<summary><h2>Closed</h2></summary>' in a_page().to_html()


def test_cells_know_their_column_and_row_and_terms_are_explained():
    html = a_page().to_html()
    assert html.count('<th scope="col">') == 13
    assert '<th scope="row"><abbr title="No teacher.">alone</abbr></th>' in html
    assert '<th scope="col"><abbr title="What it is.">metric 0 (%)</abbr></th>' in html
    assert '<dt>mIoU</dt><dd>Mean IoU.</dd>' in html


def test_a_chart_is_one_picture_with_its_caption_as_words():
    assert '<svg role="img" aria-label="Rises to &#34;3&#34; &amp; more"' in a_page().to_html()


def test_figures_may_come_first_and_come_last_otherwise():
    html = a_page().to_html()
    assert html.index('<svg') < html.index('<table>')
    html = Page('T', 'L', [Section('S', tables=a_page().sections[0].tables, figures=a_page().sections[0].figures)])
    assert html.to_html().index('<table>') < html.to_html().index('<svg')


def test_a_line_break_of_a_cell_is_a_space_in_the_terminal():
    assert format_table(a_page().sections[0].tables[0]).splitlines()[2].count('+1.00 [+0.50, +1.50]') == 12


@pytest.mark.skipif(chromium.PROGRAM is None, reason='no Chromium is installed')
def test_what_is_wider_than_a_phone_scrolls_in_itself(tmp_path):
    """At 390 pixels the page is no wider than the screen; the table and the chart are, and can be reached by keyboard.

    Chromium's windows are not that narrow, so the page stands in a frame.
    """
    script = """<script>
      const parts = [document.documentElement, ...document.querySelectorAll('.scroll, .chart')];
      const sizes = parts.map(part => part.scrollWidth + '/' + part.clientWidth).join(' ');
      parent.postMessage(sizes + ' ' + parts.slice(1).every(part => part.tabIndex === 0), '*');
    </script></body>"""
    inner = a_page().to_html().replace('</body>', script)
    frame = f'<iframe width="390" height="800" style="border: 0" srcdoc="{escaping.escape(inner)}"></iframe>'
    listen = "<script>addEventListener('message', sent => document.body.dataset.sizes = sent.data);</script>"
    (tmp_path / 'phone.html').write_text(f'<!doctype html><body>{listen}{frame}</body>')
    found = chromium.final_html(tmp_path / 'phone.html', tmp_path)
    *sizes, keyboard = re.search(r'data-sizes="(.*?)"', found)[1].split()
    whole, *parts = [tuple(map(int, pair.split('/'))) for pair in sizes]
    assert whole[0] == whole[1] <= 390
    assert len(parts) == 2
    assert all(content > seen for content, seen in parts)
    assert keyboard == 'true'


def test_parts_of_a_page_that_print_are_opened_and_nothing_is_cut():
    paper = STYLE.split('@media print')[1]
    assert '.scroll, .chart { overflow: visible;' in paper
    assert "addEventListener('beforeprint'" in STYLE


def test_numbers_of_a_column_stand_below_each_other():
    """Digits of one width, aligned to the right."""
    assert 'font-variant-numeric: tabular-nums' in STYLE
    assert re.search(r'th, td \{[^}]*text-align: right', STYLE)


def test_links_within_the_page_lead_somewhere():
    html = a_page().to_html()
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert all(name in ids for name in re.findall(r'href="#([^"]+)"', html))
    assert not [name for name, found in itertools.groupby(sorted(ids)) if len(list(found)) > 1]
