"""Arithmetic that the Triton kernels of both fields share. Imported on first use only."""
# Triton infers the types of the arguments, so the functions are not annotated:
# ruff: noqa: ANN001, ANN201
# mypy: disable-error-code=no-untyped-def

import triton
import triton.language as tl

#: Transmittance under which a ray is over, below the resolution of float32.
OPAQUE = tl.constexpr(2e-9)


@triton.jit
def log1p(x):
    """log(1 + x) for x in [0, 1] as 2 artanh(x / (2 + x)), a power series (relative error 2e-7)."""
    z = x / (2.0 + x)
    q = z * z
    return z * (2.0 + q * (2 / 3 + q * (2 / 5 + q * (2 / 7 + q * (2 / 9 + q * (2 / 11 + q * (2 / 13)))))))


@triton.jit
def opacity(x):
    """1 - exp(-x) for x >= 0 without cancellation, by a series for small x (relative error 1e-7)."""
    series = x * (1.0 - x * (1 / 2 - x * (1 / 6 - x * (1 / 24 - x * (1 / 120 - x * (1 / 720 - x * (1 / 5040)))))))
    return tl.where(x > 0.5, 1.0 - tl.exp(-x), series)


@triton.jit
def softplus_density(value, scale):
    """Density ``scale * softplus(-value)`` and its derivative by the value of the field."""
    small = tl.exp(-tl.abs(value))
    sigmoid = tl.where(value > 0, small, 1.0) / (1.0 + small)
    return scale * (log1p(small) + tl.where(value < 0, -value, 0.0)), -scale * sigmoid


@triton.jit
def append(before, total, next_before, next_total):
    """Scan of (0, x) to the sums before and with each x; a difference would cancel behind an opaque sample."""
    return total + next_before, total + next_total
