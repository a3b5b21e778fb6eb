"""Chance: the only difference between simulating the loop and propagating it exactly.

`Sampled` gives each row one outcome; `Enumerated` splits a row into all of them, weighted, and
streams the pieces so that no round is ever materialised at once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from infodecode._kernels.random import uniforms_into
from infodecode._kernels.rows import count_in_row, pairs_of
from infodecode._kernels.selection import (
    bernoulli_into,
    classify_into,
    coin_flips_into,
    settle_lowest_into,
    settle_random_into,
    subsets_into,
)
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import as_float
from infodecode.models import Evaluation
from infodecode.state import State
from infodecode.strategies import Independent, Ranked

CHOOSE, TOKEN, EXPLORE, REVISE = range(4)
"""Purposes of a random number; part of its counter, so that no two purposes share one."""

MAX_CHILDREN = 20_000_000
"""Most canvases that one round of an exact run may lead to before merging."""

MAX_CHILDREN_TOKENS = 320_000_000
"""Most tokens these canvases may have: beyond 16 positions, fewer canvases are allowed."""


class TooManyCanvases(ValueError):
    """A round leads to more canvases, or choices of positions, than ``max_children`` allows."""


MOST_COMBINATIONS = 1 << 16
"""Most combinations of tokens in the joint law of a round, on one canvas."""


def children_allowed(length: int) -> int:
    """Default of ``max_children`` for sequences of this length (a few gigabytes at most)."""
    return max(1, min(MAX_CHILDREN, MAX_CHILDREN_TOKENS // length))


_CHUNK = 1 << 17
"""Canvases made at once: enough to spread the cost of a call, few enough for the cache."""

_LAW_NUMBERS = 1 << 24
"""Probabilities of token laws held at once."""

Choice: TypeAlias = tuple[IntArray | slice, BoolArray, Array]
Branches: TypeAlias = tuple[IntArray, IntArray, Array]
"""Rows of the state that branched, their canvases ``(R', n)`` with drawn tokens, their weights."""


class Chance(ABC):
    """Resolves what a plan leaves open.

    Attributes:
        record: whether the loop fills ``State.probability`` (one outcome per row only).
    """

    record: bool = False

    @abstractmethod
    def choose(
        self, state: State, action: Ranked | Independent, ties: str, purpose: int
    ) -> Iterator[Choice]:
        """Pieces: rows of the state, the positions ``(R', n)`` chosen there, weights ``(R',)``."""

    @abstractmethod
    def draw(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        """Rows with tokens in ``drawn`` at ``where``, the canvas untouched."""

    @abstractmethod
    def fill(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        """Rows with tokens drawn onto the canvas at ``where``."""

    def keep(self, state: State) -> Iterator[State]:
        """Rows to go on with after a commit."""
        yield state


class Sampled(Chance):
    """One outcome per row, from its counter-based stream.

    Args:
        record: keep the probability of every committed token, for a trace.
    """

    def __init__(self, *, record: bool = False) -> None:
        self.record = record

    def choose(
        self, state: State, action: Ranked | Independent, ties: str, purpose: int
    ) -> Iterator[Choice]:
        stage = _stage(state, purpose)
        allowed = allowed_of(state, action)
        chosen = np.zeros(allowed.shape, bool)
        if isinstance(action, Ranked):
            classes, need, _ = classify(state, action, allowed)
            if (action.ties or ties) == "random":
                settle_random_into(classes, need, state.stream, state.round, stage, chosen)
            else:
                settle_lowest_into(classes, need, chosen)
        else:
            probability = np.asarray(action.probability, dtype=np.float64)
            bernoulli_into(probability, allowed, state.stream, state.round, stage, chosen)
        yield slice(None), chosen, state.weight

    def draw(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        yield state.with_(drawn=self._draw_onto(state.drawn, state, where, evaluation))

    def fill(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        yield state.with_(canvas=self._draw_onto(state.canvas, state, where, evaluation))

    def _draw_onto(
        self, array: IntArray, state: State, where: BoolArray, evaluation: Evaluation
    ) -> IntArray:
        rows, positions = pairs_of(where)
        stage, n = _stage(state, TOKEN), state.canvas.shape[1]

        def numbers(k: int) -> FloatArray:
            uniform = np.empty(len(rows))
            uniforms_into(state.stream, state.round, rows, positions + n * k, stage, uniform)
            return uniform

        out = array.copy()
        out[rows, positions] = evaluation.draw_with(rows, state.source[rows], positions, numbers)
        return out


class Enumerated(Chance):
    """Every outcome with its probability.

    Args:
        support: keep only tokens that leave the canvas with positive probability under this law;
            the rest is absorbed. None keeps everything.
        max_children: refuse rounds that would lead to more canvases than this.
        width: largest alphabet, for the memory that token laws take.
        advice: added to the message of a refusal.

    Attributes:
        absorbed: probability dropped so far (exactly 0 if nothing was).
    """

    def __init__(
        self,
        support: Joint | None = None,
        *,
        max_children: int = MAX_CHILDREN,
        width: int = 64,
        advice: str = "",
    ) -> None:
        self.support = support
        self.advice = advice
        self.width = width
        self.max_children = max_children
        self.absorbed: float | Fraction = 0
        self._children = 0.0

    def settle(self, state: State) -> State:
        """Rows after a round, as they are to be merged."""
        return state

    def new_round(self) -> None:
        """Start counting the round's canvases afresh."""
        self._children = 0.0

    def project(self, done: int, rows: int) -> None:
        """Refuse a round whose first ``done`` rows foretell more than twice what is allowed."""
        if done and self._children * rows / done > 2 * self.max_children:
            self._refuse_beyond(self._children * rows / done, "canvases")

    def choose(
        self, state: State, action: Ranked | Independent, ties: str, purpose: int
    ) -> Iterator[Choice]:
        allowed = allowed_of(state, action)
        if isinstance(action, Independent):
            yield from self._flip(state, action, allowed)
            return
        classes, need, tied = classify(state, action, allowed)
        if (action.ties or ties) != "random":
            chosen = np.zeros(allowed.shape, bool)
            settle_lowest_into(classes, need, chosen)
            yield slice(None), chosen, state.weight
            return
        ways = self._checked(np.asarray(np.frompyfunc(math.comb, 2, 1)(tied, need)))
        share = _shares(ways, state.weight)
        for piece in pieces(ways):
            first = np.concatenate([[0], np.cumsum(ways[piece])])
            parent = np.empty(first[-1], np.int64)
            chosen = np.empty((first[-1], state.canvas.shape[1]), bool)
            subsets_into(classes[piece], need[piece], first, parent, chosen)
            rows = parent + piece.start
            yield rows, chosen, state.weight[rows] * share[rows]

    def _flip(self, state: State, action: Independent, allowed: BoolArray) -> Iterator[Choice]:
        probability = _exact(action.probability, state.weight)
        certain = np.asarray(allowed & (probability == 1), bool)
        open_ = np.asarray(allowed & (probability > 0) & (probability < 1), bool)
        ways = self._checked(np.frompyfunc(lambda m: 1 << int(m), 1, 1)(count_in_row(open_)))
        for piece in pieces(ways):
            first = np.concatenate([[0], np.cumsum(ways[piece])])
            parent = np.empty(first[-1], np.int64)
            chosen = np.empty((first[-1], state.canvas.shape[1]), bool)
            coin_flips_into(certain[piece], open_[piece], first, parent, chosen)
            rows = parent + piece.start
            factors = np.where(chosen, probability[rows], 1 - probability[rows])
            yield rows, chosen, state.weight[rows] * np.where(open_[rows], factors, 1).prod(axis=1)

    def draw(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        for parent, filled, weight in self._branch(state, where, evaluation, None):
            drawn = np.where(where[parent], filled, state.drawn[parent])
            yield state.take(parent, drawn=drawn, weight=weight)

    def fill(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        for parent, filled, weight in self._branch(state, where, evaluation, self.support):
            yield state.take(parent, canvas=filled, weight=weight)

    def keep(self, state: State) -> Iterator[State]:
        if self.support is None:
            yield state
            return
        possible = np.isfinite(self.support._log2_mass(state.canvas))
        if not possible.all():
            self.absorbed += state.weight[~possible].sum()
            state = state.take(np.flatnonzero(possible))
        if state.rows:
            yield state

    def _branch(
        self, state: State, where: BoolArray, evaluation: Evaluation, support: Joint | None
    ) -> Iterator[Branches]:
        """Slices of rows whose laws fit in memory, each branched in turn."""
        if evaluation.dependent:
            yield from self._branch_together(state, where, evaluation, support)
            return
        for piece in pieces(count_in_row(where), max(1, _LAW_NUMBERS // self.width)):
            part = state.take(piece)
            for parent, canvas, weight in self._branch_part(
                part, where[piece], evaluation, support
            ):
                yield parent + piece.start, canvas, weight

    def _branch_together(
        self, state: State, where: BoolArray, evaluation: Evaluation, support: Joint | None
    ) -> Iterator[Branches]:
        """Rows whose tokens of a round depend on each other, on all their combinations."""
        ways = evaluation.outcome_counts(state.source, where)
        if (most := float(ways.max(initial=0))) > MOST_COMBINATIONS:
            raise TooManyCanvases(
                f"the tokens of one round have {most:,.0f} combinations on a canvas, more than "
                f"the {MOST_COMBINATIONS:,} that a joint law may have; decode fewer positions a "
                "round, draw each on its own (joint=False), or simulate"
            )
        if support is not None:
            self._children += float(np.minimum(ways, support._completions(state.canvas)).sum())
        else:
            self._children += float(ways.sum())
        self._refuse_beyond(self._children, "canvases")
        for piece in pieces(ways.astype(np.int64)):
            row, tokens, share = evaluation.outcomes(state.source[piece], where[piece])
            row = row + piece.start
            filled = np.where(tokens >= 0, tokens, state.canvas[row])
            weight = state.weight[row] * share
            if support is not None:
                possible = np.isfinite(support._log2_mass(filled))
                self.absorbed += weight[~possible].sum()
                row, filled, weight = row[possible], filled[possible], weight[possible]
            yield row, filled, weight

    def _branch_part(
        self, state: State, where: BoolArray, evaluation: Evaluation, support: Joint | None
    ) -> Iterator[Branches]:
        rows, positions = pairs_of(where)
        laws = evaluation.law(state.source[rows], positions)
        start = np.searchsorted(rows, np.arange(state.rows + 1))
        self._predict(state.canvas, laws, start, support)
        round_laws = RoundLaws(laws, positions, start, support)
        first: Branches = (np.arange(state.rows), state.canvas, state.weight)
        levels: list[Iterator[Branches]] = [iter([first])]
        while levels:
            piece = next(levels[-1], None)
            if piece is None:
                levels.pop()
                continue
            done, rest = _split_finished(round_laws, piece, len(levels) - 1)
            if done is not None:
                yield done
            if rest is not None:
                levels.append(self._one_position(round_laws, rest, len(levels) - 1))

    def _one_position(self, laws: RoundLaws, branches: Branches, step: int) -> Iterator[Branches]:
        """Branch rows on their ``step``-th drawn position, piece by piece."""
        parent, canvas, weight = branches
        pair = laws.start[parent] + step
        law, place = laws.laws.take(pair, axis=0), laws.positions[pair]
        possible = np.asarray(law > 0, bool)
        if laws.support is not None:
            within = laws.support._laws(canvas, np.arange(len(parent)), place) > 0
            if (dropped := possible & ~within).any():
                lost, token = np.nonzero(dropped)
                self.absorbed += (weight[lost] * law[lost, token]).sum()
                possible &= within
        for piece in pieces(count_in_row(possible)):
            row, token = pairs_of(possible[piece])
            row += piece.start
            filled = canvas.take(row, axis=0)
            filled[np.arange(len(row)), place[row]] = token
            yield parent[row], filled, weight[row] * law[row, token]

    def _checked(self, ways: Array) -> IntArray:
        """Numbers of ways to choose positions, refused when there are too many in all."""
        self._refuse_beyond(as_float(sum(ways.tolist())), "choices of positions")
        return ways.astype(np.int64)

    def _predict(
        self, canvas: IntArray, laws: Array, start: IntArray, support: Joint | None
    ) -> None:
        """Count the canvases that drawing leads to, before any is made; refuse too many.

        A row leads to one for every combination of possible tokens, and within the support to no
        more than it has completions there.
        """
        open_ = np.flatnonzero(start[1:] > start[:-1])
        if not len(open_):
            return
        with np.errstate(over="ignore"):
            ways = count_in_row(np.asarray(laws > 0, bool)).astype(np.float64)
            combinations = np.multiply.reduceat(ways, start[open_])
        if support is not None:
            combinations = np.minimum(combinations, support._completions(canvas[open_]))
        self._children += float(combinations.sum())
        self._refuse_beyond(self._children, "canvases")

    def _refuse_beyond(self, number: float, what: str) -> None:
        if number > self.max_children:
            size = f"{number:,.0f}" if number < 1e15 else f"{number:.1e}"
            raise TooManyCanvases(
                f"one round leads to about {size} {what}, more than max_children="
                f"{self.max_children:,}; raise it, decode fewer positions a round, or simulate"
                f"{self.advice}"
            )


@dataclass(frozen=True, eq=False)
class RoundLaws:
    """Token laws of a round: those of row r are ``start[r]:start[r + 1]`` of ``laws``."""

    laws: Array
    positions: IntArray
    start: IntArray
    support: Joint | None


def _split_finished(
    laws: RoundLaws, branches: Branches, step: int
) -> tuple[Branches | None, Branches | None]:
    """Rows without a ``step``-th position to draw, and the others; None where there are none."""
    parent, canvas, weight = branches
    done = laws.start[parent] + step >= laws.start[parent + 1]
    if not done.any():
        return None, branches if len(parent) else None
    if done.all():
        return branches, None
    ended, going = np.flatnonzero(done), np.flatnonzero(~done)
    return (
        (parent[ended], canvas[ended], weight[ended]),
        (parent[going], canvas[going], weight[going]),
    )


def allowed_of(state: State, action: Ranked | Independent) -> BoolArray:
    """Positions ``(R, n)`` that an action may take."""
    return state.feasible if action.allowed is None else np.asarray(action.allowed, bool)


def classify(state: State, action: Ranked, allowed: BoolArray) -> tuple[Array, IntArray, IntArray]:
    """Positions left out (0), sure (1), tied (2); how many of the tied to take, of how many."""
    count = np.broadcast_to(np.asarray(action.count, np.int64), (state.rows,))
    classes = np.empty(allowed.shape, np.uint8)
    need, tied = np.empty(state.rows, np.int64), np.empty(state.rows, np.int64)
    key = np.asarray(action.key, np.float64)
    classify_into(key, count, allowed, state.tolerance, classes, need, tied)
    return classes, need, tied


def _stage(state: State, purpose: int) -> int:
    return 4 * state.stage + purpose


def _shares(ways: IntArray, weight: Array) -> Array:
    if weight.dtype == object:
        return np.array([Fraction(1, w) for w in ways.tolist()], dtype=object)
    return 1.0 / ways


def _exact(probability: Array, weight: Array) -> Array:
    """Probabilities in the arithmetic of the weights: 0.1 becomes 1/10."""
    if weight.dtype != object:
        return np.asarray(probability, np.float64)
    as_fraction = np.frompyfunc(_simplest, 1, 1)
    return np.asarray(as_fraction(probability))


def _simplest(value: float | Fraction) -> Fraction:
    if isinstance(value, Fraction):
        return value
    simple = Fraction(float(value)).limit_denominator(10**9)
    return simple if abs(float(simple) - float(value)) < 1e-15 else Fraction(float(value))


def pieces(counts: IntArray, size: int = 0) -> Iterator[slice]:
    """Runs of rows whose counts add up to a chunk at most (a single larger row stands alone)."""
    size = size or _CHUNK
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        before = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + size, side="right")))
        yield slice(begin, end)
        begin = end
