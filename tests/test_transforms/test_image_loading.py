import cv2
import numpy as np
import pytest

from projects.transforms import LoadMultiViewImages, read_image


@pytest.fixture
def picture(tmp_path):
    img = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    for name in ('a.jpg', 'a.png'):
        cv2.imwrite(str(tmp_path / name), img)
    return tmp_path


def test_missing_image_names_file_and_token(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nowhere\.jpg.*token-1.*data_root'):
        LoadMultiViewImages().transform({'img_paths': [str(tmp_path / 'nowhere.jpg')], 'token': 'token-1'})


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


def test_complete_image_with_trailing_bytes_is_read(picture):
    path = picture / 'a.jpg'
    whole = read_image(str(path))
    path.write_bytes(path.read_bytes() + b'\0\0maker note')
    np.testing.assert_array_equal(read_image(str(path)), whole)


def test_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / 'b.jpg').write_bytes(b'<html>404</html>')
    with pytest.raises(ValueError, match=r'b\.jpg'):
        read_image(str(tmp_path / 'b.jpg'))


def test_views_of_different_size_are_refused(picture):
    cv2.imwrite(str(picture / 'small.png'), np.zeros((30, 40, 3), np.uint8))
    paths = [str(picture / 'a.png'), str(picture / 'small.png')]
    with pytest.raises(ValueError, match=r'one size: .*a\.png is \(60, 80\), .*small\.png is \(30, 40\)'):
        LoadMultiViewImages().transform({'img_paths': paths, 'token': 't'})


def test_loaded_images_are_bgr_with_identity_matrices(tmp_path):
    blue = np.zeros((4, 6, 3), np.uint8)
    blue[..., 0] = 255
    cv2.imwrite(str(tmp_path / 'blue.png'), blue)
    out = LoadMultiViewImages().transform({'img_paths': [str(tmp_path / 'blue.png')] * 2, 'token': 't'})
    np.testing.assert_array_equal(out['imgs'][1], blue)
    assert out['ori_shape'] == (4, 6)
    np.testing.assert_array_equal(out['img_aug_matrix'], np.tile(np.eye(3), (2, 1, 1)))
