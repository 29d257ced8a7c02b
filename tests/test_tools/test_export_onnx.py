"""tools/deploy/export_onnx.py: the file predicts what the model predicts, and its description is true."""

import json

import numpy as np
import pytest
from mmdet3d.registry import DATASETS
from trained import write_weights

from projects.depth import DepthInferencer
from projects.engine import read_config
from projects.occupancy import OccInferencer

FLASHOCC = 'flashocc_mini_1xb1-7e_minidrive'
MONO = 'mono-depth_mini_1xb4-12e_minidrive'
TOOL = 'tools/deploy/export_onnx.py'


def prepare(folder, config, run_python, *create):
    """A checkpoint and info files; returns the arguments of a tool, and the config with its data set."""
    run_python('tools/create_data.py', *create, '--out-dir', folder)
    (infos,) = folder.glob('*_infos_val.pkl')
    root = create[create.index('--root-path') + 1]
    options = {'test_dataloader.dataset.ann_file': str(infos), 'test_dataloader.dataset.data_root': str(root)}
    cfg = read_config(config, options)
    weights = write_weights(cfg, folder / 'model.pth')
    return (config.stem, weights, '--cfg-options', *(f'{key}={value}' for key, value in options.items())), cfg


@pytest.fixture(scope='module')
def occupancy(repo, minidrive_root, run_python, tmp_path_factory):
    create = ('occ3d-nus', '--root-path', minidrive_root, '--version', 'v1.0-minidrive', '--workers', '1')
    config = repo / f'configs/flashocc/{FLASHOCC}.py'
    return prepare(tmp_path_factory.mktemp('occ'), config, run_python, *create)


@pytest.fixture(scope='module')
def depth(repo, kitti_root, run_python, tmp_path_factory):
    config = repo / f'configs/mono_depth/{MONO}.py'
    return prepare(tmp_path_factory.mktemp('depth'), config, run_python, 'kitti-depth', '--root-path', kitti_root)


def run_file(path, images):
    """Outputs of ONNX Runtime for pixels (..., 3, H, W) in BGR order, normalised as the description says."""
    onnxruntime = pytest.importorskip('onnxruntime')
    description = json.loads(path.with_suffix('.json').read_text())
    recipe = description['normalisation']
    assert recipe['channels'] == 'RGB'
    mean, std = (np.array(recipe[name], np.float32)[:, None, None] for name in ('mean', 'std'))
    pixels = np.asarray(images, np.float32)[..., ::-1, :, :]
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    ((name, shape),) = description['inputs'].items()
    assert [name, shape] == [session.get_inputs()[0].name, session.get_inputs()[0].shape]
    assert description['outputs'] == [output.name for output in session.get_outputs()]
    feed = ((pixels - mean) / std)[None]
    assert list(feed.shape) == shape
    return dict(zip(description['outputs'], session.run(None, {name: feed}))), description


def test_occupancy_of_the_file_is_the_prediction_of_the_model(occupancy, run_python, tmp_path):
    onnx = pytest.importorskip('onnx')
    arguments, cfg = occupancy
    out = run_python(TOOL, *arguments, '--index', '1', '--out', tmp_path / 'student.onnx', '--time', '1').stdout
    assert 'occ_logits   differs by at most' in out
    assert 'classes      differ in 0 of 640000 voxels' in out
    assert 'latency      ONNX Runtime' in out

    sample = DATASETS.build(cfg.test_dataloader.dataset)[1]
    outputs, description = run_file(tmp_path / 'student.onnx', sample['inputs']['imgs'])
    inferencer = OccInferencer(cfg, arguments[1], 'cpu', show_progress=False)
    expected = inferencer(1)['predictions'][0]
    assert np.array_equal(outputs['occ_logits'][0].argmax(-1), expected['pred_occ'])
    assert len(np.unique(expected['pred_occ'])) > 1

    assert description['sample'] == expected['token']
    assert description['parity']['occ_logits']['difference'] <= 1e-4 * description['parity']['occ_logits']['largest']
    assert description['classes'][description['free_class']] == 'free'
    assert len(description['classes']) == outputs['occ_logits'].shape[-1]
    assert description['voxel_grid']['grid_size'] == list(outputs['occ_logits'].shape[1:4])
    np.testing.assert_allclose(description['voxel_grid']['voxel_size'], [0.4, 0.4, 0.4])
    assert len(description['cameras']) == len(description['calibration']['cam2ego']) == 6
    nodes = [node.op_type for node in onnx.load(tmp_path / 'student.onnx').graph.node]
    assert description['operators'] == {kind: nodes.count(kind) for kind in set(nodes) - {'Constant'}}


def test_depth_of_the_file_is_the_prediction_of_the_model(depth, run_python, tmp_path):
    pytest.importorskip('onnx')
    arguments, cfg = depth
    out = run_python(TOOL, *arguments, '--out', tmp_path / 'depth.onnx').stdout
    assert 'depth        differs by at most' in out
    assert 'log_scale    differs by at most' in out
    sample = DATASETS.build(cfg.test_dataloader.dataset)[0]
    outputs, description = run_file(tmp_path / 'depth.onnx', sample['inputs']['img'])
    expected = DepthInferencer(cfg, arguments[1], 'cpu', show_progress=False)(0)['predictions'][0]
    height, width = description['valid_size']
    np.testing.assert_allclose(outputs['depth'][0, 0, :height, :width], expected['pred_depth'], rtol=1e-4)
    assert set(description['parity']) == {'depth', 'log_scale'}


def test_a_file_that_differs_too_much_is_not_written(depth, run_python, tmp_path):
    pytest.importorskip('onnxruntime')
    outcome = run_python(TOOL, *depth[0], '--out', tmp_path / 'x.onnx', '--tolerance', '1e-30', check=False)
    assert outcome.returncode == 1
    assert 'of ONNX Runtime differs by more than --tolerance 1e-30' in outcome.stderr
    assert not list(tmp_path.iterdir())


def test_without_a_check_the_description_has_no_parity(depth, run_python, tmp_path):
    pytest.importorskip('onnx')
    run_python(TOOL, *depth[0], '--out', tmp_path / 'x.onnx', '--no-check')
    description = json.loads((tmp_path / 'x.json').read_text())
    assert 'parity' not in description
    assert set(description['versions']) == {'torch', 'onnx'}


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('--out x.pt', '--out must end in .onnx, got x.pt'),
        ('--out x.onnx --time 0', '--time needs at least 1 run'),
        ('--out x.onnx --time 1 --no-check', 'and no --no-check'),
        ('--out x.onnx --tolerance 0', 'must be a positive number, got 0'),
        ('--out x.onnx --token a --index 1', 'not allowed with'),
        ('', 'the following arguments are required: --out'),
    ],
)
def test_flags_that_do_not_go_together_say_why(run_python, arguments, message):
    outcome = run_python(TOOL, 'config.py', 'model.pth', *arguments.split(), check=False)
    assert outcome.returncode == 2
    assert message in outcome.stderr


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--index', '99'), 'there is no sample 99: '),
        (('--token', 'abc'), 'frame abc is not in '),
    ],
)
def test_a_sample_that_is_not_there_is_one_message(depth, run_python, tmp_path, arguments, message):
    pytest.importorskip('onnxruntime')
    outcome = run_python(TOOL, *depth[0], '--out', tmp_path / 'x.onnx', *arguments, check=False)
    assert outcome.returncode == 1
    assert message in outcome.stderr
    assert 'Traceback' not in outcome.stderr
