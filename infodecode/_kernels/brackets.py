"""Kernels for brackets of the best partition: gains of one known set, pruned search, chains."""

from __future__ import annotations

import math

import numpy as np

from infodecode._kernels.entropies import two_sum_error
from infodecode._kernels.grouping import hash_row
from infodecode._kernels.jit import njit

TIE = 1e-12
"""Bits up to which two entropies count as equal."""


@njit
def _group_into(keys, slots, first, ids):  # type: ignore[no-untyped-def]
    """Number equal rows of ``keys`` (N, W) in order of appearance; returns how many there are."""
    size = np.uint64(slots.shape[0] - 1)
    slots[:] = -1
    count = 0
    for row in range(keys.shape[0]):
        slot = hash_row(keys, row) & size
        while True:
            group = slots[slot]
            if group < 0:
                slots[slot] = count
                first[count] = row
                ids[row] = count
                count += 1
                break
            same = True
            for w in range(keys.shape[1]):
                if keys[first[group], w] != keys[row, w]:
                    same = False
                    break
            if same:
                ids[row] = group
                break
            slot = (slot + np.uint64(1)) & size
    return count


@njit
def known_gains_into(keys, codes, weights, total, unknown, slots, scratch, tally, out):  # type: ignore[no-untyped-def]
    r"""Entropies of single items given a known set, from the outcomes; returns that of the set.

    .. math:: H(Y_i | Y_U) = \frac1W \sum_g \sum_v w_{gv} \log_2 \frac{w_g}{w_{gv}}

    over the groups g of outcomes that agree on U. No term is negative, and a determined item gets
    exactly 0.0. Outcomes that are alone in their group are looked at once.

    Args:
        keys: (N, W) uint64, packed outcomes with the fields of unknown items blanked.
        codes: (k, N) value of each item in each outcome.
        weights: (N,) counts or masses, adding up to ``total``.
        unknown: indices of the items outside U.
        slots: int32 scratch, a power of two at least 2 N.
        scratch: (4, N + 1) int32.
        tally: zeroed (V,) scratch in the type of the weights, V the largest alphabet.
        out: (k,) bits; entries of known items are left as they are.
    """
    rows = keys.shape[0]
    first, ids, order, start = scratch[0], scratch[1], scratch[2], scratch[3]
    groups = _group_into(keys, slots, first, ids)
    start[: groups + 1] = 0
    for row in range(rows):
        start[ids[row] + 1] += 1
    for g in range(groups):
        start[g + 1] += start[g]
    for row in range(rows):
        g = ids[row]
        order[start[g]] = row
        start[g] += 1
    entropy = 0.0
    lost = 0.0
    begin = 0
    several = 0
    for g in range(groups):
        end = start[g]
        weight = weights.dtype.type(0)
        for k in range(begin, end):
            weight += weights[order[k]]
        if groups > 1:
            term = weight * math.log2(total / weight)
            grown = entropy + term
            lost += two_sum_error(entropy, term, grown)
            entropy = grown
        if end - begin > 1:
            first[several] = begin
            ids[several] = end
            several += 1
        begin = end
    for i in unknown:
        column = codes[i]
        bits = 0.0
        error = 0.0
        for g in range(several):
            weight = weights.dtype.type(0)
            for k in range(first[g], ids[g]):
                row = order[k]
                tally[column[row]] += weights[row]
                weight += weights[row]
            for k in range(first[g], ids[g]):
                value = column[order[k]]
                part = tally[value]
                if part > 0:
                    tally[value] = 0
                    if part < weight:
                        term = part * math.log2(weight / part)
                        grown = bits + term
                        error += two_sum_error(bits, term, grown)
                        bits = grown
        out[i] = (bits + error) / total
    return (entropy + lost) / total


@njit
def _extend_into(entropies, known, paid, first, limit, pairs, scratch, costs, parents):  # type: ignore[no-untyped-def]
    """Cheapest costs of the sets that one more block leads to from ``known``, below ``limit``.

    A block costs its conditional total correlation, which grows with the block: it is built item by
    item, and given up with all blocks that contain it. Items that ``known`` determines are free and
    join every block. Unless this is the ``first`` block, items whose entropy ``known`` does not
    lower are left out: they were as cheap before. Returns the number of blocks tried.
    """
    items, gains, where, sums = scratch[0], scratch[1], scratch[2], scratch[3]
    base = entropies[known]
    free = known
    count = 0
    bit = 1
    while bit < entropies.shape[0]:
        if known & bit == 0:
            gain = entropies[known | bit] - base
            if gain <= TIE:
                free |= bit
            elif first or gain < entropies[bit] - TIE:
                items[count] = bit
                gains[count] = gain
                count += 1
        bit <<= 1
    if free != known and paid < costs[free]:
        costs[free] = paid
        parents[free] = known
    mask = free
    total = paid
    depth = 0
    place = 0
    tried = 0
    while tried < pairs:
        if place == count:
            if depth == 0:
                break
            depth -= 1
            place = int(where[depth])
            total = sums[depth]
            mask ^= np.int64(items[place])
            place += 1
            continue
        wider = mask | np.int64(items[place])
        raised = total + gains[place]
        cost = raised - (entropies[wider] - base)
        tried += 1
        if cost < limit:
            if cost < costs[wider]:
                costs[wider] = cost
                parents[wider] = known
            where[depth] = place
            sums[depth] = total
            depth += 1
            mask = wider
            total = raised
        place += 1
    return tried


@njit
def cheap_prefixes_into(entropies, limit, pairs, costs, parents):  # type: ignore[no-untyped-def]
    r"""Cheapest way to reveal each set in at most t rounds, as far as it costs less than ``limit``.

    .. math:: f_t(U) = \min_{V \subset U} f_{t-1}(V) + C(U \setminus V | V)

    Args:
        entropies: (2**k,) bits by mask.
        limit: bits; dearer sets are given up.
        pairs: most pairs (V, U) to look at.
        costs: (t, 2**k) filled with f_1 .. f_t; inf from ``limit`` on.
        parents: (t, 2**k) int32, the V of the minimum; -1 where a round less is as good.

    Returns:
        whether the pairs sufficed; otherwise nothing is proved.
    """
    scratch = np.empty((4, 64))
    parents[:] = -1
    costs[0] = np.inf
    costs[0, 0] = 0.0
    tried = _extend_into(entropies, 0, 0.0, True, limit, pairs, scratch, costs[0], parents[0])
    for t in range(1, costs.shape[0]):
        costs[t] = costs[t - 1]
        for known in range(1, entropies.shape[0] - 1):
            paid = costs[t - 1, known]
            if paid < limit and (t == 1 or paid < costs[t - 2, known]):
                tried += _extend_into(
                    entropies, known, paid, False, limit, pairs - tried, scratch,
                    costs[t], parents[t],
                )  # fmt: skip
            if tried >= pairs:
                return False
    return tried < pairs


@njit
def _between(given, alone, a, i, b):  # type: ignore[no-untyped-def]
    """Entropy of item ``i - 1`` given those at ``a`` and ``b``, where these exist."""
    left = a > 0
    right = b <= alone.shape[0]
    if left and right:
        return given[a - 1, i - 1] + given[i - 1, b - 1] - given[a - 1, b - 1]
    if left:
        return given[a - 1, i - 1]
    if right:
        return given[b - 1, i - 1]
    return alone[i - 1]


@njit
def _best_way_into(given, alone, later, a, b, reach, origin):  # type: ignore[no-untyped-def]
    """Cheapest items to reveal between ``a`` and ``b``, if gaps then cost ``later``: a path."""
    for s in range(a + 1, b + 1):
        best = later[a, s]
        origin[s] = a
        for r in range(a + 1, s):
            candidate = reach[r] + later[r, s]
            if candidate < best:
                best = candidate
                origin[s] = r
        if s < b:
            best += _between(given, alone, a, s, b)
        reach[s] = best
    return reach[b]


@njit
def chain_costs_into(given, alone, copies, costs):  # type: ignore[no-untyped-def]
    r"""Cheapest way to reveal each gap of a Markov chain in at most t rounds.

    .. math:: c_t(a, b) = \min_{a < s_1 < \dots < s_m < b}
              \sum_j H(s_j | a, b) + \sum_j c_{t-1}(s_j, s_{j+1})

    with :math:`s_0 = a, s_{m+1} = b`: the items of a gap depend on its two ends only, and what is
    revealed makes the parts of the gap independent. The last round reveals everything.

    Args:
        given: (k, k) ``given[j, i] = H(Y_i | Y_j)``.
        alone: (k,) H(Y_i).
        copies: (k,) how often the last round pays for each item.
        costs: (t, k + 2, k + 2) filled for all ends a < b. Item i stands at i + 1; 0 and k + 1 lie
            beyond the ends of the chain.
    """
    layers, size = costs.shape[0], costs.shape[1]
    reach = np.empty(size)
    origin = np.empty(size, np.int64)
    for a in range(size - 1):
        for b in range(a + 1, size):
            total = 0.0
            for i in range(a + 1, b):
                total += copies[i - 1] * _between(given, alone, a, i, b)
            costs[0, a, b] = total
    for t in range(1, layers):
        for a in range(size - 1):
            for b in range(a + 1, size):
                costs[t, a, b] = _best_way_into(given, alone, costs[t - 1], a, b, reach, origin)


@njit
def chain_rounds_into(given, alone, costs, rounds):  # type: ignore[no-untyped-def]
    """Round (k,) of each item on a cheapest way, from the ``costs`` of `chain_costs_into`."""
    layers, size = costs.shape[0], costs.shape[1]
    reach = np.empty(size)
    origin = np.empty(size, np.int64)
    ends = np.zeros(size, np.bool_)
    ends[0] = ends[size - 1] = True
    rounds[:] = layers - 1
    for t in range(layers - 1, 0, -1):
        a = 0
        for b in range(1, size):
            if ends[b]:
                _best_way_into(given, alone, costs[t - 1], a, b, reach, origin)
                s = origin[b]
                while s != a:
                    rounds[s - 1] = layers - 1 - t
                    ends[s] = True
                    s = origin[s]
                a = b
