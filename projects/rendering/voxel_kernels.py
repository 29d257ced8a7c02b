"""numba kernels of the render of voxels of constant density; imported on first use only.

Every kernel is serial, releases the GIL and works on rays ``first`` to ``last`` (or on its share of the voxels), see
``backend.run_over_rays``. Names: ``index, base, span`` are the fields of ``RaySamples``. The pure torch code of
``voxel.py`` says the same and is what these are tested against.
"""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

import math

import numpy as np

from .kernel_math import OPAQUE, density, jit, opacity


@jit
def walk_voxels(
    first, last, origins, directions, near, far, lower, size, shape, rays_per_batch, starts, ends, fill,
    offsets, index, base, span,
):  # fmt: skip
    """Cut rays at the faces of voxels (Amanatides and Woo) and at the edges of bins.

    Without ``fill`` writes the number of pieces of ray ``n`` to ``offsets[n + 1]``; with it fills index, base and span.
    """
    per_ray, num_samples = starts.shape[0] > 1, starts.shape[1]
    cell, step = np.empty(3, np.int64), np.empty(3, np.int64)
    next_t, delta_t = np.empty(3, np.float64), np.empty(3, np.float64)
    for ray in range(first, last):
        row = ray if per_ray else 0
        m = offsets[ray] if fill else 0
        t, leave = max(near[ray], starts[row, 0]), min(far[ray], ends[row, num_samples - 1])
        for axis in range(3):
            o, d = float(origins[ray, axis]), float(directions[ray, axis])
            position = (o + t * d - lower[axis]) / size[axis] if t < leave else 0.0
            cell[axis] = min(max(math.floor(position), 0), shape[axis] - 1)
            step[axis] = 1 if d > 0 else -1
            next_t[axis] = np.inf
            delta_t[axis] = np.inf
            if d != 0:
                next_t[axis] = (lower[axis] + (cell[axis] + (1 if d > 0 else 0)) * size[axis] - o) / d
                delta_t[axis] = size[axis] / abs(d)
        s = 0
        while t < leave:
            axis = 0
            if next_t[1] < next_t[axis]:
                axis = 1
            if next_t[2] < next_t[axis]:
                axis = 2
            face = min(next_t[axis], leave)
            voxel = ((ray // rays_per_batch * shape[0] + cell[0]) * shape[1] + cell[1]) * shape[2] + cell[2]
            while t < face:
                while s < num_samples - 1 and ends[row, s] <= t:
                    s += 1
                stop = min(face, ends[row, s]) if s < num_samples - 1 else face
                if fill:
                    index[m] = ray * num_samples + s
                    base[m] = voxel
                    span[m, 0] = t
                    span[m, 1] = stop
                m += 1
                t = stop
            cell[axis] += step[axis]
            next_t[axis] += delta_t[axis]
            if cell[axis] < 0 or cell[axis] >= shape[axis]:
                break
        if not fill:
            offsets[ray + 1] = m


@jit
def _mean_offset(s, through, one):
    """Mean distance to the end of a ray in a piece, times its opacity, and the derivative; in lengths of the piece.

    (1 - (1 + s) exp(-s)) / s for optical thickness s, as a series where the difference would cancel.
    """
    if s < one / 10:
        half, third = one / 2, one / 3
        value = s * (half - s * (third - s * (one / 8 - s * (one / 30 - s * (one / 144 - s * (one / 840))))))
        slope = half - s * (
            one * 2 / 3 - s * (one * 3 / 8 - s * (one * 2 / 15 - s * (one * 5 / 144 - s * (one / 140))))
        )
        return value, slope
    value = (one - (one + s) * through) / s
    return value, through - value / s


@jit
def voxel_forward(
    first, last, field, logits, offsets, index, base, span, num_samples, lengths,
    mode, scale, threshold, weights, depths, semantics, opacities,
):  # fmt: skip
    """Render: fill depths (N,), opacities (N,), and add to weights (N, S or 0) and semantics (N, K - 1)."""
    keep_weights, num_classes = weights.shape[1] > 0, semantics.shape[1]
    one = field.dtype.type(1)
    for ray in range(first, last):
        trans, depth, total = one, one - one, one - one
        sigma, last_voxel = one - one, np.int64(-1)
        amount, open_voxel = one - one, np.int64(-1)
        for m in range(offsets[ray], offsets[ray + 1]):
            if trans < OPAQUE:
                break
            voxel = np.int64(base[m])
            start, length = span[m, 0], span[m, 1] - span[m, 0]
            if voxel != last_voxel:
                sigma, last_voxel = density(field[voxel], mode, scale, one)[0] * lengths[ray], voxel
            thickness = sigma * length
            alpha = opacity(thickness)
            weight = alpha * trans
            depth += weight * start + trans * length * _mean_offset(thickness, one - alpha, one)[0]
            total += weight
            trans *= one - alpha
            if keep_weights:
                weights[ray, index[m] - ray * num_samples] += weight
            if weight > threshold:
                if voxel != open_voxel:
                    if amount > 0:
                        for c in range(num_classes):
                            semantics[ray, c] += amount * logits[open_voxel, c]
                    amount, open_voxel = one - one, voxel
                amount += weight
        if amount > 0:
            for c in range(num_classes):
                semantics[ray, c] += amount * logits[open_voxel, c]
        depths[ray] = depth
        opacities[ray] = total


@jit
def voxel_backward(
    first, last, field, logits, offsets, index, base, span, num_samples, lengths, mode, scale, threshold,
    grad_weights, grad_depths, grad_semantics, grad_opacities, totals, has_semantics, sample_weights, grad_values,
):  # fmt: skip
    """Gradient with respect to the field of each piece, front to back, with nothing saved by the render.

    A piece adds T E(s) to the loss, with E(s) = G (1 - exp(-s)) + g_depth l offset(s) and G the gradient with respect
    to its weight; so dL/ds_i = T_i E_i'(s_i) - sum_{j > i} T_j E_j, and the sum over all pieces is known from the
    outputs.
    """
    has_weights, num_classes = grad_weights.shape[1] > 0, grad_semantics.shape[1]
    one = field.dtype.type(1)
    for ray in range(first, last):
        trans, behind = one, totals[ray]
        sigma, slope, vote, has_vote, last_voxel = one, one, one, False, np.int64(-1)
        for m in range(offsets[ray], offsets[ray + 1]):
            if trans < OPAQUE:
                break
            voxel = np.int64(base[m])
            start, length = span[m, 0], span[m, 1] - span[m, 0]
            if voxel != last_voxel:
                sigma, slope = density(field[voxel], mode, scale, one)
                sigma, slope = sigma * lengths[ray], slope * lengths[ray]
                has_vote, last_voxel = False, voxel
            thickness = sigma * length
            alpha = opacity(thickness)
            weight = alpha * trans
            grad = grad_opacities[ray] + grad_depths[ray] * start
            if has_weights:
                grad += grad_weights[ray, index[m] - ray * num_samples]
            if has_semantics and weight > threshold:
                if not has_vote:
                    vote, has_vote = one - one, True
                    for c in range(num_classes):
                        vote += grad_semantics[ray, c] * logits[voxel, c]
                grad += vote
                sample_weights[m] = weight
            offset, offset_slope = _mean_offset(thickness, one - alpha, one)
            inner = grad_depths[ray] * length
            behind -= trans * (grad * alpha + inner * offset)
            step = trans * (grad * (one - alpha) + inner * offset_slope) - behind
            grad_values[m] = step * length * slope
            trans *= one - alpha


@jit
def scatter_voxels(
    share, shares, plane, block, offsets, base, sample_weights, grad_values, grad_semantics, has_semantics, grad_logits
):
    """As ``march_kernels.scatter_gradients``, with one voxel for each piece."""
    num_classes = grad_semantics.shape[1]
    for ray in range(grad_semantics.shape[0]):
        for m in range(offsets[ray], offsets[ray + 1]):
            voxel = np.int64(base[m])
            if (voxel // plane // block) % shares != share:
                continue
            grad, weight = grad_values[m], sample_weights[m]
            if grad != 0:
                grad_logits[voxel, num_classes] += grad
            if has_semantics and weight > 0:
                for c in range(num_classes):
                    grad_logits[voxel, c] += weight * grad_semantics[ray, c]
