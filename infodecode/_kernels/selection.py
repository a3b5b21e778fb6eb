"""Choosing positions: the best by a key, ties at random or lowest first, sampled or enumerated."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit
from infodecode._kernels.random import bits_at, counter, uniform_at

LEFT, SURE, TIED = 0, 1, 2


@njit
def select_smallest(values, m, rank):  # type: ignore[no-untyped-def]
    """The value with ``rank`` smaller ones among the first ``m``, which change places.

    Quickselect around the median of three, in passes that swap every value and never branch on
    one: first those below the pivot to the front, then those equal to it.
    """
    if rank == 0 or rank == m - 1:
        smallest = largest = values[0]
        for i in range(m):
            smallest = min(smallest, values[i])
            largest = max(largest, values[i])
        return largest if rank else smallest
    low, high = 0, m - 1
    while low < high:
        a, b, c = values[low], values[(low + high) // 2], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        end = low
        for i in range(low, high + 1):
            value = values[i]
            values[i] = values[end]
            values[end] = value
            end += value < pivot
        if rank < end:
            high = end - 1
            continue
        low = end
        for i in range(low, high + 1):
            value = values[i]
            values[i] = values[end]
            values[end] = value
            end += value <= pivot
        if rank < end:
            return pivot
        low = end
    return values[rank]


@njit
def classify_into(key, count, allowed, tolerance, out, need, tied):  # type: ignore[no-untyped-def]
    """Sort positions into left out, surely chosen and tied at the cut; ``need`` of the tied ones.

    Keys within ``tolerance`` of the ``count``-th largest are tied. Fills ``out`` (R, n), and
    ``need`` and ``tied`` (R,).
    """
    n = key.shape[1]
    values = np.empty(n + 1, np.float64)
    for b in range(key.shape[0]):
        m = 0
        for i in range(n):
            values[m] = key[b, i]
            m += allowed[b, i]
        take = max(0, min(count[b], m))
        need[b] = 0
        tied[b] = 0
        if take == 0 or take == m:
            for i in range(n):
                out[b, i] = SURE if allowed[b, i] and take else LEFT
            continue
        cut = values[0]
        others = 0
        for k in range(m):
            others += values[k] != cut
        if others > 0:
            cut = select_smallest(values, m, m - take)
        sure, reaching = 0, 0
        for i in range(n):
            reaches = allowed[b, i] and key[b, i] >= cut - tolerance
            above = allowed[b, i] and key[b, i] > cut + tolerance
            out[b, i] = TIED * reaches - SURE * above
            sure += above
            reaching += reaches
        if reaching > take:
            need[b] = take - sure
            tied[b] = reaching - sure
        else:
            for i in range(n):
                out[b, i] = SURE if out[b, i] else LEFT


@njit
def settle_lowest_into(classes, need, chosen):  # type: ignore[no-untyped-def]
    """Ties go to the lowest positions."""
    for b in range(classes.shape[0]):
        left = need[b]
        if left == 0:
            for i in range(classes.shape[1]):
                chosen[b, i] = classes[b, i] == SURE
            continue
        for i in range(classes.shape[1]):
            taken = classes[b, i] == TIED and left > 0
            chosen[b, i] = taken or classes[b, i] == SURE
            left -= taken


@njit
def settle_random_into(classes, need, stream, round_, stage, chosen):  # type: ignore[no-untyped-def]
    """A uniformly random subset of the tied: those whose random words are smallest."""
    n = classes.shape[1]
    place = np.empty(n + 1, np.int64)
    words, copies = np.empty(n, np.uint64), np.empty(n, np.uint64)
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
            m += classes[b, i] == TIED
        for k in range(m):
            copies[k] = mixed[place[k]]
        for k in range(m):
            words[k] = bits_at(stream[b], copies[k])
            copies[k] = words[k]
        cut = select_smallest(copies, m, need[b] - 1)
        for k in range(m):
            chosen[b, place[k]] = words[k] <= cut


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
    n = allowed.shape[1]
    mixed = np.empty(n, np.uint64)
    last_round = -1
    for b in range(allowed.shape[0]):
        if round_[b] != last_round:
            last_round = round_[b]
            for i in range(n):
                mixed[i] = counter(last_round, stage, i)
        for i in range(n):
            number = uniform_at(stream[b], mixed[i])
            chosen[b, i] = allowed[b, i] and number < probability[b, i]


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

    That is, the largest m for which m positions stay below the factor on their own. Fewer do as m
    grows, so it is found by bisection.
    """
    n = confidence.shape[1]
    doubt = np.empty(n + 1, np.float64)
    for b in range(confidence.shape[0]):
        candidates = 0
        for i in range(n):
            doubt[candidates] = 1 - confidence[b, i]
            candidates += feasible[b, i]
        size, beyond = 0, candidates + 1
        while beyond - size > 1:
            middle = (size + beyond) // 2
            number = 0
            for k in range(candidates):
                spent = (middle + 1) * doubt[k]
                number += spent <= factor if inclusive else spent < factor
            if number >= middle:
                size = middle
            else:
                beyond = middle
        out[b] = size
