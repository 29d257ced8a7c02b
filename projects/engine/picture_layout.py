"""Titles and grids of pictures. All pictures are RGB uint8, H x W."""

from collections.abc import Sequence

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX


def add_title(image: np.ndarray, title: str) -> np.ndarray:
    """Put a line of text above a picture, smaller where the picture is narrow."""
    bar = np.full((22, image.shape[1], 3), 255, np.uint8)
    (length, _), _ = cv2.getTextSize(title, FONT, 0.45, 1)
    scale = 0.45 * min(1.0, max(image.shape[1] - 8, 1) / max(length, 1))
    cv2.putText(bar, title, (4, 16), FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([bar, image])


def fit_width(image: np.ndarray, width: int) -> np.ndarray:
    """Resize a picture to a width, keeping its shape."""
    height = max(round(image.shape[0] * width / image.shape[1]), 1)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def image_grid(images: Sequence[np.ndarray], titles: Sequence[str], columns: int, width: int) -> np.ndarray:
    """Arrange pictures of one shape, each under its title, in a grid ``width`` pixels wide."""
    cells = [add_title(fit_width(image, width // columns), title) for image, title in zip(images, titles)]
    blank = np.full_like(cells[0], 255)
    cells += [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    picture = np.vstack(rows)
    return np.pad(picture, ((0, 0), (0, width - picture.shape[1]), (0, 0)), constant_values=255)
