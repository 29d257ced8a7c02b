"""Shapes of everything that nuScenes annotates with a box, built from primitives, and how an agent moves.

A shape stands on z = 0 and faces +x. Sizes vary independently of class and colour, so that neither gives depth away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from projects.minidrive.shapes import materials as m
from projects.minidrive.shapes.primitives import BOX, CYLINDER, ELLIPSOID, WEDGE, PrimList, Prims

from .vehicles import AXLE, DARK, bus, car, construction_vehicle, trailer, truck

ORANGE = np.array([0.75, 0.18, 0.02])


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


def _person(
    shape: PrimList, rng: np.random.Generator, x: float, base: float, height: float, sitting: bool = False
) -> None:
    top, trousers, skin = m.cloth(rng), m.cloth(rng), m.skin(rng)
    broad = height * rng.uniform(0.11, 0.14)
    hip = base + (0.0 if sitting else 0.48 * height)
    neck = hip + 0.38 * height
    stride = rng.uniform(0.0, 0.12) * height
    add = partial(shape.add, material=m.CLOTH)
    if sitting:
        for y in (-0.1, 0.1):
            add(WEDGE, (x + 0.16, y, hip - 0.2), (0.16, 0.07, 0.28), colour=trousers)
    else:
        for y, sign in ((-0.09, 1), (0.09, -1)):
            add(
                CYLINDER,
                (x + sign * stride, y, (base + hip) / 2),
                (0.085, 0.08, (hip - base) / 2),
                taper=(-0.25, 0, 0),
                colour=trousers,
            )
    add(
        CYLINDER,
        (x, 0, (hip + neck) / 2),
        (broad * 0.72, broad * 1.15, (neck - hip) / 2),
        taper=(-0.15, 0, 0),
        colour=top,
        seed=int(rng.integers(999)),
    )
    add(ELLIPSOID, (x, 0, neck), (broad * 0.7, broad * 1.3, 0.05 * height), colour=top)
    for y, sign in ((-broad * 1.42, -1), (broad * 1.42, 1)):
        add(CYLINDER, (x + sign * stride * 0.5, y, hip + 0.19 * height), (0.055, 0.055, 0.2 * height), colour=top)
    head = 0.068 * height
    add(ELLIPSOID, (x, 0, neck + 1.15 * head), (head, head * 0.85, head * 1.2), colour=skin, colour2=DARK)


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
        shape.add(CYLINDER, (x, 0, radius), (radius, radius, thick), rot=AXLE, material=m.WHEEL, colour=DARK)
    if motor:
        shape.add(
            WEDGE, (0.0, 0, 0.55), (0.5 * hl, 0.16, 0.25), taper=(0.2, 0.3, 0.2), material=m.CAR_BODY, colour=colour
        )
        shape.add(BOX, (-0.3 * hl, 0, 0.82), (0.45 * hl, 0.13, 0.06), material=m.PLAIN, colour=DARK)
        shape.add(
            WEDGE, (0.45 * hl, 0, 0.9), (0.12, 0.16, 0.25), taper=(0.6, 0, 0.2), material=m.CAR_BODY, colour=colour
        )
    else:
        for x, z, tilt, size in ((0.1, 0.68, 0.15, 0.32), (-0.15, 0.6, 1.1, 0.3), (0.35, 0.72, 1.25, 0.34)):
            rot = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
            shape.add(BOX, (x, 0, z), (size, 0.03, 0.03), rot=rot, material=m.PLAIN, colour=colour)
        shape.add(BOX, (-0.28, 0, 0.95), (0.13, 0.07, 0.04), material=m.PLAIN, colour=DARK)
    bar = 1.02
    shape.add(BOX, (0.42 * hl, 0, bar), (0.03, 0.3, 0.025), material=m.METAL, colour=DARK)
    if rider:
        base = 0.86 if motor else 0.98
        person = rng.uniform(1.6, 1.85)
        _person(shape, rng, -0.22, base, person, sitting=True)
    return shape


def cone(rng: np.random.Generator) -> PrimList:
    """Traffic cone or delineator."""
    height, radius = rng.uniform(0.65, 1.1), rng.uniform(0.15, 0.22)
    shape = PrimList()
    shape.add(BOX, (0, 0, 0.03), (radius + 0.05, radius + 0.05, 0.03), material=m.PLAIN, colour=ORANGE * 0.5)
    shape.add(
        CYLINDER, (0, 0, height / 2), (radius, radius, height / 2), taper=(0.75, 0, 0), material=m.CONE, colour=ORANGE
    )
    return shape


def barrier(rng: np.random.Generator) -> PrimList:
    """Concrete barrier, or striped boards; its front is the long side, so it is wide (nuScenes)."""
    width, height = rng.uniform(1.6, 2.6), rng.uniform(0.85, 1.1)
    shape = PrimList()
    if rng.random() < 0.5:
        colour = np.array([0.5, 0.5, 0.48]) if rng.random() < 0.6 else ORANGE
        shape.add(
            WEDGE,
            (0, 0, height / 2),
            (0.28, width / 2, height / 2),
            taper=(0.6, 0.6, 0.0),
            material=m.BARRIER,
            colour=colour,
        )
        return shape
    for z in (0.45 * height, 0.85 * height):
        shape.add(BOX, (0, 0, z), (0.04, width / 2, 0.14 * height), material=m.BARRIER, colour=ORANGE, seed=1)
    for y in (-0.4 * width, 0.4 * width):
        shape.add(
            WEDGE,
            (0, y, height * 0.45),
            (0.25, 0.04, height * 0.45),
            taper=(0.8, 0.8, 0),
            material=m.METAL,
            colour=DARK + 0.3,
        )
    return shape


def other(rng: np.random.Generator, category: str) -> PrimList:
    """Objects that Occ3D calls others: bins, debris, animals, strollers, wheelchairs, scooters, bicycle racks."""
    shape = PrimList()
    if category == 'movable_object.pushable_pullable':
        w, h = rng.uniform(0.6, 1.2), rng.uniform(1.0, 1.4)
        shape.add(
            WEDGE,
            (0, 0, h / 2),
            (0.4, w / 2, h / 2),
            taper=(-0.1, -0.1, -0.1),
            material=m.PLAIN,
            colour=np.array([0.05, 0.2, 0.08]) if rng.random() < 0.5 else np.array([0.05, 0.1, 0.3]),
        )
        return shape
    if category == 'movable_object.debris':
        w = rng.uniform(0.5, 1.0)
        shape.add(
            ELLIPSOID, (0.1, 0, 0.25), (0.5, w / 2, 0.4), material=m.CLOTH, colour=np.array([0.04, 0.04, 0.05]), seed=5
        )
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
                shape.add(CYLINDER, (x, y, 0.3), (0.3, 0.3, 0.04), rot=AXLE, material=m.WHEEL, colour=DARK)
        return shape
    wheel = 0.3 if category.endswith('wheelchair') else 0.12
    for y in (-0.26, 0.26):
        shape.add(CYLINDER, (-0.1, y, wheel), (wheel, wheel, 0.04), rot=AXLE, material=m.WHEEL, colour=DARK)
    if category.endswith('personal_mobility'):
        shape.add(BOX, (0, 0, 0.2), (0.5, 0.1, 0.05), material=m.METAL, colour=DARK + 0.2)
        shape.add(CYLINDER, (0.45, 0, 0.6), (0.04, 0.04, 0.5), material=m.METAL, colour=DARK + 0.2)
        _person(shape, rng, 0.0, 0.2, 1.7)
        return shape
    shape.add(BOX, (0, 0, 0.55), (0.32, 0.24, 0.1), material=m.CLOTH, colour=m.cloth(rng))
    shape.add(
        WEDGE, (-0.22, 0, 0.85), (0.12, 0.24, 0.32), taper=(0.3, -0.3, 0.1), material=m.CLOTH, colour=m.cloth(rng)
    )
    if category.endswith('wheelchair'):
        _person(shape, rng, -0.08, 0.6, 1.65, sitting=True)
        return shape
    return shape


_OTHERS = (
    'movable_object.pushable_pullable',
    'movable_object.debris',
    'animal',
    'static_object.bicycle_rack',
    'human.pedestrian.stroller',
    'human.pedestrian.wheelchair',
    'human.pedestrian.personal_mobility',
)


def fit(shape: PrimList) -> tuple[Prims, tuple[float, float, float]]:
    """Centre a shape over x = y = 0 and measure the box (length, width, height) that just encloses it."""
    prims = shape.pack()
    axes = prims.rot.transpose(0, 2, 1) * prims.half[:, None]  # columns: half axes in the agent's frame
    widen = 1.0 + np.maximum(0.0, -prims.taper.min(axis=1))
    squares = axes**2
    reach = np.abs(axes).sum(axis=2)
    reach[prims.kind == CYLINDER] = (np.sqrt(squares[..., :2].sum(axis=2)) + np.abs(axes[..., 2]))[
        prims.kind == CYLINDER
    ]
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
        name = {
            'civil': 'vehicle.car',
            'police': 'vehicle.emergency.police',
            'ambulance': 'vehicle.emergency.ambulance',
        }
        return name[style], 'vehicle.parked', car(rng, str(style))
    if occ_class in ('bicycle', 'motorcycle'):
        rider = bool(rng.random() < 0.55)
        return (
            f'vehicle.{occ_class}',
            f'cycle.{"with" if rider else "without"}_rider',
            cycle(rng, occ_class == 'motorcycle', rider),
        )
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
