import pytest
import torch

from projects.occupancy.models import (
    LSSFPN,
    BEVResNet,
    PillarEncoder,
    SEBEVFuser,
    SingleLevelFPN,
    VoxelLSSFPN,
    VoxelResNet,
)

RANGE = [0.0, 0.0, 0.0, 8.0, 6.0, 4.0]


def pillars(**overrides):
    cfg = {'point_cloud_range': RANGE, 'pillar_size': [2.0, 2.0], 'channels': 4}
    return PillarEncoder(**{**cfg, **overrides})


def cloud(*rows):
    return torch.tensor([[*row, 100.0, 0.1] for row in rows])


def test_points_fill_the_pillar_that_holds_them():
    encoder = pillars().eval()
    encoder.linear.weight.data.fill_(0.1)
    bev = encoder([cloud([5.0, 1.0, 1.0]), cloud([0.5, 5.9, 3.9], [0.6, 5.8, 0.1])])
    assert bev.shape == (2, 4, 3, 4)
    assert bev.sum(1).nonzero().tolist() == [[0, 0, 2], [1, 2, 0]]  # (batch, y, x)


def test_slices_lie_side_by_side_in_the_channels():
    encoder = pillars(num_slices=2).eval()
    encoder.linear.weight.data.fill_(0.1)
    bev = encoder([cloud([1.0, 1.0, 1.0], [3.0, 1.0, 3.0])])
    assert encoder.out_channels == bev.shape[1] == 8
    assert (bev[0, :, 0, 0] > 0).tolist() == [True] * 4 + [False] * 4
    assert (bev[0, :, 0, 1] > 0).tolist() == [False] * 4 + [True] * 4


def test_pillar_keeps_the_maximum_of_its_points():
    encoder = pillars().eval()
    points = cloud([1.0, 1.0, 1.0], [1.5, 0.5, 2.0], [0.3, 1.7, 3.0])
    values = points.clone()
    values[:, 3] /= 255
    mean, centre = points[:, :3].mean(0), torch.tensor([1.0, 1.0, 2.0])
    decorated = torch.cat([values, points[:, :3] - mean, points[:, :3] - centre], 1)
    expected = encoder.norm(encoder.linear(decorated)).relu().amax(0)
    torch.testing.assert_close(encoder([points])[0, :, 0, 0], expected)


def test_points_outside_the_range_are_dropped():
    encoder = pillars().eval()
    bev = encoder([cloud([-0.01, 1.0, 1.0], [1.0, 6.0, 1.0], [1.0, 1.0, 4.0], [1.0, 1.0, -0.1])])
    assert bev.abs().sum() == 0


@pytest.mark.parametrize('rows', [0, 1])
def test_batch_with_less_than_two_points_trains(rows):
    encoder = pillars().train()
    bev = encoder([torch.rand(rows, 5), torch.zeros(0, 5)])
    bev.sum().backward()
    assert torch.isfinite(bev).all()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in encoder.parameters())


def trained_pillars(**overrides):
    """An encoder whose statistics are those of some training."""
    torch.manual_seed(0)
    encoder = pillars(**overrides).train()
    for _ in range(3):
        encoder([torch.rand(500, 5) * torch.tensor([8.0, 6.0, 4.0, 255.0, 1.0])])
    return encoder.eval()


def mixed_clouds():
    """Two clouds of 150 and 0 points inside and outside of the range; one point is NaN, and there is a sixth column."""
    torch.manual_seed(1)
    points = torch.rand(150, 6) * torch.tensor([10.0, 8.0, 6.0, 255.0, 1.0, 1.0]) - 1
    points[7, 1] = torch.nan
    return [points, torch.zeros(0, 6)]


@pytest.mark.parametrize(
    'overrides',
    [
        {},
        {'num_slices': 2, 'pillar_size': [0.5, 1.0]},
        {'in_channels': 4},
        {'norm_cfg': {'type': 'BN1d', 'eps': 1e-3, 'affine': False}},
    ],
)
def test_inference_with_numba_equals_torch(monkeypatch, overrides):
    encoder = trained_pillars(**overrides)
    clouds = mixed_clouds()
    with torch.no_grad():
        assert encoder._numba_fits(clouds)
        found = encoder(clouds)
        monkeypatch.setenv('GEODISTILL_NUMBA', '0')
        assert not encoder._numba_fits(clouds)
        expected = encoder(clouds)
    assert (expected[0] > 0).any()
    assert (expected[1] == 0).all()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_numba_is_for_inference_with_fixed_statistics_only():
    clouds = mixed_clouds()
    assert not pillars().eval()._numba_fits(clouds)  # gradients
    with torch.no_grad():
        assert not pillars().train()._numba_fits(clouds)
        assert not pillars(norm_cfg={'type': 'BN1d', 'track_running_stats': False}).eval()._numba_fits(clouds)
        assert not pillars(norm_cfg={'type': 'GN', 'num_groups': 2}).eval()._numba_fits(clouds)
        assert not pillars().eval()._numba_fits([cloud.double() for cloud in clouds])
        assert not pillars().double().eval()._numba_fits(clouds)


def test_encoder_is_float32_under_autocast():
    with torch.autocast('cpu', torch.bfloat16):
        assert pillars()([torch.rand(10, 5)]).dtype == torch.float32


def test_cloud_without_time_is_refused():
    with pytest.raises(ValueError, match='points must be'):
        pillars()([torch.rand(10, 4)])


def test_single_level_fpn_returns_the_finest_level_and_trains_every_layer():
    neck = SingleLevelFPN([8, 16], 4)
    out = neck([torch.randn(1, 8, 8, 12), torch.randn(1, 16, 4, 6)])
    out.sum().backward()
    assert out.shape == (1, 4, 8, 12)
    assert all(p.grad is not None for p in neck.parameters())
    with pytest.raises(ValueError, match='expected 2 feature maps, got 1'):
        neck([torch.randn(1, 8, 8, 12)])


def test_bev_encoder_and_neck_give_back_the_resolution():
    feats = BEVResNet(6, channels=[8, 12, 16])(torch.randn(2, 6, 40, 24))
    assert [f.shape[2:] for f in feats] == [(20, 12), (10, 6), (5, 3)]
    neck = LSSFPN([8, 16], 4)
    out = neck(feats)
    out.sum().backward()
    assert out.shape == (2, 4, 40, 24)
    assert all(p.grad is not None for p in neck.parameters())
    assert LSSFPN([8, 16], 4, extra_upsample=1)(feats).shape == (2, 4, 20, 12)


def test_voxel_encoder_and_neck_give_back_the_resolution():
    feats = VoxelResNet(3, channels=[4, 6, 8], num_blocks=[1, 1, 1])(torch.randn(1, 3, 12, 8, 4))
    assert [f.shape[2:] for f in feats] == [(12, 8, 4), (6, 4, 2), (3, 2, 1)]
    assert VoxelLSSFPN([4, 6, 8], 5)(feats).shape == (1, 5, 12, 8, 4)


def last_stage_upsampled(neck, feats):
    """What the merging convolution of a neck reads of the last stage."""
    seen = []
    neck.merge.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    neck(feats)
    return seen[0][:, feats[0].shape[1] :]


def test_aligned_corners_keep_the_outer_cells_in_place_and_are_off_by_default():
    """A row 0, 6 at four times its size: steps of 6 / 7 with aligned corners, else cell i at (i + 0.5) / 4 - 0.5."""
    flat = (torch.zeros(1, 1, 1, 8), torch.tensor([0.0, 6.0]).view(1, 1, 1, 2))
    solid = tuple(feat.unsqueeze(2) for feat in flat)
    aligned = torch.arange(8) * (6 / 7)
    plain = torch.tensor([0.0, 0.0, 0.75, 2.25, 3.75, 5.25, 6.0, 6.0])
    for kind, feats in ((LSSFPN, flat), (VoxelLSSFPN, solid)):
        found = [last_stage_upsampled(kind([1, 1], 2, **cfg).eval(), feats) for cfg in ({}, {'align_corners': True})]
        torch.testing.assert_close(found[0].flatten(), plain)
        torch.testing.assert_close(found[1].flatten(), aligned)


def test_aligned_corners_hold_for_the_last_upsampling_too():
    neck = LSSFPN([1, 1], 1, align_corners=True).eval()
    neck.merge = torch.nn.Identity()
    neck.refine = torch.nn.Identity()
    row = torch.tensor([0.0, 3.0, 6.0, 9.0]).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    torch.testing.assert_close(neck((row, row))[0, 0, 0], torch.arange(8) * (9 / 7))


def test_shortcut_without_normalisation_has_a_bias_instead():
    names = [set(BEVResNet(6, channels=[8], num_blocks=[2], strides=[2], **cfg).state_dict())
             for cfg in ({}, {'shortcut_norm': False})]  # fmt: skip
    own = {name for name in names[1] if 'shortcut' in name}
    assert own == {'stages.0.0.shortcut.conv.weight', 'stages.0.0.shortcut.conv.bias'}
    assert names[0] - {name for name in names[0] if 'shortcut' in name} == names[1] - own
    assert {name.rsplit('.', 2)[1] for name in names[0] if 'shortcut' in name} == {'conv', 'bn'}


def test_first_stage_projects_its_shortcut_on_demand_and_further_blocks_never():
    names = [set(VoxelResNet(4, channels=[4, 6], num_blocks=[2, 1], strides=[1, 2], **cfg).state_dict())
             for cfg in ({}, {'always_project': True})]  # fmt: skip
    assert names[0] < names[1]
    assert {name.rsplit('.', 2)[0] for name in names[1] - names[0]} == {'stages.0.0.shortcut'}
    assert not [name for name in names[1] if name.startswith('stages.0.1.shortcut')]


@pytest.mark.parametrize('height', [1, 2])
def test_one_voxel_of_height_is_not_made_of_memory_that_nobody_wrote(height):
    """Under bfloat16 autocast; with AMX, the convolution of torch 2.13 gave NaN here in every trial."""
    encoder, x = VoxelResNet(8, channels=[16], num_blocks=[1], strides=[2]).eval(), torch.randn(2, 8, 10, 10, height)
    for _ in range(5):
        freed = [torch.full((size,), torch.nan, dtype=torch.bfloat16) for size in (400, 800, 1600, 3200, 6400) * 20]
        del freed
        with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
            (feat,) = encoder(x)
        assert torch.isfinite(feat).all()


def test_stage_lists_of_different_length_are_refused():
    with pytest.raises(ValueError, match='one value per stage'):
        BEVResNet(6, channels=[8, 12], num_blocks=[1], strides=[2, 2])


def test_gate_scales_channels_and_stays_below_one():
    fuser = SEBEVFuser([3, 5], 4).eval()
    feats = [torch.randn(2, 3, 6, 7), torch.randn(2, 5, 6, 7)]
    fused, plain = fuser(feats), fuser.conv(torch.cat(feats, 1))
    ratio = (fused / plain)[plain > 1e-4]
    assert fused.shape == (2, 4, 6, 7)
    assert ((ratio > 0) & (ratio < 1)).all()


def test_bev_features_of_different_size_are_refused():
    with pytest.raises(ValueError, match='must have one size'):
        SEBEVFuser([3, 5], 4)([torch.randn(1, 3, 6, 7), torch.randn(1, 5, 12, 14)])
