"""Two pieces of work at once: what they see of the caller, and what is left behind."""

import threading

import pytest
import torch

from projects.distillation.side_by_side import run_side_by_side


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_back_in_order_and_threads_are_restored(threads):
    assert run_side_by_side(lambda: 'first', lambda: 'second') == ('first', 'second')
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(('threads', 'shares'), [(1, (1, 1)), (2, (1, 1)), (5, (2, 3))], indirect=['threads'])
def test_threads_of_torch_are_shared_between_both(threads, shares):
    assert run_side_by_side(torch.get_num_threads, torch.get_num_threads) == shares


@pytest.mark.parametrize('threads', [2], indirect=True)
def test_both_run_at_the_same_time(threads):
    meeting = threading.Barrier(2, timeout=30)
    # Each waits for the other, which never comes if they run in a row.
    assert sorted(run_side_by_side(meeting.wait, meeting.wait)) == [0, 1]


@pytest.mark.parametrize('grad', [True, False])
def test_the_helper_has_the_gradient_mode_of_the_caller(threads, grad):
    weight = torch.ones(2, requires_grad=True)
    with torch.set_grad_enabled(grad):
        first, second = run_side_by_side(lambda: weight * 2, lambda: weight * 3)
    assert (first.requires_grad, second.requires_grad) == (grad, grad)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, None])
def test_the_helper_has_the_autocast_of_the_caller(threads, dtype):
    a = torch.ones(2, 2)
    with torch.autocast('cpu', dtype=dtype, enabled=dtype is not None):
        products = run_side_by_side(lambda: a @ a, lambda: a @ a)
    assert [p.dtype for p in products] == [dtype or torch.float32] * 2
    # Nothing of it stays in the helper's thread.
    assert run_side_by_side(lambda: (a @ a).dtype, lambda: None)[0] == torch.float32


def test_gradients_reach_weights_through_the_helper(threads):
    weight = torch.tensor([3.0], requires_grad=True)
    first, second = run_side_by_side(lambda: weight * weight, lambda: 5 * weight)
    (first + second).sum().backward()
    assert weight.grad.item() == 2 * 3 + 5


def test_a_helper_does_not_wait_for_itself(threads):
    nested = run_side_by_side(lambda: run_side_by_side(lambda: 1, lambda: 2), lambda: run_side_by_side(int, str))
    assert nested == ((1, 2), (0, ''))
    assert torch.get_num_threads() == threads


def fail(message):
    raise ValueError(message)


def test_an_error_of_either_is_raised_when_both_have_ended(threads):
    done = []
    with pytest.raises(ValueError, match='in the helper'):
        run_side_by_side(lambda: fail('in the helper'), lambda: done.append(1))
    with pytest.raises(ValueError, match='in the caller'):
        run_side_by_side(lambda: done.append(2), lambda: fail('in the caller'))
    assert done == ([2] if threads == 1 else [1, 2])
    assert torch.get_num_threads() == threads
