"""Where true depth has edges. H x W image."""

import cv2
import numpy as np


def depth_edges(depth: np.ndarray, jump: float = 0.2, reach: int = 2) -> np.ndarray:
    """Pixels near a jump of depth.

    On a plane, inverse depth is linear in the image, so slanted roads and walls have no edge: there is one where it
    bends from pixel to pixel by more than a share of itself, along a row or a column. The sky is infinitely far.

    Args:
        depth (np.ndarray): True depth in metres, 0 = sky. Shape (H, W).
        jump (float): The share; an object before a wall has an edge when its depth is at most ``1 - jump`` of the
            wall's. Defaults to 0.2.
        reach (int): Pixels that count on each side of an edge, by rows and columns. Defaults to 2.

    Returns:
        np.ndarray: Bool, shape (H, W).
    """
    inverse = np.zeros(depth.shape)
    np.divide(1.0, depth, out=inverse, where=depth > 0)
    edges = _bends(inverse, jump) | _bends(inverse.T, jump).T
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return cv2.dilate(edges.astype(np.uint8), square).astype(bool)


def _bends(inverse: np.ndarray, jump: float) -> np.ndarray:
    """Where a row bends."""
    bends = np.zeros(inverse.shape, bool)
    before, here, after = inverse[:, :-2], inverse[:, 1:-1], inverse[:, 2:]
    bends[:, 1:-1] = np.abs(after - 2 * here + before) > jump * np.maximum(np.maximum(before, after), here)
    return bends
