"""Entropy-bounded: as many sure positions as could lose a budget of bits together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._typing import Array, IntArray
from infodecode.state import State
from infodecode.strategies._base import Ranked, Strategy

PROXIES = ("entropy", "confidence", "margin")
"""What the entropy-bounded rule may rank positions by."""


@dataclass(frozen=True)
class EntropyBounded(Strategy):
    r"""EB-Sampler: commit the longest prefix of the ranking that can lose ``gamma`` bits at most.

    .. math:: \sum_{i \in S} H_i - \max_{i \in S} H_i \le \gamma

    The left side grows with the prefix and is 0 for one position, so there is always one. It is at
    least the total correlation of S given the canvas. Hence, if tokens are drawn after choosing
    from exact marginals at temperature 1,

    .. math:: \mathrm{KL}(\mu \| \nu) \le
              \mathbb E_\mu \sum_t \Bigl(\sum_{i \in S_t} H_i - \max_{i \in S_t} H_i\Bigr)
              \le \gamma\, \mathbb E_\mu[T]

    with both expectations over *data*: the canvases that the strategy meets while the tokens it
    asks for are those of a sequence drawn from mu. Over the decoder's own canvases it can be false.

    Equally ranked positions come lowest entropy first; what is still tied is left to the decoder
    (``position_ties="lowest"`` as in the original code).

    Attributes:
        gamma: budget of a round in bits, >= 0. The original counts in nats: pass its gamma / ln 2.
        by: ``"entropy"``: lowest first; ``"confidence"``: largest first; ``"margin"``: largest
            first-minus-second probability first.

    Reference: EB-Sampler (Ben-Hamu et al. 2025, arXiv 2505.24857).
    """

    gamma: float
    by: str = "entropy"

    def __post_init__(self) -> None:
        _validation.store(self, gamma=_validation.number("gamma", self.gamma, minimum=0))
        _validation.choice("by", self.by, PROXIES)

    @classmethod
    def grid(cls, length: int) -> tuple[EntropyBounded, ...]:
        return tuple(cls(gamma) for gamma in (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0))

    @property
    def equivariant(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"entropy", self.by})

    def plan(self, state: State) -> Ranked:
        feasible, entropy = state.feasible, state.scores["entropy"]
        keys = [~feasible, entropy]
        if self.by != "entropy":
            score = -state.scores[self.by]
            keys.insert(1, _place(_order([score]), [score], state.tolerance))
        order = _order(keys)
        ranked = np.take_along_axis(entropy, order, axis=1)
        spent = np.cumsum(ranked, axis=1) - np.maximum.accumulate(ranked, axis=1)
        inside = np.arange(spent.shape[1]) < feasible.sum(axis=1)[:, None]
        count = (inside & (spent <= self.gamma + state.tolerance)).sum(axis=1)
        return Ranked(-_place(order, keys, state.tolerance), np.maximum(count, 1))


def _order(keys: list[Array]) -> IntArray:
    """Positions of each row in ascending order, the first key counting most."""
    return np.asarray(np.lexsort(keys[::-1], axis=1))


def _place(order: IntArray, keys: list[Array], tolerance: float) -> IntArray:
    """Place ``(R, n)`` of each position in the order; the same if all keys are equal."""
    new = np.zeros(order.shape, bool)
    for key in keys:
        new[:, 1:] |= np.diff(np.take_along_axis(key, order, axis=1) * 1.0, axis=1) > tolerance
    place = np.empty(order.shape, np.int64)
    np.put_along_axis(place, order, np.cumsum(new, axis=1), axis=1)
    return place
