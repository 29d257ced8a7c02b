import cv2
import numpy as np
import pytest

from projects.transforms import read_image, read_image_reduced
from projects.transforms.jpeg_check import lost_part


@pytest.fixture
def picture(tmp_path):
    img = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    for name in ('a.jpg', 'a.png'):
        cv2.imwrite(str(tmp_path / name), img)
    return tmp_path


@pytest.mark.parametrize('name', ['a.jpg', 'a.png'])
@pytest.mark.parametrize('damage', ['cut', 'zeros', 'empty'])
def test_truncated_image_is_refused(picture, name, damage):
    path = picture / name
    data = path.read_bytes()
    half = len(data) // 2
    damaged = {'cut': data[:half], 'zeros': data[:half] + bytes(len(data) - half), 'empty': b''}[damage]
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=rf'truncated or damaged: .*{name} \(sample t\)'):
        read_image(str(path), 't')


def middle_lost(data, share):
    """The scan of a JPEG without its end, but with the end mark."""
    start = data.rfind(b'\xff\xda') + 20
    return data[: start + int(share * (len(data) - start))] + b'\xff\xd9'


@pytest.mark.parametrize('factor', [1, 2, 4, 8])
@pytest.mark.parametrize('share', [0.05, 0.5, 0.95])
@pytest.mark.parametrize('shape', [(120, 160, 3), (117, 163, 3), (120, 160)], ids=str)
def test_jpeg_that_lost_its_middle_is_refused_and_the_whole_one_is_read(tmp_path, factor, share, shape):
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    read = (lambda: read_image(str(path), 't')) if factor == 1 else lambda: read_image_reduced(str(path), 't', factor)
    read()
    path.write_bytes(middle_lost(path.read_bytes(), share))
    with pytest.raises(ValueError, match=r'image is damaged: .*a\.jpg \(sample t\) has lost data in the middle'):
        read()


def test_jpeg_that_ends_after_a_byte_that_looks_like_a_mark_is_refused(tmp_path):
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))
    data = path.read_bytes()
    at = data.find(b'\xff\x00', data.rfind(b'\xff\xda')) + 1
    assert at > 0
    path.write_bytes(data[:at] + b'\xff\xd9')
    with pytest.raises(ValueError, match='lost data in the middle'):
        read_image(str(path))


@pytest.mark.parametrize('quality', [30, 95])
def test_whole_jpeg_whose_corners_are_grey_is_read(tmp_path, quality):
    picture = np.full((60, 80, 3), 128, np.uint8)
    picture[20:40, 30:50] = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.jpg'), picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert (read_image(str(tmp_path / 'a.jpg'))[-1, -1] == 128).all()


def test_real_image_that_lost_a_block_is_refused(realdata):
    path = next((realdata / 'nuscenes_keyframe').glob('*CAM_FRONT__*.jpg'))
    data = path.read_bytes()
    start = data.rfind(b'\xff\xda') + 20
    places = np.linspace(start, len(data) - 5000, 8).astype(int)
    for flags in (cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_COLOR_4):
        for damaged in [data[:at] + data[at + 4096 :] for at in places]:
            assert lost_part(damaged, cv2.imdecode(np.frombuffer(damaged, np.uint8), flags), flags)
        assert not lost_part(data, cv2.imdecode(np.frombuffer(data, np.uint8), flags), flags)


def test_complete_image_with_trailing_bytes_is_read(picture):
    path = picture / 'a.jpg'
    whole = read_image(str(path))
    path.write_bytes(path.read_bytes() + b'\0\0maker note')
    np.testing.assert_array_equal(read_image(str(path)), whole)


def test_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / 'b.jpg').write_bytes(b'<html>404</html>')
    with pytest.raises(ValueError, match=r'b\.jpg'):
        read_image(str(tmp_path / 'b.jpg'))
