"""Samples for controls: images that show nothing, LiDAR of another scene."""

import torch

from .measuring import Dataset


def blank_images(sample: dict) -> dict:
    """Copy of a sample whose images show nothing: every pixel is mid-grey."""
    inputs = {**sample['inputs'], 'imgs': torch.full_like(sample['inputs']['imgs'], 114)}
    return {**sample, 'inputs': inputs}


def swap_points(sample: dict, other: dict) -> dict:
    """Copy of a sample with the LiDAR points of another one."""
    return {**sample, 'inputs': {**sample['inputs'], 'points': other['inputs']['points']}}


def frame_of_another_scene(dataset: Dataset, index: int) -> int:
    """Index of a sample half a data set away, moved on until its scene differs.

    Raises:
        ValueError: If the data set holds a single scene.
    """
    count = len(dataset)
    scene = dataset.get_data_info(index)['scene_token']
    for step in range(count):
        other = (index + count // 2 + step) % count
        if dataset.get_data_info(other)['scene_token'] != scene:
            return other
    raise ValueError(f'all {count} samples of {dataset.ann_file} belong to one scene; the control needs two')
