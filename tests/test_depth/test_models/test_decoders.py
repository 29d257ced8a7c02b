import pytest
import torch

from projects.depth.models import DepthFPNDecoder, WindowCRFDecoder
from projects.depth.models.decoders.window_attention import (
    WindowCRFAttention,
    join_windows,
    split_windows,
    window_regions,
)

LEVELS = [torch.randn(2, c, 16 // s, 24 // s) for c, s in zip((8, 16, 32, 64), (1, 2, 4, 8))]


@pytest.mark.parametrize(
    ('decoder', 'channels'),
    [
        (DepthFPNDecoder([8, 16, 32, 64], channels=12), (12, 12, 12, 12)),
        (WindowCRFDecoder([8, 16, 32, 64], (8, 16, 32, 64), (1, 2, 4, 8), pool_channels=32), (8, 16, 32, 64)),
    ],
)
def test_decoders_name_their_levels_by_stride(decoder, channels):
    out = decoder(LEVELS)
    sizes = {f'feat_{4 * 2**i}': (2, c, 16 >> i, 24 >> i) for i, c in enumerate(channels)}
    assert {name: tuple(feat.shape) for name, feat in out.items()} == sizes
    assert decoder.out_channels == channels
    with pytest.raises(ValueError, match='expected 4 feature maps, got 3'):
        decoder(LEVELS[:3])


def test_every_parameter_of_the_window_decoder_gets_a_gradient():
    decoder = WindowCRFDecoder([8, 16, 32, 64], (8, 16, 32, 64), (1, 2, 4, 8), pool_channels=32)
    sum(feat.square().mean() for feat in decoder(LEVELS).values()).backward()
    assert [name for name, p in decoder.named_parameters() if p.grad is None] == []


def test_windows_are_split_and_joined():
    x = torch.randn(2, 6, 9, 4)
    windows = split_windows(x, 3)
    assert windows.shape == (12, 9, 4)
    assert torch.equal(windows[1], x[0, :3, 3:6].reshape(9, 4))
    assert torch.equal(join_windows(windows, 3, 6, 9), x)


def _influence(attention, height, width, place):
    """Places whose value reaches ``place``."""
    value = torch.randn(1, height, width, 4, requires_grad=True)
    attention(torch.randn(1, height, width, 4), value)[0, place[0], place[1]].sum().backward()
    return {tuple(p) for p in value.grad[0].abs().sum(-1).nonzero().tolist()}


def test_attention_stays_inside_its_window():
    assert _influence(WindowCRFAttention(4, 2, 3), 6, 6, (1, 1)) == {(r, c) for r in range(3) for c in range(3)}


def test_shifted_windows_do_not_join_opposite_borders():
    """Shift 1 of windows of 3: place (5, 5) ends in the window of rows 4-5 and, by the roll, row 0."""
    seen = _influence(WindowCRFAttention(4, 2, 3, shift=1), 6, 6, (5, 5))
    assert seen == {(r, c) for r in (4, 5) for c in (4, 5)}


def test_padding_is_not_attended_to():
    attention = WindowCRFAttention(4, 2, 4)
    torch.nn.init.zeros_(attention.query_key.weight)
    torch.nn.init.zeros_(attention.position_bias)
    torch.nn.init.eye_(attention.project.weight)
    torch.nn.init.zeros_(attention.project.bias)
    out = attention(torch.randn(1, 3, 3, 4), torch.ones(1, 3, 3, 4))
    assert torch.allclose(out, torch.ones_like(out), atol=1e-6)


def test_regions_by_hand():
    """One window of 2 x 2 whose second column is padding."""
    assert window_regions(2, 2, (2, 1), 2, 0).tolist() == [[0, 1, 0, 1]]
