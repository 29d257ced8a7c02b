"""Classes, colours and grid of Occ3D-nuScenes (arXiv:2304.14365)."""

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
