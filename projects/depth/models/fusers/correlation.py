"""Fusion by a correlation volume over the disparities of a rectified pair.

Shape letters: B batch, C channels, D disparities, h x w cells of the volume.
"""

from collections.abc import Mapping, Sequence

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from projects.compute.precision import full_precision

from .base import BaseStereoFuser


def correlation_volume(left: Tensor, right: Tensor, num_disparities: int) -> Tensor:
    """Cosine similarity of each left cell with the right cells 0 .. D - 1 to its left.

    Args:
        left (Tensor): Features of the left image. Shape (B, C, h, w).
        right (Tensor): Features of the right image. Shape (B, C, h, w).
        num_disparities (int): D.

    Returns:
        Tensor: ``volume[b, d, y, x]`` compares ``left[b, :, y, x]`` with ``right[b, :, y, x - d]``; 0 where ``x < d``.
        Shape (B, D, h, w).
    """
    w = left.shape[-1]
    left, right = (F.normalize(t, dim=1).permute(0, 2, 3, 1) for t in (left, right))
    all_pairs = left @ right.transpose(-1, -2)
    source = torch.arange(w, device=left.device)[:, None] - torch.arange(num_disparities, device=left.device)
    band = all_pairs.gather(3, source.clamp_min(0).expand(*all_pairs.shape[:2], w, num_disparities))
    return band.masked_fill(source < 0, 0.0).permute(0, 3, 1, 2)


def local_soft_argmax(probability: Tensor, radius: int = 2) -> Tensor:
    """Mean disparity around the most likely one; far second peaks do not pull it away.

    Args:
        probability (Tensor): Over disparities. Shape (B, D, h, w).
        radius (int): Disparities on each side of the most likely one. Defaults to 2.

    Returns:
        Tensor: Disparity in cells. Shape (B, 1, h, w).
    """
    place = torch.arange(probability.shape[1], device=probability.device, dtype=probability.dtype)[:, None, None]
    best = probability.argmax(1, keepdim=True)
    near = torch.where((place - best).abs() <= radius, probability, torch.zeros_like(probability))
    return (near * place).sum(1, keepdim=True) / near.sum(1, keepdim=True)


def _normalised_entropy(probability: Tensor) -> Tensor:
    entropy = -(probability * probability.clamp_min(1e-8).log()).sum(1, keepdim=True)
    return entropy / torch.log(torch.tensor(float(probability.shape[1])))


class MatchingFeatures(BaseModule):
    """Features to compare: a few convolutions on the image, and the backbone's finest level.

    Args:
        in_channels (int): Channels of the backbone's finest level.
        channels (int): Channels of the result.
        stride (int): Stride of the result, 2 or 4.
    """

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        if stride not in (2, 4):
            raise ValueError(f'stride of the correlation volume must be 2 or 4, got {stride}')
        norm_cfg = {'type': 'BN'}
        self.stem = nn.Sequential(
            ConvModule(3, channels, 3, stride=2, padding=1, norm_cfg=norm_cfg),
            ConvModule(channels, channels, 3, stride=stride // 2, padding=1, norm_cfg=norm_cfg),
        )
        self.from_encoder = nn.Conv2d(in_channels, channels, 1)
        self.mix = nn.Sequential(
            ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def forward(self, image: Tensor, level: Tensor) -> Tensor:
        """``image`` (B, 3, H, W) and backbone level (B, in_channels, H / 4, W / 4) -> (B, channels, h, w)."""
        fine = self.stem(image)
        context = F.interpolate(self.from_encoder(level), size=fine.shape[2:], mode='bilinear', align_corners=False)
        return self.mix(fine + context)


@MODELS.register_module()
class CorrelationStereoFuser(BaseStereoFuser):
    """Match both images, turn the disparities into depth by the calibration, and add them to the features.

    Similarities pass a few convolutions; a softmax over disparities gives ``match_logits`` for supervision, the depth
    ``focal * baseline / disparity`` for the head, and features of the match at each level.

    Source: 1-D correlation of DispNet (arXiv:1512.02134) and soft-argmax of GC-Net (arXiv:1703.04309); sizes are
    defaults, not from a paper.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's levels, finest first (stride 4).
        max_disparity (int): Largest disparity in pixels of the network input. Defaults to 192.
        stride (int): Side of a cell in pixels, 2 or 4. Defaults to 4.
        match_channels (int): Channels that are compared. Defaults to 32.
        hidden_channels (int): Channels of the convolutions on the volume. Defaults to 64.
        min_disparity (float): Smaller disparities, in pixels, count as this one. Defaults to 0.5.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    gives_prior = True

    def __init__(
        self,
        in_channels: Sequence[int],
        max_disparity: int = 192,
        stride: int = 4,
        match_channels: int = 32,
        hidden_channels: int = 64,
        min_disparity: float = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.stride, self.min_disparity = stride, min_disparity
        self.num_disparities = max_disparity // stride + 1
        self.matching = MatchingFeatures(in_channels[0], match_channels, stride)
        self.temperature = nn.Parameter(torch.tensor(10.0))
        sizes = [self.num_disparities + match_channels, hidden_channels, hidden_channels, hidden_channels]
        self.aggregate = nn.Sequential(
            *(
                ConvModule(a, b, 3, padding=dilation, dilation=dilation, norm_cfg={'type': 'BN'})
                for a, b, dilation in zip(sizes, sizes[1:], (1, 2, 4))
            )
        )
        self.to_logits = nn.Conv2d(hidden_channels, self.num_disparities, 1)
        self.to_levels = nn.ModuleList(nn.Conv2d(hidden_channels + 2, c, 1) for c in in_channels)

    def forward(
        self, left: Sequence[Tensor], right: Sequence[Tensor], inputs: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Fuse; see :class:`BaseStereoFuser`.

        Returns:
            tuple: Levels, and ``match_logits`` (B, D, h, w), ``focal_baseline`` (B,) in pixel metres, ``prior_depth``
            (B, 1, h, w) in metres and ``confidence`` (B, 1, h, w).
        """
        both = self.matching(torch.cat([inputs['img'], inputs['right_img']]), torch.cat([left[0], right[0]]))
        left_match, right_match = both.chunk(2)
        with full_precision(left_match):
            volume = correlation_volume(left_match.float(), right_match.float(), self.num_disparities)
        hidden = self.aggregate(torch.cat([volume.to(left_match.dtype), left_match], dim=1))
        match_logits = self.temperature * volume + self.to_logits(hidden).float()
        prior = self._prior(match_logits, inputs)
        disparity_share = prior['disparity'] / self.num_disparities
        match = torch.cat([hidden, disparity_share.to(hidden.dtype), prior['confidence'].to(hidden.dtype)], dim=1)
        levels = [
            level + conv(F.adaptive_avg_pool2d(match, (level.shape[2], level.shape[3])))
            for level, conv in zip(left, self.to_levels)
        ]
        outputs = {name: prior[name] for name in ('prior_depth', 'confidence', 'focal_baseline')}
        return levels, {**outputs, 'match_logits': match_logits}

    def _prior(self, match_logits: Tensor, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Disparity in cells, depth in metres and confidence of the match."""
        with full_precision(match_logits):
            probability = match_logits.float().softmax(1)
            disparity = local_soft_argmax(probability)
            focal_baseline = inputs['cam2img'][:, 0, 0].float() * inputs['baseline'].float()
            pixels = (disparity * self.stride).clamp_min(self.min_disparity)
            return {
                'disparity': disparity,
                'confidence': 1 - _normalised_entropy(probability),
                'prior_depth': focal_baseline[:, None, None, None] / pixels,
                'focal_baseline': focal_baseline,
            }
