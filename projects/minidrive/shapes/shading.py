"""Procedural surface colours (linear RGB albedo and a mirror share) of the ground and of every material."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np

from . import ground as gr
from . import materials as m
from .jit import pure_kernel
from .noise import hash01, value_noise2, value_noise3
from .primitives import BOX, T_COLOUR, T_HALF, T_KIND, T_MATERIAL, T_SEED


@pure_kernel
def _marking(s, d, g):  # noqa: ANN001, ANN202
    """Road paint at road coordinates: 0 none, 1 white, 2 yellow."""
    width = abs(d)
    median, lane, lanes = g[gr.G_MEDIAN], g[gr.G_LANE], g[gr.G_LANES]
    style = int(g[gr.G_LINE_STYLE])
    cross = abs(s - g[gr.G_CROSS_S])
    gap = g[gr.G_CROSSWALK]
    if gap > 1.0 and cross < gap + 2.9:
        if gap <= cross <= gap + 2.6 and width < g[gr.G_ROAD + 5] - 0.4:
            return 1 if (d / 0.9) % 1.0 < 0.5 else 0
        return 0
    if 0.0 < gap <= 1.0 and cross < 1.6 and width < g[gr.G_ROAD + 5] - 0.4:
        return 1 if (d / 0.9) % 1.0 < 0.5 else 0
    if gap > 1.0 and gap + 3.6 < cross < gap + 4.0 and median < width < median + lane * lanes:
        return 1 if (d < 0) == (s < g[gr.G_CROSS_S]) else 0
    if median == 0.0:
        if style == 0:
            if 0.06 < width < 0.18:
                return 2
        elif width < 0.08 and (style == 1 or s % 9.0 < 4.0):
            return 2 if style == 1 else 1
    elif abs(width - median - 0.25) < 0.06:
        return 2
    if lanes > 1.5 and abs(width - median - lane) < 0.07 and s % 9.0 < 3.2:
        return 1
    if abs(width - median - lane * lanes) < 0.07:
        if g[gr.G_PARKING] == 0.0:
            return 1
        return 1 if s % 1.2 < 0.6 else 0
    if g[gr.G_PARKING] > 0.0 and width > median + lane * lanes and s % 6.2 < 0.12:
        return 1
    return 0


@pure_kernel
def _asphalt(x, y, s, d, s2, d2, edge, g, foot, seed):  # noqa: ANN001, ANN202
    tone = 0.075 * g[gr.G_TONE]
    coarse = value_noise2(x * 0.22, y * 0.22, seed)
    tone *= 0.78 + 0.45 * coarse
    fine = max(0.0, 1.0 - foot * 18.0)
    if fine > 0.0:
        tone *= 1.0 + fine * 0.4 * (value_noise2(x * 22.0, y * 22.0, seed + 1) - 0.5)
    if foot < 0.12:
        crack = abs(value_noise2(x * 0.5, y * 0.5, seed + 2) - 0.5)
        tone *= 1.0 - (0.35 if crack < 0.006 else 0.0) * (1.0 - foot / 0.12)
        if value_noise2(s * 0.12, d * 0.3, seed + 3) > 0.72:
            tone *= 0.72  # patched
    lane = g[gr.G_LANE]
    track = abs(((abs(d) - g[gr.G_MEDIAN]) / lane) % 1.0 - 0.5) * lane  # darker wheel tracks, oil in the middle
    tone *= 1.0 - 0.10 * np.exp(-((track - 0.8) ** 2) * 8.0)
    r, gg, b = tone, tone, tone * 1.03
    paint = 0
    if abs(d) <= g[gr.G_ROAD + 5]:
        on_cross = g[gr.G_ROADS] > 1.5 and abs(d2) < g[gr.G_ROAD + gr.ROAD_SIZE + 5] + 0.8
        paint = 0 if on_cross else _marking(s, d, g)
    elif g[gr.G_ROADS] > 1.5 and edge < -0.5 and abs(d2) < 0.08 and s2 % 9.0 < 4.0:
        paint = 1
    if paint > 0:
        wear = 0.35 + 0.5 * value_noise2(x * 3.0, y * 3.0, seed + 4) + 0.35 * value_noise2(x * 14.0, y * 14.0, seed + 5)
        wear = min(wear, 0.95)
        r = r * (1 - wear) + 0.62 * wear
        gg = gg * (1 - wear) + (0.60 if paint == 1 else 0.42) * wear
        b = b * (1 - wear) + (0.57 if paint == 1 else 0.06) * wear
    return r, gg, b


@pure_kernel
def ground_colour(x, y, kerb_face, g, parcels, foot):  # noqa: ANN001, ANN201
    """Albedo of the ground at a point.

    Returns:
        tuple: r, g, b, the region kind, and an identity for the image segments.
    """
    kind, offset, edge, margin, s, d, s2, d2 = gr.region(x, y, g, parcels)
    seed = int(g[gr.G_SEED])
    block = int(np.floor(s / 15.0)) + 64
    ident = (kind * 256 + block) * 16 + (1 if d > 0 else 0)
    if kerb_face > 0.5 or (offset > 0.0 and margin < 0.16):
        c = 0.33 + 0.12 * value_noise2(x * 3.0, y * 3.0, seed)
        joint = 0.75 if s % 1.0 < 0.03 and foot < 0.03 else 1.0
        category = kind if offset > 0.0 else (gr.MEDIAN if abs(d) < g[gr.G_MEDIAN] + 0.3 else gr.WALK)
        return c * joint, c * joint, c * joint * 0.96, category, ident
    n = value_noise2(x * 0.35, y * 0.35, seed + 7)
    fine = value_noise2(x * 9.0, y * 9.0, seed + 8) if foot < 0.15 else 0.5
    if kind == gr.ASPHALT:
        r, gg, b = _asphalt(x, y, s, d, s2, d2, edge, g, foot, seed)
        return r, gg, b, kind, ident + 2 * min(int((abs(d)) / g[gr.G_LANE]), 6)
    if kind == gr.WALK:
        tile = 0.5 + 1.2 * hash01(seed, 3, 3, 3)
        c = 0.24 + 0.10 * hash01(seed, 1, 2, 3) + 0.05 * (n - 0.5) + 0.04 * (fine - 0.5)
        c += 0.05 * (hash01(int(np.floor(s / tile)), int(np.floor(d / tile)), seed, 9) - 0.5)
        if foot < 0.06 and (s % tile < 0.025 or d % tile < 0.025):
            c *= 0.72
        return c * 1.02, c * 0.99, c * 0.93, kind, ident
    if kind == gr.GRASS or kind == gr.VERGE:
        dry = min(max((value_noise2(x * 0.12, y * 0.12, seed + 9) - 0.45) * 2.5, 0.0), 1.0) * hash01(seed, 5, 5, 5)
        c = 0.75 + 0.5 * n + 0.7 * (fine - 0.5)
        return (0.065 + 0.12 * dry) * c, (0.12 + 0.045 * dry) * c, (0.03 + 0.025 * dry) * c, kind, ident
    if kind == gr.DIRT:
        c = 0.8 + 0.35 * n + 0.5 * (fine - 0.5)
        return 0.21 * c, 0.155 * c, 0.10 * c, kind, ident
    if kind == gr.PARKING_LOT:
        c = 0.13 * (0.85 + 0.3 * n + 0.25 * (fine - 0.5))
        if s % 2.6 < 0.11 and edge % 11.0 < 4.8:
            return 0.5, 0.5, 0.48, kind, ident
        return c * 1.08, c, c * 0.92, kind, ident
    # Medians and paved places: herringbone of reddish stones
    row = np.floor(d / 0.22)
    stone = hash01(int(np.floor(s / 0.42 + 0.5 * (row % 2))), int(row), seed, 4)
    c = 0.85 + 0.3 * (n - 0.5) + (0.45 * (stone - 0.5) if foot < 0.1 else 0.0)
    return 0.27 * c, 0.15 * c, 0.11 * c, kind, ident


@pure_kernel
def _facade(table, i, x, y, z, face, foot):  # noqa: ANN001, ANN202
    half, colour, seed = table[i, T_HALF:], table[i, T_COLOUR:], int(table[i, T_SEED])
    r, g, b = colour[0], colour[1], colour[2]
    if face >= 4:
        return 0.2, 0.2, 0.2, 0.0
    u = y * half[1] if face < 2 else x * half[0]
    span = 2.0 * (half[1] if face < 2 else half[0])
    v = (z + 1.0) * half[2] - 2.0
    floor_height = 2.7 + 1.2 * hash01(seed, 1, 1, 1)
    cell = span / max(np.floor(span / (1.6 + 2.2 * hash01(seed, 2, 1, 1))), 1.0)
    level, column = np.floor(v / floor_height), np.floor((u + 0.5 * span) / cell)
    a, c = (u + 0.5 * span) / cell - column, v / floor_height - level
    style = hash01(seed, 3, 1, 1)
    dirt = 0.88 + 0.24 * value_noise2(u * 0.5 + face * 17.0, v * 0.35, seed)
    if foot < 0.05 and style < 0.4:  # brick courses
        row = np.floor(v / 0.09)
        dirt *= 0.86 + 0.28 * hash01(int(np.floor(u / 0.26 + 0.5 * (row % 2))), int(row), seed, 2)
    r, g, b = r * dirt, g * dirt, b * dirt
    if abs(c - 0.02) < 0.03 and style > 0.55:
        r, g, b = r * 0.8, g * 0.8, b * 0.8
    wide = 0.55 + 0.4 * hash01(seed, 4, 1, 1) if style < 0.8 else 0.96
    tall = 0.5 + 0.25 * hash01(seed, 5, 1, 1)
    shop = level < 0.5 and hash01(seed, 6, 1, 1) < 0.55
    if shop:
        wide, tall = 0.88, 0.72
        if v > 0.82 * floor_height:
            return colour[3], colour[4], colour[5], 0.0
    if level < -0.5 or v > 2.0 * half[2] - 2.6:
        return r, g, b, 0.0
    low = 0.12 if shop else 0.5 * (1.0 - tall) + 0.06
    door = level < 0.5 and not shop and int(column) % 4 == 1
    if door:
        low = 0.0
    du, dv = abs(a - 0.5) / (0.5 * wide), (c - low) / tall
    fade = min(max(1.6 - 5.0 * foot / cell, 0.0), 1.0)
    if du < 1.0 and 0.0 < dv < 1.0:
        if door:
            return 0.16, 0.08, 0.05, 0.02
        key = hash01(int(column), int(level), seed, face + 10)
        dark = 0.03 + 0.10 * key * key
        frame = (du > 0.86 or dv > 0.92 or dv < 0.06 or (style < 0.7 and du < 0.05)) and foot < 0.12
        if frame:
            return 0.45, 0.45, 0.44, 0.0
        if key > 0.72 and dv > 1.9 - 1.6 * key:  # blinds
            return 0.40, 0.38, 0.33, 0.05
        mean = 0.25 * (1.0 - fade)
        return dark * fade + r * mean, dark * 1.1 * fade + g * mean, dark * 1.25 * fade + b * mean, 0.42 * fade
    return r * (0.6 + 0.4 * fade), g * (0.6 + 0.4 * fade), b * (0.6 + 0.4 * fade), 0.0


@pure_kernel
def _car(table, i, x, y, z, face):  # noqa: ANN001, ANN202
    half, c = table[i, T_HALF:], table[i, T_COLOUR:]
    if face == 0 or face == 1:
        edge = abs(y)
        if 0.58 < edge < 0.93 and 0.15 < z < 0.72:
            return (0.75, 0.75, 0.72, 0.3) if face == 0 else (0.50, 0.015, 0.01, 0.15)
        if edge < 0.27 and -0.15 < z < 0.22:
            return 0.62, 0.62, 0.58, 0.0
        if z < -0.55 or (face == 0 and edge < 0.55 and -0.5 < z < 0.5):
            return 0.03, 0.03, 0.03, 0.05
    elif face == 2 or face == 3:
        u, v = x * half[0], (z + 1.0) * half[2] + 0.22
        for axle in (0.62, -0.60):
            if (u - axle * half[0]) ** 2 + (v - 0.35) ** 2 < 0.43**2:
                return 0.012, 0.012, 0.012, 0.0
        if z < -0.78:
            return 0.03, 0.03, 0.03, 0.0
        if z > -0.7 and (abs(x - 0.28) < 0.006 or abs(x + 0.16) < 0.006 or abs(x + 0.52) < 0.006):
            return c[0] * 0.25, c[1] * 0.25, c[2] * 0.25, 0.0
        if 0.45 < z < 0.6 and (abs(x + 0.08) < 0.03 or abs(x + 0.45) < 0.03):
            return 0.2, 0.2, 0.2, 0.2
        if z > 0.9:
            return 0.02, 0.02, 0.02, 0.1
    return c[0], c[1], c[2], 0.10


@pure_kernel
def _glazing(table, i, x, y, z, face, is_bus):  # noqa: ANN001, ANN202
    """Body with windows: cabin of a car, or the whole body of a bus or lorry cab."""
    half, c = table[i, T_HALF:], table[i, T_COLOUR:]
    glass = False
    if is_bus:
        if face == 0:
            glass = -0.15 < z < 0.72 and abs(y) < 0.9
            if z < -0.45 and 0.55 < abs(y) < 0.85 and z > -0.7:
                return 0.75, 0.75, 0.7, 0.2
        elif face == 1:
            glass = 0.1 < z < 0.6 and abs(y) < 0.75
            if -0.75 < z < -0.5 and abs(y) > 0.75:
                return 0.5, 0.02, 0.01, 0.1
        elif face < 4:
            pitch = 1.45
            glass = -0.05 < z < 0.6 and ((x * half[0] + 50.0) % pitch) > 0.12 and abs(x) < 0.97
            if z < -0.72:
                return c[0] * 0.35, c[1] * 0.35, c[2] * 0.35, 0.05
    elif face < 2:
        glass = abs(y) < 0.86 and abs(z) < 0.93
    elif face < 4:
        glass = abs(z) < 0.85 and abs(x) < 0.9 and abs(x - 0.05) > 0.045
    if glass:
        return c[3], c[4], c[5], 0.45
    return c[0], c[1], c[2], 0.08


@pure_kernel
def prim_colour(table, i, x, y, z, face, foot):  # noqa: ANN001, ANN201
    """Albedo r, g, b and mirror share of primitive ``i`` at unit coordinates."""
    material, seed = int(table[i, T_MATERIAL]), int(table[i, T_SEED])
    c, half = table[i, T_COLOUR:], table[i, T_HALF:]
    if material == m.FACADE:
        return _facade(table, i, x, y, z, face, foot)
    if material == m.FOLIAGE:
        lx, ly, lz = x * half[0], y * half[1], z * half[2]
        n = value_noise3(lx * 2.2, ly * 2.2, lz * 2.2, seed)
        n = 0.5 * n + 0.5 * (value_noise3(lx * 9.0, ly * 9.0, lz * 9.0, seed + 1) if foot < 0.2 else 0.5)
        k = (0.35 + 1.3 * n) * (0.75 + 0.25 * z)
        return c[0] * k, c[1] * k, c[2] * k, 0.0
    if material == m.CAR_BODY:
        return _car(table, i, x, y, z, face)
    if material == m.CABIN or material == m.BUS_BODY:
        return _glazing(table, i, x, y, z, face, material == m.BUS_BODY)
    if material == m.WHEEL:
        radius = np.sqrt(x * x + y * y)
        if face == 6 or radius > 0.68:
            return 0.02, 0.02, 0.02, 0.0
        spoke = (np.arctan2(y, x) * 5.0 / (2 * np.pi)) % 1.0
        return (0.32, 0.32, 0.33, 0.1) if spoke < 0.6 or radius < 0.2 else (0.04, 0.04, 0.04, 0.0)
    if material == m.CONE:
        return (0.7, 0.7, 0.68, 0.0) if -0.15 < z < 0.3 else (c[0], c[1], c[2], 0.0)
    if material == m.BARRIER:
        if seed == 1:
            return (0.68, 0.68, 0.66, 0.0) if (y * half[1] / 0.35 + z * 0.5) % 1.0 < 0.5 else (c[0], c[1], c[2], 0.0)
        k = 0.75 + 0.4 * value_noise2(y * half[1] * 1.5, z * 2.0, seed)
        return c[0] * k, c[1] * k, c[2] * k, 0.0
    if material == m.SIGN:
        if seed == -1:
            lamp = int((z + 1.0) * 1.5)
            if face == 0 and (y * half[1]) ** 2 + ((((z + 1.0) * 1.5) % 1.0 - 0.5) * 0.3) ** 2 < 0.011:
                return (
                    (0.1, 0.9, 0.3, 0.0)
                    if lamp == 0
                    else (0.12, 0.09, 0.02, 0.0)
                    if lamp == 1
                    else (0.2, 0.02, 0.02, 0.0)
                )
            return c[0], c[1], c[2], 0.0
        if face == 4:
            radius = max(abs(x), abs(y)) if table[i, T_KIND] == BOX else np.sqrt(x * x + y * y)
            inner = seed % 3 == 0 or (seed % 3 == 1 and abs(x) < 0.2)
            return (
                (c[3], c[4], c[5], 0.0) if (radius < 0.72 and inner) or 0.9 < radius < 0.96 else (c[0], c[1], c[2], 0.0)
            )
        return 0.25, 0.25, 0.25, 0.0
    if material == m.CARGO:
        u = x * half[0] if face == 2 or face == 3 else y * half[1]
        k = 0.9 + 0.1 * np.sin(u * 2 * np.pi / 0.35) if foot < 0.12 else 0.92
        if (face == 2 or face == 3) and seed % 3 == 0 and abs(x) < 0.5 and abs(z) < 0.35:
            return 0.9 - c[0], 0.8 - 0.8 * c[1], 0.75 - 0.7 * c[2], 0.0
        if face == 1 and abs(y) < 0.02:
            k *= 0.4
        return c[0] * k, c[1] * k, c[2] * k, 0.04
    if material == m.CLOTH:
        if (c[3] != c[0] or c[4] != c[1]) and (z > 0.25 or (x < -0.1 and z > -0.3)):
            return c[3], c[4], c[5], 0.0
        k = 0.8 + 0.4 * value_noise3(x * half[0] * 9.0, y * half[1] * 9.0, z * half[2] * 9.0, seed)
        return c[0] * k, c[1] * k, c[2] * k, 0.0
    if material == m.BARK:
        k = 0.6 + 0.8 * value_noise2(np.arctan2(y, x) * 4.0, z * half[2] * 1.5, seed)
        return c[0] * k, c[1] * k, c[2] * k, 0.0
    if material == m.FENCE:
        u = x * half[0]
        k = 0.75 + 0.4 * hash01(int(np.floor(u / 0.14)), seed, 1, 1)
        if foot < 0.08 and u % 0.14 < 0.012:
            k *= 0.3
        return c[0] * k, c[1] * k, c[2] * k, 0.0
    if material == m.WALL or material == m.ROOF:
        u, v = x * half[0] + y * half[1], z * half[2]
        if material == m.ROOF:
            v *= 1.6
        row = np.floor(v / 0.2)
        k = 0.8 + 0.3 * value_noise2(u * 0.8, v * 0.8, seed)
        if foot < 0.1:
            k *= 0.85 + 0.3 * hash01(int(np.floor(u / 0.42 + 0.5 * (row % 2))), int(row), seed, 2)
        return c[0] * k, c[1] * k, c[2] * k, 0.0
    if material == m.LAMP:
        return (c[0], c[1], c[2], 0.2) if y > 0 else (c[3], c[4], c[5], 0.2)
    if material == m.METAL:
        k = 0.85 + 0.3 * value_noise3(x * half[0] * 3.0, y * half[1] * 3.0, z * half[2] * 3.0, seed)
        return c[0] * k, c[1] * k, c[2] * k, 0.06
    return c[0], c[1], c[2], 0.0
