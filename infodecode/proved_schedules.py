"""Round sizes of random orders with proved error bounds, and what mixing the orders gains.

Everything here follows from one formula. Write d_k = Z_{k+1} - Z_k >= 0 for the steps of the
`infodecode.information_curve`. A round of s positions that starts with a known ones costs

.. math:: \\sum_{j=a+1}^{a+s} (Z_j - Z_{a+1}) = \\sum_{k=a+1}^{a+s-1} (a + s - k)\\, d_k

and the total correlation is the sum of (n - k) d_k, the dual total correlation that of k d_k, and
Z_n that of d_k. Comparing the factors of each d_k gives every bound. Each is the best possible: a
maximum-distance-separable code of dimension k (any k positions free, the rest determined by them;
it exists over every large enough field) has the single step d_k.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._typing import FloatArray
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.exact import exact
from infodecode.information import curve_of, entropy_gains
from infodecode.partitions import optimal_partitions
from infodecode.schedules import even_sizes, excess_bits, random_order_bits
from infodecode.strategies import TopK


@dataclass(frozen=True)
class Schedule:
    """Round sizes of a uniformly random order, and what is known about their error.

    Attributes:
        sizes: positions of the successive rounds, adding up to n.
        bits: expected KL of the order by itself (`infodecode.random_order_bits`); what the decoder
            puts out, a mixture over orders, has this KL at most.
        bound: proved upper bound of ``bits``.
        theorem: the bound as a formula, valid for every law.
        reference: where the sizes come from.
    """

    sizes: tuple[int, ...]
    bits: float
    bound: float
    theorem: str
    reference: str

    @property
    def rounds(self) -> int:
        """Number of rounds, T."""
        return len(self.sizes)

    def strategy(self) -> TopK:
        """The schedule in the decoding loop."""
        return TopK(self.sizes, by="random")


@dataclass(frozen=True)
class OrderFactors:
    """What random orders with given sizes cost at most, whatever the law.

    Attributes:
        total_correlation: c with ``bits <= c * TC``, at most 1.
        dual_total_correlation: c with ``bits <= c * DTC``.
        last_information: c with ``bits <= c * Z_n``; Z_n is the mean of I(Y_i; all others).
    """

    total_correlation: float
    dual_total_correlation: float
    last_information: float


def order_factors(sizes: Sequence[int]) -> OrderFactors:
    r"""Best constants of the bounds that hold for every law, for given sizes of a random order.

    With a_t positions known before round t, the expected KL of the order is at most each of

    .. math:: \max_t \frac{s_t - 1}{n - a_t - 1}\,\mathrm{TC}, \qquad
              \max_t \frac{s_t - 1}{a_t + 1}\,\mathrm{DTC}, \qquad
              \max_t\,(s_t - 1)\, Z_n

    (rounds of one position count 0). For each of the three, some law attains it with equality.

    Args:
        sizes: positions revealed in each round, all >= 1.

    Raises:
        ValueError: no sizes, or one below 1.

    Example:
        >>> order_factors([3, 2, 1])
        OrderFactors(total_correlation=0.5, dual_total_correlation=2.0, last_information=2.0)

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647) and Li & Cai 2025 (arXiv 2505.21400) for the
    measures; the best constants are ours.
    """
    checked = [
        _validation.integer(f"sizes[{t}]", s, minimum=1)
        for t, s in enumerate(_validation.iterate("sizes", sizes))
    ]
    if not checked:
        raise ValueError("sizes must hold at least one size, got none")
    size = np.array(checked)
    known = np.cumsum(size) - size
    several = size > 1
    extra, known = (size[several] - 1).astype(float), known[several]
    return OrderFactors(
        float(np.max(extra / (size.sum() - known - 1), initial=0.0)),
        float(np.max(extra / (known + 1), initial=0.0)),
        float(np.max(extra, initial=0.0)),
    )


def tc_sizes(length: int, delta: float) -> tuple[int, ...]:
    r"""Fewest rounds that lose at most ``delta`` times the total correlation, whatever the law.

    .. math:: s = 1 + \lfloor \delta\,(m - 1) \rfloor, \qquad m = \text{masked before the round}

    As long as one position or more may be added, s grows: these are the largest sizes for which the
    first bound of `order_factors` is at most delta, and no other sizes with that bound take fewer
    rounds. In terms of the R positions masked after it, a round has at most 1 + delta R / (1 -
    delta) positions, where the paper allows max(1, delta R).

    .. math:: T \le 2 + \frac{\ln(n - 1)}{-\ln(1 - \delta)} \le 2 + \frac{\ln(n-1)}{\delta},
              \qquad n \ge 2

    Args:
        length: positions n, at least 1.
        delta: share of the total correlation, in [0, 1]; 0 reveals one by one, 1 all at once. A
            decimal such as 0.29 means just that, not the nearest binary fraction below it.

    Returns:
        sizes, nonincreasing, adding up to ``length``.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> tc_sizes(12, 0.5)
        (6, 3, 2, 1)

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647); the rounding is ours.
    """
    masked = _validation.integer("length", length, minimum=1)
    share = _validation.number("delta", delta, minimum=0, maximum=1)
    sizes = []
    while masked:
        sizes.append(1 + _floor(share, masked - 1, masked - 1))
        masked -= sizes[-1]
    return tuple(sizes)


def dtc_sizes(length: int, delta: float) -> tuple[int, ...]:
    r"""Fewest rounds that lose at most ``delta`` times the dual total correlation, for every law.

    .. math:: s = 1 + \lfloor \delta\,(a + 1) \rfloor, \qquad a = \text{known before the round}

    or what is left, if that is less. These are the largest sizes for which the second bound of
    `order_factors` is at most delta, and no other sizes with that bound take fewer rounds. The
    paper allows max(1, floor(delta (a + 1))), one position less.

    .. math:: T \le 1 + \frac{\ln n}{\ln(1 + \delta)} \le 1 + \Bigl(1 + \frac1\delta\Bigr) \ln n

    Args:
        length: positions n, at least 1.
        delta: multiple of the dual total correlation, >= 0; 0 reveals one by one, n - 1 and more
            all at once. A decimal means just that, as in `tc_sizes`.

    Returns:
        sizes adding up to ``length``, nondecreasing but for the last.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> dtc_sizes(12, 0.5)
        (1, 2, 3, 4, 2)

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647); the rounding is ours.
    """
    n = _validation.integer("length", length, minimum=1)
    share = _validation.number("delta", delta, minimum=0)
    sizes: list[int] = []
    known = 0
    while known < n:
        sizes.append(1 + _floor(share, known + 1, n - known - 1))
        known += sizes[-1]
    return tuple(sizes)


def _floor(share: float, count: int, most: int) -> int:
    """``share * count`` rounded down, up to what a decimal share loses in binary; capped."""
    return math.floor(min(share * count * (1 + 4 * sys.float_info.epsilon), float(most)))


def profile_sizes(curve: FloatArray, rounds: int) -> tuple[int, ...]:
    r"""Sizes in proportion to :math:`1 / \sqrt{Z'}`, the best profile for very long sequences.

    A round of s positions around x costs about s² Z'(x) / 2, and there are dx / s of them per dx.
    For a given number of rounds the best s is proportional to :math:`1/\sqrt{Z'(x)}`, so the rounds
    end where the integral of :math:`\sqrt{Z'}` reaches t / T of its total. Here Z' has the
    steps of the curve; ends are rounded to the nearest positions that leave one for every round.

    It costs O(n), where `infodecode.optimal_random_order` takes O(n T log n) for the best sizes.
    For short sequences or a curve with jumps it can be far from these.

    Args:
        curve: ``(n,)`` an `infodecode.information_curve`, or an estimate: nondecreasing.
        rounds: rounds, 1 to n.

    Returns:
        sizes, all >= 1, adding up to n; even ones if the curve is flat.

    Raises:
        ValueError: the curve decreases or is not finite, or the rounds are out of range.

    Example:
        >>> from infodecode import distributions, information_curve
        >>> profile_sizes(information_curve(distributions.permutations(12)), 4)
        (4, 3, 3, 2)

    Reference: Lavenant & Zanella 2025 (arXiv 2510.25544); Secchi & Zanella 2026 (arXiv 2609.21960).
    """
    values = _validation.array("curve", curve)
    if values.ndim != 1 or not len(values) or values.dtype.kind not in "fiu":
        raise ValueError(f"curve must be a row of numbers, got {_validation.shown(curve)}")
    steps = np.diff(values.astype(float))
    if not (np.isfinite(values).all() and (steps >= 0).all()):
        raise ValueError(f"curve must be finite and never decrease, got {_validation.shown(curve)}")
    n = len(values)
    count = _validation.integer("rounds", rounds, minimum=1, maximum=n)
    if not steps.any():
        return even_sizes(n, count)
    roots = np.concatenate([[0.0], np.sqrt(steps), [0.0]])
    reached = np.concatenate([[0.0], np.cumsum((roots[:-1] + roots[1:]) / 2)])
    inner = np.arange(1, count)
    cuts = np.interp(reached[-1] * inner / count, reached, np.arange(n + 1.0))
    ends = np.maximum(np.maximum.accumulate(np.rint(cuts).astype(np.int64) - inner), 0) + inner
    ends = np.minimum(ends, n - count + inner)
    return tuple(np.diff(ends, prepend=0, append=n).tolist())


def tc_schedule(distribution: Joint, delta: float) -> Schedule:
    """Random order with the sizes of `tc_sizes`: at most ``delta`` times the total correlation.

    Cost: the curve, O(n), and O(log(n) / delta) rounds.

    Args:
        distribution: joint law of n positions; limits as for `infodecode.information_curve`.
        delta: share of the total correlation, in [0, 1].

    Raises:
        ValueError: ``delta`` out of range, or a law beyond the limits.

    Example:
        >>> from infodecode import distributions
        >>> plan = tc_schedule(distributions.parity(12), 0.5)
        >>> plan.sizes, plan.bits, plan.bound
        ((6, 3, 2, 1), 0.0, 0.5)

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647).
    """
    sizes = tc_sizes(require("distribution", distribution).length, delta)
    gains = entropy_gains(distribution)
    return _schedule(gains, sizes, delta * _total(gains), "KL <= delta TC", "arXiv 2511.04647")


def dtc_schedule(distribution: Joint, delta: float) -> Schedule:
    """Random order with the sizes of `dtc_sizes`: at most ``delta`` times the DTC.

    Cost: the curve, O(n), and O(log(n) / delta) rounds.

    Args:
        distribution: joint law of n positions; limits as for `infodecode.information_curve`.
        delta: multiple of the dual total correlation, >= 0.

    Raises:
        ValueError: ``delta`` out of range, or a law beyond the limits.

    Example:
        >>> from infodecode import distributions
        >>> plan = dtc_schedule(distributions.replace_random(12), 0.5)
        >>> plan.sizes, round(plan.bits, 3), round(plan.bound, 3)
        ((1, 2, 3, 4, 2), 0.4, 1.792)

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647).
    """
    sizes = dtc_sizes(require("distribution", distribution).length, delta)
    gains = entropy_gains(distribution)
    return _schedule(gains, sizes, delta * _dual(gains), "KL <= delta DTC", "arXiv 2511.04647")


def equal_schedule(distribution: Joint, rounds: int) -> Schedule:
    r"""Random order with equal sizes, or sizes that differ by one if T does not divide n.

    .. math:: \mathrm{KL} \le \Bigl(\Bigl\lceil \frac nT \Bigr\rceil - 1\Bigr) Z_n
              \le \frac nT Z_n = \frac1T \sum_i I(Y_i; Y_{-i})

    For a fixed offset i below the largest size, the spans from the first to the i-th further
    position of every round do not overlap, so the steps of Z over them add up to at most Z_n.
    No other sizes with T rounds have a smaller bound in terms of Z_n for all laws.

    Cost: the curve, and O(n).

    Args:
        distribution: joint law of n positions; limits as for `infodecode.information_curve`.
        rounds: rounds T, 1 to n.

    Raises:
        ValueError: ``rounds`` out of range, or a law beyond the limits.

    Example:
        >>> from infodecode import distributions
        >>> plan = equal_schedule(distributions.replace_random(10), 4)
        >>> plan.sizes, round(plan.bits, 3), round(plan.bound, 3)
        ((3, 3, 2, 2), 0.377, 0.938)

    Reference: Li & Cai 2025 (arXiv 2505.21400), for T that divides n.
    """
    sizes = even_sizes(require("distribution", distribution).length, rounds)
    gains = entropy_gains(distribution)
    bound = (sizes[0] - 1) * float(gains[0] - gains[-1])
    return _schedule(gains, sizes, bound, "KL <= (ceil(n/T) - 1) Z_n", "arXiv 2505.21400")


def profile_schedule(distribution: Joint, rounds: int) -> Schedule:
    """Random order with the sizes of `profile_sizes`, from the law's own information curve.

    Its bound is the least of the three that `order_factors` gives for the sizes it came to.

    Cost: the curve, and O(n).

    Args:
        distribution: joint law of n positions; limits as for `infodecode.information_curve`.
        rounds: rounds, 1 to n.

    Raises:
        ValueError: ``rounds`` out of range, or a law beyond the limits.

    Example:
        >>> from infodecode import distributions, optimal_random_order
        >>> law = distributions.permutations(100)
        >>> plan = profile_schedule(law, 8)
        >>> plan.sizes
        (22, 18, 17, 13, 11, 9, 6, 4)
        >>> round(plan.bits, 3), float(optimal_random_order(law).bits[7].round(3))
        (25.634, 25.609)

    Reference: Lavenant & Zanella 2025 (arXiv 2510.25544); Secchi & Zanella 2026 (arXiv 2609.21960).
    """
    require("distribution", distribution)
    gains = entropy_gains(distribution)
    sizes = profile_sizes(curve_of(gains), rounds)
    factors = order_factors(sizes)
    bound, theorem = min(
        (factors.total_correlation * _total(gains), "KL <= max_t (s_t - 1)/(n - a_t - 1) TC"),
        (factors.dual_total_correlation * _dual(gains), "KL <= max_t (s_t - 1)/(a_t + 1) DTC"),
        (factors.last_information * float(gains[0] - gains[-1]), "KL <= max_t (s_t - 1) Z_n"),
    )
    return _schedule(gains, sizes, bound, theorem, "arXiv 2510.25544, 2609.21960")


def _total(gains: FloatArray) -> float:
    return math.fsum(gains[0] - gains)


def _dual(gains: FloatArray) -> float:
    return math.fsum(gains - gains[-1])


def _schedule(
    gains: FloatArray, sizes: tuple[int, ...], bound: float, theorem: str, reference: str
) -> Schedule:
    return Schedule(sizes, excess_bits(gains, np.array(sizes)), bound, theorem, reference)


@dataclass(frozen=True)
class OrderMixture:
    """A random order beside the best fixed one of as many rounds.

    Attributes:
        path_bits: expected KL of each order by itself (`infodecode.random_order_bits`).
        output_bits: KL of what the decoder puts out, the mixture over orders; at most
            ``path_bits``, and not bounded below by ``best_fixed_bits``.
        best_fixed_bits: L*_T of the best fixed partition into as many blocks, of any sizes.
    """

    path_bits: float
    output_bits: float
    best_fixed_bits: float


def order_mixture(distribution: Joint, sizes: Sequence[int]) -> OrderMixture:
    """How much of a random order's error the mixing of the orders takes back, exactly.

    Args:
        distribution: joint law; within the limits of `infodecode.exact` for a random order and of
            `infodecode.optimal_partitions`.
        sizes: positions revealed in each round, all >= 1, adding up to n.

    Raises:
        ValueError: sizes that do not add up, or a law beyond the limits.

    Example:
        >>> from infodecode import distributions
        >>> order_mixture(distributions.replace_random(3), [2, 1])  # beats every fixed order
        OrderMixture(path_bits=0.2516..., output_bits=0.1699..., best_fixed_bits=0.2516...)
    """
    rounds = tuple(_validation.iterate("sizes", sizes))
    path = random_order_bits(distribution, rounds)
    best = float(optimal_partitions(distribution).bits[len(rounds) - 1])
    run = exact(distribution, Decoder(TopK(rounds, by="random")))
    return OrderMixture(path, run.kl, best)
