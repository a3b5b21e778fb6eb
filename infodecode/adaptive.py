"""Orders that adapt to the values revealed: the least error of any commit-only policy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NoReturn

import numpy as np

from infodecode import _validation
from infodecode._grouping import Grouper, group
from infodecode._kernels.adaptive import best_choices_into, choice_costs_into
from infodecode._kernels.orbits import representative_tokens_into
from infodecode._kernels.rows import pairs_of
from infodecode._kernels.tables import refine_order_into
from infodecode._rounding import ROUNDING, ZERO, nonnegative
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import TABLE_LIMIT, require
from infodecode.orbits import Orbits
from infodecode.strategies.adaptive_optimum import AdaptiveOptimum, Choices, packing_of

ADAPTIVE_PAIRS = 1 << 26
"""Most pairs of a canvas and a set to commit: 13 binary positions, in 15 seconds and 2 GB."""

ADAPTIVE_STEPS = 5_000_000_000
"""Most additions for all numbers of rounds together (up to a minute)."""


@dataclass(frozen=True, eq=False)
class OptimalPolicies:
    """Best policies that adapt to revealed values, for every number of rounds.

    Attributes:
        distribution: the law.
        bits: ``(n,)`` V_T in bits at entry T - 1: the least KL along the path of any policy that
            takes at most T rounds; nonincreasing, and 0.0 at T = n.
    """

    distribution: Joint
    bits: FloatArray
    _choices: Choices = field(repr=False)

    def policy(self, rounds: int) -> AdaptiveOptimum:
        """A strategy that takes at most ``rounds`` rounds and attains ``bits[rounds - 1]``.

        It takes no more rounds than it needs once nothing is lost any more.

        Raises:
            ValueError: ``rounds`` is not in 1..n.
        """
        count = _validation.integer("rounds", rounds, minimum=1, maximum=len(self.bits))
        part = replace(self._choices, table=self._choices.table[:count])
        return AdaptiveOptimum(self.distribution, count, None, part)


@dataclass(frozen=True, eq=False)
class PricedOptimum:
    """The best policy when a bit of KL costs ``price`` rounds.

    Attributes:
        distribution: the law.
        price: λ, rounds per bit; inf asks for no error at all.
        cost: the least ``expected_rounds + price * bits`` of any policy.
        expected_rounds: of the policy, on data: a mean over sequences drawn from the law. A
            decoder's own mean is over what it puts out.
        bits: KL along the path of the policy.
    """

    distribution: Joint
    price: float
    cost: float
    expected_rounds: float
    bits: float
    _choices: Choices = field(repr=False)

    def policy(self) -> AdaptiveOptimum:
        """A strategy that attains the cost."""
        return AdaptiveOptimum(self.distribution, None, self.price, self._choices)


def adaptive_optimum(distribution: Joint, *, max_pairs: int = ADAPTIVE_PAIRS) -> OptimalPolicies:
    r"""Least error of any policy that may look at the canvas, for T = 1..n rounds at once.

    .. math:: V_T(z) = \min_{S \neq \varnothing}\, C(y_S | z) + \mathbb E\, V_{T-1}(z + y_S),
              \qquad V_T(\text{complete}) = 0,\; V_0 = \infty \text{ otherwise}

    over sets S of masked positions, C the conditional total correlation given the revealed values.
    V_T of the blank canvas is the least KL *along the path* (of positions and tokens together),
    over policies that take at most T rounds, commit for good, and choose from the canvas, its
    history and chance before tokens are drawn; exact marginals are the best model for all of them.
    A deterministic policy's path follows from its output, so that its output has that very KL.

    It equals L*_T of `infodecode.optimal_partitions` for T = 1 and 2, and is never larger; from
    T = 3 on it can be smaller, since there is a choice left after the first values are seen. Mixing
    several orders at random can make the KL of the *output* smaller still, and choosing positions
    by the tokens just drawn is another game: V_T bounds neither.

    Cost: prod(V_i + 2) pairs if dense (4^n binary), times V, for each of up to n rounds.

    Args:
        distribution: joint law of n positions: at most 13 binary or 11 ternary ones that vary, more
            where few canvases have positive probability; or hundreds that are exchangeable
            (`Joint.exchangeable`).
        max_pairs: refuse more pairs of a canvas and a set to commit, at most 2^26; time and memory
            are in proportion.

    Raises:
        ValueError: beyond the limits (with the numbers).

    Example:
        >>> from infodecode import distributions
        >>> adaptive_optimum(distributions.replace_random(6)).bits.round(4).tolist()
        [1.3152, 0.6651, 0.2834, 0.1301, 0.0484, 0.0]
    """
    limit = _validation.integer("max_pairs", max_pairs, minimum=1, maximum=ADAPTIVE_PAIRS)
    problem = _Problem(require("distribution", distribution), limit)
    n = distribution.length
    bits = np.zeros(n)
    table: list[IntArray] = []
    values = np.where(problem.graph.complete, 0.0, np.inf)
    while values.any():
        done = values == 0
        values, best = problem.improve(values)
        table.append(np.where(done, table[-1], best) if table else best)
        bits[len(table) - 1] = values[-1]
    bits.flags.writeable = False
    return OptimalPolicies(distribution, bits, problem.choices(np.array(table)))


def rounds_at_price(distribution: Joint, price: float) -> PricedOptimum:
    r"""Best trade of expected rounds against KL, when a bit costs ``price`` rounds.

    .. math:: W(z) = \min_{S \neq \varnothing}\, 1 + \lambda\, C(y_S | z) + \mathbb E\, W(z + y_S),
              \qquad W(\text{complete}) = 0

    The policies are those of `adaptive_optimum`, without a limit on the rounds, which are counted
    on data. Where several policies have the same cost, larger sets are taken.

    Cost: the pairs of `adaptive_optimum`, times V, once.

    Args:
        distribution: joint law; limits as for `adaptive_optimum`.
        price: λ >= 0, in rounds per bit; ``math.inf`` gives the fewest expected rounds without any
            error.

    Raises:
        ValueError: a negative price, or beyond the limits.

    Example:
        >>> from infodecode import distributions
        >>> best = rounds_at_price(distributions.replace_random(6), 4.0)
        >>> round(best.expected_rounds, 4), round(best.bits, 4)
        (2.8333, 0.1576)
    """
    checked = _price("price", price)
    return _priced(_Problem(require("distribution", distribution)), checked)


def price_curve(distribution: Joint, prices: Iterable[float]) -> tuple[PricedOptimum, ...]:
    """`rounds_at_price` for several prices.

    The points (expected rounds, bits) are corners of the lower convex hull of what policies attain:
    with rising price there are more rounds and fewer bits, from one round at price 0.

    Args:
        distribution: joint law; limits as for `adaptive_optimum`.
        prices: any number of prices, each >= 0 or inf.

    Returns:
        one optimum for each price, in the order given.

    Raises:
        ValueError: a negative price, or beyond the limits.

    Example:
        >>> from infodecode import distributions
        >>> curve = price_curve(distributions.permutations(5), [0, 1, math.inf])
        >>> [(best.expected_rounds, round(best.bits, 4)) for best in curve]
        [(1.0, 4.7027), (3.0, 0.9069), (5.0, 0.0)]
    """
    checked = [
        _price(f"prices[{k}]", price)
        for k, price in enumerate(_validation.iterate("prices", prices))
    ]
    problem = _Problem(require("distribution", distribution))
    return tuple(_priced(problem, price) for price in checked)


def bits_at_rounds(distribution: Joint, expected_rounds: float) -> float:
    """Least path KL of policies that take at most so many rounds on average, on data.

    The lower convex hull of all policies and their random mixtures, found by prices: the line
    between two corners is asked for its price until nothing lies below it.

    Args:
        distribution: joint law; limits as for `adaptive_optimum`.
        expected_rounds: E_mu[T], at least 1.

    Example:
        >>> from infodecode import distributions
        >>> law = distributions.permutations(5)
        >>> [round(bits_at_rounds(law, rounds), 4) for rounds in (1, 2.5, 5)]
        [4.7027, 1.4829, 0.0]
    """
    rounds = _validation.number("expected_rounds", expected_rounds, minimum=1)
    problem = _Problem(require("distribution", distribution))
    left, right = _priced(problem, 0.0), _priced(problem, math.inf)
    if rounds >= right.expected_rounds:
        return 0.0
    while True:
        gap = left.bits - right.bits
        price = (right.expected_rounds - left.expected_rounds) / gap
        corner = _priced(problem, price)
        line = left.expected_rounds + price * left.bits
        if corner.cost >= line - ROUNDING * max(1.0, line):
            part = (rounds - left.expected_rounds) / (right.expected_rounds - left.expected_rounds)
            return float(left.bits - part * gap)
        if corner.expected_rounds <= rounds:
            left = corner
        else:
            right = corner


def _price(name: str, value: object) -> float:
    if isinstance(value, float) and value == math.inf:
        return value
    return _validation.number(name, value, minimum=0)


def _priced(problem: _Problem, price: float) -> PricedOptimum:
    costs, rate = problem.costs, price
    if price == math.inf:
        costs, rate = np.where(costs > 0, np.inf, 0.0), 1.0
    values, best = problem.improve(None, costs=costs, fee=1.0, rate=rate)
    rounds = problem.follow(best, fee=1.0, rate=0.0)
    bits = problem.follow(best, fee=0.0, rate=1.0)
    return PricedOptimum(
        distribution=problem.law,
        price=price,
        cost=float(values[-1]),
        expected_rounds=rounds,
        bits=bits,
        _choices=problem.choices(best[None]),
    )


class _Problem:
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


# The graph of canvases --------------------------------------------------------------------------


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
