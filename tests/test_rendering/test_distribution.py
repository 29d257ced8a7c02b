import math

import pytest
import torch

from projects.rendering import ray_distribution, ray_kl_divergence


def random_weights(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.softmax(torch.randn(*shape, generator=generator, dtype=dtype), dim=-1) * 0.9


def test_distribution_sums_to_one_and_ends_with_no_hit():
    distribution = ray_distribution(torch.tensor([[0.5, 0.25, 0.0]]))
    assert distribution.sum().item() == pytest.approx(1.0)
    total = 1 + 1e-6
    assert distribution[0].tolist() == pytest.approx([0.5 / total, 0.25 / total, 1e-6 / total, 0.25 / total])


def test_kl_by_hand():
    # With the no-hit bin: teacher (1/2, 1/4, 1/4), student (1/4, 1/4, 1/2).
    teacher, student = torch.tensor([[0.5, 0.25]]), torch.tensor([[0.25, 0.25]])
    expected = 0.5 * math.log(2) + 0 - 0.25 * math.log(2)
    assert ray_kl_divergence(student, teacher).item() == pytest.approx(expected, rel=1e-5)
    # It is not symmetric: swapped, 1/4 log(1/2) + 1/2 log 2 has the same value here, a skewed pair does not.
    skewed = torch.tensor([[0.9, 0.05]])
    forth = 0.5 * math.log(0.5 / 0.9) + 0.25 * math.log(5) + 0.25 * math.log(5)
    assert ray_kl_divergence(skewed, teacher).item() == pytest.approx(forth, rel=1e-4)
    back = 0.9 * math.log(1.8) + 0.1 * math.log(0.2)
    assert ray_kl_divergence(teacher, skewed).item() == pytest.approx(back, rel=1e-4)


def test_kl_of_disjoint_rays_is_the_log_of_the_clamp():
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert ray_kl_divergence(one, other).item() == pytest.approx(math.log(1e6), rel=1e-3)


def test_kl_of_equal_rays_is_zero_and_never_negative():
    weights = random_weights(2, 5, 30)
    assert ray_kl_divergence(weights, weights).item() == pytest.approx(0.0, abs=1e-12)
    assert ray_kl_divergence(weights, random_weights(2, 5, 30, seed=1)) > 0


def test_kl_sums_over_bins_and_averages_over_rays():
    teacher, student = random_weights(1, 2, 10), random_weights(1, 2, 10, seed=1)
    rays = [ray_kl_divergence(student[:, i : i + 1], teacher[:, i : i + 1]) for i in range(2)]
    assert torch.allclose(ray_kl_divergence(student, teacher), (rays[0] + rays[1]) / 2)
    # Empty bins appended to both change nothing but what the clamp gives them.
    more = [torch.cat([weights, torch.zeros(1, 2, 10).double()], dim=-1) for weights in (student, teacher)]
    assert torch.allclose(ray_kl_divergence(*more), ray_kl_divergence(student, teacher), atol=1e-4)


def test_mask_excludes_rays():
    teacher, student = random_weights(1, 2, 10), random_weights(1, 2, 10, seed=1)
    mask = torch.tensor([[True, False]])
    assert torch.allclose(ray_kl_divergence(student, teacher, mask), ray_kl_divergence(student[:, :1], teacher[:, :1]))
    assert ray_kl_divergence(student, teacher, torch.zeros(1, 2, dtype=torch.bool)) == 0


def test_gradients_are_right_and_the_teacher_gets_none():
    teacher = random_weights(2, 3, 6).requires_grad_()
    student = random_weights(2, 3, 6, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: ray_kl_divergence(s, teacher), student)
    ray_kl_divergence(student, teacher).backward()
    assert teacher.grad is None
    assert student.grad.abs().sum() > 0


def test_gradient_equals_autograd_also_at_clamped_bins():
    teacher = torch.tensor([[0.0, 1.0, 0.0], [0.2, 0.3, 0.1]], dtype=torch.float64)
    student = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.0, 0.2]], dtype=torch.float64, requires_grad=True)
    target, guess = ray_distribution(teacher), ray_distribution(student)
    plain = torch.autograd.grad((target * (target / guess).log()).sum(-1).mean(), student)[0]
    assert torch.allclose(torch.autograd.grad(ray_kl_divergence(student, teacher), student)[0], plain)


def test_half_precision_weights_are_compared_in_float32():
    teacher, student = random_weights(1, 4, 20).bfloat16(), random_weights(1, 4, 20, seed=1).bfloat16()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = ray_kl_divergence(student, teacher)
    assert loss.dtype == torch.float32
    assert torch.allclose(loss, ray_kl_divergence(student.float(), teacher.float()))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match='same rays and samples'):
        ray_kl_divergence(torch.zeros(1, 2, 3), torch.zeros(1, 2, 4))
