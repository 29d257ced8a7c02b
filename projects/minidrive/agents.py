"""Shapes of everything that nuScenes annotates with a box, built from primitives, and how an agent moves.

A shape stands on z = 0 and faces +x. Sizes vary independently of class and colour, so that neither gives depth away.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import materials as m
from .primitives import BOX, CYLINDER, ELLIPSOID, WEDGE, PrimList, Prims

_AXLE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # local z -> left of the vehicle
DARK = np.array([0.03, 0.03, 0.03])
GLASS = np.array([0.03, 0.04, 0.05])
ORANGE = np.array([0.75, 0.18, 0.02])
YELLOW = np.array([0.72, 0.42, 0.03])


@dataclass
class Agent:
    """An annotated object.

    Args:
        category (str): nuScenes category.
        attribute (str): nuScenes attribute or ''.
        prims (Prims): Shape in the agent's frame (origin on the ground below the box centre).
        size (tuple[float, float, float]): Length, width, height of the box in metres.
        road (int): Road whose coordinates place the agent.
        s, d (float): Arc length and lateral offset at time 0, in metres.
        heading (float): Heading against the road's direction, in radians.
        speed (float): Speed along its own heading in m/s; only agents that face along the road move.
    """

    category: str
    attribute: str
    prims: Prims
    size: tuple[float, float, float]
    road: int
    s: float
    d: float
    heading: float
    speed: float = 0.0


def _wheels(shape: PrimList, positions: list[float], track: float, radius: float, width: float) -> None:
    for x in positions:
        for y in (-track, track):
            shape.add(CYLINDER, (x, y, radius), (radius, radius, width / 2), rot=_AXLE, material=m.WHEEL, colour=DARK, part=1)


def car(rng: np.random.Generator, style: str = 'civil') -> PrimList:
    """Saloon, hatchback, SUV or van; ``style`` may be police or ambulance."""
    kind = rng.choice(4, p=[0.35, 0.3, 0.25, 0.1]) if style != 'ambulance' else 3
    length = (4.7, 4.0, 4.7, 5.1)[kind] * rng.uniform(0.92, 1.1)
    width = rng.uniform(1.72, 1.95) + (0.1 if kind >= 2 else 0.0)
    height = (1.45, 1.5, 1.75, 2.1)[kind] * rng.uniform(0.95, 1.07)
    colour = m.paint(rng) if style == 'civil' else np.array([0.75, 0.75, 0.75])
    radius, low = 0.33 if kind < 2 else 0.38, 0.22
    belt = (0.60, 0.62, 0.62, 0.55)[kind] * height
    seed = int(rng.integers(1 << 20))
    shape = PrimList()
    hl, hw = length / 2, width / 2
    shape.add(WEDGE, (0, 0, (low + belt) / 2), (hl, hw, (belt - low) / 2), taper=(0.04, 0.03, 0.06),
              material=m.CAR_BODY, colour=colour, seed=seed)  # fmt: skip
    front, rear = ((0.42, 0.62), (0.42, 0.88), (0.5, 0.92), (0.8, 0.97))[kind]
    x1, x0 = front * hl, -rear * hl
    cabin = (0.5 * (x1 + x0), 0.0, (belt + height - 0.05) / 2)
    lean = ((0.45, 0.4), (0.5, 0.22), (0.42, 0.16), (0.4, 0.03))[kind]
    shape.add(WEDGE, cabin, ((x1 - x0) / 2, hw * 0.95, (height - 0.05 - belt) / 2), taper=(*lean, 0.2),
              material=m.CABIN, colour=colour, colour2=GLASS, seed=seed)  # fmt: skip
    roof = 0.5 * (x1 - x0)
    shape.add(BOX, (cabin[0] + roof * 0.5 * (lean[1] - lean[0]), 0, height - 0.03),
              (roof * (1 - 0.5 * sum(lean)) + 0.02, hw * 0.77, 0.03), material=m.PLAIN, colour=colour)  # fmt: skip
    _wheels(shape, [0.62 * hl, -0.6 * hl], hw - 0.11, radius, 0.22)
    if style != 'civil':
        shape.add(BOX, (cabin[0], 0, height + 0.06), (0.15, hw * 0.6, 0.06), material=m.LAMP,
                  colour=np.array([0.05, 0.1, 0.9]), colour2=np.array([0.8, 0.05, 0.05]))  # fmt: skip
        height += 0.12
    return shape


def truck(rng: np.random.Generator) -> PrimList:
    """Box truck, dump truck or pick-up like flat bed."""
    length, width, height = rng.uniform(5.8, 9.0), rng.uniform(2.2, 2.55), rng.uniform(2.7, 3.6)
    colour, cargo = m.paint(rng), m.paint(rng)
    hl, hw, cab = length / 2, width / 2, rng.uniform(1.7, 2.2)
    seed = int(rng.integers(1 << 20))
    shape = PrimList()
    cab_top = min(height, rng.uniform(2.3, 2.9))
    shape.add(BOX, (-0.1, 0, 0.75), (hl - 0.1, hw * 0.85, 0.2), material=m.METAL, colour=DARK)
    shape.add(WEDGE, (hl - cab / 2, 0, (0.45 + cab_top) / 2), (cab / 2, hw * 0.97, (cab_top - 0.45) / 2),
              taper=(0.22, 0.0, 0.06), material=m.BUS_BODY, colour=colour, colour2=GLASS, seed=seed, part=2)  # fmt: skip
    bed, centre = length - cab - 0.15, -cab / 2 - 0.07
    if rng.random() < 0.65:
        shape.add(BOX, (centre, 0, (0.95 + height) / 2), (bed / 2, hw, (height - 0.95) / 2),
                  material=m.CARGO, colour=cargo, seed=seed)  # fmt: skip
    else:
        height = max(cab_top, 1.9)
        for y in (-hw + 0.05, hw - 0.05):
            shape.add(BOX, (centre, y, 1.3), (bed / 2, 0.05, 0.4), material=m.CARGO, colour=cargo, seed=seed)
        shape.add(BOX, (centre - bed / 2 + 0.05, 0, 1.3), (0.05, hw, 0.4), material=m.CARGO, colour=cargo, seed=seed)
        shape.add(ELLIPSOID, (centre, 0, 1.1), (bed / 2 - 0.2, hw - 0.15, 0.7), material=m.WALL, colour=np.array([0.3, 0.25, 0.2]))
    _wheels(shape, [hl - 0.9, -hl + 1.1, -hl + 2.1], hw - 0.16, 0.47, 0.3)
    return shape


def bus(rng: np.random.Generator) -> PrimList:
    """City bus."""
    length, width, height = rng.uniform(9.5, 12.5), rng.uniform(2.5, 2.9), rng.uniform(2.9, 3.5)
    colour, hl, hw = m.paint(rng), length / 2, width / 2
    shape = PrimList()
    shape.add(WEDGE, (0, 0, (0.32 + height) / 2), (hl, hw, (height - 0.32) / 2), taper=(0.02, 0.01, 0.04),
              material=m.BUS_BODY, colour=colour, colour2=GLASS, seed=int(rng.integers(1 << 20)))  # fmt: skip
    _wheels(shape, [hl - 2.4, -hl + 2.8], hw - 0.16, 0.48, 0.3)
    return shape


def trailer(rng: np.random.Generator) -> PrimList:
    """Box or flat-bed trailer."""
    length, width, height = rng.uniform(8.0, 12.5), rng.uniform(2.3, 2.6), rng.uniform(3.3, 4.0)
    hl, hw = length / 2, width / 2
    shape = PrimList()
    shape.add(BOX, (0, 0, 1.1), (hl, hw * 0.9, 0.12), material=m.METAL, colour=DARK)
    if rng.random() < 0.7:
        shape.add(BOX, (0, 0, (1.2 + height) / 2), (hl, hw, (height - 1.2) / 2), material=m.CARGO, colour=m.paint(rng),
                  seed=int(rng.integers(1 << 20)))  # fmt: skip
    else:
        height = 2.6
        for x in np.linspace(-hl + 1.4, hl - 1.4, 3):
            shape.add(BOX, (x, 0, 1.9), (1.1, hw * 0.8, 0.7), material=m.CARGO, colour=m.paint(rng), seed=int(rng.integers(99)))
    shape.add(BOX, (hl - 1.8, 0, 0.5), (0.12, hw * 0.6, 0.5), material=m.METAL, colour=np.array([0.2, 0.2, 0.2]))
    _wheels(shape, [-hl + 1.0, -hl + 2.2], hw - 0.16, 0.48, 0.3)
    return shape


def construction_vehicle(rng: np.random.Generator) -> PrimList:
    """Excavator on tracks, or wheel loader."""
    shape, body = PrimList(), YELLOW * rng.uniform(0.7, 1.15)
    seed = int(rng.integers(1 << 20))
    width, length = rng.uniform(2.3, 2.9), rng.uniform(5.6, 7.2)
    hl, hw = length / 2, width / 2
    if rng.random() < 0.55:
        height = rng.uniform(3.0, 3.6)
        for y in (-hw + 0.3, hw - 0.3):
            shape.add(WEDGE, (-0.2 * hl, y, 0.42), (0.75 * hl, 0.3, 0.42), taper=(0.12, 0.12, 0), material=m.WHEEL, colour=DARK)
        shape.add(WEDGE, (-0.35 * hl, 0, 1.45), (0.65 * hl, hw * 0.9, 0.55), taper=(0.1, 0.2, 0.05), material=m.METAL, colour=body, seed=seed)
        shape.add(WEDGE, (0.1 * hl, hw * 0.4, 2.25), (0.25 * hl, hw * 0.45, 0.62), taper=(0.2, 0.05, 0.1),
                  material=m.CABIN, colour=body, colour2=GLASS, seed=seed)  # fmt: skip
        for x, z, tilt, size in ((0.42 * hl, height - 0.95, -0.75, 1.25), (0.82 * hl, height - 1.3, 0.9, 1.2)):
            rot = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
            size = min(size, (hl - x) / np.cos(tilt)) if x > 0.5 * hl else size
            shape.add(BOX, (x, -0.25 * hw, z), (size * 0.75, 0.18, 0.2), rot=rot, material=m.METAL, colour=body, seed=seed)
        shape.add(WEDGE, (hl - 0.5, -0.25 * hw, 0.55), (0.5, 0.55, 0.4), taper=(0.4, 0.0, 0.0), material=m.METAL, colour=DARK + 0.1)
    else:
        height = rng.uniform(2.8, 3.3)
        shape.add(WEDGE, (-0.3 * hl, 0, 1.25), (0.7 * hl, hw * 0.7, 0.55), taper=(0.1, 0.1, 0.1), material=m.METAL, colour=body, seed=seed)
        shape.add(WEDGE, (-0.15 * hl, 0, (1.8 + height) / 2), (0.25 * hl, hw * 0.6, (height - 1.8) / 2), taper=(0.15, 0.1, 0.1),
                  material=m.CABIN, colour=body, colour2=GLASS, seed=seed)  # fmt: skip
        for y in (-hw * 0.6, hw * 0.6):
            shape.add(BOX, (0.55 * hl, y, 0.95), (0.35 * hl, 0.12, 0.16), material=m.METAL, colour=body, seed=seed)
        shape.add(WEDGE, (hl - 0.45, 0, 0.6), (0.45, hw, 0.5), taper=(0.5, 0.0, 0.0), material=m.METAL, colour=DARK + 0.12)
        _wheels(shape, [0.45 * hl, -0.65 * hl], hw - 0.3, 0.68, 0.5)
    return shape


def _person(shape: PrimList, rng: np.random.Generator, x: float, base: float, height: float, sitting: bool = False) -> None:
    top, trousers, skin = m.cloth(rng), m.cloth(rng), m.skin(rng)
    broad = height * rng.uniform(0.11, 0.14)
    hip = base + (0.0 if sitting else 0.48 * height)
    neck = hip + 0.38 * height
    stride = rng.uniform(0.0, 0.12) * height
    if sitting:
        for y in (-0.1, 0.1):
            shape.add(WEDGE, (x + 0.16, y, hip - 0.2), (0.16, 0.07, 0.28), material=m.CLOTH, colour=trousers)
    else:
        for y, sign in ((-0.09, 1), (0.09, -1)):
            shape.add(CYLINDER, (x + sign * stride, y, (base + hip) / 2), (0.085, 0.08, (hip - base) / 2), taper=(-0.25, 0, 0),
                      material=m.CLOTH, colour=trousers)  # fmt: skip
    shape.add(CYLINDER, (x, 0, (hip + neck) / 2), (broad * 0.72, broad * 1.15, (neck - hip) / 2), taper=(-0.15, 0, 0),
              material=m.CLOTH, colour=top, seed=int(rng.integers(999)))  # fmt: skip
    shape.add(ELLIPSOID, (x, 0, neck), (broad * 0.7, broad * 1.3, 0.05 * height), material=m.CLOTH, colour=top)
    for y, sign in ((-broad * 1.42, -1), (broad * 1.42, 1)):
        shape.add(CYLINDER, (x + sign * stride * 0.5, y, hip + 0.19 * height), (0.055, 0.055, 0.2 * height), material=m.CLOTH, colour=top)
    head = 0.068 * height
    shape.add(ELLIPSOID, (x, 0, neck + 1.15 * head), (head, head * 0.85, head * 1.2), material=m.CLOTH, colour=skin, colour2=DARK)


def pedestrian(rng: np.random.Generator, low: float = 1.55, high: float = 1.95) -> PrimList:
    """Standing or walking person of a height between ``low`` and ``high``."""
    height = rng.uniform(low, high)
    shape = PrimList()
    _person(shape, rng, 0.0, 0.0, height)
    return shape


def cycle(rng: np.random.Generator, motor: bool, rider: bool) -> PrimList:
    """Bicycle or motorcycle, with or without a rider."""
    shape, colour = PrimList(), m.paint(rng)
    length = rng.uniform(1.95, 2.25) if motor else rng.uniform(1.6, 1.85)
    hl, radius = length / 2, 0.31 if motor else 0.34
    thick = 0.075 if motor else 0.03
    for x in (hl - radius, radius - hl):
        shape.add(CYLINDER, (x, 0, radius), (radius, radius, thick), rot=_AXLE, material=m.WHEEL, colour=DARK)
    if motor:
        shape.add(WEDGE, (0.0, 0, 0.55), (0.5 * hl, 0.16, 0.25), taper=(0.2, 0.3, 0.2), material=m.CAR_BODY, colour=colour)
        shape.add(BOX, (-0.3 * hl, 0, 0.82), (0.45 * hl, 0.13, 0.06), material=m.PLAIN, colour=DARK)
        shape.add(WEDGE, (0.45 * hl, 0, 0.9), (0.12, 0.16, 0.25), taper=(0.6, 0, 0.2), material=m.CAR_BODY, colour=colour)
    else:
        for x, z, tilt, size in ((0.1, 0.68, 0.15, 0.32), (-0.15, 0.6, 1.1, 0.3), (0.35, 0.72, 1.25, 0.34)):
            rot = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
            shape.add(BOX, (x, 0, z), (size, 0.03, 0.03), rot=rot, material=m.PLAIN, colour=colour)
        shape.add(BOX, (-0.28, 0, 0.95), (0.13, 0.07, 0.04), material=m.PLAIN, colour=DARK)
    bar = 1.02
    shape.add(BOX, (0.42 * hl, 0, bar), (0.03, 0.3, 0.025), material=m.METAL, colour=DARK)
    height = bar + 0.05
    if rider:
        base = 0.86 if motor else 0.98
        person = rng.uniform(1.6, 1.85)
        _person(shape, rng, -0.22, base, person, sitting=True)
        height = base + 0.55 * person
    return shape


def cone(rng: np.random.Generator) -> PrimList:
    """Traffic cone or delineator."""
    height, radius = rng.uniform(0.65, 1.1), rng.uniform(0.15, 0.22)
    shape = PrimList()
    shape.add(BOX, (0, 0, 0.03), (radius + 0.05, radius + 0.05, 0.03), material=m.PLAIN, colour=ORANGE * 0.5)
    shape.add(CYLINDER, (0, 0, height / 2), (radius, radius, height / 2), taper=(0.75, 0, 0), material=m.CONE, colour=ORANGE)
    return shape


def barrier(rng: np.random.Generator) -> PrimList:
    """Concrete barrier, or striped boards; its front is the long side, so it is wide (nuScenes)."""
    width, height = rng.uniform(1.6, 2.6), rng.uniform(0.85, 1.1)
    shape = PrimList()
    if rng.random() < 0.5:
        colour = np.array([0.5, 0.5, 0.48]) if rng.random() < 0.6 else ORANGE
        shape.add(WEDGE, (0, 0, height / 2), (0.28, width / 2, height / 2), taper=(0.6, 0.6, 0.0), material=m.BARRIER, colour=colour)
        return shape
    for z in (0.45 * height, 0.85 * height):
        shape.add(BOX, (0, 0, z), (0.04, width / 2, 0.14 * height), material=m.BARRIER, colour=ORANGE, seed=1)
    for y in (-0.4 * width, 0.4 * width):
        shape.add(WEDGE, (0, y, height * 0.45), (0.25, 0.04, height * 0.45), taper=(0.8, 0.8, 0), material=m.METAL, colour=DARK + 0.3)
    return shape


def other(rng: np.random.Generator, category: str) -> PrimList:
    """Objects that Occ3D calls others: bins, debris, animals, strollers, wheelchairs, scooters, bicycle racks."""
    shape = PrimList()
    if category == 'movable_object.pushable_pullable':
        w, h = rng.uniform(0.6, 1.2), rng.uniform(1.0, 1.4)
        shape.add(WEDGE, (0, 0, h / 2), (0.4, w / 2, h / 2), taper=(-0.1, -0.1, -0.1), material=m.PLAIN,
                  colour=np.array([0.05, 0.2, 0.08]) if rng.random() < 0.5 else np.array([0.05, 0.1, 0.3]))  # fmt: skip
        return shape
    if category == 'movable_object.debris':
        w = rng.uniform(0.5, 1.0)
        shape.add(ELLIPSOID, (0.1, 0, 0.25), (0.5, w / 2, 0.4), material=m.CLOTH, colour=np.array([0.04, 0.04, 0.05]), seed=5)
        shape.add(BOX, (-0.35, 0.05, 0.3), (0.25, w / 2, 0.3), material=m.PLAIN, colour=np.array([0.45, 0.3, 0.16]))
        return shape
    if category == 'animal':
        coat = np.array([0.3, 0.2, 0.1]) * rng.uniform(0.4, 1.8)
        shape.add(ELLIPSOID, (0, 0, 0.5), (0.4, 0.16, 0.18), material=m.CLOTH, colour=coat)
        shape.add(ELLIPSOID, (0.45, 0, 0.68), (0.16, 0.1, 0.12), material=m.CLOTH, colour=coat)
        for x in (-0.27, 0.25):
            for y in (-0.09, 0.09):
                shape.add(CYLINDER, (x, y, 0.2), (0.05, 0.05, 0.2), material=m.CLOTH, colour=coat)
        return shape
    if category == 'static_object.bicycle_rack':
        width = rng.uniform(2.0, 3.2)
        for y in np.arange(-width / 2 + 0.2, width / 2 - 0.1, 0.55):
            shape.add(BOX, (0, y, 0.45), (0.55, 0.05, 0.05), material=m.METAL, colour=np.array([0.4, 0.4, 0.42]))
            for x in (-0.5, 0.5):
                shape.add(CYLINDER, (x, y, 0.3), (0.3, 0.3, 0.04), rot=_AXLE, material=m.WHEEL, colour=DARK)
        return shape
    wheel = 0.3 if category.endswith('wheelchair') else 0.12
    for y in (-0.26, 0.26):
        shape.add(CYLINDER, (-0.1, y, wheel), (wheel, wheel, 0.04), rot=_AXLE, material=m.WHEEL, colour=DARK)
    if category.endswith('personal_mobility'):
        shape.add(BOX, (0, 0, 0.2), (0.5, 0.1, 0.05), material=m.METAL, colour=DARK + 0.2)
        shape.add(CYLINDER, (0.45, 0, 0.6), (0.04, 0.04, 0.5), material=m.METAL, colour=DARK + 0.2)
        _person(shape, rng, 0.0, 0.2, 1.7)
        return shape
    shape.add(BOX, (0, 0, 0.55), (0.32, 0.24, 0.1), material=m.CLOTH, colour=m.cloth(rng))
    shape.add(WEDGE, (-0.22, 0, 0.85), (0.12, 0.24, 0.32), taper=(0.3, -0.3, 0.1), material=m.CLOTH, colour=m.cloth(rng))
    if category.endswith('wheelchair'):
        _person(shape, rng, -0.08, 0.6, 1.65, sitting=True)
        return shape
    return shape


_OTHERS = ('movable_object.pushable_pullable', 'movable_object.debris', 'animal', 'static_object.bicycle_rack',
           'human.pedestrian.stroller', 'human.pedestrian.wheelchair', 'human.pedestrian.personal_mobility')  # fmt: skip


def fit(shape: PrimList) -> tuple[Prims, tuple[float, float, float]]:
    """Centre a shape over x = y = 0 and measure the box (length, width, height) that just encloses it."""
    prims = shape.pack()
    axes = prims.rot.transpose(0, 2, 1) * prims.half[:, None]  # columns: half axes in the agent's frame
    widen = 1.0 + np.maximum(0.0, -prims.taper.min(axis=1))
    squares = axes**2
    reach = np.abs(axes).sum(axis=2)
    reach[prims.kind == CYLINDER] = (np.sqrt(squares[..., :2].sum(axis=2)) + np.abs(axes[..., 2]))[prims.kind == CYLINDER]
    reach[prims.kind == ELLIPSOID] = np.sqrt(squares.sum(axis=2))[prims.kind == ELLIPSOID]
    reach[:, :2] *= widen[:, None]
    low, high = (prims.centre - reach).min(axis=0), (prims.centre + reach).max(axis=0)
    shift = np.array([*(-0.5 * (low + high)[:2]), max(0.0, -low[2])])
    length, width, height = high + shift - np.array([*(low + shift)[:2], 0.0])
    return prims._replace(centre=prims.centre + shift), (float(length), float(width), float(height))


def build(occ_class: str, rng: np.random.Generator) -> tuple[str, str, PrimList]:
    """Draw an object of an Occ3D class: category, attribute of the parked object, and shape."""
    if occ_class == 'car':
        style = rng.choice(['civil', 'police', 'ambulance'], p=[0.97, 0.02, 0.01])
        name = {'civil': 'vehicle.car', 'police': 'vehicle.emergency.police', 'ambulance': 'vehicle.emergency.ambulance'}
        return name[style], 'vehicle.parked', car(rng, str(style))
    if occ_class in ('bicycle', 'motorcycle'):
        rider = bool(rng.random() < 0.55)
        return f'vehicle.{occ_class}', f'cycle.{"with" if rider else "without"}_rider', cycle(rng, occ_class == 'motorcycle', rider)
    if occ_class == 'pedestrian':
        kind = rng.choice(['adult', 'child', 'construction_worker', 'police_officer'], p=[0.85, 0.08, 0.05, 0.02])
        heights = (1.05, 1.45) if kind == 'child' else (1.55, 1.95)
        return f'human.pedestrian.{kind}', 'pedestrian.standing', pedestrian(rng, *heights)
    if occ_class == 'others':
        category = str(rng.choice(_OTHERS))
        return category, '', other(rng, category)
    simple: dict[str, tuple[str, str, Callable[[np.random.Generator], PrimList]]] = {
        'truck': ('vehicle.truck', 'vehicle.parked', truck),
        'bus': ('vehicle.bus.rigid', 'vehicle.stopped', bus),
        'trailer': ('vehicle.trailer', 'vehicle.parked', trailer),
        'construction_vehicle': ('vehicle.construction', 'vehicle.parked', construction_vehicle),
        'traffic_cone': ('movable_object.trafficcone', '', cone),
        'barrier': ('movable_object.barrier', '', barrier),
    }
    category, attribute, function = simple[occ_class]
    return category, attribute, function(rng)
