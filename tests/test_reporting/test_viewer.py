import base64
import gzip
import json
import re

import numpy as np
import pytest
from docs_blocks import blocks
from viewer_data import FREE, SPEC, camera

from projects.reporting.viewer import ViewerCamera, ViewerFrame, viewer_page, write_viewer
from projects.reporting.viewer.voxels import pack_voxels, surface_voxels


def unpack(text, shape):
    """What the page does: class ids, with free where nothing was packed."""
    content = gzip.decompress(base64.b64decode(text))
    count = len(content) // 5
    volume = np.full(np.prod(shape), FREE, np.uint8)
    index = np.cumsum(np.frombuffer(content, '<u4', count))
    volume[index] = np.frombuffer(content, np.uint8, count, 4 * count)
    return volume.reshape(shape)


def solid():
    """A cube of 3 x 3 x 3 voxels of one class in a grid with a free border."""
    volume = np.full((5, 5, 5), FREE, np.uint8)
    volume[1:4, 1:4, 1:4] = 0
    return volume


def content_of(page):
    return json.loads(re.search(r'<script id="content"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def test_middle_of_a_solid_is_not_packed():
    assert len(surface_voxels(solid(), FREE)) == 26
    assert 2 * 25 + 2 * 5 + 2 not in surface_voxels(solid(), FREE)


def test_voxel_between_other_classes_is_packed_since_they_can_be_hidden():
    volume = solid()
    volume[2, 2, 2] = 1
    assert len(surface_voxels(volume, FREE)) == 27


def test_voxels_at_the_border_of_the_grid_are_packed():
    # 4 x 4 x 4 voxels of one class have 2 x 2 x 2 inside.
    assert len(surface_voxels(np.zeros((4, 4, 4), np.uint8), FREE)) == 56


def test_unlabelled_voxels_are_not_packed_and_hide_nothing():
    volume = solid()
    volume[2, 2, 3] = 255
    assert len(surface_voxels(volume, FREE)) == 26  # one fewer outside, the middle one more


def test_packed_voxels_are_the_volume_without_its_inside():
    volume = np.random.default_rng(0).integers(0, 3, (6, 5, 4)).astype(np.uint8)
    expected = np.full(volume.size, FREE, np.uint8)
    index = surface_voxels(volume, FREE)
    expected[index] = volume.reshape(-1)[index]
    assert (unpack(pack_voxels(volume, FREE), volume.shape) == expected.reshape(volume.shape)).all()
    assert unpack(pack_voxels(np.full((2, 2, 2), FREE, np.uint8), FREE), (2, 2, 2)).tolist() == [[[FREE] * 2] * 2] * 2


def test_page_holds_colours_grid_volumes_and_cameras():
    volume = np.full((4, 4, 4), FREE, np.uint8)
    volume[1, 2, 3] = 1
    image = np.zeros((4, 8, 3), np.uint8)
    frames = [
        ViewerFrame('a', {'label': volume}, {'FRONT': camera(image), 'BACK': camera()}),
        ViewerFrame('b', {'label': volume.astype(np.int64), 'student': volume}),
    ]
    content = content_of(viewer_page(frames, SPEC, 'Title'))
    assert content['classes'] == ['road', 'car']
    assert content['palette'] == [[200, 0, 0], [0, 0, 200]]
    assert content['range'] == [-2, -2, -1, 2, 2, 1]
    assert content['names'] == ['label', 'student']
    first, second = content['frames']
    assert (unpack(first['volumes']['label'], (4, 4, 4)) == volume).all()
    assert second['volumes']['label'] == first['volumes']['label']
    front, back = first['cameras']
    assert (front['name'], front['height'], front['width'], back['image']) == ('FRONT', 8, 16, None)
    assert front['image'].startswith('data:image/jpeg;base64,')
    assert front['cam2ego'][0] == [0, 0, 1, 0.5]
    assert second['cameras'] == []


def test_page_asks_no_server_and_escapes_names():
    frame = ViewerFrame('</script><b>', {'label': np.zeros((4, 4, 4), np.uint8)})
    page = viewer_page([frame], SPEC, 'A < B')
    assert not re.search(r'(src|href)\s*=\s*"', page)
    assert not re.search(r'https?://', page)
    assert "content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src" in page
    assert '<title>A &lt; B</title>' in page
    assert page.count('</script>') == 3
    assert content_of(page)['frames'][0]['name'] == '</script><b>'


@pytest.mark.parametrize(
    ('volume', 'message'),
    [
        (
            np.zeros((4, 4, 3), np.uint8),
            r'label of frame a must be integers of shape \(4, 4, 4\), got uint8 \(4, 4, 3\)',
        ),
        (np.zeros((4, 4, 4)), 'must be integers of shape'),
        (np.full((4, 4, 4), 3), 'label of frame a holds the id 3, which is none of the 3 classes'),
        (np.full((4, 4, 4), -1), 'holds the id -1'),
    ],
)
def test_volume_that_does_not_fit_is_named_and_nothing_is_written(tmp_path, volume, message):
    with pytest.raises(ValueError, match=message):
        write_viewer(tmp_path / 'page.html', [ViewerFrame('a', {'label': volume})], SPEC, 'Title')
    assert not list(tmp_path.iterdir())


def test_page_without_volumes_is_refused():
    with pytest.raises(ValueError, match='at least one frame with a volume'):
        viewer_page([ViewerFrame('a', {})], SPEC, 'Title')


def test_camera_of_another_form_is_refused():
    with pytest.raises(ValueError, match=r'shapes \(3, 3\) and \(4, 4\), got \(\(4, 4\), \(4, 4\)\)'):
        ViewerCamera(np.eye(4), np.eye(4), (4, 8))


def test_the_block_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = [block for block in blocks('docs/viewer.md') if block.language == 'python']
    exec(block.text, {})
    assert '<title>A road</title>' in (tmp_path / 'road.html').read_text()
