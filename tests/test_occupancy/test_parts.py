"""Fewer scenes, or labels on some of them: which ones, and what training sees of them."""

import hashlib
import itertools

import numpy as np
import pytest
import torch

from projects.occupancy.datasets import LoadOccupancyLabels, Occ3DNuScenesDataset
from projects.occupancy.datasets.parts import choose_scenes, keep_parts
from projects.occupancy.models import FlashOccHead
from projects.occupancy.structures import OccDataSample

SCENES = [f'scene-{i:04d}' for i in range(1, 9)]


def infos_of(*scenes):
    return [{'token': f'{scene}-{i}', 'scene_token': scene} for scene in scenes for i in range(2)]


def test_a_smaller_part_lies_in_every_larger_one():
    parts = [choose_scenes(SCENES, part) for part in (0.125, 0.25, 0.5, 1.0)]
    assert [len(part) for part in parts] == [1, 2, 4, 8]
    assert all(small < large for small, large in itertools.pairwise(parts))


def test_scenes_are_chosen_by_their_hash_and_not_by_their_order():
    first = min(SCENES, key=lambda scene: hashlib.sha256(scene.encode()).digest())
    assert choose_scenes(SCENES, 0.01) == choose_scenes(reversed(SCENES), 0.01) == {first}


@pytest.mark.parametrize('part', [0.0, -0.5, 1.5, float('nan')])
def test_a_part_out_of_range_is_refused(part):
    with pytest.raises(ValueError, match='above 0 and at most 1'):
        choose_scenes(SCENES, part)


def test_labels_stay_on_the_scenes_of_their_part_and_the_infos_are_not_written_to():
    infos = infos_of(*SCENES)
    kept = keep_parts(infos, 0.5, 0.25, 'infos.pkl')
    labelled = {info['scene_token'] for info in kept if info.get('labelled', True)}
    assert {info['scene_token'] for info in kept} == choose_scenes(SCENES, 0.5)
    assert labelled == choose_scenes(SCENES, 0.25)
    assert not any('labelled' in info for info in infos)
    assert keep_parts(infos, 1, 1, 'infos.pkl') is infos


def test_infos_without_scenes_are_refused():
    with pytest.raises(ValueError, match=r'infos\.pkl does not say the scene'):
        keep_parts([{'token': 'a'}], 0.5, 1, 'infos.pkl')


def test_the_data_set_marks_samples_without_labels(nuscenes_root):
    def build(**parts):
        return Occ3DNuScenesDataset('occ3d-nus_infos_train.pkl', data_root=str(nuscenes_root), **parts)

    full = build()
    scenes = {full.get_data_info(i)['scene_token'] for i in range(len(full))}
    few = build(label_part=1 / len(scenes))
    seen = [few.get_data_info(i) for i in range(len(few))]
    assert len(few) == len(full)
    assert {info['scene_token'] for info in seen if info['labelled']} == choose_scenes(scenes, 1 / len(scenes))


def test_a_sample_without_labels_reads_no_file_and_has_no_labelled_voxel():
    results = LoadOccupancyLabels()({'labelled': False, 'occ_path': '/nowhere', 'grid_size': [4, 3, 2]})
    assert results['gt_occ'].shape == results['mask_camera'].shape == (4, 3, 2)
    assert (results['gt_occ'] == 255).all()
    assert not results['mask_camera'].any()
    assert not results['mask_lidar'].any()


def test_losses_of_a_batch_without_labels_are_zero_with_a_zero_gradient():
    head = FlashOccHead(2, mid_channels=2, num_heights=2, loss_lovasz={'type': 'OccLovaszLoss'})
    sample = OccDataSample()
    sample.gt_occ = torch.from_numpy(np.full((4, 3, 2), 255, np.uint8))
    sample.mask_camera = torch.zeros(4, 3, 2, dtype=torch.bool)
    losses = head.loss(head(torch.randn(1, 2, 3, 4)), [sample])
    sum(losses.values()).backward()
    assert [value.item() for value in losses.values()] == [0.0, 0.0]
    assert all((p.grad == 0).all() for p in head.parameters())
