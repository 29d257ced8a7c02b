"""How often the disk is asked, and what the garbage collector and forked workers are spared, on data of any size."""

import gc
import os
import os.path as osp

import pytest
from conversion import convert, items_of
from dataset_converters.folder_index import FolderIndex
from dataset_converters.nuscenes_tables import load_tables


@pytest.fixture
def calls(monkeypatch):
    """Folders that were listed, and files that were asked for one by one."""
    listed, asked, scandir, isfile = [], [], os.scandir, osp.isfile
    monkeypatch.setattr(os, 'scandir', lambda path='.': listed.append(str(path)) or scandir(path))
    monkeypatch.setattr(osp, 'isfile', lambda path: asked.append(str(path)) or isfile(path))
    return listed, asked


def test_a_folder_is_listed_once_for_all_of_its_files(tmp_path, calls):
    (tmp_path / 'samples').mkdir()
    for index in range(50):
        (tmp_path / f'samples/{index}.jpg').touch()
    index = FolderIndex(str(tmp_path))
    assert index.missing([f'samples/{number}.jpg' for number in range(52)], 'images') == [
        'samples/50.jpg',
        'samples/51.jpg',
    ]
    assert index.missing(['sweeps/a.bin', 'sweeps/b.bin', 'samples/7.jpg'], 'all') == ['sweeps/a.bin', 'sweeps/b.bin']
    assert calls == ([str(tmp_path / 'samples'), str(tmp_path / 'sweeps')], [])


def test_a_file_with_a_folder_of_its_own_is_asked_for_once_and_no_folder_is_listed(tmp_path, calls):
    (tmp_path / 'gts/scene/a').mkdir(parents=True)
    (tmp_path / 'gts/scene/a/labels.npz').touch()
    index, paths = FolderIndex(str(tmp_path), lone='gts'), [f'gts/scene/{token}/labels.npz' for token in 'ab']
    for _ in range(3):
        assert index.missing(paths, 'labels') == paths[1:]
    assert calls == ([], [str(tmp_path / path) for path in paths])


def test_the_converter_lists_no_folder_and_asks_for_no_file_twice(root, calls):
    convert(root)
    listed, asked = ([path for path in paths if path.startswith(str(root))] for paths in calls)
    labels = [path for path in asked if path.endswith('labels.npz')]
    found = len(items_of(root)) + len(items_of(root, 'val'))
    assert len(labels) == len(set(labels)) == found
    folders = [path for path in listed if not path.endswith('v1.0-minidrive')]  # the tables have an index of their own
    assert len(folders) == len(set(folders))
    assert not [path for path in listed if '/gts/' in path]


def test_the_garbage_collector_leaves_the_tables_alone(root):
    """Else it looks through millions of records, in every forked worker too, and writes into each."""
    nusc = load_tables(str(root), 'v1.0-minidrive')
    watched = set(map(id, gc.get_objects()))
    assert len(nusc.ego_pose) > 20
    assert not [record for record in nusc.ego_pose if id(record) in watched or id(record['rotation']) in watched]
