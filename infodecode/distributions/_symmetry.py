"""Symmetries of a law: maps of sequences that leave every probability as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from infodecode._typing import IntArray

Exchangeable: TypeAlias = Literal["positions", "positions and tokens"]


@dataclass(frozen=True, eq=False)
class Automorphism:
    """A relabelling of positions and tokens: token v at i becomes ``tokens[i][v]`` at a new place.

    Attributes:
        name: what it does, in words.
        positions: ``(n,)`` where the token of each position goes.
        tokens: per position ``(V_i,)`` what each token becomes; None leaves tokens as they are.
    """

    name: str
    positions: IntArray
    tokens: tuple[IntArray, ...] | None = None

    def apply(self, sequences: IntArray) -> IntArray:
        """Images ``(B, n)`` of sequences or canvases; masks stay masks."""
        out = np.empty_like(sequences)
        for i, target in enumerate(self.positions.tolist()):
            column = sequences[:, i]
            if self.tokens is not None:
                column = np.where(column < 0, -1, self.tokens[i][column])
            out[:, target] = column
        return out


def position_swaps(length: int, *, what: str = "positions") -> tuple[Automorphism, ...]:
    """Generators of all orders of the positions: swap the first two, and move all by one."""
    if length < 2:
        return ()
    everyone = np.arange(length)
    return (
        Automorphism(f"swap the first two {what}", swapped(length)),
        Automorphism(f"move all {what} by one", (everyone + 1) % length),
    )


def token_swaps(alphabet_sizes: Sequence[int], *, what: str = "tokens") -> tuple[Automorphism, ...]:
    """Generators of all renamings of the tokens, the same at every position."""
    size, n = alphabet_sizes[0], len(alphabet_sizes)
    if size < 2:
        return ()
    stay = np.arange(n)
    return (
        Automorphism(f"swap the first two {what}", stay, (swapped(size),) * n),
        Automorphism(f"rename every one of the {what}", stay, ((np.arange(size) + 1) % size,) * n),
    )


def exchanges(kind: Exchangeable, alphabet_sizes: Sequence[int]) -> tuple[Automorphism, ...]:
    """Generators of the group that an exchangeable law is invariant under."""
    moves = position_swaps(len(alphabet_sizes))
    return moves if kind == "positions" else moves + token_swaps(alphabet_sizes)


def swapped(size: int) -> IntArray:
    """0..size - 1 with the first two exchanged."""
    order = np.arange(size)
    order[:2] = order[1::-1]
    return order
