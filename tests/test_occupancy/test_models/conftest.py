"""Tiny batches and models for the tests of occupancy models."""

import math

import pytest
import torch

from projects.occupancy import OccDataSample

HEADINGS = (55, 0, -55, 110, 180, -110)


def calibration(B, N, H, W):
    """Cameras of 90 degrees that look around, 1.5 m above the ground."""
    cam2ego = torch.eye(4).repeat(B, N, 1, 1)
    optical = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    for i in range(N):
        angle = math.radians(HEADINGS[i])
        yaw = torch.tensor([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
        cam2ego[:, i, :3, :3] = yaw @ optical
        cam2ego[:, i, 2, 3] = 1.5
    cam2img = torch.tensor([[W / 2, 0, W / 2 - 0.5], [0, W / 2, H / 2 - 0.5], [0, 0, 1]])
    return {
        'cam2img': cam2img.repeat(B, N, 1, 1),
        'cam2ego': cam2ego,
        'img_aug_matrix': torch.eye(3).repeat(B, N, 1, 1),
        'bda_mat': torch.eye(4).repeat(B, 1, 1),
    }


@pytest.fixture
def make_calibration():
    return calibration


@pytest.fixture
def make_batch():
    """Collated data (before the preprocessor) of B samples with N cameras and a grid."""

    def make(B=2, N=2, H=32, W=64, grid=(20, 20, 4), points=300):
        matrices = calibration(B, N, H, W)
        inputs = {key: list(value) for key, value in matrices.items()}
        inputs['imgs'] = list(torch.randint(0, 256, (B, N, 3, H, W), dtype=torch.uint8))
        low, high = torch.tensor([-40.0, -40, -1, 0, 0]), torch.tensor([40.0, 40, 5, 255, 0.5])
        inputs['points'] = [low + torch.rand(points, 5) * (high - low) for _ in range(B)]
        samples = []
        for i in range(B):
            sample = OccDataSample(metainfo={'token': f'token-{i}'})
            sample.gt_occ = torch.full(grid, 17, dtype=torch.uint8)
            sample.gt_occ[:, :, 0] = 11
            sample.gt_occ[: grid[0] // 4, :, 1] = 4
            sample.mask_camera = torch.rand(grid) < 0.5
            sample.mask_lidar = torch.ones(grid, dtype=torch.bool)
            sample.gt_depth = torch.zeros(N, H, W)
            sample.gt_depth[:, ::5, ::5] = 1 + 40 * torch.rand(N, -(-H // 5), -(-W // 5))
            samples.append(sample)
        return {'inputs': inputs, 'data_samples': samples}

    return make


RANGE = [-40.0, -40.0, -1.0, 40.0, 40.0, 5.4]


def camera_parts(z=1, collapse=True):
    width = 8 * z if collapse else 8
    return {
        'data_preprocessor': {'type': 'OccDataPreprocessor'},
        'img_backbone': {
            'type': 'mmdet.ResNet', 'depth': 18, 'base_channels': 8, 'out_indices': (1, 2), 'num_stages': 3,
            'strides': (1, 2, 2), 'dilations': (1, 1, 1), 'norm_eval': False,
        },
        'img_neck': {'type': 'SingleLevelFPN', 'in_channels': [16, 32], 'out_channels': 16},
        'view_transform': {
            'type': 'LSSViewTransform', 'in_channels': 16, 'out_channels': 8, 'point_cloud_range': RANGE,
            'grid_size': [10, 10, z], 'downsample': 8, 'depth_range': (1.0, 45.0, 4.0), 'collapse_z': collapse,
            'depth_net': {'type': 'CameraAwareDepthNet', 'mid_channels': 16, 'num_blocks': 1},
            'loss_depth': {'type': 'LiDARDepthLoss', 'loss_weight': 0.1},
        },
        'grid_backbone': {
            'type': 'BEVResNet' if collapse else 'VoxelResNet', 'in_channels': width, 'channels': [8, 16],
            'num_blocks': [1, 1], 'strides': [1, 2],
        },
        'grid_neck': {'type': 'LSSFPN', 'in_channels': [8, 16], 'out_channels': 8, 'extra_upsample': 1},
        'occ_head': {
            'type': 'FlashOccHead', 'in_channels': 8, 'mid_channels': 16, 'num_heights': 4, 'upsample': 2,
            'loss_lovasz': {'type': 'OccLovaszLoss'},
        },
    }  # fmt: skip


def lidar_parts():
    return {
        'pts_encoder': {
            'type': 'PillarEncoder', 'point_cloud_range': RANGE, 'pillar_size': [4.0, 4.0], 'channels': 4,
            'num_slices': 2,
        },
        'pts_backbone': {
            'type': 'BEVResNet', 'in_channels': 8, 'channels': [8, 16], 'num_blocks': [1, 1], 'strides': [2, 2],
        },
        'pts_neck': {'type': 'LSSFPN', 'in_channels': [8, 16], 'out_channels': 8, 'extra_upsample': 1},
    }  # fmt: skip


def query_parts():
    camera = camera_parts()
    names = ('data_preprocessor', 'img_backbone', 'img_neck', 'occ_head')
    encoder = {
        'type': 'BEVFormerEncoder', 'embed_dims': 8, 'point_cloud_range': RANGE, 'bev_size': [10, 10], 'num_layers': 2,
        'num_levels': 2, 'num_heights': 2, 'num_points': 4, 'num_heads': 2, 'dropout': 0.0,
    }  # fmt: skip
    neck = {'type': 'mmdet.FPN', 'in_channels': [16, 32], 'out_channels': 8, 'num_outs': 2}
    return {**{name: camera[name] for name in names}, 'img_neck': neck, 'view_transform': encoder}


def plane_parts():
    """Parts of the camera model that reads images with the queries of three planes."""
    encoder = {
        'type': 'TPVFormerEncoder', 'embed_dims': 8, 'point_cloud_range': RANGE, 'grid_size': [10, 10, 2],
        'num_layers': 1, 'num_plane_layers': 1, 'num_levels': 2, 'num_heights': [2, 4, 4], 'num_points': [4, 4, 4],
        'num_heads': 2, 'plane_heights': 2, 'plane_points': 4, 'dropout': 0.0,
    }  # fmt: skip
    head = {
        'type': 'BEVDetOccHead', 'in_channels': 8, 'mid_channels': 8, 'upsample': 2,
        'loss_lovasz': {'type': 'OccLovaszLoss'},
    }  # fmt: skip
    return {**query_parts(), 'view_transform': encoder, 'occ_head': head}


def tiny_models():
    """Config of one tiny model of each kind; logits of (20, 20, 4) voxels."""
    bev, voxel = camera_parts(z=2), camera_parts(z=2, collapse=False)
    voxel['grid_neck'] = {'type': 'VoxelLSSFPN', 'in_channels': [8, 16], 'out_channels': 8}
    voxel['occ_head'] = {
        'type': 'BEVDetOccHead', 'in_channels': 8, 'mid_channels': 8, 'upsample': 2,
        'loss_lovasz': {'type': 'OccLovaszLoss'},
    }  # fmt: skip
    lidar = lidar_parts()
    fuser = {'type': 'SEBEVFuser', 'in_channels': [8, 8], 'out_channels': 8}
    return {
        'flashocc': {'type': 'LSSOccModel', **bev},
        'bevdet_occ': {'type': 'LSSOccModel', **voxel},
        'lidar': {
            'type': 'LidarOccModel', **lidar, 'occ_head': bev['occ_head'],
            'data_preprocessor': bev['data_preprocessor'],
        },
        'bevformer': {'type': 'BEVFormerOccModel', **query_parts()},
        'tpvformer': {'type': 'TPVFormerOccModel', **plane_parts()},
        'fusion': {'type': 'FusionOccModel', **bev, **lidar, 'fuser': fuser},
    }  # fmt: skip


@pytest.fixture
def tiny_model_cfgs():
    """Function that returns fresh configs of tiny models."""
    return tiny_models
