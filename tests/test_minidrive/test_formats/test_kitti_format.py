import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from projects.minidrive import KITTI_PRESETS, generate, generate_kitti
from projects.minidrive.formats.kitti_files import write_depth
from projects.minidrive.formats.kitti_record import record_drive
from projects.minidrive.sensors.kitti_capture import sparse_depth
from projects.minidrive.state import STATE


def read_depth(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float64) / 256


def frames_of(root):
    for split, folder in (('train', 'train'), ('val', 'val')):
        for line in (root / 'splits' / f'minidrive_{split}.txt').read_text().splitlines():
            image, depth, focal = line.split()
            yield root / 'raw' / image, root / 'depth' / folder / depth, float(focal)


def calibration_of(image):
    text = (image.parents[3] / 'calib_cam_to_cam.txt').read_text()
    values = dict(line.split(': ') for line in text.splitlines())
    return {key: np.array(values[key].split(), float).reshape(3, 4) for key in ('P_rect_02', 'P_rect_03')}


def test_every_frame_of_the_lists_has_images_and_maps_of_both_cameras(kitti_root):
    frames = list(frames_of(kitti_root))
    assert len(frames) == 12
    for image, depth, focal in frames:
        for camera in ('image_02', 'image_03'):
            for kind in ('groundtruth', 'dense'):
                path = Path(str(depth).replace('groundtruth', kind).replace('image_02', camera))
                assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).dtype == np.uint16
            assert cv2.imread(str(image).replace('image_02', camera)).shape == (128, 416, 3)
        assert calibration_of(image)['P_rect_02'][0, 0] == pytest.approx(focal, abs=1e-3)


def test_lidar_depth_agrees_with_the_dense_truth_and_is_sparse(kitti_root):
    for _, path, _ in frames_of(kitti_root):
        sparse, dense = read_depth(path), read_depth(str(path).replace('groundtruth', 'dense'))
        valid = sparse > 0
        assert 0.1 < valid.mean() < 0.5
        assert np.median(np.abs(sparse - dense)[valid] / sparse[valid]) < 0.01


def test_right_image_is_the_left_one_shifted_by_the_disparity_of_the_calibration(kitti_root):
    for image, path, _ in frames_of(kitti_root):
        calib = calibration_of(image)
        scale = calib['P_rect_02'][0, 3] - calib['P_rect_03'][0, 3]
        assert scale / calib['P_rect_02'][0, 0] == pytest.approx(0.54, abs=0.012)
        left = cv2.imread(str(image), 0).astype(np.float32)
        right = cv2.imread(str(image).replace('image_02', 'image_03'), 0).astype(np.float32)
        rows, columns = np.nonzero(read_depth(path))
        disparity = scale / read_depth(path)[rows, columns]

        def error(sign, left=left, right=right, rows=rows, columns=columns, disparity=disparity):
            where = columns - sign * disparity
            inside = (where >= 0) & (where <= left.shape[1] - 1)
            seen = cv2.remap(
                right, where[inside].astype(np.float32)[None], rows[inside].astype(np.float32)[None], cv2.INTER_LINEAR
            )[0]
            return np.abs(seen - left[rows[inside], columns[inside]]).mean()

        assert error(1.0) < 0.6 * error(0.0)
        assert error(1.0) < min(error(0.9), error(1.1))


def test_cameras_differ_in_height_and_focal_length_between_drives(kitti_root):
    assert len({focal for _, _, focal in frames_of(kitti_root)}) == 6


def test_drive_has_the_same_bytes_alone_as_in_a_run(kitti_root, tmp_path):
    lines = record_drive(KITTI_PRESETS['tiny'], 0, 4, tmp_path)
    assert [len(v) for v in lines.values()] == [2]
    files = [p for p in tmp_path.rglob('*') if p.is_file()]
    assert len(files) == 1 + 2 * 2 * 3
    for path in files:
        assert (kitti_root / path.relative_to(tmp_path)).read_bytes() == path.read_bytes()


def test_calibration_drives_come_last(tmp_path):
    preset = KITTI_PRESETS['tiny-study']
    assert [preset.split_of(index)[10:] for index in range(preset.num_scenes)] == 4 * ['train'] + 2 * ['val'] + [
        'calib'
    ]
    lines = record_drive(preset, 0, 6, tmp_path)
    assert [(split, len(found)) for split, found in lines.items()] == [('minidrive_calib', 2)]
    assert len(list((tmp_path / 'depth/val').rglob('groundtruth/image_02/*.png'))) == 2


def test_every_split_of_a_preset_has_its_list(tmp_path):
    root = tmp_path / 'data'
    assert generate_kitti(root, 'tiny-study', progress=False).scenes == 7
    counts = {path.stem: len(path.read_text().splitlines()) for path in (root / 'splits').iterdir()}
    assert counts == {'minidrive_train': 8, 'minidrive_val': 4, 'minidrive_calib': 2}


def test_interrupted_run_generates_the_unfinished_drive_only(kitti_root, tmp_path):
    root = tmp_path / 'data'
    shutil.copytree(kitti_root, root)
    (root / STATE / '2024_01_03_drive_0003_sync.json').unlink()
    assert generate_kitti(root, 'tiny', seed=0, progress=False).generated == 1
    assert generate_kitti(root, 'tiny', seed=0, progress=False).generated == 0


def test_formats_seeds_and_presets_are_not_mixed(kitti_root):
    with pytest.raises(ValueError, match='choose another folder'):
        generate(kitti_root, 'tiny', seed=0, progress=False)
    with pytest.raises(ValueError, match='choose another folder'):
        generate_kitti(kitti_root, 'tiny', seed=1, progress=False)
    with pytest.raises(ValueError, match='unknown preset'):
        generate_kitti(kitti_root, 'bench', seed=0)


def test_points_behind_the_visible_surface_are_dropped():
    dense = np.full((4, 4), 10.0, np.float32)
    cam2img = np.array([[4.0, 0, 1], [0, 4, 1], [0, 0, 1]])
    points = np.array([[0.0, 0, 10.0], [2.5, 0, 10.2], [5.0, 0, 20.0]])  # columns 1, 2 and 2: the last one is occluded
    sparse = sparse_depth(points, np.eye(4), cam2img, dense)
    assert sparse[1].tolist() == pytest.approx([0, 10.0, 10.2, 0], abs=1e-5)
    assert (sparse_depth(points[2:], np.eye(4), cam2img, dense) == 0).all()


def test_depth_file_keeps_zero_for_nothing_and_clips_at_its_largest_value(tmp_path):
    write_depth(tmp_path / 'a.png', np.array([[0.0, 1e-4, 1.0, 300.0]], np.float32))
    assert cv2.imread(str(tmp_path / 'a.png'), cv2.IMREAD_UNCHANGED).tolist() == [[0, 1, 256, 65535]]


def test_tool_refuses_a_preset_of_the_other_format(run_python, tmp_path):
    options = ('--format', 'kitti', '--preset', 'bench')
    result = run_python('tools/create_minidrive.py', tmp_path / 'a', *options, check=False)
    assert result.returncode == 2
    assert "--preset of --format kitti must be one of ['mini', 'study', 'tiny', 'tiny-study']" in result.stderr
