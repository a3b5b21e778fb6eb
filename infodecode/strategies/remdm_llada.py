"""ReMDM on LLaDA: quotas, and extra rounds that redo what was least confident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import kept, picked
from infodecode._kernels.rows import count_in_row
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Plan, Ranked, Strategy
from infodecode.strategies._clock import clock_over, clock_start, demand_open, tick
from infodecode.strategies._revision import BLOCK_NEEDS, in_block, own, revision_start


@dataclass(frozen=True)
class ReMDMLLaDA(Strategy):
    """ReMDM as its authors run it on LLaDA: quotas, and rounds that redo the least confident.

    A block of B positions with m masks is filled in ``steps`` rounds, most confident first: m //
    steps a round, one more in the first m % steps. After ``max(1, min(int(7/8 B), B - 1))`` of
    them (after the last if there are fewer) come ``remdm_steps`` extra rounds. Before an extra
    round the ``remdm_number`` tokens of the block that were least probable when committed are
    masked again, and the round commits as many, most confident first.

    Tokens given at the start are never masked. Decode with ``Clocked(B, rule.rounds)``; a whole
    canvas is one block. The authors draw before choosing, at temperature 1
    (``order="sample-then-choose"``), and end a sequence at its first end token, which is not
    imitated; nor does a round that finds fewer tokens to mask than ``remdm_number`` mask others.

    Attributes:
        steps: rounds of a block that follow the quota, at least 1.
        remdm_steps: extra rounds of a block; None for as many as ``steps``, as published.
        remdm_number: tokens redone in an extra round, at least 1: 1 (Countdown) or 4 (TruthfulQA).

    Reference: ReMDM (Wang et al. 2025, arXiv 2503.00307), experiments on LLaDA; code in
    guanghanwang/ReMDM-LLaDA, and as ParallelBench runs it (model/remasking/llada/remdm.py).
    """

    steps: int
    remdm_steps: int | None = None
    remdm_number: int = 1

    revising: ClassVar[bool] = True
    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        steps = _validation.integer("steps", self.steps, minimum=1)
        extra = steps if self.remdm_steps is None else self.remdm_steps
        _validation.store(
            self,
            steps=steps,
            remdm_steps=_validation.integer("remdm_steps", extra, minimum=0),
            remdm_number=_validation.integer("remdm_number", self.remdm_number, minimum=1),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[ReMDMLLaDA, ...]:
        rounds = sorted({-(-length // 2), length})
        return tuple(cls(steps, extra, 1) for steps in rounds for extra in (1, 2, length))

    @property
    def _extra(self) -> int:
        assert self.remdm_steps is not None
        return self.remdm_steps

    @property
    def rounds(self) -> int:
        """Rounds of each block."""
        return self.steps + self._extra

    @property
    def needs(self) -> frozenset[str]:
        return BLOCK_NEEDS | {"confidence", "committed_probability"}

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        stored = {"filled_with": np.zeros(canvas.shape)}
        return {**clock_start(canvas), **revision_start(canvas), **stored}

    def _first_extra(self, state: State) -> IntArray:
        """Rounds ``(R,)`` of the block before its first extra one."""
        length = state.scores["block_end"] - state.scores["block_start"]
        threshold = np.maximum(np.minimum(7 * length // 8, length - 1), 1)
        return np.asarray(np.minimum(threshold, self.steps))

    def plan(self, state: State) -> Plan:
        demand_open(self, state)
        step, new, clock = tick(state, self.rounds)
        done = np.clip(step + 1 - self._first_extra(state), 0, self._extra)
        quotas = np.minimum(step + 1 - done, self.steps)
        total = count_in_row(own(state) & in_block(state))
        base, more = np.divmod(total, self.steps)
        left = total - base * quotas - np.minimum(more, quotas)
        count = np.maximum(count_in_row(state.feasible) - left, 0)
        known = state.memory["filled_with"]
        if new.any():
            known = np.where(new[:, None], 0, known)
        action = Ranked(state.scores["confidence"], count)
        return Plan((action,), {**clock, "filled_with": known})

    def revise(self, state: State) -> Plan:
        known = picked(state.chosen, state.probability, state.memory["filled_with"])
        ahead = self._first_extra(state) + self._extra - state.memory["block_round"]
        redo = (ahead > 0) & (ahead <= self._extra)
        actions: tuple[Ranked, ...] = ()
        if redo.any():
            allowed = ~state.masked & own(state) & in_block(state)
            number = np.where(redo, self.remdm_number, 0)
            actions = (Ranked(-known, number, allowed=allowed),)
        over = ahead <= 1
        if over.any():
            known = np.where(over[:, None], 0, known)
        return Plan(actions, {"filled_with": known})

    def forget(self, state: State) -> Mapping[str, Array]:
        """Probabilities of the tokens just masked."""
        if not state.chosen.any():
            return {}
        return {"filled_with": kept(~state.masked, state.memory["filled_with"])}

    def finished(self, state: State) -> BoolArray:
        return clock_over(state, self.rounds)

    def max_rounds(self, length: int) -> int:
        return self.rounds * length
