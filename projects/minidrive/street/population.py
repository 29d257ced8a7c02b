"""Puts agents into a street: traffic, parked cars, people, and a stratified choice of rare classes."""

import numpy as np

from projects.minidrive.shapes import ground as gr

from .agents import Agent, build, fit
from .ego_car import EgoPath
from .layout import Street

EGO_SIZE = (4.4, 1.9)  # length and width of the ego car, whose rear axle is 1.1 m before its rear end
LARGE = 5.6  # vehicles longer than this keep a distance from the ego car, so that they do not fill a whole image
_VIEW = np.array([0.0, 0.0, 0.0, 4.0, 3.6])
RARE = ('bus', 'truck', 'bicycle', 'construction_vehicle', 'barrier', 'trailer', 'traffic_cone', 'motorcycle', 'others')
ALWAYS = ('car', 'pedestrian', 'driveable_surface', 'sidewalk', 'terrain', 'manmade', 'vegetation')


class _Crowd:
    """Agents placed so far, and the test whether a new one would touch anything on its way."""

    def __init__(self, rng: np.random.Generator, street: Street, path: EgoPath, duration: float) -> None:
        self.rng, self.street = rng, street
        self.agents: list[Agent] = []
        self.times = np.linspace(-0.3, duration, 4)
        self.boxes: list[np.ndarray] = []  # per agent (T, 5): x, y, heading, length, width
        ego = np.array([path.pose(t) for t in self.times])
        heading = np.arctan2(ego[:, 1, 0], ego[:, 0, 0])
        x, y = ego[:, 0, 3] + 1.3 * np.cos(heading), ego[:, 1, 3] + 1.3 * np.sin(heading)
        self.boxes.append(np.stack([x, y, heading, np.full_like(x, EGO_SIZE[0]), np.full_like(x, EGO_SIZE[1])], axis=1))

    def _track(self, agent: Agent) -> np.ndarray:
        rows = []
        for t in self.times:
            s = agent.s + agent.speed * np.cos(agent.heading) * t
            d = agent.d + agent.speed * np.sin(agent.heading) * t
            x, y, heading = self.street.point(s, d, agent.road)
            rows.append((x, y, heading + agent.heading, agent.size[0] + 0.3, agent.size[1] + 0.25))
        return np.array(rows)

    def _free(self, track: np.ndarray) -> bool:
        radius = np.hypot(track[0, 3], track[0, 4]) / 2
        width = track[0, 4] / 2
        for x, y, r in self.street.footprints:
            if np.hypot(track[:, 0] - x, track[:, 1] - y).min() > radius + r:
                continue
            dx, dy = x - track[:, 0], y - track[:, 1]
            along = np.abs(np.cos(track[:, 2]) * dx + np.sin(track[:, 2]) * dy) - track[:, 3] / 2
            across = np.abs(-np.sin(track[:, 2]) * dx + np.cos(track[:, 2]) * dy) - width
            if (np.maximum(along, across) < r).any():
                return False
        if track[0, 3] > LARGE and any(_overlap(track[k] + _VIEW, self.boxes[0][k]) for k in range(len(track))):
            return False
        for other in self.boxes:
            far = radius + np.hypot(other[0, 3], other[0, 4]) / 2
            near = np.hypot(track[:, 0] - other[:, 0], track[:, 1] - other[:, 1]) < far
            if any(_overlap(track[k], other[k]) for k in np.flatnonzero(near)):
                return False
        return True

    def add(self, occ_class: str, s: float, d: float, heading: float, speed: float = 0.0, road: int = 0) -> bool:
        """Try to place a new object; False when there is no room."""
        category, attribute, shape = build(occ_class, self.rng)
        prims, size = fit(shape)
        if speed > 0.3:
            attribute = attribute.replace('parked', 'moving').replace('stopped', 'moving').replace('standing', 'moving')
        agent = Agent(category, attribute, prims, size, road, s, d, heading, speed)
        track = self._track(agent)
        if not self._free(track):
            return False
        self.agents.append(agent)
        self.boxes.append(track)
        return True


def _overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two rectangles (x, y, heading, length, width) overlap: separating axis test."""
    delta = b[:2] - a[:2]
    axes = [np.array([np.cos(h + q), np.sin(h + q)]) for h in (a[2], b[2]) for q in (0, np.pi / 2)]
    for axis in axes:
        reach = 0.0
        for box in (a, b):
            c = abs(np.cos(box[2]) * axis[0] + np.sin(box[2]) * axis[1])
            reach += 0.5 * (box[3] * c + box[4] * np.sqrt(max(0.0, 1 - c * c)))
        if abs(delta @ axis) > reach:
            return False
    return True


def _traffic(crowd: _Crowd, path: EgoPath) -> None:
    rng, street = crowd.rng, crowd.street
    lanes = int(street.ground[gr.G_LANES])
    for _ in range(int(rng.integers(3, 9))):
        d, back = street.lane_centre(int(rng.integers(lanes))), rng.random() < 0.5
        speed = 0.0 if path.speed < 2 else float(np.clip(path.speed + rng.normal(0, 2.0), 0, 14))
        crowd.add('car', rng.uniform(-45, 50), -d if back else d, np.pi if back else 0.0, speed)
    if street.ground[gr.G_ROADS] > 1.5:
        for _ in range(int(rng.integers(1, 4))):
            side = rng.choice([-1, 1])
            d = -side * 0.5 * street.ground[gr.G_ROAD + gr.ROAD_SIZE + 5]
            crowd.add('car', side * rng.uniform(-35, -9), d, 0.0 if side > 0 else np.pi, 0.0, road=1)


def _parked(crowd: _Crowd) -> None:
    rng, street = crowd.rng, crowd.street
    g = street.ground
    if g[gr.G_PARKING] > 0:
        share = rng.uniform(0.25, 0.85)
        for side in (-1, 1):
            for s in np.arange(-45, 50, rng.uniform(5.8, 6.8)):
                if rng.random() < share and abs(s - g[gr.G_CROSS_S]) > g[gr.G_CROSSWALK] + 6:
                    d = side * (street.half_width - 0.3 - g[gr.G_PARKING] / 2 + rng.normal(0, 0.08))
                    crowd.add('car', s + rng.normal(0, 0.3), d, (0.0 if side < 0 else np.pi) + rng.normal(0, 0.02))
    for side, s0, s1, _, kind in street.parcels:
        if int(kind) == gr.PARKING_LOT and s1 > -35 and s0 < 40:
            for s in np.arange(s0 + 1.5, s1 - 1.5, 2.75):
                if rng.random() < 0.5:
                    d = side * (street.half_width + g[gr.G_VERGE] + g[gr.G_WALK] + 3.2)
                    crowd.add('car', s, d, rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.03))


def _walkway(street: Street, rng: np.random.Generator, side: int) -> float:
    g = street.ground
    return side * (street.half_width + g[gr.G_VERGE] + rng.uniform(0.45, max(0.6, g[gr.G_WALK] - 0.5)))


def _people(crowd: _Crowd) -> None:
    rng, street = crowd.rng, crowd.street
    for _ in range(int(rng.integers(5, 15))):
        side = int(rng.choice([-1, 1]))
        along = rng.random() < 0.75
        heading = rng.choice([0.0, np.pi]) + rng.normal(0, 0.1) if along else rng.uniform(-np.pi, np.pi)
        crowd.add(
            'pedestrian',
            rng.uniform(-30, 38),
            _walkway(street, rng, side),
            heading,
            rng.uniform(0.7, 1.6) if along else 0.0,
        )
    if street.ground[gr.G_CROSSWALK] > 0:
        at = street.ground[gr.G_CROSS_S] - (
            street.ground[gr.G_CROSSWALK] + 1.3 if street.ground[gr.G_CROSSWALK] > 1 else 0.0
        )
        for _ in range(int(rng.integers(1, 4))):
            crowd.add(
                'pedestrian',
                at + rng.uniform(-1, 1),
                rng.uniform(-5, 5),
                rng.choice([-1, 1]) * np.pi / 2,
                rng.uniform(0.5, 1.5),
            )


def _row(crowd: _Crowd, occ_class: str, s: float, d: float, drift: float, count: int, spacing: float) -> bool:
    placed = 0
    for k in range(count):
        placed += crowd.add(
            occ_class,
            s + k * spacing,
            d + k * drift,
            (np.pi / 2 if occ_class == 'barrier' else 0.0) + crowd.rng.normal(0, 0.05),
        )
    return placed > 0


def _rare(crowd: _Crowd, occ_class: str, s: float, path: EgoPath) -> bool:
    """Try one plausible place for an object of a rare class near arc length ``s``."""
    rng, street = crowd.rng, crowd.street
    g, width, side = street.ground, street.half_width, int(rng.choice([-1, 1]))
    along = (0.0 if side < 0 else np.pi) + rng.normal(0, 0.02)
    kerb = side * (width - 0.35)
    if occ_class == 'traffic_cone':
        return _row(
            crowd,
            occ_class,
            s,
            kerb - side * rng.uniform(0, 1.0),
            -side * rng.uniform(0, 0.25),
            int(rng.integers(3, 8)),
            rng.uniform(1.2, 2.5),
        )
    if occ_class == 'barrier':
        d = kerb if rng.random() < 0.6 else side * (width + g[gr.G_VERGE] + g[gr.G_WALK] - 0.3)
        return _row(crowd, occ_class, s, d, 0.0, int(rng.integers(2, 6)), rng.uniform(2.5, 3.2))
    if occ_class == 'others':
        return crowd.add('others', s, _walkway(street, rng, side), along + rng.normal(0, 0.3))
    if occ_class in ('bicycle', 'motorcycle'):
        if rng.random() < 0.5:
            speed = max(0.0, rng.uniform(2.0, 6.0)) if path.speed > 2 else 0.0
            return crowd.add(occ_class, s, side * (g[gr.G_MEDIAN] + g[gr.G_LANE] * g[gr.G_LANES] - 0.5), along, speed)
        return crowd.add(occ_class, s, _walkway(street, rng, side), along + rng.normal(0, 0.4))
    places = [side * (width - 1.7), side * (width + g[gr.G_VERGE] + g[gr.G_WALK] + rng.uniform(2.0, 4.0))]
    if g[gr.G_PARKING] > 0:
        places.append(side * (width - 1.5))
    if occ_class in ('bus', 'truck') and rng.random() < 0.5:
        lane = side * (g[gr.G_MEDIAN] + (g[gr.G_LANES] - 0.5) * g[gr.G_LANE])
        speed = float(np.clip(path.speed + rng.normal(0, 1.5), 0, 12)) if path.speed > 2 else 0.0
        return crowd.add(occ_class, s, lane, along, speed)
    if occ_class == 'construction_vehicle':
        along += rng.choice([0.0, rng.uniform(-0.8, 0.8)])
    return crowd.add(occ_class, s, float(rng.choice(places)), along)


def populate(
    rng: np.random.Generator, street: Street, path: EgoPath, duration: float, turn: int
) -> tuple[list[Agent], tuple[str, ...]]:
    """Draw the agents of a scene.

    Args:
        rng (np.random.Generator): Source of randomness.
        street (Street): Where they stand.
        path (EgoPath): Motion of the ego car, which nothing may touch.
        duration (float): Length of the scene in seconds.
        turn (int): Position of the scene in its split. Even and odd turns want alternate halves of the rare classes, so
            that two scenes hold them all; every other rare class comes with probability 0.4.

    Returns:
        tuple: The agents, and the Occ3D classes the scene is meant to show.
    """
    crowd = _Crowd(rng, street, path, duration)
    wanted = [name for k, name in enumerate(RARE) if k % 2 == turn % 2]
    extra = [name for name in RARE if name not in wanted and rng.random() < 0.4]
    middle = path.arc_length(duration / 2)
    for name in sorted(wanted + extra, key=lambda n: n in ('others', 'bicycle', 'motorcycle', 'traffic_cone')):
        reach, count = 10.0, int(rng.integers(2, 5)) if name in ('others', 'bicycle', 'motorcycle') else 1
        for _ in range(40):
            count -= _rare(crowd, name, middle + rng.uniform(-0.6, 1.3) * reach, path)
            if count == 0:
                break
            reach = min(reach + 0.7, 26.0)
    _traffic(crowd, path)
    _parked(crowd)
    _people(crowd)
    flat = ('other_flat',) if turn % 2 == 1 else ()
    return crowd.agents, (*wanted, *flat, *ALWAYS)
