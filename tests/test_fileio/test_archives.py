"""Archives are read with an eye on names, sizes and checksums; nothing in them is believed."""

import io
import struct
import zipfile
import zlib

import pytest

from projects.fileio import archives, open_archive, open_members, read_member, write_zip


def opened(path, max_bytes=1000):
    with open_archive(path) as archive:
        members, problems = open_members(archive, max_bytes)
        return {name: read_member(archive, info) for name, info in members.items()}, problems


def test_what_is_written_is_read_and_equal_contents_give_equal_files(tmp_path):
    contents = {'a/b.bin': b'x' * 500, 'c.txt': b''}
    for compress in (True, False):
        for name in ('1.zip', '2.zip'):
            write_zip(tmp_path / name, contents.items(), compress)
        assert opened(tmp_path / '1.zip') == (contents, [])
        assert (tmp_path / '1.zip').read_bytes() == (tmp_path / '2.zip').read_bytes()


def lying_bomb(name, size, claimed):
    """A member that unpacks to ``size`` zeros while the directory promises ``claimed``."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packed.compress(bytes(size)) + packed.flush()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr(name, body)
    data = bytearray(buffer.getvalue())
    for magic, method, sizes in ((b'PK\x03\x04', 8, 14), (b'PK\x01\x02', 10, 16)):
        at = data.rfind(magic)
        struct.pack_into('<H', data, at + method, zipfile.ZIP_DEFLATED)
        struct.pack_into('<III', data, at + sizes, 0, len(body), claimed)
    return bytes(data)


def test_a_member_never_unpacks_to_more_than_its_directory_entry_promises(tmp_path, monkeypatch):
    unpacked = []
    inflate = zlib.decompressobj

    class Counting:
        def __init__(self, *args):
            self.inner = inflate(*args)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def decompress(self, data, length=0):
            content = self.inner.decompress(data, length)
            unpacked.append(len(content))
            return content

    monkeypatch.setattr(zlib, 'decompressobj', Counting)
    (tmp_path / 'a.zip').write_bytes(lying_bomb('x', 50_000_000, 900))
    with pytest.raises(ValueError, match='x is corrupt'):
        opened(tmp_path / 'a.zip')
    assert 0 < sum(unpacked) < 100_000


@pytest.mark.parametrize('method', [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_methods_that_unpack_without_a_bound_are_refused_by_name(tmp_path, method):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w', method) as archive:
        archive.writestr('x', bytes(900))
    assert opened(tmp_path / 'a.zip') == ({}, [f"'x': it is compressed by method {method}; use deflate or none"])


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('../x', 'leads out'),
        ('/x', 'absolute'),
        ('a\\x', 'another system'),
        ('C:x', 'another system'),
        ('a/../../x', 'leads out'),
    ],
)
def test_names_that_lead_out_of_the_archive_are_refused(tmp_path, name, reason):
    write_zip(tmp_path / 'a.zip', [(name, b'x')], compress=False)
    members, problems = opened(tmp_path / 'a.zip')
    assert members == {}
    assert reason in problems[0]


def test_archives_with_too_many_members_or_no_archive_at_all_are_refused(tmp_path, monkeypatch):
    write_zip(tmp_path / 'a.zip', [(str(i), b'') for i in range(30)], compress=False)
    monkeypatch.setattr(archives, 'ARCHIVE_FILES', 10)
    with pytest.raises(ValueError, match=r'a\.zip has 30 members, more than the 10 .* GEODISTILL_LIMITS=3'):
        open_archive(tmp_path / 'a.zip')
    (tmp_path / 'b.zip').write_bytes(b'PK\x03\x04 no archive')
    for name in ('b.zip', 'gone.zip'):
        with pytest.raises(ValueError, match=name.replace('.', r'\.')):
            open_archive(tmp_path / name)
