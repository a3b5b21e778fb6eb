"""What a decoder proposes on canvases that keep part of a sequence, enumerated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from infodecode import _validation
from infodecode._grouping import Grouper, Packing
from infodecode._rounding import ROUNDING
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.chance import Enumerated
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.models import Evaluation, Model
from infodecode.propagation import demand_finished, propagate
from infodecode.state import State

DENSITIES = ("marginal", "path")
"""Which probability of a proposal its acceptance weighs: see `exact_chain`."""

ORIGIN, PATH = "canvas decoded from", "log2 of the tokens drawn"
_BEFORE = "weight before the draw"


def remasked_sets(cuts: object, length: int) -> tuple[BoolArray, IntArray]:
    """Sets of positions to mask again, ``(m, n)`` distinct, and how often each was given ``(m,)``.

    Args:
        cuts: None for all positions; else a sequence whose entries are a cut c (positions from c
            on) or a set of positions.
        length: n.
    """
    if cuts is None:
        return np.ones((1, length), bool), np.ones(1, np.int64)
    times: dict[tuple[int, ...], int] = {}
    for k, entry in enumerate(_validation.iterate("cuts", cuts)):
        name = f"cuts[{k}]"
        if isinstance(entry, int | np.integer):
            cut = _validation.integer(name, entry, minimum=0, maximum=length - 1)
            chosen = tuple(range(cut, length))
        else:
            chosen = tuple(sorted(_validation.positions(name, entry, length)))
        if not chosen:
            raise ValueError(f"{name} must name at least one position, got none")
        times[chosen] = times.get(chosen, 0) + 1
    if not times:
        raise ValueError("cuts must hold at least one cut or set of positions, got none")
    masks = np.zeros((len(times), length), bool)
    for row, chosen in zip(masks, times, strict=True):
        row[list(chosen)] = True
    return masks, np.array(list(times.values()), np.int64)


def demand_product_form(decoder: Decoder) -> None:
    """Raise unless the tokens of a path are drawn one by one from laws of the canvas alone."""
    reason = None
    if decoder.draws_first:
        reason = "draws tokens before it chooses positions"
    elif decoder.strategy.revising:
        reason = "masks tokens again"
    elif decoder.tokens.dependent:
        reason = "draws the tokens of a round together"
    if reason is not None:
        raise ValueError(
            f"density='path' needs a path whose tokens multiply, but {decoder!r} {reason}; "
            "density='marginal' weighs by its output law"
        )


OWN_TOKENS = (
    "density='path' needs a decoder that draws the tokens it commits, got one that names tokens "
    "of its own; density='marginal' weighs by its output law"
)


class _Following(Enumerated):
    """Every outcome, with the cost of each origin and, if asked for, the tokens of each path.

    Attributes:
        calls, evaluated: ``(K,)`` expected model calls and sequences evaluated, times the weight of
            each origin.
    """

    def __init__(
        self, origins: int, support: Joint | None, *, path: bool, max_children: int, width: int
    ) -> None:
        super().__init__(support, max_children=max_children, width=width)
        self._path = path
        self.calls = np.zeros(origins, np.longdouble)
        self.evaluated = np.zeros(origins, np.longdouble)

    def settle(self, state: State) -> State:
        origin, weight = state.memory[ORIGIN], np.asarray(state.weight, np.float64)
        for total, cost in ((self.calls, state.calls), (self.evaluated, state.evaluated)):
            np.add.at(total, origin, weight * cost)
        return state

    def fill(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        if not self._path:
            yield from super().fill(state, where, evaluation)
            return
        marked = state.with_(memory={**state.memory, _BEFORE: state.weight})
        for child in super().fill(marked, where, evaluation):
            memory = dict(child.memory)
            before = memory.pop(_BEFORE)
            memory[PATH] = memory[PATH] + np.log2(child.weight / before)
            yield child.with_(memory=memory)

    def keep(self, state: State) -> Iterator[State]:
        if self._path:
            raise ValueError(OWN_TOKENS)
        yield from super().keep(state)


@dataclass(frozen=True, eq=False)
class Decoded:
    """What decoding each of K canvases puts out; entries sorted by canvas.

    Attributes:
        origin: ``(E,)`` the canvas.
        sequence: ``(E,)`` number of the sequence it became.
        mass: ``(E,)`` with which probability (by that path's tokens, where these are kept).
        log2_path: ``(E,)`` log2 of the product of the probabilities of the tokens drawn; None
            where paths are not told apart.
        sequences: ``(M, n)`` the sequences: first those known beforehand, then others.
        calls, evaluated: ``(K,)`` expected costs; too small where ``absorbed`` is positive.
        absorbed: probability, on average over the canvases, of leaving the support.
    """

    origin: IntArray
    sequence: IntArray
    mass: Array
    log2_path: FloatArray | None
    sequences: IntArray
    calls: FloatArray
    evaluated: FloatArray
    absorbed: float | Fraction


def decode_all(
    canvases: IntArray,
    known: IntArray,
    law: Joint,
    decoder: Decoder,
    model: Model,
    *,
    absorb: bool,
    path: bool,
    rational: bool,
    max_children: int,
    rounds: int,
    progress: bool | None,
) -> Decoded:
    """Decode each canvas in every way.

    Args:
        canvases: ``(K, n)``, each with a masked position.
        known: ``(N, n)`` distinct sequences that get the numbers 0 … N-1.
        law: gives the support where ``absorb`` drops what leaves it.
        decoder, model: what decodes.
        absorb: drop canvases of data probability 0.
        path: tell paths apart by the product of their token probabilities.
        rational: carry fractions.
        max_children, rounds, progress: as in `infodecode.exact`.
    """
    count = len(canvases)
    chance = _Following(
        count, law if absorb else None, path=path, max_children=max_children,
        width=max(law.alphabet_sizes),
    )  # fmt: skip
    weight = (
        np.full(count, Fraction(1, count), dtype=object)
        if rational
        else np.full(count, 1.0 / count)
    )
    live = decoder.start(canvases, weight, np.zeros(count, np.uint64), model)
    tracked: dict[str, Array] = {ORIGIN: np.arange(count)}
    if path:
        tracked[PATH] = np.zeros(count)
    live = live.with_(memory={**live.memory, **tracked})
    done = propagate(live, law, decoder, model, chance, rounds, keep_memory=True, progress=progress)
    demand_finished("a chain of decodes", done)
    out = done.outputs
    packing = Packing(law.alphabet_sizes)
    grouper = Grouper(packing.words)
    grouper.insert(packing.keys(known))
    sequence, fresh = grouper.insert_fresh(packing.keys(out.canvas))
    columns = [out.memory[ORIGIN], sequence]
    if path:
        columns.append(np.round(out.memory[PATH] / ROUNDING).astype(np.int64))
    _, first, entry = np.unique(
        np.column_stack(columns), axis=0, return_index=True, return_inverse=True
    )
    mass = np.zeros(len(first), out.weight.dtype)
    np.add.at(mass, entry.ravel(), out.weight)
    return Decoded(
        origin=out.memory[ORIGIN][first],
        sequence=sequence[first],
        mass=mass * count,
        log2_path=out.memory[PATH][first] if path else None,
        sequences=np.concatenate([known, out.canvas[fresh]]),
        calls=(chance.calls * count).astype(np.float64),
        evaluated=(chance.evaluated * count).astype(np.float64),
        absorbed=done.absorbed,
    )
