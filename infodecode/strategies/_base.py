"""What a strategy returns, and what it may implement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import any_in_row
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.state import NOTHING, State, take

TIES = ("random", "lowest")
"""How ties are settled: by a uniformly random choice, or in favour of the lowest index."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Act on the ``count`` best allowed positions.

    Attributes:
        key: ``(R, n)`` numbers, larger is better.
        count: ``(R,)`` or one integer; capped at the number of allowed positions.
        allowed: ``(R, n)`` candidates, all of them feasible (visible, in ``revise``); by default
            every one of these. The plan of a strategy that revises may name visible positions too:
            chosen without a token they are kept as they are, with one they are overwritten.
        ties: ``"random"`` (a uniformly random subset of the tied) or ``"lowest"`` position first;
            None leaves it to the decoder.
        tokens: ``(R, n)`` tokens to commit instead of drawing them; -1 draws.
        forced: ``(R,)`` whether the commits are a fallback; reported in the trace.
    """

    key: Array
    count: IntArray | int
    allowed: BoolArray | None = None
    ties: str | None = None
    tokens: IntArray | None = None
    forced: BoolArray | None = None

    def __post_init__(self) -> None:
        if self.ties is not None:
            _validation.choice("ties", self.ties, TIES)

    def take(self, rows: IntArray | slice) -> Ranked:
        """The action of the rows named."""
        return Ranked(
            take(self.key, rows),
            take(self.count, rows) if isinstance(self.count, np.ndarray) else self.count,
            _take(self.allowed, rows),
            self.ties,
            _take(self.tokens, rows),
            _take(self.forced, rows),
        )


@dataclass(frozen=True, eq=False)
class Independent:
    """Act on each allowed position on its own, with its probability.

    Attributes:
        probability: ``(R, n)`` numbers in [0, 1].
        allowed, tokens, forced: as in `Ranked`.
    """

    probability: Array
    allowed: BoolArray | None = None
    tokens: IntArray | None = None
    forced: BoolArray | None = None

    def take(self, rows: IntArray | slice) -> Independent:
        """The action of the rows named."""
        return Independent(
            take(self.probability, rows),
            _take(self.allowed, rows),
            _take(self.tokens, rows),
            _take(self.forced, rows),
        )


def _take(array: Array | None, rows: IntArray | slice) -> Array | None:
    return None if array is None else take(array, rows)


Action: TypeAlias = Ranked | Independent


@dataclass(frozen=True, eq=False)
class Plan:
    """Actions that all take place at once, on disjoint positions, from the same scores.

    Attributes:
        actions: what to do.
        memory: arrays of the strategy's memory that change; the others are kept.
        again: plan once more in this round after committing, from a model evaluation that has been
            paid for already (a look-ahead that evaluated the committed canvas).
    """

    actions: tuple[Action, ...]
    memory: Mapping[str, Array] | None = None
    again: bool = False


def as_plan(wish: Plan | Action) -> Plan:
    """A single action is a plan that keeps the memory."""
    return wish if isinstance(wish, Plan) else Plan((wish,))


@dataclass(frozen=True, eq=False)
class Candidates:
    """Look-ahead canvases, each a row's canvas with one position filled in, and their scores.

    Attributes:
        rows, positions, tokens: ``(C,)`` which row, which position, the token tried there.
        canvas: ``(C, n)``.
        scores: the strategy's ``needs``, each ``(C, n)``, over what is still masked.
    """

    rows: IntArray
    positions: IntArray
    tokens: IntArray
    canvas: IntArray
    scores: Mapping[str, FloatArray]


class Strategy:
    """Which positions to commit in a round. Frozen dataclasses derive from it.

    A strategy never draws: it returns a plan, which the loop samples or enumerates. It sees the
    `State` (canvas, feasible positions, round, the score fields it ``needs``, its own memory) and
    never anything as wide as the vocabulary.

    Attributes:
        revising: whether committed positions may be masked again or overwritten.
        may_idle: whether a round may commit nothing, as schedules do that run by the clock.
    """

    revising: ClassVar[bool] = False
    may_idle: ClassVar[bool] = False

    @classmethod
    def grid(cls, length: int) -> tuple[Strategy, ...]:
        """Settings worth comparing on sequences of this length (`infodecode.frontier`)."""
        return ()

    def sizes(self, length: int) -> tuple[int, ...] | None:
        """Positions committed in each round of a whole canvas, if that is known in advance."""
        return None

    @property
    def equivariant(self) -> bool:
        """Whether positions count by their scores only, never by their place or in memory.

        `exact` may then follow orbits of a symmetric law. False unless a strategy says so.
        """
        return False

    @property
    def needs(self) -> frozenset[str]:
        """Score fields to compute (`infodecode.state.SCORES`)."""
        return frozenset()

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        """Memory before the first round: named arrays ``(R, ...)``."""
        return NOTHING

    def view(self, state: State) -> IntArray | None:
        """Canvases ``(R, n)`` to show the model instead of ``state.canvas``; None for these."""
        return None

    def explore(self, state: State) -> Ranked | None:
        """Positions to try out in one extra batched model call (each at its likeliest token)."""
        return None

    def assess(self, state: State, candidates: Candidates) -> Mapping[str, FloatArray]:
        """Score fields ``(R, n)`` made from the look-ahead, added to ``state.scores``."""
        return NOTHING

    def plan(self, state: State) -> Plan | Action:
        """What to commit in this round."""
        raise NotImplementedError

    def revise(self, state: State) -> Plan | Action | None:
        """What to mask again after this round's commits (``state.chosen``); None for nothing."""
        return None

    def forget(self, state: State) -> Mapping[str, Array]:
        """Arrays of the memory, after a round, with what cannot matter any more set to one value.

        No decode may depend on it. Rows of `exact` that are told apart by their memory alone take
        time and space each: what is forgotten lets them merge.
        """
        return NOTHING

    def finished(self, state: State) -> BoolArray:
        """``(R,)`` rows whose decode is over; by default those without a mask."""
        return np.asarray(~any_in_row(state.masked))

    def max_rounds(self, length: int) -> int:
        """Rounds after which a decode counts as unfinished."""
        return 16 * length + 16 if self.revising else length
