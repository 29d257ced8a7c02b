"""How often a training step asks a GPU for something and waits for it, counted without one; see count_step.py."""

import json

import pytest

# A step must not grow. Who adds an operation on purpose raises the number.
OPERATIONS = {'student': 575, 'RadOcc': 1405}
WAITS = {'student': 5, 'RadOcc': 9}


@pytest.fixture(scope='module')
def counts(tool_server, repo):
    """What was counted, by model."""
    done = tool_server.run(['tests/count_step.py'], repo)
    assert done.code == 0, done
    return {line['model']: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize('model', OPERATIONS)
def test_a_step_takes_no_more_operations_than_it_did(counts, model):
    count = counts[model]
    assert count['forward'] + count['backward'] <= OPERATIONS[model], count['operations']


@pytest.mark.parametrize('model', WAITS)
def test_a_step_waits_for_the_device_no_more_often_than_it_did(counts, model):
    assert counts[model]['waits'] <= WAITS[model], counts[model]['places']


@pytest.mark.parametrize('model', OPERATIONS)
def test_a_step_has_the_losses_and_the_gradient_of_the_cpu(counts, model):
    there, here = counts[model]['device'], counts[model]['cpu']
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
