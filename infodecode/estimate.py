"""Estimates always carry their interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from infodecode._rounding import ROUNDING
from infodecode._typing import FloatArray


@dataclass(frozen=True)
class Estimate:
    """A value measured on samples, with a confidence interval.

    Attributes:
        value: the point estimate.
        low, high: ends of the interval; ``low <= value <= high``.
        confidence: the probability with which such intervals cover the truth, such as 0.95.
    """

    value: float
    low: float
    high: float
    confidence: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ArithmeticError(f"interval out of order: {self!r}")

    @property
    def half_width(self) -> float:
        """The larger distance from the value to an end."""
        return max(self.value - self.low, self.high - self.value)

    def __contains__(self, truth: float) -> bool:
        return self.low - ROUNDING <= truth <= self.high + ROUNDING

    def __str__(self) -> str:
        return f"{self.value:.5g} [{self.low:.5g}, {self.high:.5g}]"


def proportion(successes: int, trials: int, confidence: float) -> Estimate:
    """Share of successes with the Clopper–Pearson interval: it covers at least as claimed."""
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    failures = trials - successes
    low = float(betaincinv(successes, failures + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - tail)) if failures else 1.0
    return Estimate(successes / trials, low, high, confidence)


def mean_of_counts(counts: list[int], confidence: float) -> Estimate:
    """Mean of a whole-number variable seen ``counts[t]`` times at t, with the normal interval.

    Integers all the way to the last step, so that the order of samples cannot matter. A single
    sample says nothing about the spread: its interval is unbounded.
    """
    from scipy.special import ndtri

    trials = sum(counts)
    if trials == 1:
        return Estimate(float(len(counts) - 1), -math.inf, math.inf, confidence)
    total = sum(t * c for t, c in enumerate(counts))
    squares = sum(t * t * c for t, c in enumerate(counts))
    mean = total / trials
    spread = (trials * squares - total * total) / (trials * max(trials - 1, 1))
    half = float(ndtri((1 + confidence) / 2)) * math.sqrt(spread / trials)
    return Estimate(mean, mean - half, mean + half, confidence)


def mean_of_values(values: FloatArray, confidence: float) -> Estimate:
    """Mean of a real variable, with the normal interval; unbounded for a single sample."""
    from scipy.special import ndtri

    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Estimate(mean, -math.inf, math.inf, confidence)
    spread = math.fsum((values - mean) ** 2) / (len(values) - 1)
    half = float(ndtri((1 + confidence) / 2)) * math.sqrt(spread / len(values))
    return Estimate(mean, mean - half, mean + half, confidence)
