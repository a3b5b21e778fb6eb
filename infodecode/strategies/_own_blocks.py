"""Blocks that a strategy walks through by itself, where their end depends on what it has seen."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.plans import within
from infodecode._kernels.rows import any_in_row
from infodecode._typing import BoolArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Strategy


def demand_whole_canvas(strategy: Strategy, state: State) -> None:
    """Raise ValueError unless the decoder leaves every masked position to the strategy."""
    if (state.feasible != state.masked).any():
        raise ValueError(
            f"blocks must be WholeCanvas() with {strategy!r}, which has a block_length of its own, "
            "got a policy that closes some masked positions"
        )


def block_range(block: IntArray, length: int, n: int) -> tuple[IntArray, IntArray]:
    """First position ``(R,)`` of a block, and the one after its last."""
    return block * length, np.minimum((block + 1) * length, n)


def up_to(stop: IntArray, n: int) -> BoolArray:
    """``(R, n)``: positions before ``stop``."""
    return np.asarray(within(np.zeros_like(stop), stop, n))


def first_open_block(masked: BoolArray, length: int) -> IntArray:
    """First block ``(R,)`` with a mask; the number of blocks if there is none."""
    return block_of(first_mask(masked), length, masked.shape[1])


def first_mask(masked: BoolArray) -> IntArray:
    """First masked position ``(R,)``; n if there is none."""
    none = masked.shape[1]
    return np.asarray(np.where(any_in_row(masked), np.argmax(masked, axis=1), none))


def block_of(position: IntArray, length: int, n: int) -> IntArray:
    """Block ``(R,)`` of a position; the number of blocks if it is n."""
    return np.where(position < n, position // length, -(-n // length))
