"""Kernel for the best round sizes when a round's cost depends on how much is known before it."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def best_starts_into(gains, starts):  # type: ignore[no-untyped-def]
    r"""Best sizes for every number of rounds T = 1..n at once.

    .. math:: \min_{s_1 + \dots + s_T = n} \sum_t s_t\, h(a_t),
              \qquad a_t = s_1 + \dots + s_{t-1}, \; s_t \ge 1

    With w(a, b) = (b - a) h(a), the cost of a round that takes a known positions to b, and f_t(b)
    the least cost of b positions in t rounds, f_t(b) = min over a < b of f_{t-1}(a) + w(a, b).
    For a < b < c < d,

    .. math:: w(a, d) + w(b, c) - w(a, c) - w(b, d) = (d - c)\,(h(a) - h(b)) \ge 0

    as h is nonincreasing. So if starting the last round at b is at least as good as at a < b when
    it ends at c, it stays so when it ends at d > c: the best start never decreases with the end.
    Ends are therefore solved coarsest first, each searching only between the best starts of its
    solved neighbours: O(n log n) for each t, where the plain recursion takes O(n**2).

    Args:
        gains: (n,) h, nonincreasing, nonnegative.
        starts: (n, n + 1) integers; ``starts[t - 1, b]`` is filled, for b = t..n, with the start
            of the last of t rounds that cover b positions; follow it back from (T, n).
    """
    length = gains.shape[0]
    before = np.empty(length + 1)
    after = np.empty(length + 1)
    for b in range(length + 1):
        before[b] = b * gains[0]
        starts[0, b] = 0
    for t in range(2, length + 1):
        ends = length - t + 1
        step = 1
        while 2 * step <= ends:
            step *= 2
        while step > 0:
            for r in range(step, ends + 1, 2 * step):
                b = t - 1 + r
                low = np.int64(t - 1)
                if r > step:
                    low = np.int64(starts[t - 1, b - step])
                high = np.int64(b - 1)
                if r + step <= ends and starts[t - 1, b + step] < high:
                    high = np.int64(starts[t - 1, b + step])
                best = np.inf
                for a in range(low, high + 1):
                    cost = before[a] + (b - a) * gains[a]
                    if cost < best:
                        best = cost
                        starts[t - 1, b] = a
                after[b] = best
            step //= 2
        before, after = after, before


@njit
def sizes_into(starts, sizes):  # type: ignore[no-untyped-def]
    """Follow ``starts`` of `best_starts_into` back: sizes (T,) of the best T rounds."""
    end = starts.shape[1] - 1
    for t in range(sizes.shape[0] - 1, -1, -1):
        start = np.int64(starts[t, end])
        sizes[t] = end - start
        end = start
