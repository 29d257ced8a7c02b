"""Many images: resumed, with damaged ones made again and named."""

import json
import os
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest

from projects.segments import SegmentFile, check_files, claim_folder, extract


def brightness(image):
    """Segments of equal brightness; picklable for processes."""
    return image[..., 0].astype(int)


def too_many(image):
    return np.arange(1, 65537).reshape(256, 256)


def full_disk(image):
    raise OSError(28, 'No space left on device', 'out')


def one_for_each_thread(image):
    """As many segments as OpenCV has threads."""
    return np.minimum(np.arange(1, 13), cv2.getNumThreads()).reshape(image.shape[:2])


@pytest.fixture
def files(tmp_path):
    found = [SegmentFile(str(tmp_path / f'{n}.png'), str(tmp_path / f'out/{n}.png')) for n in range(4)]
    for n, file in enumerate(found):
        cv2.imwrite(file.image, np.full((3, 4, 3), [n, 0, 0], np.uint8))
    return found


@pytest.mark.parametrize('workers', [1, 2])
def test_every_image_gets_its_file(files, workers):
    assert [fault for _, fault in check_files(files)] == ['missing'] * 4
    assert extract(files, brightness, workers) == []
    assert check_files(files, workers) == []
    values = [cv2.imread(file.segments, cv2.IMREAD_UNCHANGED).max() for file in files]
    assert values == [0, 1, 1, 1]


def test_processes_share_the_cpus(files, monkeypatch):
    monkeypatch.setattr(import_module('projects.segments.extract'), 'available_cpus', lambda: 6)
    assert extract(files, one_for_each_thread, workers=2) == []
    assert [cv2.imread(file.segments, cv2.IMREAD_UNCHANGED).max() for file in files] == [3] * 4


def test_a_second_run_leaves_whole_files_and_makes_the_others(files):
    extract(files, brightness)
    os.truncate(files[1].segments, 30)
    os.remove(files[2].segments)
    assert [(file.segments, fault) for file, fault in check_files(files)] == [
        (files[1].segments, 'it ends too early'),
        (files[2].segments, 'missing'),
    ]
    seen = []
    extract(files, lambda image: seen.append(int(image[0, 0, 0])) or brightness(image))
    assert seen == [1, 2]
    assert check_files(files) == []


def test_images_that_cannot_be_segmented_are_named_and_the_others_are_done(files):
    os.truncate(files[0].image, 40)
    os.remove(files[2].image)
    faults = extract(files, brightness)
    assert [file for file, _ in faults] == [files[0], files[2]]
    assert files[0].image in faults[0][1]
    assert 'image not found' in faults[1][1]
    assert [file for file, _ in check_files(files)] == [files[0], files[2]]
    assert extract(files[1:2], too_many) == []  # it is there already


def test_too_many_segments_name_the_image(files):
    ((_, fault),) = extract(files[:1], too_many)
    assert fault.startswith(f'{files[0].image}: 65536 segments')
    assert not os.path.exists(files[0].segments)


def test_a_missing_image_with_segments_is_found_by_the_check(files):
    extract(files, brightness)
    os.remove(files[3].image)
    ((file, fault),) = check_files(files)
    assert file is files[3]
    assert 'its image cannot be read' in fault


def test_a_full_disk_stops_the_run(files):
    with pytest.raises(OSError, match='No space left'):
        extract(files, full_disk)


def test_a_folder_never_mixes_settings_or_takes_foreign_files(tmp_path):
    settings = {'method': 'slic', 'n_segments': 64}
    claim_folder(tmp_path / 'new', settings)
    claim_folder(tmp_path / 'new', dict(settings))
    with pytest.raises(ValueError, match=r'made with .*"n_segments": 64.*, not with .*"n_segments": 32'):
        claim_folder(tmp_path / 'new', {**settings, 'n_segments': 32})
    (tmp_path / 'exact').mkdir()
    (tmp_path / 'exact/0a.png').touch()
    with pytest.raises(ValueError, match=r'exact holds PNG files that this tool did not make'):
        claim_folder(tmp_path / 'exact', settings)
    assert not (tmp_path / 'exact/extract_segments.json').exists()


@pytest.mark.parametrize('seen', [True, False], ids=['its first file was seen', 'it came later'])
def test_of_two_processes_that_claim_a_folder_at_once_the_second_compares(tmp_path, monkeypatch, seen):
    """The other one writes its settings, and its first file, between our look at the folder and our own writing."""
    settings = {'method': 'slic', 'n_segments': 64}
    found, real = {}, Path.rglob

    def other_first(folder, pattern):
        (folder / 'extract_segments.json').write_text(json.dumps(found))
        (folder / '0a.png').touch()
        return real(folder, pattern) if seen else iter([])

    monkeypatch.setattr(Path, 'rglob', other_first)
    found.update(settings, n_segments=32)
    (tmp_path / 'other').mkdir()
    with pytest.raises(ValueError, match=r'made with .*"n_segments": 32.*, not with .*"n_segments": 64'):
        claim_folder(tmp_path / 'other', settings)
    found.update(settings)
    (tmp_path / 'same').mkdir()
    claim_folder(tmp_path / 'same', settings)
