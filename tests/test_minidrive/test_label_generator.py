"""Aggregated labels beside the exact ones of a data set: whole, resumable, and chosen by one option."""

import shutil

import numpy as np
import pytest

from projects.minidrive import AGGREGATED, PRESETS, LabelNoise, generate_labels
from projects.minidrive.formats.aggregated_record import record_aggregated_labels
from projects.minidrive.state import STATE


def files_of(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file()}


def labels_of(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob('labels.npz'))


@pytest.fixture(scope='module')
def data(minidrive_root, tmp_path_factory):
    """A data set with aggregated labels, made by two processes."""
    root = tmp_path_factory.mktemp('labels') / 'data'
    shutil.copytree(minidrive_root, root)
    summary = generate_labels(root, workers=2, progress=False)
    assert (summary.generated, summary.scenes, summary.samples) == (6, 6, 12)
    return root


def test_each_exact_label_has_an_aggregated_one_of_the_same_form_and_the_data_set_is_left_alone(data, minidrive_root):
    made, exact = data / AGGREGATED, data / 'gts'
    assert labels_of(made) == labels_of(exact)
    for name in labels_of(made):
        forms = [{key: (a.dtype, a.shape) for key, a in np.load(root / name).items()} for root in (made, exact)]
        assert forms[0] == forms[1]
    rest = {name: content for name, content in files_of(data).items() if not name.startswith(f'{AGGREGATED}/')}
    assert rest == files_of(minidrive_root)


def test_a_scene_has_the_same_bytes_alone_and_complete_labels_are_not_made_again(data, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in data.rglob('*') if p.is_file()}
    assert generate_labels(data, progress=False).generated == 0
    assert {p: p.stat().st_mtime_ns for p in data.rglob('*') if p.is_file()} == before
    assert record_aggregated_labels(PRESETS['tiny'], 0, 4, LabelNoise(), tmp_path) == 2
    for name, content in files_of(tmp_path).items():
        assert (data / AGGREGATED / name).read_bytes() == content


def test_an_interrupted_run_goes_on_with_the_scenes_that_are_missing_or_damaged(data, tmp_path, monkeypatch):
    root = tmp_path / 'data'
    shutil.copytree(data, root)
    (root / AGGREGATED / STATE / 'scene-0002.json').unlink()
    next((root / AGGREGATED / 'scene-0005').rglob('labels.npz')).write_bytes(b'half')
    seen = []

    def spy(preset, seed, index, noise, folder):
        seen.append(index)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return record_aggregated_labels(preset, seed, index, noise, folder)

    monkeypatch.setattr('projects.minidrive.label_generator.record_aggregated_labels', spy)
    with pytest.raises(KeyboardInterrupt):
        generate_labels(root, progress=False)
    summary = generate_labels(root, progress=False)
    assert seen == [1, 4, 4]
    assert summary.generated == 1
    assert files_of(root) == files_of(data)


def test_labels_with_mistakes_stand_in_a_folder_of_their_own(data, tmp_path):
    root = tmp_path / 'data'
    shutil.copytree(data, root)
    with pytest.raises(ValueError, match=r"'wrong_points': 0\.0.*but .*'wrong_points': 0\.1"):
        generate_labels(root, LabelNoise(wrong_points=0.1), progress=False)
    summary = generate_labels(root, LabelNoise(wrong_points=0.1), 'gts_spoilt', progress=False)
    assert summary.out_dir == root / 'gts_spoilt'
    assert labels_of(root / 'gts_spoilt') == labels_of(root / 'gts')
    assert files_of(root / AGGREGATED) == files_of(data / AGGREGATED)


@pytest.mark.parametrize('folder', ['gts', 'a/b', '..', ''])
def test_a_folder_elsewhere_or_that_of_the_exact_labels_is_refused(minidrive_root, folder):
    with pytest.raises(ValueError, match="must be one name, and not 'gts'"):
        generate_labels(minidrive_root, folder=folder)


def test_a_folder_without_a_whole_data_set_and_one_of_other_files_are_refused(tmp_path, minidrive_root):
    with pytest.raises(FileNotFoundError, match='holds no whole MiniDrive data set in the format of nuScenes'):
        generate_labels(tmp_path)
    with pytest.raises(ValueError, match='samples is not empty and holds no MiniDrive data'):
        generate_labels(minidrive_root, folder='samples')
