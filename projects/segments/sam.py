"""Automatic masks of SAM. The model and its packages are loaded by the first image."""

import numpy as np

from .sam_options import SamOptions


class Sam(SamOptions):
    """Cuts images into automatic masks; arguments and errors are those of :class:`SamOptions`."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Segment an image (H, W, 3) uint8 BGR; labels (H, W), 0 where no mask is."""
        from .sam_model import automatic_masks  # torch, mmcv and transformers, which superpixels need not

        return automatic_masks(image, self)
