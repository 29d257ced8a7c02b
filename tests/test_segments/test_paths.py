"""Every image has one file of segments, inside the folder that was named."""

import pickle
from pathlib import Path

import pytest
from fake_nuscenes import write_fake_nuscenes

from projects.segments import SegmentFile, files_of_folder, files_of_infos, segments_name


@pytest.mark.parametrize(
    ('image', 'name'),
    [
        ({'segments_path': 'segments/t1.png', 'sample_data_token': 't2', 'img_path': 'a.jpg'}, 't1'),
        ({'segments_path': 'mine/deep/er/0001.png', 'img_path': 'a.jpg'}, 'deep/er/0001'),
        ({'segments_path': None, 'sample_data_token': 't2', 'img_path': 'a.jpg'}, 't2'),
        ({'img_path': '000017.jpg'}, 'CAM_FRONT/000017'),
    ],
)
def test_name_is_that_of_the_info_file_or_the_token_or_the_image(image, name):
    assert segments_name(image, 'CAM_FRONT', 'here') == name


@pytest.mark.parametrize('path', ['0001.png', '/data/segments/0001.png', 'segments/0001.npy'])
def test_a_path_without_a_folder_is_refused(path):
    with pytest.raises(ValueError, match=r"images\.CAM_BACK\.segments_path of sample t is '.*no folder in whose place"):
        segments_name({'segments_path': path}, 'CAM_BACK', 'sample t')


@pytest.mark.parametrize('image', [{'segments_path': 'segments/../../x.png'}, {'sample_data_token': '../x'}])
def test_a_name_that_leads_out_of_the_folder_is_refused(image):
    with pytest.raises(ValueError, match='leads out of its folder'):
        segments_name(image, 'CAM_FRONT', 'sample t')


def test_images_of_info_files_are_listed_once(tmp_path):
    items = [
        {
            'token': f't{n}',
            'timestamp': float(n),
            'ego2global': [[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
            'lidar_points': {},
            'images': {name: {'img_path': f'{name}{n}.jpg', 'sample_data_token': f'{name}{n}'} for name in ('A', 'B')},
        }
        for n in range(2)
    ]
    for name, part in (('x.pkl', items), ('y.pkl', items[1:])):
        (tmp_path / name).write_bytes(pickle.dumps({'metainfo': {}, 'data_list': part}))
    files = files_of_infos([tmp_path / 'x.pkl', tmp_path / 'y.pkl'], '/root', 'out')
    assert files == [
        SegmentFile(f'/root/samples/{name}/{name}{n}.jpg', f'out/{name}{n}.png') for n in range(2) for name in 'AB'
    ]


def test_a_folder_of_images_keeps_its_tree_and_the_output_is_no_image(tmp_path):
    for name in ('b.JPG', 'x/a.png', 'x/notes.txt', 'out/b.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    out = str(tmp_path / 'out')
    assert files_of_folder(tmp_path, out) == [
        SegmentFile(f'{tmp_path}/b.JPG', f'{out}/b.png'),
        SegmentFile(f'{tmp_path}/x/a.png', f'{out}/x/a.png'),
    ]
    (tmp_path / 'b.png').touch()
    with pytest.raises(ValueError, match=r'b\.JPG and .*b\.png would have the same file'):
        files_of_folder(tmp_path, out)
    with pytest.raises(FileNotFoundError, match=r'no \.jpg, \.jpeg, \.png file below'):
        files_of_folder(tmp_path / 'nothing', out)


def test_names_are_those_of_the_segments_that_a_data_set_brings(tmp_path, run_python):
    root = write_fake_nuscenes(tmp_path)
    run_python('tools/create_data.py', 'occ3d-nus', '--root-path', root, '--version', 'v1.0-minidrive')
    infos = [root / f'occ3d-nus_infos_{split}.pkl' for split in ('train', 'val')]
    files = files_of_infos(infos, root, 'segments')
    assert all(Path(file.image).is_file() for file in files)
    there = {f'segments/{path.name}' for path in (root / 'segments').iterdir()}
    assert {file.segments for file in files} <= there
    assert len(files) % 6 == 0
