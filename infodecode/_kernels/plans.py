"""What plans are made of: positions of open blocks, what is due there, prefixes within a budget."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def picked(mask, yes, no):  # type: ignore[no-untyped-def]
    """``numpy.where(mask, yes, no)`` of arrays ``(R, n)`` of one type, which never branches."""
    out = np.empty_like(yes)
    for b in range(mask.shape[0]):
        for i in range(mask.shape[1]):
            first, second = yes[b, i], no[b, i]
            out[b, i] = first if mask[b, i] else second
    return out


@njit
def kept(mask, values):  # type: ignore[no-untyped-def]
    """``numpy.where(mask, values, 0)`` of an array ``(R, n)``."""
    out = np.empty_like(values)
    zero = values.dtype.type(0)
    for b in range(mask.shape[0]):
        for i in range(mask.shape[1]):
            value = values[b, i]
            out[b, i] = value if mask[b, i] else zero
    return out


@njit
def spread(mask, values):  # type: ignore[no-untyped-def]
    """``numpy.where(mask, values[:, None], 0)`` of numbers ``(R,)``, one for each row."""
    out = np.empty(mask.shape, values.dtype)
    zero = values.dtype.type(0)
    for b in range(mask.shape[0]):
        for i in range(mask.shape[1]):
            out[b, i] = values[b] if mask[b, i] else zero
    return out


@njit
def last_in_row(mask):  # type: ignore[no-untyped-def]
    """``(R,)``: one more than the last true column, 0 if there is none."""
    out = np.zeros(mask.shape[0], np.int64)
    for b in range(mask.shape[0]):
        last = 0
        for i in range(mask.shape[1]):
            last = max(last, (i + 1) * mask[b, i])
        out[b] = last
    return out


@njit
def within(start, end, n):  # type: ignore[no-untyped-def]
    """``(R, n)``: positions from ``start[b]`` to before ``end[b]``."""
    out = np.empty((start.shape[0], n), np.bool_)
    for b in range(start.shape[0]):
        for i in range(n):
            out[b, i] = start[b] <= i < end[b]
    return out


@njit
def closed_masks(canvas, feasible, start):  # type: ignore[no-untyped-def]
    """``(R,)``: whether a masked position before ``start[b]`` is not feasible."""
    out = np.empty(canvas.shape[0], np.bool_)
    for b in range(canvas.shape[0]):
        closed = False
        for i in range(min(start[b], canvas.shape[1])):
            closed |= (canvas[b, i] < 0) & (not feasible[b, i])
        out[b] = closed
    return out


@njit
def first_due(waiting, feasible, level, starts):  # type: ignore[no-untyped-def]
    """``(R, n)``: feasible positions whose level is the lowest of those waiting in their block.

    ``level`` is that of each position, ``(n,)``, and ``starts`` the first position of each block.
    """
    rows, n = waiting.shape
    out = np.empty((rows, n), np.bool_)
    beyond = level.max() + 1
    for b in range(rows):
        for k in range(starts.shape[0]):
            begin = starts[k]
            end = starts[k + 1] if k + 1 < starts.shape[0] else n
            lowest = beyond
            for i in range(begin, end):
                lowest = min(lowest, level[i] + (beyond - level[i]) * (not waiting[b, i]))
            for i in range(begin, end):
                out[b, i] = feasible[b, i] & (level[i] == lowest)
    return out


@njit
def sort_carrying(values, carried, begin, end):  # type: ignore[no-untyped-def]
    """Sort ``values[begin:end]`` ascending in place; ``carried`` moves along (Shell's gaps)."""
    gap = 1
    while gap < (end - begin) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(begin + gap, end):
            value, companion = values[i], carried[i]
            j = i
            while j >= begin + gap and values[j - gap] > value:
                values[j] = values[j - gap]
                carried[j] = carried[j - gap]
                j -= gap
            values[j] = value
            carried[j] = companion
        gap //= 3


@njit
def entropy_prefixes_into(  # type: ignore[no-untyped-def]
    score, entropy, feasible, scored, budget, tolerance, key, count
):
    """Longest prefix of a ranking whose entropies, but for the largest, add up to ``budget``.

    Feasible positions are ranked by ``score``, largest first, if ``scored``; those of equal score,
    or all, by entropy, lowest first. Neighbours within ``tolerance`` are equal. Fills ``key``
    (R, n), the larger the earlier, equal for what is equal in both, and ``count`` (R,).
    """
    rows, n = entropy.shape
    place = np.empty(n + 1, np.int64)
    value = np.empty(n + 1, np.float64)
    for b in range(rows):
        m = 0
        for i in range(n):
            key[b, i] = -n
            place[m] = i
            value[m] = -score[b, i] if scored else 0.0
            m += feasible[b, i]
        if scored:
            sort_carrying(value, place, 0, m)
        count[b] = 0
        total = largest = 0.0
        rank = 0
        begin = 0
        while begin < m:
            end = begin + 1
            while end < m and value[end] - value[end - 1] <= tolerance:
                end += 1
            for k in range(begin, end):
                value[k] = entropy[b, place[k]]
            sort_carrying(value, place, begin, end)
            for k in range(begin, end):
                if k > begin and value[k] - value[k - 1] > tolerance:
                    rank += 1
                key[b, place[k]] = -rank
                total += value[k]
                largest = max(largest, value[k])
                count[b] += total - largest <= budget
            rank += 1
            begin = end
