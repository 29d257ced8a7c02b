"""convert_weights.py on small models with the names of released ones."""

import pickle

import pytest
import torch
import upstream_weights as upstream

from projects.engine import file_sha256, load_checkpoint_safe, load_trained_model

TOOL = 'tools/model_converters/convert_weights.py'
CONFIG = """
_base_ = '{repo}/configs/_base_/default_runtime.py'
student = dict(
    type='LSSOccModel',
    data_preprocessor=dict(type='OccDataPreprocessor', bgr_to_rgb=False),
    img_backbone=dict(type='mmdet.ResNet', depth=50, base_channels=4, out_indices=(2, 3)),
    img_neck=dict(type='SingleLevelFPN', in_channels=[64, 128], out_channels=8),
    view_transform=dict(
        type='LSSViewTransform', in_channels=8, out_channels=6, grid_size=[24, 16, 1], depth_range=(1, 6, 1),
        point_cloud_range=[-12, -8, -1, 12, 8, 5], legacy_trunc=True, legacy_frustum=True,
    ),
    grid_backbone=dict(type='BEVResNet', in_channels=6, channels=[8, 12, 16], shortcut_norm=False),
    grid_neck=dict(type='LSSFPN', in_channels=[8, 16], out_channels=5, align_corners=True),
    occ_head=dict(type='FlashOccHead', in_channels=5, mid_channels=7, num_heights=3),
)
"""
PLAIN = 'model = student\n'
DISTILLED = "model = dict(type='Distiller', student=student)\n"
IMAGE_AND_GRID = {**upstream.image(4, 8), **upstream.bev_encoder(6, (8, 12, 16), 5)}
RELEASED = {**IMAGE_AND_GRID, **upstream.view(5 + 6, 8), **upstream.head(5, 7, 54)}


@pytest.fixture
def config(repo, tmp_path):
    path = tmp_path / 'small.py'
    path.write_text(CONFIG.format(repo=repo) + PLAIN)
    return path


@pytest.fixture
def released(tmp_path):
    """A file as the EMA hook of BEVDet writes it."""
    weights = upstream.random_weights(RELEASED, torch.float32)
    torch.save({'epoch': 24, 'state_dict': weights, 'updates': 10560}, tmp_path / 'epoch_24_ema.pth')
    return tmp_path / 'epoch_24_ema.pth'


def test_the_written_checkpoint_fills_the_config_and_says_where_it_is_from(config, released, run_python, tmp_path):
    out = tmp_path / 'out/flashocc.pth'
    result = run_python(TOOL, 'flashocc', released, out, '--config', config)
    assert 'occ_head: 6 of 6' in result.stdout
    assert f'wrote {out}' in result.stdout
    assert 'load_from_allow_missing' not in result.stdout
    weights = load_checkpoint_safe(released)['state_dict']
    model = load_trained_model(config, out)
    assert torch.equal(
        model.grid_backbone.stages[0][0].shortcut.conv.bias,
        weights['img_bev_encoder_backbone.layers.0.0.downsample.bias'],
    )
    assert model.img_backbone.bn1.num_batches_tracked == 7
    origin = {'source': 'FlashOCC', 'file': 'epoch_24_ema.pth', 'sha256': file_sha256(released)}
    assert load_checkpoint_safe(out)['meta'] == {'origin': origin}


def test_a_detector_is_a_start_for_a_baseline_and_for_a_student_under_a_teacher(repo, run_python, tmp_path, config):
    boxes = {'pts_bbox_head.shared_conv.conv.weight': (2, 5, 3, 3)}
    weights = upstream.random_weights({**IMAGE_AND_GRID, **upstream.view(3 + 6, 8), **boxes}, torch.float32)
    torch.save({'meta': {}, 'state_dict': weights}, tmp_path / 'cbgs.pth')
    distilled = tmp_path / 'distilled.py'
    distilled.write_text(CONFIG.format(repo=repo) + DISTILLED)
    outs = [tmp_path / f'{path.stem}.pth' for path in (config, distilled)]
    for path, out in zip((config, distilled), outs):
        result = run_python(TOOL, 'bevdet', tmp_path / 'cbgs.pth', out, '--config', path)
        assert 'view_transform: left out, view_transform.depth_net.weight is (9, 8, 1, 1) in the file' in result.stdout
        assert f'load_from={out} load_from_allow_missing=view_transform,occ_head;' in result.stdout
    first, second = (load_checkpoint_safe(out)['state_dict'] for out in outs)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def refused(run_python, tmp_path, *arguments):
    """Error of the tool, which leaves nothing behind."""
    before = sorted(tmp_path.iterdir())
    result = run_python(TOOL, *arguments, check=False)
    assert result.returncode == 1
    assert sorted(tmp_path.iterdir()) == before
    return result.stderr


def test_a_file_that_does_not_fit_is_named_and_nothing_is_written(config, released, run_python, tmp_path):
    out = tmp_path / 'out.pth'
    wider = ('--config', config, '--cfg-options', 'model.occ_head.mid_channels=9')
    error = refused(run_python, tmp_path, 'flashocc', released, out, *wider)
    assert 'occ_head.conv.conv.weight (7, 5, 3, 3) in the file, (9, 5, 3, 3) in the model' in error
    floor = ('--config', config, '--cfg-options', 'model.view_transform.legacy_trunc=False')
    error = refused(run_python, tmp_path, 'flashocc', released, out, *floor)
    assert 'add --cfg-options model.view_transform.legacy_trunc=True' in error


class Code:
    """Runs code when it is unpickled without restriction."""

    def __reduce__(self):
        return (print, ('the file ran code',))


def test_a_file_that_could_run_code_is_refused(config, run_python, tmp_path):
    torch.save({'state_dict': {}, 'hook': Code()}, tmp_path / 'evil.pth', pickle_module=pickle)
    error = refused(run_python, tmp_path, 'flashocc', tmp_path / 'evil.pth', tmp_path / 'out.pth', '--config', config)
    assert 'could run code when loaded' in error
    assert 'the file ran code' not in error


def test_a_checkpoint_of_ours_is_no_release(config, released, run_python, tmp_path):
    run_python(TOOL, 'flashocc', released, tmp_path / 'ours.pth', '--config', config)
    error = refused(run_python, tmp_path, 'flashocc', tmp_path / 'ours.pth', tmp_path / 'o.pth', '--config', config)
    assert 'weights have names that the models of FlashOCC known here do not have: img_neck.output_conv' in error
