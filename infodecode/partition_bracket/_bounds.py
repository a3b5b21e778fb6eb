"""Lower bounds: all partitions below the one found, or the least open bound of a search."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

import numpy as np

from infodecode._kernels.brackets import TIE, cheap_prefixes_into
from infodecode._typing import FloatArray, IntArray
from infodecode.partition_bracket._problem import Solution, mask_of, members
from infodecode.partition_bracket._search import SLACK, Search, rounds_of


def all_partitions(entropies: FloatArray, search: Search) -> Solution | None:
    """The best of all partitions cheaper than the one found, or a bound; None if neither.

    No round gains, so a set that costs as much as a known partition leads to nothing better. Where
    too many sets cost less, those below a fraction of it are looked at: if none of them leads to a
    partition below it, the fraction is a lower bound.
    """
    gains, subsets = search.gains, np.arange(len(entropies))
    last = entropies - entropies[-1]
    for i, times in enumerate(search.copies.tolist()):
        outside = np.flatnonzero(subsets >> i & 1 == 0)
        last[outside] += times * (entropies[outside | 1 << i] - entropies[outside])
    costs = np.empty((search.rounds - 1, len(entropies)))
    parents = np.empty(costs.shape, np.int32)
    for fraction in (1.0, 0.5, 0.25):
        limit = fraction * search.bits + search.slack
        if not cheap_prefixes_into(entropies, limit, gains.steps, costs, parents):
            continue
        known = int(np.argmin(costs[-1] + last))
        bits = float(costs[-1, known] + last[known])
        if bits >= limit:
            return Solution(search.where, limit, "all partitions below it", search.slack)
        chain = [known]
        for t in range(search.rounds - 2, 0, -1):
            parent = int(parents[t, chain[0]])
            chain.insert(0, chain[0] if parent < 0 else parent)
        where = rounds_of(chain, search.rounds, gains.size)
        return Solution(where, max(0.0, bits), "all partitions", search.doubt)
    return None


@dataclass(frozen=True, eq=False)
class _Prefix:
    """A known set that a chain of ``rounds`` rounds has reached.

    Attributes:
        known: the set; ``parent`` is the prefix before the last round.
        paid: bits that the rounds paid.
        least: lower bound of the whole cost: what was paid, and the floors of all other items.
        items: what the next block chooses from, least ``excess`` over the floor first.
    """

    known: int
    parent: _Prefix | None
    rounds: int
    paid: float
    least: float
    items: IntArray
    excess: FloatArray


class PrefixSearch:
    r"""Chains of known sets, block by block and item by item, the least lower bound first.

    For a chain that reached U, with a next block between A and A ∪ Q, each of these is below the
    cost of the whole partition:

    - what was paid, what A pays, and the floor H(i | all others) of every other item, minus H(Y);
    - what was lost, and C(A | U): blocks lose more the larger they are. Of a first block A at least
      the mutual information of a tree of pairs;
    - if one round follows, this and what it loses after U ∪ A ∪ Q: it loses less the more is known.

    Two kinds of chains need not be followed. Any item may move to an earlier round that pays the
    same for it: it pays no more, and others know more. So an item that U determines is in the next
    block, and one whose entropy U does not lower is not, unless the block is the first or the last.
    """

    def __init__(self, search: Search) -> None:
        self.search, self.gains = search, search.gains
        self.alone = self.gains(0)
        everyone, k = self.gains.everyone, self.gains.size
        self.floor = np.array([self.gains(everyone ^ 1 << i)[i] for i in range(k)])
        self.shared = self.alone - np.array([self.gains(1 << i) for i in range(k)])
        self.seen: dict[int, list[tuple[int, float]]] = {}
        self.heap: list[tuple[float, int, _Prefix, int, int, float, float, bool]] = []
        self.tickets = itertools.count()

    def run(self) -> Solution:
        search, gains = self.search, self.gains
        bits, where, proof = search.bits, search.where, "search of prefixes"
        self._reach(0, None, 0, 0.0)
        for step in itertools.count():
            if not self.heap or self.heap[0][0] >= bits - SLACK / 2:
                break
            if gains.spent >= gains.most or step >= 20 * gains.most:
                bits, proof = self.heap[0][0], "search of prefixes, stopped"
                break
            bound, _, prefix, block, place, extra, lost, closed = heapq.heappop(self.heap)
            if prefix.rounds == search.rounds:
                bits, where = bound, self._where(prefix)
                break
            if closed:
                now = gains(prefix.known)
                inside = members([block], gains.size)[0]
                paid = prefix.paid + float(now[inside].sum())
                lost = max(lost, paid - gains.entropy(prefix.known | block))
                self._widen(prefix, block, place, extra, lost)
                self._reach(prefix.known | block, prefix, prefix.rounds + 1, paid)
            else:
                self._widen(prefix, block, place + 1, extra, lost)
                item = int(prefix.items[place])
                if prefix.rounds == 0 and block:
                    lost += float(self.shared[item, members([block], gains.size)[0]].max())
                extra += float(prefix.excess[place])
                self._push(prefix, block | 1 << item, place + 1, extra, lost, True)
        if bits <= search.slack:
            return Solution(where, 0.0, "never negative")
        return Solution(where, bits, proof, search.slack)

    def _push(
        self, prefix: _Prefix, block: int, place: int, extra: float, lost: float, closed: bool,
        bound: float = 0.0,
    ) -> None:  # fmt: skip
        bound = max(bound, lost, prefix.least + extra)
        if bound < self.search.bits:
            entry = (bound, next(self.tickets), prefix, block, place, extra, lost, closed)
            heapq.heappush(self.heap, entry)

    def _widen(self, prefix: _Prefix, block: int, place: int, extra: float, lost: float) -> None:
        """The blocks that hold ``block`` and one or more items from ``place`` on."""
        if place == len(prefix.items):
            return
        bound = prefix.least + extra + float(prefix.excess[place])
        if prefix.rounds == self.search.rounds - 2 and max(bound, lost) < self.search.bits:
            widest = prefix.known | block | mask_of(prefix.items[place:])
            now = self.gains(widest)
            ending = float(now.sum()) - (self.search.whole - self.gains.entropy(widest))
            bound = max(bound, lost + ending)
        self._push(prefix, block, place, extra, lost, False, bound)

    def _reach(self, known: int, parent: _Prefix | None, rounds: int, paid: float) -> None:
        before = self.seen.setdefault(known, [])
        if any(r <= rounds and p <= paid for r, p in before):
            return
        before.append((rounds, paid))
        now = self.gains(known)
        open_ = ~members([known], self.gains.size)[0]
        none: IntArray = np.empty(0, np.int64)
        if not open_.any() or rounds == self.search.rounds - 1:
            total = paid + float((now * self.search.copies)[open_].sum()) - self.search.whole
            end = _Prefix(known, parent, self.search.rounds, paid, total, none, now[none])
            self._push(end, 0, 0, 0.0, 0.0, True)
            return
        free = open_ & (now <= TIE)
        useful = np.flatnonzero(open_ & ~free & ((now < self.alone - TIE) | (rounds == 0)))
        excess = np.maximum(now - self.floor, 0.0)
        items = useful[np.argsort(excess[useful], kind="stable")]
        least = paid + float(self.floor[open_].sum()) - self.search.whole
        prefix = _Prefix(known, parent, rounds, paid, least, items, excess[items])
        lost = paid - self.gains.entropy(known)
        if free.any():
            self._push(prefix, mask_of(np.flatnonzero(free)), 0, 0.0, lost, True)
        else:
            self._widen(prefix, 0, 0, 0.0, lost)

    def _where(self, end: _Prefix) -> IntArray:
        """Rounds of the items on the way to ``end``; what is not known there comes last."""
        chain, step = [end.known], end.parent
        while step is not None and step.parent is not None:
            chain.insert(0, step.known)
            step = step.parent
        chain += [self.gains.everyone] * (self.search.rounds - 1 - len(chain))
        return rounds_of(chain, self.search.rounds, self.gains.size)
