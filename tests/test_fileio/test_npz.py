"""The fast reader gives what NumPy gives, and names every kind of damage."""

import io
import os
import zipfile
import zlib

import numpy as np
import pytest

from projects.fileio import BadFileError, NpzError, npz, read_npz


@pytest.fixture(params=['isal', 'zlib'], autouse=True)
def _backend(request, monkeypatch):
    monkeypatch.setattr(npz, '_codec', pytest.importorskip('isal.isal_zlib') if request.param == 'isal' else zlib)


@pytest.fixture
def grid():
    rng = np.random.default_rng(0)
    return np.repeat(rng.integers(0, 18, (40, 30, 2)), 8, 2).astype(np.uint8)


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_arrays_are_those_that_numpy_reads(tmp_path, grid, save):
    arrays = {'semantics': grid, 'floats': np.linspace(0, 1, 7, dtype='>f4'), 'turned': np.asfortranarray(grid),
              'one': np.array(3.5), 'none': np.zeros((0, 4), np.int16), 'pairs': np.zeros(3, 'u1,f8')}  # fmt: skip
    save(tmp_path / 'a.npz', **arrays)
    for key, expected in arrays.items():
        array = read_npz(tmp_path / 'a.npz', [key])[key]
        np.testing.assert_array_equal(array, expected)
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)


def test_first_of_several_names_is_read(tmp_path, grid):
    np.savez_compressed(tmp_path / 'a.npz', semantics=grid, pred=grid + 1)
    assert list(read_npz(tmp_path / 'a.npz', one_of=['arr_0', 'pred', 'semantics'])) == ['pred']
    with pytest.raises(NpzError, match=r"no array one of \['arr_0', 'x'\]; it has \['pred', 'semantics'\]"):
        read_npz(tmp_path / 'a.npz', one_of=['arr_0', 'x'])
    with pytest.raises(NpzError, match=r"no array \['mask'\]"):
        read_npz(tmp_path / 'a.npz', ['mask', 'pred'])


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_flipped_bits_never_change_an_array(tmp_path, grid, save):
    path = tmp_path / 'a.npz'
    save(path, grid)
    whole = path.read_bytes()
    end = whole.rindex(b'PK\x01\x02')
    rng, noticed = np.random.default_rng(0), 0
    for place in rng.integers(60, end, 60):
        broken = bytearray(whole)
        broken[place] ^= 1 << rng.integers(8)
        path.write_bytes(broken)
        try:
            np.testing.assert_array_equal(read_npz(path, ['arr_0'])['arr_0'], grid)
        except NpzError:
            noticed += 1
    assert noticed >= 55  # a few bits are padding or a time stamp: the content is whole without them


def test_truncated_and_foreign_files_are_refused(tmp_path, grid):
    path = tmp_path / 'a.npz'
    np.savez_compressed(path, grid)
    whole = path.read_bytes()
    for content in (b'', b'PK', whole[:-1], whole[: len(whole) // 2], b'no zip at all' * 100):
        path.write_bytes(content)
        with pytest.raises(NpzError, match=r'a\.npz is truncated, corrupt or not an \.npz file'):
            read_npz(path, ['arr_0'])
    np.save(path.with_suffix('.npy'), grid)
    os.replace(path.with_suffix('.npy'), path)
    with pytest.raises(NpzError, match=r'not an \.npz file'):
        read_npz(path, ['arr_0'])
    with pytest.raises(FileNotFoundError, match='none'):
        read_npz(tmp_path / 'none.npz')
    with pytest.raises(BadFileError, match='cannot be read'):
        read_npz(tmp_path)


def write_member(path, content, name='arr_0.npy', method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, 'w', method) as archive:
        archive.writestr(name, content)


def npy(array, **kwargs):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **kwargs)
    return stream.getvalue()


def test_pickled_objects_are_refused_and_not_run(tmp_path):
    path, flag = tmp_path / 'a.npz', tmp_path / 'ran'

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(flag),)

    np.savez(path, np.array([Attack()], object))
    with pytest.raises(NpzError, match='holds Python objects'):
        read_npz(path, ['arr_0'])
    assert not flag.exists()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'no sound .npy header'),
        (b'\x93NUMPY\x09\x00\x02\x00{}', 'no sound .npy header'),
        (b'\x93NUMPY\x01\x00\xff\x7f{}', 'no sound .npy header'),
        (b"\x93NUMPY\x01\x00\x0c\x00{'shape': 1}", 'no sound .npy header'),
        (npy(np.zeros(4, np.uint8))[:-1], 'should hold'),
        (npy(np.zeros(4, np.uint8)).replace(b'(4,)', b'(-4,)'), 'should hold|no sound'),
        (npy(np.zeros(4, np.uint8)).replace(b'(4,), }   ', b'(2**2,), }'), 'no sound .npy header'),
    ],
)
def test_wrong_headers_are_refused(tmp_path, content, message):
    write_member(tmp_path / 'a.npz', content)
    with pytest.raises(NpzError, match=message):
        read_npz(tmp_path / 'a.npz', ['arr_0'])


def test_bombs_double_names_and_other_methods_are_refused(tmp_path):
    path = tmp_path / 'a.npz'
    np.savez_compressed(path, np.zeros(5_000_000, np.uint8))
    with pytest.raises(NpzError, match='more than the 1000000 that are expected'):
        read_npz(path, ['arr_0'], max_bytes=1_000_000)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('arr_0.npy', npy(np.zeros(3)))
        with pytest.warns(UserWarning, match='Duplicate'):
            archive.writestr('arr_0.npy', npy(np.ones(3)))
    with pytest.raises(NpzError, match='arr_0 twice'):
        read_npz(path, ['arr_0'])
    write_member(path, npy(np.zeros(3)), method=zipfile.ZIP_BZIP2)
    with pytest.raises(NpzError, match='NumPy does not write'):
        read_npz(path, ['arr_0'])
