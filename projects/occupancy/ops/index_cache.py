"""Rankings of the calibrations seen last, so that equal geometry is ranked once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

from projects.compute.tensors import is_fake

from .index import VoxelPoolIndex


class PoolIndexCache:
    """Rankings by the values of the calibration, the least recently used one is dropped first.

    A teacher and a student with the same grid share their ranking, and a calibration that stays the same from batch to
    batch is ranked once.

    Args:
        size (int): Number of rankings to keep. Defaults to 4.
    """

    def __init__(self, size: int = 4) -> None:
        self.size = size
        self._indices: OrderedDict[Hashable, VoxelPoolIndex] = OrderedDict()

    def get(
        self, key: Hashable, calibration: Sequence[Tensor], prepare: Callable[[], VoxelPoolIndex]
    ) -> VoxelPoolIndex:
        """Return the ranking of a calibration, prepared when it is not at hand.

        Args:
            key (Hashable): Everything else that the ranking depends on: feature size, bins, grid, conventions.
            calibration (Sequence[Tensor]): Matrices of one dtype; compared bit by bit. Reading them waits for a GPU,
                which the preparation does as well.
            prepare (Callable): Makes the ranking.

        Returns:
            VoxelPoolIndex: The ranking, on the device of the calibration.
        """
        if any(is_fake(matrix) for matrix in calibration):
            return prepare()
        # One copy to the host, for which a GPU is waited for once.
        values = torch.cat([matrix.detach().flatten() for matrix in calibration]).cpu().numpy().tobytes()
        full_key = (key, calibration[0].device, *(matrix.shape for matrix in calibration), values)
        index = self._indices.pop(full_key, None)
        if index is None:
            with torch.no_grad():
                index = prepare()
        self._indices[full_key] = index
        while len(self._indices) > self.size:
            self._indices.popitem(last=False)
        return index
