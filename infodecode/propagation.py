"""The decoding loop on weighted distinct canvases: what `exact` follows, round by round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from infodecode import _validation
from infodecode._grouping import Grouper, Packing
from infodecode._progress import progress_bar
from infodecode._rounding import ROUNDING
from infodecode._typing import Array, BoolArray
from infodecode.chance import Enumerated
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.models import OFF_SUPPORT, IdealModel, Model
from infodecode.orbits import ORBITS_FROM, EnumeratedOrbits, Orbits, obstacle
from infodecode.state import State

if TYPE_CHECKING:
    from infodecode.exact_run import ExactRun

OFF_SUPPORT_MODES = ("absorb", *OFF_SUPPORT)
_ROWS = 1 << 15
"""Most rows of a round taken at once."""

_FIRST_ROWS = 1024
"""Rows of a round's first slice, from which the size of the whole round is foreseen."""


@dataclass(frozen=True, eq=False)
class Propagated:
    """What came of all rows.

    Attributes:
        outputs: finished rows with their weights, distinct in canvas (and memory, if kept).
        absorbed: probability of leaving the support where that was not followed.
        unfinished: probability of not having finished.
        finished_by_round: entry t is the probability of finishing after t rounds.
        largest_round: distinct rows that the largest round started from.
        calls, evaluated: expected model calls, and sequences evaluated, times what finished.
    """

    outputs: State
    absorbed: float | Fraction
    unfinished: float | Fraction
    finished_by_round: Array
    largest_round: int
    calls: float | Fraction
    evaluated: float | Fraction


def prepare(
    distribution: Joint,
    decoder: Decoder,
    model: Model | None,
    off_support: str | None,
    arithmetic: str,
) -> tuple[Joint, Model, str]:
    """The law decoded, the model used and what happens off the support, all checked."""
    require("distribution", distribution)
    if not isinstance(decoder, Decoder):
        raise TypeError(f"decoder must be a Decoder, got {_validation.shown(decoder)}")
    rational = _validation.choice("arithmetic", arithmetic, ("float", "rational")) == "rational"
    if isinstance(off_support, str) and off_support == "absorb" and revises(decoder):
        raise ValueError(
            "off_support must be 'marginal', 'uniform' or 'natural' for a strategy that revises, "
            "since it may come back to the support, got 'absorb'"
        )
    if model is None:
        law = distribution.table() if rational else distribution
        named = _validation.choice(
            "off_support", "marginal" if off_support is None else off_support, OFF_SUPPORT_MODES
        )
        follow = "marginal" if named == "absorb" else named
        return law, IdealModel(law, off_support=follow, arithmetic=arithmetic), named
    if not isinstance(model, Model):
        raise TypeError(f"model must be a model, got {_validation.shown(model)}")
    if rational:
        raise ValueError("arithmetic='rational' goes with the ideal model: leave model out")
    own = model.off_support if off_support is None else off_support
    _validation.choice("off_support", own, ("absorb", model.off_support))
    if model.alphabet_sizes != distribution.alphabet_sizes:
        raise ValueError(
            f"model must have the alphabets {distribution.alphabet_sizes} of the distribution, "
            f"got {model.alphabet_sizes}"
        )
    return distribution, model, own


def revises(decoder: object) -> bool:
    """Whether committed positions may be masked again."""
    return isinstance(decoder, Decoder) and decoder.strategy.revising


def chance_for(
    law: Joint, decoder: Decoder, model: Model, off_support: str, limit: int,
    orbits: bool | None,
) -> Enumerated:  # fmt: skip
    """Every outcome, or every orbit where that is possible and asked for or worth while."""
    support = law if off_support == "absorb" else None
    width = max(law.alphabet_sizes)
    reason = obstacle(law, decoder, model)
    if reason is None and decoder.tokens.dependent:
        reason = f"{decoder.tokens!r} draws the tokens of a round together"
    if orbits is None:
        wanted = law.length >= ORBITS_FROM and reason is None
    else:
        wanted = _validation.flag("orbits", orbits)
    if wanted and reason is not None:
        raise ValueError(f"orbits=True needs a symmetric law and decoder: {reason}")
    if wanted:
        return EnumeratedOrbits(Orbits(law), support, max_children=limit, width=width)
    advice = ""
    if law.exchangeable is not None and reason is not None:
        advice = f"; its symmetry cannot shorten this run: {reason}"
    elif reason is None and orbits is None:
        advice = "; or follow its symmetry, with orbits=True"
    return Enumerated(support, max_children=limit, width=width, advice=advice)


def blank_state(law: Joint, decoder: Decoder, model: Model, *, rational: bool = False) -> State:
    """One row, all masked, of weight 1."""
    blank = np.full((1, law.length), -1, np.int32)
    weight = np.array([Fraction(1)], dtype=object) if rational else np.ones(1)
    return decoder.start(blank, weight, np.zeros(1, np.uint64), model)


def propagate(
    live: State,
    law: Joint,
    decoder: Decoder,
    model: Model,
    chance: Enumerated,
    rounds: int,
    *,
    keep_memory: bool = False,
    progress: bool | None = None,
) -> Propagated:
    """Decode weighted rows to their end, equal ones merged after each round.

    Args:
        live: rows to start from.
        law: the data law.
        decoder, model, chance: what decodes them.
        rounds: at most so many.
        keep_memory: tell finished rows of different memory apart.
        progress: as in `infodecode.exact`.
    """
    one = Fraction(1) if live.weight.dtype == object else 1.0
    packing = Packing(law.alphabet_sizes)
    done = _Merger(packing, one)
    finished_by_round = [one * 0]
    calls: Any = one * 0
    evaluated: Any = one * 0
    largest = 1
    with progress_bar("rounds", rounds, progress) as advance:
        for _ in range(rounds):
            merger = _Merger(packing, one)
            chance.new_round()
            ended: list[Any] = []
            for done_rows, piece in _slices(live, _rows_at_once(law)):
                chance.project(done_rows, live.rows)
                for after in map(chance.settle, decoder.step(piece, model, chance)):
                    calls += _sum(after.weight * after.calls)
                    evaluated += _sum(after.weight * after.evaluated)
                    over = decoder.strategy.finished(after)
                    if not over.all():
                        merger.add(after if not over.any() else after.take(np.flatnonzero(~over)))
                    if over.any():
                        finished = after.take(np.flatnonzero(over))
                        if not keep_memory:
                            finished = finished.with_(memory={})
                        ended.append(_sum(finished.weight))
                        done.add(finished)
            finished_by_round.append(_plain(sum(ended, one * 0)))
            live = merger.state()
            largest = max(largest, live.rows)
            advance(1)
            if live.rows == 0:
                break
    outputs = done.state()
    outputs = outputs.take(np.flatnonzero(outputs.weight > 0))
    unfinished = total_of(live.weight)
    _demand_conservation(total_of(outputs.weight), chance.absorbed, unfinished)
    return Propagated(
        outputs=outputs,
        absorbed=_plain(chance.absorbed),
        unfinished=unfinished,
        finished_by_round=np.array(finished_by_round),
        largest_round=largest,
        calls=_plain(calls),
        evaluated=_plain(evaluated),
    )


class _Merger:
    """Adds up the weights of equal (canvas, memory) rows as they stream in."""

    def __init__(self, packing: Packing, one: float | Fraction) -> None:
        self._packing = packing
        self._grouper: Grouper | None = None
        self._parts: list[State] = []
        self._weight: Array = np.array([one])[:0]

    def add(self, state: State) -> None:
        if not state.rows:
            return
        keys = np.concatenate(
            [self._packing.keys(state.canvas), *map(_memory_key, state.memory.values())], axis=1
        )
        if self._grouper is None:
            self._grouper = Grouper(keys.shape[1])
        ids, fresh = self._grouper.insert_fresh(keys)
        self._parts.append(state.take(fresh))
        if state.weight.dtype == object:
            zeros = np.full(len(fresh), Fraction(0), dtype=object)
            self._weight = np.concatenate([self._weight, zeros])
            np.add.at(self._weight, ids, state.weight)
        else:
            self._weight = np.concatenate([self._weight, np.zeros(len(fresh))])
            self._weight += np.bincount(ids, state.weight, minlength=len(self._weight))

    def state(self) -> State:
        """The merged rows."""
        if not self._parts:
            return State.start(
                np.empty((0, len(self._packing.word)), np.int32), self._weight,
                np.empty(0, np.uint64), 0.0, {},
            )  # fmt: skip
        return State.concatenate(self._parts).with_(weight=self._weight)


def _memory_key(array: Array) -> Array:
    """Bits of a memory array ``(R, ...)`` as words ``(R, w)``; floats equal to 1e-12 are equal."""
    flat = np.asarray(array).reshape(len(array), -1)
    if flat.dtype.kind == "f":
        flat = np.round(flat, 12) + 0.0
    return np.ascontiguousarray(
        flat.astype(np.float64 if flat.dtype.kind == "f" else np.int64)
    ).view(np.uint64)


def _slices(state: State, largest: int) -> Iterator[tuple[int, State]]:
    """Rows before, and rows of, successive slices; small ones first, to foresee the rest."""
    begin, size = 0, min(largest, _FIRST_ROWS)
    while begin < state.rows:
        yield begin, state.take(slice(begin, begin + size))
        begin, size = begin + size, min(largest, 2 * size)


def _rows_at_once(law: Joint) -> int:
    return max(1, min(_ROWS, (1 << 24) // (law.length * max(law.alphabet_sizes))))


def _sum(weights: Array) -> Any:
    """Sum in extended precision, or of fractions."""
    if weights.dtype == object:
        return sum(weights.tolist(), Fraction(0))
    return weights.sum(dtype=np.longdouble)


class Unfinished(ValueError):
    """Decodes did not end within the rounds allowed."""


def demand_finished(name: str, done: Propagated | ExactRun, *, advice: str = "") -> None:
    """Raise `Unfinished` where a quantity needs every decode to end."""
    if done.unfinished > ROUNDING:
        _refuse_unfinished(
            name, f"probability {float(done.unfinished):.3g}", len(done.finished_by_round) - 1,
            advice,
        )  # fmt: skip


def demand_rows_finished(name: str, finished: BoolArray, rounds: int) -> None:
    """Raise `Unfinished` where a quantity needs each of the sampled decodes ``(R,)`` to end."""
    if left := int((~finished).sum()):
        _refuse_unfinished(name, f"{left:,} of {len(finished):,}", rounds)


def _refuse_unfinished(name: str, what: str, rounds: int, advice: str = "") -> NoReturn:
    raise Unfinished(
        f"{name} needs every decode to finish: {what} had not after {rounds} rounds{advice}"
    )


def total_of(weights: Array) -> float | Fraction:
    """Sum of weights as a plain number."""
    return _plain(_sum(weights))


def _plain(value: Any) -> float | Fraction:
    """A numpy scalar as a Python float; fractions stay."""
    return value if isinstance(value, Fraction) else float(value)


def _demand_conservation(*parts: Any) -> None:
    if abs(float(sum(parts)) - 1) > 1e-9:
        raise ArithmeticError(f"probability was lost: {parts} adds up to {float(sum(parts))!r}")
