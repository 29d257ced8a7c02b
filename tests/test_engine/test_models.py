import torch
from torch import nn

from projects.engine import device_problem, keep_counts_on_host, lay_out_weights, plain_model


def test_the_student_of_a_distiller_is_the_model_that_predicts():
    student = {'type': 'Student', 'data_preprocessor': {'type': 'Own'}}
    assert plain_model(student) == student
    assert plain_model({'type': 'Distiller', 'student': student}) == student
    whole = {'type': 'Distiller', 'student': student, 'data_preprocessor': {'type': 'Whole'}}
    assert plain_model(whole) == {'type': 'Student', 'data_preprocessor': {'type': 'Whole'}}
    assert student['data_preprocessor'] == {'type': 'Own'}


def test_a_device_that_is_not_there_has_a_reason():
    assert device_problem('cpu') is None
    assert device_problem('cuda:99')
    assert 'toaster' in device_problem('toaster')


def test_gradients_of_weights_that_are_laid_out_as_images_keep_the_layout():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv3d(1, 1, 3), nn.Linear(2, 2))
    values = {name: value.clone() for name, value in model.state_dict().items()}
    assert lay_out_weights(model) is model
    weight = model[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(value, values[name]) for name, value in model.state_dict().items())
    model[0](torch.rand(1, 3, 5, 5).contiguous(memory_format=torch.channels_last)).sum().backward()
    assert weight.grad.is_contiguous(memory_format=torch.channels_last)
    assert model[1].weight.is_contiguous()


def test_batches_that_are_counted_on_the_host_count_in_the_state_dict():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.BatchNorm2d(2, track_running_stats=False))
    names = list(model.state_dict())
    assert keep_counts_on_host(model) is model
    for _ in range(2):
        model(torch.rand(2, 1, 3, 3))
    assert list(model.state_dict()) == names
    count = model.state_dict()['1.num_batches_tracked']
    assert (count.item(), count.dtype, count.device.type) == (2, torch.int64, 'cpu')
    model.load_state_dict({**model.state_dict(), '1.num_batches_tracked': torch.tensor(7)})
    assert model[1].num_batches_tracked == 7


def test_batches_are_counted_on_the_host_beside_a_layer_on_a_device(run_python, repo):
    program = (
        'import os, torch\n'
        'from stand_in_gpu import Count, StandIn, move, register\n'
        'from projects.engine import keep_counts_on_host\n'
        'register()\n'
        'layer = torch.nn.BatchNorm2d(2)\n'
        'move(layer)\n'
        'keep_counts_on_host(layer)\n'
        'with Count() as counted:\n'
        '    layer(StandIn(torch.rand(2, 2, 3, 3)))\n'
        'count = layer.num_batches_tracked\n'
        'print(count.item(), count.device.type, sum(counted.operations.values()), flush=True)\n'
        'os._exit(0)\n'
    )
    assert run_python('-c', program, PYTHONPATH=f'{repo}/tests:{repo}').stdout == '1 cpu 1\n'
