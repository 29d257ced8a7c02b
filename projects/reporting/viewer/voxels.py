"""Voxels that can be seen, as few bytes as a page can read. X/Y/Z voxels, V voxels that are drawn."""

import base64
import gzip
from collections.abc import Mapping

import numpy as np

UNLABELLED = 255


def surface_voxels(volume: np.ndarray, free_class: int) -> np.ndarray:
    """Flat indices of the voxels that can be seen, whichever classes a viewer hides.

    Inside is a voxel whose six neighbours have its class: they are shown and hidden with it. A voxel between other
    classes appears when these are hidden, and one at the border of the grid is seen from outside.

    Args:
        volume (np.ndarray): Class ids. Shape (X, Y, Z).
        free_class (int): Id of voxels without matter; these and 255 are never drawn.

    Returns:
        np.ndarray: Indices in C order, ascending. Shape (V,), int64.
    """
    padded = np.pad(volume, 1, constant_values=free_class)
    middle = (slice(1, -1),) * 3
    inside = np.ones(volume.shape, bool)
    for axis in range(3):
        for part in (slice(None, -2), slice(2, None)):
            inside &= volume == padded[(*middle[:axis], part, *middle[axis + 1 :])]
    return np.flatnonzero((volume != free_class) & (volume != UNLABELLED) & ~inside)


def cut_volumes(volumes: Mapping[str, np.ndarray], mask: np.ndarray | None, free_class: int) -> dict[str, np.ndarray]:
    """Volumes with what is outside a mask (X, Y, Z) free; as they are without a mask."""
    if mask is None:
        return dict(volumes)
    return {name: np.where(mask, volume, free_class).astype(np.uint8) for name, volume in volumes.items()}


def pack_voxels(volume: np.ndarray, free_class: int) -> str:
    """Pack the voxels that can be seen.

    Args:
        volume (np.ndarray): Class ids uint8. Shape (X, Y, Z).
        free_class (int): Id of voxels without matter.

    Returns:
        str: Base64 of gzip of V gaps between flat indices (uint32, little endian; the first is the index itself), then
        V class ids (uint8).
    """
    index = surface_voxels(volume, free_class)
    gaps = np.diff(index, prepend=0).astype('<u4')
    return pack_bytes(gaps.tobytes() + volume.reshape(-1)[index].tobytes())


def pack_bytes(content: bytes) -> str:
    """Base64 of gzip; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()
