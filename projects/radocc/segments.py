"""Pooling of rays by image segment.

Shape letters: B batch, R rays per sample, N cameras, I = B*N images, G segments kept per image, C channels.
No shape here depends on the data, so nothing waits for the device.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from projects.compute.asynchronous import constant, kept
from projects.compute.precision import computed_dtype

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
    features = features.reshape(total, channels).to(computed_dtype(features))
    slot = _slots(_keys(segment_ids, cam_ids, num_cams, mask), images, min_rays, max_segments)
    sums = features.new_zeros(images * max_segments + 1, channels).index_add(0, slot, features)[:-1]
    ones = kept(_ones, (total,), features)
    count = ones.new_zeros(images * max_segments + 1).index_add_(0, slot, ones)[:-1]
    means = sums / count.clamp_min(1)[:, None]
    return means.view(images, max_segments, channels), (count > 0).view(images, max_segments)


def _ones(count: int, device: torch.device) -> Tensor:
    return torch.ones(count, device=device)


def _places(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device)


def _keys(segment_ids: Tensor, cam_ids: Tensor, num_cams: int, mask: Tensor | None) -> Tensor:
    """A number (B * R,) for each segment of each image, in the order of images; rays without one have the last."""
    batch = len(segment_ids)
    keys = torch.add(segment_ids.long(), cam_ids, alpha=_MAX_ID)
    if batch > 1:
        keys = keys + constant([i * num_cams * _MAX_ID for i in range(batch)], keys).unsqueeze(1)
    counts_in = segment_ids > 0 if mask is None else (segment_ids > 0).logical_and(mask)
    return torch.where(counts_in, keys, constant([batch * num_cams * _MAX_ID], keys)).flatten()


def _slots(keys: Tensor, images: int, min_rays: int, max_segments: int) -> Tensor:
    """Place of the segment of each ray among those that are kept, image by image; ``images * max_segments`` for none.

    Args:
        keys (Tensor): From :func:`_keys`. Shape (T,).
        images (int): I.
        min_rays (int): Segments with fewer rays are dropped.
        max_segments (int): G.

    Returns:
        Tensor: Shape (T,), int64.
    """
    total = len(keys)
    keys, order = keys.sort(stable=True)
    # Where the segment of each ray begins, and minus the number of its rays.
    first = torch.searchsorted(keys, keys)
    minus_size = first - torch.searchsorted(keys, keys, right=True)
    image = torch.div(keys, _MAX_ID, rounding_mode='floor')
    places = kept(_places, (total,), keys)
    # The first ray of a segment stands for it: largest first within each image, all other rays last.
    stands = (first == places) & (minus_size <= -min_rays)
    rank_keys = torch.add(minus_size, image, alpha=total + 1)
    rank_keys, rank = torch.where(stands, rank_keys, constant([images * (total + 1)], keys)).sort(stable=True)
    bounds = constant([i * (total + 1) - total for i in range(images + 1)], keys)
    image = image[rank]
    place = places - torch.searchsorted(rank_keys, bounds)[image]
    fits = (rank_keys < images * (total + 1) - total) & (place < max_segments)
    slot = torch.where(fits, torch.add(place, image, alpha=max_segments), constant([images * max_segments], keys))
    # From ranked segments to segments to rays: features are then read once, in the order in which they come.
    slot = torch.empty_like(slot).scatter_(0, rank, slot)
    return torch.empty_like(slot).scatter_(0, order, slot[first])


def segment_affinity(means: Tensor) -> Tensor:
    r"""Cosine affinity of segments, :math:`C_{mn} = \langle z_m, z_n \rangle / (|z_m| |z_n|)`.

    Args:
        means (Tensor): Shape (I, G, C).

    Returns:
        Tensor: Shape (I, G, G); rows of zero vectors are zero.
    """
    unit = F.normalize(means, dim=-1, eps=1e-6)
    return torch.einsum('igc,ihc->igh', unit, unit)


def affinity_change(means: Tensor) -> Tensor:
    """Affinity of the first of two kinds of means minus that of the second, by one product of matrices.

    Args:
        means (Tensor): Shape (I, G, 2, C).

    Returns:
        Tensor: Shape (I, G, G).
    """
    unit = F.normalize(means, dim=-1, eps=1e-6)
    signed = unit * constant([1, -1], unit).unsqueeze(-1)
    return torch.einsum('igc,ihc->igh', unit.flatten(2), signed.flatten(2))
