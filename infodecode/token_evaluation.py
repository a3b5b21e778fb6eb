"""A model's answer of which tokens are drawn by a rule other than its marginals."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from infodecode._independent_metropolis import accepts, law_after
from infodecode._kernels.rows import count_in_row, pairs_of
from infodecode._token_law import FromMarginal, raised
from infodecode._token_weights import Costs
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.evaluation import Evaluation, TokenRule, distinct_pairs, inverted
from infodecode.models import Model
from infodecode.state import PREVIOUS_CANVAS, State
from infodecode.token_rules import MetropolisHastings

_NUMBERS = 1 << 22
"""Tokens of candidate canvases that are looked at together."""


def ruled(evaluation: Evaluation, model: Model, state: State, rule: TokenRule) -> Evaluation:
    """The evaluation under the rule's token law; itself where tokens come from the marginals."""
    if isinstance(rule.tokens, FromMarginal):
        return evaluation
    return RuledEvaluation(evaluation, model, state, rule)


class RuledEvaluation(Evaluation):
    """Laws and draws by `TokenRule.tokens`; score fields and probabilities stay the model's own.

    Args:
        marginals: the model's answer on ``state.canvas``.
        model: is asked again for candidates.
        state: with the memory that the model has of this call.
        rule: how tokens are drawn.

    Attributes:
        model, marginals, rule: as given.
        canvas: ``(R, n)`` what the model was shown.
        rational: whether marginals are fractions.
    """

    def __init__(self, marginals: Evaluation, model: Model, state: State, rule: TokenRule) -> None:
        self.model, self.canvas = model, state.canvas
        self.rational = bool(getattr(model, "rational", False))
        self.marginals, self.rule = marginals, rule
        self._state, self._tokens = state, rule.tokens
        self.dependent = bool(rule.tokens.dependent)

    # -- the model's own ----------------------------------------------------------------------

    def scores(self, fields: Iterable[str], where: BoolArray) -> dict[str, Array]:
        return self.marginals.scores(fields, where)

    def visible_scores(self, fields: Iterable[str], where: BoolArray) -> dict[str, Array]:
        return self.marginals.visible_scores(fields, where)

    def confidence_of(self, rows: IntArray, positions: IntArray, tokens: IntArray) -> FloatArray:
        return self.marginals.confidence_of(rows, positions, tokens)

    def confidence_in(self, tokens: IntArray, probability: FloatArray) -> FloatArray:
        return self.marginals.confidence_in(tokens, probability)

    def marginal(self, rows: IntArray, positions: IntArray) -> Array:
        return self.marginals.marginal(rows, positions)

    def draw_power(
        self, rows: IntArray, positions: IntArray, alpha: float, uniform: FloatArray
    ) -> IntArray:
        return self.marginals.draw_power(rows, positions, alpha, uniform)

    def log2_probability_of(
        self, rows: IntArray, positions: IntArray, tokens: IntArray
    ) -> FloatArray:
        return self.marginals.log2_probability_of(rows, positions, tokens)

    def log2_power_sums(self, rows: IntArray, positions: IntArray, alpha: float) -> FloatArray:
        return self.marginals.log2_power_sums(rows, positions, alpha)

    # -- what token rules ask -----------------------------------------------------------------

    def look(self, rows: IntArray, canvases: IntArray) -> Evaluation:
        """The model's answer on altered copies ``(C, n)`` of some rows: one batched call."""
        copies = self._state.take(rows)
        memory = {name: v for name, v in copies.memory.items() if name != PREVIOUS_CANVAS}
        return self.model.evaluate(copies.with_(canvas=canvases, memory=memory), self.rule)

    def probability(
        self, evaluation: Evaluation, rows: IntArray, positions: IntArray, tokens: IntArray
    ) -> Array:
        """Marginal ``(K,)`` of given tokens: log2, or fractions on a rational model."""
        if self.rational:
            return np.asarray(evaluation.marginal(rows, positions)[np.arange(len(rows)), tokens])
        return evaluation.log2_probability_of(rows, positions, tokens)

    def power_sums(
        self, evaluation: Evaluation, rows: IntArray, positions: IntArray, alpha: float
    ) -> Array:
        """Sum over tokens of marginal^alpha, ``(K,)``: log2, or fractions on a rational model."""
        if self.rational:
            return np.asarray((evaluation.marginal(rows, positions) ** alpha).sum(axis=1))
        return evaluation.log2_power_sums(rows, positions, alpha)

    # -- laws, enumerated ---------------------------------------------------------------------

    def law(self, rows: IntArray, positions: IntArray) -> Array:
        (row, position), back = distinct_pairs(self.canvas.shape, rows, positions)
        width = max(self.model.alphabet_sizes)
        step = max(1, _NUMBERS // (width * self.canvas.shape[1]))
        parts = [
            self._tokens.laws(self, row[k : k + step], position[k : k + step])
            for k in range(0, max(1, len(row)), step)
        ]
        laws = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return self.rule.temper(laws, self.model.tolerance)[back]

    def outcome_counts(self, rows: IntArray, where: BoolArray) -> FloatArray:
        row, position = pairs_of(where)
        possible = (self.marginal(rows[row], position) != 0).sum(axis=1)
        out = np.ones(len(where))
        with np.errstate(over="ignore"):
            np.multiply.at(out, row, possible)
        return out

    def outcomes(self, rows: IntArray, where: BoolArray) -> tuple[IntArray, IntArray, Array]:
        assert isinstance(self._tokens, MetropolisHastings)
        row, position = pairs_of(where)
        proposal = raised(self.marginal(rows[row], position), self._tokens.alpha)
        parent, tokens, chance = _combinations(where, proposal)
        start = np.searchsorted(parent, np.arange(len(where) + 1))
        step = max(1, _NUMBERS // self.canvas.shape[1])
        weights = np.concatenate(
            [
                self._tokens.weights(self, rows[parent[k : k + step]], tokens[k : k + step])
                for k in range(0, len(parent), step)
            ]
        )
        law = law_after(start, chance, weights, self._tokens.moves)
        kept = np.flatnonzero(law > 0)
        return parent[kept], tokens[kept], law[kept]

    # -- draws --------------------------------------------------------------------------------

    def draw(self, rows: IntArray, positions: IntArray, uniform: FloatArray) -> IntArray:
        drawn = self._tokens.draw(self, rows, positions, uniform)
        if drawn is not None:
            return drawn
        return inverted(np.asarray(self.law(rows, positions), np.float64), uniform)

    def draw_with(
        self, rows: IntArray, source: IntArray, positions: IntArray,
        numbers: Callable[[int], FloatArray],
    ) -> IntArray:  # fmt: skip
        if isinstance(self._tokens, MetropolisHastings):
            return self._run(self._tokens, rows, source, positions, numbers)
        return self.draw(source, positions, numbers(0))

    def draw_costs(self, rows: IntArray, where: BoolArray) -> Costs | None:
        return self._tokens.costs(self, rows, where)

    def _run(
        self, rule: MetropolisHastings, rows: IntArray, source: IntArray, positions: IntArray,
        numbers: Callable[[int], FloatArray],
    ) -> IntArray:  # fmt: skip
        """Chains, one per row or per pair; move t draws with numbers 2t - 1 (accept) and 2t."""
        heads = np.flatnonzero(np.diff(rows, prepend=-1)) if rule.joint else np.arange(len(rows))
        chain = np.searchsorted(heads, np.arange(len(rows)), side="right") - 1
        tokens = self.draw_power(source, positions, rule.alpha, numbers(0))
        if not len(rows):
            return tokens
        weight = np.empty(0)
        for first in range(1, rule.moves + 1, rule.proposals):
            moves = range(first, first + rule.proposals)
            uniform = np.column_stack([numbers(2 * t) for t in moves])
            each = rule.proposals
            drawn = self.draw_power(
                np.repeat(source, each), np.repeat(positions, each), rule.alpha, uniform.ravel()
            ).reshape(-1, each)
            if first == 1:
                drawn = np.column_stack([tokens, drawn])
            weights = self._weights_of(rule, source[heads], chain, positions, drawn)
            if first == 1:
                weight, weights, drawn = weights[:, 0], weights[:, 1:], drawn[:, 1:]
            for k, t in enumerate(moves):
                moved = accepts(weight, weights[:, k], numbers(2 * t - 1)[heads])
                weight = np.where(moved, weights[:, k], weight)
                tokens = np.where(moved[chain], drawn[:, k], tokens)
        return tokens

    def _weights_of(
        self, rule: MetropolisHastings, source: IntArray, chain: IntArray, positions: IntArray,
        drawn: IntArray,
    ) -> FloatArray:  # fmt: skip
        """log2 weights ``(G, T)`` of T candidates for each of G chains."""
        each = drawn.shape[1]
        candidates = np.full((len(source), each, self.canvas.shape[1]), -1, np.int32)
        candidates[chain[:, None], np.arange(each), positions[:, None]] = drawn
        flat = candidates.reshape(-1, self.canvas.shape[1])
        weights = rule.weights(self, np.repeat(source, each), flat)
        return np.asarray(weights, np.float64).reshape(-1, each)


def _combinations(where: BoolArray, laws: Array) -> tuple[IntArray, IntArray, Array]:
    """All combinations of possible tokens at ``where`` (R, n): row, tokens (C, n), probability."""
    number = count_in_row(where)
    start = np.concatenate([[0], np.cumsum(number)])
    row, position = pairs_of(where)
    pair, token = np.nonzero(laws != 0)
    begin = np.searchsorted(pair, np.arange(len(row) + 1))
    parent = np.arange(len(where))
    tokens = np.full(where.shape, -1, np.int32)
    chance = np.ones(len(where), laws.dtype) if laws.dtype != object else np.full(
        len(where), laws.sum() * 0 + 1, dtype=object
    )  # fmt: skip
    for step in range(int(number.max(initial=0))):
        asked = step < number[parent]
        here = np.where(asked, start[parent] + step, 0)
        ways = np.where(asked, np.diff(begin)[here], 1)
        origin = np.repeat(np.arange(len(parent)), ways)
        nth = np.arange(len(origin)) - np.repeat(np.cumsum(ways) - ways, ways)
        parent, tokens, chance = parent[origin], tokens[origin], chance[origin]
        going = np.flatnonzero(asked[origin])
        at = begin[here[origin[going]]] + nth[going]
        tokens[going, position[pair[at]]] = token[at]
        chance[going] = chance[going] * laws[pair[at], token[at]]
    return parent, tokens, chance
