"""Rounds counted by block, for rules that run by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import closed_masks
from infodecode._kernels.rows import any_in_row, count_in_row
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Strategy

CLOCK_NEEDS = frozenset({"block_start"})
"""Score fields that `tick` reads."""


def clock_start(canvas: IntArray) -> Mapping[str, Array]:
    """Memory of a clock before the first round."""
    return {
        "block": np.full(len(canvas), -1, np.int64),
        "block_round": np.zeros(len(canvas), np.int64),
    }


def tick(state: State, most: int | None = None) -> tuple[IntArray, BoolArray, Mapping[str, Array]]:
    """Rounds ``(R,)`` spent in the open block, whether it is new, and the memory afterwards.

    The memory counts up to ``most``: beyond it, rounds make no difference to the caller.
    """
    start = state.scores["block_start"]
    new = np.asarray(state.memory["block"] != start)
    step = np.where(new, 0, state.memory["block_round"])
    spent = step + 1 if most is None else np.minimum(step + 1, most)
    return step, new, {"block": start, "block_round": spent}


def clock_over(state: State, rounds: int) -> BoolArray:
    """Rows ``(R,)`` without a mask that have spent so many rounds in the last block."""
    return np.asarray(~any_in_row(state.masked) & (state.memory["block_round"] >= rounds))


def even_share(number: IntArray, rounds: IntArray) -> IntArray:
    """Share ``(R,)`` of the next round if ``number`` is split evenly, larger shares first.

    Splitting what is left again in each round gives the same shares: 10 in 3 rounds go 4, 3, 3.
    With no rounds left, everything.
    """
    return np.asarray(-(-number // np.maximum(rounds, 1)))


def distinct_rounds(length: int) -> tuple[int, ...]:
    """Numbers of rounds that equal sizes can lead to, from one round to one by one."""
    return tuple(sorted({-(-length // size) for size in range(1, length + 1)}))


def demand_open(strategy: Strategy, state: State) -> None:
    """Raise ValueError if a block has closed with masks in it: they could never be committed."""
    lost = closed_masks(state.canvas, state.feasible, state.scores["block_start"])
    if lost.any():
        row = int(np.argmax(lost))
        raise ValueError(
            f"blocks must stay open for all rounds of {strategy!r}, got a policy that closed one "
            f"with masks: canvas {state.canvas[row].tolist()}"
        )


def block_starts(state: State) -> tuple[IntArray, IntArray]:
    """First position of every block, and the block ``(n,)`` of every position."""
    number = state.scores["block_number"][0]
    return np.flatnonzero(np.diff(number, prepend=-1)), number


@dataclass(frozen=True)
class ClockedSchedule(Strategy):
    """Base of rules that spend ``steps`` rounds on each block, whatever the scores say.

    Attributes:
        steps: rounds of a block, at least 1.
        as_shipped: go on calling the model until the clock of the last block has run out.
    """

    steps: int
    as_shipped: bool = field(default=False, kw_only=True)

    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _validation.store(
            self,
            steps=_validation.integer("steps", self.steps, minimum=1),
            as_shipped=_validation.flag("as_shipped", self.as_shipped),
        )

    @property
    def needs(self) -> frozenset[str]:
        return CLOCK_NEEDS | {"block_end"} if self.as_shipped else CLOCK_NEEDS

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        over = {"over": np.zeros(len(canvas), bool)} if self.as_shipped else {}
        return {**clock_start(canvas), **over}

    def clock(self, state: State) -> tuple[IntArray, Mapping[str, Array]]:
        """Rounds ``(R,)`` spent in the open block, and the memory afterwards."""
        demand_open(self, state)
        step, _, memory = tick(state, self.steps)
        if self.as_shipped:
            last = state.scores["block_end"] == state.canvas.shape[1]
            memory = {**memory, "over": last & (step + 1 >= self.steps)}
        return step, memory

    def finished(self, state: State) -> BoolArray:
        return np.asarray(state.memory["over"]) if self.as_shipped else super().finished(state)

    def max_rounds(self, length: int) -> int:
        return length * self.steps

    def quota(self, state: State, step: IntArray) -> IntArray:
        """LLaDA's number ``(R,)`` of positions to commit in a round."""
        return even_share(count_in_row(state.feasible), self.steps - step)
