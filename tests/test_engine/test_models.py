import torch
from torch import nn

from projects.engine import device_problem, lay_out_weights, plain_model


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
