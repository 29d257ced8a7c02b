"""Released weights of FlashOCC, BEVDet and EFFOcc: every name has its place, and our models compute the same from them.

The numbers of tensors and parameters are those of the upstream models, which were counted there.
"""

import copy

import pytest
import torch
import upstream_models
import upstream_weights as upstream
from mmdet3d.registry import MODELS
from mmengine.config import Config

from projects.engine import CheckpointError
from projects.occupancy.models import LSSViewTransform, OccDataPreprocessor
from projects.occupancy.weights import SOURCES, convert_weights, rename_weights
from projects.occupancy.weights.parts import SETTINGS
from projects.occupancy.weights.rules import in_our_axes

M0 = 'configs/flashocc/flashocc_r50-legacy_8xb4-24e_occ3d-nus.py'
M1 = 'configs/flashocc/flashocc_r50-m1-legacy_8xb4-24e_occ3d-nus.py'
BEVDET_OCC = 'configs/bevdet_occ/bevdet-occ_r50-legacy_8xb4-24e_occ3d-nus.py'
WIDER = {'model.grid_neck.out_channels': 512, 'model.occ_head.in_channels': 512}


def model_cfg(repo, name, options=None):
    cfg = Config.fromfile(repo / name)
    cfg.merge_from_dict(options or {})
    return cfg.model


def convert(source, shapes, cfg, **changes):
    with torch.device('meta'):
        model = MODELS.build(cfg)
    state = {**upstream.without_memory(shapes), **changes}
    return model, convert_weights(state, SOURCES[source], model, cfg, 'x.pth')


def refusal(source, shapes, cfg, **changes):
    with pytest.raises(CheckpointError) as error:
        convert(source, shapes, cfg, **changes)
    return str(error.value)


@pytest.mark.parametrize(
    ('shapes', 'tensors', 'parameters'),
    [(upstream.m0(), 430, 39_938_892), (upstream.m1(), 430, 44_744_312), (upstream.bevdet_occ(), 440, 29_021_482)],
)
def test_the_tables_of_these_tests_have_the_size_of_the_upstream_models(shapes, tensors, parameters):
    assert (len(shapes), upstream.count(shapes)) == (tensors, parameters)


@pytest.mark.parametrize(
    ('source', 'shapes', 'config', 'options'),
    [
        ('flashocc', upstream.m0(), M0, None),
        ('flashocc', upstream.m1(), M1, None),
        ('flashocc', upstream.bevdet_occ(), BEVDET_OCC, None),
        ('bevdet', upstream.bevdet_occ(), BEVDET_OCC, None),
        ('bevdet', upstream.bevdet_occ(prefix=''), BEVDET_OCC, None),
        ('effocc', upstream.m1(), M1, None),
        ('effocc', upstream.distill_occ(), M1, WIDER),
    ],
)
def test_a_released_model_fills_every_weight_of_ours_and_nothing_is_left_over(repo, source, shapes, config, options):
    model, converted = convert(source, shapes, model_cfg(repo, config, options))
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in converted.state_dict.items()} == own
    assert not converted.left_out


@pytest.mark.parametrize(
    ('config', 'left_out'),
    [
        (M0, ['view_transform', 'grid_neck', 'occ_head']),
        (M1, ['view_transform', 'occ_head']),
        (BEVDET_OCC, ['view_transform', 'grid_backbone', 'grid_neck', 'occ_head']),
    ],
)
def test_a_detector_fills_whole_parts_and_leaves_out_those_of_another_shape(repo, config, left_out):
    model, converted = convert('bevdet', upstream.detector(), model_cfg(repo, config))
    assert list(converted.left_out) == left_out
    own = {name for name in model.state_dict() if name.split('.')[0] not in left_out}
    assert set(converted.state_dict) == own


def test_the_report_counts_by_part(repo):
    """Vectors of BatchNorm: 4 each. Backbone 265 = 53 x (1 + 4), encoder 66 = 12 x (1 + 4) + 3 x 2."""
    _, converted = convert('bevdet', upstream.detector(), model_cfg(repo, M0))
    assert converted.report == [
        '  occ_head: left out, not in the file',
        '  img_backbone: 265 of 265',
        '  img_neck: 6 of 6',
        '  view_transform: left out, view_transform.depth_net.weight is (123, 256, 1, 1) in the file, '
        '(108, 256, 1, 1) in the model',
        '  grid_backbone: 66 of 66',
        '  grid_neck: left out, grid_neck.merge.0.conv.weight is (512, 640, 3, 3) in the file, (256, 640, 3, 3) in the '
        'model',
        '  not used: pts_bbox_head 7',
    ]


def small_model(**parts):
    """A camera model with one sixteenth of the channels of the image branch."""
    cfg = {
        'type': 'LSSOccModel',
        'data_preprocessor': {'type': 'OccDataPreprocessor', 'bgr_to_rgb': False},
        'img_backbone': {'type': 'mmdet.ResNet', 'depth': 50, 'base_channels': 4, 'out_indices': (2, 3)},
        'img_neck': {'type': 'SingleLevelFPN', 'in_channels': [64, 128], 'out_channels': 8},
        'view_transform': {
            'type': 'LSSViewTransform', 'in_channels': 8, 'out_channels': 6, 'grid_size': [24, 16, 1],
            'point_cloud_range': [-12, -8, -1, 12, 8, 5], 'depth_range': (1, 6, 1), 'legacy_trunc': True,
            'legacy_frustum': True,
        },
    }  # fmt: skip
    return {**cfg, **parts}


BEV = {
    'grid_backbone': {'type': 'BEVResNet', 'in_channels': 6, 'channels': [8, 12, 16], 'shortcut_norm': False},
    'grid_neck': {'type': 'LSSFPN', 'in_channels': [8, 16], 'out_channels': 5, 'align_corners': True},
    'occ_head': {'type': 'FlashOccHead', 'in_channels': 5, 'mid_channels': 7, 'num_heights': 3},
}
VOXEL = {
    'grid_backbone': {'type': 'VoxelResNet', 'in_channels': 4, 'channels': [4, 6, 8], 'always_project': True},
    'grid_neck': {'type': 'VoxelLSSFPN', 'in_channels': [4, 6, 8], 'out_channels': 5, 'align_corners': True},
    'occ_head': {'type': 'BEVDetOccHead', 'in_channels': 5, 'mid_channels': 7},
}


def filled(source, shapes, cfg):
    """Random upstream weights, and our model with them in float64 and evaluation mode."""
    weights = upstream.random_weights(shapes)
    model = MODELS.build(copy.deepcopy(cfg))
    state = convert_weights(weights, SOURCES[source], model, cfg, 'x.pth').state_dict
    model.double().load_state_dict(state, strict=True)
    return weights, model.eval()


def assert_same(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6 * expected.abs().max().item())


@torch.no_grad()
def test_flashocc_computes_the_same_here():
    shapes = {
        **upstream.image(4, 8),
        **upstream.view(5 + 6, 8),
        **upstream.bev_encoder(6, (8, 12, 16), 5),
        **upstream.head(5, 7, 3 * 18),
    }
    weights, model = filled('flashocc', shapes, small_model(**BEV))

    imgs = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    feats = upstream_models.custom_fpn(weights, upstream_models.resnet(weights, imgs))
    assert_same(model.extract_img_feats({'imgs': imgs.unsqueeze(1)})[:, 0], feats)

    rows = upstream_models.conv(weights, 'img_view_transformer.depth_net', feats)
    depth, context = model.view_transform.predict_depth(feats, {})
    assert_same(depth, rows[:, :5])
    assert_same(context, rows[:, 5:])

    bev = torch.randn(2, 6, 16, 24, dtype=torch.float64)
    expected = upstream_models.bev_encoder(weights, bev)
    encoded = model.encode_grid(bev, {})
    assert_same(encoded, expected)
    assert_same(model.decode(encoded)['occ_logits'], upstream_models.bev_head(weights, expected, 3))


def calibration(cameras):
    """Cameras that look anywhere, scaled images, and a mirrored grid."""
    matrices = {'cam2img': [], 'cam2ego': [], 'img_aug_matrix': []}
    for _ in range(cameras):
        cam2ego = torch.eye(4, dtype=torch.float64)
        cam2ego[:3, :3] = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
        cam2ego[:3, 3] = torch.randn(3, dtype=torch.float64)
        matrices['cam2ego'].append(cam2ego)
        matrices['cam2img'].append(torch.tensor([[70.0, 0, 47.3], [0, 71, 31.2], [0, 0, 1]], dtype=torch.float64))
        matrices['img_aug_matrix'].append(torch.tensor([[0.9, 0, 2.1], [0, 0.9, -3.7], [0, 0, 1]], dtype=torch.float64))
    bda_mat = torch.diag(torch.tensor([-1.0, 1, 1, 1], dtype=torch.float64))
    return {**{key: torch.stack(rows) for key, rows in matrices.items()}, 'bda_mat': bda_mat}


def test_legacy_geometry_pools_the_same_with_slices_side_by_side():
    """With the settings that the weights need, here and in a loop over all points; without them, not at all."""
    matrices = calibration(2)
    inputs = {key: value.unsqueeze(0) for key, value in matrices.items()}
    depth = torch.rand(2, 5, 4, 6, dtype=torch.float64).softmax(1)
    context = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    lower, size, grid = (-4, -4, -2), (1, 0.5, 2), (8, 16, 2)
    expected = upstream_models.lift_splat(depth, context, matrices, (64, 96), torch.arange(1, 6), lower, size, grid)
    common = {
        'in_channels': 8, 'out_channels': 3, 'grid_size': grid, 'point_cloud_range': (-4, -4, -2, 4, 4, 2),
        'depth_range': (1, 6, 1),
    }  # fmt: skip
    found = [
        LSSViewTransform(**common, **settings).splat(depth.float(), context.float(), inputs).double()
        for settings in (SETTINGS['LSSViewTransform'], {})
    ]
    assert (expected != 0).float().mean() > 0.1
    assert_same(found[0], expected)
    assert (found[1] - expected).abs().mean() > 0.5 * expected.abs().mean()


@pytest.mark.parametrize('prefix', ['occ_head.', ''])
@torch.no_grad()
def test_bevdet_occ_computes_the_same_here_with_its_axes_turned(prefix):
    shapes = {
        **upstream.image(4, 8),
        **upstream.view(5 + 6, 8),
        **upstream.voxel_encoder((4, 6, 8), 5),
        **upstream.head(5, 7, 18, 3, prefix),
    }
    weights, model = filled('bevdet', shapes, small_model(**VOXEL))
    zyx = torch.randn(2, 4, 12, 8, 16, dtype=torch.float64)
    expected = upstream_models.voxel_encoder(weights, zyx)
    encoded = model.encode_grid(zyx.permute(0, 1, 4, 3, 2), {})
    assert_same(encoded, expected.permute(0, 1, 4, 3, 2))
    assert_same(model.decode(encoded)['occ_logits'], upstream_models.voxel_head(weights, expected, prefix))


def test_kernels_over_voxels_are_turned_and_no_others():
    kernel = torch.arange(24).view(1, 1, 2, 3, 4)  # z, y, x
    turned = in_our_axes(kernel)
    assert turned.shape == (1, 1, 4, 3, 2)
    assert turned.is_contiguous()
    assert all(turned[0, 0, x, y, z] == 12 * z + 4 * y + x for x in range(4) for y in range(3) for z in range(2))
    flat = torch.rand(2, 3, 4, 5)
    assert in_our_axes(flat) is flat


def test_the_network_sees_blue_first_with_the_mean_of_red(repo):
    cfg = dict(model_cfg(repo, M0).data_preprocessor)
    assert cfg.pop('type') == 'OccDataPreprocessor'
    imgs = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 1, 3, 1, 1)  # as files are read: B, G, R
    seen = OccDataPreprocessor(**cfg)({'inputs': {'imgs': imgs}})['inputs']['imgs'].flatten()
    by_hand = [(10 - 123.675) / 58.395, (20 - 116.28) / 57.12, (30 - 103.53) / 57.375]
    torch.testing.assert_close(seen, torch.tensor(by_hand))


@pytest.mark.parametrize(
    ('config', 'options'),
    [
        (M0, 'grid_backbone.shortcut_norm=False model.grid_neck.align_corners=True'),
        (BEVDET_OCC, 'grid_backbone.always_project=True model.grid_neck.align_corners=True'),
    ],
)
def test_a_config_that_would_compute_something_else_is_told_what_to_set(repo, config, options):
    text = refusal('flashocc', upstream.m0(), model_cfg(repo, config.replace('-legacy', '')))
    assert text == (
        'from the weights of FlashOCC, this model would compute something else; add --cfg-options '
        'model.data_preprocessor.bgr_to_rgb=False model.view_transform.legacy_trunc=True '
        f'model.view_transform.legacy_frustum=True model.{options}'
    )


def test_another_shape_is_refused_with_the_name_and_both_shapes(repo):
    text = refusal('flashocc', upstream.m1(), model_cfg(repo, M0))
    assert 'x.pth does not fit LSSOccModel' in text
    assert 'occ_head.conv.conv.weight (256, 256, 3, 3) in the file, (128, 128, 3, 3) in the model' in text


def test_missing_and_left_over_weights_are_refused_with_their_names(repo):
    shapes = upstream.m0()
    del shapes['img_bev_encoder_neck.up2.4.bias']
    assert 'missing in the file (1): grid_neck 1 of 17 (for instance grid_neck.refine.1.bias)' in refusal(
        'flashocc', shapes, model_cfg(repo, M0)
    )
    extra = {'img_bev_encoder_backbone.layers.2.2.conv1.weight': torch.empty(512, 512, 3, 3)}
    assert 'not in the model (1): grid_backbone 1 (for instance grid_backbone.stages.2.2.conv1.conv.weight)' in refusal(
        'flashocc', upstream.m0(), model_cfg(repo, M0), **extra
    )


def test_a_detector_is_no_released_model_of_flashocc(repo):
    shapes = {name: shape for name, shape in upstream.m0().items() if not name.startswith('occ_head')}
    assert 'missing in the file (6): occ_head 6 of 6' in refusal('flashocc', shapes, model_cfg(repo, M0))


def test_a_detector_without_its_image_branch_is_refused(repo):
    shapes = {name: shape for name, shape in upstream.detector().items() if not name.startswith('img_neck')}
    assert 'img_neck 6 of 6' in refusal('bevdet', shapes, model_cfg(repo, M1))


def test_a_part_of_a_detector_that_lacks_a_weight_is_refused_and_not_left_out(repo):
    shapes = upstream.detector()
    del shapes['img_bev_encoder_backbone.layers.1.0.downsample.bias']
    text = refusal('bevdet', shapes, model_cfg(repo, M1))
    assert 'grid_backbone 1 of 66' in text
    assert 'grid_backbone.stages.1.0.shortcut.conv.bias' in text


@pytest.mark.parametrize(
    'name',
    [
        'img_view_transformer.depthnet.weight',  # BEVDet of 2022
        'img_view_transformer.frustum',
        'img_view_transformer.depth_net.depth_conv.5.weight',  # with a deformable convolution
        'pre_process_net.layers.0.1.conv1.weight',  # with two blocks for each frame
        'pts_bbox_head.shared_conv.conv.weight',  # a detector is no model of FlashOCC
    ],
)
def test_names_of_models_that_we_lack_are_refused_and_said(repo, name):
    text = refusal('flashocc', upstream.m0(), model_cfg(repo, M0), **{name: torch.empty(2)})
    assert text == (
        f'x.pth: 1 of 431 weights have names that the models of FlashOCC known here do not have: {name}. It is of '
        'another model or of another code base.'
    )


def test_two_weights_for_one_of_ours_are_refused(repo):
    shapes = {**upstream.bevdet_occ(), **upstream.bevdet_occ(prefix='')}
    text = refusal('bevdet', shapes, model_cfg(repo, BEVDET_OCC))
    assert text.startswith('x.pth holds occ_head.final_conv.conv.weight and final_conv.conv.weight, which are both')


def test_the_prefix_of_data_parallel_training_is_taken_off():
    state = {'module.img_neck.fpn_convs.0.conv.bias': torch.arange(3), 'module.teacher_model.a': torch.zeros(1)}
    weights, unused = rename_weights(state, SOURCES['effocc'], 'x.pth')
    assert list(weights) == ['img_neck.output_conv.conv.bias']
    assert unused == ['teacher_model.a']
