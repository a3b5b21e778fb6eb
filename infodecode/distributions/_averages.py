"""Entropies that concern many sets of positions at once, without a visit to each of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from infodecode._grouping import group
from infodecode._kernels.entropies import weight_entropy
from infodecode._rounding import nonnegative
from infodecode._typing import Array, FloatArray, IntArray

FEW_OUTCOMES = 16
"""Most outcomes of a table whose mean entropies come from the columns in which they agree."""


def gains_side_by_side(gains: Sequence[FloatArray], copies: Sequence[int]) -> FloatArray:
    r"""`Joint.mean_gains` of independent parts side by side, from those of the parts.

    The next position is in a part of m positions with probability m / n. That part then holds j of
    the k known positions with the hypergeometric probability :math:`p_k(j)`, and

    .. math:: p_{k+1}(j) = p_k(j) \Bigl(1 - \frac{m - 1 - j}{n - 1 - k}\Bigr)
                           + p_k(j - 1)\, \frac{m - j}{n - 1 - k} .

    O(n) for each k.

    Args:
        gains: ``(m,)`` bits of each kind of part.
        copies: how many parts there are of each kind.
    """
    sizes = [len(part) for part in gains]
    n = int(np.dot(sizes, copies))
    value = np.concatenate([c * m / n * g for g, m, c in zip(gains, sizes, copies, strict=True)])
    left = np.concatenate([np.arange(m - 1.0, -1, -1) for m in sizes])
    share = np.zeros(len(left))
    share[np.cumsum(sizes) - sizes] = 1.0
    out = np.empty(n)
    for k in range(n - 1):
        out[k] = value @ share
        others = n - 1 - k
        joined = share[:-1] * (left[:-1] / others)
        share *= (others - left) / others
        share[1:] += joined
    out[n - 1] = value @ share
    return out


def gains_of_few(outcomes: IntArray, probabilities: FloatArray) -> FloatArray:
    r"""`Joint.mean_gains` of a table ``(N, n)`` of at most `FEW_OUTCOMES` outcomes.

    k random positions do not tell the outcomes of B apart with probability
    :math:`q_k(B) = \binom{a}{k} / \binom nk`, a the number of columns in which they all agree. By
    inclusion and exclusion over the classes that positions leave, the mean entropy is

    .. math:: \sum_B q_k(B) \sum_{A \subseteq B} (-1)^{|B| - |A|}\, h(A), \qquad
              h(A) = -\mu(A) \log_2 \mu(A) .

    :math:`N 2^N + n \min(2^N, n)` additions.
    """
    rows, n = outcomes.shape
    sets = 1 << rows
    agreeing, mass = np.zeros(sets, np.int64), np.zeros(sets)
    for column in outcomes.T:
        _, token = np.unique(column, return_inverse=True)
        agreeing[np.bincount(token, np.left_shift(1, np.arange(rows))).astype(np.int64)] += 1
    for row, probability in enumerate(probabilities):
        mass[1 << row : 2 << row] = mass[: 1 << row] + probability
    bits = -mass * np.log2(mass, out=np.zeros(sets), where=mass > 0)
    for row in range(rows):
        inside, beside = _split(agreeing, row), _split(bits, row)
        inside[:, 0] += inside[:, 1]
        beside[:, 1] -= beside[:, 0]
    several = np.bitwise_count(np.arange(sets)) > 1
    columns, kind = np.unique(agreeing[several], return_inverse=True)
    weight = -np.bincount(kind, bits[several])
    alike = np.ones(len(columns))
    out = np.empty(n)
    for k in range(n):
        out[k] = weight @ (alike * ((n - columns) / (n - k)))
        alike *= np.maximum(columns - k, 0) / (n - k)
    return out


def _split(values: FloatArray | IntArray, row: int) -> FloatArray | IntArray:
    """A view ``(., 2, .)`` of an array over sets of outcomes: without the row, and with it."""
    return values.reshape(-1, 2, 1 << row)


def erasures_of_table(outcomes: IntArray, weights: Array) -> FloatArray:
    """`Joint.erasure_entropies` of a table ``(N, n)``, in O(N n).

    Outcomes that differ at one position only agree both before and after it. Where those before it,
    or those after it, are all different, the position adds nothing.
    """
    rows, n = outcomes.shape
    after: list[IntArray] = [np.zeros(rows, np.int64)]
    while len(after) < n and len(np.unique(after[-1])) < rows:
        after.append(_refined(after[-1], outcomes[:, n - len(after)])[0])
    before, first = _refined(after[0], after[0])
    out = np.zeros(n)
    whole = float(weight_entropy(weights))
    for i in range(n):
        if len(first) == rows:
            break
        if n - 1 - i < len(after):
            ids, groups = _refined(before, after[n - 1 - i])
            merged = np.zeros(len(groups), weights.dtype)
            np.add.at(merged, ids, weights)
            out[i] = whole - weight_entropy(merged) if len(groups) < rows else 0.0
        before, first = _refined(before, outcomes[:, i])
    return nonnegative(out, scale=whole)


def _refined(ids: IntArray, column: IntArray) -> tuple[IntArray, IntArray]:
    """Numbers ``(N,)`` of the distinct pairs, and the first row of each."""
    numbers, first = group(np.column_stack([ids, column]).astype(np.uint64))
    return numbers.astype(np.int32), first
