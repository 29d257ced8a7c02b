"""Groups of classes: which positions are chosen, and losses that count every group alike. By hand."""

import math

import pytest
import torch
from mmdet3d.registry import MODELS

from projects.distillation import ClassGroupSampler, ColumnGroups, GroupedFeatureLoss, grouped_logit_loss


def logits_of(ids, num_classes=3, sure=5.0):
    """Logits whose most likely class is ``ids``."""
    return sure * torch.nn.functional.one_hot(torch.tensor(ids), num_classes).float()


def chosen(result, sample, group):
    return sorted(set(result['index'][sample, group].tolist()))


def test_each_group_gets_as_many_positions_and_an_absent_one_no_weight():
    sampler = ClassGroupSampler([[0], [1], [2]], num_positions=4)
    result = sampler(logits_of([[0, 1, 0, 0, 0, 0]]))
    assert result['index'].shape == (1, 3, 4)
    assert set(chosen(result, 0, 0)) <= {0, 2, 3, 4, 5}
    assert len(chosen(result, 0, 0)) == 4
    assert chosen(result, 0, 1) == [1]
    assert result['weight'].tolist() == [[1.0, 1.0, 0.0]]


def test_a_label_decides_the_group_and_whether_the_teacher_is_right():
    """The teacher says 0 0 1 1; labels 0 1 1 and none. Position 1 is wrong; position 3 has no label."""
    logits, labels = logits_of([[0, 0, 1, 1]]), torch.tensor([[0, 1, 1, 255]], dtype=torch.uint8)
    trusting = ClassGroupSampler([[0], [1]], num_positions=8)(logits, labels)
    assert chosen(trusting, 0, 0) == [0]
    assert chosen(trusting, 0, 1) == [2, 3]
    gullible = ClassGroupSampler([[0], [1]], num_positions=8, trust_labels=False)(logits, labels)
    assert chosen(gullible, 0, 1) == [1, 2, 3]


def test_without_a_label_the_teacher_must_be_sure():
    """Logits 5 and 1 above two zeros: probabilities 0.987 and 0.576."""
    logits = torch.tensor([[[5.0, 0, 0], [1.0, 0, 0]]])
    assert chosen(ClassGroupSampler([[0]], 4, min_confidence=0.9)(logits), 0, 0) == [0]
    assert chosen(ClassGroupSampler([[0]], 4, min_confidence=0.5)(logits), 0, 0) == [0, 1]


def test_a_confidence_that_is_no_probability_is_refused():
    with pytest.raises(ValueError, match='min_confidence must be from 0 to 1, got 90'):
        ClassGroupSampler([[0]], min_confidence=90)


def test_masked_positions_are_never_chosen():
    """All say class 0; of the six the mask leaves 1 and 4, the label of 4 disagrees."""
    logits, mask = logits_of([[0] * 6]), torch.tensor([[0, 1, 0, 0, 1, 0]]).bool()
    labels = torch.tensor([[255, 255, 255, 255, 1, 255]])
    assert chosen(ClassGroupSampler([[0]], 8)(logits, mask=mask), 0, 0) == [1, 4]
    assert chosen(ClassGroupSampler([[0]], 8)(logits, labels, mask), 0, 0) == [1]


def test_positions_move_from_call_to_call_and_a_restored_sampler_goes_on():
    logits = logits_of([[0] * 1000])
    sampler, restored = ClassGroupSampler([[0]], 10), ClassGroupSampler([[0]], 10)
    first = sampler(logits)['index']
    restored.load_state_dict(sampler.state_dict())
    second = sampler(logits)['index']
    assert not torch.equal(first, second)
    assert torch.equal(restored(logits)['index'], second)
    steps = second[0, 0].diff()
    assert steps.min() == steps.max() == 100


def test_positions_are_read_off_the_list_of_the_members_of_each_group():
    """Which the sampler does without: member floor((i + shift) / M * count), and 0 of an empty group."""
    sampler = ClassGroupSampler([[0], [3], [1, 2]], num_positions=50, min_confidence=0.4)
    logits = torch.randn(2, 7, 11, 5)
    logits[1, ..., 3] = -9.0
    result = sampler(logits)
    confidence, ids = logits.softmax(-1).flatten(1, 2).max(-1)
    shift = 0.6180339887498949
    for sample in range(2):
        for group, classes in enumerate([[0], [3], [1, 2]]):
            members = [
                place for place in range(77) if ids[sample, place] in classes and confidence[sample, place] >= 0.4
            ]
            count = len(members)
            expected = [members[min(int((i + shift) / 50 * count), count - 1)] if members else 0 for i in range(50)]
            assert result['index'][sample, group].tolist() == expected
            assert result['weight'][sample, group] == bool(members)
    assert result['weight'][1].tolist() == [1.0, 0.0, 1.0]


def test_a_column_belongs_to_the_first_group_it_holds_at_the_size_of_the_feature():
    """2 x 4 columns of 2 voxels, classes foreground 0, background 1, empty 2; cells of 2 x 2 columns."""
    ids = torch.full((1, 2, 4, 2), 2)
    ids[0, 0, 0] = torch.tensor([1, 1])  # x = 0, y = 0
    ids[0, 1, 1] = torch.tensor([1, 0])  # x = 1, y = 1: foreground wins the cell
    fine = ColumnGroups([[0], [1], [2]])(logits_of(ids.tolist()))
    coarse = ColumnGroups([[0], [1], [2]], stride=2)(logits_of(ids.tolist()))
    assert fine.shape == (1, 3, 4, 2)
    assert fine[0, 0].nonzero().tolist() == [[1, 1]]
    assert fine[0, 1].nonzero().tolist() == [[0, 0]]
    assert fine.sum(1).unique().tolist() == [1]
    assert coarse[0, :, :, 0].tolist() == [[True, False], [False, False], [False, True]]


def test_groups_of_other_sizes_count_alike():
    """Group 0: KL of (1/2, 1/2) from (3/4, 1/4), twice; group 1: none; group 2 has no weight."""
    teacher = torch.tensor([[[0.5, 0.5], [0.5, 0.5], [0.25, 0.75], [0.9, 0.1]]]).log()
    student = torch.tensor([[[0.75, 0.25], [0.75, 0.25], [0.25, 0.75], [0.1, 0.9]]]).log()
    index, weight = torch.tensor([[[0, 1], [2, 2], [3, 3]]]), torch.tensor([[1.0, 1.0, 0.0]])
    kl = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    reverse = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert grouped_logit_loss(student, teacher, index, weight).item() == pytest.approx(kl / 2, rel=1e-5)
    assert grouped_logit_loss(student, teacher, index, weight, 'reverse_kl').item() == pytest.approx(
        reverse / 2, rel=1e-5
    )
    assert grouped_logit_loss(student, teacher, index, 0 * weight).item() == 0.0


def test_cosine_of_logits_ignores_their_size():
    """Cosines of (1, 0) with (2, 0) and of (1, 0) with (1, 1): 1 and 1 / sqrt(2)."""
    student, teacher = torch.tensor([[[1.0, 0], [1.0, 0]]]), torch.tensor([[[2.0, 0], [1.0, 1.0]]])
    loss = grouped_logit_loss(student, teacher, torch.tensor([[[0], [1]]]), torch.ones(1, 2), 'cosine')
    assert loss.item() == pytest.approx((1 - 2**-0.5) / 2, rel=1e-5)


def test_standardised_cosine_is_one_minus_the_correlation():
    student, teacher = torch.randn(1, 1, 6), torch.randn(1, 1, 6)
    expected = 1 - torch.corrcoef(torch.cat([student[0], teacher[0]]))[0, 1]
    index, weight = torch.zeros(1, 1, 1, dtype=torch.long), torch.ones(1, 1)
    loss = grouped_logit_loss(student, teacher, index, weight, 'cosine', standardised=True)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    scaled = grouped_logit_loss(5 * teacher + 1, teacher, index, weight, 'kl', standardised=True)
    assert scaled.item() == pytest.approx(0.0, abs=1e-6)


def test_gradient_reaches_the_chosen_positions_of_the_student_alone():
    student, teacher = torch.randn(1, 5, 3, requires_grad=True), torch.randn(1, 5, 3, requires_grad=True)
    loss = MODELS.build({'type': 'GroupedLogitLoss', 'tau': 2.0, 'loss_weight': 3.0})
    value = loss(student, teacher, torch.tensor([[[1, 4]]]), torch.ones(1, 1))
    value.backward()
    torch.testing.assert_close(
        value, 3 * grouped_logit_loss(student, teacher, torch.tensor([[[1, 4]]]), torch.ones(1, 1), tau=2.0)
    )
    assert student.grad.abs().sum(-1).nonzero()[:, 1].tolist() == [1, 4]
    assert teacher.grad is None


def test_features_are_averaged_within_each_group_of_cells():
    """Squared differences 4 in one cell and 1 in three: 4 + 1, not their mean over the cells."""
    student = torch.tensor([[[[2.0, 1.0], [1.0, 1.0]]]])
    masks = torch.tensor([[[[True, False], [False, False]], [[False, True], [True, True]]]])
    assert GroupedFeatureLoss(loss_weight=0.5)(student, torch.zeros_like(student), masks).item() == 2.5


@pytest.mark.parametrize('groups', [[], [[]], [[0], [0, 1]], [[-1]]])
def test_wrong_groups_are_refused(groups):
    with pytest.raises(ValueError, match='groups must be lists of class ids'):
        ClassGroupSampler(groups)


@pytest.mark.parametrize('wrong', [{'kind': 'mse'}, {'tau': 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MODELS.get('GroupedLogitLoss')(**wrong)
