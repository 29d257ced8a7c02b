"""Losses along rays, by hand and where walls are."""

import math
from types import SimpleNamespace

import pytest
import torch

from projects.renderocc import (
    LidarRaySupervision,
    class_volume,
    end_bins,
    ray_end_nll,
    rendered_class_nll,
    silog,
    stack_targets,
)

BOX, SIZE = (-0.5, -4.0, -1.0, 9.5, 4.0, 1.0), (10, 8, 2)


class Sample(SimpleNamespace):
    """As much of a data sample as the supervision reads."""

    def __contains__(self, name):
        return hasattr(self, name)


def sample(ends, classes=None):
    """Rays from (-0.5, 0.5, 0.5) along x, so that bin i is voxel i."""
    count = len(ends)
    rays = torch.tensor([[-0.5, 0.5, 0.5, 1.0, 0.0, 0.0, 0.0]]).repeat(count, 1)
    rays[:, 6] = torch.tensor(ends)
    labels = torch.tensor(classes or [255] * count, dtype=torch.uint8)
    return Sample(metainfo={}, lidar_rays=rays, lidar_ray_classes=labels)


def supervision(field='voxel', **losses):
    names = {'loss_end': 'RayEndLoss', 'loss_silog': 'RenderedSILogLoss', 'loss_class': 'RenderedClassLoss'}
    geometry = {'type': 'RaySampleGeometry', 'point_cloud_range': BOX, 'grid_size': SIZE, 't_range': (0, 10), 'step': 1}
    chosen = {name: {'type': names[name], **losses[name]} for name in names if name in losses}
    return LidarRaySupervision({**geometry, 'field': field}, chosen)


def wall_at(x, classes=3, of_class=0, logit=8.0):
    """Free everywhere but for a wall across x, the voxel from x to x + 1 m in front of the rays."""
    logits = torch.zeros(1, *SIZE, classes)
    logits[..., -1] = logit
    logits[:, x, :, :, -1] = -logit
    logits[:, x, :, :, of_class] = logit
    return logits


@pytest.mark.parametrize('field', ['voxel', 'trilinear'])
def test_the_end_loss_is_least_where_the_wall_is(field):
    loss = supervision(field, loss_end={'tolerance': 0.0})
    found = [float(loss(wall_at(x), [sample([6.0])])['loss_end']) for x in range(1, 10)]
    assert min(range(9), key=found.__getitem__) == 5
    assert found[5] < 0.2


@pytest.mark.parametrize('field', ['voxel', 'trilinear'])
def test_the_end_loss_frees_what_is_in_front_and_fills_the_end(field):
    """The wall is opaque and 3 m too near: the free logit must rise there, and fall at the return."""
    logits = wall_at(3, logit=3.0)
    logits[:, 3, :, :, -1] = -30.0
    logits.requires_grad_()
    supervision(field, loss_end={'tolerance': 0.0})(logits, [sample([6.0])])['loss_end'].backward()
    slope = logits.grad[0, :, :, :, -1].sum((1, 2))
    assert slope[3] < -0.5
    assert slope[6] > 0.5
    assert slope[8:].abs().max() == 0


@pytest.mark.parametrize('name', ['loss_class', 'loss_silog'])
def test_a_return_behind_the_last_bin_says_neither_class_nor_depth(name):
    """Of a neighbour's rays: a return 12 m away, where bins end at 10 m. It lies in the grid, and the way was free."""
    near, both = (
        supervision(**{name: {}})(wall_at(5, logit=1.0), [sample(ends, classes)])[name]
        for ends, classes in (([6.0], [0]), ([6.0, 12.0], [0, 1]))
    )
    assert near == both > 0
    logits = wall_at(5, logit=1.0).requires_grad_()
    supervision(**{name: {}})(logits, [sample([12.0], [1])])[name].backward()
    assert logits.grad.abs().max() == 0


@pytest.mark.parametrize('field', ['voxel', 'trilinear'])
def test_logits_learn_out_of_a_fog_what_a_ray_passed_and_met(field):
    """Uniform logits of three classes are two thirds matter in each voxel: hardly a ray gets to the return."""
    logits = torch.zeros(1, *SIZE, 3, requires_grad=True)
    loss = supervision(field, loss_end={'tolerance': 0.0}, loss_class={})
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        sum(loss(logits, [sample([6.5], [1])]).values()).backward()
        optimizer.step()
    # The ray runs through the middle of its voxels.
    column = logits[0, :, 4, 1].detach()
    assert column.argmax(-1)[:7].tolist() == [2, 2, 2, 2, 2, 2, 1]


def test_silog_of_rendered_depth_pushes_a_wall_that_is_too_near():
    logits = wall_at(3, logit=4.0).requires_grad_()
    loss = supervision(loss_silog={})(logits, [sample([6.0])])['loss_silog']
    loss.backward()
    assert loss > 0.1
    assert logits.grad[0, 3, :, :, -1].sum() < 0


def test_bins_of_ends_by_hand():
    """Edges 0, 1, 2, 3; 0.95 and a tolerance of 0.1 touches bins 0 and 1; from 3 on nothing is hit."""
    edges = torch.arange(4.0)[None]
    ends = torch.tensor([[0.0, 0.95, 1.0, 2.5, 3.0, math.inf]])
    first, stop = end_bins(ends, edges, 0.0)
    assert first.tolist() == [[0, 0, 1, 2, 3, 3]]
    assert stop.tolist() == [[1, 1, 2, 3, 3, 3]]
    first, stop = end_bins(ends, edges, 0.1)
    assert first.tolist() == [[0, 0, 0, 2, 3, 3]]
    assert stop.tolist() == [[1, 2, 2, 3, 3, 3]]


def test_bins_of_rays_that_are_jittered_are_their_own():
    edges = torch.tensor([[0.0, 1.0, 2.0], [0.5, 1.5, 2.5]])
    first, stop = end_bins(torch.tensor([[1.2, 1.2]]), edges, 0.0)
    assert (first.tolist(), stop.tolist()) == ([[1, 0]], [[2, 1]])


def test_likelihood_of_the_end_by_hand():
    """Weights 1/2, 1/4, 1/8 and 1/8 for nothing: optical depths are 0, ln 2, 2 ln 2, 3 ln 2."""
    optical = math.log(2) * torch.arange(4.0).expand(1, 4, 4)
    nll = ray_end_nll(optical, torch.tensor([[0, 1, 0, 3]]), torch.tensor([[1, 2, 2, 3]]))
    expected = torch.tensor([[1 / 2, 1 / 4, 3 / 4, 1 / 8]]).log().neg()
    torch.testing.assert_close(nll, expected, atol=1e-5, rtol=0)


def test_silog_by_hand():
    """Log-ratios ln 2 and ln 4: mean square (1 + 4) / 2, mean 1.5, in squares of ln 2; the third ray does not count."""
    found = silog(torch.tensor([2.0, 8.0, 1.0]), torch.tensor([1.0, 2.0, math.inf]), torch.tensor([True, True, False]))
    assert float(found) == pytest.approx(math.log(2) * math.sqrt(2.5 - 0.85 * 1.5**2), rel=1e-6)


def test_classes_are_mixed_as_probabilities_and_renormalised():
    """Weights 0.3 and 0.5 of rays that see classes 0 and 1 leave 3 : 5, whatever passes through."""
    nll = rendered_class_nll(torch.tensor([[[0.3, 0.5], [0.3, 0.5]]]), torch.tensor([[0, 255]]))
    torch.testing.assert_close(nll, torch.tensor([[-math.log(3 / 8), 0.0]]), atol=1e-5, rtol=0)
    volume = class_volume(torch.tensor([[[[[math.log(3.0), 0.0, 1.0]]]]]), 'log_odds')
    torch.testing.assert_close(volume.flatten(), torch.tensor([0.75, 0.25, 1 - math.log(4.0)]))


def test_the_class_of_the_wall_is_learnt_and_not_how_sure_other_voxels_are():
    """Logits of the free voxels are huge for class 1; mixed logits would follow them."""
    logits = wall_at(6, of_class=0, logit=8.0)
    logits[:, :6, ..., 1] = 60.0
    logits[:, :6, ..., -1] = 70.0
    loss = supervision(loss_class={})
    right, wrong = (float(loss(logits, [sample([6.0], [label])])['loss_class']) for label in (0, 1))
    assert right < 0.01
    assert wrong > 5


def test_class_weights_weigh_the_mean():
    """Two rays meet one wall of class 0: -log p is about 0 and 8; weights 1 and 3 make 3/4 of it."""
    samples = [sample([6.0, 6.0], [0, 1])]
    plain = float(supervision(loss_class={})(wall_at(6), samples)['loss_class'])
    weighted = float(supervision(loss_class={'class_weight': [1.0, 3.0]})(wall_at(6), samples)['loss_class'])
    assert plain > 3
    assert weighted / plain == pytest.approx(1.5, rel=1e-3)


def test_without_a_return_in_the_grid_losses_and_gradients_are_zero():
    logits = torch.randn(1, *SIZE, 3, requires_grad=True)
    losses = supervision(loss_end={}, loss_silog={}, loss_class={})(logits, [sample([])])
    assert {name: float(loss) for name, loss in losses.items()} == dict.fromkeys(losses, 0.0)
    sum(losses.values()).backward()
    assert logits.grad.abs().max() == 0


def test_samples_with_fewer_rays_are_filled_with_rays_that_do_not_count():
    logits = torch.randn(1, *SIZE, 3).repeat(2, 1, 1, 1, 1)
    samples = [sample([6.0, 4.0], [0, 1]), sample([5.0], [0])]
    assert stack_targets(samples).valid.tolist() == [[True, True], [True, False]]
    loss = supervision(loss_end={}, loss_class={})
    both = loss(logits, samples)
    one = loss(logits[:1], [sample([6.0, 4.0, 5.0], [0, 1, 0])])
    torch.testing.assert_close(both, one)


def test_losses_are_computed_in_float32_under_autocast():
    logits = torch.randn(1, *SIZE, 3)
    loss = supervision(loss_end={}, loss_silog={}, loss_class={})
    plain = loss(logits, [sample([6.0, 4.0], [0, 1])])
    with torch.autocast('cpu', torch.bfloat16):
        mixed = loss(logits, [sample([6.0, 4.0], [0, 1])])
    torch.testing.assert_close(mixed, plain, atol=0, rtol=0)


def test_samples_without_rays_are_refused():
    with pytest.raises(ValueError, match='put DrawLidarRays behind BEVAugment'):
        stack_targets([Sample(metainfo={'token': 'a'})])
