"""RCR: fill everything, then mask again what was never predicted with confidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import kept, picked
from infodecode._kernels.rows import count_in_row
from infodecode._kernels.selection import SURE, classify_into
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Plan, Ranked, Strategy
from infodecode.strategies._clock import clock_over, clock_start, demand_open, tick
from infodecode.strategies._revision import BLOCK_NEEDS, WHOLE_NUMBER, in_block, own, revision_start

SCHEDULES = ("linear", "cosine")
"""Share of a block that stays masked after a share r of its rounds: 1 - r, or cos(pi r / 2)."""

SMALLEST_SHARE = 1e-6
"""Least share masked in the released code."""


@dataclass(frozen=True)
class RCR(Strategy):
    """Running confidence remasking: commit all, remask the least confident down to the schedule.

    Round i of a block's ``steps`` (i = 0, 1, …) fills every open position. Each position keeps its
    *running confidence*: the largest probability that the model gave to a token when it was filled
    in there. Then, but for the last round, the ``floor(m g((i + 1) / steps))`` filled positions of
    lowest running confidence are masked again, where m positions of the block were masked when it
    opened and g is the schedule. They may lie in earlier blocks, and tokens given at the start are
    never among them.

    The positions filled and then kept are those that a low-confidence quota would commit, except
    that a token committed early gives way once others are more confident.

    Decode with a whole canvas, or with ``Unlocking(block_length, steps, eager=False)``. Other block
    policies close earlier blocks, or return to them, and are refused as soon as that matters. The
    original draws before choosing (``order="sample-then-choose"``).

    Attributes:
        steps: rounds of a whole canvas, or of each block, at least 1.
        schedule: ``"linear"``: g(r) = 1 - r, or ``"cosine"``: g(r) = cos(pi r / 2).
        as_shipped: the released code. It keeps the confidence of the *last* filling instead of the
            largest. Its schedule is a product of floats, at least 1e-6 of m, whose floor can lose a
            position: 5 masks in 5 linear rounds go 1, 1, 1, 2, 0. It calls the model until
            ``steps`` are over, full or not.

    Reference: MDPO (He et al. 2025, arXiv 2508.13148), running confidence remasking; code in
    autonomousvision/mdpo (src/mdlm_generation_utils.py) and ParallelBench (mdpo_rcr.py).
    """

    steps: int
    schedule: str = "linear"
    as_shipped: bool = field(default=False, kw_only=True)

    revising: ClassVar[bool] = True
    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _validation.choice("schedule", self.schedule, SCHEDULES)
        _validation.store(
            self,
            steps=_validation.integer("steps", self.steps, minimum=1),
            as_shipped=_validation.flag("as_shipped", self.as_shipped),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[RCR, ...]:
        rounds = sorted({-(-length // size) for size in range(1, length + 1)})
        return tuple(cls(steps, schedule) for steps in rounds for schedule in SCHEDULES)

    @property
    def needs(self) -> frozenset[str]:
        return BLOCK_NEEDS | {"committed_probability"}

    def masked_after(self, masks: object, step: object) -> IntArray:
        """Positions to leave masked after round ``step`` (from 0) of a block that had ``masks``.

        Example:
            >>> RCR(5).masked_after(5, [0, 1, 2, 3, 4])
            array([4, 3, 2, 1, 0])
            >>> RCR(5, as_shipped=True).masked_after(5, [0, 1, 2, 3, 4])
            array([4, 3, 2, 0, 0])
        """
        share = self._share(np.asarray(step))
        left = np.asarray(masks) * share + (0 if self.as_shipped else WHOLE_NUMBER)
        return np.where(np.asarray(step) + 1 < self.steps, np.floor(left), 0).astype(np.int64)

    def _share(self, step: IntArray) -> FloatArray:
        done = np.minimum((step + 1) / self.steps, 1)
        share = 1 - done if self.schedule == "linear" else np.cos(done * np.pi / 2)
        return np.asarray(np.clip(share, SMALLEST_SHARE if self.as_shipped else 0, 1))

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        running = {"running": np.zeros(canvas.shape)}
        return {**clock_start(canvas), **revision_start(canvas), **running}

    def plan(self, state: State) -> Plan:
        demand_open(self, state)
        if (state.scores["block_start"] < state.memory["block"]).any():
            raise ValueError(
                f"blocks must not go back for {self!r}: WholeCanvas() or Unlocking(block_length, "
                f"{self.steps}, eager=False); got a policy that opened an earlier block again"
            )
        _, _, clock = tick(state, self.steps)
        everything = Ranked(np.zeros(state.canvas.shape), state.canvas.shape[1])
        return Plan((everything,), clock)

    def revise(self, state: State) -> Plan:
        running = state.memory["running"]
        if self.as_shipped:
            running = picked(state.chosen, state.probability, running)
        else:
            running = np.maximum(running, state.probability)
        filled = own(state)
        masks = count_in_row(filled & in_block(state))
        count = self.masked_after(masks, state.memory["block_round"] - 1)
        action = Ranked(-running, count, allowed=filled & ~state.masked)
        return Plan((action,), {"running": running})

    def forget(self, state: State) -> Mapping[str, Array]:
        """Confidences that decide nothing any more.

        As shipped, those of masked positions. Else, when only one more round of the last block
        masks, k positions, those of masked positions surely among the k lowest: a smaller one there
        is masked again as well. After that round, all.
        """
        running = state.memory["running"]
        if self.as_shipped:
            return {"running": kept(~state.masked, running)}
        filled, step = own(state), state.memory["block_round"]
        masks = count_in_row(filled & in_block(state))
        last = state.scores["block_end"] == state.canvas.shape[1]
        last &= self.masked_after(masks, step + 1) == 0
        if not last.any():
            return {}
        count = self.masked_after(masks, step)
        classes = np.empty(running.shape, np.uint8)
        need, tied = np.empty(len(count), np.int64), np.empty(len(count), np.int64)
        classify_into(-running, count, filled, state.tolerance, classes, need, tied)
        lowest = state.masked & (classes == SURE)
        return {"running": kept(~(lowest | (count == 0)[:, None]) | ~last[:, None], running)}

    def finished(self, state: State) -> BoolArray:
        return clock_over(state, self.steps) if self.as_shipped else super().finished(state)

    def max_rounds(self, length: int) -> int:
        return self.steps * length
