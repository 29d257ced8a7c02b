import re

import numpy as np
import pytest

from projects.reporting import (
    Comparison,
    Figure,
    Page,
    Section,
    Table,
    format_table,
    image_to_data_uri,
    line_chart,
)


def _page():
    table = Table(['model', 'mIoU'], [['teacher', '50.0'], ['student', '<40>']], best={(0, 1)})
    chart = Figure(line_chart({'loss': ([1, 2], [3.0, 1.0])}, 'step', 'loss'), 'A curve')
    picture = Figure(image_to_data_uri(np.zeros((4, 6, 3), np.uint8)), 'Black')
    return Page('Title', 'Lead', [Section('Numbers', ['A & B'], [table], [chart, picture])], [('seed', '0')])


def test_page_is_self_contained():
    html = _page().to_html()
    assert not re.search(r'(src|href)="(?!#|data:)', html)
    assert html.count('<svg') == 1
    assert 'data:image/jpeg;base64,' in html


def test_text_is_escaped_and_best_cell_is_marked():
    html = _page().to_html()
    assert '&lt;40&gt;' in html
    assert '<p>A &amp; B</p>' in html
    assert '<td class="best">50.0</td>' in html


def test_table_with_a_short_row_is_refused():
    with pytest.raises(ValueError, match='row 1 of the table has 1 cells, expected 2'):
        Table(['a', 'b'], [['1', '2'], ['3']])


def test_the_same_chart_is_the_same_text():
    assert line_chart({'a': ([0], [1.0])}, 'x', 'y') == line_chart({'a': ([0], [1.0])}, 'x', 'y')


def test_picture_of_floats_is_refused():
    with pytest.raises(ValueError, match='uint8 of shape'):
        image_to_data_uri(np.zeros((4, 6, 3)))


def test_warning_is_the_first_thing_on_the_page_and_in_its_title():
    page = _page()
    assert 'role="alert"' not in page.to_html().split('<body>')[1]
    page.warning = 'Do < not believe'
    head, body = page.to_html().split('<body>')
    assert body.strip().startswith('<p role="alert">Do &lt; not believe</p>')
    assert '<title>Do &lt; not believe | Title</title>' in head


def test_warning_is_the_first_line_of_a_table():
    table = Table(['model', 'mIoU'], [['teacher', '50.0']])
    assert format_table(table).splitlines() == ['model    mIoU', 'teacher  50.0']
    assert format_table(table, 'Beware.').splitlines()[0] == '!!! Beware.'


def test_slider_holds_both_pictures_under_their_names():
    black, white = (image_to_data_uri(np.full((4, 6, 3), value, np.uint8)) for value in (0, 255))
    pair = Comparison(black, white, ('Alone', 'Under <teacher>'), 'Two pictures.')
    html = Page('Title', 'Lead', [Section('Pictures', figures=[pair])]).to_html()
    assert html.count(black) == html.count(white) == 1
    assert 'aria-label="Alone or Under &lt;teacher&gt;"' in html
    assert 'Two pictures. Drag to compare.' in html


def test_commands_stand_at_the_end():
    page = Page('Title', 'Lead', [Section('Numbers')], commands=[('Go on:', 'make <that>')])
    assert (
        page.to_html().split('What to run next')[1].split('</pre>')[0].endswith('<p>Go on:</p>\n<pre>make &lt;that&gt;')
    )
