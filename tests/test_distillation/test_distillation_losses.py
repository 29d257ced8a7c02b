"""Values worked out by hand, gradients, masks and errors of the generic losses and connectors."""

import math

import pytest
import torch

from projects.distillation import (
    AffinityMatchLoss,
    CWDLoss,
    FeatureMatchLoss,
    GroupedFeatureLoss,
    IdentityConnector,
    LogitKLLoss,
    ProjectionConnector,
    affinity_loss,
    channel_wise_divergence,
    feature_distance,
    kl_divergence,
    standardise,
)

LOSSES = [
    (kl_divergence, LogitKLLoss, (2, 3, 4)),
    (channel_wise_divergence, CWDLoss, (2, 3, 2, 2)),
    (feature_distance, FeatureMatchLoss, (2, 3, 2, 2)),
    (affinity_loss, AffinityMatchLoss, (2, 3, 2, 2)),
]


@pytest.mark.parametrize(('function', 'module', 'shape'), LOSSES)
def test_loss_is_zero_for_equal_inputs_and_positive_otherwise(function, module, shape):
    x = torch.randn(shape)
    assert function(x, x).abs() < 1e-6
    assert function(x, torch.randn(shape)) > 0


@pytest.mark.parametrize(('function', 'module', 'shape'), LOSSES)
def test_gradient_reaches_the_student_only(function, module, shape):
    student = torch.randn(shape, requires_grad=True)
    teacher = torch.randn(shape, requires_grad=True)
    function(student, teacher).backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None


@pytest.mark.parametrize(('function', 'module', 'shape'), LOSSES)
def test_module_is_the_weighted_function(function, module, shape):
    student, teacher = torch.randn(shape), torch.randn(shape)
    torch.testing.assert_close(module(loss_weight=2.5)(student, teacher), 2.5 * function(student, teacher))


@pytest.mark.parametrize(('function', 'module', 'shape'), LOSSES)
def test_bfloat16_inputs_are_computed_in_float32(function, module, shape):
    student, teacher = torch.randn(shape).bfloat16(), torch.randn(shape).bfloat16()
    value = function(student, teacher)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, function(student.float(), teacher.float()))


def test_kl_of_two_known_distributions():
    student = torch.tensor([[0.5, 0.5]]).log()
    teacher = torch.tensor([[0.8, 0.2]]).log()
    expected = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    assert kl_divergence(student, teacher).item() == pytest.approx(expected, abs=1e-6)


def test_kl_temperature_divides_logits_and_multiplies_by_its_square():
    student, teacher = torch.zeros(1, 2), torch.tensor([[2 * math.log(4.0), 0.0]])
    expected = 4 * (0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5))
    assert kl_divergence(student, teacher, tau=2.0).item() == pytest.approx(expected, abs=1e-6)


def test_kl_sums_classes_and_averages_positions_of_the_mask():
    student, teacher = torch.randn(2, 3, 5), torch.randn(2, 3, 5)
    mask = torch.tensor([[1, 0, 0], [0, 1, 0]], dtype=torch.bool)
    single = [kl_divergence(student[i, j], teacher[i, j]) for i, j in ((0, 0), (1, 1))]
    torch.testing.assert_close(kl_divergence(student, teacher, mask=mask), sum(single) / 2)
    assert kl_divergence(student, teacher, mask=torch.zeros_like(mask)) == 0


def test_kl_weighs_positions_by_a_mask_of_numbers():
    student, teacher = torch.randn(1, 3, 5), torch.randn(1, 3, 5)
    single = [kl_divergence(student[0, i], teacher[0, i]) for i in range(3)]
    mask = torch.tensor([[1.0, 0.5, 0.0]])
    torch.testing.assert_close(kl_divergence(student, teacher, mask=mask), (single[0] + 0.5 * single[1]) / 1.5)


def test_reverse_kl_swaps_teacher_and_student_and_still_moves_the_student_alone():
    student = torch.tensor([[0.5, 0.5]]).log().requires_grad_()
    teacher = torch.tensor([[0.8, 0.2]]).log().requires_grad_()
    loss = kl_divergence(student, teacher, kind='reverse_kl')
    loss.backward()
    assert loss.item() == pytest.approx(0.5 * math.log(0.5 / 0.8) + 0.5 * math.log(0.5 / 0.2), abs=1e-6)
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None


def test_standardised_logits_have_no_size_and_no_offset():
    """(1, 2, 3) becomes (-1, 0, 1), so ten times the logits plus 7 are no other logits."""
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    torch.testing.assert_close(standardise(logits), torch.tensor([[-1.0, 0.0, 1.0]]), atol=1e-5, rtol=0)
    assert kl_divergence(10 * logits + 7, logits, standardised=True).item() == pytest.approx(0.0, abs=1e-6)
    assert kl_divergence(10 * logits + 7, logits).item() > 0.1


def test_standardised_kl_by_hand_with_a_temperature():
    """z = (-1, 0, 1) against (1, 0, -1) at tau 2: tau^2 times the sum of p log(p / q)."""
    e = [math.exp(x / 2) for x in (-1, 0, 1)]
    p = [x / sum(e) for x in e]
    expected = 4 * sum(a * math.log(a / b) for a, b in zip(p, reversed(p)))
    teacher, student = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[30.0, 20.0, 10.0]])
    loss = LogitKLLoss(tau=2.0, standardised=True)(student, teacher)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_equal_logits_can_be_standardised_and_have_a_gradient():
    student = torch.zeros(1, 4, requires_grad=True)
    kl_divergence(student, torch.randn(1, 4), standardised=True).backward()
    assert student.grad.isfinite().all()


def test_kl_is_over_the_last_dimension():
    student = torch.zeros(1, 2, 2)
    teacher = torch.tensor([[[5.0, 5.0], [-5.0, -5.0]]])
    assert kl_divergence(student, teacher).abs() < 1e-6
    assert kl_divergence(student.mT, teacher.mT) > 0.1


def test_cwd_ignores_a_shift_of_a_channel_and_compares_positions():
    student = torch.zeros(1, 1, 2)
    teacher = torch.tensor([[[math.log(4.0), 0.0]]])
    expected = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    assert channel_wise_divergence(student, teacher).item() == pytest.approx(expected, abs=1e-6)
    assert channel_wise_divergence(student, student + 3).abs() < 1e-6


def test_feature_distance_by_hand_with_a_mask():
    student = torch.zeros(1, 2, 3)
    teacher = torch.tensor([[[1.0, 2.0, 9.0], [3.0, 4.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    assert feature_distance(student, teacher, 'l1', mask).item() == pytest.approx((2.0 + 3.0) / 2)
    assert feature_distance(student, teacher, 'l2', mask).item() == pytest.approx((5.0 + 10.0) / 2)
    assert feature_distance(student, teacher, 'l1').item() == pytest.approx(28 / 6)
    assert feature_distance(student, teacher, 'l1', torch.zeros_like(mask)).item() == 0


def test_affinity_by_hand_with_different_channels():
    student = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # orthogonal positions
    teacher = torch.tensor([[[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]])  # parallel positions
    assert affinity_loss(student, teacher).item() == pytest.approx(2 / 4)


@pytest.mark.parametrize('function', [kl_divergence, channel_wise_divergence, feature_distance])
def test_gradcheck(function):
    teacher = torch.randn(1, 2, 3)
    student = torch.randn(1, 2, 3, requires_grad=True)
    function(student, teacher).backward()
    step = 1e-2
    for index in ((0, 0, 0), (0, 1, 2)):
        moved = []
        for sign in (1, -1):
            shifted = student.detach().clone()
            shifted[index] += sign * step
            moved.append(function(shifted, teacher).item())
        assert student.grad[index].item() == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-3)


@pytest.mark.parametrize('function', [kl_divergence, channel_wise_divergence, feature_distance, affinity_loss])
def test_different_shapes_are_refused(function):
    with pytest.raises(ValueError, match='must'):
        function(torch.zeros(1, 2, 3), torch.zeros(1, 2, 4))


def test_wrong_options_and_masks_are_refused():
    x = torch.zeros(2, 3, 4)
    for bad in (
        lambda: kl_divergence(x, x, tau=0),
        lambda: kl_divergence(x, x, kind='cosine'),
        lambda: LogitKLLoss(kind='js'),
        lambda: kl_divergence(x, x, mask=torch.ones(2, 4)),
        lambda: channel_wise_divergence(x, x, tau=-1),
        lambda: feature_distance(x, x, norm='l3'),
        lambda: feature_distance(x, x, mask=torch.ones(2, 3)),
        lambda: FeatureMatchLoss(norm='l0'),
        lambda: GroupedFeatureLoss(norm='l0'),
        lambda: ProjectionConnector(2, 2, ndim=4),
    ):
        with pytest.raises(ValueError):
            bad()


def test_projection_gives_the_channels_of_the_teacher_in_2d_and_3d():
    assert ProjectionConnector(4, 6)(torch.randn(2, 4, 3, 3)).shape == (2, 6, 3, 3)
    assert ProjectionConnector(4, 6, ndim=3, norm=True)(torch.randn(2, 4, 3, 3, 2)).shape == (2, 6, 3, 3, 2)
    with pytest.raises(ValueError, match=r'in_channels=4, its feature 5 channels: .*connectors\.<name>\.in_channels'):
        ProjectionConnector(4, 6)(torch.randn(2, 5, 3, 3))
    x = torch.randn(2, 3)
    assert IdentityConnector()(x) is x
