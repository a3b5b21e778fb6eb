"""Fixed orders: what an ordered partition of the positions costs, and the best ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from infodecode import _validation
from infodecode._kernels.lattice import best_blocks_into, partition_costs_into
from infodecode._rounding import nonnegative
from infodecode._typing import FloatArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.information import (
    entropy_gains,
    subset_entropies,
    total_correlation,
)
from infodecode.schedules import OptimalSchedule, excess_bits, optimal_random_order

Partition: TypeAlias = tuple[tuple[int, ...], ...]

PARTITIONS_LENGTH = 18
"""Most positions of which the best partitions are computed, for laws without symmetry."""


@dataclass(frozen=True, eq=False)
class OptimalPartitions:
    """Best ordered partitions of the positions, for every number of rounds.

    Attributes:
        bits: ``(n,)`` L*_T in bits at entry T - 1: the least KL(data ‖ output) of any model over
            all orders fixed in advance with exactly T rounds; nonincreasing, and 0.0 at T = n.
    """

    bits: FloatArray
    _best: tuple[Partition, ...] | OptimalSchedule = field(repr=False)

    def partition(self, rounds: int) -> Partition:
        """An ordered partition into exactly ``rounds`` non-empty blocks with ``bits[rounds - 1]``.

        Raises:
            ValueError: ``rounds`` is not in 1..n.
        """
        count = _validation.integer("rounds", rounds, minimum=1, maximum=len(self.bits))
        if not isinstance(self._best, OptimalSchedule):
            return self._best[count - 1]
        ends = np.cumsum(self._best.sizes(count)).tolist()
        return tuple(tuple(range(a, b)) for a, b in itertools.pairwise([0, *ends]))


def partition_bits(distribution: Joint, blocks: Sequence[Sequence[int]]) -> float:
    r"""Error floor of decoding ``blocks`` in order, each block in one round.

    .. math:: L = \sum_t \mathbb E\, C(Y_{S_t} \mid Y_{S_1}, \dots, Y_{S_{t-1}})

    No model whatsoever, run with this fixed ordered partition, has a smaller KL(data ‖ output); a
    model with exact conditional marginals attains it. It says nothing about orders that are random
    or that depend on revealed values: both can do better.

    Cost: O(n) where entropies depend on sizes alone, else n + 2 T entropies.

    Args:
        distribution: joint law of n positions.
        blocks: ordered partition of ``range(n)``; every block non-empty.

    Returns:
        bits, >= 0.

    Raises:
        ValueError: ``blocks`` is not a partition of ``range(n)`` (names the position).

    Example:
        >>> from infodecode import distributions
        >>> partition_bits(distributions.permutations(4), [(0, 1), (2, 3)])
        1.415037499278844

    Reference: ParallelBench (Kang et al. 2025), Theorem 1.
    """
    require("distribution", distribution)
    checked = _validation.partition("blocks", blocks, distribution.length)
    if distribution.size_entropies() is not None:
        return excess_bits(entropy_gains(distribution), np.array([len(block) for block in checked]))
    known: tuple[int, ...] = ()
    costs = []
    for block in checked:
        costs.append(total_correlation(distribution, block, given=known))
        known += block
    return math.fsum(costs)


def optimal_partitions(distribution: Joint) -> OptimalPartitions:
    r"""Best ordered partition into T rounds, for T = 1..n at once.

    .. math:: L^*_T = \min_{(S_1, \dots, S_T)} \sum_t \sum_{i \in S_t}
              H(Y_i \mid Y_{S_1}, \dots, Y_{S_{t-1}}) - H(Y)

    The cost of a block depends only on what is known before it, so all T come out of one dynamic
    programme over the 3^n pairs (known set, block). Where entropies depend on the number of
    positions only, so does the cost, and the best sizes suffice: thousands of positions then.

    Cost: O(n 3^n) time and 8 n 2^n bytes for all T; O(n² log n) where entropies depend on sizes
    alone.

    Args:
        distribution: joint law of n positions: n <= 18 (n = 16 takes under a second), or
            n <= 10,000 if its `size_entropies` exist.

    Raises:
        ValueError: beyond the limits, or those of `infodecode.subset_entropies`.

    Example:
        >>> from infodecode import distributions
        >>> best = optimal_partitions(distributions.replace_random(6))
        >>> best.bits.round(4).tolist()
        [1.3152, 0.6651, 0.2834, 0.1301, 0.0484, 0.0]
        >>> [len(block) for block in best.partition(3)]
        [3, 2, 1]

    Reference: ParallelBench (Kang et al. 2025), Theorem 2; the programme over all T is ours.
    """
    require("distribution", distribution)
    if distribution.size_entropies() is not None:
        return of_sizes(optimal_random_order(distribution))
    demand_partitions_fit(distribution)
    return partitions_of(subset_entropies(distribution))


def of_sizes(schedule: OptimalSchedule) -> OptimalPartitions:
    """Best partitions where the sizes of the blocks are all that matters."""
    return OptimalPartitions(schedule.bits, schedule)


def demand_partitions_fit(distribution: Joint) -> None:
    """Raise ValueError where the programme over 3^n pairs is too much."""
    if distribution.length > PARTITIONS_LENGTH:
        raise ValueError(
            f"best partitions are computed for at most {PARTITIONS_LENGTH} positions, got "
            f"{distribution.length} (3^{distribution.length} pairs of a known set and a block); "
            "partition_bracket(distribution, rounds) bounds the best, "
            "partition_bits(distribution, blocks) takes any partition, "
            "optimal_random_order(distribution) has the best sizes of random orders"
        )


def partitions_of(entropies: FloatArray) -> OptimalPartitions:
    """`optimal_partitions` from all subset entropies ``(2**n,)``."""
    n = len(entropies).bit_length() - 1
    whole = float(entropies[-1])
    costs = np.empty((1 << n, n))
    partition_costs_into(entropies, costs)
    bits = nonnegative(costs[0] - whole, scale=float(costs[0, 0]))
    bits.flags.writeable = False
    return OptimalPartitions(bits, tuple(_recover(entropies, costs, t + 1) for t in range(n)))


def _recover(entropies: FloatArray, costs: FloatArray, rounds: int) -> Partition:
    blocks = np.empty(rounds, np.int64)
    best_blocks_into(entropies, costs, blocks)
    everyone = range(costs.shape[1])
    return tuple(tuple(i for i in everyone if mask >> i & 1) for mask in blocks.tolist())
