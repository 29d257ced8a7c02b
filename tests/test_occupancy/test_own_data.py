"""Another rig, grid and other classes: the class and the configs of docs/own_data.md, outside of the repository.

The data are those of the fake nuScenes with five of its cameras under other names and labels of 80 x 80 x 8 voxels.
"""

import pickle
import sys

import numpy as np
import pytest
import torch
from docs_blocks import blocks
from mmdet3d.registry import DATASETS, METRICS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from mmengine.utils import import_modules_from_strings

from projects.engine import draw_prediction, read_config
from projects.engine.labelled_sampler import LabelledShareSampler
from projects.occupancy.classes import OCC3D
from projects.occupancy.pictures import draw_occ_inputs, with_lidar

CAMERAS = {
    'front': 'CAM_FRONT',
    'front_left': 'CAM_FRONT_LEFT',
    'front_right': 'CAM_FRONT_RIGHT',
    'rear_left': 'CAM_BACK_LEFT',
    'rear_right': 'CAM_BACK_RIGHT',
}
MODULE, FLASHOCC, BEVFUSION, RADOCC = (block.text for block in blocks('docs/own_data.md') if block.language == 'python')


def label():
    """A road at the height of 0.2 m, a wall across it ten metres ahead, free space, and an unlabelled column."""
    semantics = np.full((80, 80, 8), 9, np.uint8)
    semantics[:, :, 1] = 4
    semantics[52, :, 2:5] = 7
    semantics[0, 0] = 255
    mask = np.ones_like(semantics)
    return {'semantics': semantics, 'mask_lidar': mask, 'mask_camera': mask}


def own_items(content, root):
    for item in content['data_list']:
        item['images'] = {name: item['images'][source] for name, source in CAMERAS.items()}
        np.savez_compressed(root / item['occ_path'], **label())
    return content


@pytest.fixture
def own_data(own_root, tmp_path, repo, monkeypatch):
    """Folder of the data; the class and the configs lie beside it."""
    for split in ('train', 'val'):
        path = own_root / f'occ3d-nus_infos_{split}.pkl'
        path.write_bytes(pickle.dumps(own_items(pickle.loads(path.read_bytes()), own_root)))
    for name, source in CAMERAS.items():
        (own_root / 'samples' / source).rename(own_root / 'samples' / name)
    (tmp_path / 'my_data.py').write_text(MODULE)
    for name, text in (('flashocc', FLASHOCC), ('bevfusion', BEVFUSION), ('radocc', RADOCC)):
        text = text.replace("'../", f"'{repo}/configs/").replace('data/my_data', str(own_root))
        (tmp_path / f'{name}_my_data.py').write_text(text.replace('work_dirs', str(tmp_path)))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    DATASETS.module_dict.pop('MyOccDataset', None)
    sys.modules.pop('my_data', None)


def load(path):
    cfg = read_config(path)
    import_modules_from_strings(**cfg.custom_imports)
    return cfg


def samples_of(loader, count=1):
    dataset = DATASETS.build(loader.dataset)
    return dataset, [dataset[i] for i in range(count)]


def score(metric, dataset, samples):
    metric = METRICS.build(metric)
    metric.dataset_meta = dataset.metainfo
    metric.process({}, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(samples))


def test_flashocc_trains_and_predicts_on_the_grid_of_the_data(own_data):
    cfg = load(own_data / 'flashocc_my_data.py')
    _, packed = samples_of(cfg.train_dataloader, 2)
    assert packed[0]['inputs']['imgs'].shape[0] == len(CAMERAS)
    assert packed[0]['data_samples'].cam_names == tuple(CAMERAS)
    assert packed[0]['data_samples'].gt_occ.shape == (80, 80, 8)
    model = MODELS.build(cfg.model).train()
    optimizer = OptimWrapper(torch.optim.AdamW(model.parameters(), lr=1e-3))
    losses = [model.train_step(pseudo_collate(packed), optimizer)['loss_occ'].item() for _ in range(3)]
    assert losses[2] < losses[0]
    _, (sample,) = samples_of(cfg.val_dataloader)
    (found,) = model.eval().val_step(pseudo_collate([sample]))
    assert found.pred_occ.shape == (80, 80, 8)
    assert found.pred_occ.max() <= 9


def test_a_training_sample_without_a_label_is_kept_where_the_info_file_says_so(own_data, own_root):
    path = own_root / 'occ3d-nus_infos_train.pkl'
    content = pickle.loads(path.read_bytes())
    del content['data_list'][1]['occ_path']
    content['data_list'][1]['labelled'] = False
    path.write_bytes(pickle.dumps(content))
    dataset, (labelled, bare) = samples_of(load(own_data / 'flashocc_my_data.py').train_dataloader, 2)
    assert (labelled['data_samples'].gt_occ == 4).any()
    assert (bare['data_samples'].gt_occ == 255).all()
    assert not bare['data_samples'].mask_camera.any()
    assert set(LabelledShareSampler(dataset, 1.0, seed=0)) == set(range(len(dataset))) - {1}


def test_metrics_read_classes_and_metres_of_the_data(own_data):
    cfg = load(own_data / 'flashocc_my_data.py')
    dataset, (packed,) = samples_of(cfg.val_dataloader)
    sample = packed['data_samples']
    origins = {'type': 'RayIoUMetric', 'ann_file': dataset.ann_file}
    sample.pred_occ = torch.where(sample.gt_occ == 255, 0, sample.gt_occ)
    perfect = {**score(cfg.val_evaluator, dataset, [sample]), **score(origins, dataset, [sample])}
    assert [perfect[name] for name in ('occ/mIoU', 'occ/IoU_wall', 'rayiou/mean', 'rayiou/wall')] == [100] * 4
    assert not {'occ/IoU_free', 'occ/IoU_barrier', 'rayiou/barrier'} & set(perfect)
    # The wall two voxels, 1.6 m, further away: seen within 2 and 4 m, not within 1 m.
    sample.pred_occ[54] = sample.pred_occ[52]
    sample.pred_occ[52, :, 2:5] = 9
    moved = score(origins, dataset, [sample])
    assert moved['rayiou/1'] < moved['rayiou/2'] < 100


def test_rays_and_segments_of_radocc_reach_every_camera(own_data):
    (own_data / 'bevfusion_my_data').mkdir()
    cfg, teacher_cfg = load(own_data / 'radocc_my_data.py'), load(own_data / 'bevfusion_my_data.py')
    teacher, (_, packed) = MODELS.build(teacher_cfg.model).train(), samples_of(teacher_cfg.train_dataloader)
    optimizer = OptimWrapper(torch.optim.AdamW(teacher.parameters(), lr=1e-3))
    assert teacher.train_step(pseudo_collate(packed), optimizer)['loss_occ'] > 0
    torch.save({'state_dict': teacher.state_dict()}, cfg.model.teacher_ckpt)
    model = MODELS.build(cfg.model)
    model.init_weights()
    _, packed = samples_of(cfg.train_dataloader)
    data = model.train().data_preprocessor(pseudo_collate(packed), True)
    losses = model(**data, mode='loss')
    assert all(losses[name] > 0 for name in ('loss_occ', 'loss_rdc', 'loss_rsc', 'loss_rsc_kl'))
    rays = model.shared['rays'](data['inputs'], data['data_samples'])
    assert rays['num_cams'] == len(CAMERAS)
    assert rays['cam_ids'].unique().tolist() == list(range(len(CAMERAS)))
    assert (rays['segment_ids'] > 0).any()


@pytest.mark.parametrize(
    ('config', 'part', 'where'),
    [
        ('flashocc', 'model.view_transform', 'view_transform'),
        ('radocc', 'model.shared.rays.geometry', 'the geometry of the rays'),
    ],
)
def test_a_box_that_is_not_that_of_the_data_is_refused(own_data, config, part, where):
    cfg = read_config(own_data / f'{config}_my_data.py', {f'{part}.point_cloud_range': list(OCC3D.point_cloud_range)})
    import_modules_from_strings(**cfg.custom_imports)
    _, packed = samples_of(cfg.train_dataloader)
    model = MODELS.build(cfg.model if config == 'flashocc' else cfg.model.shared.rays)
    data = MODELS.build({'type': 'OccDataPreprocessor'})(pseudo_collate(packed), True)
    with pytest.raises(ValueError, match=rf'point_cloud_range of {where} is \[-40.0, .* data set is \[-32.0, '):
        model(**data, **({'mode': 'loss'} if config == 'flashocc' else {}))


def test_pictures_have_the_cameras_colours_and_box_of_the_data(own_data):
    cfg = load(own_data / 'flashocc_my_data.py')
    cfg.val_dataloader.dataset = with_lidar(cfg.val_dataloader.dataset)
    dataset, (packed,) = samples_of(cfg.val_dataloader)
    sample, wall = packed['data_samples'], dataset.metainfo['palette'][7]
    sample.pred_occ = torch.where(sample.gt_occ == 255, 9, sample.gt_occ)
    panel = draw_prediction(sample, packed['inputs'], dataset.metainfo)
    assert (panel == wall).all(-1).any()
    inputs = draw_occ_inputs(sample, packed['inputs'], dataset.metainfo)
    assert inputs.shape[1:] == (1500, 3)
