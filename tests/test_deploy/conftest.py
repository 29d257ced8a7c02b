"""A small student of each kind that can be exported, with the inputs of one sample."""

import math

import pytest
import torch
from mmdet3d.registry import MODELS

import projects.depth.models
import projects.occupancy.models  # noqa: F401 - both register their models

RANGE = [-40.0, -40.0, -1.0, 40.0, 40.0, 5.4]
HEIGHT, WIDTH = 32, 64


def backbone(levels):
    return {
        'type': 'mmdet.ResNet', 'depth': 18, 'base_channels': 8, 'out_indices': levels, 'num_stages': levels[-1] + 1,
        'strides': (1, 2, 2, 2)[: levels[-1] + 1], 'dilations': (1,) * (levels[-1] + 1), 'norm_eval': False,
    }  # fmt: skip


def occupancy(voxels):
    """FlashOcc with a depth network that reads the calibration, or BEVDet-Occ; logits of (20, 20, 4) voxels."""
    grid = {'in_channels': 8 if voxels else 16, 'channels': [8, 16], 'num_blocks': [1, 1], 'strides': [1, 2]}
    head = {'in_channels': 8, 'mid_channels': 8, 'upsample': 2}
    return {
        'type': 'LSSOccModel',
        'img_backbone': backbone((1, 2)),
        'img_neck': {'type': 'SingleLevelFPN', 'in_channels': [16, 32], 'out_channels': 16},
        'view_transform': {
            'type': 'LSSViewTransform', 'in_channels': 16, 'out_channels': 8, 'point_cloud_range': RANGE,
            'grid_size': [10, 10, 2], 'downsample': 8, 'depth_range': (1.0, 45.0, 4.0), 'collapse_z': not voxels,
            'depth_net': None if voxels else {'type': 'CameraAwareDepthNet', 'mid_channels': 16, 'num_blocks': 1},
        },
        'grid_backbone': {'type': 'VoxelResNet' if voxels else 'BEVResNet', **grid},
        'grid_neck': {'type': 'VoxelLSSFPN', 'in_channels': [8, 16], 'out_channels': 8}
        if voxels
        else {'type': 'LSSFPN', 'in_channels': [8, 16], 'out_channels': 8, 'extra_upsample': 1},
        'occ_head': {'type': 'BEVDetOccHead', **head}
        if voxels
        else {'type': 'FlashOccHead', 'num_heights': 4, **head},
    }  # fmt: skip


def depth():
    return {
        'type': 'MonoDepthModel',
        'backbone': backbone((0, 1, 2, 3)),
        'decoder': {'type': 'DepthFPNDecoder', 'in_channels': [8, 16, 32, 64], 'channels': 16},
        'depth_head': {'type': 'DepthScaleHead', 'in_channels': 16, 'mid_channels': 8},
        'flip_tta': 'mean',
    }


def occupancy_inputs():
    """Two cameras, 1.5 m above the ground: one looks forward, one 60 degrees to the left."""
    cam2ego = torch.eye(4).repeat(1, 2, 1, 1)
    optical = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    for i, angle in enumerate((0.0, math.radians(60))):
        yaw = torch.tensor([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
        cam2ego[:, i, :3, :3] = yaw @ optical
    cam2ego[:, :, 2, 3] = 1.5
    cam2img = torch.tensor([[32.0, 0, 31.5], [0, 32.0, 15.5], [0, 0, 1]])
    return {
        'imgs': torch.randn(1, 2, 3, HEIGHT, WIDTH),
        'cam2img': cam2img.repeat(1, 2, 1, 1),
        'cam2ego': cam2ego,
        'img_aug_matrix': torch.eye(3).repeat(1, 2, 1, 1),
        'bda_mat': torch.eye(4).repeat(1, 1, 1),
    }


@pytest.fixture(params=['flashocc', 'bevdet_occ', 'depth'])
def student(request):
    """(model, inputs) with running statistics that are not those of a new model."""
    is_depth = request.param == 'depth'
    model = MODELS.build(depth() if is_depth else occupancy(request.param == 'bevdet_occ'))
    for name, buffer in model.named_buffers():
        if 'running' in name:
            buffer += 0.2 * torch.rand_like(buffer)
    inputs = {'img': torch.randn(1, 3, HEIGHT, WIDTH)} if is_depth else occupancy_inputs()
    return model.eval(), inputs
