import numpy as np
import pytest

from projects.occupancy.datasets.transforms import MultiViewColorJitter, MultiViewImageAug


def sample(height=225, width=400, dots=()):
    img = np.zeros((height, width, 3), np.uint8)
    for u, v in dots:
        img[v - 4 : v + 5, u - 4 : u + 5] = 255
    return {'imgs': [img], 'img_aug_matrix': np.eye(3)[None], 'img_shape': (height, width)}


def centroid(img):
    weight = img[..., 0].astype(float)
    rows, cols = np.indices(weight.shape)
    return (weight * cols).sum() / weight.sum(), (weight * rows).sum() / weight.sum()


@pytest.mark.parametrize('seed', range(8))
def test_painted_point_lands_where_the_matrix_says(seed):
    np.random.seed(seed)
    dot = (210, 160)
    out = MultiViewImageAug(final_dim=(64, 176), rot_lim=(-20, 20)).transform(sample(dots=[dot]))
    u, v, w = out['img_aug_matrix'][0] @ (*dot, 1)
    assert w == 1
    np.testing.assert_allclose(centroid(out['imgs'][0]), (u, v), atol=0.06)


def test_augmentation_differs_between_views():
    data = sample()
    data['imgs'] = data['imgs'] * 3
    data['img_aug_matrix'] = np.tile(np.eye(3), (3, 1, 1))
    out = MultiViewImageAug(final_dim=(64, 176)).transform(data)
    assert not np.allclose(out['img_aug_matrix'][0], out['img_aug_matrix'][1])
    assert [img.shape for img in out['imgs']] == [(64, 176, 3)] * 3


def test_halving_an_image_maps_the_corner_between_four_pixels_to_a_pixel_centre():
    data = sample(8, 16)
    data['imgs'][0][2:4, 6:8] = 200
    out = MultiViewImageAug(final_dim=(4, 8), test_mode=True).transform(data)
    np.testing.assert_allclose(out['img_aug_matrix'][0] @ (6.5, 2.5, 1), (3, 1, 1))
    expected = np.zeros((4, 8), np.uint8)
    expected[1, 3] = 200
    np.testing.assert_array_equal(out['imgs'][0][..., 0], expected)


def test_test_mode_keeps_the_bottom_and_the_middle_and_draws_nothing():
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    out = MultiViewImageAug(final_dim=(256, 704), test_mode=True).transform(sample(900, 1600))
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    # Scale 0.44 gives 396 x 704; the lower 256 rows stay, so 140 rows go.
    np.testing.assert_allclose(out['img_aug_matrix'][0], [[0.44, 0, -0.28], [0, 0.44, -140.28], [0, 0, 1]], atol=1e-9)
    assert out['img_shape'] == (256, 704)


def test_input_taller_than_the_scaled_image_still_fills_the_height():
    out = MultiViewImageAug(final_dim=(128, 224), test_mode=True).transform(sample(450, 800))
    corner = np.linalg.inv(out['img_aug_matrix'][0]) @ (0, 0, 1)
    assert corner[0] >= -0.5
    assert corner[1] >= -0.5


def test_color_jitter_changes_all_views_alike_and_keeps_the_type():
    data = {'imgs': [np.full((4, 4, 3), (10, 120, 240), np.uint8)] * 2}
    out = MultiViewColorJitter(prob=1.0).transform(data)['imgs']
    assert out[0].dtype == np.uint8
    np.testing.assert_array_equal(out[0], out[1])
    assert not np.array_equal(out[0], np.full((4, 4, 3), (10, 120, 240), np.uint8))
