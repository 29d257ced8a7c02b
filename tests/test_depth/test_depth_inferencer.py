"""A trained depth student as a call: what testing predicts, from frame ids, files and arrays."""

import pickle

import cv2
import numpy as np
import pytest
from docs_blocks import blocks
from PIL import Image
from trained import samples_of_testing, write_weights

from projects.depth import DepthInferencer
from projects.depth_eval import read_depth
from projects.engine import read_config
from projects.fileio import restricted_load

NAME = 'mono-depth_mini_1xb4-12e_minidrive'
STEREO = 'stereo-depth_mini_1xb4-6e_minidrive'


@pytest.fixture(scope='module')
def small(kitti_root, run_python, tmp_path_factory):
    """Options that read two frames of MiniDrive."""
    folder = tmp_path_factory.mktemp('infos')
    run_python('tools/create_data.py', 'kitti-depth', '--root-path', kitti_root, '--out-dir', folder)
    return {
        'test_dataloader.dataset.indices': 2,
        'test_dataloader.dataset.ann_file': str(folder / 'kitti-depth_infos_val.pkl'),
    }


@pytest.fixture(scope='module')
def weights(repo, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'student.pth'
    return write_weights(read_config(repo / f'configs/mono_depth/{NAME}.py'), path)


@pytest.fixture(scope='module')
def student(weights, kitti_root, small):
    return DepthInferencer(NAME, weights, 'cpu', kitti_root, small, show_progress=False)


def frame_of(inferencer, index, arrays=False):
    """A frame of the data set as a user would give it."""
    frame = inferencer.dataset.get_data_info(index)
    keys = {'image': 'img_path', 'right_image': 'right_path'}
    paths = {key: frame[name] for key, name in keys.items() if frame[name] is not None}
    baseline = {'baseline': frame['baseline']} if 'right_image' in paths else {}
    images = {key: cv2.imread(path) if arrays else path for key, path in paths.items()}
    return {'frame_id': frame['frame_id'], 'intrinsics': frame['cam2img'].tolist(), **images, **baseline}


def test_frames_of_the_data_set_are_predicted_as_testing_does(repo, weights, student, kitti_root, small, tmp_path):
    path = repo / f'configs/mono_depth/{NAME}.py'
    tested = samples_of_testing(path, weights, kitti_root, tmp_path, **small)
    found = student([sample.frame_id for sample in tested])['predictions']
    assert len(found) == 2
    for sample, prediction in zip(tested, found):
        assert prediction['frame_id'] == sample.frame_id
        assert np.array_equal(prediction['pred_depth'], sample.pred_depth.numpy())
        assert np.array_equal(prediction['pred_scale'], sample.pred_log_scale.exp().numpy())
    assert found[0]['pred_depth'].std() > 0


@pytest.mark.parametrize('arrays', [False, True])
def test_files_and_arrays_give_what_the_frame_id_gives(student, arrays):
    (expected,) = student(0)['predictions']
    (prediction,) = student(frame_of(student, 0, arrays))['predictions']
    assert prediction['frame_id'] == expected['frame_id']
    assert np.array_equal(prediction['pred_depth'], expected['pred_depth'])
    assert np.array_equal(prediction['pred_scale'], expected['pred_scale'])


def test_a_batch_of_two_equals_two_calls(student):
    for together, index in zip(student([0, 1], batch_size=2)['predictions'], (0, 1)):
        (alone,) = student(index)['predictions']
        assert np.allclose(together['pred_depth'], alone['pred_depth'], rtol=1e-6, atol=0)
        assert np.allclose(together['pred_scale'], alone['pred_scale'], rtol=1e-6, atol=0)


def test_files_are_what_the_evaluator_and_the_hook_write(student, small, kitti_root, tmp_path, run_python):
    result = student([0, 1], out_dir=tmp_path, return_vis=True)
    first = result['predictions'][0]
    name = first['frame_id']
    stored = read_depth(tmp_path / f'preds/{name}.png')
    assert np.abs(stored - first['pred_depth']).max() <= 1 / 256
    with np.load(tmp_path / f'maps/{name}.npz') as content:
        assert np.array_equal(content['pred_depth'], first['pred_depth'])
        assert np.array_equal(content['pred_scale'], first['pred_scale'])
    picture = np.asarray(Image.open(tmp_path / f'vis/{name}.png'))
    assert np.array_equal(picture, result['visualization'][0])
    infos = restricted_load(small['test_dataloader.dataset.ann_file'])
    infos['data_list'] = infos['data_list'][:2]
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps(infos))
    flags = ('eigen', kitti_root, tmp_path / 'preds', '--infos', tmp_path / 'infos.pkl')
    assert '2 frames scored' in run_python('tools/eval_depth.py', *flags).stdout


def test_a_model_of_pairs_takes_the_right_image_and_the_baseline(repo, kitti_root, small, tmp_path):
    config = read_config(repo / f'configs/stereo_depth/{STEREO}.py')
    teacher = write_weights(config, tmp_path / 'teacher.pth')
    inferencer = DepthInferencer(STEREO, teacher, 'cpu', kitti_root, small, show_progress=False)
    (expected,) = inferencer(0)['predictions']
    frame = frame_of(inferencer, 0, arrays=True)
    (prediction,) = inferencer(frame)['predictions']
    assert np.array_equal(prediction['pred_depth'], expected['pred_depth'])
    with pytest.raises(ValueError, match='differ in size'):
        inferencer({**frame, 'right_image': frame['right_image'][:-1]})
    with pytest.raises(ValueError, match=r'baseline of frame .* must be a positive number, got 0'):
        inferencer({**frame, 'baseline': 0})
    with pytest.raises(ValueError, match=r"must have \['baseline', 'image', 'intrinsics', 'right_image'\]"):
        inferencer({'image': frame['image'], 'intrinsics': frame['intrinsics']})


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'intrinsics': np.eye(4)}, r'intrinsics of frame .* must be numbers of shape \(3, 3\)'),
        ({'image': np.zeros((4, 4))}, r'image of frame .* must be a file or an array'),
        ({'frame_id': '../../x'}, 'cannot be a file name'),
        ({'baseline': 0.5}, r"must have \['image', 'intrinsics'\] and perhaps a frame_id, got"),
    ],
)
def test_a_frame_that_cannot_be_used_says_why(student, change, message):
    with pytest.raises(ValueError, match=message):
        student({**frame_of(student, 0), **change})


def test_unknown_frames_say_why(student):
    with pytest.raises(KeyError, match='frame abc is not in'):
        student('abc')
    with pytest.raises(FileNotFoundError, match=r'image not found: none.png'):
        student({'image': 'none.png', 'intrinsics': np.eye(3)})


def test_the_block_of_the_page_runs(student, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'depth.pth').symlink_to(weights)
    cv2.imwrite('left.png', cv2.imread(student.dataset.get_data_info(0)['img_path']))
    (block,) = [block.text for block in blocks('docs/inference.md') if 'depth.pth' in block.text]
    names = {}
    exec(block, names)
    assert names['prediction']['frame_id'] == 'first'
    assert np.array_equal(names['prediction']['pred_depth'], student(0)['predictions'][0]['pred_depth'])
