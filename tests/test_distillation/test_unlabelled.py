"""A weight of their own for frames without labels, for any loss."""

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.structures import BaseDataElement

from projects.distillation import labelled_frames, weigh_unlabelled
from projects.engine import save_checkpoint_atomic


def squares(values, scale=1.0):
    return scale * values.square().mean()


def test_frames_without_labels_count_the_given_number_of_times():
    """Squares 1, 4, 9: labelled mean of 1 and 9 is 5, the other 4; (2 * 5 + 3 * 1 * 4) / 3 = 22 / 3."""
    arguments = {'values': torch.tensor([1.0, 2.0, 3.0])}
    assert weigh_unlabelled(squares, arguments, [True, False, True], 3.0).item() == pytest.approx(22 / 3)
    torch.testing.assert_close(weigh_unlabelled(squares, arguments, [True, False, True], 1.0), squares(**arguments))
    assert weigh_unlabelled(squares, arguments, [True] * 3, 3.0) == squares(**arguments)
    assert weigh_unlabelled(squares, arguments, [False] * 3, 3.0) == 3 * squares(**arguments)


def test_numbers_lists_and_dicts_go_along():
    def loss(values, rows, factor):
        assert len(rows['ids']) == len(values)
        return factor * (values * torch.tensor(rows['ids'])).mean()

    arguments = {'values': torch.tensor([1.0, 2.0]), 'rows': {'ids': [3.0, 4.0]}, 'factor': 2.0}
    assert weigh_unlabelled(loss, arguments, [True, False], 0.5).item() == pytest.approx((6 + 0.5 * 16) / 2)


@pytest.mark.parametrize('wrong', [torch.tensor(1.0), torch.zeros(3), [1]])
def test_what_is_not_given_by_sample_is_refused(wrong):
    with pytest.raises(ValueError, match='values must have one entry for each of the 2 samples'):
        weigh_unlabelled(squares, {'values': wrong}, [True, False], 2.0)


def sample(index, **meta):
    element = BaseDataElement(metainfo={'token': f't{index}', **meta})
    element.target = torch.tensor([float(index)])
    return element


def test_a_frame_has_labels_unless_it_says_otherwise():
    assert labelled_frames([sample(0), sample(1, labelled=False), sample(2, labelled=True)]) == [True, False, True]
    assert labelled_frames(None) == []


@pytest.fixture
def build(toys, tmp_path):
    save_checkpoint_atomic({'meta': {}, 'state_dict': toys.ToyNet(channels=6).state_dict()}, tmp_path / 'teacher.pth')

    def make(**changes):
        model = MODELS.build({**toys.distiller_config(str(tmp_path / 'teacher.pth')), **changes})
        model.init_weights()
        return model.eval()

    return make


def test_the_distiller_weighs_the_named_loss_and_no_other(build):
    inputs, values = {'x': torch.randn(2, 4)}, []
    for weight in (None, {'loss_match': 3.0}):
        torch.manual_seed(1)  # of the student's weights and the rays
        model = build(unlabelled_weights=weight)
        values.append(model(inputs, [sample(i, labelled=False) for i in range(2)], mode='loss'))
    assert values[1]['loss_match'].item() == pytest.approx(3 * values[0]['loss_match'].item(), rel=1e-6)
    assert values[1]['loss_toy'] == values[0]['loss_toy']


def test_an_unknown_loss_is_refused(build):
    with pytest.raises(ValueError, match=r"unlabelled_weights: no losses \['loss_mach'\]; there are"):
        build(unlabelled_weights={'loss_mach': 2.0})
