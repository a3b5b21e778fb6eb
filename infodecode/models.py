"""Masked models: a canvas in, conditional laws out. Perfect ones, and perturbed ones.

A model is asked once per round and answers with an `Evaluation`, which gives score fields, token
laws and draws lazily. Exact models know whole laws; a network's evaluation keeps its logits where
they are and hands out numbers and tokens only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from infodecode import _validation
from infodecode._grouping import Packing
from infodecode._kernels.grouping import hash_rows_into
from infodecode._kernels.laws import add_noise_into, summarise_into
from infodecode._kernels.rows import empty_rows, pairs_of
from infodecode._randomness import seed_key
from infodecode._rounding import ROUNDING
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.distributions import Joint, Table
from infodecode.distributions._joint import require
from infodecode.evaluation import Evaluation as Evaluation
from infodecode.evaluation import TokenRule as TokenRule
from infodecode.evaluation import distinct_pairs, floats_of, inverted
from infodecode.state import NOTHING, PREVIOUS_CANVAS, State

EXACT_TOLERANCE = ROUNDING
"""Probabilities, entropies and thresholds of exact models closer than this count as equal."""

FLOOR = 1e-12
"""Added to probabilities inside the logarithms of a divergence, as KLASS does."""

OFF_SUPPORT = ("marginal", "uniform", "natural")


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
        p1, token1, p2, entropy = self._summary(laws, "entropy" in wanted)
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
        p1, token1, p2, _ = self._summary(laws, False)
        columns = {
            "visible_p1": p1, "visible_p2": p2, "visible_token1": token1,
            "visible_probability": laws[np.arange(len(rows)), self._canvas[rows, positions]],
        }  # fmt: skip
        return {name: _spread(columns[name], rows, positions, where.shape) for name in wanted}

    def _summary(self, laws: FloatArray, entropy: bool) -> tuple[Array, Array, Array, Array]:
        """p1, token1, p2 ``(K,)``, and entropies in bits where asked for."""
        p1, p2, bits = np.empty((3, len(laws)))
        token1 = np.empty(len(laws), np.int64)
        summarise_into(laws, self._model.tolerance, entropy, p1, token1, p2, bits)
        return p1, token1, p2, bits

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
        return inverted(floats_of(self.law(rows, positions)), uniform)

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
        return floats_of(laws)

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


def model_of(model: object) -> Model:
    """A model as it is, or the ideal one of a distribution."""
    used = IdealModel(model) if isinstance(model, Joint) else model
    if not isinstance(used, Model):
        raise TypeError(f"model must be a model or a distribution, got {_validation.shown(model)}")
    return used


def law_model_of(model: object) -> LawModel:
    """A model that knows whole laws as it is, or the ideal one of a distribution."""
    used = IdealModel(model) if isinstance(model, Joint) else model
    if not isinstance(used, LawModel):
        raise TypeError(
            "model must be a model with exact laws or a distribution, "
            f"got {_validation.shown(model)}"
        )
    return used


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
        self.model = law_model_of(model)
        self.scale = _validation.number("scale", scale, minimum=0, maximum=1e100)
        self.seed = _validation.integer("seed", seed, minimum=0, maximum=None)
        self.alphabet_sizes = self.model.alphabet_sizes
        self.off_support = self.model.off_support
        self._packing = Packing(self.alphabet_sizes)
        self._key = seed_key(self.seed)

    def laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> Array:
        laws = floats_of(self.model.laws(canvases, rows, positions)).copy()
        if self.scale == 0:
            return laws
        hashes = np.empty(len(canvases), np.uint64)
        hash_rows_into(self._packing.keys(canvases), hashes)
        add_noise_into(laws, hashes, rows, positions, self._key, self.scale)
        return laws


def _spread(values: Array, rows: IntArray, positions: IntArray, shape: tuple[int, ...]) -> Array:
    out = np.zeros(shape, values.dtype)
    out[rows, positions] = values
    return out
