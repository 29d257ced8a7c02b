import json
import shutil

import pytest
from nuscenes.utils.splits import get_scenes_of_split

from projects.minidrive import CALIB_SPLIT, PRESETS, TRAIN_SPLIT, VAL_SPLIT, VERSION, Preset, generate
from projects.minidrive.formats import nuscenes_record as record_module
from projects.minidrive.formats.nuscenes_record import record_scene
from projects.minidrive.state import STATE


def files_of(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file()}


def test_scene_has_the_same_bytes_alone_as_from_a_run_with_two_processes(minidrive_root, tmp_path):
    record_scene(PRESETS['tiny'], 0, 4, tmp_path)
    alone = files_of(tmp_path)
    assert len(alone) == 2 * 3 + 12 + 2 + 12 + 2 + 1  # sweeps and keyframes, images, lidarseg, segments, labels, map
    for name, content in alone.items():
        assert (minidrive_root / name).read_bytes() == content, name


def test_every_file_belongs_to_a_record_and_every_record_to_a_file(minidrive_root, nusc):
    names = set(files_of(minidrive_root))
    expected = {row['filename'] for row in nusc.sample_data + nusc.lidarseg}
    expected |= {row['filename'].removeprefix(f'{minidrive_root}/') for row in nusc.map}
    cameras = [row for row in nusc.sample_data if row['channel'] != 'LIDAR_TOP']
    expected |= {f'segments/{row["token"]}.png' for row in cameras}
    scene_names = {row['token']: row['name'] for row in nusc.scene}
    expected |= {f'gts/{scene_names[s["scene_token"]]}/{s["token"]}/labels.npz' for s in nusc.sample}
    tables = {n for n in names if n.startswith(f'{VERSION}/')}
    state = {n for n in names if n.startswith(f'{STATE}/')}
    assert names - tables - state == expected
    assert not any(n.endswith('.part') or '.part/' in n for n in state)


def test_splits_are_read_by_the_devkit(nusc):
    train, val = (get_scenes_of_split(split, nusc) for split in (TRAIN_SPLIT, VAL_SPLIT))
    assert (len(train), len(val)) == (4, 2)
    assert sorted(train + val) == sorted(scene['name'] for scene in nusc.scene)


def test_mini_has_enough_scenes():
    mini = PRESETS['mini']
    assert mini.image_size == (450, 800)
    assert mini.train_scenes >= 40
    assert mini.val_scenes >= 12


def test_calibration_scenes_come_last_and_are_in_no_other_split():
    preset = Preset('some', (48, 80), train_scenes=2, val_scenes=1, keyframes=(1, 1), sweeps=0, calib_scenes=2)
    assert preset.split_names() == {
        TRAIN_SPLIT: ['scene-0001', 'scene-0002'],
        VAL_SPLIT: ['scene-0003'],
        CALIB_SPLIT: ['scene-0004', 'scene-0005'],
    }
    assert [preset.index_in_split(i) for i in range(preset.num_scenes)] == [0, 1, 0, 0, 1]


def test_complete_data_set_is_left_alone(minidrive_root):
    before = {p: p.stat().st_mtime_ns for p in minidrive_root.rglob('*') if p.is_file()}
    summary = generate(minidrive_root, 'tiny', seed=0, progress=False)
    assert (summary.generated, summary.scenes, summary.samples) == (0, 6, 12)
    assert {p: p.stat().st_mtime_ns for p in minidrive_root.rglob('*') if p.is_file()} == before


def test_interrupted_run_resumes_with_the_unfinished_scenes_only(minidrive_root, tmp_path, monkeypatch):
    root = tmp_path / 'data'
    shutil.copytree(minidrive_root, root)
    (root / STATE / 'scene-0002.json').unlink()  # killed before the scene was whole ...
    part = root / STATE / 'scene-0002.part' / 'samples'
    part.mkdir(parents=True)
    (part / 'half.jpg').write_bytes(b'half')  # ... and while it was rendered
    next((root / 'samples' / 'CAM_BACK').glob('*minidrive-0005*')).write_bytes(b'truncated')
    seen = []

    def spy(preset, seed, index, folder):
        seen.append(index)
        return record_scene(preset, seed, index, folder)

    monkeypatch.setattr('projects.minidrive.generator.record_scene', spy)
    summary = generate(root, 'tiny', seed=0, progress=False)
    assert seen == [1, 4]
    assert summary.generated == 2
    assert files_of(root) == files_of(minidrive_root)


def test_tables_are_absent_until_every_scene_is_whole(minidrive_root, tmp_path, monkeypatch):
    root = tmp_path / 'data'
    shutil.copytree(minidrive_root, root)
    (root / STATE / 'scene-0003.json').unlink()

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr('projects.minidrive.generator.record_scene', fail)
    with pytest.raises(KeyboardInterrupt):
        generate(root, 'tiny', seed=0, progress=False)
    assert not (root / VERSION).exists()
    assert not (root / STATE / 'scene-0003.json').exists()


@pytest.mark.parametrize(('preset', 'seed'), [('tiny', 1), ('mini', 0)])
def test_another_preset_or_seed_in_the_folder_is_an_error(minidrive_root, preset, seed):
    with pytest.raises(ValueError, match=r'holds MiniDrive data of .*tiny.* choose another folder'):
        generate(minidrive_root, preset, seed=seed, progress=False)


def test_foreign_folder_unknown_preset_and_negative_seed_are_errors(tmp_path):
    (tmp_path / 'photo.jpg').write_bytes(b'')
    with pytest.raises(ValueError, match='is not empty and holds no MiniDrive data'):
        generate(tmp_path, 'tiny')
    with pytest.raises(ValueError, match="unknown preset 'huge'; choose one of"):
        generate(tmp_path / 'new', 'huge')
    with pytest.raises(ValueError, match='seed must be at least 0, got -1'):
        generate(tmp_path / 'new', 'tiny', seed=-1)


def test_tokens_follow_from_the_seed(minidrive_root):
    tables = record_module.Tokens('tiny', 0)
    sample = json.loads((minidrive_root / VERSION / 'sample.json').read_text())
    assert sample[0]['token'] == tables('scene-0001', 'sample', 0)
    assert record_module.Tokens('tiny', 1)('scene-0001', 'sample', 0) != sample[0]['token']


def test_command_line_names_the_next_step_or_the_mistake(run_python, minidrive_root):
    command = ('tools/create_minidrive.py', minidrive_root, '--preset', 'tiny', '--workers', '1')
    done = run_python(*command)
    assert '6 scenes (complete before, nothing to do), 12 samples' in done.stdout
    assert (
        f'next: python tools/create_data.py occ3d-nus --root-path {minidrive_root} --version {VERSION}' in done.stdout
    )
    wrong = run_python(*command, '--seed', '5', check=False)
    assert wrong.returncode == 1
    assert 'holds MiniDrive data of' in wrong.stderr
    assert 'Traceback' not in wrong.stderr
