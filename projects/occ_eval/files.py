"""Label and prediction files of Occ3D and lidarseg: finding, reading and checking them."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from projects.fileio import read_npz, read_npz_bytes

from .classes import FREE_CLASS, OCC3D_SHAPE, UNLABELLED

PREDICTION_KEYS = ('arr_0', 'pred', 'semantics')
LIDARSEG_SUFFIX = '_lidarseg.bin'
_LARGEST = 1 << 26  # bytes; ten times a grid of int64, so that a wrong dtype is still named


class Frame(NamedTuple):
    """Files of one frame.

    Args:
        token (str): Sample token, or sample_data token of the LiDAR.
        label (str): Path of the label.
        pred (str): Path of the prediction.
        origins (list | None): Origins of RayIoU, [[x, y, z], ...] in metres.
    """

    token: str
    label: str
    pred: str
    origins: list[list[float]] | None = None


def _problem(token: str, path: str, message: str) -> dict[str, str]:
    return {'token': token, 'file': path, 'error': message}


def find_occ_labels(folder: str | os.PathLike) -> dict[str, str]:
    """Paths of ``<scene>/<token>/labels.npz`` by token, in the order of scenes and tokens.

    Raises:
        FileNotFoundError: If there is none.
    """
    labels = {}
    for scene in sorted(entry.path for entry in os.scandir(_existing(folder)) if entry.is_dir()):
        for token in sorted(entry.name for entry in os.scandir(scene) if entry.is_dir()):
            labels[token] = os.path.join(scene, token, 'labels.npz')
    if not labels:
        raise FileNotFoundError(f'no <scene>/<token>/labels.npz below {folder}; give the folder gts of Occ3D-nuScenes')
    return labels


def find_occ_predictions(folder: str | os.PathLike) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Paths of ``<token>.npz`` or ``<scene>/<token>.npz`` by token, and errors for tokens that are there twice."""
    paths: dict[str, str] = {}
    problems = []
    root = _existing(folder)
    for place in [root, *sorted(entry.path for entry in os.scandir(root) if entry.is_dir())]:
        for entry in sorted(os.scandir(place), key=lambda e: e.name):
            token, suffix = os.path.splitext(entry.name)
            if suffix != '.npz' or entry.name.startswith('.'):
                continue
            if token in paths:
                problems.append(_problem(token, entry.path, f'{entry.path} and {paths[token]} are for one token'))
            else:
                paths[token] = entry.path
    return paths, problems


def find_lidarseg(folder: str | os.PathLike) -> dict[str, str]:
    """Paths of ``<token>_lidarseg.bin`` by token, sorted.

    Raises:
        FileNotFoundError: If there is none.
    """
    names = sorted(e.name for e in os.scandir(_existing(folder)) if e.name.endswith(LIDARSEG_SUFFIX))
    if not names:
        raise FileNotFoundError(f'no <token>{LIDARSEG_SUFFIX} in {folder}')
    return {name.removesuffix(LIDARSEG_SUFFIX): os.path.join(folder, name) for name in names}


def _existing(folder: str | os.PathLike) -> str:
    if not os.path.isdir(folder):
        raise FileNotFoundError(f'folder not found: {folder}')
    return os.fspath(folder)


def pair_files(
    labels: dict[str, str], predictions: dict[str, str], tokens: Collection[str] | None
) -> tuple[list[Frame], list[dict[str, str]]]:
    """Match labels with predictions.

    Args:
        labels (dict[str, str]): Paths by token.
        predictions (dict[str, str]): Paths by token.
        tokens (Collection[str] | None): Tokens to score. Defaults to None, all that have a label.

    Returns:
        tuple[list[Frame], list[dict]]: Frames that have both files, and an error for each missing label, missing
        prediction and prediction of no wanted token.
    """
    wanted = list(labels) if tokens is None else list(tokens)
    frames, problems = [], []
    for token in wanted:
        if token not in labels:
            problems.append(_problem(token, '', 'there is no label for this token'))
        if token not in predictions:
            problems.append(_problem(token, '', 'there is no prediction for this token'))
        elif token in labels:
            frames.append(Frame(token, labels[token], predictions[token]))
    known = set(wanted)
    for token, path in predictions.items():
        if token not in known:
            problems.append(_problem(token, path, f'{path} is a prediction of no token that is evaluated'))
    return frames, problems


def _check_grid(array: np.ndarray, key: str, path: str) -> None:
    if array.shape != OCC3D_SHAPE:
        raise ValueError(f'{key} of {path} must have shape {OCC3D_SHAPE}, got {array.shape}')
    if array.dtype != np.uint8:
        raise ValueError(f'{key} of {path} must be uint8, got {array.dtype}')


def check_occ_ids(ids: np.ndarray, key: str, path: str, unlabelled: bool) -> None:
    """Check the class ids of a grid.

    Args:
        ids (np.ndarray): Shape (X, Y, Z), uint8.
        key (str): Name of the array.
        path (str): Name of the file.
        unlabelled (bool): Whether 255 is allowed.

    Raises:
        ValueError: If an id is out of range, or 16 stands for free, as in OpenOcc.
    """
    if int(ids.max()) > FREE_CLASS:
        wrong = np.unique(ids[ids > FREE_CLASS])
        wrong = wrong[wrong != UNLABELLED] if unlabelled else wrong
        if len(wrong):
            raise ValueError(f'{key} of {path} holds class ids {wrong[:5].tolist()}, expected 0..{FREE_CLASS}')
    # Free space is everywhere, so a look at the beginning nearly always settles it.
    has_free = (ids.reshape(-1)[:16384] == FREE_CLASS).any() or (ids == FREE_CLASS).any()
    if not has_free and (ids == FREE_CLASS - 1).mean() > 0.5:
        raise ValueError(
            f'{key} of {path} has the classes of OpenOcc (most voxels are {FREE_CLASS - 1}, none is {FREE_CLASS}): '
            'there 16 is free and the order is another; convert it to the classes of Occ3D-nuScenes'
        )


def read_occ_label(path: str, mask: str | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a label and one of its masks.

    Args:
        path (str): The ``labels.npz``.
        mask (str | None): 'camera', 'lidar' or None.

    Returns:
        tuple[np.ndarray, np.ndarray | None]: Class ids uint8 (255: not labelled) and the mask as bool, (200, 200, 16).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or something other than a label.
    """
    keys = ['semantics'] if mask is None else ['semantics', f'mask_{mask}']
    arrays = read_npz(path, keys, max_bytes=_LARGEST)
    for key in keys[1:]:
        if arrays[key].dtype == np.bool_:
            arrays[key] = arrays[key].view(np.uint8)
    for key in keys:
        _check_grid(arrays[key], key, path)
    check_occ_ids(arrays['semantics'], 'semantics', path, unlabelled=True)
    if mask is None:
        return arrays['semantics'], None
    if int(arrays[keys[1]].max()) > 1:
        raise ValueError(f'{keys[1]} of {path} must hold 0 and 1, got {int(arrays[keys[1]].max())}')
    return arrays['semantics'], arrays[keys[1]].view(np.bool_)


def read_occ_prediction(path: str) -> np.ndarray:
    """Read a prediction: key ``arr_0``, ``pred`` or ``semantics``; (200, 200, 16) uint8, ids 0..17.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or something other than a prediction.
    """
    return _checked(read_npz(path, one_of=PREDICTION_KEYS, max_bytes=_LARGEST), path)


def read_occ_prediction_bytes(data: bytes, name: str, keys: Sequence[str] = PREDICTION_KEYS) -> np.ndarray:
    """:func:`read_occ_prediction` for the content of a file; ``name`` is what errors call it."""
    return _checked(read_npz_bytes(data, name, one_of=keys, max_bytes=_LARGEST), name)


def _checked(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    ((key, pred),) = arrays.items()
    _check_grid(pred, key, name)
    check_occ_ids(pred, key, name, unlabelled=False)
    return pred


def read_lidarseg(path: str) -> np.ndarray:
    """Ids of one point cloud. Shape (P,), uint8."""
    return np.frombuffer(Path(path).read_bytes(), np.uint8)
