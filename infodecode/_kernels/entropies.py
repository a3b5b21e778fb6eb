"""Entropies of weight vectors, in bits, without losing digits to long sums.

Weights are int64 counts or float64 masses; they need not be normalised. Sums of counts are
exact; sums of floats carry what rounding drops in a second float. For counts that correction is
identically zero and the compiler removes it, so one kernel serves both.
"""

from __future__ import annotations

import math

import numpy as np

from infodecode._kernels.jit import njit


@njit
def two_sum_error(a, b, total):  # type: ignore[no-untyped-def]
    """What ``total = a + b`` lost to rounding, exactly (Knuth's TwoSum)."""
    part = total - a
    return (a - (total - part)) + (b - part)


@njit
def total_weight(weights):  # type: ignore[no-untyped-def]
    """Sum of ``weights`` (K,): exact for counts, compensated for floats."""
    total = weights.dtype.type(0)
    lost = weights.dtype.type(0)
    for weight in weights:
        grown = total + weight
        lost += two_sum_error(total, weight, grown)
        total = grown
    return total + lost


@njit
def weight_entropy_of(weights, total):  # type: ignore[no-untyped-def]
    """`weight_entropy` of ``weights`` (K,) that are known to add up to ``total``."""
    scale = float(total)
    positive = 0
    ones = 0
    last = weights.dtype.type(0)
    term = 0.0
    bits = 0.0
    lost = 0.0
    for weight in weights:
        if weight == 1:
            ones += 1
        elif weight > 0:
            positive += 1
            if weight != last:
                last = weight
                term = weight * math.log2(scale / weight)
            grown = bits + term
            lost += two_sum_error(bits, term, grown)
            bits = grown
    if positive + ones <= 1:
        return 0.0
    return (bits + (lost + ones * math.log2(scale))) / scale


@njit
def weight_entropy(weights):  # type: ignore[no-untyped-def]
    r"""Shannon entropy in bits of ``weights`` (K,), zeros allowed, not necessarily normalised.

    .. math:: H = \frac1W \sum_k w_k \log_2 \frac W{w_k}, \qquad W = \sum_k w_k

    No term is negative, so nothing cancels and the error is a few ulps of max(H, 1). A single
    outcome gives exactly 0.0; runs of equal weights cost one logarithm, counts of 1 none.
    """
    return weight_entropy_of(weights, total_weight(weights))


@njit
def position_weights(outcomes, weights, width):  # type: ignore[no-untyped-def]
    """Weights ``(n, width)`` of the values at each position: outcomes (N, n), weights (N,)."""
    rows, length = outcomes.shape
    out = np.zeros((length, width), weights.dtype)
    lost = np.zeros((length, width), weights.dtype)
    for row in range(rows):
        weight = weights[row]
        for i in range(length):
            value = outcomes[row, i]
            before = out[i, value]
            after = before + weight
            lost[i, value] += two_sum_error(before, weight, after)
            out[i, value] = after
    return out + lost
