"""Weather of a scene: sun, sky and haze, as a flat vector for the shading kernels."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np

from .jit import pure_kernel
from .noise import value_noise2

S_SUN = 0  # direction to the sun, 3
S_SUNLIGHT = 3  # colour of direct light, 3
S_AMBIENT = 6  # colour of light from the sky, 3
S_ZENITH = 9  # colour of the sky above, 3
S_HORIZON = 12  # colour of the sky at the horizon and of haze, 3
S_HAZE = 15  # extinction per metre
S_CLOUDS, S_SEED = 16, 17
SKY_SIZE = 18


def draw_sky(rng: np.random.Generator) -> np.ndarray:
    """Draw clear, hazy or overcast weather at a random time of day."""
    sky = np.zeros(SKY_SIZE)
    elevation, azimuth = np.deg2rad(rng.uniform(22, 65)), rng.uniform(-np.pi, np.pi)
    sky[S_SUN : S_SUN + 3] = np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)
    kind = rng.choice(3, p=[0.55, 0.25, 0.2])
    warm = np.array([1.0, 0.93, 0.82]) if elevation > 0.7 else np.array([1.0, 0.86, 0.68])
    strength = (rng.uniform(2.2, 3.0), rng.uniform(1.1, 1.8), rng.uniform(0.15, 0.4))[kind]
    sky[S_SUNLIGHT : S_SUNLIGHT + 3] = warm * strength
    ambient = (np.array([0.42, 0.50, 0.62]), np.array([0.62, 0.66, 0.72]), np.array([0.95, 0.97, 1.0]))[kind]
    sky[S_AMBIENT : S_AMBIENT + 3] = ambient * rng.uniform(0.85, 1.15)
    zenith = (np.array([0.22, 0.42, 0.85]), np.array([0.45, 0.58, 0.80]), np.array([0.80, 0.84, 0.88]))[kind]
    horizon = (np.array([0.80, 0.92, 1.05]), np.array([0.95, 0.98, 1.0]), np.array([1.0, 1.0, 1.0]))[kind]
    level = rng.uniform(0.9, 1.3)
    sky[S_ZENITH : S_ZENITH + 3], sky[S_HORIZON : S_HORIZON + 3] = zenith * level, horizon * level
    sky[S_HAZE] = np.exp(rng.uniform(np.log(0.0008), np.log(0.006)))
    sky[S_CLOUDS], sky[S_SEED] = rng.uniform(0.2, 0.8) if kind < 2 else 0.3, rng.integers(1 << 20)
    return sky


@pure_kernel
def sky_colour(x, y, z, sky):  # noqa: ANN001, ANN201
    """Colour of the sky along a unit direction, with clouds and a skyline of distant hills."""
    up = max(z, 0.0)
    seed = int(sky[S_SEED])
    bearing = np.arctan2(y, x)
    hills = (
        0.02
        + 0.05 * value_noise2(bearing * 6.0 + 40.0, 0.5, seed)
        + 0.012 * value_noise2(bearing * 55.0 + 400.0, 0.5, seed)
    )
    if z < hills:
        return 0.55 * sky[S_HORIZON] * 0.72, 0.55 * sky[S_HORIZON + 1] * 0.80, 0.55 * sky[S_HORIZON + 2] * 0.80
    mix = (1.0 - up) ** 4
    cloud = 0.0
    if up > 0.01:
        u, v = x / (up + 0.12), y / (up + 0.12)
        n = 0.55 * value_noise2(u * 1.1, v * 1.1, seed) + 0.3 * value_noise2(u * 2.7, v * 2.7, seed + 1)
        n += 0.15 * value_noise2(u * 6.1, v * 6.1, seed + 2)
        cloud = min(max((n - 0.72 + 0.45 * sky[S_CLOUDS]) * 3.5, 0.0), 0.9) * min(up * 8.0, 1.0)
    glow = max(x * sky[0] + y * sky[1] + z * sky[2], 0.0) ** 32 * 0.5
    r = sky[S_ZENITH] * (1 - mix) + sky[S_HORIZON] * mix
    g = sky[S_ZENITH + 1] * (1 - mix) + sky[S_HORIZON + 1] * mix
    b = sky[S_ZENITH + 2] * (1 - mix) + sky[S_HORIZON + 2] * mix
    white = 1.05 * sky[S_HORIZON + 1]
    r += (white - r) * cloud + glow * sky[S_SUNLIGHT] * 0.4
    g += (white - g) * cloud + glow * sky[S_SUNLIGHT + 1] * 0.4
    b += (white - b) * cloud + glow * sky[S_SUNLIGHT + 2] * 0.4
    return r, g, b
