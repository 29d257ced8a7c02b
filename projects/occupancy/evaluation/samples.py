"""What metrics read out of data samples and info files."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from projects.fileio import restricted_load
from projects.occ_eval.infos import read_info_items


def to_numpy(value: torch.Tensor | np.ndarray) -> np.ndarray:
    """Array of a tensor on any device."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def require_fields(sample: Mapping[str, Any], needed: Sequence[str], hint: str) -> None:
    """Stop when a sample lacks fields.

    Raises:
        ValueError: With the token of the sample, the missing fields and the hint.
    """
    missing = [key for key in needed if sample.get(key) is None]
    if missing:
        raise ValueError(f'sample {sample["token"]} has no {missing}, so it cannot be scored; {hint}')


def infos_by_token(ann_file: str) -> dict[str, dict]:
    """Items of an info file by sample token."""
    return {item['token']: item for item in read_info_items(restricted_load(ann_file), ann_file)}
