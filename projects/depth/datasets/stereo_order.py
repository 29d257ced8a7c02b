"""A cheap check that the images of a rectified pair are two, and not swapped."""

import cv2
import numpy as np

_HALF_H, _HALF_W, _REACH = 4, 10, 96
_MIN_SCORE, _MIN_MATCHES = 0.9, 8
# One image stored twice, even as JPEG of quality 30, has disparities of 0.02 px in the middle and 0.09 px at the ninth
# decile (measured on a KITTI frame); a true pair at 3 km has 0.13 px.
_SAME_MEDIAN, _SAME_DECILE = 0.05, 0.12


def match_rows(left: np.ndarray, right: np.ndarray, patches: int = 160) -> np.ndarray:
    """Disparities of the best-textured patches, found on the same rows to both sides.

    Args:
        left (np.ndarray): Left image, BGR or grey. Shape (H, W[, 3]), uint8.
        right (np.ndarray): Right image, same size.
        patches (int): Patches to try. Defaults to 160.

    Returns:
        np.ndarray: ``x_left - x_right`` of the patches with a clear match, in pixels and their fractions. Shape (M,).
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
            down, right_of = np.unravel_index(int(window.argmax()), window.shape)
            row, column = max(top + int(down), _HALF_H), first + int(right_of)
            if texture[row, column] < 20:
                continue
            rows = slice(row - _HALF_H, row + _HALF_H + 1)
            patch = left[rows, column - _HALF_W : column + _HALF_W + 1]
            strip = right[rows, column - _HALF_W - reach : column + _HALF_W + 1 + reach]
            score = cv2.matchTemplate(strip, patch, cv2.TM_CCOEFF_NORMED)[0]
            if score.max() >= _MIN_SCORE:
                found.append(reach - _peak(score))
    return np.array(found, np.float64)


def _peak(score: np.ndarray) -> float:
    """Place of the largest value, between the samples: the top of the parabola through it and its neighbours."""
    best = int(score.argmax())
    if not 0 < best < len(score) - 1:
        return float(best)
    before, top, after = (float(score[best + step]) for step in (-1, 0, 1))
    bend = before - 2 * top + after
    return best + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _one_image(left: np.ndarray, right: np.ndarray, disparity: np.ndarray) -> bool:
    """Whether both are the same picture: equal pixels, or no disparity anywhere. Flat images tell nothing."""
    if np.array_equal(left, right):
        return bool(left.max() > left.min())
    if len(disparity) < _MIN_MATCHES:
        return False
    size = np.abs(disparity)
    return bool(np.median(size) < _SAME_MEDIAN and np.quantile(size, 0.9) < _SAME_DECILE)


def check_stereo_order(left: np.ndarray, right: np.ndarray, name: str) -> None:
    """Refuse a pair that is one image twice, or whose disparities are negative.

    Pairs with too few clear matches pass unless their pixels are equal, and so do pairs of distant scenes: their
    disparities are small, but not nothing.

    Raises:
        ValueError: If the sizes differ, both images are the same, or the cameras are swapped.
    """
    if left.shape != right.shape:
        raise ValueError(f'{name}: left image is {left.shape[:2]}, right image {right.shape[:2]}; a pair has one size')
    disparity = match_rows(left, right)
    if _one_image(left, right, disparity):
        raise ValueError(
            f'{name}: left and right image are the same picture (no disparity anywhere), so there is nothing to learn '
            'from the pair; was one camera copied into the folder of the other? Unpack the images of the right camera '
            'again'
        )
    negative, positive = int((disparity < -1).sum()), int((disparity > 1).sum())
    if negative >= _MIN_MATCHES and negative > 2 * positive:
        raise ValueError(
            f'{name}: {negative} of {len(disparity)} matched patches have negative disparity (median '
            f'{np.median(disparity):.1f} px): left and right images are swapped; exchange image_02 and image_03'
        )
