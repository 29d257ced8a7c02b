"""Random numbers that depend on (seed, epoch, sample), so that a resumed run repeats what the first would draw."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch


def sample_seed(seed: int, epoch: int, idx: int, stream: int = 0) -> int:
    """Mix a run's seed, an epoch and a sample index into one seed.

    Args:
        seed (int): Seed of the run, not negative.
        epoch (int): Epoch, from 0.
        idx (int): Index of the sample in its data set.
        stream (int): Separates uses that would draw the same numbers otherwise. Defaults to 0.

    Returns:
        int: A seed in [0, 2**32). Neighbouring arguments give unrelated seeds.
    """
    return int(np.random.SeedSequence([seed, epoch, idx, stream]).generate_state(1)[0])


def seed_everything(seed: int) -> None:
    """Seed ``random``, NumPy and torch (CPU and CUDA) of this process."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - transforms of mmcv and mmdet3d draw from the global generator
    torch.manual_seed(seed)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the CPU generators for a block and put their states back afterwards.

    Args:
        seed (int): Seed for ``random``, NumPy's global generator and torch's CPU generator.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


class EpochCounter:
    """Seed and epoch in shared memory: what the main process writes, running DataLoader workers read.

    Persistent workers hold a copy of the data set from before the first epoch; an attribute set later would not
    reach them. A copy of this object shares its memory.
    """

    def __init__(self) -> None:
        self._state = torch.tensor([-1, 0], dtype=torch.int64).share_memory_()

    @property
    def seed(self) -> int:
        """int: Seed of the run, or -1 when nobody set it."""
        return int(self._state[0])

    @property
    def epoch(self) -> int:
        """int: Current epoch, from 0."""
        return int(self._state[1])

    def set(self, seed: int, epoch: int) -> None:
        """Write the seed of the run and the current epoch."""
        self._state[1] = epoch
        self._state[0] = seed

    def __deepcopy__(self, memo: dict) -> 'EpochCounter':
        return self


class SeededDatasetMixin:
    """Mixin for a ``BaseDataset``: each training sample draws its augmentation from (seed, epoch, index).

    :class:`DeterministicResumeHook` sets :attr:`epoch_counter` before each epoch. The numbers a sample draws then
    do not depend on the worker that loads it, on the number of workers or on a resume in between. Without the
    hook, or in test mode, nothing is seeded. The generators' states are put back afterwards.

    Put it before the data set class: ``class MyDataset(SeededDatasetMixin, BaseDataset)``.
    """

    _epoch_counter: EpochCounter | None = None

    @property
    def epoch_counter(self) -> EpochCounter:
        """EpochCounter: Shared seed and epoch, made when first asked for."""
        if self._epoch_counter is None:
            self._epoch_counter = EpochCounter()
        return self._epoch_counter

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on sample ``idx`` with its own seed."""
        with self._seeded(idx, stream=0):
            return super().prepare_data(idx)  # type: ignore[misc]

    def __getitem__(self, idx: int) -> Any:
        """Return sample ``idx``; the choice of another sample for a refused one is seeded as well."""
        with self._seeded(idx, stream=1):
            return super().__getitem__(idx)  # type: ignore[misc]

    def _seeded(self, idx: int, stream: int) -> contextlib.AbstractContextManager[None]:
        seed = self.epoch_counter.seed
        if seed < 0 or getattr(self, 'test_mode', False):
            return contextlib.nullcontext()
        return seeded(sample_seed(seed, self.epoch_counter.epoch, int(idx) % (2**32), stream))
