"""Sizes before contents; errors that name the file."""

import io
import os
import struct
import zipfile
import zlib

import numpy as np
import pytest

from projects.fileio import (
    BadFileError,
    check_image_size,
    image_shape,
    image_shape_of_file,
    images,
    parse_json,
    read_json,
    read_npz,
    read_text,
    read_whole,
    restricted_load,
)


def sparse_file(path, size):
    with path.open('wb') as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ('read', 'gigabytes'),
    [(read_whole, 2), (read_npz, 2), (read_json, 5), (restricted_load, 5), (read_text, 1)],
)
def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, read, gigabytes):
    path = sparse_file(tmp_path / 'big.file', gigabytes << 30)
    with pytest.raises(BadFileError, match=r'big\.file has \d+ bytes, more than .* set the environment variable GEO'):
        read(path)


def test_what_is_no_regular_file_is_not_read():
    with pytest.raises(BadFileError, match='/dev/zero is no regular file'):
        read_whole('/dev/zero')


def test_the_factor_of_the_user_counts_for_sizes(tmp_path, monkeypatch):
    path = sparse_file(tmp_path / 'a.bin', 3000)
    with pytest.raises(BadFileError, match=r'more than the 1000 .* GEODISTILL_LIMITS=3'):
        read_whole(path, 1000)
    monkeypatch.setenv('GEODISTILL_LIMITS', '3')
    assert read_whole(path, 1000) == bytes(3000)


@pytest.mark.parametrize('content', ['P: \xe9'.encode('latin1'), 'P: 1'.encode('utf-16'), b'\xff'])
def test_text_in_another_encoding_is_refused_by_name(tmp_path, content):
    path = tmp_path / 'calib.txt'
    path.write_bytes(content)
    with pytest.raises(BadFileError, match=r'calib\.txt is not text in UTF-8 \(.* at byte \d+\)'):
        read_text(path)


@pytest.mark.parametrize(
    'content', [b'', b'{', b'[' * 100_000, b'[' * 100_000 + b']' * 100_000, b'\xff\xfe', b'{"a": 1']
)
def test_json_that_is_none_or_nested_too_deeply_is_refused_by_name(tmp_path, content):
    path = tmp_path / 'a.json'
    path.write_bytes(content)
    with pytest.raises(BadFileError, match=r'a\.json is '):
        read_json(path)
    with pytest.raises(BadFileError, match='part 3 is '):
        parse_json(content, 'part 3')


def png_header(height, width):
    body = b'IHDR' + struct.pack('>IIBBBBB', width, height, 16, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + body + struct.pack('>I', zlib.crc32(body))


def jpeg_header(height, width, before=b''):
    return b'\xff\xd8' + before + b'\xff\xc0' + struct.pack('>HBHHB', 11, 8, height, width, 1) + b'\1\x11\0'


def test_image_sizes_are_read_from_headers():
    cv2 = pytest.importorskip('cv2')
    image = np.zeros((31, 57, 3), np.uint8)
    for suffix in ('.png', '.jpg'):
        assert image_shape(cv2.imencode(suffix, image)[1].tobytes()) == (31, 57)
    progressive = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert image_shape(progressive) == (31, 57)
    thumbnail = b'\xff\xe1' + struct.pack('>H', 2 + 40) + jpeg_header(1, 1).ljust(40)
    assert image_shape(jpeg_header(31, 57, thumbnail)) == (31, 57)
    for other in (
        b'',
        b'\xff\xd8',
        b'\xff\xd8' + b'\xff\xe0\0\0' * 5000,
        b'\xff\xd8\xff\xd9',
        b'GIF89a',
        png_header(1, 2)[:20],
    ):
        assert image_shape(other) is None


def test_images_that_need_gigabytes_are_refused_by_name_and_larger_ones_on_request(monkeypatch):
    check_image_size(png_header(9000, 14000), 'a.png')
    for data in (png_header(26000, 26000), png_header(2**31 - 1, 2**31 - 1), jpeg_header(65535, 65535)):
        with pytest.raises(BadFileError, match=r'a\.png has \d+ x \d+ pixels, more than'):
            check_image_size(data, 'a.png')
    monkeypatch.setenv('GEODISTILL_LIMITS', '6')
    check_image_size(png_header(26000, 26000), 'a.png')
    with pytest.raises(BadFileError, match=r'a\.png has no sound header'):
        check_image_size(b'\xff\xd8\xff\xd9', 'a.png')


def test_double_names_of_a_large_archive_are_found_at_once(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w') as archive:
        for i in range(20_000):
            archive.writestr(f'{i}.npy', b'')
        with pytest.warns(UserWarning, match='Duplicate'):
            archive.writestr('19999.npy', b'')
    begin = os.times().user
    with pytest.raises(BadFileError, match='holds the array 19999 twice'):
        read_npz(tmp_path / 'a.npz', ['19999'])
    assert os.times().user - begin < 5


def test_of_an_image_no_more_is_read_than_its_size_takes(tmp_path, monkeypatch):
    """A JPEG of 90 x 160 pixels with its size at the beginning, and one with 60 kB of EXIF data before it."""
    frame = b'\xff\xc0\x00\x11\x08' + struct.pack('>HH', 90, 160) + bytes(10)
    exif = b'\xff\xe1' + struct.pack('>H', 60_000) + bytes(59_998)
    (tmp_path / 'plain.jpg').write_bytes(b'\xff\xd8' + frame + bytes(1 << 20))
    (tmp_path / 'exif.jpg').write_bytes(b'\xff\xd8' + exif + frame + bytes(1 << 20))
    sizes = []

    class Watched(io.FileIO):
        def read(self, size=-1):
            data = super().read(size)
            sizes.append(len(data))
            return data

    monkeypatch.setattr(images, 'open', lambda path, mode, buffering: Watched(path, mode), raising=False)
    assert image_shape_of_file(tmp_path / 'plain.jpg') == image_shape_of_file(tmp_path / 'exif.jpg') == (90, 160)
    assert sizes == [4096, 4096, 1 << 18]
