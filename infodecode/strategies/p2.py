"""P2: path planning, which ranks masked and visible positions together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import picked
from infodecode._kernels.rows import count_in_row
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Plan, Ranked, Strategy
from infodecode.strategies._clock import clock_over, clock_start, demand_open, tick
from infodecode.strategies._revision import BLOCK_NEEDS, WHOLE_NUMBER, in_block, own, revision_start

KAPPAS = ("linear", "sine", "square")
"""Share visible after a share t of the rounds: t, sin(pi t / 2), t^2."""

SCORES = ("log_probability", "margin")
"""What P2 ranks positions by."""


@dataclass(frozen=True)
class P2(Strategy):
    """Path planning: score every position, keep the best visible, mask all the others.

    Of the L positions that were masked at the start, round i of ``steps`` (i = 1, 2, …) leaves the
    ``floor((1 - kappa(i / steps)) L)`` lowest scores masked: those that were visible are masked
    again, the other masked ones are filled. Scores are

    - at a masked position, the log-probability of its token: of the token drawn if drawing comes
      first (as in the original: ``order="sample-then-choose"``), else of the likeliest;
    - at a visible position, ``eta`` times the log-probability of *its* token, given all other
      visible ones. A larger eta masks again more often; 0 never does, not even for a position
      that is certain.

    With ``score="margin"`` both are the difference of the two largest log-probabilities there. That
    is positive: a *smaller* eta then masks more often, and 0 every visible position first.

    With blocks, ``Clocked(block_length, steps)``, each is planned in turn, L its own positions. A
    round may leave everything as it is.

    Attributes:
        steps: rounds of a whole canvas, or of each block, at least 1.
        eta: factor on visible scores, >= 0; published default 1, the paper scans 0 to 10 and more.
        kappa: ``"linear"``: t, ``"sine"``: sin(pi t / 2), ``"square"``: t^2.
        score: ``"log_probability"`` or ``"margin"``.
        as_shipped: the released code. It scores a visible position by the model's *favourite* token
            there instead of the token that is there, so that a token which the model has come to
            reject is kept as long as something else is certain. (Above temperature 0 it scores a
            fresh draw there; this is not imitated.) The count is a product in single precision, and
            the model is called until ``steps`` are over, full or not.

    Reference: Path Planning (Peng et al. 2025, arXiv 2502.03540), self-planning; code in
    pengzhangzhi/Path-Planning (src/path_planning/p2.py).
    """

    steps: int
    eta: float = 1.0
    kappa: str = "linear"
    score: str = "log_probability"
    as_shipped: bool = field(default=False, kw_only=True)

    revising: ClassVar[bool] = True
    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _validation.choice("kappa", self.kappa, KAPPAS)
        _validation.choice("score", self.score, SCORES)
        _validation.store(
            self,
            steps=_validation.integer("steps", self.steps, minimum=1),
            eta=_validation.number("eta", self.eta, minimum=0),
            as_shipped=_validation.flag("as_shipped", self.as_shipped),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[P2, ...]:
        rounds = sorted({-(-length // 2), length, 2 * length})
        return tuple(cls(steps, eta) for steps in rounds for eta in (0.0, 0.5, 1.0, 2.0, 5.0))

    @property
    def needs(self) -> frozenset[str]:
        if self.score == "margin":
            return BLOCK_NEEDS | {"p1", "p2", "visible_p1", "visible_p2"}
        return BLOCK_NEEDS | {"confidence", self._visible_field}

    @property
    def _visible_field(self) -> str:
        return "visible_p1" if self.as_shipped else "visible_probability"

    def masked_after(self, masks: object, step: object) -> IntArray:
        """Positions to leave masked after round ``step`` (from 0), of ``masks`` at the start.

        Example:
            >>> P2(4, kappa="square").masked_after(8, [0, 1, 2, 3])
            array([7, 6, 3, 0])
        """
        done = (np.asarray(step) + 1) * (1 / self.steps)
        if self.kappa == "sine":
            done = np.sin(np.pi * done / 2)
        elif self.kappa == "square":
            done = done**2
        if self.as_shipped:
            left = np.asarray(masks, np.float32) * (1 - done).astype(np.float32)
        else:
            left = np.floor(np.asarray(masks) * (1 - done) + WHOLE_NUMBER)
        return np.where(np.asarray(step) + 1 < self.steps, left, 0).astype(np.int64)

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        return {**clock_start(canvas), **revision_start(canvas)}

    def plan(self, state: State) -> Plan:
        demand_open(self, state)
        step, _, clock = tick(state, self.steps)
        planned = own(state) & in_block(state)
        allowed = state.feasible | (planned & ~state.masked)
        left = self.masked_after(count_in_row(planned), step)
        count = np.maximum(count_in_row(allowed) - left, 0)
        return Plan((Ranked(self._scores(state), count, allowed=allowed),), clock)

    def _scores(self, state: State) -> FloatArray:
        fields, masked = state.scores, state.masked
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.score == "margin":
                first = picked(masked, fields["p1"], fields["visible_p1"])
                second = picked(masked, fields["p2"], fields["visible_p2"])
                scores = np.where(first > 0, np.log2(first) - np.log2(second), 0)
            else:
                scores = np.log2(picked(masked, fields["confidence"], fields[self._visible_field]))
            weighed = self.eta * scores
        if self.eta == 0:
            weighed = np.full(scores.shape, 0.0 if self.score == "margin" else np.inf)
        return np.asarray(picked(masked, scores, weighed))

    def revise(self, state: State) -> Ranked:
        gone = ~state.masked & ~state.chosen & own(state) & in_block(state)
        return Ranked(np.zeros(gone.shape), gone.shape[1], allowed=gone)

    def finished(self, state: State) -> BoolArray:
        return clock_over(state, self.steps) if self.as_shipped else super().finished(state)

    def max_rounds(self, length: int) -> int:
        return self.steps * length
