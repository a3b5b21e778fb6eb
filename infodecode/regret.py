"""Regret: how far a decoder is from the best commit-only policy that takes as many rounds."""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from infodecode import _validation
from infodecode._rounding import DECODED_ZERO, ROUNDING, nonnegative
from infodecode._typing import FloatArray
from infodecode.adaptive import ADAPTIVE_PAIRS, _Problem, bits_at_rounds
from infodecode.data_path import data_path
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.distributions._joint import require

Corner: TypeAlias = tuple[float, float]
"""Expected rounds on data and path KL of a policy."""

KINDS = {
    "inside": "commits for good, chooses before it draws, temperature 1: the adaptive optimum "
    "bounds its path KL, which is the KL of its output",
    "mixture": "the same, but its positions are partly random and its output mixes several paths: "
    "the adaptive optimum bounds its path KL, and the KL of its output is smaller",
    "draws first": "chooses positions by tokens it has drawn: it has no path KL, and may lose less "
    "than the adaptive optimum",
    "revising": "may mask again what it committed: it has no path KL, and may lose less than the "
    "adaptive optimum",
    "greedy": "takes likeliest tokens without drawing, all (temperature 0) or some: its KL is "
    "infinite where a possible sequence never comes out",
    "tempered": "draws from a tempered law: it has no path KL of exact marginals",
}
"""Kinds of decoders, as the adaptive optimum sees them, and what it says about each."""

BOUNDED = ("inside", "mixture")
"""Kinds with a path KL, which the adaptive optimum bounds."""

MIXED = 1e-10
"""Bits by which the KL of an output lies below its path KL if that is no rounding error."""


@dataclass(frozen=True)
class Regret:
    """A decoder beside the value-adaptive optimum, both on data.

    Attributes:
        distribution: the data law.
        decoder: what was compared.
        expected_rounds: E_mu[T] of the decoder.
        bits: its path KL.
        best_bits: least path KL of any commit-only policy that chooses before it draws, random
            mixtures included, with at most as many expected rounds.
        regret: ``bits - best_bits``, >= 0.
    """

    distribution: Joint
    decoder: Decoder
    expected_rounds: float
    bits: float
    best_bits: float
    regret: float


def regret(distribution: Joint, decoder: Decoder, *, max_children: int | None = None) -> Regret:
    """How many bits a decoder loses beyond the best policy at its own expected rounds.

    Both are path KL over data traces. The KL of an output law that mixes several orders can be
    smaller than its path KL, and decoders that choose by drawn tokens or mask again play another
    game: the first are compared by their path, the second refused. `infodecode.frontier` shows
    every decoder beside the optimum, and says of each what kind it is (`KINDS`).

    Args:
        distribution: the data law; limits as for `infodecode.adaptive_optimum`.
        decoder: commit-only, choosing before drawing, at temperature 1.
        max_children: as in `infodecode.exact`.

    Raises:
        TypeError, ValueError: an argument that cannot be, or beyond the limits.

    Example:
        >>> from infodecode import distributions, strategies
        >>> law = distributions.replace_random(6)
        >>> round(regret(law, Decoder(strategies.TopK(2))).regret, 4)
        0.3333
        >>> regret(law, Decoder(strategies.Factor(1.0))).regret
        0.0
    """
    if isinstance(decoder, Decoder) and (kind := outside(decoder)) is not None:
        raise ValueError(
            "decoder must commit for good, choose before it draws, and have temperature 1, got "
            f"{decoder!r}, whose kind is {kind!r}; frontier(distribution, [decoder]).to_frame() "
            "shows such a decoder beside the optimum"
        )
    path = data_path(distribution, decoder, max_children=max_children)
    best = bits_at_rounds(distribution, path.expected_rounds)
    return Regret(
        distribution=distribution,
        decoder=decoder,
        expected_rounds=path.expected_rounds,
        bits=path.bits,
        best_bits=best,
        regret=regret_bits(path.bits, best),
    )


def regret_bits(bits: float, best_bits: float) -> float:
    """``bits - best_bits``, with rounding errors turned into exactly 0.0."""
    return nonnegative(bits - best_bits, scale=max(1.0, bits), zero=DECODED_ZERO)


def outside(decoder: Decoder) -> str | None:
    """Which of `KINDS` a decoder is, if the adaptive optimum does not bound its path; else None.

    Example:
        >>> from infodecode import strategies
        >>> outside(Decoder(strategies.Factor(1.0), order="sample-then-choose"))
        'draws first'
    """
    if decoder.strategy.revising:
        return "revising"
    if decoder.temperature == 0:
        return "greedy"
    if decoder.draws_first:
        return "draws first"
    return None if decoder.temperature == 1 else "tempered"


def convex_bits(curve: FloatArray, rounds: float) -> float:
    """Lower convex hull of bits at T = 1..n, at any number of rounds >= 1.

    What random choices among the rows of ``curve`` attain at as many expected rounds at best.

    Example:
        >>> convex_bits(np.array([4.0, 3.0, 0.0]), 2.0)
        2.0
    """
    corners: list[tuple[float, float]] = []
    for x, y in enumerate(curve.tolist(), start=1):
        while len(corners) > 1:
            (a, at_a), (b, at_b) = corners[-2:]
            if (at_b - at_a) * (x - a) < (y - at_a) * (b - a):
                break
            corners.pop()
        corners.append((x, y))
    at, bits = np.array(corners).T
    return float(np.interp(rounds, at, bits))


class LeastBits:
    """`infodecode.adaptive.bits_at_rounds` of one law for many numbers of rounds.

    Corners of the lower convex hull that were found for one number of rounds serve the next.

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
        self._problem = _Problem(require("distribution", distribution), limit)
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
        problem, costs, rate = self._problem, self._problem.costs, price
        if price == math.inf:
            costs, rate = np.where(costs > 0, np.inf, 0.0), 1.0
        _, best = problem.improve(None, costs=costs, fee=1.0, rate=rate)
        return problem.follow(best, fee=1.0, rate=0.0), problem.follow(best, fee=0.0, rate=1.0)
