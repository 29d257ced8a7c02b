"""Losses and choices without layers, to be run on two devices by stand_in_run.py: ``PIECES`` by name.

A piece is a function that gives a module and its arguments, or a function, its arguments and the modules that it uses.
Tensors that want a gradient say so.
"""

import torch
from mmdet3d.registry import MODELS

import projects.adudepth
import projects.depth
import projects.distillation
import projects.occupancy
import projects.radocc
import projects.renderocc  # noqa: F401 - the packages register their classes
from projects.distillation import weigh_unlabelled
from projects.engine import check_finite_losses
from projects.engine.finite import non_finite_names
from projects.rendering import VoxelGrid, find_first_hits, prepare_ray_samples, uniform_samples

BOX, SIZE = [-4.0, -4.0, -1.6, 4.0, 4.0, 1.6], [10, 10, 4]
GROUPS = [[0, 1], [2, 3], [4]]
RAYS, BINS = 60, 12
PIECES = {}


def filed_in(pieces):
    """Decorator that files a function under its name, in words."""

    def piece(make):
        pieces[make.__name__.replace('_', ' ')] = make
        return make

    return piece


piece = filed_in(PIECES)


def leaf(*shape):
    return torch.randn(*shape).requires_grad_()


def build(name, /, **options):
    return MODELS.build({'type': name, **options})


def volumes(grad=True):
    """Logits of a student and of a teacher, and labels of which a tenth is missing."""
    labels = torch.randint(0, 5, (2, *SIZE))
    labels[torch.rand(labels.shape) < 0.1] = 255
    student, teacher = torch.randn(2, *SIZE, 5), 3 * torch.randn(2, *SIZE, 5)
    return student.requires_grad_(grad), teacher, labels.to(torch.uint8)


def chosen():
    """Positions as ``ClassGroupSampler`` gives them; a group of the second sample is missing."""
    return torch.randint(0, 400, (2, 3, 16)), torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0]])


def cameras():
    """Two cameras of two samples, which look ahead and back."""
    cam2img = torch.tensor([[20.0, 0, 12], [0, 20, 8], [0, 0, 1]]).expand(2, 2, 3, 3).clone()
    cam2ego = torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0.5], [0, 0, 0, 1]]).expand(2, 2, 4, 4).clone()
    cam2ego[:, 1, :2] *= -1
    matrices = {'cam2img': cam2img, 'cam2ego': cam2ego, 'img_aug_matrix': torch.eye(3).expand(2, 2, 3, 3).clone()}
    return {**matrices, 'bda_mat': torch.eye(4).expand(2, 4, 4).clone(), 'imgs': torch.zeros(2, 2, 3, 16, 24)}


def rendered():
    """What a teacher renders, along rays from the middle of the box."""
    weights = torch.rand(2, RAYS, BINS)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1)
    seen = {'weights': weights, 'semantics': torch.randn(2, RAYS, 4), 'opacities': weights.sum(-1)}
    rays_o, rays_d = torch.zeros(2, RAYS, 3), torch.randn(2, RAYS, 3)
    return seen, {'rays_o': rays_o, 'rays_d': rays_d}


class WithSamples:
    """A connector that reads prepared rays, which are prepared where it runs."""

    def __init__(self, module):
        self.module = module

    def __call__(self, seen, rays, *others):
        bins = uniform_samples((0.0, 6.0), 0.5, device=rays['rays_o'].device)
        samples = prepare_ray_samples(rays['rays_o'], rays['rays_d'], VoxelGrid(BOX, SIZE), *bins)
        return self.module(seen, {**rays, 'samples': samples}, *others)


@piece
def positions_by_group():
    _, teacher, labels = volumes()
    return build('ClassGroupSampler', groups=GROUPS, num_positions=16, min_confidence=0.3), [teacher, labels]


@piece
def columns_by_group():
    return build('ColumnGroups', groups=GROUPS, stride=2), [volumes()[1]]


@piece
def pseudo_labels():
    _, teacher, labels = volumes()
    labels[1] = 255
    return build('PseudoLabels', min_confidence=0.5), [teacher, labels, torch.rand(2, *SIZE) < 0.5]


@piece
def divergence_of_trusted_voxels():
    trust, loss = build('VoxelTrust', min_confidence=0.5), build('LogitKLLoss', tau=2.0, standardised=True)
    return lambda s, t, labels: loss(s, t, trust(t, labels)), list(volumes())


@piece
def divergence_with_another_weight_of_frames_without_labels():
    student, teacher, _ = volumes()
    loss, masks = build('LogitKLLoss', kind='reverse_kl'), torch.rand(2, *SIZE) < 0.5

    def weighed(student, teacher, masks):
        row = {'student_logits': student, 'teacher_logits': teacher, 'mask': masks}
        return weigh_unlabelled(loss, row, [True, False], 3.0)

    return weighed, [student, teacher, masks]


@piece
def grouped_logits():
    return build('GroupedLogitLoss', tau=2.0), [*volumes()[:2], *chosen()]


@piece
def grouped_cosines():
    return build('GroupedLogitLoss', kind='cosine'), [*volumes()[:2], *chosen()]


@piece
def grouped_features():
    masks = torch.rand(2, 3, 10, 10) < 0.3
    return build('GroupedFeatureLoss', norm='l1'), [leaf(2, 6, 10, 10), torch.randn(2, 6, 10, 10), masks]


@piece
def affinity_of_chosen_voxels():
    return build('SampledAffinityLoss'), [*volumes()[:2], *chosen()]


@piece
def affinity_of_features():
    return build('AffinityMatchLoss'), [leaf(2, 6, 4, 5), torch.randn(2, 3, 4, 5)]


@piece
def channels_of_features():
    return build('CWDLoss', tau=2.0), [leaf(2, 6, 4, 5), torch.randn(2, 6, 4, 5)]


@piece
def rays_by_region():
    return build('RayRegions', groups=[[0, 1], [2]]), [rendered()[0]]


@piece
def trust_in_rays():
    module = WithSamples(build('RayTrust', point_cloud_range=BOX, grid_size=SIZE))
    return module, [*rendered(), volumes()[2]]


@piece
def voxels_on_rays():
    return WithSamples(build('VisibleVoxels', point_cloud_range=BOX, grid_size=SIZE)), list(rendered())


@piece
def first_hits():
    rays = rendered()[1]
    return lambda full, o, d: find_first_hits(full, o, d, VoxelGrid(BOX, SIZE), t_max=5.0), [
        torch.rand(SIZE) < 0.05, rays['rays_o'][0] + 0.03, rays['rays_d'][0],
    ]  # fmt: skip


@piece
def segments_of_trusted_rays():
    ids, views = torch.randint(0, 5, (2, RAYS)), torch.arange(RAYS).expand(2, -1) // 30
    loss = build('RenderedSemanticConsistencyLoss', min_rays=2, max_segments=8, centred=True)
    trust = torch.rand(2, RAYS)
    return lambda *tensors: loss(*tensors[:4], 2, *tensors[4:]), [
        leaf(2, RAYS, 4), torch.randn(2, RAYS, 4), ids, views, torch.rand(2, RAYS), trust,
    ]  # fmt: skip


@piece
def logarithms_of_rendered_depths():
    depths = (1 + torch.rand(2, RAYS)).requires_grad_()
    return build('RenderedDepthLoss', mode='silog'), [depths, 1 + torch.rand(2, RAYS), torch.rand(2, RAYS)]


@piece
def adapted_features():
    mask = torch.ones(2, 12, 16, dtype=torch.bool)
    mask[..., 12:] = False
    return build('AdaptedFeatureLoss'), [leaf(2, 8, 6, 8), torch.randn(2, 8, 6, 8), leaf(2, 1, 12, 16), mask]


@piece
def emphasised_features():
    loss = build('AdaptedFeatureLoss', distance='cosine', guidance='emphasize')
    return loss, [leaf(2, 8, 6, 8), torch.randn(2, 8, 6, 8), torch.randn(2, 1, 12, 16)]


@piece
def focal_depths():
    depth = (1 + 9 * torch.rand(2, 1, 8, 9)).requires_grad_()
    truth = torch.where(torch.rand(2, 8, 9) < 0.5, 1 + 9 * torch.rand(2, 8, 9), 0.0)
    loss = build('FocalDepthLoss', max_teacher_error=0.5)
    return loss, [depth, 1 + 9 * torch.rand(2, 1, 8, 9), leaf(2, 1, 8, 9), truth, torch.rand(2, 8, 9) < 0.9]


@piece
def pillars():
    encoder = build('PillarEncoder', point_cloud_range=BOX, pillar_size=[1.0, 1.0], channels=4, num_slices=2)
    return lambda *clouds: encoder(clouds), [torch.rand(50, 5) * 10 - 5, torch.rand(0, 5)], [encoder]


@piece
def checks_of_a_step():
    def check(*tensors):
        check_finite_losses({'loss_a': tensors[0].mean(), 'loss_b': tensors[1].mean()}, [])
        assert non_finite_names(dict(enumerate(tensors))) == []
        return tensors[0].sum()

    return check, [leaf(3, 4), torch.randn(2, 5), torch.randn(3)]
