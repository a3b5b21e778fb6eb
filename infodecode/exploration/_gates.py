"""What the commits of a decoder may add to the entropy of its outputs, counted as it decodes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from infodecode._grouping import Grouper, Packing
from infodecode._kernels.rows import count_in_row, pairs_of
from infodecode._rounding import ROUNDING
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.chance import CHOOSE, Choice, Enumerated, pieces
from infodecode.decoder import Decoder
from infodecode.models import Evaluation
from infodecode.state import State
from infodecode.strategies import Independent, Ranked

_LAW_NUMBERS = 1 << 22
"""Probabilities of token laws held at once."""


def most_bits(tau: float, size: int, drawn: bool, inclusive: bool) -> float:
    """`infodecode.exploration.gate_bits` without checks."""
    if drawn:
        if inclusive:
            passing = size if tau <= ROUNDING else math.floor(1 / (tau - ROUNDING))
        else:
            passing = math.ceil(1 / (tau + ROUNDING)) - 1
        return math.log2(max(1, min(size, passing)))
    if tau * size <= 1:
        return math.log2(size)
    rest = 1 - tau
    if rest == 0:
        return 0.0
    return -tau * math.log2(tau) - rest * math.log2(rest) + rest * math.log2(size - 1)


class Counting(Enumerated):
    """Enumerates everything, and adds up what commits that pass a gate and others may add.

    Args:
        sizes: alphabets of the positions.
        decoder: choosing first, drawing at least as sharply as its gate sees.
        gate, inclusive, tolerance: when a confidence passes.
        max_children: as in `Enumerated`.

    Attributes:
        each: ``(n,)`` the most bits of a commit that passes.
        gated, forced: expected commits that pass, and others.
        gated_bits, forced_bits: what they may add.
        committed_bits: expected sum of the entropies of all laws drawn from (choosing first).
        choice_bits: expected sum over rounds of the entropy of the choice given the canvas; that of
            the last round counts after another `new_round`.
    """

    def __init__(
        self, sizes: tuple[int, ...], decoder: Decoder, gate: float, inclusive: bool,
        tolerance: float, *, max_children: int,
    ) -> None:  # fmt: skip
        super().__init__(max_children=max_children, width=max(sizes))
        self.each = np.array([most_bits(gate, v, decoder.draws_first, inclusive) for v in sizes])
        self.gated = self.forced = self.gated_bits = self.forced_bits = 0.0
        self.committed_bits = self.choice_bits = 0.0
        self._alphabet_bits = np.log2(sizes)
        self._decoder = decoder
        self._edge = gate - tolerance if inclusive else gate + tolerance
        self._inclusive = inclusive
        self._canvases = Packing(sizes)
        self._choices = Packing((2,) * len(sizes))
        self._open_round()

    def _open_round(self) -> None:
        self._seen = _Masses(self._canvases.words)
        self._chosen = _Masses(self._canvases.words + self._choices.words)

    def new_round(self) -> None:
        super().new_round()
        self.choice_bits += self._chosen.entropy() - self._seen.entropy()
        self._open_round()

    def _passes(self, confidence: FloatArray) -> BoolArray:
        edge = self._edge
        return np.asarray(confidence >= edge if self._inclusive else confidence > edge)

    def choose(
        self, state: State, action: Ranked | Independent, ties: str, purpose: int
    ) -> Iterator[Choice]:
        for rows, chosen, weight in super().choose(state, action, ties, purpose):
            if purpose == CHOOSE:
                self._note(state, rows, chosen, np.asarray(weight, np.float64))
            yield rows, chosen, weight

    def _note(
        self, state: State, rows: IntArray | slice, chosen: BoolArray, weight: FloatArray
    ) -> None:
        passed = np.zeros(chosen.shape, bool)
        if self._decoder.draws_first:
            passed = chosen & self._passes(state.scores["confidence"][rows])
            self._add(
                np.where(chosen, weight[:, None], 0.0), passed,
                np.broadcast_to(self._alphabet_bits, chosen.shape),
            )  # fmt: skip
        canvas = self._canvases.keys(state.canvas[rows])
        choice = self._choices.keys(np.where(chosen, passed, -1).astype(np.int32))
        self._seen.add(canvas, weight)
        self._chosen.add(np.concatenate([canvas, choice], axis=1), weight)

    def _add(self, weight: FloatArray, passed: BoolArray, bits: FloatArray) -> None:
        """Commits: their probabilities, whether they passed, and what they add if they did not.

        All ``(R, n)``.
        """
        gated, forced = np.where(passed, weight, 0.0), np.where(passed, 0.0, weight)
        self.gated += float(gated.sum())
        self.forced += float(forced.sum())
        self.gated_bits += float((gated * self.each).sum())
        self.forced_bits += float((forced * bits).sum())

    def fill(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        size = max(1, _LAW_NUMBERS // self.width)
        for piece in pieces(count_in_row(where), size):
            rows, positions = pairs_of(where[piece])
            source = state.source[piece][rows]
            laws = np.asarray(evaluation.law(source, positions), np.float64)
            rule = self._decoder.rule
            seen = evaluation.marginal(source, positions)
            if rule.tempered_confidence:
                seen = rule.temper(seen, state.tolerance)
            bits, passed = np.zeros(where[piece].shape), np.zeros(where[piece].shape, bool)
            bits[rows, positions] = _entropies(laws)
            passed[rows, positions] = self._passes(np.asarray(seen.max(axis=1), np.float64))
            weight = np.where(where[piece], state.weight[piece][:, None], 0.0)
            self._add(weight, passed, bits)
            self.committed_bits += float((weight * bits).sum())
        yield from super().fill(state, where, evaluation)

    def keep(self, state: State) -> Iterator[State]:
        if not self._decoder.draws_first:
            raise ValueError(
                "decoder must draw the tokens it commits, got one that commits tokens of its own"
            )
        yield from super().keep(state)


class _Masses:
    """Masses of distinct keys."""

    def __init__(self, words: int) -> None:
        self._grouper = Grouper(words)
        self._mass = np.empty(0)

    def add(self, keys: Array, weight: FloatArray) -> None:
        ids = self._grouper.insert(keys)
        mass = np.zeros(self._grouper.count)
        mass[: len(self._mass)] = self._mass
        self._mass = mass + np.bincount(ids, weight, minlength=len(mass))

    def entropy(self) -> float:
        """Minus the sum of m log2 m, in bits."""
        mass = self._mass[self._mass > 0]
        return math.fsum(-mass * np.log2(mass))


def _entropies(laws: FloatArray) -> FloatArray:
    """Entropies ``(K,)`` of laws ``(K, V)``, in bits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(laws > 0, laws * np.log2(laws), 0.0)
    return np.asarray(np.abs(terms.sum(axis=1)))
