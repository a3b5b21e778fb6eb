"""The optimal policy: which positions to commit may depend on the values revealed so far."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from infodecode._grouping import Packing
from infodecode._kernels.adaptive import find_into
from infodecode._kernels.grouping import rehash_into
from infodecode._kernels.orbits import canonical_into
from infodecode._typing import Array, IntArray
from infodecode.distributions import Joint
from infodecode.state import State
from infodecode.strategies._base import Ranked, Strategy


@dataclass(frozen=True, eq=False)
class Choices:
    """What to commit on every canvas of positive probability.

    Attributes:
        table: ``(T, Z)`` entry t - 1 with t rounds left; or one row for any number of rounds. Bit
            k names the k-th masked one of ``positions``; over orbits it is how many to commit.
        keys: ``(Z, W)`` packed canvases: of ``positions``, or those that stand for their orbits.
        slots: hash of the keys.
        packing: of the keys.
        positions: those that are not constant; None over orbits.
        width: largest alphabet.
        rename: whether the tokens of an orbit may be renamed.
    """

    table: IntArray
    keys: Array
    slots: IntArray
    packing: Packing
    positions: IntArray | None
    width: int
    rename: bool

    @classmethod
    def of(
        cls, distribution: Joint, keys: Array, table: IntArray, positions: IntArray | None
    ) -> Choices:
        """Choices for the canvases with these keys (see `packing_of`)."""
        slots = np.zeros(1 << max(3, (2 * len(keys)).bit_length()), np.int64)
        rehash_into(keys, len(keys), slots)
        return cls(
            table,
            keys,
            slots,
            packing_of(distribution, positions),
            positions,
            max(distribution.alphabet_sizes),
            distribution.exchangeable == "positions and tokens",
        )

    def find(self, canvas: IntArray, rounds: IntArray) -> IntArray:
        """Choices ``(R,)`` for canvases ``(R, n)`` after so many rounds; -1 off the support."""
        if self.positions is None:
            shown = np.empty_like(canvas)
            canonical_into(canvas, self.width, self.rename, shown)
        else:
            shown = canvas[:, self.positions]
        ids = np.empty(len(canvas), np.int64)
        find_into(self.packing.keys(shown), self.slots, self.keys, ids)
        row = np.maximum(len(self.table) - 1 - rounds, 0)
        return np.where(ids < 0, -1, self.table[row, ids].astype(np.int64))


def packing_of(distribution: Joint, positions: IntArray | None) -> Packing:
    """Keys of canvases, of some positions or (None) of all."""
    sizes = distribution.alphabet_sizes
    return Packing(sizes if positions is None else tuple(sizes[i] for i in positions.tolist()))


@dataclass(frozen=True, repr=False)
class AdaptiveOptimum(Strategy):
    """An optimal commit-only policy for one law: it looks at the values revealed so far.

    Made by `infodecode.adaptive_optimum` (for a number of rounds) or `infodecode.rounds_at_price`
    (for a price of a bit). With exact marginals, temperature 1 and tokens drawn after choosing it
    attains the optimum, from any canvas of positive probability to start with. On a canvas of
    probability 0 it commits everything that is masked.

    Where the law is exchangeable (`Joint.exchangeable`), only the number of positions matters, and
    which ones is a tie, settled by the decoder. With ``position_ties="lowest"`` the policy is
    deterministic and the forward KL of the output is the optimum itself. Random ties mix many
    orders: the KL along the path is the same, that of the output can be smaller.

    Attributes:
        distribution: the law that it is optimal for.
        rounds: most rounds it takes; None if they have a price instead.
        price: of one bit of KL, in rounds; None if rounds are limited instead.

    Example:
        >>> from infodecode import distributions, exact, Decoder
        >>> from infodecode.adaptive import adaptive_optimum
        >>> best = adaptive_optimum(distributions.replace_random(3))
        >>> best.policy(2)
        AdaptiveOptimum(replace_random(3), rounds=2)
        >>> run = exact(best.distribution, Decoder(best.policy(2), position_ties="lowest"))
        >>> round(run.kl, 4), float(best.bits[1].round(4))
        (0.2516, 0.2516)
    """

    distribution: Joint
    rounds: int | None
    price: float | None
    choices: Choices = field(compare=False)

    def __repr__(self) -> str:
        limit = f"rounds={self.rounds}" if self.price is None else f"price={self.price:g}"
        return f"AdaptiveOptimum({self.distribution.name}, {limit})"

    @property
    def equivariant(self) -> bool:
        return self.choices.positions is None

    def plan(self, state: State) -> Ranked:
        masked = state.masked
        n = self.distribution.length
        if masked.shape[1] != n:
            raise ValueError(
                f"{self!r} is a policy for {n} positions, got canvases of {masked.shape[1]}"
            )
        if (masked & ~state.feasible).any():
            raise ValueError(
                f"every position must be open to {self!r}: leave the decoder's own blocks at "
                "WholeCanvas()"
            )
        choice = self.choices.find(state.canvas, state.round)
        key = np.zeros(masked.shape)
        everything = masked.sum(axis=1)
        if self.choices.positions is None:
            return Ranked(key, np.where(choice < 0, everything, choice))
        allowed = masked.copy()
        open_ = masked[:, self.choices.positions]
        rank: IntArray = np.cumsum(open_, axis=1) - open_
        allowed[:, self.choices.positions] = open_ & (choice[:, None] >> rank & 1 == 1)
        return Ranked(key, everything, allowed=allowed)
