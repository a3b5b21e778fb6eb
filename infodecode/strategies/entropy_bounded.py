"""Entropy-bounded: as many sure positions as could lose a budget of bits together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import entropy_prefixes_into
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
        entropy = state.scores["entropy"]
        key, count = np.empty(entropy.shape), np.empty(state.rows, np.int64)
        scored, budget = self.by != "entropy", self.gamma + state.tolerance
        entropy_prefixes_into(
            state.scores[self.by], entropy, state.feasible, scored, budget, state.tolerance,
            key, count,
        )  # fmt: skip
        return Ranked(key, np.maximum(count, 1))
