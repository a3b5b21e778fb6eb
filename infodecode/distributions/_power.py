"""Power laws mu^alpha / Z: the target that balances quality against exploration."""

from __future__ import annotations

import math
import string
from functools import singledispatch

import numpy as np

from infodecode import _validation
from infodecode._typing import Array, FloatArray
from infodecode.distributions._compose import Concatenation
from infodecode.distributions._inhomogeneous import InhomogeneousChain
from infodecode.distributions._joint import Joint, require
from infodecode.distributions._markov import MarkovChain
from infodecode.distributions._power_sums import (
    SMALLEST,
    UNIFORM,
    exponent_of,
    log2_futures,
    table_of,
)
from infodecode.distributions._snippets import VariableNames
from infodecode.distributions._table import LARGEST_TOTAL, Table


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


@singledispatch
def _raised(law: Joint, alpha: float) -> Joint:
    """mu^alpha / Z, by the formula of the family or from its table."""
    if isinstance(law, UNIFORM):
        return law
    return _raised(table_of(law), alpha)


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


@_raised.register
def _(law: Concatenation, alpha: float) -> Joint:
    return Concatenation(*(_raised(part, alpha) for part in law.parts))


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


@_raised.register
def _(law: MarkovChain, alpha: float) -> Joint:
    steps = np.broadcast_to(law.transition, (law.length - 1, *law.transition.shape))
    return _reweighted(law, law.initial, steps, alpha)


@_raised.register
def _(law: InhomogeneousChain, alpha: float) -> Joint:
    return _reweighted(law, law.initial, law.transitions, alpha)


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


def _title(law: Joint, alpha: float) -> str:
    return f"power({law.name}, {alpha:g})"
