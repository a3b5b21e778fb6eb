"""First hitting: the ancestral sampler without its idle rounds, one random position a call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._typing import FloatArray
from infodecode.state import State
from infodecode.strategies._base import Ranked, Strategy


@dataclass(frozen=True)
class FirstHitting(Strategy):
    r"""First-hitting sampler: one uniformly random masked position a round.

    In continuous time every position of the ancestral sampler unmasks at a time of its own, and
    the times are independent and alike. So no two coincide, each of the k masked positions is
    equally likely to be next, whatever the tokens, and the next time is that of the largest of k
    independent times below the present one,

    .. math:: \alpha_{\tau_{k-1}} = 1 - (1 - \alpha_{\tau_k})\, u^{1/k}, \qquad u \sim U(0, 1).

    The time enters through the model alone. If that does not look at it, the tokens follow random
    one-by-one decoding, ``TopK(1, by="random")``, with an equal output law. At temperature 1, with
    exact marginals, that is the data law: the KL is 0. It is the limit of `Ancestral` as its steps
    grow, with n calls.

    Reference: Zheng et al. 2024 (arXiv 2409.02908).
    """

    @classmethod
    def grid(cls, length: int) -> tuple[FirstHitting, ...]:
        return (cls(),)

    def sizes(self, length: int) -> tuple[int, ...]:
        return (1,) * length

    @property
    def equivariant(self) -> bool:
        return True

    def plan(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), 1, ties="random")


def expected_hitting_times(length: int) -> FloatArray:
    r"""Expected times at which `FirstHitting` unmasks, on the linear schedule.

    .. math:: \mathbb E[\tau_j] = \frac{n + 1 - j}{n + 1}, \qquad j = 1..n

    Time runs from 1 down to 0; the times are n uniform ones in descending order.

    Args:
        length: positions, n >= 1.

    Returns:
        ``(n,)``, descending.

    Example:
        >>> expected_hitting_times(3).tolist()
        [0.75, 0.5, 0.25]

    Reference: Zheng et al. 2024 (arXiv 2409.02908).
    """
    n = _validation.integer("length", length, minimum=1)
    return np.arange(n, 0, -1) / (n + 1)
