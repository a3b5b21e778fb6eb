"""What rules that mask again share: their own positions, those of the open block."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from infodecode._kernels.plans import within
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import State
from infodecode.strategies._clock import CLOCK_NEEDS

BLOCK_NEEDS = CLOCK_NEEDS | {"block_end"}
"""Score fields that `in_block` and a clock read."""


def revision_start(canvas: IntArray) -> Mapping[str, Array]:
    """Memory of a rule that never masks what was given to it: nothing if nothing was."""
    given = canvas >= 0
    return {"given": given} if given.any() else {}


def own(state: State) -> BoolArray:
    """``(R, n)``: positions that the decode itself fills, and may mask again."""
    if "given" not in state.memory:
        return np.ones(state.canvas.shape, bool)
    return np.asarray(~state.memory["given"])


def in_block(state: State) -> BoolArray:
    """``(R, n)``: positions of the open block."""
    start, end = state.scores["block_start"], state.scores["block_end"]
    return np.asarray(within(start, end, state.canvas.shape[1]))


WHOLE_NUMBER = 1e-9
"""A product this little below a whole number is that number: rounding must not lose a position."""
