import math

import pytest
import torch

from projects.occupancy.models.losses import (
    LiDARDepthLoss,
    MaskedCrossEntropyLoss,
    OccLovaszLoss,
    depth_bin_targets,
    lidar_depth_loss,
    lovasz_growth,
    lovasz_softmax_loss,
    masked_cross_entropy_loss,
    select_voxels,
)
from projects.occupancy.models.losses.depth_loss import _loss_of_all_cells, _loss_of_known_cells
from projects.occupancy.models.losses.lovasz_softmax import lovasz_of_classes, lovasz_of_present_classes


def logits_of(*probs):
    return torch.tensor(probs).log()


# -- cross-entropy ----------------------------------------------------------------------------------------------------


def test_cross_entropy_is_the_sum_over_masked_voxels_by_their_number():
    logits = logits_of([0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6])
    target = torch.tensor([0, 1, 0], dtype=torch.uint8)
    mask = torch.tensor([True, True, False])
    expected = -(math.log(0.5) + math.log(0.8)) / 2
    assert masked_cross_entropy_loss(logits, target, mask).item() == pytest.approx(expected)


def test_voxels_of_255_do_not_count():
    logits = logits_of([0.5, 0.5], [0.9, 0.1])
    target = torch.tensor([0, 255], dtype=torch.uint8)
    assert masked_cross_entropy_loss(logits, target).item() == pytest.approx(math.log(2))


def test_class_weights_scale_the_terms_but_not_the_number_of_voxels():
    logits = logits_of([0.5, 0.5], [0.5, 0.5])
    loss = MaskedCrossEntropyLoss(class_weight=[1.0, 3.0], loss_weight=2.0)
    assert loss(logits, torch.tensor([0, 1])).item() == pytest.approx(2 * (1 + 3) / 2 * math.log(2))


def test_selecting_every_voxel_copies_nothing():
    logits, target = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    chosen, ids = select_voxels(logits, target)
    assert (chosen.data_ptr(), ids.data_ptr()) == (logits.data_ptr(), target.data_ptr())
    chosen, ids = select_voxels(logits, torch.tensor([0, 255, 1, 1]))
    assert chosen.equal(logits[[0, 2, 3]])
    assert ids.tolist() == [0, 1, 1]


@pytest.mark.parametrize('function', [masked_cross_entropy_loss, lovasz_softmax_loss])
def test_empty_mask_gives_zero_with_a_zero_gradient(function):
    logits = torch.randn(2, 3, 4, requires_grad=True)
    loss = function(logits, torch.zeros(2, 3, dtype=torch.uint8), torch.zeros(2, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.abs().sum() == 0


@pytest.mark.parametrize('function', [masked_cross_entropy_loss, lovasz_softmax_loss])
def test_masked_voxels_get_no_gradient(function):
    logits = torch.randn(6, 4, requires_grad=True)
    mask = torch.tensor([1, 1, 1, 0, 0, 1], dtype=torch.bool)
    function(logits, torch.tensor([0, 1, 2, 3, 0, 1]), mask).backward()
    assert (logits.grad.abs().sum(1) > 0).tolist() == mask.tolist()


@pytest.mark.parametrize('function', [masked_cross_entropy_loss, lovasz_softmax_loss])
def test_voxel_losses_pass_gradcheck(function):
    logits = torch.randn(7, 4, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 1, 2, 2, 1, 255, 0])
    assert torch.autograd.gradcheck(lambda x: function(x, target), logits)


@pytest.mark.parametrize('function', [masked_cross_entropy_loss, lovasz_softmax_loss])
def test_voxel_losses_are_float32_under_autocast(function):
    with torch.autocast('cpu', torch.bfloat16):
        loss = function(torch.randn(5, 3).bfloat16(), torch.tensor([0, 1, 2, 0, 1]))
    assert loss.dtype == torch.float32


def test_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match='mask like target'):
        masked_cross_entropy_loss(torch.zeros(2, 3), torch.zeros(2), torch.ones(3, dtype=torch.bool))


# -- Lovasz -----------------------------------------------------------------------------------------------------------


def test_lovasz_of_the_hand_worked_case():
    # Voxels of classes 0, 0, 1 with P(class 0) = 0.8, 0.4, 0.3.
    # Class 0: errors .2, .6, .3, sorted .6 (fg), .3 (bg), .2 (fg). Jaccard loss of the first 1, 2, 3 voxels:
    # 1 - 1/2, 1 - 1/3, 1 - 0/3 = 1/2, 2/3, 1; steps 1/2, 1/6, 1/3. Sum .6/2 + .3/6 + .2/3 = 0.41667.
    # Class 1: errors .2 (bg), .6 (bg), .3 (fg), sorted .6 (bg), .3 (fg), .2 (bg). Jaccard loss 1 - 1/2, 1, 1;
    # steps 1/2, 1/2, 0. Sum .3 + .15 = 0.45.
    logits = logits_of([0.8, 0.2, 1e-30], [0.4, 0.6, 1e-30], [0.3, 0.7, 1e-30])
    loss = lovasz_softmax_loss(logits, torch.tensor([0, 0, 1]))
    assert loss.item() == pytest.approx((5 / 12 + 0.45) / 2, abs=1e-6)


def test_lovasz_of_hard_predictions_is_one_minus_mean_iou_of_present_classes():
    target, pred = torch.tensor([0, 0, 0, 1, 1, 3]), torch.tensor([0, 0, 1, 1, 3, 3])
    logits = 200.0 * torch.nn.functional.one_hot(pred, 5)
    iou = [2 / 3, 1 / 3, 1 / 2]
    assert lovasz_softmax_loss(logits, target).item() == pytest.approx(1 - sum(iou) / 3, abs=1e-6)


def test_lovasz_is_zero_for_perfect_predictions():
    target = torch.randint(0, 4, (50,))
    assert lovasz_softmax_loss(200.0 * torch.nn.functional.one_hot(target, 4), target).item() == 0


@pytest.mark.parametrize('numba', ['0', '1'])
def test_sorts_of_single_precision_agree_with_the_float_sort_of_double(numba, monkeypatch):
    monkeypatch.setenv('GEODISTILL_NUMBA', numba)
    logits, target = torch.randn(5000, 6), torch.randint(0, 6, (5000,))
    double, single = logits.double().requires_grad_(), logits.clone().requires_grad_()
    expected, loss = lovasz_softmax_loss(double, target), lovasz_softmax_loss(single, target)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    expected.backward()
    loss.backward()
    torch.testing.assert_close(single.grad, double.grad.float(), rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize('numba', ['0', '1'])
def test_growth_by_hand_with_ties_in_the_order_of_the_voxels(numba, monkeypatch):
    """Class 1 of voxels 0 1 1 0 with errors .5 .9 .5 .1: missed of union after each voxel 1/2, 1/3, 0/3, 0/4.

    By falling error: voxel 1 (fg), then 0 (bg) before 2 (fg) of the same error, then 3. Losses 1/2, 2/3, 1, 1.
    """
    monkeypatch.setenv('GEODISTILL_NUMBA', numba)
    errors = torch.tensor([[7.0, 7, 7, 7], [0.5, 0.9, 0.5, 0.1]])
    growth = lovasz_growth(errors, torch.tensor([0, 1, 1, 0]), [1])
    assert growth[0].tolist() == [0, 0, 0, 0]
    assert growth[1].tolist() == pytest.approx([1 / 6, 1 / 2, 1 / 3, 0])


def test_the_counting_sort_orders_all_bits_of_an_error():
    """Errors that differ in their lowest, middle and highest bits, against Python's stable sort."""
    bits = torch.randint(0, 2**31 - 2**24, (3000,), dtype=torch.int32)
    bits[::3] = bits[0] ^ torch.randint(0, 2048, (1000,), dtype=torch.int32)
    errors, ids = bits.view(torch.float32), torch.randint(0, 2, (3000,))
    order = sorted(range(3000), key=lambda i: -errors[i].item())
    missed, others, last, expected = int(ids.sum()), 0, 0.0, [0.0] * 3000
    total = missed
    for place in order:
        missed, others = (missed - 1, others) if ids[place] else (missed, others + 1)
        expected[place], last = 1 - missed / (total + others) - last, 1 - missed / (total + others)
    assert lovasz_growth(errors[None].expand(2, -1).contiguous(), ids, [1])[1].tolist() == pytest.approx(expected)


def test_all_classes_sorted_at_once_give_the_loss_and_the_gradient_of_one_class_after_the_other():
    logits, ids = torch.randn(400, 6, dtype=torch.float64), torch.randint(0, 4, (400,))  # two classes are absent
    logits[100:150] = logits[0]  # ties
    one, all_ = (logits.clone().requires_grad_() for _ in range(2))
    expected, loss = lovasz_of_classes(one, ids, range(4)), lovasz_of_present_classes(all_, ids)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    expected.backward()
    loss.backward()
    torch.testing.assert_close(all_.grad, one.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize('module', [MaskedCrossEntropyLoss([1.0, 2.0, 3.0], 0.7), OccLovaszLoss(0.7)])
def test_a_loss_of_selected_voxels_is_the_loss_that_selects_them(module):
    logits, target = torch.randn(2, 9, 3), torch.randint(0, 3, (2, 9)).to(torch.uint8)
    mask = torch.rand(2, 9) < 0.6
    assert module.of_selected(*select_voxels(logits, target, mask)).equal(module(logits, target, mask))


def test_lovasz_module_scales_the_function():
    logits, target = torch.randn(9, 3), torch.randint(0, 3, (9,))
    torch.testing.assert_close(OccLovaszLoss(0.5)(logits, target), 0.5 * lovasz_softmax_loss(logits, target))


# -- depth ------------------------------------------------------------------------------------------------------------


def test_depth_bin_is_that_of_the_nearest_return_in_the_cell():
    depth = torch.zeros(1, 4, 8)
    depth[0, 0, 0], depth[0, 3, 3] = 9.0, 3.2  # first cell: 3.2 m is nearer
    depth[0, 1, 6] = 60.0  # second cell: beyond the bins
    bins = depth_bin_targets(depth, (1.0, 45.0, 0.5), 4)
    assert bins.tolist() == [[[4, -1]]]  # [3.0, 3.5) is bin 4


def test_depth_bins_cover_start_to_end():
    depth = torch.tensor([0.99, 1.0, 1.49, 1.5, 44.99, 45.0]).view(1, 1, 6)
    assert depth_bin_targets(depth, (1.0, 45.0, 0.5), 1).tolist() == [[[-1, 0, 0, 1, 87, -1]]]


def test_depth_loss_is_binary_cross_entropy_summed_over_bins():
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, :, 0, 0] = torch.tensor([0.75, 0.25]).log()
    bins = torch.tensor([[[0, -1]]])
    assert lidar_depth_loss(logits, bins).item() == pytest.approx(-2 * math.log(0.75))


def test_depth_loss_without_returns_is_zero_with_a_zero_gradient():
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = LiDARDepthLoss()(logits, torch.zeros(1, 1, 4, 4), (1.0, 4.0, 1.0), 2)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.abs().sum() == 0


def test_depth_loss_of_all_cells_is_that_of_the_cells_with_a_return():
    bins = torch.where(torch.rand(2, 5, 6) < 0.3, torch.randint(0, 7, (2, 5, 6)), -1)
    for case in (bins, torch.full_like(bins, -1)):
        some, every = (torch.randn(2, 7, 5, 6, dtype=torch.float64).requires_grad_() for _ in range(2))
        every.data.copy_(some.data)
        losses = _loss_of_known_cells(some, case, torch.float64), _loss_of_all_cells(every, case, torch.float64)
        torch.testing.assert_close(*losses)
        sum(losses).backward()
        torch.testing.assert_close(every.grad, some.grad)


def test_depth_loss_passes_gradcheck():
    logits = torch.randn(2, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    bins = torch.tensor([[[0, -1], [3, 2]], [[1, 1], [-1, -1]]])
    assert torch.autograd.gradcheck(lambda x: lidar_depth_loss(x, bins), logits)


def test_depth_map_that_does_not_divide_into_cells_is_refused():
    with pytest.raises(ValueError, match='30 x 64 does not divide into cells of 16'):
        depth_bin_targets(torch.zeros(1, 30, 64), (1.0, 45.0, 0.5), 16)


def test_depth_map_of_another_size_is_refused():
    with pytest.raises(ValueError, match='size of the network input'):
        lidar_depth_loss(torch.zeros(2, 4, 3, 3), torch.zeros(2, 2, 2, dtype=torch.long))
