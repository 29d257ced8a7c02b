"""Labels that the teacher gives, by hand."""

import pytest
import torch

from projects.distillation import PseudoLabels

NONE = 255
LOGITS = torch.tensor([[[5.0, 0, 0], [0, 0, 5.0], [0, 1.0, 0]]]).repeat(2, 1, 1)
"""Classes 0, 2 and 1, the last with a probability of 0.576, the others of 0.987."""


def test_frames_without_labels_get_the_teachers_classes_and_the_others_none():
    labels = torch.tensor([[NONE, NONE, NONE], [NONE, 1, NONE]], dtype=torch.uint8)
    assert PseudoLabels()(LOGITS, labels).tolist() == [[0, 2, 1], [NONE, NONE, NONE]]


def test_masked_and_unsure_positions_get_no_label():
    labels, mask = torch.full((2, 3), NONE), torch.tensor([[0, 1, 1], [1, 1, 0]]).bool()
    assert PseudoLabels(min_confidence=0.9)(LOGITS, labels).tolist() == [[0, 2, NONE]] * 2
    assert PseudoLabels(min_confidence=0.5)(LOGITS, labels, mask).tolist() == [[NONE, 2, 1], [0, 2, NONE]]


def test_volumes_are_labelled_and_a_confidence_above_one_is_refused():
    labels = PseudoLabels()(
        torch.zeros(1, 2, 3, 4, 5).index_fill_(4, torch.tensor(3), 1.0), torch.full((1, 2, 3, 4), NONE)
    )
    assert labels.shape == (1, 2, 3, 4)
    assert labels.dtype == torch.uint8
    assert (labels == 3).all()
    with pytest.raises(ValueError, match='from 0 to 1, got 2'):
        PseudoLabels(2)
