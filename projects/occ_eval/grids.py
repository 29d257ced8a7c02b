"""Grids of class ids as files hold them: one check for labels and predictions, in evaluation and in training."""

import math
from collections.abc import Container

import numpy as np

from .classes import FREE_CLASS, OCC3D_SHAPE, UNLABELLED


def check_not_openocc(
    ids: np.ndarray, key: str, path: str, names: Container[str] = (), num_classes: int = FREE_CLASS + 1
) -> None:
    """Name OpenOcc by its content, whatever else is wrong with the array.

    Args:
        ids (np.ndarray): Class ids as read, of any shape and dtype.
        key (str): Name of the array.
        path (str): Name of the file.
        names (Container[str]): Arrays of the file; OpenOcc's labels have ``flow``. Defaults to none.
        num_classes (int): Number of classes, the last one is free. Defaults to 18.

    Raises:
        ValueError: If no voxel is free, and most voxels have the id before it or the file holds ``flow``.
    """
    free = num_classes - 1
    flat = ids.reshape(-1)
    # Free space is everywhere, so a look at the beginning nearly always settles it.
    if ids.dtype.kind not in 'iuf' or not ids.size or free in flat[:16384] or free in flat:
        return
    most = (flat == free - 1).mean() > 0.5
    if most or 'flow' in names:
        seen = f'most voxels are {free - 1}' if most else "the file has the array 'flow'"
        raise ValueError(
            f'{key} of {path} has the classes of OpenOcc ({seen}, none is {free}): there {free - 1} is free and the '
            f'order is another; give the classes of Occ3D-nuScenes (0 others .. {free - 1} vegetation, {free} free)'
        )


def _shape_hint(found: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What an array of another shape probably is, and what to do."""
    if len(found) == 4 and shape in (found[:3], found[1:]):
        return '; are these scores of classes, or several frames? write ids of classes, one frame a file'
    if len(found) == 3 and sorted(found) == sorted(shape):
        return '; turn the axes to x (forward), y (left), z (up)'
    if found == (math.prod(shape),):
        return '; reshape it, if its order is x, y, z'
    if len(found) == 2 and found[1] in (3, 4):
        return '; are these places of voxels? write the whole grid, free space as the last class'
    return ''


def as_grid(array: np.ndarray, key: str, path: str, shape: tuple[int, ...] = OCC3D_SHAPE) -> np.ndarray:
    """Class ids as uint8.

    Args:
        array (np.ndarray): As read: integers of any width that fit into uint8, maybe with a batch axis of 1 in front.
        key (str): Name of the array.
        path (str): Name of the file.
        shape (tuple[int, ...]): X, Y, Z. Defaults to Occ3D's.

    Returns:
        np.ndarray: Shape (X, Y, Z), uint8; ``array`` itself where nothing is to be done.

    Raises:
        ValueError: If shape, dtype or values are others.
    """
    shape = tuple(shape)
    if array.shape == (1, *shape):
        array = array[0]
    if array.shape != shape:
        raise ValueError(f'{key} of {path} must have shape {shape}, got {array.shape}{_shape_hint(array.shape, shape)}')
    if array.dtype.kind not in 'iu':
        raise ValueError(
            f'{key} of {path} must hold integers, got {array.dtype}; write the ids of the classes as uint8, free space '
            'as the last one'
        )
    if array.dtype == np.uint8:
        return array
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > UNLABELLED:
        raise ValueError(f'{key} of {path} holds {low}..{high}, which are no class ids')
    return array.astype(np.uint8)


def as_mask(array: np.ndarray, key: str, path: str, shape: tuple[int, ...] = OCC3D_SHAPE) -> np.ndarray:
    """Mask as bool; like :func:`as_grid` for an array of bool or of 0 and 1.

    Raises:
        ValueError: If shape, dtype or values are others.
    """
    grid = as_grid(array.view(np.uint8) if array.dtype == np.bool_ else array, key, path, shape)
    if int(grid.max()) > 1:
        raise ValueError(f'{key} of {path} must hold 0 and 1, got {int(grid.max())}')
    return grid.view(np.bool_)


def check_class_ids(ids: np.ndarray, name: str, num_classes: int = FREE_CLASS + 1, unlabelled: bool = False) -> int:
    """Check that ids are those of classes.

    Args:
        ids (np.ndarray): Class ids, uint8.
        name (str): What they are, for the message.
        num_classes (int): Number of classes. Defaults to 18.
        unlabelled (bool): Whether 255 (not labelled: it counts nowhere) is allowed. Defaults to False.

    Returns:
        int: The largest id; 0 if there is none.

    Raises:
        ValueError: If an id is out of range.
    """
    largest = int(ids.max()) if ids.size else 0
    if largest < num_classes:
        return largest
    wrong = np.unique(ids[ids >= num_classes])
    wrong = wrong[wrong != UNLABELLED] if unlabelled else wrong
    if len(wrong):
        also = f' and {UNLABELLED} (not labelled)' if unlabelled else ''
        raise ValueError(f'{name} holds class ids {wrong[:5].tolist()}, expected 0..{num_classes - 1}{also}')
    return largest
