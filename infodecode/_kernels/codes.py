"""Systems of linear equations over GF(2), packed: what the revealed bits of a word determine.

An equation "a sum of bits, plus a constant, is 0" is a row of 64-bit words: bit 0 holds the
constant, bit j + 1 the coefficient of unknown j. The highest bit leads. A reduced system has every
lead in no other equation, so a sum of its equations shows in its leads which ones were added.
"""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def _highest(row):  # type: ignore[no-untyped-def]
    """The highest bit of ``row`` that is set, -1 if none is."""
    for w in range(row.shape[0] - 1, -1, -1):
        if row[w] != 0:
            bit = 63
            while (row[w] >> np.uint64(bit)) & np.uint64(1) == 0:
                bit -= 1
            return 64 * w + bit
    return -1


@njit
def _reduce(row, equations, leads, count):  # type: ignore[no-untyped-def]
    """Clear the leads of the first ``count`` equations in ``row`` by adding those equations."""
    for e in range(count):
        w = leads[e] >> 6
        if (row[w] >> np.uint64(leads[e] & 63)) & np.uint64(1) != 0:
            for v in range(w + 1):
                row[v] ^= equations[e, v]


@njit
def insert(row, equations, leads, count):  # type: ignore[no-untyped-def]
    """Add an equation to a reduced system of ``count``, which stays reduced; ``row`` is used up.

    Returns its lead: 0 if it contradicts the others and -1 if they imply it; then nothing is added.
    """
    _reduce(row, equations, leads, count)
    lead = _highest(row)
    if lead > 0:
        w = lead >> 6
        for e in range(count):
            if (equations[e, w] >> np.uint64(lead & 63)) & np.uint64(1) != 0:
                for v in range(w + 1):
                    equations[e, v] ^= row[v]
        equations[count] = row
        leads[count] = lead
    return lead


@njit
def reduce_into(rows, equations, leads):  # type: ignore[no-untyped-def]
    """The reduced system of ``rows``, which are used up: the number of its equations.

    Where row i contradicts those before it, -1 - i.
    """
    count = 0
    for i in range(rows.shape[0]):
        lead = insert(rows[i], equations, leads, count)
        if lead == 0:
            return -1 - i
        if lead > 0:
            count += 1
    return count


@njit
def _restrict(check, hidden, ones, row):  # type: ignore[no-untyped-def]
    """The equation of one bound bit in the hidden bits alone, into ``row``."""
    parity = np.uint64(0)
    for w in range(check.shape[0]):
        row[w] = check[w] & hidden[w]
        parity ^= check[w] & ones[w]
    for shift in (32, 16, 8, 4, 2, 1):
        parity ^= parity >> np.uint64(shift)
    row[0] |= parity & np.uint64(1)


@njit
def _reveal(canvas, free, bound, checks, hidden, ones, row, equations, leads):  # type: ignore[no-untyped-def]
    """The system that the revealed bits of ``canvas`` leave for its hidden free bits.

    Fills ``hidden`` and ``ones`` with the free bits that are masked and that are 1 (and the
    constant's bit 0). Returns the rank of the revealed positions and the number of equations;
    -1 and 0 where no word has these bits.
    """
    one = np.uint64(1)
    hidden[:] = np.uint64(0)
    ones[:] = np.uint64(0)
    ones[0] = one
    rank = 0
    for j in range(free.shape[0]):
        token = canvas[free[j]]
        bit = one << np.uint64((j + 1) & 63)
        if token < 0:
            hidden[(j + 1) >> 6] |= bit
        else:
            rank += 1
            if token == 1:
                ones[(j + 1) >> 6] |= bit
    count = 0
    for q in range(bound.shape[0]):
        token = canvas[bound[q]]
        if token >= 0:
            _restrict(checks[q], hidden, ones, row)
            row[0] ^= np.uint64(token)
            lead = insert(row, equations, leads, count)
            if lead == 0:
                return -1, 0
            if lead > 0:
                count += 1
    return rank + count, count


@njit
def code_ranks_into(canvases, free, bound, checks, out):  # type: ignore[no-untyped-def]
    """Rank ``(B,)`` of the revealed positions of each canvas, -1 where no word agrees with it.

    Args:
        canvases: (B, n) bits, -1 where masked.
        free: (k,) positions that take any values; they decide the others.
        bound: (r,) the other positions.
        checks: (r, W) what each bound bit is the sum of: bit 0 a constant, bit j + 1 ``free[j]``.
        out: (B,).
    """
    words = checks.shape[1]
    scratch = np.empty((3, words), np.uint64)
    hidden, ones, row = scratch[0], scratch[1], scratch[2]
    equations = np.empty((bound.shape[0], words), np.uint64)
    leads = np.empty(bound.shape[0], np.int64)
    for b in range(canvases.shape[0]):
        out[b], _ = _reveal(canvases[b], free, bound, checks, hidden, ones, row, equations, leads)


@njit
def code_laws_into(canvases, rows, positions, place, free, bound, checks, out):  # type: ignore[no-untyped-def]
    """Laws of bits at masked pairs sorted by row, into zeroed ``out`` (K, 2).

    A bit that the revealed ones determine is certain, any other is a fair coin; zeros where no word
    agrees with the canvas. ``place`` (n,) is j at ``free[j]`` and -1 - q at ``bound[q]``; the rest
    is as in `code_ranks_into`.
    """
    words = checks.shape[1]
    scratch = np.empty((3, words), np.uint64)
    hidden, ones, row = scratch[0], scratch[1], scratch[2]
    equations = np.empty((bound.shape[0], words), np.uint64)
    leads = np.empty(bound.shape[0], np.int64)
    solved = np.empty(free.shape[0], np.int64)
    current = -1
    rank = 0
    count = 0
    for k in range(rows.shape[0]):
        if rows[k] != current:
            current = rows[k]
            rank, count = _reveal(
                canvases[current], free, bound, checks, hidden, ones, row, equations, leads
            )
            solved[:] = -1
            for e in range(count):
                row[:] = equations[e]
                row[leads[e] >> 6] ^= np.uint64(1) << np.uint64(leads[e] & 63)
                if _highest(row) <= 0:
                    solved[leads[e] - 1] = np.int64(row[0])
        if rank < 0:
            continue
        known = np.int64(-1)
        if place[positions[k]] >= 0:
            known = solved[place[positions[k]]]
        else:
            _restrict(checks[-1 - place[positions[k]]], hidden, ones, row)
            _reduce(row, equations, leads, count)
            if _highest(row) <= 0:
                known = np.int64(row[0])
        if known >= 0:
            out[k, known] = 1.0
        else:
            out[k, 0] = 0.5
            out[k, 1] = 0.5


@njit
def complete_words_into(free, bound, checks, words):  # type: ignore[no-untyped-def]
    """Fill in the bound bits of ``words`` (M, n), whose free bits are there."""
    scratch = np.zeros((3, checks.shape[1]), np.uint64)
    ones, none, row = scratch[0], scratch[1], scratch[2]
    for m in range(words.shape[0]):
        ones[:] = np.uint64(0)
        ones[0] = np.uint64(1)
        for j in range(free.shape[0]):
            ones[(j + 1) >> 6] |= np.uint64(words[m, free[j]]) << np.uint64((j + 1) & 63)
        for q in range(bound.shape[0]):
            _restrict(checks[q], none, ones, row)
            words[m, bound[q]] = np.int64(row[0])


@njit
def subset_ranks_into(columns, out):  # type: ignore[no-untyped-def]
    """Ranks of all subsets of ``columns`` (n,), each a vector of bits; subset m has bit i for i.

    Counting up, a subset shares its high members with the one before: only its lowest member is
    new to the basis, which is kept as a stack with the highest members at the bottom.
    """
    n = columns.shape[0]
    basis = np.empty(n, np.int64)
    ranks = np.zeros(n + 1, np.int64)
    out[0] = 0.0
    for mask in range(1, 1 << n):
        lowest = 0
        while (mask >> lowest) & 1 == 0:
            lowest += 1
        rank = ranks[lowest + 1]
        column = columns[lowest]
        for e in range(rank):
            column = min(column, column ^ basis[e])
        if column > 0:
            basis[rank] = column
            rank += 1
        ranks[: lowest + 1] = rank
        out[mask] = rank
