import json
import re
from html import unescape

import chromium
import numpy as np
import pytest
from viewer_data import FREE, SPEC, camera

from projects.reporting.viewer import ViewerFrame, viewer_page

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason='no Chromium is installed')


@pytest.fixture(scope='module')
def page():
    """A floor of 4 x 4 red voxels; in the student's volume a blue wall in front of the camera as well."""
    label = np.full((4, 4, 4), FREE, np.uint8)
    label[:, :, 0] = 0
    student = label.copy()
    student[3, :, 1:] = 1
    image = np.full((8, 16, 3), 128, np.uint8)
    frames = [
        ViewerFrame('a', {'label': label, 'student': student}, {'FRONT': camera(image)}),
        ViewerFrame('b', {'label': label}),
    ]
    return viewer_page(frames, SPEC, 'Title')


@pytest.fixture
def after(page, tmp_path):
    """Attributes of the body and texts of the panels, after a script of the user's doings on the ready page."""

    def run(doings):
        script = f"<script>document.addEventListener('viewer-ready', async () => {{ {doings} }});</script></body>"
        path = tmp_path / 'page.html'
        path.write_text(page.replace('</body>', script))
        html = chromium.final_html(path, tmp_path)
        body = re.search(r'<body([^>]*)>', html)[1]
        data = {key: unescape(value) for key, value in re.findall(r'data-(\S+)="([^"]*)"', body)}
        assert 'problem' not in data
        labels = re.search(r'<div id="labels">(.*?)</div>', html, re.DOTALL)[1]
        return json.loads(data['boxes']), re.findall(r'<span[^>]*>(.*?)</span>', labels)

    return run


def test_page_draws_its_volumes_in_their_colours_without_an_error(page, tmp_path):
    path = tmp_path / 'page.html'
    path.write_text(page)
    picture, console = chromium.screenshot(path, tmp_path)
    assert not console
    red, green, blue = picture[60:500, :800].astype(int).transpose(2, 0, 1)
    assert ((red > 100) & (green < 60) & (blue < 60)).sum() > 5000  # both floors
    walls = (blue > 100) & (green < 60) & (red < 60)
    assert walls[:, 400:].sum() > 5000
    assert walls[:, :400].sum() < 500  # the label has none: only an axis of the car is blue


def test_boxes_are_those_of_the_classes_that_the_legend_shows(after):
    assert after('')[0] == {'label': 16, 'student': 28}
    assert after("document.querySelector('[data-class=car]').click()")[0] == {'label': 16, 'student': 16}
    assert after("document.getElementById('none').click()")[0] == {'label': 0, 'student': 0}


def test_pixel_under_the_pointer_sends_its_ray_to_the_voxel_that_it_shows(after):
    hover = """const image = document.querySelector('#images img'); const box = image.getBoundingClientRect();
        image.dispatchEvent(new PointerEvent('pointermove', {
          clientX: box.left + box.width * %s, clientY: box.top + box.height * %s }));"""
    # The middle pixel (8, 4) looks straight ahead: from x = 0.5 m to the wall at 1 m; the label has nothing there.
    assert after(hover % (8.5 / 16, 4.5 / 8))[1] == ['label: nothing hit', 'student: car at 0.5 m']
    # Three rows below, the ray falls by 0.375 m a metre: at the wall it is 0.19 m low, and in the label it goes on to
    # the floor, whose top is 0.5 m below the camera, at t = 4 / 3.
    assert after(hover % (8.5 / 16, 7.5 / 8))[1] == ['label: road at 1.3 m', 'student: car at 0.5 m']


def test_volume_that_a_frame_lacks_is_said_to_be_missing(after):
    boxes, labels = after("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));")
    assert boxes == {'label': 16, 'student': 0}
    assert labels == ['label', 'student: not in this frame']


def test_voxel_under_the_pointer_is_named_in_every_volume(after):
    point = """document.dispatchEvent(new KeyboardEvent('keydown', { key: '%s' }));
        await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
        const canvas = document.getElementById('view'); const box = canvas.getBoundingClientRect();
        canvas.dispatchEvent(new PointerEvent('pointermove', {
          clientX: box.left + box.width * 0.25, clientY: box.top + box.height * %s }));"""
    label, student = after(point % ('t', 0.5))[1]
    # The middle of a panel is the middle of the grid; the floor is 0.5 m thick, from -1 m on.
    assert re.fullmatch(r'label: road at \(-?0\.0, -?0\.0, -0\.5\) m', label)
    assert student == label.replace('label', 'student')
    # From behind, the upper edge of a panel looks over the floor, at the wall.
    label, student = after(point % ('r', 0.001))[1]
    assert label == 'label'
    assert student.startswith('student: car at (1.')


def test_on_a_narrow_screen_the_volumes_have_the_whole_width_and_the_legend_is_below(page, tmp_path):
    script = """<script>document.addEventListener('viewer-ready', () => {
        const box = (name) => document.querySelector(name).getBoundingClientRect();
        const [view, legend] = [box('main'), box('aside')];
        document.body.dataset.places = [innerWidth, view.width, view.bottom, legend.top,
          document.documentElement.scrollWidth].join(' ');
      });</script></body>"""
    path = tmp_path / 'page.html'
    path.write_text(page.replace('</body>', script))
    html = chromium.open_page(path, tmp_path, '--window-size=500,800', '--hide-scrollbars', '--dump-dom')[0]
    inner, width, bottom, top, whole = map(float, re.search(r'data-places="([^"]*)"', html)[1].split())
    assert inner == width == whole < 720
    assert top >= bottom
