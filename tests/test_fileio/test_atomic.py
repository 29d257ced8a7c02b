"""Files appear whole or not at all, and errors name the file that was meant."""

import contextlib
import errno
import multiprocessing
import os
import resource
import signal

import pytest

from projects.fileio import atomic_write, write_once

_BARRIER = []


def _write_number(task):
    _BARRIER[0].wait(60)
    return write_once(task[0], str(task[1]))


@contextlib.contextmanager
def small_files(size):
    """Writes past ``size`` bytes fail with an error of the system that, like that of a full disk, names no file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize('size', [100_000, 10_000])  # the first fails while it is written, the second when flushed
def test_a_write_that_finds_no_room_names_the_final_file_and_leaves_none(tmp_path, size):
    path = tmp_path / 'report.json'
    path.write_text('old')
    with pytest.raises(OSError, match=r'report\.json') as caught, small_files(4096), atomic_write(path) as file:
        file.write(bytes(size))
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert '.tmp' not in str(caught.value)
    assert os.listdir(tmp_path) == ['report.json']
    assert path.read_text() == 'old'


def test_two_writers_with_one_process_number_do_not_mix(tmp_path):
    """As two containers have; the one that ends last wins, as with any two processes."""
    path = tmp_path / 'report.json'
    with atomic_write(path, 'w') as first:
        first.write('first')
        with atomic_write(path, 'w') as second:
            second.write('second, and longer')
        assert path.read_text() == 'second, and longer'
    assert path.read_text() == 'first'
    assert os.listdir(tmp_path) == ['report.json']


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError, match='file') as caught, atomic_write(tmp_path / 'file' / 'a.json'):
        pass
    assert caught.value.filename


def test_errors_about_other_files_and_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone') as caught, atomic_write(tmp_path / 'a') as file:
        file.write(open(tmp_path / 'gone', 'rb').read())  # noqa: SIM115
    assert caught.value.filename == str(tmp_path / 'gone')
    with pytest.raises(RuntimeError, match='mine'), atomic_write(tmp_path / 'a'):
        raise RuntimeError('mine')
    assert not os.listdir(tmp_path)


def test_a_full_disk_behind_the_error_of_a_library_is_named(tmp_path):
    failure = RuntimeError('unexpected pos 64 vs 0')
    failure.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match=r'No space left on device.*a\.pth'), atomic_write(tmp_path / 'a.pth'):
        raise failure


@pytest.mark.parametrize('links', [True, False])
def test_a_file_that_is_written_once_stays_as_the_first_process_wrote_it(tmp_path, monkeypatch, links):
    def no_links(source, target):
        raise OSError(errno.EPERM, 'Operation not permitted', target)

    if not links:
        monkeypatch.setattr(os, 'link', no_links)
    path = tmp_path / 'new' / 'settings.json'
    assert write_once(path, 'first')
    assert not write_once(path, 'second')
    assert path.read_text() == 'first'
    assert os.listdir(path.parent) == ['settings.json']


def test_a_file_that_is_written_once_and_finds_no_room_is_named_and_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match=r'settings\.json') as caught, small_files(4096):
        write_once(tmp_path / 'settings.json', 'x' * 10_000)
    assert caught.value.errno == errno.EFBIG
    assert not os.listdir(tmp_path)


def test_of_many_processes_that_write_a_file_once_one_does(tmp_path):
    context = multiprocessing.get_context('fork')
    barrier = context.Barrier(8)
    with context.Pool(8, initializer=_BARRIER.append, initargs=(barrier,)) as pool:
        won = pool.map(_write_number, [(tmp_path / 'number', i) for i in range(8)], chunksize=1)
    assert sorted(won) == [False] * 7 + [True]
    assert (tmp_path / 'number').read_text() == str(won.index(True))
