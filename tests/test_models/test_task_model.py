"""The contract of all models: three steps give the modes of mmengine."""

import inspect

import pytest
import torch
from mmengine.structures import BaseDataElement

from projects.depth import DepthDataSample
from projects.depth.models import BaseDepthModel
from projects.engine import NonFiniteError
from projects.models import TaskModel, require_inputs
from projects.occupancy import OccDataSample
from projects.occupancy.models import BaseOccModel


class Doubles(TaskModel):
    """Output 2x, loss 2x - target, prediction 2x + 1 from outputs that are 10 larger at test time."""

    def __init__(self, factor=2.0, data_preprocessor=None, init_cfg=None):
        super().__init__(data_preprocessor, init_cfg)
        self.factor = factor

    def extract_outputs(self, inputs, data_samples=None):
        return {'y': self.factor * inputs['x']}

    def loss_by_outputs(self, outputs, data_samples):
        return {'loss_y': outputs['y'] - data_samples[0].target}

    def predict_outputs(self, inputs, data_samples=None):
        return {'y': self.extract_outputs(inputs)['y'] + 10}

    def predict_by_outputs(self, outputs, data_samples):
        data_samples[0].pred = outputs['y'] + 1
        return data_samples


class WithoutConstructor(Doubles):
    """A child that adds nothing."""


@pytest.fixture
def batch():
    sample = BaseDataElement()
    sample.target = torch.tensor(1.0)
    return {'x': torch.tensor(3.0)}, [sample]


def test_modes_are_the_three_steps(batch):
    model, (inputs, samples) = Doubles(), batch
    assert model(inputs)['y'] == 6
    assert model(inputs, samples, mode='loss')['loss_y'] == 5
    assert model(inputs, samples, mode='predict')[0].pred == 17


def test_unknown_mode_and_missing_samples_are_refused(batch):
    with pytest.raises(ValueError, match="mode must be 'loss', 'predict' or 'tensor', got 'train'"):
        Doubles()(*batch, mode='train')
    for mode in ('loss', 'predict'):
        with pytest.raises(ValueError, match=f'mode {mode!r} needs data_samples'):
            Doubles()(batch[0], mode=mode)


@pytest.mark.parametrize('base', [BaseOccModel, BaseDepthModel])
def test_a_student_of_a_task_needs_two_methods(base):
    def method(self, *args):
        return {}

    with pytest.raises(TypeError, match=r'abstract method.*loss_by_outputs'):
        type('OneStep', (base,), {'extract_outputs': method})()
    model = type('Student', (base,), {'extract_outputs': method, 'loss_by_outputs': method})()
    assert type(model.data_preprocessor).__name__ in ('OccDataPreprocessor', 'DepthDataPreprocessor')


@pytest.mark.parametrize(
    ('method', 'value', 'message'),
    [
        (
            'extract_outputs',
            None,
            r'Doubles\.extract_outputs must return a dict.* NoneType; is there a return statement',
        ),
        ('extract_outputs', torch.ones(2, 3), r'Doubles\.extract_outputs must return a dict.* got a tensor \(2, 3\)$'),
        ('loss_by_outputs', torch.ones(()), r'Doubles\.loss_by_outputs must return a dict'),
        ('loss_by_outputs', {'loss_y': 2.0}, "'loss_y' must be a tensor or a list of tensors, got float"),
        (
            'loss_by_outputs',
            {'loss_y': [torch.ones(()), 1]},
            "'loss_y' must be a tensor or a list of tensors, got list",
        ),
        ('loss_by_outputs', {'ce': torch.ones((), requires_grad=True)}, "'ce' has a gradient.* call it 'loss_ce'"),
        ('loss_by_outputs', {'accuracy': torch.ones(())}, r"gives no loss to train with, got \['accuracy'\]"),
        ('loss_by_outputs', {}, 'gives no loss to train with'),
    ],
)
def test_a_step_that_returns_something_else_is_named(batch, method, value, message):
    child = type('Doubles', (Doubles,), {method: lambda self, *args: value})
    with pytest.raises((TypeError, ValueError), match=message):
        child()(*batch, mode='loss')


def test_what_is_only_logged_stands_beside_the_losses(batch):
    losses = {'loss_y': [torch.ones(()), torch.ones(())], 'accuracy': torch.ones(())}
    child = type('Logs', (Doubles,), {'loss_by_outputs': lambda self, *args: losses})
    assert child()(*batch, mode='loss') == losses


def occ_sample(**meta):
    return OccDataSample(metainfo={'token': 'a', **meta})


@pytest.mark.parametrize('mode', ['loss', 'predict'])
@pytest.mark.parametrize(
    ('outputs', 'message'),
    [
        ({'bev_feat': torch.ones(1)}, r"'occ_logits' of the shape .*, but there are \['bev_feat'\]"),
        ({'occ_logits': torch.ones(2, 4, 3, 2)}, r'but it is \(2, 4, 3, 2\)'),
        ({'occ_logits': torch.ones(2, 10, 4, 3, 2)}, r'are \(2, 10, 4, 3, 2\), .* is \(2, 4, 3, 2, 10\)'),
        ({'occ_logits': torch.ones(2, 4, 3, 2, 18)}, r'\(2, 4, 3, 2, 18\), .* \(2, 4, 3, 2, 10\) .*sample a'),
        ({'occ_logits': torch.ones(1, 4, 3, 2, 10)}, r'are \(1, 4, 3, 2, 10\)'),
    ],
)
def test_logits_of_another_grid_or_class_count_than_the_data_set_are_refused(outputs, message, mode):
    methods = {'extract_outputs': lambda *args: outputs, 'loss_by_outputs': lambda *args: {'loss': torch.ones(())}}
    samples = [occ_sample(grid_size=(4, 3, 2), num_classes=10)] * 2
    with pytest.raises(ValueError, match=message):
        type('Student', (BaseOccModel,), methods)()({}, samples, mode=mode)


def test_logits_pass_where_the_samples_do_not_say_their_grid():
    methods = {'extract_outputs': lambda *args: {'occ_logits': torch.ones(1, 4, 3, 2, 10)}, 'loss_by_outputs': None}
    (sample,) = type('Student', (BaseOccModel,), methods)()({}, [occ_sample()], mode='predict')
    assert sample.pred_occ.shape == (4, 3, 2)


@pytest.mark.parametrize(
    ('outputs', 'message'),
    [
        ({'disparity': torch.ones(1)}, r"must have 'depth' of the shape \(2, 1, H, W\), but there are \['disparity'\]"),
        ({'depth': torch.ones(2, 4, 5)}, r'but it is \(2, 4, 5\)'),
        ({'depth': torch.ones(2, 3, 4, 5)}, r'but it is \(2, 3, 4, 5\)'),
        ({'depth': torch.ones(1, 1, 4, 5)}, r'but it is \(1, 1, 4, 5\)'),
    ],
)
def test_depth_of_another_shape_is_refused(outputs, message):
    methods = {'extract_outputs': lambda *args: outputs, 'loss_by_outputs': lambda *args: {'loss': torch.ones(())}}
    with pytest.raises(ValueError, match=message):
        type('Student', (BaseDepthModel,), methods)()({}, [DepthDataSample(), DepthDataSample()], mode='loss')


def test_occupancy_is_the_most_likely_class():
    logits = torch.zeros(2, 1, 1, 3, 18)
    for place, ids in enumerate([(4, 17, 0), (5, 0, 16)]):
        for z, i in enumerate(ids):
            logits[place, 0, 0, z, i] = 1.0
    samples = BaseOccModel.predict_by_outputs(None, {'occ_logits': logits}, [OccDataSample(), OccDataSample()])
    assert [sample.pred_occ.flatten().tolist() for sample in samples] == [[4, 17, 0], [5, 0, 16]]
    assert samples[0].pred_occ.dtype == torch.uint8


def test_depth_without_a_scale_is_predicted_without_padding():
    depth = torch.arange(24.0).view(2, 1, 3, 4)
    valid_mask = torch.ones(2, 3, 4, dtype=torch.bool)
    valid_mask[0, 2:], valid_mask[0, :, 1:] = False, False
    outputs = {'depth': depth, 'valid_mask': valid_mask}
    first, second = BaseDepthModel.predict_by_outputs(None, outputs, [DepthDataSample(), DepthDataSample()])
    assert first.pred_depth.tolist() == [[0.0], [4.0]]
    assert torch.equal(second.pred_depth, depth[1, 0])
    assert 'pred_log_scale' not in first


@pytest.mark.parametrize('kind', [Doubles, WithoutConstructor])
def test_empty_train_cfg_is_accepted_and_nothing_else(kind):
    assert kind(train_cfg=None, factor=3.0).factor == 3
    with pytest.raises(TypeError, match="unexpected keyword argument 'train_cfg'"):
        kind(train_cfg={'max_epochs': 1})
    with pytest.raises(TypeError, match="unexpected keyword argument 'facter'"):
        kind(facter=3.0)
    assert list(inspect.signature(kind).parameters) == ['factor', 'data_preprocessor', 'init_cfg']


def test_a_model_may_have_a_train_cfg_of_its_own():
    class Own(Doubles):
        def __init__(self, train_cfg='mine'):
            super().__init__()
            self.train_cfg = train_cfg

    assert Own(train_cfg=None).train_cfg is None
    assert Own().train_cfg == 'mine'


def test_missing_inputs_are_named_with_advice():
    with pytest.raises(ValueError, match=r"Net needs inputs \['b'\], got \['a', 'c'\]; load them in the pipeline"):
        require_inputs({'a': 1, 'c': 2}, ('a', 'b'), 'Net')
    with pytest.raises(ValueError, match='; use a pair'):
        require_inputs({}, ('b',), 'Net', 'use a pair')


def test_a_loss_that_is_nan_stops_with_its_name_and_sample(batch):
    inputs, samples = batch
    samples[0].set_metainfo({'token': 'abc'})
    with pytest.raises(NonFiniteError, match=r'loss_y = nan .*samples abc'):
        Doubles(factor=float('nan'))(inputs, samples, mode='loss')


def test_a_loss_that_is_nan_on_a_frame_without_labels_says_so(batch):
    inputs, samples = batch
    samples[0].set_metainfo({'token': 'abc', 'labelled': False})
    with pytest.raises(NonFiniteError, match=r'samples abc\)\. Samples abc have no labels.*must be 0 there\. Lower'):
        Doubles(factor=float('nan'))(inputs, samples, mode='loss')
