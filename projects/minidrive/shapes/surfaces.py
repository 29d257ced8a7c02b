"""Procedural colours (linear RGB albedo and a mirror share) of the surfaces of primitives, by material."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np

from . import materials as m
from .jit import pure_kernel
from .noise import hash01, value_noise2, value_noise3
from .primitives import BOX, T_COLOUR, T_HALF, T_KIND, T_MATERIAL, T_SEED


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
def _foliage(table, i, x, y, z, foot):  # noqa: ANN001, ANN202
    c, half, seed = table[i, T_COLOUR:], table[i, T_HALF:], int(table[i, T_SEED])
    lx, ly, lz = x * half[0], y * half[1], z * half[2]
    n = value_noise3(lx * 2.2, ly * 2.2, lz * 2.2, seed)
    n = 0.5 * n + 0.5 * (value_noise3(lx * 9.0, ly * 9.0, lz * 9.0, seed + 1) if foot < 0.2 else 0.5)
    k = (0.35 + 1.3 * n) * (0.75 + 0.25 * z)
    return c[0] * k, c[1] * k, c[2] * k, 0.0


@pure_kernel
def _wheel(x, y, face):  # noqa: ANN001, ANN202
    radius = np.sqrt(x * x + y * y)
    if face == 6 or radius > 0.68:
        return 0.02, 0.02, 0.02, 0.0
    spoke = (np.arctan2(y, x) * 5.0 / (2 * np.pi)) % 1.0
    return (0.32, 0.32, 0.33, 0.1) if spoke < 0.6 or radius < 0.2 else (0.04, 0.04, 0.04, 0.0)


@pure_kernel
def _barrier(table, i, y, z):  # noqa: ANN001, ANN202
    c, half, seed = table[i, T_COLOUR:], table[i, T_HALF:], int(table[i, T_SEED])
    if seed == 1:
        return (0.68, 0.68, 0.66, 0.0) if (y * half[1] / 0.35 + z * 0.5) % 1.0 < 0.5 else (c[0], c[1], c[2], 0.0)
    k = 0.75 + 0.4 * value_noise2(y * half[1] * 1.5, z * 2.0, seed)
    return c[0] * k, c[1] * k, c[2] * k, 0.0


@pure_kernel
def _sign(table, i, x, y, z, face):  # noqa: ANN001, ANN202
    """A traffic light (seed -1) or a traffic sign."""
    c, half, seed = table[i, T_COLOUR:], table[i, T_HALF:], int(table[i, T_SEED])
    if seed == -1:
        lamp = int((z + 1.0) * 1.5)
        if face == 0 and (y * half[1]) ** 2 + ((((z + 1.0) * 1.5) % 1.0 - 0.5) * 0.3) ** 2 < 0.011:
            if lamp == 0:
                return 0.1, 0.9, 0.3, 0.0
            return (0.12, 0.09, 0.02, 0.0) if lamp == 1 else (0.2, 0.02, 0.02, 0.0)
        return c[0], c[1], c[2], 0.0
    if face == 4:
        radius = max(abs(x), abs(y)) if table[i, T_KIND] == BOX else np.sqrt(x * x + y * y)
        inner = seed % 3 == 0 or (seed % 3 == 1 and abs(x) < 0.2)
        painted = (radius < 0.72 and inner) or 0.9 < radius < 0.96
        return (c[3], c[4], c[5], 0.0) if painted else (c[0], c[1], c[2], 0.0)
    return 0.25, 0.25, 0.25, 0.0


@pure_kernel
def _cargo(table, i, x, y, z, face, foot):  # noqa: ANN001, ANN202
    c, half, seed = table[i, T_COLOUR:], table[i, T_HALF:], int(table[i, T_SEED])
    u = x * half[0] if face == 2 or face == 3 else y * half[1]
    k = 0.9 + 0.1 * np.sin(u * 2 * np.pi / 0.35) if foot < 0.12 else 0.92
    if (face == 2 or face == 3) and seed % 3 == 0 and abs(x) < 0.5 and abs(z) < 0.35:
        return 0.9 - c[0], 0.8 - 0.8 * c[1], 0.75 - 0.7 * c[2], 0.0
    if face == 1 and abs(y) < 0.02:
        k *= 0.4
    return c[0] * k, c[1] * k, c[2] * k, 0.04


@pure_kernel
def _cloth(table, i, x, y, z):  # noqa: ANN001, ANN202
    c, half, seed = table[i, T_COLOUR:], table[i, T_HALF:], int(table[i, T_SEED])
    if (c[3] != c[0] or c[4] != c[1]) and (z > 0.25 or (x < -0.1 and z > -0.3)):
        return c[3], c[4], c[5], 0.0
    k = 0.8 + 0.4 * value_noise3(x * half[0] * 9.0, y * half[1] * 9.0, z * half[2] * 9.0, seed)
    return c[0] * k, c[1] * k, c[2] * k, 0.0


@pure_kernel
def _fence(table, i, x, foot):  # noqa: ANN001, ANN202
    c, half, seed = table[i, T_COLOUR:], table[i, T_HALF:], int(table[i, T_SEED])
    u = x * half[0]
    k = 0.75 + 0.4 * hash01(int(np.floor(u / 0.14)), seed, 1, 1)
    if foot < 0.08 and u % 0.14 < 0.012:
        k *= 0.3
    return c[0] * k, c[1] * k, c[2] * k, 0.0


@pure_kernel
def _masonry(table, i, x, y, z, foot, roof):  # noqa: ANN001, ANN202
    c, half, seed = table[i, T_COLOUR:], table[i, T_HALF:], int(table[i, T_SEED])
    u, v = x * half[0] + y * half[1], z * half[2]
    if roof:
        v *= 1.6
    row = np.floor(v / 0.2)
    k = 0.8 + 0.3 * value_noise2(u * 0.8, v * 0.8, seed)
    if foot < 0.1:
        k *= 0.85 + 0.3 * hash01(int(np.floor(u / 0.42 + 0.5 * (row % 2))), int(row), seed, 2)
    return c[0] * k, c[1] * k, c[2] * k, 0.0


@pure_kernel
def prim_colour(table, i, x, y, z, face, foot):  # noqa: ANN001, ANN201
    """Albedo r, g, b and mirror share of primitive ``i`` at unit coordinates."""
    material, seed = int(table[i, T_MATERIAL]), int(table[i, T_SEED])
    c, half = table[i, T_COLOUR:], table[i, T_HALF:]
    if material == m.FACADE:
        return _facade(table, i, x, y, z, face, foot)
    if material == m.FOLIAGE:
        return _foliage(table, i, x, y, z, foot)
    if material == m.CAR_BODY:
        return _car(table, i, x, y, z, face)
    if material == m.CABIN or material == m.BUS_BODY:
        return _glazing(table, i, x, y, z, face, material == m.BUS_BODY)
    if material == m.WHEEL:
        return _wheel(x, y, face)
    if material == m.CONE:
        return (0.7, 0.7, 0.68, 0.0) if -0.15 < z < 0.3 else (c[0], c[1], c[2], 0.0)
    if material == m.BARRIER:
        return _barrier(table, i, y, z)
    if material == m.SIGN:
        return _sign(table, i, x, y, z, face)
    if material == m.CARGO:
        return _cargo(table, i, x, y, z, face, foot)
    if material == m.CLOTH:
        return _cloth(table, i, x, y, z)
    if material == m.BARK:
        k = 0.6 + 0.8 * value_noise2(np.arctan2(y, x) * 4.0, z * half[2] * 1.5, seed)
        return c[0] * k, c[1] * k, c[2] * k, 0.0
    if material == m.FENCE:
        return _fence(table, i, x, foot)
    if material == m.WALL or material == m.ROOF:
        return _masonry(table, i, x, y, z, foot, material == m.ROOF)
    if material == m.LAMP:
        return (c[0], c[1], c[2], 0.2) if y > 0 else (c[3], c[4], c[5], 0.2)
    if material == m.METAL:
        k = 0.85 + 0.3 * value_noise3(x * half[0] * 3.0, y * half[1] * 3.0, z * half[2] * 3.0, seed)
        return c[0] * k, c[1] * k, c[2] * k, 0.06
    return c[0], c[1], c[2], 0.0
