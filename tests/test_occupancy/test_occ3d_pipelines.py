"""What the pipelines of the configs make of a frame."""

import shutil

import pytest
import torch
from mmdet3d.registry import DATASETS
from mmengine.config import Config


@pytest.fixture(scope='module')
def config(repo):
    return Config.fromfile(repo / 'configs/_base_/datasets/minidrive-occ.py')


def build_pipeline(config, root, pipeline, modality, split='train'):
    cfg = config[f'{split}_dataloader'].dataset.copy()
    cfg.update(data_root=str(root), pipeline=config[pipeline], modality=config[modality])
    return DATASETS.build(cfg)


@pytest.mark.parametrize(
    ('pipeline', 'modality', 'has_imgs', 'has_points', 'fields'),
    [
        ('train_pipeline', 'fusion_modality', True, False, {'gt_depth'}),
        ('test_pipeline', 'camera_modality', True, False, set()),
        ('fusion_train_pipeline', 'fusion_modality', True, True, {'gt_depth'}),
        ('fusion_test_pipeline', 'fusion_modality', True, True, set()),
        ('lidar_train_pipeline', 'lidar_modality', False, True, set()),
        ('lidar_test_pipeline', 'lidar_modality', False, True, set()),
        ('distill_train_pipeline', 'fusion_modality', True, True, {'gt_depth', 'segments'}),
    ],
)
def test_every_pipeline_packs_what_its_model_needs(
    config, nuscenes_root, pipeline, modality, has_imgs, has_points, fields
):
    packed = build_pipeline(config, nuscenes_root, pipeline, modality)[1]
    inputs, sample = packed['inputs'], packed['data_samples']
    assert ('imgs' in inputs, 'points' in inputs) == (has_imgs, has_points)
    if has_imgs:
        assert inputs['imgs'].shape == (6, 3, *config.input_size)
        assert inputs['imgs'].dtype == torch.uint8
    assert inputs['cam2ego'].shape == (6, 4, 4)
    assert {value.dtype for key, value in inputs.items() if key != 'imgs'} == {torch.float32}
    assert set(sample.keys()) == {'gt_occ', 'mask_camera', 'mask_lidar'} | fields
    assert sample.gt_occ.shape == (200, 200, 16)
    if 'segments' in fields:
        assert sample.segments.shape == (6, *config.render_size)
    assert sample.scene_name == 'scene-9001'


def test_camera_only_testing_reads_no_lidar_file(config, own_root):
    shutil.rmtree(own_root / 'samples/LIDAR_TOP')
    shutil.rmtree(own_root / 'sweeps')
    dataset = build_pipeline(config, own_root, 'test_pipeline', 'camera_modality', split='val')
    assert dataset[0]['inputs']['imgs'].shape[0] == 6
    with pytest.raises(FileNotFoundError, match=r'scene-9002__LIDAR_TOP__0\.pcd\.bin.*config reads LiDAR .*use_lidar'):
        build_pipeline(config, own_root, 'fusion_test_pipeline', 'fusion_modality', split='val')


def test_same_seed_epoch_and_sample_give_the_same_augmentation(config, nuscenes_root):
    dataset = build_pipeline(config, nuscenes_root, 'distill_train_pipeline', 'fusion_modality')
    dataset.epoch_counter.set(3, 0)
    first, again = dataset[1]['inputs'], dataset[1]['inputs']
    assert all(torch.equal(first[key], again[key]) for key in first)
    dataset.epoch_counter.set(3, 1)
    assert not torch.equal(first['img_aug_matrix'], dataset[1]['inputs']['img_aug_matrix'])


def test_missing_label_stops_training_and_not_testing(config, own_root):
    shutil.rmtree(own_root / 'gts')
    with pytest.raises(FileNotFoundError, match=r'sample \w{32}: .*label not found: .*gts/scene-9001/.*labels\.npz'):
        build_pipeline(config, own_root, 'train_pipeline', 'fusion_modality')[0]
    packed = build_pipeline(config, own_root, 'test_pipeline', 'camera_modality', split='val')[0]
    assert 'gt_occ' not in packed['data_samples']
