"""Decisions that all processes of a run share: one process decides and tells, or all compare what they have."""

import socket
from collections.abc import Callable
from typing import Any, TypeVar

from mmengine.dist import all_gather_object, broadcast_object_list, get_rank, get_world_size

T = TypeVar('T')


def decide_for_all(decide: Callable[[], T]) -> T:
    """Let the first process decide; all return its result or raise its error, so that none waits for another.

    Args:
        decide (Callable): Called in the first process only.

    Returns:
        T: What it returned there.
    """
    if get_world_size() == 1:
        return decide()
    box: list[Any] = [None, None]
    if get_rank() == 0:
        try:
            box[0] = decide()
        except Exception as error:  # handed on, whatever it is
            box[1] = error
    broadcast_object_list(box)
    if box[1] is not None:
        raise box[1]
    return box[0]


def require_same(value: Any, what: str, remedy: str) -> None:
    """Compare a value between all processes.

    Args:
        value (Any): The value of this process; one that is equal in all.
        what (str): What it is, for the message.
        remedy (str): What to do when it differs.

    Raises:
        RuntimeError: In every process, if the values differ; names the nodes and their values.
    """
    if get_world_size() == 1:
        return
    found = all_gather_object((socket.gethostname(), get_rank(), value))
    if all(other == value for _, _, other in found):
        return
    groups: dict[tuple[str, str], list[int]] = {}
    for node, rank, other in found:
        groups.setdefault((node, str(other)), []).append(rank)
    lines = [f'  node {node}, processes {ranks}: {other}' for (node, other), ranks in groups.items()]
    raise RuntimeError('\n'.join([f'{what} is not the same in all processes:', *lines, remedy]))
