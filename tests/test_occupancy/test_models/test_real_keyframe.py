"""Real nuScenes images through full-size students."""

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS, TRANSFORMS
from mmengine.config import Config

from projects.engine import restricted_load
from projects.occupancy import OccDataSample

CAMERAS = ['CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK', 'CAM_BACK_RIGHT']
CONFIG = 'configs/flashocc/flashocc_r50_8xb4-24e_occ3d-nus.py'
STUDENTS = {  # depth bins, shape of what the grid holds
    CONFIG: (44, {'bev_feat': (1, 128, 200, 200)}),
    'configs/flashocc/flashocc_r50-m1_8xb4-24e_occ3d-nus.py': (88, {'bev_feat': (1, 256, 200, 200)}),
    'configs/bevdet_occ/bevdet-occ_r50_8xb4-24e_occ3d-nus.py': (88, {'voxel_feat': (1, 32, 200, 200, 16)}),
}


@pytest.fixture
def keyframe(realdata):
    """Collated inputs of the keyframe at 256 x 704."""
    folder = realdata / 'nuscenes_keyframe'
    (info_file,) = folder.glob('*.pkl')
    info = restricted_load(info_file)['data_list'][0]
    images = [info['images'][camera] for camera in CAMERAS]
    results = {'img_paths': [str(folder / image['img_path']) for image in images], 'token': info['token']}
    for step in (
        {'type': 'LoadMultiViewImages'},
        {'type': 'MultiViewImageAug', 'final_dim': (256, 704), 'test_mode': True},
    ):
        results = TRANSFORMS.build(step)(results)
    lidar2ego = np.array(info['lidar_points']['lidar2ego'])
    cam2ego = np.stack([lidar2ego @ np.linalg.inv(np.array(image['lidar2cam'])) for image in images])
    inputs = {
        'imgs': torch.from_numpy(np.stack(results['imgs'])).permute(0, 3, 1, 2),
        'cam2img': torch.tensor(np.array([image['cam2img'] for image in images]), dtype=torch.float32),
        'cam2ego': torch.tensor(cam2ego, dtype=torch.float32),
        'img_aug_matrix': torch.tensor(results['img_aug_matrix'], dtype=torch.float32),
        'bda_mat': torch.eye(4),
    }
    sample = OccDataSample(metainfo={'token': info['token']})
    return {'inputs': {key: [value] for key, value in inputs.items()}, 'data_samples': [sample]}


@pytest.mark.parametrize('config', STUDENTS)
def test_untrained_full_size_student_goes_from_six_images_to_the_voxels(repo, keyframe, config):
    model = MODELS.build(Config.fromfile(str(repo / config)).model).eval()
    data = model.data_preprocessor(keyframe)
    assert data['inputs']['imgs'].shape == (1, 6, 3, 256, 704)
    with torch.no_grad():
        outputs = model(**data)
        pred = model.occ_head.predict(outputs['occ_logits'])[0]
    bins, features = STUDENTS[config]
    assert outputs['depth_logits'].shape == (6, bins, 16, 44)
    assert {name: tuple(outputs[name].shape) for name in features} == features
    assert pred.shape == (200, 200, 16)
    assert pred.dtype == torch.uint8
    assert torch.isfinite(outputs['occ_logits']).all()


def test_cameras_of_the_keyframe_fill_all_sides_of_the_grid(repo, keyframe):
    cfg = Config.fromfile(str(repo / CONFIG)).model
    view = MODELS.build(cfg.view_transform)
    inputs = {key: value[0][None] for key, value in keyframe['inputs'].items() if key != 'imgs'}
    depth, context = torch.full((6, 44, 16, 44), 1 / 44), torch.ones(6, 64, 16, 44)
    hit = view.splat(depth, context, inputs)[0, 0] > 0  # (Y, X)
    quarters = [hit[:100, :100], hit[:100, 100:], hit[100:, :100], hit[100:, 100:]]
    assert all(quarter.float().mean() > 0.2 for quarter in quarters)
    assert not hit[97:103, 97:103].any()  # nothing is seen closer than the first bin
