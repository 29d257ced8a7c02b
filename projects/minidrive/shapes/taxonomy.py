"""Official nuScenes names: categories by their lidarseg index, and their Occ3D classes; attributes, visibility."""

import numpy as np

from projects.occ_eval.classes import LIDARSEG_FROM_FINE

CATEGORY_NAMES = (
    'noise', 'animal', 'human.pedestrian.adult', 'human.pedestrian.child', 'human.pedestrian.construction_worker',
    'human.pedestrian.personal_mobility', 'human.pedestrian.police_officer', 'human.pedestrian.stroller',
    'human.pedestrian.wheelchair', 'movable_object.barrier', 'movable_object.debris',
    'movable_object.pushable_pullable', 'movable_object.trafficcone', 'static_object.bicycle_rack', 'vehicle.bicycle',
    'vehicle.bus.bendy', 'vehicle.bus.rigid', 'vehicle.car', 'vehicle.construction', 'vehicle.emergency.ambulance',
    'vehicle.emergency.police', 'vehicle.motorcycle', 'vehicle.trailer', 'vehicle.truck', 'flat.driveable_surface',
    'flat.other', 'flat.sidewalk', 'flat.terrain', 'static.manmade', 'static.other', 'static.vegetation',
    'vehicle.ego',
)  # fmt: skip
CATEGORY_INDEX = {name: index for index, name in enumerate(CATEGORY_NAMES)}
LIDARSEG_TO_OCC = np.array(LIDARSEG_FROM_FINE, dtype=np.uint8)

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
