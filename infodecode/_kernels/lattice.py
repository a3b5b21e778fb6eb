"""Kernels over the lattice of subsets of positions: entropies, and the best ordered partitions.

A subset is a bitmask. Entropies of all subsets come from a walk that drops one position at a
time, so every marginal is added up from its parent's, which is much smaller than the table.
"""

from __future__ import annotations

import numpy as np

from infodecode._kernels.entropies import total_weight, weight_entropy_of
from infodecode._kernels.jit import njit


@njit
def _sum_axis_into(cells, outer, size, inner, out):  # type: ignore[no-untyped-def]
    """Add up the middle axis of ``cells`` (outer, size, inner), all flat."""
    if inner == 1:
        for o in range(outer):
            total = cells[o * size]
            for v in range(1, size):
                total += cells[o * size + v]
            out[o] = total
        return
    for o in range(outer):
        to = o * inner
        start = to * size
        for i in range(inner):
            out[to + i] = cells[start + i]
        for _ in range(1, size):
            start += inner
            for i in range(inner):
                out[to + i] += cells[start + i]


@njit
def dense_entropies_into(cells, sizes, bits, offsets, out):  # type: ignore[no-untyped-def]
    """Entropies of all subsets of positions of a law given cell by cell.

    Args:
        cells: flat weights, the first position varying fastest; ``offsets[-1]`` entries, of which
            the law takes the first ``prod(sizes)``: the rest holds the marginals in progress.
        sizes: (n,) alphabet sizes, in the order in which the walk drops positions.
        bits: (n,) bit of each of these positions in a subset's mask.
        offsets: (n + 2,) start of the marginals that lack 0, 1, .. n positions.
        out: (2**n,) bits by mask.
    """
    length = sizes.shape[0]
    total = total_weight(cells[: offsets[1]])
    dropped = np.zeros(length + 1, np.int64)
    counts = np.zeros(length + 1, np.int64)
    outer = np.ones(length + 1, np.int64)
    for d in range(length - 1, -1, -1):
        outer[d] = outer[d + 1] * sizes[d]
    counts[0] = outer[0]
    mask = bits.sum()
    out[mask] = weight_entropy_of(cells[: counts[0]], total)
    level = 0
    while level >= 0:
        d = dropped[level]
        if d == length:
            level -= 1
            if level >= 0:
                mask += bits[dropped[level]]
                dropped[level] += 1
            continue
        here = offsets[level]
        there = offsets[level + 1]
        count = counts[level] // sizes[d]
        _sum_axis_into(
            cells[here : here + counts[level]],
            outer[d + 1],
            sizes[d],
            count // outer[d + 1],
            cells[there : there + count],
        )
        mask -= bits[d]
        out[mask] = weight_entropy_of(cells[there : there + count], total)
        level += 1
        counts[level] = count
        dropped[level] = d + 1


@njit
def _merge_into(keys, weights, keep, slots, out_keys, out_weights):  # type: ignore[no-untyped-def]
    """Add up the weights of rows whose keys agree under ``keep``; returns the number of groups."""
    rows, words = keys.shape
    size = 1
    shift = np.uint64(64)
    while size < 2 * rows and size < slots.shape[0]:
        size *= 2
        shift -= np.uint64(1)
    slots[:size] = -1
    count = 0
    for row in range(rows):
        first = keys[row, 0] & keep[0]
        code = first * np.uint64(0x9E3779B97F4A7C15)
        for w in range(1, words):
            code ^= (code >> np.uint64(32)) ^ (keys[row, w] & keep[w])
            code *= np.uint64(0x9E3779B97F4A7C15)
        slot = np.int64(code >> shift)
        while True:
            group = slots[slot]
            if group < 0:
                slots[slot] = count
                out_keys[count, 0] = first
                for w in range(1, words):
                    out_keys[count, w] = keys[row, w] & keep[w]
                out_weights[count] = weights[row]
                count += 1
                break
            same = out_keys[group, 0] == first
            for w in range(1, words):
                same = same and out_keys[group, w] == keys[row, w] & keep[w]
            if same:
                out_weights[group] += weights[row]
                break
            slot = (slot + 1) & (size - 1)
    return count


@njit
def sparse_entropies_into(keys, weights, keep, bits, offsets, slots, out):  # type: ignore[no-untyped-def]
    """Entropies of all subsets of positions of a law given by its outcomes.

    Args:
        keys: (offsets[-1], W) uint64; the first ``offsets[1]`` rows are the outcomes, packed with
            a field of their own for each position; the rest holds the marginals in progress.
        weights: (offsets[-1],) likewise.
        keep: (n, W) all ones but for the field of each position, in the order of the walk.
        bits: (n,) bit of each of these positions in a subset's mask.
        offsets: (n + 2,) start of the marginals that lack 0, 1, .. n positions.
        slots: int32 scratch, a power of two at least twice the largest marginal.
        out: (2**n,) bits by mask.
    """
    length = bits.shape[0]
    dropped = np.zeros(length + 1, np.int64)
    counts = np.zeros(length + 1, np.int64)
    counts[0] = offsets[1]
    total = total_weight(weights[: counts[0]])
    mask = bits.sum()
    out[mask] = weight_entropy_of(weights[: counts[0]], total)
    level = 0
    while level >= 0:
        d = dropped[level]
        if d == length:
            level -= 1
            if level >= 0:
                mask += bits[dropped[level]]
                dropped[level] += 1
            continue
        here = offsets[level]
        there = offsets[level + 1]
        count = _merge_into(
            keys[here : here + counts[level]],
            weights[here : here + counts[level]],
            keep[d],
            slots,
            keys[there : offsets[level + 2]],
            weights[there : offsets[level + 2]],
        )
        mask -= bits[d]
        out[mask] = weight_entropy_of(weights[there : there + count], total)
        level += 1
        counts[level] = count
        dropped[level] = d + 1


@njit
def _blocks_into(entropies, known, blocks, costs):  # type: ignore[no-untyped-def]
    """Every set S of unknown positions, with ``sum of H(i | known), i in S``; their number.

    The empty set comes first, everything unknown last.
    """
    blocks[0] = 0
    costs[0] = 0.0
    count = 1
    bit = 1
    while bit < entropies.shape[0]:
        if known & bit == 0:
            gain = entropies[known | bit] - entropies[known]
            for k in range(count):
                blocks[count + k] = blocks[k] | bit
                costs[count + k] = costs[k] + gain
            count *= 2
        bit <<= 1
    return count


@njit
def partition_costs_into(entropies, costs):  # type: ignore[no-untyped-def]
    r"""Cheapest way to reveal what is unknown in exactly t rounds, for every known set and t.

    .. math:: c_1(U) = \sum_{i \notin U} H(i | U), \qquad
              c_t(U) = \min_{S} \sum_{i \in S} H(i | U) + c_{t-1}(U \cup S)

    over non-empty S that leave something unknown. All t are one inner loop over the contiguous row
    of U ∪ S, so the 3**n pairs (U, S) are visited once.

    Args:
        entropies: (2**n,) bits by mask.
        costs: (2**n, n) filled with ``costs[U, t - 1]``; inf where t exceeds the unknown positions;
            the row of the full set is not written.
    """
    subsets, length = costs.shape
    blocks = np.empty(subsets, np.int64)
    sums = np.empty(subsets)
    unknown = np.zeros(subsets, np.int64)
    best = np.empty(length)
    for known in range(subsets - 2, -1, -1):
        unknown[known] = unknown[known | (known + 1)] + 1
        count = _blocks_into(entropies, known, blocks, sums)
        best[:] = np.inf
        best[0] = sums[count - 1]
        for k in range(1, count - 1):
            after = known | blocks[k]
            cost = sums[k]
            for t in range(unknown[after]):
                candidate = cost + costs[after, t]
                if candidate < best[t + 1]:
                    best[t + 1] = candidate
        costs[known] = best


@njit
def best_blocks_into(entropies, costs, out):  # type: ignore[no-untyped-def]
    """Masks of the blocks of a cheapest ordered partition into ``out.shape[0]`` rounds.

    Scans again along the optimal path only; ``costs`` are those of `partition_costs_into`.
    """
    subsets = entropies.shape[0]
    blocks = np.empty(subsets, np.int64)
    sums = np.empty(subsets)
    rounds = out.shape[0]
    known = 0
    for t in range(rounds - 1):
        count = _blocks_into(entropies, known, blocks, sums)
        best = np.inf
        for k in range(1, count - 1):
            candidate = sums[k] + costs[known | blocks[k], rounds - t - 2]
            if candidate < best:
                best = candidate
                out[t] = blocks[k]
        known |= out[t]
    out[rounds - 1] = subsets - 1 - known
