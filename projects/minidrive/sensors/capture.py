"""What the sensors record: LiDAR sweeps with noise and drop-outs, and camera pictures, at their own times."""

from dataclasses import dataclass

import numpy as np

from projects.minidrive.shapes.geometry import apply, invert
from projects.minidrive.shapes.raycast import HIT_SKY, Picture, render, scan
from projects.minidrive.shapes.taxonomy import VEGETATION
from projects.minidrive.street.ego_car import LIDAR_AZIMUTHS, LIDAR_MAX_RANGE, LIDAR_MIN_RANGE
from projects.minidrive.street.scene import Scene


@dataclass
class Sweep:
    """One LiDAR revolution, taken at an instant (that is, already motion compensated).

    Args:
        time (float): Time in seconds.
        points (np.ndarray): (P, 5) float32: x, y, z in the LiDAR frame, intensity 0..255, ring.
        categories (np.ndarray): (P,) uint8 lidarseg index.
        agents (np.ndarray): (P,) int64 index of the agent that was hit, or -1.
        lidar2street (np.ndarray): LiDAR to street frame at that time, 4x4.
    """

    time: float
    points: np.ndarray
    categories: np.ndarray
    agents: np.ndarray
    lidar2street: np.ndarray


def ray_directions(tilts: np.ndarray, phase: float) -> np.ndarray:
    """Unit directions (azimuths * beams, 3) in the LiDAR frame, all beams of an azimuth in a row."""
    azimuth = phase + np.arange(LIDAR_AZIMUTHS) * (2 * np.pi / LIDAR_AZIMUTHS)
    flat = np.cos(tilts)[None]
    x, y = flat * np.sin(azimuth)[:, None], flat * np.cos(azimuth)[:, None]
    return np.stack([x, y, np.broadcast_to(np.sin(tilts), x.shape)], axis=-1).reshape(-1, 3)


def drop_rays(
    ranges: np.ndarray,
    hits: np.ndarray,
    categories: np.ndarray,
    reflect: np.ndarray,
    max_range: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Mask (R,) of the rays that return: 2 % drop out at random, and more of the dark and distant ones."""
    luck = rng.random(len(ranges))
    lost = 0.02 + 0.25 * np.clip(ranges / max_range, 0, 1) ** 2 * (reflect < 0.06) + 0.05 * (categories == VEGETATION)
    return (hits != HIT_SKY) & (ranges > LIDAR_MIN_RANGE) & (ranges < max_range) & (luck > lost)


def take_sweep(scene: Scene, time: float, rng: np.random.Generator) -> Sweep:
    """Scan the scene at an instant.

    Ranges carry noise of 2 cm; 2 % of the rays drop out at random, and more of the dark and distant ones.
    """
    lidar2street = scene.path.pose(time) @ scene.rig.lidar2ego
    local = ray_directions(scene.rig.lidar_tilts, rng.uniform(0, 2 * np.pi))
    world = scene.world_at(time)
    ranges, hits, categories, reflect = scan(world, lidar2street[:3, 3].copy(), local @ lidar2street[:3, :3].T)
    keep = drop_rays(ranges, hits, categories, reflect, LIDAR_MAX_RANGE, rng)
    noisy = ranges + 0.02 * np.clip(rng.standard_normal(len(ranges)), -3, 3)
    intensity = np.clip(reflect * 110 * rng.uniform(0.8, 1.2, len(ranges)) + rng.uniform(0, 3, len(ranges)), 0, 255)
    ring = np.tile(np.arange(len(scene.rig.lidar_tilts)), LIDAR_AZIMUTHS)
    points = np.concatenate(
        [local[keep] * noisy[keep, None], np.floor(intensity[keep])[:, None], ring[keep, None]], axis=1
    ).astype(np.float32)
    agent = np.where(hits[keep] >= 0, world.prims.agent[np.maximum(hits[keep], 0)], -1)
    return Sweep(time, points, categories[keep], agent, lidar2street)


def camera_time(scene: Scene, keyframe: int, camera: str) -> float:
    """Exposure time in seconds, rounded to the microseconds that the tables hold."""
    return round(keyframe * 0.5 + scene.rig.trigger[camera], 6)


def camera_pose(scene: Scene, keyframe: int, camera: str) -> np.ndarray:
    """Camera to street frame at its own exposure, 4x4."""
    return scene.path.pose(camera_time(scene, keyframe, camera)) @ scene.rig.cam2ego[camera]


def take_picture(scene: Scene, keyframe: int, camera: str, out: Picture) -> None:
    """Render a camera of a keyframe at its own exposure time into ``out``."""
    world = scene.world_at(camera_time(scene, keyframe, camera))
    render(world, camera_pose(scene, keyframe, camera), scene.rig.cam2img[camera], out)


def visible_shares(scene: Scene, time: float) -> np.ndarray:
    """Share 0..1 of a grid of points in each agent's box that the ego car's roof can see, (agents,)."""
    steps = np.linspace(-0.4, 0.4, 4)
    unit = np.stack(np.meshgrid(steps, steps, steps, indexing='ij'), axis=-1).reshape(-1, 3)
    boxes = [scene.agent_box(agent, time) for agent in scene.agents]
    origin = (scene.path.pose(time) @ scene.rig.lidar2ego)[:3, 3]
    rays = np.stack([apply(pose, unit * size) for pose, size in boxes]) - origin
    distance = np.linalg.norm(rays, axis=2)
    world = scene.world_at(time)
    ranges, hits, _, _ = scan(world, origin.copy(), (rays / distance[..., None]).reshape(-1, 3))
    target = np.where(hits >= 0, world.prims.agent[np.maximum(hits, 0)], -1).reshape(distance.shape)
    seen = (target == np.arange(len(boxes))[:, None]) | (ranges.reshape(distance.shape) > distance)
    return seen.mean(axis=1)


def points_in_box(points: np.ndarray, box: np.ndarray, size: tuple[float, float, float]) -> np.ndarray:
    """Mask (P,) of points (P, 3) inside a box of pose ``box`` (4, 4) and length, width, height ``size``."""
    local = apply(invert(box), points)
    return (np.abs(local) <= np.array(size) / 2).all(axis=1)
