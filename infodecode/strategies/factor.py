"""Factor: the largest group whose joint uncertainty stays within a budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import count_in_row
from infodecode._kernels.selection import factor_counts_into
from infodecode.state import State
from infodecode.strategies._base import Ranked, Strategy


@dataclass(frozen=True)
class Factor(Strategy):
    """Commit the largest m with ``(m + 1) (1 - c_(m)) < factor``, and always the best position.

    ``c_(1) >= c_(2) >= …`` are the confidences of the feasible positions. Below factor 1, the
    product of the marginals and the joint law then have the same most probable completion.

    Attributes:
        factor: budget, greater than 0.
        as_shipped: the released code instead of the published rule. It compares with ``<=`` and,
            when only the last candidate fails, commits it too (confidences .9 and .6 at factor 1:
            two positions, where the rule commits one).

    Reference: Fast-dLLM (Wu et al. 2025), section 3.3 and Theorem 1.
    """

    factor: float
    as_shipped: bool = False

    def __post_init__(self) -> None:
        _validation.store(
            self,
            factor=_validation.number("factor", self.factor, above=0),
            as_shipped=_validation.flag("as_shipped", self.as_shipped),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[Factor, ...]:
        return tuple(
            cls(f) for f in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 1.9)
        )

    @property
    def equivariant(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidence"})

    def plan(self, state: State) -> Ranked:
        confidence = state.scores["confidence"]
        edge = self.factor + (state.tolerance if self.as_shipped else -state.tolerance)
        count = np.empty(state.rows, np.int64)
        factor_counts_into(confidence, state.feasible, edge, self.as_shipped, count)
        forced = count == 0
        count = np.maximum(count, 1)
        if self.as_shipped:
            candidates = count_in_row(state.feasible)
            count = np.where(count == candidates - 1, candidates, count)
        return Ranked(confidence, count, forced=forced)
