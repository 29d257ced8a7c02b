"""Fitted decision rules against brute force and against what was planted."""

import numpy as np
import torch

from projects.occupancy.evaluation import confusion_matrix, mean_iou
from projects.studies.decision import GRID, class_counts, fit_biases, fit_scaling


def planted(voxels=4000, classes=4, seed=0):
    """Logits that are log-probabilities, and labels drawn from them."""
    generator = torch.Generator().manual_seed(seed)
    logits = (2 * torch.randn(voxels, classes, generator=generator)).log_softmax(-1)
    labels = torch.multinomial(logits.exp(), 1, generator=generator)[:, 0]
    return logits, labels


def test_one_pass_gives_the_matrix_of_every_amount():
    logits, labels = planted(300)
    biases = torch.tensor([0.3, -0.2, 0.0, 0.1])
    matrices = class_counts(logits, labels, biases, raised=2)
    for index in (0, 20, 32, 41, 64):
        shifted = logits + biases
        shifted[:, 2] += GRID[index]
        predicted = shifted.argmax(-1).numpy().astype(np.uint8)
        assert (matrices[index] == confusion_matrix(predicted, labels.numpy().astype(np.uint8), 4)).all()


def test_fitted_biases_undo_a_bias_that_was_planted():
    logits, labels = planted()
    moved = logits - torch.tensor([3.0, 0.0, 0.0, 1.5])

    def score(z):
        predicted = z.argmax(-1).numpy().astype(np.uint8)
        return mean_iou(confusion_matrix(predicted, labels.numpy().astype(np.uint8), 4), 3)

    fitted = score(moved + fit_biases(moved, labels, free_class=3))
    assert score(moved) < score(logits) - 0.05
    assert fitted >= score(logits) - 1e-9


def test_biases_that_cannot_help_stay_zero():
    labels = torch.arange(4).repeat(5)
    logits = 9.0 * torch.nn.functional.one_hot(labels, 4).float()
    assert fit_biases(logits, labels, free_class=3).tolist() == [0.0] * 4


def test_fitted_scaling_finds_the_factor_and_the_biases_that_were_planted():
    logits, labels = planted(20000)
    biases = torch.tensor([0.5, -0.5, 0.25, -0.25])
    factor, found = fit_scaling((logits - biases) / 0.5, labels)
    assert abs(factor - 0.5) < 0.02
    torch.testing.assert_close(found - found.mean(), biases, atol=0.08, rtol=0)
