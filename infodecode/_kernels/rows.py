"""Short rows: numpy's reductions and `nonzero` along a short last axis, without their overhead."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def any_in_row(mask):  # type: ignore[no-untyped-def]
    """``mask.any(axis=1)``."""
    out = np.zeros(mask.shape[0], np.bool_)
    for b in range(mask.shape[0]):
        found = False
        for i in range(mask.shape[1]):
            found |= mask[b, i]
        out[b] = found
    return out


@njit
def count_in_row(mask):  # type: ignore[no-untyped-def]
    """``mask.sum(axis=1)``."""
    out = np.zeros(mask.shape[0], np.int64)
    for b in range(mask.shape[0]):
        count = 0
        for i in range(mask.shape[1]):
            count += mask[b, i]
        out[b] = count
    return out


@njit
def pairs_of(mask):  # type: ignore[no-untyped-def]
    """``numpy.nonzero(mask)``: rows and columns of the true entries, sorted by row.

    Every entry is written and only true ones are kept, hence the spare slot at the end.
    """
    count = 0
    for b in range(mask.shape[0]):
        for i in range(mask.shape[1]):
            count += mask[b, i]
    rows, columns = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
    k = 0
    for b in range(mask.shape[0]):
        for i in range(mask.shape[1]):
            rows[k] = b
            columns[k] = i
            k += mask[b, i]
    return rows[:count], columns[:count]


@njit
def empty_rows(laws):  # type: ignore[no-untyped-def]
    """Numbers of the rows that are zero throughout."""
    empty = np.empty(laws.shape[0], np.int64)
    count = 0
    for k in range(laws.shape[0]):
        zero = True
        for v in range(laws.shape[1]):
            if laws[k, v] != 0.0:
                zero = False
                break
        if zero:
            empty[count] = k
            count += 1
    return empty[:count]
