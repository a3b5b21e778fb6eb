"""Curves and schedules of laws without a formula: unbiased estimates, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._order_samples import CurveTerms, OrderTerms, blank_laws, over_samples
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.estimate import Estimate, mean_of_values

ALL_POINTS = 32
"""Most positions of which every point of the curve is estimated by default."""

_CAP = 0.75
"""Most of a gambler's wealth that a bet may put at risk."""


@dataclass(frozen=True, eq=False, repr=False)
class CurveEstimate:
    """The `infodecode.information_curve` at some positions, from samples.

    Attributes:
        distribution: the law.
        positions: ``(P,)`` the j of each point, increasing, 1 to n.
        values: ``(P,)`` unbiased estimates of Z_j in bits; one can be below 0 or below the one
            before it, which Z_j never is.
        low, high: ``(P,)`` an interval for each point by itself, within 0 and the mean entropy of a
            position.
        samples: sequences drawn, each with an order of its own; every point uses all of them.
        seed: sample k depends on (seed, k) alone.
        confidence: with which each interval covers its point; not all of them at once.
        guaranteed: whether the intervals hold at any number of samples.
    """

    distribution: Joint
    positions: IntArray
    values: FloatArray
    low: FloatArray
    high: FloatArray
    samples: int
    seed: int
    confidence: float
    guaranteed: bool

    @property
    def curve(self) -> FloatArray:
        """``(n,)`` bits: a nondecreasing curve from 0 through the estimates, straight between them.

        Its input is unbiased, it is not: it is meant for choosing sizes (`profile_sizes` of
        infodecode/proved_schedules.py), whose cost `random_order_bits` then estimates.
        """
        fitted = np.maximum(_nondecreasing(self.values), 0.0)
        n = self.distribution.length
        known = np.concatenate([[1], self.positions])
        ends = np.concatenate([[0.0], fitted])
        return np.asarray(np.interp(np.arange(1, n + 1), known, ends), dtype=np.float64)

    def random_order_bits(self, sizes: Sequence[int]) -> Estimate:
        """`random_order_estimate` of some sizes, on the same samples."""
        return random_order_estimate(
            self.distribution,
            sizes,
            samples=self.samples,
            seed=self.seed,
            confidence=self.confidence,
        )

    def __repr__(self) -> str:
        last = Estimate(
            float(self.values[-1]), float(self.low[-1]), float(self.high[-1]), self.confidence
        )
        return (
            f"<information curve of {self.distribution.name}, {len(self.positions)} points from "
            f"{self.samples:,} samples, seed {self.seed}: Z_{self.positions[-1]} = {last}>"
        )


def information_curve_estimate(
    distribution: Joint,
    *,
    samples: int = 1000,
    seed: int = 0,
    points: Iterable[int] | None = None,
    confidence: float = 0.95,
    guaranteed: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
) -> CurveEstimate:
    r"""What j - 1 random positions tell about another one, estimated for any law.

    .. math:: Z_j = \mathbb E_{|S| = j - 1,\, i \notin S}\;
              \mathbb E_\mu \bigl[ H(Y_i) - H(p(Y_i = \cdot \,|\, y_S)) \bigr]

    Each sample is a sequence y of the law and an order of the positions. At every point, the first
    j - 1 positions of the order are S, and the term is averaged over the next 256 positions as i
    (over all of them, if they are fewer). The mean over samples is unbiased. It needs marginals
    only, no entropies: use it where `infodecode.information_curve` has no formula (hidden Markov
    models, codes, mixtures, tables of many columns).

    Intervals are normal by default: a term so rare that no sample shows it is not covered.
    ``guaranteed=True`` takes those of Waudby-Smith and Ramdas, which cover at least as claimed for
    every law and number of samples N. They are never narrower than about 5 / N times the range of a
    term, which is about the largest entropy of a position.

    Cost: one evaluation of a canvas for each sample and point. That is O(n K²) for hidden Markov
    models of K states, O(n) times the outcomes for tables, and the elimination of a system of up
    to k equations, O(n k²) bit operations, for codes of dimension k.

    Args:
        distribution: joint law of n positions.
        samples: number of samples N.
        seed: any integer >= 0; the first samples of a longer run are those of a shorter one.
        points: positions j, 1 to n; by default all of up to 32, and else about 2 log2(n) + 9 of
            them, dense towards both ends.
        confidence: of each interval.
        guaranteed: ask for intervals that assume nothing.
        threads: by default every core; the result does not depend on it.
        progress: show a bar; by default on a terminal, after a second.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from infodecode import distributions
        >>> noisy = distributions.hidden_markov(
        ...     [[0.9, 0.1], [0.1, 0.9]], [[0.8, 0.2], [0.2, 0.8]], length=500
        ... )
        >>> found = information_curve_estimate(noisy, samples=500, points=[1, 250, 500])
        >>> [f"{low:.2f} to {high:.2f}" for low, high in zip(found.low, found.high)]
        ['0.00 to 0.00', '0.10 to 0.10', '0.13 to 0.15']
        >>> print(found.random_order_bits([125] * 4))
        9.5432 [9.0651, 10.021]

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647) for the curve; Waudby-Smith and Ramdas 2024
    (JRSS B 86), section 4.2, for the guaranteed intervals.
    """
    law = require("distribution", distribution)
    count = _validation.integer("samples", samples, minimum=1)
    start = _validation.integer("seed", seed, minimum=0, maximum=None)
    level = _validation.confidence_level(confidence)
    firm = _validation.flag("guaranteed", guaranteed)
    chosen = _points(points, law.length)
    alone, widths = blank_laws(law)
    work = CurveTerms(law, chosen, alone)
    terms = over_samples(work, len(chosen), law, count, start, threads, progress)
    lowest, highest = float(np.min(alone - widths)), float(np.max(alone))
    most = math.fsum(alone) / law.length
    found = []
    for j, column in zip(chosen.tolist(), terms, strict=True):
        if j == 1:
            found.append(Estimate(0.0, 0.0, 0.0, level))
        elif firm:
            found.append(_within(bounded_mean(column, lowest, highest, level), most))
        else:
            found.append(_within(mean_of_values(column, level), most))
    return CurveEstimate(
        distribution=law,
        positions=chosen,
        values=np.array([point.value for point in found]),
        low=np.array([point.low for point in found]),
        high=np.array([point.high for point in found]),
        samples=count,
        seed=start,
        confidence=level,
        guaranteed=firm,
    )


def random_order_estimate(
    distribution: Joint,
    sizes: Sequence[int],
    *,
    samples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    threads: int | None = None,
    progress: bool | None = None,
) -> Estimate:
    r"""`infodecode.random_order_bits` of given round sizes, estimated for any law.

    .. math:: \mathbb E_{\text{order}}\, \mathbb E_\mu \Bigl[ \log_2 \mu(y)
              - \sum_i \log_2 p(y_i \,|\, \text{canvas in the round of } i) \Bigr]

    A sample is a sequence of the law and an order; the mean is unbiased, and no entropy need be
    known. Rounds of one position cost nothing and are skipped. ``sizes=[n]`` estimates the total
    correlation, so that H(Y) is the sum of the position entropies minus it.

    The interval is normal, cut at 0: a loss so rare that no sample shows it is not covered.

    Cost: one evaluation of a canvas for each sample and round, with laws at n positions in all.

    Args:
        distribution: joint law of n positions.
        sizes: positions revealed in each round, all >= 1, adding up to n.
        samples, seed, confidence, threads, progress: as in `information_curve_estimate`.

    Returns:
        bits, with an interval.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from infodecode import distributions
        >>> law = distributions.replace_random(100)  # exactly 0.4855 bits
        >>> print(random_order_estimate(law, [20] * 5, samples=2000))
        0.48351 [0.47272, 0.49431]

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647).
    """
    law = require("distribution", distribution)
    rounds = _sizes(sizes, law.length)
    count = _validation.integer("samples", samples, minimum=1)
    start = _validation.integer("seed", seed, minimum=0, maximum=None)
    level = _validation.confidence_level(confidence)
    work = OrderTerms(law, rounds)
    (terms,) = over_samples(work, 1, law, count, start, threads, progress)
    return _within(mean_of_values(terms, level), math.inf)


def bounded_mean(values: FloatArray, low: float, high: float, confidence: float) -> Estimate:
    r"""Mean of a variable between ``low`` and ``high``, with an interval that holds for every N.

    A gambler who bets :math:`\lambda_t \ge 0`, chosen before :math:`x_t` (scaled to [0, 1]) is
    seen, against the mean being m, holds :math:`K(m) = \prod_t (1 + \lambda_t (x_t - m))`. If m is
    the mean, then :math:`\mathbb E K = 1` and K exceeds 2 / (1 - confidence) with half the
    remaining probability at most. The interval holds the m against which neither this gambler nor
    the one who bets on 1 - x got so rich.

    Reference: Waudby-Smith and Ramdas 2024 (JRSS B 86), section 4.2.
    """
    mean = math.fsum(values) / len(values)
    if low == high:
        return Estimate(mean, mean, mean, confidence)
    scaled = np.clip((values - low) / (high - low), 0.0, 1.0)
    least, most = _least_mean(scaled, confidence), 1.0 - _least_mean(1.0 - scaled, confidence)
    return Estimate(
        mean,
        min(low + (high - low) * least, mean),
        max(low + (high - low) * most, mean),
        confidence,
    )


def _least_mean(values: FloatArray, confidence: float) -> float:
    """Lower end for the mean of variables in [0, 1], by bisection: K falls with m."""
    goal = math.log(2 / (1 - confidence))
    bets = _bets(values, goal)

    def wealth(m: float) -> float:
        return float(np.log1p(np.minimum(bets, _CAP / m) * (values - m)).sum())

    below, above = 0.0, 1.0
    for _ in range(50):
        middle = (below + above) / 2
        if wealth(middle) >= goal:
            below = middle
        else:
            above = middle
    return below


def _bets(values: FloatArray, goal: float) -> FloatArray:
    """The larger, the smaller the spread of the values before; ``(N,)``."""
    counts = np.arange(1, len(values) + 1)
    means = (0.5 + np.cumsum(values)) / (counts + 1)
    spread = (0.25 + np.cumsum((values - means) ** 2)) / (counts + 1)
    before = np.concatenate([[0.25], spread[:-1]])
    return np.asarray(np.sqrt(2 * goal / (before * len(values))), dtype=np.float64)


def _points(points: Iterable[int] | None, length: int) -> IntArray:
    if points is None:
        if length <= ALL_POINTS:
            return np.arange(1, length + 1)
        steps = np.left_shift(1, np.arange(length.bit_length())) - 1
        even = np.linspace(1, length, 9).round().astype(np.int64)
        spread = np.concatenate([1 + steps, length - steps, even])
        return np.unique(spread[(spread >= 1) & (spread <= length)])
    checked = [
        _validation.integer(f"points[{k}]", j, minimum=1, maximum=length)
        for k, j in enumerate(_validation.iterate("points", points))
    ]
    if not checked:
        raise ValueError("points must hold at least one position, got none")
    return np.unique(checked)


def _sizes(sizes: Sequence[int], length: int) -> IntArray:
    checked = [
        _validation.integer(f"sizes[{t}]", s, minimum=1)
        for t, s in enumerate(_validation.iterate("sizes", sizes))
    ]
    if sum(checked) != length:
        raise ValueError(f"sizes must add up to the length {length}, got {sum(checked)}")
    return np.array(checked)


def _within(estimate: Estimate, most: float) -> Estimate:
    """The interval cut to what the quantity can be; the value stays as it is."""
    return Estimate(
        estimate.value,
        min(max(estimate.low, 0.0), estimate.value),
        max(min(estimate.high, most), estimate.value),
        estimate.confidence,
    )


def _nondecreasing(values: FloatArray) -> FloatArray:
    """The closest nondecreasing values, by pooling neighbours that decrease."""
    pools: list[tuple[float, int]] = []
    for value in values.tolist():
        total, size = value, 1
        while pools and pools[-1][0] * size >= total * pools[-1][1]:
            before, count = pools.pop()
            total, size = total + before, size + count
        pools.append((total, size))
    return np.concatenate([np.full(size, total / size) for total, size in pools])
