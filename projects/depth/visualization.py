"""Pictures of depth maps, drawn in software without a display. All pictures are RGB uint8, H x W; P pixels."""

import cv2
import matplotlib
import numpy as np

from projects.engine.picture_layout import FONT, fit_width

NEAR, FAR = 3.0, 80.0
MAX_ERROR = 0.5
MAX_SCALE = 0.5
# A map with more truth than this is drawn as an area; a sparser one as points over the image.
_DENSE_SHARE = 0.3


def colour_depth(depth: np.ndarray, near: float = NEAR, far: float = FAR) -> np.ndarray:
    """Depth in metres as colours in equal ratios, red near and blue far; black where there is none."""
    share = np.log(np.clip(depth, near, far) / near) / np.log(far / near)
    colours = matplotlib.colormaps['turbo_r'](share)[..., :3]
    colours[~(depth > 0)] = 0.0
    return (255 * colours).astype(np.uint8)


def colour_error(error: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Relative error from dark (0) to bright (50 % and more); grey where there is no truth."""
    colours = matplotlib.colormaps['inferno'](np.clip(error / MAX_ERROR, 0, 1))[..., :3]
    colours[~valid] = 0.35
    return (255 * colours).astype(np.uint8)


def colour_scale(scale: np.ndarray) -> np.ndarray:
    """Predicted scale of the log-depth error from dark (0) to bright (0.5 and more)."""
    return (255 * matplotlib.colormaps['inferno'](np.clip(scale / MAX_SCALE, 0, 1))[..., :3]).astype(np.uint8)


def paint_points(image: np.ndarray, pixels: np.ndarray, colours: np.ndarray, radius: int = 1) -> np.ndarray:
    """Paint squares in the given order, later ones over earlier ones.

    Args:
        image (np.ndarray): Picture. Shape (H, W, 3).
        pixels (np.ndarray): Columns and rows of the centres; those outside are left out. Shape (P, 2).
        colours (np.ndarray): Shape (P, 3), uint8.
        radius (int): Half the side of a square, less the centre. Defaults to 1 (3x3 pixels).

    Returns:
        np.ndarray: A painted copy.
    """
    canvas = np.ascontiguousarray(image).copy()
    corners = np.round(pixels).astype(int) - radius
    side = 2 * radius
    for (column, row), colour in zip(corners.tolist(), colours.tolist()):
        if -side <= column < image.shape[1] and -side <= row < image.shape[0]:
            canvas[max(row, 0) : row + side + 1, max(column, 0) : column + side + 1] = colour
    return canvas


def overlay_map(image: np.ndarray, depth: np.ndarray, colours: np.ndarray, width: int) -> np.ndarray:
    """Draw the pixels that have a depth as points over a dimmed image, near ones over far ones.

    Args:
        image (np.ndarray): Picture. Shape (H, W, 3).
        depth (np.ndarray): Metres, 0 = none. Shape (H, W).
        colours (np.ndarray): Colour of each pixel. Shape (H, W, 3).
        width (int): Width of the result in pixels.

    Returns:
        np.ndarray: Shape (H * width / W, width, 3).
    """
    rows, columns = np.nonzero(depth > 0)
    return overlay_points(image, np.stack([columns, rows], 1), depth[rows, columns], colours[rows, columns], width)


def overlay_points(
    image: np.ndarray, pixels: np.ndarray, depth: np.ndarray, colours: np.ndarray, width: int
) -> np.ndarray:
    """Draw points over a dimmed grey image that is resized to a width, near ones over far ones.

    Args:
        image (np.ndarray): Picture. Shape (H, W, 3).
        pixels (np.ndarray): Columns and rows in the image; integers are pixel centres. Shape (P, 2).
        depth (np.ndarray): Depth of the points. Shape (P,).
        colours (np.ndarray): Their colours. Shape (P, 3), uint8.
        width (int): Width of the result in pixels.
    """
    grey = cv2.cvtColor(cv2.cvtColor(fit_width(image, width), cv2.COLOR_RGB2GRAY) // 2, cv2.COLOR_GRAY2RGB)
    scale = (grey.shape[1] / image.shape[1], grey.shape[0] / image.shape[0])
    order = np.argsort(-depth, kind='stable')
    return paint_points(grey, (pixels[order] + 0.5) * scale - 0.5, colours[order], max(round(width / 700), 1))


def draw_map(image: np.ndarray, depth: np.ndarray, colours: np.ndarray, width: int) -> np.ndarray:
    """Colours of a dense map as they are, those of a sparse one as points over the image; see :func:`overlay_map`."""
    if (depth > 0).mean() > _DENSE_SHARE:
        return fit_width(np.ascontiguousarray(colours), width)
    return overlay_map(image, depth, colours, width)


def draw_depth_legend(width: int, errors: bool = True) -> np.ndarray:
    """Colour bars of depth and, if asked for, of relative error and predicted scale."""
    bar = width // 3 - 20
    ramp = np.linspace(0, 1, bar)[None]
    metres = (3, 6, 13, 30, 80)
    places = [np.log(value / NEAR) / np.log(FAR / NEAR) for value in metres]
    bars = [(colour_depth(NEAR * (FAR / NEAR) ** ramp), dict(zip([f'{value} m' for value in metres], places)))]
    if errors:
        bars.append((colour_error(MAX_ERROR * ramp, ramp >= 0), {'error 0': 0.0, '25 %': 0.5, '50 %': 1.0}))
        bars.append((colour_scale(MAX_SCALE * ramp), {'scale 0': 0.0, '0.25': 0.5, '0.5': 1.0}))
    picture = np.full((40, width, 3), 255, np.uint8)
    for i, (colours, marks) in enumerate(bars):
        left = 10 + i * (width // 3)
        picture[4:18, left : left + bar] = colours
        for name, place in marks.items():
            size = cv2.getTextSize(name, FONT, 0.4, 1)[0][0]
            x = int(np.clip(left + place * bar - size / 2, left, left + bar - size))
            cv2.putText(picture, name, (x, 34), FONT, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return picture
