"""Conversion of DrivingStereo."""

import shutil
from pathlib import Path

import conversion  # noqa: F401 - puts tools on the path
import cv2
import numpy as np
import pytest
from dataset_converters import drivingstereo
from depth_data import build, convert, infos

from projects.depth_eval import encode_depth


def make_drivingstereo(root, calibration='half'):
    left = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (400, 960, 3), np.uint8), (0, 0), 1.0)
    for part in ('train', 'test'):
        for name in ('left-image', 'right-image', 'depth-map'):
            (root / f'{part}-{name}' / '2018-07-09-16-11-56').mkdir(parents=True)
        stem = '2018-07-09-16-11-56/2018-07-09-16-11-56-502'
        cv2.imwrite(str(root / f'{part}-left-image' / f'{stem}.jpg'), left[:, :881])
        cv2.imwrite(str(root / f'{part}-right-image' / f'{stem}.jpg'), left[:, 20:901])
        (root / f'{part}-depth-map' / f'{stem}.png').write_bytes(encode_depth(np.full((400, 881), 27.0)))
        (root / f'calib_{part}' / 'half-image-calib').mkdir(parents=True)
        (root / f'calib_{part}' / 'half-image-calib' / '2018-07-09.txt').write_text(
            'S_rect_101: 8.810000e+02 4.000000e+02\nP_rect_101: 1000 0 440 0 0 1000 200 0 0 0 1 0\n'
            'P_rect_103: 1000 0 440 -1080 0 1000 200 0 0 0 1 0\nT_103: -0.54 0 0\n'
        )


def test_drivingstereo_baseline_is_the_length_of_the_translation(tmp_path):
    make_drivingstereo(tmp_path)
    result = convert('drivingstereo', '--root-path', tmp_path)
    assert result.returncode == 0, result.stderr
    data = build(tmp_path, kind='DrivingStereoDataset', ann_file='drivingstereo_infos_test.pkl')
    item = data[0]
    assert item['inputs']['baseline'].item() == pytest.approx(0.54)  # f * b / disparity = 1000 * 0.54 / 20 = 27 m
    assert (item['data_samples'].gt_depth == 27).all()
    assert item['inputs']['right_img'].shape == (3, 400, 881)


def test_drivingstereo_without_a_right_image_serves_models_of_one_image(tmp_path):
    make_drivingstereo(tmp_path)
    left = next((tmp_path / 'test-left-image').rglob('*.jpg'))
    cv2.imwrite(str(left.with_suffix('.png')), cv2.imread(str(left)))  # one frame in two files
    next((tmp_path / 'test-right-image').rglob('*.jpg')).unlink()
    result = convert('drivingstereo', '--root-path', tmp_path)
    assert result.returncode == 0, result.stderr
    assert '1 of 2 frames have no right image:\n  test-right-image/2018-07-09-16-11-56/' in result.stdout
    items = infos(tmp_path, 'drivingstereo_infos_test.pkl')
    assert [Path(item['img_path']).suffix for item in items] == ['.png']
    assert items[0]['right_path'] is None
    result = convert('drivingstereo', '--root-path', tmp_path, '--pairs-only', '--out-dir', tmp_path / 'pairs')
    assert sorted(path.name for path in (tmp_path / 'pairs').iterdir()) == ['drivingstereo_infos_train.pkl']


def test_drivingstereo_refuses_one_camera_in_both_folders(tmp_path):
    make_drivingstereo(tmp_path)
    left = next((tmp_path / 'train-left-image').rglob('*.jpg'))
    shutil.copy(left, str(left).replace('left', 'right'))
    result = convert('drivingstereo', '--root-path', tmp_path)
    assert result.returncode == 1
    assert 'are the same picture' in result.stderr


def test_drivingstereo_names_missing_files_and_wrong_calibration(tmp_path):
    make_drivingstereo(tmp_path)
    next((tmp_path / 'test-depth-map').rglob('*.png')).unlink()
    result = convert('drivingstereo', '--root-path', tmp_path, '--weather', 'rainy')
    assert result.returncode == 1
    assert 'test-depth-map/2018-07-09-16-11-56/2018-07-09-16-11-56-502.png' in result.stderr
    assert 'rainy/left-image-half-size/<sequence>/<time>.jpg' in result.stderr
    calib = tmp_path / 'calib_test' / 'half-image-calib' / '2018-07-09.txt'
    make_drivingstereo(tmp_path / 'b')
    calib = tmp_path / 'b' / 'calib_test' / 'half-image-calib' / '2018-07-09.txt'
    calib.write_text(calib.read_text().replace('4.000000e+02', '3.000000e+02'))
    result = convert('drivingstereo', '--root-path', tmp_path / 'b')
    assert result.returncode == 1
    assert 'is for images of 300x881 pixels, but they are 400x881' in result.stderr


def test_a_calibration_is_read_once_for_all_frames_of_a_sequence(tmp_path, monkeypatch):
    make_drivingstereo(tmp_path)
    for file in list(tmp_path.rglob('*-502.*')):
        for time in (602, 702):
            shutil.copy(file, str(file).replace('-502.', f'-{time}.'))
    reads, read = [], drivingstereo.read_text
    monkeypatch.setattr(drivingstereo, 'read_text', lambda path: reads.append(path) or read(path))
    drivingstereo.DrivingStereoConverter(str(tmp_path)).run()
    assert [path.parts[-3] for path in reads] == ['calib_train', 'calib_test']
    first, second, third = infos(tmp_path, 'drivingstereo_infos_train.pkl')
    assert first['frame_id'].endswith('-502')
    assert third['frame_id'].endswith('-702')
    assert first['cam2img'] is second['cam2img'] is third['cam2img']  # and written once
