"""Ray casting of a street at one instant: camera images with depth and segments, and LiDAR scans."""

from typing import NamedTuple

import numpy as np

from . import ground as gr
from .bins import SECTORS, SHADOW_CELL, SHADOW_REACH, TILE, Bins, camera_bins, lidar_bins, shadow_axes, shadow_bins
from .jit import kernel
from .primitives import Prims, local_hit, meet_prim
from .shading import ground_colour, prim_colour
from .sky import S_AMBIENT, S_HAZE, S_HORIZON, S_SUN, S_SUNLIGHT, sky_colour

HIT_GROUND, HIT_SKY = -1, -2
_FACADE_KIND = 0  # boxes get one segment per face


class World(NamedTuple):
    """Everything a ray can meet at one instant, and the light on it."""

    prims: Prims
    ground: np.ndarray
    parcels: np.ndarray
    sky: np.ndarray
    shadows: Bins
    axes: np.ndarray  # (2, 3) plane across the sun


class Picture(NamedTuple):
    """A rendered view.

    ``colour`` (H, W, 3) float32 linear radiance; ``depth`` (H, W) float32 z-depth in metres, 0 for the sky; ``hit``
    (H, W) int32 primitive index, or HIT_GROUND or HIT_SKY; ``ident`` (H, W) int64 identity of the surface part.
    """

    colour: np.ndarray
    depth: np.ndarray
    hit: np.ndarray
    ident: np.ndarray


def make_world(prims: Prims, ground: np.ndarray, parcels: np.ndarray, sky: np.ndarray) -> World:
    """Prepare a world; the shadow lists are built here."""
    sun = sky[S_SUN : S_SUN + 3]
    return World(prims, ground, parcels, sky, shadow_bins(prims, sun), np.stack(shadow_axes(sun)))


@kernel
def cast(world, bins, cell, o, d):  # noqa: ANN001, ANN201
    """First hit of a ray: distance in units of ``d``, primitive (or HIT_GROUND, HIT_SKY), and the kerb-face flag."""
    best, kerb = gr.meet_ground(o, d, world.ground, world.parcels)
    hit = HIT_GROUND if best < np.inf else HIT_SKY
    for k in range(bins.start[cell], bins.start[cell + 1]):
        i = bins.items[k]
        if bins.near[i] >= best:
            break
        t = meet_prim(world.prims, i, o, d, best)
        if t < best:
            best, hit, kerb = t, i, 0.0
    return best, hit, kerb


@kernel
def _sunlit(world, p, n):  # noqa: ANN001, ANN202
    sun = world.sky[S_SUN : S_SUN + 3]
    o = p + 0.02 * n + 0.01 * sun
    u = o[0] * world.axes[0, 0] + o[1] * world.axes[0, 1] + o[2] * world.axes[0, 2]
    v = o[0] * world.axes[1, 0] + o[1] * world.axes[1, 1] + o[2] * world.axes[1, 2]
    column, row = int((u + SHADOW_REACH) / SHADOW_CELL), int((v + SHADOW_REACH) / SHADOW_CELL)
    bins = world.shadows
    if not (0 <= column < bins.columns and 0 <= row < bins.rows):
        return 1.0
    cell = row * bins.columns + column
    for k in range(bins.start[cell], bins.start[cell + 1]):
        if meet_prim(world.prims, bins.items[k], o, sun, np.inf) < np.inf:
            return 0.0
    return 1.0


@kernel
def surface(world, hit, kerb, p, foot):  # noqa: ANN001, ANN201
    """Albedo (3), mirror share, unit normal (3), lidarseg category and segment identity of a hit point."""
    n = np.empty(3)
    if hit == HIT_GROUND:
        r, g, b, kind, ident = ground_colour(p[0], p[1], kerb, world.ground, world.parcels, foot)
        gx, gy = gr.gradient(p[0], p[1], world.ground)
        norm = 1.0 / np.sqrt(1.0 + gx * gx + gy * gy)
        n[0], n[1], n[2] = -gx * norm, -gy * norm, norm
        return r, g, b, 0.0, n, int(gr.KIND_CATEGORY[kind]), ident + 1
    x, y, z, n[0], n[1], n[2], face = local_hit(world.prims, hit, p)
    r, g, b, mirror = prim_colour(world.prims, hit, x, y, z, face, foot)
    agent = world.prims.agent[hit]
    if agent >= 0:
        ident = (1 << 40) + agent * 8 + world.prims.part[hit]
    else:
        ident = (1 << 32) + (world.prims.seed[hit] * 8 + world.prims.part[hit]) * 8
        if world.prims.kind[hit] == _FACADE_KIND:
            ident += face
    return r, g, b, mirror, n, world.prims.category[hit], ident


@kernel
def _radiance(world, o, d, t, hit, kerb, foot):  # noqa: ANN001, ANN202
    sky = world.sky
    length = np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
    view = d / length
    if hit == HIT_SKY:
        r, g, b = sky_colour(view, sky)
        return r, g, b, 0
    p = o + t * d
    r, g, b, mirror, n, _, ident = surface(world, hit, kerb, p, foot)
    facing = n[0] * sky[0] + n[1] * sky[1] + n[2] * sky[2]
    lit = facing * _sunlit(world, p, n) if facing > 0.0 and sky[S_SUNLIGHT] > 0.2 else max(facing, 0.0) * 0.5
    up = 0.5 + 0.5 * n[2]
    bounce = 0.16 * (1.0 - up)
    rise = p[2] - gr.height(p[0], p[1], world.ground)
    open_sky = 0.55 + 0.45 * min(max(rise * 0.6, 0.0), 1.0) if hit >= 0 else 1.0  # darker near the ground
    k = (0.35 + 0.65 * up) * open_sky
    out = np.empty(3)
    out[0], out[1], out[2] = r, g, b
    for c in range(3):
        out[c] *= sky[S_SUNLIGHT + c] * lit + sky[S_AMBIENT + c] * k + bounce * (sky[S_SUNLIGHT + c] + sky[S_AMBIENT + c])
    if mirror > 0.0:
        cosine = -(view[0] * n[0] + view[1] * n[1] + view[2] * n[2])
        share = mirror + (1.0 - mirror) * (1.0 - min(max(cosine, 0.0), 1.0)) ** 5 * 0.6
        bend = view + 2.0 * cosine * n
        sr, sg, sb = sky_colour(bend, sky) if bend[2] > -0.05 else (0.12, 0.12, 0.12)
        glint = max(bend[0] * sky[0] + bend[1] * sky[1] + bend[2] * sky[2], 0.0) ** 200 * 6.0 * (1.0 if lit > 0.0 else 0.0)
        out[0] += share * (0.55 * sr - out[0]) + mirror * glint * sky[S_SUNLIGHT]
        out[1] += share * (0.55 * sg - out[1]) + mirror * glint * sky[S_SUNLIGHT + 1]
        out[2] += share * (0.55 * sb - out[2]) + mirror * glint * sky[S_SUNLIGHT + 2]
    haze = np.exp(-sky[S_HAZE] * t * length)
    for c in range(3):
        out[c] = out[c] * haze + 0.85 * sky[S_HORIZON + c] * (1.0 - haze)
    return out[0], out[1], out[2], ident


@kernel
def _pixel_ray(pose, cam2img, u, v):  # noqa: ANN001, ANN202
    x, y = (u - cam2img[0, 2]) / cam2img[0, 0], (v - cam2img[1, 2]) / cam2img[1, 1]
    d = np.empty(3)
    for c in range(3):
        d[c] = pose[c, 0] * x + pose[c, 1] * y + pose[c, 2]
    return d


@kernel
def _render(world, bins, pose, cam2img, colour, depth, hits, idents):  # noqa: ANN001, ANN202
    height, width = depth.shape
    o = pose[:3, 3].copy()
    pixel = 1.0 / cam2img[0, 0]
    for row in range(height):
        for column in range(width):
            d = _pixel_ray(pose, cam2img, column, row)
            t, hit, kerb = cast(world, bins, (row // TILE) * bins.columns + column // TILE, o, d)
            r, g, b, ident = _radiance(world, o, d, t, hit, kerb, t * pixel)
            colour[row, column, 0], colour[row, column, 1], colour[row, column, 2] = r, g, b
            depth[row, column] = t if hit != HIT_SKY else 0.0
            hits[row, column], idents[row, column] = hit, ident
    for row in range(height - 1):
        for column in range(width - 1):
            if idents[row, column] == idents[row, column + 1] and idents[row, column] == idents[row + 1, column]:
                continue
            for k in range(3):  # supersample the outlines: a rotated grid around the pixel centre
                du, dv = (0.36, -0.14, -0.30)[k], (0.12, 0.38, -0.26)[k]
                d = _pixel_ray(pose, cam2img, column + du, row + dv)
                t, hit, kerb = cast(world, bins, (row // TILE) * bins.columns + column // TILE, o, d)
                r, g, b, _ = _radiance(world, o, d, t, hit, kerb, t * pixel)
                colour[row, column, 0] += r
                colour[row, column, 1] += g
                colour[row, column, 2] += b
            for c in range(3):
                colour[row, column, c] *= 0.25


def render(world: World, cam2street: np.ndarray, cam2img: np.ndarray, image_size: tuple[int, int]) -> Picture:
    """Render a pinhole view; integer pixel coordinates are pixel centres."""
    height, width = image_size
    picture = Picture(
        np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32),
        np.zeros((height, width), np.int32), np.zeros((height, width), np.int64),
    )  # fmt: skip
    bins = camera_bins(world.prims, cam2street, cam2img, image_size)
    _render(world, bins, cam2street, cam2img, *picture)
    return picture


@kernel
def _depth_only(world, bins, pose, cam2img, depth, hits):  # noqa: ANN001, ANN202
    height, width = depth.shape
    o = pose[:3, 3].copy()
    for row in range(height):
        for column in range(width):
            d = _pixel_ray(pose, cam2img, column, row)
            t, hit, _ = cast(world, bins, (row // TILE) * bins.columns + column // TILE, o, d)
            depth[row, column] = t if hit != HIT_SKY else 0.0
            hits[row, column] = hit


def render_depth(
    world: World, cam2street: np.ndarray, cam2img: np.ndarray, image_size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """True z-depth (H, W) float32 in metres, 0 for the sky, and the hit index (H, W) of every pixel."""
    depth, hits = np.zeros(image_size, np.float32), np.zeros(image_size, np.int32)
    _depth_only(world, camera_bins(world.prims, cam2street, cam2img, image_size), cam2street, cam2img, depth, hits)
    return depth, hits


@kernel
def _scan(world, bins, origin, directions, ranges, hits, categories, reflect):  # noqa: ANN001, ANN202
    per_radian = SECTORS / (2 * np.pi)
    for i in range(directions.shape[0]):
        d = directions[i]
        sector = int((np.arctan2(d[1], d[0]) + np.pi) * per_radian) % SECTORS
        t, hit, kerb = cast(world, bins, sector, origin, d)
        ranges[i], hits[i] = t, hit
        if hit == HIT_SKY:
            continue
        r, g, b, _, n, category, _ = surface(world, hit, kerb, origin + t * d, 0.02)
        cosine = abs(d[0] * n[0] + d[1] * n[1] + d[2] * n[2])
        categories[i] = category
        reflect[i] = (0.5 * r + 0.3 * g + 0.2 * b) * (0.25 + 0.75 * cosine)


def scan(world: World, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cast LiDAR rays of unit ``directions`` (R, 3) from ``origin`` (3,), both in the street frame.

    Returns:
        tuple[np.ndarray, ...]: Range in metres (inf for none), hit index, lidarseg category, reflectivity 0..1; (R,).
    """
    count = len(directions)
    out = np.full(count, np.inf), np.full(count, HIT_SKY, np.int32), np.zeros(count, np.uint8), np.zeros(count)
    _scan(world, lidar_bins(world.prims, origin), origin, directions, *out)
    return out
