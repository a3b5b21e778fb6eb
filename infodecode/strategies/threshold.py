"""Threshold: every position confident enough, and always the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import count_in_row
from infodecode.state import State
from infodecode.strategies._base import Ranked, Strategy


@dataclass(frozen=True)
class Threshold(Strategy):
    """Commit every feasible position whose confidence passes ``gamma``.

    Attributes:
        gamma: threshold in [0, 1].
        inclusive: pass at ``>= gamma`` (as Fast-dLLM ships) instead of ``> gamma`` (ParallelBench's
            analysis, LLaDA2); they differ where a marginal equals the threshold exactly.
        at_least: commit at least this many, filling up with the most confident; the block
            refinement of diffusers uses the step's quota here.
        fallback: how many to commit, most confident first, when *none* passes; KLASS uses the
            step's quota here.

    Reference: ParallelBench (Kang et al. 2025), section 4.2.2; Fast-dLLM (Wu et al. 2025).
    """

    gamma: float
    inclusive: bool = False
    at_least: int = 1
    fallback: int = 1

    def __post_init__(self) -> None:
        _validation.store(
            self,
            gamma=_validation.number("gamma", self.gamma, minimum=0, maximum=1),
            inclusive=_validation.flag("inclusive", self.inclusive),
            at_least=_validation.integer("at_least", self.at_least, minimum=1),
            fallback=_validation.integer("fallback", self.fallback, minimum=1),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[Threshold, ...]:
        return tuple(cls(gamma) for gamma in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99))

    @property
    def equivariant(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidence"})

    def plan(self, state: State) -> Ranked:
        confidence = state.scores["confidence"]
        if self.inclusive:
            passes = confidence >= self.gamma - state.tolerance
        else:
            passes = confidence > self.gamma + state.tolerance
        number = count_in_row(passes & state.feasible)
        count = np.where(number == 0, self.fallback, number)
        return Ranked(confidence, np.maximum(count, self.at_least), forced=number == 0)
