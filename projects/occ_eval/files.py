"""Label and prediction files of Occ3D and lidarseg: finding, reading and checking them."""

import os
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from projects.fileio import NpzBytes, read_npy_bytes, read_npz, read_whole

from .classes import FREE_CLASS, OCC3D_SHAPE
from .grids import as_grid, as_mask, check_class_ids, check_not_openocc

PREDICTION_KEYS = ('arr_0', 'pred', 'semantics')
LIDARSEG_SUFFIX = '_lidarseg.bin'
LARGEST_ARRAY = 1 << 26
"""Bytes; ten times a grid of int64, so that a wrong dtype is still named."""
_HINT = (
    'download the label again if it is one of Occ3D, correct it or the classes and grid of a data set of your own, or '
    'leave the sample out'
)


class Frame(NamedTuple):
    """Files of one frame.

    Attributes:
        token (str): Sample token, or sample_data token of the LiDAR.
        label (str): Path of the label.
        pred (str): Path of the prediction.
        origins (list | None): Origins of RayIoU, [[x, y, z], ...] in metres.
    """

    token: str
    label: str
    pred: str
    origins: list[list[float]] | None = None


def problem_of(token: str, path: str, message: str) -> dict[str, str]:
    """What is wrong with the files of a token, as reports hold it."""
    return {'token': token, 'file': path, 'error': message}


def find_occ_labels(folder: str | os.PathLike) -> dict[str, str]:
    """Paths of ``<scene>/<token>/labels.npz`` by token, in the order of scenes and tokens.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If two scenes have a label of one token: nobody knows which is the right one.
    """
    labels: dict[str, str] = {}
    for scene in sorted(entry.path for entry in os.scandir(existing_folder(folder)) if entry.is_dir()):
        for token in sorted(entry.name for entry in os.scandir(scene) if entry.is_dir()):
            path = os.path.join(scene, token, 'labels.npz')
            if token in labels and os.path.isfile(path) and os.path.isfile(labels[token]):
                raise ValueError(f'{labels[token]} and {path} are labels of one token; remove the wrong one')
            if token not in labels or os.path.isfile(path):
                labels[token] = path
    # Folders of tokens without a label stay: each is an error of its own, unless the whole folder is another one.
    if not any(map(os.path.isfile, labels.values())):
        inside = os.path.join(folder, 'gts')
        hint = f', {inside} perhaps' if os.path.isdir(inside) else ''
        raise FileNotFoundError(
            f'no <scene>/<token>/labels.npz below {folder}; give the folder gts of Occ3D-nuScenes{hint}'
        )
    return labels


def find_lidarseg(folder: str | os.PathLike) -> dict[str, str]:
    """Paths of ``<token>_lidarseg.bin`` by token, sorted.

    Raises:
        FileNotFoundError: If there is none.
    """
    root = existing_folder(folder)
    names = sorted(filter(_is_lidarseg, os.listdir(root)))
    if not names:
        inside = [e.path for e in os.scandir(root) if e.is_dir() and any(map(_is_lidarseg, os.listdir(e.path)))]
        hint = f'; give the folder that has them, {sorted(inside)[0]} perhaps' if inside else ''
        raise FileNotFoundError(f'no <token>{LIDARSEG_SUFFIX} in {root}{hint}')
    return {name.removesuffix(LIDARSEG_SUFFIX): os.path.join(root, name) for name in names}


def _is_lidarseg(name: str) -> bool:
    return name.endswith(LIDARSEG_SUFFIX)


def existing_folder(folder: str | os.PathLike) -> str:
    """Path of a folder.

    Raises:
        FileNotFoundError: If there is none.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(f'folder not found: {folder}')
    return os.fspath(folder)


class Pairing(NamedTuple):
    """Which prediction belongs to which label.

    Attributes:
        frames (list[Frame]): Frames that have both files.
        problems (list[dict[str, str]]): An error for each missing label or prediction.
        extra (list[str]): Tokens of predictions that nobody wants.
    """

    frames: list[Frame]
    problems: list[dict[str, str]]
    extra: list[str]


def pair_files(labels: dict[str, str], predictions: dict[str, str], tokens: Collection[str] | None) -> Pairing:
    """Match labels with predictions.

    Args:
        labels (dict[str, str]): Paths by token.
        predictions (dict[str, str]): Paths by token.
        tokens (Collection[str] | None): Tokens to score. Defaults to None, all that have a label.
    """
    wanted = list(labels) if tokens is None else list(tokens)
    frames, problems = [], []
    for token in wanted:
        if token not in labels:
            problems.append(problem_of(token, '', 'there is no label for this token'))
        if token not in predictions:
            problems.append(problem_of(token, '', 'there is no prediction for this token'))
        elif token in labels:
            if _is_one_file(predictions[token], labels[token]):
                message = f'{predictions[token]} is the label itself; give the folder of the predictions'
                problems.append(problem_of(token, predictions[token], message))
            else:
                frames.append(Frame(token, labels[token], predictions[token]))
    known = set(wanted)
    return Pairing(frames, problems, [token for token in predictions if token not in known])


def _is_one_file(first: str, second: str) -> bool:
    """Whether two paths lead to one file, by two looks at the disk; real paths take one for each folder in them."""
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False


def read_occ_label(
    path: str, masks: Collection[str] = (), shape: tuple[int, ...] = OCC3D_SHAPE, num_classes: int = FREE_CLASS + 1
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Read and check a label, for evaluation and for training.

    Args:
        path (str): The ``labels.npz``.
        masks (Collection[str]): Of 'camera' and 'lidar'. Defaults to none.
        shape (tuple[int, ...]): X, Y, Z. Defaults to Occ3D's.
        num_classes (int): Number of classes, the last one is free. Defaults to 18.

    Returns:
        tuple[np.ndarray, dict[str, np.ndarray]]: Class ids uint8 (255: not labelled, the voxel counts nowhere) and the
        masks by name as bool, each of ``shape``; read-only.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or something other than a label. A label of OpenOcc is named as that
            whatever else it lacks.
    """
    content = NpzBytes(read_whole(path), path)
    if 'semantics' in content:
        semantics = content.read(['semantics'], max_bytes=LARGEST_ARRAY)['semantics']
        check_not_openocc(semantics, 'semantics', path, content, num_classes)
    missing = [key for key in ('semantics', *(f'mask_{mask}' for mask in masks)) if key not in content]
    if missing:
        raise ValueError(f'{path} has no array {missing}; it has {content.keys()}; {_HINT}')
    try:
        semantics = as_grid(semantics, 'semantics', path, shape)
        largest = check_class_ids(semantics, f'semantics of {path}', num_classes, unlabelled=True)
        if num_classes > 2 and largest <= 1:
            raise ValueError(f'semantics of {path} holds 0 and 1 alone, no free voxel: is it a mask?')
        arrays = content.read([f'mask_{mask}' for mask in masks], max_bytes=LARGEST_ARRAY)
        return semantics, {mask: as_mask(arrays[f'mask_{mask}'], f'mask_{mask}', path, shape) for mask in masks}
    except ValueError as error:
        raise ValueError(f'{error}; {_HINT}') from error


def read_occ_prediction(path: str) -> np.ndarray:
    """Read a prediction: an ``.npy`` file, or the array ``arr_0``, ``pred`` or ``semantics`` of an ``.npz`` file.

    Any integer dtype whose values fit and a batch axis of 1 in front are as good as uint8 (200, 200, 16).

    Returns:
        np.ndarray: Ids 0..17. Shape (200, 200, 16), uint8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or something other than a prediction, or class 0 everywhere.
    """
    key, array = read_prediction_array(path)
    check_not_openocc(array, key, path)
    pred = as_grid(array, key, path)
    if check_class_ids(pred, f'{key} of {path}') == 0:
        raise ValueError(
            f'{key} of {path} is class 0 everywhere, which is what the most likely class of logits that are NaN comes '
            'out as; weights of the model that are NaN are the likely cause'
        )
    return pred


def read_prediction_array(path: str) -> tuple[str, np.ndarray]:
    """Name and content of the array of a prediction, as the file has it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or has no such array.
    """
    if path.endswith('.npy'):
        return 'the array', read_npy_bytes(read_whole(path), path, LARGEST_ARRAY)
    ((key, array),) = read_npz(path, one_of=PREDICTION_KEYS, max_bytes=LARGEST_ARRAY).items()
    return key, array


def read_lidarseg(path: str) -> np.ndarray:
    """Ids of one point cloud.

    Returns:
        np.ndarray: Shape (P,), uint8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, is too large, or is empty: no scan is, and its score would be that of nothing.
    """
    ids = np.frombuffer(read_whole(path, LARGEST_ARRAY), np.uint8)
    if not len(ids):
        raise ValueError(f'{path} is empty; write or download it again')
    return ids
