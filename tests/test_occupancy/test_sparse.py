"""The sparse task: labels voted by the points of one scan, and points looked up on its grid."""

from dataclasses import replace

import numpy as np
import pytest
from mmengine.config import Config

from projects.occ_eval import labels_at_points
from projects.occupancy.classes import OCC3D
from projects.occupancy.datasets import SparseOccNuScenesDataset
from projects.occupancy.datasets.sparse_nuscenes import SPARSE
from projects.occupancy.datasets.transforms import VoxelizePointClasses
from projects.occupancy.datasets.transforms.point_classes import vote_classes
from projects.occupancy.ops.numba_rays import passed_voxels

BOX = (0.0, 0.0, 0.0, 4.0, 2.0, 1.0)  # voxels of 1 m below


def test_the_class_of_most_points_wins_and_of_a_draw_the_smaller_id():
    xyz = [[0.5, 0.5, 0.5]] * 3 + [[1.2, 0.1, 0.9], [1.8, 0.9, 0.0]] + [[3.5, 1.5, 0.5]] * 2 + [[9.0, 0.0, 0.0]]
    classes = [4, 11, 11, 8, 3, 255, 16, 5]  # voxel 0: 11 twice; voxel 1: 8 and 3; the last: one without a vote, 16
    labels = vote_classes(np.array(classes, np.uint8), np.array(xyz), BOX, (4, 2, 1), 18, 17)
    assert labels.dtype == np.uint8
    assert labels[..., 0].tolist() == [[11, 17], [3, 17], [17, 17], [17, 16]]


def test_votes_are_those_of_counting_voxel_by_voxel():
    rng = np.random.default_rng(0)
    xyz, classes = rng.uniform(-0.5, 4.5, (400, 3)), rng.choice([1, 4, 16, 255], 400).astype(np.uint8)
    expected = np.full((4, 2, 1), 255, np.uint8)
    for voxel in np.ndindex(4, 2, 1):
        found = classes[(np.floor(xyz) == voxel).all(1) & (classes != 255)]
        if len(found):
            expected[voxel] = np.bincount(found).argmax()
    assert (vote_classes(classes, xyz, BOX, (4, 2, 1), 18, 255) == expected).all()


def _scan(**more):
    return {
        'points': np.array([[0.6, 0.4, 0.5, 0, 0], [3.5, 1.5, 0.5, 0, 0]], np.float32),
        'points_frame': 'ego',
        'point_classes': np.array([4, 255], np.uint8),
        'lidar2ego': np.array([[1, 0, 0, 0.5], [0, 1, 0, 0.25], [0, 0, 1, 0.5], [0, 0, 0, 1]]),
        'bda_mat': np.eye(4, dtype=np.float32),
        'point_cloud_range': BOX,
        'grid_size': (4, 2, 1),
        'num_classes': 18,
        **more,
    }


def test_a_ray_frees_the_voxels_before_its_end_and_the_rest_has_no_label():
    """From (0.5, 0.25) to (0.6, 0.4), and to (3.5, 1.5), of unknown class: y is 1 at x = 2.3."""
    results = VoxelizePointClasses().transform(_scan())
    assert results['gt_occ'][..., 0].tolist() == [[4, 255], [17, 255], [17, 17], [255, 255]]
    assert np.argwhere(results['mask_lidar']).tolist() == [[0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 1, 0]]


@pytest.mark.parametrize(('free', 'rest'), [('all', 17), ('none', 255)])
def test_other_voxels_without_a_vote_are_what_the_config_says(free, rest):
    results = VoxelizePointClasses(free).transform(_scan())
    assert results['gt_occ'][..., 0].tolist() == [[4, rest], [rest, rest], [rest, rest], [rest, rest]]


def test_passed_voxels_are_those_of_points_in_small_steps_along_the_rays():
    rng = np.random.default_rng(1)
    origin, ends = np.array([1.3, 0.7, 0.4]), rng.uniform(-1, 5, (60, 3))
    expected, shape = np.zeros((8, 4, 2), bool), (8, 4, 2)
    for end in ends:
        steps = np.floor((origin + np.linspace(0, 1, 40001)[:, None] * (end - origin)) / 0.5).astype(int)
        inside = ((steps >= 0) & (steps < shape)).all(1) & (steps != np.floor(end / 0.5)).any(1)
        expected[tuple(steps[inside].T)] = True
    passed = passed_voxels(origin, ends, BOX, shape)
    assert (expected <= passed).all()
    assert (passed & ~expected).sum() <= 1  # a corner that is cut by less than a step
    assert passed.sum() > 20


def test_a_ray_along_an_axis_and_one_that_ends_where_it_began():
    passed = passed_voxels(np.array([0.5, 0.5, 0.5]), np.array([[3.5, 0.5, 0.5], [0.6, 0.5, 0.5]]), BOX, (4, 2, 1))
    assert np.argwhere(passed).tolist() == [[0, 0, 0], [1, 0, 0], [2, 0, 0]]
    backward = passed_voxels(np.array([9.5, 1.5, 0.5]), np.array([[2.5, 1.5, 0.5]]), BOX, (4, 2, 1))
    assert np.argwhere(backward).tolist() == [[3, 1, 0]]


def test_points_of_sweeps_neither_vote_nor_free_voxels():
    """A third point, of a sweep, in a voxel that has no label: without its time lag it gives the voxel class 16."""
    alone = VoxelizePointClasses().transform(_scan())['gt_occ']
    late = np.array([[3.5, 0.2, 0.5, 0, 0.05]], np.float32)
    scan = _scan(point_classes=np.array([4, 255, 16], np.uint8))
    scan['points'] = np.concatenate([scan['points'], late])
    assert (VoxelizePointClasses().transform(scan)['gt_occ'] == alone).all()
    scan['points'][2, 4] = 0
    assert VoxelizePointClasses().transform(scan)['gt_occ'][3, 0, 0] == 16


def test_a_scan_outside_label_part_teaches_nothing():
    results = VoxelizePointClasses().transform(_scan(labelled=False))
    assert (results['gt_occ'] == 255).all()
    assert not results['mask_lidar'].any()


def test_what_cannot_be_voted_on_is_refused():
    with pytest.raises(ValueError, match=r"free must be one of .* got 'nothing'"):
        VoxelizePointClasses('nothing')
    with pytest.raises(ValueError, match='must come before BEVAugment'):
        VoxelizePointClasses().transform(_scan(bda_mat=np.diag([-1.0, 1, 1, 1])))


def test_points_are_looked_up_on_the_grid_of_the_data_set():
    """Voxel (255, 0, 3) of the sparse grid spans x 50.8 to 51.2, y -51.2 to -50.8, z -1.8 to -1.4."""
    occ = np.full(SPARSE.grid_size, 17, np.uint8)
    occ[255, 0, 3] = 4
    points = np.array([[51.0, -51.0, -1.6], [50.7, -51.0, -1.6], [0.0, 0.0, 0.0], [60.0, -51.0, -1.6]])
    assert labels_at_points(occ, points, spec=SPARSE).tolist() == [4, 0, 0, 0]
    assert labels_at_points(occ, points, nearest=True, spec=SPARSE).tolist() == [4, 4, 4, 4]
    with pytest.raises(ValueError, match='the lookup of points in voxels'):
        labels_at_points(occ, points)


def test_lidarseg_is_refused_for_other_classes():
    spec = replace(OCC3D, classes=tuple(f'c{i}' for i in range(18)))
    with pytest.raises(ValueError, match='classes of Occ3D-nuScenes'):
        labels_at_points(np.zeros(OCC3D.grid_size, np.uint8), np.zeros((1, 3)), spec=spec)


def test_config_and_data_set_have_one_grid(repo):
    cfg = Config.fromfile(repo / 'configs/_base_/datasets/sparse-nus.py')
    assert tuple(cfg.point_cloud_range) == SPARSE.point_cloud_range
    assert tuple(cfg.grid_size) == SPARSE.grid_size
    assert SparseOccNuScenesDataset.METAINFO['grid_size'] == SPARSE.grid_size
    assert SPARSE.cube_edge('') == 0.4
