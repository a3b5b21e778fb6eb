"""Smaller problems: without constants and copies, independent parts apart, Markov chains solved."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from infodecode._kernels.brackets import TIE, chain_costs_into, chain_rounds_into
from infodecode._typing import FloatArray, IntArray
from infodecode.partition_bracket._bounds import PrefixSearch, all_partitions
from infodecode.partition_bracket._problem import NOTHING, Gains, Solution, Work, mask_of, together
from infodecode.partition_bracket._search import Search

_CHAIN_ITEMS = 200
_LATTICE_ITEMS = 20
_LATTICE_START = 1_000


def reduced(gains: Gains, work: Work) -> Solution:
    """Leave out constants and copies, split what is independent, solve the parts.

    Entropies up to `TIE` pass for zero. Each item may pay for all of them, and so may H(Y).
    """
    alone = gains(0)
    pairs = np.array([gains(1 << i) for i in range(gains.size)])
    ignored = float(alone[alone <= TIE].sum())
    original: dict[int, int] = {}
    copies: dict[int, int] = {}
    for i in np.flatnonzero(alone > TIE).tolist():
        same = next((r for r in copies if max(pairs[r, i], pairs[i, r]) <= TIE), None)
        if same is None:
            copies[i] = 1
        else:
            ignored += float(pairs[same, i] + pairs[i, same])
            original[i] = same
            copies[same] += 1
    where = np.zeros(gains.size, np.int64)
    if not copies:
        return Solution(where, 0.0, NOTHING)
    parts, shared = independent_parts(gains, list(copies), alone - pairs)
    solutions = []
    for items in parts:
        part = gains if len(items) == gains.size else gains.part(items)
        solutions.append(_solve_part(part, np.array([copies[i] for i in items], float), work))
        where[items] = solutions[-1].rounds
    for i, same in original.items():
        where[i] = min(where[same] + 1, work.rounds - 1)
    total = together(solutions)
    doubt = (gains.size + 1) * (ignored + shared)
    return Solution(where, total.lower, total.proof, total.slack + doubt)


def independent_parts(
    gains: Gains, items: Sequence[int], shared: FloatArray
) -> tuple[list[list[int]], float]:
    """The finest split of ``items`` into independent parts, and the bits that the parts do share.

    Items with mutual information (``shared``) belong together. Let x_j be the entropy that group j
    of such items adds to the groups before it: a base of the polymatroid. Parts are independent
    just if H(part) = x(part) for each; and of the sets with this property, the least that holds
    group i is found by dropping the groups before it, last ones first (Bixby, Cunningham, Topkis
    1985). Groups belong together if one is in the other's least set.
    """
    groups = _components(items, lambda i, j: shared[i, j] > TIE)
    if len(groups) == 1 or len(groups) ** 2 > 2 * gains.most:
        return [sorted(items)], 0.0
    masks = [mask_of(group) for group in groups]
    prefixes = [0, *itertools.accumulate(masks)]
    added = [gains.entropy(b) - gains.entropy(a) for a, b in itertools.pairwise(prefixes)]
    linked = np.zeros((len(groups), len(groups)), bool)
    for i in range(len(groups)):
        least, bits = prefixes[i + 1], math.fsum(added[: i + 1])
        for j in range(i - 1, -1, -1):
            if gains.entropy(least ^ masks[j]) - (bits - added[j]) <= TIE:
                least, bits = least ^ masks[j], bits - added[j]
            else:
                linked[i, j] = linked[j, i] = True
    joined = _components(range(len(groups)), lambda i, j: bool(linked[i, j]))
    parts = [sorted(i for g in group for i in groups[g]) for group in joined]
    apart = math.fsum(gains.entropy(mask_of(part)) for part in parts)
    excess = max(0.0, apart - gains.entropy(prefixes[-1]))
    return (parts, excess) if excess <= len(parts) * TIE else ([sorted(items)], 0.0)


def _components(items: Sequence[int], linked: Callable[[int, int], bool]) -> list[list[int]]:
    left, parts = list(items), []
    while left:
        part = [left.pop(0)]
        for i in part:
            near = [j for j in left if linked(i, j)]
            part += near
            left = [j for j in left if j not in near]
        parts.append(sorted(part))
    return parts


def _solve_part(gains: Gains, copies: FloatArray, work: Work) -> Solution:
    """A part without constants, copies or independent parts; ``copies`` stand behind each item."""
    if gains.size == 1:
        return Solution(np.zeros(1, np.int64), 0.0, NOTHING)
    count = min(work.rounds, gains.size + 1)
    solution = markov_chain(gains, copies, count)
    if solution is not None:
        return solution
    search = Search(gains, copies, count, work.generator)
    entropies = None
    if gains.size <= _LATTICE_ITEMS:
        search.run(min(_LATTICE_START, gains.most // 2))
        entropies = gains.lattice() if search.bits > TIE else None
    if entropies is not None:
        solution = all_partitions(entropies, search)
    if solution is None:
        search.run(gains.most // 2)
        solution = PrefixSearch(search).run()
    return solution


def markov_chain(gains: Gains, copies: FloatArray, rounds: int) -> Solution | None:
    """The best partition of a Markov chain; None if the items are none in any order.

    They are one just if their total correlation is the mutual information along a path, and the
    path is then a maximum spanning tree of that of all pairs (Chow and Liu 1968). Where d bits
    are missing, what an item pays is within 3 d of what it pays in the chain with the same pairs.
    """
    k = gains.size
    if k > _CHAIN_ITEMS:
        return None
    alone, whole = gains(0), gains.entropy(gains.everyone)
    pairs = np.array([gains(1 << i) for i in range(k)])
    order, shared = _heaviest_path(alone - pairs)
    short = abs(math.fsum(alone) - shared - whole)
    if order is None or short > k * TIE:
        return None
    given = np.ascontiguousarray(pairs[np.ix_(order, order)])
    costs = np.zeros((min(rounds, k.bit_length() + 1), k + 2, k + 2))
    chain_costs_into(given, alone[order], copies[order], costs)
    places = np.empty(k, np.int64)
    chain_rounds_into(given, alone[order], costs, places)
    where = np.empty(k, np.int64)
    where[order] = places
    bits = max(0.0, float(costs[-1, 0, -1]) - whole)
    return Solution(where, bits, "Markov chain", 3 * k * short)


def _heaviest_path(weights: FloatArray) -> tuple[IntArray | None, float]:
    """Order of the items along a maximum spanning tree (Prim), if it is a path; its weight."""
    k = len(weights)
    best, nearest = weights[0].copy(), np.zeros(k, np.int64)
    best[0] = -np.inf
    edges: list[list[int]] = [[] for _ in range(k)]
    total = 0.0
    for _ in range(k - 1):
        i = int(np.argmax(best))
        total += float(best[i])
        edges[i].append(int(nearest[i]))
        edges[nearest[i]].append(i)
        best[i] = -np.inf
        closer = np.isfinite(best) & (weights[i] > best)
        best[closer], nearest[closer] = weights[i][closer], i
    if max(map(len, edges)) > 2:
        return None, total
    order = [next(i for i in range(k) if len(edges[i]) < 2)]
    while len(order) < k:
        order += [i for i in edges[order[-1]] if i not in order[-2:]]
    return np.array(order), total
