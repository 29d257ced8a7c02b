"""Ray kernels against closed forms, and the acceleration lists against testing every primitive."""

import numpy as np
import pytest

from projects.minidrive import PRESETS
from projects.minidrive.shapes import ground as gr
from projects.minidrive.shapes.bins import TILE, Bins, camera_bins, lidar_bins
from projects.minidrive.shapes.geometry import quaternion, rotation_rpy
from projects.minidrive.shapes.primitives import (
    BOX,
    CYLINDER,
    ELLIPSOID,
    WEDGE,
    PrimList,
    local_hit,
    meet_prim,
    ray_table,
)
from projects.minidrive.shapes.raycast import HIT_SKY, cast, render_depth, scan
from projects.minidrive.shapes.surfaces import prim_colour
from projects.minidrive.street.scene import draw_scene


@pytest.fixture(scope='module')
def scenes():
    return [draw_scene(PRESETS['tiny'], 0, index) for index in range(3)]


def everything(prims):
    count = len(prims.kind)
    return Bins(np.array([0, count]), np.arange(count), np.zeros(count), 1, 1)


def single(kind, half, taper=(0.0, 0.0, 0.0), centre=(0.0, 0.0, 0.0), rot=None):
    shape = PrimList()
    shape.add(kind, centre, half, material=0, colour=np.zeros(3), taper=taper, rot=rot)
    return ray_table(shape.pack())


@pytest.mark.parametrize(
    ('kind', 'taper', 'origin', 'direction', 'expected'),
    [
        (BOX, (0, 0, 0), (-5, 0, 0), (1, 0, 0), 3.0),
        (BOX, (0, 0, 0), (0, 5, 0), (0, -2, 0), 2.0),
        (BOX, (0, 0, 0), (-5, 1.1, 0), (1, 0, 0), np.inf),
        (BOX, (0, 0, 0), (5, 0, 0), (1, 0, 0), np.inf),  # behind
        (WEDGE, (0.5, 0, 0), (5, 0, 3), (-1, 0, 0), 4.0),  # the top of the front leans in to x = 1
        (WEDGE, (0, 0.5, 0), (-5, 0, 0), (1, 0, 0), 3.5),  # halfway up the rear leans in to x = -1.5
        (CYLINDER, (0, 0, 0), (0, 5, 0), (0, -1, 0), 4.0),
        (CYLINDER, (1, 0, 0), (0, 5, 0), (0, -1, 0), 4.5),  # a cone has half the radius halfway up
        (CYLINDER, (0, 0, 0), (0, 0, 9), (0, 0, -1), 6.0),
        (ELLIPSOID, (0, 0, 0), (-5, 0, 0), (1, 0, 0), 3.0),
        (ELLIPSOID, (0, 0, 0), (0, 0, 9), (0, 0, -3), 2.0),
    ],
)
def test_distance_to_a_primitive_of_half_sizes_2_1_3(kind, taper, origin, direction, expected):
    table = single(kind, (2.0, 1.0, 3.0), taper)
    assert meet_prim(table, 0, *map(float, origin), *map(float, direction), np.inf) == pytest.approx(expected)


def test_normal_of_a_turned_box_points_at_the_ray():
    rot = rotation_rpy(0.0, 0.0, np.pi / 4)
    table = single(BOX, (1.0, 1.0, 1.0), rot=rot, centre=(5.0, 0.0, 0.0))
    t = meet_prim(table, 0, 0.0, 0.2, 0.0, 1.0, 0.0, 0.0, np.inf)
    *_, nx, ny, nz, face = local_hit(table, 0, t, 0.2, 0.0)
    np.testing.assert_allclose([nx, ny, nz], [-np.sqrt(0.5), np.sqrt(0.5), 0.0], atol=1e-9)
    assert face == 2 or face == 1


def test_tiles_hold_every_primitive_a_pixel_can_hit(scenes):
    rng = np.random.default_rng(0)
    for scene in scenes:
        world = scene.world_at(0.0)
        for camera in ('CAM_FRONT_LEFT', 'CAM_BACK'):
            pose, cam2img = scene.path.pose(0.0) @ scene.rig.cam2ego[camera], scene.rig.cam2img[camera]
            bins = camera_bins(world.prims, pose, cam2img, scene.rig.image_size)
            for _ in range(400):
                u, v = rng.uniform(0, 399), rng.uniform(0, 224)
                ray = pose[:3, :3] @ np.linalg.inv(cam2img) @ [u, v, 1.0]
                cell = round(v) // TILE * bins.columns + round(u) // TILE
                fast = cast(world.rays, bins, cell, *pose[:3, 3], *ray)
                assert fast == cast(world.rays, everything(world.prims), 0, *pose[:3, 3], *ray)


def test_sectors_hold_every_primitive_a_lidar_ray_can_hit(scenes):
    rng = np.random.default_rng(0)
    for scene in scenes:
        world = scene.world_at(0.0)
        origin = (scene.path.pose(0.0) @ scene.rig.lidar2ego)[:3, 3]
        directions = rng.normal(size=(600, 3)) * [1, 1, 0.3]
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        ranges, hits, _, _ = scan(world, origin.copy(), directions)
        slow = [cast(world.rays, everything(world.prims), 0, *origin, *d) for d in directions]
        np.testing.assert_array_equal(hits, [row[1] for row in slow])
        np.testing.assert_allclose(ranges, [row[0] for row in slow])
        assert lidar_bins(world.prims, origin).items.size < 60 * 360


def test_ground_hits_lie_on_the_ground_and_nothing_was_passed_through(scenes):
    rng = np.random.default_rng(1)
    for scene in scenes:
        street, hits = scene.street, 0
        eye = scene.path.pose(0.0)[:3, 3] + [0, 0, 1.6]
        for _ in range(300):
            angle, drop = rng.uniform(0, 2 * np.pi), -np.exp(rng.uniform(np.log(0.04), np.log(1.0)))
            ray = np.array([np.cos(angle), np.sin(angle), drop])
            t, kerb_face = gr.meet_ground(*eye, *ray, street.ground, street.parcels)
            if t == np.inf:
                continue
            hits += 1
            along = eye + np.linspace(0, t, 300)[:, None] * ray
            gap = np.array([p[2] - street.height(p[0], p[1]) for p in along])
            assert gap[:-6].min() > -0.02
            assert abs(gap[-1]) < (0.18 if kerb_face else 0.01)
        assert hits > 200


@pytest.mark.parametrize('curvature', [0.0, 1 / 80, -1 / 80])
def test_road_coordinates_invert_road_points(curvature):
    g = np.zeros(gr.GROUND_SIZE)
    g[gr.G_ROAD : gr.G_ROAD + 6] = 3.0, -2.0, np.cos(0.7), np.sin(0.7), curvature, 5.0
    for s, d in ((0.0, 0.0), (25.0, 4.0), (-30.0, -6.5), (60.0, 12.0)):
        x, y, _ = gr.road_point(s, d, g, 0)
        assert gr.road_coordinates(x, y, g, 0) == pytest.approx((s, d), abs=1e-9)


def test_rendered_depth_is_z_depth_of_the_first_hit(scenes):
    scene = scenes[0]
    world, pose = scene.world_at(0.0), scene.path.pose(0.0) @ scene.rig.cam2ego['CAM_FRONT']
    depth, hits = render_depth(world, pose, scene.rig.cam2img['CAM_FRONT'], (225, 400))
    ray = np.linalg.inv(scene.rig.cam2img['CAM_FRONT']) @ [120, 180, 1.0]
    ranges, hit, _, _ = scan(world, pose[:3, 3].copy(), (pose[:3, :3] @ ray / np.linalg.norm(ray))[None])
    assert hits[180, 120] == hit[0]
    assert depth[180, 120] == pytest.approx(ranges[0] / np.linalg.norm(ray), rel=1e-5)
    assert (depth[hits == HIT_SKY] == 0).all()


def test_colours_are_physical(scenes):
    rng = np.random.default_rng(0)
    table = scenes[0].world_at(0.0).rays.table
    for i in range(len(table)):
        x, y, z = rng.uniform(-1, 1, 3)
        *colour, mirror = prim_colour(table, i, x, y, z, int(rng.integers(7)), 0.01)
        assert 0.0 <= min(colour) <= max(colour) < 1.5
        assert 0.0 <= mirror <= 1.0


def test_quaternions_match_pyquaternion():
    from pyquaternion import Quaternion

    rng = np.random.default_rng(0)
    for _ in range(50):
        rotation = rotation_rpy(*rng.uniform(-np.pi, np.pi, 3))
        np.testing.assert_allclose(Quaternion(quaternion(rotation)).rotation_matrix, rotation, atol=1e-9)
