import numpy as np
import torch

from projects.studies.measuring import measure
from projects.studies.occupancy_scores import OccupancyMeter, Scores


class _Label:
    def __init__(self, gt_occ, mask_camera):
        self.gt_occ, self.mask_camera = gt_occ, mask_camera


class _Samples:
    """One sample with four voxels along x: car, car (not seen), free, bus."""

    metainfo = {'classes': ('bus', 'car', 'free'), 'free_class': 2}

    def __len__(self):
        return 1

    def __getitem__(self, index):
        gt_occ = torch.tensor([1, 1, 2, 0], dtype=torch.uint8).view(4, 1, 1)
        mask = torch.tensor([True, False, True, True]).view(4, 1, 1)
        return {'data_samples': _Label(gt_occ, mask), 'inputs': {}}


def test_measure_counts_only_what_the_cameras_see():
    wrong_where_unseen = np.array([1, 0, 2, 0], np.uint8).reshape(4, 1, 1)
    bus_taken_for_car = np.array([1, 1, 2, 1], np.uint8).reshape(4, 1, 1)
    meters = measure(
        _Samples(),
        {'right': lambda sample, index: wrong_where_unseen, 'half': lambda sample, index: bus_taken_for_car},
        lambda: OccupancyMeter(('bus', 'car', 'free'), 2),
    )
    scores = {name: meter.scores() for name, meter in meters.items()}
    assert scores['right'].miou == 100.0
    # The seen voxels are car, free, bus: car has one hit of two, bus none of one; both are occupied as they should be.
    assert scores['half'].per_class == {'bus': 0.0, 'car': 50.0}
    assert scores['half'].miou == 25.0
    assert scores['half'].iou == 100.0


def test_class_that_never_occurs_is_null_in_json():
    score = Scores(50.0, 60.0, {'bus': float('nan'), 'car': 50.0})
    assert score.as_json() == {'miou': 50.0, 'iou': 60.0, 'per_class': {'bus': None, 'car': 50.0}}
