"""Folders with images of a rig."""

import pytest

from projects.occupancy.frames import find_frames


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b'')


def test_images_of_a_folder_are_one_frame_of_its_name(tmp_path):
    touch(tmp_path / 'street', 'CAM_FRONT.jpg', 'CAM_BACK.PNG', 'notes.txt')
    frames = find_frames(tmp_path / 'street')
    assert list(frames) == ['street']
    files = ('CAM_BACK.PNG', 'CAM_FRONT.jpg')
    assert frames['street'] == {name.split('.')[0]: f'{tmp_path}/street/{name}' for name in files}


def test_each_folder_of_images_is_a_frame(tmp_path):
    touch(tmp_path / 'b', 'CAM_FRONT.jpg')
    touch(tmp_path / 'a', 'CAM_FRONT.jpg', 'CAM_BACK.jpg')
    touch(tmp_path / 'empty', 'notes.txt')
    frames = find_frames(tmp_path)
    assert {name: sorted(images) for name, images in frames.items()} == {
        'a': ['CAM_BACK', 'CAM_FRONT'],
        'b': ['CAM_FRONT'],
    }
    assert list(frames) == ['a', 'b']


def test_a_folder_that_cannot_be_used_says_why(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'folder not found: .*none'):
        find_frames(tmp_path / 'none')
    with pytest.raises(FileNotFoundError, match=r'it must hold <camera>\.jpg or \.png, or a folder of these'):
        find_frames(tmp_path)
    touch(tmp_path, 'CAM_FRONT.jpg', 'CAM_FRONT.png')
    with pytest.raises(ValueError, match='are images of one camera; remove one of them'):
        find_frames(tmp_path)
