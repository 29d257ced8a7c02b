"""Which pairs of KITTI the converter finds, and which data it refuses."""

import os
import shutil
from pathlib import Path

import conversion  # noqa: F401 - puts tools on the path
import cv2
import numpy as np
import pytest
from dataset_converters.kitti_depth import KITTIDepthConverter
from depth_data import build, convert, infos, left_images

from projects.depth_eval import encode_depth


def test_kitti_without_the_right_camera_serves_models_of_one_image(broken_root):
    for path in broken_root.glob('raw/*/*/image_03'):
        shutil.rmtree(path)
    result = convert('kitti-depth', '--root-path', broken_root)
    assert result.returncode == 0, result.stderr
    assert 'none of the 12 frames has a right image' in result.stdout
    items = infos(broken_root)
    assert len(items) == 8
    assert all(item['right_path'] is item['right_depth_path'] is item['right_dense_path'] is None for item in items)
    item = build(broken_root, stereo=False)[0]
    assert item['inputs']['img'].shape == (3, 128, 416)
    with pytest.raises(ValueError, match=r'8 of 8 frames have no right image .*stereo=True needs pairs.*stereo=False'):
        build(broken_root)
    result = convert('kitti-depth', '--root-path', broken_root, '--pairs-only')
    assert result.returncode == 1
    assert 'holds no frame' in result.stderr


def test_right_images_that_are_missing_here_and_there_are_named(broken_root):
    path = Path(str(left_images(broken_root)[0]).replace('image_02', 'image_03'))
    path.unlink()
    result = convert('kitti-depth', '--root-path', broken_root)
    assert result.returncode == 0, result.stderr
    assert f'1 of 12 frames have no right image:\n  {path.relative_to(broken_root)}' in result.stdout
    assert [item['right_path'] is None for item in infos(broken_root)] == [True, *[False] * 7]
    with pytest.raises(ValueError, match='1 of 8 frames have no right image'):
        build(broken_root)
    result = convert('kitti-depth', '--root-path', broken_root, '--pairs-only')
    assert 'they are left out' in result.stdout
    assert len(build(broken_root)) == 7


def test_first_pair_of_a_drive_is_checked_although_its_first_frame_has_no_right_image(broken_root):
    left = left_images(broken_root)[:2]
    Path(str(left[0]).replace('image_02', 'image_03')).unlink()
    shutil.copy(left[1], str(left[1]).replace('image_02', 'image_03'))
    result = convert('kitti-depth', '--root-path', broken_root)
    assert result.returncode == 1
    assert 'are the same picture' in result.stderr
    assert convert('kitti-depth', '--root-path', broken_root, '--no-pair-check').returncode == 0


def as_jpeg(path):
    cv2.imwrite(str(path.with_suffix('.jpg')), cv2.imread(str(path)), [cv2.IMWRITE_JPEG_QUALITY, 95])
    path.unlink()
    return path.with_suffix('.jpg')


def test_jpeg_images_are_found_file_by_file_and_png_goes_first(broken_root):
    left = left_images(broken_root)
    as_jpeg(left[0])
    cv2.imwrite(str(left[1].with_suffix('.jpg')), np.zeros((128, 416, 3), np.uint8))  # beside its PNG file
    for path in broken_root.glob('raw/*/*/image_03/data/*.png'):
        as_jpeg(path)
    result = convert('kitti-depth', '--root-path', broken_root)
    assert result.returncode == 0, result.stderr
    items = infos(broken_root)
    assert [Path(item['img_path']).suffix for item in items] == ['.jpg', *['.png'] * 7]
    assert {Path(item['right_path']).suffix for item in items} == {'.jpg'}
    item = build(broken_root)[0]
    original = cv2.imread(str(left[0].with_suffix('.jpg')))
    assert np.array_equal(item['inputs']['img'].numpy(), original.transpose(2, 0, 1))
    assert item['inputs']['right_img'].shape == (3, 128, 416)


def test_8_bit_depth_map_and_other_sizes_are_refused(broken_root):
    data = build(broken_root)
    depth = data.get_data_info(0)['depth_path']
    cv2.imwrite(depth, np.ones((128, 416), np.uint8))
    with pytest.raises(ValueError, match=r'single-channel 16-bit PNG.*got 8 bits'):
        data[0]
    Path(depth).write_bytes(encode_depth(np.ones((128, 400))))
    with pytest.raises(ValueError, match=r'size \(128, 400\), but the image of the frame has \(128, 416\)'):
        data[0]
    cv2.imwrite(data.get_data_info(1)['img_path'], np.zeros((128, 400, 3), np.uint8))
    with pytest.raises(ValueError, match='is the image of another date'):
        data[1]


def test_calibration_of_another_date_is_refused(broken_root):
    dates = sorted((broken_root / 'raw').iterdir())
    first = (dates[0] / 'calib_cam_to_cam.txt').read_text()
    shutil.copy(dates[1] / 'calib_cam_to_cam.txt', dates[0])
    result = convert('kitti-depth', '--root-path', broken_root)
    assert result.returncode == 1
    assert 'the list states the focal length' in result.stderr
    (dates[0] / 'calib_cam_to_cam.txt').write_text(first.replace('4.160000e+02', '4.200000e+02'))
    result = convert('kitti-depth', '--root-path', broken_root)
    assert result.returncode == 1
    assert 'is for (128, 420) (S_rect_02)' in result.stderr


def test_swapped_cameras_are_refused(broken_root):
    drive = next((broken_root / 'raw' / '2024_01_02').glob('*_sync'))
    (drive / 'image_02').rename(drive / 'a')
    (drive / 'image_03').rename(drive / 'image_02')
    (drive / 'a').rename(drive / 'image_03')
    result = convert('kitti-depth', '--root-path', broken_root)
    assert result.returncode == 1
    assert 'drive 2024_01_02_drive_0002_sync' in result.stderr
    assert 'swapped' in result.stderr


def test_everything_that_is_missing_is_counted_at_once(tmp_path):
    result = convert('kitti-depth', '--root-path', tmp_path, '--split', 'eigen')
    assert result.returncode == 1
    # The left images of 23158 + 697 frames, their maps but for 45, and the calibration of five dates.
    assert f'{23855 + 23855 - 45 + 5} files are missing' in result.stderr
    assert 'docs/kitti.md' in result.stderr


def test_official_split_reads_folders_and_the_depth_selection(data_root, tmp_path):
    root = tmp_path / 'kitti'
    shutil.copytree(data_root, root)
    test = root / 'depth_selection' / 'test_depth_prediction_anonymous'
    (test / 'image').mkdir(parents=True)
    (test / 'intrinsics').mkdir()
    for name in ('0000000000.png', '0000000001.jpg'):
        cv2.imwrite(str(test / 'image' / name), np.zeros((352, 1216, 3), np.uint8))
        (test / 'intrinsics' / f'{name[:-4]}.txt').write_text('700 0 600 0 700 170 0 0 1')
    result = convert('kitti-depth', '--root-path', root, '--split', 'official')
    assert result.returncode == 0, result.stderr
    sizes = {name: len(build(root, False, ann_file=f'kitti-depth-official_infos_{name}.pkl', test_mode=True))
             for name in ('train', 'val', 'test')}  # fmt: skip
    assert sizes == {'train': 8, 'val': 4, 'test': 2}
    item = build(root, False, ann_file='kitti-depth-official_infos_test.pkl', test_mode=True)[0]
    assert item['data_samples'].frame_id == '0000000000'
    assert not item['data_samples'].gt_depth.any()
    assert item['inputs']['cam2img'][0, 2] == 600


def test_folders_are_listed_and_no_file_is_asked_for(data_root, tmp_path, monkeypatch):
    """Twelve frames took 150 questions; a network file system takes a millisecond for each."""
    asked, listed, is_file, scandir = [], [], Path.is_file, os.scandir
    monkeypatch.setattr(Path, 'is_file', lambda path: asked.append(path) or is_file(path))
    monkeypatch.setattr(os, 'scandir', lambda path: listed.append(str(path)) or scandir(path))
    KITTIDepthConverter(str(data_root), out_dir=str(tmp_path)).run()
    assert len(infos(tmp_path)) == 8
    assert not [path for path in asked if path.suffix == '.png']
    assert len(listed) == len(set(listed))
