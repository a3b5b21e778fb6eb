"""Entropies of laws with integer weights as exact sums of logarithms of primes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

Logs: TypeAlias = dict[int, Fraction]
"""The number of bits ``sum of coefficient * log2(prime)``; distinct primes, nonzero coefficients.

Logarithms of primes are linearly independent over the rationals, so it is 0 only if it is empty.
"""

_FLOAT_ERROR = 1e-12
"""Relative to the sum of the terms' sizes: far above the rounding of any sum made here."""


def entropy_logs(weights: Iterable[int]) -> Logs:
    """H of the law proportional to the weights: log2 N - sum of (w/N) log2 w."""
    counts = Counter(weights)
    whole = sum(weight * count for weight, count in counts.items())
    terms = [(Fraction(1), whole)]
    terms += [(Fraction(-weight * count, whole), weight) for weight, count in counts.items()]
    return combined((factor, _factors(number)) for factor, number in terms)


def combined(terms: Iterable[tuple[Fraction, Mapping[int, Fraction | int]]]) -> Logs:
    """The sum of ``factor * logs`` over the terms."""
    result: Logs = {}
    for factor, logs in terms:
        for prime, coefficient in logs.items():
            result[prime] = result.get(prime, Fraction(0)) + factor * coefficient
    return {prime: value for prime, value in result.items() if value}


def bits(logs: Mapping[int, Fraction]) -> float:
    """The number as a float."""
    return math.fsum(float(value) * math.log2(prime) for prime, value in logs.items())


def sign(logs: Mapping[int, Fraction]) -> int:
    """-1, 0 or 1, without rounding: integer powers are compared where floats are too close."""
    if not logs:
        return 0
    size = math.fsum(abs(float(value)) * math.log2(prime) for prime, value in logs.items())
    if abs(value := bits(logs)) > _FLOAT_ERROR * size:
        return 1 if value > 0 else -1
    common = math.lcm(*(value.denominator for value in logs.values()))
    powers = {prime: int(value * common) for prime, value in logs.items()}
    above = math.prod(prime**power for prime, power in powers.items() if power > 0)
    below = math.prod(prime**-power for prime, power in powers.items() if power < 0)
    return 1 if above > below else -1


@lru_cache(maxsize=4096)
def _factors(number: int) -> dict[int, int]:
    factors: dict[int, int] = {}
    prime = 2
    while prime * prime <= number:
        while number % prime == 0:
            factors[prime] = factors.get(prime, 0) + 1
            number //= prime
        prime += 1
    if number > 1:
        factors[number] = factors.get(number, 0) + 1
    return factors
