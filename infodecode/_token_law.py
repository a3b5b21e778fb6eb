"""What every token rule has in common: see `infodecode.token_rules`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from infodecode import _validation
from infodecode._token_weights import Costs
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.distributions import Joint, Table
from infodecode.distributions._power_sums import exponent_of

if TYPE_CHECKING:
    from infodecode.models import Model
    from infodecode.token_evaluation import RuledEvaluation

LARGEST_POWER = 64
"""Largest integer power in rational arithmetic: the fractions grow with it."""


class TokenLaw:
    """How the token of a chosen position is drawn. Frozen dataclasses derive from it.

    Positions drawn in the same round are drawn independently, unless the rule is `dependent`.
    """

    @property
    def dependent(self) -> bool:
        """Whether tokens drawn together depend on each other."""
        return False

    @property
    def asks(self) -> bool:
        """Whether a draw may cost model calls of its own."""
        return False

    def laws(self, ask: RuledEvaluation, rows: IntArray, positions: IntArray) -> Array:
        """Laws ``(K, V)`` at distinct pairs sorted by row, before the temperature acts."""
        raise NotImplementedError

    def draw(
        self, ask: RuledEvaluation, rows: IntArray, positions: IntArray, uniform: FloatArray
    ) -> IntArray | None:
        """A token per pair, where that takes no whole laws; None inverts `laws`."""
        return None

    def costs(self, ask: RuledEvaluation, rows: IntArray, where: BoolArray) -> Costs | None:
        """Model calls and sequences evaluated to draw at ``where`` (R, n), each ``(R,)``."""
        return None

    def demand_model(self, model: Model, temperature: float) -> None:
        """Raise ValueError where the rule cannot work with this model or temperature."""

    def demand_rational(self) -> None:
        """Raise ValueError unless laws of fractions are fractions of bearable size."""


@dataclass(frozen=True)
class FromMarginal(TokenLaw):
    """The model's marginal itself: the default."""

    def laws(self, ask: RuledEvaluation, rows: IntArray, positions: IntArray) -> Array:
        return ask.marginal(rows, positions)


@dataclass(frozen=True, repr=False)
class PowerRule(TokenLaw):
    """Rules that aim at mu^alpha.

    Attributes:
        alpha: > 0; whole numbers allow rational arithmetic.
    """

    alpha: float

    def __post_init__(self) -> None:
        _validation.store(self, alpha=exponent_of(self.alpha))

    def __repr__(self) -> str:
        options = [
            f"{spec.name}={getattr(self, spec.name)!r}"
            for spec in fields(self)
            if spec.name != "alpha" and getattr(self, spec.name) != spec.default
        ]
        return f"{type(self).__name__}({', '.join([repr(self.alpha), *options])})"

    def demand_rational(self) -> None:
        if not isinstance(self.alpha, int) or self.alpha > LARGEST_POWER:
            raise ValueError(
                "arithmetic='rational' needs a whole alpha of a token rule up to "
                f"{LARGEST_POWER}, got alpha={self.alpha!r}"
            )


@dataclass(frozen=True, eq=False)
class Candidates:
    """Every possible token of some pairs.

    Attributes:
        marginals: ``(K, V)`` of the pairs.
        pair, token: ``(C,)`` which pair, which token.
        rows: ``(C,)`` row of the evaluation.
        tokens: ``(C, n)``: the token at its position, -1 elsewhere.
    """

    marginals: Array
    pair: IntArray
    token: IntArray
    rows: IntArray
    tokens: IntArray

    def weighted(self, weights: Array, alpha: float) -> Array:
        """The law ``(K, V)`` in proportion to marginal^alpha times weight."""
        chosen = self.marginals[self.pair, self.token]
        if weights.dtype == object:
            powers = np.full(self.marginals.shape, Fraction(0), dtype=object)
            powers[self.pair, self.token] = chosen**alpha * weights
            total = powers.sum(axis=1)
        else:
            log2 = np.full(self.marginals.shape, -np.inf)
            log2[self.pair, self.token] = alpha * np.log2(chosen) + weights
            peak = log2.max(axis=1, keepdims=True)
            powers = np.exp2(log2 - np.where(np.isfinite(peak), peak, 0.0))
            total = powers.sum(axis=1)
        lost = total == 0
        if lost.any():
            powers[lost] = raised(self.marginals[lost], alpha)
            total[lost] = 1
        return np.asarray(powers / total[:, None])


def candidates(ask: RuledEvaluation, rows: IntArray, positions: IntArray) -> Candidates:
    marginals = ask.marginal(rows, positions)
    pair, token = np.nonzero(marginals != 0)
    tokens = np.full((len(pair), ask.canvas.shape[1]), -1, np.int32)
    tokens[np.arange(len(pair)), positions[pair]] = token
    return Candidates(marginals, pair, token, rows[pair], tokens)


def single(length: int, positions: IntArray) -> BoolArray:
    return np.asarray(np.arange(length) == positions[:, None])


def raised(laws: Array, alpha: float) -> Array:
    """``laws ** alpha`` by row, adding up to 1; rows of zeros stay so."""
    if laws.dtype == object:
        powers = laws**alpha
    else:
        peak = np.maximum(laws.max(axis=1, keepdims=True), np.finfo(float).tiny)
        powers = (laws / peak) ** alpha
    total = powers.sum(axis=1, keepdims=True)
    return np.asarray(powers / np.where(total > 0, total, 1))


def law_behind(rule: TokenLaw, given: Joint | None, model: Model) -> Joint:
    """The distribution that a rule's exact weights come from."""
    law = getattr(model, "distribution", None) if given is None else given
    if not isinstance(law, Joint):
        raise ValueError(
            f"{type(rule).__name__} with exact weights needs the distribution behind the model, "
            f"which {type(model).__name__} does not give: pass distribution=, or take "
            "MeanFieldPower or weight='mean-field', which ask the model"
        )
    if law.alphabet_sizes != model.alphabet_sizes:
        raise ValueError(
            f"distribution must have the alphabets {model.alphabet_sizes} of the model, "
            f"got {law.alphabet_sizes}"
        )
    if getattr(model, "rational", False):
        law = law.table()
        if not (isinstance(law, Table) and law.integer):
            raise ValueError(f"arithmetic='rational' needs a table of integer counts, got {law!r}")
    return law
