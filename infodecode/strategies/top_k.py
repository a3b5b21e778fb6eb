"""Top-k: a fixed number of positions a round, by one of five orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from infodecode import _validation
from infodecode.state import State
from infodecode.strategies._base import Ranked, Strategy

ORDERS = ("random", "confidence", "margin", "entropy", "left_to_right")


def sizes_of(name: str, value: object) -> int | tuple[int, ...]:
    """One size for every round, or the sizes of successive rounds (the last repeats)."""
    if not isinstance(value, tuple | list | np.ndarray):
        return _validation.integer(name, value, minimum=1)
    sizes = tuple(_validation.integer(f"{name}[{t}]", v, minimum=1) for t, v in enumerate(value))
    if not sizes:
        raise ValueError(f"{name} must hold at least one size, got none")
    return sizes


@dataclass(frozen=True)
class TopK(Strategy):
    """Commit the k best feasible positions.

    Attributes:
        k: positions per round, or a tuple with the sizes of successive rounds, whose last entry
            repeats (a schedule; with ``by="random"`` its expected path KL is `random_order_bits`).
        by: ``"random"``: a uniformly random set, whatever the tie rule; ``"confidence"``: largest
            first; ``"margin"``: largest first-minus-second probability first; ``"entropy"``: lowest
            first; ``"left_to_right"``: lowest position first.

    Reference: ParallelBench (Kang et al. 2025), section 4.2.1; LLaDA (Nie et al. 2025).
    """

    k: int | tuple[int, ...]
    by: str = "random"

    def __post_init__(self) -> None:
        _validation.store(self, k=sizes_of("k", self.k))
        _validation.choice("by", self.by, ORDERS)

    @classmethod
    def grid(cls, length: int) -> tuple[TopK, ...]:
        return tuple(
            cls(k, by) for by in ("random", "confidence") for k in _distinct_rounds(length)
        )

    def sizes(self, length: int) -> tuple[int, ...]:
        sizes: list[int] = []
        left = length
        while left:
            size = self.k if isinstance(self.k, int) else self.k[min(len(sizes), len(self.k) - 1)]
            sizes.append(min(size, left))
            left -= sizes[-1]
        return tuple(sizes)

    @property
    def equivariant(self) -> bool:
        return self.by != "left_to_right"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.by} - {"random", "left_to_right"})

    def plan(self, state: State) -> Ranked:
        return ranked(state, self.by, self._count(state))

    def _count(self, state: State) -> Any:
        if isinstance(self.k, int):
            return self.k
        sizes = np.array(self.k)
        return sizes[np.minimum(state.round, len(sizes) - 1)]


def _distinct_rounds(length: int) -> list[int]:
    """Smallest sizes that take 1, 2, 3, … rounds, the last of them one by one."""
    return sorted({-(-length // rounds) for rounds in range(1, length + 1)})


def ranked(state: State, by: str, count: Any) -> Ranked:
    """The ``count`` best feasible positions in one of the five orders."""
    if by == "random":
        return Ranked(np.zeros(state.canvas.shape), count, ties="random")
    if by == "left_to_right":
        n = state.canvas.shape[1]
        return Ranked(np.broadcast_to(-np.arange(n, dtype=float), state.canvas.shape), count)
    return Ranked(-state.scores["entropy"] if by == "entropy" else state.scores[by], count)


def OneByOne(by: str = "random") -> TopK:
    """One position per round: exact for a perfect model when choosing precedes drawing."""
    return TopK(1, by)
