"""Dilated unmasking: every s-th position of a block, then what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import first_due
from infodecode._kernels.rows import any_in_row, count_in_row
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Plan, Ranked, Strategy
from infodecode.strategies._clock import (
    CLOCK_NEEDS,
    block_starts,
    clock_start,
    demand_open,
    tick,
)


@dataclass(frozen=True)
class Dilated(Strategy):
    r"""DUS, the dilated unmasking schedule: positions far apart go together.

    Round t = 1, 2, … of a block of B positions commits those at a multiple of

    .. math:: s_t = \max\bigl(1, \lfloor B / a^t \rfloor\bigr)

    that are still masked, until the stride is 1 and the block is full. That takes at most
    :math:`\lceil \log_a B \rceil` rounds, the paper's number, and fewer where the stride comes to 1
    before: 10 positions take 3 rounds at a = 2. Blocks are the decoder's:
    ``blocks=LeftToRight(32)``.

    Scores count for nothing, so on a whole canvas it is the `FixedPartition` of `partition`, and
    with exact marginals its forward KL is `infodecode.partition_bits` of that. In a Markov chain
    what is committed together is nearly independent while strides are long; at a = 2 the last round
    commits every other position, each between its two neighbours, at no cost at all.

    With ``skip`` > 0, a position whose confidence is below it waits for the block's next round; the
    last round commits everything. When all would wait, the most confident is committed (the trace
    calls it forced). Memory: the round of the block.

    Attributes:
        base: a, at least 2.
        skip: confidence in [0, 1] below which a position waits; 0 for none. The released function
            skips below 0.3.
        as_shipped: as in the released code, the last round joins the one before if it has fewer
            positions (5 positions go at once). Positions skipped are never looked at again: they
            stay masked, and the decode does not finish. Then blocks must move on by themselves:
            ``blocks=Clocked(block_length, rounds)`` with the number of rounds of a block.

    Example:
        >>> Dilated().partition(8)
        ((0, 4), (2, 6), (1, 3, 5, 7))
        >>> Dilated().partition(10)
        ((0, 5), (2, 4, 6, 8), (1, 3, 7, 9))

    Reference: DUS (Luxembourg, Permuter and Nachmani 2025, arXiv 2506.19037), section 3;
    ``generate.py`` of omerlux/DUS.
    """

    base: int = 2
    skip: float = 0.0
    as_shipped: bool = field(default=False, kw_only=True)

    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _validation.store(
            self,
            base=_validation.integer("base", self.base, minimum=2),
            skip=_validation.number("skip", self.skip, minimum=0, maximum=1),
            as_shipped=_validation.flag("as_shipped", self.as_shipped),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[Dilated, ...]:
        return tuple(cls(base) for base in (2, 3, 4, 8, 16) if base <= max(length, 2))

    def partition(self, length: int) -> tuple[tuple[int, ...], ...]:
        """Positions that each round of a block commits if none is skipped.

        Args:
            length: of the block, at least 1.
        """
        level = _levels(_validation.integer("length", length, minimum=1), *self._rule)
        return tuple(
            tuple(np.flatnonzero(level == t).tolist()) for t in range(int(level.max()) + 1)
        )

    def sizes(self, length: int) -> tuple[int, ...] | None:
        return None if self.skip else tuple(map(len, self.partition(length)))

    @property
    def needs(self) -> frozenset[str]:
        if not self.skip:
            return CLOCK_NEEDS | {"block_number"}
        return CLOCK_NEEDS | {"block_number", "block_end", "confidence"}

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        return clock_start(canvas) if self.skip else {}

    @property
    def _rule(self) -> tuple[int, bool]:
        return self.base, self.as_shipped

    def plan(self, state: State) -> Plan:
        if not self.as_shipped:
            demand_open(self, state)
        starts, number = block_starts(state)
        lengths = np.diff(starts, append=len(number))
        levels = [_levels(length, *self._rule) for length in lengths.tolist()]
        level = np.concatenate(levels)
        last = np.array([int(one.max()) for one in levels])
        if self.skip:
            return self._skipping(state, level, last[number[state.scores["block_start"]]])
        return Plan((_all(first_due(state.feasible, state.feasible, level, starts)),))

    def _skipping(self, state: State, level: IntArray, last: IntArray) -> Plan:
        """Positions due and sure enough; ``last`` is the last level of each row's open block."""
        place = np.arange(len(level))
        start, end = (state.scores[name][:, None] for name in ("block_start", "block_end"))
        inside = (place >= start) & (place < end)
        confidence = state.scores["confidence"]
        sure = confidence >= self.skip - state.tolerance
        step, _, clock = tick(state)
        if self.as_shipped:
            due = state.feasible & inside & (level == step[:, None])
            due &= sure | (step >= last)[:, None]
            return Plan((_all(due),), {**clock, "block_round": np.minimum(step, last) + 1})
        waiting = np.where(state.feasible & inside, level, len(level)).min(axis=1)
        now = np.where(waiting == len(level), step, np.maximum(step, waiting))
        due = state.feasible & (~inside | (level <= now[:, None]))
        ready = due & (sure | ~inside | (now >= last)[:, None])
        some = any_in_row(ready)
        allowed = np.where(some[:, None], ready, due)
        count = np.where(some, count_in_row(ready), 1)
        action = Ranked(confidence, count, allowed=allowed, forced=~some & any_in_row(due))
        return Plan((action,), {**clock, "block_round": np.minimum(now, last) + 1})


def _all(due: BoolArray) -> Ranked:
    return Ranked(np.zeros(due.shape), count_in_row(due), allowed=due)


@cache
def _levels(length: int, base: int, merged: bool) -> IntArray:
    """Round ``(length,)``, from 0, that commits each position of a block."""
    level, place, rounds = np.full(length, -1), np.arange(length), 0
    stride = length
    while (level < 0).any():
        stride = max(stride // base, 1)
        level[(level < 0) & (place % stride == 0)] = rounds
        rounds += 1
    if merged and rounds > 1 and (level == rounds - 1).sum() < (level == rounds - 2).sum():
        level = np.minimum(level, rounds - 2)
    return level
