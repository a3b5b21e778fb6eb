"""Entropy budget: a random set, the smaller the more uncertain the masked positions are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import count_in_row
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.state import State
from infodecode.strategies._base import Ranked, Strategy


@dataclass(frozen=True)
class EntropyBudget(Strategy):
    r"""Commit as many random positions as have ``eta`` bits of entropy on average.

    .. math:: s = \max\bigl(1, \lfloor \eta / h \rfloor\bigr)

    positions, uniformly at random, with h the mean entropy of the feasible ones; all of them if
    there are not more than s, or if h is 0. A round spends s h bits, the mean entropy of what it
    commits. Every round but the last spends more than ``eta / 2``, which bounds the rounds on data
    (`entropy_budget_bound`); a round of several positions spends at most ``eta`` and loses less.

    Attributes:
        eta: bits a round, greater than 0 (the paper's nats divided by ln 2).

    Reference: Cai & Li 2026 (arXiv 2603.22248).
    """

    eta: float

    def __post_init__(self) -> None:
        _validation.store(self, eta=_validation.number("eta", self.eta, above=0))

    @classmethod
    def grid(cls, length: int) -> tuple[EntropyBudget, ...]:
        return tuple(cls(eta) for eta in (0.5, 1.0, 2.0, 4.0, 8.0))

    @property
    def equivariant(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"entropy"})

    def plan(self, state: State) -> Ranked:
        n = state.canvas.shape[1]
        mean = state.scores["entropy"].sum(axis=1) / np.maximum(count_in_row(state.feasible), 1)
        budget = self.eta + state.tolerance
        size = np.full(len(mean), float(n))
        np.divide(budget, mean, out=size, where=mean * n > budget)
        count = np.maximum(np.floor(size), 1).astype(np.int64)
        return Ranked(np.zeros(state.canvas.shape), count, ties="random")


def entropy_budget_bound(distribution: Joint, eta: float, kl_path: float) -> float:
    r"""Most rounds that `EntropyBudget` takes on data, on average.

    .. math:: \mathbb E_\mu[T] \le 1 + \frac{2\,(H(Y) + \mathrm{KL}_{\text{path}})}{\eta}

    With exact marginals and tokens drawn after choosing, a round of s positions with mean entropy h
    spends s h bits on average, and s h > eta / 2 unless it is the last one. Along the path of data
    (the canvases met while the tokens asked for are those of a sequence drawn from mu) the rounds
    spend H(Y) + KL_path bits in all, KL_path being the KL along that path.

    It bounds rounds on data. What the decoder itself puts out may take many more: after a wrong
    token, positions that data make certain may stay uncertain. On an even number n of copies of one
    fair bit with eta = 2, the bound is 3 and data take 2 rounds, but half of the decodes contradict
    themselves in the first round and take n / 2 (their model falls back on marginals).
    With a block policy, every block after the first adds 1 to the bound.

    Args:
        distribution: the law; its entropy is H(Y).
        eta: bits a round, greater than 0.
        kl_path: KL along the path in bits, or an upper bound of it; at least the KL of the output.

    Returns:
        rounds.

    Raises:
        ValueError: ``eta`` or ``kl_path`` out of range.

    Example:
        >>> from infodecode import distributions
        >>> entropy_budget_bound(distributions.linear_code([[1, 1, 0], [0, 1, 1]]), 2.0, 1.0)
        3.0

    Reference: Cai & Li 2026 (arXiv 2603.22248).
    """
    require("distribution", distribution)
    budget = _validation.number("eta", eta, above=0)
    loss = _validation.number("kl_path", kl_path, minimum=0)
    return 1 + 2 * (distribution.entropy() + loss) / budget
