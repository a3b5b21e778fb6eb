"""Checked probabilities of a chain, and its stationary law."""

from __future__ import annotations

import math
import numbers
from fractions import Fraction

import numpy as np

from infodecode import _validation
from infodecode._rounding import ROUNDING
from infodecode._typing import Array, FloatArray

MOST_STATES = 100
"""Most hidden states."""

MOST_TOKENS = 1000
"""Most tokens of a hidden Markov model."""

LEAST_PROBABILITY = 1e-100
"""Least positive probability of a parameter."""


def stochastic(
    name: str, value: object, dimensions: int, most: int
) -> tuple[FloatArray, Array | None]:
    """Rows of probabilities as floats that add up to 1, and as fractions if they were given so."""
    given = _validation.array(name, value)
    if given.ndim != dimensions or given.size == 0:
        raise ValueError(
            f"{name} must have {dimensions} {'axis' if dimensions == 1 else 'axes'}, not empty, "
            f"got {_validation.shown(value)}"
        )
    if max(given.shape) > most:
        raise ValueError(f"{name} may have at most {most} rows and columns, got {given.shape}")
    rows = given.reshape(-1, given.shape[-1]).tolist()
    fractions = all(
        isinstance(p, numbers.Rational) and not isinstance(p, bool) for row in rows for p in row
    )
    for k, row in enumerate(rows):
        where = name if dimensions == 1 else f"{name}[{k}]"
        for v, p in enumerate(row):
            _validation.number(f"{where}[{v}]", p, minimum=0, maximum=1)
            if 0 < p < LEAST_PROBABILITY:
                raise ValueError(
                    f"{where}[{v}] must be 0 or at least {LEAST_PROBABILITY:g}, got {p!r}"
                )
        total = sum(row) if fractions else math.fsum(row)
        if abs(total - 1) > (0 if fractions else 1e-9):
            raise ValueError(f"{where} must add up to 1, got {float(total)!r}")
    floats = np.array([[float(p) + 0.0 for p in row] for row in rows])
    floats /= np.array([math.fsum(row) for row in floats])[:, None]
    exact = np.array([[Fraction(p) for p in row] for row in rows]) if fractions else None
    return floats.reshape(given.shape), None if exact is None else exact.reshape(given.shape)


def stationary_start(transition: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        law = np.asarray(stationary(transition), dtype=np.float64)
    if not ((law == 0) | (law >= LEAST_PROBABILITY)).all():
        raise ValueError(
            f"initial must be given: the stationary law has probabilities below "
            f"{LEAST_PROBABILITY:g}"
        )
    return law


def stationary(transition: Array) -> Array:
    """The stationary law of floats or fractions, without subtractions (GTH elimination)."""
    states = len(transition)
    reach = np.eye(states, dtype=bool) | (transition > 0).astype(bool)
    for _ in range(states.bit_length()):
        reach = reach @ reach
    recurrent = np.flatnonzero((reach <= reach.T).all(axis=1))
    if not reach[recurrent[0], recurrent].all():
        apart = recurrent[~reach[recurrent[0], recurrent]][0]
        raise ValueError(
            "initial must be given: the stationary law is not unique, since states "
            f"{recurrent[0]} and {apart} never reach each other"
        )
    work = transition[np.ix_(recurrent, recurrent)]
    for k in range(len(work) - 1, 0, -1):
        work[:k, k] /= work[k, :k].sum()
        work[:k, :k] += np.outer(work[:k, k], work[k, :k])
    law = 0 * transition[0]
    law[recurrent[0]] += 1
    for k in range(1, len(work)):
        law[recurrent[k]] = law[recurrent[:k]] @ work[:k, k]
    return np.asarray(law / law.sum())


def whole(fractions: Array) -> tuple[Array, int]:
    """Numerators over the least common denominator, and that denominator."""
    total = math.lcm(*(p.denominator for p in fractions.ravel()))
    return np.array([int(p * total) for p in fractions.ravel()]).reshape(fractions.shape), total


def same(a: Array, b: Array) -> bool:
    return np.allclose(a, b, rtol=ROUNDING / 10, atol=0)
