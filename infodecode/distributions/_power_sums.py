"""Sums of powers of probabilities: what the future of a canvas weighs in a power law."""

from __future__ import annotations

import math
import weakref
from fractions import Fraction
from functools import singledispatch

import numpy as np

from infodecode import _validation
from infodecode._rounding import ZERO
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.distributions._codes import LinearCode
from infodecode.distributions._compose import Concatenation
from infodecode.distributions._inhomogeneous import InhomogeneousChain, log2_forward
from infodecode.distributions._joint import TABLE_LIMIT, Joint
from infodecode.distributions._lists import Certain, RandomPlace
from infodecode.distributions._markov import MarkovChain
from infodecode.distributions._permutations import Permutations
from infodecode.distributions._replacement import ReplaceRandom
from infodecode.distributions._restricted import Derangements, Shuffled
from infodecode.distributions._snippets import VariableNames
from infodecode.distributions._table import Table

UNIFORM = (Certain, Derangements, LinearCode, Permutations, RandomPlace, ReplaceRandom, Shuffled)
"""Families whose outcomes are all equally probable: no power changes them."""

SMALLEST = 1e-290
"""Least positive power, relative to the largest, that a float law keeps with all its digits."""

_TABLES: weakref.WeakKeyDictionary[Joint, Table] = weakref.WeakKeyDictionary()
_POWERS: weakref.WeakKeyDictionary[Table, tuple[float, Array]] = weakref.WeakKeyDictionary()


def log2_futures(distribution: Joint, canvases: IntArray, alpha: float) -> FloatArray:
    """`log2_power_mass` without checks."""
    mass = distribution._log2_mass(canvases)
    possible = np.isfinite(mass)
    out = np.full(len(canvases), -np.inf)
    given = alpha * mass[possible]
    bits = log2_powers(distribution, canvases[possible], alpha) - given
    out[possible] = np.where(np.abs(bits) <= ZERO * np.maximum(1, -given), 0.0, bits)
    return out


def exponent_of(alpha: object) -> float:
    """alpha as a positive float; an int where it is whole, so that integers stay integers."""
    value = _validation.number("alpha", alpha, above=0)
    return int(value) if value.is_integer() else value


@singledispatch
def log2_powers(law: Joint, canvases: IntArray, alpha: float) -> FloatArray:
    """log2 of the sum ``(B,)`` of mu^alpha over the outcomes that agree with each canvas."""
    if isinstance(law, UNIFORM):
        return law._log2_mass(canvases) + (1 - alpha) * law.entropy()
    return log2_powers(table_of(law), canvases, alpha)


def table_of(law: Joint) -> Table:
    """The table of a law without a formula, kept as long as the law is."""
    known = _TABLES.get(law)
    if known is None:
        size = law.support_size
        if size is None or size > TABLE_LIMIT:
            number = "too many" if size is None else f"{size:,}" if size < 10**15 else f"{size:.1e}"
            raise ValueError(
                f"mu^alpha of {law.name} needs all its outcomes ({number}), more than the "
                f"{TABLE_LIMIT:,} that can be enumerated; tables, products, Markov chains and "
                "uniform families do without; LocalPower and MeanFieldPower need no sum over them"
            )
        known = _TABLES[law] = law.table()
    return known


@log2_powers.register
def _(law: Table, canvases: IntArray, alpha: float) -> FloatArray:
    """One pass over the outcomes; canvases whose powers underflow are summed by logarithms."""
    known = _POWERS.get(law)
    peak = law.log2_mode()
    if known is None or known[0] != alpha:
        log2 = np.log2(law.weights.astype(np.float64)) - math.log2(law.total)
        known = _POWERS[law] = alpha, np.exp2(alpha * (log2 - peak))
    none = np.empty(0, np.int64)
    ids, _, totals = law._look_up(canvases, none, none, known[1])
    with np.errstate(divide="ignore"):
        out = np.asarray(np.log2(totals) + alpha * peak)[ids]
    for row in np.flatnonzero((totals < SMALLEST)[ids] & np.isfinite(law._log2_mass(canvases))):
        agrees = ((canvases[row] < 0) | (canvases[row] == law.outcomes)).all(axis=1)
        log2 = alpha * (np.log2(law.weights[agrees].astype(np.float64)) - math.log2(law.total))
        out[row] = np.logaddexp2.reduce(log2)
    return np.asarray(out, np.float64)


def fraction_futures(law: Table, canvases: IntArray, alpha: int) -> tuple[Array, Array]:
    """Z_alpha(c) and the probability of each canvas, as fractions ``(B,)``; 0 off support."""
    counts = law.weights.astype(object)
    powers = counts**alpha
    futures, masses = np.empty(len(canvases), object), np.empty(len(canvases), object)
    for row, canvas in enumerate(canvases):
        agrees = ((canvas < 0) | (canvas == law.outcomes)).all(axis=1)
        mass = sum(counts[agrees], 0)
        masses[row] = Fraction(mass, int(law.total))
        futures[row] = Fraction(sum(powers[agrees], 0), mass**alpha) if mass else Fraction(0)
    return futures, masses


@log2_powers.register
def _(law: Concatenation, canvases: IntArray, alpha: float) -> FloatArray:
    pieces = zip(law.parts, law._pieces(canvases), strict=True)
    return np.asarray(np.sum([log2_powers(part, piece, alpha) for part, piece in pieces], axis=0))


@log2_powers.register
def _(law: VariableNames, canvases: IntArray, alpha: float) -> FloatArray:
    token, probability = law._revealed(canvases)
    future = np.array([np.sum(one.probabilities**alpha) for one in law._laws_of])
    with np.errstate(divide="ignore"):
        each = np.where(token < 0, np.log2(future), alpha * np.log2(probability))
    return np.asarray(each.sum(axis=1))


@log2_powers.register
def _(law: MarkovChain, canvases: IntArray, alpha: float) -> FloatArray:
    once = _powers_of(law, law.transition, alpha)
    steps = np.broadcast_to(once, (law.length - 1, *once.shape))
    return log2_forward(canvases, _powers_of(law, law.initial, alpha), steps)


@log2_powers.register
def _(law: InhomogeneousChain, canvases: IntArray, alpha: float) -> FloatArray:
    initial = _powers_of(law, law.initial, alpha)
    return log2_forward(canvases, initial, _powers_of(law, law.transitions, alpha))


def _powers_of(law: Joint, probabilities: FloatArray, alpha: float) -> FloatArray:
    """``p**alpha``, refused where a positive one would vanish."""
    powers = np.asarray(probabilities**alpha)
    if (powers[probabilities > 0] < SMALLEST).any():
        raise ValueError(
            f"alpha must keep the powers of the probabilities of {law.name} above {SMALLEST:g}, "
            f"got {alpha:g}"
        )
    return powers
