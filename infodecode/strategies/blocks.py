"""Block policies: which masked positions are open in a round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._typing import BoolArray, IntArray
from infodecode.state import State


class BlockPolicy:
    """Opens positions by canvas and round."""

    def feasible(self, state: State) -> BoolArray:
        """``(R, n)``: masked positions that may be committed, at least one per unfinished row."""
        raise NotImplementedError

    def extent(self, state: State) -> tuple[IntArray, IntArray]:
        """First position ``(R,)`` of the block that is open, and the one after its last."""
        zeros = np.zeros(state.rows, np.int64)
        return zeros, zeros + state.canvas.shape[1]

    def number(self, length: int) -> IntArray:
        """Block ``(n,)`` of each position, from 0."""
        return np.zeros(length, np.int64)

    def waiting_rounds(self, length: int) -> int:
        """Rounds that a clock may let pass beside those of the strategy."""
        return 0


@dataclass(frozen=True)
class WholeCanvas(BlockPolicy):
    """Every masked position is open in every round."""

    def feasible(self, state: State) -> BoolArray:
        return state.masked


@dataclass(frozen=True)
class LeftToRight(BlockPolicy):
    """Semi-autoregressive blocks: only the first block that still has masks is open (Fast-dLLM).

    Attributes:
        block_length: positions in a block, at least 1; the last block may be shorter.
    """

    block_length: int

    def __post_init__(self) -> None:
        length = _validation.integer("block_length", self.block_length, minimum=1)
        _validation.store(self, block_length=length)

    def feasible(self, state: State) -> BoolArray:
        return _within(state.masked, *self.extent(state))

    def extent(self, state: State) -> tuple[IntArray, IntArray]:
        masked = state.masked
        n = masked.shape[1]
        first = np.where(masked.any(axis=1), np.argmax(masked, axis=1), n - 1)
        return _range(first // self.block_length, self.block_length, n)

    def number(self, length: int) -> IntArray:
        return np.arange(length) // self.block_length


@dataclass(frozen=True)
class Clocked(BlockPolicy):
    """Blocks from left to right, each open for a fixed number of rounds, full or not (LLaDA).

    After the last block's time that block stays open.

    Attributes:
        block_length: positions in a block, at least 1; the last block may be shorter.
        rounds: of each block, at least 1.
    """

    block_length: int
    rounds: int

    def __post_init__(self) -> None:
        _validation.store(
            self,
            block_length=_validation.integer("block_length", self.block_length, minimum=1),
            rounds=_validation.integer("rounds", self.rounds, minimum=1),
        )

    def feasible(self, state: State) -> BoolArray:
        return _within(state.masked, *self.extent(state))

    def extent(self, state: State) -> tuple[IntArray, IntArray]:
        n = state.canvas.shape[1]
        last = (n - 1) // self.block_length
        return _range(np.minimum(state.round // self.rounds, last), self.block_length, n)

    def number(self, length: int) -> IntArray:
        return np.arange(length) // self.block_length

    def waiting_rounds(self, length: int) -> int:
        return self.rounds * -(-length // self.block_length)


@dataclass(frozen=True)
class Unlocking(Clocked):
    """As `Clocked`, but earlier blocks stay open: what they left masked can still be committed.

    The fast block diffusion of Explore-Then-Exploit, whose budget per block is ``rounds``; also
    how RCR comes back to what it masked again. A row whose open blocks are all full moves on at
    once where ``eager``: the budget is then a limit, not a wait.

    Attributes:
        eager: open the next block as soon as everything open is full.

    Reference: From Bits to Rounds (2025), section 4.2.
    """

    eager: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _validation.store(self, eager=_validation.flag("eager", self.eager))

    def feasible(self, state: State) -> BoolArray:
        _, end = self.extent(state)
        return _within(state.masked, np.zeros_like(end), end)

    def extent(self, state: State) -> tuple[IntArray, IntArray]:
        n = state.canvas.shape[1]
        last = (n - 1) // self.block_length
        index = np.minimum(state.round // self.rounds, last)
        if self.eager:
            masked = state.masked
            first = np.where(masked.any(axis=1), np.argmax(masked, axis=1), n - 1)
            index = np.maximum(index, first // self.block_length)
        return _range(index, self.block_length, n)


def _range(block: IntArray, length: int, n: int) -> tuple[IntArray, IntArray]:
    return block * length, np.minimum((block + 1) * length, n)


def _within(masked: BoolArray, start: IntArray, end: IntArray) -> BoolArray:
    place = np.arange(masked.shape[1])
    return np.asarray(masked & (place >= start[:, None]) & (place < end[:, None]))
