import pytest
import torch

from projects.adudepth import AdaptedFeatureLoss, AttentionConnector


@pytest.mark.parametrize('attention', ['nonlocal', 'cbam'])
def test_adapter_at_its_start_equals_plain_feature_matching(attention):
    student, teacher = torch.randn(2, 8, 5, 7), torch.randn(2, 8, 5, 7)
    loss = AdaptedFeatureLoss(guidance='none')
    adapted = AttentionConnector(8, attention)(student)
    plain = AttentionConnector(8, 'none')(student)
    assert plain is student
    assert torch.equal(loss(adapted, teacher), loss(plain, teacher))


@pytest.mark.parametrize('attention', ['nonlocal', 'cbam'])
def test_adapter_starts_to_learn_through_its_factor(attention):
    adapter = AttentionConnector(8, attention)
    AdaptedFeatureLoss(guidance='none')(adapter(torch.randn(2, 8, 5, 7)), torch.randn(2, 8, 5, 7)).backward()
    assert adapter.residual.gamma.grad != 0
    torch.nn.init.ones_(adapter.residual.gamma)
    adapter(torch.randn(2, 8, 5, 7)).square().mean().backward()
    assert [name for name, p in adapter.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize('attention', ['nonlocal', 'cbam', 'none'])
def test_feature_of_other_channels_is_refused_with_the_key_to_change(attention):
    with pytest.raises(ValueError, match=r'channels=8, its feature 6: .*connectors\.<name>\.channels\) to 6'):
        AttentionConnector(8, attention)(torch.randn(2, 6, 5, 7))


def test_attention_by_hand():
    """One channel, two places, identity projections: softmax of (q k) over the places, times the values, plus x."""
    adapter = AttentionConnector(1, 'nonlocal', reduction=1)
    for conv in (adapter.residual.query, adapter.residual.key, adapter.residual.value, adapter.residual.out):
        torch.nn.init.ones_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    torch.nn.init.ones_(adapter.residual.gamma)
    feat = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    share = torch.tensor(1.0).sigmoid()
    assert torch.allclose(adapter(feat).flatten(), torch.stack([torch.tensor(0.5), 1 + share]))


def test_keys_are_pooled_and_queries_are_not():
    """8 x 8 places and at most 4 tokens: pooling by 4; a place sees the mean of each quarter."""
    adapter = AttentionConnector(4, 'nonlocal', max_tokens=4)
    torch.nn.init.ones_(adapter.residual.gamma)
    feat = torch.randn(1, 4, 8, 8)
    even = feat.clone()
    even[..., :4, :4] = feat[..., :4, :4].mean((2, 3), keepdim=True)
    assert adapter(feat).shape == feat.shape
    changed = (adapter(feat) - adapter(even)).abs().amax(1)[0] > 1e-5
    assert changed[:4, :4].all()
    assert not changed[4:].any()


def test_unknown_attention_is_named():
    with pytest.raises(ValueError, match="got 'se'"):
        AttentionConnector(8, 'se')
