"""What the nuScenes converter says and does about files that are not there."""

import json
import re
import shutil

import numpy as np
import pytest
from conversion import convert, items_of, tokens_of
from dataset_converters.nuscenes_inventory import Inventory


def test_everything_missing_is_listed_before_anything_is_written(root, capsys):
    label = next((root / 'gts/scene-9002').rglob('labels.npz'))
    label.unlink()
    image = next((root / 'samples/CAM_BACK').iterdir())
    image.unlink()
    for sweep in (root / 'sweeps/LIDAR_TOP').iterdir():
        sweep.unlink()
    with pytest.raises(FileNotFoundError, match='nothing was written'):
        convert(root)
    out = capsys.readouterr().out
    assert label.relative_to(root).as_posix() in out
    assert image.name in out
    assert 'LiDAR sweeps' in out
    # Of the six sweeps before keyframes, three are earlier keyframes.
    assert 'missing 3: sweeps/LIDAR_TOP/' in out
    assert list(root.glob('*.pkl')) == []
    convert(root, allow_missing=True)
    assert sorted(item['occ_path'] is None for item in items_of(root, 'val')) == [False, True]
    left = [sweep['lidar_points']['lidar_path'] for sweep in items_of(root)[-1]['lidar_sweeps']]
    assert left
    assert {path.split('/')[0] for path in left} == {'samples'}


def test_allow_missing_leaves_broken_samples_out_and_says_how_many_and_why(root, capsys):
    first, second, third = (scene_tokens := tokens_of(root))[:3]
    (root / 'samples/CAM_BACK/scene-9001__CAM_BACK__0.jpg').unlink()
    (root / 'samples/CAM_FRONT/scene-9001__CAM_FRONT__0.jpg').unlink()
    (root / f'gts/scene-9001/{first}/labels.npz').unlink()
    (root / f'gts/scene-9001/{second}/labels.npz').unlink()
    (root / f'gts/scene-9002/{scene_tokens[3]}/labels.npz').unlink()
    (root / 'samples/LIDAR_TOP/scene-9002__LIDAR_TOP__1.pcd.bin').unlink()
    convert(root, allow_missing=True)
    assert [(item['token'], item['sample_idx']) for item in items_of(root)] == [(third, 0)]
    assert [(item['token'], item['occ_path']) for item in items_of(root, 'val')] == [(scene_tokens[3], None)]
    out = capsys.readouterr().out
    assert 'train: 2 of 3 samples are left out' in out
    assert '1 without camera file: samples/CAM_FRONT/scene-9001__CAM_FRONT__0.jpg,' in out
    assert f'2 without Occ3D label: gts/scene-9001/{first}/labels.npz' in out
    assert 'val: 1 of 2 samples are left out' in out
    assert '1 without LiDAR file: samples/LIDAR_TOP/scene-9002__LIDAR_TOP__1.pcd.bin' in out
    assert 'val: 1 of 1 samples have no Occ3D label; they can be predicted, not scored' in out
    convert(root, allow_missing=True)
    assert 'train.pkl is complete: kept' in capsys.readouterr().out


def test_split_of_which_no_sample_is_whole_is_not_written(root):
    for label in (root / 'gts/scene-9001').rglob('labels.npz'):
        label.unlink()
    assert list(convert(root, allow_missing=True)) == ['val']
    assert [path.name for path in root.glob('*.pkl')] == ['occ3d-nus_infos_val.pkl']
    shutil.rmtree(root / 'samples/CAM_BACK')
    with pytest.raises(FileNotFoundError, match=r'no sample of v1\.0-minidrive in .* is whole'):
        convert(root, allow_missing=True)


def test_cameras_alone_need_no_flag_and_a_part_of_the_lidar_files_is_a_broken_download(root, capsys):
    (root / 'samples/LIDAR_TOP/scene-9001__LIDAR_TOP__1.pcd.bin').unlink()
    with pytest.raises(FileNotFoundError, match='nothing was written'):
        convert(root)
    assert 'unfinished or broken download: add the rest of LIDAR_TOP' in capsys.readouterr().out
    shutil.rmtree(root / 'samples/LIDAR_TOP')
    shutil.rmtree(root / 'sweeps')
    convert(root)
    assert 'no LiDAR at all: camera-only configs do without' in capsys.readouterr().out
    assert [len(item['lidar_sweeps']) for item in items_of(root)] == [0, 0, 0]
    assert np.shape(items_of(root)[0]['lidar_points']['lidar2ego']) == (4, 4)


@pytest.mark.parametrize(('count', 'shown', 'more'), [(4, 4, None), (12, 12, None), (13, 12, '... and 1 more')])
def test_list_of_missing_names_is_whole_up_to_a_dozen(count, shown, more):
    row = Inventory('tables', True, 13, [f'name-{index}.json' for index in range(count)]).row
    assert len(re.findall(r'name-\d+\.json', row)) == shown
    assert (more in row) if more else ('...' not in row)


def test_missing_tables_and_lidarseg_files_are_listed(root, capsys):
    (root / 'v1.0-minidrive/ego_pose.json').rename(root / 'ego_pose.json')
    with pytest.raises(FileNotFoundError):
        convert(root)
    assert 'missing 1: v1.0-minidrive/ego_pose.json' in capsys.readouterr().out
    (root / 'ego_pose.json').rename(root / 'v1.0-minidrive/ego_pose.json')
    (root / 'v1.0-minidrive/lidarseg.json').write_text(json.dumps([{'filename': 'lidarseg/v1.0-minidrive/a.bin'}]))
    with pytest.raises(FileNotFoundError):
        convert(root)
    assert 'download nuScenes-lidarseg' in capsys.readouterr().out


def test_command_line_names_a_missing_root_and_the_expected_layout(run_python, tmp_path):
    result = run_python('tools/create_data.py', 'occ3d-nus', '--root-path', tmp_path / 'nowhere', check=False)
    assert result.returncode == 1
    assert f'error: folder not found: {tmp_path / "nowhere"}' in result.stderr
    assert 'gts/<scene>/<token>/labels.npz' in result.stderr
    assert 'Traceback' not in result.stderr
