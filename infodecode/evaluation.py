"""What a model answers on the canvases of one round, and the rule by which tokens are drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from infodecode._kernels.laws import draw_into
from infodecode._kernels.rows import pairs_of
from infodecode._rounding import ROUNDING
from infodecode._token_law import LARGEST_POWER, FromMarginal, TokenLaw, raised
from infodecode._token_weights import Costs
from infodecode._typing import Array, BoolArray, FloatArray, IntArray

_LAW_NUMBERS = 1 << 22
"""Probabilities that a sum over tokens takes at once."""


@dataclass(frozen=True)
class TokenRule:
    """How a token is drawn from a law.

    Attributes:
        temperature: 1 draws from the law, 0 takes its mode, t draws in proportion to ``p**(1/t)``.
        ties: at temperature 0, ``"random"`` draws uniformly among the modes, ``"lowest"`` takes
            the lowest index.
        tempered_confidence: whether score fields come from the tempered law (ParallelBench) or the
            untempered one (LLaDA).
        tokens: makes that law from the marginal. The loop applies it (`RuledEvaluation`): a model
            only answers for its marginals.
    """

    temperature: float = 1.0
    ties: str = "random"
    tempered_confidence: bool = False
    tokens: TokenLaw = field(default=FromMarginal())

    def temper(self, laws: Array, tolerance: float) -> Array:
        """The laws ``(K, V)`` actually drawn from; rows of zeros stay so."""
        if self.temperature == 1:
            return laws
        if self.temperature == 0:
            top = (laws >= laws.max(axis=1, keepdims=True) - tolerance) & (laws > 0)
            if self.ties == "lowest":
                top &= np.cumsum(top, axis=1) == 1
            count = np.maximum(top.sum(axis=1, keepdims=True), 1)
            if laws.dtype == object:
                return np.asarray(top * np.frompyfunc(lambda c: Fraction(1, int(c)), 1, 1)(count))
            return np.asarray(top / count)
        exact = laws.dtype == object
        return raised(laws, self._integer_power() if exact else 1.0 / self.temperature)

    def demand_rational(self) -> None:
        """Raise ValueError unless the tempered laws of fractions are fractions of bearable size."""
        self.tokens.demand_rational()
        if self.temperature not in (0, 1):
            self._integer_power()

    def _integer_power(self) -> int:
        power = round(1.0 / self.temperature) if self.temperature > 1e-3 else 0
        if not 1 <= power <= LARGEST_POWER or abs(power * self.temperature - 1) > ROUNDING:
            raise ValueError(
                "arithmetic='rational' needs temperature 0 or 1/k for an integer k up to "
                f"{LARGEST_POWER}, got temperature={self.temperature!r}"
            )
        return power


class Evaluation(ABC):
    """A model's answer on the canvases of one round.

    Pairs (row, position) come sorted by row. Token rules other than the default ask for powers of
    the marginals: `draw_power`, `log2_probability_of` and `log2_power_sums` hand out numbers and
    tokens only, so that a network computes them where its logits are. They follow from `marginal`,
    whole laws, in an evaluation that can afford these. Neither temperature nor the confidence's
    dialect touches any of the four.

    Attributes:
        dependent: whether tokens drawn together depend on each other; then `exact` asks for
            `outcome_counts` and `outcomes` instead of `law`.
    """

    dependent: bool = False

    @abstractmethod
    def scores(self, fields: Iterable[str], where: BoolArray) -> dict[str, Array]:
        """Score fields ``(R, n)`` at ``where``, zeros elsewhere (`infodecode.state.SCORES`)."""

    @abstractmethod
    def visible_scores(self, fields: Iterable[str], where: BoolArray) -> dict[str, Array]:
        """Score fields ``(R, n)`` at visible positions ``where``, zeros elsewhere."""

    @abstractmethod
    def law(self, rows: IntArray, positions: IntArray) -> Array:
        """Tempered token laws ``(K, V)`` at pairs sorted by row."""

    @abstractmethod
    def draw(self, rows: IntArray, positions: IntArray, uniform: FloatArray) -> IntArray:
        """A token ``(K,)`` per pair, by inversion of the tempered law."""

    @abstractmethod
    def confidence_of(self, rows: IntArray, positions: IntArray, tokens: IntArray) -> FloatArray:
        """Probability ``(K,)`` of given tokens, tempered or not as the rule says."""

    def confidence_in(self, tokens: IntArray, probability: FloatArray) -> FloatArray:
        """Confidence ``(K,)`` in drawn tokens: their probability, unless a model puts some off."""
        return probability

    def marginal(self, rows: IntArray, positions: IntArray) -> Array:
        """The model's own laws ``(K, V)`` at the pairs."""
        raise ValueError(
            f"this token rule needs whole laws, which {type(self).__name__} does not hand out; "
            "LocalPower and MetropolisHastings with mean-field weights do without"
        )

    def draw_power(
        self, rows: IntArray, positions: IntArray, alpha: float, uniform: FloatArray
    ) -> IntArray:
        """A token ``(K,)`` per pair, by inversion of marginal^alpha, normalised."""
        (row, position), back = self._distinct(rows, positions)
        return inverted(raised(floats_of(self.marginal(row, position)), alpha)[back], uniform)

    def log2_probability_of(
        self, rows: IntArray, positions: IntArray, tokens: IntArray
    ) -> FloatArray:
        """log2 of the marginals ``(K,)`` of given tokens; -inf where impossible."""
        (row, position), back = self._distinct(rows, positions)
        with np.errstate(divide="ignore"):
            return np.log2(floats_of(self.marginal(row, position))[back, tokens])

    def log2_power_sums(self, rows: IntArray, positions: IntArray, alpha: float) -> FloatArray:
        """log2 of the sum ``(K,)`` over all tokens of marginal^alpha, at the pairs."""
        out = np.empty(len(rows))
        step = _LAW_NUMBERS
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            laws = floats_of(self.marginal(rows[part], positions[part]))
            step = max(1, _LAW_NUMBERS // laws.shape[1])
            peak = laws.max(axis=1)
            powers = (laws / peak[:, None]) ** alpha
            out[part] = alpha * np.log2(peak) + np.log2(powers.sum(axis=1))
        return out

    def _distinct(
        self, rows: IntArray, positions: IntArray
    ) -> tuple[tuple[IntArray, IntArray], IntArray]:
        """Pairs asked for more than once, once; and where each was."""
        shape = int(rows.max(initial=-1)) + 1, int(positions.max(initial=-1)) + 1
        return distinct_pairs(shape, rows, positions)

    def draw_with(
        self, rows: IntArray, source: IntArray, positions: IntArray,
        numbers: Callable[[int], FloatArray],
    ) -> IntArray:  # fmt: skip
        """A token ``(K,)`` per pair, with as many random numbers as the token rule takes.

        Args:
            rows: ``(K,)`` which pairs are drawn together.
            source, positions: ``(K,)`` the pairs.
            numbers: k -> the k-th uniform number ``(K,)`` of every pair.
        """
        return self.draw(source, positions, numbers(0))

    def draw_costs(self, rows: IntArray, where: BoolArray) -> Costs | None:
        """What drawing at ``where`` (R', n) on some rows ``(R',)`` costs beyond this call."""
        return None

    def outcome_counts(self, rows: IntArray, where: BoolArray) -> FloatArray:
        """In how many ways ``(R',)`` tokens at ``where`` (R', n) can be drawn together."""
        raise NotImplementedError

    def outcomes(self, rows: IntArray, where: BoolArray) -> tuple[IntArray, IntArray, Array]:
        """These ways: row of ``where``, tokens ``(M, n)`` with -1 elsewhere, probability."""
        raise NotImplementedError


def floats_of(laws: Array) -> FloatArray:
    """Laws of fractions as laws of floats."""
    return np.asarray(laws, dtype=np.float64)


def inverted(laws: FloatArray, uniform: FloatArray) -> IntArray:
    """A token ``(K,)`` from each law, at a uniform number."""
    tokens = np.empty(len(laws), np.int64)
    draw_into(laws, uniform, tokens)
    return tokens


def distinct_pairs(
    shape: tuple[int, ...], rows: IntArray, positions: IntArray
) -> tuple[tuple[IntArray, IntArray], IntArray]:
    """Pairs of a canvas of this shape without repetitions, sorted, and the place of each there."""
    asked = np.zeros(shape, bool)
    asked[rows, positions] = True
    once = pairs_of(asked)
    place = np.empty(shape, np.int64)
    place[once] = np.arange(len(once[0]))
    return once, place[rows, positions]
