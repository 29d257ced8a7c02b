import math

import pytest
import torch

from projects.depth.models import DepthScaleHead
from projects.depth.models.heads import stack_depth
from projects.depth.structures import DepthDataSample


def _head(**options):
    head = DepthScaleHead(4, mid_channels=4, **options)
    for conv in (head.depth_conv, head.scale_conv, head.gate_conv):
        if conv is not None:
            torch.nn.init.zeros_(conv.weight)
            torch.nn.init.zeros_(conv.bias)
    return head


def test_depth_of_zero_logits_by_hand():
    """sigmoid(0) = 1/2: half of 80 m, or the geometric mean of 1 m and 81 m."""
    feats = {'feat_4': torch.randn(1, 4, 2, 3)}
    out = _head()(feats, (8, 12))
    assert torch.allclose(out['depth'], torch.full((1, 1, 8, 12), 40.0))
    assert torch.equal(out['log_scale'], torch.zeros(1, 1, 8, 12))
    out = _head(activation='log_sigmoid', min_depth=1.0, max_depth=81.0)(feats, (8, 12))
    assert torch.allclose(out['depth'], torch.full((1, 1, 8, 12), 9.0))


def test_log_scale_is_clamped():
    head = _head(log_scale_range=(-1.0, 2.0))
    torch.nn.init.constant_(head.scale_conv.bias, 7.0)
    assert (head({'feat_4': torch.randn(1, 4, 2, 3)}, (8, 12))['log_scale'] == 2.0).all()


def test_gate_mixes_prior_and_prediction_in_log_depth():
    """Gate 1/2 between a prior of 10 m and a prediction of 40 m: their geometric mean, 20 m."""
    prior = {'prior_depth': torch.full((1, 1, 4, 6), 10.0), 'confidence': torch.ones(1, 1, 4, 6)}
    head = _head(with_prior=True)
    feats = {'feat_4': torch.randn(1, 4, 2, 3)}
    assert torch.allclose(head(feats, (8, 12), prior)['depth'], torch.full((1, 1, 8, 12), 20.0))
    torch.nn.init.constant_(head.gate_conv.bias, 50.0)
    assert torch.allclose(head(feats, (8, 12), prior)['depth'], torch.full((1, 1, 8, 12), 10.0))
    with pytest.raises(ValueError, match='with_prior=True, but a prior was not given'):
        head(feats, (8, 12))


def test_losses_are_those_of_depth_and_scale():
    outputs = {'depth': torch.full((1, 1, 2, 2), 20.0), 'log_scale': torch.zeros(1, 1, 2, 2)}
    gt = torch.full((1, 2, 2), 10.0)
    losses = _head(loss_scale={'type': 'DepthNLLLoss', 'loss_weight': 1.0}).loss(outputs, gt)
    assert losses['loss_depth'].item() == pytest.approx(10 * math.log(2) * math.sqrt(0.15), rel=1e-5)
    assert losses['loss_scale'].item() == pytest.approx(math.log(2), rel=1e-5)
    assert set(_head().loss(outputs, gt)) == {'loss_depth'}


def _sample(depth=None):
    sample = DepthDataSample(metainfo={'frame_id': 'f7'})
    if depth is not None:
        sample.gt_depth = depth
    return sample


def test_truth_is_padded_with_nothing():
    stacked = stack_depth([_sample(torch.ones(2, 3)), _sample(torch.ones(4, 4))], (4, 4))
    assert stacked.sum(dim=(1, 2)).tolist() == [6, 16]
    assert stacked[0, 3, 3] == 0


def test_wrong_truth_names_the_frame():
    with pytest.raises(ValueError, match='needs gt_depth, which frame f7 lacks'):
        stack_depth([_sample()], (4, 4))
    with pytest.raises(ValueError, match='frame f7 is 5 x 3, the network input 4 x 4'):
        stack_depth([_sample(torch.ones(5, 3))], (4, 4))
