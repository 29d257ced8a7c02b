"""Released weights of the models with temporal stereo: FlashOCC M3, BEVDet-Occ 4D-Stereo and their detectors.

The tables of names and shapes agree with the one number that is published: 144.99 M parameters of M3.
"""

import copy

import pytest
import torch
import upstream_models
import upstream_weights as upstream
from mmdet3d.registry import MODELS
from mmengine.config import Config
from test_configs import build

from projects.engine import CheckpointError
from projects.occupancy.weights import SOURCES, convert_weights
from projects.occupancy.weights.rules import latest_first

M2 = 'configs/flashocc/flashocc_r50-4d-stereo-legacy_8xb4-24e_occ3d-nus.py'
M3 = 'configs/flashocc/flashocc_swin-b-4d-stereo-legacy_8xb2-24e_occ3d-nus.py'
SWIN_B = 'configs/bevdet_occ/bevdet-occ_swin-b-4d-stereo-legacy_8xb1-24e_occ3d-nus.py'
R50 = 'configs/bevdet_occ/bevdet-occ_r50-4d-stereo-legacy_8xb4-24e_occ3d-nus.py'
BEVDET_SWIN_B = upstream.bevdet_occ_stereo(upstream.swin(), 512)
BEVDET_R50 = upstream.bevdet_occ_stereo(upstream.image(), 256)


def convert(source, shapes, cfg):
    model = build(cfg)
    return model, convert_weights(upstream.without_memory(shapes), SOURCES[source], model, cfg, 'x.pth')


def test_the_table_of_m3_has_the_published_number_of_parameters():
    assert upstream.count(upstream.m3()) / 1e6 == pytest.approx(144.99, abs=0.005)


@pytest.mark.parametrize(
    ('source', 'shapes', 'config'),
    [
        ('flashocc', upstream.m2(), M2),
        ('flashocc', upstream.m3(), M3),
        ('flashocc', BEVDET_SWIN_B, SWIN_B),
        ('bevdet', BEVDET_R50, R50),
        ('bevdet', upstream.bevdet_occ_stereo(upstream.image(), 256, prefix=''), R50),
    ],
)
def test_a_released_model_fills_every_weight_of_ours_and_nothing_is_left_over(repo, source, shapes, config):
    model, converted = convert(source, shapes, Config.fromfile(repo / config).model)
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in converted.state_dict.items()} == own
    assert upstream.count(shapes) == sum(p.numel() for p in model.parameters())
    assert not converted.left_out


@pytest.mark.parametrize(
    ('config', 'left_out'),
    [
        (M3, ['view_transform', 'occ_head']),
        (SWIN_B, ['view_transform', 'frame_encoder', 'grid_backbone', 'grid_neck', 'occ_head']),
    ],
)
def test_the_detector_fills_whole_parts_and_leaves_out_those_of_another_shape(repo, config, left_out):
    model, converted = convert('bevdet', upstream.stereo_detector(), Config.fromfile(repo / config).model)
    assert list(converted.left_out) == left_out
    assert set(converted.state_dict) == {name for name in model.state_dict() if name.split('.')[0] not in left_out}


def test_a_config_with_the_smaller_depth_network_is_refused(repo):
    cfg = Config.fromfile(repo / R50).model
    cfg.view_transform.depth_net.type = 'StereoDepthNet'
    with pytest.raises(CheckpointError, match=r'view_transform\.depth_net'):
        convert('bevdet', BEVDET_R50, cfg)


def test_a_config_without_the_old_geometry_is_told_what_to_set(repo):
    cfg = Config.fromfile(repo / M3.replace('-legacy', '')).model
    with pytest.raises(CheckpointError, match='this model would compute something else') as error:
        convert('flashocc', upstream.m3(), cfg)
    assert 'model.view_transform.legacy_frustum=True' in str(error.value)
    assert 'model.img_neck.align_corners=True' in str(error.value)


def test_weights_of_a_stereo_model_are_refused_by_a_config_of_one_frame(repo):
    cfg = Config.fromfile(repo / 'configs/flashocc/flashocc_r50-m1-legacy_8xb4-24e_occ3d-nus.py').model
    with pytest.raises(CheckpointError, match=r'not in the model .*frame_encoder'):
        convert('flashocc', upstream.m2(), cfg)


def test_frames_of_the_first_layers_are_turned_and_nothing_else_is():
    """BEVDet: the former frame (1, 2), then the present one (3, 4)."""
    kernel = torch.tensor([1.0, 2, 3, 4]).view(1, 4, 1, 1)
    names = [f'grid_backbone.stages.0.0.{layer}.conv.weight' for layer in ('conv1', 'shortcut', 'conv2')]
    found = latest_first({**dict.fromkeys(names, kernel), 'odd': torch.ones(1, 3)}, 2)
    assert [found[name].flatten().tolist() for name in names] == [[3, 4, 1, 2], [3, 4, 1, 2], [1, 2, 3, 4]]
    assert torch.equal(latest_first({names[0]: kernel}, 3)[names[0]], kernel)


SMALL = {
    'type': 'StereoLSSOccModel',
    'num_history': 1,
    'data_preprocessor': {'type': 'OccDataPreprocessor', 'bgr_to_rgb': False},
    'img_backbone': {
        'type': 'StereoSwinTransformer', 'embed_dims': 2, 'depths': [1, 1, 1, 1], 'num_heads': [1, 1, 1, 1],
        'window_size': 2,
    },
    'img_neck': {
        'type': 'LSSFPN', 'in_channels': [8, 16], 'out_channels': 8, 'extra_upsample': 1, 'align_corners': True,
    },
    'view_transform': {
        'type': 'StereoLSSViewTransform', 'in_channels': 8, 'out_channels': 6, 'grid_size': [24, 16, 1],
        'point_cloud_range': [-12, -8, -1, 12, 8, 5], 'depth_range': (1, 6, 1), 'legacy_trunc': True,
        'legacy_frustum': True, 'depth_net': {'type': 'BEVStereoDepthNet', 'mid_channels': 8, 'aspp_channels': 3},
    },
    'frame_encoder': {
        'type': 'BEVResNet', 'in_channels': 6, 'channels': [6], 'num_blocks': [1], 'strides': [1],
        'shortcut_norm': False, 'always_project': True,
    },
    'grid_backbone': {'type': 'BEVResNet', 'in_channels': 12, 'channels': [8, 12, 16], 'shortcut_norm': False},
    'grid_neck': {'type': 'LSSFPN', 'in_channels': [8, 16], 'out_channels': 5, 'align_corners': True},
    'occ_head': {'type': 'FlashOccHead', 'in_channels': 5, 'mid_channels': 7, 'num_heights': 3},
}  # fmt: skip


def assert_same(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6 * expected.abs().max().item())


@torch.no_grad()
def test_the_parts_of_m3_compute_the_same_here():
    """Neck, depth network, encoder of a frame, and the encoder of the joined frames, former one first upstream."""
    shapes = {
        **upstream.swin(2, (1, 1, 1, 1), (1, 1, 1, 1), 2, 8), **upstream.depth_net(8, 5, 6, 3),
        **upstream.frame_encoder(6), **upstream.bev_encoder(12, (8, 12, 16), 5), **upstream.head(5, 7, 3 * 18),
    }  # fmt: skip
    weights = upstream.random_weights(shapes)
    model = MODELS.build(copy.deepcopy(SMALL)).double()
    model.load_state_dict(convert_weights(weights, SOURCES['flashocc'], model, SMALL, 'x.pth').state_dict, strict=True)
    model.eval()

    def random(*shape):
        return torch.randn(shape, dtype=torch.float64)

    fine, coarse = random(2, 8, 8, 12), random(2, 16, 4, 6)
    assert_same(model.img_neck([fine, coarse]), upstream_models.levels(weights, fine, coarse))

    calibration = {key: random(3, size, size) for key, size in (('cam2img', 3), ('img_aug_matrix', 3), ('cam2ego', 4))}
    calibration['bda_mat'] = random(4, 4)
    feats, matching = random(3, 8, 20, 24), random(3, 5, 80, 96).softmax(1)
    numbers = upstream_models.camera_numbers(calibration)
    expected = upstream_models.depth_net(weights, feats, numbers, matching)
    net = model.view_transform.depth_net
    cameras = net.describe_camera(
        *(calibration[key][None] for key in ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat')), 0
    )
    for found, wanted in zip(net(feats, cameras, matching), expected):
        assert_same(found, wanted)

    lifted = random(2, 6, 16, 24)
    present, former = upstream_models.frame_block(weights, lifted), random(2, 6, 16, 24)
    assert_same(model.encode_frame(lifted), present)
    expected = upstream_models.bev_encoder(weights, torch.cat([former, present], 1))
    assert_same(model.encode_grid(torch.cat([present, former], 1), {}), expected)
