import numpy as np

from projects.transforms.random_draws import coin, subset, uniform


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
