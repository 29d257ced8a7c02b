import inspect
import math

import pytest
import torch
from mmdet3d.registry import MODELS
from torch._subclasses.fake_tensor import FakeTensorMode

from projects.radocc import (
    CameraRaySampler,
    RayDistributionConsistencyLoss,
    RenderedDepthLoss,
    RenderedSemanticConsistencyLoss,
    RenderedSemanticKLLoss,
    VolumeRenderingConnector,
)

DEVICE = 'cuda' if torch.cuda.is_available() else 'lazy:0'


def random_weights(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.softmax(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1) * 0.8


# RDC


def test_rdc_by_hand_and_zero_for_equal_rays():
    teacher, student = torch.tensor([[[0.5, 0.25]]]), torch.tensor([[[0.25, 0.25]]])
    loss = RayDistributionConsistencyLoss(loss_weight=2.0)
    # Bins with no-hit: teacher (1/2, 1/4, 1/4), student (1/4, 1/4, 1/2).
    assert loss(student, teacher).item() == pytest.approx(2 * (0.5 * math.log(2) - 0.25 * math.log(2)), rel=1e-5)
    assert loss(teacher, teacher).item() == pytest.approx(0.0, abs=1e-6)


def test_rdc_separates_distributions_with_equal_depth():
    # Mean depth 2 in both: all in the middle bin, or half in each outer bin.
    t = torch.tensor([1.0, 2.0, 3.0])
    teacher, student = torch.tensor([[[0.0, 1.0, 0.0]]]), torch.tensor([[[0.5, 0.0, 0.5]]])
    assert (teacher * t).sum() == (student * t).sum()
    assert RenderedDepthLoss()((student * t).sum(-1), (teacher * t).sum(-1)) == 0
    assert RayDistributionConsistencyLoss()(student, teacher) > 1


def test_legacy_softmax_reproduces_the_author_code():
    teacher, student = torch.zeros(1, 1, 287), torch.zeros(1, 1, 287)
    teacher[..., 0], student[..., 1] = 1.0, 1.0
    # Softmax of one-hot rays at T = 10: a = e^0.1 / (286 + e^0.1), b = 1 / (286 + e^0.1); two bins differ by a factor
    # e^0.1, so KL = (a - b) * 0.1, averaged over 287 bins and times T^2.
    peak = math.exp(0.1)
    expected = 100 * (peak - 1) / (286 + peak) * 0.1 / 287
    loss = RayDistributionConsistencyLoss(legacy_softmax=True)
    assert loss(student, teacher).item() == pytest.approx(expected, rel=1e-2)
    assert expected == pytest.approx(1.3e-5, rel=0.05)
    assert loss(teacher, teacher).item() == pytest.approx(0.0, abs=1e-8)


# Semantic KL


def test_semantic_kl_by_hand_and_zero_for_equal_semantics():
    teacher, student = torch.tensor([[[math.log(3.0), 0.0]]]), torch.tensor([[[0.0, 0.0]]])
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert RenderedSemanticKLLoss()(student, teacher).item() == pytest.approx(expected, rel=1e-5)
    assert RenderedSemanticKLLoss()(teacher, teacher).item() == pytest.approx(0.0, abs=1e-7)
    # Temperature 2 halves the logit and multiplies the loss by 4.
    root = math.sqrt(3)
    soft = (root * math.log(2 * root / (1 + root)) + math.log(2 / (1 + root))) / (1 + root)
    assert RenderedSemanticKLLoss(tau=2.0)(student, teacher).item() == pytest.approx(4 * soft, rel=1e-5)


def test_rays_without_a_teacher_hit_do_not_count():
    torch.manual_seed(0)
    student, teacher = torch.randn(1, 2, 3), torch.randn(1, 2, 3)
    opacities = torch.tensor([[0.05, 0.9]])
    loss = RenderedSemanticKLLoss()
    assert torch.allclose(loss(student, teacher, opacities), loss(student[:, 1:], teacher[:, 1:]))
    assert loss(student, teacher, torch.zeros(1, 2)) == 0
    depth = RenderedDepthLoss(mode='l1', loss_weight=1.0)
    assert depth(torch.tensor([[1.0, 5.0]]), torch.tensor([[9.0, 7.0]]), opacities) == 2


# RSC


def two_segments(first, second, rays_each=8):
    """One image whose rays have one of two semantic vectors."""
    return torch.tensor([first] * rays_each + [second] * rays_each)[None]


def test_rsc_by_hand_and_zero_for_equal_affinity():
    ids = torch.tensor([[1] * 8 + [2] * 8])
    cams = torch.zeros_like(ids)
    teacher = two_segments([1.0, 0.0], [0.0, 1.0])  # affinity 0
    student = two_segments([1.0, 0.0], [1.0, 1.0])  # affinity 1 / sqrt(2)
    loss = RenderedSemanticConsistencyLoss(loss_weight=3.0)
    assert loss(student, teacher, ids, cams, 1).item() == pytest.approx(3 / math.sqrt(2), rel=1e-5)
    squared = RenderedSemanticConsistencyLoss(distance='l2')
    assert squared(student, teacher, ids, cams, 1).item() == pytest.approx(0.5, rel=1e-5)
    assert loss(teacher, teacher, ids, cams, 1) == 0
    # Only affinity counts: a rotated and scaled student has the affinity of the teacher.
    turned = two_segments([0.0, 5.0], [-5.0, 0.0])
    assert loss(turned, teacher, ids, cams, 1).item() == pytest.approx(0.0, abs=1e-6)


def test_rsc_of_centred_semantics_does_not_see_what_all_logits_of_a_voxel_share():
    """Teacher (1, 0, 0) and (0, 1, 0): affinity 0. Raised by 3, with the same probabilities, (4, 3, 3) and (3, 4, 3):
    33 / 34. Less their means both are (2, -1, -1) / 3 and (-1, 2, -1) / 3: -1 / 2."""
    ids = torch.tensor([[1] * 8 + [2] * 8])
    cams = torch.zeros_like(ids)
    teacher = two_segments([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    loss, centred = RenderedSemanticConsistencyLoss(), RenderedSemanticConsistencyLoss(centred=True)
    assert loss(teacher + 3, teacher, ids, cams, 1).item() == pytest.approx(33 / 34, rel=1e-5)
    assert centred(teacher + 3, teacher, ids, cams, 1).item() == pytest.approx(0, abs=1e-6)
    other = two_segments([1.0, 0.0, 0.0], [1.0, 0.0, 0.0])
    assert centred(other, teacher, ids, cams, 1).item() == pytest.approx(1.5, rel=1e-5)


def test_rsc_compares_within_an_image_and_averages_over_images():
    ids = torch.tensor([[1] * 8 + [2] * 8])
    teacher, student = two_segments([1.0, 0.0], [0.0, 1.0]), two_segments([1.0, 0.0], [1.0, 1.0])
    loss = RenderedSemanticConsistencyLoss()
    other_cameras = torch.tensor([[0] * 8 + [1] * 8])
    assert loss(student, teacher, ids, other_cameras, 2) == 0
    # Second sample is perfect: the mean over two images halves the loss.
    batch = [torch.cat([a, b]) for a, b in ((student, teacher), (teacher, teacher), (ids, ids))]
    cams = torch.zeros_like(batch[2])
    assert loss(*batch, cams, 1).item() == pytest.approx(0.5 / math.sqrt(2), rel=1e-5)


@pytest.mark.parametrize('num_cams', [1, 3, 8, 14])
def test_rsc_takes_rigs_of_any_number_of_cameras(make_batch, num_cams):
    """One image of each sample has two segments whose affinity differs by 1 / sqrt(2), the others are alike."""
    inputs, samples = make_batch(segments=torch.ones(2, num_cams, 16, 24, dtype=torch.int32))
    for key in ('cam2img', 'cam2ego', 'img_aug_matrix'):
        inputs[key] = inputs[key][:, :1].expand(-1, num_cams, -1, -1)
    rays = CameraRaySampler(num_rays=64 * num_cams, render_size=(16, 24))(inputs, samples)
    assert rays['num_cams'] == num_cams
    assert rays['cam_ids'].max() == num_cams - 1
    last = (rays['cam_ids'] == num_cams - 1).float()
    second = (torch.arange(64 * num_cams) % 2).float() * torch.ones(2, 1)
    teacher = torch.stack([1 - second, second], dim=-1)  # affinity 0 in every image
    student = teacher + (second * last)[..., None] * torch.tensor([1.0, 0.0])  # and 1 / sqrt(2) in the last one
    loss = RenderedSemanticConsistencyLoss()(
        student, teacher, rays['segment_ids'] + second.int(), rays['cam_ids'], rays['num_cams']
    )
    assert loss.item() == pytest.approx(1 / math.sqrt(2) / num_cams, rel=1e-5)


def test_rsc_ignores_small_segments_unhit_rays_and_no_segment():
    ids = torch.tensor([[1] * 8 + [2] * 8 + [3] * 7 + [0] * 9])
    cams = torch.zeros_like(ids)
    noise = torch.randn(1, 16, 2)
    teacher = torch.cat([two_segments([1.0, 0.0], [0.0, 1.0]), noise], dim=1)
    student = torch.cat([two_segments([1.0, 0.0], [1.0, 1.0]), -noise], dim=1)
    loss = RenderedSemanticConsistencyLoss()
    assert loss(student, teacher, ids, cams, 1).item() == pytest.approx(1 / math.sqrt(2), rel=1e-5)
    opacities = torch.ones(1, 32)
    opacities[0, 8] = 0.01  # leaves segment 2 with seven rays, so no pair
    assert loss(student, teacher, ids, cams, 1, opacities) == 0


def test_losses_without_any_pair_are_zero_and_differentiable():
    student = torch.randn(1, 5, 3, requires_grad=True)
    loss = RenderedSemanticConsistencyLoss()(
        student, torch.randn(1, 5, 3), torch.zeros(1, 5).int(), torch.zeros(1, 5).int(), 6
    )
    loss.backward()
    assert loss == 0
    assert student.grad.abs().sum() == 0


def test_a_random_batch_has_the_value_of_a_loop():
    torch.manual_seed(0)
    student, teacher = torch.randn(2, 120, 4).double(), torch.randn(2, 120, 4).double()
    ids, cams = torch.randint(0, 5, (2, 120)), torch.randint(0, 2, (2, 120))
    per_image = []
    for batch in range(2):
        for camera in range(2):
            rays = [(ids[batch] == s) & (cams[batch] == camera) for s in range(1, 5)]
            rays = [r for r in rays if r.sum() >= 8]
            z = [torch.stack([x[batch, r].mean(0) for r in rays]) for x in (student, teacher)]
            c = [torch.cosine_similarity(v[:, None], v[None], dim=-1) for v in z]
            n = len(rays)
            per_image.append((c[0] - c[1]).abs().sum() / (n * (n - 1)))
    loss = RenderedSemanticConsistencyLoss()(student, teacher, ids, cams, 2)
    assert torch.allclose(loss, torch.stack(per_image).mean())


# Rendered depth


@pytest.mark.parametrize(
    ('mode', 'expected'),
    [('l1', 2.0), ('smooth_l1', 1.5), ('reciprocal_l1', 0.25), ('silog', math.sqrt(0.15) * math.log(2))],
)
def test_depth_losses_by_hand(mode, expected):
    loss = RenderedDepthLoss(mode=mode, loss_weight=1.0)
    assert loss(torch.tensor([[2.0]]), torch.tensor([[4.0]])).item() == pytest.approx(expected, rel=1e-5)
    assert loss(torch.tensor([[4.0]]), torch.tensor([[4.0]])).item() == pytest.approx(0.0, abs=1e-5)


# All of them


def cases():
    torch.manual_seed(0)
    ids, cams = torch.randint(0, 3, (1, 40)), torch.zeros(1, 40).long()
    semantics = [torch.randn(1, 40, 3).double() for _ in range(2)]
    weights = [random_weights(1, 40, 5, seed=seed) for seed in (1, 2)]
    depths = [torch.rand(1, 40).double() * 9 + 1 for _ in range(2)]
    return [
        (RayDistributionConsistencyLoss(), weights, {}),
        (RenderedSemanticKLLoss(), semantics, {}),
        (
            RenderedSemanticConsistencyLoss(max_segments=4),
            semantics,
            {'segment_ids': ids, 'cam_ids': cams, 'num_cams': 1},
        ),
        *((RenderedDepthLoss(mode=mode), depths, {}) for mode in RenderedDepthLoss.modes),
    ]


@pytest.mark.parametrize('case', range(7))
def test_gradient_is_right_and_never_reaches_the_teacher(case):
    loss, (student, teacher), extra = cases()[case]
    student.requires_grad_()
    teacher.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: loss(s, teacher, **extra), student)
    loss(student, teacher, **extra).backward()
    assert teacher.grad is None
    assert student.grad.abs().sum() > 0


@pytest.mark.parametrize('case', [0, 1, 2, 3])
def test_different_shapes_are_an_error(case):
    loss, (student, teacher), extra = cases()[case]
    with pytest.raises(ValueError, match='same rays'):
        loss(student[:, :-1], teacher, **extra)


def test_unknown_options_are_rejected():
    with pytest.raises(ValueError, match='distance must be'):
        RenderedSemanticConsistencyLoss(distance='cosine')
    with pytest.raises(ValueError, match='mode must be'):
        RenderedDepthLoss(mode='huber')


@pytest.mark.parametrize(
    ('name', 'needed'),
    [
        ('RayDistributionConsistencyLoss', ['student_weights', 'teacher_weights']),
        ('RenderedSemanticKLLoss', ['student_semantics', 'teacher_semantics']),
        (
            'RenderedSemanticConsistencyLoss',
            ['student_semantics', 'teacher_semantics', 'segment_ids', 'cam_ids', 'num_cams'],
        ),
        ('RenderedDepthLoss', ['student_depths', 'teacher_depths']),
    ],
)
def test_losses_are_registered_and_name_their_inputs(name, needed):
    parameters = inspect.signature(MODELS.build({'type': name}).forward).parameters
    assert [key for key, value in parameters.items() if value.default is inspect.Parameter.empty] == needed


def distillation_losses(student_logits, teacher_logits, rays):
    """What one distillation step computes from two predictions."""
    neck = VolumeRenderingConnector()
    with torch.no_grad():
        teacher = neck(teacher_logits, rays)
    student = neck(student_logits, rays)
    semantics = (student['semantics'], teacher['semantics'])
    return [
        RayDistributionConsistencyLoss()(student['weights'], teacher['weights']),
        RenderedSemanticKLLoss()(*semantics, teacher['opacities']),
        RenderedSemanticConsistencyLoss(min_rays=2)(
            *semantics, rays['segment_ids'], rays['cam_ids'], rays['num_cams'], teacher['opacities']
        ),
        RenderedDepthLoss()(student['depths'], teacher['depths'], teacher['opacities']),
    ]


@pytest.mark.parametrize('source', ['camera', 'lidar_depth'])
def test_a_whole_step_runs_forward_and_backward_on_another_device(make_batch, geometry, source):
    with FakeTensorMode():
        inputs, samples = make_batch(
            device=DEVICE,
            segments=torch.zeros(2, 2, 16, 24, dtype=torch.int32, device=DEVICE),
            gt_depth=torch.zeros(2, 2, 20, 30, device=DEVICE),
        )
        sampler = CameraRaySampler(num_rays=20, render_size=(16, 24), source=source, geometry=geometry)
        rays = sampler(inputs, samples)
        student = torch.rand(2, 20, 20, 8, 5, device=DEVICE, requires_grad=True)
        total = sum(distillation_losses(student, torch.rand(2, 20, 20, 8, 5, device=DEVICE), rays))
        total.backward()
        assert student.grad.device == total.device == torch.device(DEVICE)


def test_distillation_pulls_the_student_to_the_teacher(make_batch, geometry):
    torch.manual_seed(0)
    inputs, samples = make_batch(segments=torch.randint(1, 4, (2, 2, 16, 24), dtype=torch.int32))
    rays = CameraRaySampler(num_rays=200, render_size=(16, 24), geometry=geometry)(inputs, samples)
    teacher = torch.randn(2, 20, 20, 8, 5) * 2
    student = torch.randn(2, 20, 20, 8, 5, requires_grad=True)
    optimizer = torch.optim.Adam([student], lr=0.1)
    history = []
    for _ in range(25):
        losses = distillation_losses(student, teacher, rays)
        optimizer.zero_grad()
        sum(losses).backward()
        optimizer.step()
        history.append([loss.item() for loss in losses])
    assert all(last < 0.5 * first for first, last in zip(history[0][:3], history[-1][:3]))
