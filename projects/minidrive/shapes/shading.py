"""Procedural colours (linear RGB albedo) of the ground."""
# numba infers the types of the arguments of kernels, so they are not annotated:
# mypy: disable-error-code=no-untyped-def

import numpy as np

from . import ground as gr
from .jit import pure_kernel
from .noise import hash01, value_noise2


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
