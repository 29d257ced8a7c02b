import pytest
import torch

from projects.occupancy.models import BEVDetOccHead, FlashOccHead


def test_bev_rows_become_the_second_axis_of_the_logits():
    head = FlashOccHead(3, mid_channels=4, num_heights=5, num_classes=7)
    bev = torch.zeros(2, 3, 6, 9)  # 6 cells along y, 9 along x
    quiet = head(bev)
    bev[1, :, 1, 7] = 100.0  # y = 1, x = 7
    changed = (head(bev) - quiet).abs().flatten(3).sum(-1) > 1e-4
    assert quiet.shape == (2, 9, 6, 5, 7)
    _, x, y = changed.nonzero().unbind(1)
    assert not changed[0].any()
    assert {x.min().item(), x.max().item()} == {6, 8}  # a 3x3 convolution around the cell
    assert {y.min().item(), y.max().item()} == {0, 2}


def test_height_and_class_share_the_channels_with_the_class_last():
    head = FlashOccHead(2, mid_channels=4, num_heights=3, num_classes=5)
    torch.nn.init.zeros_(head.classify.weight)
    head.classify.bias.data = torch.arange(15.0)
    logits = head(torch.randn(1, 2, 4, 4))
    assert torch.equal(logits[0, 2, 1], torch.arange(15.0).view(3, 5))


def test_upsampled_cell_covers_its_two_by_two_block():
    head = FlashOccHead(2, mid_channels=4, hidden_channels=3, num_heights=2, upsample=2)
    torch.nn.init.zeros_(head.conv.conv.weight)
    head.conv.conv.weight.data[:, :, 1, 1] = 1.0
    bev = torch.zeros(1, 2, 5, 6)
    quiet = head(bev)
    bev[0, :, 1, 4] = 10.0
    changed = (head(bev) - quiet).abs().flatten(3).sum(-1)[0] > 1e-5
    assert quiet.shape == (1, 12, 10, 2, 18)
    assert changed.nonzero().tolist() == [[8, 2], [8, 3], [9, 2], [9, 3]]  # (x, y)


def test_voxel_head_keeps_the_axes():
    head = BEVDetOccHead(2, mid_channels=3)
    assert head(torch.randn(1, 2, 5, 6, 4)).shape == (1, 5, 6, 4, 18)


def test_upsampled_voxel_covers_its_block():
    head = BEVDetOccHead(2, mid_channels=3, upsample=2)
    torch.nn.init.zeros_(head.conv.conv.weight)
    head.conv.conv.weight.data[:, :, 1, 1, 1] = 1.0
    voxels = torch.zeros(1, 2, 3, 4, 5)
    quiet = head(voxels)
    voxels[0, :, 1, 2, 3] = 10.0
    changed = ((head(voxels) - quiet).abs().sum(-1)[0] > 1e-5).nonzero()
    assert quiet.shape == (1, 6, 8, 10, 18)
    assert changed.amin(0).tolist() == [2, 4, 6]
    assert changed.amax(0).tolist() == [3, 5, 7]
    assert len(changed) == 8


def test_prediction_is_the_most_likely_class_as_uint8():
    logits = torch.tensor([0.0, 3.0, 1.0]).expand(1, 2, 2, 2, 3)
    pred = FlashOccHead.predict(logits)
    assert pred.dtype == torch.uint8
    assert (pred == 1).all()


@pytest.mark.parametrize('mask', ['camera', 'lidar', None])
def test_losses_see_the_voxels_of_the_chosen_mask(mask, make_batch):
    samples = make_batch(grid=(6, 6, 4))['data_samples']
    head = FlashOccHead(2, mid_channels=4, num_heights=4, mask=mask)
    logits = torch.randn(2, 6, 6, 4, 18, requires_grad=True)
    losses = head.loss(logits, samples)
    losses['loss_occ'].backward()
    seen = logits.grad.abs().sum(-1) > 0
    expected = torch.stack([s.mask_camera for s in samples]) if mask == 'camera' else torch.ones_like(seen)
    assert set(losses) == {'loss_occ'}
    assert torch.equal(seen, expected)


def test_unknown_mask_is_refused():
    with pytest.raises(ValueError, match='mask must be one of'):
        FlashOccHead(2, mask='radar')


def test_sample_without_label_is_named(make_batch):
    samples = make_batch(grid=(6, 6, 4))['data_samples']
    del samples[1].gt_occ
    with pytest.raises(ValueError, match="'gt_occ', which sample token-1 lacks"):
        FlashOccHead(2, mid_channels=4, num_heights=4).loss(torch.zeros(2, 6, 6, 4, 18), samples)


def test_calibrated_logits_are_probabilities_whatever_the_class_weights():
    """60, 30 and 10 of 100 voxels, weights 2, 1 and 1/4: the weighted loss has its minimum at log(weight * count)."""
    counts, weights = torch.tensor([60.0, 30.0, 10.0]), torch.tensor([2.0, 1.0, 0.25])
    head = BEVDetOccHead(
        4, num_classes=3, loss_occ={'type': 'MaskedCrossEntropyLoss', 'class_weight': weights.tolist()}
    )
    logits = (weights * counts).log().requires_grad_()
    ids = torch.repeat_interleave(torch.arange(3), counts.long())
    head.loss_occ(logits.expand(100, 3), ids).backward()
    torch.testing.assert_close(logits.grad, torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(head.calibrate(logits).softmax(-1), torch.tensor([0.6, 0.3, 0.1]))


def test_class_weights_of_another_number_of_classes_are_refused():
    loss = {'type': 'MaskedCrossEntropyLoss', 'class_weight': [1.0] * 18}
    with pytest.raises(ValueError, match='class_weight of loss_occ has 18 values, but num_classes of the head is 10'):
        BEVDetOccHead(4, num_classes=10, loss_occ=loss)


def test_logits_without_class_weights_are_calibrated_as_they_are():
    logits = torch.randn(2, 3)
    assert BEVDetOccHead(4).calibrate(logits) is logits


def test_a_class_of_weight_zero_cannot_be_calibrated():
    head = BEVDetOccHead(4, num_classes=2, loss_occ={'type': 'MaskedCrossEntropyLoss', 'class_weight': [1.0, 0.0]})
    with pytest.raises(ValueError, match='a class_weight of loss_occ is 0'):
        head.calibrate(torch.randn(5, 2))
