"""Best ordered partitions beyond 18 positions: the exact cost, or a proved interval around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.brackets import TIE
from infodecode._progress import progress_bar
from infodecode._typing import IntArray
from infodecode.distributions import Concatenation, Joint
from infodecode.distributions._joint import require
from infodecode.partition_bracket._parts import reduced
from infodecode.partition_bracket._problem import (
    EVALUATIONS,
    NOTHING,
    Solution,
    Work,
    gains_of,
    together,
)
from infodecode.partitions import (
    PARTITIONS_LENGTH,
    Partition,
    optimal_partitions,
    partition_bits,
)

BRACKET_LENGTH = 400
"""Most positions of a bracket, for laws whose entropies do not depend on their number alone."""


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
        work = Work(count, evaluations, np.random.default_rng(start), advance)
        found = _solve(distribution, work)
    blocks = _blocks(found.rounds, count)
    upper = partition_bits(distribution, blocks)
    slack = 0.0 if found.slack <= TIE else found.slack
    lower = max(0.0, min(upper, found.lower - slack))
    if slack == 0.0 and upper - lower <= TIE * max(1.0, upper):
        lower = upper
    proof = found.proof if upper > 0 else NOTHING
    return PartitionBracket(distribution, count, lower, upper, blocks, proof, slack)


def _solve(law: Joint, work: Work) -> Solution:
    if isinstance(law, Concatenation):
        return together([_solve(part, work) for part in law.parts])
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
            return Solution(where, float(best.bits[count - 1]), proof)
    if law.length > BRACKET_LENGTH:
        raise ValueError(
            f"brackets are computed for at most {BRACKET_LENGTH} positions, got {law.length:,} in "
            f"{law.name}; partition_bits(distribution, blocks) takes any partition, "
            "optimal_random_order(distribution) has the best sizes of random orders"
        )
    return reduced(gains_of(law, work), work)


def _blocks(where: IntArray, rounds: int) -> Partition:
    """Ordered partition into exactly ``rounds`` blocks; splitting one never makes it dearer."""
    blocks = [np.flatnonzero(where == t).tolist() for t in range(rounds)]
    blocks = [block for block in blocks if block]
    while len(blocks) < rounds:
        k = max(range(len(blocks)), key=lambda k: len(blocks[k]))
        half = len(blocks[k]) // 2
        blocks[k : k + 1] = [blocks[k][:half], blocks[k][half:]]
    return tuple(map(tuple, blocks))
