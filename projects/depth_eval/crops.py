"""Crops and valid pixels of the Eigen protocol. H x W frame."""

import numpy as np

KB_HEIGHT, KB_WIDTH = 352, 1216
_CROPS = {  # top, bottom, left, right as shares of the frame; NeWCRFs and BTS have the same digits
    'garg': (0.40810811, 0.99189189, 0.03594771, 0.96405229),
    'eigen': (0.3324324, 0.91351351, 0.0359477, 0.96405229),
    'none': (0.0, 1.0, 0.0, 1.0),
}
CROPS = tuple(_CROPS)


def kb_crop_offset(height: int, width: int) -> tuple[int, int]:
    """Top and left of the crop of 352x1216 pixels of the KITTI benchmark: the bottom, centred.

    Raises:
        ValueError: If the image is smaller than the crop.
    """
    if height < KB_HEIGHT or width < KB_WIDTH:
        raise ValueError(f'KB crop needs an image of at least {KB_HEIGHT}x{KB_WIDTH}, got {height}x{width}')
    return height - KB_HEIGHT, int((width - KB_WIDTH) / 2)


def kb_crop(image: np.ndarray) -> np.ndarray:
    """Crop an image or map (H, W, ...) to (352, 1216, ...)."""
    top, left = kb_crop_offset(*image.shape[:2])
    return image[top : top + KB_HEIGHT, left : left + KB_WIDTH]


def crop_mask(shape: tuple[int, ...], crop: str) -> np.ndarray:
    """Pixels of a frame inside a crop.

    Args:
        shape (tuple[int, int]): H and W of the frame; 352 x 1216 after a KB crop, else the full image.
        crop (str): 'garg', 'eigen' or 'none'.

    Returns:
        np.ndarray: Bool, shape (H, W).

    Raises:
        ValueError: If the crop is unknown.
    """
    if crop not in _CROPS:
        raise ValueError(f'crop must be one of {CROPS}, got {crop!r}')
    top, bottom, left, right = _CROPS[crop]
    height, width = shape
    mask = np.zeros(shape, bool)
    mask[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] = True
    return mask
