"""Best ordered partitions beyond 18 positions: the exact cost, or a proved interval around it."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._grouping import Packing
from infodecode._kernels.brackets import (
    TIE,
    chain_costs_into,
    chain_rounds_into,
    cheap_prefixes_into,
    known_gains_into,
)
from infodecode._progress import progress_bar
from infodecode._subsets import walk_subsets
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Concatenation, Joint, Mixture, Table
from infodecode.distributions._joint import require
from infodecode.partitions import (
    PARTITIONS_LENGTH,
    Partition,
    optimal_partitions,
    partition_bits,
)

BRACKET_LENGTH = 400
"""Most positions of a bracket, for laws whose entropies do not depend on their number alone."""

EVALUATIONS = 20_000
"""Most known sets that a bracket looks at by default."""

SLACK = 1e-9
"""Bits by which proved bounds are lowered, so that no rounding error can lift them too high."""

_CELLS = 500_000_000
_FORMULA_CELLS = 20_000
_TABLE_ROWS = 100_000
_CHAIN_ITEMS = 200
_LATTICE_ITEMS = 20
_LATTICE_STEPS = 50_000
_LATTICE_START = 1_000
_PATIENCE = 300
_EXCHANGES = 400
_JOINT_POOL = 2_000
_NOTHING = "nothing is lost"


@dataclass(frozen=True, eq=False, repr=False)
class PartitionBracket:
    """The cost of the best ordered partition between two bounds, and a partition at the upper one.

    Attributes:
        distribution: the data law.
        rounds: T.
        lower: bits; proved to be at most L*_T, the least KL(data ‖ output) of any model over all
            orders fixed in advance with T rounds.
        upper: bits; what ``partition`` costs (`infodecode.partition_bits`), so at least L*_T.
        partition: ordered partition into exactly T non-empty blocks.
        proof: how ``lower`` was obtained, in the words of `partition_bracket`; those of independent
            parts are joined by " + ".
        slack: bits by which ``lower`` was reduced so that rounding cannot have lifted it above
            L*_T; 0.0 where that was not needed.
    """

    distribution: Joint
    rounds: int
    lower: float
    upper: float
    partition: Partition
    proof: str
    slack: float

    @property
    def exact(self) -> bool:
        """Whether the bounds agree within rounding, so that ``upper`` is L*_T."""
        return self.upper - self.lower <= 1.5 * self.slack + TIE * max(1.0, self.upper)

    def __repr__(self) -> str:
        sizes = "+".join(str(len(block)) for block in self.partition[:12])
        value = "exactly" if self.exact else f"between {self.lower:.6g} and"
        return (
            f"Best partition of {self.distribution.name} into {self.rounds} rounds: "
            f"{value} {self.upper:.6g} bits\n"
            f"  partition found: blocks of {sizes}{'+…' if self.rounds > 12 else ''} positions\n"
            f"  lower bound: {self.proof}"
        )


def partition_bracket(
    distribution: Joint,
    rounds: int,
    *,
    seed: int = 0,
    evaluations: int | None = None,
    progress: bool | None = None,
) -> PartitionBracket:
    r"""The best ordered partition into T rounds, exact or between proved bounds.

    .. math:: \text{lower} \le L^*_T = \min_{(S_1, \dots, S_T)} \sum_t
              \mathbb E\, C(Y_{S_t} \mid Y_{S_1}, \dots, Y_{S_{t-1}}) \le \text{upper}

    The upper bound is attained by the partition found, so it is never below L*_T. The lower bound
    is a theorem about the law, whatever the search found. Beyond the exact cases it is often far
    below: to exclude a good partition is hard where a few positions decide all others.

    Before anything else the problem is made smaller. Constants cost nothing. Of positions that
    determine each other one is kept: the others follow a round later, at no cost. Independent parts
    are solved by themselves and their costs added: what is known of one part tells nothing about
    the other, and both may use every round. What remains is solved in the first way that applies
    (the words of ``proof``):

    - *total correlation* (T = 1), *one position a round* (T = n), *nothing is lost*
      (``upper`` is 0): costs are never negative.
    - *entropies by number of positions*, *all partitions*: `infodecode.optimal_partitions`, for n
      <= 18 or where entropies depend on sizes only. Up to 20 positions of a table, all partitions
      cheaper than the one found. Where these are too many, *all partitions below it*: none costs
      less than ``lower``.
    - *Markov chain*, in any order of the positions: what is revealed makes the gaps between
      independent, and a gap depends on its two ends only. Hence a dynamic programme over gaps, in
      O(n^4 log n), for n <= 200.
    - *search of prefixes*: best first over chains of known sets. A chain costs at least what its
      rounds lost; also at least what its positions paid, plus what the others pay even when
      everything else is known, minus H(Y); and, before the last two rounds, at least what a set
      loses that the next block must hold, plus what the last round loses after everything that the
      block may hold (both because total correlation is superadditive, ParallelBench, Lemma 1). The
      least bound still open when the search ends, or is *stopped*, is proved.
    - *never negative*: the search proved nothing better than 0.

    One known set takes O(N n) on a table of N outcomes, n entropies on a law without one. Half of
    the sets go to the search for a good partition: the best chains through pools of sets, from
    greedy orders, then exchanging single positions, then from random changes.

    The lower bound is proved, not sharp: beyond some 20 positions it is often near 0 on tables
    without structure. Such laws look independent on any few positions, and only sets that carry
    about H(Y) bits tell them from a linear code, where two rounds lose nothing.

    Args:
        distribution: joint law of n <= 400 positions whose entropies can be computed; of 10,000 if
            its `size_entropies` exist.
        rounds: T, 1..n.
        seed: of the search; the same seed gives the same bracket.
        evaluations: known sets to look at, for each part that is not solved by formula. By default
            20,000, or fewer if that would take more than some seconds (5e8 / (N n) on a table,
            25,000 / n on a law without one, but at least 20 n).
        progress: as in `infodecode.exact`.

    Raises:
        ValueError: ``rounds`` is not in 1..n, n is too large, or an entropy cannot be computed.

    Example:
        >>> from infodecode import distributions
        >>> chain = distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=100)
        >>> partition_bracket(chain, 3)
        Best partition of markov_chain(2 states, length=100) into 3 rounds: exactly 0.976638 bits
          partition found: blocks of 25+25+50 positions
          lower bound: Markov chain

    Reference: ParallelBench (Kang et al. 2025), Theorems 1 and 2; Bixby, Cunningham, Topkis 1985
    (independent parts). The bracket is ours.
    """
    require("distribution", distribution)
    n = distribution.length
    count = _validation.integer("rounds", rounds, minimum=1, maximum=n)
    start = _validation.integer("seed", seed, minimum=0, maximum=None)
    if evaluations is not None:
        evaluations = _validation.integer("evaluations", evaluations, minimum=1)
    if count in (1, n):
        blocks = _blocks(np.zeros(n, np.int64), count)
        bits = partition_bits(distribution, blocks)
        proof = "one position a round" if count == n else "total correlation"
        return PartitionBracket(distribution, count, bits, bits, blocks, proof, 0.0)
    with progress_bar("known sets", evaluations or EVALUATIONS, progress) as advance:
        work = _Work(count, evaluations, np.random.default_rng(start), advance)
        found = _solve(distribution, work)
    blocks = _blocks(found.rounds, count)
    upper = partition_bits(distribution, blocks)
    slack = 0.0 if found.slack <= TIE else found.slack
    lower = max(0.0, min(upper, found.lower - slack))
    if slack == 0.0 and upper - lower <= TIE * max(1.0, upper):
        lower = upper
    proof = found.proof if upper > 0 else _NOTHING
    return PartitionBracket(distribution, count, lower, upper, blocks, proof, slack)


@dataclass(frozen=True)
class _Work:
    """What one bracket asks for and may do."""

    rounds: int
    evaluations: int | None
    generator: np.random.Generator
    advance: Callable[[int], object]


@dataclass(frozen=True)
class _Solution:
    """Rounds of the positions of a part, and a lower bound of its best cost before ``slack``."""

    rounds: IntArray
    lower: float
    proof: str
    slack: float = 0.0


def _solve(law: Joint, work: _Work) -> _Solution:
    if isinstance(law, Concatenation):
        return _together([_solve(part, work) for part in law.parts])
    by_size = law.size_entropies() is not None
    if by_size or law.length <= PARTITIONS_LENGTH:
        try:
            best = optimal_partitions(law)
        except ValueError:
            if by_size:
                raise
        else:
            count = min(work.rounds, law.length)
            where = np.empty(law.length, np.int64)
            for t, block in enumerate(best.partition(count)):
                where[list(block)] = t
            proof = "entropies by number of positions" if by_size else "all partitions"
            return _Solution(where, float(best.bits[count - 1]), proof)
    if law.length > BRACKET_LENGTH:
        raise ValueError(
            f"brackets are computed for at most {BRACKET_LENGTH} positions, got {law.length:,} in "
            f"{law.name}; partition_bits(distribution, blocks) takes any partition, "
            "optimal_random_order(distribution) has the best sizes of random orders"
        )
    return _reduced(_gains_of(law, work), work)


def _together(parts: Sequence[_Solution]) -> _Solution:
    """Independent parts side by side."""
    return _Solution(
        np.concatenate([part.rounds for part in parts]),
        math.fsum(part.lower for part in parts),
        " + ".join(dict.fromkeys(part.proof for part in parts)),
        math.fsum(part.slack for part in parts),
    )


def _blocks(where: IntArray, rounds: int) -> Partition:
    """Ordered partition into exactly ``rounds`` blocks; splitting one never makes it dearer."""
    blocks = [np.flatnonzero(where == t).tolist() for t in range(rounds)]
    blocks = [block for block in blocks if block]
    while len(blocks) < rounds:
        k = max(range(len(blocks)), key=lambda k: len(blocks[k]))
        half = len(blocks[k]) // 2
        blocks[k : k + 1] = [blocks[k][:half], blocks[k][half:]]
    return tuple(map(tuple, blocks))


# Conditional entropies ---------------------------------------------------------------------------


class _Gains:
    """Entropies of items (positions of a law) given a known set of them, each set computed once.

    Sets are bitmasks; the gain of a known item is 0.

    Attributes:
        size: number of items, k.
        everyone: the set of all.
        spent: sets computed so far.
        most: sets that may be computed.
    """

    def __init__(self, size: int, cells: int, work: _Work) -> None:
        self.size, self.everyone, self.work = size, (1 << size) - 1, work
        self.spent = 0
        self.most = work.evaluations or min(EVALUATIONS, max(20 * size, _CELLS // cells))
        self._seen: dict[int, tuple[float, FloatArray]] = {}

    def __call__(self, known: int) -> FloatArray:
        """Entropies ``(k,)`` of the items given the known ones."""
        return self._look(known)[1]

    def entropy(self, known: int) -> float:
        """Entropy of a set of items."""
        return self._look(known)[0]

    def _look(self, known: int) -> tuple[float, FloatArray]:
        found = self._seen.get(known)
        if found is None:
            found = self._seen[known] = self._compute(known)
            self.spent += 1
            self.work.advance(1)
        return found

    def _compute(self, known: int) -> tuple[float, FloatArray]:
        raise NotImplementedError

    def part(self, items: Sequence[int]) -> _Gains:
        """The same for some of the items."""
        raise NotImplementedError

    def lattice(self) -> FloatArray | None:
        """Entropies ``(2**k,)`` of all sets, if they are not too much work."""
        return None


class _TableGains(_Gains):
    def __init__(self, table: Table, work: _Work) -> None:
        super().__init__(table.length, table.outcomes.size, work)
        self.table = table
        pack = Packing(table.alphabet_sizes)
        self._keys = pack.keys(table.outcomes)
        self._word, self._fields = pack.word, pack.fields << pack.shift
        self._codes = np.ascontiguousarray(table.outcomes.T)
        rows = len(table.outcomes)
        self._slots = np.empty(1 << (2 * rows - 1).bit_length(), np.int32)
        self._scratch = np.empty((4, rows + 1), np.int32)
        self._tally = np.zeros(max(table.alphabet_sizes), table.weights.dtype)

    def _compute(self, known: int) -> tuple[float, FloatArray]:
        inside = _members([known], self.size)[0]
        keep = np.zeros(self._keys.shape[1], np.uint64)
        np.bitwise_or.at(keep, self._word[inside], self._fields[inside])
        gains = np.zeros(self.size)
        entropy = known_gains_into(
            self._keys & keep, self._codes, self.table.weights, float(self.table.total),
            np.flatnonzero(~inside), self._slots, self._scratch, self._tally, gains,
        )  # fmt: skip
        return entropy, gains

    def part(self, items: Sequence[int]) -> _Gains:
        return _TableGains(self.table.marginal(items), self.work)

    def lattice(self) -> FloatArray | None:
        cells, rows = np.ones(1), len(self.table.outcomes)
        for size in self.table.alphabet_sizes:
            cells = np.minimum(np.concatenate([cells, cells * size]), rows)
        return walk_subsets(self.table) if cells.sum() <= _LATTICE_STEPS * self.most else None


class _LawGains(_Gains):
    def __init__(self, law: Joint, positions: Sequence[int], work: _Work) -> None:
        super().__init__(len(positions), _FORMULA_CELLS * len(positions), work)
        self.law, self.positions = law, tuple(positions)
        self._entropies = {0: 0.0}

    def entropy(self, known: int) -> float:
        found = self._entropies.get(known)
        if found is None:
            chosen = [p for i, p in enumerate(self.positions) if known >> i & 1]
            found = self._entropies[known] = self.law.entropy(chosen)
        return found

    def _compute(self, known: int) -> tuple[float, FloatArray]:
        whole = self.entropy(known)
        wider = [known | 1 << i for i in range(self.size)]
        return whole, np.array([max(0.0, self.entropy(mask) - whole) for mask in wider])

    def part(self, items: Sequence[int]) -> _Gains:
        return _LawGains(self.law, [self.positions[i] for i in items], self.work)


def _gains_of(law: Joint, work: _Work) -> _Gains:
    size = law.support_size
    if isinstance(law, Table | Mixture) or (size is not None and size <= _TABLE_ROWS):
        return _TableGains(law.table(), work)
    return _LawGains(law, range(law.length), work)


def _mask(items: Sequence[int] | IntArray) -> int:
    return sum(1 << int(i) for i in items)


def _members(masks: Sequence[int], size: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which items ``(m, k)`` the sets hold."""
    width = -(-size // 8)
    octets = np.frombuffer(b"".join(mask.to_bytes(width, "little") for mask in masks), np.uint8)
    bits = np.unpackbits(octets.reshape(-1, width), axis=1, count=size, bitorder="little")
    return bits.astype(bool)


# Smaller problems --------------------------------------------------------------------------------


def _reduced(gains: _Gains, work: _Work) -> _Solution:
    """Leave out constants and copies, split what is independent, solve the parts.

    Entropies up to `TIE` pass for zero. Each item may pay for all of them, and so may H(Y).
    """
    alone = gains(0)
    pairs = np.array([gains(1 << i) for i in range(gains.size)])
    ignored = float(alone[alone <= TIE].sum())
    original: dict[int, int] = {}
    copies: dict[int, int] = {}
    for i in np.flatnonzero(alone > TIE).tolist():
        same = next((r for r in copies if max(pairs[r, i], pairs[i, r]) <= TIE), None)
        if same is None:
            copies[i] = 1
        else:
            ignored += float(pairs[same, i] + pairs[i, same])
            original[i] = same
            copies[same] += 1
    where = np.zeros(gains.size, np.int64)
    if not copies:
        return _Solution(where, 0.0, _NOTHING)
    parts, shared = _independent_parts(gains, list(copies), alone - pairs)
    solutions = []
    for items in parts:
        part = gains if len(items) == gains.size else gains.part(items)
        solutions.append(_solve_part(part, np.array([copies[i] for i in items], float), work))
        where[items] = solutions[-1].rounds
    for i, same in original.items():
        where[i] = min(where[same] + 1, work.rounds - 1)
    total = _together(solutions)
    doubt = (gains.size + 1) * (ignored + shared)
    return _Solution(where, total.lower, total.proof, total.slack + doubt)


def _independent_parts(
    gains: _Gains, items: Sequence[int], shared: FloatArray
) -> tuple[list[list[int]], float]:
    """The finest split of ``items`` into independent parts, and the bits that the parts do share.

    Items with mutual information (``shared``) belong together. Let x_j be the entropy that group j
    of such items adds to the groups before it: a base of the polymatroid. Parts are independent
    just if H(part) = x(part) for each; and of the sets with this property, the least that holds
    group i is found by dropping the groups before it, last ones first (Bixby, Cunningham, Topkis
    1985). Groups belong together if one is in the other's least set.
    """
    groups = _components(items, lambda i, j: shared[i, j] > TIE)
    if len(groups) == 1 or len(groups) ** 2 > 2 * gains.most:
        return [sorted(items)], 0.0
    masks = [_mask(group) for group in groups]
    prefixes = [0, *itertools.accumulate(masks)]
    added = [gains.entropy(b) - gains.entropy(a) for a, b in itertools.pairwise(prefixes)]
    linked = np.zeros((len(groups), len(groups)), bool)
    for i in range(len(groups)):
        least, bits = prefixes[i + 1], math.fsum(added[: i + 1])
        for j in range(i - 1, -1, -1):
            if gains.entropy(least ^ masks[j]) - (bits - added[j]) <= TIE:
                least, bits = least ^ masks[j], bits - added[j]
            else:
                linked[i, j] = linked[j, i] = True
    joined = _components(range(len(groups)), lambda i, j: bool(linked[i, j]))
    parts = [sorted(i for g in group for i in groups[g]) for group in joined]
    apart = math.fsum(gains.entropy(_mask(part)) for part in parts)
    excess = max(0.0, apart - gains.entropy(prefixes[-1]))
    return (parts, excess) if excess <= len(parts) * TIE else ([sorted(items)], 0.0)


def _components(items: Sequence[int], linked: Callable[[int, int], bool]) -> list[list[int]]:
    left, parts = list(items), []
    while left:
        part = [left.pop(0)]
        for i in part:
            near = [j for j in left if linked(i, j)]
            part += near
            left = [j for j in left if j not in near]
        parts.append(sorted(part))
    return parts


def _solve_part(gains: _Gains, copies: FloatArray, work: _Work) -> _Solution:
    """A part without constants, copies or independent parts; ``copies`` stand behind each item."""
    if gains.size == 1:
        return _Solution(np.zeros(1, np.int64), 0.0, _NOTHING)
    count = min(work.rounds, gains.size + 1)
    solution = _markov_chain(gains, copies, count)
    if solution is not None:
        return solution
    search = _Search(gains, copies, count, work.generator)
    entropies = None
    if gains.size <= _LATTICE_ITEMS:
        search.run(min(_LATTICE_START, gains.most // 2))
        entropies = gains.lattice() if search.bits > TIE else None
    if entropies is not None:
        solution = _all_partitions(entropies, search)
    if solution is None:
        search.run(gains.most // 2)
        solution = _prefix_bound(search)
    return solution


# Markov chains -----------------------------------------------------------------------------------


def _markov_chain(gains: _Gains, copies: FloatArray, rounds: int) -> _Solution | None:
    """The best partition of a Markov chain; None if the items are none in any order.

    They are one just if their total correlation is the mutual information along a path, and the
    path is then a maximum spanning tree of that of all pairs (Chow and Liu 1968). Where d bits
    are missing, what an item pays is within 3 d of what it pays in the chain with the same pairs.
    """
    k = gains.size
    if k > _CHAIN_ITEMS:
        return None
    alone, whole = gains(0), gains.entropy(gains.everyone)
    pairs = np.array([gains(1 << i) for i in range(k)])
    order, shared = _heaviest_path(alone - pairs)
    short = abs(math.fsum(alone) - shared - whole)
    if order is None or short > k * TIE:
        return None
    given = np.ascontiguousarray(pairs[np.ix_(order, order)])
    costs = np.zeros((min(rounds, k.bit_length() + 1), k + 2, k + 2))
    chain_costs_into(given, alone[order], copies[order], costs)
    places = np.empty(k, np.int64)
    chain_rounds_into(given, alone[order], costs, places)
    where = np.empty(k, np.int64)
    where[order] = places
    bits = max(0.0, float(costs[-1, 0, -1]) - whole)
    return _Solution(where, bits, "Markov chain", 3 * k * short)


def _heaviest_path(weights: FloatArray) -> tuple[IntArray | None, float]:
    """Order of the items along a maximum spanning tree (Prim), if it is a path; its weight."""
    k = len(weights)
    best, nearest = weights[0].copy(), np.zeros(k, np.int64)
    best[0] = -np.inf
    edges: list[list[int]] = [[] for _ in range(k)]
    total = 0.0
    for _ in range(k - 1):
        i = int(np.argmax(best))
        total += float(best[i])
        edges[i].append(int(nearest[i]))
        edges[nearest[i]].append(i)
        best[i] = -np.inf
        closer = np.isfinite(best) & (weights[i] > best)
        best[closer], nearest[closer] = weights[i][closer], i
    if max(map(len, edges)) > 2:
        return None, total
    order = [next(i for i in range(k) if len(edges[i]) < 2)]
    while len(order) < k:
        order += [i for i in edges[order[-1]] if i not in order[-2:]]
    return np.array(order), total


# Search ------------------------------------------------------------------------------------------


class _Search:
    """Cheap ordered partitions: the best chains through pools of known sets.

    A partition is the chain of the sets known before its rounds. A round costs what the set before
    it says, so the best chain through any pool comes from dynamic programming. The first pool are
    the prefixes of some orders; then come the sets of the best chain with one item added, removed
    or exchanged, as long as that helps; then the same from random changes of it.

    The last round pays for all copies of an item. An earlier one pays for one: the others wait for
    the next round, where they are known.
    """

    def __init__(
        self, gains: _Gains, copies: FloatArray, rounds: int, generator: np.random.Generator
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
        return _rounds_of(self.chain, self.rounds, self.gains.size)

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
        return {_mask(np.flatnonzero(where < t)) for t in range(self.rounds)}

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
        member = _members(masks, self.gains.size).astype(float)
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


def _rounds_of(chain: Sequence[int], rounds: int, size: int) -> IntArray:
    """Round ``(k,)`` of each item, from the sets known before the rounds but the first."""
    return np.asarray(rounds - 1 - _members(chain, size).sum(axis=0))


def _bits(mask: int) -> list[int]:
    return [1 << i for i in range(mask.bit_length()) if mask >> i & 1]


# Lower bounds ------------------------------------------------------------------------------------


def _all_partitions(entropies: FloatArray, search: _Search) -> _Solution | None:
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
        steps = _LATTICE_STEPS * gains.most
        if not cheap_prefixes_into(entropies, limit, steps, costs, parents):
            continue
        known = int(np.argmin(costs[-1] + last))
        bits = float(costs[-1, known] + last[known])
        if bits >= limit:
            return _Solution(search.where, limit, "all partitions below it", search.slack)
        chain = [known]
        for t in range(search.rounds - 2, 0, -1):
            parent = int(parents[t, chain[0]])
            chain.insert(0, chain[0] if parent < 0 else parent)
        where = _rounds_of(chain, search.rounds, gains.size)
        return _Solution(where, max(0.0, bits), "all partitions", search.doubt)
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


def _prefix_bound(search: _Search) -> _Solution:
    """Best-first search over chains of known sets; the least bound left open is proved."""
    return _PrefixSearch(search).run()


class _PrefixSearch:
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

    def __init__(self, search: _Search) -> None:
        self.search, self.gains = search, search.gains
        self.alone = self.gains(0)
        everyone, k = self.gains.everyone, self.gains.size
        self.floor = np.array([self.gains(everyone ^ 1 << i)[i] for i in range(k)])
        self.shared = self.alone - np.array([self.gains(1 << i) for i in range(k)])
        self.seen: dict[int, list[tuple[int, float]]] = {}
        self.heap: list[tuple[float, int, _Prefix, int, int, float, float, bool]] = []
        self.tickets = itertools.count()

    def run(self) -> _Solution:
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
                inside = _members([block], gains.size)[0]
                paid = prefix.paid + float(now[inside].sum())
                lost = max(lost, paid - gains.entropy(prefix.known | block))
                self._widen(prefix, block, place, extra, lost)
                self._reach(prefix.known | block, prefix, prefix.rounds + 1, paid)
            else:
                self._widen(prefix, block, place + 1, extra, lost)
                item = int(prefix.items[place])
                if prefix.rounds == 0 and block:
                    lost += float(self.shared[item, _members([block], gains.size)[0]].max())
                extra += float(prefix.excess[place])
                self._push(prefix, block | 1 << item, place + 1, extra, lost, True)
        if bits <= search.slack:
            return _Solution(where, 0.0, "never negative")
        return _Solution(where, bits, proof, search.slack)

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
            widest = prefix.known | block | _mask(prefix.items[place:])
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
        open_ = ~_members([known], self.gains.size)[0]
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
            self._push(prefix, _mask(np.flatnonzero(free)), 0, 0.0, lost, True)
        else:
            self._widen(prefix, 0, 0, 0.0, lost)

    def _where(self, end: _Prefix) -> IntArray:
        """Rounds of the items on the way to ``end``; what is not known there comes last."""
        chain, step = [end.known], end.parent
        while step is not None and step.parent is not None:
            chain.insert(0, step.known)
            step = step.parent
        chain += [self.gains.everyone] * (self.search.rounds - 1 - len(chain))
        return _rounds_of(chain, self.search.rounds, self.gains.size)
