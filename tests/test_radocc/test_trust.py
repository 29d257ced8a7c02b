"""Trust in the ends of rays: by hand, along one row of voxels and in losses."""

import pytest
import torch
from mmdet3d.registry import MODELS

from projects.radocc import (
    CameraRaySampler,
    RayDistributionConsistencyLoss,
    RayTrust,
    RenderedDepthLoss,
    RenderedSemanticConsistencyLoss,
    RenderedSemanticKLLoss,
    label_ends,
    mass_near_ends,
    ray_confidence,
)
from projects.rendering import VoxelGrid, prepare_ray_samples, uniform_samples

FREE, UNLABELLED = 2, 255
ROW = VoxelGrid([0, 0, 0, 8, 1, 1], [8, 1, 1])


def row_of(labels):
    return torch.tensor(labels, dtype=torch.uint8).view(1, 8, 1, 1)


@pytest.fixture
def ray():
    """One ray along the row of eight voxels of a metre, from its first face."""
    return torch.tensor([[[0.0, 0.5, 0.5]]]), torch.tensor([[[1.0, 0.0, 0.0]]])


def test_mass_near_an_end_by_hand():
    weights = torch.tensor([[[0.1, 0.2, 0.3, 0.1]]])
    mids = torch.tensor([0.5, 1.5, 2.5, 3.5])
    for end, expected in ((1.5, 0.6), (3.5, 0.4), (9.0, 0.0), (float('inf'), 0.3)):
        mass = mass_near_ends(weights, mids, torch.tensor([[end]]), tolerance=1.0)
        assert mass.item() == pytest.approx(expected, abs=1e-6)


def test_confidence_is_the_heaviest_stretch_or_the_mass_that_hits_nothing():
    weights = torch.tensor([[[0.1, 0.2, 0.3, 0.1], [0.1, 0.0, 0.0, 0.1]]])
    torch.testing.assert_close(ray_confidence(weights, 1), torch.tensor([[0.6, 0.8]]))
    torch.testing.assert_close(ray_confidence(weights, 0), torch.tensor([[0.3, 0.8]]))


def test_the_label_ends_a_ray_in_its_first_voxel_that_is_not_free(ray):
    for labels, end, known in (
        ([FREE] * 3 + [0] + [1] * 4, 3.5, True),
        ([FREE] * 8, float('inf'), True),
        ([FREE] * 2 + [UNLABELLED] + [0] * 5, 2.5, False),
        ([UNLABELLED] * 8, 0.5, False),
        ([FREE] * 7 + [0], float('inf'), True),  # behind the last bin
    ):
        ends, is_known = label_ends(row_of(labels), FREE, *ray, ROW, t_max=6.0)
        assert (ends.item(), is_known.item()) == (end, known)


def rendered_and_rays(ray, weights):
    samples = prepare_ray_samples(*ray, ROW, *uniform_samples((0.0, 8.0), 1.0), field='voxel')
    rendered = {'weights': torch.tensor(weights).view(1, 1, 8), 'semantics': torch.zeros(1, 1, FREE)}
    return rendered, {'rays_o': ray[0], 'rays_d': ray[1], 'samples': samples}


def test_trust_is_how_right_a_labelled_ray_is_and_how_sure_another_one(ray):
    """Mass 0.5 around 3.5 m, 0.3 around 6.5 m, nothing hit with 0.2; stretches are three bins of a metre."""
    both = rendered_and_rays(ray, [0, 0, 0.1, 0.3, 0.1, 0, 0.3, 0])
    module = MODELS.build(
        {'type': 'RayTrust', 'point_cloud_range': [0, 0, 0, 8, 1, 1], 'grid_size': [8, 1, 1], 'tolerance': 1.0}
    )
    right, wrong = [FREE] * 3 + [0] * 5, [FREE] * 6 + [0] * 2
    for labels, expected in ((right, 0.5), (wrong, 0.3), ([FREE] * 8, 0.2), ([UNLABELLED] * 8, 0.5)):
        assert module(*both, row_of(labels)).item() == pytest.approx(expected, abs=1e-6)
    assert module(*both).item() == pytest.approx(0.5, abs=1e-6)


def test_trust_of_rays_of_cameras_has_one_number_from_0_to_1_for_each(make_batch, geometry):
    inputs, samples = make_batch()
    rays = CameraRaySampler(num_rays=60, render_size=(16, 24), geometry=geometry)(inputs, samples)
    weights = torch.rand(2, 60, 24)
    rendered = {'weights': weights / weights.sum(-1, keepdim=True), 'semantics': torch.zeros(2, 60, 4)}
    labels = torch.randint(0, 5, (2, 20, 20, 8), dtype=torch.uint8)
    trust = RayTrust(geometry['point_cloud_range'], geometry['grid_size'])(rendered, rays, labels)
    assert trust.shape == (2, 60)
    assert ((trust >= 0) & (trust <= 1)).all()


def test_rays_that_are_not_prepared_are_refused():
    with pytest.raises(ValueError, match='geometry'):
        RayTrust([0, 0, 0, 8, 1, 1], [8, 1, 1])({'weights': torch.zeros(1, 1, 8)}, {})
    with pytest.raises(ValueError, match='tolerance must be positive'):
        RayTrust([0, 0, 0, 8, 1, 1], [8, 1, 1], tolerance=0)


def mean_of(loss, student, teacher, trust):
    """A weighted mean of the losses of single rays."""
    single = torch.stack([loss(student[:, i : i + 1], teacher[:, i : i + 1]) for i in range(student.shape[1])])
    return (single * trust[0]).sum() / trust.sum()


@pytest.mark.parametrize(
    ('loss', 'shape'),
    [
        (RayDistributionConsistencyLoss(), (1, 4, 6)),
        (RayDistributionConsistencyLoss(legacy_softmax=True), (1, 4, 6)),
        (RenderedSemanticKLLoss(), (1, 4, 6)),
        (RenderedDepthLoss(mode='l1'), (1, 4)),
    ],
)
def test_a_ray_counts_as_far_as_it_is_trusted(loss, shape):
    student, teacher = torch.rand(shape) / 6, torch.rand(shape) / 6
    trust = torch.tensor([[1.0, 0.5, 0.0, 0.25]])
    torch.testing.assert_close(loss(student, teacher, trust=trust), mean_of(loss, student, teacher, trust))
    torch.testing.assert_close(loss(student, teacher, trust=torch.ones(1, 4)), loss(student, teacher))


def test_trust_and_opacity_both_leave_rays_out():
    student, teacher = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2.0, 4.0, 9.0]])
    opacities, trust = torch.tensor([[0.9, 0.9, 0.0]]), torch.tensor([[1.0, 0.5, 1.0]])
    loss = RenderedDepthLoss(mode='l1', loss_weight=1.0)(student, teacher, opacities, trust)
    assert loss.item() == pytest.approx((1.0 + 0.5 * 2.0) / 1.5)


def test_segments_are_of_trusted_rays():
    """Eight rays a segment, of which the last is wrong and not trusted."""
    first, second = [1.0, 0.0], [0.0, 1.0]
    teacher = torch.tensor([[first] * 8 + [second] * 8 + [first]])
    student = torch.tensor([[first] * 8 + [second] * 8 + [second]])
    ids = torch.tensor([[1] * 8 + [2] * 8 + [2]])
    trust = torch.tensor([[0.6] * 16 + [0.4]])
    loss = RenderedSemanticConsistencyLoss()
    arguments = (student, teacher, ids, torch.zeros_like(ids), 1)
    assert loss(*arguments, trust=trust).item() == pytest.approx(0.0, abs=1e-6)
    assert loss(*arguments) > 0.05
    assert loss(*arguments, trust=0.5 * trust) == 0
