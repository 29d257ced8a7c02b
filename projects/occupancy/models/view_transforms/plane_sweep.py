"""Depth from motion: how well the pixels of two keyframes match at each depth.

Shape letters: B batch, N cameras, C channels, D depth hypotheses, h x w feature map.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from projects.compute.asynchronous import constant, inverse
from projects.compute.precision import full_precision

_NEAREST = 0.1
"""Metres in front of the other camera; what is nearer or behind is not in its image."""


def pixel_motion(frame: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """From pixels of one keyframe to those of another, of the same camera, through the poses of the car.

    The network pixel (u, v) at z-depth d is the network pixel ``(q_u / q_z, q_v / q_z)`` of the other keyframe, with
    ``q = d * turn @ [u, v, 1] + move``; ``q_z`` is its depth there. The scene is taken to stand still.

    Args:
        frame (Mapping[str, Tensor]): ``cam2img`` (B, N, 3, 3), ``cam2ego`` (B, N, 4, 4), ``img_aug_matrix``
            (B, N, 3, 3) and ``ego2key`` (B, 4, 4), from its ego frame to one that both keyframes share.
        other (Mapping[str, Tensor]): The same of the other keyframe.

    Returns:
        tuple[Tensor, Tensor]: ``turn`` (B, N, 3, 3) and ``move`` (B, N, 3), float32.
    """
    # In float64: two keyframes lie metres apart, and a pixel far away moves by little.
    cam2key, other2key = (each['ego2key'].double().unsqueeze(1) @ each['cam2ego'].double() for each in (frame, other))
    cam2other = inverse(other2key) @ cam2key
    from_pixel, to_pixel = (each['img_aug_matrix'].double() @ each['cam2img'].double() for each in (frame, other))
    turn = to_pixel @ cam2other[..., :3, :3] @ inverse(from_pixel)
    move = to_pixel @ cam2other[..., :3, 3:]
    return turn.float(), move.squeeze(-1).float()


def plane_sweep_cost(
    feats: Tensor,
    other: Tensor,
    turn: Tensor,
    move: Tensor,
    depths: Tensor,
    stride: int,
    outside: float,
    aligned: bool = False,
) -> Tensor:
    """Difference between the features of a pixel and of the place in the other image where it is if it has a depth.

    Args:
        feats (Tensor): Features of this keyframe. Shape (M, C, h, w).
        other (Tensor): Features of the other one. Shape (M, C, h, w).
        turn (Tensor): From :func:`pixel_motion`. Shape (M, 3, 3).
        move (Tensor): From :func:`pixel_motion`. Shape (M, 3).
        depths (Tensor): Depth hypotheses in metres. Shape (D,).
        stride (int): Network pixels per cell of the feature maps.
        outside (float): Added where the place is outside of the other image; its feature counts as 0 there.
        aligned (bool): The outer cells lie on the outer pixels of the image, as in BEVDet's code, and not half a cell
            inside of it. Defaults to False.

    Returns:
        Tensor: Absolute differences, summed over the channels. Shape (M, D, h, w), float32.
    """
    with full_precision(feats):
        feats, other = feats.float(), other.float()
        height, width = feats.shape[-2:]
        v, u = torch.meshgrid(*(_centres(n, stride, aligned, feats.device) for n in (height, width)), indexing='ij')
        pixels = torch.stack([u, v, torch.ones_like(u)], -1)
        rays = torch.einsum('mij,hwj->mhwi', turn, pixels)
        size = constant([width * stride, height * stride], rays)
        edge, size = (0.0, size - 1) if aligned else (0.5, size)  # pixels beyond the first and last centre that count
        costs = []
        for depth in depths:
            q = depth * rays + move[:, None, None]
            z = q[..., 2:]
            place = 2 * (q[..., :2] / z.clamp(min=_NEAREST) + edge) / size - 1
            seen = (z > _NEAREST) & (place.abs() <= 1).all(-1, keepdim=True)
            # The outer half of the cells at the edge is in the image, but no centre is beyond it.
            found = F.grid_sample(other, torch.where(seen, place, 0.0), padding_mode='border', align_corners=aligned)
            inside = seen.movedim(-1, 1)
            costs.append((feats - found * inside).abs().sum(1) + outside * ~inside.squeeze(1))
        return torch.stack(costs, 1)


def _centres(count: int, stride: int, aligned: bool, device: torch.device) -> Tensor:
    """Network pixels of the cells along an axis."""
    index = torch.arange(count, device=device, dtype=torch.float32)
    return index * ((count * stride - 1) / max(count - 1, 1)) if aligned else (index + 0.5) * stride - 0.5
