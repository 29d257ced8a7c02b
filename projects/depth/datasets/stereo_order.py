"""A cheap check that left and right images of a rectified pair are not swapped."""

import cv2
import numpy as np

_HALF_H, _HALF_W, _REACH = 4, 10, 96
_MIN_SCORE, _MIN_MATCHES = 0.9, 8


def match_rows(left: np.ndarray, right: np.ndarray, patches: int = 160) -> np.ndarray:
    """Disparities of the best-textured patches, found on the same rows to both sides.

    Args:
        left (np.ndarray): Left image, BGR or grey. Shape (H, W[, 3]), uint8.
        right (np.ndarray): Right image, same size.
        patches (int): Patches to try. Defaults to 160.

    Returns:
        np.ndarray: ``x_left - x_right`` of the patches with a clear match, in pixels. Shape (M,).
    """
    left, right = (cv2.cvtColor(img, cv2.COLOR_BGR2GRAY) if img.ndim == 3 else img for img in (left, right))
    height, width = left.shape
    reach = min(_REACH, width // 4)
    texture = cv2.boxFilter(np.abs(cv2.Sobel(left, cv2.CV_32F, 1, 0)), -1, (2 * _HALF_W + 1, 2 * _HALF_H + 1))
    cell = max(2 * _HALF_H + 1, int(np.sqrt(height * width / (2 * patches))))
    found = []
    for top in range(height // 4, height - _HALF_H - cell, cell):
        for first in range(reach + _HALF_W, width - reach - _HALF_W - cell, cell):
            window = texture[top : top + cell, first : first + cell]
            row, column = np.unravel_index(int(window.argmax()), window.shape)
            row, column = max(top + int(row), _HALF_H), first + int(column)
            if texture[row, column] < 20:
                continue
            rows = slice(row - _HALF_H, row + _HALF_H + 1)
            patch = left[rows, column - _HALF_W : column + _HALF_W + 1]
            strip = right[rows, column - _HALF_W - reach : column + _HALF_W + 1 + reach]
            score = cv2.matchTemplate(strip, patch, cv2.TM_CCOEFF_NORMED)[0]
            if score.max() >= _MIN_SCORE:
                found.append(reach - int(score.argmax()))
    return np.array(found, np.float64)


def check_stereo_order(left: np.ndarray, right: np.ndarray, name: str) -> None:
    """Refuse a pair whose disparities are negative; pairs with too few clear matches pass.

    Raises:
        ValueError: If the sizes differ or the cameras are swapped.
    """
    if left.shape != right.shape:
        raise ValueError(f'{name}: left image is {left.shape[:2]}, right image {right.shape[:2]}; a pair has one size')
    disparity = match_rows(left, right)
    negative, positive = int((disparity < -1).sum()), int((disparity > 1).sum())
    if negative >= _MIN_MATCHES and negative > 2 * positive:
        raise ValueError(
            f'{name}: {negative} of {len(disparity)} matched patches have negative disparity (median '
            f'{np.median(disparity):.1f} px): left and right images are swapped; exchange image_02 and image_03'
        )
