"""Reduced decoding keeps the pixel conventions: half-pixel centres, one map from the files to the network input."""

import cv2
import numpy as np
import pytest

from projects.occupancy.datasets.transforms import LoadMultiViewImages, MultiViewImageAug


def blob_image(height, width, centre, sigma=9.0):
    """A soft grey spot at ``centre`` (u, v) on black."""
    v, u = np.mgrid[:height, :width]
    spot = 250 * np.exp(-((u - centre[0]) ** 2 + (v - centre[1]) ** 2) / (2 * sigma**2))
    return np.repeat(spot.astype(np.uint8)[..., None], 3, -1)


def centroid(img):
    grey = img[..., 0].astype(np.float64)
    grey[grey < 12] = 0
    v, u = np.mgrid[: grey.shape[0], : grey.shape[1]]
    return np.array([(u * grey).sum(), (v * grey).sum()]) / grey.sum()


@pytest.fixture
def write(tmp_path):
    def run(img, name='a.jpg'):
        path = tmp_path / name
        cv2.imwrite(str(path), img, [cv2.IMWRITE_JPEG_QUALITY, 98])
        return {'img_paths': [str(path)], 'token': 't'}

    return run


@pytest.mark.parametrize('factor', [1, 2, 4, 8])
@pytest.mark.parametrize('size', [(180, 320), (181, 323)])
def test_a_spot_lands_where_the_matrix_says(write, factor, size):
    centre = np.array([130.3, 77.8])
    out = LoadMultiViewImages(reduced_decode=factor).transform(write(blob_image(*size, centre)))
    assert out['ori_shape'] == size
    assert out['img_shape'] == out['imgs'][0].shape[:2] == tuple(-(-n // factor) for n in size)
    where = out['img_aug_matrix'][0] @ [*centre, 1]
    np.testing.assert_allclose(where[:2], (centre + 0.5) / factor - 0.5)
    np.testing.assert_allclose(centroid(out['imgs'][0]), where[:2], atol=0.06)


@pytest.mark.parametrize('factor', [1, 2])
@pytest.mark.parametrize('rotation', [0.0, 5.0])
def test_the_map_stays_right_through_resize_crop_flip_and_rotation(write, factor, rotation):
    centre = np.array([171.0, 100.5])
    data = LoadMultiViewImages(reduced_decode=factor).transform(write(blob_image(180, 320, centre)))
    aug = MultiViewImageAug((51, 90), resize_lim=(0.0, 0.1), rot_lim=(-rotation, rotation), flip=True)
    for _ in range(6):
        out = aug.transform(dict(data))
        where = out['img_aug_matrix'][0] @ [*centre, 1]
        np.testing.assert_allclose(centroid(out['imgs'][0]), where[:2], atol=0.08)


@pytest.mark.parametrize('final_dim', [(51, 90), (40, 70)])
def test_reduced_and_full_decoding_give_nearly_the_same_input_and_the_same_matrix(write, final_dim):
    data = write(cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (180, 320, 3), np.uint8), (0, 0), 4))
    outs = []
    for factor in (1, 2):
        out = LoadMultiViewImages(reduced_decode=factor).transform(dict(data))
        outs.append(MultiViewImageAug(final_dim, test_mode=True).transform(out))
    np.testing.assert_allclose(outs[0]['img_aug_matrix'], outs[1]['img_aug_matrix'], atol=1e-12)
    difference = np.abs(outs[0]['imgs'][0].astype(int) - outs[1]['imgs'][0])
    assert difference.mean() < 1.5
    assert outs[0]['imgs'][0].std() > 5


def test_the_draws_do_not_depend_on_the_decoder(write):
    data, matrices = write(blob_image(180, 320, (150, 90))), []
    for factor in (1, 2):
        np.random.seed(3)
        out = LoadMultiViewImages(reduced_decode=factor).transform(dict(data))
        aug = MultiViewImageAug((51, 90), resize_lim=(-0.05, 0.1))
        matrices.append([aug.transform(dict(out))['img_aug_matrix'] for _ in range(4)])
    np.testing.assert_allclose(matrices[0], matrices[1], atol=1e-12)


@pytest.mark.parametrize('flip', [False, True])
def test_slicing_a_crop_equals_warping_it(monkeypatch, flip):
    img = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    aug = MultiViewImageAug((40, 80))
    monkeypatch.setattr(aug, '_draw', lambda h, w: ((120, 68), (13, 20), flip, 0.0))
    out, matrix = aug._augment(img, (90, 160))
    resized = cv2.resize(img, (120, 68), interpolation=cv2.INTER_AREA)
    crop_only = matrix @ np.linalg.inv(np.array([[0.75, 0, -0.125], [0, 68 / 90, 34 / 90 - 0.5], [0, 0, 1]]))
    np.testing.assert_array_equal(out, cv2.warpAffine(resized, crop_only[:2], (80, 40), flags=cv2.INTER_LINEAR))


def test_only_jpeg_files_can_be_reduced_and_factors_are_checked(write):
    with pytest.raises(ValueError, match=r'only JPEG.*a\.png \(sample t\).*reduced_decode=1'):
        LoadMultiViewImages(reduced_decode=2).transform(write(np.zeros((8, 8, 3), np.uint8), 'a.png'))
    with pytest.raises(ValueError, match='reduced_decode must be 1, 2, 4 or 8, got 3'):
        LoadMultiViewImages(reduced_decode=3)


def test_views_of_different_file_size_are_refused_also_when_reduced_sizes_agree(write):
    first, second = write(np.zeros((16, 32, 3), np.uint8)), write(np.zeros((15, 32, 3), np.uint8), 'b.jpg')
    data = {'img_paths': first['img_paths'] + second['img_paths'], 'token': 't'}
    with pytest.raises(ValueError, match=r'one size: .*a\.jpg is \(16, 32\), .*b\.jpg is \(15, 32\)'):
        LoadMultiViewImages(reduced_decode=2).transform(data)


def test_a_turned_image_is_refused(write, tmp_path):
    from PIL import Image

    path = tmp_path / 'turned.jpg'
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((16, 32, 3), np.uint8)).save(path, exif=exif)
    with pytest.raises(ValueError, match='EXIF'):
        LoadMultiViewImages(reduced_decode=2).transform({'img_paths': [str(path)], 'token': 't'})
