"""The graph of canvases that adaptive optima are solved on, with the cost of every choice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from infodecode._grouping import Grouper, group
from infodecode._kernels.adaptive import best_choices_into, choice_costs_into
from infodecode._kernels.orbits import representative_tokens_into
from infodecode._kernels.rows import pairs_of
from infodecode._kernels.tables import refine_order_into
from infodecode._rounding import ROUNDING, ZERO, nonnegative
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import TABLE_LIMIT
from infodecode.orbits import Orbits
from infodecode.strategies.adaptive_optimum import Choices, packing_of

ADAPTIVE_PAIRS = 1 << 26
"""Most pairs of a canvas and a set to commit: 13 binary positions, in 15 seconds and 2 GB."""

ADAPTIVE_STEPS = 5_000_000_000
"""Most additions for all numbers of rounds together (up to a minute)."""


class Problem:
    """A law's graph of canvases with the cost of every choice."""

    def __init__(self, law: Joint, max_pairs: int = ADAPTIVE_PAIRS) -> None:
        self.law = law
        self.positions: IntArray | None = None
        if law.exchangeable is not None:
            levels = _orbit_levels(law, max_pairs)
        else:
            self.positions = _varying(law, max_pairs)
            levels = _subset_levels(law, self.positions)
        self.graph = graph = _Graph(levels, by_size=self.positions is None)
        share = max_pairs / ADAPTIVE_PAIRS
        _demand_steps(law, graph.steps * law.length, round(share * ADAPTIVE_STEPS))
        self._scratch = np.empty(graph.pairs)
        self.costs = np.empty(graph.pairs)
        scale = law.length * math.log2(max(law.alphabet_sizes))
        zero = ZERO * max(1.0, scale)
        lowest = choice_costs_into(
            graph.slot, graph.first, graph.child, graph.chance, graph.entropy, graph.offset,
            graph.by_size, zero, self._scratch, self.costs,
        )  # fmt: skip
        nonnegative(lowest, scale=scale)

    def improve(
        self, previous: FloatArray | None, *, costs: FloatArray | None = None, fee: float = 0.0,
        rate: float = 1.0,
    ) -> tuple[FloatArray, IntArray]:  # fmt: skip
        """Least value of every state and the choice that attains it.

        ``previous`` are the values with a round less; None where rounds are not limited.
        """
        best = np.empty(len(self.graph.complete), np.uint16)
        return self._run(previous, self.costs if costs is None else costs, fee, rate, True, best)

    def follow(self, best: IntArray, *, fee: float, rate: float) -> float:
        """Value of the blank canvas under given choices."""
        return float(self._run(None, self.costs, fee, rate, False, best)[0][-1])

    def _run(
        self, previous: FloatArray | None, costs: FloatArray, fee: float, rate: float,
        decide: bool, best: IntArray,
    ) -> tuple[FloatArray, IntArray]:  # fmt: skip
        graph = self.graph
        values = np.empty(len(graph.complete))
        best_choices_into(
            graph.slot, graph.first, graph.child, graph.chance, graph.offset, graph.by_size, costs,
            fee, rate, values if previous is None else previous, ROUNDING, decide, self._scratch,
            values, best,
        )  # fmt: skip
        return values, best

    def choices(self, table: IntArray) -> Choices:
        """What a strategy needs to look up choices ``(T, Z)``."""
        return Choices.of(self.law, self.graph.keys, table, self.positions)


def _varying(law: Joint, max_pairs: int) -> IntArray:
    """Positions with more than one possible token (at least one position), where they are few."""
    if law.support_size is None or law.support_size > TABLE_LIMIT:
        _refuse(law, f"a table of more than {TABLE_LIMIT:,} outcomes")
    table = law.table()
    used = np.array([len(np.unique(column)) for column in table.outcomes.T])
    positions = np.flatnonzero(used > 1)
    if not len(positions):
        return np.zeros(1, np.int64)
    _demand_pairs(law, 3 ** len(positions), max_pairs)
    products, sets = np.ones(1), np.ones(1)
    for size in used[positions]:
        products = np.concatenate([products, products * size])
        sets = np.concatenate([2 * sets, sets])
    _demand_pairs(law, int((np.minimum(products, len(table.outcomes)) * sets).sum()), max_pairs)
    return positions


def _demand_pairs(law: Joint, pairs: int, most: int) -> None:
    if pairs > most:
        size = f"{pairs:,}" if pairs < 10**12 else f"about 10^{int(math.log10(pairs))}"
        _refuse(law, f"up to {size} pairs of a canvas and a set, more than {most:,}")


def _demand_steps(law: Joint, steps: int, most: int) -> None:
    if steps > most:
        _refuse(law, f"about {float(steps):.1e} additions, more than {most:.1e}")


def _refuse(law: Joint, needs: str) -> NoReturn:
    raise ValueError(
        f"the adaptive optimum of {law.name} ({law.length} positions) needs {needs}; "
        "optimal_partitions(distribution) has the best orders fixed in advance, and exact or "
        "simulate run any strategy"
    )


@dataclass(frozen=True, eq=False)
class _Level:
    """Canvases with the same number of masked positions, and what revealing one leads to.

    Attributes:
        keys: ``(B, W)`` packed canvases.
        edges: ``(slots,)`` number of edges of each slot, slots in order of their canvas.
        child: ``(E,)`` number within the next fuller level.
        chance: ``(E,)`` probability given the canvas.
        entropy: ``(slots,)`` bits of the token that a slot reveals.
    """

    keys: Array
    edges: IntArray
    child: IntArray
    chance: FloatArray
    entropy: FloatArray


class _Graph:
    """The flat arrays of `infodecode._kernels.adaptive`, from levels, the fullest first."""

    def __init__(self, levels: list[_Level], by_size: bool) -> None:
        counts = np.array([len(level.keys) for level in levels])
        masked = np.repeat(np.arange(len(levels)), counts)
        starts = np.cumsum(counts) - counts
        slots = np.minimum(masked, 1) if by_size else masked
        choices = masked + 1 if by_size else np.left_shift(1, masked)
        self.by_size = by_size
        self.complete = masked == 0
        self.keys = np.concatenate([level.keys for level in levels])
        self.slot = _ends(slots)
        self.first = _ends(np.concatenate([level.edges for level in levels]))
        self.child = np.concatenate(
            [level.child + start for level, start in zip(levels[1:], starts[:-1], strict=True)]
            or [np.empty(0)]
        ).astype(np.int32)
        self.chance = np.concatenate([level.chance for level in levels])
        self.entropy = np.concatenate([level.entropy for level in levels])
        self.offset = _ends(choices)

    @property
    def pairs(self) -> int:
        """Choices of all states together."""
        return int(self.offset[-1])

    @property
    def steps(self) -> int:
        """Additions that the expectations of all choices take."""
        choices = np.diff(self.offset)
        per_state = np.diff(self.first[self.slot])
        if not self.by_size:
            per_state = per_state / np.maximum(np.diff(self.slot), 1)
        return int((choices * per_state).sum())


def _ends(counts: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _subset_levels(law: Joint, positions: IntArray) -> list[_Level]:
    """Every canvas of positive probability, from the outcomes down, dropping one position each."""
    packing = packing_of(law, positions)
    n = len(positions)
    table = law.table()
    keys = packing.keys(table.outcomes[:, positions])
    mass = table.weights.astype(np.float64)
    masked = np.zeros(len(keys), np.int64)
    levels = [_complete(keys)]
    for m in range(1, n + 1):
        parts = []
        grouper = Grouper(packing.words)
        for q in range(n):
            rows = np.flatnonzero(masked >> q & 1 == 0)
            fewer = keys[rows]
            fewer[:, packing.word[q]] &= ~(packing.fields[q] << packing.shift[q])
            parts.append((grouper.insert(fewer), rows, np.full(len(rows), q), fewer))
        ids, child, q_of = (np.concatenate([part[k] for part in parts]) for k in range(3))
        fresh = np.empty(grouper.count, np.int64)
        fresh[ids] = np.arange(len(ids))
        parent_masked = (masked[child] | np.left_shift(1, q_of))[fresh]
        rank = np.bitwise_count(parent_masked[ids] & (np.left_shift(1, q_of) - 1))
        slot = ids * m + rank
        order = np.empty(len(ids), np.int32)
        refine_order_into(np.arange(len(ids), dtype=np.int32), slot, m * grouper.count, order)
        child, edges = child[order], np.bincount(slot)
        keys = np.concatenate([part[3] for part in parts])[fresh]
        first = _ends(edges)[:-1]
        whole = np.add.reduceat(mass[child], first)
        chance = mass[child] / np.repeat(whole, edges)
        entropy = np.add.reduceat(-chance * np.log2(chance) + 0.0, first)
        levels.append(_Level(keys, edges, child, chance, entropy))
        mass, masked = whole[::m], parent_masked
    return levels


def _orbit_levels(law: Joint, max_pairs: int) -> list[_Level]:
    """Every orbit of canvases of positive probability, from the blank one up."""
    orbits = Orbits(law)
    packing = packing_of(law, None)
    n = law.length
    canvas: IntArray = np.full((1, n), -1, np.int32)
    levels: list[_Level] = []
    pairs = 0
    for revealed in range(n):
        pairs += len(canvas) * (n - revealed + 1)
        _demand_pairs(law, pairs, max_pairs)
        place = np.full(len(canvas), revealed)
        laws = law._laws(canvas, np.arange(len(canvas)), place)
        entropy = _law_entropies(laws)
        if orbits.rename:
            alike = np.empty(laws.shape, np.int64)
            blank = np.full((1, n), -1, np.int32)
            representative_tokens_into(blank, np.zeros(len(canvas), np.int64), canvas, alike)
            laws = laws * alike
        row, token = pairs_of(laws > 0)
        after = canvas[row]
        after[:, revealed] = token
        after = orbits.canonical(after)
        child, first = group(packing.keys(after))
        chance = np.asarray(laws[row, token], np.float64)
        levels.append(_Level(packing.keys(canvas), np.bincount(row), child, chance, entropy))
        canvas = after[first]
    _demand_pairs(law, pairs + len(canvas), max_pairs)
    levels.append(_complete(packing.keys(canvas)))
    return levels[::-1]


def _law_entropies(laws: FloatArray) -> FloatArray:
    """Entropies ``(B,)`` of laws ``(B, V)``."""
    logs = np.log2(laws, out=np.zeros(laws.shape), where=laws > 0)
    return np.asarray(0.0 - (laws * logs).sum(axis=1), np.float64)


def _complete(keys: Array) -> _Level:
    """The fullest level: nothing is masked."""
    none = np.empty(0, np.int64)
    return _Level(keys, none, none, np.empty(0), np.empty(0))
