"""Processes of one step, of which some have no labels; see two_processes.py."""

import json

import pytest


def test_a_process_without_labels_takes_part_in_the_step_of_the_others(tool_server, repo):
    """It would stop the others if a loss of labels were a constant there, or left out."""
    done = tool_server.run(['tests/two_processes.py'], repo, timeout=120)
    found = json.loads(done.stdout)
    assert found['differences'] == pytest.approx(dict.fromkeys(found['sizes'], 0.0), abs=1e-6)
    assert all(size > 1e-3 for size in found['sizes'].values())
