"""Pictures of occupancy volumes and of samples, drawn in software without a display.

All pictures are RGB uint8. X/Y/Z voxels, N cameras, H x W image size, F faces.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from projects.engine.picture_layout import FONT, add_title, image_grid
from projects.occupancy.datasets.transforms import project_ego_points

from .classes import UNLABELLED, OccSpec

_BACKGROUND = 250
_GROUND = 0.9


def voxel_centers(index: np.ndarray, shape: Sequence[int], point_cloud_range: Sequence[float]) -> np.ndarray:
    """Centres ``min + (i + 0.5) * size`` of voxels, in metres; ``index`` and result have shape (V, 3)."""
    low, high = np.asarray(point_cloud_range[:3]), np.asarray(point_cloud_range[3:])
    return low + (index + 0.5) * (high - low) / np.asarray(shape)


def _drawn(occ: np.ndarray, free_class: int, mask: np.ndarray | None) -> np.ndarray:
    """Voxels that a picture shows: occupied, labelled and inside the mask. Shape (X, Y, Z), bool."""
    occupied = (occ != free_class) & (occ != UNLABELLED)
    return occupied if mask is None else occupied & mask


def draw_bev(
    occ: np.ndarray,
    spec: OccSpec,
    scale: int = 2,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Look at a volume from above: the colour of the topmost occupied voxel, a little lighter when it is higher.

    The ground has 0.9 of its colour in the legend: enough to see heights, and to tell driveable surface from sidewalk.

    Args:
        occ (np.ndarray): Class ids. Shape (X, Y, Z).
        spec (OccSpec): Colours; the free class is not drawn.
        scale (int): Pixels per voxel. Defaults to 2.
        mask (np.ndarray | None): Bool (X, Y, Z); voxels outside are not drawn. Defaults to None.

    Returns:
        np.ndarray: Picture with x (forward) up and y (left) to the left. Shape (X * scale, Y * scale, 3).
    """
    occupied = _drawn(occ, spec.free_class, mask)
    depth = occ.shape[2]
    top = depth - 1 - occupied[:, :, ::-1].argmax(2)
    ids = np.take_along_axis(np.where(occupied, occ, spec.free_class), top[..., None], 2)[..., 0]
    colors = np.asarray(spec.palette, np.float32)[ids]
    colors *= (_GROUND + (1 - _GROUND) * top / max(depth - 1, 1))[..., None]
    picture = np.where(occupied.any(2)[..., None], colors, _BACKGROUND)
    return picture[::-1, ::-1].astype(np.uint8).repeat(scale, 0).repeat(scale, 1)


def draw_points_bev(xyz: np.ndarray, spec: OccSpec, size: int = 400) -> np.ndarray:
    """Look at points from above, as :func:`draw_bev` at a volume: blue is low, red is high, higher ones on top.

    Args:
        xyz (np.ndarray): Points in the ego frame, in metres. Shape (P, 3).
        spec (OccSpec): Its box is shown.
        size (int): Height and width of the picture. Defaults to 400.

    Returns:
        np.ndarray: Shape (size, size, 3).
    """
    low, high = np.reshape(spec.point_cloud_range, (2, 3))
    share = (np.asarray(xyz, np.float64) - low) / (high - low)
    share = share[((share >= 0) & (share < 1)).all(1)]
    share = share[np.argsort(share[:, 2], kind='stable')]
    row, column = ((1 - share[:, axis]) * size - 1e-9 for axis in (0, 1))
    picture = np.full((size, size, 3), _BACKGROUND, np.uint8)
    picture[row.astype(int), column.astype(int)] = depth_colors(1 - share[:, 2], 1.0)
    return picture


def _look_at(eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) from the world to a camera (right, down, forward) at ``eye`` that looks at ``target``."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def _exposed_faces(occ: np.ndarray, occupied: np.ndarray, eye: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Faces between an occupied and a free voxel that look at the eye, all in voxel units.

    Returns:
        tuple: Corners (F, 4, 3), class ids (F,), brightness (F,).
    """
    padded = np.pad(occupied, 1)
    corners, classes, light = [], [], []
    for axis, brightness in ((0, 0.72), (1, 0.58), (2, 1.0)):
        others = [other for other in range(3) if other != axis]
        square = np.zeros((4, 3))
        square[:, others] = [(0, 0), (1, 0), (1, 1), (0, 1)]
        for side in (0, 1):
            neighbour = np.roll(padded, 1 - 2 * side, axis)[1:-1, 1:-1, 1:-1]
            index = np.argwhere(occupied & ~neighbour)
            plane = index[:, axis] + side
            index = index[eye[axis] > plane] if side else index[eye[axis] < plane]
            face = square.copy()
            face[:, axis] = side
            corners.append(index[:, None] + face)
            classes.append(occ[tuple(index.T)])
            light.append(np.full(len(index), brightness))
    return np.concatenate(corners), np.concatenate(classes), np.concatenate(light)


def draw_oblique(
    occ: np.ndarray,
    spec: OccSpec,
    size: tuple[int, int] = (360, 480),
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Look at a volume from behind and above, in perspective, with shaded voxel faces (painter's algorithm).

    Args:
        occ (np.ndarray): Class ids. Shape (X, Y, Z).
        spec (OccSpec): Colours; the free class is not drawn.
        size (tuple[int, int]): Height and width of the picture. Defaults to (360, 480).
        mask (np.ndarray | None): Bool (X, Y, Z); voxels outside are not drawn. Defaults to None.

    Returns:
        np.ndarray: Shape (height, width, 3).
    """
    occupied = _drawn(occ, spec.free_class, mask)
    height, width = size
    picture = np.full((height, width, 3), _BACKGROUND, np.uint8)
    extent = np.asarray(occ.shape, np.float64)
    target = extent * (0.47, 0.5, 0.0)
    eye = target + extent[:2].max() * np.array([-0.72, 0.0, 0.62])
    corners, classes, light = _exposed_faces(occ, occupied, eye)
    if len(corners) == 0:
        return picture
    view = (corners - eye) @ _look_at(eye, target).T
    focal = min(0.8 * width, 1.15 * height)
    pixels = view[..., :2] / view[..., 2:] * focal + (width / 2, height / 2)
    # Four fractional bits keep neighbouring faces from leaving gaps.
    polygons = np.round(pixels * 16).astype(np.int32)
    colors = np.asarray(spec.palette, np.float64)[classes] * light[:, None]
    order = np.argsort(-np.linalg.norm(view.mean(1), axis=1))
    for polygon, color in zip(polygons[order], colors[order].tolist()):
        cv2.fillConvexPoly(picture, polygon, color, lineType=cv2.LINE_8, shift=4)
    return picture


def depth_colors(depth: np.ndarray, max_depth: float = 50.0) -> np.ndarray:
    """RGB colours (P, 3) of depths (P,): red is near, blue is far."""
    values = np.clip(255 * (1 - np.asarray(depth) / max_depth), 0, 255).astype(np.uint8)
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_JET)[:, 0, ::-1]
    return table[values]


def _paint(image: np.ndarray, pixels: np.ndarray, colors: np.ndarray, radii: np.ndarray, alpha: float) -> np.ndarray:
    """Draw discs in the given order."""
    canvas = image.copy()
    for (u, v), color, radius in zip(np.round(pixels).astype(int).tolist(), colors.tolist(), radii.tolist()):
        cv2.circle(canvas, (u, v), radius, color, -1)
    return cv2.addWeighted(canvas, alpha, image, 1 - alpha, 0)


def _visible(
    image: np.ndarray, xyz: np.ndarray, matrices: dict, max_depth: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, depths and indices of the points inside the picture, the farthest first."""
    pixels, _, depth = project_ego_points(xyz, **matrices)
    height, width = image.shape[:2]
    inside = (
        (depth > 0.5) & (depth < max_depth) & (pixels > -0.5).all(1) & (pixels < (width - 0.5, height - 0.5)).all(1)
    )
    index = np.flatnonzero(inside)
    index = index[np.argsort(-depth[index])]
    return pixels[index], depth[index], index


def overlay_points(image: np.ndarray, xyz: np.ndarray, matrices: dict, max_depth: float = 60.0) -> np.ndarray:
    """Draw LiDAR points into a camera image, coloured by depth.

    Args:
        image (np.ndarray): Network-size picture. Shape (H, W, 3).
        xyz (np.ndarray): Points of the augmented ego frame, in metres. Shape (P, 3).
        matrices (dict): ``cam2img``, ``cam2ego``, ``img_aug_matrix`` of this camera and ``bda_mat``.
        max_depth (float): Farther points are left out. Defaults to 60 m.
    """
    pixels, depth, _ = _visible(image, xyz, matrices, max_depth)
    radius = max(round(image.shape[1] / 450), 1)
    return _paint(image, pixels, depth_colors(depth), np.full(len(depth), radius), 1.0)


def overlay_occupancy(
    image: np.ndarray,
    occ: np.ndarray,
    matrices: dict,
    spec: OccSpec,
    max_depth: float = 40.0,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Draw the centres of occupied voxels into a camera image, coloured by class, near ones over far ones.

    Args:
        image (np.ndarray): Network-size picture. Shape (H, W, 3).
        occ (np.ndarray): Class ids in the augmented ego frame. Shape (X, Y, Z).
        matrices (dict): ``cam2img``, ``cam2ego``, ``img_aug_matrix`` of this camera and ``bda_mat``.
        spec (OccSpec): Colours, free class and grid.
        max_depth (float): Farther voxels are left out. Defaults to 40 m.
        mask (np.ndarray | None): Bool (X, Y, Z); voxels outside are not drawn. Defaults to None.
    """
    occupied = _drawn(occ, spec.free_class, mask)
    index = np.argwhere(occupied)
    xyz = voxel_centers(index, occ.shape, spec.point_cloud_range)
    pixels, depth, kept = _visible(image, xyz, matrices, max_depth)
    colors = np.asarray(spec.palette)[occ[tuple(index[kept].T)]]
    size = (spec.point_cloud_range[3] - spec.point_cloud_range[0]) / occ.shape[0]
    focal = matrices['cam2img'][0, 0] * np.sqrt(abs(np.linalg.det(matrices['img_aug_matrix'][:2, :2])))
    radii = np.clip(np.round(0.35 * size * focal / np.maximum(depth, 1e-3)), 1, 12).astype(int)
    return _paint(image, pixels, colors, radii, 0.7)


def draw_legend(width: int, spec: OccSpec) -> np.ndarray:
    """Colour patches with the names of the classes, free left out, in rows of ``width`` pixels."""
    columns = max(width // 170, 1)
    names = list(zip(spec.classes, spec.palette))[: spec.free_class]
    picture = np.full((20 * -(-len(names) // columns) + 6, width, 3), 255, np.uint8)
    for i, (name, color) in enumerate(names):
        x, y = 170 * (i % columns) + 6, 20 * (i // columns) + 5
        cv2.rectangle(picture, (x, y), (x + 14, y + 12), [int(value) for value in color], -1)
        cv2.putText(picture, name, (x + 20, y + 11), FONT, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return picture


def draw_panel(
    images: Sequence[np.ndarray],
    cam_names: Sequence[str],
    volumes: dict[str, np.ndarray],
    spec: OccSpec,
    mask: np.ndarray | None = None,
    width: int = 1260,
) -> np.ndarray:
    """One picture of a sample: its images, then each volume from above and in perspective, and a legend.

    Args:
        images (Sequence[np.ndarray]): Pictures of the cameras; may be empty. Each (H, W, 3).
        cam_names (Sequence[str]): Their titles.
        volumes (dict[str, np.ndarray]): Volumes (X, Y, Z) by title, for instance prediction and label.
        spec (OccSpec): Names and colours of the classes.
        mask (np.ndarray | None): Bool (X, Y, Z); adds the volumes cut to it. Defaults to None.
        width (int): Width of the panel in pixels. Defaults to 1260.
    """
    rows = [image_grid(images, cam_names, 3, width)] if len(images) else []
    half = width // 2
    for title, occ in volumes.items():
        bev = draw_bev(occ, spec, scale=2, mask=mask)
        height = round(half * 0.62)
        bev = cv2.resize(bev, (height, height), interpolation=cv2.INTER_AREA)
        oblique = draw_oblique(occ, spec, (height, width - height), mask=mask)
        note = ' (voxels that the cameras see)' if mask is not None else ''
        rows.append(add_title(np.hstack([bev, oblique]), title + note))
    return np.vstack([*rows, draw_legend(width, spec)])
