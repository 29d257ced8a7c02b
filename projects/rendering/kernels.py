"""numba kernels of the renderer; imported on first use only.

Every kernel is serial, releases the GIL and works on rays ``first`` to ``last`` (or on its share of the voxels), see
``backend.run_over_rays``. Names: ``index, base, frac`` are the fields of ``RaySamples``; ``shape`` is (X, Y, Z).
The pure torch code of ``sampling.py``, ``volume.py`` and ``traversal.py`` says the same and is what these are tested
against.
"""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

import math

import numba
import numpy as np

_jit = numba.njit(nogil=True, cache=True, fastmath={'contract', 'nsz', 'arcp', 'reassoc'})

#: Optical thickness after which a ray is over: what is left of it is 2e-9, below the resolution of float32.
_OPAQUE = 20.0


@_jit
def count_inside(first, last, mids, near, far, counts):
    """Write the number of samples of ray ``n`` inside the box to ``counts[n + 1]``."""
    per_ray = mids.shape[0] > 1
    for ray in range(first, last):
        row = ray if per_ray else 0
        total = 0
        for s in range(mids.shape[1]):
            total += near[ray] <= mids[row, s] < far[ray]
        counts[ray + 1] = total


@_jit
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


@_jit
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


@_jit
def _density(value, softplus, scale, one):
    """Density and its derivative, from the interpolated field."""
    if not softplus:
        return -value * scale, -scale
    small = math.exp(-abs(value))
    sigmoid = small / (one + small) if value > 0 else one / (one + small)
    return (math.log1p(small) + (-value if value < 0 else one - one)) * scale, -sigmoid * scale


@_jit
def march_forward(
    first, last, field, logits, corners, offsets, index, base, frac,
    t_mids, deltas, lengths, softplus, scale, threshold, weights, depths, semantics, opacities,
):  # fmt: skip
    """Render: fill weights (N, S) where not zero, depths (N,), semantics (N, K - 1) and opacities (N,)."""
    num_samples, num_classes = weights.shape[1], semantics.shape[1]
    per_ray = t_mids.shape[0] > 1
    one = field.dtype.type(1)
    corner = np.empty(8, field.dtype)
    pending = np.zeros(8, field.dtype)
    for ray in range(first, last):
        row = ray if per_ray else 0
        tau = field.dtype.type(0)
        trans = field.dtype.type(1)
        depth = field.dtype.type(0)
        opacity = field.dtype.type(0)
        open_cell = np.int64(-1)
        for m in range(offsets[ray], offsets[ray + 1]):
            if tau > _OPAQUE:
                break
            s = index[m] - ray * num_samples
            cell = np.int64(base[m])
            _corner_weights(frac, m, corner)
            value = field.dtype.type(0)
            for k in range(8):
                value += corner[k] * field[cell + corners[k]]
            thickness = _density(value, softplus, scale, one)[0] * deltas[row, s] * lengths[ray]
            weight = -math.expm1(-thickness) * trans
            tau += thickness
            trans = math.exp(-tau)
            weights[ray, s] = weight
            depth += weight * t_mids[row, s]
            opacity += weight
            if weight > threshold:
                if cell != open_cell:
                    _add_rows(open_cell, pending, logits, corners, semantics, ray, num_classes)
                    open_cell = cell
                    pending[:] = 0
                for k in range(8):
                    pending[k] += weight * corner[k]
        _add_rows(open_cell, pending, logits, corners, semantics, ray, num_classes)
        depths[ray] = depth
        opacities[ray] = opacity


@_jit
def _add_rows(cell, amounts, logits, corners, semantics, ray, num_classes):
    """Add the rows of a cell, each times its amount; consecutive samples of one cell read its rows once."""
    if cell < 0:
        return
    for k in range(8):
        amount, source = amounts[k], cell + corners[k]
        for c in range(num_classes):
            semantics[ray, c] += amount * logits[source, c]


@_jit
def march_backward(
    first, last, field, logits, corners, offsets, index, base, frac, t_mids, deltas, lengths, softplus, scale,
    threshold, weights, grad_weights, grad_depths, grad_semantics, grad_opacities, has_semantics, grad_values,
):  # fmt: skip
    """Gradient with respect to the interpolated field value of each sample; fills grad_values (M,) where not zero.

    With G_i the gradient of the loss with respect to w_i: dL/d(thickness_i) = G_i T_{i+1} - sum_{j > i} G_j w_j.
    """
    num_samples, num_classes = weights.shape[1], grad_semantics.shape[1]
    per_ray = t_mids.shape[0] > 1
    one = field.dtype.type(1)
    corner = np.empty(8, field.dtype)
    votes = np.empty(8, field.dtype)
    for ray in range(first, last):
        row = ray if per_ray else 0
        behind = field.dtype.type(0)
        stop = offsets[ray]
        tau = field.dtype.type(0)
        open_cell = np.int64(-1)
        # First pass: G_i and T_{i+1}, front to back. grad_values holds G_i for a while.
        for m in range(offsets[ray], offsets[ray + 1]):
            if tau > _OPAQUE:
                break
            stop = m + 1
            s = index[m] - ray * num_samples
            cell = np.int64(base[m])
            _corner_weights(frac, m, corner)
            value = field.dtype.type(0)
            for k in range(8):
                value += corner[k] * field[cell + corners[k]]
            tau += _density(value, softplus, scale, one)[0] * deltas[row, s] * lengths[ray]
            weight = weights[ray, s]
            grad = grad_weights[ray, s] + grad_depths[ray] * t_mids[row, s] + grad_opacities[ray]
            if has_semantics and weight > threshold:
                if cell != open_cell:
                    open_cell = cell
                    for k in range(8):
                        vote = field.dtype.type(0)
                        for c in range(num_classes):
                            vote += logits[cell + corners[k], c] * grad_semantics[ray, c]
                        votes[k] = vote
                for k in range(8):
                    grad += corner[k] * votes[k]
            grad_values[m] = grad
            behind += grad * weight
        tau = field.dtype.type(0)
        for m in range(offsets[ray], stop):
            s = index[m] - ray * num_samples
            cell = np.int64(base[m])
            _corner_weights(frac, m, corner)
            value = field.dtype.type(0)
            for k in range(8):
                value += corner[k] * field[cell + corners[k]]
            density, slope = _density(value, softplus, scale, one)
            delta = deltas[row, s] * lengths[ray]
            tau += density * delta
            behind -= grad_values[m] * weights[ray, s]
            grad_values[m] = (grad_values[m] * math.exp(-tau) - behind) * delta * slope


@_jit
def scatter_backward(
    share, shares, plane, corners, offsets, index, base, frac, threshold, weights, grad_values, grad_semantics,
    has_semantics, grad_field, grad_logits,
):  # fmt: skip
    """Add the gradients of the samples to the voxels of every ``shares``-th x plane, beginning with ``share``.

    Each voxel belongs to one share and sees the samples in ray order, so the sums have the same bits for any number
    of shares and threads.
    """
    num_rays, num_samples = weights.shape
    num_classes = grad_semantics.shape[1]
    corner = np.empty(8, weights.dtype)
    pending = np.zeros(8, weights.dtype)
    for ray in range(num_rays):
        open_cell = np.int64(-1)
        for m in range(offsets[ray], offsets[ray + 1]):
            weight = weights[ray, index[m] - ray * num_samples]
            grad = grad_values[m]
            heavy = has_semantics and weight > threshold
            if grad == 0 and not heavy:
                continue
            cell = np.int64(base[m])
            _corner_weights(frac, m, corner)
            for half in range(2):
                if ((cell + corners[4 * half]) // plane) % shares != share:
                    continue
                for k in range(4 * half, 4 * half + 4):
                    grad_field[cell + corners[k]] += grad * corner[k]
            if heavy:
                if cell != open_cell:
                    _scatter_rows(
                        share, shares, plane, open_cell, pending, corners, grad_semantics, ray, num_classes, grad_logits
                    )
                    open_cell = cell
                    pending[:] = 0
                for k in range(8):
                    pending[k] += weight * corner[k]
        _scatter_rows(share, shares, plane, open_cell, pending, corners, grad_semantics, ray, num_classes, grad_logits)


@_jit
def _scatter_rows(share, shares, plane, cell, amounts, corners, grad_semantics, ray, num_classes, grad_logits):
    if cell < 0:
        return
    for k in range(8):
        target = cell + corners[k]
        if (target // plane) % shares == share:
            for c in range(num_classes):
                grad_logits[target, c] += amounts[k] * grad_semantics[ray, c]


@_jit
def first_hits(first, last, occupied, origins, directions, lower, size, t_min, t_max, cells, t_entry, t_exit):
    """Amanatides-Woo traversal of rays to the first occupied voxel; fills cells (N, 3), t_entry and t_exit (N,)."""
    position = np.empty(3, np.float64)
    step = np.empty(3, np.int64)
    next_t = np.empty(3, np.float64)
    delta_t = np.empty(3, np.float64)
    cell = np.empty(3, np.int64)
    for ray in range(first, last):
        enter, leave = float(t_min), float(t_max)
        for axis in range(3):
            o, d = origins[ray, axis], directions[ray, axis]
            high = lower[axis] + size[axis] * occupied.shape[axis]
            if d == 0:
                if o < lower[axis] or o >= high:
                    leave = -np.inf
            else:
                a, b = (lower[axis] - o) / d, (high - o) / d
                enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
        if not enter < leave:
            continue
        for axis in range(3):
            o, d = origins[ray, axis], directions[ray, axis]
            position[axis] = (o + enter * d - lower[axis]) / size[axis]
            cell[axis] = min(max(math.floor(position[axis]), 0), occupied.shape[axis] - 1)
            step[axis] = 1 if d > 0 else -1
            next_t[axis] = np.inf
            delta_t[axis] = np.inf
            if d != 0:
                face = cell[axis] + (1 if d > 0 else 0)
                next_t[axis] = (lower[axis] + face * size[axis] - o) / d
                delta_t[axis] = size[axis] / abs(d)
        t = enter
        while t < leave:
            axis = 0
            if next_t[1] < next_t[axis]:
                axis = 1
            if next_t[2] < next_t[axis]:
                axis = 2
            if occupied[cell[0], cell[1], cell[2]] and next_t[axis] > t:
                cells[ray, 0], cells[ray, 1], cells[ray, 2] = cell[0], cell[1], cell[2]
                t_entry[ray] = t
                t_exit[ray] = min(next_t[axis], leave)
                break
            t = max(t, next_t[axis])
            cell[axis] += step[axis]
            next_t[axis] += delta_t[axis]
            if cell[axis] < 0 or cell[axis] >= occupied.shape[axis]:
                break
