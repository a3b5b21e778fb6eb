"""Block refinement: confident positions or the quota's best, then edits of what stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import within
from infodecode._kernels.rows import any_in_row, count_in_row
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Plan, Ranked, Strategy
from infodecode.strategies._own_blocks import (
    block_range,
    demand_whole_canvas,
    first_open_block,
    up_to,
)


@dataclass(frozen=True)
class BlockRefinement(Strategy):
    """LLaDA2's block refinement, as in diffusers: fill a block, then edit it until it settles.

    *Filling*: a round commits every masked position of the block with ``c_i > threshold`` if these
    are at least the round's quota, else the quota's most confident. Quotas share ``block_length``
    evenly among ``steps`` rounds, the remainder going to the first (LLaDA).

    *Editing*, with an ``editing_threshold``: once the block is full, a round overwrites every token
    that is not the likeliest one given all other visible tokens, if the probability of that one is
    ``> editing_threshold``. The next block follows after a round without edits, or after
    ``max_post_steps`` rounds. What is visible from the start can be edited as well: a prompt
    belongs to the model.

    The released code differs from this documented rule (``as_shipped``). It edits while masks
    remain, too, which is how LLaDA2.1 describes its own decoding; it moves on right after the round
    that fills a block if this one edited nothing; and it takes up to ``max_post_steps + 1`` rounds
    in a full block. It ignores its ``minimal_topk``. At temperature above 0 it draws the token it
    edits to, where this class keeps to the likeliest one.

    The strategy keeps its own place: `WholeCanvas` is the only block policy that goes with it. Its
    memory is the block, and the rounds spent there as far as they matter.

    Attributes:
        block_length: positions in a block, at least 1; the last block may be shorter.
        steps: rounds that the quotas are made for (``num_inference_steps``), at least 1.
        threshold: confidence in [0, 1] to commit at.
        editing_threshold: probability in (0, 1] to edit at; None for no editing, and then the
            strategy does not revise. The pipeline's own default is 0.5, with ``threshold=0.7``.
        max_post_steps: rounds of editing a full block, >= 0.
        as_shipped: the released code, as above.

    Reference: diffusers 0.42.1, ``BlockRefinementScheduler`` and ``LLaDA2Pipeline``; LLaDA2.1
    (Bie et al. 2026, arXiv 2602.08676).
    """

    block_length: int = 32
    steps: int = 32
    threshold: float = 0.95
    editing_threshold: float | None = None
    max_post_steps: int = 16
    as_shipped: bool = False

    def __post_init__(self) -> None:
        editing = self.editing_threshold
        if editing is not None:
            editing = _validation.number("editing_threshold", editing, above=0, maximum=1)
        _validation.store(
            self,
            block_length=_validation.integer("block_length", self.block_length, minimum=1),
            steps=_validation.integer("steps", self.steps, minimum=1),
            threshold=_validation.number("threshold", self.threshold, minimum=0, maximum=1),
            editing_threshold=editing,
            max_post_steps=_validation.integer("max_post_steps", self.max_post_steps, minimum=0),
            as_shipped=_validation.flag("as_shipped", self.as_shipped),
        )

    @property
    def revising(self) -> bool:  # type: ignore[override]
        """Whether tokens are edited."""
        return self.editing_threshold is not None

    @classmethod
    def grid(cls, length: int) -> tuple[BlockRefinement, ...]:
        rounds = sorted({1, -(-length // 2), length})
        return tuple(
            cls(length, steps, gamma, editing)
            for editing in (None, 0.5)
            for gamma in (0.5, 0.7, 0.95)
            for steps in rounds
        )

    @property
    def needs(self) -> frozenset[str]:
        if self.editing_threshold is None:
            return frozenset({"confidence"})
        return frozenset({"confidence", "visible_p1", "visible_token1"})

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        zeros = np.zeros(len(canvas), np.int64)
        first = first_open_block(canvas < 0, self.block_length)
        return {"block": zeros if self._edits_full_blocks else first, "step": zeros}

    @property
    def _edits_full_blocks(self) -> bool:
        return self.revising and (self.as_shipped or self.max_post_steps > 0)

    def plan(self, state: State) -> Plan:
        demand_whole_canvas(self, state)
        confidence, step = state.scores["confidence"], state.memory["step"]
        n = confidence.shape[1]
        start, stop = block_range(state.memory["block"], self.block_length, n)
        inside = within(start, stop, n)
        open_ = inside & state.masked
        left = count_in_row(open_)
        even, remainder = divmod(self.block_length, self.steps)
        quota = even + (step < remainder)
        sure = count_in_row(open_ & (confidence > self.threshold + state.tolerance))
        count = np.minimum(np.maximum(sure, quota), left)
        forced = (sure < quota) & (left > 0)
        actions = [Ranked(confidence, count, allowed=open_, forced=forced)]
        edited = np.zeros(len(left), bool)
        if self.revising:
            edits = self._edits(state, inside & ~state.masked, left)
            edited = any_in_row(edits)
            tokens = state.scores["visible_token1"].astype(np.int32)
            number = count_in_row(edits)
            actions.append(Ranked(np.zeros(edits.shape), number, allowed=edits, tokens=tokens))
        full = count == left
        stays = ~full | self._goes_on_editing(step, left, edited)
        spent = np.where(full, np.where(left > 0, 0, step + 1), np.minimum(step + 1, remainder))
        memory = {
            "block": np.where(stays, state.memory["block"], self._next_block(state, stop)),
            "step": np.where(stays, spent, 0),
        }
        return Plan(tuple(actions), memory=memory)

    def _edits(self, state: State, visible: BoolArray, left: IntArray) -> BoolArray:
        """Tokens of the block to overwrite."""
        assert self.editing_threshold is not None
        sure = state.scores["visible_p1"] > self.editing_threshold + state.tolerance
        edits = visible & sure & (state.scores["visible_token1"] != state.canvas)
        if not self.as_shipped:
            edits &= (left == 0)[:, None]
        return np.asarray(edits)

    def _goes_on_editing(self, step: IntArray, left: IntArray, edited: BoolArray) -> BoolArray:
        """Whether a block that is full after this round gets another one."""
        if not self.revising:
            return edited
        if self.as_shipped:
            return np.asarray(edited & ((left > 0) | (step < self.max_post_steps)))
        just_filled = (left > 0) & (self.max_post_steps > 0)
        return np.asarray(just_filled | (edited & (step + 1 < self.max_post_steps)))

    def _next_block(self, state: State, stop: IntArray) -> IntArray:
        if self._edits_full_blocks:
            return np.asarray(state.memory["block"] + 1)
        beyond = state.masked & ~up_to(stop, state.canvas.shape[1])
        return first_open_block(beyond, self.block_length)

    def finished(self, state: State) -> BoolArray:
        return np.asarray(state.memory["block"] * self.block_length >= state.canvas.shape[1])

    def max_rounds(self, length: int) -> int:
        blocks = -(-length // self.block_length)
        return blocks * (self.block_length + self.max_post_steps + 1)
