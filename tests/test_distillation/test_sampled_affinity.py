"""Relations of chosen voxels, by hand and by a loop."""

import pytest
import torch

from projects.distillation import SampledAffinityLoss, sampled_affinity_loss


def test_affinity_of_two_positions_by_hand():
    """Orthogonal rows give the unit matrix; equal rows give rows of 1 / sqrt(2): 2 - sqrt(2) apart, each."""
    student, teacher = torch.tensor([[[1.0, 0.0], [0.0, 3.0]]]), torch.tensor([[[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]]])
    loss = sampled_affinity_loss(student, teacher, torch.tensor([[[0, 1]]]), torch.ones(1, 1))
    assert loss.item() == pytest.approx(2 - 2**0.5, rel=1e-5)


def test_affinity_has_the_value_of_a_loop_and_leaves_absent_groups_out():
    student, teacher = torch.randn(2, 10, 3), torch.randn(2, 10, 4)
    index = torch.stack([torch.randperm(10)[:6].view(2, 3) for _ in range(2)])
    weight = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    rows = []
    for b, positions in ((0, index[0].flatten()), (1, index[1, 0])):
        for p in positions:
            s, t = ([float(x[b, p] @ x[b, q]) for q in positions] for x in (student, teacher))
            s, t = (torch.tensor(row) / torch.tensor(row).norm() for row in (s, t))
            rows.append((s - t).square().sum())
    loss = sampled_affinity_loss(student, teacher, index, weight)
    torch.testing.assert_close(loss, torch.stack(rows).mean(), rtol=1e-4, atol=1e-5)
    assert sampled_affinity_loss(student, teacher, index, 0 * weight) == 0


def test_features_with_channels_second_give_the_same_as_logits_with_channels_last():
    student, teacher = torch.randn(1, 3, 4, 4, 2), torch.randn(1, 5, 4, 4, 2)
    index, weight = torch.tensor([[[0, 7, 31]]]), torch.ones(1, 1)
    last = (student.movedim(1, -1), teacher.movedim(1, -1))
    second = SampledAffinityLoss(channels_last=False, loss_weight=2.0)(student, teacher, index, weight)
    torch.testing.assert_close(second, 2 * sampled_affinity_loss(*last, index, weight))


def test_gradient_reaches_the_chosen_positions_of_the_student_alone():
    student, teacher = torch.randn(1, 5, 3, requires_grad=True), torch.randn(1, 5, 3, requires_grad=True)
    sampled_affinity_loss(student, teacher, torch.tensor([[[1, 4]]]), torch.ones(1, 1)).backward()
    assert student.grad.abs().sum(-1).nonzero()[:, 1].tolist() == [1, 4]
    assert teacher.grad is None


def test_other_positions_are_refused():
    with pytest.raises(ValueError, match='same samples and positions, with channels last'):
        sampled_affinity_loss(torch.zeros(1, 4, 3), torch.zeros(1, 5, 3), torch.zeros(1, 1, 1).long(), torch.ones(1, 1))
