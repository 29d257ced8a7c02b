"""The street of one scene: roads, ground parameters, parcels of land and the static furniture on them."""

from dataclasses import dataclass

import numpy as np

from projects.minidrive.shapes import ground as gr
from projects.minidrive.shapes.primitives import PrimList, Prims

from . import buildings, props

STREET_REACH = 75.0  # furniture is placed up to this arc length, in metres


@dataclass
class Street:
    """Ground and static furniture.

    Args:
        ground (np.ndarray): Parameters of the ground kernels, see :mod:`projects.minidrive.shapes.ground`.
        parcels (np.ndarray): Parcels of land, (P, 5).
        furniture (Prims): Static primitives.
        footprints (list[tuple[float, float, float]]): x, y, radius of furniture that agents must not touch.
    """

    ground: np.ndarray
    parcels: np.ndarray
    furniture: Prims
    footprints: list[tuple[float, float, float]]

    def height(self, x: float, y: float) -> float:
        """Height of the walkable surface, kerbs included."""
        return gr.height(x, y, self.ground) + gr.region(x, y, self.ground, self.parcels)[1]

    def point(self, s: float, d: float, road: int = 0) -> tuple[float, float, float]:
        """x, y and heading of the road at road coordinates."""
        return gr.road_point(s, d, self.ground, road)

    def normal(self, x: float, y: float) -> np.ndarray:
        """Unit normal of the ground (3,)."""
        gx, gy = gr.gradient(x, y, self.ground)
        return np.array([-gx, -gy, 1.0]) / (1.0 + gx * gx + gy * gy) ** 0.5

    @property
    def half_width(self) -> float:
        """Half the width of the first road."""
        return float(self.ground[gr.G_ROAD + 5])

    def lane_centre(self, lane: int) -> float:
        """Lateral offset of a lane that runs along the road; lane 0 is next to the centre line, right is negative."""
        return float(-(self.ground[gr.G_MEDIAN] + (lane + 0.5) * self.ground[gr.G_LANE]))


def _bend(rng: np.random.Generator, limit: float) -> float:
    """Curvature of the heightfield: crests and hollows of any size, large ones rare."""
    return float(rng.choice([-1, 1]) * limit * rng.beta(1.3, 2.0))


def draw_ground(rng: np.random.Generator, with_median: bool) -> np.ndarray:
    """Draw the ground parameters (42,) of a straight street, a bend or a crossing."""
    g = np.zeros(gr.GROUND_SIZE)
    g[gr.G_AX : gr.G_AY + 1] = rng.uniform(-0.05, 0.05, 2) * (1.0, 0.6)
    g[gr.G_CXX], g[gr.G_CXY], g[gr.G_CYY] = _bend(rng, 6e-4), _bend(rng, 2e-4), _bend(rng, 2e-4)
    for i in range(2):
        angle, wavelength = rng.uniform(0, np.pi), rng.uniform(14, 30)
        k = 2 * np.pi / wavelength
        g[gr.G_WAVE + 4 * i : gr.G_WAVE + 4 * i + 4] = (
            rng.uniform(0.01, 0.05), k * np.cos(angle), k * np.sin(angle), rng.uniform(0, 6),
        )  # fmt: skip
    lane, lanes = rng.uniform(3.0, 3.7), int(rng.choice([1, 2], p=[0.6, 0.4]))
    parking = rng.uniform(2.1, 2.5) if rng.random() < 0.6 else 0.0
    median = rng.uniform(0.7, 1.8) if with_median else 0.0
    half_width = median + lane * lanes + parking + 0.3
    crossing = rng.random() < 0.4
    curvature = (
        0.0 if crossing else float(rng.choice([0.0, rng.uniform(1 / 220, 1 / 70) * rng.choice([-1, 1])], p=[0.4, 0.6]))
    )
    heading = rng.uniform(-np.pi, np.pi)
    g[gr.G_ROADS] = 2 if crossing else 1
    g[gr.G_ROAD : gr.G_ROAD + 6] = 0, 0, np.cos(heading), np.sin(heading), curvature, half_width
    g[gr.G_CROSS_S], g[gr.G_CROSSWALK] = -1e3, 0.0
    if crossing:
        at, turn = rng.uniform(12, 32), np.pi / 2 + rng.uniform(-0.25, 0.25)
        other = rng.uniform(3.3, 7.0)
        direction = heading + turn
        g[gr.G_ROAD + 6 : gr.G_ROAD + 12] = (
            at * np.cos(heading), at * np.sin(heading), np.cos(direction), np.sin(direction), 0.0, other,
        )  # fmt: skip
        g[gr.G_CROSS_S] = at
        g[gr.G_CROSSWALK] = other + 3.0
    elif rng.random() < 0.3:
        g[gr.G_CROSS_S], g[gr.G_CROSSWALK] = rng.uniform(10, 30), 0.01
    g[gr.G_VERGE] = rng.uniform(0.8, 2.2) if rng.random() < 0.4 else 0.0
    g[gr.G_WALK] = rng.uniform(1.8, 4.0)
    g[gr.G_KERB] = rng.uniform(0.10, 0.17)
    g[gr.G_MEDIAN] = median
    g[gr.G_MEDIAN_S0] = -60.0
    g[gr.G_MEDIAN_S1] = g[gr.G_CROSS_S] - g[gr.G_CROSSWALK] - 4.0 if g[gr.G_CROSSWALK] > 0 else 60.0
    g[gr.G_LANE], g[gr.G_LANES], g[gr.G_PARKING] = lane, lanes, parking
    g[gr.G_LINE_STYLE], g[gr.G_SEED], g[gr.G_TONE] = rng.integers(3), rng.integers(1 << 20), rng.uniform(0.75, 1.3)
    g[gr.G_DEFAULT_KIND] = rng.choice([gr.GRASS, gr.DIRT], p=[0.85, 0.15])
    return g


def _draw_parcels(rng: np.random.Generator, start: float, force_flat: bool) -> np.ndarray:
    rows = []
    for side in (1.0, -1.0):
        s = -70.0
        while s < 80.0:
            length = rng.uniform(10, 24)
            kind = rng.choice([gr.GRASS, gr.PAVING, gr.DIRT, gr.PARKING_LOT], p=[0.55, 0.17, 0.13, 0.15])
            if force_flat and side < 0 and s <= start + 8 < s + length:
                kind = rng.choice([gr.PAVING, gr.PARKING_LOT])
            rows.append((side, s, s + length, rng.uniform(9, 20), kind))
            s += length
    return np.array(rows, dtype=np.float64)


class _Furnisher:
    """Places furniture beside a road, keeping it off roads and walkways."""

    def __init__(self, street: Street, rng: np.random.Generator) -> None:
        self.street, self.rng, self.out = street, rng, PrimList()

    def spot(self, s: float, d: float, road: int, clearance: float) -> tuple[tuple[float, float, float], float] | None:
        """Ground point and road heading, or None when the point is closer than ``clearance`` to a road."""
        street = self.street
        x, y, heading = street.point(s, d, road)
        if gr.region(x, y, street.ground, street.parcels)[2] < clearance:
            return None
        return (x, y, street.height(x, y)), heading

    def keep(self, at: tuple[float, float, float], radius: float) -> None:
        self.street.footprints.append((at[0], at[1], radius))


def _line_of_buildings(f: _Furnisher, road: int, side: int, width: float, density: float) -> None:
    rng, g = f.rng, f.street.ground
    walk = g[gr.G_VERGE] + g[gr.G_WALK]
    s = -STREET_REACH
    while s < STREET_REACH:
        length, depth = rng.uniform(8, 22), rng.uniform(8, 14)
        setback = rng.choice([rng.uniform(0.3, 3), rng.uniform(4, 9), rng.uniform(10, 18)], p=[0.35, 0.4, 0.25])
        d = side * (width + walk + setback + depth / 2)
        spots = [
            f.spot(s + length * a, d - side * depth / 2 * b, road, walk + 0.2) for a in (0, 0.5, 1) for b in (-1, 0, 1)
        ]
        ends = [spot for spot in spots if spot is not None]
        if rng.random() < density and len(ends) == len(spots):
            at, heading = ends[4]
            low = min(end[0][2] for end in ends)
            yaw = heading + rng.normal(0, 0.02)
            buildings.building(f.out, rng, (at[0], at[1], low), yaw, (length - 1.0, depth))
            for k in (-0.33, 0.0, 0.33):
                f.keep((at[0] + np.cos(yaw) * k * length, at[1] + np.sin(yaw) * k * length, 0), 0.62 * depth)
        s += length + rng.choice([0.0, rng.uniform(2, 9)])


def _roadside(f: _Furnisher, road: int, side: int, width: float) -> None:
    rng, g = f.rng, f.street.ground
    verge, walk = g[gr.G_VERGE], g[gr.G_VERGE] + g[gr.G_WALK]
    inward = -side * np.pi / 2
    spacing, lamp_phase = rng.uniform(18, 28), rng.uniform(0, 18)
    for s in np.arange(-60 + lamp_phase, 65, spacing):
        if place := f.spot(s, side * (width + 0.5), road, 0.3):
            props.lamp(f.out, rng, place[0], place[1] + inward)
            f.keep(place[0], 0.3)
    if rng.random() < 0.65:
        offset = 0.5 * verge if verge > 0 else rng.choice([0.9, walk + 1.2])
        for s in np.arange(-55 + rng.uniform(0, 8), 60, rng.uniform(7, 14)):
            if rng.random() < 0.75 and (place := f.spot(s + rng.normal(0, 0.8), side * (width + offset), road, 0.35)):
                props.tree(f.out, rng, place[0], rng.uniform(0.7, 1.05))
                f.keep(place[0], 0.5)
    for s in np.arange(-50 + rng.uniform(0, 10), 55, rng.uniform(14, 30)):
        if place := f.spot(s, side * (width + 0.45), road, 0.3):
            props.sign(f.out, rng, place[0], place[1] + (np.pi if side < 0 else 0.0) + rng.normal(0, 0.1))
            f.keep(place[0], 0.3)
    for s in np.arange(-50 + rng.uniform(0, 20), 55, rng.uniform(16, 34)):
        if place := f.spot(s, side * (width + walk - 0.4), road, 0.4):
            props.street_box(f.out, rng, place[0], place[1])
            f.keep(place[0], 1.2)


def _gardens(f: _Furnisher, road: int, side: int, width: float) -> None:
    rng, g = f.rng, f.street.ground
    walk = g[gr.G_VERGE] + g[gr.G_WALK]
    for _ in range(int(rng.integers(10, 22))):
        s, d = rng.uniform(-60, 65), side * (width + walk + rng.uniform(1.0, 17))
        if not (place := f.spot(s, d, road, walk + 0.8)) or _blocked(f.street, place[0], 1.5):
            continue
        kind = rng.random()
        if kind < 0.45:
            props.tree(f.out, rng, place[0], rng.uniform(0.7, 1.2))
        elif kind < 0.9:
            props.bush(f.out, rng, place[0])
        else:
            props.ball(f.out, place[0], rng.uniform(0.25, 0.5))
        f.keep(place[0], 1.0)
    for s in np.arange(-55, 60, 9.0):
        if rng.random() < 0.35:
            place = f.spot(s, side * (width + walk + 0.4), road, walk + 0.1)
            if place and not _blocked(f.street, place[0], 0.6):
                shape = props.hedge if rng.random() < 0.4 else buildings.wall
                shape(f.out, rng, place[0], place[1], rng.uniform(5, 8.5))
                for k in (-3, -1.5, 0, 1.5, 3):
                    f.keep((place[0][0] + k * np.cos(place[1]), place[0][1] + k * np.sin(place[1]), 0), 0.6)


def _blocked(street: Street, at: tuple[float, float, float], radius: float) -> bool:
    return any((x - at[0]) ** 2 + (y - at[1]) ** 2 < (r + radius) ** 2 for x, y, r in street.footprints)


def draw_street(rng: np.random.Generator, start: float, force_flat: bool) -> Street:
    """Draw a street; ``force_flat`` asks for other_flat (a median or a paved parcel) near arc length ``start``."""
    ground = draw_ground(rng, with_median=bool(rng.random() < (0.5 if force_flat else 0.15)))
    street = Street(ground, _draw_parcels(rng, start, force_flat), PrimList().pack(), [])
    furnisher = _Furnisher(street, rng)
    density = rng.uniform(0.45, 0.95)
    for road in range(int(ground[gr.G_ROADS])):
        width = ground[gr.G_ROAD + gr.ROAD_SIZE * road + 5]
        for side in (1, -1):
            _line_of_buildings(furnisher, road, side, width, density)
            _roadside(furnisher, road, side, width)
            _gardens(furnisher, road, side, width)
    street.furniture = furnisher.out.pack()
    return street
