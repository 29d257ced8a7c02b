"""Distillation losses against numbers worked out by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from projects.adudepth import (
    AdaptedFeatureLoss,
    FocalDepthLoss,
    feature_distance_map,
    focal_depth_loss,
    focal_depth_weight,
    guided_mean,
)
from projects.adudepth.losses.guidance import emphasis, resize_mask


def test_feature_distance_of_opposite_channels_by_hand():
    """Normalised over channels (1, -1) and (-1, 1): each channel is off by 2, squared 4, cosine -1."""
    student = torch.tensor([3.0, 1.0]).view(1, 2, 1, 1)
    teacher = torch.tensor([-5.0, 5.0]).view(1, 2, 1, 1)
    assert feature_distance_map(student, teacher).item() == pytest.approx(4.0, rel=1e-4)
    assert feature_distance_map(student, teacher, 'l1').item() == pytest.approx(2.0, rel=1e-4)
    cosine = feature_distance_map(
        torch.tensor([1.0, 0]).view(1, 2, 1, 1), torch.tensor([0, 1.0]).view(1, 2, 1, 1), 'cosine'
    )
    assert cosine.item() == pytest.approx(1.0)


def test_feature_distance_ignores_scale_and_offset_of_a_place():
    feat = torch.randn(2, 16, 3, 4)
    assert feature_distance_map(feat, 3 * feat + 2).abs().max() < 1e-4


def test_features_of_other_channels_are_refused():
    with pytest.raises(ValueError, match='give both decoders the same channels'):
        feature_distance_map(torch.randn(1, 4, 2, 2), torch.randn(1, 8, 2, 2))


def test_focal_exponent_zero_is_plain_log_l1():
    student, teacher = torch.rand(2, 6, 7) * 40 + 1, torch.rand(2, 6, 7) * 40 + 1
    expected = F.l1_loss(student.log(), teacher.log())
    assert focal_depth_loss(student, teacher, gamma=0.0).item() == pytest.approx(expected.item(), rel=1e-6)
    module = FocalDepthLoss(loss_weight=1.0, gamma=0.0, guidance='none')
    assert module(student[:, None], teacher[:, None]).item() == pytest.approx(expected.item(), rel=1e-6)


def test_focal_loss_by_hand():
    """Gaps tau ln 2 and tau ln 4 have weights 1/2 and 3/4; sum(w D) / sum(w) = tau ln 2 (1/2 + 3/2) / (5/4)."""
    tau = 0.1
    teacher = torch.ones(1, 1, 2)
    student = torch.tensor([[[2.0**tau, 4.0**tau]]])
    assert focal_depth_weight((student / teacher).log(), tau=tau).flatten().tolist() == pytest.approx([0.5, 0.75])
    value = focal_depth_loss(student, teacher, tau=tau)
    assert value.item() == pytest.approx(tau * math.log(2) * 2 / 1.25, rel=1e-5)


def test_equal_depths_have_no_loss_and_a_finite_gradient():
    student = torch.full((1, 1, 3, 3), 7.0, requires_grad=True)
    FocalDepthLoss(guidance='none')(student, torch.full((1, 1, 3, 3), 7.0)).backward()
    assert torch.isfinite(student.grad).all()


def test_pixels_outside_the_teachers_range_or_in_the_padding_do_not_count():
    student = torch.full((1, 1, 1, 3), 2.0)
    teacher = torch.tensor([4.0, 90.0, 20.0]).view(1, 1, 1, 3)
    valid = torch.tensor([[[True, True, False]]])
    loss = FocalDepthLoss(loss_weight=1.0, guidance='none')
    assert loss(student, teacher, valid_mask=valid).item() == pytest.approx(math.log(2), rel=1e-5)


def test_unreliable_teacher_is_left_out_where_truth_says_so():
    """Errors of 10 % and 50 % against truth, and a pixel without truth."""
    student = torch.full((1, 1, 1, 3), 4.0)
    teacher = torch.tensor([11.0, 15.0, 8.0]).view(1, 1, 1, 3)
    gt = torch.tensor([[[10.0, 10.0, 0.0]]])
    loss = FocalDepthLoss(loss_weight=1.0, guidance='none', gamma=0.0, max_teacher_error=0.2)
    expected = 0.5 * (math.log(11 / 4) + math.log(2))
    assert loss(student, teacher, gt_depth=gt).item() == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match='max_teacher_error needs gt_depth'):
        loss(student, teacher)


def test_nll_guidance_by_hand():
    """s = ln 2 on both places: mean of 1/2 * (4, 2) + ln 2."""
    values, scale = torch.tensor([[[4.0, 2.0]]]), torch.full((1, 1, 2), math.log(2))
    assert guided_mean(values, scale, 'nll').item() == pytest.approx(1.5 + math.log(2))


def test_emphasize_guidance_by_hand():
    """b = (1, 3), mean 2: u = (1/2, 3/2), weights (3/2, 5/2) on losses (4, 2)."""
    values, scale = torch.tensor([[[4.0, 2.0]]]), torch.tensor([[[0.0, math.log(3)]]])
    assert guided_mean(values, scale, 'emphasize').item() == pytest.approx((6 + 5) / 2)


def test_emphasis_is_limited():
    scale = torch.zeros(1, 1, 100)
    scale[..., 0] = 6.0
    assert emphasis(scale, None, beta=1.0).max().item() == pytest.approx(5.0)


def test_only_nll_teaches_the_scale():
    for mode, learns in (('nll', True), ('emphasize', False)):
        scale = torch.zeros(1, 1, 2, 2, requires_grad=True)
        student = torch.full((1, 1, 2, 2), 3.0, requires_grad=True)
        FocalDepthLoss(guidance=mode)(student, torch.full((1, 1, 2, 2), 5.0), log_scale=scale).backward()
        assert (scale.grad is not None and scale.grad.abs().sum() > 0) == learns
        assert student.grad.abs().sum() > 0
    detached = torch.zeros(1, 1, 2, 2, requires_grad=True)
    FocalDepthLoss(detach_scale=True)(student, torch.full((1, 1, 2, 2), 5.0), log_scale=detached).backward()
    assert detached.grad is None


def test_guidance_without_scale_is_named():
    with pytest.raises(ValueError, match=r"wire 'student\.log_scale'"):
        FocalDepthLoss()(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))


def test_no_gradient_reaches_the_teacher():
    teacher = torch.full((1, 1, 2, 2), 5.0, requires_grad=True)
    student = torch.full((1, 1, 2, 2), 3.0, requires_grad=True)
    FocalDepthLoss(guidance='none')(student, teacher).backward()
    student_feat, teacher_feat = (torch.randn(1, 4, 2, 2, requires_grad=True) for _ in range(2))
    AdaptedFeatureLoss(guidance='none')(student_feat, teacher_feat).backward()
    assert teacher.grad is None
    assert teacher_feat.grad is None
    assert student_feat.grad.abs().sum() > 0


def test_feature_loss_learns_an_offset_of_the_log_scale():
    loss = AdaptedFeatureLoss(detach_scale=True)
    scale = torch.zeros(1, 1, 8, 8, requires_grad=True)
    student = torch.randn(1, 4, 2, 2, requires_grad=True)
    loss(student, torch.randn(1, 4, 2, 2), log_scale=scale).backward()
    assert loss.log_scale_offset.grad != 0
    assert scale.grad is None


def test_cells_with_padding_do_not_count():
    mask = torch.ones(1, 4, 4, dtype=torch.bool)
    mask[..., 3] = False
    assert resize_mask(mask, (2, 2)).tolist() == [[[True, False], [True, False]]]


def test_gradients_agree_with_differences():
    torch.manual_seed(1)
    student = (torch.rand(1, 2, 3, dtype=torch.float64) * 5 + 1).requires_grad_()
    teacher = torch.rand(1, 2, 3, dtype=torch.float64) * 5 + 1
    scale = torch.randn(1, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda s, u: focal_depth_loss(s, teacher, u, guidance='nll', gamma=0.0), (student, scale)
    )
    feat = torch.randn(1, 5, 2, 2, dtype=torch.float64, requires_grad=True)
    other = torch.randn(1, 5, 2, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: feature_distance_map(f, other), feat)
