"""Matrices, images and labels that a config names in addition to those that a task always has."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def checked_keys(keys: Sequence[str], where: str, taken: Collection[str]) -> tuple[str, ...]:
    """Names of a config.

    Args:
        keys (Sequence[str]): What the config says.
        where (str): Class and argument, for the message.
        taken (Collection[str]): Names that have a meaning already.

    Raises:
        ValueError: If it is no list of names, or a name is taken or there twice.
    """
    names = tuple(keys) if isinstance(keys, Sequence) and not isinstance(keys, str) else None
    if names is None or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f'{where} must be a list of names, got {keys!r}')
    for name in names:
        if name in taken:
            raise ValueError(f'{where} names {name!r}, which is there without being named; choose another name')
        if names.count(name) > 1:
            raise ValueError(f'{where} names {name!r} twice')
    return names


def check_named_images(
    inputs: Mapping[str, Sequence[Tensor]], names: Sequence[str], known: Collection[str], task: str
) -> None:
    """Refuse images of a batch that would reach the model as they are, and names of images that are not there.

    Args:
        inputs (Mapping[str, Sequence[Tensor]]): Inputs of a batch.
        names (Sequence[str]): ``extra_images`` of the data preprocessor.
        known (Collection[str]): Inputs that it knows without being told.
        task (str): 'Occ' or 'Depth', for the names of the classes in the messages.

    Raises:
        ValueError: If an image is missing, or bytes are no image that it knows.
    """
    missing = [key for key in names if key not in inputs]
    if missing:
        raise ValueError(
            f'inputs have no {missing[0]!r}, which extra_images of {task}DataPreprocessor names; name it in '
            f'extra_images of Pack{task}Inputs as well'
        )
    for key, values in inputs.items():
        if key not in known and key not in names and any(value.dtype == torch.uint8 for value in values):
            raise ValueError(
                f'inputs[{key!r}] holds bytes, as images do, but would not be normalised; name it in extra_images of '
                f'{task}DataPreprocessor, or pack it as a matrix or as a label'
            )


def require_keys(results: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    """Stop with the first of some names that a frame has not.

    Raises:
        ValueError: If it is missing; names key, ``where`` and sample.
    """
    for key in keys:
        if key not in results:
            raise ValueError(
                f'{_name(results, key, where)} is not there: a transform in front of it, or the data set, must make it'
            )


def pack_matrix(results: Mapping[str, Any], key: str, where: str) -> Tensor:
    """A matrix, or one for each camera or frame, as a float32 tensor (..., rows, columns).

    Args:
        results (Mapping[str, Any]): What the pipeline has made.
        key (str): Name of the matrix.
        where (str): Class and argument, for the messages.

    Raises:
        ValueError: If it is missing, holds no numbers, or has less than two dimensions.
    """
    require_keys(results, [key], where)
    try:
        matrix = np.asarray(results[key], np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{_name(results, key, where)} is no matrix of numbers ({error})') from error
    if matrix.ndim < 2:
        raise ValueError(f'{_name(results, key, where)} must have rows and columns, got the shape {matrix.shape}')
    return torch.from_numpy(np.ascontiguousarray(matrix))


def pack_images(results: Mapping[str, Any], key: str, where: str) -> Tensor:
    """An image (H, W, 3), or a list of images of one size for each camera or frame, as a tensor (..., 3, H, W).

    Args:
        results (Mapping[str, Any]): What the pipeline has made.
        key (str): Name of the images.
        where (str): Class and argument, for the messages.

    Raises:
        ValueError: If they are missing, differ in size, or have no three channels.
    """
    require_keys(results, [key], where)
    try:
        images = np.asarray(results[key])
    except ValueError as error:
        raise ValueError(f'{_name(results, key, where)} must be images of one size ({error})') from error
    if images.ndim < 3 or images.shape[-1] != 3 or images.dtype.kind not in 'uif':
        raise ValueError(
            f'{_name(results, key, where)} must be images (H, W, 3), got {images.dtype} of the shape {images.shape}'
        )
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, -3)))


def pack_label(results: Mapping[str, Any], key: str, where: str) -> Tensor | None:
    """A label as a tensor of its own shape and dtype; None where a sample of a test has none.

    Args:
        results (Mapping[str, Any]): What the pipeline has made; with ``test_mode`` a label may be missing.
        key (str): Name of the label.
        where (str): Class and argument, for the messages.

    Raises:
        ValueError: If it is missing in training, or no tensor holds what it is.
    """
    if key not in results and results.get('test_mode'):
        return None
    require_keys(results, [key], where)
    try:
        return torch.from_numpy(np.ascontiguousarray(results[key]))
    except TypeError as error:
        raise ValueError(f'{_name(results, key, where)} does not fit into a tensor ({error})') from error


def _name(results: Mapping[str, Any], key: str, where: str) -> str:
    sample = results.get('token') or results.get('frame_id')
    return f'{key!r} of {where} (sample {sample})' if sample else f'{key!r} of {where}'
