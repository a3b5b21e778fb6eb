"""Explore-Then-Exploit: commit what is sure, and try out what would make more so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import any_in_row, count_in_row
from infodecode._typing import Array, BoolArray
from infodecode.state import State
from infodecode.strategies._base import Action, Candidates, Plan, Ranked, Strategy

COMMITS = ("tried", "drawn")


@dataclass(frozen=True)
class ETE(Strategy):
    r"""Explore-Then-Exploit: what is sure, one of every stuck block, and the most promising guess.

    The blocks are the decoder's: ``Decoder(ETE(), blocks=Unlocking(block_length, rounds))`` is the
    whole method, *fast block diffusion* included (a budget of rounds per block, earlier blocks
    stay open). In every round, with c_i the confidence:

    1. *Exploit*: commit the feasible positions with ``c_i > gamma``.
    2. *Inter-block implicit exploration*: in each earlier block with masks but no such position,
       commit the most confident one. The current block does so too when it does not explore.
    3. *Targeted exploration*, when the mean confidence of the current block is below ``trigger``
       and at least ``least_masked`` positions of it are masked: the ``beam`` positions whose
       confidence is nearest ``level`` are each filled with their likeliest token in a copy of
       their own; one batched call evaluates the copies; the position with the largest

       .. math:: \log_2 c_i + \text{weight} \cdot \#\{j : c_j \le \gamma \text{ before}, > \gamma
                 \text{ after}\}

       is committed. Steps 1 and 2 then read the evaluation of that very copy, which has been paid
       for: such a round makes two model calls and does the work of two rounds. Where they cannot
       (``follow=False``, ``commit="drawn"``) they read the round's first evaluation, and leave out
       what was tried.

    Every part can be switched off: ``beam=0`` (no targeted exploration), ``implicit=False``,
    ``follow=False`` (no second step from the copy's evaluation), and other block policies.
    All of them off, with blocks from left to right, it is ``Threshold(gamma)``.

    The paper decodes greedily. At temperature 1, ``commit="drawn"`` keeps every outcome possible:
    look-ahead chooses the position, its token is drawn, and the next round follows.

    Attributes:
        gamma: threshold in [0, 1].
        beam: positions tried at once, >= 0.
        trigger: explore where the mean confidence of the current block is below this.
        least_masked: and where so many of its positions are masked, at least 1.
        level: confidence of the positions tried first, in [0, 1].
        later_bonus: added to the preference of the last position over the first, in units of
            confidence; small.
        weight: bits that a newly confident position is worth.
        implicit: whether every stuck earlier block commits its best position.
        follow: whether a round goes on from the evaluation of the copy it committed.
        commit: ``"tried"``, the token of the copy, or ``"drawn"``, a token of the position's law.

    The constants of the paper could not be recovered from its text: the defaults are ours.

    Reference: From Bits to Rounds (2025), section 4, algorithms 2 and 3.
    """

    gamma: float = 0.9
    beam: int = 4
    trigger: float = 0.7
    least_masked: int = 2
    level: float = 0.5
    later_bonus: float = 0.01
    weight: float = 1.0
    implicit: bool = True
    follow: bool = True
    commit: str = "tried"

    def __post_init__(self) -> None:
        unit = {"minimum": 0, "maximum": 1}
        _validation.store(
            self,
            gamma=_validation.number("gamma", self.gamma, **unit),
            beam=_validation.integer("beam", self.beam, minimum=0),
            trigger=_validation.number("trigger", self.trigger, **unit),
            least_masked=_validation.integer("least_masked", self.least_masked, minimum=1),
            level=_validation.number("level", self.level, **unit),
            later_bonus=_validation.number("later_bonus", self.later_bonus, minimum=0),
            weight=_validation.number("weight", self.weight, minimum=0),
            implicit=_validation.flag("implicit", self.implicit),
            follow=_validation.flag("follow", self.follow),
        )
        _validation.choice("commit", self.commit, COMMITS)

    @classmethod
    def grid(cls, length: int) -> tuple[ETE, ...]:
        return tuple(cls(gamma, commit="drawn") for gamma in (0.5, 0.7, 0.8, 0.9, 0.95, 0.99))

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"p1", "token1", "block_start", "block_number"})

    def explore(self, state: State) -> Ranked | None:
        if self.beam == 0:
            return None
        confidence, place = state.scores["p1"], np.arange(state.canvas.shape[1])
        current = state.feasible & (place >= state.scores["block_start"][:, None])
        masked = count_in_row(current)
        mean = (confidence * current).sum(axis=1) / np.maximum(masked, 1)
        poor = (mean < self.trigger - state.tolerance) & (masked >= self.least_masked)
        later = self.later_bonus * place / max(1, len(place) - 1)
        nearness = later - np.abs(confidence - self.level)
        return Ranked(nearness, np.where(poor, self.beam, 0), allowed=current)

    def assess(self, state: State, candidates: Candidates) -> Mapping[str, Array]:
        rows, positions = candidates.rows, candidates.positions
        others = state.feasible[rows]
        others[np.arange(len(rows)), positions] = False
        newly = others & self._sure(state, candidates.scores["p1"])
        newly &= ~self._sure(state, state.scores["p1"])[rows]
        gain = np.log2(state.scores["p1"][rows, positions]) + self.weight * count_in_row(newly)
        prospect = np.full(state.canvas.shape, -np.inf)
        prospect[rows, positions] = gain
        return {"prospect": prospect}

    def plan(self, state: State) -> Plan:
        rows = np.ones(state.rows, bool)
        explored = state.calls > 1
        if state.stage:
            return Plan(self._exploit(state, explored, state.feasible, explored))
        if not explored.any():
            return Plan(self._exploit(state, rows, state.feasible, explored))
        prospect = state.scores["prospect"]
        tried = np.isfinite(prospect)
        tokens = state.scores["token1"].astype(np.int32) if self.commit == "tried" else None
        guess = Ranked(prospect, explored.astype(np.int64), allowed=tried, tokens=tokens)
        follow = self.follow and self.commit == "tried"
        now = ~explored if follow else rows
        return Plan(
            (guess, *self._exploit(state, now, state.feasible & ~tried, explored)), again=follow
        )

    def _exploit(
        self, state: State, rows: BoolArray, allowed: BoolArray, explored: BoolArray
    ) -> tuple[Action, ...]:
        """Sure positions of these rows, and the best of each block that has none."""
        confidence, number = state.scores["p1"], state.scores["block_number"]
        allowed = allowed & rows[:, None]
        sure = allowed & self._sure(state, confidence)
        actions: list[Action] = [
            Ranked(np.zeros(confidence.shape), count_in_row(sure), allowed=sure)
        ]
        if not self.implicit:
            return (*actions, _best(confidence, allowed, rows & ~any_in_row(sure) & ~explored))
        current = number[np.arange(len(number)), state.scores["block_start"]]
        for block in range(int(current.max(initial=-1)) + 1):
            inside = allowed & (number == block)
            stuck = any_in_row(inside) & ~any_in_row(inside & sure)
            stuck &= (current != block) | ~explored
            if stuck.any():
                actions.append(_best(confidence, inside, stuck))
        return tuple(actions)

    def _sure(self, state: State, confidence: Array) -> BoolArray:
        return np.asarray(confidence > self.gamma + state.tolerance)


def _best(confidence: Array, allowed: BoolArray, rows: BoolArray) -> Ranked:
    """The most confident allowed position of these rows, as a fallback."""
    return Ranked(confidence, rows.astype(np.int64), allowed=allowed, forced=rows)
