"""Many sampled chains side by side, a step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from infodecode._kernels.random import uniforms_into
from infodecode._randomness import streams_of
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.decoder import Decoder
from infodecode.exploration._paths import Decodes, MarginalDensity, decode_rows
from infodecode.models import Model

Score = Callable[[IntArray], tuple[FloatArray, IntArray, IntArray]]
"""Sequences ``(R, n)`` -> log2 mu up to a constant, model calls, sequences evaluated, ``(R,)``."""

_ACCEPT, _CUT = 254, 255
"""Stages of random numbers that the decoding loop does not use."""


@dataclass(frozen=True, eq=False)
class Position:
    """Where C chains are.

    Attributes:
        sequences: ``(C, n)``.
        score: ``(C,)`` log2 mu, -inf off the support.
        log2_path: ``(C,)`` log2 of the tokens of the path by which each came, where it is kept.
        accepted: ``(C,)`` whether the last proposal was.
        calls, evaluated: ``(C,)`` what the last step cost.
    """

    sequences: IntArray
    score: FloatArray
    log2_path: FloatArray
    accepted: BoolArray
    calls: IntArray
    evaluated: IntArray


@dataclass(frozen=True, eq=False)
class Walk:
    """Everything that a step of the chains needs.

    Attributes:
        decoder, model, max_rounds: what proposes.
        alpha: exponent of the target.
        masks: ``(m, n)`` sets of positions to mask again.
        ends: ``(m,)`` cumulative probability of the sets.
        score: of sequences; None takes that of the path of a whole decode.
        marginal: q of the output law, or None to weigh by paths.
        fixed: refuse positions that the canvas does not fix.
        key: of the seed.
    """

    decoder: Decoder
    model: Model
    max_rounds: int
    alpha: float
    masks: BoolArray
    ends: FloatArray
    score: Score | None
    marginal: MarginalDensity | None
    fixed: bool
    key: np.uint64

    def run(self, first: int, start: IntArray, steps: int) -> Iterator[Position]:
        """Positions of chains ``first`` … before and after each of ``steps`` steps.

        Args:
            first: number of the first chain; a chain depends on its number and the seed alone.
            start: ``(C, n)`` sequences to start from; where they are blank, with a decode.
            steps: how many.
        """
        at = self._begin(first, start)
        yield at
        for step in range(1, steps + 1):
            at = self._step(first, at, step)
            yield at

    @property
    def _keeps_paths(self) -> bool:
        """Whether a state carries the path that it came by: all proposals are whole."""
        return self.marginal is None and bool(self.masks.all())

    def _streams(self, first: int, count: int, step: int, purpose: int) -> Array:
        """Streams of chains at a step: one set to draw with, and another for paths back."""
        (key,) = streams_of(self.key, 2 * step + purpose, 1)
        return streams_of(key, first, count)

    def _decode(self, canvas: IntArray, streams: Array, given: IntArray | None = None) -> Decodes:
        return decode_rows(
            canvas, streams, self.decoder, self.model, self.max_rounds,
            given=given, weigh=self.marginal is None, fixed=self.fixed,
        )  # fmt: skip

    def _begin(self, first: int, start: IntArray) -> Position:
        count = len(start)
        nothing = np.zeros(count, np.int64)
        out = Decodes(start, np.zeros(count), nothing, nothing)
        if self._keeps_paths or (start < 0).any():
            blank = np.full(start.shape, -1, np.int32)
            out = self._decode(blank, self._streams(first, count, 0, 0), start)
        return self._scored(out, np.ones(count, bool))

    def _step(self, first: int, at: Position, step: int) -> Position:
        forth = self._streams(first, len(at.score), step, 0)
        which = np.searchsorted(self.ends, _uniform(forth, _CUT), side="right")
        lost = np.isneginf(at.score)
        remask = self.masks[which] | lost[:, None]
        canvas = np.where(remask, np.int32(-1), at.sequences)
        if self._keeps_paths:
            out = self._decode(canvas, forth)
            ratio = at.log2_path - out.log2_path
        elif self.marginal is None:
            back = self._streams(first, len(at.score), step, 1)
            out, ratio = self._there_and_back(canvas, at, ~lost, forth, back)
        else:
            out = self._decode(canvas, forth)
            ratio = np.zeros(len(lost))
        tried = self._scored(out, lost)
        with np.errstate(invalid="ignore"):
            gain = self.alpha * (tried.score - at.score)
        open_ = np.flatnonzero(~lost & ~np.isneginf(tried.score))
        if self.marginal is not None:
            returned = np.where(remask, np.int32(-1), tried.sequences)[open_]
            ratio[open_] = self.marginal(returned, at.sequences[open_])
            ratio[open_] -= self.marginal(canvas[open_], tried.sequences[open_])
        accepted = lost.copy()
        odds = np.exp2(np.minimum(gain[open_] + ratio[open_], 0.0))
        accepted[open_] = _uniform(forth, _ACCEPT)[open_] < odds
        return Position(
            np.where(accepted[:, None], tried.sequences, at.sequences),
            np.where(accepted, tried.score, at.score),
            np.where(accepted, tried.log2_path, at.log2_path),
            accepted,
            tried.calls,
            tried.evaluated,
        )

    def _there_and_back(
        self, canvas: IntArray, at: Position, known: BoolArray, forth: Array, back: Array
    ) -> tuple[Decodes, FloatArray]:
        """Proposals, and log2 q(x)/q(x') by tokens along paths; those of x in the same batch."""
        count = len(canvas)
        again = np.flatnonzero(known)
        given = np.full((count + len(again), canvas.shape[1]), -1, np.int32)
        given[count:] = at.sequences[again]
        out = self._decode(
            np.concatenate([canvas, canvas[again]]), np.concatenate([forth, back[again]]), given
        )
        ratio = np.zeros(count)
        ratio[again] = out.log2_path[count:] - out.log2_path[again]
        calls, evaluated = out.calls[:count], out.evaluated[:count]
        calls[again] = np.maximum(calls[again], out.calls[count:])
        evaluated[again] += out.evaluated[count:]
        return Decodes(out.sequences[:count], out.log2_path[:count], calls, evaluated), ratio

    def _scored(self, out: Decodes, accepted: BoolArray) -> Position:
        """Where a decode leads, with its score and what both cost."""
        if self.score is None:
            score, calls, evaluated = out.log2_path, out.calls, out.evaluated
        else:
            score, more_calls, more = self.score(out.sequences)
            calls, evaluated = out.calls + more_calls, out.evaluated + more
        return Position(out.sequences, score, out.log2_path, accepted, calls, evaluated)


def _uniform(streams: Array, stage: int) -> FloatArray:
    out = np.empty(len(streams))
    zeros = np.zeros(len(streams), np.int64)
    uniforms_into(streams, zeros, np.arange(len(streams)), zeros, stage, out)
    return out
