import pytest
import torch

from projects.rendering import jitter_samples, uniform_samples


def test_default_samples_are_those_of_the_author_code():
    t_starts, t_ends = uniform_samples()
    assert t_starts.shape == (287,)
    assert t_starts[0] == 0
    assert t_ends[-1] == pytest.approx(57.4, abs=1e-4)
    assert torch.equal(t_starts[1:], t_ends[:-1])


@pytest.mark.parametrize(('t_range', 'step'), [((0.0, 10.0), 0.0), ((5.0, 5.0), 0.2)])
def test_empty_ranges_are_rejected(t_range, step):
    with pytest.raises(ValueError, match='step'):
        uniform_samples(t_range, step)


def test_jittered_samples_stay_adjacent_and_move_by_half_a_step_at_most():
    torch.manual_seed(0)
    t_starts, t_ends = uniform_samples((0.0, 2.0), 0.5)
    starts, ends = jitter_samples(t_starts, t_ends, 100)
    assert starts.shape == (100, 4)
    assert torch.allclose(starts[:, 1:], ends[:, :-1])
    assert (starts - t_starts).abs().max() <= 0.25
    assert (starts - t_starts).std() > 0.1
