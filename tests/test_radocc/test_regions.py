"""Weights of rays by region, by hand."""

import pytest
import torch

from projects.radocc import RayRegions, balanced_weights


def test_every_group_has_the_same_sum():
    """Of eight rays one is of group 0, two of group 1, four of group 2, one of none: weights 1, 1/2, 1/4, 0."""
    weights = balanced_weights(torch.tensor([[0, 1, 1, 2, 2, 2, 2, -1]]), 3, min_share=0.0)
    assert weights.tolist() == [[1.0, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.0]]


def test_a_tiny_group_is_weighted_as_if_it_had_its_share():
    """One of eight rays counts like one of two (a quarter of eight), six others like six: 1 and 2 / 6."""
    weights = balanced_weights(torch.tensor([[0, 1, 1, 1, 1, 1, 1, -1]]), 2, min_share=0.25)
    assert weights[0, 0] == 1
    assert weights[0, 1:7].tolist() == pytest.approx([1 / 3] * 6)


def test_an_absent_group_changes_nothing_and_samples_are_weighed_apart():
    weights = balanced_weights(torch.tensor([[1, 1, 1, 1], [0, 1, 1, 1]]), 3, min_share=0.0)
    assert weights[0].tolist() == [1.0] * 4
    assert weights[1].tolist() == pytest.approx([1.0, 1 / 3, 1 / 3, 1 / 3])


def test_rays_belong_to_the_teachers_class_and_to_empty_space_where_it_hits_nothing():
    """A car, two of road and two that hit nothing; class 2 is in no group."""
    semantics = torch.tensor([[[9.0, 0, 0], [0, 9, 0], [0, 9, 0], [9, 0, 0], [9, 0, 0], [0, 0, 9]]])
    opacities = torch.tensor([[1.0, 1.0, 0.5, 0.05, 0.0, 1.0]])
    weights = RayRegions([[0], [1]], min_share=0.0)({'semantics': semantics, 'opacities': opacities})
    assert weights.tolist() == [[1.0, 0.5, 0.5, 0.5, 0.5, 0.0]]


def test_a_class_in_two_groups_is_refused():
    with pytest.raises(ValueError, match='no id twice'):
        RayRegions([[0, 1], [1]])({'semantics': torch.zeros(1, 1, 2), 'opacities': torch.ones(1, 1)})
