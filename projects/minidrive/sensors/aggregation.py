"""Labels made of LiDAR points, as Occ3D makes them: the scans of a whole scene in one cloud, voxel by voxel.

Points on the street keep their place; points in the box of a moving object go where its box is at the keyframe. The
class of a voxel is that of most of its points. Voxels that rays only cross are free, and what no ray came to stays
unobserved: the label has holes. https://arxiv.org/abs/2304.14365, section 3; what differs is in docs/minidrive.md.

Shape letters: P points, M moving objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from projects.minidrive.shapes.geometry import apply, invert
from projects.occ_eval.classes import FREE_CLASS

from .grid import GRID_SHAPE, to_voxels
from .visibility import walk_to

BOX_MARGIN = 0.1
"""Metres around a box that count as inside: ranges are noisy, and the boxes just enclose their objects."""


@dataclass(frozen=True)
class Boxes:
    """Boxes of the moving objects at an instant, in the same order at every instant.

    Args:
        poses (np.ndarray): Box centre to street frame. Shape (M, 4, 4).
        sizes (np.ndarray): Length, width, height in metres. Shape (M, 3).
    """

    poses: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True)
class Scan:
    """One LiDAR revolution with what an annotator knows of it.

    Args:
        time (float): Time in seconds.
        origin (np.ndarray): Place of the LiDAR in the street frame. Shape (3,).
        points (np.ndarray): Points in the street frame. Shape (P, 3).
        classes (np.ndarray): Occ3D class 0..16 of each point. Shape (P,).
        owners (np.ndarray): Index of the moving object whose box holds the point, or -1. Shape (P,).
        boxes (Boxes): The boxes at that time.
    """

    time: float
    origin: np.ndarray
    points: np.ndarray
    classes: np.ndarray
    owners: np.ndarray
    boxes: Boxes


def make_scan(time: float, origin: np.ndarray, points: np.ndarray, classes: np.ndarray, boxes: Boxes) -> Scan:
    """Say of each point in which box of a moving object it is; of two boxes it is in the nearer one."""
    owners, nearest = np.full(len(points), -1), np.full(len(points), np.inf)
    for index, (pose, size) in enumerate(zip(boxes.poses, boxes.sizes)):
        local = np.abs(apply(invert(pose), points))
        distance = np.linalg.norm(local, axis=1)
        inside = (local <= size / 2 + BOX_MARGIN).all(axis=1) & (distance < nearest)
        owners[inside], nearest[inside] = index, distance[inside]
    return Scan(time, origin, points, classes, owners, boxes)


def carry(scan: Scan, boxes: Boxes) -> np.ndarray:
    """Points (P, 3) in the street frame once the moving objects are at ``boxes``."""
    points = scan.points.copy()
    for index in np.unique(scan.owners[scan.owners >= 0]):
        own = scan.owners == index
        points[own] = apply(boxes.poses[index] @ invert(scan.boxes.poses[index]), points[own])
    return points


def vote(voxels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The class that most points of a voxel have.

    Args:
        voxels (np.ndarray): Points in units of voxels; those outside of the grid do not count. Shape (P, 3).
        classes (np.ndarray): Class of each. Shape (P,).

    Returns:
        np.ndarray: uint8 (200, 200, 16), free where no point is; of equal numbers the lower class wins.
    """
    index = np.floor(voxels).astype(np.int64)
    inside = ((index >= 0) & (index < GRID_SHAPE)).all(axis=1)
    place = np.ravel_multi_index(tuple(index[inside].T), GRID_SHAPE)
    found, which = np.unique(place, return_inverse=True)
    votes = np.bincount(which * FREE_CLASS + classes[inside], minlength=len(found) * FREE_CLASS)
    out = np.full(GRID_SHAPE, FREE_CLASS, np.uint8)
    out.reshape(-1)[found] = votes.reshape(-1, FREE_CLASS).argmax(axis=1)
    return out


def aggregate(scans: Sequence[Scan], now: Scan, street2ego: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Semantics of a keyframe from all scans of its scene, and what their rays observe.

    Rays of the keyframe end at their points. Rays of other instants end at points of the street only, and before the
    places where moving objects are now: there they passed through what is the inside of an object now.

    Args:
        scans (Sequence[Scan]): All scans of the scene, the keyframe's among them.
        now (Scan): The scan of the keyframe.
        street2ego (np.ndarray): Street to key ego frame. Shape (4, 4).

    Returns:
        tuple[np.ndarray, np.ndarray]: ``semantics`` and ``mask_lidar``, uint8 (200, 200, 16) each.
    """
    clouds = [to_voxels(apply(street2ego, carry(scan, now.boxes))) for scan in scans]
    semantics = vote(np.concatenate(clouds), np.concatenate([scan.classes for scan in scans]))
    on_objects = np.concatenate([cloud[scan.owners >= 0] for cloud, scan in zip(clouds, scans)])
    block = vote(on_objects, np.zeros(len(on_objects), np.int64)) != FREE_CLASS
    nothing = np.zeros(GRID_SHAPE, bool)
    mask_lidar = (semantics != FREE_CLASS).astype(np.uint8)
    for cloud, scan in zip(clouds, scans):
        own = scan is now
        ends = cloud if own else cloud[scan.owners < 0]
        walk_to(to_voxels(apply(street2ego, scan.origin[None]))[0], ends, nothing if own else block, mask_lidar)
    return semantics, mask_lidar
