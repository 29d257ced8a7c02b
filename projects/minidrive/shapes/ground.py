"""The ground of a street: two roads with kerbs, sidewalks and parcels on a smooth heightfield, as numba kernels.

The parameters of one street are a flat vector ``g`` (indices below) and a table ``parcels`` (P, 5) of rows
``side (+1 left, -1 right), s0, s1, depth, kind`` along the first road. ``s`` is the arc length along a road and ``d``
the signed distance to its centre line (left positive), both in metres.
"""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np

from .jit import kernel, pure_kernel
from .taxonomy import DRIVEABLE, OTHER_FLAT, SIDEWALK, TERRAIN

# Height: plane, quadratic and two sine waves.
G_AX, G_AY, G_CXX, G_CXY, G_CYY = 0, 1, 2, 3, 4
G_WAVE = 5  # two rows of amplitude, kx, ky, phase
G_ROADS = 13  # number of roads
G_ROAD = 14  # two rows of x0, y0, cos, sin, curvature, half width
ROAD_SIZE = 6
G_VERGE, G_WALK, G_KERB = 26, 27, 28
G_MEDIAN, G_MEDIAN_S0, G_MEDIAN_S1 = 29, 30, 31
G_LANE, G_LANES, G_PARKING = 32, 33, 34  # lane width, lanes per direction, width of the parking lane
G_CROSS_S, G_CROSS_S2 = 35, 36  # arc length of the crossing on either road
G_LINE_STYLE, G_SEED, G_TONE = 37, 38, 39
G_CROSSWALK = 40  # half gap between the crossing's centre and the crosswalks, 0 for none
G_DEFAULT_KIND = 41
GROUND_SIZE = 42

MAX_RAY = 170.0  # the ground ends there, in units of the ray direction
ASPHALT, MEDIAN, VERGE, WALK, GRASS, PAVING, DIRT, PARKING_LOT = 0, 1, 2, 3, 4, 5, 6, 7
KIND_CATEGORY = np.array(
    [DRIVEABLE, OTHER_FLAT, TERRAIN, SIDEWALK, TERRAIN, OTHER_FLAT, TERRAIN, OTHER_FLAT], dtype=np.uint8
)


@pure_kernel
def height(x, y, g):  # noqa: ANN001, ANN201
    """Height of the road surface, without kerbs."""
    z = g[G_AX] * x + g[G_AY] * y + g[G_CXX] * x * x + g[G_CXY] * x * y + g[G_CYY] * y * y
    for i in range(2):
        w = G_WAVE + 4 * i
        z += g[w] * np.sin(g[w + 1] * x + g[w + 2] * y + g[w + 3])
    return z


@pure_kernel
def gradient(x, y, g):  # noqa: ANN001, ANN201
    """Slope of ``height`` along x and y."""
    gx = g[G_AX] + 2 * g[G_CXX] * x + g[G_CXY] * y
    gy = g[G_AY] + 2 * g[G_CYY] * y + g[G_CXY] * x
    for i in range(2):
        w = G_WAVE + 4 * i
        c = g[w] * np.cos(g[w + 1] * x + g[w + 2] * y + g[w + 3])
        gx += c * g[w + 1]
        gy += c * g[w + 2]
    return gx, gy


@pure_kernel
def road_coordinates(x, y, g, road):  # noqa: ANN001, ANN201
    """Arc length and signed lateral offset of a point on road 0 or 1."""
    o = G_ROAD + ROAD_SIZE * road
    dx, dy = x - g[o], y - g[o + 1]
    lx, ly = g[o + 2] * dx + g[o + 3] * dy, -g[o + 3] * dx + g[o + 2] * dy
    curvature = g[o + 4]
    if abs(curvature) < 1e-6:
        return lx, ly
    radius = 1.0 / curvature
    r = np.hypot(lx, ly - radius)
    if radius > 0:
        return radius * np.arctan2(lx, radius - ly), radius - r
    return -radius * np.arctan2(lx, ly - radius), radius + r


@pure_kernel
def road_point(s, d, g, road):  # noqa: ANN001, ANN201
    """Inverse of ``road_coordinates``: x, y and the heading of the road there."""
    o = G_ROAD + ROAD_SIZE * road
    curvature = g[o + 4]
    if abs(curvature) < 1e-6:
        lx, ly, turn = s, d, 0.0
    else:
        radius = 1.0 / curvature
        turn = s * curvature
        lx, ly = (radius - d) * np.sin(turn), radius - (radius - d) * np.cos(turn)
    x = g[o] + g[o + 2] * lx - g[o + 3] * ly
    y = g[o + 1] + g[o + 3] * lx + g[o + 2] * ly
    return x, y, np.arctan2(g[o + 3], g[o + 2]) + turn


@pure_kernel
def region(x, y, g, parcels):  # noqa: ANN001, ANN201
    """What lies at a point.

    Returns:
        tuple: Kind, height above ``height``, signed distance to the road edge (negative on the road), a lower bound
        of the distance to the nearest kerb, and s, d on both roads.
    """
    s, d = road_coordinates(x, y, g, 0)
    edge = abs(d) - g[G_ROAD + 5]
    s2, d2 = 1e3, 1e3
    if g[G_ROADS] > 1.5:
        s2, d2 = road_coordinates(x, y, g, 1)
        edge2 = abs(d2) - g[G_ROAD + ROAD_SIZE + 5]
        blend = max(5.0 - abs(edge - edge2), 0.0) / 5.0  # rounds the corners of the crossing
        edge = min(edge, edge2) - blend * blend * 1.25
    margin = abs(edge)
    kerb = g[G_KERB]
    if edge < 0.0:
        half = g[G_MEDIAN]
        if half > 0.0:
            centre = 0.5 * (g[G_MEDIAN_S0] + g[G_MEDIAN_S1])
            along = abs(s - centre) - 0.5 * (g[G_MEDIAN_S1] - g[G_MEDIAN_S0])
            inside = max(abs(d) - half, along)
            margin = min(margin, abs(inside))
            if inside < 0.0:
                return MEDIAN, kerb, edge, margin, s, d, s2, d2
        return ASPHALT, 0.0, edge, margin, s, d, s2, d2
    if edge < g[G_VERGE]:
        return VERGE, kerb, edge, margin, s, d, s2, d2
    if edge < g[G_VERGE] + g[G_WALK]:
        return WALK, kerb, edge, margin, s, d, s2, d2
    side = 1.0 if d > 0 else -1.0
    for i in range(parcels.shape[0]):
        if parcels[i, 0] == side and parcels[i, 1] <= s < parcels[i, 2] and edge < parcels[i, 3]:
            return int(parcels[i, 4]), kerb, edge, margin, s, d, s2, d2
    return int(g[G_DEFAULT_KIND]), kerb, edge, margin, s, d, s2, d2


@pure_kernel
def _meet_surface(px, py, pz, vx, vy, vz, g, offset):  # noqa: ANN001, ANN202
    """Distance along a ray to ``height + offset``: closed form for the quadratic part, Newton for the waves."""
    qa = -(g[G_CXX] * vx * vx + g[G_CXY] * vx * vy + g[G_CYY] * vy * vy)
    qb = (
        vz - g[G_AX] * vx - g[G_AY] * vy
        - 2 * g[G_CXX] * px * vx - g[G_CXY] * (px * vy + py * vx) - 2 * g[G_CYY] * py * vy
    )  # fmt: skip
    qc = (
        pz - offset - g[G_AX] * px - g[G_AY] * py
        - g[G_CXX] * px * px - g[G_CXY] * px * py - g[G_CYY] * py * py
    )  # fmt: skip
    disc = qb * qb - 4 * qa * qc
    if disc < 0.0:
        return np.inf
    root = np.sqrt(disc)
    q = -0.5 * (qb + root) if qb >= 0.0 else -0.5 * (qb - root)  # the stable form
    t1 = q / qa if qa != 0.0 else np.inf
    t2 = qc / q if q != 0.0 else np.inf
    if t1 > t2:
        t1, t2 = t2, t1
    t = t1 if t1 > 0.0 else t2
    if not 0.0 < t < MAX_RAY:
        return np.inf
    for _ in range(4):
        x, y = px + t * vx, py + t * vy
        gx, gy = gradient(x, y, g)
        slope = vz - gx * vx - gy * vy
        if slope > -1e-4:
            return np.inf
        step = (pz + t * vz - height(x, y, g) - offset) / slope
        t -= step
        if abs(step) < 2e-3:
            break
    return t if 0.0 < t < MAX_RAY else np.inf


@pure_kernel
def meet_ground(px, py, pz, vx, vy, vz, g, parcels):  # noqa: ANN001, ANN201
    """First hit of a ray with the ground and its kerbs.

    Returns:
        tuple: Distance in units of the direction (inf for none) and 1.0 when a kerb's upright face was hit.
    """
    t_top = _meet_surface(px, py, pz, vx, vy, vz, g, g[G_KERB])
    if t_top == np.inf:
        return _meet_surface(px, py, pz, vx, vy, vz, g, 0.0), 0.0
    place = region(px + t_top * vx, py + t_top * vy, g, parcels)
    if place[1] > 0.0:
        return t_top, 0.0
    t_low = _meet_surface(px, py, pz, vx, vy, vz, g, 0.0)
    if t_low == np.inf:
        return t_low, 0.0
    length = (t_low - t_top) * np.sqrt(vx * vx + vy * vy)
    if place[3] > length:
        return t_low, 0.0
    steps = min(max(int(length / 0.25), 2), 12)
    before = t_top
    for i in range(1, steps + 1):
        after = t_top + (t_low - t_top) * i / steps
        if region(px + after * vx, py + after * vy, g, parcels)[1] > 0.0:
            for _ in range(6):
                middle = 0.5 * (before + after)
                if region(px + middle * vx, py + middle * vy, g, parcels)[1] > 0.0:
                    after = middle
                else:
                    before = middle
            return after, 1.0
        before = after
    return t_low, 0.0


@kernel
def on_street(points, g, parcels):  # noqa: ANN001, ANN201
    """255 where points (P, 3) lie on the road or a sidewalk, else 0; uint8 (P,)."""
    out = np.zeros(points.shape[0], np.uint8)
    for i in range(points.shape[0]):
        kind = region(points[i, 0], points[i, 1], g, parcels)[0]
        if kind in (ASPHALT, WALK):
            out[i] = 255
    return out
