"""Decision rules that are fitted on calibration scenes: the same procedure for every arm, before it is compared.

mIoU at the most likely class says as much about where a model stands between "occupied" and "free" as about what it
knows. So each arm gets the rule that suits it best, on scenes that no comparison sees.

Shape letters: V voxels, C classes.
"""

import numpy as np
import torch
from torch import Tensor

from projects.occupancy.evaluation import mean_iou

GRID = np.linspace(-4.0, 4.0, 65)
"""Amounts by which a class may be raised in one round, in units of logits."""


def class_counts(logits: Tensor, labels: Tensor, biases: Tensor, raised: int) -> np.ndarray:
    """Confusion matrices for every amount of :data:`GRID` by which one class may be raised.

    A voxel goes to the raised class when the amount is larger than the lead of the best other class. So one pass that
    sorts voxels by that lead gives all matrices.

    Args:
        logits (Tensor): Shape (V, C), float32.
        labels (Tensor): Class ids. Shape (V,), int64.
        biases (Tensor): What is added to the logits already. Shape (C,).
        raised (int): The class.

    Returns:
        np.ndarray: Rows are labels, columns predictions. Shape (len(GRID), C, C), int64.
    """
    classes = logits.shape[1]
    shifted = logits + biases
    own = shifted[:, raised].clone()
    shifted[:, raised] = -torch.inf
    best, other = shifted.max(dim=1)
    # Number of grid values that do not raise the class above the others.
    kept = torch.searchsorted(torch.from_numpy(GRID).to(best.dtype), best - own, right=True)
    flat = (kept * classes + labels) * classes + other
    counts = torch.bincount(flat, minlength=(len(GRID) + 1) * classes**2).view(-1, classes, classes).numpy()
    stays = np.cumsum(counts[::-1], axis=0)[::-1][1:]  # those that more than i grid values do not move
    moves = np.cumsum(counts, axis=0)[:-1].sum(axis=2)
    matrices = stays.copy()
    matrices[:, :, raised] += moves
    return matrices


def fit_biases(logits: Tensor, labels: Tensor, free_class: int, rounds: int = 3) -> Tensor:
    """Bias of each class that gives the best mIoU, by coordinate ascent; only better values are taken.

    Args:
        logits (Tensor): Of calibration voxels. Shape (V, C).
        labels (Tensor): Class ids. Shape (V,).
        free_class (int): Id of free.
        rounds (int): Passes over all classes. Defaults to 3.

    Returns:
        Tensor: Shape (C,), float32; add it to the logits before taking the most likely class.
    """
    logits, labels = logits.float(), labels.long()
    biases = torch.zeros(logits.shape[1])
    reached = mean_iou(class_counts(logits, labels, biases, 0)[len(GRID) // 2], free_class)  # of nothing raised
    for _ in range(rounds):
        for raised in range(logits.shape[1]):
            values = [mean_iou(matrix, free_class) for matrix in class_counts(logits, labels, biases, raised)]
            best = int(np.nanargmax(values))
            if values[best] > reached:
                reached = values[best]
                biases[raised] += float(GRID[best])
    return biases


def fit_scaling(logits: Tensor, labels: Tensor, iterations: int = 50) -> tuple[float, Tensor]:
    """Factor and biases of the logits that give the best likelihood (vector scaling with one temperature).

    Args:
        logits (Tensor): Of calibration voxels. Shape (V, C).
        labels (Tensor): Class ids. Shape (V,).
        iterations (int): Steps of L-BFGS at most. Defaults to 50.

    Returns:
        tuple[float, Tensor]: Factor, and biases (C,): ``factor * logits + biases`` are the calibrated logits.
    """
    logits, labels = logits.float(), labels.long()
    log_factor = torch.zeros((), requires_grad=True)
    biases = torch.zeros(logits.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([log_factor, biases], max_iter=iterations, line_search_fn='strong_wolfe')

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(log_factor.exp() * logits + biases, labels)
        # Classes that no calibration voxel has would sink without end.
        (loss + 1e-4 * biases.square().sum()).backward()
        return loss

    optimizer.step(closure)
    return float(log_factor.detach().exp()), biases.detach()
