import cv2
import numpy as np
import pytest

from projects.occupancy.datasets.transforms import LoadMultiViewImages


def test_missing_image_names_file_and_token(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nowhere\.jpg.*token-1.*data_root'):
        LoadMultiViewImages().transform({'img_paths': [str(tmp_path / 'nowhere.jpg')], 'token': 'token-1'})


def test_views_of_different_size_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((60, 80, 3), np.uint8))
    cv2.imwrite(str(tmp_path / 'small.png'), np.zeros((30, 40, 3), np.uint8))
    paths = [str(tmp_path / 'a.png'), str(tmp_path / 'small.png')]
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
