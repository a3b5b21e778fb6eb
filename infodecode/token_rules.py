"""Token rules: from the marginal of a position to the law that its token is drawn from.

A model answers with marginals mu(v | c). Drawing from them is right for the data law mu, one
position a round. For the power law mu^alpha (`infodecode.distributions.power`) it is not, and
raising the marginal to the power alpha is not either: what is missing is the weight of the future,

    Z_alpha(c, v) = sum over the rest of mu(rest | c, v)^alpha.

The rules differ in what they put in its place. ``temperature`` is another thing, and is kept apart:
it acts on the law that the rule has produced (0 takes its mode).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from infodecode import _validation
from infodecode._independent_metropolis import law_after
from infodecode._token_law import FromMarginal as FromMarginal
from infodecode._token_law import PowerRule, candidates, law_behind, raised, single
from infodecode._token_law import TokenLaw as TokenLaw
from infodecode._token_weights import (
    Costs,
    exact_weights,
    mean_field_canvases,
    mean_field_weights,
)
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require

if TYPE_CHECKING:
    from infodecode.models import Model
    from infodecode.token_evaluation import RuledEvaluation

MOST_MOVES = 10_000
"""Most proposals of a chain in one round."""

WEIGHTS = ("mean-field", "exact")


@dataclass(frozen=True, repr=False)
class LocalPower(PowerRule):
    r"""Local tempering: each token from its own marginal to the power alpha.

    .. math:: q(x_i|c) \propto \mu(x_i|c)^\alpha

    It forgets the future, so that even one position a round, with a perfect model, it misses the
    power law; by how much depends on the order. The same as ``temperature=1/alpha``.

    Args:
        alpha: > 0.

    Example:
        >>> from infodecode import Decoder, distributions, exact, strategies
        >>> law = distributions.Table([[0, 1], [1, 0], [1, 1]], [8, 5, 5])  # target .766 at alpha 4
        >>> run = exact(law, Decoder(strategies.OneByOne("left_to_right"), tokens=LocalPower(4)))
        >>> run.output.probabilities[0].round(3)
        np.float64(0.291)

    Reference: Karan and Du 2025 (arXiv 2510.14901).
    """

    def laws(self, ask: RuledEvaluation, rows: IntArray, positions: IntArray) -> Array:
        return raised(ask.marginal(rows, positions), self.alpha)

    def draw(
        self, ask: RuledEvaluation, rows: IntArray, positions: IntArray, uniform: FloatArray
    ) -> IntArray:
        temperature = ask.rule.temperature
        if temperature == 0:
            return ask.marginals.draw(rows, positions, uniform)
        return ask.draw_power(rows, positions, self.alpha / temperature, uniform)


@dataclass(frozen=True, repr=False)
class ExactPower(PowerRule):
    r"""The token form of the power law, with the exact weight of the future.

    .. math:: q^*(x_i|c) \propto \mu(x_i|c)^\alpha Z_\alpha(c, x_i)

    One position a round, in any order, with the ideal model: the output is exactly mu^alpha / Z.
    Several positions a round lose what they would lose on the power law. On a canvas of probability
    0 nothing has a future, and the rule is that of `LocalPower`.

    Z_alpha comes from a distribution, not from the model: no extra model call.

    Args:
        alpha: > 0.
        distribution: the law whose futures count; by default that of the ideal model, which alone
            knows its own.

    Example:
        >>> from infodecode import Decoder, distributions, exact, strategies
        >>> law = distributions.Table([[0, 1], [1, 0], [1, 1]], [8, 5, 5])
        >>> run = exact(law, Decoder(strategies.OneByOne("left_to_right"), tokens=ExactPower(4)))
        >>> run.output.probabilities.round(3).tolist()
        [0.766, 0.117, 0.117]
    """

    distribution: Joint | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.distribution is not None:
            require("distribution", self.distribution)

    def laws(self, ask: RuledEvaluation, rows: IntArray, positions: IntArray) -> Array:
        found = candidates(ask, rows, positions)
        law = law_behind(self, self.distribution, ask.model)
        weights = exact_weights(ask, law, found.rows, found.tokens, self.alpha, joint=False)
        return found.weighted(weights, self.alpha)

    def demand_model(self, model: Model, temperature: float) -> None:
        law_behind(self, self.distribution, model)


@dataclass(frozen=True, repr=False)
class MeanFieldPower(PowerRule):
    r"""The future as if its positions were independent.

    .. math:: q(x_i|c) \propto \mu(x_i|c)^\alpha
              \prod_{j \text{ masked},\, j \ne i} \sum_v \mu_j(v|c, x_i)^\alpha

    The product is Z_alpha(c, x_i) where what remains is independent given c and x_i; else it is off
    by what the remaining positions tell about each other.

    Cost: one batched model call a round, that evaluates every possible token of every drawn
    position: fine for small alphabets, `MetropolisHastings` for large ones.

    Args:
        alpha: > 0.

    Example:
        >>> from infodecode import Decoder, distributions, exact, strategies
        >>> law = distributions.Table([[0, 1], [1, 0], [1, 1]], [8, 5, 5])  # two positions: exact
        >>> decoder = Decoder(strategies.OneByOne("left_to_right"), tokens=MeanFieldPower(4))
        >>> exact(law, decoder).output.probabilities.round(3).tolist()
        [0.766, 0.117, 0.117]

    Reference: *Locally Confident, Globally Stuck* (2026), the weights of its sampler.
    """

    @property
    def asks(self) -> bool:
        return True

    def laws(self, ask: RuledEvaluation, rows: IntArray, positions: IntArray) -> Array:
        found = candidates(ask, rows, positions)
        weights = mean_field_weights(ask, found.rows, found.tokens, self.alpha, bracket=False)
        return found.weighted(weights, self.alpha)

    def costs(self, ask: RuledEvaluation, rows: IntArray, where: BoolArray) -> Costs:
        row, position = np.nonzero(where)
        others = mean_field_canvases(ask.canvas[rows[row]], single(where.shape[1], position))
        possible = (ask.marginal(rows[row], position) != 0).sum(axis=1)
        evaluated = np.bincount(row, others * possible, minlength=len(where)).astype(np.int64)
        return Costs((evaluated > 0).astype(np.int64), evaluated)


@dataclass(frozen=True, repr=False)
class MetropolisHastings(PowerRule):
    r"""Independent Metropolis–Hastings on the tokens of a round, while decoding.

    The chosen positions S get a first token each from the locally tempered marginals. Then
    ``proposals * steps`` more are proposed from the same law, one after another, and x' takes the
    place of x with probability :math:`\min(1, w(x')/w(x))`; from a state of weight 0, always.

    With ``joint`` the state is :math:`x_S`, and the moves aim at the power law of all of S:

    .. math:: w(x_S) = Z_\alpha(c, x_S)
              \Bigl[ \frac{\mu(x_S|c)}{\prod_{i \in S} \mu(x_i|c)} \Bigr]^\alpha

    Even at alpha 1 it differs from the product of marginals: the bracket repairs the factorisation
    error of a parallel round. Without ``joint`` each position has a chain of its own, with
    :math:`w(x_i) = Z_\alpha(c, x_i)`, and no number of moves repairs that error. The chains are
    reversible; after k moves the law is within :math:`(1 - 1/w^*)^{k+1}` of its target in total
    variation, :math:`w^* = \max \pi/q`.

    ``weight="exact"`` takes both factors from a distribution. ``weight="mean-field"`` asks the
    model: Z_alpha becomes :math:`\prod_{j \notin S} \sum_v \mu_j(v|c, x_S)^\alpha` over what is
    still masked, and :math:`\mu(x_S|c)` the product of the model's marginals along S from left to
    right (the chain rule; exact on the ideal model). Nothing is asked where nothing can differ.

    Cost with mean-field weights: ``steps`` batched model calls a round. A step evaluates
    ``proposals`` candidates, the first step the initial one too; a candidate is one canvas, and
    with ``joint`` and ``bracket`` \|S\| - 1 more, its prefixes. Only drawn candidates are ever
    evaluated by `infodecode.simulate`; `infodecode.exact` sums over all of them instead, and
    refuses more than 65,536 combinations of tokens in a round. Needs temperature 1.

    Args:
        alpha: > 0.
        proposals: candidates in one batched call, at least 1.
        steps: calls, at least 0 (`LocalPower` then); up to 10,000 candidates in all.
        weight: ``"mean-field"`` or ``"exact"``.
        joint: one chain for all positions of a round, or one for each.
        bracket: False leaves the bracket out of a joint weight, and its prefixes with it.
        distribution: the law behind exact weights; by default that of the ideal model.

    Example: two bits that prefer to agree, drawn together at alpha 1.
        >>> from infodecode import Decoder, distributions, exact, strategies
        >>> law = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [2, 1, 1, 2])
        >>> rule = MetropolisHastings(1, proposals=4, steps=2)
        >>> run = exact(law, Decoder(strategies.TopK(2), tokens=rule))
        >>> round(run.kl, 6), round(exact(law, Decoder(strategies.TopK(2))).kl, 6)
        (0.0, 0.081704)

    Reference: *Locally Confident, Globally Stuck* (2026); Liu 1996 (independent chains).
    """

    proposals: int = field(default=8, kw_only=True)
    steps: int = field(default=1, kw_only=True)
    weight: str = field(default="mean-field", kw_only=True)
    joint: bool = field(default=True, kw_only=True)
    bracket: bool = field(default=True, kw_only=True)
    distribution: Joint | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _validation.integer("proposals", self.proposals, minimum=1)
        _validation.integer("steps", self.steps, minimum=0)
        if self.moves > MOST_MOVES:
            raise ValueError(
                f"proposals times steps must be at most {MOST_MOVES:,}, got {self.moves:,}"
            )
        _validation.choice("weight", self.weight, WEIGHTS)
        _validation.flag("joint", self.joint)
        _validation.flag("bracket", self.bracket)
        if self.distribution is not None:
            require("distribution", self.distribution)
            if self.weight != "exact":
                raise ValueError("distribution goes with weight='exact'")

    @property
    def moves(self) -> int:
        """Proposals of a chain after its start."""
        return self.proposals * self.steps

    @property
    def dependent(self) -> bool:
        return self.joint

    @property
    def asks(self) -> bool:
        return self.weight == "mean-field"

    def laws(self, ask: RuledEvaluation, rows: IntArray, positions: IntArray) -> Array:
        found = candidates(ask, rows, positions)
        pair, token = found.pair, found.token
        proposal = raised(found.marginals, self.alpha)
        start = np.searchsorted(pair, np.arange(len(rows) + 1))
        weights = self.weights(ask, found.rows, found.tokens)
        law = np.zeros_like(proposal)
        law[pair, token] = law_after(start, proposal[pair, token], weights, self.moves)
        return law

    def weights(self, ask: RuledEvaluation, rows: IntArray, tokens: IntArray) -> Array:
        """Weights ``(C,)`` of candidates ``(C, n)`` of some rows: log2, or fractions."""
        if self.weight == "exact":
            law = law_behind(self, self.distribution, ask.model)
            bracket = self.joint and self.bracket
            return exact_weights(ask, law, rows, tokens, self.alpha, joint=bracket)
        return mean_field_weights(
            ask, rows, tokens, self.alpha, bracket=self.joint and self.bracket
        )

    def costs(self, ask: RuledEvaluation, rows: IntArray, where: BoolArray) -> Costs | None:
        if self.weight == "exact" or not self.moves:
            return None
        canvas = ask.canvas[rows]
        if self.joint:
            each = mean_field_canvases(canvas, where, bracket=self.bracket)
        else:
            row, position = np.nonzero(where)
            alone = mean_field_canvases(canvas[row], single(where.shape[1], position))
            each = np.bincount(row, alone, minlength=len(where)).astype(np.int64)
        return Costs(np.where(each > 0, self.steps, 0), each * (self.moves + 1))

    def demand_model(self, model: Model, temperature: float) -> None:
        if temperature != 1:
            raise ValueError(
                f"temperature must be 1 with MetropolisHastings, got {temperature:g}: it would act "
                "on a law that a chain only samples; change alpha"
            )
        if self.weight == "exact":
            law_behind(self, self.distribution, model)
