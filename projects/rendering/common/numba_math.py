"""Arithmetic that the numba kernels share: exponentials, the density and the field it is a function of."""
# numba infers the types of the arguments, so they are not annotated:
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code=no-untyped-def

import math

import numpy as np
from numba import types
from numba.extending import overload

from projects.compute.kernels import kernel

#: Kernels are serial, release the GIL and do not assume that numbers are finite. Quotients follow IEEE 754: a check for
#: zero would keep the compiler from vector instructions.
jit = kernel(error_model='numpy', fastmath={'contract', 'nsz', 'arcp', 'reassoc'})

#: Transmittance under which a ray is over, below the resolution of float32.
OPAQUE = 2e-9

#: What the density is a function of: the free logit, the log-odds of free space, or its log-probability.
FREE_LOGIT, LOG_ODDS, LOG_PROBABILITY = 0, 1, 2
DENSITY_FIELDS = {'softplus_free': FREE_LOGIT, 'log_odds': LOG_ODDS, 'prob': LOG_PROBABILITY}


def real(x):
    """Number of a logit, which may be a bfloat16: NumPy has no such type, so its bits arrive as a uint16."""
    return x


@overload(real)
def _real(x):
    if x != types.uint16:
        return lambda x: x
    return lambda x: np.uint32(np.uint32(x) << np.uint32(16)).view(np.float32)


def exp(x):
    """Exponential; in float32 a polynomial (relative error 1e-7) that the compiler turns into vector instructions."""
    return math.exp(x)


@overload(exp)
def _exp(x):
    if x != types.float32:
        return lambda x: math.exp(x)
    f = np.float32
    # Cephes expf: x = n ln 2 + r, with ln 2 in two parts, and a polynomial in r.
    per_ln2, ln2_high, ln2_low = f(1.4426950408889634), f(0.693359375), f(-2.12194440e-4)
    c0, c1, c2 = f(1.9875691500e-4), f(1.3981999507e-3), f(8.3334519073e-3)
    c3, c4, c5 = f(4.1665795894e-2), f(1.6666665459e-1), f(5.0000001201e-1)
    largest, smallest, half, one, bias, mantissa = f(88.0), f(-87.0), f(0.5), f(1), f(127), f(2**23)

    def impl(x):
        # Written so that NaN passes.
        below = largest if x > largest else x
        inside = smallest if x < smallest else below
        n = np.floor(inside * per_ln2 + half)
        r = inside - n * ln2_high - n * ln2_low
        p = ((((c0 * r + c1) * r + c2) * r + c3) * r + c4) * r + c5
        return (p * r * r + r + one) * np.int32((n + bias) * mantissa).view(np.float32)

    return impl


def log1p(x):
    """log(1 + x) for x in [0, 1]; in float32 a polynomial (relative error 2e-7)."""
    return math.log1p(x)


@overload(log1p)
def _log1p(x):
    if x != types.float32:
        return lambda x: math.log1p(x)
    f = np.float32
    # 2 artanh(z) with z = x / (2 + x) at most 1/3, as a power series.
    c1, c2, c3, c4, c5, c6 = f(2 / 3), f(2 / 5), f(2 / 7), f(2 / 9), f(2 / 11), f(2 / 13)
    two = f(2)

    def impl(x):
        z = x / (two + x)
        q = z * z
        return z * (two + q * (c1 + q * (c2 + q * (c3 + q * (c4 + q * (c5 + q * c6))))))

    return impl


def opacity(x):
    """1 - exp(-x) for x >= 0 without cancellation; in float32 a polynomial (relative error 1e-7) for small x."""
    return -math.expm1(-x)


@overload(opacity)
def _opacity(x):
    if x != types.float32:
        return lambda x: -math.expm1(-x)
    f = np.float32
    c2, c3, c4, c5, c6, c7 = f(1 / 2), f(1 / 6), f(1 / 24), f(1 / 120), f(1 / 720), f(1 / 5040)
    one, small = f(1), f(0.5)

    def impl(x):
        if x > small:
            return one - exp(-x)
        return x * (one - x * (c2 - x * (c3 - x * (c4 - x * (c5 - x * (c6 - x * c7))))))

    return impl


def plane_of(row, plane):
    """The x plane in which a voxel is. Rows of 32 bits are divided as such, several times faster than 64."""
    return row // plane


@overload(plane_of)
def _plane_of(row, plane):
    if row == types.int32:
        return lambda row, plane: np.int64(np.uint32(row) // np.uint32(plane))
    return lambda row, plane: row // plane


@jit
def mark_voxels(first, last, base, wanted):
    """Mark the voxels in which the first corners of samples ``first`` to ``last`` are."""
    for m in range(first, last):
        wanted[base[m]] = True


@jit
def fill_field(first, last, logits, mode, wanted, field):
    """Density field of the wanted voxels; in the order of memory, several times faster than in the order of rays."""
    num_classes = logits.shape[1] - 1
    one = field.dtype.type(1)
    for row in range(first, last):
        if not wanted[row]:
            continue
        top = real(logits[row, 0])
        for c in range(1, num_classes):
            top = real(logits[row, c]) if real(logits[row, c]) > top else top
        total = one - one
        for c in range(num_classes):
            total += exp(real(logits[row, c]) - top)
        value = real(logits[row, num_classes]) - top - math.log(total)
        if mode == LOG_PROBABILITY:
            value = min(value, one - one) - log1p(exp(-abs(value)))
        field[row] = value


@jit
def density(value, mode, scale, one):
    """Density and its derivative, from the interpolated field."""
    if mode == LOG_PROBABILITY:
        return -value * scale, -scale
    small = exp(-abs(value))
    inverse = one / (one + small)
    sigmoid = small * inverse if value > 0 else inverse
    return (log1p(small) + (-value if value < 0 else one - one)) * scale, -sigmoid * scale


@jit
def finish_gradients(first, last, field, logits, mode, grad_logits):
    """Pass the gradient of the field, which stands in the last column of ``grad_logits``, on to all classes.

    With p the softmax over the occupied classes, d(log-odds)/d(logits) is (-p, 1); the log-probability has the
    probability of being occupied as a further factor.
    """
    num_classes = logits.shape[1] - 1
    one = field.dtype.type(1)
    for row in range(first, last):
        grad = grad_logits[row, num_classes]
        if grad == 0:
            continue
        value = field[row]
        if mode == LOG_PROBABILITY:
            grad *= one - exp(value)
            # log-odds from log p: log p - log(1 - p)
            value = value - math.log(-math.expm1(value))
        log_sum = real(logits[row, num_classes]) - value
        for c in range(num_classes):
            grad_logits[row, c] -= grad * exp(real(logits[row, c]) - log_sum)
        grad_logits[row, num_classes] = grad
