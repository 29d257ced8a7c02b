"""How tasks are shared between threads."""

import threading

import pytest

from projects.compute.pool import run_in_parts, run_tasks


def test_every_task_runs_once():
    done = []
    run_tasks([lambda i=i: done.append(i) for i in range(100)], 2)
    assert sorted(done) == list(range(100))


def test_two_tasks_run_side_by_side():
    meeting = threading.Barrier(2, timeout=60)
    run_tasks([meeting.wait, meeting.wait], 2)  # would time out, and raise, if one waited for the other


@pytest.mark.parametrize('broken', [0, 1])
def test_the_error_of_a_task_is_raised_when_no_other_task_runs_any_more(broken):
    meeting, done = threading.Barrier(2, timeout=60), threading.Event()

    def task(number):
        meeting.wait()
        if number == broken:
            raise KeyError('the second half of the rays')
        done.set()

    with pytest.raises(KeyError, match='second half'):
        run_tasks([lambda: task(0), lambda: task(1)], 2)
    assert done.is_set()


def test_no_task_is_no_work():
    run_tasks([], 2)


@pytest.mark.parametrize('threads', [1, 3])
def test_parts_are_consecutive_and_numbered(threads):
    seen = []
    run_in_parts(lambda *part: seen.append(part), 10, threads)
    assert sorted(seen) == {1: [(0, 0, 10)], 3: [(0, 0, 3), (1, 3, 6), (2, 6, 10)]}[threads]
