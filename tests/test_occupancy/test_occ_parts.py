"""Labels of occupancy on some of the scenes: what training sees of the others."""

import numpy as np
import torch

from projects.distillation import labelled_frames
from projects.engine import choose_scenes
from projects.occupancy.datasets import LoadOccupancyLabels, Occ3DNuScenesDataset, PackOccInputs
from projects.occupancy.models import FlashOccHead
from projects.occupancy.structures import OccDataSample


def test_the_data_set_marks_samples_without_labels(nuscenes_root):
    def build(**parts):
        return Occ3DNuScenesDataset('occ3d-nus_infos_train.pkl', data_root=str(nuscenes_root), **parts)

    full = build()
    scenes = {full.get_data_info(i)['scene_token'] for i in range(len(full))}
    few = build(label_part=1 / len(scenes))
    seen = [few.get_data_info(i) for i in range(len(few))]
    assert len(few) == len(full)
    assert {info['scene_token'] for info in seen if info['labelled']} == choose_scenes(scenes, 1 / len(scenes))
    other = build(label_part=1 / len(scenes), label_draw=2)
    labelled = {info['scene_token'] for info in map(other.get_data_info, range(len(other))) if info['labelled']}
    assert labelled == choose_scenes(scenes, 1 / len(scenes), 2)


def test_a_sample_without_labels_reads_no_file_and_has_no_labelled_voxel():
    results = LoadOccupancyLabels()({'labelled': False, 'occ_path': '/nowhere', 'grid_size': [4, 3, 2]})
    assert results['gt_occ'].shape == results['mask_camera'].shape == (4, 3, 2)
    assert (results['gt_occ'] == 255).all()
    assert not results['mask_camera'].any()
    assert not results['mask_lidar'].any()


def test_distillation_is_told_which_packed_samples_have_labels():
    results = [{'token': str(i), 'labelled': i == 0, 'gt_occ': np.zeros((4, 3, 2), np.uint8)} for i in range(2)]
    assert labelled_frames([PackOccInputs()(result)['data_samples'] for result in results]) == [True, False]


def test_losses_of_a_batch_without_labels_are_zero_with_a_zero_gradient():
    head = FlashOccHead(2, mid_channels=2, num_heights=2, loss_lovasz={'type': 'OccLovaszLoss'})
    sample = OccDataSample()
    sample.gt_occ = torch.from_numpy(np.full((4, 3, 2), 255, np.uint8))
    sample.mask_camera = torch.zeros(4, 3, 2, dtype=torch.bool)
    losses = head.loss(head(torch.randn(1, 2, 3, 4)), [sample])
    sum(losses.values()).backward()
    assert [value.item() for value in losses.values()] == [0.0, 0.0]
    assert all((p.grad == 0).all() for p in head.parameters())
