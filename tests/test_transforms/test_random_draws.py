import numpy as np

from projects.transforms.random_draws import coin, draw_state, same_draws, subset, uniform, weighted_subset


def test_choice_of_sweeps_leaves_the_later_draws_unchanged():
    np.random.seed(3)
    without = [uniform(0, 1), uniform(0, 1), coin(0.5)]
    np.random.seed(3)
    first = uniform(0, 1)
    chosen = subset(10, 4)
    assert [first, uniform(0, 1), coin(0.5)] == without
    assert len(set(chosen)) == 4
    assert chosen == sorted(chosen)


def test_choice_of_sweeps_depends_on_the_seed():
    choices = set()
    for seed in range(8):
        np.random.seed(seed)
        choices.add(tuple(subset(10, 4)))
    assert len(choices) > 4


def test_draws_are_repeated_and_the_generator_goes_on_behind_the_first():
    np.random.seed(3)
    state = draw_state()
    first = [uniform(0, 1), coin(0.5)]
    for _ in range(2):
        with same_draws(state):
            assert [uniform(0, 1), coin(0.5)] == first
    last = uniform(0, 1)
    np.random.seed(3)
    assert [uniform(0, 1), coin(0.5), uniform(0, 1)] == [*first, last]


def test_weighted_draws_take_each_index_once_and_none_of_weight_zero():
    weights = np.array([0.0, 1.0, 0.0, 5.0, 1.0])
    assert weighted_subset(weights, 3).tolist() == [1, 3, 4]
    assert weighted_subset(weights, 9).tolist() == [1, 3, 4]
    np.random.seed(3)
    without = uniform(0, 1)
    np.random.seed(3)
    assert len(weighted_subset(weights, 2)) == 2
    assert uniform(0, 1) == without


def test_weighted_draws_are_in_proportion_to_the_weights():
    """Two of three with weights 1, 1, 2: without the third 1/4 * 1/3 + 1/4 * 1/3 = 1/6; three deviations are 0.035."""
    missing = 0
    for seed in range(1000):
        np.random.seed(seed)
        missing += 2 not in weighted_subset(np.array([1.0, 1.0, 2.0]), 2)
    assert abs(missing / 1000 - 1 / 6) < 0.035
