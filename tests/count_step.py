"""Count what a training step of MiniDrive's student and of RadOcc asks of a GPU, without one. Usage: [RAYS].

Writes one line of JSON for each, with PyTorch code and with Triton kernels where triton is installed: operations
forward and backward, those of the networks' layers among them, waits by kind and place, and losses and the norm of the
gradient on the device and on the CPU. The batch is on the device already and its calibration is a new one, as in each
step of a training with BEV augmentation. Of Triton kernels the launches count; PyTorch code writes their results.
"""

import importlib.util
import json
import math
import os
import sys

import torch
from stand_in_gpu import Count, StandIn, move, register
from torch import Tensor
from torch.utils._pytree import tree_map

from projects.engine import lay_out_weights
from projects.occupancy.models.view_transforms import lss
from tools.analysis_tools.ops_benchmarks import step

COUNTERS = []
# Layers of networks. Sums of branches and running counts are not told from other sums.
LAYERS = {
    'convolution', 'convolution_backward', 'native_batch_norm', 'native_batch_norm_backward', 'relu', 'relu_',
    'threshold_backward', 'addmm', 'mm', 'softplus', 'softplus_backward', 'sigmoid', 'sigmoid_backward',
    'max_pool2d_with_indices', 'max_pool2d_with_indices_backward', 'upsample_nearest2d', 'upsample_nearest2d_backward',
    'upsample_bilinear2d', 'upsample_bilinear2d_backward',
}  # fmt: skip


def small_steps(num_rays):
    """Student and RadOcc with a batch of few pixels and few voxels with a label; the numbers of operations are the
    same."""
    step.HEIGHT, step.WIDTH = 64, 112
    torch.manual_seed(0)
    steps = step.Steps(num_rays)
    for sample in steps.batch['data_samples']:
        sample.mask_camera &= torch.rand(sample.mask_camera.shape) < 0.02
    return steps


def to_device(steps):
    """Move models and batch."""
    for model in (steps.models[step.RADOCC], steps.models[step.RADOCC].teacher.running):
        lay_out_weights(model)
        move(model)
    steps.batch['inputs'] = tree_map(lambda x: StandIn(x) if isinstance(x, Tensor) else x, steps.batch['inputs'])
    for sample in steps.batch['data_samples']:
        sample.set_data({name: StandIn(value) for name, value in sample.items() if isinstance(value, Tensor)})


def run(steps, name):
    """Losses, norm of the gradient and number of operations of the forward pass of one step."""
    model = steps.models[name]
    model.zero_grad(set_to_none=True)
    lss._INDEX_CACHE = lss.PoolIndexCache()
    torch.manual_seed(0)
    with Count() as counted:
        COUNTERS[:] = [counted]
        losses = model(dict(steps.batch['inputs']), steps.batch['data_samples'], mode='loss')
        forward = counted.operations.total()
        sum(value for key, value in losses.items() if key.startswith('loss')).backward()
    grads = [p.grad.norm().item() for p in model.parameters() if p.grad is not None]
    result = {'losses': {key: value.item() for key, value in losses.items()}, 'gradient': math.hypot(*grads)}
    return result, forward, counted


def report(steps, on_cpu, kernels):
    """Count both steps and write what was found."""
    for name in steps.models:
        on_device, forward, counted = run(steps, name)
        found = {
            'model': name,
            'kernels': kernels,
            'cpu': on_cpu[name],
            'device': on_device,
            'forward': forward,
            'backward': counted.operations.total() - forward,
            'layers': sum(counted.operations[layer] for layer in LAYERS),
            'waits': counted.waits.total(),
            'places': dict(sorted(counted.waits.items())),
            'operations': dict(counted.operations.most_common()),
        }
        sys.stdout.write(json.dumps(found) + '\n')


def main():
    """Count both steps and end without torch's clean-up, which the device does not survive."""
    register()  # before the first backward pass, which starts a thread for each device
    steps = small_steps(int(sys.argv[1]) if len(sys.argv) > 1 else 600)
    on_cpu = {name: run(steps, name)[0] for name in steps.models}
    to_device(steps)
    run(steps, step.RADOCC)  # constants are copied to the device in the first step
    report(steps, on_cpu, 'PyTorch')
    if importlib.util.find_spec('triton'):
        import stand_in_triton

        stand_in_triton.use(COUNTERS)
        report(steps, on_cpu, 'Triton')
    sys.stdout.flush()
    os._exit(0)


if __name__ == '__main__':
    main()
