"""Look-ahead: commit the position after which the model is surest of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import count_in_row
from infodecode._typing import Array, BoolArray
from infodecode.state import State
from infodecode.strategies._base import Candidates, Plan, Ranked, Strategy
from infodecode.strategies.top_k import ranked

COMMITS = ("drawn", "tried")
PROPOSALS = ("confidence", "margin", "entropy", "random")
"""How the positions to try out may be picked."""


@dataclass(frozen=True)
class LookAhead(Strategy):
    r"""Info-Gain and LookUM: commit the candidate that leaves the least uncertainty behind.

    1. *Exploit*: positions whose largest probability is at least ``threshold`` are committed, all
       of them, in a round of one call.
    2. Where there are none, *look ahead*: each of the ``candidates`` positions ranked first is
       filled with its likeliest token in a copy of its own, one batched call evaluates the copies,
       and the position with the largest

       .. math:: J_i = \bar H(\text{canvas}) - \bar H(\text{canvas} + y_i) - \text{cost} \cdot H_i

       is committed. The first two terms are the information gained, H_i the entropy of the
       position itself, in bits; the bar is the mean over all masked positions, or, with
       ``average=False``, the sum. With the sum and ``cost=0``, J is the gain on everything, and
       since H_i is part of it, J minus H_i (``cost=1``) the gain on the *other* positions: on
       average over the token drawn, the sum of their mutual informations with position i. The
       published objective is the mean with ``cost=1``; the mean with ``cost=0`` is the verifier
       of LookUM. The former charges a telling position in full and counts what it tells as a mean:
       on 200 profile records at ``threshold=0.99`` it takes 3.97 rounds, as a plain threshold does,
       the sum 3.02 and LookUM's 2.23, all of them at KL 0.

    A single open position is committed without a call for copies. Such a round makes one model call
    and evaluates one sequence, a look-ahead two calls and one sequence more for each candidate.

    ``commit="drawn"`` (the default): look-ahead chooses the position, and its token is drawn from
    its law. One position a round is then exact for a perfect model (``threshold=None``): the KL is
    0. ``commit="tried"`` commits the token that was tried, as the originals do at temperature 0,
    and then ``again=True`` lets the same round exploit the evaluation of that very copy, which has
    been paid for.

    The originals differ in how they propose. Info-Gain takes the most confident position and
    ``candidates - 1`` others at random in proportion to exp(c_i / 0.2); LookUM draws 2 of the 5
    most confident and then picks one at random, the likelier the larger J. Here the ranked ones
    are all tried and the best is committed. Info-Gain's code keeps the evaluation of the winner for
    its next round and so saves a call a round, which no count here does.

    Attributes:
        candidates: positions tried at once, at least 1.
        by: rank them by ``"confidence"``, ``"margin"`` (largest first), ``"entropy"`` (lowest
            first) or at ``"random"``.
        cost: weight of the entropy of the position itself.
        average: mean over masked positions, or their sum.
        threshold: probability in [0, 1] to exploit at; None to look ahead in every round.
        commit: ``"drawn"`` or ``"tried"``.
        again: whether a look-ahead goes on to exploit in its own round; needs ``commit="tried"``
            and a ``threshold``.

    Reference: Info-Gain Sampler (Yang et al. 2026, arXiv 2602.18176), code
    yks23/Information-Gain-Sampler; LookUM (Lee et al. 2025, arXiv 2511.05563).
    """

    candidates: int = 8
    by: str = "confidence"
    cost: float = 1.0
    average: bool = True
    threshold: float | None = 0.8
    commit: str = "drawn"
    again: bool = False

    def __post_init__(self) -> None:
        threshold = self.threshold
        if threshold is not None:
            threshold = _validation.number("threshold", threshold, minimum=0, maximum=1)
        _validation.store(
            self,
            candidates=_validation.integer("candidates", self.candidates, minimum=1),
            cost=_validation.number("cost", self.cost, minimum=0),
            average=_validation.flag("average", self.average),
            threshold=threshold,
            again=_validation.flag("again", self.again),
        )
        _validation.choice("by", self.by, PROPOSALS)
        _validation.choice("commit", self.commit, COMMITS)
        if self.again and (self.commit != "tried" or threshold is None):
            raise ValueError(
                "again=True needs commit='tried' and a threshold, "
                f"got commit={self.commit!r} and threshold={threshold!r}"
            )

    @classmethod
    def grid(cls, length: int) -> tuple[LookAhead, ...]:
        return tuple(
            cls(cost=cost, threshold=gamma)
            for cost in (0.0, 1.0)
            for gamma in (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, None)
        )

    @property
    def needs(self) -> frozenset[str]:
        ranks = {"confidence": "p1", "random": "p1"}.get(self.by, self.by)
        tokens = {"token1"} if self.commit == "tried" else set()
        return frozenset({"p1", "entropy", ranks} | tokens)

    def explore(self, state: State) -> Ranked:
        looks = (count_in_row(self._sure(state)) == 0) & (count_in_row(state.feasible) > 1)
        return self._ranked(state, np.where(looks, self.candidates, 0))

    def _ranked(self, state: State, count: Array) -> Ranked:
        if self.by == "confidence":
            return Ranked(state.scores["p1"], count)
        return ranked(state, self.by, count)

    def assess(self, state: State, candidates: Candidates) -> Mapping[str, Array]:
        rows, positions = candidates.rows, candidates.positions
        left = candidates.scores["entropy"].sum(axis=1)
        if self.average:
            left = left / np.maximum(count_in_row(candidates.canvas < 0), 1)
        objective = np.full(state.canvas.shape, -np.inf)
        objective[rows, positions] = -left - self.cost * state.scores["entropy"][rows, positions]
        return {"objective": objective}

    def plan(self, state: State) -> Plan:
        looked = state.calls > 1
        confidence, sure = state.scores["p1"], self._sure(state)
        number = count_in_row(sure)
        if state.stage:
            return Plan((Ranked(confidence, np.where(looked, number, 0)),))
        forced = (number == 0) & ~looked
        best = Ranked(confidence, np.where(looked, 0, np.maximum(number, 1)), forced=forced)
        if not looked.any():
            return Plan((best,))
        objective = state.scores["objective"]
        tried = np.isfinite(objective)
        tokens = state.scores["token1"].astype(np.int32) if self.commit == "tried" else None
        winner = Ranked(objective, looked.astype(np.int64), allowed=tried, tokens=tokens)
        return Plan((winner, best), again=self.again)

    def _sure(self, state: State) -> BoolArray:
        """Feasible positions to commit without looking ahead."""
        if self.threshold is None:
            return np.zeros(state.feasible.shape, bool)
        passes = state.scores["p1"] >= self.threshold - state.tolerance
        return np.asarray(passes & state.feasible)
