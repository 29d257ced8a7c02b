"""Static furniture of a street: trees, bushes, poles, signs, lamps and other small things."""

from functools import partial

import numpy as np

from projects.minidrive.shapes import materials as m
from projects.minidrive.shapes.geometry import rotation_z
from projects.minidrive.shapes.primitives import BOX, CYLINDER, ELLIPSOID, FOLIAGE, PrimList
from projects.minidrive.shapes.taxonomy import MANMADE, VEGETATION

GREY = np.array([0.28, 0.28, 0.29])


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 20))


def tree(out: PrimList, rng: np.random.Generator, at: tuple[float, float, float], scale: float = 1.0) -> None:
    """Broad-leaved tree, conifer, or palm-like tree with a bare trunk."""
    x, y, z = at
    colour, seed = m.leaves(rng), _seed(rng)
    add = partial(out.add, category=VEGETATION, seed=seed)
    bark = np.array([0.16, 0.11, 0.07]) * rng.uniform(0.6, 1.5)
    height = rng.uniform(4.5, 10.0) * scale
    trunk = height * rng.uniform(0.25, 0.45)
    radius = rng.uniform(0.09, 0.22) * scale
    lean = rng.normal(0, 0.15, 2)
    add(
        CYLINDER,
        (x, y, z + trunk * 0.6 - 0.2),
        (radius * 1.3, radius * 1.3, trunk * 0.6 + 0.2),
        taper=(0.35, 0, 0),
        material=m.BARK,
        colour=bark,
        part=1,
    )
    if rng.random() < 0.2:
        wide = rng.uniform(0.18, 0.3) * height
        for k in range(4):
            frac = k / 4
            size = wide * (1 - 0.75 * frac)
            add(
                FOLIAGE,
                (x, y, z + trunk * 0.7 + (height - trunk) * (frac + 0.15)),
                (size, size, 0.2 * height),
                material=m.FOLIAGE,
                colour=colour * 0.75,
                part=2,
                seed=seed + k,
            )
        return
    crown = (height - trunk) * rng.uniform(0.42, 0.62)
    for k in range(int(rng.integers(4, 7))):
        size = crown * rng.uniform(0.55, 0.9) if k else crown
        shift = rng.normal(0, 0.42 * crown, 3) * (k > 0)
        centre = (
            x + lean[0] + shift[0],
            y + lean[1] + shift[1],
            z + height - 0.55 * crown + 0.55 * shift[2] - 0.35 * crown,
        )
        tint = colour * rng.uniform(0.8, 1.25)
        add(
            FOLIAGE,
            centre,
            (size, size, size * rng.uniform(0.7, 0.95)),
            material=m.FOLIAGE,
            colour=tint,
            part=2,
            seed=seed + k,
        )


def bush(out: PrimList, rng: np.random.Generator, at: tuple[float, float, float]) -> None:
    """Round shrub of a few overlapping parts."""
    colour, seed = m.leaves(rng), _seed(rng)
    add = partial(out.add, category=VEGETATION, seed=seed)
    for k in range(int(rng.integers(1, 4))):
        r = rng.uniform(0.4, 0.95)
        x, y = at[0] + rng.normal(0, 0.35), at[1] + rng.normal(0, 0.35)
        add(
            FOLIAGE,
            (x, y, at[2] + 0.6 * r),
            (r, r, r * rng.uniform(0.7, 1.1)),
            material=m.FOLIAGE,
            colour=colour * rng.uniform(0.85, 1.2),
            seed=seed + k,
        )


def hedge(out: PrimList, rng: np.random.Generator, at: tuple[float, float, float], yaw: float, length: float) -> None:
    """Clipped hedge along ``yaw``: a rough box with a few tufts."""
    height, colour, seed = rng.uniform(0.8, 1.7), m.leaves(rng), _seed(rng)
    add = partial(out.add, category=VEGETATION, seed=seed)
    add(
        BOX,
        (at[0], at[1], at[2] + height / 2 - 0.2),
        (length / 2, 0.4, height / 2 + 0.2),
        rot=rotation_z(yaw),
        material=m.FOLIAGE,
        colour=colour,
    )
    for offset in np.arange(-length / 2, length / 2, 1.1):
        x, y = at[0] + np.cos(yaw) * offset, at[1] + np.sin(yaw) * offset
        add(
            FOLIAGE,
            (x, y, at[2] + height - 0.25),
            (0.75, 0.55, 0.45),
            rot=rotation_z(yaw),
            material=m.FOLIAGE,
            colour=colour * rng.uniform(0.85, 1.2),
            seed=seed + int(offset * 7) + 99,
        )


def lamp(out: PrimList, rng: np.random.Generator, at: tuple[float, float, float], towards: float) -> None:
    """Street lamp whose arm points along the direction ``towards`` (radians)."""
    x, y, z = at
    height, reach, seed = rng.uniform(5.5, 9.0), rng.uniform(0.8, 2.2), _seed(rng)
    add = partial(out.add, category=MANMADE, seed=seed)
    colour = GREY * rng.uniform(0.4, 1.6)
    add(CYLINDER, (x, y, z + height / 2), (0.10, 0.10, height / 2), taper=(0.4, 0, 0), material=m.METAL, colour=colour)
    rot = rotation_z(towards)
    tip = rot @ np.array([reach / 2, 0, 0])
    add(BOX, (x + tip[0], y + tip[1], z + height), (reach / 2, 0.04, 0.04), rot=rot, material=m.METAL, colour=colour)
    add(
        BOX,
        (x + 2 * tip[0], y + 2 * tip[1], z + height - 0.02),
        (0.35, 0.14, 0.07),
        rot=rot,
        material=m.PLAIN,
        colour=colour * 1.2,
    )


def sign(out: PrimList, rng: np.random.Generator, at: tuple[float, float, float], facing: float) -> None:
    """Traffic sign, or a traffic light on a tall pole, that faces the direction ``facing`` (radians)."""
    x, y, z = at
    rot, seed = rotation_z(facing), _seed(rng)
    add = partial(out.add, category=MANMADE, seed=seed)
    light = rng.random() < 0.3
    height = rng.uniform(3.0, 4.2) if light else rng.uniform(2.1, 2.9)
    add(CYLINDER, (x, y, z + height / 2), (0.05, 0.05, height / 2), material=m.METAL, colour=GREY)
    front = rot @ np.array([0.08, 0, 0])
    if light:
        add(
            BOX,
            (x + front[0], y + front[1], z + height - 0.4),
            (0.12, 0.15, 0.45),
            rot=rot,
            material=m.SIGN,
            colour=np.array([0.03, 0.03, 0.03]),
            part=1,
            seed=-1,
        )
        return
    colours = np.array([[0.6, 0.03, 0.03], [0.03, 0.1, 0.5], [0.7, 0.5, 0.02], [0.02, 0.25, 0.1]])
    disc = rng.random() < 0.5
    size = rng.uniform(0.3, 0.42)
    turned = rot @ np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    add(
        CYLINDER if disc else BOX,
        (x + front[0], y + front[1], z + height - size),
        (size, size, 0.02),
        rot=turned,
        material=m.SIGN,
        colour=colours[rng.integers(4)],
        colour2=np.array([0.75, 0.75, 0.75]),
        part=1,
        seed=int(rng.integers(1, 99)),
    )


def street_box(out: PrimList, rng: np.random.Generator, at: tuple[float, float, float], yaw: float) -> None:
    """Switch cabinet, bollard row, bench or bus shelter."""
    x, y, z = at
    rot, seed, kind = rotation_z(yaw), _seed(rng), rng.integers(4)
    add = partial(out.add, category=MANMADE, seed=seed)
    along = rot @ np.array([1.0, 0, 0])
    if kind == 0:
        add(BOX, (x, y, z + 0.6), (0.5, 0.22, 0.6), rot=rot, material=m.METAL, colour=np.array([0.3, 0.33, 0.28]))
    elif kind == 1:
        for k in range(-2, 3):
            add(
                CYLINDER,
                (x + 1.5 * k * along[0], y + 1.5 * k * along[1], z + 0.45),
                (0.09, 0.09, 0.45),
                material=m.METAL,
                colour=GREY * 0.5,
            )
    elif kind == 2:
        add(BOX, (x, y, z + 0.45), (0.9, 0.25, 0.05), rot=rot, material=m.FENCE, colour=np.array([0.3, 0.18, 0.08]))
        for end in (-0.7, 0.7):
            add(
                BOX,
                (x + end * along[0], y + end * along[1], z + 0.2),
                (0.05, 0.22, 0.2),
                rot=rot,
                material=m.METAL,
                colour=GREY * 0.3,
            )
    else:
        add(BOX, (x, y, z + 2.4), (2.0, 0.7, 0.06), rot=rot, material=m.METAL, colour=GREY * 0.6)
        for end in (-1.9, 1.9):
            add(
                BOX,
                (x + end * along[0], y + end * along[1], z + 1.2),
                (0.05, 0.6, 1.2),
                rot=rot,
                material=m.METAL,
                colour=GREY,
            )


def ball(out: PrimList, at: tuple[float, float, float], radius: float) -> None:
    """Grey stone ball, the simplest obstacle of a pavement."""
    out.add(
        ELLIPSOID,
        (at[0], at[1], at[2] + radius),
        (radius, radius, radius),
        material=m.WALL,
        colour=GREY * 1.3,
        category=MANMADE,
    )
