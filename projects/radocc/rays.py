"""Rays of the vehicle's cameras, drawn once per step and shared by student and teacher.

Shape letters: B batch, N cameras, R rays per sample, (h, w) render size, (H, W) network input size.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from projects.compute.asynchronous import constant, inverse, kept
from projects.occupancy.structures import check_box
from projects.rendering import image_pixels, matrix_product, pixels_to_rays, resize_matrix

DEFAULT_RENDER_SIZE = (225, 400)
"""(h, w) in the author's code."""


def bin_middles(rays: Mapping[str, Any], weights: Tensor) -> Tensor:
    """Middle of each bin of prepared rays in metres of z-depth.

    Args:
        rays (Mapping[str, Any]): Of :class:`CameraRaySampler`, with ``samples``.
        weights (Tensor): What was rendered along them. Shape (B, R, S).

    Returns:
        Tensor: Shape (1, S), or (B, R, S) where each ray has its own bins; dtype of the weights.

    Raises:
        ValueError: If the rays are not prepared.
    """
    if 'samples' not in rays:
        raise ValueError('rays are not prepared: set `geometry` of the ray sampler (model.shared.rays.geometry)')
    samples = rays['samples']
    mids = (0.5 * (samples.t_starts + samples.t_ends)).to(weights.dtype)
    return mids if len(mids) == 1 else mids.view(weights.shape)


@MODELS.register_module()
class CameraRaySampler(nn.Module):
    """Random rays of all cameras (RadOcc draws 80,000 per step).

    Rays come from the raw images resized to ``render_size``: image augmentation does not touch them. BEV
    augmentation does, through ``bda_mat``, because logits and labels live in the augmented frame.

    Args:
        num_rays (int): R, rays per sample of the batch over all its cameras.
        render_size (Sequence[int], optional): (h, w) of the rendered images. Defaults to None: the size of the image
            segments, which ``LoadImageSegments`` sets in the pipeline, and (225, 400), as in the author's code, for
            samples without segments.
        source (str): 'camera' draws pixels at random, equally many per camera. 'lidar_depth' draws pixels that have a
            depth in the data field ``gt_depth`` (author's code), and fills up with others when there are too few.
            Defaults to 'camera' (paper).
        depth_range (Sequence[float]): Depths that count for 'lidar_depth', in metres. Defaults to (1, 45), as in the
            author's code.
        geometry (dict, optional): Config of :class:`RaySampleGeometry`. With it the result holds the prepared
            ``samples``, so both renders share them. Defaults to None.
        require_segments (bool): Raise when a sample has no image segments, instead of leaving ``segment_ids`` out.
            Defaults to False.
    """

    def __init__(
        self,
        num_rays: int,
        render_size: Sequence[int] | None = None,
        source: str = 'camera',
        depth_range: Sequence[float] = (1.0, 45.0),
        geometry: dict | None = None,
        require_segments: bool = False,
    ) -> None:
        super().__init__()
        if source not in ('camera', 'lidar_depth'):
            raise ValueError(f"source must be 'camera' or 'lidar_depth', got {source!r}")
        if num_rays < 1:
            raise ValueError(f'num_rays must be at least 1, got {num_rays}')
        self.num_rays = num_rays
        self.render_size = None if render_size is None else (int(render_size[0]), int(render_size[1]))
        self.source = source
        self.depth_range = (float(depth_range[0]), float(depth_range[1]))
        self.geometry = MODELS.build(geometry) if geometry is not None else None
        self.require_segments = require_segments

    @torch.no_grad()
    def forward(self, inputs: dict[str, Any], data_samples: list) -> dict[str, Any]:
        """Draw rays from the global torch generator.

        Args:
            inputs (dict): Model inputs with ``cam2img`` (B, N, 3, 3), ``cam2ego`` (B, N, 4, 4), ``bda_mat``
                (B, 4, 4), and for 'lidar_depth' also ``img_aug_matrix`` (B, N, 3, 3).
            data_samples (list): B samples with metainfo ``ori_shape``; fields ``segments`` (N, h, w) and ``gt_depth``
                (N, H, W) are used when needed.

        Returns:
            dict: ``rays_o`` and ``rays_d`` (B, R, 3) in the augmented ego frame, ``cam_ids`` (B, R), ``num_cams`` (N,
            an int), ``pixels`` (B, R, 2) at render size, ``segment_ids`` (B, R) when the samples have segments, and
            ``samples`` (:class:`projects.rendering.RaySamples`) and ``voxel_size`` (the shortest edge in metres) when
            ``geometry`` is set.

        Raises:
            ValueError: If a needed field is missing or has the wrong shape, or labels lie in another box.
        """
        if self.geometry is not None:
            check_box(self.geometry.grid.point_cloud_range, data_samples, 'the geometry of the rays')
        segments = self._stack_segments(data_samples)
        size = self._choose_size(segments)
        cam2img, cam2grid = _render_cameras(inputs, data_samples, size)
        if self.source == 'camera':
            drawn, cam_ids = self._draw_any(cam2img, size)
        else:
            drawn, cam_ids = self._draw_with_depth(inputs, data_samples, size)
        pixels = drawn.to(cam2img.dtype)
        rays_o, rays_d = pixels_to_rays(pixels[:, None], cam2img, cam2grid)
        index = cam_ids[:, None, :, None].expand(-1, 1, -1, 3)
        rays = {
            'rays_o': rays_o.gather(1, index).squeeze(1),
            'rays_d': rays_d.gather(1, index).squeeze(1),
            'cam_ids': cam_ids,
            'num_cams': cam2img.shape[1],
            'pixels': pixels,
        }
        if segments is not None:
            rays['segment_ids'] = _segment_ids(segments, drawn, cam_ids)
        if self.geometry is not None:
            rays.update(self.geometry.prepare(rays['rays_o'], rays['rays_d']))
        return rays

    def _draw_any(self, cam2img: Tensor, render_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Pixels (B, R, 2) int64 inside the images, and their cameras (B, R)."""
        batch, num_cams = cam2img.shape[:2]
        height, width = render_size
        size = (batch, self.num_rays)
        cam_ids, starts = kept(_equal_shares, (self.num_rays, num_cams, width * height), cam2img)
        pixels = torch.randint(width * height, size, device=cam2img.device)
        return torch.stack(_by_column(pixels, starts, height), dim=-1), cam_ids.expand(size)

    def _draw_with_depth(
        self, inputs: dict[str, Any], data_samples: list, render_size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        missing = [sample.metainfo.get('token') for sample in data_samples if 'gt_depth' not in sample]
        if missing:
            raise ValueError(f"source='lidar_depth' needs the data field gt_depth, which samples {missing} lack")
        depth = torch.stack([sample.gt_depth for sample in data_samples])
        batch, num_cams, height, width = depth.shape
        if num_cams * height * width < self.num_rays:
            raise ValueError(f'cannot draw {self.num_rays} rays from gt_depth of shape {tuple(depth.shape)}')
        usable = (depth >= self.depth_range[0]) & (depth < self.depth_range[1])
        # Random order with the usable pixels first; its shape does not depend on how many there are.
        order = torch.rand(batch, num_cams * height * width, device=depth.device) + usable.flatten(1)
        chosen = order.topk(self.num_rays, dim=1).indices
        cam_ids = torch.div(chosen, height * width, rounding_mode='floor')
        in_image = chosen - cam_ids * (height * width)
        v = torch.div(in_image, width, rounding_mode='floor')
        network_pixels = torch.stack([in_image - v * width, v, torch.ones_like(v)], dim=-1).to(depth.dtype)
        undo = inverse(inputs['img_aug_matrix'].to(depth.dtype))
        undo = undo.gather(1, cam_ids[:, :, None, None].expand(-1, -1, 3, 3))
        raw = (undo * network_pixels[:, :, None, :]).sum(dim=-1)[..., :2]
        scales = [_scale(sample, render_size) for sample in data_samples]
        scale = raw.new_zeros(batch, 1, 2)
        for sample_scale, row in zip(scales, scale):
            row[..., 0], row[..., 1] = sample_scale
        return (raw + 0.5) * scale - 0.5, cam_ids

    def _stack_segments(self, data_samples: list) -> Tensor | None:
        """Image segments (B, N, h, w) of the batch, None when a sample has none."""
        missing = [sample.metainfo.get('token') for sample in data_samples if 'segments' not in sample]
        if missing:
            if self.require_segments:
                raise ValueError(f'samples {missing} have no segments; add them to the pipeline and the info file')
            return None
        sizes = {tuple(sample.segments.shape) for sample in data_samples}
        if len(sizes) > 1:
            raise ValueError(f'image segments of one batch differ in shape: {sorted(sizes)}; load them at one size')
        return torch.stack([sample.segments for sample in data_samples])

    def _choose_size(self, segments: Tensor | None) -> tuple[int, int]:
        """The size of the segments, or the one that was asked for."""
        if segments is None:
            return self.render_size or DEFAULT_RENDER_SIZE
        size = (segments.shape[-2], segments.shape[-1])
        if self.render_size not in (None, size):
            raise ValueError(
                f'the image segments are {size[0]} x {size[1]}, CameraRaySampler has render_size={self.render_size}: '
                f'leave `render_size` of the sampler (model.shared.rays.render_size in our configs) out to take that '
                f'of the segments, or load these at its size with LoadImageSegments(render_size={self.render_size}) '
                f'in train_dataloader.dataset.pipeline'
            )
        return size


@torch.no_grad()
def full_image_rays(
    inputs: dict[str, Any], data_samples: list, camera: int, render_size: Sequence[int] = DEFAULT_RENDER_SIZE
) -> dict[str, Tensor]:
    """All rays of one camera, row by row, for pictures.

    Args:
        inputs (dict): See :meth:`CameraRaySampler.forward`.
        data_samples (list): B samples with metainfo ``ori_shape``.
        camera (int): Index of the camera.
        render_size (Sequence[int]): (h, w). Defaults to (225, 400).

    Returns:
        dict[str, Tensor]: ``rays_o`` and ``rays_d``, each (B, h * w, 3).
    """
    size = (int(render_size[0]), int(render_size[1]))
    cam2img, cam2grid = _render_cameras(inputs, data_samples, size)
    pixels = image_pixels(size, cam2img.device).expand(cam2img.shape[0], -1, 2)
    rays_o, rays_d = pixels_to_rays(pixels, cam2img[:, camera], cam2grid[:, camera])
    return {'rays_o': rays_o, 'rays_d': rays_d}


def _equal_shares(num_rays: int, num_cams: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Camera of each ray, in order and equally many of each, and ``size`` pixels times its number; each (R,)."""
    cam_ids = torch.arange(num_rays, device=device) * num_cams // num_rays
    return cam_ids, cam_ids * size


def _by_column(pixels: Tensor, starts: Tensor, height: int) -> tuple[Tensor, Tensor]:
    """Columns u and rows v of pixels ``u * height + v`` of cameras in order, sorted within each camera.

    Rays that follow each other then read the same voxels, which are still in the cache. ``starts`` of the cameras lie
    apart by the number of pixels of an image.
    """
    pixels = (pixels + starts).sort(dim=-1).values - starts
    u = torch.div(pixels, height, rounding_mode='floor')
    return u, torch.sub(pixels, u, alpha=height)


def _segment_ids(segments: Tensor, pixels: Tensor, cam_ids: Tensor) -> Tensor:
    """Segment (B, R) under each pixel (B, R, 2), 0 outside the image, where no integer pixel lies."""
    height, width = segments.shape[-2:]
    if not pixels.is_floating_point():
        u, v = pixels.unbind(-1)
        return _read_segments(segments, u, v, cam_ids)
    u, v = pixels.round().long().unbind(-1)
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    return _read_segments(segments, u.clamp(0, width - 1), v.clamp(0, height - 1), cam_ids) * inside


def _read_segments(segments: Tensor, u: Tensor, v: Tensor, cam_ids: Tensor) -> Tensor:
    height, width = segments.shape[-2:]
    rows = torch.add(v, cam_ids, alpha=height)
    return segments.flatten(1).gather(1, torch.add(u, rows, alpha=width)).long()


def _scale(sample: Any, render_size: tuple[int, int]) -> tuple[float, float]:
    ori_shape = sample.metainfo.get('ori_shape')
    if ori_shape is None:
        raise ValueError(f'sample {sample.metainfo.get("token")} has no metainfo ori_shape; pack it in the pipeline')
    return render_size[1] / ori_shape[1], render_size[0] / ori_shape[0]


def _render_cameras(inputs: dict[str, Any], data_samples: list, render_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Intrinsics at render size (B, N, 3, 3) and camera -> augmented ego (B, N, 4, 4)."""
    missing = [name for name in ('cam2img', 'cam2ego', 'bda_mat') if name not in inputs]
    if missing:
        raise ValueError(f'inputs lack {missing}, which rays of cameras need; got {sorted(inputs)}')
    cam2img, cam2ego, bda_mat = (inputs[name].float() for name in ('cam2img', 'cam2ego', 'bda_mat'))
    resizes = [number for sample in data_samples for number in resize_matrix(*_scale(sample, render_size))]
    resize = constant(resizes, cam2img).view(-1, 1, 3, 3)
    return matrix_product(resize, cam2img), matrix_product(bda_mat[:, None], cam2ego)
