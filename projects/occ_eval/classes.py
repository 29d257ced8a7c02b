"""Classes, colours, grid and cameras of Occ3D-nuScenes (arXiv:2304.14365)."""

from dataclasses import replace

from .spec import OccSpec

OCC3D_CLASSES = (
    'others',
    'barrier',
    'bicycle',
    'bus',
    'car',
    'construction_vehicle',
    'motorcycle',
    'pedestrian',
    'traffic_cone',
    'trailer',
    'truck',
    'driveable_surface',
    'other_flat',
    'sidewalk',
    'terrain',
    'manmade',
    'vegetation',
    'free',
)
"""Names by class id."""

FREE_CLASS = 17
"""Id of voxels without matter; left out of the mean of the IoU."""

OCC3D_PALETTE = (
    (90, 90, 90),
    (255, 120, 50),
    (255, 130, 180),
    (225, 200, 40),
    (0, 130, 245),
    (0, 200, 200),
    (170, 110, 0),
    (235, 30, 30),
    (255, 230, 120),
    (135, 60, 0),
    (150, 50, 235),
    (205, 85, 205),
    (125, 125, 125),
    (90, 45, 100),
    (140, 205, 80),
    (200, 195, 215),
    (20, 130, 35),
    (255, 255, 255),
)
"""RGB colours by class id."""

OCC3D_RANGE = (-40.0, -40.0, -1.0, 40.0, 40.0, 5.4)
"""x, y, z minimum and maximum of the grid in the key ego frame, in metres."""

OCC3D_SHAPE = (200, 200, 16)
"""Voxels along x, y and z."""

NUSC_CAMERAS = (
    'CAM_FRONT_LEFT',
    'CAM_FRONT',
    'CAM_FRONT_RIGHT',
    'CAM_BACK_LEFT',
    'CAM_BACK',
    'CAM_BACK_RIGHT',
)
"""Order of the views in every tensor."""

OCC3D = OccSpec(OCC3D_CLASSES, OCC3D_PALETTE, OCC3D_RANGE, OCC3D_SHAPE, NUSC_CAMERAS)
"""All of it. The constants above are its parts."""

SPARSE = replace(OCC3D, point_cloud_range=(-51.2, -51.2, -3.0, 51.2, 51.2, 5.0), grid_size=(256, 256, 20))
"""nuScenes lidarseg by voxels: twice 51.2 m in voxels of 0.4 m, as the author's configs; the heights are a default, not
from the paper."""

UNLABELLED = 255
"""Id of label voxels that are not labelled: no metric and no loss counts them. A prediction never has it."""

LIDARSEG_CLASSES = ('ignore', *OCC3D_CLASSES[1:FREE_CLASS])
"""nuScenes lidarseg challenge: the ids of Occ3D without free; id 0 is ignored here and a class of its own there."""

# Ids of the 32 categories of the nuScenes tables -> challenge ids (nuScenes devkit, lidarseg challenge).
_FINE = {
    1: (9,), 2: (14,), 3: (15, 16), 4: (17,), 5: (18,), 6: (21,), 7: (2, 3, 4, 6), 8: (12,), 9: (22,), 10: (23,),
    11: (24,), 12: (25,), 13: (26,), 14: (27,), 15: (28,), 16: (30,)
}  # fmt: skip
LIDARSEG_FROM_FINE = tuple(next((coarse for coarse, fine in _FINE.items() if i in fine), 0) for i in range(32))
"""Challenge id of each of the 32 categories."""


def check_grid(shape: tuple[int, ...], what: str, spec: OccSpec = OCC3D) -> None:
    """Refuse another grid than that of the data set where metres are read off voxels.

    Args:
        shape (tuple[int, ...]): Shape of an occupancy grid.
        what (str): What is computed, for the message.
        spec (OccSpec): What is known of the data. Defaults to Occ3D-nuScenes, which files without a spec must have.

    Raises:
        ValueError: If the shape is not that of the spec.
    """
    if tuple(shape) == spec.grid_size:
        return
    size = ' x '.join(f'{edge:.6g}' for edge in dict.fromkeys(spec.voxel_size))
    whose = 'of Occ3D-nuScenes' if spec == OCC3D else 'of the data set'
    raise ValueError(
        f'{what} is defined on the grid {whose}, {spec.grid_size} voxels of {size} m from {spec.lower} m, and this '
        f'grid is {tuple(shape)}: its numbers would be those of another scene. Bring label and prediction to that grid '
        f'first, or score data of another grid with its OccSpec (mIoU and IoU take any grid)'
    )
