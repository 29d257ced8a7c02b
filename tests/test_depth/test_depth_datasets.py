import io
import pickle
import runpy
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS, METRICS

from projects.depth.structures import DepthDataSample
from projects.depth_eval import encode_depth, read_depth
from projects.depth_eval.pairing import pair_files

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'create_data.py'
PIPELINE = [{'type': 'LoadDepthImages'}, {'type': 'LoadDepthMap'}, {'type': 'PackDepthInputs'}]


def convert(*args):
    """Run ``tools/create_data.py`` in this process, since its imports take seconds."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.syspath_prepend(str(TOOL.parent))
        patch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name='__main__')
    return SimpleNamespace(returncode=end.value.code, stdout=out.getvalue(), stderr=err.getvalue())


@pytest.fixture(scope='module')
def data_root(kitti_root, tmp_path_factory):
    root = tmp_path_factory.mktemp('converted') / 'data'
    shutil.copytree(kitti_root, root)
    result = convert('kitti-depth', '--root-path', root)
    assert result.returncode == 0, result.stderr
    return root


@pytest.fixture
def broken_root(data_root, tmp_path):
    shutil.copytree(data_root, tmp_path / 'data')
    return tmp_path / 'data'


def build(root, stereo=True, split='train', test_mode=False, kind='KITTIDepthDataset', ann_file=None):
    ann_file = ann_file or f'kitti-depth_infos_{split}.pkl'
    config = {'type': kind, 'data_root': str(root), 'ann_file': ann_file, 'stereo': stereo, 'pipeline': PIPELINE}
    return DATASETS.build(dict(config, test_mode=test_mode))


def left_images(root):
    return sorted(root.glob('raw/*/*/image_02/data/*.png'))


def test_pair_of_the_data_set_is_that_of_the_files(data_root):
    data = build(data_root)
    assert len(data) == 8
    item, info = data[0], data.get_data_info(0)
    left = cv2.imread(info['img_path'])
    assert np.array_equal(item['inputs']['img'].numpy(), left.transpose(2, 0, 1))
    right = cv2.imread(info['img_path'].replace('image_02', 'image_03'))
    assert np.array_equal(item['inputs']['right_img'].numpy(), right.transpose(2, 0, 1))
    assert np.array_equal(item['data_samples'].gt_depth.numpy(), read_depth(info['depth_path']))
    assert item['inputs']['baseline'].item() == pytest.approx(0.54, abs=0.012)
    assert item['data_samples'].focal == pytest.approx(item['inputs']['cam2img'][0, 0].item())
    assert 'gt_depth_dense' not in item['data_samples']


def test_student_reads_no_right_image(broken_root):
    for path in broken_root.glob('raw/*/*/image_03'):
        shutil.rmtree(path)
    item = build(broken_root, stereo=False, split='val', test_mode=True)[0]
    assert 'right_img' not in item['inputs']
    assert item['inputs']['baseline'].item() == 0
    assert item['data_samples'].right_path is None
    assert item['data_samples'].gt_depth_dense.shape == (128, 416)


def test_missing_right_image_names_the_file(broken_root):
    path = Path(str(left_images(broken_root)[0]).replace('image_02', 'image_03'))
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        build(broken_root)[0]


def infos(root, name='kitti-depth_infos_train.pkl'):
    return pickle.loads((root / name).read_bytes())['data_list']


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


def test_frames_that_cannot_serve_are_refused_when_the_infos_are_read(data_root, tmp_path):
    content = pickle.loads((data_root / 'kitti-depth_infos_train.pkl').read_bytes())
    item = content['data_list'][0]
    for change, message, test_mode in (
        ({'right_path': None}, '1 of 1 frames have no right image', True),
        ({'depth_path': None}, 'has no depth map', False),
        ({'baseline': 0.0}, 'must be positive', True),
    ):
        path = tmp_path / 'infos.pkl'
        path.write_bytes(pickle.dumps({'data_list': [{**item, **change}]}))
        with pytest.raises(ValueError, match=message):
            build(data_root, ann_file=str(path), test_mode=test_mode)
    path.write_bytes(pickle.dumps([item]))
    with pytest.raises(ValueError, match='holds no depth infos'):
        build(data_root, ann_file=str(path))
    with pytest.raises(FileNotFoundError, match='info file not found'):
        build(data_root, ann_file='nope.pkl')


K3 = np.eye(3)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'cam2img': K3 * np.nan}, r'cam2img of frame \S+ of .*odd\.pkl holds NaN'),
        ({'cam2img': K3 * 0}, r'cam2img of frame \S+ of .*odd\.pkl has the focal lengths 0 and 0 px'),
        ({'cam2img': [1.0]}, r'cam2img of frame \S+ of .*odd\.pkl must be numbers of shape \(3, 3\)'),
        ({'right_cam2img': None}, r'right_cam2img of frame \S+ of .*odd\.pkl must be numbers'),
        ({'baseline': float('nan')}, r'frame \S+ of .*odd\.pkl has the baseline nan'),
        ({'baseline': float('inf')}, 'has the baseline inf'),
        ({'baseline': 540.0}, 'has the baseline 540.0, but it must be in metres'),
        ({'baseline': 'x'}, "has the baseline 'x'"),
        ({'depth_scale': 0.0}, r'depth_scale of frame \S+ of .*odd\.pkl must be a positive number .* got 0\.0'),
        ({'depth_scale': -256.0}, 'got -256.0'),
        ({'depth_scale': float('nan')}, 'got nan'),
        ({'ori_shape': None}, r'ori_shape of frame \S+ of .*odd\.pkl must be \(height, width\)'),
        ({'ori_shape': (0, 5)}, 'ori_shape'),
        ({'ori_shape': 'ab'}, 'ori_shape'),
        ({'img_path': 3}, r'img_path of frame \S+ of .*odd\.pkl must be a path or None, got 3'),
        ({'img_path': None}, r'frame \S+ of .*odd\.pkl has no img_path'),
        ({'frame_id': None}, r'item 1 of .*odd\.pkl is no frame with a frame_id'),
        ({'frame_id': 7}, 'is no frame with a frame_id'),
    ],
)
def test_frame_with_a_wrong_value_is_refused_with_file_frame_and_key(data_root, tmp_path, change, message):
    content = pickle.loads((data_root / 'kitti-depth_infos_train.pkl').read_bytes())
    content['data_list'][1].update(change)
    (tmp_path / 'odd.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=message):
        build(data_root, ann_file=str(tmp_path / 'odd.pkl'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (list.clear, r'odd\.pkl holds no frames'),
        (lambda items: items.append(items[2]), r'odd\.pkl holds the frame \S+ twice \(items 2 and 8\)'),
        (lambda items: items.insert(0, None), r'item 0 of .*odd\.pkl is no frame'),
        (lambda items: items[3].pop('baseline'), r"frame \S+ of .*odd\.pkl has no \['baseline'\]"),
    ],
)
def test_info_file_that_is_empty_or_counts_a_frame_twice_is_refused(data_root, tmp_path, change, message):
    content = pickle.loads((data_root / 'kitti-depth_infos_train.pkl').read_bytes())
    change(content['data_list'])
    (tmp_path / 'odd.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=message):
        build(data_root, ann_file=str(tmp_path / 'odd.pkl'))


def sample(gt, pred, frame='a'):
    data = DepthDataSample(metainfo={'frame_id': frame})
    data.gt_depth, data.pred_depth = torch.tensor(gt).float(), torch.tensor(pred).float()
    return data.to_dict()


def test_metric_averages_over_images_and_counts_frames_without_truth():
    metric = METRICS.build({'type': 'DepthMetric', 'crop': 'none'})
    metric.process({}, [sample([[10.0, 10.0]], [[11.0, 11.0]]), sample([[10.0, 0.0]], [[13.0, 1.0]])])
    metric.process({}, [sample([[0.0, 0.0]], [[1.0, 1.0]])])
    result = metric.evaluate(3)
    assert result['depth/abs_rel'] == pytest.approx((0.1 + 0.3) / 2)
    assert (result['depth/frames'], result['depth/skipped']) == (2, 1)


def test_metric_of_the_benchmark_fills_holes():
    metric = METRICS.build({'type': 'DepthMetric', 'protocol': 'kitti'})
    metric.process({}, [sample([[10.0, 10.0, 10.0]], [[12.0, 0.0, 11.0]])])
    assert metric.evaluate(1)['depth/abs_error_rel'] == pytest.approx((20 + 10 + 10) / 3)


def test_metric_names_the_frame_and_refuses_wrong_options():
    metric = METRICS.build({'type': 'DepthMetric'})
    with pytest.raises(ValueError, match='frame a: prediction is 1x1, ground truth 1x2'):
        metric.process({}, [sample([[1.0, 1.0]], [[1.0]])])
    with pytest.raises(ValueError, match='frame a has no'):
        metric.process({}, [{'frame_id': 'a', 'pred_depth': torch.ones(1, 1)}])
    for options in ({'protocol': 'x'}, {'crop': 'x'}, {'cap': 0.0}, {'format_only': True}):
        with pytest.raises(ValueError, match='DepthMetric'):
            METRICS.build(dict(type='DepthMetric', **options))


@pytest.mark.parametrize('options', [{}, {'protocol': 'kitti'}, {'format_only': True}])
def test_metric_refuses_a_prediction_that_is_not_finite_with_its_frame_and_writes_nothing(tmp_path, options):
    metric = METRICS.build(dict(type='DepthMetric', crop='none', submission_dir=str(tmp_path / 'out'), **options))
    with pytest.raises(ValueError, match='frame a: prediction holds NaN or infinity at 2 of 2 pixels; weights'):
        metric.process({}, [sample([[1.0, 0.0]], [[float('nan'), float('inf')]])])
    assert not (tmp_path / 'out').exists()


def test_metric_writes_predictions_as_16_bit_files(tmp_path):
    metric = METRICS.build({'type': 'DepthMetric', 'submission_dir': str(tmp_path), 'format_only': True})
    metric.process({}, [{'frame_id': 'drive/0000000001', 'pred_depth': torch.full((2, 3), 12.5)}])
    assert metric.evaluate(1) == {}
    assert (read_depth(tmp_path / 'drive' / '0000000001.png') == 12.5).all()


@pytest.mark.parametrize('frame', ['../evil', '../../evil', '{root}/evil', 'a/../../evil', 'a/b/c', '..\\evil', None])
def test_metric_writes_nothing_outside_of_its_folder(tmp_path, frame):
    metric = METRICS.build({'type': 'DepthMetric', 'submission_dir': str(tmp_path / 'sub'), 'format_only': True})
    frame = frame and frame.format(root=tmp_path)
    with pytest.raises(ValueError, match=r'frame_id .* cannot be a file name'):
        metric.process({}, [{'frame_id': frame, 'pred_depth': torch.ones(2, 3)}])
    assert not list(tmp_path.rglob('*.*'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'frame_id': '../evil'},
            r"item 1 of .*infos\.pkl: frame_id '../evil' cannot be a file name: it leads out of its folder",
        ),
        ({'frame_id': 5}, r'item 1 of .*infos\.pkl is no frame with a frame_id that is text'),
        ({'depth_path': ['x']}, r"depth_path of frame .*infos\.pkl must be a path or None, got \['x'\]"),
        ({'img_path': 3}, r'img_path of frame .*infos\.pkl must be a path or None, got 3'),
    ],
)
def test_wrong_frames_are_named_alike_by_training_and_evaluation(data_root, tmp_path, change, message):
    content = pickle.loads((data_root / 'kitti-depth_infos_train.pkl').read_bytes())
    content['data_list'][1].update(change)
    path = tmp_path / 'infos.pkl'
    path.write_bytes(pickle.dumps(content))
    (tmp_path / 'pred').mkdir()
    (tmp_path / 'pred' / 'a.png').write_bytes(b'')
    with pytest.raises(ValueError, match=message):
        build(data_root, ann_file=str(path))
    with pytest.raises(ValueError, match=message):
        pair_files(data_root, tmp_path / 'pred', path)


def test_fields_of_the_sample_are_checked():
    data = DepthDataSample()
    with pytest.raises(TypeError, match='gt_depth of DepthDataSample must be float32'):
        data.gt_depth = torch.zeros(2, 2, dtype=torch.float64)
    with pytest.raises(TypeError, match='2 dimensions'):
        data.pred_log_scale = torch.zeros(1, 2, 2)
