"""Losses of depth models against numbers worked out by hand."""

import math

import pytest
import torch

from projects.depth.models.losses import (
    DepthNLLLoss,
    DisparityMatchLoss,
    SILogLoss,
    depth_nll,
    disparity_cross_entropy,
    nearest_depth_in_cells,
    pixels,
    scale_nll,
    sig_loss,
    silog_loss,
)
from projects.depth.models.losses.pixels import select_pixels, weigh_pixels

GT = torch.tensor([[10, 20, 40, 0, 79.5, 5]])
PRED = torch.tensor([[11, 18, 44, 7, 70, 5.0]])


def test_both_silog_families_give_their_golden_value():
    """Values of NeWCRFs' and the toolbox's own code for these six pixels."""
    assert silog_loss(PRED, GT).item() == pytest.approx(0.950416, abs=1e-5)
    assert sig_loss(PRED, GT).item() == pytest.approx(0.106243, abs=1e-5)


def test_silog_of_one_ratio_everywhere_by_hand():
    """d = ln 2 everywhere: 10 sqrt(d^2 - 0.85 d^2) = 10 ln 2 sqrt(0.15); the variance of the toolbox's form is 0."""
    gt = torch.tensor([[2.0, 4.0, 8.0]])
    assert silog_loss(2 * gt, gt).item() == pytest.approx(10 * math.log(2) * math.sqrt(0.15), rel=1e-5)
    assert sig_loss(2 * gt, gt, eps=0.0).item() == pytest.approx(math.log(2) * math.sqrt(0.15), rel=1e-5)


def test_module_picks_the_family_and_weighs_it():
    assert SILogLoss(loss_weight=2.0)(PRED, GT) == 2 * silog_loss(PRED, GT)
    assert SILogLoss(variant='toolbox', max_depth=50.0)(PRED, GT) == sig_loss(PRED, GT, max_depth=50.0)
    with pytest.raises(ValueError, match='variant must be one of'):
        SILogLoss(variant='other')


def test_pixels_outside_the_range_do_not_count():
    gt = torch.tensor([[0.5, 2.0, 3.0, 90.0]])
    pred = torch.tensor([[9.0, 2.0, 3.0, 1.0]])
    assert silog_loss(pred, gt, min_depth=1.0, max_depth=80.0).item() == pytest.approx(1e-3, abs=1e-6)


def test_empty_truth_gives_zero_with_a_zero_gradient():
    pred = torch.full((1, 4), 5.0, requires_grad=True)
    scale = torch.zeros(1, 4, requires_grad=True)
    gt = torch.zeros(1, 4)
    total = silog_loss(pred, gt) + sig_loss(pred, gt) + depth_nll(pred, scale, gt)
    total.backward()
    assert total.item() == 0
    assert torch.equal(pred.grad, torch.zeros(1, 4))
    assert torch.equal(scale.grad, torch.zeros(1, 4))


def test_nll_by_hand():
    """Laplace: e^-s |e| + s; Gaussian: (e^-s e^2 + s) / 2, with e = -2 and s = ln 4."""
    error, scale = torch.tensor([-2.0]), torch.tensor([math.log(4)])
    assert scale_nll(error, scale).item() == pytest.approx(0.5 + math.log(4))
    assert scale_nll(error, scale, 'gaussian').item() == pytest.approx(0.5 + 0.5 * math.log(4))


@pytest.mark.parametrize(('likelihood', 'best'), [('laplace', math.log(0.3)), ('gaussian', math.log(0.09))])
def test_nll_is_smallest_at_the_true_scale(likelihood, best):
    scale = torch.tensor([best], requires_grad=True)
    scale_nll(torch.tensor([0.3]), scale, likelihood).backward()
    assert scale.grad.item() == pytest.approx(0.0, abs=1e-6)


def test_depth_nll_takes_log_errors_at_measured_pixels_only():
    gt = torch.tensor([[10.0, 0.0]])
    pred = torch.tensor([[20.0, 3.0]])
    scale = torch.tensor([[0.0, 5.0]])
    assert depth_nll(pred, scale, gt).item() == pytest.approx(math.log(2))


def test_detached_nll_trains_the_scale_only():
    pred = torch.full((1, 2), 5.0, requires_grad=True)
    scale = torch.zeros(1, 2, requires_grad=True)
    DepthNLLLoss(detach_depth=True)(pred, scale, torch.full((1, 2), 10.0)).backward()
    assert pred.grad is None
    assert (scale.grad != 0).all()


@pytest.mark.parametrize('known', [0.0, 0.3])
def test_losses_of_all_pixels_with_weights_are_those_of_the_known_pixels(known, monkeypatch):
    """As a GPU reads them; what lies outside may even be infinite or negative."""
    truth = torch.where(torch.rand(2, 5, 6) < known, 1 + 20 * torch.rand(2, 5, 6), 0.0)
    pred, scale, logits = 5 * torch.rand(2, 5, 6) + 1, torch.randn(2, 5, 6), torch.randn(2, 7, 5, 6)
    pred[truth == 0], disparity = float('inf'), torch.where(truth > 0, 6 * torch.rand(2, 5, 6), -float('inf'))
    results = []
    for pick in (select_pixels, weigh_pixels):
        monkeypatch.setattr(pixels, 'select_pixels', pick)
        leaves = [tensor.double().requires_grad_() for tensor in (pred, scale, logits)]
        losses = [silog_loss(leaves[0], truth), sig_loss(leaves[0], truth), depth_nll(*leaves[:2], truth)]
        losses.append(disparity_cross_entropy(leaves[2], disparity, truth > 0))
        sum(losses).backward()
        results.append([*losses, *(leaf.grad for leaf in leaves)])
    torch.testing.assert_close(*results)


def test_cells_hold_their_nearest_measurement():
    depth = torch.tensor([[[0.0, 9.0, 0.0, 0.0], [4.0, 0.0, 0.0, 0.0]]])
    assert nearest_depth_in_cells(depth, 2).tolist() == [[[4.0, 0.0]]]


def test_disparity_between_two_cells_is_shared_by_both():
    """Disparity 1.25: 3/4 of the target on 1 and 1/4 on 2; the logits are the logs of (0.2, 0.5, 0.3)."""
    logits = torch.tensor([0.2, 0.5, 0.3]).log().view(1, 3, 1, 1)
    loss = disparity_cross_entropy(logits, torch.full((1, 1, 1), 1.25), torch.ones(1, 1, 1, dtype=torch.bool))
    assert loss.item() == pytest.approx(-(0.75 * math.log(0.5) + 0.25 * math.log(0.3)), rel=1e-5)


def test_disparities_outside_the_volume_do_not_count():
    logits = torch.zeros(1, 3, 1, 2, requires_grad=True)
    disparity = torch.tensor([[[2.5, -0.1]]])
    loss = disparity_cross_entropy(logits, disparity, torch.ones(1, 1, 2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_match_loss_turns_depth_into_cells():
    """Focal x baseline 40 px m, depth 10 m: 4 px, two cells of two pixels."""
    logits = torch.full((1, 4, 1, 1), -30.0)
    logits[0, 2] = 30.0
    gt = torch.tensor([[[0.0, 10.0], [0.0, 0.0]]])
    assert DisparityMatchLoss()(logits, torch.tensor([40.0]), gt).item() == pytest.approx(0.0, abs=1e-6)
    assert DisparityMatchLoss()(logits, torch.tensor([20.0]), gt).item() > 10
