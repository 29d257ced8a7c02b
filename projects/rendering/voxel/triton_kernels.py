"""Triton kernels of the render of voxels of constant density; imported on first use only.

One program of one warp per ray. It walks from voxel to voxel (Amanatides and Woo) and stops where the ray is opaque, so
no table of pieces is read or written. Logits are widened in the registers; the density is computed in the voxels that
the ray visits. ``torch.py`` says the same and is what these are tested against.

Names of what the kernels read: ``enters, leaves`` (N,) of ``VoxelRays``, ``lengths`` (N,) in metres per ray parameter,
``t_starts, t_ends`` (1 or N, S) with ``t_stride`` numbers between rays. A piece is what a ray has in one voxel.
"""
# Triton infers the types of the arguments, so the kernels are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

import triton
import triton.language as tl

from projects.rendering.common.triton import OPAQUE, append, opacity, softplus_density


@triton.jit
def _mean_offset(x):
    """As ``torch.mean_offset`` for optical thickness x, and its derivative."""
    value = x * (1 / 2 - x * (1 / 3 - x * (1 / 8 - x * (1 / 30 - x * (1 / 144 - x * (1 / 840))))))
    slope = 1 / 2 - x * (2 / 3 - x * (3 / 8 - x * (2 / 15 - x * (5 / 144 - x * (1 / 140)))))
    through = tl.exp(-x)
    closed = (1.0 - (1.0 + x) * through) / tl.where(x < 0.1, 1.0, x)
    return tl.where(x < 0.1, value, closed), tl.where(x < 0.1, slope, through - closed / x)


@triton.jit
def _cell(place, count):
    return tl.minimum(tl.maximum(tl.floor(place), 0.0), count - 1.0).to(tl.int32)


@triton.jit
def _open_axis(place, direction, enter, leave, size, count):
    """Walk along one axis, from a place in metres from the lower face of the grid.

    Returns the first voxel, the number of faces to cross, the step from voxel to voxel (1 or -1), the ray parameter of
    the face behind the last one that is crossed, and that between faces. Faces are counted, so that rounding cannot
    lead out of the grid, and their parameters come from the count, so that errors do not add up.
    """
    inverse = 1.0 / tl.where(direction == 0, 1.0, direction)
    first, last = _cell((place + enter * direction) / size, count), _cell((place + leave * direction) / size, count)
    step = tl.where(direction > 0, 1, -1)
    left = tl.maximum((last - first) * step, 0)
    face = first + left * step + (direction > 0).to(tl.int32)
    return first, left, step, (face * size - place) * inverse, tl.abs(size * inverse)


@triton.jit
def _open_ray(
    ray, origins, directions, enters, leaves, lower_x, lower_y, lower_z, size_x, size_y, size_z,
    count_x, count_y, count_z, rays_per_batch,
):  # fmt: skip
    """Where a ray begins and ends, its number of pieces, its first voxel, and what ``_next_face`` reads by axis."""
    enter = tl.load(enters + ray)
    leave = tl.maximum(tl.load(leaves + ray), enter)
    origin, direction = origins + 3 * ray, directions + 3 * ray
    x, left_x, step_x, end_x, delta_x = _open_axis(
        tl.load(origin) - lower_x, tl.load(direction), enter, leave, size_x, count_x
    )
    y, left_y, step_y, end_y, delta_y = _open_axis(
        tl.load(origin + 1) - lower_y, tl.load(direction + 1), enter, leave, size_y, count_y
    )
    z, left_z, step_z, end_z, delta_z = _open_axis(
        tl.load(origin + 2) - lower_z, tl.load(direction + 2), enter, leave, size_z, count_z
    )
    voxel = ((ray // rays_per_batch * count_x + x) * count_y + y) * count_z + z
    pieces = tl.where(leave > enter, 1 + left_x + left_y + left_z, 0)
    step_x, step_y = step_x * count_y * count_z, step_y * count_z
    return (
        enter, leave, pieces, voxel, left_x, left_y, left_z, step_x, step_y, step_z,
        end_x, end_y, end_z, delta_x, delta_y, delta_z,
    )  # fmt: skip


@triton.jit
def _next_face(t, leave, left_x, left_y, left_z, end_x, end_y, end_z, delta_x, delta_y, delta_z):
    """Where the piece from t ends, and 1 for the axis whose face is there (0 for the others)."""
    x = tl.where(left_x > 0, end_x - left_x * delta_x, float('inf'))
    y = tl.where(left_y > 0, end_y - left_y * delta_y, float('inf'))
    z = tl.where(left_z > 0, end_z - left_z * delta_z, float('inf'))
    nearest = tl.minimum(x, y)
    stop = tl.maximum(tl.minimum(tl.minimum(nearest, z), leave), t)
    on_z = (z < nearest).to(tl.int32)
    on_y = (y < x).to(tl.int32) * (1 - on_z)
    return stop, 1 - on_y - on_z, on_y, on_z


@triton.jit
def _read_density(row, column, num_classes, scale, LOG_ODDS: tl.constexpr):
    """Density of a voxel per metre, its derivative by the field, and the softmax over occupied classes.

    The field is the free logit, or its log-odds; the derivative of the log-odds by the classes is minus the softmax.
    """
    free = tl.load(row + num_classes).to(tl.float32)
    if LOG_ODDS:
        values = tl.load(row + column, mask=column < num_classes, other=float('-inf')).to(tl.float32)
        top = tl.max(values, axis=0)
        shares = tl.exp(values - top)
        total = tl.sum(shares, axis=0)
        shares = shares / total
        sigma, slope = softplus_density(free - top - tl.log(total), scale)
    else:
        shares = tl.zeros(column.shape, dtype=tl.float32)
        sigma, slope = softplus_density(free, scale)
    return sigma, slope, shares


@triton.jit
def _read_edges(t_starts, t_ends, index, num_samples):
    """Edges of the bins of a block, and its far edge; a bin that is not there overlaps nothing."""
    known = index < num_samples
    starts = tl.load(t_starts + index, mask=known, other=float('inf'))
    ends = tl.load(t_ends + index, mask=known, other=float('-inf'))
    return starts, ends, tl.max(ends, axis=0)


@triton.jit
def _share(amount, t, stop, starts, ends):
    """Amount per ray parameter times the part of each bin from t to stop."""
    overlap = tl.minimum(stop, ends) - tl.maximum(t, starts)
    return tl.where(overlap > 0, amount * overlap, 0.0)


@triton.jit
def _store_weights(weights, index, num_samples, thickness, passed):
    """Write the weights of a block of bins; returns the optical depth behind it."""
    before, _ = tl.associative_scan((tl.zeros_like(thickness), thickness), 0, append)
    weight = tl.exp(-(passed + before)) * opacity(thickness)
    tl.store(weights + index, weight, mask=index < num_samples)
    return passed + tl.sum(thickness, axis=0)


@triton.jit
def _read_bins(t_starts, t_ends, weights, grad_weights, index, num_samples, left, behind):
    """Edges of a block of bins, gradients by their optical thickness, and ``left`` and ``behind`` for the next block.

    It is g_s T_{s+1} - sum_{r > s} g_r w_r, where T_{s+1} is 1 - sum_{r <= s} w_r.
    """
    starts, ends, edge = _read_edges(t_starts, t_ends, index, num_samples)
    weight = tl.load(weights + index, mask=index < num_samples, other=0.0)
    grad = tl.load(grad_weights + index, mask=index < num_samples, other=0.0)
    grads = grad * (left - tl.cumsum(weight, axis=0)) - (behind - tl.cumsum(grad * weight, axis=0))
    return starts, ends, edge, grads, left - tl.sum(weight, axis=0), behind - tl.sum(grad * weight, axis=0)


@triton.jit
def _add_votes(grad, row, column, num_classes, votes, weight, threshold):
    """Add the semantics of a piece to the gradient by its weight; returns it, and the gradients by its classes."""
    amount = tl.zeros_like(votes)
    if weight > threshold:
        values = tl.load(row + column, mask=column < num_classes, other=0.0).to(tl.float32)
        grad += tl.sum(values * votes, axis=0)
        amount = weight * votes
    return grad, amount


@triton.jit
def _pass_piece(grad, grad_depth, thickness, alpha, trans, length, behind):
    """Gradient by the density of a piece but for its bins, and what is left of the sum over the pieces behind it."""
    offset, offset_slope = _mean_offset(thickness)
    behind -= trans * (grad * alpha + grad_depth * length * offset)
    return length * (trans * (grad * tl.exp(-thickness) + grad_depth * length * offset_slope) - behind), behind


@triton.jit
def _add_to_logits(row, column, num_classes, grad_field, amount, shares):
    """Add the gradients of a voxel: of its field to the free logit, of its classes and their shares to the others."""
    amount = tl.where(column == num_classes, grad_field, amount - grad_field * shares)
    wanted = (column <= num_classes) & ((amount == 0) == 0)  # written so that NaN passes
    tl.atomic_add(row + column, amount, mask=wanted, sem='relaxed')


@triton.jit(do_not_specialize=['count_x', 'count_y', 'count_z', 'rays_per_batch', 't_stride', 'num_samples'])
def forward_kernel(
    logits, origins, directions, enters, leaves, lengths, t_starts, t_ends, weights, depths, semantics, opacities,
    lower_x, lower_y, lower_z, size_x, size_y, size_z, count_x, count_y, count_z,
    rays_per_batch, t_stride, num_samples, num_classes, scale, threshold,
    LOG_ODDS: tl.constexpr, WEIGHTS: tl.constexpr, BLOCK_S: tl.constexpr, BLOCK_C: tl.constexpr,
):  # fmt: skip
    """Render one ray: fill weights (N, S) if wanted, depths (N,), semantics (N, K - 1) and opacities (N,)."""
    ray = tl.program_id(0).to(tl.int64)
    (
        t, leave, pieces, voxel, left_x, left_y, left_z, step_x, step_y, step_z,
        end_x, end_y, end_z, delta_x, delta_y, delta_z,
    ) = _open_ray(
        ray, origins, directions, enters, leaves, lower_x, lower_y, lower_z, size_x, size_y, size_z,
        count_x, count_y, count_z, rays_per_batch,
    )  # fmt: skip
    column, per_unit = tl.arange(0, BLOCK_C), tl.load(lengths + ray)
    passed, trans, depth, total = 0.0, 1.0, 0.0, 0.0
    semantic = tl.zeros((BLOCK_C,), dtype=tl.float32)
    if WEIGHTS:
        t_starts, t_ends, weights = t_starts + ray * t_stride, t_ends + ray * t_stride, weights + ray * num_samples
        index, stored = tl.arange(0, BLOCK_S), 0.0
        starts, ends, edge = _read_edges(t_starts, t_ends, index, num_samples)
        bins, ahead = tl.zeros((BLOCK_S,), dtype=tl.float32), num_samples - BLOCK_S
    while pieces > 0:
        stop, on_x, on_y, on_z = _next_face(
            t, leave, left_x, left_y, left_z, end_x, end_y, end_z, delta_x, delta_y, delta_z
        )
        row = logits + voxel * (num_classes + 1)
        sigma, _, _ = _read_density(row, column, num_classes, scale * per_unit, LOG_ODDS)
        thickness = sigma * (stop - t)
        weight = trans * opacity(thickness)
        offset, _ = _mean_offset(thickness)
        depth += weight * t + trans * (stop - t) * offset
        total += weight
        if weight > threshold:
            semantic += weight * tl.load(row + column, mask=column < num_classes, other=0.0).to(tl.float32)
        if WEIGHTS:
            bins += _share(sigma, t, stop, starts, ends)
            while (stop > edge) & (ahead > 0):
                stored = _store_weights(weights, index, num_samples, bins, stored)
                index, ahead = index + BLOCK_S, ahead - BLOCK_S
                starts, ends, edge = _read_edges(t_starts, t_ends, index, num_samples)
                bins = _share(sigma, t, stop, starts, ends)
        t, voxel = stop, voxel + on_x * step_x + on_y * step_y + on_z * step_z
        left_x, left_y, left_z = left_x - on_x, left_y - on_y, left_z - on_z
        passed += thickness
        trans = tl.exp(-passed)
        # Written so that NaN passes.
        pieces = tl.where(trans < OPAQUE, 0, pieces - 1)
    if WEIGHTS:
        stored = _store_weights(weights, index, num_samples, bins, stored)
        while ahead > 0:
            index, ahead = index + BLOCK_S, ahead - BLOCK_S
            stored = _store_weights(weights, index, num_samples, tl.zeros_like(bins), stored)
    tl.store(depths + ray, depth)
    tl.store(opacities + ray, total)
    tl.store(semantics + ray * num_classes + column, semantic, mask=column < num_classes)


@triton.jit(do_not_specialize=['count_x', 'count_y', 'count_z', 'rays_per_batch', 't_stride', 'num_samples'])
def backward_kernel(
    logits, origins, directions, enters, leaves, lengths, t_starts, t_ends,
    weights, grad_weights, grad_depths, grad_semantics, grad_opacities, totals, bin_totals, grad_logits,
    lower_x, lower_y, lower_z, size_x, size_y, size_z, count_x, count_y, count_z,
    rays_per_batch, t_stride, num_samples, num_classes, scale, threshold,
    LOG_ODDS: tl.constexpr, WEIGHTS: tl.constexpr, SEMANTICS: tl.constexpr,
    BLOCK_S: tl.constexpr, BLOCK_C: tl.constexpr,
):  # fmt: skip
    """Walk one ray again, front to back, and add to grad_logits (V, K) in float32 with atomics.

    The formula is in ``numba_kernels.voxel_backward``; its sum over all pieces, ``totals``, is known from the outputs,
    and so is that of the bins, ``bin_totals``.
    """
    ray = tl.program_id(0).to(tl.int64)
    (
        t, leave, pieces, voxel, left_x, left_y, left_z, step_x, step_y, step_z,
        end_x, end_y, end_z, delta_x, delta_y, delta_z,
    ) = _open_ray(
        ray, origins, directions, enters, leaves, lower_x, lower_y, lower_z, size_x, size_y, size_z,
        count_x, count_y, count_z, rays_per_batch,
    )  # fmt: skip
    column, per_unit = tl.arange(0, BLOCK_C), tl.load(lengths + ray)
    grad_depth, grad_opacity = tl.load(grad_depths + ray), tl.load(grad_opacities + ray)
    passed, trans, behind = 0.0, 1.0, tl.load(totals + ray)
    votes = tl.zeros((BLOCK_C,), dtype=tl.float32)
    if SEMANTICS:
        votes = tl.load(grad_semantics + ray * num_classes + column, mask=column < num_classes, other=0.0)
    if WEIGHTS:
        t_starts, t_ends = t_starts + ray * t_stride, t_ends + ray * t_stride
        weights, grad_weights = weights + ray * num_samples, grad_weights + ray * num_samples
        index, ahead = tl.arange(0, BLOCK_S), num_samples - BLOCK_S
        starts, ends, edge, grad_bins, left, bins_behind = _read_bins(
            t_starts, t_ends, weights, grad_weights, index, num_samples, 1.0, tl.load(bin_totals + ray)
        )
    while pieces > 0:
        stop, on_x, on_y, on_z = _next_face(
            t, leave, left_x, left_y, left_z, end_x, end_y, end_z, delta_x, delta_y, delta_z
        )
        row, length = voxel * (num_classes + 1), stop - t
        sigma, slope, shares = _read_density(logits + row, column, num_classes, scale * per_unit, LOG_ODDS)
        thickness = sigma * length
        alpha = opacity(thickness)
        grad, amount = grad_opacity + grad_depth * t, tl.zeros((BLOCK_C,), dtype=tl.float32)
        if SEMANTICS:
            grad, amount = _add_votes(grad, logits + row, column, num_classes, votes, trans * alpha, threshold)
        grad, behind = _pass_piece(grad, grad_depth, thickness, alpha, trans, length, behind)
        if WEIGHTS:
            grad += tl.sum(_share(grad_bins, t, stop, starts, ends), axis=0)
            while (stop > edge) & (ahead > 0):
                index, ahead = index + BLOCK_S, ahead - BLOCK_S
                starts, ends, edge, grad_bins, left, bins_behind = _read_bins(
                    t_starts, t_ends, weights, grad_weights, index, num_samples, left, bins_behind
                )
                grad += tl.sum(_share(grad_bins, t, stop, starts, ends), axis=0)
        _add_to_logits(grad_logits + row, column, num_classes, grad * slope, amount, shares)
        t, voxel = stop, voxel + on_x * step_x + on_y * step_y + on_z * step_z
        left_x, left_y, left_z = left_x - on_x, left_y - on_y, left_z - on_z
        passed += thickness
        trans = tl.exp(-passed)
        pieces = tl.where(trans < OPAQUE, 0, pieces - 1)
