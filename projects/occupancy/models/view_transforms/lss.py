"""Lift, splat: camera features to a BEV or voxel feature through a depth distribution per pixel.

Shape letters: B batch, N cameras, C channels, D depth bins, fH x fW feature map, X/Y/Z voxels.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from projects.compute.asynchronous import inverse, kept
from projects.compute.precision import full_precision
from projects.occupancy.models.depth_bins import bin_depths
from projects.occupancy.ops import PoolIndexCache, VoxelBuffer, VoxelPoolIndex, voxel_pool, voxel_pool_prepare
from projects.occupancy.structures import check_box
from projects.rendering import VoxelGrid

# Shared by all view transforms: a teacher and a student with one grid rank the points of a batch once.
_INDEX_CACHE = PoolIndexCache()


def frustum_rays(
    pixels: Tensor, cam2img: Tensor, cam2ego: Tensor, img_aug_matrix: Tensor, bda_mat: Tensor
) -> tuple[Tensor, Tensor]:
    """Rays of network pixels in the augmented key ego frame.

    The point of network pixel (u, v) at z-depth d is ``origin + d * ray``, because ``K^-1 A^-1 [u, v, 1]`` has z = 1.

    Args:
        pixels (Tensor): Network pixels (u, v); integers are pixel centres. Shape (fH, fW, 2).
        cam2img (Tensor): Intrinsics K of the raw image. Shape (B, N, 3, 3).
        cam2ego (Tensor): Camera to key ego. Shape (B, N, 4, 4).
        img_aug_matrix (Tensor): Raw pixel to network pixel, A. Shape (B, N, 3, 3).
        bda_mat (Tensor): BEV augmentation. Shape (B, 4, 4).

    Returns:
        tuple[Tensor, Tensor]: ``rays`` (B, N, fH, fW, 3) and ``origins`` (B, N, 3) in metres.
    """
    cam2bev = bda_mat.unsqueeze(1) @ cam2ego
    rotation = cam2bev.narrow(2, 0, 3).narrow(3, 0, 3)
    to_ray = rotation @ inverse(img_aug_matrix @ cam2img)
    homogeneous = torch.cat([pixels, kept(_ones, ((*pixels.shape[:2], 1), pixels.dtype), pixels)], -1)
    rays = torch.einsum('bnij,hwj->bnhwi', to_ray, homogeneous)
    return rays, cam2bev.narrow(2, 0, 3).select(3, 3)


def _ones(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.ones(shape, dtype=dtype, device=device)


def _frustum_pixels(
    height: int, width: int, downsample: int, legacy: bool, dtype: torch.dtype, device: torch.device
) -> Tensor:
    axes = []
    for count in (height, width):
        index = np.arange(count, dtype=np.float32)
        if legacy:
            axes.append(index * ((count * downsample - 1) / max(count - 1, 1)))
        else:
            axes.append((index + 0.5) * downsample - 0.5)
    v, u = torch.meshgrid(*(torch.tensor(axis.tolist(), dtype=dtype, device=device) for axis in axes), indexing='ij')
    return torch.stack([u, v], -1)


@MODELS.register_module()
class LSSViewTransform(BaseModule):
    """Lift-splat view transform (arXiv:2008.05711) with exact voxel pooling.

    The ranking of the points is kept while the calibration and both augmentations stay the same. Geometry, depth
    softmax and pooling run in float32 under autocast. Gradients reach depth and context, never the calibration.

    Args:
        in_channels (int): Channels of the image feature.
        out_channels (int): Channels of the context, so of each voxel.
        point_cloud_range (Sequence[float]): x, y, z minimum, then maximum, in metres.
        grid_size (Sequence[int]): Number of voxels (X, Y, Z).
        downsample (int): Stride of the image feature. Defaults to 16.
        depth_range (Sequence[float]): Start, end and step of the depth bins in metres. Defaults to (1, 45, 0.5).
        collapse_z (bool): Return a BEV feature, with the Z voxels of a column side by side in the channels.
            Otherwise a voxel feature. Defaults to True.
        depth_net (dict, optional): Config of the network of depth and context. Defaults to None: one 1x1 convolution,
            as in BEVDet and FlashOcc.
        loss_depth (dict, optional): Config of the depth loss. Defaults to None: no depth loss.
        depth_spacing (str): 'even' for bins of one step, 'log' for as many that widen with the depth (FlashOcc M2).
            Defaults to 'even'.
        legacy_trunc (bool): Round voxel indices toward zero. Only for released weights. Defaults to False.
        legacy_frustum (bool): Spread the pixels of the feature map evenly from the first to the last pixel of the
            image and put the points at the near side of their bins, instead of the centres of cells and bins. Only
            for released weights. Defaults to False.
        reuse_buffer (bool): Without gradients, pool into the same memory at every call, which saves most of the time
            for grids with many heights; a result is then overwritten by the next call. Defaults to False.
        init_cfg (dict, optional): Initialisation of mmengine. Defaults to None.

    Raises:
        ValueError: If the range is empty or the size not positive, or ``depth_spacing`` is unknown.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        point_cloud_range: Sequence[float],
        grid_size: Sequence[int],
        downsample: int = 16,
        depth_range: Sequence[float] = (1.0, 45.0, 0.5),
        collapse_z: bool = True,
        depth_net: dict | None = None,
        loss_depth: dict | None = None,
        depth_spacing: str = 'even',
        legacy_trunc: bool = False,
        legacy_frustum: bool = False,
        reuse_buffer: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        box = VoxelGrid(point_cloud_range, grid_size)
        self.point_cloud_range, self.grid_size = box.point_cloud_range, box.grid_size
        self.lower, self.voxel_size = list(box.lower), list(box.voxel_size)
        self.downsample, self.collapse_z = downsample, collapse_z
        self.legacy_trunc, self.legacy_frustum = legacy_trunc, legacy_frustum
        start, end, step = self.depth_range = tuple(depth_range)
        self.num_depths = round((end - start) / step)
        self.depth_spacing = depth_spacing
        depths = bin_depths(self.depth_range, depth_spacing, at=0.0 if legacy_frustum else 0.5)
        self.register_buffer('depth_values', depths, persistent=False)
        self.buffer = VoxelBuffer() if reuse_buffer else None
        self.out_channels = out_channels
        if depth_net is None:
            self.depth_net = nn.Conv2d(in_channels, self.num_depths + out_channels, 1)
        else:
            sizes = {'in_channels': in_channels, 'num_depths': self.num_depths, 'context_channels': out_channels}
            self.depth_net = MODELS.build({**depth_net, **sizes})
        self.loss_depth = MODELS.build(loss_depth) if loss_depth else None

    def frustum_pixels(self, height: int, width: int, like: Tensor) -> Tensor:
        """Network pixels at the centres of the cells of a feature map, (fH, fW, 2) as (u, v).

        On the device of ``like``, in its dtype.
        """
        return kept(_frustum_pixels, (height, width, self.downsample, self.legacy_frustum, like.dtype), like)

    def predict_depth(self, feats: Tensor, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Depth logits (B * N, D, fH, fW) and context (B * N, C, fH, fW) of features (B * N, C_in, fH, fW)."""
        if isinstance(self.depth_net, nn.Conv2d):
            return self.depth_net(feats).split([self.num_depths, self.out_channels], 1)
        return self.depth_net(feats, self.camera(feats, inputs))

    def camera(self, feats: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """What a camera-aware network knows of the cameras, (B * N, P), of features (B * N, C_in, fH, fW)."""
        width = feats.shape[-1] * self.downsample
        with full_precision(feats):
            return self.depth_net.describe_camera(*self._calibration(inputs), width)

    @staticmethod
    def _calibration(inputs: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return tuple(inputs[key].float() for key in ('cam2img', 'cam2ego', 'img_aug_matrix', 'bda_mat'))

    def rank_frustum(self, height: int, width: int, inputs: Mapping[str, Tensor]) -> VoxelPoolIndex:
        """Ranking of the frustum points of a feature map, from the cache when the calibration is a known one."""
        calibration = self._calibration(inputs)
        layout = 'yxz' if self.collapse_z else 'xyz'

        def prepare() -> VoxelPoolIndex:
            rays, origins = frustum_rays(self.frustum_pixels(height, width, calibration[0]), *calibration)
            bins = self.depth_values.to(rays.device)
            grid = (self.lower, self.voxel_size, self.grid_size)
            return voxel_pool_prepare(rays, origins, bins, *grid, layout=layout, legacy_trunc=self.legacy_trunc)

        box = (*self.lower, *self.voxel_size, *self.grid_size, layout)
        frustum = (height, width, self.downsample, self.depth_range, self.depth_spacing)
        known_by = (*frustum, *box, self.legacy_trunc, self.legacy_frustum)
        return _INDEX_CACHE.get(known_by, calibration, prepare)

    def splat(self, depth: Tensor, context: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Pool the context into the grid.

        Args:
            depth (Tensor): Depth probabilities. Shape (B * N, D, fH, fW).
            context (Tensor): Context features. Shape (B * N, C, fH, fW).
            inputs (Mapping[str, Tensor]): Calibration of the batch.

        Returns:
            Tensor: BEV feature (B, Z * C, Y, X) or voxel feature (B, C, X, Y, Z), float32, channels last in memory.
        """
        with full_precision(depth), torch.no_grad():
            index = self.rank_frustum(*depth.shape[2:], inputs)
        return self.to_feature(voxel_pool(depth, context.permute(0, 2, 3, 1), index, self.buffer))

    def to_feature(self, voxels: Tensor) -> Tensor:
        """Feature of the grid encoder, channels last in memory, of pooled voxels in the layout of the ranking.

        Args:
            voxels (Tensor): Shape (B, Y, X, Z, C) with ``collapse_z``, else (B, X, Y, Z, C).

        Returns:
            Tensor: BEV feature (B, Z * C, Y, X) or voxel feature (B, C, X, Y, Z).
        """
        if not self.collapse_z:
            return voxels.permute(0, 4, 1, 2, 3)
        return voxels.flatten(3, 4).permute(0, 3, 1, 2)

    def forward(self, img_feats: Tensor, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Lift image features into the grid.

        Args:
            img_feats (Tensor): Image features. Shape (B, N, C_in, fH, fW).
            inputs (Mapping[str, Tensor]): ``cam2img``, ``cam2ego``, ``img_aug_matrix`` and ``bda_mat``.

        Returns:
            tuple[Tensor, Tensor]: The pooled feature of :meth:`splat` and the depth logits (B * N, D, fH, fW).
        """
        depth_logits, context = self.predict_depth(img_feats.flatten(0, 1), inputs)
        with full_precision(depth_logits):
            depth = depth_logits.float().softmax(1)
        return self.splat(depth, context, inputs), depth_logits

    def loss(self, depth_logits: Tensor, data_samples: Sequence) -> dict[str, Tensor]:
        """Depth loss when one is configured.

        Args:
            depth_logits (Tensor): From :meth:`forward`. Shape (B * N, D, fH, fW).
            data_samples (Sequence[OccDataSample]): Samples with ``gt_depth`` (N, H, W).

        Returns:
            dict[str, Tensor]: ``loss_depth`` or nothing.

        Raises:
            ValueError: If samples have no ``gt_depth``, or labels in another box.
        """
        check_box(self.point_cloud_range, data_samples, 'view_transform')
        if self.loss_depth is None:
            return {}
        missing = [getattr(sample, 'token', '?') for sample in data_samples if 'gt_depth' not in sample]
        if missing:
            raise ValueError(
                f'loss_depth needs gt_depth, which sample {missing[0]} lacks; add the LiDAR depth map to the train '
                'pipeline or set view_transform.loss_depth=None'
            )
        gt_depth = torch.stack([sample.gt_depth for sample in data_samples])
        bins = (self.depth_range, self.downsample, self.depth_spacing)
        return {'loss_depth': self.loss_depth(depth_logits, gt_depth, *bins)}
