"""Material numbers, shared by the builders of shapes and the shading kernel, and colours in linear RGB."""

import numpy as np

PLAIN, CAR_BODY, CABIN, WHEEL, FACADE, WALL, FOLIAGE, BARK, BUS_BODY, CONE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
BARRIER, SIGN, CLOTH, CARGO, METAL, FENCE, ROOF, LAMP = 10, 11, 12, 13, 14, 15, 16, 17

_PAINTS = np.array([
    [0.75, 0.75, 0.74], [0.55, 0.56, 0.57], [0.30, 0.31, 0.33], [0.03, 0.03, 0.035], [0.08, 0.085, 0.09],
    [0.45, 0.03, 0.03], [0.04, 0.09, 0.30], [0.05, 0.18, 0.12], [0.35, 0.27, 0.18], [0.60, 0.30, 0.05],
    [0.10, 0.25, 0.40],
])  # fmt: skip
_CLOTHES = np.array([
    [0.05, 0.05, 0.07], [0.10, 0.13, 0.25], [0.45, 0.42, 0.40], [0.45, 0.06, 0.06], [0.12, 0.25, 0.14],
    [0.60, 0.55, 0.20], [0.65, 0.65, 0.66], [0.25, 0.15, 0.10], [0.30, 0.12, 0.30], [0.15, 0.30, 0.45],
])  # fmt: skip
_FACADES = np.array([
    [0.52, 0.45, 0.36], [0.42, 0.22, 0.16], [0.60, 0.58, 0.54], [0.36, 0.37, 0.39], [0.55, 0.48, 0.30],
    [0.48, 0.32, 0.25], [0.30, 0.33, 0.38], [0.62, 0.56, 0.50], [0.35, 0.25, 0.20],
])  # fmt: skip
_LEAVES = np.array([[0.07, 0.16, 0.03], [0.10, 0.18, 0.04], [0.05, 0.12, 0.04], [0.16, 0.18, 0.05], [0.12, 0.14, 0.06]])


def _pick(palette: np.ndarray, rng: np.random.Generator, spread: float) -> np.ndarray:
    base = palette[rng.integers(len(palette))]
    return np.clip(base * rng.uniform(1 - spread, 1 + spread) + rng.normal(0, 0.02, 3), 0.015, 0.85)


def paint(rng: np.random.Generator) -> np.ndarray:
    """Colour of a vehicle."""
    return _pick(_PAINTS, rng, 0.25)


def cloth(rng: np.random.Generator) -> np.ndarray:
    """Colour of a piece of clothing."""
    return _pick(_CLOTHES, rng, 0.4)


def facade(rng: np.random.Generator) -> np.ndarray:
    """Colour of a building."""
    return _pick(_FACADES, rng, 0.25)


def leaves(rng: np.random.Generator) -> np.ndarray:
    """Colour of foliage."""
    return _pick(_LEAVES, rng, 0.3)


def skin(rng: np.random.Generator) -> np.ndarray:
    """Colour of skin."""
    return np.array([0.55, 0.36, 0.26]) * rng.uniform(0.3, 1.1)
