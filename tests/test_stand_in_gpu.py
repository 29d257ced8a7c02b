"""The counter of waits counts what makes a host wait for a GPU; see stand_in_gpu.py."""

import json

import pytest

# Waits and operations counted by hand; x holds (1, -2, 3), eye is a matrix.
COUNTS = {
    '(x + 1)[:2].sum().item()': [1, 2],
    'x[x > 0]': [1, 2],
    'x.index_select(0, torch.tensor([2, 0], device=x.device))': [1, 2],
    '(x.cpu(), x.tolist())': [2, 2],
    'torch.linalg.inv(eye)': [1, 1],
    'torch.linalg.inv_ex(eye).inverse': [0, 1],
    'torch.where(x > 0, x, -x).cumsum(0).view(3, 1)': [0, 4],
    'x.repeat_interleave((x > 0).long())': [1, 4],
}
PROGRAM = f"""
import json, os
import torch
from stand_in_gpu import Count, StandIn, register
register()
x, eye = StandIn(torch.tensor([1.0, -2.0, 3.0])), StandIn(torch.eye(2))
for code in {list(COUNTS)}:
    with Count() as counted:
        eval(code)
    print(json.dumps([code, [counted.waits.total(), counted.operations.total()]]))
try:
    x + torch.ones(3)
except RuntimeError as error:
    print(json.dumps(['mix', str(error)]), flush=True)
os._exit(0)
"""


@pytest.fixture(scope='module')
def counts(run_python, repo):
    done = run_python('-c', PROGRAM, PYTHONPATH=f'{repo}/tests')
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize('code', COUNTS)
def test_waits_and_operations_are_those_counted_by_hand(counts, code):
    assert counts[code] == COUNTS[code]


def test_a_mix_of_devices_raises(counts):
    assert 'tensors of fakegpu:0 and tensors of the device cpu' in counts['mix']
