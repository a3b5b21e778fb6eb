"""Exact runs over orbits: canvases that a symmetry of law and decoder does not tell apart.

Where any order of the positions gives the same law (`Joint.exchangeable`), a decoder that treats
all positions alike leads equivalent canvases to equivalent ones. One canvas stands for its whole
orbit then, and carries the weight of all of it. So Shuffle and Replace Random are exact for
hundreds of positions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from infodecode._grouping import Grouper
from infodecode._kernels.orbits import (
    alike_into,
    canonical_into,
    count_splits_into,
    profiles_into,
    representative_tokens_into,
    splits_into,
)
from infodecode._kernels.rows import count_in_row, pairs_of
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.chance import Branches, Choice, Enumerated, allowed_of, classify, pieces
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.distributions._joint import log2_factorials
from infodecode.models import Evaluation, IdealModel, Model
from infodecode.state import State
from infodecode.strategies import Independent, Ranked, Strategy, WholeCanvas

ORBITS_LENGTH = 254
"""Most positions: pairs of counts up to it fit 16 bits."""

ORBITS_FROM = 9
"""Positions from which `exact` follows orbits without being asked to, where it may."""


_BEHAVIOUR = ("start", "explore", "assess", "plan", "revise", "finished")
"""What a strategy does: a class that overrides any of it must vouch for itself."""


def obstacle(law: Joint, decoder: Decoder, model: Model) -> str | None:
    """Why orbits cannot be followed: what tells positions or tokens apart; None if nothing does."""
    if type(model) is not IdealModel or model.distribution is not law:
        return "the model is not the ideal one"
    if model.rational:
        return "arithmetic='rational' goes through a table"
    if law.length > ORBITS_LENGTH:
        return f"{law.name} has more than {ORBITS_LENGTH} positions"
    if law.exchangeable is None:
        return f"the positions of {law.name} are not exchangeable"
    if decoder.blocks != WholeCanvas():
        return f"{decoder.blocks!r} opens positions by their place"
    if not _vouched(decoder.strategy):
        return f"{decoder.strategy!r} does not treat all positions alike"
    if type(decoder.strategy).explore is not Strategy.explore and (
        decoder.draws_first or decoder.strategy.revising
    ):
        return f"{decoder.strategy!r} tells positions it tried from others, also after a draw"
    if decoder.position_ties != "random":
        return "position_ties='lowest' prefers some positions to others"
    if (
        law.exchangeable == "positions and tokens"
        and decoder.temperature == 0
        and decoder.token_ties != "random"
    ):
        return "token_ties='lowest' prefers some tokens to others"
    if law.exchangeable == "positions and tokens" and "token1" in decoder.strategy.needs:
        return f"{decoder.strategy!r} reads token1, the lowest of equally probable tokens"
    return None


def _vouched(strategy: Strategy) -> bool:
    """Whether the class that declares itself equivariant is the one that says what to do.

    A subclass that only overrides ``plan`` has not been vouched for by its parent.
    """
    order = type(strategy).__mro__

    def depth(name: str) -> int:
        return next(k for k, owner in enumerate(order) if name in vars(owner))

    declared = depth("equivariant")
    return strategy.equivariant is True and all(declared <= depth(name) for name in _BEHAVIOUR)


class Orbits:
    """The orbits of canvases under all orders of the positions, and all names of the tokens.

    Args:
        law: an exchangeable law.
    """

    def __init__(self, law: Joint) -> None:
        self.rename = law.exchangeable == "positions and tokens"
        self.length = law.length
        self.width = max(law.alphabet_sizes)
        self.log2_factorials = log2_factorials(law.length)

    def canonical(self, canvas: IntArray) -> IntArray:
        """The canvas ``(B, n)`` that stands for the orbit of each one given."""
        out = np.empty_like(canvas)
        canonical_into(canvas, self.width, self.rename, out)
        return out

    def size(self, sequence: IntArray) -> int:
        """Number of sequences in the orbit of a complete one ``(n,)``."""
        counts = Counter(sequence.tolist()).values()
        orders = math.factorial(self.length) // math.prod(map(math.factorial, counts))
        if not self.rename:
            return orders
        unused = self.width - len(counts)
        alike = [unused, *Counter(counts).values()]
        return orders * math.factorial(self.width) // math.prod(map(math.factorial, alike))

    def members(self, sequence: IntArray) -> IntArray:
        """All sequences ``(size, n)`` of the orbit of a complete one ``(n,)``."""
        counts = np.bincount(sequence, minlength=self.width)
        kinds, kind = np.unique(counts, return_inverse=True)
        vectors = counts[None]
        if self.rename:
            vectors = kinds[arrangements(np.bincount(kind)[None])]
        return arrangements(vectors)


def arrangements(counts: IntArray) -> IntArray:
    """All sequences in which token v occurs ``counts[k, v]`` times, for any row k of (K, V)."""
    left = counts.copy()
    rows: IntArray = np.empty((len(counts), 0), np.int32)
    for _ in range(int(counts[0].sum())):
        row, token = np.nonzero(left > 0)
        rows = np.column_stack([rows[row], token]).astype(np.int32)
        left = left[row]
        left[np.arange(len(row)), token] -= 1
    return rows


class EnumeratedOrbits(Enumerated):
    """Every outcome up to symmetry, with the probability of all that are equivalent to it.

    Args:
        orbits: of the law.
        support, max_children, width: as for `Enumerated`.
    """

    def __init__(
        self, orbits: Orbits, support: Joint | None = None, *, max_children: int, width: int
    ) -> None:
        super().__init__(support, max_children=max_children, width=width)
        self.orbits = orbits

    def settle(self, state: State) -> State:
        return state.with_(canvas=self.orbits.canonical(state.canvas))

    def choose(
        self, state: State, action: Ranked | Independent, ties: str, purpose: int
    ) -> Iterator[Choice]:
        self._demand_symmetric(action, ties)
        allowed = allowed_of(state, action)
        if isinstance(action, Independent):
            probability = np.asarray(action.probability, dtype=np.float64)
            sure = np.asarray(allowed & (probability == 1), bool)
            open_ = np.asarray(allowed & (probability > 0) & (probability < 1), bool)
            with np.errstate(divide="ignore", invalid="ignore"):
                odds = np.log2(probability) - np.log2(1 - probability)
            need = np.full(state.rows, -1)
        else:
            classes, need, _ = classify(state, action, allowed)
            sure, open_ = classes == 1, classes == 2
            odds = np.zeros(open_.shape)
        label, sizes = self._alike(state, action, odds, open_)
        ways = np.empty(state.rows)
        count_splits_into(sizes, need, ways)
        self._refuse_beyond(float(ways.sum()), "choices of positions")
        group_odds = np.zeros(sizes.shape)
        rows, positions = pairs_of(open_)
        group_odds[rows, label[rows, positions]] = odds[rows, positions]
        counts = ways.astype(np.int64)
        for piece in pieces(counts):
            first = np.concatenate([[0], np.cumsum(counts[piece])])
            parent = np.empty(first[-1], np.int64)
            chosen = np.zeros((first[-1], state.canvas.shape[1]), bool)
            share = np.empty(first[-1])
            splits_into(
                label[piece], sizes[piece], need[piece], self.orbits.log2_factorials,
                group_odds[piece], first, parent, chosen, share,
            )  # fmt: skip
            parent += piece.start
            yield parent, chosen | sure[parent], state.weight[parent] * share

    def _demand_symmetric(self, action: Ranked | Independent, ties: str) -> None:
        if isinstance(action, Ranked) and (action.ties or ties) != "random":
            raise ValueError("orbits need random ties of positions, got a plan with ties='lowest'")
        if self.orbits.rename and action.tokens is not None:
            raise ValueError("orbits need tokens that are drawn, got a plan that names tokens")

    def _alike(
        self, state: State, action: Ranked | Independent, odds: FloatArray, open_: BoolArray
    ) -> tuple[IntArray, IntArray]:
        """Groups of open positions alike: token, token drawn, choice, token given, odds."""
        given = np.int64(-1) if action.tokens is None else action.tokens.astype(np.int64)
        base = self.orbits.width + 1
        code = (state.canvas.astype(np.int64) + 1) * base + state.drawn + 1
        code = (code * base + given + 1) * 2 + state.chosen
        if isinstance(action, Independent):
            levels, level = np.unique(odds, return_inverse=True)
            code = code * len(levels) + level.reshape(odds.shape)
        label, sizes = np.empty(code.shape, np.int64), np.zeros(code.shape, np.int64)
        alike_into(code, open_, label, sizes)
        return label, sizes

    def _branch_part(
        self, state: State, where: BoolArray, evaluation: Evaluation, support: Joint | None
    ) -> Iterator[Branches]:
        """One position after another, equivalent results merged after each."""
        number = count_in_row(where)
        rows, positions = pairs_of(where)
        start = np.searchsorted(rows, np.arange(state.rows + 1))
        branches: Branches = (np.arange(state.rows), state.canvas, state.weight)
        for step in range(int(number.max(initial=0)) + 1):
            done = number[branches[0]] == step
            if done.any():
                yield tuple(array[done] for array in branches)
                branches = tuple(array[~done] for array in branches)
            if len(branches[0]):
                place = positions[start[branches[0]] + step]
                branches = self._one_step(state, branches, place, evaluation, support)

    def _one_step(
        self, state: State, branches: Branches, place: IntArray, evaluation: Evaluation,
        support: Joint | None,
    ) -> Branches:  # fmt: skip
        width = self.orbits.width
        grouper = Grouper(1 + _words(self.orbits))
        parts: list[tuple[IntArray, IntArray]] = []
        total = np.zeros(0)
        each = np.ones(len(place), np.int64)
        for piece in pieces(each, max(1, (1 << 22) // width)):
            parent, canvas, weight = (array[piece] for array in branches)
            at = place[piece]
            law = np.asarray(evaluation.law(state.source[parent], at), np.float64)
            if self.orbits.rename:
                share = np.empty(law.shape, np.int64)
                representative_tokens_into(state.canvas, parent, canvas, share)
                law = law * share
            if support is not None:
                within = support._laws(canvas, np.arange(len(parent)), at) > 0
                self.absorbed += float((weight[:, None] * np.where(within, 0, law)).sum())
                law = np.where(within, law, 0)
            row, token = pairs_of(law > 0)
            filled = canvas[row]
            filled[np.arange(len(row)), at[row]] = token
            ids, fresh = grouper.insert_fresh(self._keys(state.canvas, parent[row], filled))
            parts.append((parent[row[fresh]], filled[fresh]))
            total = np.concatenate([total, np.zeros(len(fresh))])
            total += np.bincount(ids, weight[row] * law[row, token], minlength=len(total))
            self._refuse_beyond(float(grouper.count), "canvases")
        return (
            np.concatenate([part[0] for part in parts]),
            np.concatenate([part[1] for part in parts]),
            np.asarray(total),
        )

    def _keys(self, before: IntArray, parent: IntArray, after: IntArray) -> Array:
        """Keys ``(B, W)``, equal where drawn canvases are equivalent given their parent."""
        keys = np.zeros((len(parent), 1 + _words(self.orbits)), np.uint64)
        keys[:, 0] = parent
        numbers = np.zeros((len(parent), 4 * _words(self.orbits)), np.uint16)
        profiles_into(before, parent, after, self.orbits.rename, numbers[:, : self.orbits.width])
        keys[:, 1:] = numbers.view(np.uint64)
        return keys


def _words(orbits: Orbits) -> int:
    """64-bit words that hold 16 bits for each token."""
    return -(-orbits.width // 4)


def sizes_of(chance: Enumerated, sequences: IntArray) -> tuple[int, ...] | None:
    """How many sequences each outcome stands for, or None where each stands for itself."""
    if not isinstance(chance, EnumeratedOrbits):
        return None
    return tuple(chance.orbits.size(sequence) for sequence in sequences)
