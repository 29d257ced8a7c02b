"""numba kernels of the render of voxels of constant density; imported on first use only.

Every kernel is serial, releases the GIL and works on rays ``first`` to ``last`` (or on its share of the voxels), see
``run_over_range``. Names: ``base, span`` are ``piece_voxel, piece_span`` of ``VoxelPieces``. The pure torch code of
``torch.py`` says the same and is what these are tested against.

A ray is read in blocks of pieces into small buffers, and stops after the block in which nothing is left of it. What is
expensive (exponentials and quotients) is then done for a whole block or ray with vector instructions; only sums run in
order. The optical thickness of bins is summed from their shares of the pieces, so no piece is cut.
"""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

import numpy as np
from numba import types
from numba.extending import overload

from projects.compute.prefetch import LINE, prefetch
from projects.rendering.common.numba_math import (
    FREE_LOGIT,
    LOG_PROBABILITY,
    OPAQUE,
    density,
    exp,
    jit,
    opacity,
    plane_of,
    real,
)

#: Pieces that are read before the next look at what is left of the ray.
_BLOCK = 64
#: Pieces between a prefetch and its use.
_AHEAD = 4


@jit
def _exponentials(x):
    for j in range(x.shape[0]):
        x[j] = exp(-x[j])


@jit
def _opacities(thickness, out):
    for j in range(thickness.shape[0]):
        out[j] = opacity(thickness[j])


@jit
def _mean_offsets(thickness, out, slopes):
    for j in range(thickness.shape[0]):
        out[j], slopes[j] = mean_offset(thickness[j])


@jit
def _densities(values, slopes, mode, scale, one):
    """Turn values of the field into densities; the mode is a constant in each loop so that it vectorises."""
    if mode == LOG_PROBABILITY:
        for j in range(values.shape[0]):
            values[j], slopes[j] = density(values[j], LOG_PROBABILITY, scale, one)
    else:
        for j in range(values.shape[0]):
            values[j], slopes[j] = density(values[j], FREE_LOGIT, scale, one)


@jit
def _read_ray(field, base, span, per_unit, mode, scale, one, thickness, slopes, trans, alphas, starts, lengths):
    """Fill what is known of the pieces of one ray before light ends; returns their number.

    That is the optical thickness, its derivative by the field, what is left of the ray before the piece, the opacity,
    and where it starts and its length in ray parameter.
    """
    total, count = one - one, 0
    for block in range(0, base.shape[0], _BLOCK):
        stop = min(block + _BLOCK, base.shape[0])
        values, slope, left = thickness[block:stop], slopes[block:stop], trans[block:stop]
        length, rows, spans = lengths[block:stop], base[block:stop], span[block:stop]
        for j in range(stop - block):
            values[j] = field[rows[j]]
        for j in range(stop - block):
            starts[block + j] = spans[j, 0]
            length[j] = spans[j, 1] - spans[j, 0]
        _densities(values, slope, mode, scale, one)
        for j in range(stop - block):
            values[j] *= length[j] * per_unit
        for j in range(stop - block):
            slope[j] *= length[j] * per_unit
        for j in range(stop - block):
            left[j] = total
            total += values[j]
        _exponentials(left)
        _opacities(values, alphas[block:stop])
        count = stop
        if left[stop - block - 1] < OPAQUE:
            break
    return count


@jit
def _share_among_bins(span, begin, count, thickness, starts, ends, bins):
    """Optical thickness of each bin, from the parts of pieces in it; returns how many bins come to the last one."""
    s, num_samples = 0, ends.shape[0]
    bins[:] = 0
    for j in range(count):
        start, stop = span[begin + j, 0], span[begin + j, 1]
        while s < num_samples - 1 and ends[s] <= start:
            s += 1
        if stop <= ends[s]:
            bins[s] += thickness[j]
            continue
        sigma = thickness[j] / (stop - start)
        while s < num_samples:
            bins[s] += sigma * (min(stop, ends[s]) - max(start, starts[s]))
            if s == num_samples - 1 or stop <= ends[s]:
                break
            s += 1
    return s + 1


@jit
def _pass_bin(s, left, behind, weights, grads):
    """Gradient with respect to the optical thickness of bin s, and what is left of the ray and of the sum behind it."""
    left, behind = left - weights[s], behind - grads[s] * weights[s]
    return grads[s] * left - behind, left, behind


@jit
def _collect_from_bins(span, begin, count, weights, grads, starts, ends, grad_thickness):
    """Adjoint of the weights of the bins of a ray, added to the gradients of its pieces.

    With respect to the optical thickness of bin s it is g_s T_{s+1} - sum_{r > s} g_r w_r, where T_{s+1} is
    1 - sum_{r <= s} w_r; a piece has shares of the bins it passes as in ``_share_among_bins``.
    """
    s, num_samples = 0, ends.shape[0]
    left, behind = grads.dtype.type(1), grads.dtype.type(0)
    for r in range(num_samples):
        behind += grads[r] * weights[r]
    grad_bin, left, behind = _pass_bin(s, left, behind, weights, grads)
    for j in range(count):
        start, stop = span[begin + j, 0], span[begin + j, 1]
        while s < num_samples - 1 and ends[s] <= start:
            s += 1
            grad_bin, left, behind = _pass_bin(s, left, behind, weights, grads)
        if stop <= ends[s]:
            grad_thickness[j] += grad_bin
            continue
        grad = grad_bin * (ends[s] - max(start, starts[s]))
        while s < num_samples - 1 and ends[s] < stop:
            s += 1
            grad_bin, left, behind = _pass_bin(s, left, behind, weights, grads)
            grad += grad_bin * (min(stop, ends[s]) - starts[s])
        grad_thickness[j] += grad / (stop - start)


def mean_offset(x):
    """Mean distance to the end of a ray in a piece, times its opacity, and the derivative; in lengths of the piece.

    (1 - (1 + x) exp(-x)) / x for optical thickness x, as a series where the difference would cancel.
    """
    raise NotImplementedError('for numba only; see torch.mean_offset')


@overload(mean_offset)
def _mean_offset(x):
    # Constants of the type of x: an integer would turn all into float64.
    f = np.float32 if x == types.float32 else np.float64
    one, small, v1, v2, v3, v4, v5, v6 = (f(v) for v in (1, 0.1, 1 / 2, 1 / 3, 1 / 8, 1 / 30, 1 / 144, 1 / 840))
    d2, d3, d4, d5, d6 = (f(v) for v in (2 / 3, 3 / 8, 2 / 15, 5 / 144, 1 / 140))

    def impl(x):
        if x < small:
            value = x * (v1 - x * (v2 - x * (v3 - x * (v4 - x * (v5 - x * v6)))))
            return value, v1 - x * (d2 - x * (d3 - x * (d4 - x * (d5 - x * d6))))
        through = exp(-x)
        value = (one - (one + x) * through) / x
        return value, through - value / x

    return impl


@jit
def _buffers(offsets, first, last, dtype):
    """Room for eight numbers for each piece of the longest ray."""
    longest = 0
    for ray in range(first, last):
        longest = max(longest, offsets[ray + 1] - offsets[ray])
    return np.empty((8, longest), dtype)


@jit
def _prefetch_row(rows, row):
    for c in range(0, rows.shape[1], LINE):
        prefetch(rows, row, c)


@jit
def voxel_forward(
    first, last, field, logits, offsets, base, span, starts, ends, lengths,
    mode, scale, threshold, weights, depths, semantics, opacities,
):  # fmt: skip
    """Render: fill depths (N,) and opacities (N,); weights (N, S or 0) and semantics (N, K - 1) come as zeros.

    Weights of bins behind the last piece of a ray stay zero.
    """
    one, per_ray = field.dtype.type(1), starts.shape[0] > 1
    room = _buffers(offsets, first, last, field.dtype)
    # One by one: what unpacking gives is not known to be contiguous.
    thickness, slopes, trans, alphas = room[0], room[1], room[2], room[3]
    begins, steps, inner, inner_slopes = room[4], room[5], room[6], room[7]
    bins = np.empty(weights.shape[1], field.dtype)
    for ray in range(first, last):
        begin, end, row = offsets[ray], offsets[ray + 1], ray if per_ray else 0
        count = _read_ray(
            field, base[begin:end], span[begin:end], lengths[ray], mode, scale, one,
            thickness, slopes, trans, alphas, begins, steps,
        )  # fmt: skip
        _mean_offsets(thickness[:count], inner, inner_slopes)
        depth, total = one - one, one - one
        for j in range(count):
            total += trans[j] * alphas[j]
            depth += trans[j] * (alphas[j] * begins[j] + steps[j] * inner[j])
        depths[ray] = depth
        opacities[ray] = total
        semantic = semantics[ray]
        for j in range(count):
            weight = trans[j] * alphas[j]
            if weight > threshold:
                if j + _AHEAD < count:
                    _prefetch_row(logits, base[begin + j + _AHEAD])
                classes = logits[base[begin + j]]
                for c in range(semantic.shape[0]):
                    semantic[c] += weight * real(classes[c])
        if bins.shape[0] > 0:
            used = _share_among_bins(span, begin, count, thickness, starts[row], ends[row], bins)
            left, total = weights[ray, :used], one - one
            for s in range(used):
                left[s] = total
                total += bins[s]
            _exponentials(left)
            for s in range(used):
                left[s] *= opacity(bins[s])


@jit
def voxel_backward(
    first, last, field, logits, offsets, base, span, starts, ends, lengths, mode, scale, threshold, weights,
    grad_weights, grad_depths, grad_semantics, grad_opacities, has_semantics, sample_weights, grad_values,
):  # fmt: skip
    """Gradient with respect to the field of each piece; the rays are read again, only weights of bins are saved.

    A piece adds T E(s) to the loss, with E(s) = G (1 - exp(-s)) + g_depth l offset(s) and G the gradient with respect
    to its weight; so dL/ds_i = T_i E_i'(s_i) - sum_{j > i} T_j E_j. Fills sample_weights (M,) of pieces heavy enough
    for semantics, zero for others, and grad_values (M,).
    """
    one, per_ray = field.dtype.type(1), starts.shape[0] > 1
    room = _buffers(offsets, first, last, field.dtype)
    # One by one: what unpacking gives is not known to be contiguous.
    thickness, slopes, trans, alphas = room[0], room[1], room[2], room[3]
    begins, steps, inner, inner_slopes = room[4], room[5], room[6], room[7]
    for ray in range(first, last):
        begin, end, row = offsets[ray], offsets[ray + 1], ray if per_ray else 0
        count = _read_ray(
            field, base[begin:end], span[begin:end], lengths[ray], mode, scale, one,
            thickness, slopes, trans, alphas, begins, steps,
        )  # fmt: skip
        _mean_offsets(thickness[:count], inner, inner_slopes)
        grads, heavy = grad_values[begin:end], sample_weights[begin:end]
        grad_depth, grad_opacity, votes = grad_depths[ray], grad_opacities[ray], grad_semantics[ray]
        for j in range(count):
            grads[j] = grad_opacity + grad_depth * begins[j]
        for j in range(count):
            weight = trans[j] * alphas[j]
            heavy[j] = weight if has_semantics and weight > threshold else one - one
        for j in range(count):
            if heavy[j] > 0:
                if j + _AHEAD < count:
                    _prefetch_row(logits, base[begin + j + _AHEAD])
                classes, vote = logits[base[begin + j]], one - one
                for c in range(votes.shape[0]):
                    vote += votes[c] * real(classes[c])
                grads[j] += vote
        for j in range(count):
            inner[j] = trans[j] * (grads[j] * alphas[j] + grad_depth * steps[j] * inner[j])
        for j in range(count):
            grads[j] = trans[j] * (grads[j] * (one - alphas[j]) + grad_depth * steps[j] * inner_slopes[j])
        if grad_weights.shape[1] > 0:
            _collect_from_bins(span, begin, count, weights[ray], grad_weights[ray], starts[row], ends[row], grads)
        behind = one - one
        for j in range(count - 1, -1, -1):
            grads[j] = (grads[j] - behind) * slopes[j]
            behind += inner[j]
        for j in range(count, end - begin):
            grads[j] = 0
            heavy[j] = 0


@jit
def scatter_voxels(
    share, owners, plane, offsets, base, sample_weights, grad_values, grad_semantics, has_semantics, grad_logits
):
    """As ``trilinear.numba_kernels.scatter_gradients``, with one voxel for each piece."""
    num_classes = grad_semantics.shape[1]
    for ray in range(grad_semantics.shape[0]):
        votes = grad_semantics[ray]
        for m in range(offsets[ray], offsets[ray + 1]):
            grad, weight = grad_values[m], sample_weights[m]
            if (grad == 0 and weight == 0) or owners[plane_of(base[m], plane)] != share:
                continue
            if m + _AHEAD < offsets[ray + 1]:
                _prefetch_row(grad_logits, base[m + _AHEAD])
            target = grad_logits[base[m]]
            target[num_classes] += grad
            if has_semantics and weight > 0:
                for c in range(num_classes):
                    target[c] += weight * votes[c]
