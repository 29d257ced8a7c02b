"""Draw labelled frames more often than the others."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATA_SAMPLERS

from .named_items import NamedItemsMixin


def take_from_shuffled(items: Sequence[int], start: int, count: int, seed: int) -> list[int]:
    """Items ``start`` to ``start + count`` of an endless list of shuffled copies of ``items``.

    Args:
        items (Sequence[int]): What is drawn; each stands once in every copy.
        start (int): Number of items drawn before.
        count (int): Number of items to draw, 0 where there are no items.
        seed (int): Seed of all copies.
    """
    found: list[int] = []
    while count > len(found):
        copy, place = divmod(start + len(found), len(items))
        generator = torch.Generator().manual_seed(seed + copy)
        order = torch.randperm(len(items), generator=generator).tolist()
        found += [items[i] for i in order[place : place + count - len(found)]]
    return found


def _labelled(dataset: Any) -> list[bool]:
    """Which items have labels. Ours know; other data sets, and wrappers of ours, are asked for each item."""
    if isinstance(dataset, NamedItemsMixin):
        return dataset.labelled_items().tolist()
    return [bool(dataset.get_data_info(i).get('labelled', True)) for i in range(len(dataset))]


@DATA_SAMPLERS.register_module()
class LabelledShareSampler(DefaultSampler):
    """A sampler that draws frames with labels more often (or less) than there are such frames.

    For a data set with ``label_part`` below 1. An epoch is as long as without this sampler; a share of it, in mixed
    order, goes to frames with labels. Over the epochs each labelled frame is drawn equally often, give or take one,
    and so is each of the others. Where all frames are labelled it is a shuffling ``DefaultSampler``.

    Args:
        dataset (BaseDataset): Its items have ``labelled``; one without that key has labels.
        labelled_share (float): Share of the draws that goes to frames with labels, above 0 and at most 1; with 1 the
            others are never drawn.
        shuffle (bool): Must be True; ``DefaultSampler`` of the base configs has it. Defaults to True.
        seed (int, optional): The same in all processes. Defaults to None: drawn, then shared.
        round_up (bool): Whether all processes get the same number of frames. Defaults to True.

    Raises:
        ValueError: If the share is out of range, ``shuffle`` is False, or no frame has labels.
    """

    def __init__(
        self,
        dataset: Any,
        labelled_share: float,
        shuffle: bool = True,
        seed: int | None = None,
        round_up: bool = True,
    ) -> None:
        super().__init__(dataset, shuffle=shuffle, seed=seed, round_up=round_up)
        if not shuffle:
            raise ValueError('LabelledShareSampler draws in random order; leave shuffle=True, or use DefaultSampler')
        if not 0 < labelled_share <= 1:
            raise ValueError(f'labelled_share must be above 0 and at most 1, got {labelled_share}')
        flags = _labelled(dataset)
        self.labelled = [i for i, flag in enumerate(flags) if flag]
        self.others = [i for i, flag in enumerate(flags) if not flag]
        if not self.labelled:
            raise ValueError(f'labelled_share={labelled_share}, but none of the {len(flags)} frames has labels')
        share = labelled_share if self.others else 1.0
        self.num_labelled = round(share * self.total_size)

    def __iter__(self) -> Iterator[int]:
        """Indices of this process in the current epoch."""
        others = self.total_size - self.num_labelled
        drawn = take_from_shuffled(self.labelled, self.epoch * self.num_labelled, self.num_labelled, self.seed)
        drawn += take_from_shuffled(self.others, self.epoch * others, others, self.seed)
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        order = torch.randperm(len(drawn), generator=generator).tolist()
        return iter([drawn[i] for i in order[self.rank :: self.world_size]])
