"""Info files are whole or absent, whatever happens."""

import pickle
import resource
import signal
from pathlib import Path

import pytest
from conversion import Occ3DConverter, convert, edit_table, items_of


def test_number_of_workers_does_not_change_the_files(root):
    paths = convert(root, workers=1)
    alone = [Path(path).read_bytes() for path in paths.values()]
    convert(root, workers=2, force=True)
    assert [Path(path).read_bytes() for path in paths.values()] == alone


def test_finished_splits_are_kept_and_broken_or_outdated_ones_written_again(root, capsys):
    paths = {name: Path(path) for name, path in convert(root).items()}
    whole = {name: path.read_bytes() for name, path in paths.items()}
    times = {name: path.stat().st_mtime_ns for name, path in paths.items()}
    paths['val'].write_bytes(whole['val'][: len(whole['val']) // 2])
    capsys.readouterr()
    convert(root)
    assert paths['train'].stat().st_mtime_ns == times['train']
    assert paths['val'].read_bytes() == whole['val']
    assert 'occ3d-nus_infos_train.pkl is complete: kept' in capsys.readouterr().out
    next((root / 'segments').iterdir()).unlink()
    convert(root)
    changed = [name for name, path in paths.items() if path.read_bytes() != whole[name]]
    assert len(changed) == 1
    convert(root, max_sweeps=1)
    assert len(items_of(root)[2]['lidar_sweeps']) == 1


def test_a_finished_split_is_written_again_when_the_tables_have_changed(root):
    convert(root)
    edit_table(root, 'calibrated_sensor', lambda records: [r.update(translation=[1.0, 2.0, 3.0]) for r in records])
    convert(root)
    matrix = items_of(root)[0]['lidar_points']['lidar2ego']
    assert [row[3] for row in matrix] == [1.0, 2.0, 3.0, 1.0]


def test_interrupted_run_leaves_no_half_written_file(root, monkeypatch):
    monkeypatch.setattr(Occ3DConverter, 'item', lambda self, sample, index: 1 / (2 - index))
    with pytest.raises(ZeroDivisionError):
        convert(root)
    assert [path.name for path in root.iterdir() if 'infos' in path.name] == []
    monkeypatch.undo()
    real_dump = pickle.dump

    def dump(content, file, **kwargs):
        if content['metainfo']['split'] == 'minidrive_val':
            file.write(b'half of it')
            raise KeyboardInterrupt
        real_dump(content, file, **kwargs)

    monkeypatch.setattr(pickle, 'dump', dump)
    with pytest.raises(KeyboardInterrupt):
        convert(root)
    assert [path.name for path in root.iterdir() if 'infos' in path.name] == ['occ3d-nus_infos_train.pkl']
    monkeypatch.undo()
    convert(root)
    assert len(items_of(root, 'val')) == 2


def test_an_info_file_that_finds_no_room_is_named_and_leaves_nothing(root, capsys):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match=r'File too large: .*_infos_train\.pkl'):
            convert(root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert list(root.glob('*.pkl')) == []
    assert list(root.glob('.*')) == []
