"""numba kernels of trilinear samples: where they are, and their march; imported on first use only.

Every kernel is serial, releases the GIL and works on rays ``first`` to ``last`` (or on its share of the voxels), see
``run_over_range``. Names: ``index, base, frac`` are the ``sample_`` fields of ``TrilinearSamples``; ``shape`` is
(X, Y, Z). The pure torch code of ``torch.py`` says the same and is what these are tested against.
"""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

import numpy as np

from projects.compute.prefetch import LINE, prefetch
from projects.rendering.common.numba_math import OPAQUE, density, jit, opacity, plane_of, real


@jit
def count_inside(first, last, mids, near, far, counts):
    """Write the number of samples of ray ``n`` inside the box to ``counts[n + 1]``."""
    per_ray = mids.shape[0] > 1
    for ray in range(first, last):
        row = ray if per_ray else 0
        total = 0
        for s in range(mids.shape[1]):
            total += near[ray] <= mids[row, s] < far[ray]
        counts[ray + 1] = total


@jit
def locate_inside(
    first, last, mids, near, far, origins, directions, scale, shift, shape, rays_per_batch, offsets, index, base, frac
):
    """Fill index, base and frac of the samples inside the box."""
    per_ray = mids.shape[0] > 1
    num_samples = mids.shape[1]
    for ray in range(first, last):
        row = ray if per_ray else 0
        m = offsets[ray]
        for s in range(num_samples):
            t = mids[row, s]
            if not near[ray] <= t < far[ray]:
                continue
            rows = ray // rays_per_batch
            for axis in range(3):
                coord = (origins[ray, axis] + t * directions[ray, axis]) * scale[axis] + shift[axis]
                coord = min(max(coord, 0.0), shape[axis] - 1.0)
                cell = min(int(coord), max(shape[axis] - 2, 0))
                frac[m, axis] = coord - cell
                rows = rows * shape[axis] + cell
            index[m] = ray * num_samples + s
            base[m] = rows
            m += 1


@jit
def _corner_weights(frac, m, out):
    x, y, z = frac[m, 0], frac[m, 1], frac[m, 2]
    one = frac.dtype.type(1)
    out[0] = (one - x) * (one - y) * (one - z)
    out[1] = (one - x) * (one - y) * z
    out[2] = (one - x) * y * (one - z)
    out[3] = (one - x) * y * z
    out[4] = x * (one - y) * (one - z)
    out[5] = x * (one - y) * z
    out[6] = x * y * (one - z)
    out[7] = x * y * z


@jit
def _interpolate(field, cell, corners, corner):
    value = field.dtype.type(0)
    for k in range(8):
        value += corner[k] * field[cell + corners[k]]
    return value


@jit
def _add_rows(out, logits, cell, corners, corner, weight):
    """Add the interpolated classes, times a weight; the rows are read side by side so that the loop vectorises."""
    a0, a1, a2, a3 = weight * corner[0], weight * corner[1], weight * corner[2], weight * corner[3]
    a4, a5, a6, a7 = weight * corner[4], weight * corner[5], weight * corner[6], weight * corner[7]
    v0, v1, v2, v3 = cell + corners[0], cell + corners[1], cell + corners[2], cell + corners[3]
    v4, v5, v6, v7 = cell + corners[4], cell + corners[5], cell + corners[6], cell + corners[7]
    for c in range(out.shape[0]):
        out[c] += (
            a0 * real(logits[v0, c]) + a1 * real(logits[v1, c])
            + a2 * real(logits[v2, c]) + a3 * real(logits[v3, c])
            + a4 * real(logits[v4, c]) + a5 * real(logits[v5, c])
            + a6 * real(logits[v6, c]) + a7 * real(logits[v7, c])
        )  # fmt: skip


@jit
def _dot_rows(grad, logits, cell, corners, a):
    """Product of a vector with the interpolated classes."""
    v0, v1, v2, v3 = cell + corners[0], cell + corners[1], cell + corners[2], cell + corners[3]
    v4, v5, v6, v7 = cell + corners[4], cell + corners[5], cell + corners[6], cell + corners[7]
    a0, a1, a2, a3, a4, a5, a6, a7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
    total = grad.dtype.type(0)
    for c in range(grad.shape[0]):
        total += grad[c] * (
            a0 * real(logits[v0, c]) + a1 * real(logits[v1, c])
            + a2 * real(logits[v2, c]) + a3 * real(logits[v3, c])
            + a4 * real(logits[v4, c]) + a5 * real(logits[v5, c])
            + a6 * real(logits[v6, c]) + a7 * real(logits[v7, c])
        )  # fmt: skip
    return total


#: Samples between a prefetch and its use.
_AHEAD = 4


@jit
def _prefetch_rows(rows, cell, corners):
    """Ask for the rows of a cell; two corners that differ in z lie side by side."""
    for k in range(0, 8, 2):
        for c in range(0, 2 * rows.shape[1], LINE):
            prefetch(rows, cell + corners[k], c)


@jit
def march_forward(
    first, last, field, logits, corners, offsets, index, base, frac,
    t_mids, deltas, lengths, mode, scale, threshold, weights, depths, semantics, opacities,
):  # fmt: skip
    """Render: fill depths (N,), opacities (N,), and add to weights (N, S or 0) and semantics (N, K - 1)."""
    num_samples = deltas.shape[1]
    per_ray, keep_weights = t_mids.shape[0] > 1, weights.shape[1] > 0
    one = field.dtype.type(1)
    corner = np.empty(8, field.dtype)
    for ray in range(first, last):
        row = ray if per_ray else 0
        semantic = semantics[ray]
        trans = field.dtype.type(1)
        depth = field.dtype.type(0)
        total = field.dtype.type(0)
        for m in range(offsets[ray], offsets[ray + 1]):
            if trans < OPAQUE:
                break
            s = index[m] - ray * num_samples
            cell = np.int64(base[m])
            _corner_weights(frac, m, corner)
            value = _interpolate(field, cell, corners, corner)
            alpha = opacity(density(value, mode, scale, one)[0] * deltas[row, s] * lengths[ray])
            weight = alpha * trans
            trans *= one - alpha
            depth += weight * t_mids[row, s]
            total += weight
            if keep_weights:
                weights[ray, s] = weight
            if weight > threshold:
                _add_rows(semantic, logits, cell, corners, corner, weight)
        depths[ray] = depth
        opacities[ray] = total


@jit
def march_backward(
    first, last, field, logits, corners, offsets, index, base, frac, t_mids, deltas, lengths, mode, scale, threshold,
    grad_weights, grad_depths, grad_semantics, grad_opacities, totals, has_semantics, sample_weights, grad_values,
):  # fmt: skip
    """Gradient with respect to the interpolated field of each sample, front to back, with nothing saved by the render.

    With G_i the gradient of the loss with respect to w_i: dL/d(thickness_i) = G_i T_{i+1} - sum_{j > i} G_j w_j, and
    the sum over all samples, ``totals`` (N,), is known from the outputs. Fills sample_weights (M,) of samples heavy
    enough for semantics and grad_values (M,), where not zero.
    """
    num_samples = deltas.shape[1]
    last_sample = offsets[last]
    per_ray, has_weights = t_mids.shape[0] > 1, grad_weights.shape[1] > 0
    one = field.dtype.type(1)
    corner = np.empty(8, field.dtype)
    for ray in range(first, last):
        row = ray if per_ray else 0
        grad_semantic = grad_semantics[ray]
        grad_depth, grad_opacity = grad_depths[ray], grad_opacities[ray]
        behind = totals[ray]
        trans = field.dtype.type(1)
        for m in range(offsets[ray], offsets[ray + 1]):
            if trans < OPAQUE:
                break
            s = index[m] - ray * num_samples
            cell = np.int64(base[m])
            _corner_weights(frac, m, corner)
            value = _interpolate(field, cell, corners, corner)
            sigma, slope = density(value, mode, scale, one)
            delta = deltas[row, s] * lengths[ray]
            alpha = opacity(sigma * delta)
            weight = alpha * trans
            trans *= one - alpha
            grad = grad_depth * t_mids[row, s] + grad_opacity
            if has_weights:
                grad += grad_weights[ray, s]
            if has_semantics and weight > threshold:
                if m + _AHEAD < last_sample:
                    _prefetch_rows(logits, np.int64(base[m + _AHEAD]), corners)
                grad += _dot_rows(grad_semantic, logits, cell, corners, corner)
                sample_weights[m] = weight
            behind -= grad * weight
            grad_values[m] = (grad * trans - behind) * delta * slope


@jit
def scatter_gradients(
    share, owners, plane, corners, offsets, base, frac, sample_weights, grad_values, grad_semantics, has_semantics,
    grad_logits,
):  # fmt: skip
    """Add the gradients of the samples to the voxels of the x planes that belong to ``share``; owners has all planes.

    Each voxel belongs to one share and sees the samples in ray order, so the sums have the same bits for any number
    of shares and threads. The gradient of the field goes to the last column.
    """
    num_classes = grad_semantics.shape[1]
    corner = np.empty(8, grad_logits.dtype)
    next_plane = corners[4] // plane
    last_sample = offsets[-1]
    for ray in range(grad_semantics.shape[0]):
        grad_semantic = grad_semantics[ray]
        for m in range(offsets[ray], offsets[ray + 1]):
            x = plane_of(base[m], plane)
            near, far = owners[x] == share, owners[x + next_plane] == share
            if not (near or far):
                continue
            grad, weight = grad_values[m], sample_weights[m]
            heavy = has_semantics and weight > 0
            if grad == 0 and not heavy:
                continue
            cell = np.int64(base[m])
            if m + _AHEAD < last_sample:
                _prefetch_rows(grad_logits, np.int64(base[m + _AHEAD]), corners)
            _corner_weights(frac, m, corner)
            for k in range(0 if near else 4, 8 if far else 4):
                target = grad_logits[cell + corners[k]]
                target[num_classes] += grad * corner[k]
                if heavy:
                    amount = weight * corner[k]
                    for c in range(num_classes):
                        target[c] += amount * grad_semantic[c]
