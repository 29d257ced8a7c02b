"""Classes of points: from lidarseg files and from voxels."""

import numpy as np
import pytest

from projects.occupancy.datasets.transforms import (
    EgoPointsRangeFilter,
    LoadLidarSweeps,
    LoadPointClasses,
    PointClassesFromVoxels,
)


def scan(tmp_path, ids, count=None):
    path = tmp_path / 'a_lidarseg.bin'
    np.array(ids, np.uint8).tofile(path)
    points = np.zeros((len(ids) if count is None else count, 5), np.float32)
    return {'points': points, 'points_frame': 'lidar', 'token': 'a', 'lidarseg_path': str(path)}


def test_categories_become_classes_of_occ3d_and_noise_is_unknown(tmp_path):
    """noise, car, driveable surface, the ego car, vegetation, pedestrian with a stroller (not in the challenge)."""
    found = LoadPointClasses()(scan(tmp_path, [0, 17, 24, 31, 30, 8]))
    assert found['point_classes'].tolist() == [255, 4, 11, 255, 16, 255]


def test_files_of_the_challenge_hold_the_ids_themselves(tmp_path):
    assert LoadPointClasses('challenge')(scan(tmp_path, [0, 4, 16]))['point_classes'].tolist() == [255, 4, 16]
    with pytest.raises(ValueError, match=r'holds id 24, expected 0\.\.16'):
        LoadPointClasses('challenge')(scan(tmp_path, [24]))


def test_a_scan_outside_label_part_is_not_read(tmp_path):
    found = LoadPointClasses()({**scan(tmp_path, [17, 24]), 'labelled': False, 'lidarseg_path': None})
    assert found['point_classes'].tolist() == [255, 255]


def test_labels_of_another_scan_and_missing_ones_are_refused(tmp_path):
    with pytest.raises(ValueError, match='2 labels for the 3 points of sample a'):
        LoadPointClasses()(scan(tmp_path, [17, 17], count=3))
    with pytest.raises(FileNotFoundError, match='names no lidarseg labels for sample a'):
        LoadPointClasses()({**scan(tmp_path, [17]), 'lidarseg_path': None})


def test_sweeps_and_filters_keep_classes_in_step(tmp_path):
    np.full((2, 5), 3, np.float32).tofile(tmp_path / 'sweep.bin')
    sample = LoadPointClasses()(scan(tmp_path, [17, 24]))
    sample['lidar_sweeps'] = [{'path': str(tmp_path / 'sweep.bin'), 'sweep2key': np.eye(4), 'time_lag': 0.1}]
    sample['points'][0, :3] = 9
    sample = LoadLidarSweeps(1)(sample)
    assert sample['point_classes'].tolist() == [4, 11, 255, 255]
    sample = EgoPointsRangeFilter((-5, -5, -5, 5, 5, 5))({**sample, 'points_frame': 'ego'})
    assert sample['point_classes'].tolist() == [11, 255, 255]


def test_points_take_the_class_of_their_voxel():
    """Voxels of 2 m: (-1, 1, 0.5) is in (0, 1, 0); free, unlabelled and outside are unknown."""
    labels = np.array([[[4], [7]], [[17], [255]]], np.uint8)
    points = np.array([[-1, 1, 0.5], [-2, -2, 0], [1, -1, 0.5], [1, 1, 0.5], [2, 1, 0.5]], np.float32)
    sample = {'points': points, 'points_frame': 'ego', 'gt_occ': labels, 'num_classes': 18}
    sample['point_cloud_range'] = (-2, -2, 0, 2, 2, 2)
    assert PointClassesFromVoxels()(sample)['point_classes'].tolist() == [7, 4, 255, 255, 255]
