"""Solid primitives and their intersection with rays.

A primitive is an oriented solid whose local coordinates, divided by its half sizes, fill the unit cube: a box, a box
with slanted sides, a cylinder or cone along z, or an ellipsoid (plain or with the ragged edge of foliage).
"""

from typing import NamedTuple

import numpy as np

from .jit import kernel
from .noise import value_noise3

BOX, WEDGE, CYLINDER, ELLIPSOID, FOLIAGE = 0, 1, 2, 3, 4


class Prims(NamedTuple):
    """N primitives in the street frame, a struct of arrays that numba accepts.

    ``rot`` takes street to local axes. ``taper`` holds, for WEDGE, how far the front, the rear and the sides lean in
    at the top (0 upright, 1 to the middle) and, for CYLINDER, the same for the radius. ``agent`` is the index of the
    agent or -1, ``part`` an identity for the image segments.
    """

    kind: np.ndarray  # (N,) int64
    centre: np.ndarray  # (N, 3)
    rot: np.ndarray  # (N, 3, 3)
    half: np.ndarray  # (N, 3)
    taper: np.ndarray  # (N, 3)
    material: np.ndarray  # (N,) int64
    colour: np.ndarray  # (N, 6) main and second colour, linear RGB
    category: np.ndarray  # (N,) int64 lidarseg index
    agent: np.ndarray  # (N,) int64
    part: np.ndarray  # (N,) int64
    seed: np.ndarray  # (N,) int64


class PrimList:
    """Collects primitives before they are packed into :class:`Prims`."""

    def __init__(self) -> None:
        self.rows: list[tuple] = []

    def add(
        self,
        kind: int,
        centre: tuple[float, float, float],
        half: tuple[float, float, float],
        *,
        material: int,
        colour: np.ndarray,
        colour2: np.ndarray | None = None,
        rot: np.ndarray | None = None,
        taper: tuple[float, float, float] = (0.0, 0.0, 0.0),
        category: int = 0,
        part: int = 0,
        seed: int = 0,
    ) -> None:
        """Append one primitive; ``rot`` is local-to-parent (3, 3), half sizes and centre are in metres."""
        rot = np.eye(3) if rot is None else rot
        both = np.concatenate([colour, colour if colour2 is None else colour2])
        self.rows.append((kind, centre, rot.T, half, taper, material, both, category, -1, part, seed))

    def pack(self) -> Prims:
        """Pack the rows into arrays."""
        shapes = ((), (3,), (3, 3), (3,), (3,), (), (6,), (), (), (), ())
        dtypes = (np.int64, *[np.float64] * 4, np.int64, np.float64, *[np.int64] * 4)
        columns = list(zip(*self.rows)) if self.rows else [[] for _ in shapes]
        return Prims(
            *(np.asarray(c, dtype=t).reshape(len(self.rows), *s) for c, s, t in zip(columns, shapes, dtypes))
        )


def concatenate(batches: list[Prims]) -> Prims:
    """Join batches of primitives."""
    return Prims(*(np.concatenate(arrays) for arrays in zip(*batches)))


def place(prims: Prims, rotation: np.ndarray, translation: np.ndarray) -> Prims:
    """Move a batch by a local-to-street rotation (3, 3) and translation (3,)."""
    return prims._replace(centre=prims.centre @ rotation.T + translation, rot=prims.rot @ rotation.T)


def corners(prims: Prims) -> np.ndarray:
    """The eight corners of every primitive's bounding box, (N, 8, 3) in the street frame."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=np.float64)
    widen = 1.0 + np.maximum(0.0, -prims.taper.min(axis=1))  # sides that lean outwards
    local = signs[None] * (prims.half * np.stack([widen, widen, np.ones_like(widen)], axis=1))[:, None]
    return np.einsum('nki,nij->nkj', local, prims.rot) + prims.centre[:, None]


@kernel
def leaf_gap(x, y, z, half_x, half_y, half_z, seed, rim):  # noqa: ANN001, ANN201
    """Whether foliage has a hole at a unit-sphere point; ``rim`` is |cos| of the viewing angle."""
    n = value_noise3(x * half_x * 4.0 + 7.3, y * half_y * 4.0, z * half_z * 4.0, seed)
    n = 0.6 * n + 0.4 * value_noise3(x * half_x * 11.0, y * half_y * 11.0 + 3.1, z * half_z * 11.0, seed + 1)
    return n > 0.45 + 0.75 * rim


@kernel
def _meet_planes(ox, oy, oz, dx, dy, dz, front, rear, side):  # noqa: ANN001, ANN202
    near, far = -np.inf, np.inf
    for i in range(6):
        if i == 0:
            num, den = 1.0 - 0.5 * front - ox - 0.5 * front * oz, dx + 0.5 * front * dz
        elif i == 1:
            num, den = 1.0 - 0.5 * rear + ox - 0.5 * rear * oz, -dx + 0.5 * rear * dz
        elif i == 2:
            num, den = 1.0 - 0.5 * side - oy - 0.5 * side * oz, dy + 0.5 * side * dz
        elif i == 3:
            num, den = 1.0 - 0.5 * side + oy - 0.5 * side * oz, -dy + 0.5 * side * dz
        elif i == 4:
            num, den = 1.0 - oz, dz
        else:
            num, den = 1.0 + oz, -dz
        if den > 1e-12:
            far = min(far, num / den)
        elif den < -1e-12:
            near = max(near, num / den)
        elif num < 0.0:
            return np.inf
        if near > far:
            return np.inf
    return near if near > 0.0 else np.inf


@kernel
def _meet_cylinder(ox, oy, oz, dx, dy, dz, taper):  # noqa: ANN001, ANN202
    a, b = 1.0 - 0.5 * taper, 0.5 * taper  # radius a - b z
    best = np.inf
    base, run = a - b * oz, -b * dz
    qa = dx * dx + dy * dy - run * run
    qb = ox * dx + oy * dy - base * run
    qc = ox * ox + oy * oy - base * base
    disc = qb * qb - qa * qc
    if disc >= 0.0 and abs(qa) > 1e-12:
        root = np.sqrt(disc)
        for sign in (-1.0, 1.0):
            t = (-qb + sign * root) / qa
            if 0.0 < t < best and abs(oz + t * dz) <= 1.0 and base + t * run >= 0.0:
                best = t
    if abs(dz) > 1e-12:
        for cap in (-1.0, 1.0):
            t = (cap - oz) / dz
            if 0.0 < t < best:
                x, y = ox + t * dx, oy + t * dy
                radius = a - b * cap
                if x * x + y * y <= radius * radius:
                    best = t
    return best


@kernel
def _meet_sphere(ox, oy, oz, dx, dy, dz):  # noqa: ANN001, ANN202
    qa = dx * dx + dy * dy + dz * dz
    qb = ox * dx + oy * dy + oz * dz
    disc = qb * qb - qa * (ox * ox + oy * oy + oz * oz - 1.0)
    if disc < 0.0:
        return np.inf, np.inf
    root = np.sqrt(disc)
    return (-qb - root) / qa, (-qb + root) / qa


@kernel
def meet_prim(prims, i, o, d, limit):  # noqa: ANN001, ANN201
    """Distance along a ray to primitive ``i`` in units of ``d``, or inf when there is no hit before ``limit``."""
    rot, half, centre = prims.rot[i], prims.half[i], prims.centre[i]
    px, py, pz = o[0] - centre[0], o[1] - centre[1], o[2] - centre[2]
    ox = (rot[0, 0] * px + rot[0, 1] * py + rot[0, 2] * pz) / half[0]
    oy = (rot[1, 0] * px + rot[1, 1] * py + rot[1, 2] * pz) / half[1]
    oz = (rot[2, 0] * px + rot[2, 1] * py + rot[2, 2] * pz) / half[2]
    dx = (rot[0, 0] * d[0] + rot[0, 1] * d[1] + rot[0, 2] * d[2]) / half[0]
    dy = (rot[1, 0] * d[0] + rot[1, 1] * d[1] + rot[1, 2] * d[2]) / half[1]
    dz = (rot[2, 0] * d[0] + rot[2, 1] * d[1] + rot[2, 2] * d[2]) / half[2]
    kind = prims.kind[i]
    if kind == BOX or kind == WEDGE:
        t = _meet_planes(ox, oy, oz, dx, dy, dz, prims.taper[i, 0], prims.taper[i, 1], prims.taper[i, 2])
    elif kind == CYLINDER:
        t = _meet_cylinder(ox, oy, oz, dx, dy, dz, prims.taper[i, 0])
    else:
        t, t_exit = _meet_sphere(ox, oy, oz, dx, dy, dz)
        if kind == FOLIAGE and t < limit:
            norm = np.sqrt(dx * dx + dy * dy + dz * dz)
            for _ in range(2):
                x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
                rim = abs(x * dx + y * dy + z * dz) / norm
                if t > 0.0 and not leaf_gap(x, y, z, half[0], half[1], half[2], prims.seed[i], rim):
                    break
                t, t_exit = t_exit, np.inf
    return t if 0.0 < t < limit else np.inf


@kernel
def local_hit(prims, i, p):  # noqa: ANN001, ANN201
    """Street point on primitive ``i`` -> unit coordinates, outward street normal, and the face.

    Faces: 0 +x, 1 -x, 2 +y, 3 -y, 4 +z, 5 -z; 6 for a curved side.
    """
    rot, half, centre, taper = prims.rot[i], prims.half[i], prims.centre[i], prims.taper[i]
    px, py, pz = p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]
    x = (rot[0, 0] * px + rot[0, 1] * py + rot[0, 2] * pz) / half[0]
    y = (rot[1, 0] * px + rot[1, 1] * py + rot[1, 2] * pz) / half[1]
    z = (rot[2, 0] * px + rot[2, 1] * py + rot[2, 2] * pz) / half[2]
    kind = prims.kind[i]
    face = 6
    if kind == BOX or kind == WEDGE:
        least = np.inf
        nx, ny, nz = 0.0, 0.0, 1.0
        for k in range(6):
            if k < 4:
                lean = taper[0] if k == 0 else taper[1] if k == 1 else taper[2]
                coordinate = x if k == 0 else -x if k == 1 else y if k == 2 else -y
                gap = abs(coordinate - (1.0 - 0.5 * lean - 0.5 * lean * z)) * half[k // 2]
            else:
                lean = 0.0
                gap = abs((z if k == 4 else -z) - 1.0) * half[2]
            if gap < least:
                least, face = gap, k
                nx = 1.0 if k == 0 else -1.0 if k == 1 else 0.0
                ny = 1.0 if k == 2 else -1.0 if k == 3 else 0.0
                nz = 0.5 * lean if k < 4 else 1.0 if k == 4 else -1.0
    elif kind == CYLINDER:
        nx, ny, nz = x, y, 0.5 * taper[0]
        if abs(z) > 0.9999 and x * x + y * y < (1.0 - 0.5 * taper[0] * (1.0 + z)) ** 2 - 1e-4:
            face = 4 if z > 0 else 5
            nx, ny, nz = 0.0, 0.0, z
    else:
        nx, ny, nz = x, y, z
    nx, ny, nz = nx / half[0], ny / half[1], nz / half[2]
    norm = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-20)
    wx = (rot[0, 0] * nx + rot[1, 0] * ny + rot[2, 0] * nz) * norm
    wy = (rot[0, 1] * nx + rot[1, 1] * ny + rot[2, 1] * nz) * norm
    wz = (rot[0, 2] * nx + rot[1, 2] * ny + rot[2, 2] * nz) * norm
    return x, y, z, wx, wy, wz, face
