"""Lift-splat whose depth comes from one image and from the motion between two keyframes.

Shape letters: B batch, N cameras, C channels, D depth bins, fH x fW feature map, h x w matching map.
"""

from collections.abc import Mapping, Sequence

import torch
from mmdet3d.registry import MODELS
from torch import Tensor

from .lss import LSSViewTransform
from .plane_sweep import pixel_motion, plane_sweep_cost


@MODELS.register_module()
class StereoLSSViewTransform(LSSViewTransform):
    """Lift-splat with temporal stereo (BEVDet4D-Stereo of BEVDet's code, after BEVStereo, arXiv:2209.10248).

    Finer features of the present and of a former keyframe are matched along the rays of the pixels, at the depth of
    each bin, through the known motion of the car. The depth network reads the result; no gradients pass the matching,
    as upstream. Further arguments are those of :class:`LSSViewTransform`.

    Args:
        depth_net (dict): Config of a network that reads the matching, such as StereoDepthNet.
        match_stride (int): Stride of the features that are matched. Defaults to 4.
        outside_cost (float): Cost of a depth at which a pixel is not in the former image. Defaults to 5, the value of
            FlashOcc.
        legacy_frustum (bool): See :class:`LSSViewTransform`; pixels are matched from the first to the last of the image
            as well. Defaults to False.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        point_cloud_range: Sequence[float],
        grid_size: Sequence[int],
        depth_net: dict,
        downsample: int = 16,
        match_stride: int = 4,
        outside_cost: float = 5.0,
        depth_range: Sequence[float] = (1.0, 45.0, 0.5),
        collapse_z: bool = True,
        loss_depth: dict | None = None,
        depth_spacing: str = 'even',
        legacy_trunc: bool = False,
        legacy_frustum: bool = False,
        reuse_buffer: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        if downsample % match_stride:
            raise ValueError(f'downsample {downsample} must be a multiple of match_stride {match_stride}')
        super().__init__(
            in_channels,
            out_channels,
            point_cloud_range,
            grid_size,
            downsample=downsample,
            depth_range=depth_range,
            collapse_z=collapse_z,
            depth_net={**depth_net, 'match_downsample': downsample // match_stride},
            loss_depth=loss_depth,
            depth_spacing=depth_spacing,
            legacy_trunc=legacy_trunc,
            legacy_frustum=legacy_frustum,
            reuse_buffer=reuse_buffer,
            init_cfg=init_cfg,
        )
        self.match_stride, self.outside_cost = match_stride, outside_cost

    @torch.no_grad()
    def match(
        self, feats: Tensor, other: Tensor, frame: Mapping[str, Tensor], other_frame: Mapping[str, Tensor]
    ) -> Tensor:
        """Match the features of two keyframes of the same cameras.

        Args:
            feats (Tensor): Features of the keyframe. Shape (B, N, C, h, w).
            other (Tensor): Features of the former one. Shape (B, N, C, h, w).
            frame (Mapping[str, Tensor]): Calibration and ``ego2key`` of the keyframe, see :func:`pixel_motion`.
            other_frame (Mapping[str, Tensor]): Those of the former one.

        Returns:
            Tensor: Probability of each depth bin, the softmax of the negative costs. Shape (B, N, D, h, w), float32.
        """
        turn, move = (value.flatten(0, 1) for value in pixel_motion(frame, other_frame))
        maps = (feats.flatten(0, 1), other.flatten(0, 1))
        place = (self.match_stride, self.outside_cost, self.legacy_frustum)
        cost = plane_sweep_cost(*maps, turn, move, self.depth_values, *place)
        return (-cost).softmax(1).unflatten(0, feats.shape[:2])

    def predict_depth(self, feats: Tensor, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Depth logits (B * N, D, fH, fW) and context (B * N, C, fH, fW) of features (B * N, C_in, fH, fW).

        ``inputs`` has ``matching`` (B, N, D, h, w) of :meth:`match` besides the calibration.
        """
        return self.depth_net(feats, self.camera(feats, inputs), inputs['matching'].flatten(0, 1))
