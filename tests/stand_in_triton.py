"""Triton kernels on the tensors of ``stand_in_gpu.py``: a launch counts once, and PyTorch code writes its results.

``use`` acts on the whole process, as ``stand_in_gpu.register`` does.
"""

import torch
from stand_in_gpu import StandIn
from torch.utils._pytree import tree_map

from projects.occupancy.ops import bev_pool, triton_pool
from projects.rendering import render, samples
from projects.rendering.bins import RayBins
from projects.rendering.common.torch import density_field
from projects.rendering.grid import VoxelGrid
from projects.rendering.voxel import triton as triton_voxel
from projects.rendering.voxel.pieces import VoxelPieces
from projects.rendering.voxel.torch import cut_with_torch, render_pieces_with_torch


class Kernel:
    """Stands in for a kernel: ``function`` gets the arguments of a launch with values in place of tensors."""

    def __init__(self, name, function, counters):
        self.name, self.function, self.counters = name, function, counters

    def __getitem__(self, grid):
        def launch(*args, **options):
            for counted in self.counters:
                counted.operations[f'triton {self.name}'] += 1
            self.function(*tree_map(lambda x: x.values if isinstance(x, StandIn) else x, args))

        return launch


def sum_voxels(depth, feats, pixels, depths, offsets, out, *sizes):
    out.copy_(bev_pool._bag_sum(feats, pixels, depth.index_select(0, depths), offsets))


def sum_gradients(depth, feats, grad_rows, rows, depths, offsets, grad_depth, grad_feats, *sizes):
    grad_depth.index_copy_(0, depths.long(), bev_pool._segment_dot(feats, grad_rows, rows, offsets))
    grad_feats.copy_(bev_pool._bag_sum(grad_rows, rows, depth.index_select(0, depths), offsets))


def render_voxels(rows, origins, directions, enter, leave, lengths, t_starts, t_ends, numbers, log_odds):
    """Outputs of the voxel field; ``numbers`` are those of the kernels, in their order."""
    lower, size, shape = (numbers[i : i + 3] for i in (0, 3, 6))
    upper = [low + step * count for low, step, count in zip(lower, size, shape)]
    line = (origins, directions, VoxelGrid((*lower, *upper), shape), enter, leave)
    bins = RayBins(t_starts, t_ends, lengths.view(origins.shape[:2]), torch.tensor(shape))
    pieces = VoxelPieces(**vars(bins), **cut_with_torch(*line, packed=True))
    field, rows = density_field(rows, 'log_odds' if log_odds else 'softplus_free', min(size))
    return render_pieces_with_torch(rows, field, pieces, True, *numbers[-2:])


def forward_voxels(rows, *args):
    geometry, outputs, numbers = args[:7], args[7:11], args[11:-2]
    for output, value in zip(outputs, render_voxels(rows, *geometry, numbers, args[-2])):
        if output.numel():
            output.copy_(value)


def backward_voxels(rows, *args):
    geometry, grads, grad_rows, numbers = args[:7], args[8:12], args[14], args[15:-3]
    with torch.enable_grad():
        leaf = rows.detach().requires_grad_()
        outputs = render_voxels(leaf, *geometry, numbers, args[-3])
    used = [i for i, wanted in enumerate((args[-2], True, args[-1], True)) if wanted]
    grad_rows.copy_(torch.autograd.grad([outputs[i] for i in used], leaf, [grads[i] for i in used])[0])


def use(counters):
    """Let tensors of the device take their Triton kernels, and count launches in all of ``counters``, a list."""
    for module in (bev_pool, render, samples):
        module.triton_usable = lambda *tensors, half=False: all(isinstance(x, StandIn) for x in tensors)
    triton_pool._sum_voxels_kernel = Kernel('sum_voxels', sum_voxels, counters)
    triton_pool._sum_gradients_kernel = Kernel('sum_gradients', sum_gradients, counters)
    triton_voxel.forward_kernel = Kernel('voxel forward', forward_voxels, counters)
    triton_voxel.backward_kernel = Kernel('voxel backward', backward_voxels, counters)
