"""What the decoding loop carries: a struct of arrays, a row per sample or per weighted canvas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from infodecode._typing import Array, BoolArray, FloatArray, IntArray

NOTHING: Mapping[str, Array] = MappingProxyType({})

OPEN_SCORES = ("p1", "p2", "margin", "entropy", "token1", "confidence", "divergence")
VISIBLE_SCORES = ("visible_p1", "visible_p2", "visible_token1", "visible_probability")
BLOCK_SCORES = ("block_start", "block_end", "block_number")

SCORES = (
    *OPEN_SCORES, *VISIBLE_SCORES, *BLOCK_SCORES, "drawn_probability", "committed_probability",
)  # fmt: skip
"""Score fields a strategy may ask for in ``needs``.

At feasible positions: ``p1``, ``p2``: largest and second-largest probability; ``margin`` their
difference; ``entropy`` in bits; ``token1`` the most probable token (lowest index on ties);
``drawn_probability`` that of the token drawn this round (sample-then-choose only); ``confidence``:
``p1`` when choosing precedes drawing, ``drawn_probability`` when drawing comes first, as each is
called in the field; ``divergence``: KL in bits from the law on the canvas in
``memory["previous_canvas"]`` to the present one (`PREVIOUS_CANVAS`).

At visible positions, from the law of the position given all *other* visible tokens (a network's
own output there): ``visible_p1``, ``visible_p2``, ``visible_token1`` likewise, and
``visible_probability``, that of the token that is there.

Of blocks: ``block_start``, ``block_end`` ``(R,)``: the block that is open (the last that is), as a
range of positions; ``block_number``: the block of every position.

In ``revise`` only: ``committed_probability``, found in ``state.probability``: the model's
probability of each token committed in this round.
"""

PREVIOUS_CANVAS = "previous_canvas"
"""Name of the memory with the canvas ``(R, n)`` of the last round; rows of -2 stand for none."""


@dataclass(frozen=True, eq=False)
class State:
    """Rows of the loop. A strategy reads it and never writes to it.

    Attributes:
        canvas: ``(R, n)`` tokens, -1 masked.
        weight: ``(R,)`` probability of each row (float, or Fraction objects); 1 when sampling.
        round: ``(R,)`` rounds completed before this one.
        stream: ``(R,)`` counter-based random streams.
        tolerance: differences up to this count as ties: 1e-12 on exact models, 0 on networks.
        memory: the strategy's own arrays ``(R, ...)``; part of the key by which `exact` merges.
        feasible: ``(R, n)`` masked positions that the block policy opens in this round.
        scores: the fields asked for (`SCORES`), each ``(R, n)``, 0 where they do not apply.
        drawn: ``(R, n)`` tokens drawn in this round, -1 where none.
        chosen: ``(R, n)`` positions of the last action taken (commits; then remasks).
        forced: ``(R,)`` whether this round's commits are a fallback rather than the rule's choice.
        source: ``(R,)`` row of this round's model evaluation.
        stage: how often this round has planned already (0, then 1 after ``Plan.again``).
        calls: ``(R,)`` model calls of this round: 1, and 1 more for a batched look-ahead.
        evaluated: ``(R,)`` sequences evaluated in this round.
        probability: ``(R, n)`` of each token committed in this round, where chance records it or
            the strategy needs it; else ``(R, 0)``.
    """

    canvas: IntArray
    weight: Array
    round: IntArray
    stream: Array
    tolerance: float
    feasible: BoolArray
    drawn: IntArray
    chosen: BoolArray
    forced: BoolArray
    source: IntArray
    calls: IntArray
    evaluated: IntArray
    probability: FloatArray
    stage: int = 0
    memory: Mapping[str, Array] = field(default_factory=dict)
    scores: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        canvas: IntArray,
        weight: Array,
        stream: Array,
        tolerance: float,
        memory: Mapping[str, Array],
    ) -> State:
        """Rows before their first round."""
        rows = len(canvas)
        return cls(
            canvas=canvas,
            weight=weight,
            round=np.zeros(rows, np.int64),
            stream=stream,
            tolerance=tolerance,
            memory=memory,
            **_blank(canvas),
        )

    @property
    def rows(self) -> int:
        """Number of rows, R."""
        return len(self.canvas)

    @property
    def masked(self) -> BoolArray:
        """``(R, n)``: which positions are masked."""
        return self.canvas < 0

    def with_(self, **changes: Any) -> State:
        """A copy with some arrays replaced."""
        return replace(self, **changes)

    def take(self, rows: IntArray | slice, **ready: Array) -> State:
        """The rows named, repeated or left out as asked; arrays given by name are used as is."""
        arrays = {
            name: ready[name] if name in ready else take(getattr(self, name), rows)
            for name in _ARRAYS
        }
        return State(
            **arrays,
            tolerance=self.tolerance,
            stage=self.stage,
            memory={name: take(array, rows) for name, array in self.memory.items()},
            scores={name: take(array, rows) for name, array in self.scores.items()},
        )

    def settled(self) -> State:
        """Without the arrays that only a revision in the same round would read."""
        none = np.empty((self.rows, 0))
        return replace(
            self, feasible=none.astype(bool), drawn=none.astype(np.int32), chosen=none.astype(bool),
            scores={},
        )  # fmt: skip

    @staticmethod
    def concatenate(parts: Sequence[State]) -> State:
        """Rows of all parts, between rounds (scores are dropped)."""
        first = parts[0]
        canvas = np.concatenate([part.canvas for part in parts])
        return State(
            canvas=canvas,
            weight=np.concatenate([part.weight for part in parts]),
            round=np.concatenate([part.round for part in parts]),
            stream=np.concatenate([part.stream for part in parts]),
            tolerance=first.tolerance,
            memory={
                name: np.concatenate([part.memory[name] for part in parts]) for name in first.memory
            },
            **_blank(canvas),
        )

    def fresh(self) -> State:
        """The same rows at the start of a round: one call due, everything else of it cleared."""
        return replace(self, stage=0, scores=NOTHING, **_blank(self.canvas))


_ARRAYS = (
    "canvas", "weight", "round", "stream", "feasible", "drawn", "chosen", "forced", "source",
    "calls", "evaluated", "probability",
)  # fmt: skip


def take(array: Array, rows: IntArray | slice) -> Array:
    """``array[rows]``, by the quicker of numpy's two ways; a whole slice is not copied."""
    return array[rows] if isinstance(rows, slice) else array.take(rows, axis=0)


def _blank(canvas: IntArray) -> dict[str, Any]:
    rows = len(canvas)
    none = np.zeros(canvas.shape, bool)
    return {
        "feasible": none,
        "drawn": np.full(canvas.shape, -1, np.int32),
        "chosen": none,
        "forced": np.zeros(rows, bool),
        "source": np.arange(rows),
        "calls": np.ones(rows, np.int64),
        "evaluated": np.ones(rows, np.int64),
        "probability": np.empty((rows, 0)),
    }
