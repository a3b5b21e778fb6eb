"""What rounding may do to exact results, in one place."""

from __future__ import annotations

from typing import overload

import numpy as np

from infodecode._typing import Array, FloatArray

ROUNDING = 1e-12
"""What rounding may move: a probability, or a result in bits per bit of the entropies involved."""

ZERO = 1e-14
"""Bits, per bit of the largest entropy involved, below which an exact result counts as 0.0."""

DECODED_ZERO = 1e-13
"""The same for divergences of output laws, whose weights are long products."""


@overload
def nonnegative(bits: float, *, scale: float = 1.0, zero: float = ZERO) -> float: ...
@overload
def nonnegative(bits: FloatArray, *, scale: float = 1.0, zero: float = ZERO) -> FloatArray: ...
def nonnegative(
    bits: float | FloatArray, *, scale: float = 1.0, zero: float = ZERO
) -> float | FloatArray:
    """``bits`` that are proved to be >= 0, with rounding errors turned into exactly 0.0.

    Args:
        bits: a number, or an array of them.
        scale: largest entropy that entered the computation, in bits.
        zero: results up to ``zero * max(1, scale)`` are 0.0.

    Raises:
        ArithmeticError: a value is below zero by more than 1e-12 · max(1, scale). That is a bug in
            the computation, or weights that are no probability law; it is never clamped.
    """
    unit = max(1.0, scale)
    lowest = float(np.min(bits))
    if lowest < -ROUNDING * unit:
        raise ArithmeticError(f"{lowest!r} bits, for a quantity that cannot be negative")
    if isinstance(bits, np.ndarray):
        return np.where(bits <= zero * unit, 0.0, bits)
    return 0.0 if bits <= zero * unit else bits


def at_mode(log2_probabilities: FloatArray, log2_mode: float) -> Array:
    """Which log-probabilities equal the largest one, up to rounding."""
    return np.asarray(log2_probabilities >= log2_mode - ROUNDING * max(1.0, abs(log2_mode)))
