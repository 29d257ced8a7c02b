"""What metrics read out of data samples and info files."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger

from projects.fileio import compact_copy, restricted_load
from projects.occ_eval.infos import read_info_items
from projects.occupancy.classes import OCC3D, UNLABELLED, OccSpec


def spec_of(dataset_meta: Mapping[str, Any] | None) -> OccSpec:
    """Grid, classes and rig of a data set; where its meta does not say the grid, it is that of Occ3D-nuScenes."""
    meta = dataset_meta or {}
    return OccSpec.from_metainfo(meta) if 'point_cloud_range' in meta else OCC3D


def to_numpy(value: torch.Tensor | np.ndarray) -> np.ndarray:
    """Array of a tensor on any device."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def read_prediction(sample: Mapping[str, Any]) -> np.ndarray:
    """Predicted class ids of a sample.

    Args:
        sample (Mapping): With ``token`` and ``pred_occ`` (X, Y, Z).

    Raises:
        ValueError: If voxels have the id 255, which the model writes where its logits are NaN or infinite; names the
            sample.
    """
    pred = to_numpy(sample['pred_occ'])
    if pred.size and int(pred.max()) == UNLABELLED:
        raise ValueError(
            f'sample {sample["token"]}: {int((pred == UNLABELLED).sum())} of {pred.size} predicted voxels have no '
            f'class ({UNLABELLED}), which models write where logits are NaN or infinite; weights of the model that are '
            'NaN are the likely cause: look at the loss of its training, or take an earlier checkpoint'
        )
    return pred


def require_fields(sample: Mapping[str, Any], needed: Sequence[str], hint: str) -> None:
    """Stop when a sample lacks fields.

    Raises:
        ValueError: With the token of the sample, the missing fields and the hint.
    """
    missing = [key for key in needed if sample.get(key) is None]
    if missing:
        raise ValueError(f'sample {sample["token"]} has no {missing}, so it cannot be scored; {hint}')


def is_unlabelled(sample: Mapping[str, Any]) -> bool:
    """Whether the info file names no label for a sample: it is predicted and not scored."""
    return sample.get('gt_occ') is None and not sample.get('labelled', True)


NOT_SCORED = np.zeros((0, 0), np.int64)
"""Result of a sample without a label. Not None: MMEngine drops that when it collects the results of processes, and
would then count samples that fill up the last batch."""


def scored_only(results: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Results of the samples that have labels; the others (:data:`NOT_SCORED`) are counted in the log.

    Raises:
        ValueError: If no sample has one.
    """
    scored = [result for result in results if result.size]
    if not scored:
        raise ValueError(
            f'none of the {len(results)} samples has a label, so nothing can be scored; put gts of Occ3D-nuScenes '
            'below the data root and run tools/create_data.py occ3d-nus --force, or set format_only=True'
        )
    if len(scored) < len(results):
        MMLogger.get_current_instance().warning(
            f'{len(results) - len(scored)} of {len(results)} samples are not scored: the info file names no label'
        )
    return scored


def infos_by_token(ann_file: str, keys: Collection[str]) -> dict[str, dict]:
    """Parts of the items of an info file by sample token.

    A metric lives as long as the run, and every process and DataLoader worker that is forked from it may come to hold
    what it holds. Whole items take about 80 kB each, half a gigabyte for the validation set of nuScenes.

    Args:
        ann_file (str): The info file.
        keys (Collection[str]): Parts that are kept, where an item has them.
    """

    def kept() -> dict[str, dict]:
        items = read_info_items(restricted_load(ann_file), ann_file)
        return {item['token']: {key: item[key] for key in keys if key in item} for item in items}

    return compact_copy(kept)
