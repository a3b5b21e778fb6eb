"""Power laws mu^alpha / Z: the target that balances quality against exploration."""

from __future__ import annotations

import math
import string
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
from infodecode.distributions._joint import TABLE_LIMIT, Joint, require
from infodecode.distributions._lists import Certain, RandomPlace
from infodecode.distributions._markov import MarkovChain
from infodecode.distributions._permutations import Permutations
from infodecode.distributions._replacement import ReplaceRandom
from infodecode.distributions._restricted import Derangements, Shuffled
from infodecode.distributions._snippets import VariableNames
from infodecode.distributions._table import LARGEST_TOTAL, Table

UNIFORM = (Certain, Derangements, LinearCode, Permutations, RandomPlace, ReplaceRandom, Shuffled)
"""Families whose outcomes are all equally probable: no power changes them."""

SMALLEST = 1e-290
"""Least positive power, relative to the largest, that a float law keeps with all its digits."""

_TABLES: weakref.WeakKeyDictionary[Joint, Table] = weakref.WeakKeyDictionary()
_POWERS: weakref.WeakKeyDictionary[Table, tuple[float, Array]] = weakref.WeakKeyDictionary()


def power(distribution: Joint, alpha: float) -> Joint:
    r"""The power law

    .. math:: \mu_\alpha(y) = \mu(y)^\alpha / Z_\alpha, \qquad Z_\alpha = \sum_y \mu(y)^\alpha

    Of all laws q it has the largest :math:`\mathbb E_q[\log_2\mu] + H(q)/\alpha`: quality plus
    exploration, at the exchange rate 1/alpha. It is a property of whole sequences. Drawing each
    token from its own marginal to the power alpha ("local tempering") does not give it.

    Closed where the family is: uniform laws stay as they are, independent parts are raised one by
    one, a Markov chain becomes an `InhomogeneousChain` at any length, a table stays a table. Any
    other law becomes a table.

    Args:
        distribution: the law mu.
        alpha: > 0; 1 leaves the law as it is, less than 1 flattens it.

    Returns:
        the law, over the same positions, alphabets and labels. Counts stay counts where alpha is an
        integer and their powers add up to at most 2**53; else they become floats.

    Raises:
        ValueError: alpha is not positive; no formula is known and the law has too many outcomes to
            enumerate; or a power is too small for a float beside the others.

    Example:
        >>> from infodecode import distributions
        >>> law = distributions.Table([[0, 1], [1, 0], [1, 1]], [8, 5, 5])
        >>> power(law, 4).probabilities.round(3).tolist()
        [0.766, 0.117, 0.117]

    Reference: Karan and Du 2025 (arXiv 2510.14901).
    """
    require("distribution", distribution)
    exponent = exponent_of(alpha)
    return distribution if exponent == 1 else _raised(distribution, exponent)


def log2_power_sum(distribution: Joint, alpha: float) -> float:
    r"""log2 of :math:`Z_\alpha = \sum_y \mu(y)^\alpha`, in bits.

    It is :math:`(1-\alpha) H_\alpha`, with :math:`H_\alpha` the Rényi entropy; at most 0 for
    alpha >= 1.

    Args:
        distribution, alpha: as for `power`, and with the same limits.

    Example:
        >>> from infodecode import distributions
        >>> round(log2_power_sum(distributions.permutations(4), 2), 4)  # -log2 24
        -4.585
    """
    require("distribution", distribution)
    blank = np.full((1, distribution.length), -1, np.int32)
    return float(log2_futures(distribution, blank, exponent_of(alpha))[0])


def log2_power_mass(distribution: Joint, canvases: object, alpha: float) -> FloatArray:
    r"""log2 of what the future of each canvas weighs in the power law.

    .. math:: Z_\alpha(c) = \sum_{\text{rest}} \mu(\text{rest} \mid c)^\alpha

    It is what local tempering forgets: the power law draws a token with probability proportional to
    :math:`\mu(x_i|c)^\alpha Z_\alpha(c, x_i)`. A canvas without masks has 0 bits; one of
    probability 0 has no future, -inf.

    Args:
        distribution, alpha: as for `power`, and with the same limits.
        canvases: ``(B, n)`` or ``(n,)`` tokens; -1 is masked.

    Returns:
        ``(B,)`` bits.

    Example:
        >>> from infodecode import distributions
        >>> law = distributions.Table([[0, 1], [1, 0], [1, 1]], [8, 5, 5])
        >>> log2_power_mass(law, [[0, -1], [1, -1]], 4).tolist()
        [0.0, -3.0]
    """
    require("distribution", distribution)
    rows = _validation.canvases("canvases", canvases, distribution.alphabet_sizes)
    return log2_futures(distribution, rows, exponent_of(alpha))


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
def _raised(law: Joint, alpha: float) -> Joint:
    """mu^alpha / Z, by the formula of the family or from its table."""
    if isinstance(law, UNIFORM):
        return law
    return _raised(_table_of(law), alpha)


@singledispatch
def log2_powers(law: Joint, canvases: IntArray, alpha: float) -> FloatArray:
    """log2 of the sum ``(B,)`` of mu^alpha over the outcomes that agree with each canvas."""
    if isinstance(law, UNIFORM):
        return law._log2_mass(canvases) + (1 - alpha) * law.entropy()
    return log2_powers(_table_of(law), canvases, alpha)


def _table_of(law: Joint) -> Table:
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


# Tables


def _title(law: Joint, alpha: float) -> str:
    return f"power({law.name}, {alpha:g})"


@_raised.register
def _(law: Table, alpha: float) -> Joint:
    if (law.weights == law.weights[0]).all():
        return law
    weights: Array = _whole_powers(law, alpha)
    if weights.dtype == object and sum(weights) <= LARGEST_TOTAL:
        weights = weights.astype(np.int64)
    else:
        log2 = np.log2(law.weights.astype(np.float64))
        powers = np.exp2(alpha * (log2 - log2.max()))
        if powers.min() < SMALLEST:
            raise ValueError(
                f"alpha must leave every outcome of {law.name} a probability that a float can "
                f"hold, got {alpha:g}: the least probable has {log2.min() - log2.max():.3g} bits "
                "to the most probable"
            )
        weights = powers / math.fsum(powers)
    return Table(
        law.outcomes, weights, alphabet_sizes=law.alphabet_sizes, labels=law.labels,
        names=law.names, template=law.template, name=_title(law, alpha),
    )  # fmt: skip


def _whole_powers(law: Table, alpha: float) -> Array:
    """Powers of the counts over their common divisor, as Python integers; empty if not whole."""
    if not (law.integer and isinstance(alpha, int)):
        return np.empty(0)
    divisor = int(np.gcd.reduce(law.weights))
    largest = int(law.weights.max()) // divisor
    if alpha * math.log2(largest) > math.log2(LARGEST_TOTAL):
        return np.empty(0)
    return np.array([(int(w) // divisor) ** alpha for w in law.weights], dtype=object)


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


# Families closed under powers


@_raised.register
def _(law: Concatenation, alpha: float) -> Joint:
    return Concatenation(*(_raised(part, alpha) for part in law.parts))


@log2_powers.register
def _(law: Concatenation, canvases: IntArray, alpha: float) -> FloatArray:
    pieces = zip(law.parts, law._pieces(canvases), strict=True)
    return np.asarray(np.sum([log2_powers(part, piece, alpha) for part, piece in pieces], axis=0))


@_raised.register
def _(law: VariableNames, alpha: float) -> Joint:
    slots = iter(f"<{law.placeholders[g]}>" for g in law.slots)
    snippet = "".join(
        text if field is None else text + next(slots)
        for text, field, _, _ in string.Formatter().parse(law.template)
    )
    raised = (_raised(one, alpha) for one in law._laws_of)
    laws = {name: one.table() for name, one in zip(law.placeholders, raised, strict=True)}
    return VariableNames(snippet, laws)


@log2_powers.register
def _(law: VariableNames, canvases: IntArray, alpha: float) -> FloatArray:
    token, probability = law._revealed(canvases)
    future = np.array([np.sum(one.probabilities**alpha) for one in law._laws_of])
    with np.errstate(divide="ignore"):
        each = np.where(token < 0, np.log2(future), alpha * np.log2(probability))
    return np.asarray(each.sum(axis=1))


@_raised.register
def _(law: MarkovChain, alpha: float) -> Joint:
    steps = np.broadcast_to(law.transition, (law.length - 1, *law.transition.shape))
    return _reweighted(law, law.initial, steps, alpha)


@_raised.register
def _(law: InhomogeneousChain, alpha: float) -> Joint:
    return _reweighted(law, law.initial, law.transitions, alpha)


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


def _reweighted(
    law: Joint, initial: FloatArray, transitions: FloatArray, alpha: float
) -> InhomogeneousChain:
    r"""The chain with :math:`P_i(x, y)^\alpha \beta_{i+1}(y) / \beta_i(x)`.

    :math:`\beta_i(x)` adds up the powers of all futures of state x at position i.
    """
    with np.errstate(divide="ignore"):
        log2_initial, log2_steps = alpha * np.log2(initial), alpha * np.log2(transitions)
    steps = np.empty(transitions.shape)
    future = np.zeros(len(initial))
    for i in range(len(transitions) - 1, -1, -1):
        weighed = log2_steps[i] + future
        future = np.logaddexp2.reduce(weighed, axis=1)
        steps[i] = np.exp2(weighed - future[:, None])
    start = log2_initial + future
    first = np.exp2(start - np.logaddexp2.reduce(start))
    for before, after in ((initial, first), (transitions, steps)):
        if (after[before > 0] < SMALLEST).any():
            raise ValueError(
                f"alpha must leave every outcome of {law.name} a probability that a float can "
                f"hold, got {alpha:g}"
            )
    return InhomogeneousChain(first, steps, labels=law.labels, name=_title(law, alpha))
