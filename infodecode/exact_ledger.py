"""The ledger of a decoder, exactly: all its outcomes, with everything that rounds carried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import any_in_row, count_in_row, pairs_of
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.chance import Enumerated, children_allowed
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.ledger import (
    KINDS,
    LABELS,
    Ledger,
    frechet_budget,
    obeying,
    printed_bounds,
    revealed_bits,
)
from infodecode.models import OFF_SUPPORT, IdealModel
from infodecode.propagation import blank_state, demand_finished, prepare, propagate
from infodecode.rounds import largest_round_surprisal
from infodecode.state import State
from infodecode.strategies import Candidates, Plan, Ranked, Strategy
from infodecode.strategies._base import Action, as_plan

_COUNTS = tuple(f"{kind}_rounds" for kind in KINDS)
_BITS = (
    *(f"{kind}_bits" for kind in KINDS),
    *(f"{kind}_information" for kind in (*LABELS, "obeying")),
    "bounded_rounds",
)
_START = "ledger canvas"


@dataclass(frozen=True, eq=False, repr=False)
class ExactLedger(Ledger):
    """`Ledger` of every way to decode: equal outcomes with equal ledgers are one row.

    Attributes:
        outcomes: ``(rows, n)`` what was put out; an outcome has a row for each different account.
    """

    outcomes: IntArray = field(kw_only=True)

    def of_outcomes(self, values: Array) -> tuple[IntArray, FloatArray, FloatArray]:
        """Distinct outcomes ``(M, n)``, their probabilities, and the mean of a field given each."""
        assert self.weights is not None
        distinct, number = np.unique(self.outcomes, axis=0, return_inverse=True)
        mass = np.bincount(number.ravel(), self.weights)
        total = np.bincount(number.ravel(), self.weights * values)
        return distinct, np.asarray(mass, np.float64), np.asarray(total / mass, np.float64)


def exact_ledger(
    distribution: Joint,
    decoder: Decoder,
    factor: float,
    *,
    off_support: str = "marginal",
    max_children: int | None = None,
    progress: bool | None = None,
) -> ExactLedger:
    """The `Ledger` of a decoder under an ideal model: per outcome, and exactly in expectation.

    Cost: as `exact` without orbits; equal canvases with different accounts stay apart.

    Args:
        distribution: the data law.
        decoder: a commit-only one; a decoder that masks again has no such ledger.
        factor: f > 0 of the rule to hold the rounds against; the decoder need not use it.
        off_support: what the model predicts on impossible canvases, as in `infodecode.exact`.
        max_children, progress: as in `infodecode.exact`.

    Returns:
        a ledger whose rows are outcomes with their accounts; ``weights`` are their probabilities,
        and `Ledger.mean` is the expectation under the output law.

    Raises:
        TypeError, ValueError: an argument that cannot be, or too many canvases in a round.

    Example:
        >>> from infodecode import distributions, strategies
        >>> law = distributions.permutations(6)
        >>> book = exact_ledger(law, Decoder(strategies.Factor(0.5)), 0.5)
        >>> round(book.mean(book.rounds), 3), round(book.mean(book.bound), 3)
        (6.0, 5.0)
        >>> round(book.mean(book.printed_bound), 3)  # the printed theorem asks for more
        13.159

    Reference: From Bits to Rounds (2025), Theorem 3.2 and Figure 2.
    """
    if isinstance(decoder, Decoder) and decoder.strategy.revising:
        raise ValueError(f"decoder must commit for good, got {decoder!r}")
    _validation.choice("off_support", off_support, OFF_SUPPORT)
    law, model, _ = prepare(distribution, decoder, None, off_support, "float")
    assert isinstance(model, IdealModel)
    f = _validation.number("factor", factor, above=0)
    most = children_allowed(law.length) if max_children is None else max_children
    limit = _validation.integer("max_children", most, minimum=1)
    keeping = replace(decoder, strategy=_Keeping(decoder.strategy, model, f))
    done = propagate(
        blank_state(law, keeping, model),
        law,
        keeping,
        model,
        Enumerated(max_children=limit, width=max(law.alphabet_sizes)),
        decoder.round_limit(law.length, None),
        keep_memory=True,
        progress=progress,
    )
    demand_finished("exact_ledger", done)
    return _ledger(law, done.outputs, f)


def _ledger(law: Joint, outputs: State, factor: float) -> ExactLedger:
    known = {name: outputs.memory[name] for name in (*_COUNTS, *_BITS)}
    bits = known["obeying_bits"] + known["breaking_bits"]
    information = 0.0 - law._log2_mass(outputs.canvas)
    bounded = known.pop("bounded_rounds")
    frechet = known["breaking_rounds"] + bounded if factor < 1 else None
    return ExactLedger(
        factor=factor,
        rounds=known["obeying_rounds"] + known["breaking_rounds"],
        bits=bits,
        information=information,
        linear_bound=known["breaking_rounds"]
        + known["obeying_bits"] / largest_round_surprisal(factor),
        frechet_bound=frechet,
        printed_bound=printed_bounds(bits, information, factor),
        weights=outputs.weight,
        outcomes=outputs.canvas,
        **known,
    )


@dataclass(frozen=True)
class _Keeping(Strategy):
    """A strategy that keeps the books of another in its memory, after each round's commits."""

    strategy: Strategy
    model: IdealModel
    factor: float

    revising: ClassVar[bool] = True

    @property
    def needs(self) -> frozenset[str]:
        return self.strategy.needs

    def forget(self, state: State) -> Mapping[str, Array]:
        return self.strategy.forget(state)

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        rows = len(canvas)
        books: dict[str, Array] = {name: np.zeros(rows, np.int64) for name in _COUNTS}
        books |= {name: np.zeros(rows) for name in _BITS}
        return {**self.strategy.start(canvas), **books, _START: canvas.copy()}

    def explore(self, state: State) -> Ranked | None:
        return self.strategy.explore(state)

    def assess(self, state: State, candidates: Candidates) -> Mapping[str, FloatArray]:
        return self.strategy.assess(state, candidates)

    def view(self, state: State) -> IntArray | None:
        return self.strategy.view(state)

    def plan(self, state: State) -> Plan | Action:
        return self.strategy.plan(state)

    def revise(self, state: State) -> Plan:
        wish = self.strategy.revise(state)
        remembered = {} if wish is None else as_plan(wish).memory or {}
        before = state.memory[_START]
        committed = (before < 0) & (state.canvas >= 0)
        if not self.strategy.may_idle and not any_in_row(committed).all():
            raise RuntimeError(f"{self.strategy!r} committed nothing in a round")
        rows, positions = pairs_of(committed)
        laws = self.model.laws(before, rows, positions)
        probability = np.ones(committed.shape)
        probability[rows, positions] = laws[np.arange(len(rows)), state.canvas[rows, positions]]
        obeys = obeying(count_in_row(committed), probability.min(axis=1), self.factor)
        bits = -np.log2(probability).sum(axis=1)
        joint = revealed_bits(self.model.distribution, before, state.canvas, 0.0)
        memory = {**state.memory, **remembered, _START: state.canvas.copy()}
        explored = state.calls > 1
        within = np.where(obeys, joint, 0.0)
        kinds = {
            "obeying": obeys,
            "breaking": ~obeys,
            "exploited": ~explored & ~state.forced,
            "forced": ~explored & state.forced,
            "explored": explored,
        }
        for kind, where in kinds.items():
            memory[f"{kind}_rounds"] = memory[f"{kind}_rounds"] + where
            memory[f"{kind}_bits"] = memory[f"{kind}_bits"] + np.where(where, bits, 0.0)
            if (name := f"{kind}_information") in memory:
                memory[name] = memory[name] + np.where(where, joint, 0.0)
        if self.factor < 1:
            bounded = np.minimum(1.0, within / frechet_budget(self.factor))
            memory["bounded_rounds"] = memory["bounded_rounds"] + bounded
        return Plan((), memory=memory)

    def finished(self, state: State) -> BoolArray:
        return self.strategy.finished(state)

    def max_rounds(self, length: int) -> int:
        return self.strategy.max_rounds(length)
