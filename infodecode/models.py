"""Masked models: a canvas in, conditional laws out. Perfect ones, and perturbed ones.

A model is asked once per round and answers with an `Evaluation`, which gives score fields, token
laws and draws lazily. Exact models know whole laws; a network's evaluation keeps its logits where
they are and hands out numbers and tokens only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from infodecode import _validation
from infodecode._grouping import Packing
from infodecode._kernels.grouping import hash_rows_into
from infodecode._kernels.laws import add_noise_into, draw_into, summarise_into
from infodecode._kernels.rows import empty_rows, pairs_of
from infodecode._randomness import seed_key
from infodecode._rounding import ROUNDING
from infodecode._token_law import LARGEST_POWER, FromMarginal, TokenLaw, raised
from infodecode._token_weights import Costs
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.distributions import Joint, Table
from infodecode.distributions._joint import require
from infodecode.state import NOTHING, PREVIOUS_CANVAS, State

EXACT_TOLERANCE = ROUNDING
"""Probabilities, entropies and thresholds of exact models closer than this count as equal."""

FLOOR = 1e-12
"""Added to probabilities inside the logarithms of a divergence, as KLASS does."""

_LAW_NUMBERS = 1 << 22
"""Probabilities that a sum over tokens takes at once."""

OFF_SUPPORT = ("marginal", "uniform", "natural")


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
        return inverted(raised(_floats(self.marginal(row, position)), alpha)[back], uniform)

    def log2_probability_of(
        self, rows: IntArray, positions: IntArray, tokens: IntArray
    ) -> FloatArray:
        """log2 of the marginals ``(K,)`` of given tokens; -inf where impossible."""
        (row, position), back = self._distinct(rows, positions)
        with np.errstate(divide="ignore"):
            return np.log2(_floats(self.marginal(row, position))[back, tokens])

    def log2_power_sums(self, rows: IntArray, positions: IntArray, alpha: float) -> FloatArray:
        """log2 of the sum ``(K,)`` over all tokens of marginal^alpha, at the pairs."""
        out = np.empty(len(rows))
        step = _LAW_NUMBERS
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            laws = _floats(self.marginal(rows[part], positions[part]))
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


class Model(ABC):
    """Anything that predicts masked positions.

    Attributes:
        alphabet_sizes: tokens possible at each position.
        tolerance: differences that count as ties (1e-12 on exact models, 0 on networks).
        off_support: what it predicts on canvases of data probability 0, by name.
        sequences_per_call: sequences it evaluates for each canvas; guidance takes two.
    """

    alphabet_sizes: tuple[int, ...]
    tolerance: float
    off_support: str = "model"
    sequences_per_call: int = 1

    @abstractmethod
    def evaluate(self, state: State, rule: TokenRule) -> Evaluation:
        """One batched call on ``state.canvas``."""

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        """What the model itself remembers before the first round: named arrays ``(R, ...)``."""
        return NOTHING

    def remember(self, state: State) -> Mapping[str, Array]:
        """What it remembers after a call on ``state.canvas``; part of ``state.memory``."""
        return NOTHING


class LawModel(Model):
    """A model that knows whole conditional laws: a subclass only gives `laws`."""

    tolerance = EXACT_TOLERANCE

    @abstractmethod
    def laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> Array:
        """Conditional laws ``(K, V)`` at masked (row, position) pairs sorted by row."""

    def evaluate(self, state: State, rule: TokenRule) -> Evaluation:
        return LawEvaluation(self, state.canvas, rule, state.memory.get(PREVIOUS_CANVAS))


class LawEvaluation(Evaluation):
    """Scores, laws and draws from a `LawModel`, computed when asked for.

    At a visible position the law is that given all other visible tokens.

    Args:
        model: gives the laws.
        canvas: ``(R, n)``.
        rule: how tokens are drawn.
        previous: ``(R, n)`` canvases that the ``divergence`` is taken from.
    """

    def __init__(
        self, model: LawModel, canvas: IntArray, rule: TokenRule, previous: IntArray | None = None
    ) -> None:
        self._model, self._canvas, self._rule = model, canvas, rule
        self._previous = previous

    def scores(self, fields: Iterable[str], where: BoolArray) -> dict[str, Array]:
        wanted = set(fields)
        if not wanted:
            return {}
        rows, positions = pairs_of(where)
        laws = self._score_laws(rows, positions)
        pairs = len(rows)
        token1 = np.empty(pairs, np.int64)
        p1, p2, entropy = np.empty(pairs), np.empty(pairs), np.empty(pairs)
        summarise_into(laws, self._model.tolerance, "entropy" in wanted, p1, token1, p2, entropy)
        columns = {
            "p1": p1, "confidence": p1, "p2": p2, "margin": p1 - p2, "entropy": entropy,
            "token1": token1,
        }  # fmt: skip
        if "divergence" in wanted:
            columns["divergence"] = self._divergence(laws, rows, positions)
        return {name: _spread(columns[name], rows, positions, where.shape) for name in wanted}

    def visible_scores(self, fields: Iterable[str], where: BoolArray) -> dict[str, Array]:
        wanted = set(fields)
        if not wanted:
            return {}
        rows, positions = pairs_of(where)
        laws = self._score_laws(rows, positions)
        pairs = len(rows)
        token1 = np.empty(pairs, np.int64)
        p1, p2 = np.empty(pairs), np.empty(pairs)
        summarise_into(laws, self._model.tolerance, False, p1, token1, p2, np.empty(pairs))
        columns = {
            "visible_p1": p1, "visible_p2": p2, "visible_token1": token1,
            "visible_probability": laws[np.arange(pairs), self._canvas[rows, positions]],
        }  # fmt: skip
        return {name: _spread(columns[name], rows, positions, where.shape) for name in wanted}

    def _divergence(self, laws: FloatArray, rows: IntArray, positions: IntArray) -> FloatArray:
        """KL(now || before) in bits, `FLOOR` inside both logarithms; before the first call 0."""
        if self._previous is None:
            raise ValueError(f"divergence needs memory[{PREVIOUS_CANVAS!r}]")
        known = np.asarray((self._previous >= -1).all(axis=1))
        before = np.zeros(laws.shape)
        asked = known[rows]
        before[asked] = self._score_laws(rows[asked], positions[asked], self._previous)
        return np.asarray((laws * np.log2((laws + FLOOR) / (before + FLOOR))).sum(axis=1))

    def law(self, rows: IntArray, positions: IntArray) -> Array:
        return self._rule.temper(self.marginal(rows, positions), self._model.tolerance)

    def marginal(self, rows: IntArray, positions: IntArray) -> Array:
        return self._laws(self._canvas, rows, positions)

    def draw(self, rows: IntArray, positions: IntArray, uniform: FloatArray) -> IntArray:
        return inverted(_floats(self.law(rows, positions)), uniform)

    def confidence_of(self, rows: IntArray, positions: IntArray, tokens: IntArray) -> FloatArray:
        if len(rows) <= self._canvas.size:
            return np.asarray(self._score_laws(rows, positions)[np.arange(len(rows)), tokens])
        once, back = distinct_pairs(self._canvas.shape, rows, positions)
        return np.asarray(self._score_laws(*once)[back, tokens])

    def _score_laws(
        self, rows: IntArray, positions: IntArray, canvas: IntArray | None = None
    ) -> FloatArray:
        laws = self._laws(self._canvas if canvas is None else canvas, rows, positions)
        if self._rule.tempered_confidence:
            laws = self._rule.temper(laws, self._model.tolerance)
        return _floats(laws)

    def _laws(self, canvas: IntArray, rows: IntArray, positions: IntArray) -> Array:
        """Laws at any pairs; a visible position is masked in a copy of its own first."""
        visible = np.asarray(canvas[rows, positions] >= 0)
        if not visible.any():
            return self._model.laws(canvas, rows, positions)
        copies = canvas.take(rows, axis=0)
        each = np.arange(len(rows))
        copies[each, positions] = -1
        return self._model.laws(copies, each, positions)


class IdealModel(LawModel):
    """Exactly the conditional marginals of a distribution: the papers' ideal model.

    Args:
        distribution: the data law.
        off_support: what to predict on a canvas of probability 0, where no conditional law exists:
            ``"marginal"``: each position's unconditional marginal; ``"uniform"``: its alphabet,
            uniformly; ``"natural"``: what the structured family's own formula gives (uniform over
            the items not used yet; nothing left to replace), where it has one.
        arithmetic: ``"rational"`` for exact fractions (tables of integer counts).

    Reference: ParallelBench (Kang et al. 2025), section 4.
    """

    def __init__(
        self, distribution: Joint, *, off_support: str = "marginal", arithmetic: str = "float"
    ) -> None:
        require("distribution", distribution)
        self.distribution = distribution
        self.alphabet_sizes = distribution.alphabet_sizes
        self.off_support = _validation.choice("off_support", off_support, OFF_SUPPORT)
        none = np.empty(0, np.int64)
        blank = np.empty((0, distribution.length), np.int32)
        if off_support == "natural" and distribution._natural_laws(blank, none, none) is None:
            raise ValueError(
                "off_support='natural' needs a family whose formula extends off its support, "
                f"got {_validation.shown(distribution)}; use 'marginal' or 'uniform'"
            )
        self.rational = (
            _validation.choice("arithmetic", arithmetic, ("float", "rational")) == "rational"
        )
        if self.rational and not (isinstance(distribution, Table) and distribution.integer):
            raise ValueError(
                f"arithmetic='rational' needs a table of integer counts, got {distribution!r}"
            )
        if self.rational and off_support == "natural":
            raise ValueError("arithmetic='rational' goes with off_support 'marginal' or 'uniform'")

    def laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> Array:
        laws = self._supported(canvases, rows, positions)
        lost = np.flatnonzero(~(laws != 0).any(axis=1)) if self.rational else empty_rows(laws)
        if len(lost):
            laws[lost] = self._unsupported(canvases, rows[lost], positions[lost], laws.shape[1])
        return laws

    def _supported(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> Array:
        if self.rational:
            assert isinstance(self.distribution, Table)
            return self.distribution._fraction_laws(canvases, rows, positions)
        return self.distribution._laws(canvases, rows, positions)

    def _unsupported(
        self, canvases: IntArray, rows: IntArray, positions: IntArray, width: int
    ) -> Array:
        if self.off_support == "natural":
            natural = self.distribution._natural_laws(canvases, rows, positions)
            assert natural is not None
            return natural
        if self.off_support == "uniform":
            sizes = np.asarray(self.alphabet_sizes)
            inside = np.arange(width)[None] < sizes[:, None]
            share = (
                np.array([Fraction(1, int(v)) for v in sizes], dtype=object)
                if self.rational
                else 1.0 / sizes
            )
            return np.asarray((inside * share[:, None])[positions])
        blank = np.full((1, len(self.alphabet_sizes)), -1, np.int32)
        everywhere = np.arange(len(self.alphabet_sizes))
        return self._supported(blank, np.zeros(len(everywhere), np.int64), everywhere)[positions]


class NoisyModel(LawModel):
    """An unbiased ideal model: zero-mean Gaussian noise on every logit.

    The noise is a fixed function of canvas, position and token, so that the model stays one model
    and exact output laws stay defined. Impossible tokens stay impossible.

    Args:
        model: the model to perturb, or a distribution (then its `IdealModel`).
        scale: standard deviation of the noise, in natural-log units, 0 to 1e100.
        seed: which perturbation.

    Reference: ParallelBench (Kang et al. 2025), section 4.2: ``l = l_ideal + eps``.
    """

    def __init__(self, model: LawModel | Joint, scale: float, *, seed: int = 0) -> None:
        self.model = IdealModel(model) if isinstance(model, Joint) else model
        if not isinstance(self.model, LawModel):
            raise TypeError(
                "model must be a model with exact laws or a distribution, "
                f"got {_validation.shown(model)}"
            )
        self.scale = _validation.number("scale", scale, minimum=0, maximum=1e100)
        self.seed = _validation.integer("seed", seed, minimum=0, maximum=None)
        self.alphabet_sizes = self.model.alphabet_sizes
        self.off_support = self.model.off_support
        self._packing = Packing(self.alphabet_sizes)
        self._key = seed_key(self.seed)

    def laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> Array:
        laws = _floats(self.model.laws(canvases, rows, positions)).copy()
        if self.scale == 0:
            return laws
        hashes = np.empty(len(canvases), np.uint64)
        hash_rows_into(self._packing.keys(canvases), hashes)
        add_noise_into(laws, hashes, rows, positions, self._key, self.scale)
        return laws


def _floats(laws: Array) -> FloatArray:
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


def _spread(values: Array, rows: IntArray, positions: IntArray, shape: tuple[int, ...]) -> Array:
    out = np.zeros(shape, values.dtype)
    out[rows, positions] = values
    return out
