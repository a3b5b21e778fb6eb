"""Cheap ordered partitions: what a bracket's upper bound comes from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from infodecode._kernels.brackets import TIE
from infodecode._typing import FloatArray, IntArray
from infodecode.partition_bracket._problem import Gains, mask_of, members

SLACK = 1e-9
"""Bits by which proved bounds are lowered, so that no rounding error can lift them too high."""

_PATIENCE = 300
_EXCHANGES = 400
_JOINT_POOL = 2_000


class Search:
    """Cheap ordered partitions: the best chains through pools of known sets.

    A partition is the chain of the sets known before its rounds. A round costs what the set before
    it says, so the best chain through any pool comes from dynamic programming. The first pool are
    the prefixes of some orders; then come the sets of the best chain with one item added, removed
    or exchanged, as long as that helps; then the same from random changes of it.

    The last round pays for all copies of an item. An earlier one pays for one: the others wait for
    the next round, where they are known.
    """

    def __init__(
        self, gains: Gains, copies: FloatArray, rounds: int, generator: np.random.Generator
    ) -> None:
        self.gains, self.copies, self.rounds = gains, copies, rounds
        self.generator = generator
        self.whole = gains.entropy(gains.everyone)
        self.doubt = rounds * gains.size * TIE
        self.slack = SLACK + self.doubt
        self.bits = math.inf
        self.chain: list[int] = []
        self._limit = 0

    @property
    def where(self) -> IntArray:
        """Round ``(k,)`` of each item in the best partition."""
        return rounds_of(self.chain, self.rounds, self.gains.size)

    def run(self, limit: int) -> None:
        """Search until ``limit`` sets were computed, or for a while nothing better is found."""
        self._limit = limit
        if not self.chain:
            pool = {0}
            for order in self._orders():
                pool.update(itertools.accumulate(1 << int(i) for i in order))
            self._climb(*self._best_chain(pool))
        failures = 0
        while self.bits > TIE and self.gains.spent < limit and failures < _PATIENCE:
            before = self.bits
            self._climb(*self._best_chain(self._changed()))
            failures = 0 if self.bits < before - TIE else failures + 1

    def _orders(self) -> Iterator[IntArray]:
        yield np.arange(self.gains.size)
        mean = float(self.gains(0).mean())
        for share in (0.0, 0.03, 0.1, 0.3):
            yield self._least_dependent_first(share * mean + TIE)

    def _least_dependent_first(self, tolerance: float) -> IntArray:
        """Add to each round the item that loses least, while that is at most ``tolerance``."""
        order: list[int] = []
        known = 0
        prices = self.gains(0)
        left = np.ones(self.gains.size, bool)
        while left.any():
            now = self.gains(known)
            if not (left & (prices - now <= tolerance)).any():
                prices = now
            loss = np.where(left, prices - now, np.inf)
            cheap = np.flatnonzero(loss <= loss.min() + TIE)
            order.append(int(cheap[np.argmax(prices[cheap])]))
            left[order[-1]] = False
            known |= 1 << order[-1]
        return np.array(order)

    def _changed(self) -> set[int]:
        """The sets of the best chain with random items in random rounds."""
        where = self.where
        moved = self.generator.random(len(where)) < self.generator.random() ** 2
        where[moved] = self.generator.integers(self.rounds, size=int(moved.sum()))
        return {mask_of(np.flatnonzero(where < t)) for t in range(self.rounds)}

    def _climb(self, bits: float, chain: list[int]) -> None:
        """Follow the best chain through its neighbours, and keep the end if it is the best yet."""
        improved = True
        while improved and bits > TIE:
            improved = False
            for pool in self._neighbours(chain):
                better, other = self._best_chain({0, *chain} | pool)
                if better < bits - TIE:
                    bits, chain, improved = better, other, True
                    break
                if self.gains.spent >= self._limit:
                    break
        if bits < self.bits:
            self.bits, self.chain = bits, chain

    def _neighbours(self, chain: list[int]) -> Iterator[set[int]]:
        """Pools of sets that differ in an item from one of ``chain``, or exchange one."""
        ends = [0, *chain, self.gains.everyone]
        places = self.generator.permutation(len(chain)).tolist()
        near: set[int] = set()
        for t in places:
            flipped = {chain[t] ^ 1 << i for i in range(self.gains.size)}
            near |= flipped
            yield flipped
        if len(chain) > 1 and len(near) <= _JOINT_POOL:
            yield near
        for t in places:
            inside = _bits(chain[t] ^ ends[t])
            pairs = list(itertools.product(inside, _bits(ends[t + 2] ^ chain[t])))
            if len(pairs) > _EXCHANGES:
                drawn = self.generator.choice(len(pairs), _EXCHANGES, replace=False)
                pairs = [pairs[k] for k in drawn.tolist()]
            yield {chain[t] ^ a ^ b for a, b in pairs}

    def _best_chain(self, pool: set[int]) -> tuple[float, list[int]]:
        """Cost and sets of the best chain in ``pool``; among equals that which knows more."""
        masks = sorted(pool, key=lambda mask: (-mask.bit_count(), mask))
        member = members(masks, self.gains.size).astype(float)
        gains = np.array([self.gains(mask) for mask in masks])
        paid = gains @ member.T - TIE * member.sum(axis=1)
        paid[member @ (1.0 - member.T) > 0] = np.inf
        reach, last, origins = paid[-1], gains @ self.copies, []
        for _ in range(self.rounds - 2):
            through = reach[:, None] + paid
            origins.append(np.argmin(through, axis=0))
            reach = through.min(axis=0)
        chain = [int(np.argmin(reach + last))]
        for origin in origins[::-1]:
            chain.insert(0, int(origin[chain[0]]))
        steps = itertools.pairwise([len(masks) - 1, *chain])
        bits = math.fsum(float(gains[a] @ member[b]) for a, b in steps) + float(last[chain[-1]])
        return bits - self.whole, [masks[c] for c in chain]


def rounds_of(chain: Sequence[int], rounds: int, size: int) -> IntArray:
    """Round ``(k,)`` of each item, from the sets known before the rounds but the first."""
    return np.asarray(rounds - 1 - members(chain, size).sum(axis=0))


def _bits(mask: int) -> list[int]:
    return [1 << i for i in range(mask.bit_length()) if mask >> i & 1]
