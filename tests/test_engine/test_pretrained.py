"""ImageNet weights by name: from the cache of torch.hub, checked, or with one message about where to put them."""

import hashlib
import io
import urllib.error

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.runner.checkpoint import CheckpointLoader

from projects.engine import CheckpointError, pretrained


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of torch.hub, and no network."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))

    def unreachable(*args, **kwargs):
        raise urllib.error.URLError('no network')

    monkeypatch.setattr(torch.hub, 'urlopen', unreachable)
    folder = tmp_path / 'hub' / 'checkpoints'
    folder.mkdir(parents=True)
    return folder


def put(folder, monkeypatch, name, weights):
    """Put weights into the cache under a name with their hash, as torchvision's files have it."""
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    digits = hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
    monkeypatch.setitem(pretrained.URLS, name, f'https://example.org/{name}-{digits}.pth')
    path = folder / f'{name}-{digits}.pth'
    path.write_bytes(buffer.getvalue())
    return path


def test_a_backbone_takes_its_weights_from_the_cache(cache, monkeypatch):
    def backbone(**init):
        return MODELS.build({'type': 'mmdet.ResNet', 'depth': 18, 'base_channels': 8, **init})

    weights = {name: torch.full_like(value, 0.25) for name, value in backbone().state_dict().items()}
    put(cache, monkeypatch, 'resnet18', weights)
    model = backbone(init_cfg={'type': 'Pretrained', 'checkpoint': 'imagenet://resnet18'})
    model.init_weights()
    assert all((value == 0.25).all() for value in model.state_dict().values() if value.is_floating_point())


def test_without_file_and_network_one_message_says_where_the_file_goes(cache):
    with pytest.raises(CheckpointError) as error:
        CheckpointLoader.load_checkpoint('imagenet://resnet50')
    message = str(error.value)
    assert 'https://download.pytorch.org/models/resnet50-0676ba61.pth' in message
    assert str(cache / 'resnet50-0676ba61.pth') in message
    assert 'model.img_backbone.init_cfg.checkpoint=FILE' in message
    assert not list(cache.iterdir())


def test_a_flipped_bit_is_found_by_the_hash_in_the_name(cache, monkeypatch):
    path = put(cache, monkeypatch, 'resnet18', {'conv1.weight': torch.zeros(64)})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match='SHA-256'):
        CheckpointLoader.load_checkpoint('imagenet://resnet18')


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(CheckpointError, match='resnet18, resnet34, resnet50'):
        CheckpointLoader.load_checkpoint('imagenet://resnet51')


def test_every_name_in_the_configs_is_known(repo):
    import re

    text = ' '.join(path.read_text() for path in (repo / 'configs').rglob('*.py'))
    names = set(re.findall(r'imagenet://([\w-]+)', text))
    assert {'resnet50', 'swin-t', 'swin-l'} <= names <= {*pretrained.URLS, *pretrained.PACKAGES}
    assert 'torchvision://' not in text
