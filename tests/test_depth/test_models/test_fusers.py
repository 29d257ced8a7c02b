import pytest
import torch
from torch.nn import functional as F

from projects.depth.models.fusers import (
    ConcatStereoFuser,
    CorrelationStereoFuser,
    EpipolarStereoFuser,
    correlation_volume,
    local_soft_argmax,
)
from projects.depth.models.fusers.epipolar import RowAttention

CHANNELS = [8, 16, 32, 64]


def test_correlation_equals_a_loop_over_pixels():
    left, right = torch.randn(2, 5, 3, 7), torch.randn(2, 5, 3, 7)
    volume = correlation_volume(left, right, 4)
    expected = torch.zeros(2, 4, 3, 7)
    for d in range(4):
        for x in range(d, 7):
            expected[:, d, :, x] = F.cosine_similarity(left[..., x], right[..., x - d], dim=1)
    assert torch.allclose(volume, expected, atol=1e-6)


def test_shifted_image_has_its_peak_at_the_shift():
    left = torch.randn(1, 16, 4, 20)
    right = left.roll(-3, dims=3)
    volume = correlation_volume(left, right, 6)
    assert (volume[0, :, :, 6:].argmax(0) == 3).all()


def test_local_soft_argmax_ignores_a_far_peak():
    """Around 1: (0.2 * 0 + 0.4 * 1) / 0.6; the peak of 0.35 at 9 would pull the plain mean to 3.95."""
    probability = torch.zeros(1, 11, 1, 1)
    probability[0, [0, 1, 9, 10], 0, 0] = torch.tensor([0.2, 0.4, 0.35, 0.05])
    assert local_soft_argmax(probability).item() == pytest.approx(2 / 3)


def _levels(batch=2, height=64, width=96):
    return [torch.randn(batch, c, height // s, width // s) for c, s in zip(CHANNELS, (4, 8, 16, 32))]


@pytest.mark.parametrize('name', ['concat', 'epipolar', 'correlation'])
def test_fusions_keep_shapes_and_see_the_right_image(build, fuser_configs, stereo_inputs, name):
    fusion = build(fuser_configs[name])
    left, right = _levels(), [level.requires_grad_() for level in _levels()]
    levels, _ = fusion(left, right, stereo_inputs)
    assert [tuple(level.shape) for level in levels] == [tuple(level.shape) for level in left]
    sum(level.square().mean() for level in levels).backward()
    assert sum(level.grad.abs().sum() > 0 for level in right if level.grad is not None) > 0


def test_prior_depth_is_focal_times_baseline_over_disparity(build, fuser_configs, stereo_inputs):
    """The volume is forced to disparity 2 cells of 4 pixels: 80 px * 0.5 m / 8 px = 5 m, and 6 m for 0.6 m."""
    fusion = build(fuser_configs['correlation'])
    torch.nn.init.zeros_(fusion.temperature)
    torch.nn.init.zeros_(fusion.to_logits.weight)
    with torch.no_grad():
        fusion.to_logits.bias.copy_(torch.where(torch.arange(9) == 2, 50.0, 0.0))
    _, extra = fusion(_levels(), _levels(), stereo_inputs)
    assert torch.allclose(extra['prior_depth'][0], torch.full((1, 16, 24), 5.0))
    assert torch.allclose(extra['prior_depth'][1], torch.full((1, 16, 24), 6.0))
    assert torch.allclose(extra['confidence'], torch.ones(2, 1, 16, 24), atol=1e-4)
    assert extra['focal_baseline'].tolist() == pytest.approx([40.0, 48.0])


def test_row_attention_looks_left_in_its_row_only():
    attention = RowAttention(8, num_heads=2)
    right = torch.randn(1, 8, 3, 5, requires_grad=True)
    attention(torch.randn(1, 8, 3, 5), right)[0, :, 1, 2].sum().backward()
    seen = right.grad[0].abs().sum(0).nonzero().tolist()
    assert seen == [[1, 0], [1, 1], [1, 2]]


def test_unsupported_options_are_named():
    with pytest.raises(ValueError, match='stride of the correlation volume must be 2 or 4, got 8'):
        CorrelationStereoFuser(CHANNELS, stride=8)
    with pytest.raises(ValueError, match='channels 8 must be a multiple of num_heads 3'):
        EpipolarStereoFuser(CHANNELS, levels=(0,), num_heads=3)
    assert not ConcatStereoFuser(CHANNELS).gives_prior
