"""Random orders: how many positions to reveal in each round, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from infodecode import _validation
from infodecode._kernels.schedules import best_starts_into, sizes_into
from infodecode._rounding import nonnegative
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.information import entropy_gains

SCHEDULE_LENGTH = 10_000
"""Most positions of which the best sizes are computed (seconds, 200 MB)."""


@dataclass(frozen=True, eq=False)
class OptimalSchedule:
    """Best round sizes of a uniformly random order, for every number of rounds.

    Attributes:
        bits: ``(n,)`` expected KL in bits of the best sizes with exactly T rounds, at entry T - 1;
            nonincreasing, and 0.0 at T = n. It is the expectation over orders of the KL of each
            order's own output law, at least the KL of the mixture that is really output.
    """

    bits: FloatArray
    _starts: IntArray = field(repr=False)

    def sizes(self, rounds: int) -> tuple[int, ...]:
        """Sizes of the successive rounds, all >= 1, that attain ``bits[rounds - 1]``.

        Raises:
            ValueError: ``rounds`` is not in 1..n.
        """
        count = _validation.integer("rounds", rounds, minimum=1, maximum=len(self.bits))
        return tuple(int(s) for s in _sizes(self._starts, count))


def random_order_bits(distribution: Joint, sizes: Sequence[int]) -> float:
    r"""Expected error of decoding in a uniformly random order with given round sizes.

    .. math:: \mathbb E\,\mathrm{KL} = \sum_{j=1}^n (Z_j - Z_{N(j)}), \qquad
              N(j) = 1 + \text{positions revealed before the round of } j

    with Z the `infodecode.information_curve`. The order is drawn independently of the tokens, and
    the model has exact conditional marginals. The KL is that of each order by itself, averaged: the
    output law of the decoder, a mixture over orders, can have a smaller one.

    Cost: the curve, and O(n).

    Args:
        distribution: joint law of n positions; limits as for `infodecode.information_curve`.
        sizes: positions revealed in each round, all >= 1, adding up to n.

    Returns:
        bits, >= 0; 0 with one position per round.

    Raises:
        ValueError: ``sizes`` do not add up to n, or one of them is below 1.

    Example:
        >>> from infodecode import distributions
        >>> random_order_bits(distributions.permutations(4), [2, 2])
        1.415037499278844

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647).
    """
    require("distribution", distribution)
    checked = [
        _validation.integer(f"sizes[{t}]", s, minimum=1)
        for t, s in enumerate(_validation.iterate("sizes", sizes))
    ]
    if sum(checked) != distribution.length:
        raise ValueError(
            f"sizes must add up to the length {distribution.length}, got {sum(checked)}"
        )
    return excess_bits(entropy_gains(distribution), np.array(checked))


def optimal_random_order(distribution: Joint) -> OptimalSchedule:
    """Best round sizes of a uniformly random order, for T = 1..n at once.

    Minimises `random_order_bits` over all sizes with exactly T rounds.

    Cost: the curve, and O(n² log n) time and 2 n² bytes for all T: n log n for each.

    Args:
        distribution: joint law of n positions; limits as for `infodecode.information_curve`, and
            n <= 10,000.

    Raises:
        ValueError: beyond the limits.

    Example:
        >>> from infodecode import distributions
        >>> best = optimal_random_order(distributions.permutations(8))
        >>> best.sizes(3), float(best.bits[2].round(3))
        ((3, 3, 2), 2.667)

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647); the solution in O(n T log n) is ours.
    """
    require("distribution", distribution)
    demand_schedule_fits(distribution)
    return schedule_of(entropy_gains(distribution))


def demand_schedule_fits(distribution: Joint) -> None:
    """Raise ValueError where the table of best sizes would be too large."""
    if distribution.length > SCHEDULE_LENGTH:
        raise ValueError(
            f"best sizes are computed for at most {SCHEDULE_LENGTH:,} positions, got "
            f"{distribution.length:,}; random_order_bits(distribution, sizes) takes any sizes"
        )


def even_sizes(length: int, rounds: int) -> tuple[int, ...]:
    """Equal round sizes, the remainder going to the first rounds: LLaDA's quota of a block.

    ``TopK(even_sizes(n, T), by="confidence")`` is LLaDA's schedule on a whole canvas.

    Args:
        length: positions, at least 1.
        rounds: rounds, 1 to ``length``.

    Returns:
        sizes, the largest first, adding up to ``length``.

    Raises:
        ValueError: more rounds than positions, or none.

    Example:
        >>> even_sizes(10, 3)
        (4, 3, 3)

    Reference: LLaDA (Nie et al. 2025), ``get_num_transfer_tokens``.
    """
    n = _validation.integer("length", length, minimum=1)
    count = _validation.integer("rounds", rounds, minimum=1, maximum=n)
    return tuple(n // count + (t < n % count) for t in range(count))


def excess_bits(gains: FloatArray, sizes: IntArray) -> float:
    """Cost of revealing in rounds of these sizes, when position k + 1 adds ``gains[k]`` bits.

    A round pays for each of its positions what the first of them adds, ``sum h(a_t) - h(j)``.
    """
    starts = np.cumsum(sizes) - sizes
    terms = np.repeat(gains[starts], sizes) - gains
    return nonnegative(math.fsum(terms), scale=float(gains[0]))


def schedule_of(gains: FloatArray) -> OptimalSchedule:
    """`optimal_random_order` from `infodecode.information.entropy_gains`."""
    n = len(gains)
    starts = np.zeros((n, n + 1), np.uint16)
    best_starts_into(gains, starts)
    bits = np.array([excess_bits(gains, _sizes(starts, t)) for t in range(1, n + 1)])
    bits.flags.writeable = False
    return OptimalSchedule(bits, starts)


def _sizes(starts: IntArray, rounds: int) -> IntArray:
    sizes = np.empty(rounds, np.int64)
    sizes_into(starts, sizes)
    return sizes
