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


class HistoryOfAnotherScene:
    """A data set whose samples have the images of former frames of another scene; their poses stay.

    A student that does not use its memory scores the same on it. The samples do not name their history, so a model
    reads these images and recalls none that it saw before.

    Args:
        dataset (Dataset): Packed samples with ``history_imgs``, of two scenes or more.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.ann_file, self.metainfo, self.spec = dataset.ann_file, dataset.metainfo, dataset.spec

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict:
        """The sample with former images of :func:`frame_of_another_scene`."""
        sample, other = self.dataset[index], self.dataset[frame_of_another_scene(self.dataset, index)]
        data = sample['data_samples'].clone()
        data.pop('history_tokens')
        inputs = {**sample['inputs'], 'history_imgs': other['inputs']['history_imgs']}
        return {**sample, 'inputs': inputs, 'data_samples': data}


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
