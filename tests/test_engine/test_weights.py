"""Starting weights: one rule for load_from, student_ckpt, teacher_ckpt and testing, and no silent random part."""

import pytest
import torch
from mmengine.config import Config
from torch import nn

from projects.engine import CheckpointError, SafeRunner, check_config_keys, check_state_dict, load_model_weights

OPTION = 'load_from_allow_missing'


class Detector(nn.Module):
    """Parts of a camera model: 2 + 4 + 2 + 2 weights and buffers."""

    def __init__(self, depth_bins=3):
        super().__init__()
        self.img_backbone = nn.Linear(2, 2)
        self.img_neck = nn.ModuleDict({'lateral': nn.Linear(2, 2), 'output_conv': nn.Linear(2, 2)})
        self.view_transform = nn.Linear(2, depth_bins)
        self.occ_head = nn.Linear(3, 4)


def weights(without=(), **renamed):
    """Weights of another detector of equal shapes; parts left out or under other names."""
    state = {}
    for name, value in Detector().state_dict().items():
        part = name.split('.')[0]
        if part not in without:
            state[name.replace(part, renamed.get(part, part), 1)] = value + 1
    return state


def refusal(state, **kwargs):
    with pytest.raises(CheckpointError) as error:
        check_state_dict(Detector(), state, 'x.pth', **kwargs)
    return str(error.value).splitlines()


def test_weights_that_would_stay_random_are_refused_by_part_in_both_directions():
    state = weights(without=['occ_head'], view_transform='img_view_transformer')
    state['img_neck.fpn_convs.0.weight'] = state.pop('img_neck.output_conv.weight')
    lines = refusal(state, option=OPTION)
    assert lines == [
        'x.pth does not fit Detector: 5 of 10 weights of the model are in it.',
        '  missing in the file (5): img_neck 1 of 4, view_transform 2 of 2, occ_head 2 of 2 '
        '(for instance img_neck.output_conv.weight, view_transform.weight, view_transform.bias)',
        '  not in the model (3): img_view_transformer 2, img_neck 1 '
        '(for instance img_view_transformer.weight, img_view_transformer.bias, img_neck.fpn_convs.0.weight)',
        '  These parts would keep their initial values. If you mean that, name them, but first see whether the file '
        f"has them under other names: {OPTION}=['img_neck.output_conv.weight', 'view_transform', 'occ_head']",
        '  x.pth is of another model: use the config it was trained with, or a checkpoint of this config.',
    ]
    # Testing, resuming and teachers have no such option.
    assert [line for line in refusal(state) if OPTION in line or 'initial values' in line] == []


def test_a_named_part_may_be_missing_and_nothing_else():
    state = weights(without=['occ_head'])
    note = check_state_dict(Detector(), state, 'x.pth', ['occ_head'], OPTION)
    assert note == f'weights of x.pth: these keep their initial values ({OPTION}): occ_head 2 of 2'
    assert check_state_dict(Detector(), state, 'x.pth', 'occ_head', OPTION) == note
    state = weights(without=['occ_head', 'view_transform'])
    assert (
        '  missing in the file (4): view_transform 2 of 2, occ_head 2 of 2'
        in refusal(state, allow_missing=['occ_head'], option=OPTION)[1]
    )
    # The examples begin with what may not be missing.
    first = weights(without=['img_backbone', 'occ_head'])
    assert (
        '(for instance occ_head.weight, occ_head.bias, img_backbone.weight)'
        in refusal(first, allow_missing=['img_backbone'], option=OPTION)[1]
    )
    # Names are parts, not beginnings of words; a name that is no part at all is a slip.
    lines = refusal(state, allow_missing=['occ_head', 'view'], option=OPTION)
    assert lines == [
        f"{OPTION} names 'view', which is no part of the model; its parts are "
        "['img_backbone', 'img_neck', 'view_transform', 'occ_head']"
    ]


def test_unused_weights_of_a_file_that_fills_the_model_are_only_reported():
    state = {**weights(), 'pts_bbox_head.a.weight': torch.zeros(1), 'pts_bbox_head.b.weight': torch.zeros(1)}
    assert check_state_dict(Detector(), state, 'x.pth') == 'weights of x.pth: these are not used: pts_bbox_head 2'
    assert check_state_dict(Detector(), weights(), 'x.pth') == ''


def test_another_shape_is_an_error_with_both_shapes_even_in_a_named_part():
    with pytest.raises(CheckpointError, match='does not fit') as error:
        check_state_dict(Detector(depth_bins=5), weights(), 'x.pth', ['view_transform'], OPTION)
    lines = str(error.value).splitlines()
    assert lines[1] == (
        '  of another shape (2): view_transform.weight (3, 2) in the file, (5, 2) in the model; '
        'view_transform.bias (3,) in the file, (5,) in the model'
    )
    assert OPTION not in str(error.value)


def test_a_file_that_fills_nothing_is_refused_whatever_is_named():
    parts = ['img_backbone', 'img_neck', 'view_transform', 'occ_head']
    lines = refusal({'a': torch.zeros(2)}, allow_missing=parts, option=OPTION)
    assert lines[0] == 'x.pth does not fit Detector: 0 of 10 weights of the model are in it.'


def test_a_wrapper_around_everything_is_no_part():
    model = nn.ModuleDict({'student': Detector()})
    state = {f'student.{name}': value for name, value in weights(without=['occ_head']).items()}
    with pytest.raises(CheckpointError, match=r'missing in the file \(2\): student\.occ_head 2 of 2'):
        check_state_dict(model, state, 'x.pth')


def test_advice_for_checkpoints_of_distillations_and_of_students():
    distilled = {f'student.{name}': value for name, value in weights().items()}
    assert 'run tools/model_converters/extract_student.py on it first' in refusal(distilled)[-1]
    with pytest.raises(CheckpointError, match=r'plain model and this model distils: set model\.student_ckpt to it'):
        check_state_dict(nn.ModuleDict({'student': Detector()}), weights(), 'x.pth')


def test_names_of_data_parallel_training_are_understood(tmp_path):
    state = {f'module.{name}': value for name, value in weights().items()}
    torch.save({'state_dict': state, 'meta': {}}, tmp_path / 'x.pth')
    model = Detector()
    load_model_weights(model, tmp_path / 'x.pth')
    assert all(torch.equal(value, state[f'module.{name}']) for name, value in model.state_dict().items())


def save_part(toys, path, part='stem'):
    """A checkpoint of one part of the toy model."""
    state = {name: value for name, value in toys.ToyNet().state_dict().items() if name.startswith(part)}
    torch.save({'state_dict': state, 'meta': {}}, path)
    return state


def test_training_starts_from_a_part_only_when_the_rest_is_named(toys, tmp_path):
    state = save_part(toys, tmp_path / 'part.pth')

    def runner(name, **extra):
        cfg = toys.toy_config(tmp_path / name, epochs=1, load_from=str(tmp_path / 'part.pth'), **extra)
        cfg['optim_wrapper']['optimizer']['lr'] = 0.0
        return SafeRunner.from_cfg(Config(cfg))

    with pytest.raises(CheckpointError, match=rf"{OPTION}=\['head'\]"):
        runner('refused').train()
    allowed = runner('allowed', **{OPTION: ['head']})
    allowed.train()
    assert torch.equal(allowed.model.stem[0].weight, state['stem.0.weight'])
    # A model that is tested is whole, whatever its training started from.
    with pytest.raises(CheckpointError, match=r'missing in the file \(2\): head 2 of 2'):
        runner('tested', **{OPTION: ['head']}).test()


def test_the_option_is_a_known_key_and_needs_load_from(toys, tmp_path):
    cfg = Config(toys.toy_config(tmp_path, **{OPTION: ['head']}))
    check_config_keys(cfg)
    with pytest.raises(ValueError, match=f'{OPTION} is set, but there is no load_from'):
        SafeRunner.from_cfg(cfg).train()
