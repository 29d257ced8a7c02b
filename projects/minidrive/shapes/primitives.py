"""Solid primitives and their intersection with rays.

A primitive is an oriented solid whose local coordinates, divided by its half sizes, fill the unit cube: a box, a box
with slanted sides, a cylinder or cone along z, or an ellipsoid (plain or with the ragged edge of foliage).
"""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

from typing import NamedTuple

import numpy as np

from .jit import pure_kernel
from .noise import value_noise3

# Columns of ray_table: the 3x4 map from street to unit coordinates comes first.
T_TAPER, T_HALF, T_KIND, T_SEED, T_MATERIAL, T_CATEGORY, T_AGENT, T_PART, T_COLOUR = 12, 15, 18, 19, 20, 21, 22, 23, 24
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
        columns = list(zip(*self.rows)) if self.rows else [() for _ in shapes]
        return Prims(*(np.asarray(c, dtype=t).reshape(len(self.rows), *s) for c, s, t in zip(columns, shapes, dtypes)))


def concatenate(batches: list[Prims]) -> Prims:
    """Join batches of primitives."""
    return Prims(*(np.concatenate(arrays) for arrays in zip(*batches)))


def ray_table(prims: Prims) -> np.ndarray:
    """Everything that rays read of N primitives, as one array (N, 30); see the column names ``T_*``.

    Kernels take this array and not the tuple, because handing over a tuple of arrays costs more than a ray test.
    """
    scaled = prims.rot / prims.half[:, :, None]
    shift = -np.einsum('nij,nj->ni', scaled, prims.centre)
    affine = np.concatenate([scaled, shift[..., None]], axis=2).reshape(-1, 12)
    scalars = [prims.kind, prims.seed, prims.material, prims.category, prims.agent, prims.part]
    return np.concatenate([affine, prims.taper, prims.half, np.stack(scalars, axis=1), prims.colour], axis=1)


def corners(prims: Prims) -> np.ndarray:
    """The eight corners of every primitive's bounding box, (N, 8, 3) in the street frame."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=np.float64)
    widen = 1.0 + np.maximum(0.0, -prims.taper.min(axis=1))  # sides that lean outwards
    local = signs[None] * (prims.half * np.stack([widen, widen, np.ones_like(widen)], axis=1))[:, None]
    return np.einsum('nki,nij->nkj', local, prims.rot) + prims.centre[:, None]


@pure_kernel
def leaf_gap(x, y, z, seed, rim):  # noqa: ANN001, ANN201
    """Whether foliage has a hole at a local point (in metres); ``rim`` is |cos| of the viewing angle."""
    if rim > 0.8:
        return False
    n = 0.5 * value_noise3(x * 2.5, y * 2.5, z * 2.5, seed) + 0.5 * value_noise3(x * 9.0, y * 9.0, z * 9.0, seed)
    return n > 0.28 + 0.55 * rim


@pure_kernel
def _meet_box(ox, oy, oz, dx, dy, dz):  # noqa: ANN001, ANN202
    """Slab test against the unit cube; a zero component gives infinities, which the comparisons sort out."""
    inv = 1.0 / dx if abs(dx) > 1e-12 else 1e12
    a, b = (-1.0 - ox) * inv, (1.0 - ox) * inv
    near, far = min(a, b), max(a, b)
    inv = 1.0 / dy if abs(dy) > 1e-12 else 1e12
    a, b = (-1.0 - oy) * inv, (1.0 - oy) * inv
    near, far = max(near, min(a, b)), min(far, max(a, b))
    inv = 1.0 / dz if abs(dz) > 1e-12 else 1e12
    a, b = (-1.0 - oz) * inv, (1.0 - oz) * inv
    near, far = max(near, min(a, b)), min(far, max(a, b))
    return near if 0.0 < near <= far else np.inf


@pure_kernel
def _clip(num, den, near, far):  # noqa: ANN001, ANN202
    """Clip the interval [near, far] by the half space num - t * den >= 0."""
    if den > 1e-12:
        return near, min(far, num / den)
    if den < -1e-12:
        return max(near, num / den), far
    return (near, far) if num >= 0.0 else (np.inf, -np.inf)


@pure_kernel
def _meet_wedge(ox, oy, oz, dx, dy, dz, front, rear, side):  # noqa: ANN001, ANN202
    near, far = _clip(1.0 - oz, dz, -np.inf, np.inf)
    near, far = _clip(1.0 + oz, -dz, near, far)
    low = 0.5 * (oz + 1.0)
    near, far = _clip(1.0 - front * low - ox, dx + 0.5 * front * dz, near, far)
    near, far = _clip(1.0 - rear * low + ox, 0.5 * rear * dz - dx, near, far)
    near, far = _clip(1.0 - side * low - oy, dy + 0.5 * side * dz, near, far)
    near, far = _clip(1.0 - side * low + oy, 0.5 * side * dz - dy, near, far)
    return near if 0.0 < near <= far else np.inf


@pure_kernel
def _meet_cylinder(ox, oy, oz, dx, dy, dz, taper):  # noqa: ANN001, ANN202
    a, b = 1.0 - 0.5 * taper, 0.5 * taper  # radius a - b z
    best = np.inf
    base, run = a - b * oz, -b * dz
    qa = dx * dx + dy * dy - run * run
    qb = ox * dx + oy * dy - base * run
    disc = qb * qb - qa * (ox * ox + oy * oy - base * base)
    if disc >= 0.0 and abs(qa) > 1e-12:
        root = np.sqrt(disc)
        t = (-qb - root) / qa
        if t > 0.0 and abs(oz + t * dz) <= 1.0 and base + t * run >= 0.0:
            best = t
        t = (-qb + root) / qa
        if 0.0 < t < best and abs(oz + t * dz) <= 1.0 and base + t * run >= 0.0:
            best = t
    if abs(dz) > 1e-12:
        cap = -1.0 if dz > 0.0 else 1.0  # only the cap that faces the ray can be entered
        t = (cap - oz) / dz
        if 0.0 < t < best:
            x, y = ox + t * dx, oy + t * dy
            radius = a - b * cap
            if x * x + y * y <= radius * radius:
                best = t
    return best


@pure_kernel
def _meet_sphere(ox, oy, oz, dx, dy, dz):  # noqa: ANN001, ANN202
    qa = dx * dx + dy * dy + dz * dz
    qb = ox * dx + oy * dy + oz * dz
    disc = qb * qb - qa * (ox * ox + oy * oy + oz * oz - 1.0)
    if disc < 0.0:
        return np.inf, np.inf
    root = np.sqrt(disc)
    return (-qb - root) / qa, (-qb + root) / qa


@pure_kernel
def meet_prim(m, i, px, py, pz, vx, vy, vz, limit):  # noqa: ANN001, ANN201
    """Distance along the ray p + t v to primitive ``i`` of a ray table ``m``; inf for no hit before ``limit``."""
    dx = m[i, 0] * vx + m[i, 1] * vy + m[i, 2] * vz
    dy = m[i, 4] * vx + m[i, 5] * vy + m[i, 6] * vz
    dz = m[i, 8] * vx + m[i, 9] * vy + m[i, 10] * vz
    ox = m[i, 0] * px + m[i, 1] * py + m[i, 2] * pz + m[i, 3]
    oy = m[i, 4] * px + m[i, 5] * py + m[i, 6] * pz + m[i, 7]
    oz = m[i, 8] * px + m[i, 9] * py + m[i, 10] * pz + m[i, 11]
    kind = int(m[i, T_KIND])
    if kind == BOX:
        t = _meet_box(ox, oy, oz, dx, dy, dz)
    elif kind == WEDGE:
        t = _meet_wedge(ox, oy, oz, dx, dy, dz, m[i, T_TAPER], m[i, T_TAPER + 1], m[i, T_TAPER + 2])
    elif kind == CYLINDER:
        t = _meet_cylinder(ox, oy, oz, dx, dy, dz, m[i, T_TAPER])
    else:
        t, t_exit = _meet_sphere(ox, oy, oz, dx, dy, dz)
        if kind == FOLIAGE and t < limit:
            norm = np.sqrt(dx * dx + dy * dy + dz * dz)
            for _ in range(2):
                x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
                rim = abs(x * dx + y * dy + z * dz) / norm
                x, y, z = x * m[i, T_HALF], y * m[i, T_HALF + 1], z * m[i, T_HALF + 2]
                if t > 0.0 and not leaf_gap(x, y, z, int(m[i, T_SEED]), rim):
                    break
                t, t_exit = t_exit, np.inf
    return t if 0.0 < t < limit else np.inf


@pure_kernel
def local_hit(m, i, px, py, pz):  # noqa: ANN001, ANN201
    """Street point on primitive ``i`` of a ray table -> unit coordinates, outward street normal, and the face.

    Faces: 0 +x, 1 -x, 2 +y, 3 -y, 4 +z, 5 -z; 6 for a curved side.
    """
    x = m[i, 0] * px + m[i, 1] * py + m[i, 2] * pz + m[i, 3]
    y = m[i, 4] * px + m[i, 5] * py + m[i, 6] * pz + m[i, 7]
    z = m[i, 8] * px + m[i, 9] * py + m[i, 10] * pz + m[i, 11]
    kind = int(m[i, T_KIND])
    face = 6
    if kind in (BOX, WEDGE):
        least = np.inf
        nx, ny, nz = 0.0, 0.0, 1.0
        for k in range(6):
            if k < 4:
                lean = m[i, T_TAPER + min(k, 2)]
                coordinate = x if k == 0 else -x if k == 1 else y if k == 2 else -y
                gap = abs(coordinate - (1.0 - 0.5 * lean - 0.5 * lean * z)) * m[i, T_HALF + k // 2]
            else:
                lean = 0.0
                gap = abs((z if k == 4 else -z) - 1.0) * m[i, T_HALF + 2]
            if gap < least:
                least, face = gap, k
                nx = 1.0 if k == 0 else -1.0 if k == 1 else 0.0
                ny = 1.0 if k == 2 else -1.0 if k == 3 else 0.0
                nz = 0.5 * lean if k < 4 else 1.0 if k == 4 else -1.0
    elif kind == CYLINDER:
        nx, ny, nz = x, y, 0.5 * m[i, T_TAPER]
        if abs(z) > 0.9999 and x * x + y * y < (1.0 - 0.5 * m[i, T_TAPER] * (1.0 + z)) ** 2 - 1e-4:
            face = 4 if z > 0 else 5
            nx, ny, nz = 0.0, 0.0, z
    else:
        nx, ny, nz = x, y, z
    wx = m[i, 0] * nx + m[i, 4] * ny + m[i, 8] * nz  # normals transform by the transposed map
    wy = m[i, 1] * nx + m[i, 5] * ny + m[i, 9] * nz
    wz = m[i, 2] * nx + m[i, 6] * ny + m[i, 10] * nz
    norm = 1.0 / np.sqrt(wx * wx + wy * wy + wz * wz + 1e-20)
    return x, y, z, wx * norm, wy * norm, wz * norm, face
