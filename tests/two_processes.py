"""One training step of two processes on the CPU, of which only the first has labels; gloo stands in for NCCL.

Writes a line of JSON: by how much the gradient of each weight differs from the mean of the two that one process finds
alone, and its size.
"""

import json
import os
import sys
import tempfile

import torch
from mmdet3d.registry import MODELS
from mmengine.registry import DefaultScope
from torch import distributed, nn

import projects.distillation
import projects.occupancy  # noqa: F401 - the packages register their classes
from projects.distillation import weigh_unlabelled
from projects.occupancy.structures import OccDataSample

GRID, WORLD = (6, 5, 4), 2


class Step(nn.Module):
    """Losses of labels, of a teacher on frames without labels, and of a teacher on all; as a Distiller has them."""

    def __init__(self):
        super().__init__()
        head = {'type': 'BEVDetOccHead', 'in_channels': 3, 'mid_channels': 4, 'num_classes': 5}
        self.head = MODELS.build({**head, 'loss_lovasz': {'type': 'OccLovaszLoss'}})
        self.pseudo, self.divergence = (MODELS.build({'type': name}) for name in ('PseudoLabels', 'LogitKLLoss'))

    def forward(self, feature, teacher, sample):
        logits, labels = self.head(feature), sample.gt_occ[None]
        losses = self.head.loss(logits, [sample])
        losses['loss_pseudo'] = self.head.loss_occ(logits, self.pseudo(teacher, labels))
        row = {'student_logits': logits, 'teacher_logits': teacher}
        losses['loss_kl'] = weigh_unlabelled(self.divergence, row, [sample.metainfo['labelled']], 3.0)
        return sum(losses.values())


def batch(rank):
    """Feature, logits of a teacher and a sample; that of the second process has no labels."""
    generator = torch.Generator().manual_seed(rank)
    feature, teacher = (torch.randn(1, *shape, generator=generator) for shape in ((3, *GRID), (*GRID, 5)))
    labels = torch.randint(0, 5, GRID, generator=generator) if rank == 0 else torch.full(GRID, 255)
    sample = OccDataSample(metainfo={'labelled': rank == 0}, gt_occ=labels.to(torch.uint8))
    sample.mask_camera = torch.ones(GRID, dtype=torch.bool)
    return feature, teacher, sample


def gradients(model, *ranks):
    """Gradient of each weight by name, summed over the batches of some processes."""
    model.zero_grad()
    for rank in ranks:
        model(*batch(rank)).backward()
    return {name.removeprefix('module.'): weight.grad.clone() for name, weight in model.named_parameters()}


def main():
    """Fork a second process, and compare in the first."""
    store = f'{tempfile.mkdtemp()}/store'
    rank = int(os.fork() == 0)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        alone = Step()
    expected = gradients(alone, *range(WORLD))
    distributed.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=WORLD)
    shared = nn.parallel.DistributedDataParallel(alone)
    for _ in range(2):  # a weight without a gradient stops the second step
        found = gradients(shared, rank)
    if rank == 0:
        differences = {name: float((value - expected[name] / WORLD).abs().max()) for name, value in found.items()}
        sizes = {name: float(value.abs().max()) for name, value in found.items()}
        sys.stdout.write(json.dumps({'differences': differences, 'sizes': sizes}) + '\n')
        sys.stdout.flush()
    distributed.barrier()
    os._exit(0)


if __name__ == '__main__':
    main()
