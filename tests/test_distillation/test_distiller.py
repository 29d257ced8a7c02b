"""The Distiller: what it computes, what it keeps out of checkpoints, and which wiring it refuses."""

import copy
import threading

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.structures import BaseDataElement
from torch import nn

from projects.distillation import Distiller, FrozenTeacher
from projects.distillation.teacher import all_outputs, check_same_images
from projects.distillation.wiring import check_loss_row
from projects.engine import CheckpointError, NonFiniteError, SafeRunner, save_checkpoint_atomic
from projects.occupancy import OccDataSample
from projects.occupancy.models import BaseOccModel
from projects.occupancy.models.data_preprocessor import OccDataPreprocessor


@pytest.fixture
def teacher_ckpt(toys, tmp_path):
    torch.manual_seed(5)
    path = tmp_path / 'teacher.pth'
    save_checkpoint_atomic({'meta': {}, 'state_dict': toys.ToyNet(channels=6).state_dict()}, path)
    return str(path)


@pytest.fixture
def build(toys, teacher_ckpt):
    def make(init=True, **changes):
        model = MODELS.build({**toys.distiller_config(teacher_ckpt), **changes})
        if init:
            model.init_weights()
        return model

    return make


@pytest.fixture
def batch():
    def sample(i):
        element = BaseDataElement(metainfo={'token': f't{i}'})
        element.target = torch.tensor([float(i)])
        element.ragged = torch.zeros(i + 1)
        return element

    return {'x': torch.randn(4, 4)}, [sample(i) for i in range(4)]


def test_losses_of_student_and_distillation_are_logged_by_name(build, batch):
    losses = build()(*batch, mode='loss')
    assert set(losses) == {'loss_toy', 'loss_match'}
    assert all(loss.requires_grad for loss in losses.values())


def test_distillation_loss_is_the_difference_of_the_two_renders(build, batch):
    model = build()
    model.student.eval()
    loss = model(*batch, mode='loss')['loss_match']
    rays = model.connectors['rendered'].seen[-1]
    with torch.no_grad():
        student, teacher = (m.extract_outputs(batch[0])['logits'] for m in (model.student, model.teacher.model))
    torch.testing.assert_close(loss, ((student - teacher) * rays).square().mean())


def test_both_models_are_rendered_along_the_same_rays(build, batch):
    model = build()
    model(*batch, mode='loss')
    first, second = model.connectors['rendered'].seen
    assert first is second


def test_no_gradient_reaches_the_teacher_and_its_outputs_are_usable_for_backward(build, batch):
    model = build()
    before = copy.deepcopy(model.teacher.model.state_dict())
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    sum(model(*batch, mode='loss').values()).backward()
    optimizer.step()
    assert all(p.grad is None and not p.requires_grad for p in model.teacher.model.parameters())
    assert all(torch.equal(v, before[k]) for k, v in model.teacher.model.state_dict().items())
    assert all(p.grad is not None for p in model.student.parameters())


def test_teacher_runs_beside_the_student_where_asked_and_computes_the_same(build, batch, monkeypatch):
    model = build(side_by_side=True)
    model.student.eval()
    threads, results = torch.get_num_threads(), {}
    seen = []
    run = FrozenTeacher.extract_outputs
    monkeypatch.setattr(
        FrozenTeacher, 'extract_outputs', lambda *args: seen.append(threading.current_thread().name) or run(*args)
    )
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            torch.manual_seed(3)  # of the rays
            model.zero_grad()
            losses = model(*batch, mode='loss')
            sum(losses.values()).backward()
            results[count] = [*losses.values(), *(weight.grad for weight in model.student.parameters())]
    finally:
        torch.set_num_threads(threads)
    assert seen[0] == threading.main_thread().name
    assert seen[1].startswith('side_by_side')
    build()(*batch, mode='loss')
    assert seen[2] == threading.main_thread().name
    torch.testing.assert_close(results[2], results[1])


def test_without_losses_the_student_trains_from_what_it_inherits_and_the_teacher_never_runs(
    build, batch, toys, tmp_path, monkeypatch
):
    alone = {'losses': {}, 'loss_inputs': {}, 'connectors': None, 'connector_inputs': None, 'shared': None}
    with pytest.raises(ValueError, match='no losses and inherits nothing'):
        build(init=False, **alone)
    weights = toys.ToyNet().state_dict()
    path = tmp_path / 'like_the_student.pth'
    save_checkpoint_atomic({'meta': {}, 'state_dict': weights}, path)
    model = build(inherit=['head'], teacher={'type': 'ToyNet'}, teacher_ckpt=str(path), **alone)
    assert torch.equal(model.student.head.weight, weights['head.weight'])
    monkeypatch.setattr(FrozenTeacher, 'extract_outputs', lambda *args: pytest.fail('the teacher ran'))
    losses = model.eval()(*batch, mode='loss')
    assert losses == model.student(*batch, mode='loss')


def test_teacher_stays_in_eval_mode(build, batch):
    model = build().train()
    assert model.student.training
    assert not any(module.training for module in model.teacher.model.modules())
    one, two = (model.teacher.extract_outputs(*batch)['logits'] for _ in range(2))
    assert torch.equal(one, two)


def test_teacher_is_absent_from_parameters_and_state_dict(build):
    model = build()
    assert not [name for name in model.state_dict() if 'teacher' in name]
    assert {name.split('.')[0] for name, _ in model.named_parameters()} == {'student'}
    keys = model.load_state_dict(model.state_dict(), strict=True)
    assert not keys.missing_keys
    assert not keys.unexpected_keys


def test_a_deep_copy_shares_the_teacher_and_not_the_student(build):
    model = build()
    twin = copy.deepcopy(model)
    assert twin.teacher is model.teacher
    assert twin.student is not model.student


def test_to_moves_the_teacher(build):
    model = build().to(torch.float64)
    assert {p.dtype for p in model.teacher.model.parameters()} == {torch.float64}
    assert {p.device.type for p in build().to('meta').teacher.model.parameters()} == {'meta'}


def test_sync_batch_norm_of_the_teacher_becomes_batch_norm(toys):
    net = torch.nn.SyncBatchNorm.convert_sync_batchnorm(toys.ToyNet())
    teacher = FrozenTeacher(net)
    assert not any(isinstance(m, torch.nn.SyncBatchNorm) for m in teacher.model.modules())


def test_predict_and_tensor_are_those_of_the_student(build, batch):
    model = build(init=False).eval()
    torch.testing.assert_close(model(*batch)['logits'], model.student(*batch)['logits'])
    predictions = model(*batch, mode='predict')
    torch.testing.assert_close(predictions[0].pred, model.student(*batch)['logits'][0])


def test_loss_before_the_teacher_is_loaded_is_an_error(build, batch):
    with pytest.raises(RuntimeError, match='init_weights'):
        build(init=False)(*batch, mode='loss')


def test_a_missing_teacher_checkpoint_names_the_command_that_trains_it(build):
    model = build(init=False, teacher_ckpt='work_dirs/none.pth', teacher_config='configs/t/teacher.py')
    with pytest.raises(FileNotFoundError, match=r'python tools/train\.py configs/t/teacher\.py'):
        model.init_weights()
    with pytest.raises(ValueError, match='teacher_ckpt'):
        build(init=False, teacher_ckpt=None).init_weights()


def test_checkpoint_of_another_teacher_is_refused(build, toys, tmp_path):
    path = tmp_path / 'other.pth'
    save_checkpoint_atomic({'meta': {}, 'state_dict': toys.ToyNet(channels=7).state_dict()}, path)
    with pytest.raises(CheckpointError, match='of another shape'):
        build(teacher_ckpt=str(path))


def test_student_starts_from_its_checkpoint(build, toys, tmp_path):
    weights = toys.ToyNet().state_dict()
    path = tmp_path / 'student.pth'
    save_checkpoint_atomic({'meta': {}, 'state_dict': weights}, path)
    model = build(student_ckpt=str(path))
    assert all(torch.equal(v, weights[k]) for k, v in model.student.state_dict().items())
    with pytest.raises(FileNotFoundError, match='gone'):
        build(student_ckpt=str(tmp_path / 'gone.pth'))


def test_student_starts_from_a_part_only_when_the_rest_is_named(build, toys, tmp_path):
    weights = {name: value for name, value in toys.ToyNet().state_dict().items() if name.startswith('stem')}
    path = str(tmp_path / 'part.pth')
    save_checkpoint_atomic({'meta': {}, 'state_dict': weights}, path)
    with pytest.raises(CheckpointError, match=r"model\.student_ckpt_allow_missing=\['head'\]"):
        build(student_ckpt=path)
    model = build(student_ckpt=path, student_ckpt_allow_missing=['head'])
    assert all(torch.equal(value, model.student.state_dict()[name]) for name, value in weights.items())
    with pytest.raises(ValueError, match='there is no student_ckpt'):
        build(student_ckpt_allow_missing=['head'])


def test_a_baseline_and_a_student_take_one_file_by_one_rule(build, toys, tmp_path):
    """The same weights with the same names, and the same refusal but for the name of the option."""
    weights = {name: value for name, value in toys.ToyNet().state_dict().items() if name.startswith('stem')}
    path = str(tmp_path / 'part.pth')
    parallel = {f'module.{name}': value for name, value in weights.items()}
    save_checkpoint_atomic({'meta': {}, 'state_dict': parallel}, path)

    def baseline(name, **options):
        cfg = toys.toy_config(tmp_path / name, epochs=1, load_from=path, **options)
        cfg['optim_wrapper']['optimizer']['lr'] = 0.0
        runner = SafeRunner.from_cfg(Config(cfg))
        runner.train()
        return runner.model

    student = build(student_ckpt=path, student_ckpt_allow_missing=['head']).student.state_dict()
    with pytest.raises(CheckpointError) as second:
        build(student_ckpt=path)
    plain = baseline('a', load_from_allow_missing=['head']).state_dict()
    with pytest.raises(CheckpointError) as first:
        baseline('b')
    learned = {name for name in weights if not name.endswith(('running_mean', 'running_var', 'num_batches_tracked'))}
    assert learned
    assert all(torch.equal(plain[name], weights[name]) for name in learned)
    assert all(torch.equal(student[name], weights[name]) for name in weights)
    assert str(first.value).replace('load_from_', 'model.student_ckpt_') == str(second.value)


def test_a_teacher_has_every_weight(build, toys, tmp_path):
    path = tmp_path / 'part.pth'
    weights = {name: value for name, value in toys.ToyNet(channels=6).state_dict().items() if name.startswith('stem')}
    save_checkpoint_atomic({'meta': {}, 'state_dict': weights}, path)
    with pytest.raises(CheckpointError, match=r'missing in the file \(2\): head 2 of 2') as error:
        build(teacher_ckpt=str(path))
    assert 'initial values' not in str(error.value)


def test_loss_scale_multiplies_one_loss(build, batch):
    model = build()
    model.student.eval()
    torch.manual_seed(1)
    full = model(*batch, mode='loss')
    model.set_loss_scale(0.25)
    torch.manual_seed(1)
    scaled = model(*batch, mode='loss')
    torch.testing.assert_close(scaled['loss_match'], 0.25 * full['loss_match'])
    torch.testing.assert_close(scaled['loss_toy'], full['loss_toy'])
    with pytest.raises(KeyError, match='loss_match'):
        model.set_loss_scale(1.0, ['loss_other'])


def test_data_sources_are_stacked_lists_or_inputs(build, batch):
    from projects.distillation.wiring import BatchData

    data = BatchData(*batch)
    assert data['target'].tolist() == [[0.0], [1.0], [2.0], [3.0]]
    assert [field.shape[0] for field in data['ragged']] == [1, 2, 3, 4]
    assert data['x'] is batch[0]['x']
    assert data['token'] == ['t0', 't1', 't2', 't3']
    batch[1][2].only_here = torch.zeros(1)
    with pytest.raises(KeyError, match='3 of 4 samples lack it'):
        data['only_here']


def test_student_only_connector_runs_once_and_is_trained(build, batch):
    model = build(
        connectors={'proj': {'type': 'ToyProjection'}},
        connector_inputs={'proj': {'feat': 'student.feat'}},
        shared=None,
        loss_inputs={'loss_match': {'student': 'student.proj', 'teacher': 'teacher.feat', 'targets': 'data.target'}},
    )
    model(*batch, mode='loss')['loss_match'].backward()
    assert model.connectors['proj'].linear.weight.grad is not None
    assert 'connectors.proj.linear.weight' in model.state_dict()


def rendered(**changes):
    return {'connector_inputs': {'rendered': {'logits': 'model.logits', 'rays': 'shared.rays', **changes}}}


def match(**changes):
    row = {'student': 'student.rendered.weights', 'teacher': 'teacher.rendered.weights', **changes}
    return {'loss_inputs': {'loss_match': row}}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (match(extra='data.target'), r"unknown arguments \['extra'\]"),
        ({'loss_inputs': {'loss_match': {'student': 'student.logits'}}}, r"without a source \['teacher'\]"),
        (match(student='pupil.logits'), 'source must be one of'),
        (match(student='student'), 'source must be one of'),
        (match(student='model.logits'), 'source must be one of'),
        (match(targets='shared.beams'), r"names no shared module; there are \['rays'\]"),
        (rendered(logits='data.logits'), 'reads no model'),
        (rendered(logits='model.logits', rays='student.feat'), 'cannot be mixed'),
        (rendered(colour='data.target'), r"unknown arguments \['colour'\]"),
        ({'connector_inputs': {}}, r"only in connectors \['rendered'\]"),
        ({'loss_inputs': {}}, r"only in losses \['loss_match'\]"),
        (rendered(logits='student.logits') | match(), 'runs for the student only'),
        (rendered(logits='model.rendered'), 'must stand before'),
        ({'losses': {'match': {'type': 'ToyMatchLoss'}}, 'loss_inputs': {'match': {}}}, "begin with 'loss_'"),
        ({'shared': {'rays': {'type': 'IdentityConnector'}}}, "shared module 'rays'"),
        (match(student='teacher.rendered.weights', teacher='student.rendered.weights'), 'needs a source of student'),
        (match(teacher='student.rendered.weights'), 'student and teacher both read .* would compare it with itself'),
    ],
)
def test_wrong_wiring_is_refused_when_the_model_is_built(build, changes, message):
    with pytest.raises(ValueError, match=message):
        build(init=False, **changes)


def test_a_row_of_the_wiring_that_is_no_dict_is_named(build):
    with pytest.raises(TypeError, match=r"loss_inputs\.loss_match must be a dict of argument=source, got 'student"):
        build(init=False, loss_inputs={'loss_match': 'student.logits'})


def test_a_loss_needs_something_that_learns():
    check_loss_row('loss_a', {'feat': 'student.feat', 'target': 'data.target'}, ())
    check_loss_row('loss_a', {'feat': 'teacher.adapted', 'target': 'teacher.feat'}, ('adapted',))
    with pytest.raises(
        ValueError, match=r"loss_inputs\.loss_a reads \['data.x', 'teacher.feat'\]: without a source of"
    ):
        check_loss_row('loss_a', {'feat': 'teacher.feat', 'target': 'data.x'}, ('adapted',))


@pytest.mark.parametrize(
    ('value', 'given'), [(torch.ones(4, 3), r'a tensor \(4, 3\)'), (1.0, 'float'), (None, 'NoneType'), ({}, 'dict')]
)
def test_a_distillation_loss_is_one_number(build, batch, toys, monkeypatch, value, given):
    monkeypatch.setattr(toys.ToyMatchLoss, 'forward', lambda self, student, teacher, targets=None: value)
    with pytest.raises(TypeError, match=rf'loss_match \(ToyMatchLoss\) must return a tensor of one number.* {given}$'):
        build()(*batch, mode='loss')


@pytest.mark.parametrize('method', ['extract_outputs', 'loss_by_outputs'])
def test_a_student_whose_step_returns_nothing_is_named(build, batch, toys, monkeypatch, method):
    model = build()
    monkeypatch.setattr(model.student, method, lambda *args: None)
    with pytest.raises(TypeError, match=rf'ToyNet\.{method} must return a dict, .*got NoneType; is there a return'):
        model(*batch, mode='loss')


def test_a_loss_of_the_student_that_would_not_be_added_up_is_refused(build, batch, toys, monkeypatch):
    model = build()
    monkeypatch.setattr(model.student, 'loss_by_outputs', lambda out, samples: {'ce': out['logits'].mean()})
    with pytest.raises(ValueError, match=r"ToyNet\.loss_by_outputs: 'ce' has a gradient.*call it 'loss_ce', or detach"):
        model(*batch, mode='loss')


def test_only_the_student_has_to_fit_the_labels():
    """A teacher of another data set has other classes; a loss of features may learn from it."""
    sample = OccDataSample(metainfo={'token': 'a', 'grid_size': (2, 2, 1), 'num_classes': 18})

    class Model(BaseOccModel):
        def extract_outputs(self, inputs, data_samples=None):
            return {'occ_logits': torch.zeros(1, 2, 2, 1, 10)}

        def loss_by_outputs(self, outputs, data_samples):
            return {}

    assert all_outputs(Model(), {}, [sample], own_labels=False)['occ_logits'].shape[-1] == 10
    with pytest.raises(ValueError, match=r'are \(1, 2, 2, 1, 10\), but .* of this batch is \(1, 2, 2, 1, 18\)'):
        all_outputs(Model(), {}, [sample])


def test_an_output_the_model_does_not_have_is_named_with_those_it_has(build, batch):
    model = build(**rendered(logits='model.logit'))
    with pytest.raises(KeyError, match=r"'model.logit' is not there; model has \['feat', 'logits'\]"):
        model(*batch, mode='loss')


def test_a_loss_name_of_the_student_is_refused(build, batch):
    model = build(
        losses={'loss_toy': {'type': 'ToyMatchLoss'}}, loss_inputs={'loss_toy': match()['loss_inputs']['loss_match']}
    )
    with pytest.raises(ValueError, match='is a loss of the student'):
        model(*batch, mode='loss')


def test_models_without_the_contract_are_refused(build):
    linear = {'type': 'IdentityConnector'}
    with pytest.raises(TypeError, match='extract_outputs'):
        build(init=False, teacher=linear)
    with pytest.raises(TypeError, match='extract_outputs'):
        build(init=False, student=linear, data_preprocessor={'type': 'ToyPreprocessor'})


def test_distiller_is_in_the_registry():
    assert MODELS.get('Distiller') is Distiller


def test_a_distillation_loss_that_is_nan_stops_with_its_name_and_samples(build, batch):
    model = build()
    model.teacher.model.head.weight.fill_(float('nan'))
    with pytest.raises(NonFiniteError, match=r'loss_match = nan \(.*samples t0, t1, t2, t3\)'):
        model(*batch, mode='loss')


def test_what_both_models_derive_for_distillation_can_be_wired(build, batch, monkeypatch, toys):
    """Each model halves its own logits: the rendered difference halves, its square is a quarter."""
    monkeypatch.setattr(toys.ToyNet, 'derive_outputs', lambda self, out: {'half': out['logits'] / 2}, raising=False)
    plain = build()
    wired = plain.connector_inputs['rendered']
    halved = build(connector_inputs={'rendered': {**wired, 'logits': 'model.half'}})
    halved.load_state_dict(plain.state_dict())
    torch.manual_seed(3)
    full = plain(*batch, mode='loss')['loss_match']
    torch.manual_seed(3)
    torch.testing.assert_close(halved(*batch, mode='loss')['loss_match'], full / 4)


def test_an_inherited_module_begins_as_the_teachers_and_learns(build, toys):
    student = {'type': 'ToyNet', 'channels': 6}
    model = build(student=student, inherit=['head'])
    teacher = {name: value.clone() for name, value in model.teacher.model.state_dict().items()}
    weights = model.student.state_dict()
    assert all(torch.equal(weights[name], teacher[name]) for name in weights if name.startswith('head'))
    assert any(not torch.equal(weights[name], teacher[name]) for name in weights if name.startswith('stem'))
    assert all(parameter.requires_grad for parameter in model.student.head.parameters())
    with torch.no_grad():
        model.student.head.weight += 1.0
    assert torch.equal(model.teacher.model.head.weight, teacher['head.weight'])


@pytest.mark.parametrize(
    ('student', 'name', 'message'),
    [
        ({'type': 'ToyNet', 'channels': 6}, 'neck', "the student ToyNet has no module 'neck'"),
        ({'type': 'ToyNet'}, 'head', r'inherit: head\.weight is \(.*\) in the student and \(.*\) in the teacher'),
    ],
)
def test_a_module_that_cannot_be_inherited_is_named_when_the_model_is_built(build, student, name, message):
    with pytest.raises(ValueError, match=message):
        build(student=student, inherit=[name])


def test_a_teacher_trained_on_images_of_another_normalisation_is_refused():
    def preprocessor(**changes):
        return OccDataPreprocessor(**changes)

    teacher = nn.Module()
    check_same_images(preprocessor(), teacher)  # without a preprocessor there is nothing to compare
    teacher.data_preprocessor = preprocessor()
    check_same_images(preprocessor(), teacher)
    with pytest.raises(ValueError, match=r'data_preprocessor\.std is \[128\.0, 128\.0, 128\.0\] in the student'):
        check_same_images(preprocessor(std=[128.0] * 3), teacher)
    with pytest.raises(ValueError, match=r'bgr_to_rgb is \[False\] in the student and \[True\] in the teacher'):
        check_same_images(preprocessor(bgr_to_rgb=False), teacher)
    teacher.reads_images = False
    check_same_images(preprocessor(bgr_to_rgb=False), teacher)
