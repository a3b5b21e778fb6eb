"""Block policies: which masked positions are open in a round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._typing import BoolArray
from infodecode.state import State


class BlockPolicy:
    """Opens positions by canvas and round."""

    def feasible(self, state: State) -> BoolArray:
        """``(R, n)``: masked positions that may be committed, at least one per unfinished row."""
        raise NotImplementedError


@dataclass(frozen=True)
class WholeCanvas(BlockPolicy):
    """Every masked position is open in every round."""

    def feasible(self, state: State) -> BoolArray:
        return state.masked


@dataclass(frozen=True)
class LeftToRight(BlockPolicy):
    """Semi-autoregressive blocks: only the first block that still has masks is open (LLaDA).

    Attributes:
        block_length: positions in a block, at least 1; the last block may be shorter.
    """

    block_length: int

    def __post_init__(self) -> None:
        length = _validation.integer("block_length", self.block_length, minimum=1)
        _validation.store(self, block_length=length)

    def feasible(self, state: State) -> BoolArray:
        masked = state.masked
        block = np.arange(masked.shape[1]) // self.block_length
        first = block[np.argmax(masked, axis=1)]
        return np.asarray(masked & (block[None] == first[:, None]))
