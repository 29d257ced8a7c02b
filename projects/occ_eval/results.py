"""Predictions of a whole split in one pickle, as ``tools/test.py --out`` of MMDetection3D 0.x and BEVDet writes them.

The pickle holds a list with one entry a sample, in the order of the data set: that of the info file sorted by time.
"""

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from projects.fileio import restricted_load

from .classes import OCC3D_SHAPE
from .files import PREDICTION_KEYS
from .grids import as_grid, check_class_ids, check_not_openocc

_KEYS = (*PREDICTION_KEYS, 'pred_occ', 'occ_pred', 'occ', 'occ_results')
_TOKENS = ('token', 'sample_token', 'sample_idx')


def read_results(path: str | os.PathLike, items: Sequence[Mapping[str, Any]]) -> list[tuple[str, np.ndarray]]:
    """Predictions of a pickle with the token of each.

    An entry is an array of class ids (200, 200, 16), a list of one, or a dict with an array of a known name and maybe
    the token. Without tokens the entries belong to the samples in the order of time.

    Args:
        path (str or PathLike): The pickle.
        items (Sequence[Mapping]): Items of the info file that the predictions were made with.

    Returns:
        list[tuple[str, np.ndarray]]: Token and class ids (200, 200, 16), uint8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds anything else, or not one entry for each sample; says which entry.
    """
    results = restricted_load(path)
    name = os.fspath(path)
    if isinstance(results, dict) and len(results) == 1:
        (results,) = results.values()
    if not isinstance(results, list) or not results:
        raise ValueError(
            f'{name} must hold a list with one prediction a sample, got {type(results).__name__}; give the file that '
            'tools/test.py --out of MMDetection3D 0.x wrote'
        )
    ordered = [item['token'] for item in sorted(items, key=lambda item: item['timestamp'])]
    if len(results) != len(ordered):
        raise ValueError(
            f'{name} holds {len(results)} predictions and the info file {len(ordered)} samples; give the info file of '
            'the split that was predicted'
        )
    return list(_entries(results, ordered, name))


def _entries(results: Sequence[Any], ordered: Sequence[str], name: str) -> Iterator[tuple[str, np.ndarray]]:
    known, seen = set(ordered), set()
    for index, (entry, token) in enumerate(zip(results, ordered)):
        where = f'entry {index} of {name}'
        if isinstance(entry, dict):
            said = next((str(entry[key]) for key in _TOKENS if key in entry), token)
            if said not in known or said in seen:
                reason = 'there twice' if said in seen else 'not in the info file'
                raise ValueError(f'{where} has the token {said}, which is {reason}; give the info file of the split')
            token = said
        seen.add(token)
        yield token, _class_ids(entry, where)


def _class_ids(entry: Any, where: str) -> np.ndarray:
    if isinstance(entry, dict):
        key = next((key for key in _KEYS if key in entry), None)
        if key is None:
            raise ValueError(f'{where} has none of the arrays {list(_KEYS)}; it has {sorted(map(str, entry))}')
        entry = entry[key]
    if isinstance(entry, (list, tuple)) and len(entry) == 1:
        entry = entry[0]
    if not isinstance(entry, np.ndarray):
        raise ValueError(f'{where} is {type(entry).__name__}; expected class ids of the shape {OCC3D_SHAPE}')
    check_not_openocc(entry, 'the array', where)
    ids = as_grid(entry, 'the array', where)
    check_class_ids(ids, where)
    return ids


def npz_bytes(ids: np.ndarray) -> bytes:
    """Prediction (200, 200, 16), uint8, as the Occ3D server wants it: the array ``arr_0`` of a compressed ``.npz``."""
    stream = io.BytesIO()
    np.savez_compressed(stream, ids)
    return stream.getvalue()
