"""Ids from 1 in a file that is checked by its header, checksums and end."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from projects.segments import SegmentFile, number_segments, segments_fault, write_segments


@pytest.fixture
def file(tmp_path):
    """An image of 3 x 4 pixels with whole segments."""
    pair = SegmentFile(str(tmp_path / 'a.png'), str(tmp_path / 'out/a.png'))
    cv2.imwrite(pair.image, np.zeros((3, 4, 3), np.uint8))
    write_segments(pair.segments, np.array([[0, 1, 1, 2], [0, 1, 1, 2], [3, 3, 300, 65535]], np.uint16))
    return pair


def test_labels_are_numbered_from_one_and_nothing_stays_zero():
    labels = np.array([[0, 7, 7], [-1, 900, 12]])
    np.testing.assert_array_equal(number_segments(labels), [[0, 1, 1], [0, 3, 2]])
    assert number_segments(labels).dtype == np.uint16
    np.testing.assert_array_equal(number_segments(np.array([[5, 4]])), [[2, 1]])  # without any 0
    np.testing.assert_array_equal(number_segments(np.zeros((2, 2), int)), np.zeros((2, 2)))


def test_more_segments_than_16_bits_are_refused():
    labels = np.arange(65536).reshape(256, 256)
    assert number_segments(labels).max() == 65535
    with pytest.raises(ValueError, match=r'65536 segments.*fewer or larger'):
        number_segments(labels + 1)


def test_a_file_that_was_written_is_read_back_and_whole(file):
    ids = cv2.imread(file.segments, cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(ids, [[0, 1, 1, 2], [0, 1, 1, 2], [3, 3, 300, 65535]])
    assert segments_fault(file) is None


def test_a_missing_file_is_missing(file):
    assert segments_fault(SegmentFile(file.image, f'{file.segments}.png')) == 'missing'


def test_every_cut_and_every_flipped_byte_is_found(file):
    path = Path(file.segments)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for data in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :]):
            path.write_bytes(data)
            assert segments_fault(file), place


@pytest.mark.parametrize(
    ('image', 'fault'),
    [
        (np.zeros((3, 4), np.uint8), 'it has 8 bits and colour type 0, expected 16'),
        (np.zeros((3, 4, 3), np.uint16), 'it has 16 bits and colour type 2, expected 16 bits and grey'),
        (np.zeros((4, 3), np.uint16), r'it has \(4, 3\) pixels, its image'),
    ],
)
def test_another_type_or_size_is_named(file, image, fault):
    cv2.imwrite(file.segments, image)
    with pytest.raises(AssertionError, match=fault):
        raise AssertionError(segments_fault(file))


def test_an_image_that_its_exif_turns_has_the_size_that_readers_see(tmp_path):
    from PIL import Image

    picture = Image.new('RGB', (4, 3))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(tmp_path / 'a.jpg', exif=exif)
    write_segments(str(tmp_path / 'a.png'), np.ones((4, 3), np.uint16))
    assert segments_fault(SegmentFile(str(tmp_path / 'a.jpg'), str(tmp_path / 'a.png'))) is None
