"""KLASS: positions whose predictions are sure and have stopped moving."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import kept
from infodecode._kernels.rows import any_in_row, count_in_row
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import PREVIOUS_CANVAS, State
from infodecode.strategies._base import Plan, Ranked, Strategy
from infodecode.strategies._clock import CLOCK_NEEDS, clock_start, demand_open, tick

UNMASK = ("all", "max_conf", "min_kl")
"""What to commit of several ready positions."""


@dataclass(frozen=True)
class KLASS(Strategy):
    r"""KL-adaptive stability sampling: commit what is confident and stable.

    A masked position is *ready* when its confidence is above ``confidence`` and, in each of the
    last ``history`` rounds,

    .. math:: \mathrm{KL}(p_t \,\|\, p_{t-1}) < \text{divergence}

    where :math:`p_t` is its law in round t. All ready positions are committed; if there is none,
    the most confident ones (the trace calls them forced). The rounds must all be of the open block,
    but the first of them compares with the last round of the block before. The very first call
    compares with nothing: the released code then takes a law of zeros, hence a divergence of about
    40 bits, and so does this class. 1e-12 is added inside both logarithms.

    The laws are untempered unless the decoder says otherwise. At temperature above 0 the released
    code adds its Gumbel noise to the logits before it takes laws and divergences; here they are
    free of it. With ``steps`` below the number of masks, the released code may overwrite tokens
    when the quota exceeds what is left of a block, or leave masks when the clock of a block has run
    out; here it commits what is left, and a block stays open until it is full. Blocks are the
    decoder's: ``blocks=LeftToRight(block_length)``.

    Memory: the last canvas, how long each position has been stable (up to ``history - 1``), and
    with ``steps`` the clock and the masks that the block opened with.

    Attributes:
        confidence: threshold in [0, 1], strict.
        divergence: threshold > 0 in bits, strict. The original counts in nats: pass its value
            divided by ln 2; the default is its 0.01.
        history: rounds to be stable for, at least 1.
        unmask: of several ready positions, ``"all"``, the most confident (``"max_conf"``) or the
            one with the least divergence (``"min_kl"``).
        steps: LLaDA's quota of a block in so many rounds is what the fallback commits: of the n
            masks that the block opened with ``n // steps``, and one more in its first ``n % steps``
            rounds. None commits one position, as the quota does with n rounds or more.

    Reference: KLASS (Kim et al. 2025, arXiv 2511.05664), algorithm 1; ``src/model/llada_klass.py``
    of shkim0116/KLASS.
    """

    confidence: float = 0.9
    divergence: float = 0.01 / math.log(2)
    history: int = 2
    unmask: str = "all"
    steps: int | None = None

    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _validation.choice("unmask", self.unmask, UNMASK)
        steps = self.steps
        if steps is not None:
            steps = _validation.integer("steps", steps, minimum=1)
        _validation.store(
            self,
            confidence=_validation.number("confidence", self.confidence, minimum=0, maximum=1),
            divergence=_validation.number("divergence", self.divergence, above=0),
            history=_validation.integer("history", self.history, minimum=1),
            steps=steps,
        )

    @classmethod
    def grid(cls, length: int) -> tuple[KLASS, ...]:
        return tuple(
            cls(confidence, divergence)
            for divergence in (0.01 / math.log(2), 0.1, 1.0)
            for confidence in (0.3, 0.5, 0.7, 0.9)
        )

    @property
    def needs(self) -> frozenset[str]:
        return CLOCK_NEEDS | {"confidence", "divergence"}

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        memory: dict[str, Array] = {PREVIOUS_CANVAS: np.full(canvas.shape, -2, np.int32)}
        if self.history > 1:
            memory["streak"] = np.zeros(canvas.shape, np.int64)
        if self.steps is not None:
            memory.update(clock_start(canvas), opened=np.zeros(len(canvas), np.int64))
        return memory

    def plan(self, state: State) -> Plan:
        demand_open(self, state)
        confidence, divergence = state.scores["confidence"], state.scores["divergence"]
        stable = state.feasible & (divergence < self.divergence - state.tolerance)
        memory: dict[str, Array] = {PREVIOUS_CANVAS: state.canvas}
        ready = stable & (confidence > self.confidence + state.tolerance)
        if self.history > 1:
            ready &= state.memory["streak"] >= self.history - 1
            streak = np.minimum(state.memory["streak"] + 1, self.history - 1)
            memory["streak"] = kept(stable, streak)
        number, clock = self._fallback(state)
        action = self._action(state, ready, number)
        return Plan((action,), {**memory, **clock})

    def _action(self, state: State, ready: BoolArray, number: IntArray | int) -> Ranked:
        """Ready positions, or where there are none the ``number`` most confident."""
        key = state.scores["confidence"]
        some = any_in_row(ready)
        if self.unmask == "min_kl":
            key = np.where(some[:, None], -state.scores["divergence"], key)
        wanted = count_in_row(ready) if self.unmask == "all" else 1
        return Ranked(
            key,
            np.where(some, wanted, number),
            allowed=np.where(some[:, None], ready, state.feasible),
            forced=~some & any_in_row(state.feasible),
        )

    def _fallback(self, state: State) -> tuple[IntArray | int, Mapping[str, Array]]:
        """How many to commit if none is ready, and the clock afterwards."""
        if self.steps is None:
            return 1, {}
        step, new, clock = tick(state, self.steps)
        opened = np.where(new, count_in_row(state.feasible), state.memory["opened"])
        number = opened // self.steps + (step < opened % self.steps)
        return number, {**clock, "opened": opened}

    def max_rounds(self, length: int) -> int:
        return length * (self.steps or 1)
