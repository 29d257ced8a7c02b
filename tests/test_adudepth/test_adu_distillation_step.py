"""The MiniDrive wiring in a real Distiller, from a training step to the extracted student."""

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config

import projects.adudepth
import projects.depth.models
import projects.distillation  # noqa: F401 - the three packages register their models
from projects.depth.structures import DepthDataSample
from projects.engine import load_checkpoint_safe, save_checkpoint_atomic

MODELS_OF = 'configs/_base_/models'
NAMES = {'loss_feat_8', 'loss_feat_16', 'loss_feat_32', 'loss_resp'}


def _part(repo, file, name):
    return Config.fromfile(repo / MODELS_OF / file)[name].to_dict()


@pytest.fixture
def student_config(repo):
    return _part(repo, 'mono-depth_mini.py', 'student')


@pytest.fixture
def build_distiller(repo, tmp_path, student_config):
    def build(**options):
        teacher = _part(repo, 'stereo-depth_mini.py', 'teacher')
        distillation = _part(repo, 'adudepth.py', 'distillation')
        for connector in distillation['connectors'].values():
            connector['channels'] = 64
        for name, changes in options.items():
            distillation['losses'][name].update(changes)
        torch.manual_seed(3)
        save_checkpoint_atomic({'meta': {}, 'state_dict': MODELS.build(teacher).state_dict()}, tmp_path / 'teacher.pth')
        config = {
            'type': 'Distiller',
            'student': student_config,
            'teacher': teacher,
            'teacher_ckpt': str(tmp_path / 'teacher.pth'),
            **distillation,
        }
        torch.manual_seed(0)
        model = MODELS.build(config)
        model.init_weights()
        return model.train()

    return build


def _batch(stereo=True):
    generator = torch.Generator().manual_seed(0)
    inputs = {
        'img': torch.randn(2, 3, 64, 96, generator=generator),
        'valid_mask': torch.ones(2, 64, 96, dtype=torch.bool),
        'cam2img': torch.tensor([[80.0, 0, 48], [0, 80, 32], [0, 0, 1]]).expand(2, 3, 3),
        'baseline': torch.tensor([0.54, 0.54]),
    }
    if stereo:
        inputs['right_img'] = torch.randn(2, 3, 64, 96, generator=generator)
    samples = []
    for i in range(2):
        sample = DepthDataSample(metainfo={'frame_id': str(i)})
        sample.gt_depth = torch.rand(64, 96, generator=generator) * 40 + 2
        samples.append(sample)
    return inputs, samples


def test_a_step_gives_every_loss_and_no_gradient_to_the_teacher(build_distiller):
    model = build_distiller()
    losses = model(*_batch(), mode='loss')
    assert set(losses) == NAMES | {'loss_depth', 'loss_scale'}
    sum(losses.values()).backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []
    assert all(parameter.grad is None for parameter in model.teacher.model.parameters())
    assert not any(parameter.requires_grad for parameter in model.teacher.model.parameters())
    assert not model.teacher.model.training


def test_padding_changes_no_distillation_loss(build_distiller):
    """A right border of padding 32 pixels wide: what the teacher and the student say there does not count."""
    model = build_distiller(loss_resp={'guidance': 'none'}).eval()
    inputs, _ = _batch()
    inputs['valid_mask'] = inputs['valid_mask'].clone()
    inputs['valid_mask'][..., 64:] = False
    student = model.student.extract_outputs(inputs)
    teacher = model.teacher.extract_outputs(inputs)
    loss = model.losses['loss_resp']
    value = loss(student['depth'], teacher['depth'], valid_mask=inputs['valid_mask'])
    spoilt = teacher['depth'].clone()
    spoilt[..., 64:] *= 0.3
    assert loss(student['depth'], spoilt, valid_mask=inputs['valid_mask']) == value


@torch.no_grad()
def test_distilled_checkpoint_holds_no_teacher_and_loads_in_the_plain_student(
    build_distiller, student_config, run_python, tmp_path
):
    model = build_distiller().eval()
    state = model.state_dict()
    assert not [name for name in state if 'teacher' in name or 'fuser' in name]
    save_checkpoint_atomic({'meta': {}, 'state_dict': state}, tmp_path / 'distilled.pth')
    run_python('tools/model_converters/extract_student.py', tmp_path / 'distilled.pth', tmp_path / 'student.pth')
    plain = MODELS.build(student_config).eval()
    plain.load_state_dict(load_checkpoint_safe(tmp_path / 'student.pth')['state_dict'], strict=True)
    inputs, _ = _batch(stereo=False)
    assert torch.equal(plain(inputs)['depth'], model(inputs, None, mode='tensor')['depth'])


def test_missing_right_image_stops_the_training_step(build_distiller):
    with pytest.raises(ValueError, match=r"StereoDepthModel needs inputs \['right_img'\]"):
        build_distiller()(*_batch(stereo=False), mode='loss')


def test_distillation_trains_under_bfloat16(build_distiller):
    model = build_distiller()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(*_batch(), mode='loss')
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    sum(losses.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_the_teacher_reaches_the_student_where_no_pixel_has_a_depth(build_distiller):
    """Frames outside ``label_part``: losses of labels are zero, those of the teacher are as they were."""
    inputs, samples = _batch()
    labelled = build_distiller()(inputs, samples, mode='loss')
    for sample in samples:
        sample.gt_depth = torch.zeros_like(sample.gt_depth)
    model = build_distiller()
    losses = model(inputs, samples, mode='loss')
    assert losses['loss_depth'] == losses['loss_scale'] == 0
    for name in NAMES:
        torch.testing.assert_close(losses[name], labelled[name])
        assert losses[name] != 0
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in model.student.parameters())
    assert model.student.depth_head.depth_conv.weight.grad.abs().sum() > 0
