"""Threads follow those of torch."""

import threading

import pytest
import torch

from projects.compute.threads import run_in_threads, run_over_range


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_tasks_run_on_as_many_threads_as_torch_has(two_threads):
    meeting = threading.Barrier(2, timeout=60)
    run_in_threads([meeting.wait, meeting.wait])  # would time out, and raise, if one waited for the other


def test_tasks_run_in_a_row_where_torch_has_one_thread():
    threads, used = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        run_in_threads([lambda: used.append(threading.get_ident())] * 5)
    finally:
        torch.set_num_threads(threads)
    assert used == [threading.get_ident()] * 5


@pytest.mark.parametrize('size', [0, 1, 7, 100])
def test_every_item_of_a_range_is_in_one_part(two_threads, size):
    parts = []
    run_over_range(lambda first, last, name: parts.append((first, last, name)), size, 'rays')
    assert [item for first, last, _ in sorted(parts) for item in range(first, last)] == list(range(size))
    assert {name for _, _, name in parts} <= {'rays'}
