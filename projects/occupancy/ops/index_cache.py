"""Rankings of the calibrations seen last, so that equal geometry is ranked once."""

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

from projects.compute.tensors import is_fake

from .index import VoxelPoolIndex

_UNCOUNTED = itertools.count(1)


def _bytes_of(tensors: Sequence[Tensor]) -> bytes:
    """Values of tensors of one dtype. One copy to the host, for which a GPU is waited for."""
    return torch.cat([tensor.detach().flatten() for tensor in tensors]).cpu().numpy().tobytes()


class _LastValues:
    """Values of the tensors that were read last: student and teacher ask for the same ones in a step."""

    def __init__(self) -> None:
        # Replaced as a whole, since a teacher may run in another thread.
        self._last: tuple[list[tuple[weakref.ref[Tensor], int]], bytes] = ([], b'')

    def bytes_of(self, tensors: Sequence[Tensor]) -> bytes:
        """Values of tensors of one dtype."""
        read, values = self._last
        known = len(tensors) == len(read) and all(
            seen() is tensor and version == _version(tensor) for tensor, (seen, version) in zip(tensors, read)
        )
        if not known:
            read = [(weakref.ref(tensor), _version(tensor)) for tensor in tensors]
            values = _bytes_of(tensors)
            self._last = read, values
        return values


def _version(tensor: Tensor) -> int:
    """How often a tensor was written to; less than 0, and never twice the same, for one that does not count."""
    return -next(_UNCOUNTED) if tensor.is_inference() else tensor._version


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
        self._last = _LastValues()

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
        on_host = calibration[0].device.type == 'cpu'
        values = _bytes_of(calibration) if on_host else self._last.bytes_of(calibration)
        full_key = (key, calibration[0].device, *(matrix.shape for matrix in calibration), values)
        index = self._indices.pop(full_key, None)
        if index is None:
            with torch.no_grad():
                index = prepare()
        self._indices[full_key] = index
        while len(self._indices) > self.size:
            self._indices.popitem(last=False)
        return index
