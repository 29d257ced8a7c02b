"""Buildings, walls and fences."""

from functools import partial

import numpy as np

from projects.minidrive.shapes import materials as m
from projects.minidrive.shapes.geometry import rotation_z
from projects.minidrive.shapes.primitives import BOX, WEDGE, PrimList
from projects.minidrive.shapes.taxonomy import MANMADE


def building(
    out: PrimList, rng: np.random.Generator, at: tuple[float, float, float], yaw: float, size: tuple[float, float]
) -> None:
    """House or block of ``size`` (width along the street, depth) metres whose centre on the ground is ``at``."""
    x, y, z = at
    width, depth = size
    height = rng.choice([rng.uniform(5, 8), rng.uniform(8, 16), rng.uniform(16, 30)], p=[0.4, 0.4, 0.2])
    rot, colour, seed = rotation_z(yaw), m.facade(rng), int(rng.integers(1 << 20))
    add = partial(out.add, rot=rot, category=MANMADE, seed=seed)
    half = (width / 2, depth / 2, height / 2 + 1.0)
    add(BOX, (x, y, z + height / 2 - 1.0), half, material=m.FACADE, colour=colour, colour2=m.facade(rng), part=1)
    top = z + height
    if height < 9 and rng.random() < 0.7:
        rise = rng.uniform(1.0, 2.2)
        add(
            WEDGE,
            (x, y, top + rise),
            (width / 2 + 0.4, depth / 2 + 0.4, rise),
            taper=(0.05, 0.05, 0.98),
            material=m.ROOF,
            colour=np.array([0.25, 0.1, 0.07]) * rng.uniform(0.5, 1.5),
            part=2,
        )
    else:
        add(
            BOX,
            (x, y, top + 0.2),
            (width / 2 + 0.25, depth / 2 + 0.25, 0.25),
            material=m.PLAIN,
            colour=colour * 0.8,
            part=2,
        )
    if rng.random() < 0.45:  # awning or balcony over the entrance
        offset = rot @ np.array([rng.uniform(-0.3, 0.3) * width, depth / 2 + 0.5, 0.0])
        for side in (1, -1):
            add(
                BOX,
                (x + side * offset[0], y + side * offset[1], z + rng.uniform(2.8, 3.2)),
                (rng.uniform(1.0, 2.5), 0.6, 0.08),
                material=m.PLAIN,
                colour=m.paint(rng),
                part=3,
            )


def wall(out: PrimList, rng: np.random.Generator, at: tuple[float, float, float], yaw: float, length: float) -> None:
    """Brick wall or board fence along ``yaw``."""
    height = rng.uniform(0.9, 2.3)
    fence = rng.random() < 0.4
    colour = np.array([0.3, 0.2, 0.12]) * rng.uniform(0.6, 1.6) if fence else m.facade(rng) * 0.8
    out.add(
        BOX,
        (at[0], at[1], at[2] + height / 2 - 0.3),
        (length / 2, 0.06 if fence else 0.15, height / 2 + 0.3),
        rot=rotation_z(yaw),
        material=m.FENCE if fence else m.WALL,
        colour=colour,
        category=MANMADE,
        seed=int(rng.integers(1 << 20)),
    )
