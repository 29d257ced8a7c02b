"""Hash and value noise in [0, 1), the source of every procedural texture."""

import numpy as np

from .jit import kernel


@kernel
def hash01(a, b, c, d):  # noqa: ANN001, ANN201
    """Hash of four integers to [0, 1)."""
    h = np.uint32(a) * np.uint32(0x9E3779B1) + np.uint32(b) * np.uint32(0x85EBCA77)
    h ^= np.uint32(c) * np.uint32(0xC2B2AE3D) + np.uint32(d) * np.uint32(0x27D4EB2F)
    h = np.uint32(h)
    h ^= h >> np.uint32(15)
    h = np.uint32(h * np.uint32(0x2C1B3C6D))
    h ^= h >> np.uint32(12)
    h = np.uint32(h * np.uint32(0x297A2D39))
    h ^= h >> np.uint32(15)
    return np.float64(np.uint32(h)) * (1.0 / 4294967296.0)


@kernel
def value_noise2(x, y, seed):  # noqa: ANN001, ANN201
    """Smooth noise over the plane with a feature size of one unit."""
    fx, fy = np.floor(x), np.floor(y)
    ix, iy = int(fx), int(fy)
    u, v = x - fx, y - fy
    u, v = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v)
    a, b = hash01(ix, iy, seed, 1), hash01(ix + 1, iy, seed, 1)
    c, d = hash01(ix, iy + 1, seed, 1), hash01(ix + 1, iy + 1, seed, 1)
    return (a + (b - a) * u) * (1.0 - v) + (c + (d - c) * u) * v


@kernel
def value_noise3(x, y, z, seed):  # noqa: ANN001, ANN201
    """Smooth noise over space with a feature size of one unit."""
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    ix, iy, iz = int(fx), int(fy), int(fz)
    u, v, w = x - fx, y - fy, z - fz
    total = 0.0
    for k in range(8):
        i, j, m = k & 1, (k >> 1) & 1, k >> 2
        weight = (u if i else 1.0 - u) * (v if j else 1.0 - v) * (w if m else 1.0 - w)
        total += weight * hash01(ix + i, iy + j, iz + m, seed)
    return total
