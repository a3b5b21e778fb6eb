"""Choosing positions: the best by a key, ties at random or lowest first, sampled or enumerated."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit
from infodecode._kernels.random import bits_at, counter, uniform

LEFT, SURE, TIED = 0, 1, 2


@njit
def _kth_largest(key, b, allowed, count, buffer):  # type: ignore[no-untyped-def]
    """The ``count``-th largest allowed key of row ``b``."""
    m = 0
    for i in range(key.shape[1]):
        buffer[m] = key[b, i]
        m += allowed[b, i]
    return select_smallest(buffer, m, m - count)


@njit
def select_smallest(values, m, rank):  # type: ignore[no-untyped-def]
    """The value with ``rank`` smaller ones among the first ``m``; they change places (Hoare)."""
    low, high = 0, m - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@njit
def classify_into(key, count, allowed, tolerance, out, need, tied):  # type: ignore[no-untyped-def]
    """Sort positions into left out, surely chosen and tied at the cut; ``need`` of the tied ones.

    Keys within ``tolerance`` of the ``count``-th largest are tied. Fills ``out`` (R, n), and
    ``need`` and ``tied`` (R,).
    """
    n = key.shape[1]
    buffer = np.empty(n, np.float64)
    for b in range(key.shape[0]):
        m = 0
        low, high = np.inf, -np.inf
        for i in range(n):
            ok = allowed[b, i]
            m += ok
            low = min(low, key[b, i] if ok else np.inf)
            high = max(high, key[b, i] if ok else -np.inf)
        take = max(0, min(count[b], m))
        if take == 0 or take == m:
            for i in range(n):
                out[b, i] = SURE if allowed[b, i] and take else LEFT
            need[b] = 0
            tied[b] = 0
            continue
        cut = low if low == high else _kth_largest(key, b, allowed, take, buffer)
        sure, level = 0, 0
        for i in range(n):
            ok = allowed[b, i]
            above = ok and key[b, i] > cut + tolerance
            equal = ok and not above and key[b, i] >= cut - tolerance
            out[b, i] = SURE * above + TIED * equal
            sure += above
            level += equal
        need[b] = take - sure
        tied[b] = level
        if need[b] == level:
            for i in range(n):
                out[b, i] = SURE if out[b, i] else LEFT
            need[b] = 0
            tied[b] = 0


@njit
def settle_lowest_into(classes, need, chosen):  # type: ignore[no-untyped-def]
    """Ties go to the lowest positions."""
    for b in range(classes.shape[0]):
        left = need[b]
        for i in range(classes.shape[1]):
            if classes[b, i] == SURE:
                chosen[b, i] = True
            elif classes[b, i] == TIED and left > 0:
                chosen[b, i] = True
                left -= 1


@njit
def settle_random_into(classes, need, stream, round_, stage, chosen):  # type: ignore[no-untyped-def]
    """A uniformly random subset of the tied: those whose random words are smallest."""
    n = classes.shape[1]
    word = np.empty(n, np.uint64)
    place = np.empty(n, np.int64)
    mixed = np.empty(n, np.uint64)
    last_round = -1
    for b in range(classes.shape[0]):
        for i in range(n):
            chosen[b, i] = classes[b, i] == SURE
        if need[b] == 0:
            continue
        if round_[b] != last_round:
            last_round = round_[b]
            for i in range(n):
                mixed[i] = counter(last_round, stage, i)
        m = 0
        for i in range(n):
            place[m] = i
            word[m] = bits_at(stream[b], mixed[i])
            m += classes[b, i] == TIED
        if need[b] * m <= 256:
            for _ in range(need[b]):
                best = 0
                for k in range(1, m):
                    if word[k] < word[best]:
                        best = k
                chosen[b, place[best]] = True
                m -= 1
                word[best] = word[m]
                place[best] = place[m]
        else:
            order = np.argsort(word[:m])
            for k in range(need[b]):
                chosen[b, place[order[k]]] = True


@njit
def subsets_into(classes, need, first, parent, chosen):  # type: ignore[no-untyped-def]
    """Every way to settle the ties of row ``b`` fills rows ``first[b]`` … of the output."""
    n = classes.shape[1]
    place = np.empty(n, np.int64)
    pick = np.empty(n, np.int64)
    for b in range(classes.shape[0]):
        m = 0
        for i in range(n):
            if classes[b, i] == TIED:
                place[m] = i
                m += 1
        r = need[b]
        for k in range(r):
            pick[k] = k
        for row in range(first[b], first[b + 1]):
            parent[row] = b
            for i in range(n):
                chosen[row, i] = classes[b, i] == SURE
            for k in range(r):
                chosen[row, place[pick[k]]] = True
            k = r - 1
            while k >= 0 and pick[k] == m - r + k:
                k -= 1
            if k >= 0:
                pick[k] += 1
                for j in range(k + 1, r):
                    pick[j] = pick[j - 1] + 1


@njit
def bernoulli_into(probability, allowed, stream, round_, stage, chosen):  # type: ignore[no-untyped-def]
    """Each allowed position on its own, with its probability."""
    for b in range(allowed.shape[0]):
        for i in range(allowed.shape[1]):
            if allowed[b, i]:
                chosen[b, i] = uniform(stream[b], round_[b], stage, i) < probability[b, i]


@njit
def coin_flips_into(certain, open_, first, parent, chosen):  # type: ignore[no-untyped-def]
    """Every subset of the open positions of row ``b``, on top of the certain ones."""
    n = certain.shape[1]
    for b in range(certain.shape[0]):
        for row in range(first[b], first[b + 1]):
            code = row - first[b]
            parent[row] = b
            bit = 0
            for i in range(n):
                chosen[row, i] = certain[b, i]
                if open_[b, i]:
                    chosen[row, i] = (code >> bit) & 1 == 1
                    bit += 1


@njit
def factor_counts_into(confidence, feasible, factor, inclusive, out):  # type: ignore[no-untyped-def]
    """Most positions m of a row with ``(m + 1) (1 - m-th largest confidence) < factor`` (or <=).

    A position passes in groups up to a size of its own; m positions go if m pass in groups of m.
    """
    n = confidence.shape[1]
    passing = np.empty(n + 1, np.int64)
    for b in range(confidence.shape[0]):
        passing[:] = 0
        for i in range(n):
            if not feasible[b, i]:
                continue
            doubt = 1 - confidence[b, i]
            size = n
            if (n + 1) * doubt > factor:
                size = min(n, int(factor / doubt) + 1)
            while size > 0:
                spent = (size + 1) * doubt
                if spent < factor or (inclusive and spent == factor):
                    break
                size -= 1
            passing[size] += 1
        number = 0
        out[b] = 0
        for size in range(n, 0, -1):
            number += passing[size]
            if number >= size:
                out[b] = size
                break
