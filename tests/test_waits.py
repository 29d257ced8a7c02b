"""How often a training step asks a GPU for something and waits for it, counted without one; see count_step.py."""

import json

import pytest

# A step must not grow. Who adds an operation on purpose raises the number.
OPERATIONS = {'student': 690, 'RadOcc': 1525}
WAITS = {'student': 17, 'RadOcc': 32}


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
