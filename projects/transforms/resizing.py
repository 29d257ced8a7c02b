"""Where a resize moves pixels, and resizing of maps of ids, which must not be blended."""

import numpy as np


def resize_matrix(scale_x: float, scale_y: float) -> np.ndarray:
    """Homogeneous pixel map (3, 3) of a resize, with its half-pixel shift: integer coordinates are pixel centres."""
    return np.array([[scale_x, 0, 0.5 * scale_x - 0.5], [0, scale_y, 0.5 * scale_y - 0.5], [0, 0, 1.0]])


def resize_nearest(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize (H, W) to (h, w) by the nearest pixel centre (OpenCV's INTER_NEAREST is biased to the upper left)."""
    rows, cols = (
        np.minimum(((np.arange(new) + 0.5) * old / new).astype(np.int64), old - 1)
        for old, new in zip(image.shape, size)
    )
    return image[rows[:, None], cols]
