"""Colour augmentation that is the same for both images of a pair."""

from collections.abc import Sequence

import cv2
import numpy as np
from mmdet3d.registry import TRANSFORMS

from projects.transforms.random_draws import coin, uniform

from .geometry import FrameTransform


@TRANSFORMS.register_module()
class StereoColorAug(FrameTransform):
    """Change gamma, brightness and the colour of each channel by one draw for both images (BTS, NeWCRFs).

    Args:
        gamma (tuple[float, float]): Range of the exponent. Defaults to (0.9, 1.1).
        brightness (tuple[float, float]): Range of the factor of all channels. Defaults to (0.9, 1.1).
        color (tuple[float, float]): Range of the factor of each channel. Defaults to (0.9, 1.1).
        prob (float): Share of frames that are changed. Defaults to 0.5.
        extra_images (Sequence[str]): See :class:`FrameTransform`. Defaults to ().
    """

    def __init__(
        self,
        gamma: tuple[float, float] = (0.9, 1.1),
        brightness: tuple[float, float] = (0.9, 1.1),
        color: tuple[float, float] = (0.9, 1.1),
        prob: float = 0.5,
        extra_images: Sequence[str] = (),
    ) -> None:
        super().__init__(extra_images)
        self.gamma = tuple(gamma)
        self.brightness = tuple(brightness)
        self.color = tuple(color)
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Apply one table of grey values to every image."""
        if not coin(self.prob):
            return results
        gamma, brightness = uniform(*self.gamma), uniform(*self.brightness)
        factors = brightness * np.array([uniform(*self.color) for _ in range(3)])
        curve = (np.arange(256) / 255.0) ** gamma
        table = np.clip(np.rint(255 * curve[:, None] * factors), 0, 255).astype(np.uint8)[None]
        for key in self.images(results):
            results[key] = cv2.LUT(results[key], table)
        return results
