"""Contrast of colours, from the formulas of WCAG 2.1."""

import numpy as np


def linear(colour):
    """sRGB as hex to linear light, (3,), by the formula of WCAG 2."""
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """(lighter + 0.05) / (darker + 0.05) of the relative luminances."""
    a, b = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (first, second))
    return (b + 0.05) / (a + 0.05)
