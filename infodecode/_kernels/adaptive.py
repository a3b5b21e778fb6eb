r"""The best policy over a graph of canvases: what each choice costs, and the choice to make.

The graph is flat. States are numbered from the fullest canvases to the blank one, so that children
come first. The edges of a slot are what revealing one position leads to:

    slot    (Z + 1,) first slot of each state
    first   (K + 1,) first edge of each slot
    child   (E,)     state an edge leads to
    chance  (E,)     its probability, given the state
    entropy (K,)     of the edges of each slot
    offset  (Z + 1,) first choice of each state

A choice is what to reveal in one round. Where positions differ (``by_size`` false), a state with m
masked positions has a slot for each of them, in order, and ``2**m`` choices: bit k of a choice is
the k-th masked position. Where they do not, it has one slot (none if m = 0) and m + 1 choices:
a choice is how many. Choice 0 reveals nothing.
"""

from __future__ import annotations

import numpy as np

from infodecode._kernels.grouping import hash_row
from infodecode._kernels.jit import njit


@njit
def _expect_into(z, slot, first, child, chance, gains, offset, by_size, expected):  # type: ignore[no-untyped-def]
    r"""Expectations of every choice of a state from those of its children, and from choice 0.

    .. math:: F(z, \varnothing) = f(z), \qquad
              F(z, S) = g_q(z) + \sum_v p(y_q = v | z)\, F(z + (q = v), S \setminus q)

    with q the highest position of S; ``gains`` are g, or empty for zero. The sets whose highest
    position is q are one contiguous run, and so is what they become in each child.
    """
    begin = offset[z]
    if by_size:
        if slot[z] == slot[z + 1]:
            return
        gain = gains[slot[z]] if gains.shape[0] else 0.0
        out = expected[begin + 1 : offset[z + 1]]
        out[:] = gain
        for edge in range(first[slot[z]], first[slot[z] + 1]):
            weight = chance[edge]
            start = offset[child[edge]]
            after = expected[start : start + out.shape[0]]
            for k in range(out.shape[0]):
                out[k] += weight * after[k]
        return
    width = 1
    for q in range(slot[z], slot[z + 1]):
        gain = gains[q] if gains.shape[0] else 0.0
        out = expected[begin + width : begin + 2 * width]
        edge = first[q]
        weight = chance[edge]
        start = offset[child[edge]]
        after = expected[start : start + width]
        for k in range(width):
            out[k] = gain + weight * after[k]
        for edge in range(first[q] + 1, first[q + 1]):
            weight = chance[edge]
            start = offset[child[edge]]
            after = expected[start : start + width]
            for k in range(width):
                out[k] += weight * after[k]
        width *= 2


@njit
def choice_costs_into(slot, first, child, chance, entropy, offset, by_size, zero, expected, costs):  # type: ignore[no-untyped-def]
    r"""Conditional total correlation ``C(S | z)`` of every choice, in bits.

    .. math:: C(S | z) = \sum_{i \in S} H(y_i | z) - H(S | z)

    Costs up to ``zero`` become 0.0. Returns the lowest before that, for the caller to judge.
    ``expected``, as large as ``costs``, is scratch.
    """
    lowest = 0.0
    for z in range(slot.shape[0] - 1):
        begin, end = offset[z], offset[z + 1]
        expected[begin] = 0.0
        _expect_into(z, slot, first, child, chance, entropy, offset, by_size, expected)
        costs[begin] = 0.0
        if by_size:
            for k in range(begin + 1, end):
                costs[k] = (k - begin) * entropy[slot[z]]
        else:
            width = 1
            for q in range(slot[z], slot[z + 1]):
                for k in range(begin, begin + width):
                    costs[k + width] = costs[k] + entropy[q]
                width *= 2
        for k in range(begin, end):
            cost = costs[k] - expected[k]
            lowest = min(lowest, cost)
            costs[k] = cost if cost > zero else 0.0
    return lowest


@njit
def _members(choice):  # type: ignore[no-untyped-def]
    count = 0
    while choice:
        choice &= choice - 1
        count += 1
    return count


@njit
def best_choices_into(  # type: ignore[no-untyped-def]
    slot, first, child, chance, offset, by_size,
    costs, fee, rate, previous, tolerance, decide, expected, values, best,
):  # fmt: skip
    r"""Least value of every state, and the choice that attains it.

    .. math:: V(z) = \min_S\, \text{fee} + \text{rate} \cdot C(S | z) + \mathbb E\, V'(z + y_S)

    with V' given as ``previous``; pass ``values`` itself where V' is V. Complete canvases have
    value 0. Of choices that differ by at most ``tolerance * max(1, V)`` the largest is taken.

    Args:
        decide: otherwise follow the choices in ``best`` and only fill ``values``.
        expected: scratch, as large as ``costs``.
        values: (Z,) filled.
        best: (Z,) filled if ``decide``; 0 for complete canvases.
    """
    nothing = np.empty(0)
    for z in range(slot.shape[0] - 1):
        begin = offset[z]
        choices = offset[z + 1] - begin
        if choices == 1:
            values[z] = 0.0
            best[z] = 0
            expected[begin] = 0.0
            continue
        _expect_into(z, slot, first, child, chance, nothing, offset, by_size, expected)
        cost = costs[begin : begin + choices]
        later = expected[begin : begin + choices]
        if decide:
            least = np.inf
            for k in range(1, choices):
                least = min(least, rate * cost[k] + later[k])
            bound = least + tolerance * max(1.0, fee + least)
            most = 0
            for k in range(1, choices):
                if rate * cost[k] + later[k] <= bound:
                    members = k if by_size else _members(k)
                    if members > most:
                        most = members
                        best[z] = k
            values[z] = fee + least
        else:
            values[z] = fee + rate * cost[best[z]] + later[best[z]]
        expected[begin] = previous[z]


@njit
def find_into(keys, slots, store, ids):  # type: ignore[no-untyped-def]
    """Numbers (B,) of the rows of ``keys`` (B, W) in ``store``, -1 where absent.

    ``slots`` are those of `infodecode._kernels.grouping.rehash_into`.
    """
    mask = np.uint64(slots.shape[0] - 1)
    for b in range(keys.shape[0]):
        at = hash_row(keys, b) & mask
        ids[b] = -1
        while slots[at] != 0:
            number = slots[at] - 1
            same = True
            for w in range(keys.shape[1]):
                same = same and store[number, w] == keys[b, w]
            if same:
                ids[b] = number
                break
            at = (at + np.uint64(1)) & mask
