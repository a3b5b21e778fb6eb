"""Rounds counted by block, for rules that run by the clock."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import State

CLOCK_NEEDS = frozenset({"block_start"})
"""Score fields that `tick` reads."""


def clock_start(canvas: IntArray) -> Mapping[str, Array]:
    """Memory of a clock before the first round."""
    return {
        "block": np.full(len(canvas), -1, np.int64),
        "block_round": np.zeros(len(canvas), np.int64),
    }


def tick(state: State) -> tuple[IntArray, BoolArray, Mapping[str, Array]]:
    """Rounds ``(R,)`` spent in the open block, whether it is new, and the memory afterwards."""
    start = state.scores["block_start"]
    new = np.asarray(state.memory["block"] != start)
    step = np.where(new, 0, state.memory["block_round"])
    return step, new, {"block": start, "block_round": step + 1}
