"""How often a training step asks a GPU for something and waits for it, counted without one; see count_step.py."""

import importlib.util
import json

import pytest

# A step must not grow. Who adds an operation on purpose raises the number.
OPERATIONS = {
    ('student', 'PyTorch'): 468, ('RadOcc', 'PyTorch'): 1119, ('student', 'Triton'): 459, ('RadOcc', 'Triton'): 805,
}  # fmt: skip
WAITS = {('student', 'PyTorch'): 4, ('RadOcc', 'PyTorch'): 6, ('student', 'Triton'): 4, ('RadOcc', 'Triton'): 4}
needs_count = pytest.mark.parametrize('key', OPERATIONS, ids=' with '.join)


@pytest.fixture(scope='module')
def counts(tool_server, repo):
    """What was counted, by model and kernels."""
    done = tool_server.run(['tests/count_step.py'], repo)
    assert done.code == 0, done
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {(line['model'], line['kernels']): line for line in lines}


@pytest.fixture
def count(counts, key):
    if key[1] == 'Triton' and importlib.util.find_spec('triton') is None:
        pytest.skip('triton is not installed')
    return counts[key]


@needs_count
def test_a_step_takes_no_more_operations_than_it_did(count, key):
    assert count['forward'] + count['backward'] <= OPERATIONS[key], count['operations']


@needs_count
def test_a_step_waits_for_the_device_no_more_often_than_it_did(count, key):
    assert count['waits'] <= WAITS[key], count['places']


@needs_count
def test_a_step_has_the_losses_and_the_gradient_of_the_cpu(count, key):
    there, here = count['device'], count['cpu']
    assert there['losses'] == pytest.approx(here['losses'], rel=1e-4, abs=1e-6)
    assert there['gradient'] == pytest.approx(here['gradient'], rel=1e-3)


def test_losses_of_depth_models_do_not_wait_for_the_device(run_python, repo):
    program = (
        'import os, torch\n'
        'from stand_in_gpu import Count, StandIn, register\n'
        'from projects.depth.models.losses import DepthNLLLoss, DisparityMatchLoss, SILogLoss\n'
        'register()\n'
        'pred, truth, scale = (StandIn(torch.rand(2, 8, 12) + 1).requires_grad_(i != 1) for i in range(3))\n'
        'logits, baseline = StandIn(torch.rand(2, 9, 4, 6)).requires_grad_(), StandIn(torch.full((2,), 9.0))\n'
        'with Count() as counted:\n'
        "    loss = SILogLoss()(pred, truth) + SILogLoss('toolbox')(pred, truth) + DepthNLLLoss()(pred, scale, truth)\n"
        '    (loss + DisparityMatchLoss()(logits, baseline, truth)).backward()\n'
        'print(dict(counted.waits), flush=True)\n'
        'os._exit(0)\n'
    )
    assert run_python('-c', program, PYTHONPATH=f'{repo}/tests:{repo}').stdout == '{}\n'
