"""What a viewer shows: frames of volumes and cameras. X/Y/Z voxels, H x W pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


class VoxelSpec(Protocol):
    """Classes, colours and grid of the volumes, as the ``OccSpec`` of a data set has them; the last class is free."""

    @property
    def classes(self) -> Sequence[str]:
        """Names by class id."""

    @property
    def palette(self) -> Sequence[Sequence[int]]:
        """RGB colours by class id."""

    @property
    def point_cloud_range(self) -> Sequence[float]:
        """x, y, z minimum, then maximum, in metres of the ego frame."""

    @property
    def grid_size(self) -> Sequence[int]:
        """Voxels along x, y and z."""


@dataclass
class ViewerCamera:
    """A camera of the rig, with its image or without.

    Args:
        cam2img (np.ndarray): Intrinsics, in pixels of an image of ``size``. Shape (3, 3).
        cam2ego (np.ndarray): Pose in the frame of the voxels: x right, y down, z forward to x forward, y left, z up.
            Shape (4, 4).
        size (tuple[int, int]): Height and width that ``cam2img`` belongs to.
        image (np.ndarray | None): RGB picture uint8 of any resolution, which shows the whole of it. Defaults to None.

    Raises:
        ValueError: If a matrix has another shape.
    """

    cam2img: np.ndarray
    cam2ego: np.ndarray
    size: tuple[int, int]
    image: np.ndarray | None = None

    def __post_init__(self) -> None:
        shapes = np.shape(self.cam2img), np.shape(self.cam2ego)
        if shapes != ((3, 3), (4, 4)):
            raise ValueError(f'cam2img and cam2ego must have the shapes (3, 3) and (4, 4), got {shapes}')


@dataclass
class ViewerFrame:
    """One moment: volumes side by side, and the rig that saw them.

    Args:
        name (str): What the scrub bar says of it.
        volumes (Mapping[str, np.ndarray]): Name -> class ids, uint8 of shape (X, Y, Z). 255 is not drawn, as free.
        cameras (Mapping[str, ViewerCamera]): Name -> camera. Defaults to none.
    """

    name: str
    volumes: Mapping[str, np.ndarray]
    cameras: Mapping[str, ViewerCamera] = field(default_factory=dict)
