"""How tasks are shared between threads."""

import threading

import pytest
import torch

from projects.compute.threads import run_in_threads


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_every_task_runs_once(two_threads):
    done = []
    run_in_threads([lambda i=i: done.append(i) for i in range(100)])
    assert sorted(done) == list(range(100))


def test_two_tasks_run_side_by_side(two_threads):
    meeting = threading.Barrier(2, timeout=60)
    run_in_threads([meeting.wait, meeting.wait])  # would time out, and raise, if one waited for the other


@pytest.mark.parametrize('broken', [0, 1])
def test_the_error_of_a_task_is_raised_when_no_other_task_runs_any_more(two_threads, broken):
    meeting, done = threading.Barrier(2, timeout=60), threading.Event()

    def task(number):
        meeting.wait()
        if number == broken:
            raise KeyError('the second half of the rays')
        done.set()

    with pytest.raises(KeyError, match='second half'):
        run_in_threads([lambda: task(0), lambda: task(1)])
    assert done.is_set()


def test_no_task_is_no_work(two_threads):
    run_in_threads([])
