"""Class-agnostic image segments: connected parts of objects, facades, lanes and ground, as a segmenter cuts them."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np

from projects.minidrive.shapes.jit import kernel, pure_kernel

MIN_PIXELS = 12


@pure_kernel
def _find(parent, i):  # noqa: ANN001, ANN202
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def _components(ident, min_pixels, out):  # noqa: ANN001, ANN202
    height, width = ident.shape
    parent = np.arange(height * width, dtype=np.int32)
    for row in range(height):
        for column in range(width):
            i = row * width + column
            if column > 0 and ident[row, column] == ident[row, column - 1]:
                parent[_find(parent, i)] = _find(parent, i - 1)
            if row > 0 and ident[row, column] == ident[row - 1, column]:
                a, b = _find(parent, i), _find(parent, i - width)
                parent[max(a, b)] = min(a, b)
    size = np.zeros(height * width, np.int32)
    for i in range(height * width):
        size[_find(parent, i)] += 1
    label = np.zeros(height * width, np.int32)
    used = 0
    for row in range(height):
        for column in range(width):
            root = _find(parent, row * width + column)
            if ident[row, column] == 0 or size[root] < min_pixels:
                continue
            if label[root] == 0:
                used += 1
                label[root] = used
            out[row, column] = min(label[root], 65535)
    return used


def find_segments(ident: np.ndarray) -> np.ndarray:
    """Number the 4-connected components of equal identity.

    Args:
        ident (np.ndarray): (H, W) int64 identity of the surface part each pixel sees, 0 for the sky.

    Returns:
        np.ndarray: (H, W) uint16 segment ids from 1; 0 is the sky and crumbs of fewer than ``MIN_PIXELS`` pixels.
    """
    out = np.zeros(ident.shape, np.uint16)
    _components(ident, MIN_PIXELS, out)
    return out
