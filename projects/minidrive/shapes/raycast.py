"""Ray casting of a street at one instant: camera images with depth and segments, and LiDAR scans."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import ground as gr
from .bins import (
    SECTORS,
    SHADOW_CELL,
    SHADOW_CELLS,
    SHADOW_REACH,
    TILE,
    camera_bins,
    lidar_bins,
    shadow_axes,
    shadow_bins,
)
from .jit import pure_kernel
from .primitives import BOX, T_AGENT, T_CATEGORY, T_KIND, T_PART, T_SEED, Prims, local_hit, meet_prim, ray_table
from .shading import ground_colour
from .sky import S_AMBIENT, S_HAZE, S_HORIZON, S_SUN, S_SUNLIGHT, sky_colour
from .surfaces import prim_colour

HIT_GROUND, HIT_SKY = -1, -2


class Rays(NamedTuple):
    """What the kernels read: a ray table of the primitives, the ground, the light and the shadow lists."""

    table: np.ndarray
    ground: np.ndarray
    parcels: np.ndarray
    sky: np.ndarray
    shadow_start: np.ndarray
    shadow_items: np.ndarray
    axes: np.ndarray  # (2, 3) plane across the sun


@dataclass
class World:
    """Everything a ray can meet at one instant, and the light on it."""

    prims: Prims
    rays: Rays


class Picture(NamedTuple):
    """A rendered view.

    ``colour`` (H, W, 3) float32 is linear radiance; ``ident`` (H, W) int64 the identity of the surface part, 0 the sky.
    """

    colour: np.ndarray
    ident: np.ndarray

    @classmethod
    def blank(cls, image_size: tuple[int, int]) -> 'Picture':
        """Buffers for a view of height and width ``image_size``."""
        return cls(np.zeros((*image_size, 3), np.float32), np.zeros(image_size, np.int64))


def make_world(prims: Prims, ground: np.ndarray, parcels: np.ndarray, sky: np.ndarray) -> World:
    """Prepare a world; the shadow lists are built here."""
    sun = sky[S_SUN : S_SUN + 3]
    shadows = shadow_bins(prims, sun)
    axes = np.stack(shadow_axes(sun))
    return World(prims, Rays(ray_table(prims), ground, parcels, sky, shadows.start, shadows.items, axes))


@pure_kernel
def cast(rays, bins, cell, px, py, pz, vx, vy, vz):  # noqa: ANN001, ANN201
    """First hit of the ray p + t v: t, primitive (or HIT_GROUND, HIT_SKY), and the kerb-face flag."""
    best, kerb = gr.meet_ground(px, py, pz, vx, vy, vz, rays.ground, rays.parcels)
    hit = HIT_GROUND if best < np.inf else HIT_SKY
    for k in range(bins.start[cell], bins.start[cell + 1]):
        i = bins.items[k]
        if bins.near[i] >= best:
            break
        t = meet_prim(rays.table, i, px, py, pz, vx, vy, vz, best)
        if t < best:
            best, hit, kerb = t, i, 0.0
    return best, hit, kerb


@pure_kernel
def _sunlit(rays, x, y, z, nx, ny, nz):  # noqa: ANN001, ANN202
    sx, sy, sz = rays.sky[S_SUN], rays.sky[S_SUN + 1], rays.sky[S_SUN + 2]
    x, y, z = x + 0.02 * nx + 0.01 * sx, y + 0.02 * ny + 0.01 * sy, z + 0.02 * nz + 0.01 * sz
    u = x * rays.axes[0, 0] + y * rays.axes[0, 1] + z * rays.axes[0, 2]
    v = x * rays.axes[1, 0] + y * rays.axes[1, 1] + z * rays.axes[1, 2]
    column, row = int((u + SHADOW_REACH) / SHADOW_CELL), int((v + SHADOW_REACH) / SHADOW_CELL)
    if not (0 <= column < SHADOW_CELLS and 0 <= row < SHADOW_CELLS):
        return 1.0
    cell = row * SHADOW_CELLS + column
    for k in range(rays.shadow_start[cell], rays.shadow_start[cell + 1]):
        if meet_prim(rays.table, rays.shadow_items[k], x, y, z, sx, sy, sz, np.inf) < np.inf:
            return 0.0
    return 1.0


@pure_kernel
def surface(rays, hit, kerb, x, y, z, foot):  # noqa: ANN001, ANN201
    """Albedo (3), mirror share, unit normal (3), lidarseg category and segment identity of a hit point."""
    if hit == HIT_GROUND:
        r, g, b, kind, ident = ground_colour(x, y, kerb, rays.ground, rays.parcels, foot)
        gx, gy = gr.gradient(x, y, rays.ground)
        norm = 1.0 / np.sqrt(1.0 + gx * gx + gy * gy)
        return r, g, b, 0.0, -gx * norm, -gy * norm, norm, int(gr.KIND_CATEGORY[kind]), ident + 1
    table = rays.table
    u, v, w, nx, ny, nz, face = local_hit(table, hit, x, y, z)
    r, g, b, mirror = prim_colour(table, hit, u, v, w, face, foot)
    agent, part = int(table[hit, T_AGENT]), int(table[hit, T_PART])
    if agent >= 0:
        ident = (1 << 40) + agent * 8 + part
    else:
        ident = (1 << 32) + (int(table[hit, T_SEED]) * 8 + part) * 8
        if int(table[hit, T_KIND]) == BOX:  # one segment per face
            ident += face
    return r, g, b, mirror, nx, ny, nz, int(table[hit, T_CATEGORY]), ident


@pure_kernel
def _radiance(rays, px, py, pz, vx, vy, vz, t, hit, kerb, foot):  # noqa: ANN001, ANN202
    sky = rays.sky
    length = np.sqrt(vx * vx + vy * vy + vz * vz)
    wx, wy, wz = vx / length, vy / length, vz / length
    if hit == HIT_SKY:
        r, g, b = sky_colour(wx, wy, wz, sky)
        return r, g, b, 0
    x, y, z = px + t * vx, py + t * vy, pz + t * vz
    r, g, b, mirror, nx, ny, nz, _, ident = surface(rays, hit, kerb, x, y, z, foot)
    lit = nx * sky[0] + ny * sky[1] + nz * sky[2]
    if lit > 0.0:
        lit *= _sunlit(rays, x, y, z, nx, ny, nz)
    else:
        lit = 0.0
    up = 0.5 + 0.5 * nz
    bounce = 0.16 * (1.0 - up)
    dim = 0.35 + 0.65 * up
    if hit >= 0:  # less sky is seen close to the ground
        dim *= 0.55 + 0.45 * min(max((z - gr.height(x, y, rays.ground)) * 0.6, 0.0), 1.0)
    r *= sky[S_SUNLIGHT] * (lit + bounce) + sky[S_AMBIENT] * (dim + bounce)
    g *= sky[S_SUNLIGHT + 1] * (lit + bounce) + sky[S_AMBIENT + 1] * (dim + bounce)
    b *= sky[S_SUNLIGHT + 2] * (lit + bounce) + sky[S_AMBIENT + 2] * (dim + bounce)
    if mirror > 0.0:
        cosine = -(wx * nx + wy * ny + wz * nz)
        share = mirror + (1.0 - mirror) * (1.0 - min(max(cosine, 0.0), 1.0)) ** 5 * 0.6
        bx, by, bz = wx + 2.0 * cosine * nx, wy + 2.0 * cosine * ny, wz + 2.0 * cosine * nz
        sr, sg, sb = sky_colour(bx, by, bz, sky) if bz > -0.05 else (0.12, 0.12, 0.12)
        glint = mirror * 6.0 * max(bx * sky[0] + by * sky[1] + bz * sky[2], 0.0) ** 200 if lit > 0.0 else 0.0
        r += share * (0.55 * sr - r) + glint * sky[S_SUNLIGHT]
        g += share * (0.55 * sg - g) + glint * sky[S_SUNLIGHT + 1]
        b += share * (0.55 * sb - b) + glint * sky[S_SUNLIGHT + 2]
    haze = np.exp(-sky[S_HAZE] * t * length)
    far = 0.85 * (1.0 - haze)
    return (
        r * haze + sky[S_HORIZON] * far,
        g * haze + sky[S_HORIZON + 1] * far,
        b * haze + sky[S_HORIZON + 2] * far,
        ident,
    )


@pure_kernel
def _pixel_ray(pose, cam2img, u, v):  # noqa: ANN001, ANN202
    x, y = (u - cam2img[0, 2]) / cam2img[0, 0], (v - cam2img[1, 2]) / cam2img[1, 1]
    return (
        pose[0, 0] * x + pose[0, 1] * y + pose[0, 2],
        pose[1, 0] * x + pose[1, 1] * y + pose[1, 2],
        pose[2, 0] * x + pose[2, 1] * y + pose[2, 2],
    )


@pure_kernel
def _shade_pixel(rays, bins, pose, cam2img, cell, u, v):  # noqa: ANN001, ANN202
    vx, vy, vz = _pixel_ray(pose, cam2img, u, v)
    px, py, pz = pose[0, 3], pose[1, 3], pose[2, 3]
    t, hit, kerb = cast(rays, bins, cell, px, py, pz, vx, vy, vz)
    r, g, b, ident = _radiance(rays, px, py, pz, vx, vy, vz, t, hit, kerb, t / cam2img[0, 0])
    return r, g, b, ident


@pure_kernel
def _render(rays, bins, pose, cam2img, colour, idents):  # noqa: ANN001, ANN202
    height, width = idents.shape
    for row in range(height):
        for column in range(width):
            cell = (row // TILE) * bins.columns + column // TILE
            r, g, b, ident = _shade_pixel(rays, bins, pose, cam2img, cell, column, row)
            colour[row, column, 0], colour[row, column, 1], colour[row, column, 2] = r, g, b
            idents[row, column] = ident


@pure_kernel
def _smooth_outlines(rays, bins, pose, cam2img, colour, idents):  # noqa: ANN001, ANN202
    """Supersample pixels whose right or lower neighbour shows another part, on a rotated grid around the centre."""
    height, width = idents.shape
    for row in range(height - 1):
        for column in range(width - 1):
            if idents[row, column] == idents[row, column + 1] and idents[row, column] == idents[row + 1, column]:
                continue
            cell = (row // TILE) * bins.columns + column // TILE
            for k in range(3):
                du, dv = (0.36, -0.14, -0.30)[k], (0.12, 0.38, -0.26)[k]
                r, g, b, _ = _shade_pixel(rays, bins, pose, cam2img, cell, column + du, row + dv)
                colour[row, column, 0] += r
                colour[row, column, 1] += g
                colour[row, column, 2] += b
            for c in range(3):
                colour[row, column, c] *= 0.25


def render(world: World, cam2street: np.ndarray, cam2img: np.ndarray, out: Picture) -> None:
    """Render a pinhole view into ``out``; integer pixel coordinates are pixel centres."""
    height, width = out.ident.shape
    bins = camera_bins(world.prims, cam2street, cam2img, (height, width))
    _render(world.rays, bins, cam2street, cam2img, *out)
    _smooth_outlines(world.rays, bins, cam2street, cam2img, *out)


@pure_kernel
def _depth_only(rays, bins, pose, cam2img, depth, hits):  # noqa: ANN001, ANN202
    height, width = depth.shape
    px, py, pz = pose[0, 3], pose[1, 3], pose[2, 3]
    for row in range(height):
        for column in range(width):
            vx, vy, vz = _pixel_ray(pose, cam2img, column, row)
            t, hit, _ = cast(rays, bins, (row // TILE) * bins.columns + column // TILE, px, py, pz, vx, vy, vz)
            depth[row, column] = t if hit != HIT_SKY else 0.0
            hits[row, column] = hit


def render_depth(
    world: World, cam2street: np.ndarray, cam2img: np.ndarray, image_size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """True z-depth (H, W) float32 in metres, 0 for the sky, and the hit index (H, W) of every pixel."""
    depth, hits = np.zeros(image_size, np.float32), np.zeros(image_size, np.int32)
    _depth_only(world.rays, camera_bins(world.prims, cam2street, cam2img, image_size), cam2street, cam2img, depth, hits)
    return depth, hits


@pure_kernel
def _scan(rays, bins, origin, directions, ranges, hits, categories, reflect):  # noqa: ANN001, ANN202
    per_radian = SECTORS / (2 * np.pi)
    px, py, pz = origin[0], origin[1], origin[2]
    for i in range(directions.shape[0]):
        vx, vy, vz = directions[i, 0], directions[i, 1], directions[i, 2]
        sector = int((np.arctan2(vy, vx) + np.pi) * per_radian) % SECTORS
        t, hit, kerb = cast(rays, bins, sector, px, py, pz, vx, vy, vz)
        ranges[i], hits[i] = t, hit
        if hit == HIT_SKY:
            continue
        r, g, b, _, nx, ny, nz, category, _ = surface(rays, hit, kerb, px + t * vx, py + t * vy, pz + t * vz, 0.02)
        cosine = abs(vx * nx + vy * ny + vz * nz)
        categories[i] = category
        reflect[i] = (0.5 * r + 0.3 * g + 0.2 * b) * (0.25 + 0.75 * cosine)


def scan(
    world: World, origin: np.ndarray, directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cast LiDAR rays of unit ``directions`` (R, 3) from ``origin`` (3,), both in the street frame.

    Returns:
        tuple[np.ndarray, ...]: Range in metres (inf for none), hit index, lidarseg category, reflectivity 0..1; (R,).
    """
    count = len(directions)
    out = np.full(count, np.inf), np.full(count, HIT_SKY, np.int32), np.zeros(count, np.uint8), np.zeros(count)
    _scan(world.rays, lidar_bins(world.prims, origin), origin, directions, *out)
    return out
