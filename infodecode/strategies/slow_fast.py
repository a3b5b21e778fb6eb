"""SlowFast: explore a block until its sure part stops growing, then fill that part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import last_in_row
from infodecode._kernels.rows import any_in_row, count_in_row
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Plan, Ranked, Strategy
from infodecode.strategies._own_blocks import (
    block_of,
    block_range,
    demand_whole_canvas,
    first_mask,
    first_open_block,
    up_to,
)


@dataclass(frozen=True)
class SlowFast(Strategy):
    r"""SlowFast sampling: cycles of slow exploration and fast filling, in blocks of its own.

    A cycle starts where the last one ended, at position s of the block.

    *Slow phase*: every round commits the most confident position of the block and estimates where
    the cycle may end,

    .. math:: e = 1 + \max \{ i \ge s : c_i \ge \text{cycle\_threshold} \}

    over the masked positions of the block (s + 1 if there is none). The phase is over when the last
    ``window`` estimates have a standard deviation below ``deviation``: the cycle then ends at the
    last estimate. After ``exploration_steps`` rounds it ends at their mean, rounded down.

    *Fast phase*: rounds on the masked positions before that end commit every one with
    ``c_i >= high_threshold`` if there are at least two, else the best. From its second round on the
    model sees the canvas up to the end of the cycle only, what lies beyond being cached.

    The strategy keeps its own place: `WholeCanvas` is the only block policy that goes with it. Its
    memory is block, step, end of the cycle and, while they matter, the last estimates.

    The released code differs (``as_shipped``): the slow phase always takes ``exploration_steps``
    rounds, on after the end has been settled and even after the block is full, when they commit
    nothing; and it too commits all positions of high confidence at once if there are at least two.
    The paper compares with ``>``, the code, and this class, with ``>=``. In the toy of the
    recordings a canvas that is cut off and one that is masked are the same; to a network they are
    not, and this class masks.

    Attributes:
        block_length: positions in a block, at least 1; the last block may be shorter.
        exploration_steps: most rounds of a slow phase, at least 1 (the paper's experiments: 8).
        cycle_threshold: confidence in [0, 1] that a cycle may reach to (the paper's: 0.1).
        window: how many estimates must agree, at least 1.
        deviation: their standard deviation must be below it, >= 0 positions.
        high_threshold: confidence in [0, 1] of positions filled at once (the paper's: 0.85).
        prefix_only: whether later rounds of a fast phase hide what lies beyond the cycle.
        as_shipped: the released code, as above.

    Reference: Wei et al. 2025 (arXiv 2506.10848), code LiangrunFlora/Slow-Fast-Sampling.
    """

    block_length: int = 128
    exploration_steps: int = 6
    cycle_threshold: float = 0.3
    window: int = 2
    deviation: float = 1.0
    high_threshold: float = 0.9
    prefix_only: bool = True
    as_shipped: bool = False

    def __post_init__(self) -> None:
        one = {"minimum": 1}
        unit = {"minimum": 0, "maximum": 1}
        _validation.store(
            self,
            block_length=_validation.integer("block_length", self.block_length, **one),
            exploration_steps=_validation.integer(
                "exploration_steps", self.exploration_steps, **one
            ),
            cycle_threshold=_validation.number("cycle_threshold", self.cycle_threshold, **unit),
            window=_validation.integer("window", self.window, **one),
            deviation=_validation.number("deviation", self.deviation, minimum=0),
            high_threshold=_validation.number("high_threshold", self.high_threshold, **unit),
            prefix_only=_validation.flag("prefix_only", self.prefix_only),
            as_shipped=_validation.flag("as_shipped", self.as_shipped),
        )

    @property
    def may_idle(self) -> bool:  # type: ignore[override]
        """Only the released code goes on exploring a block that is full."""
        return self.as_shipped

    @classmethod
    def grid(cls, length: int) -> tuple[SlowFast, ...]:
        return tuple(cls(high_threshold=gamma) for gamma in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99))

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidence"})

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        block = first_open_block(canvas < 0, self.block_length)
        return {
            "block": block,
            "step": np.zeros(len(canvas), np.int64),
            "end": block * self.block_length,
            "estimates": np.full((len(canvas), self.window), -1),
        }

    def view(self, state: State) -> IntArray | None:
        if not self.prefix_only:
            return None
        later = state.memory["step"] > self.exploration_steps
        if not later.any():
            return None
        beyond = np.arange(state.canvas.shape[1]) >= state.memory["end"][:, None]
        return np.where(later[:, None] & beyond, np.int32(-1), state.canvas)

    def plan(self, state: State) -> Plan:
        demand_whole_canvas(self, state)
        confidence = state.scores["confidence"]
        slow = state.memory["step"] < self.exploration_steps
        stop = np.where(slow, self._block(state)[1], state.memory["end"])
        allowed = state.masked & up_to(stop, confidence.shape[1])
        sure = count_in_row(allowed & (confidence >= self.high_threshold - state.tolerance))
        several = (sure > 1) if self.as_shipped else (sure > 1) & ~slow
        forced = (sure == 0) & any_in_row(allowed)
        action = Ranked(confidence, np.where(several, sure, 1), allowed=allowed, forced=forced)
        return Plan((action,), memory=self._observed(state, slow, allowed, stop))

    def _observed(
        self, state: State, slow: BoolArray, allowed: BoolArray, stop: IntArray
    ) -> Mapping[str, Array]:
        """Memory after the scores of a round: estimates, and the end of the cycle once known."""
        step, end, old = (state.memory[name] for name in ("step", "end", "estimates"))
        confident = allowed & (state.scores["confidence"] >= self.cycle_threshold - state.tolerance)
        reach = last_in_row(confident)
        estimate = np.where(reach > 0, reach, np.minimum(end + 1, stop))
        longer = np.column_stack([old[:, 1:], estimate])
        estimates = np.where((slow & ~self._stable(old))[:, None], longer, old)
        stable = self._stable(estimates)
        estimates = np.where(stable[:, None], estimates[:, -1:], estimates)
        taken = np.minimum(step + 1, self.exploration_steps + 1)
        over = slow & (taken == self.exploration_steps)
        if not self.as_shipped:
            over |= slow & stable
        known = estimates >= 0
        mean = _sum(np.where(known, estimates, 0)) // np.maximum(count_in_row(known), 1)
        return {
            "step": np.where(over, self.exploration_steps, taken),
            "end": np.where(over, mean, end),
            "estimates": np.where(over[:, None], -1, estimates),
        }

    def _stable(self, estimates: IntArray) -> BoolArray:
        """Whether as many estimates as needed have a small standard deviation, in integers."""
        spread = self.window * _sum(estimates * estimates) - _sum(estimates) ** 2
        full = estimates[:, 0] >= 0
        return np.asarray(full & (spread < (self.window * self.deviation) ** 2))

    def revise(self, state: State) -> Plan:
        """Nothing is masked again: on to the next cycle or block where this one is full."""
        block, step, end, estimates = (
            state.memory[name] for name in ("block", "step", "end", "estimates")
        )
        n = state.canvas.shape[1]
        first = first_mask(state.masked)
        left, inside = first < self._block(state)[1], first < end
        over = (step >= self.exploration_steps) & ~inside
        done = ~left & over if self.as_shipped else ~left
        block = np.where(done, block_of(first, self.block_length, n), block)
        new = over | done
        memory = {
            "block": block,
            "step": np.where(new, 0, step),
            "end": np.where(done, block * self.block_length, end),
            "estimates": np.where(new[:, None], -1, estimates),
        }
        return Plan((), memory=memory)

    def _block(self, state: State) -> tuple[IntArray, IntArray]:
        return block_range(state.memory["block"], self.block_length, state.canvas.shape[1])

    def finished(self, state: State) -> BoolArray:
        return np.asarray(self._block(state)[0] >= state.canvas.shape[1])

    def max_rounds(self, length: int) -> int:
        return length * (1 + self.exploration_steps * self.as_shipped)


def _sum(narrow: IntArray) -> IntArray:
    """``narrow.sum(axis=1)``, quicker where rows are short."""
    return np.asarray(np.einsum("ri->r", narrow))
