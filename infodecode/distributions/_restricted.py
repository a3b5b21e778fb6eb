"""Shuffles that must differ from the original order: as a whole, or at every place."""

from __future__ import annotations

import itertools
import math
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._kernels.families import (
    derangement_laws_into,
    derangement_shares_into,
    derangement_states_into,
    distinct_into,
    shuffled_laws_into,
)
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions._joint import Joint, letters, log2_factorials
from infodecode.distributions._symmetry import Automorphism, swapped
from infodecode.distributions._table import Table

LARGEST_RESTRICTED = 10_000
"""Most items of `Shuffled` and `Derangements`."""


class _Restricted(Joint):
    """What the two laws share: n items, n places, and the symmetry that moves both together.

    Entropies depend on the number of positions only, since renaming the items and moving the
    places in the same way changes nothing.
    """

    def _set_up(self, family: str, n: int) -> None:
        size = _validation.integer("n", n, minimum=2, maximum=LARGEST_RESTRICTED)
        self._describe(f"{family}({size})", [size] * size, [letters(size)] * size)

    @cached_property
    def _log2_factorials(self) -> FloatArray:
        """log2 of 0!, 1!, …, n!, each correctly rounded."""
        return log2_factorials(self.length)

    def symmetries(self) -> tuple[Automorphism, ...]:
        n = self.length
        turned, turn = swapped(n), (np.arange(n) + 1) % n
        return (
            Automorphism("swap the first two places and their items", turned, (turned,) * n),
            Automorphism("move all places and their items by one", turn, (turn,) * n),
        )

    def _entropy(self, positions: tuple[int, ...]) -> float:
        return float(self._entropies[len(positions)])

    def size_entropies(self) -> FloatArray:
        return self._entropies

    def log2_mode(self) -> float:
        return 0.0 - float(self._entropies[-1])

    @cached_property
    def _entropies(self) -> FloatArray:
        entropies = self._compute_entropies()
        entropies[0] = 0.0
        entropies.flags.writeable = False
        return entropies

    def _compute_entropies(self) -> FloatArray:
        raise NotImplementedError

    def _accepts(self, rows: IntArray) -> IntArray:
        """Which of the orders ``(B, n)`` belong to the law."""
        raise NotImplementedError

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        out = np.empty((size, self.length), np.int32)
        missing = np.arange(size)
        while len(missing):
            items = np.tile(np.arange(self.length, dtype=np.int32), (len(missing), 1))
            drawn = generator.permuted(items, axis=1)
            good = self._accepts(drawn)
            out[missing[good]] = drawn[good]
            missing = missing[~good]
        return out

    def _enumerate(self) -> Table:
        rows = np.array(list(itertools.permutations(range(self.length))), np.int32)
        return Table(
            rows[self._accepts(rows)],
            alphabet_sizes=self.alphabet_sizes,
            labels=self.labels,
            name=self.name,
        )


class Shuffled(_Restricted):
    r"""Uniform law over the n! - 1 orders that differ from the original (ParallelBench's scoring).

    As long as every revealed item is at home, m masked positions have :math:`m!-1` completions,
    and :math:`(m-1)!-1` with one more at home; otherwise the law is that of `Permutations`.
    """

    def __init__(self, n: int) -> None:
        self._set_up("shuffled", n)
        self._home = _home_shares(self.length)

    @property
    def support_size(self) -> int:
        return math.factorial(self.length) - 1

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), self.length))
        shuffled_laws_into(canvases, rows, positions, self._home, out)
        return out

    def _log2_completions(self, canvases: IntArray) -> FloatArray:
        revealed = np.empty(len(canvases), np.int64)
        distinct_into(canvases, revealed)
        masked = self.length - revealed
        home = ((canvases < 0) | (canvases == np.arange(self.length))).all(axis=1)
        known = np.where(
            home, self._log2_but_one[masked % (self.length + 1)],
            self._log2_factorials[masked % (self.length + 1)],
        )  # fmt: skip
        return np.where(revealed < 0, -np.inf, known)

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        return np.asarray(self._log2_completions(canvases) - self._log2_but_one[-1] + 0.0)

    def _completions(self, canvases: IntArray) -> FloatArray:
        return _rounded_up(self._log2_completions(canvases))

    @cached_property
    def _log2_but_one(self) -> FloatArray:
        """log2 of m! - 1, m = 0..n."""
        products = itertools.accumulate(range(1, self.length + 1), lambda a, b: a * b, initial=1)
        return np.array([math.log2(value - 1) if value > 1 else -math.inf for value in products])

    def position_entropies(self) -> FloatArray:
        n, home = self.length, float(self._home[-1])
        other = (1 - home) * math.log2((n - 1) / (1 - home))
        return np.full(n, other - (home * math.log2(home) if home else 0.0))

    def _compute_entropies(self) -> FloatArray:
        n = self.length
        left = np.arange(n, -1, -1)
        whole = self._log2_but_one[n]
        home = np.exp2(self._log2_but_one[left] - whole)
        with np.errstate(invalid="ignore"):
            inside = np.where(home > 0, home * self._log2_but_one[left], 0.0)
        return np.asarray(whole - (1 - home) * self._log2_factorials[left] - inside)

    def _accepts(self, rows: IntArray) -> IntArray:
        return np.asarray((rows != np.arange(self.length)).any(axis=1))


class Derangements(_Restricted):
    r"""Uniform law over the orders in which no item stays at its place.

    There are :math:`d(m, r)=\sum_j(-1)^j\binom rj(m-j)!` ways to fill m masked positions of which
    r have their own item left. A position's marginal is uniform over the n - 1 other items.
    """

    def __init__(self, n: int) -> None:
        self._set_up("derangements", n)

    @property
    def support_size(self) -> int:
        count = 0
        for m in range(2, self.length + 1):
            count = m * count + (1 if m % 2 == 0 else -1)
        return count

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), self.length))
        derangement_laws_into(canvases, rows, positions, out)
        return out

    def _log2_completions(self, canvases: IntArray) -> FloatArray:
        masked, banned = np.empty(len(canvases), np.int64), np.empty(len(canvases), np.int64)
        derangement_states_into(canvases, masked, banned)
        with np.errstate(divide="ignore"):
            shares = np.log2(_shares(np.maximum(masked, 0), banned))
        known = self._log2_factorials[np.maximum(masked, 0)] + shares
        return np.where(masked < 0, -np.inf, known)

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        blank = np.full((1, self.length), -1, np.int32)
        return np.asarray(self._log2_completions(canvases) - self._log2_completions(blank) + 0.0)

    def _completions(self, canvases: IntArray) -> FloatArray:
        return _rounded_up(self._log2_completions(canvases))

    def position_entropies(self) -> FloatArray:
        return np.full(self.length, math.log2(self.length - 1))

    def _compute_entropies(self) -> FloatArray:
        """log2 of all derangements, minus the mean log2 of what k revealed positions leave.

        Of k positions, t hold items of the n - k others; the probability of t is the number of
        such fillings times the completions of each.
        """
        n = self.length
        log2 = self._log2_factorials
        whole = self._log2_factorials[n] + float(np.log2(_shares(np.array([n]), np.array([n]))[0]))
        out = np.zeros(n + 1)
        for k in range(1, n + 1):
            m = n - k
            t = np.arange(min(k, m) + 1)
            inside, outside = _shares(np.full_like(t, k), k - t), _shares(np.full_like(t, m), m - t)
            possible = (inside > 0) & (outside > 0)
            t, inside, outside = t[possible], inside[possible], outside[possible]
            ways = 2 * log2[k] - 2 * log2[t] - log2[k - t] + log2[m] - log2[m - t]
            left = self._log2_factorials[m] + np.log2(outside)
            share = np.exp2(ways + np.log2(inside) + left - whole)
            out[k] = whole - (share @ left) / share.sum()
        return out

    def _accepts(self, rows: IntArray) -> IntArray:
        return np.asarray((rows != np.arange(self.length)).all(axis=1))


def _shares(masked: IntArray, banned: IntArray) -> FloatArray:
    """Share of the placements of ``masked`` items that keep ``banned`` of them away from home."""
    out = np.empty(len(masked))
    derangement_shares_into(masked, banned, out)
    return out


def _home_shares(length: int) -> FloatArray:
    """Probability ((m-1)! - 1) / (m! - 1) of a position's own item, m = 0..n; 0 for m < 2."""
    exact = [0.0, 0.0] + [
        (math.factorial(m - 1) - 1) / (math.factorial(m) - 1) for m in range(2, min(length, 20) + 1)
    ]
    return np.concatenate([exact, 1.0 / np.arange(len(exact), length + 1)])


def _rounded_up(log2_counts: FloatArray) -> FloatArray:
    """Counts from their logarithms, a little above rather than below."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp2(log2_counts) * (1 + 1e-9))
