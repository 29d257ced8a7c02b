"""Aggregated labels of a scene: its scans with classes and boxes, as they are or with mistakes, and each keyframe."""

import numpy as np

from projects.minidrive.shapes.geometry import apply, invert
from projects.minidrive.shapes.taxonomy import LIDARSEG_TO_OCC
from projects.minidrive.street.ego_car import KEYFRAME_PERIOD
from projects.minidrive.street.scene import Scene

from .aggregation import Boxes, Scan, aggregate, make_scan
from .capture import Sweep
from .label_noise import LabelNoise, offsets_at, spoil_classes
from .visibility import camera_mask


def annotate(scene: Scene, sweeps: list[Sweep], noise: LabelNoise, rng: np.random.Generator) -> list[Scan]:
    """Classes and boxes of all sweeps of a scene, keyframes included, with mistakes that ``rng`` draws."""
    times = np.arange(scene.num_keyframes) * KEYFRAME_PERIOD
    moving = [agent for agent in scene.agents if agent.speed != 0.0]
    offsets = noise.box_offset * rng.standard_normal((len(times), len(moving), 3))

    def boxes_at(time: float) -> Boxes:
        poses, sizes = np.zeros((len(moving), 4, 4)), np.zeros((len(moving), 3))
        for index, (agent, offset) in enumerate(zip(moving, offsets_at(time, times, offsets))):
            poses[index], sizes[index] = scene.agent_box(agent, time)
            poses[index, :3, 3] += poses[index, :3, :3] @ offset
        return Boxes(poses, sizes)

    scans = []
    for sweep in sweeps:
        points = apply(sweep.lidar2street, sweep.points[:, :3].astype(np.float64))
        classes = spoil_classes(LIDARSEG_TO_OCC[sweep.categories].astype(np.int64), noise.wrong_points, rng)
        scans.append(make_scan(sweep.time, sweep.lidar2street[:3, 3], points, classes, boxes_at(sweep.time)))
    return scans


def make_aggregated_label(scene: Scene, keyframe: int, scans: list[Scan]) -> dict[str, np.ndarray]:
    """Label of a keyframe in the form of :func:`~projects.minidrive.sensors.labels.make_label`.

    Args:
        scene (Scene): The scene.
        keyframe (int): Index of the keyframe.
        scans (list[Scan]): All annotated scans of the scene.
    """
    time = keyframe * KEYFRAME_PERIOD
    now = next(scan for scan in scans if scan.time == time)
    semantics, mask_lidar = aggregate(scans, now, invert(scene.path.pose(time)))
    mask_camera = camera_mask(scene, keyframe, semantics) & mask_lidar
    return {'semantics': semantics, 'mask_lidar': mask_lidar, 'mask_camera': mask_camera}
