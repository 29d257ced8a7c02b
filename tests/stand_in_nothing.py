"""Losses of batches in which nothing counts, as a process may have them: ``PIECES``, run by stand_in_run.py.

Distributed training waits for the gradient of every weight in every process. So a loss of no label, no ray or no group
is 0 with a gradient of zeros, and not a constant.
"""

import torch
from stand_in_pieces import BOX, RAYS, SIZE, build, chosen, leaf, volumes

from projects.occupancy.structures import OccDataSample

PIECES = {}
BLANK = torch.full((2, *SIZE), 255, dtype=torch.uint8)


def loss_of(name, *arguments, **options):
    """File a loss by its name."""

    def make():
        made = [argument() if callable(argument) else argument for argument in arguments]
        return build(name.split(' ')[0], **options), made

    PIECES[name] = make


def positive(*shape):
    return (1 + torch.rand(*shape)).requires_grad_()


for _name in ('MaskedCrossEntropyLoss', 'OccLovaszLoss'):
    loss_of(_name, lambda: volumes()[0], BLANK)
loss_of('LiDARDepthLoss', lambda: leaf(2, 4, 2, 3), torch.zeros(2, 1, 8, 12), (1.0, 5.0, 1.0), 4)
loss_of('LogitKLLoss', lambda: volumes()[0], lambda: volumes()[1], torch.zeros(2, *SIZE))
_NONE = (lambda: chosen()[0], torch.zeros(2, 3))
loss_of('GroupedLogitLoss', lambda: volumes()[0], lambda: volumes()[1], *_NONE)
loss_of('GroupedLogitLoss of cosines', lambda: volumes()[0], lambda: volumes()[1], *_NONE, kind='cosine')
loss_of('SampledAffinityLoss', lambda: volumes()[0], lambda: volumes()[1], *_NONE)
loss_of('GroupedFeatureLoss', lambda: leaf(2, 6, 4, 4), lambda: torch.randn(2, 6, 4, 4), torch.zeros(2, 3, 4, 4).bool())
_UNTRUSTED = torch.zeros(2, RAYS)
loss_of('RayDistributionConsistencyLoss', lambda: positive(2, RAYS, 4), torch.rand(2, RAYS, 4) / 4, _UNTRUSTED)
loss_of('RenderedSemanticKLLoss', lambda: leaf(2, RAYS, 4), lambda: torch.randn(2, RAYS, 4), _UNTRUSTED)
for _mode in ('smooth_l1', 'reciprocal_l1', 'silog'):
    loss_of(f'RenderedDepthLoss {_mode}', lambda: positive(2, RAYS), torch.rand(2, RAYS), _UNTRUSTED, mode=_mode)
loss_of(
    'RenderedSemanticConsistencyLoss', lambda: leaf(2, RAYS, 4), lambda: torch.randn(2, RAYS, 4),
    torch.zeros(2, RAYS).long(), torch.zeros(2, RAYS).long(), 2,
)  # fmt: skip
_NO_DEPTH, _NO_PIXEL = torch.zeros(2, 8, 12), torch.zeros(2, 8, 12, dtype=torch.bool)
for _variant in ('bts', 'toolbox'):
    loss_of(f'SILogLoss {_variant}', lambda: positive(2, 8, 12), _NO_DEPTH, variant=_variant)
loss_of('DepthNLLLoss', lambda: positive(2, 8, 12), lambda: leaf(2, 8, 12), _NO_DEPTH)
loss_of('DisparityMatchLoss', lambda: leaf(2, 9, 4, 6), torch.full((2,), 9.0), _NO_DEPTH)
for _guidance in ('none', 'nll', 'emphasize'):
    _scale = (lambda: leaf(2, 1, 8, 12)) if _guidance == 'nll' else lambda: torch.randn(2, 1, 8, 12)
    loss_of(
        f'FocalDepthLoss {_guidance}', lambda: positive(2, 1, 8, 12), torch.rand(2, 1, 8, 12), _scale, _NO_DEPTH,
        _NO_PIXEL, guidance=_guidance,
    )  # fmt: skip
    loss_of(
        f'AdaptedFeatureLoss {_guidance}', lambda: leaf(2, 6, 4, 6), lambda: torch.randn(2, 6, 4, 6), _scale, _NO_PIXEL,
        guidance=_guidance,
    )  # fmt: skip


def along_rays(field):
    """Losses of RenderOcc for samples without a ray."""
    geometry = {'type': 'RaySampleGeometry', 'point_cloud_range': BOX, 'grid_size': SIZE, 'field': field}
    kinds = ('RayEndLoss', 'RenderedSILogLoss', 'RenderedClassLoss')
    losses = {f'loss_{kind}': {'type': kind} for kind in kinds}
    module = build('LidarRaySupervision', geometry={**geometry, 't_range': (0.0, 6.0), 'step': 0.5}, losses=losses)

    def call(logits, rays, classes):
        sample = OccDataSample(lidar_rays=rays, lidar_ray_classes=classes)
        return module(logits, [sample, sample])

    return call, [volumes()[0], torch.zeros(0, 7), torch.zeros(0, dtype=torch.uint8)], [module]


for _field in ('voxel', 'trilinear'):
    PIECES[f'LidarRaySupervision {_field}'] = lambda field=_field: along_rays(field)
