"""Samples along rays, prepared once and shared by every volume rendered along the same rays.

Shape letters: B batch, R rays per batch element, N = B*R rays, S samples per ray, M samples inside the grid.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from projects.compute.precision import computed_dtype, full_precision
from projects.compute.tensors import is_fake, numba_usable
from projects.compute.threads import run_over_range

from .cutting import cut_rays_with_numba, cut_rays_with_torch
from .grid import VoxelGrid, locate_cells

#: RadOcc's samples: every 0.2 m from the camera to 57.4 m (half a voxel; author code, see the README of radocc).
DEFAULT_T_RANGE = (0.0, 57.4)
DEFAULT_STEP = 0.2

FIELDS = ('trilinear', 'voxel')


@dataclass(frozen=True)
class RaySamples:
    """Geometry of samples along rays: everything about a render that does not depend on the volume.

    Args:
        t_starts (Tensor): Start of each sample in ray parameter. Shape (1, S), or (N, S) when jittered.
        t_ends (Tensor): End of each sample. Same shape.
        ray_lengths (Tensor): Metres per unit of ray parameter, i.e. the norm of the direction. Shape (B, R).
        ray_offsets (Tensor): Inside samples of ray ``n`` are ``ray_offsets[n]:ray_offsets[n + 1]``. Shape (N + 1,).
        sample_index (Tensor): ``ray * S + bin`` of each kept sample, ascending. Shape (M,), int64.
        sample_base (Tensor): Row of the first corner voxel in the flattened (B*X*Y*Z) volume. Shape (M,), int32.
        sample_frac (Tensor): Position inside the cell of eight voxel centres. Shape (M, 3).
        grid_shape (Tensor): (X, Y, Z) of the grid, on the CPU. Shape (3,), int64.
        sample_inside (Tensor, optional): None when only inside samples are kept. Otherwise all N * S samples are kept
            (M = N * S, shapes do not depend on the data) and this marks those inside the grid. Shape (M,), bool.
        sample_span (Tensor, optional): None for the trilinear field. For voxels of constant density the samples are
            the M pieces of rays between faces of voxels, ``sample_base`` is the row of the voxel, ``sample_index`` and
            ``sample_frac`` are empty, and these are the start and end of each piece. A ray has no gaps. Shape (M, 2).
    """

    t_starts: Tensor
    t_ends: Tensor
    ray_lengths: Tensor
    ray_offsets: Tensor
    sample_index: Tensor
    sample_base: Tensor
    sample_frac: Tensor
    grid_shape: Tensor
    sample_inside: Tensor | None = None
    sample_span: Tensor | None = None

    @property
    def num_samples(self) -> int:
        """Samples per ray, S."""
        return self.t_starts.shape[-1]

    @property
    def t_mids(self) -> Tensor:
        """Where each sample looks into the volume. Shape of ``t_starts``."""
        return 0.5 * (self.t_starts + self.t_ends)

    def as_dict(self) -> dict[str, Tensor]:
        """The tensors by field name, without those that are None."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def from_dict(cls, tensors: dict[str, Tensor]) -> 'RaySamples':
        """Inverse of :meth:`as_dict`; other entries of the dict are ignored.

        Raises:
            KeyError: If a field is missing.
        """
        optional = ('sample_inside', 'sample_span')
        names = [name for name in cls.__dataclass_fields__ if name not in optional]
        missing = [name for name in names if name not in tensors]
        if missing:
            raise KeyError(f'prepared ray samples lack {missing}; call prepare_ray_samples(...).as_dict() first')
        return cls(
            **{name: tensors[name] for name in names},
            sample_inside=tensors.get('sample_inside'),
            sample_span=tensors.get('sample_span'),
        )


def uniform_samples(
    t_range: tuple[float, float] = DEFAULT_T_RANGE,
    step: float = DEFAULT_STEP,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Equal samples over a fixed range of ray parameter.

    Args:
        t_range (tuple[float, float]): First start and last end, in metres of z-depth. Defaults to (0, 57.4).
        step (float): Length of a sample. Defaults to 0.2.
        device (torch.device | str, optional): Device of the result.
        dtype (torch.dtype): Dtype of the result. Defaults to float32.

    Returns:
        tuple[Tensor, Tensor]: ``t_starts`` and ``t_ends``, each (S,) with S = round(range / step).

    Raises:
        ValueError: If the range is empty or the step is not positive.
    """
    if step <= 0 or t_range[1] <= t_range[0]:
        raise ValueError(f'need step > 0 and t_range[0] < t_range[1], got step={step}, t_range={tuple(t_range)}')
    count = max(1, round((t_range[1] - t_range[0]) / step))
    edges = t_range[0] + step * torch.arange(count + 1, device=device, dtype=dtype)
    return edges[:-1], edges[1:]


def jitter_samples(t_starts: Tensor, t_ends: Tensor, num_rays: int) -> tuple[Tensor, Tensor]:
    """Shift all samples of a ray by one random part of their own length (stratified sampling).

    Args:
        t_starts (Tensor): Shape (S,).
        t_ends (Tensor): Shape (S,).
        num_rays (int): N. Drawn from the global torch generator of the device.

    Returns:
        tuple[Tensor, Tensor]: ``t_starts`` and ``t_ends``, each (N, S). The samples stay adjacent.
    """
    shift = (torch.rand(num_rays, 1, device=t_starts.device, dtype=t_starts.dtype) - 0.5) * (t_ends - t_starts)[:1]
    return t_starts + shift, t_ends + shift


def ray_box_intersection(rays_o: Tensor, rays_d: Tensor, grid: VoxelGrid) -> tuple[Tensor, Tensor]:
    """Ray parameters at which rays enter and leave the box of a grid.

    Args:
        rays_o (Tensor): Origins. Shape (..., 3).
        rays_d (Tensor): Directions of any length; zero components are allowed. Shape (..., 3).
        grid (VoxelGrid): The box.

    Returns:
        tuple[Tensor, Tensor]: ``t_near`` and ``t_far``, each (...). A ray misses when ``t_near >= t_far``.
        ``t_near`` is negative when the origin is inside.
    """
    lower, upper = rays_o.new_tensor(grid.lower), rays_o.new_tensor(grid.upper)
    parallel = rays_d == 0
    safe = torch.where(parallel, torch.ones_like(rays_d), rays_d)
    first, second = (lower - rays_o) / safe, (upper - rays_o) / safe
    between = (rays_o >= lower) & (rays_o < upper)
    infinity = torch.full_like(rays_o, float('inf'))
    near = torch.where(parallel, torch.where(between, -infinity, infinity), torch.minimum(first, second))
    far = torch.where(parallel, torch.where(between, infinity, -infinity), torch.maximum(first, second))
    return near.amax(dim=-1), far.amin(dim=-1)


def prepare_ray_samples(
    rays_o: Tensor,
    rays_d: Tensor,
    grid: VoxelGrid,
    t_starts: Tensor,
    t_ends: Tensor,
    align_corners: bool = False,
    packed: bool | None = None,
    field: str = 'trilinear',
) -> RaySamples:
    """Find the samples inside the grid and the voxels they read.

    Args:
        rays_o (Tensor): Ray origins in the frame of the grid. Shape (B, R, 3); rays of batch ``b`` read volume ``b``.
        rays_d (Tensor): Ray directions. Shape (B, R, 3).
        grid (VoxelGrid): The grid of the volumes that will be rendered.
        t_starts (Tensor): Shape (S,), or (B*R, S) when jittered.
        t_ends (Tensor): Like ``t_starts``.
        align_corners (bool): See :meth:`VoxelGrid.world_to_voxel`. Defaults to False.
        packed (bool, optional): True keeps inside samples only (least memory and time). False keeps all, so that no
            shape depends on the data (no device synchronisation, works on fake tensors). Defaults to None: True
            unless the rays are fake tensors.
        field (str): What is rendered along the samples. 'trilinear': logits interpolated between voxel centres.
            'voxel': logits constant in each voxel; rays are cut at its faces and the bins are exact integrals. These
            are different models of the scene, which give different depths. Defaults to 'trilinear'.

    Returns:
        RaySamples: Without gradients.

    Raises:
        ValueError: If shapes do not fit or the field is unknown.
    """
    if field not in FIELDS:
        raise ValueError(f'field must be one of {FIELDS}, got {field!r}')
    if rays_o.dim() != 3 or rays_o.shape[-1] != 3 or rays_d.shape != rays_o.shape:
        raise ValueError(f'rays_o and rays_d must be (B, R, 3), got {tuple(rays_o.shape)} and {tuple(rays_d.shape)}')
    num_rays = rays_o.shape[0] * rays_o.shape[1]
    if t_starts.shape != t_ends.shape or (t_starts.dim() == 2 and t_starts.shape[0] != num_rays):
        raise ValueError(
            f't_starts and t_ends must be (S,) or ({num_rays}, S), got {tuple(t_starts.shape)}, {tuple(t_ends.shape)}'
        )
    with torch.no_grad(), full_precision(rays_o):
        dtype = computed_dtype(rays_o)
        origins, directions = rays_o.detach().to(dtype), rays_d.detach().to(dtype)
        lengths = directions.square().sum(-1).sqrt()
        starts, ends = (t.detach().to(dtype).reshape(-1, t.shape[-1]) for t in (t_starts, t_ends))
        near, far = ray_box_intersection(origins.flatten(0, 1), directions.flatten(0, 1), grid)
        mids = 0.5 * (starts + ends)
        packed = not is_fake(rays_o) if packed is None else packed
        shape = torch.tensor(grid.shape)
        use_numba = packed and numba_usable(origins)
        if field == 'voxel':
            # Every ray meets the first bin at a finite place, also one that misses the grid.
            enter = torch.minimum(torch.maximum(near, starts[:, 0]), ends[:, -1])
            cut = (origins, directions, grid, enter, torch.minimum(far, ends[:, -1]))
            pieces = cut_rays_with_numba(*cut) if use_numba else cut_rays_with_torch(*cut, packed)
            offsets, base, span, inside = pieces
            index, frac = offsets.new_zeros(0), origins.new_zeros(0, 3)
            return RaySamples(starts, ends, lengths, offsets, index, base, frac, shape, inside, span)
        arguments = (origins, directions, grid, mids, near, far, align_corners)
        parts = _locate_with_numba(*arguments) if use_numba else _locate_with_torch(*arguments, packed)
    return RaySamples(starts, ends, lengths, *parts[:4], shape, parts[4])


def _locate_with_torch(
    origins: Tensor,
    directions: Tensor,
    grid: VoxelGrid,
    mids: Tensor,
    near: Tensor,
    far: Tensor,
    align_corners: bool,
    packed: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    batch, rays_per_batch = origins.shape[:2]
    num_rays, num_samples = batch * rays_per_batch, mids.shape[1]
    inside = (mids >= near[:, None]) & (mids < far[:, None])
    if packed:
        index = inside.flatten().nonzero().squeeze(1)
        counts = inside.sum(dim=1)
    else:
        index = torch.arange(num_rays * num_samples, device=origins.device)
        counts = torch.full((num_rays,), num_samples, device=origins.device)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    ray = torch.div(index, num_samples, rounding_mode='floor')
    t = mids.expand(num_rays, num_samples).reshape(-1)[index]
    points = origins.reshape(-1, 3)[ray] + t[:, None] * directions.reshape(-1, 3)[ray]
    batch_index = torch.div(ray, rays_per_batch, rounding_mode='floor').to(torch.int32)
    base, frac = locate_cells(grid.world_to_voxel(points, align_corners), grid.shape, batch_index)
    return offsets, index, base, frac, None if packed else inside.flatten()


def _locate_with_numba(
    origins: Tensor,
    directions: Tensor,
    grid: VoxelGrid,
    mids: Tensor,
    near: Tensor,
    far: Tensor,
    align_corners: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    from . import kernels

    scale, offset = grid.affine(align_corners)
    num_rays = near.shape[0]
    rays = (mids.numpy(), near.numpy(), far.numpy())
    counts = torch.zeros(num_rays + 1, dtype=torch.int64)
    run_over_range(kernels.count_inside, num_rays, *rays, counts.numpy())
    offsets = counts.cumsum(0)
    total = int(offsets[-1])
    index = torch.empty(total, dtype=torch.int64)
    base = torch.empty(total, dtype=torch.int32)
    frac = torch.empty(total, 3, dtype=origins.dtype)
    run_over_range(
        kernels.locate_inside,
        num_rays,
        *rays,
        origins.reshape(-1, 3).contiguous().numpy(),
        directions.reshape(-1, 3).contiguous().numpy(),
        origins.new_tensor(scale).numpy(),
        origins.new_tensor(offset).numpy(),
        grid.shape,
        origins.shape[1],
        offsets.numpy(),
        index.numpy(),
        base.numpy(),
        frac.numpy(),
    )
    return offsets, index, base, frac, None
