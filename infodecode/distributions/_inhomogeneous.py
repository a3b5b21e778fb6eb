"""Markov chains whose transitions change from position to position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from infodecode._kernels.chains import row_entropies
from infodecode._kernels.laws import draw_into
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions._joint import Joint
from infodecode.distributions._table import Table

_MESSAGES = 1 << 22
"""Numbers that messages take at once."""


class InhomogeneousChain(Joint):
    """A Markov chain with transitions of its own at every step: what powers of chains are.

    Made by `infodecode.distributions.power`; its parameters are not checked. Marginals come from
    the forward-backward recursion, at any length.

    Args:
        initial: ``(V,)`` law of the first state.
        transitions: ``(n - 1, V, V)`` chances of state y at i + 1 given x at i.
        labels: names of the states at every position.
        name: short name for people.
    """

    def __init__(
        self,
        initial: FloatArray,
        transitions: FloatArray,
        *,
        labels: Sequence[Sequence[object]] | None = None,
        name: str | None = None,
    ) -> None:
        self.initial, self.transitions = initial, transitions
        states, length = len(initial), len(transitions) + 1
        self._describe(
            name or f"inhomogeneous chain ({states} states, length={length})",
            [states] * length, labels,
        )  # fmt: skip

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), len(self.initial)))
        step = max(1, _MESSAGES // (self.length * len(self.initial)))
        for first in range(0, len(canvases), step):
            part = slice(first, first + step)
            mine = slice(*np.searchsorted(rows, [first, first + step]))
            before, after = self._messages(canvases[part])
            place = positions[mine], rows[mine] - first
            out[mine] = before[place] * after[place]
        total = out.sum(axis=1, keepdims=True)
        return np.asarray(out / np.where(total > 0, total, 1))

    def _messages(self, canvases: IntArray) -> tuple[FloatArray, FloatArray]:
        """What the tokens before, and after, say about each state, ``(n, B, V)`` up to a factor."""
        n, states = self.length, len(self.initial)
        before, after = np.ones((2, n, len(canvases), states))
        before[0] = self.initial
        for i in range(n - 1):
            before[i + 1] = _scaled(_seen(before[i], canvases[:, i]) @ self.transitions[i])[0]
        for i in range(n - 2, -1, -1):
            told = _seen(after[i + 1], canvases[:, i + 1])
            after[i] = _scaled(told @ self.transitions[i].T)[0]
        return before, after

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        return log2_forward(canvases, self.initial, self.transitions)

    def _completions(self, canvases: IntArray) -> FloatArray:
        allowed = (self.initial > 0).astype(float), (self.transitions > 0).astype(float)
        with np.errstate(over="ignore"):
            return np.exp2(log2_forward(canvases, *allowed)) * (1 + 1e-9)

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        out = np.empty((size, self.length), np.int32)
        state = np.empty(size, np.int64)
        laws = np.tile(self.initial, (size, 1))
        for i in range(self.length):
            draw_into(laws, generator.random(size), state)
            out[:, i] = state
            if i < self.length - 1:
                laws = self.transitions[i][state]
        return out

    @property
    def support_size(self) -> int:
        return self._paths

    @cached_property
    def _paths(self) -> int:
        ways = [int(p > 0) for p in self.initial]
        for step in self.transitions > 0:
            ways = [sum(w for w, on in zip(ways, column, strict=True) if on) for column in step.T]
        return sum(ways)

    def _enumerate(self) -> Table:
        words, weights = np.empty((1, 0), np.int32), np.ones(1)
        chances = self.initial[None]
        for i in range(self.length):
            rows, tokens = np.nonzero(chances)
            words = np.column_stack([words[rows], tokens]).astype(np.int32)
            weights = weights[rows] * chances[rows, tokens]
            if i < self.length - 1:
                chances = self.transitions[i][tokens]
        return Table(
            words, weights / math.fsum(weights), alphabet_sizes=self.alphabet_sizes,
            labels=self.labels, name=self.name,
        )  # fmt: skip

    def log2_mode(self) -> float:
        with np.errstate(divide="ignore"):
            best = np.log2(self.initial)
            for step in np.log2(self.transitions):
                best = (best[:, None] + step).max(axis=0)
        return float(best.max())

    # -- entropies ----------------------------------------------------------------------------

    @cached_property
    def _state_laws(self) -> FloatArray:
        """Law of the state at each position, ``(n, V)``."""
        laws = [self.initial]
        for step in self.transitions:
            after = laws[-1] @ step
            laws.append(after / after.sum())
        return np.array(laws)

    def position_entropies(self) -> FloatArray:
        entropies: FloatArray = row_entropies(self._state_laws)
        return entropies

    def _entropy(self, positions: tuple[int, ...]) -> float:
        if not positions:
            return 0.0
        first, *others = positions
        bits = [float(self.position_entropies()[first])]
        before = first
        for i in others:
            onward = np.eye(len(self.initial))
            for step in self.transitions[before:i]:
                onward = onward @ step
            bits.append(float(self._state_laws[before] @ row_entropies(onward)))
            before = i
        return math.fsum(bits)


def log2_forward(canvases: IntArray, initial: FloatArray, transitions: FloatArray) -> FloatArray:
    """log2 of the sum ``(B,)`` of ``initial * transitions ...`` over all paths through a canvas.

    Numbers need not be probabilities. The sum is rescaled at every step.
    """
    forward = np.broadcast_to(initial, (len(canvases), len(initial)))
    log2 = np.zeros(len(canvases))
    for i, step in enumerate(transitions):
        forward, scale = _scaled(_seen(forward, canvases[:, i]) @ step)
        log2 += scale
    with np.errstate(divide="ignore"):
        return np.asarray(log2 + np.log2(_seen(forward, canvases[:, -1]).sum(axis=1)))


def _seen(message: FloatArray, tokens: IntArray) -> FloatArray:
    """The message with every state struck out that a visible token excludes."""
    states = np.arange(message.shape[1])
    return np.where((tokens[:, None] < 0) | (tokens[:, None] == states), message, 0.0)


def _scaled(message: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The message over its largest entry, and log2 of that; 0 where nothing is left."""
    peak = message.max(axis=1)
    peak = np.where(peak > 0, peak, 1.0)
    return message / peak[:, None], np.log2(peak)
