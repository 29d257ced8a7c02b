"""Official nuScenes names: categories with their lidarseg index, attributes, visibility, and the 18 Occ3D classes."""

import numpy as np

OCC_CLASSES = (
    'others', 'barrier', 'bicycle', 'bus', 'car', 'construction_vehicle', 'motorcycle', 'pedestrian', 'traffic_cone',
    'trailer', 'truck', 'driveable_surface', 'other_flat', 'sidewalk', 'terrain', 'manmade', 'vegetation', 'free',
)  # fmt: skip
OCC_FREE = 17

# lidarseg index = position; second entry is the Occ3D class.
_CATEGORIES = (
    ('noise', 0), ('animal', 0), ('human.pedestrian.adult', 7), ('human.pedestrian.child', 7),
    ('human.pedestrian.construction_worker', 7), ('human.pedestrian.personal_mobility', 0),
    ('human.pedestrian.police_officer', 7), ('human.pedestrian.stroller', 0), ('human.pedestrian.wheelchair', 0),
    ('movable_object.barrier', 1), ('movable_object.debris', 0), ('movable_object.pushable_pullable', 0),
    ('movable_object.trafficcone', 8), ('static_object.bicycle_rack', 0), ('vehicle.bicycle', 2),
    ('vehicle.bus.bendy', 3), ('vehicle.bus.rigid', 3), ('vehicle.car', 4), ('vehicle.construction', 5),
    ('vehicle.emergency.ambulance', 0), ('vehicle.emergency.police', 0), ('vehicle.motorcycle', 6),
    ('vehicle.trailer', 9), ('vehicle.truck', 10), ('flat.driveable_surface', 11), ('flat.other', 12),
    ('flat.sidewalk', 13), ('flat.terrain', 14), ('static.manmade', 15), ('static.other', 0),
    ('static.vegetation', 16), ('vehicle.ego', 0),
)  # fmt: skip
CATEGORY_NAMES = tuple(name for name, _ in _CATEGORIES)
CATEGORY_INDEX = {name: index for index, name in enumerate(CATEGORY_NAMES)}
LIDARSEG_TO_OCC = np.array([occ for _, occ in _CATEGORIES], dtype=np.uint8)

DRIVEABLE = CATEGORY_INDEX['flat.driveable_surface']
OTHER_FLAT = CATEGORY_INDEX['flat.other']
SIDEWALK = CATEGORY_INDEX['flat.sidewalk']
TERRAIN = CATEGORY_INDEX['flat.terrain']
MANMADE = CATEGORY_INDEX['static.manmade']
VEGETATION = CATEGORY_INDEX['static.vegetation']

ATTRIBUTES = {
    'vehicle.moving': 'Vehicle is moving.',
    'vehicle.stopped': 'Vehicle is stationary with the intent to move.',
    'vehicle.parked': 'Vehicle is stationary without the intent to move.',
    'cycle.with_rider': 'There is a rider on the bicycle or motorcycle.',
    'cycle.without_rider': 'There is no rider on the bicycle or motorcycle.',
    'pedestrian.sitting_lying_down': 'The human is sitting or lying down.',
    'pedestrian.standing': 'The human is standing.',
    'pedestrian.moving': 'The human is moving.',
}
VISIBILITY_LEVELS = {'1': ('v0-40', 0.0), '2': ('v40-60', 0.4), '3': ('v60-80', 0.6), '4': ('v80-100', 0.8)}


def visibility_token(fraction: float) -> str:
    """Token of the visibility level that a visible share of 0..1 belongs to."""
    return max(token for token, (_, low) in VISIBILITY_LEVELS.items() if fraction >= low)
