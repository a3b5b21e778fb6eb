"""WINO: draft boldly, verify each token by all the others, take back what fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import any_in_row, count_in_row
from infodecode._typing import Array, IntArray
from infodecode.state import State
from infodecode.strategies._base import Plan, Ranked, Strategy
from infodecode.strategies._clock import demand_open
from infodecode.strategies._revision import in_block, own, revision_start


@dataclass(frozen=True)
class WINO(Strategy):
    """Wide in, narrow out: commit what passes a low threshold, remask what fails a high one.

    In each round, from one evaluation of the canvas before it,

    - *draft*: commit the positions of the open block with confidence above ``threshold``, and the
      best one if none passes (marked as forced);
    - *verify*: mask again the tokens of the block that were visible before the round and whose
      probability, given all *other* visible tokens, is below ``threshold_back``. The original
      computes it from a copy of the block whose positions do not see themselves.

    The released code limits both. It drafts at most ``min(max(0.7 M, 5), 20)`` of the block's M
    masks, most confident first; it verifies only if it has drafted more than one; and where at
    least as many tokens fail as the round before has drafted, it masks only that many less one, the
    least probable. So masks plus the last round's drafts shrink by at least one a round, and
    *a block ends within as many rounds as it had masks*. The paper's equations 2 to 4 have no such
    limits (``limited=False``); a decode may then go round in circles for ever, and `exact` reports
    what is unfinished.

    Tokens given at the start are never masked. The block policy of the original is
    ``LeftToRight(block_length)``.

    Attributes:
        threshold: of drafting, in [0, 1]; tau_1, published default .6.
        threshold_back: of verification, in [0, 1]; tau_2, published default .9.
        limited: with the limits of the released code.

    Reference: WINO (Hong et al. 2025, arXiv 2507.18578), section 3; code in Feng-Hong/WINO-DLLM
    (LLaDA/decoding.py).
    """

    threshold: float = 0.6
    threshold_back: float = 0.9
    limited: bool = field(default=True, kw_only=True)

    revising: ClassVar[bool] = True

    def __post_init__(self) -> None:
        back = _validation.number("threshold_back", self.threshold_back, minimum=0, maximum=1)
        _validation.store(
            self,
            threshold=_validation.number("threshold", self.threshold, minimum=0, maximum=1),
            threshold_back=back,
            limited=_validation.flag("limited", self.limited),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[WINO, ...]:
        return tuple(cls(low, high) for low in (0.3, 0.5, 0.6, 0.7) for high in (0.5, 0.7, 0.9))

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidence", "visible_probability", "block_start", "block_end"})

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        drafted = {"drafted": np.zeros(len(canvas), np.int64)} if self.limited else {}
        return {**revision_start(canvas), **drafted}

    def plan(self, state: State) -> Ranked:
        demand_open(self, state)
        confidence = state.scores["confidence"]
        passes = state.feasible & (confidence > self.threshold + state.tolerance)
        number = count_in_row(passes)
        count = np.maximum(number, 1)
        if self.limited:
            masks = count_in_row(state.feasible)
            count = np.minimum(count, np.clip(7 * masks // 10, 5, 20))
        return Ranked(confidence, count, forced=number == 0)

    def revise(self, state: State) -> Plan:
        probability = state.scores["visible_probability"]
        before = ~state.masked & ~state.chosen & own(state) & in_block(state)
        fails = before & (probability < self.threshold_back - state.tolerance)
        if not self.limited:
            return Plan((Ranked(-probability, fails.shape[1], allowed=fails),))
        drafted, number = count_in_row(state.chosen), count_in_row(fails)
        last = state.memory["drafted"]
        count = np.where(number >= last, np.maximum(last - 1, 0), number)
        count = np.where(drafted > 1, count, 0)
        open_ = any_in_row(state.masked & in_block(state)) | (count > 0)
        action = Ranked(-probability, count, allowed=fails)
        return Plan((action,), {"drafted": np.where(open_, drafted, 0)})

    def max_rounds(self, length: int) -> int:
        return length if self.limited else super().max_rounds(length)
