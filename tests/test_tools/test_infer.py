"""tools/infer.py: files of images with a calibration give what the sample of the data set gives."""

import json
import pickle
import shutil

import numpy as np
import pytest
from trained import write_weights

from projects.depth_eval import read_depth
from projects.engine import read_config
from projects.occupancy.datasets import Occ3DNuScenesDataset

FLASHOCC = 'flashocc_mini_1xb1-7e_minidrive'
MONO = 'mono-depth_mini_1xb4-12e_minidrive'


@pytest.fixture(scope='module')
def occ(repo, minidrive_root, run_python, tmp_path_factory):
    """Folder with a checkpoint, an info file, and the images of its first sample as a user has them."""
    folder = tmp_path_factory.mktemp('occ')
    write_weights(read_config(repo / f'configs/flashocc/{FLASHOCC}.py'), folder / 'model.pth')
    version = ('--version', 'v1.0-minidrive', '--workers', '1')
    run_python('tools/create_data.py', 'occ3d-nus', '--root-path', minidrive_root, *version, '--out-dir', folder)
    dataset = Occ3DNuScenesDataset('occ3d-nus_infos_val.pkl', str(minidrive_root), test_mode=True, lazy_init=True)
    dataset.ann_file = str(folder / 'occ3d-nus_infos_val.pkl')
    dataset.full_init()
    frame = dataset.frame(0)
    (folder / 'frames' / frame['token']).mkdir(parents=True)
    for name, path in zip(frame['cam_names'], frame['img_paths']):
        shutil.copy(path, folder / 'frames' / frame['token'] / f'{name}.jpg')
    rig = {
        name: {'intrinsic': intrinsic.tolist(), 'sensor2ego': pose.tolist()}
        for name, intrinsic, pose in zip(frame['cam_names'], frame['cam2img'], frame['cam2ego'])
    }
    (folder / 'rig.json').write_text(json.dumps(rig))
    return folder, frame['token']


def test_a_folder_of_images_gives_the_file_that_the_sample_gives(occ, minidrive_root, run_python, tmp_path):
    folder, token = occ
    options = (
        f'test_dataloader.dataset.ann_file={folder}/occ3d-nus_infos_val.pkl',
        'test_dataloader.dataset.pipeline.0.reduced_decode=1',
    )
    model = ('tools/infer.py', FLASHOCC, folder / 'model.pth', '--data-root', minidrive_root, '--device', 'cpu')
    run_python(*model, '--token', token, '--out-dir', tmp_path / 'sample', '--cfg-options', *options)
    images = ('--images', folder / 'frames', '--calib', folder / 'rig.json')
    out = run_python(*model, *images, '--out-dir', tmp_path / 'images', '--render-height', '9').stdout
    assert f'1 samples are in {tmp_path}/images: preds, views, vis' in out
    with (
        np.load(tmp_path / f'sample/preds/{token}.npz') as sample,
        np.load(tmp_path / f'images/preds/{token}.npz') as own,
    ):
        assert np.array_equal(sample['arr_0'], own['arr_0'])
        assert sample['arr_0'].shape == (200, 200, 16)


def test_an_image_gives_the_map_that_the_frame_gives(repo, kitti_root, run_python, tmp_path):
    weights = write_weights(read_config(repo / f'configs/mono_depth/{MONO}.py'), tmp_path / 'model.pth')
    run_python('tools/create_data.py', 'kitti-depth', '--root-path', kitti_root, '--out-dir', tmp_path)
    infos = tmp_path / 'kitti-depth_infos_val.pkl'
    frame = pickle.loads(infos.read_bytes())['data_list'][0]
    model = ('tools/infer.py', MONO, weights, '--data-root', kitti_root, '--device', 'cpu', '--out-dir', tmp_path)
    run_python(*model, '--index', 0, '--cfg-options', f'test_dataloader.dataset.ann_file={infos}')
    (fx, _, cx), (_, fy, cy), _ = np.asarray(frame['cam2img']).tolist()
    shutil.copy(kitti_root / frame['img_path'], tmp_path / 'mine.png')
    out = run_python(*model, '--image', tmp_path / 'mine.png', '--intrinsics', fx, fy, cx, cy).stdout
    assert f'1 samples are in {tmp_path}: maps, preds, vis' in out
    own, expected = (read_depth(tmp_path / f'preds/{name}.png') for name in ('mine', frame['frame_id']))
    assert np.array_equal(own, expected)
    assert own.std() > 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('', 'give one of --token, --index, --images, --image'),
        ('--index 0 --images x', 'give one of'),
        ('--images x --out-dir y', '--images needs --calib'),
        ('--image x --out-dir y', '--image needs --intrinsics'),
        ('--index 0', 'give --out-dir, --show or both'),
        ('--image x z --intrinsics 1 1 1 1 --right-image x --baseline 1 --out-dir y', 'one right image for each'),
        ('--index 0 --out-dir y --batch-size 0', '--batch-size must be at least 1'),
        ('--index 0 --out-dir y --device cuda:99', '--device cuda:99 cannot be used'),
    ],
)
def test_flags_that_do_not_go_together_say_why(run_python, arguments, message):
    outcome = run_python('tools/infer.py', 'config.py', 'model.pth', *arguments.split(), check=False)
    assert outcome.returncode == 2
    assert message in outcome.stderr


def test_a_misspelt_config_is_one_message(run_python, tmp_path):
    outcome = run_python('tools/infer.py', FLASHOCC[:-1], 'x.pth', '--index', '0', '--out-dir', tmp_path, check=False)
    assert outcome.returncode == 1
    assert 'config not found: flashocc_mini_1xb1-7e_minidriv.py. The nearest are' in outcome.stderr
    assert 'Traceback' not in outcome.stderr
