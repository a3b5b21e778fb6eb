"""A fixed ordered partition: the schedule whose error floor is `partition_bits`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import first_due
from infodecode._kernels.rows import any_in_row, count_in_row
from infodecode.state import State
from infodecode.strategies._base import Ranked, Strategy


@dataclass(frozen=True)
class FixedPartition(Strategy):
    """Commit the blocks in order, a block a round.

    With exact marginals the forward KL of the output is `infodecode.partition_bits` of the blocks.

    Attributes:
        blocks: an ordered partition of the positions.

    Reference: ParallelBench (Kang et al. 2025), Theorem 1.
    """

    blocks: Sequence[Sequence[int]]

    def __post_init__(self) -> None:
        rows = _validation.iterate("blocks", self.blocks)
        flat = [p for k, row in enumerate(rows) for p in _validation.iterate(f"blocks[{k}]", row)]
        ends = [_validation.integer("blocks", p, minimum=0) for p in flat]
        if not ends:
            raise ValueError("blocks must hold at least one block, got none")
        if max(ends) >= len(ends):
            raise ValueError(
                f"blocks must be a partition of range({len(ends)}), as many as there are "
                f"positions, got position {max(ends)}"
            )
        _validation.store(self, blocks=_validation.partition("blocks", rows, max(ends) + 1))

    def sizes(self, length: int) -> tuple[int, ...]:
        return tuple(map(len, self.blocks))

    def plan(self, state: State) -> Ranked:
        n = state.canvas.shape[1]
        if sum(map(len, self.blocks)) != n:
            raise ValueError(f"blocks must be a partition of range({n}), got {self.blocks}")
        turn = np.empty(n, np.int64)
        for t, block in enumerate(self.blocks):
            turn[list(block)] = t
        due = first_due(state.masked, state.feasible, turn, np.zeros(1, np.int64))
        if not any_in_row(due).all():
            raise ValueError(
                "blocks of a FixedPartition must be open in their turn: leave the decoder's own "
                f"blocks at WholeCanvas(), got {self.blocks}"
            )
        return Ranked(np.zeros(state.canvas.shape), count_in_row(due), allowed=due)
