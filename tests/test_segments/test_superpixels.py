"""Superpixels follow the edges of a picture, at full size and shrunk."""

import numpy as np
import pytest

from projects.segments import Felzenszwalb, Slic


def picture():
    """Three colours: 0 on the left, and on the right 1 above 2. 40 x 60 pixels."""
    where = np.zeros((40, 60), int)
    where[:, 32:] = 1
    where[20:, 32:] = 2
    return np.array([[250, 20, 20], [20, 250, 20], [20, 20, 250]], np.uint8)[where], where


@pytest.mark.parametrize('shrink', [1, 2])
@pytest.mark.parametrize(
    'segmenter',
    [
        lambda shrink: Slic(n_segments=12, sigma=0.0, shrink=shrink),
        lambda shrink: Felzenszwalb(min_size=10, sigma=0.0, shrink=shrink),
    ],
)
def test_no_superpixel_has_two_colours(segmenter, shrink):
    image, where = picture()
    labels = segmenter(shrink)(image)
    assert labels.shape == where.shape
    assert labels.min() == 1
    for label in np.unique(labels):
        assert len(np.unique(where[labels == label])) == 1


def test_graph_cuts_give_one_segment_per_colour_and_slic_the_number_asked_for():
    image, _ = picture()
    assert len(np.unique(Felzenszwalb(min_size=10, sigma=0.0, shrink=1)(image))) == 3
    noise = np.random.randint(0, 256, (60, 80, 3), np.uint8)
    assert 6 <= len(np.unique(Slic(n_segments=12, compactness=100.0, shrink=1)(noise))) <= 20


def test_shrinking_keeps_odd_sizes_and_tiny_images():
    assert Slic(n_segments=4, shrink=4)(np.zeros((37, 51, 3), np.uint8)).shape == (37, 51)
    assert Felzenszwalb(shrink=8)(np.zeros((3, 5, 3), np.uint8)).shape == (3, 5)


def test_the_colours_are_read_as_bgr():
    """SLIC works in Lab: between dark red and dark blue, order decides the lightness. Swapped channels differ."""
    image = np.random.RandomState(0).randint(0, 256, (32, 32, 3), np.uint8)
    from skimage.segmentation import slic

    expected = slic(image[..., ::-1].astype(np.float32) / 255, 8, compactness=10.0, sigma=1.0, start_label=1)
    np.testing.assert_array_equal(Slic(n_segments=8, shrink=1)(image), expected)
