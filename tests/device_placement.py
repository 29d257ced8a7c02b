"""Run a part of a training step, forward and backward, on fake tensors of an accelerator. Usage: PART.

Fake tensors hold no values, and any mix of devices raises. Where there is a GPU they are of "cuda". Elsewhere the
backward pass of fake "cuda" tensors has no device guard, and a CPU build of torch aborts, so there a backend of our own
stands in. It is registered for the whole process: run this file in a process of its own.
"""

import os
import sys

import torch
from mmengine.registry import DefaultScope
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from projects.occupancy.models import RaySampleGeometry
from projects.occupancy.models.losses import lidar_depth_loss, masked_cross_entropy_loss
from projects.occupancy.models.losses.depth_loss import depth_bin_targets
from projects.occupancy.models.losses.lovasz_softmax import lovasz_of_present_classes
from projects.occupancy.models.view_transforms import (
    BEVFormerEncoder,
    LSSViewTransform,
    StereoLSSViewTransform,
    TPVFormerEncoder,
)
from projects.occupancy.models.view_transforms.pillars import list_views, project_pillars
from projects.occupancy.ops import warp_to_key
from projects.occupancy.structures import OccDataSample
from projects.radocc import (
    RayDistributionConsistencyLoss,
    RenderedDepthLoss,
    RenderedSemanticConsistencyLoss,
    RenderedSemanticKLLoss,
    VolumeRenderingConnector,
)
from projects.renderocc import LidarRaySupervision

RANGE = [-4.0, -4.0, -1.6, 4.0, 4.0, 1.6]


def accelerator():
    """Name of the device that the fake tensors live on."""
    if torch.cuda.is_available():
        return 'cuda'
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend('fakegpu')
    torch.fakegpu.get_amp_supported_dtype = lambda: [torch.bfloat16]
    torch.fakegpu.is_available = lambda: False  # constants are then made as fake tensors, too
    return 'fakegpu:0'


def leaf(*shape, device):
    """Random tensor that wants a gradient."""
    return torch.rand(*shape, device=device, requires_grad=True)


def occupancy_losses(device):
    """Masked cross-entropy, Lovasz and depth loss."""
    logits, depth_logits = leaf(4, 3, 18, device=device), leaf(2, 88, 2, 4, device=device)
    target = torch.zeros(4, 3, dtype=torch.uint8, device=device)
    mask = torch.ones(4, 3, dtype=torch.bool, device=device)
    bins = depth_bin_targets(torch.rand(2, 8, 16, device=device), (1.0, 45.0, 0.5), 4)
    loss = masked_cross_entropy_loss(logits, target, mask) + lidar_depth_loss(depth_logits, bins)
    loss = loss + lovasz_of_present_classes(logits.flatten(0, 1), target.flatten().long())
    return loss, [logits, depth_logits]


def calibration(device):
    """Of a sample with two cameras."""
    return {
        'cam2img': torch.rand(1, 2, 3, 3, device=device),
        'cam2ego': torch.rand(1, 2, 4, 4, device=device),
        'img_aug_matrix': torch.rand(1, 2, 3, 3, device=device),
        'bda_mat': torch.rand(1, 4, 4, device=device),
    }


def view_transform(device):
    """Geometry, ranking and pooling into a BEV grid."""
    with DefaultScope.overwrite_default_scope('mmdet3d'), torch.device(device):
        module = LSSViewTransform(8, 4, RANGE, [10, 10, 2], downsample=4, depth_range=(1.0, 5.0, 1.0))
    feats = leaf(1, 2, 8, 4, 6, device=device)
    voxels, depth_logits = module(feats, calibration(device))
    return voxels.sum() + depth_logits.sum(), [feats, *module.parameters()]


def bev_queries(device):
    """Projection of pillars, and two layers of queries that read the images."""
    sizes = {'num_layers': 2, 'num_levels': 1, 'num_heights': 2, 'num_points': 4, 'num_heads': 2}
    with DefaultScope.overwrite_default_scope('mmdet3d'), torch.device(device):
        module = BEVFormerEncoder(8, RANGE, [10, 10], **sizes)
    feats = leaf(1, 2, 8, 4, 6, device=device)
    inputs = calibration(device)
    # How many cells a camera sees is read off the numbers, which fake tensors do not have.
    views = list_views(*project_pillars(module.points, inputs, (16, 24)), 7)
    return module.attend([feats], views).sum(), [feats, *module.parameters()]


def plane_queries(device):
    """Projection of the pillars of three planes, and two layers, one of which reads the images."""
    sizes = {'num_layers': 1, 'num_plane_layers': 1, 'num_levels': 1, 'num_heads': 2, 'plane_heights': 2}
    sizes.update(num_heights=(2, 2, 2), num_points=(4, 4, 4), plane_points=2)
    with DefaultScope.overwrite_default_scope('mmdet3d'), torch.device(device):
        module = TPVFormerEncoder(8, RANGE, [10, 10, 2], **sizes)
    feats = leaf(1, 2, 8, 4, 6, device=device)
    points = [module.get_buffer(f'points_{plane}') for plane in range(3)]
    views = [list_views(*project_pillars(found, calibration(device), (16, 24)), 7) for found in points]
    return module.attend([feats], views).sum(), [feats, *module.parameters()]


def temporal_stereo(device):
    """Matching of two keyframes, and the warp of BEV and voxel features."""
    net = {'type': 'StereoDepthNet', 'mid_channels': 8, 'num_blocks': 1, 'norm_cfg': {'type': 'GN', 'num_groups': 1}}
    with DefaultScope.overwrite_default_scope('mmdet3d'), torch.device(device):
        module = StereoLSSViewTransform(8, 4, RANGE, [10, 10, 2], net, 4, match_stride=4, depth_range=(1.0, 5.0, 1.0))
    feats, ego2key = leaf(1, 2, 8, 4, 6, device=device), torch.rand(1, 4, 4, device=device)
    frame = {**calibration(device), 'ego2key': ego2key}
    matching = module.match(feats, feats, frame, frame)
    voxels = leaf(1, 4, 10, 10, 2, device=device)
    warped = [warp_to_key(feature, ego2key, RANGE).sum() for feature in (voxels[..., 0], voxels)]
    return matching.sum() + sum(warped), [voxels]


def distillation(device):
    """Ray samples, two renders and every loss of RadOcc."""
    geometry = RaySampleGeometry(RANGE, [20, 20, 8], t_range=(0.0, 4.0), step=0.5)
    rays = geometry.prepare(torch.rand(2, 9, 3, device=device), torch.rand(2, 9, 3, device=device))
    student, teacher = leaf(2, 20, 20, 8, 5, device=device), torch.rand(2, 20, 20, 8, 5, device=device)
    loss = torch.zeros((), device=device)
    for density in ('softplus_free', 'log_odds', 'prob'):
        neck = VolumeRenderingConnector(density=density)
        ours, target = neck(student, rays), neck(teacher, rays)
        ids = torch.zeros(2, 9, dtype=torch.int64, device=device)
        loss = loss + RayDistributionConsistencyLoss()(ours['weights'], target['weights'])
        loss = loss + RenderedSemanticKLLoss()(ours['semantics'], target['semantics'], target['opacities'])
        loss = loss + RenderedDepthLoss()(ours['depths'], target['depths'], target['opacities'])
        consistency = RenderedSemanticConsistencyLoss(min_rays=1, max_segments=4)
        loss = loss + consistency(ours['semantics'], target['semantics'], ids, ids, 2, target['opacities'])
    return loss, [student]


def lidar_rays(device):
    """Losses along LiDAR rays, in both fields."""
    logits = leaf(2, 20, 20, 8, 5, device=device)
    rays, classes = torch.rand(9, 7, device=device), torch.zeros(9, dtype=torch.uint8, device=device)
    sample = OccDataSample(metainfo={}, lidar_rays=rays, lidar_ray_classes=classes)
    losses = [{'type': name} for name in ('RayEndLoss', 'RenderedSILogLoss', 'RenderedClassLoss')]
    losses[2]['class_weight'] = [1.0] * 4
    total = torch.zeros((), device=device)
    for field in ('trilinear', 'voxel'):
        geometry = {'type': 'RaySampleGeometry', 'point_cloud_range': RANGE, 'grid_size': [20, 20, 8], 'field': field}
        with DefaultScope.overwrite_default_scope('mmdet3d'), torch.device(device):
            module = LidarRaySupervision(
                {**geometry, 't_range': (0.0, 4.0), 'step': 0.5}, {f'loss_{i}': loss for i, loss in enumerate(losses)}
            )
        total = total + sum(module(logits, [sample, sample]).values())
    return total, [logits]


PARTS = {
    part.__name__: part
    for part in (
        occupancy_losses,
        view_transform,
        bev_queries,
        plane_queries,
        temporal_stereo,
        distillation,
        lidar_rays,
    )
}


def main():
    """Run one part and end without torch's clean-up, which the stand-in backend does not survive."""
    device = accelerator()
    with FakeTensorMode(shape_env=ShapeEnv()):
        loss, leaves = PARTS[sys.argv[1]](device)
        loss.backward()
        kind = device.split(':')[0]
        assert loss.device.type == kind
        assert all(tensor.grad is not None and tensor.grad.device.type == kind for tensor in leaves)
    sys.stdout.write(f'{sys.argv[1]}: forward and backward on {device}\n')
    sys.stdout.flush()
    os._exit(0)


if __name__ == '__main__':
    main()
