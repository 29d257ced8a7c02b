"""What is true of every sample of an occupancy data set: classes, colours, grid and rig, said once. N cameras."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class OccSpec:
    """Classes, colours, grid and cameras of an occupancy data set.

    A data set says it once, ``METAINFO = OccSpec(...).as_metainfo()``. Its pipeline, metrics and pictures read it.

    Args:
        classes (tuple[str, ...]): Names by class id. The last one is free: voxels without matter.
        palette (tuple[tuple[int, int, int], ...]): RGB colours by class id.
        point_cloud_range (tuple[float, ...]): x, y, z minimum, then maximum, in metres of the key ego frame.
        grid_size (tuple[int, int, int]): Voxels along x, y and z.
        cameras (tuple[str, ...]): Order of the views in every tensor.

    Raises:
        ValueError: If the numbers of values do not fit, the box is empty, or a class or camera stands twice.
    """

    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    point_cloud_range: tuple[float, ...]
    grid_size: tuple[int, int, int]
    cameras: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ('classes', 'cameras'):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f'{name} of a data set must differ from each other, got {list(values)}')
        if not 2 <= len(self.classes) <= 255 or len(self.palette) != len(self.classes):
            raise ValueError(
                f'a data set needs 2 to 255 classes, the last one free, and a colour in palette for each; got '
                f'{len(self.classes)} classes and {len(self.palette)} colours'
            )
        limits, size = self.point_cloud_range, self.grid_size
        if len(limits) != 6 or any(low >= high for low, high in zip(limits[:3], limits[3:])):
            raise ValueError(f'point_cloud_range must be (x, y, z) minima then larger maxima, got {limits}')
        if len(size) != 3 or min(size) < 1:
            raise ValueError(f'grid_size must be three positive integers, got {size}')

    @property
    def free_class(self) -> int:
        """Id of voxels without matter, the last one; left out of the mean of the IoU."""
        return len(self.classes) - 1

    @property
    def lower(self) -> tuple[float, float, float]:
        """Corner of the grid with the smallest coordinates, in metres."""
        return self.point_cloud_range[0], self.point_cloud_range[1], self.point_cloud_range[2]

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Edges of a voxel in metres."""
        low, high = self.point_cloud_range[:3], self.point_cloud_range[3:]
        x, y, z = ((high[i] - low[i]) / self.grid_size[i] for i in range(3))
        return x, y, z

    def cube_edge(self, what: str) -> float:
        """Edge of a voxel in metres, to the nanometre, for what counts in steps of it.

        Args:
            what (str): What is computed, for the message.

        Raises:
            ValueError: If voxels are no cubes.
        """
        edges = self.voxel_size
        if max(edges) - min(edges) > 1e-6 * max(edges):
            raise ValueError(f'{what} is defined on voxels that are cubes, and those of the data set are {edges} m')
        return round(edges[0], 9)

    def as_metainfo(self) -> dict[str, Any]:
        """Plain values by name, with ``free_class``: METAINFO of a data set and ``dataset_meta`` of its checkpoints."""
        return {**asdict(self), 'free_class': self.free_class}

    @classmethod
    def from_metainfo(cls, meta: Mapping[str, Any]) -> 'OccSpec':
        """The spec of a data set whose ``metainfo`` is ``meta``; lists are as good as tuples.

        Raises:
            ValueError: If a value is missing or wrong, or ``free_class`` is not the last class.
        """
        missing = [name for name in cls.__dataclass_fields__ if name not in meta]
        if missing:
            raise ValueError(f'metainfo of the data set has no {missing}; write it with OccSpec(...).as_metainfo()')
        spec = cls(
            tuple(meta['classes']),
            tuple((int(r), int(g), int(b)) for r, g, b in meta['palette']),
            tuple(float(value) for value in meta['point_cloud_range']),
            tuple(int(value) for value in meta['grid_size']),  # type: ignore[arg-type]
            tuple(meta['cameras']),
        )
        if meta.get('free_class', spec.free_class) != spec.free_class:
            raise ValueError(
                f'free_class of the data set is {meta["free_class"]}, but free must be the last of its '
                f'{len(spec.classes)} classes, {spec.free_class}: models give its logit last'
            )
        return spec
