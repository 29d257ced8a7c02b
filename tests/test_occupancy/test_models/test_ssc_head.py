"""The larger head: what its dilated blocks read, what is merged, and what it costs."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from projects.occupancy.models import BEVDetOccHead, SSCOccHead
from projects.occupancy.models.backbones.bev_resnet import ResidualBlock

CONV3D = {'conv_cfg': {'type': 'Conv3d'}, 'norm_cfg': {'type': 'BN3d'}}


def small(**options):
    return SSCOccHead(**{'in_channels': 2, 'mid_channels': 3, 'block_channels': 4, **options})


def test_the_axes_of_the_voxels_stay_and_the_classes_come_last():
    assert small()(torch.randn(2, 2, 5, 6, 4)).shape == (2, 5, 6, 4, 18)
    assert small(upsample=2, num_classes=7)(torch.randn(1, 2, 5, 6, 4)).shape == (1, 10, 12, 8, 7)


def test_a_dilated_block_is_the_plain_block_on_every_second_voxel():
    """The eight grids of every second voxel do not read each other."""
    dilated, plain = (ResidualBlock(3, 5, shortcut_size=1, dilation=step, **CONV3D).eval() for step in (2, 1))
    plain.load_state_dict(dilated.state_dict())
    x = torch.randn(1, 3, 8, 6, 4)
    with torch.no_grad():
        out = dilated(x)
        for i, j, k in torch.cartesian_prod(*[torch.arange(2)] * 3).tolist():
            part = (..., slice(i, None, 2), slice(j, None, 2), slice(k, None, 2))
            torch.testing.assert_close(out[part], plain(x[part]))


def test_the_last_three_blocks_lie_side_by_side_before_the_predictor():
    """By calling the blocks and the two 1x1x1 convolutions one by one."""
    head, x = small().eval(), torch.randn(1, 2, 5, 6, 4)
    blocks, (first, second) = head.conv.blocks, head.conv.merge
    with torch.no_grad():
        a = blocks[0](x)
        b = blocks[1](a)
        c = blocks[2](b)
        merged = torch.cat([b, c, blocks[3](c)], 1)
        for layer in (first, second):
            merged = F.relu(layer.bn(F.conv3d(merged, layer.conv.weight)))
        expected = head.classify(F.softplus(head.expand(merged.permute(0, 2, 3, 4, 1))))
        torch.testing.assert_close(head(x), expected)
    assert [block.conv1.conv.dilation[0] for block in blocks] == [1, 1, 2, 2]
    assert merged.shape[1] == 3


def test_every_weight_learns_and_both_losses_are_those_of_all_heads(make_batch):
    samples = make_batch(grid=(6, 6, 4))['data_samples']
    head = small(loss_lovasz={'type': 'OccLovaszLoss'})
    losses = head.loss(head(torch.randn(2, 2, 6, 6, 4)), samples)
    sum(losses.values()).backward()
    assert set(losses) == {'loss_occ', 'loss_lovasz'}
    assert all(p.grad.abs().sum() > 0 for p in head.parameters())


def test_it_has_the_predictor_of_the_plain_head_and_the_weights_of_its_blocks():
    """27 (32 + 7 * 128) 128 of the blocks, a shortcut, 384 and 32 by 128 of the merge, and two norms a channel."""
    plain, head = BEVDetOccHead(32), SSCOccHead(32)
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in (('plain', plain), ('ssc', head))}
    conv = sum(p.numel() for p in plain.conv.parameters())
    convolutions = 27 * 128 * (32 + 7 * 128) + 32 * 128 + 3 * 128 * 128 + 128 * 32
    norms = 2 * (9 * 128 + 128 + 32)
    assert count['ssc'] == count['plain'] - conv + convolutions + norms
    assert isinstance(head.classify, nn.Linear)


def test_fewer_blocks_than_are_merged_are_refused():
    with pytest.raises(ValueError, match='dilations needs at least 3 blocks'):
        small(dilations=(1, 2))
