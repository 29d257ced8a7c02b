"""Parts of models and losses do on a device what they do on the CPU, without waiting, and never stop a process."""

import json

import pytest
import stand_in_networks
import stand_in_nothing
import stand_in_pieces

# How often the host waits for a GPU; not at all for what is not named.
WAITS = {
    'trust in rays': 2,  # samples inside the grid; length and end of the bins
    'voxels on rays': 1,  # samples inside the grid
    'larger voxel head': 1,  # voxels with a label
    'matching of keyframes': 1,  # key of the calibration; its frustum points were found in the first run
    'queries of a grid': 1,  # cells that a camera sees
    'queries of planes': 1,
    'pillars': 1,  # points inside the grid, in training
    'checks of a step': 2,  # all losses, all gradients
}
MODULES = {module.__name__: module.PIECES for module in (stand_in_pieces, stand_in_networks, stand_in_nothing)}
ALL = [(module, name) for module, pieces in MODULES.items() for name in pieces]
needs_piece = pytest.mark.parametrize(('module', 'name'), ALL)


@pytest.fixture(scope='module')
def found(tool_server, repo):
    """Reports by module and piece."""
    reports = {}
    for module in MODULES:
        done = tool_server.run(['tests/stand_in_run.py', module], repo)
        assert done.code == 0, done
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        reports.update({(module, line['piece']): line for line in lines})
    return reports


@needs_piece
def test_a_piece_has_the_results_and_the_gradients_of_the_cpu_on_a_device(found, module, name):
    assert found[module, name]['difference'] == ''


@needs_piece
def test_every_weight_and_every_input_that_learns_gets_a_gradient(found, module, name):
    """One without would stop distributed training."""
    assert found[module, name]['idle'] == []
    assert found[module, name]['finite']


@pytest.mark.parametrize(('module', 'name'), [pair for pair in ALL if pair[0] != 'stand_in_networks'])
def test_losses_and_choices_are_those_of_float32_in_mixed_precision(found, module, name):
    assert found[module, name]['rounded'] == ''


@pytest.mark.parametrize(('module', 'name'), [pair for pair in ALL if pair[0] != 'stand_in_nothing'])
def test_a_piece_waits_for_the_device_as_often_as_is_known(found, module, name):
    waits = found[module, name]['waits']
    assert sum(waits.values()) == WAITS.get(name, 0), waits


@pytest.mark.parametrize('name', stand_in_nothing.PIECES)
def test_a_loss_in_which_nothing_counts_is_zero_with_a_gradient_of_zeros(found, name):
    sizes = found['stand_in_nothing', name]['size']
    assert any(key.startswith('gradient') for key in sizes)
    assert sizes == pytest.approx(dict.fromkeys(sizes, 0.0), abs=1e-5)
