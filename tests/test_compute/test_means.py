import torch

from projects.compute.means import masked_mean

VALUES = torch.tensor([1.0, 2.0, 6.0])


def test_only_places_of_the_mask_count():
    """(1 + 6) / 2 = 3.5, and (1 + 2 + 6) / 3 = 3 without a mask."""
    assert masked_mean(VALUES, torch.tensor([True, False, True])).item() == 3.5
    assert masked_mean(VALUES).item() == 3.0


def test_trust_weighs_the_places_and_its_sum_counts_at_least_as_one():
    """(1 * 1 + 6 * 0.5) / 1.5 = 8 / 3 over the first and the last; 6 * 0.5 / 1 = 3 over the last alone."""
    trust = torch.tensor([1.0, 0.25, 0.5])
    torch.testing.assert_close(masked_mean(VALUES, torch.tensor([True, False, True]), trust), torch.tensor(8 / 3))
    assert masked_mean(VALUES, torch.tensor([False, False, True]), trust).item() == 3.0
    torch.testing.assert_close(masked_mean(VALUES, trust=trust), torch.tensor((1 + 0.5 + 3) / 1.75))


def test_what_is_not_finite_outside_the_mask_reaches_neither_value_nor_gradient():
    values = torch.tensor([2.0, float('nan'), float('inf')], requires_grad=True)
    mean = masked_mean(values, torch.tensor([True, False, False]))
    mean.backward()
    assert mean.item() == 2.0
    assert values.grad.tolist() == [1.0, 0.0, 0.0]


def test_an_empty_mask_gives_zero_with_a_zero_gradient():
    values = VALUES.clone().requires_grad_()
    mean = masked_mean(values, torch.zeros(3, dtype=torch.bool))
    mean.backward()
    assert mean.item() == 0.0
    assert values.grad.tolist() == [0.0, 0.0, 0.0]


def test_trust_gets_no_gradient():
    trust = torch.ones(3, requires_grad=True)
    assert not masked_mean(VALUES, trust=trust).requires_grad
