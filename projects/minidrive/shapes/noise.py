"""Hash and value noise in [0, 1), the source of every procedural texture."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np

from .jit import pure_kernel


@pure_kernel
def hash01(a, b, c, d):  # noqa: ANN001, ANN201
    """Hash of four integers to [0, 1)."""
    h = np.int64(a) * 73856093 ^ np.int64(b) * 19349663 ^ np.int64(c) * 83492791 ^ np.int64(d) * 49979687
    h = (h ^ (h >> 13)) * 1274126177
    h = (h ^ (h >> 29)) * 668265263
    return np.float64((h >> 11) & 0xFFFFFF) * (1.0 / 16777216.0)


@pure_kernel
def value_noise2(x, y, seed):  # noqa: ANN001, ANN201
    """Smooth noise over the plane with a feature size of one unit."""
    fx, fy = np.floor(x), np.floor(y)
    ix, iy = int(fx), int(fy)
    u, v = x - fx, y - fy
    u, v = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v)
    a, b = hash01(ix, iy, seed, 1), hash01(ix + 1, iy, seed, 1)
    c, d = hash01(ix, iy + 1, seed, 1), hash01(ix + 1, iy + 1, seed, 1)
    return (a + (b - a) * u) * (1.0 - v) + (c + (d - c) * u) * v


@pure_kernel
def value_noise3(x, y, z, seed):  # noqa: ANN001, ANN201
    """Smooth noise over space with a feature size of one unit."""
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    ix, iy, iz = int(fx), int(fy), int(fz)
    u, v, w = x - fx, y - fy, z - fz
    a = hash01(ix, iy, iz, seed) * (1.0 - u) + hash01(ix + 1, iy, iz, seed) * u
    b = hash01(ix, iy + 1, iz, seed) * (1.0 - u) + hash01(ix + 1, iy + 1, iz, seed) * u
    c = hash01(ix, iy, iz + 1, seed) * (1.0 - u) + hash01(ix + 1, iy, iz + 1, seed) * u
    d = hash01(ix, iy + 1, iz + 1, seed) * (1.0 - u) + hash01(ix + 1, iy + 1, iz + 1, seed) * u
    return (a * (1.0 - v) + b * v) * (1.0 - w) + (c * (1.0 - v) + d * v) * w
