"""From linear radiance to a camera image: exposure, lens blur, sensor noise, tone curve."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

from dataclasses import dataclass

import cv2
import numpy as np

from projects.minidrive.shapes.jit import pure_kernel
from projects.minidrive.shapes.noise import hash01

_CURVE_SIZE = 4096


def _tone_curve() -> np.ndarray:
    """Curve of a typical camera over 0..2 of exposed radiance, as a table: gamma, contrast, soft highlights."""
    x = np.linspace(0, 2, _CURVE_SIZE)
    gamma = (1.0 - np.exp(-1.35 * x)) ** (1 / 2.1) / (1.0 - np.exp(-2.7)) ** (1 / 2.1)
    contrast = gamma + 0.07 * np.sin(2 * np.pi * (gamma - 0.5))
    return (np.clip(contrast, 0, 1) * 255).astype(np.float32)


_CURVE = _tone_curve()


@pure_kernel
def _expose(colour, gain, noise, seed, curve, out):  # noqa: ANN001, ANN202
    height, width, _ = colour.shape
    size = curve.size
    for row in range(height):
        for column in range(width):
            ru, rv = (column / width - 0.5), (row / height - 0.5)
            shade = 1.0 - 0.35 * (ru * ru + rv * rv)  # vignette
            for c in range(3):
                x = colour[row, column, c] * gain[c] * shade
                luck = hash01(row, column, seed, c) + hash01(row, column, seed, c + 7) - 1.0
                x += luck * noise * np.sqrt(0.004 + 0.3 * max(x, 0.0))
                index = min(max(int(x * 0.5 * (size - 1)), 0), size - 1)
                out[row, column, 2 - c] = np.uint8(curve[index] + 0.5)


@dataclass(frozen=True)
class Shot:
    """Settings of one exposure.

    Args:
        gain (np.ndarray): Factor of red, green and blue, with exposure and white balance. Shape (3,).
        noise (float): Strength of the sensor noise.
        noise_seed (int): Seed of the sensor noise.
    """

    gain: np.ndarray
    noise: float
    noise_seed: int


def draw_shot(colour: np.ndarray, rng: np.random.Generator) -> Shot:
    """Draw exposure error, white balance and noise of one shot of linear radiance (H, W, 3) RGB."""
    level = float(np.mean(np.minimum(colour[..., 1], 1.5))) + 0.05
    exposure = (0.33 / level) ** 0.8 * rng.uniform(0.85, 1.18)
    gain = exposure * rng.normal(1.0, 0.015, 3)
    return Shot(gain, rng.uniform(0.02, 0.06), int(rng.integers(1 << 31)))


def develop_shot(colour: np.ndarray, shot: Shot, sharpness: float) -> np.ndarray:
    """Turn linear radiance (H, W, 3) RGB into a BGR uint8 image; ``sharpness`` is the lens blur's sigma in pixels."""
    blurred = cv2.GaussianBlur(colour, (0, 0), sharpness)
    out = np.empty(colour.shape, np.uint8)
    _expose(blurred, shot.gain, shot.noise, shot.noise_seed, _CURVE, out)
    return out


def develop(colour: np.ndarray, rng: np.random.Generator, sharpness: float) -> np.ndarray:
    """Turn linear radiance (H, W, 3) RGB into a BGR uint8 image.

    Args:
        colour (np.ndarray): Linear radiance, float32.
        rng (np.random.Generator): Draws exposure error, white balance and noise of this shot.
        sharpness (float): Standard deviation of the lens blur in pixels.
    """
    return develop_shot(colour, draw_shot(colour, rng), sharpness)
