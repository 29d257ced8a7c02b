"""No tensor is made on the wrong device, forward or backward; see device_placement.py."""

import pytest


@pytest.mark.parametrize(
    'part',
    [
        'occupancy_losses',
        'view_transform',
        'bev_queries',
        'plane_queries',
        'temporal_stereo',
        'distillation',
        'lidar_rays',
    ],
)
def test_a_step_runs_forward_and_backward_on_a_device_that_is_not_the_cpu(part, tool_server, repo):
    done = tool_server.run(['tests/device_placement.py', part], repo)
    assert f'{part}: forward and backward on' in done.stdout, done


def test_the_stand_in_device_catches_a_tensor_of_the_cpu(run_python):
    program = (
        "import sys; sys.path.insert(0, 'tests')\n"
        'import os, torch\n'
        'from device_placement import accelerator\n'
        'from torch._subclasses.fake_tensor import FakeTensorMode\n'
        'device = accelerator()\n'
        'with FakeTensorMode():\n'
        '    try:\n'
        '        torch.rand(3, device=device) + torch.rand(3)\n'
        '    except RuntimeError as error:\n'
        "        print('refused:', error, flush=True)\n"
        'os._exit(0)\n'
    )
    assert 'device' in run_python('-c', program).stdout.partition('refused:')[2]
