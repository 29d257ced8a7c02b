"""Shapes of motor vehicles. A shape stands on z = 0 and faces +x; sizes vary independently of class and colour."""

from functools import partial

import numpy as np

from projects.minidrive.shapes import materials as m
from projects.minidrive.shapes.primitives import BOX, CYLINDER, ELLIPSOID, WEDGE, PrimList

AXLE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # local z -> left of the vehicle
DARK = np.array([0.03, 0.03, 0.03])
GLASS = np.array([0.03, 0.04, 0.05])
YELLOW = np.array([0.72, 0.42, 0.03])


def add_wheels(shape: PrimList, positions: list[float], track: float, radius: float, width: float) -> None:
    """Add a pair of wheels at each longitudinal position, ``track`` metres left and right of the middle."""
    for x in positions:
        for y in (-track, track):
            shape.add(
                CYLINDER, (x, y, radius), (radius, radius, width / 2), rot=AXLE, material=m.WHEEL, colour=DARK, part=1
            )


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
    shape.add(
        WEDGE,
        (0, 0, (low + belt) / 2),
        (hl, hw, (belt - low) / 2),
        taper=(0.04, 0.03, 0.06),
        material=m.CAR_BODY,
        colour=colour,
        seed=seed,
    )
    front, rear = ((0.42, 0.62), (0.42, 0.88), (0.5, 0.92), (0.8, 0.97))[kind]
    x1, x0 = front * hl, -rear * hl
    cabin = (0.5 * (x1 + x0), 0.0, (belt + height - 0.05) / 2)
    lean = ((0.45, 0.4), (0.5, 0.22), (0.42, 0.16), (0.4, 0.03))[kind]
    shape.add(
        WEDGE,
        cabin,
        ((x1 - x0) / 2, hw * 0.95, (height - 0.05 - belt) / 2),
        taper=(*lean, 0.2),
        material=m.CABIN,
        colour=colour,
        colour2=GLASS,
        seed=seed,
    )
    roof = 0.5 * (x1 - x0)
    shape.add(
        BOX,
        (cabin[0] + roof * 0.5 * (lean[1] - lean[0]), 0, height - 0.03),
        (roof * (1 - 0.5 * sum(lean)) + 0.02, hw * 0.77, 0.03),
        material=m.PLAIN,
        colour=colour,
    )
    add_wheels(shape, [0.62 * hl, -0.6 * hl], hw - 0.11, radius, 0.22)
    if style != 'civil':
        shape.add(
            BOX,
            (cabin[0], 0, height + 0.06),
            (0.15, hw * 0.6, 0.06),
            material=m.LAMP,
            colour=np.array([0.05, 0.1, 0.9]),
            colour2=np.array([0.8, 0.05, 0.05]),
        )
        height += 0.12
    return shape


def truck(rng: np.random.Generator) -> PrimList:
    """Box truck, dump truck or pick-up like flat bed."""
    length, width, height = rng.uniform(5.8, 9.0), rng.uniform(2.2, 2.55), rng.uniform(2.7, 3.6)
    colour, cargo = m.paint(rng), m.paint(rng)
    hl, hw, cab = length / 2, width / 2, rng.uniform(1.7, 2.2)
    seed = int(rng.integers(1 << 20))
    shape = PrimList()
    add = partial(shape.add, material=m.CARGO, colour=cargo, seed=seed)
    cab_top = min(height, rng.uniform(2.3, 2.9))
    shape.add(BOX, (-0.1, 0, 0.75), (hl - 0.1, hw * 0.85, 0.2), material=m.METAL, colour=DARK)
    shape.add(
        WEDGE,
        (hl - cab / 2, 0, (0.45 + cab_top) / 2),
        (cab / 2, hw * 0.97, (cab_top - 0.45) / 2),
        taper=(0.22, 0.0, 0.06),
        material=m.BUS_BODY,
        colour=colour,
        colour2=GLASS,
        seed=seed,
        part=2,
    )
    bed, centre = length - cab - 0.15, -cab / 2 - 0.07
    if rng.random() < 0.65:
        add(BOX, (centre, 0, (0.95 + height) / 2), (bed / 2, hw, (height - 0.95) / 2))
    else:
        height = max(cab_top, 1.9)
        for y in (-hw + 0.05, hw - 0.05):
            add(BOX, (centre, y, 1.3), (bed / 2, 0.05, 0.4))
        add(BOX, (centre - bed / 2 + 0.05, 0, 1.3), (0.05, hw, 0.4))
        shape.add(
            ELLIPSOID,
            (centre, 0, 1.1),
            (bed / 2 - 0.2, hw - 0.15, 0.7),
            material=m.WALL,
            colour=np.array([0.3, 0.25, 0.2]),
        )
    add_wheels(shape, [hl - 0.9, -hl + 1.1, -hl + 2.1], hw - 0.16, 0.47, 0.3)
    return shape


def bus(rng: np.random.Generator) -> PrimList:
    """City bus."""
    length, width, height = rng.uniform(9.5, 12.5), rng.uniform(2.5, 2.9), rng.uniform(2.9, 3.5)
    colour, hl, hw = m.paint(rng), length / 2, width / 2
    shape = PrimList()
    shape.add(
        WEDGE,
        (0, 0, (0.32 + height) / 2),
        (hl, hw, (height - 0.32) / 2),
        taper=(0.02, 0.01, 0.04),
        material=m.BUS_BODY,
        colour=colour,
        colour2=GLASS,
        seed=int(rng.integers(1 << 20)),
    )
    add_wheels(shape, [hl - 2.4, -hl + 2.8], hw - 0.16, 0.48, 0.3)
    return shape


def trailer(rng: np.random.Generator) -> PrimList:
    """Box or flat-bed trailer."""
    length, width, height = rng.uniform(8.0, 12.5), rng.uniform(2.3, 2.6), rng.uniform(3.3, 4.0)
    hl, hw = length / 2, width / 2
    shape = PrimList()
    shape.add(BOX, (0, 0, 1.1), (hl, hw * 0.9, 0.12), material=m.METAL, colour=DARK)
    if rng.random() < 0.7:
        shape.add(
            BOX,
            (0, 0, (1.2 + height) / 2),
            (hl, hw, (height - 1.2) / 2),
            material=m.CARGO,
            colour=m.paint(rng),
            seed=int(rng.integers(1 << 20)),
        )
    else:
        height = 2.6
        for x in np.linspace(-hl + 1.4, hl - 1.4, 3):
            shape.add(
                BOX,
                (x, 0, 1.9),
                (1.1, hw * 0.8, 0.7),
                material=m.CARGO,
                colour=m.paint(rng),
                seed=int(rng.integers(99)),
            )
    shape.add(BOX, (hl - 1.8, 0, 0.5), (0.12, hw * 0.6, 0.5), material=m.METAL, colour=np.array([0.2, 0.2, 0.2]))
    add_wheels(shape, [-hl + 1.0, -hl + 2.2], hw - 0.16, 0.48, 0.3)
    return shape


def construction_vehicle(rng: np.random.Generator) -> PrimList:
    """Excavator on tracks, or wheel loader."""
    shape, body = PrimList(), YELLOW * rng.uniform(0.7, 1.15)
    seed = int(rng.integers(1 << 20))
    add = partial(shape.add, colour=body, seed=seed)
    width, length = rng.uniform(2.3, 2.9), rng.uniform(5.6, 7.2)
    hl, hw = length / 2, width / 2
    if rng.random() < 0.55:
        height = rng.uniform(3.0, 3.6)
        for y in (-hw + 0.3, hw - 0.3):
            shape.add(
                WEDGE,
                (-0.2 * hl, y, 0.42),
                (0.75 * hl, 0.3, 0.42),
                taper=(0.12, 0.12, 0),
                material=m.WHEEL,
                colour=DARK,
            )
        add(WEDGE, (-0.35 * hl, 0, 1.45), (0.65 * hl, hw * 0.9, 0.55), taper=(0.1, 0.2, 0.05), material=m.METAL)
        add(
            WEDGE,
            (0.1 * hl, hw * 0.4, 2.25),
            (0.25 * hl, hw * 0.45, 0.62),
            taper=(0.2, 0.05, 0.1),
            material=m.CABIN,
            colour2=GLASS,
        )
        for x, z, tilt, size in ((0.42 * hl, height - 0.95, -0.75, 1.25), (0.82 * hl, height - 1.3, 0.9, 1.2)):
            rot = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
            size = min(size, (hl - x) / np.cos(tilt)) if x > 0.5 * hl else size
            add(BOX, (x, -0.25 * hw, z), (size * 0.75, 0.18, 0.2), rot=rot, material=m.METAL)
        shape.add(
            WEDGE,
            (hl - 0.5, -0.25 * hw, 0.55),
            (0.5, 0.55, 0.4),
            taper=(0.4, 0.0, 0.0),
            material=m.METAL,
            colour=DARK + 0.1,
        )
    else:
        height = rng.uniform(2.8, 3.3)
        add(WEDGE, (-0.3 * hl, 0, 1.25), (0.7 * hl, hw * 0.7, 0.55), taper=(0.1, 0.1, 0.1), material=m.METAL)
        add(
            WEDGE,
            (-0.15 * hl, 0, (1.8 + height) / 2),
            (0.25 * hl, hw * 0.6, (height - 1.8) / 2),
            taper=(0.15, 0.1, 0.1),
            material=m.CABIN,
            colour2=GLASS,
        )
        for y in (-hw * 0.6, hw * 0.6):
            add(BOX, (0.55 * hl, y, 0.95), (0.35 * hl, 0.12, 0.16), material=m.METAL)
        shape.add(
            WEDGE, (hl - 0.45, 0, 0.6), (0.45, hw, 0.5), taper=(0.5, 0.0, 0.0), material=m.METAL, colour=DARK + 0.12
        )
        add_wheels(shape, [0.45 * hl, -0.65 * hl], hw - 0.3, 0.68, 0.5)
    return shape
