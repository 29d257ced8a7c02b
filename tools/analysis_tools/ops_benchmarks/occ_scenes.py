"""Procedural occupancy grids for benchmarks: a street with buildings, trees and cars, and what cameras see of it."""

import numpy as np

from projects.occ_eval.classes import OCC3D

SHAPE, FREE, EDGE = OCC3D.grid_size, OCC3D.free_class, OCC3D.cube_edge('a scene of the benchmark')


def make_scene(seed: int) -> np.ndarray:
    """Class ids of a scene, 6 percent of them occupied, as in a label of Occ3D. (200, 200, 16) uint8."""
    rng = np.random.default_rng(seed)
    scene = np.full(SHAPE, FREE, np.uint8)
    ground = np.full(SHAPE[:2], 14, np.uint8)
    road = int(rng.integers(80, 110))
    ground[:, road - 18 : road + 18] = 11
    ground[:, road - 24 : road - 18] = ground[:, road + 18 : road + 24] = 13
    seen = rng.random((40, 40)).repeat(5, 0).repeat(5, 1) < 0.75  # labels have holes where no LiDAR point fell
    scene[..., 2] = np.where(seen, ground, FREE)
    for _ in range(14):  # facades
        x, length, height = rng.integers(0, 180), rng.integers(8, 40), rng.integers(6, 16)
        y = road + rng.choice([-1, 1]) * rng.integers(30, 60)
        scene[x : x + length, y : y + 2, 2:height] = 15
    for _ in range(25):  # trees
        x, y, z = rng.integers(2, 195), rng.integers(2, 195), rng.integers(5, 12)
        scene[x : x + 1, y : y + 1, 2:z] = 16
        crown = scene[x - 2 : x + 4, y - 2 : y + 4, z : z + 4]
        crown[rng.random(crown.shape) < 0.6] = 16
    for _ in range(12):  # vehicles
        x, y = rng.integers(0, 188), road + rng.integers(-16, 12)
        scene[x : x + 11, y : y + 5, 3:7] = rng.choice([3, 4, 4, 4, 10])
    return scene


def make_prediction(scene: np.ndarray, seed: int) -> np.ndarray:
    """Output of an imperfect model: thicker surfaces, patches of other classes. (200, 200, 16) uint8."""
    rng = np.random.default_rng(1000 + seed)
    pred = scene.copy()
    grown = np.roll(scene, int(rng.choice([-1, 1])), int(rng.integers(0, 2)))
    thicker = (pred == FREE) & (grown != FREE) & (rng.random(SHAPE[:2]) < 0.5)[..., None]
    pred[thicker] = grown[thicker]
    for _ in range(200):
        x, y = rng.integers(0, 195, 2)
        patch = pred[x : x + 4, y : y + 4]
        patch[patch != FREE] = rng.integers(0, FREE)
    return pred


def visible_from_cameras(scene: np.ndarray, height: float = 1.6, rays: int = 2_000) -> np.ndarray:
    """Voxels on lines of sight from the middle of the grid to the first occupied voxel. (200, 200, 16) uint8."""
    rng = np.random.default_rng(0)
    azimuth, slope = rng.uniform(-np.pi, np.pi, rays), rng.uniform(-0.35, 0.3, rays)
    direction = np.stack([np.cos(azimuth), np.sin(azimuth), slope], 1)
    mask = np.zeros(SHAPE, np.uint8)
    alive = np.ones(rays, bool)
    for distance in np.arange(0.4, 45.0, 0.4):
        cell = np.floor((np.array([0.0, 0.0, height]) - OCC3D.lower + distance * direction[alive]) / EDGE).astype(int)
        inside = ((cell >= 0) & (cell < SHAPE)).all(1)
        alive[np.flatnonzero(alive)[~inside]] = False
        cell = tuple(cell[inside].T)
        mask[cell] = 1
        alive[np.flatnonzero(alive)[scene[cell] != FREE]] = False
    return mask
