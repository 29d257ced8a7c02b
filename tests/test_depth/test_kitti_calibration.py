import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from projects.depth.datasets import (
    Frame,
    calibration_from_projections,
    check_stereo_order,
    match_rows,
    parse_calibration,
    read_calibration,
    read_compact_list,
    read_eigen_list,
)

P2 = '721.5377 0 609.5593 44.85728 0 721.5377 172.854 0.2163791 0 0 1 0.002745884'
P3 = '721.5377 0 609.5593 -339.5242 0 721.5377 172.854 2.199936 0 0 1 0.002729905'


@pytest.fixture
def write_calibration(tmp_path):
    def write(p2=P2, p3=P3, extra='S_rect_02: 1242 375\n'):
        path = tmp_path / 'calib_cam_to_cam.txt'
        path.write_text(f'calib_time: 09-Jan-2012 13:57:47\n{extra}P_rect_02: {p2}\nP_rect_03: {p3}\n')
        return path

    return write


def test_baseline_of_the_real_calibration_is_053273_m(write_calibration):
    calibration = read_calibration(write_calibration())
    assert calibration.baseline == pytest.approx(0.53273, abs=5e-6)
    assert calibration.left[0, 0] * calibration.baseline == pytest.approx(384.381, abs=1e-3)
    assert calibration.image_shape == (375, 1242)
    assert calibration.left.tolist() == [[721.5377, 0, 609.5593], [0, 721.5377, 172.854], [0, 0, 1]]


def test_swapped_projections_are_refused(write_calibration):
    with pytest.raises(ValueError, match=r'camera 3 lies 0\.533 m to the left of camera 2'):
        read_calibration(write_calibration(P3, P2))


@pytest.mark.parametrize(
    ('p2', 'message'),
    [
        ('1 2 3', 'must hold P_rect_02 with 12 numbers'),
        (P2.replace('721.5377', '700'), 'not those of a rectified pair'),
        (P2.replace('609.5593', 'nan'), r'P_rect_02 of .*calib_cam_to_cam\.txt holds NaN'),
        (P2.replace('0 721.5377', '0 0'), r'P_rect_02 of .*focal lengths 721\.538 and 0 px'),
        (P2.replace('721.5377', '-721.5377'), r'P_rect_02 of .*focal lengths -721\.538'),
        (P2.replace('0 0 1', '0 0 0'), r'P_rect_02 of .*is no matrix of intrinsics'),
        (P2.replace('44.85728', '44857.28'), r'give a baseline of 62\.6\d* m, more than 10 m; are they in metres'),
    ],
)
def test_broken_calibration_is_refused(write_calibration, p2, message):
    with pytest.raises(ValueError, match=message):
        read_calibration(write_calibration(p2))


@pytest.mark.parametrize('size', ['inf inf', 'nan nan', '-1 -1', '1242', '0 375'])
def test_size_that_is_none_is_refused(write_calibration, size):
    with pytest.raises(ValueError, match=r'S_rect_02 of .*calib_cam_to_cam\.txt must be the width and height'):
        read_calibration(write_calibration(extra=f'S_rect_02: {size}\n'))


@pytest.mark.parametrize('encoding', ['latin1', 'utf-16'])
def test_calibrations_and_lists_in_another_encoding_are_named(write_calibration, tmp_path, encoding):
    path = write_calibration()
    path.write_bytes(('comment: \xe9\n' + path.read_text()).encode(encoding))
    with pytest.raises(ValueError, match=r'calib_cam_to_cam\.txt is not text in UTF-8'):
        read_calibration(path)
    (tmp_path / 'list.txt').write_bytes('# \xe9'.encode(encoding))
    with pytest.raises(ValueError, match=r'list\.txt is not text in UTF-8'):
        read_eigen_list(tmp_path / 'list.txt')


def test_missing_calibration_names_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'calib_cam_to_cam\.txt'):
        read_calibration(tmp_path / 'calib_cam_to_cam.txt')


def test_eigen_lists_have_their_published_sizes():
    train, test = read_compact_list('eigen_train'), read_compact_list('eigen_test')
    assert len(train) == len({(f.drive, f.number) for f in train}) == 23158
    assert len(test) == len({(f.drive, f.number) for f in test}) == 697
    assert sum(not f.has_depth for f in test) == 45
    assert not {f.drive for f in train} & {f.drive for f in test}
    assert test[0] == Frame('2011_09_26_drive_0002_sync', 69)


def test_compact_lists_hold_the_frames_of_the_public_lists():
    folder = Path(os.environ.get('GEODISTILL_REALDATA', '')) / 'kitti_splits'
    if not folder.is_dir():
        pytest.skip('GEODISTILL_REALDATA does not name a folder with the lists')
    key = lambda frames: [(f.drive, f.number, f.has_depth) for f in frames]  # noqa: E731
    assert key(read_compact_list('eigen_test')) == key(read_eigen_list(folder / 'kitti_eigen_test.txt'))
    assert set(key(read_compact_list('eigen_train'))) == set(key(read_eigen_list(folder / 'kitti_eigen_train.txt')))


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('2011_09_26/2011_09_28_drive_0001_sync/image_02/data/0000000005.png None 721.5', 'folder of another date'),
        ('d/d/image_03/data/0000000005.png None 721.5', 'expected'),
        (
            '2011_09_26/2011_09_26_drive_0001_sync/image_02/data/0000000005.png '
            '2011_09_26_drive_0001_sync/proj_depth/groundtruth/image_02/0000000006.png 721.5',
            'differ in drive or frame',
        ),
        ('2011_09_26/2011_09_26_drive_0001_sync/image_02/data/0000000005.png None abc', "focal length .* got 'abc'"),
        ('2011_09_26/2011_09_26_drive_0001_sync/image_02/data/0000000005.png None nan', "focal length .* got 'nan'"),
    ],
)
def test_wrong_line_of_a_list_is_named(tmp_path, line, message):
    (tmp_path / 'list.txt').write_text(line + '\n')
    with pytest.raises(ValueError, match=f'line 1.*{message}'):
        read_eigen_list(tmp_path / 'list.txt')


@pytest.mark.parametrize('focal', ['abc', 'nan', 'inf', '0', '-721.5'])
def test_focal_length_of_a_list_that_is_none_is_refused_with_its_line(tmp_path, focal):
    drive = '2011_09_26_drive_0002_sync'
    (tmp_path / 'list.txt').write_text(f'\n2011_09_26/{drive}/image_02/data/0000000069.png None {focal}\n')
    with pytest.raises(ValueError, match=rf"list\.txt, line 2: the focal length must be .* got '{focal}'"):
        read_eigen_list(tmp_path / 'list.txt')


@pytest.mark.parametrize('again', ['png None 721.5', 'jpg None 700'], ids=['same line', 'same frame'])
def test_frame_that_is_there_twice_is_refused_with_both_lines(tmp_path, again):
    start = '2011_09_26/2011_09_26_drive_0002_sync/image_02/data/00000000'
    lines = [f'{start}69.png None 721.5', f'{start}70.png None 721.5', f'{start}69.{again}']
    (tmp_path / 'list.txt').write_text('\n'.join(lines[:2]))
    assert len(read_eigen_list(tmp_path / 'list.txt')) == 2
    (tmp_path / 'list.txt').write_text('\n'.join(lines))
    with pytest.raises(
        ValueError, match=r'list\.txt, line 3: frame 69 of \S+0002_sync is there twice \(line 1 as well'
    ):
        read_eigen_list(tmp_path / 'list.txt')


@pytest.mark.parametrize('suffix', ['png', 'jpg'])
def test_list_may_name_either_kind_of_image(tmp_path, suffix):
    drive = '2011_09_26_drive_0002_sync'
    depth = f'{drive}/proj_depth/groundtruth/image_02/0000000069.png'
    (tmp_path / 'list.txt').write_text(f'2011_09_26/{drive}/image_02/data/0000000069.{suffix} {depth} 721.5\n')
    assert read_eigen_list(tmp_path / 'list.txt') == [Frame(drive, 69, True, 721.5)]


def shifted_pair(disparity):
    texture = np.random.default_rng(0).integers(0, 255, (120, 500), np.uint8)
    texture = cv2.GaussianBlur(texture, (0, 0), 1.0)
    return texture[:, 60:420], texture[:, 60 + disparity : 420 + disparity]  # x_right = x_left - disparity


def test_matches_of_a_shifted_picture_have_its_disparity():
    disparity = match_rows(*shifted_pair(17))
    assert len(disparity) > 20
    np.testing.assert_allclose(disparity, 17, atol=0.05)


def test_swapped_pair_is_refused_and_the_right_one_passes():
    left, right = shifted_pair(17)
    check_stereo_order(left, right, 'a')
    with pytest.raises(ValueError, match=r'median -17.0 px.*swapped'):
        check_stereo_order(right, left, 'a')


def test_disparities_have_fractions():
    left, _ = shifted_pair(0)
    move = np.float32([[1, 0, -0.3], [0, 1, 0]])
    moved = cv2.warpAffine(left, move, left.shape[::-1], flags=cv2.INTER_CUBIC)
    assert np.median(match_rows(left, moved)) == pytest.approx(0.3, abs=0.05)


def jpeg(image, quality):
    return cv2.imdecode(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


def test_one_image_in_both_folders_is_refused_however_it_was_stored(real_kitti):
    left = cv2.imread(str(real_kitti / 'left.png'))
    brighter = np.clip(left * 1.1 + 5, 0, 255).astype(np.uint8)
    for right in (left, jpeg(left, 95), jpeg(left, 30), brighter):
        with pytest.raises(ValueError, match=r'a: left and right image are the same picture \(no disparity anywhere\)'):
            check_stereo_order(left, right, 'a')


def distant_pair(image, disparity, seed=0):
    """What two cameras of their own noise see of a scene at f * b / disparity."""
    rng = np.random.default_rng(seed)
    move = np.float32([[1, 0, -disparity], [0, 1, 0]])
    moved = cv2.warpAffine(image, move, image.shape[1::-1], flags=cv2.INTER_CUBIC)
    return [np.clip(np.round(view + rng.normal(0, 2, view.shape)), 0, 255).astype(np.uint8) for view in (image, moved)]


def test_pair_of_a_distant_scene_passes(real_kitti):
    """With f * b = 384 px m, a scene at 1 km has 0.38 px, one at 2.5 km 0.15 px."""
    left = cv2.imread(str(real_kitti / 'left.png'))
    for disparity in (0.15, 0.38, 1.0):
        check_stereo_order(*distant_pair(left, disparity), 'a')


def test_pair_of_a_scene_without_texture_passes_unless_it_is_one_image():
    fog = np.full((200, 400), 128.0)
    left, right = distant_pair(fog, 0.0)
    assert len(match_rows(left, right)) < 8
    check_stereo_order(left, right, 'a')
    with pytest.raises(ValueError, match='same picture'):
        check_stereo_order(left, left.copy(), 'a')


def test_pair_of_two_sizes_is_refused_and_a_flat_one_passes():
    with pytest.raises(ValueError, match='a pair has one size'):
        check_stereo_order(np.zeros((90, 200), np.uint8), np.zeros((90, 201), np.uint8), 'a')
    check_stereo_order(np.zeros((90, 200), np.uint8), np.zeros((90, 200), np.uint8), 'a')


def test_swapped_cameras_of_the_real_pair_are_refused(real_kitti):
    left, right = (cv2.imread(str(real_kitti / f'{side}.png')) for side in ('left', 'right'))
    assert np.median(match_rows(left, right)) > 5
    check_stereo_order(left, right, 'real')
    with pytest.raises(ValueError, match='left and right images are swapped'):
        check_stereo_order(right, left, 'real')


def test_lidar_of_the_real_pair_agrees_with_its_calibration(real_kitti):
    """The photometric error of the pair is lowest at the disparity f * b / Z, not at a scaled one."""
    values = parse_calibration((real_kitti / 'calib.txt').read_text())
    p2, p3 = values['P2'].reshape(3, 4), values['P3'].reshape(3, 4)
    calibration = calibration_from_projections(p2, p3)
    assert calibration.baseline == pytest.approx(0.53273, abs=5e-6)
    points = np.fromfile(real_kitti / 'lidar.bin', np.float32).reshape(-1, 4)[:, :3].astype(float)
    rect, velo2cam = np.eye(4), np.eye(4)
    rect[:3, :3] = values['R0_rect'].reshape(3, 3)
    velo2cam[:3] = values['Tr_velo_to_cam'].reshape(3, 4)
    uvz = np.c_[points, np.ones(len(points))] @ (p2 @ rect @ velo2cam).T
    left, right = (cv2.imread(str(real_kitti / f'{side}.png')).astype(np.float32) for side in ('left', 'right'))
    height, width = left.shape[:2]
    u, v, z = uvz[:, 0] / uvz[:, 2], uvz[:, 1] / uvz[:, 2], uvz[:, 2]
    inside = (z > 2) & (u > 120) & (u < width - 1) & (v > 0) & (v < height - 1)
    u, v, z = u[inside], v[inside], z[inside]
    assert len(z) > 10000

    def error(scale):
        shift = scale * calibration.left[0, 0] * calibration.baseline / z
        a = cv2.remap(left, u.astype(np.float32)[None], v.astype(np.float32)[None], cv2.INTER_LINEAR)
        b = cv2.remap(right, (u - shift).astype(np.float32)[None], v.astype(np.float32)[None], cv2.INTER_LINEAR)
        return np.abs(a - b).mean()

    errors = {scale: error(scale) for scale in (-1.0, 0.0, 0.9, 0.95, 1.0, 1.05, 1.1)}
    assert min(errors, key=errors.get) == 1.0
    assert errors[1.0] < 0.6 * errors[-1.0]
