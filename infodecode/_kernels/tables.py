"""Conditional marginals of a table: add the weights of the outcomes that agree with a canvas.

An *order* of a pattern (a set of revealed positions) lists the outcomes sorted by their revealed
fields, so that the outcomes agreeing with a canvas are one run of it, found by bisection.
"""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def refine_order_into(order, column, width, out):  # type: ignore[no-untyped-def]
    """Stable counting sort of the rows in ``order`` by ``column`` (values below ``width``)."""
    start = np.zeros(width + 1, np.int64)
    for r in range(column.shape[0]):
        start[column[r] + 1] += 1
    for v in range(width):
        start[v + 1] += start[v]
    for k in range(order.shape[0]):
        row = order[k]
        v = column[row]
        out[start[v]] = row
        start[v] += 1


@njit
def _compare(keys, row, mask, canvas_key, b):  # type: ignore[no-untyped-def]
    for w in range(keys.shape[1] - 1, -1, -1):
        left = keys[row, w] & mask[b, w]
        right = canvas_key[b, w]
        if left < right:
            return -1
        if left > right:
            return 1
    return 0


@njit
def _first_at_least(keys, order, mask, canvas_key, b, bound, low, high):  # type: ignore[no-untyped-def]
    """First place in ``order[low:high]`` whose comparison with the canvas is at least ``bound``."""
    while low < high:
        middle = (low + high) // 2
        if _compare(keys, order[middle], mask, canvas_key, b) < bound:
            low = middle + 1
        else:
            high = middle
    return low


@njit
def _run(keys, order, mask, canvas_key, b):  # type: ignore[no-untyped-def]
    """The run of ``order`` that agrees with canvas ``b``; its end is found by doubling steps."""
    size = order.shape[0]
    begin = _first_at_least(keys, order, mask, canvas_key, b, 0, 0, size)
    low, step = begin, 1
    while low + step <= size and _compare(keys, order[low + step - 1], mask, canvas_key, b) == 0:
        low += step
        step *= 2
    end = _first_at_least(keys, order, mask, canvas_key, b, 1, low, min(size, low + step))
    return begin, end


@njit
def marginal_weights_into(  # type: ignore[no-untyped-def]
    tokens, weights, keys, orders, slot, mask, canvas_key, start, position, out, total
):
    """Weights of each value at the asked positions, among the outcomes agreeing with each canvas.

    ``tokens`` (N, n) are the outcomes in any integer type. Canvas ``d`` is ``canvas_key[d]`` under
    ``mask[d]``; its pairs are ``start[d]:start[d+1]`` of ``position``; ``slot[d]`` is a row of
    ``orders``, or -1 to scan every outcome. Fills zeroed ``out`` (pairs, V), and ``total``
    (canvases,) with the weight of all agreeing outcomes.
    """
    for d in range(slot.shape[0]):
        first, last = start[d], start[d + 1]
        if slot[d] >= 0:
            order = orders[slot[d]]
            begin, end = _run(keys, order, mask, canvas_key, d)
            for k in range(begin, end):
                row = order[k]
                weight = weights[row]
                total[d] += weight
                for p in range(first, last):
                    out[p, tokens[row, position[p]]] += weight
        else:
            for row in range(tokens.shape[0]):
                if _compare(keys, row, mask, canvas_key, d) == 0:
                    weight = weights[row]
                    total[d] += weight
                    for p in range(first, last):
                        out[p, tokens[row, position[p]]] += weight
