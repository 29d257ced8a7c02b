"""Metric depth and its uncertainty from the finest decoder feature.

Shape letters: B batch, C channels, h x w feature map, H x W network input.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from projects.compute.precision import full_precision

ACTIVATIONS = ('sigmoid', 'log_sigmoid')


@MODELS.register_module()
class DepthScaleHead(BaseModule):
    r"""Predict depth in metres and the logarithm of the scale of its log error.

    Depth is ``max_depth * sigmoid(x)`` (NeWCRFs), or with 'log_sigmoid'
    :math:`z_{min} (z_{max} / z_{min})^{\mathrm{sigmoid}(x)}`, which spends equal resolution on equal ratios.

    With a prior (stereo), a gate per pixel mixes the prior and the prediction of the features in log depth.

    Args:
        in_channels (int): C of the feature.
        mid_channels (int): Channels of the hidden layer. Defaults to 64.
        min_depth (float): Smallest depth in metres. Defaults to 1e-3.
        max_depth (float): Largest depth in metres. Defaults to 80.0.
        activation (str): 'sigmoid' or 'log_sigmoid'. Defaults to 'sigmoid'.
        log_scale_range (tuple[float, float]): Range the log-scale is clamped to. Defaults to (-6.0, 6.0), not from a
            paper.
        with_prior (bool): Whether :meth:`forward` gets a prior. Defaults to False.
        in_feature (str): Name of the feature. Defaults to 'feat_4'.
        loss_depth (dict, optional): Config of the loss of depth. Defaults to SILogLoss.
        loss_scale (dict, optional): Config of the loss of the log-scale; without it nothing trains the scale unless
            distillation does. Defaults to None.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int = 64,
        min_depth: float = 1e-3,
        max_depth: float = 80.0,
        activation: str = 'sigmoid',
        log_scale_range: tuple[float, float] = (-6.0, 6.0),
        with_prior: bool = False,
        in_feature: str = 'feat_4',
        loss_depth: dict | None = None,
        loss_scale: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if activation not in ACTIVATIONS:
            raise ValueError(f'activation must be one of {ACTIVATIONS}, got {activation!r}')
        if not 0 < min_depth < max_depth:
            raise ValueError(f'need 0 < min_depth < max_depth, got {min_depth} and {max_depth}')
        self.min_depth, self.max_depth = min_depth, max_depth
        self.activation = activation
        self.log_scale_range = tuple(log_scale_range)
        self.with_prior = with_prior
        self.in_feature = in_feature
        extra = 2 if with_prior else 0
        self.hidden = ConvModule(in_channels + extra, mid_channels, 3, padding=1)
        self.depth_conv = nn.Conv2d(mid_channels, 1, 3, padding=1)
        self.scale_conv = nn.Conv2d(mid_channels, 1, 3, padding=1)
        nn.init.zeros_(self.scale_conv.get_parameter('bias'))
        self.gate_conv = nn.Conv2d(mid_channels, 1, 3, padding=1) if with_prior else None
        self.loss_depth = MODELS.build(loss_depth or {'type': 'SILogLoss'})
        self.loss_scale = MODELS.build(loss_scale) if loss_scale else None

    def forward(
        self, feats: Mapping[str, Tensor], size: tuple[int, int], prior: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Predict at full size.

        Args:
            feats (Mapping[str, Tensor]): Features of the decoder; ``in_feature`` has shape (B, C, h, w).
            size (tuple[int, int]): H and W of the network input.
            prior (Mapping[str, Tensor], optional): ``prior_depth`` in metres and ``confidence`` in [0, 1], each (B, 1,
                h', w'). The prediction is made at this size. Defaults to None.

        Returns:
            dict[str, Tensor]: ``depth`` (B, 1, H, W) in metres and ``log_scale`` (B, 1, H, W), float32.

        Raises:
            ValueError: If the prior is missing or not expected.
        """
        if (prior is not None) != self.with_prior:
            raise ValueError(f'with_prior={self.with_prior}, but a prior was {"" if prior else "not "}given')
        feat = feats[self.in_feature]
        if prior is not None:
            known = prior['prior_depth'].clamp(self.min_depth, self.max_depth).log()
            feat = F.interpolate(feat, size=known.shape[2:], mode='bilinear', align_corners=False)
            feat = torch.cat([feat, known.to(feat.dtype), prior['confidence'].to(feat.dtype)], dim=1)
        hidden = self.hidden(feat)
        with full_precision(hidden):
            depth = self._activate(self.depth_conv(hidden.float()))
            log_scale = self.scale_conv(hidden.float())
            if prior is not None and self.gate_conv is not None:
                gate = self.gate_conv(hidden.float()).sigmoid()
                depth = (gate * known.float() + (1 - gate) * depth.log()).exp()
            depth, log_scale = (
                F.interpolate(t, size=size, mode='bilinear', align_corners=False) for t in (depth, log_scale)
            )
        return {'depth': depth, 'log_scale': log_scale.clamp(*self.log_scale_range)}

    def _activate(self, logits: Tensor) -> Tensor:
        share = logits.sigmoid()
        if self.activation == 'sigmoid':
            return (self.max_depth * share).clamp_min(self.min_depth)
        return self.min_depth * (share * math.log(self.max_depth / self.min_depth)).exp()

    def loss(self, outputs: Mapping[str, Tensor], gt_depth: Tensor) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            outputs (Mapping[str, Tensor]): ``depth`` and ``log_scale``, each (B, 1, H, W).
            gt_depth (Tensor): Depth in metres, 0 = none. Shape (B, H, W).

        Returns:
            dict[str, Tensor]: ``loss_depth`` and, when configured, ``loss_scale``.
        """
        depth, log_scale = outputs['depth'][:, 0], outputs['log_scale'][:, 0]
        losses = {'loss_depth': self.loss_depth(depth, gt_depth)}
        if self.loss_scale is not None:
            losses['loss_scale'] = self.loss_scale(depth, log_scale, gt_depth)
        return losses


def stack_depth(data_samples: Sequence, size: tuple[int, int]) -> Tensor:
    """True depth of a batch, padded with 0 (none) to the size of the network input.

    Args:
        data_samples (Sequence[DepthDataSample]): Samples with ``gt_depth``.
        size (tuple[int, int]): H and W of the network input.

    Returns:
        Tensor: Shape (B, H, W), float32.

    Raises:
        ValueError: If a sample has no ``gt_depth``, or a larger one than the input.
    """
    maps = []
    for sample in data_samples:
        frame = getattr(sample, 'frame_id', '?')
        if 'gt_depth' not in sample:
            raise ValueError(
                f'training needs gt_depth, which frame {frame} lacks; put LoadDepthMap into train_pipeline'
            )
        height, width = sample.gt_depth.shape
        if height > size[0] or width > size[1]:
            raise ValueError(
                f'gt_depth of frame {frame} is {height} x {width}, the network input {size[0]} x {size[1]}; crop and '
                'resize both alike'
            )
        maps.append(F.pad(sample.gt_depth, (0, size[1] - width, 0, size[0] - height)))
    return torch.stack(maps)
