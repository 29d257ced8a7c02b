"""Pooling of rays by image segment.

Shape letters: B batch, R rays per sample, N cameras, I = B*N images, G segments kept per image, C channels.
No shape here depends on the data, so nothing waits for the device.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_MAX_ID = 2**31


def segment_means(
    features: Tensor,
    segment_ids: Tensor,
    cam_ids: Tensor,
    num_cams: int,
    mask: Tensor | None = None,
    min_rays: int = 8,
    max_segments: int = 256,
) -> tuple[Tensor, Tensor]:
    r"""Mean of ray features over each image segment, :math:`z_m = \mathrm{mean}_{r \in m}\, S(r)`.

    Args:
        features (Tensor): Shape (B, R, C).
        segment_ids (Tensor): Segment of each ray in its image; 0 or less is no segment. Shape (B, R), integer.
        cam_ids (Tensor): Camera of each ray, below ``num_cams``. Shape (B, R), integer.
        num_cams (int): N.
        mask (Tensor, optional): Rays that count. Shape (B, R), bool.
        min_rays (int): Segments with fewer rays are dropped. Defaults to 8.
        max_segments (int): G; of an image with more, those with most rays are kept. Defaults to 256.

    Returns:
        tuple[Tensor, Tensor]: Means (B*N, G, C), largest segment of the image first and zero beyond the last, and
        which of them exist (B*N, G), bool.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if features.dim() != 3 or segment_ids.shape != features.shape[:2] or cam_ids.shape != features.shape[:2]:
        raise ValueError(
            f'features must be (B, R, C), segment_ids and cam_ids (B, R); got {tuple(features.shape)}, '
            f'{tuple(segment_ids.shape)} and {tuple(cam_ids.shape)}'
        )
    batch, num_rays, channels = features.shape
    total, images = batch * num_rays, batch * num_cams
    features = features.reshape(total, channels).to(torch.promote_types(features.dtype, torch.float32))
    batch_ids = torch.arange(batch, device=features.device)[:, None]
    image = (batch_ids * num_cams + cam_ids).flatten().long()
    counts_in = (segment_ids.flatten() > 0) if mask is None else (segment_ids > 0).logical_and(mask).flatten()
    key = torch.where(counts_in, image * _MAX_ID + segment_ids.flatten().long(), images * _MAX_ID)
    key, order = key.sort(stable=True)
    # Number the segments 0, 1, ... in the order of their keys; there are at most as many as rays.
    group = F.pad((key[1:] != key[:-1]).long().cumsum(0), (1, 0))
    size = torch.zeros_like(group).index_add(0, group, counts_in[order].long())
    group_image = torch.full_like(group, images).scatter(0, group, torch.div(key, _MAX_ID, rounding_mode='floor'))

    # Largest first within each image, dropped segments last.
    group_image = torch.where(size >= min_rays, group_image, images)
    rank_key, rank = (group_image * (total + 1) + (total - size)).sort(stable=True)
    ranked_image = torch.div(rank_key, total + 1, rounding_mode='floor')
    image_starts = torch.searchsorted(ranked_image, torch.arange(images + 1, device=features.device))
    place = torch.arange(total, device=features.device) - image_starts[ranked_image]
    fits = (ranked_image < images) & (place < max_segments)
    slot = torch.where(fits, ranked_image * max_segments + place, images * max_segments)
    # From ranked segments to segments to rays: features are then read once, in the order in which they come.
    slot = torch.empty_like(slot).scatter(0, rank, slot)
    slot = torch.empty_like(slot).scatter(0, order, slot[group])
    sums = features.new_zeros(images * max_segments + 1, channels).index_add(0, slot, features)[:-1]
    count = group.new_zeros(images * max_segments + 1).index_add(0, slot, torch.ones_like(slot))[:-1]
    means = sums / count.clamp_min(1)[:, None]
    return means.view(images, max_segments, channels), (count > 0).view(images, max_segments)


def segment_affinity(means: Tensor) -> Tensor:
    r"""Cosine affinity of segments, :math:`C_{mn} = \langle z_m, z_n \rangle / (|z_m| |z_n|)`.

    Args:
        means (Tensor): Shape (I, G, C).

    Returns:
        Tensor: Shape (I, G, G); rows of zero vectors are zero.
    """
    unit = F.normalize(means, dim=-1, eps=1e-6)
    return torch.einsum('igc,ihc->igh', unit, unit)
