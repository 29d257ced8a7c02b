"""Trust in a teacher: right where there is a label, sure elsewhere. By hand."""

import pytest
import torch
from mmdet3d.registry import MODELS

from projects.distillation import LogitKLLoss, kl_divergence, voxel_trust


def test_a_labelled_voxel_has_the_probability_of_its_label_and_others_that_of_the_best_class():
    logits = torch.tensor([[[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]]).log()
    labels = torch.tensor([[0, 1, 255]], dtype=torch.uint8)
    torch.testing.assert_close(voxel_trust(logits, labels), torch.tensor([[0.7, 0.2, 0.5]]))


def test_without_any_label_confidence_alone_decides():
    logits = torch.tensor([[[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]]).log()
    expected = torch.tensor([[0.7, 0.5]])
    torch.testing.assert_close(voxel_trust(logits), expected)
    torch.testing.assert_close(voxel_trust(logits, torch.full((1, 2), 255, dtype=torch.uint8)), expected)
    torch.testing.assert_close(voxel_trust(logits, min_confidence=0.6), torch.tensor([[0.7, 0.0]]))


def test_a_label_outside_of_the_mask_is_none():
    logits = torch.tensor([[[0.7, 0.3], [0.7, 0.3]]]).log()
    labels, mask = torch.tensor([[1, 1]], dtype=torch.uint8), torch.tensor([[True, False]])
    torch.testing.assert_close(voxel_trust(logits, labels, mask), torch.tensor([[0.3, 0.7]]))


def test_a_wrong_teacher_teaches_less():
    """Two voxels with the same divergence, one of them labelled against the teacher (probability 0.1)."""
    teacher = torch.tensor([[[0.9, 0.1], [0.9, 0.1]]]).log()
    student = torch.zeros(1, 2, 2, requires_grad=True)
    trust = MODELS.build({'type': 'VoxelTrust'})(teacher, torch.tensor([[0, 1]], dtype=torch.uint8))
    loss = LogitKLLoss()(student, teacher, trust)
    loss.backward()
    assert loss.item() == pytest.approx(kl_divergence(student, teacher).item(), rel=1e-5)
    first, second = student.grad.abs().sum(-1)[0]
    assert (first / second).item() == pytest.approx(9.0, rel=1e-4)


def test_wrong_shapes_and_options_are_refused():
    with pytest.raises(ValueError, match=r'labels must be \(1, 2\)'):
        voxel_trust(torch.zeros(1, 2, 3), torch.zeros(1, 3, dtype=torch.uint8))
    with pytest.raises(ValueError, match='min_confidence must be from 0 to 1'):
        MODELS.build({'type': 'VoxelTrust', 'min_confidence': 2})
