"""Where the pillars of a BEV grid lie in the images, and which cameras see them.

Shape letters: B batch, N cameras, Q cells of the grid (Y * X, row by row), P points of a pillar, M cells of a camera.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from projects.compute.asynchronous import constant, inverse
from projects.compute.precision import full_precision
from projects.rendering import project_points

MIN_DEPTH = 1e-5
"""Metres; a point nearer than this is not in front of the camera."""
FAR = 4.0
"""Image sizes beyond the border; what lies farther away, or behind the camera, is put there, where nothing is read."""


@dataclass(frozen=True)
class PillarViews:
    """Cells that each camera sees; cameras with fewer cells than others are filled up.

    Args:
        rows (Tensor): Cell of the batch, ``b * Q + q``, int64. Shape (B, N, M).
        valid (Tensor): False where a place is filled up. Shape (B, N, M).
        locations (Tensor): Where the points of the pillar lie, in image sizes. Shape (B, N, M, P, 2).
    """

    rows: Tensor
    valid: Tensor
    locations: Tensor


def pillar_points(point_cloud_range: Sequence[float], bev_size: Sequence[int], num_heights: int) -> Tensor:
    """Points on the axis of each cell, in the middle of equal slices of its height.

    Args:
        point_cloud_range (Sequence[float]): x, y, z minimum, then maximum, in metres.
        bev_size (Sequence[int]): Cells along x and y.
        num_heights (int): P.

    Returns:
        Tensor: Ego points in metres. Shape (Q, P, 3).
    """
    low, high = point_cloud_range[:3], point_cloud_range[3:]
    counts = (*bev_size, num_heights)
    x, y, z = (lo + (torch.arange(n) + 0.5) * ((hi - lo) / n) for lo, hi, n in zip(low, high, counts))
    y, x, z = torch.meshgrid(y, x, z, indexing='ij')
    return torch.stack([x, y, z], -1).flatten(0, 1)


def project_pillars(points: Tensor, inputs: Mapping[str, Tensor], image_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Places of ego points in the images that the network sees.

    Args:
        points (Tensor): Points in the augmented ego frame. Shape (Q, P, 3).
        inputs (Mapping[str, Tensor]): ``cam2img`` (B, N, 3, 3), ``cam2ego`` (B, N, 4, 4), ``img_aug_matrix``
            (B, N, 3, 3) and ``bda_mat`` (B, 4, 4).
        image_size (tuple[int, int]): Height and width of the network input.

    Returns:
        tuple[Tensor, Tensor]: ``locations`` (x, y) in image sizes, (0, 0) the outer corner of the first pixel, float32
        of shape (B, N, Q, P, 2); and ``seen``, whether the point lies in the image, of shape (B, N, Q, P).
    """
    with full_precision(points):
        bda_mat, cam2ego = inputs['bda_mat'].float(), inputs['cam2ego'].float()
        bev2cam = inverse(bda_mat.unsqueeze(1) @ cam2ego)
        cam2pixel = inputs['img_aug_matrix'].float() @ inputs['cam2img'].float()
        pixels, depth = project_points(points.flatten(0, 1), cam2pixel, bev2cam)
        height, width = image_size
        places = (pixels + 0.5) / constant([width, height], pixels)
        in_front = depth > MIN_DEPTH
        seen = in_front & ((places >= 0) & (places < 1)).all(-1)
        places = torch.where(in_front.unsqueeze(-1), places, -FAR).clamp(-FAR, 1 + FAR)
    shape = points.shape[:2]
    return places.unflatten(2, shape), seen.unflatten(2, shape)


def find_views(locations: Tensor, seen: Tensor) -> PillarViews:
    """Cells of which a camera sees at least one point, in the order of the grid.

    Args:
        locations (Tensor): From :func:`project_pillars`. Shape (B, N, Q, P, 2).
        seen (Tensor): From :func:`project_pillars`. Shape (B, N, Q, P).

    Returns:
        PillarViews: With M of the camera that sees most, at least 1.
    """
    return find_all_views([(locations, seen)])[0]


def find_all_views(projected: Sequence[tuple[Tensor, Tensor]]) -> list[PillarViews]:
    """:func:`find_views` of several grids; a GPU is waited for once."""
    most = torch.stack([seen.any(-1).sum(-1).max() for _, seen in projected]).tolist()
    return [list_views(*grid, max(count, 1)) for grid, count in zip(projected, most)]


def list_views(locations: Tensor, seen: Tensor, most: int) -> PillarViews:
    """The same for M = ``most`` cells a camera; of a camera that sees more, the first ones."""
    hit = seen.any(-1)
    cells = hit.byte().argsort(stable=True, dim=-1, descending=True)[..., :most]
    index = cells[..., None, None].expand(-1, -1, -1, *locations.shape[3:])
    first = torch.arange(len(hit), device=hit.device)[:, None, None] * hit.shape[-1]
    return PillarViews(cells + first, hit.gather(2, cells), locations.gather(2, index))
