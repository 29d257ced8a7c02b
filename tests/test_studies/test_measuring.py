import torch
from mmengine.structures import BaseDataElement

from projects.studies.measuring import Predictor, choose_frames, hardware, measure


class _Doubler(torch.nn.Module):
    """A model of one number, with the steps of a ``TaskModel`` that a predictor calls."""

    def data_preprocessor(self, data, training):
        assert training is False
        return {'inputs': torch.stack(data['inputs']), 'data_samples': data['data_samples']}

    def extract_outputs(self, inputs, data_samples):
        return {'double': 2 * inputs}

    def derive_outputs(self, outputs):
        return {'four_times': 2 * outputs['double']}

    def forward(self, inputs, data_samples, mode):
        assert mode == 'predict'
        data_samples[0].set_data({'double': (2 * inputs)[0]})
        return data_samples


def test_one_predictor_gives_outputs_and_predictions_of_a_single_sample():
    sample = {'inputs': torch.tensor(3.0, requires_grad=True), 'data_samples': BaseDataElement()}
    predictor = Predictor(_Doubler())
    assert predictor.outputs(sample)['double'].tolist() == [6.0]
    assert predictor.outputs(sample)['four_times'].tolist() == [12.0]
    assert not predictor.outputs(sample)['double'].requires_grad
    assert predictor.predict(sample).double.item() == 6.0


class _Sum:
    total = 0

    def add(self, sample, predicted):
        self.total += sample * predicted


def test_every_model_sees_every_sample_and_its_index_once():
    meters = measure([5, 7], {'same': lambda sample, _: sample, 'index': lambda _, index: index}, _Sum)
    assert {name: meter.total for name, meter in meters.items()} == {'same': 25 + 49, 'index': 7}


def test_drawn_frames_are_the_first_of_scenes_spread_over_the_data():
    scenes = ['a', 'a', 'b', 'c', 'c', 'd', 'e']
    assert choose_frames(scenes, 3) == [0, 3, 6]
    assert choose_frames(scenes, 9) == [0, 2, 3, 5, 6]
    assert choose_frames(scenes, 0) == []


def test_a_report_names_the_gpu_of_the_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert hardware().endswith(f', {torch.get_num_threads()} threads, no GPU')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'A card')
    assert hardware().endswith(' threads, A card')
