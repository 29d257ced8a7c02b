"""What is taken over from an earlier run is checked first, and whatever is not as it was written is named."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from projects.minidrive import VERSION, camera_depth, generate, generate_kitti
from projects.minidrive.formats.writer import write_bytes
from projects.minidrive.state import STATE, State

DRIVE = '2024_01_03_drive_0003_sync'


@pytest.fixture
def root(kitti_root, tmp_path):
    return shutil.copytree(kitti_root, tmp_path / 'data')


@pytest.fixture
def small(tmp_path):
    """State of a data set of one part, which has two files."""
    state = State(tmp_path / 'small', {'preset': 'a'})
    state.folder.mkdir(parents=True)
    with state.staging('part') as staging:
        write_bytes(staging / 'x' / '1.bin', b'one')
        write_bytes(staging / 'x' / '2.bin', b'two')
        state.publish('part', staging, {'rows': [1.5, 'é']})
    return state


def files_of(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file()}


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_record_gives_back_what_was_kept_with_the_sizes_and_checksums_of_its_files(small):
    content, files = small.load('part', by_content=True)
    assert content == {'rows': [1.5, 'é']}
    # sha256sum of the three bytes
    assert files == {
        'x/1.bin': [3, '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed'],
        'x/2.bin': [3, '3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3'],
    }


def test_every_changed_byte_of_a_record_is_noticed(small):
    path = small.folder / 'part.json'
    for position in range(path.stat().st_size):
        flip(path, position)
        with pytest.raises(ValueError, match=f'{path} is damaged'):
            small.load('part')
        flip(path, position)
    small.load('part')


def test_record_that_does_not_fit_the_files_is_not_taken_over_and_the_file_is_named(small):
    first, second = (small.root / 'x' / name for name in ('1.bin', '2.bin'))
    first.write_bytes(b'On')
    with pytest.raises(ValueError, match=f'{first} has 2 bytes instead of 3'):
        small.load('part')
    first.write_bytes(b'One')
    small.load('part')
    with pytest.raises(ValueError, match=f'{first} is damaged'):
        small.load('part', by_content=True)
    first.write_bytes(b'one')
    second.unlink()
    with pytest.raises(ValueError, match=f'{second} is missing'):
        small.load('part')


def test_record_of_another_seed_is_not_taken_over(small):
    with pytest.raises(ValueError, match=r"belongs to \{'preset': 'a'\}"):
        State(small.root, {'preset': 'b'}).load('part')


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'null',
        b'[]',
        b'[' * 100000,
        b'{"tables": {}}',
        b'{"files": {}, "tables": {}}',  # in the form that had no checksum
        b'\xff\xfe',
        None,  # half of it
    ],
)
def test_damaged_record_is_named_and_its_drive_made_again(kitti_root, root, content):
    path = root / STATE / f'{DRIVE}.json'
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    summary = generate_kitti(root, 'tiny', progress=False)
    assert summary.generated == 1
    assert summary.faults == (f'{path} is damaged, or of an older version',)
    assert files_of(root) == files_of(kitti_root)


@pytest.mark.parametrize('name', ['splits/minidrive_val.txt', f'{STATE}/shared.json'])
def test_lost_lists_are_written_again_without_making_a_drive_again(kitti_root, root, name):
    (root / name).unlink()
    assert generate_kitti(root, 'tiny', progress=False).generated == 0
    assert files_of(root) == files_of(kitti_root)


def test_half_a_table_is_written_again_without_making_a_scene_again(minidrive_root, tmp_path):
    root = shutil.copytree(minidrive_root, tmp_path / 'data')
    path = root / VERSION / 'sample.json'
    path.write_bytes(path.read_bytes()[:100])
    token = json.loads((minidrive_root / VERSION / 'sample.json').read_text())[0]['token']
    with pytest.raises(ValueError, match=f'{path} is damaged .*--verify'):
        camera_depth(root, token, 'CAM_FRONT')
    summary = generate(root, 'tiny', progress=False)
    assert summary.generated == 0
    assert summary.faults[0].startswith(f'{path} has 100 bytes instead of ')
    assert files_of(root) == files_of(minidrive_root)


def test_changed_byte_of_an_image_is_found_by_verify_and_after_a_killed_run(kitti_root, root):
    image = next(root.glob(f'raw/*/{DRIVE}/image_02/data/*.png'))
    flip(image, 1000)
    assert generate_kitti(root, 'tiny', progress=False).generated == 0  # names and sizes are as they were
    summary = generate_kitti(root, 'tiny', progress=False, verify=True)
    assert (summary.generated, summary.faults) == (1, (f'{image} is damaged (its SHA-256 is another)',))
    assert files_of(root) == files_of(kitti_root)
    flip(image, 1000)
    (root / STATE / 'lock').write_text('{"pid": 1, "host": "killed before its end"}')
    assert generate_kitti(root, 'tiny', progress=False).generated == 1
    assert files_of(root) == files_of(kitti_root)


@pytest.mark.parametrize('content', [b'', b'null', b'4', b'{"seed": 0', b'\xff', b'[' * 100000])
def test_damaged_config_is_refused_by_its_name(root, content):
    path = root / STATE / 'config.json'
    path.write_bytes(content)
    before = files_of(root)
    with pytest.raises(ValueError, match=f'{path} is damaged, .* delete that folder'):
        generate_kitti(root, 'tiny', progress=False)
    assert files_of(root) == before


def test_missing_config_is_refused_where_there_are_records_but_not_where_a_run_was_killed_at_once(root, tmp_path):
    (root / STATE / 'config.json').unlink()
    with pytest.raises(ValueError, match=f'{root}/{STATE}/config.json is missing, so nobody knows'):
        generate_kitti(root, 'tiny', progress=False)
    killed = State(tmp_path / 'killed', {})
    assert not killed.has_config()
    killed.folder.mkdir(parents=True)
    (killed.folder / 'lock').write_text('{"pid": 1, "host": "a"}')
    (killed.folder / '.config.json.1.tmp').write_text('{"pre')
    (killed.folder / 'a.xyz.part').mkdir()
    assert not killed.has_config()


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / 'data').write_text('x')
    with pytest.raises(ValueError, match=f'{tmp_path}/data is a file; name a folder'):
        generate_kitti(tmp_path / 'data', 'tiny', progress=False)


def test_leftovers_of_killed_runs_are_removed(kitti_root, root):
    (root / STATE / f'{DRIVE}.json').unlink()
    (root / STATE / f'.{DRIVE}.json.1.tmp').write_text('half')
    for name in (f'{DRIVE}.part', f'{DRIVE}.abcd.part'):
        write_bytes(root / STATE / name / 'raw' / 'half.png', b'half')
    generate_kitti(root, 'tiny', progress=False)
    assert files_of(root) == files_of(kitti_root)


def test_without_locks_the_data_set_is_the_same(kitti_root, root, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr('projects.fileio.lock.fcntl.flock', refuse)
    (root / STATE / f'{DRIVE}.json').unlink()
    with pytest.warns(RuntimeWarning, match=f'{root} is on a file system without locks'):
        assert generate_kitti(root, 'tiny', progress=False).generated == 1
    assert files_of(root) == files_of(kitti_root)


def test_full_disk_is_an_error_that_names_the_file():
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        write_bytes(Path('/dev/full'), b'x')


def test_command_line_says_what_was_made_again_and_names_a_folder_that_cannot_be_made(run_python, root, tmp_path):
    image = next(root.glob(f'raw/*/{DRIVE}/image_02/data/*.png'))
    image.write_bytes(b'half')
    options = ['--preset', 'tiny', '--format', 'kitti', '--workers', '1']
    done = run_python('tools/create_minidrive.py', root, *options)
    assert f'made again: {image} has 4 bytes instead of ' in done.stdout
    assert '6 scenes (1 generated now), 12 samples' in done.stdout
    absent = tmp_path / 'file' / 'data'
    absent.parent.write_text('x')
    failed = run_python('tools/create_minidrive.py', absent, *options, check=False)
    assert failed.returncode == 1
    assert str(absent) in failed.stderr
    assert 'Traceback' not in failed.stderr
