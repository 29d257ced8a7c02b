"""benchmark.py: the student alone is measured, once per pass, with weights of a distillation or of the student."""

import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools' / 'analysis_tools'))

import benchmark


@pytest.fixture
def distill_cfg(repo):
    return Config.fromfile(repo / 'configs/radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive.py')


@pytest.fixture
def student_cfg(repo):
    return Config.fromfile(repo / 'configs/flashocc/flashocc_mini_1xb1-7e_minidrive.py')


def test_a_distillation_is_measured_as_its_plain_student(distill_cfg, student_cfg):
    model, plain = benchmark.build_model(distill_cfg), benchmark.build_model(student_cfg)
    assert type(model) is type(plain)
    assert [(k, v.shape) for k, v in model.state_dict().items()] == [
        (k, v.shape) for k, v in plain.state_dict().items()
    ]
    assert not model.training


def test_weights_of_a_distillation_and_of_a_student_load_and_others_are_refused(student_cfg, tmp_path):
    weights = {key: value + 1 for key, value in benchmark.build_model(student_cfg).state_dict().items()}
    path = tmp_path / 'x.pth'
    for prefix in ('student.', ''):
        torch.save({'state_dict': {prefix + key: value for key, value in weights.items()}, 'meta': {}}, path)
        loaded = benchmark.build_model(student_cfg, str(path)).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in weights.items())
    del weights[next(iter(weights))]
    torch.save({'state_dict': weights, 'meta': {}}, path)
    with pytest.raises(ValueError, match=r'x\.pth does not fit .*\n  missing in the file \(1\)'):
        benchmark.build_model(student_cfg, str(path))


class CountingModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.calls = []

    def data_preprocessor(self, data, training):
        return data

    def forward(self, inputs, data_samples, mode):
        out = self.layer(inputs)
        self.calls.append((mode, torch.is_grad_enabled(), out.dtype))
        return out


def test_every_pass_is_a_prediction_without_gradients_and_the_numbers_agree():
    model = CountingModel()
    batch = {'inputs': torch.ones(1, 3), 'data_samples': []}
    result = benchmark.measure(model, batch, torch.device('cpu'), num_iters=4, num_warmup=2)
    assert model.calls == [('predict', False, torch.float32)] * (2 + 1 + 4)
    assert result['parameters'] == 8
    assert result['fps'] == pytest.approx(1000 / result['latency_ms'])
    assert 0 < result['latency_min_ms'] <= result['latency_ms']
    benchmark.measure(model, batch, torch.device('cpu'), num_iters=1, num_warmup=0, bf16=True)
    assert model.calls[-1][2] == torch.bfloat16


def test_zero_iterations_are_refused(capsys):
    with pytest.raises(SystemExit):
        benchmark.parse_args(['config.py', '--num-iters', '0'])
    assert '--num-iters must be at least 1' in capsys.readouterr().err


def test_a_device_that_is_not_there_is_an_error_of_the_command_line(capsys):
    with pytest.raises(SystemExit) as stop:
        benchmark.parse_args(['config.py', '--device', 'cuda:99'])
    assert stop.value.code == 2
    assert '--device cuda:99 cannot be used with torch' in capsys.readouterr().err
