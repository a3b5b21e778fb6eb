"""Orders that adapt to the values revealed: the least error of any commit-only policy."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from infodecode import _validation
from infodecode._adaptive_graph import ADAPTIVE_PAIRS as ADAPTIVE_PAIRS
from infodecode._adaptive_graph import ADAPTIVE_STEPS as ADAPTIVE_STEPS
from infodecode._adaptive_graph import Problem
from infodecode._rounding import ROUNDING
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.strategies.adaptive_optimum import AdaptiveOptimum, Choices

Corner: TypeAlias = tuple[float, float]
"""Expected rounds on data and path KL of a policy."""


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
    problem = Problem(require("distribution", distribution), limit)
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
    return _priced(Problem(require("distribution", distribution)), checked)


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
    problem = Problem(require("distribution", distribution))
    return tuple(_priced(problem, price) for price in checked)


def bits_at_rounds(distribution: Joint, expected_rounds: float) -> float:
    """Least path KL of policies that take at most so many rounds on average, on data.

    The lower convex hull of all policies and their random mixtures: see `LeastBits`.

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
    return LeastBits(distribution).at(rounds)


class LeastBits:
    """Least path KL of one law for any number of expected rounds.

    Corners of the lower convex hull are found by prices: the line between two of them is asked for
    its price until nothing lies below it. Those found for one number of rounds serve the next.

    Args:
        distribution: joint law; limits as for `infodecode.adaptive_optimum`.
        max_pairs: as there.

    Attributes:
        most_rounds: fewest expected rounds without any error.

    Example:
        >>> from infodecode import distributions
        >>> best = LeastBits(distributions.permutations(5))
        >>> [round(best.at(rounds), 4) for rounds in (1, 2.5, 5)]
        [4.7027, 1.4829, 0.0]
    """

    def __init__(self, distribution: Joint, *, max_pairs: int = ADAPTIVE_PAIRS) -> None:
        limit = _validation.integer("max_pairs", max_pairs, minimum=1, maximum=ADAPTIVE_PAIRS)
        self._problem = Problem(require("distribution", distribution), limit)
        self._corners = [self._corner(0.0), self._corner(math.inf)]
        self._certain: set[tuple[Corner, Corner]] = set()
        self.most_rounds = self._corners[-1][0]

    def at(self, expected_rounds: float) -> float:
        """Least path KL in bits of policies that take at most so many rounds on average, on data.

        Raises:
            ValueError: ``expected_rounds`` is below 1.
        """
        rounds = _validation.number("expected_rounds", expected_rounds, minimum=1)
        if rounds >= self.most_rounds:
            return 0.0
        left, right = self._edge(rounds)
        part = (rounds - left[0]) / (right[0] - left[0])
        return float(left[1] - part * (left[1] - right[1]))

    def corners(self, points: int) -> FloatArray:
        """Corners ``(M, 2)`` of the hull: ends of the edges below so many evenly spaced points.

        Example:
            >>> from infodecode import distributions
            >>> LeastBits(distributions.permutations(3)).corners(10).round(4).tolist()
            [[1.0, 2.1699], [2.0, 0.585], [3.0, 0.0]]
        """
        spaced = np.linspace(1, self.most_rounds, points)[:-1].tolist()
        edges = {self._edge(rounds) for rounds in spaced if rounds < self.most_rounds}
        return np.array(sorted({*itertools.chain.from_iterable(edges), self._corners[-1]}))

    def _edge(self, rounds: float) -> tuple[Corner, Corner]:
        """The neighbouring corners with ``rounds`` between them; it is below the last corner's."""
        while True:
            place = bisect.bisect_right(self._corners, (rounds, math.inf))
            left, right = self._corners[place - 1], self._corners[place]
            if (left, right) in self._certain:
                return left, right
            price = (right[0] - left[0]) / (left[1] - right[1])
            corner = self._corner(price)
            line = left[0] + price * left[1]
            if corner[0] + price * corner[1] >= line - ROUNDING * max(1.0, line):
                self._certain.add((left, right))
            else:
                self._corners.insert(place, corner)

    def _corner(self, price: float) -> Corner:
        """Expected rounds and bits of the best policy at a price of a bit in rounds."""
        return _solved(self._problem, price)[1]


def _price(name: str, value: object) -> float:
    if isinstance(value, float) and value == math.inf:
        return value
    return _validation.number(name, value, minimum=0)


def _priced(problem: Problem, price: float) -> PricedOptimum:
    cost, (rounds, bits), best = _solved(problem, price)
    return PricedOptimum(
        distribution=problem.law,
        price=price,
        cost=cost,
        expected_rounds=rounds,
        bits=bits,
        _choices=problem.choices(best[None]),
    )


def _solved(problem: Problem, price: float) -> tuple[float, Corner, IntArray]:
    """Least cost at a price, expected rounds and bits of a policy that has it, its choices."""
    costs, rate = problem.costs, price
    if price == math.inf:
        costs, rate = np.where(costs > 0, np.inf, 0.0), 1.0
    values, best = problem.improve(None, costs=costs, fee=1.0, rate=rate)
    rounds = problem.follow(best, fee=1.0, rate=0.0)
    bits = problem.follow(best, fee=0.0, rate=1.0)
    return float(values[-1]), (rounds, bits), best
