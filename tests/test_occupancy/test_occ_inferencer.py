"""A trained student as a call: what testing predicts, from tokens, files and arrays."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from docs_blocks import blocks
from PIL import Image
from trained import samples_of_testing, write_weights

from projects.engine import ConfigError, read_config
from projects.occupancy import OccInferencer
from projects.occupancy.views import render_cameras
from projects.rendering import VoxelGrid

NAME = 'flashocc_mini_1xb1-7e_minidrive'
FULL_DECODE = {'test_dataloader.dataset.pipeline.0.reduced_decode': 1}


@pytest.fixture(scope='module')
def small(minidrive_root, converter_class, tmp_path_factory):
    """Options that read two frames of MiniDrive."""
    folder = tmp_path_factory.mktemp('infos')
    converter_class(str(minidrive_root), 'v1.0-minidrive', str(folder), workers=1).run()
    return {
        'test_dataloader.dataset.indices': 2,
        'test_dataloader.dataset.ann_file': str(folder / 'occ3d-nus_infos_val.pkl'),
    }


@pytest.fixture(scope='module')
def weights(repo, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'student.pth'
    return write_weights(read_config(repo / f'configs/flashocc/{NAME}.py'), path)


@pytest.fixture(scope='module')
def student(weights, minidrive_root, small):
    """The student that decodes at full size, as frames of the user are."""
    options = {**FULL_DECODE, **small}
    return OccInferencer(NAME, weights, 'cpu', minidrive_root, options, show_progress=False)


def frame_of(inferencer, index, cameras=None, arrays=False):
    """A sample of the data set as a user would give it: images and a calibration."""
    frame = inferencer.dataset.frame(index)
    paths = dict(zip(frame['cam_names'], frame['img_paths']))
    chosen = cameras or list(paths)
    return {
        'token': frame['token'],
        'images': {name: cv2.imread(paths[name]) if arrays else paths[name] for name in chosen},
        'calibration': {
            name: {'intrinsic': intrinsic.tolist(), 'sensor2ego': pose.tolist()}
            for name, intrinsic, pose in zip(frame['cam_names'], frame['cam2img'], frame['cam2ego'])
            if name in chosen
        },
    }


@pytest.fixture(scope='module')
def predicted(student):
    student.dataset.full_init()
    return [student(index, probabilities=True)['predictions'][0] for index in range(2)]


def test_samples_of_the_data_set_are_predicted_as_testing_does(repo, weights, minidrive_root, small, tmp_path):
    path = repo / f'configs/flashocc/{NAME}.py'
    tested = samples_of_testing(path, weights, minidrive_root, tmp_path, **small)
    inferencer = OccInferencer(NAME, weights, 'cpu', minidrive_root, small, show_progress=False)
    tokens = [sample.token for sample in tested]
    found = inferencer(tokens, batch_size=2)['predictions']  # test_dataloader.batch_size of the config
    assert len(found) == 2
    for sample, prediction in zip(tested, found):
        assert prediction['token'] == sample.token
        assert prediction['pred_occ'].dtype == np.uint8
        assert np.array_equal(prediction['pred_occ'], sample.pred_occ.numpy())
    assert len(np.unique(found[0]['pred_occ'])) > 2
    assert not np.array_equal(found[0]['pred_occ'], found[1]['pred_occ'])


def test_files_and_arrays_give_what_the_token_gives(student, predicted, tmp_path):
    frames = [frame_of(student, 0), frame_of(student, 0, arrays=True)]
    (tmp_path / 'rig.json').write_text(json.dumps(frames[0]['calibration']))
    frames[0]['calibration'] = tmp_path / 'rig.json'
    for frame in frames:
        (prediction,) = student(frame, probabilities=True)['predictions']
        assert prediction['token'] == predicted[0]['token']
        assert np.array_equal(prediction['pred_occ'], predicted[0]['pred_occ'])
        assert np.array_equal(prediction['probabilities'], predicted[0]['probabilities'])


def test_a_batch_of_two_equals_two_calls(student, predicted):
    together = student([0, 1], batch_size=2, probabilities=True)['predictions']
    for one, alone in zip(together, predicted):
        assert np.array_equal(one['pred_occ'], alone['pred_occ'])
        assert np.abs(one['probabilities'] - alone['probabilities']).max() < 1e-6


def test_probabilities_sum_to_one_and_their_largest_is_the_prediction(predicted):
    probabilities = predicted[0]['probabilities']
    assert probabilities.shape == (200, 200, 16, 18)
    assert np.allclose(probabilities.sum(-1), 1, atol=1e-5)
    assert np.array_equal(probabilities.argmax(-1), predicted[0]['pred_occ'])


def test_five_cameras_are_enough_and_the_order_of_the_names_counts_nothing(student, predicted):
    cameras = [name for name in student.dataset.spec.cameras if name != 'CAM_BACK'][::-1]
    (prediction,) = student(frame_of(student, 0, cameras), render_height=9)['predictions']
    assert prediction['pred_occ'].shape == (200, 200, 16)
    assert not np.array_equal(prediction['pred_occ'], predicted[0]['pred_occ'])
    assert list(prediction['views']) == cameras[::-1]


def test_a_model_that_needs_all_cameras_says_which_are_missing(student, monkeypatch):
    monkeypatch.setattr(student.model, 'FEWER_CAMERAS', False)
    with pytest.raises(ValueError, match=r"LSSOccModel needs all cameras; frame \w+ has no \['CAM_FRONT_LEFT', "):
        student(frame_of(student, 0, ['CAM_FRONT']))


def test_views_are_the_logits_without_class_weights_seen_through_the_cameras(student):
    """Density from the log-odds of occupied space; an independent march in steps of 2 cm through constant voxels."""
    (prediction,) = student(0, render_height=6)['predictions']
    assert set(prediction['views']) == set(student.dataset.spec.cameras)
    with torch.no_grad():
        data = student.model.data_preprocessor(next(student.preprocess([0])), False)
        outputs = student.model.predict_outputs(data['inputs'])
        logits = student.model.occ_head.calibrate(outputs['occ_logits'])[0].double()
    field = torch.nn.functional.softplus(logits[..., :17].logsumexp(-1) - logits[..., 17])
    view, row, column = prediction['views']['CAM_FRONT'], 3, 5
    assert view.depths.shape == view.semantics.shape
    rows, columns = data['data_samples'][0].ori_shape
    pixel = torch.tensor([(column + 0.5) * columns / view.depths.shape[1] - 0.5, (row + 0.5) * rows / 6 - 0.5, 1.0])
    camera = student.dataset.spec.cameras.index('CAM_FRONT')
    pose = data['inputs']['cam2ego'][0, camera].double()
    ray = pose[:3, :3] @ torch.linalg.inv(data['inputs']['cam2img'][0, camera].double()) @ pixel.double()
    t = torch.arange(0.01, 57.4, 0.02, dtype=torch.float64)
    index = ((pose[:3, 3] + t[:, None] * ray - torch.tensor([-40.0, -40.0, -1.0])) / 0.4).floor().long()
    inside = ((index >= 0) & (index < torch.tensor([200, 200, 16]))).all(1)
    index = index * inside[:, None]
    density = field[tuple(index.T)] * inside
    alive = torch.exp(-torch.cumsum(density * 0.02, 0))
    weights = torch.cat([alive.new_ones(1), alive[:-1]]) - alive
    semantics = (weights[:, None] * logits[tuple(index.T)][:, :17]).sum(0)
    assert weights.sum() > 0.5
    assert view.depths[row, column] == pytest.approx(float((weights * t).sum() / weights.sum()), abs=0.1)
    assert view.semantics[row, column] == int(semantics.argmax())


def test_a_wall_is_rendered_at_its_distance():
    """The camera of a cube of 8 m looks along x from the middle of its near face; a wall begins at 5 m."""
    logits = torch.full((8, 8, 8, 3), -20.0)
    logits[..., 2] = 20.0
    logits[5, ..., 1:] = torch.tensor([20.0, -20.0])
    cam2img = torch.tensor([[[1.5, 0, 1.0], [0, 1.5, 1.0], [0, 0, 1]]])
    pose = torch.eye(4)
    pose[:3, :3] = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    (view,) = render_cameras(logits, cam2img, pose[None], (3, 3), 3, VoxelGrid((0, -4, -4, 8, 4, 4), (8, 8, 8)))
    assert view.depths[1, 1] == pytest.approx(5 + 1 / 40, abs=0.01)  # density 40 per metre
    assert (view.semantics == 1).all()


def test_files_are_what_the_evaluator_and_the_hook_write(student, predicted, minidrive_root, tmp_path, run_python):
    result = student([0, 1], out_dir=tmp_path, return_vis=True, probabilities=True, render_height=9)
    token = predicted[0]['token']
    picture = np.asarray(Image.open(tmp_path / f'vis/{token}.png'))
    assert np.array_equal(picture, result['visualization'][0])
    assert picture.shape[1] == 1260
    with np.load(tmp_path / f'preds/{token}.npz') as content:
        assert np.array_equal(content['arr_0'], predicted[0]['pred_occ'])
    with np.load(tmp_path / f'views/{token}.npz') as content:
        assert content['cameras'].tolist() == list(student.dataset.spec.cameras)
        assert np.array_equal(
            content['depth'][1], result['predictions'][0]['views'][content['cameras'][1]].depths, True
        )
    with np.load(tmp_path / f'probabilities/{token}.npz') as content:
        assert content['probabilities'].dtype == np.float16
    assert Image.open(tmp_path / f'views/{token}.png').width == 1260
    scored = run_python('tools/eval_occ.py', minidrive_root / 'gts', tmp_path / 'preds', check=False)
    assert 'mIoU' in scored.stdout
    assert token not in scored.stderr  # the frames that were not predicted are


def test_a_distilled_checkpoint_gives_the_student(repo, weights, minidrive_root, small, predicted, tmp_path):
    plain = read_config(repo / f'configs/flashocc/{NAME}.py')
    distilled = write_weights(plain, tmp_path / 'distilled.pth', prefix='student.')
    name = 'radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive'
    inferencer = OccInferencer(name, distilled, 'cpu', minidrive_root, {**FULL_DECODE, **small}, show_progress=False)
    (prediction,) = inferencer(0)['predictions']
    assert np.array_equal(prediction['pred_occ'], predicted[0]['pred_occ'])


def test_data_samples_are_given_on_request(student, predicted):
    (sample,) = student(0, return_datasamples=True)['predictions']
    assert np.array_equal(sample.pred_occ.numpy(), predicted[0]['pred_occ'])


def wrong(**changes):
    """Change a sound frame."""
    return lambda frame: {**frame, **changes}


def without_pose(frame):
    calibration = {**frame['calibration'], 'CAM_BACK': {'intrinsic': np.eye(3).tolist()}}
    return {**frame, 'calibration': calibration}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            wrong(images={'CAM_TOP': 'x.jpg'}),
            r"frame \w+ has the cameras \['CAM_TOP'\].*it has \['CAM_FRONT_LEFT', .*CAM_BACK",
        ),
        (wrong(calibration={'CAM_TOP': {}}), r"the calibration has the cameras \['CAM_TOP'\]"),
        (wrong(calibration={}), r"a calibration of each; without it are \['CAM_FRONT_LEFT', "),
        (wrong(images={}), 'needs images'),
        (wrong(lidar=1), r"must have images, calibration and perhaps a token, got \['calibration', 'images', 'lidar'"),
        (
            wrong(images={'CAM_FRONT': np.zeros((4, 4))}),
            r'CAM_FRONT of frame \w+ must be a file or an array \(H, W, 3\)',
        ),
        (wrong(token='../x'), 'cannot be a file name'),
        (without_pose, r"CAM_BACK of the calibration has \['intrinsic'\]; it must be \{camera: "),
    ],
)
def test_a_frame_that_cannot_be_used_says_why(student, change, message):
    with pytest.raises(ValueError, match=message):
        student(change(frame_of(student, 0)))


def test_inputs_that_are_none_say_why(student):
    frame = frame_of(student, 0)
    with pytest.raises(ValueError, match='two frames have the name'):
        student([frame, frame])
    with pytest.raises(KeyError, match='sample abc is not in'):
        student('abc')
    with pytest.raises(ValueError, match=r'there is no sample 2: .* has 2, from 0'):
        student(2)
    with pytest.raises(ValueError, match=r'input 0 must be a token, an index or a frame \(a dict\), got float'):
        student(0.5)
    with pytest.raises(
        ValueError, match=r"OccInferencer has no option \['probs'\]; it has \['probabilities', 'render_h"
    ):
        student(0, probs=True)


def test_a_model_that_reads_lidar_refuses_frames(repo, minidrive_root, small, tmp_path):
    name = 'bevfusion-occ_mini_1xb1-7e_minidrive'
    teacher = write_weights(read_config(repo / f'configs/bevfusion_occ/{name}.py'), tmp_path / 'teacher.pth')
    inferencer = OccInferencer(name, teacher, 'cpu', minidrive_root, small, show_progress=False)
    with pytest.raises(ValueError, match='reads LiDAR'):
        inferencer({'images': {}, 'calibration': {}})
    assert inferencer(0)['predictions'][0]['pred_occ'].shape == (200, 200, 16)


def test_a_misspelt_name_names_the_nearest_configs(weights):
    with pytest.raises(ConfigError, match=r'nearest are\n.*flashocc_mini_1xb1-7e_minidrive'):
        OccInferencer('flashocc_mini_1xb1-7e_minidriv', weights)


def test_the_blocks_of_the_page_run(small, weights, minidrive_root, tmp_path, monkeypatch):
    """Also the calibration that the page shows."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / 'data/minidrive'
    data.mkdir(parents=True)
    infos = Path(small['test_dataloader.dataset.ann_file'])
    for path in (*minidrive_root.iterdir(), infos):
        (data / path.name).symlink_to(path)
    (tmp_path / 'model.pth').symlink_to(weights)
    for camera, name in (('CAM_FRONT', 'front'), ('CAM_BACK', 'back')):
        image = next((minidrive_root / 'samples' / camera).iterdir())
        (tmp_path / f'{name}.jpg').symlink_to(image)
    page = blocks('docs/inference.md')
    (rig,) = [block.text for block in page if block.language == 'json']
    (tmp_path / 'rig.json').write_text(rig)
    first, second = [block.text for block in page if block.language == 'python' and 'depth.pth' not in block.text]
    names = {}
    exec(first, names)
    views = names['prediction']['views']
    assert views['CAM_FRONT'].depths.shape == (90, 160)
    assert len(list((tmp_path / 'out/vis').iterdir())) == 2
    exec(second, names)
    assert names['prediction']['token'] == 'first'
    assert names['prediction']['pred_occ'].shape == (200, 200, 16)
