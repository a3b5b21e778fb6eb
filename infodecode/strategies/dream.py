"""Dream's schedules: a number of positions a round that follows masked diffusion's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import count_in_row
from infodecode._rounding import ROUNDING
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Independent, Plan, Ranked, Strategy
from infodecode.strategies._clock import (
    CLOCK_NEEDS,
    ClockedSchedule,
    clock_start,
    demand_open,
    distinct_rounds,
    even_share,
    tick,
)
from infodecode.strategies.top_k import ORDERS, ranked

ORIGIN = "origin"
"""Every position on its own, as ancestral sampling does."""


@dataclass(frozen=True)
class DreamSchedule(ClockedSchedule):
    r"""Dream's decoding: time runs from 1 to ``eps`` in ``steps`` equal steps, and masks with it.

    With :math:`t_i = 1 - \frac{i}{\text{steps}} (1 - \text{eps})`, round i = 0, 1, … of a canvas
    with m masks commits

    .. math:: \left\lfloor m \, \Bigl(1 - \frac{t_{i+1}}{t_i}\Bigr) \right\rfloor

    of them, the best by one of the orders, and the last round all that is left. Where the product
    is below 1 the round is idle: a model call that changes nothing. By ``"origin"`` each masked
    position is committed on its own with probability :math:`1 - t_{i+1}/t_i`, in the last round
    with probability 1: the ancestral sampler of a linear schedule.

    Dream has no blocks; with a block policy of `Clocked` time starts afresh in every block, as in
    Fast-dLLM's blockwise version. A decode ends when nothing is masked. Dream scores the token it
    has drawn (``order="sample-then-choose"``); in its code the number of masks is their mean over
    the batch, here each sequence counts its own. Its ``alg_temp``, a softmax of the scores to draw
    positions from, is not offered. Logits of its network are shifted by one position, which is the
    model's affair.

    Attributes:
        steps: rounds of a block, at least 1.
        by: ``"origin"``, or an order of `TopK`: ``"confidence"`` (Dream's ``maskgit_plus``),
            ``"margin"`` (``topk_margin``), ``"entropy"``, ``"random"``, ``"left_to_right"``.
        eps: time at the end, in [0, 1].
        as_shipped: times and products in 32-bit floats, as in the released code: where the product
            is close to a whole number, a position may come a round earlier or later. Idle rounds
            at the end are taken too.

    Example:
        >>> DreamSchedule(5, "confidence").sizes(16)
        (3, 3, 3, 3, 4)
        >>> DreamSchedule(4, "entropy").sizes(3)
        (0, 0, 1, 2)

    Reference: Dream 7B (Ye et al. 2025, arXiv 2508.15487); ``generation_utils.py`` of
    DreamLM/Dream.
    """

    by: str = ORIGIN
    eps: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        _validation.choice("by", self.by, (ORIGIN, *ORDERS))
        eps = _validation.number("eps", self.eps, minimum=0, maximum=1)
        _validation.store(self, eps=eps)

    @classmethod
    def grid(cls, length: int) -> tuple[DreamSchedule, ...]:
        return tuple(
            cls(steps, by) for by in (ORIGIN, "entropy") for steps in distinct_rounds(length)
        )

    def sizes(self, length: int) -> tuple[int, ...] | None:
        if self.by == ORIGIN:
            return None
        left, sizes = np.array([length]), list[int]()
        for step in range(self.steps):
            sizes.append(int(self._count(left, np.array([step]))[0]))
            left = left - sizes[-1]
        return tuple(sizes)

    @property
    def needs(self) -> frozenset[str]:
        return super().needs | ({self.by} - {ORIGIN, "random", "left_to_right"})

    @cached_property
    def shares(self) -> FloatArray:
        """``(steps,)``: the share of the masks that each round commits, 1 in the last."""
        spent = 1 - self.eps
        shares: FloatArray = np.asarray(spent / (self.steps - np.arange(self.steps) * spent))
        if self.as_shipped:
            times = _times_in_float32(self.eps, self.steps)
            shares = np.asarray(1 - times[1:] / times[:-1])
        shares[-1] = 1
        return shares

    def plan(self, state: State) -> Plan:
        step, memory = self.clock(state)
        step = np.minimum(step, self.steps - 1)
        if self.by == ORIGIN:
            share = self.shares[step].astype(np.float64)[:, None]
            each = np.broadcast_to(share, state.canvas.shape)
            return Plan((Independent(each),), memory)
        count = self._count(count_in_row(state.feasible), step)
        return Plan((ranked(state, self.by, count),), memory)

    def _count(self, masks: IntArray, step: IntArray) -> IntArray:
        """Positions ``(R,)`` to commit; rounding must not lose one of a whole number."""
        product = masks.astype(self.shares.dtype) * self.shares[step]
        if not self.as_shipped:
            product = product + ROUNDING * np.maximum(product, 1)
        return np.floor(product).astype(np.int64)


def _times_in_float32(eps: float, steps: int) -> FloatArray:
    """``(steps + 1,)`` 32-bit times from 1 to eps, each rounded once, counted from the nearer end.

    As ``torch.linspace`` gives them.
    """
    start, end = np.float32(1), np.float32(eps)
    each = np.float64((end - start) / np.float32(steps))
    place = np.arange(steps + 1)
    times = np.where(
        place < (steps + 1) // 2,
        np.float64(start) + each * place,
        np.float64(end) - each * (steps - place),
    )
    return times.astype(np.float32)


@dataclass(frozen=True)
class DreamThreshold(Strategy):
    """Fast-dLLM's Dream dialect: a threshold within a window that the quota opens.

    Each round releases its share of an even split of the masks among ``steps`` rounds (`Quota`).
    The *window* of a round is what it releases plus what the last round's window rejected. Among
    that many of the most confident positions, the best is committed, and each with ``c_i >=
    threshold``. After the last of the ``steps`` rounds everything is released; rounds go on until
    nothing is masked.

    The original demands that ``steps`` divides the number of masks; here the first rounds take the
    remainder. It scores drawn tokens (``order="sample-then-choose"``) and has no blocks; with a
    block policy, every block is split anew. Memory: the positions not released yet.

    With ``threshold=0`` it is ``Quota(steps)``; with ``steps=1``
    ``Threshold(threshold, inclusive=True)``.

    Attributes:
        steps: rounds that release the masks of a block, at least 1.
        threshold: confidence in [0, 1].

    Reference: Fast-dLLM (Wu et al. 2025, arXiv 2505.22618); ``dream/model/generation_utils.py`` of
    NVlabs/Fast-dLLM, ``alg="confidence_threshold"``.
    """

    steps: int
    threshold: float = 0.9

    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _validation.store(
            self,
            steps=_validation.integer("steps", self.steps, minimum=1),
            threshold=_validation.number("threshold", self.threshold, minimum=0, maximum=1),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[DreamThreshold, ...]:
        return tuple(
            cls(steps, gamma) for gamma in (0.5, 0.7, 0.9) for steps in distinct_rounds(length)
        )

    @property
    def needs(self) -> frozenset[str]:
        return CLOCK_NEEDS | {"confidence"}

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        return {**clock_start(canvas), "reserve": np.zeros(len(canvas), np.int64)}

    def plan(self, state: State) -> Plan:
        demand_open(self, state)
        step, new, clock = tick(state, self.steps)
        left, confidence = count_in_row(state.feasible), state.scores["confidence"]
        before = np.where(new, left, state.memory["reserve"])
        reserve = before - even_share(before, self.steps - step)
        passes = state.feasible & (confidence >= self.threshold - state.tolerance)
        number = count_in_row(passes)
        count = np.clip(number, 1, np.maximum(left - reserve, 1))
        action = Ranked(confidence, count, forced=(number == 0) & (left > 0))
        return Plan((action,), memory={**clock, "reserve": reserve})

    def max_rounds(self, length: int) -> int:
        return length * self.steps
