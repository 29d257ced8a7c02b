"""Rays of neighbouring keyframes: where they start and end in the frame of the sample, and which are left out."""

import numpy as np
import pytest
from mmengine.dataset import Compose

from projects.occupancy.classes import OCC3D
from projects.occupancy.datasets import Occ3DNuScenesDataset
from projects.occupancy.datasets.transforms import LoadOccupancyLabels
from projects.renderocc import AddNeighbourRays, DrawLidarRays
from projects.renderocc.neighbours import MOVING

BOX = (-4.0, -4.0, -2.0, 4.0, 4.0, 2.0)
# The neighbour stands 2 m ahead of the sample and looks to its left.
AHEAD = np.array([[0, -1, 0, 2], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float)
LOAD = [{'type': 'LoadLidarPoints'}, {'type': 'LoadPointClasses'}, {'type': 'PointsToEgo'}]


def frame(points, classes, **more):
    """A frame whose points are in its ego frame, with a LiDAR at (1, 0.5, 1)."""
    rows = np.zeros((len(points), 5), np.float32)
    rows[:, :3] = points
    lidar2ego = np.eye(4)
    lidar2ego[:3, 3] = 1, 0.5, 1
    sample = {'points': rows, 'points_frame': 'ego', 'point_classes': np.array(classes, np.uint8)}
    return {**sample, 'lidar2ego': lidar2ego, 'bda_mat': np.eye(4), 'point_cloud_range': BOX, **more}


def beside(*neighbours, signs=(1.0, 1.0), **more):
    """A sample with one ray of its own, to (-1, 0.5, 1), and neighbours."""
    bda_mat = np.diag([*signs, 1.0, 1.0])
    place = np.array([[-1.0 * signs[0], 0.5 * signs[1], 1]])
    return DrawLidarRays(5)(frame(place, [11], bda_mat=bda_mat, neighbours=list(neighbours), **more))


@pytest.mark.parametrize('signs', [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0)])
def test_a_ray_of_a_neighbour_leads_where_the_poses_put_it(signs):
    """From (1, 0.5, 1) to (3, 0.5, 1) there; 2 m ahead and turned that is from (1.5, 1, 1) to (1.5, 3, 1)."""
    neighbour = frame([(3.0, 0.5, 1.0)], [16], ego2key=AHEAD)
    found = AddNeighbourRays(5, [])(beside(neighbour, signs=signs))
    own, ray = found['lidar_rays']
    np.testing.assert_allclose(own, [signs[0], 0.5 * signs[1], 1, -signs[0], 0, 0, 2], atol=1e-6)
    np.testing.assert_allclose(ray, [1.5 * signs[0], signs[1], 1, 0, signs[1], 0, 2], atol=1e-6)
    assert found['lidar_ray_classes'].tolist() == [11, 16]
    assert found['lidar_rays'].dtype == np.float32
    assert 'neighbours' not in found


def test_what_can_move_and_what_is_unknown_gives_no_rays():
    """The points are 0.1 m apart and more than a metre from the LiDAR; barriers, cones and what grows stay."""
    classes = [*range(17), 255]
    points = [(3.0, 0.1 * i - 1, 1.0) for i in range(len(classes))]
    found = AddNeighbourRays(50, [])(beside(frame(points, classes, ego2key=AHEAD)))
    assert sorted(found['lidar_ray_classes'][1:].tolist()) == [1, 8, 11, 12, 13, 14, 15, 16]
    assert set(MOVING).isdisjoint(found['lidar_ray_classes'][1:].tolist())


def test_a_neighbour_without_labels_gives_no_rays_for_nobody_knows_what_moves():
    found = AddNeighbourRays(5, [])(beside(frame([(3.0, 0.5, 1.0)], [255], ego2key=AHEAD)))
    assert found['lidar_ray_classes'].tolist() == [11]
    assert found['lidar_rays'].shape == (1, 7)


def test_returns_outside_the_grid_of_the_sample_and_older_sweeps_give_no_rays():
    """(3, 3.5, 1) there is (-1.5, 3, 1) here, and (-1, -3, 1) is (5, -1, 1), outside."""
    neighbour = frame([(3.0, 3.5, 1.0), (-1.0, -3.0, 1.0), (3.0, 0.5, 1.0)], [16, 16, 16], ego2key=AHEAD)
    neighbour['points'][2, 4] = 0.05
    (_, ray) = AddNeighbourRays(5, [])(beside(neighbour))['lidar_rays']
    np.testing.assert_allclose(ray[:3] + ray[3:6] * ray[6], [-1.5, 3, 1], atol=1e-6)


def test_a_ray_of_a_camera_starts_at_the_camera_of_the_neighbour():
    """It stands at (0.1, 0, 0) there and looks along x: at (2, 0.1, 0) here, along y."""
    cam2ego = np.array([[[0, 0, 1, 0.1], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]], float)
    cameras = {'cam2img': np.array([[[2.0, 0, 2], [0, 2, 2], [0, 0, 1]]]), 'cam2ego': cam2ego}
    neighbour = frame([(2.1, 0.0, 0.0), (-2.0, 0.0, 0.0)], [16, 16], ego2key=AHEAD, **cameras)
    found = AddNeighbourRays(5, [], origin='camera')(beside(neighbour, ori_shape=(5, 5)))
    np.testing.assert_allclose(found['lidar_rays'][1:], [[2, 0.1, 0, 0, 1, 0, 2]], atol=1e-6)


def test_a_scene_of_one_keyframe_keeps_the_rays_of_the_sample():
    assert len(AddNeighbourRays(5, [])(beside())['lidar_rays']) == 1


def test_the_order_of_the_pipeline_and_missing_classes_are_named():
    with pytest.raises(ValueError, match='has no neighbours or no rays of its own'):
        AddNeighbourRays(5, [])(frame([(3.0, 0.5, 1.0)], [16], neighbours=[]))
    bare = frame([(3.0, 0.5, 1.0)], [16], ego2key=AHEAD, token='b')
    del bare['point_classes']
    with pytest.raises(ValueError, match='points of neighbour b must be in its ego frame and have classes'):
        AddNeighbourRays(5, [])(beside(bare))


@pytest.fixture(scope='module')
def minidrive(minidrive_root, tmp_path_factory, tool_server, repo):
    """Root of MiniDrive, and its info file of training."""
    folder = tmp_path_factory.mktemp('infos')
    options = ('--version', 'v1.0-minidrive', '--out-dir', str(folder), '--workers', '1')
    tool_server.run(['tools/create_data.py', 'occ3d-nus', '--root-path', str(minidrive_root), *options], repo)
    return minidrive_root, folder / 'occ3d-nus_infos_train.pkl'


def drawn(minidrive, origin):
    """Samples of MiniDrive with many rays of their own and of their neighbours, and the numbers of their own."""
    root, infos = minidrive
    modality = {'use_camera': True, 'use_lidar': True}
    dataset = Occ3DNuScenesDataset(str(infos), str(root), modality=modality, neighbours=1)
    steps = Compose([LoadOccupancyLabels(), *LOAD, DrawLidarRays(4000, balance=0.0)])
    more = AddNeighbourRays(4000, LOAD, balance=0.0, origin=origin)
    for index in range(len(dataset)):
        sample = steps({**dataset.get_data_info(index), 'ori_shape': (225, 400)})
        own = len(sample['lidar_rays'])
        yield more(sample), own


def ends_of(rays):
    return rays[:, :3] + rays[:, 3:6] * rays[:, 6:]


def classes_at(labels, xyz):
    """Classes of the voxels that hold points (..., 3), 17 outside."""
    index = np.floor((xyz - OCC3D.point_cloud_range[:3]) / 0.4).astype(int)
    inside = ((index >= 0) & (index < labels.shape)).all(-1)
    index = np.where(inside[..., None], index, 0)
    return np.where(inside, labels[index[..., 0], index[..., 1], index[..., 2]], 17)


@pytest.mark.parametrize('origin', ['lidar', 'camera'])
def test_rays_of_neighbours_end_where_the_occupancy_of_the_sample_ends(minidrive, origin):
    """What cannot move is static: as many ends lie in occupied voxels as of the sample's own rays, and in their class.

    Both are 99.1 to 99.2 %, where the label is observed. A metre to the left 15 % of what stands upright fit, of 97 %.
    """
    names = ('own', 'beside', 'same', 'upright', 'shifted')
    found: dict[str, list] = {name: [] for name in names}
    for sample, own in drawn(minidrive, origin):
        classes, labels, ends = sample['lidar_ray_classes'], sample['gt_occ'], ends_of(sample['lidar_rays'])
        met, observed = classes_at(labels, ends), classes_at(sample['mask_lidar'], ends) == 1
        static, neighbour, upright = ~np.isin(classes, MOVING), np.arange(len(ends)) >= own, classes >= 15
        shifted = classes_at(labels, ends + [0, 1, 0])
        assert neighbour.sum() > 1000
        assert static[neighbour].all()
        found['own'].append((met != 17)[observed & static & ~neighbour])
        found['beside'].append((met != 17)[observed & neighbour])
        found['same'].append((met == classes)[observed & neighbour])
        found['upright'].append((met == classes)[neighbour & upright])
        found['shifted'].append((shifted == classes)[neighbour & upright])
    share = {name: np.concatenate(values).mean() for name, values in found.items()}
    assert share['own'] > 0.98
    assert share['beside'] == pytest.approx(share['own'], abs=0.01)
    assert share['same'] > 0.9
    assert share['shifted'] < 0.3 < 0.9 < share['upright']


def test_the_way_of_a_ray_of_a_neighbour_is_free_up_to_its_end(minidrive):
    """Of what stands upright, by walking in steps of 0.1 m to the first voxel of the label that cannot move."""
    gaps = []
    for sample, own in drawn(minidrive, 'lidar'):
        upright = sample['lidar_ray_classes'][own:] >= 15
        rays = sample['lidar_rays'][own:][upright].astype(np.float64)
        steps = np.arange(0.0, 60.0, 0.1)
        met = classes_at(sample['gt_occ'], rays[:, None, :3] + rays[:, None, 3:6] * steps[:, None])
        solid = ~np.isin(met, (*MOVING, 17))
        first = np.where(solid.any(1), steps[solid.argmax(1)], np.inf)
        gaps.append(rays[:, 6] - first)
    assert np.median(np.abs(np.concatenate(gaps))) < 0.4
