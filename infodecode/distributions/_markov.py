"""Markov chains: every state is seen, and entropies have closed forms.

A chain is the hidden Markov model whose tokens are its states: marginals, probabilities, samples
and support are those of `HiddenMarkov`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._kernels.chains import (
    row_entropies,
)
from infodecode._rounding import nonnegative
from infodecode._typing import FloatArray
from infodecode.distributions._hidden_markov import HiddenMarkov
from infodecode.distributions._stochastic import MOST_STATES, same
from infodecode.distributions._symmetry import Automorphism


class MarkovChain(HiddenMarkov):
    """A chain whose next state depends on the present one only: see `markov_chain`.

    Attributes:
        transition: ``(V, V)`` chances of the next state, rows adding up to 1.
        emission: the identity: every state is seen.
        initial: ``(V,)`` law of the first state.
    """

    def __init__(
        self,
        transition: object,
        *,
        length: int,
        initial: object = None,
        labels: Sequence[object] | None = None,
    ) -> None:
        states = len(_validation.iterate("transition", transition))
        everyone = np.eye(min(states, MOST_STATES + 1), dtype=np.int64)
        super().__init__(transition, everyone, length=length, initial=initial, labels=labels)

    def _title(self, length: int) -> str:
        return f"markov_chain({len(self.initial)} states, length={length})"

    def log2_mode(self) -> float:
        with np.errstate(divide="ignore"):
            best, step = np.log2(self.initial), np.log2(self.transition)
        for _ in range(1, self.length):
            best = (best[:, None] + step).max(axis=0)
        return float(best.max())

    @cached_property
    def _lag_entropies(self) -> FloatArray:
        """Entropy of the state d steps later, given the present one: ``(n, V)``."""
        out = np.zeros((self.length, len(self.initial)))
        power = np.eye(len(self.initial))
        for d in range(1, self.length):
            power = power @ self.transition
            power /= power.sum(axis=1, keepdims=True)
            out[d] = row_entropies(power)
        return out

    def _entropy(self, positions: tuple[int, ...]) -> float:
        if not positions:
            return 0.0
        chosen = np.array(positions)
        gaps = self._state_laws[chosen[:-1]] * self._lag_entropies[np.diff(chosen)]
        return math.fsum([self._position_entropies[chosen[0]], *gaps.sum(axis=1)])

    def _subset_entropies(self) -> FloatArray:
        """Highest position by highest position: only the one below it matters."""
        n = self.length
        out, highest = np.zeros(1 << n), np.zeros(1 << n, np.int64)
        for i, alone in enumerate(self._position_entropies):
            lags = self._lag_entropies[np.arange(i, 0, -1)]
            given = np.append(alone, (self._state_laws[:i] * lags).sum(axis=1))
            below, here = slice(0, 1 << i), slice(1 << i, 2 << i)
            out[here] = out[below] + given[highest[below]]
            highest[here] = i + 1
        return out

    def erasure_entropies(self) -> FloatArray:
        """H(Y_i | Y_{i-1}, Y_{i+1}), the chain rule over three neighbours turned round."""
        laws, alone = self._state_laws, self._position_entropies
        if self.length == 1:
            return alone
        one = (laws[:-1] * self._lag_entropies[1]).sum(axis=1)
        two = (laws[:-2] * self._lag_entropies[2:3]).sum(axis=1)
        ends = np.array([alone[0] + one[0] - alone[1], one[-1]])
        inner = one[:-1] + one[1:] - two
        bits = np.concatenate([ends[:1], inner, ends[1:]])
        return nonnegative(bits, scale=float(alone.max()))

    def mean_gains(self) -> FloatArray:
        r"""Differences of the mean entropies of k random positions.

        .. math:: \binom nk^{-1} \Bigl[ \sum_i \binom{n-i-1}{k-1} H(Y_i)
                  + \sum_d \binom{n-d-1}{k-2} \sum_a H(Y_{a+d} | Y_a) \Bigr]

        The binomials count the sets whose first position is i, and those that hold a and a + d and
        nothing between.
        """
        n = self.length
        occupied = np.cumsum(self._state_laws, axis=0)
        size = np.arange(1, n + 1)
        mean = np.zeros(n + 1)
        share = size / n
        for i, alone in enumerate(self._position_entropies):
            mean[1:] += share * alone
            left = n - i - 1
            if left:
                next_bits = float(occupied[left - 1] @ self._lag_entropies[i + 1])
                mean[1:] += share * ((size - 1) / left * next_bits)
                share *= np.maximum(left + 1 - size, 0) / left
        return np.diff(mean)

    def symmetries(self) -> tuple[Automorphism, ...]:
        states, stay = len(self.initial), np.arange(self.length)
        renamings = {tuple(np.roll(range(states), 1).tolist()): "move all states by one"}
        renamings[tuple(range(states))[::-1]] = "reverse the order of the states"
        for a in range(states):
            for b in range(a + 1, states):
                order = np.arange(states)
                order[[a, b]] = b, a
                renamings[tuple(order.tolist())] = (
                    f"swap {self.labels[0][a]} and {self.labels[0][b]}"
                )
        return super().symmetries() + tuple(
            Automorphism(name, stay, (np.array(order),) * self.length)
            for order, name in renamings.items()
            if order != tuple(range(states))
            and same(self.initial, self.initial[list(order)])
            and same(self.transition, self.transition[np.ix_(order, order)])
        )


def markov_chain(
    transition: object,
    *,
    length: int,
    initial: object = None,
    labels: Sequence[object] | None = None,
) -> MarkovChain:
    r"""A Markov chain: the next state depends on the present one only.

    .. math:: p(y) = \pi(y_1) \prod_{i=1}^{n-1} P(y_i, y_{i+1})

    Entropies are sums over the gaps between the positions :math:`s_1 < s_2 < \dots`

    .. math:: H(Y_S) = H(Y_{s_1}) + \sum_j H(Y_{s_{j+1}} | Y_{s_j})

    so all of them are exact at any length, and so is the curve of random orders. The total
    correlation of a stationary chain is :math:`(n-1)\, I(Y_1; Y_2)`.

    Revealed positions make what lies on their two sides independent. So a chain decodes without
    error in :math:`\lceil \log_2(n+1) \rceil` rounds: the middle first, then the middles of both
    halves, and so on.

    Args:
        transition: ``(V, V)`` probabilities of the next state, a row for every present one: floats
            whose rows add up to 1 within 1e-9 (then divided by their sums), or integers and
            fractions that add up to 1 exactly. V <= 100; 0 or at least 1e-100 each.
        length: positions n, 1 to 10,000.
        initial: ``(V,)`` law of the first state; by default the stationary law.
        labels: names of the states, by default their numbers.

    Returns:
        the chain. Its table has integer counts where all parameters are integers or fractions
        (or ``initial`` is left out) and the common denominator is at most 2**53.

    Raises:
        ValueError: a row is no probability law (names it); or ``initial`` is left out and the chain
            has several classes of states that it cannot leave, hence several stationary laws.

    Example: weather that stays as it is nine days out of ten. Seven days take three rounds.
        >>> import infodecode
        >>> sticky = [[0.9, 0.1], [0.1, 0.9]]
        >>> week = markov_chain(sticky, length=7, labels=["sun", "rain"])
        >>> week.marginals([0, -1, -1, -1, -1, -1, 1])[0, 3]
        array([0.5, 0.5])
        >>> round(infodecode.total_correlation(week), 4)  # 6 (1 - H(0.1))
        3.186
        >>> infodecode.optimal_partitions(week).bits[:4].round(4).tolist()
        [3.186, 0.3994, 0.0, 0.0]

    Reference: Cover and Thomas 2006, section 4.2; Grassmann, Taksar and Heyman 1985 (the stationary
    law, without subtractions).
    """
    return MarkovChain(transition, length=length, initial=initial, labels=labels)
