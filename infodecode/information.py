"""Information measures of a joint law, in bits.

Every function works on any distribution, through its exact entropies. Quantities that are proved
to be nonnegative never come out as -1e-17 or -0.0: see `nonnegative`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from infodecode import _validation
from infodecode._rounding import nonnegative
from infodecode._subsets import walk_subsets
from infodecode._typing import FloatArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require

Positions: TypeAlias = Iterable[int] | int

SUBSETS_LENGTH = 20
"""Most positions of which `subset_entropies` visits all subsets."""


def entropy(
    distribution: Joint, positions: Positions | None = None, given: Positions = ()
) -> float:
    r"""Entropy of some positions, conditional on others.

    .. math:: H(Y_A | Y_G) = H(Y_{A \cup G}) - H(Y_G)

    Cost: O(N n) for N outcomes; families in docs/complexity.md.

    Args:
        distribution: joint law of n positions.
        positions: A; by default everything that is not given.
        given: G, disjoint from A.

    Returns:
        bits, >= 0: the mean over values of Y_G, weighted by their probability.

    Raises:
        ValueError: a position is out of range, repeated, or in both A and G.

    Example:
        >>> from infodecode import distributions
        >>> entropy(distributions.permutations(4), [0, 1], given=[2])
        2.584962500721156
    """
    require("distribution", distribution)
    chosen, known = _disjoint(distribution, positions, given)
    joint = distribution.entropy(chosen + known)
    return nonnegative(joint - distribution.entropy(known), scale=joint)


def mutual_information(
    distribution: Joint, a: Positions, b: Positions, given: Positions = ()
) -> float:
    r"""What two disjoint sets of positions tell about each other.

    .. math:: I(Y_A; Y_B | Y_G)
              = H(Y_{A \cup G}) + H(Y_{B \cup G}) - H(Y_{A \cup B \cup G}) - H(Y_G)

    Cost: O(N n) for N outcomes; families in docs/complexity.md.

    Args:
        distribution: joint law of n positions.
        a: A.
        b: B.
        given: G; A, B and G share no position.

    Returns:
        bits, >= 0; 0 exactly when A and B are independent given G.

    Raises:
        ValueError: a position is out of range, repeated, or in two of the sets.

    Example:
        >>> from infodecode import distributions
        >>> mutual_information(distributions.copy(2), 0, 1)
        0.0
    """
    require("distribution", distribution)
    first = _validation.positions("a", a, distribution.length)
    second = _validation.positions("b", b, distribution.length)
    known = _validation.positions("given", given, distribution.length)
    _require_disjoint(("a", first), ("b", second))
    _require_disjoint(("a", first), ("given", known))
    _require_disjoint(("b", second), ("given", known))
    joint = distribution.entropy(first + second + known)
    apart = distribution.entropy(first + known) + distribution.entropy(second + known)
    return nonnegative(apart - joint - distribution.entropy(known), scale=joint)


def total_correlation(
    distribution: Joint, positions: Positions | None = None, given: Positions = ()
) -> float:
    r"""What is lost by drawing positions independently from their exact marginals, in one round.

    .. math:: C(Y_A | Y_G) = \sum_{i \in A} H(Y_i | Y_G) - H(Y_A | Y_G)

    It is the least KL(data ‖ output) of any model that decodes A in a single round after G.

    Cost: O(N n) for N outcomes, else the entropy and O(n); with ``given``, an entropy for each
    position.

    Args:
        distribution: joint law of n positions.
        positions: A; by default everything that is not given.
        given: G, disjoint from A.

    Returns:
        bits, >= 0; 0 exactly when the positions of A are independent given G.

    Raises:
        ValueError: a position is out of range, repeated, or in both A and G.

    Example:
        >>> from infodecode import distributions
        >>> total_correlation(distributions.replace_random(4))  # 3 log2(4/3)
        1.2451124978365313

    Reference: Watanabe 1960; ParallelBench (Kang et al. 2025), equation 1.
    """
    require("distribution", distribution)
    chosen, known = _disjoint(distribution, positions, given)
    if len(chosen) <= 1:
        return 0.0
    if known:
        base = distribution.entropy(known)
        singles = math.fsum(distribution.entropy((i, *known)) - base for i in chosen)
    else:
        base = 0.0
        singles = math.fsum(distribution.position_entropies()[list(chosen)])
    joint = distribution.entropy(chosen + known)
    return nonnegative(singles - (joint - base), scale=max(joint, singles))


def dual_total_correlation(distribution: Joint) -> float:
    r"""Information that at least two positions share.

    .. math:: D(Y) = H(Y) - \sum_i H(Y_i | Y_{-i})

    Cost: O(N n) for N outcomes, O(n) where the family knows its erasure entropies, else n
    entropies.

    Args:
        distribution: joint law of n positions.

    Returns:
        bits, >= 0, at most H(Y) and at most (n - 1) times the total correlation.

    Example:
        >>> from infodecode import distributions
        >>> dual_total_correlation(distributions.replace_random(4))
        2.0

    Reference: Han 1978; Austin 2018.
    """
    require("distribution", distribution)
    whole = distribution.entropy()
    last = math.fsum(distribution.erasure_entropies())
    return nonnegative(whole - last, scale=whole)


def kl_divergence(p: Joint, q: Joint) -> float:
    r"""Forward Kullback–Leibler divergence KL(p ‖ q).

    .. math:: \mathrm{KL}(p \,\|\, q) = \sum_y p(y) \log_2 \frac{p(y)}{q(y)}

    Args:
        p: the reference (the data); it must fit a table.
        q: law of the same positions over the same tokens, such as a decoder's output.

    Returns:
        bits, >= 0; inf where p has an outcome that q never gives.

    Raises:
        ValueError: p and q differ in length, alphabets or labels; or p is too large for a table.

    Example:
        >>> from infodecode import distributions
        >>> fair = distributions.Table([[0], [1]])
        >>> kl_divergence(fair, distributions.Table([[0], [1]], [1, 3]))
        0.2075187496394219
    """
    require("p", p)
    require("q", q)
    _require_same_space(p, q)
    table = p.table()
    theirs = q.log2_probability(table.outcomes)
    if np.isneginf(theirs).any():
        return math.inf
    terms = table.probabilities * (np.log2(table.probabilities) - theirs)
    return nonnegative(math.fsum(terms), scale=math.fsum(np.abs(terms)))


def total_variation(p: Joint, q: Joint) -> float:
    r"""Largest difference that p and q make to the probability of any event.

    .. math:: \mathrm{TV}(p, q) = \tfrac12 \sum_y |p(y) - q(y)| = 1 - \sum_y \min(p(y), q(y))

    Args:
        p: a law; p or q must fit a table.
        q: law of the same positions over the same tokens.

    Returns:
        a probability between 0 (equal laws) and 1 (disjoint supports); no unit.

    Raises:
        ValueError: p and q differ in length, alphabets or labels; or both are too large.

    Example:
        >>> from infodecode import distributions
        >>> fair = distributions.Table([[0], [1]])
        >>> total_variation(fair, distributions.Table([[0], [1]], [1, 3]))
        0.25
    """
    require("p", p)
    require("q", q)
    _require_same_space(p, q)
    if q.support_size is not None and (p.support_size is None or q.support_size < p.support_size):
        p, q = q, p
    table = p.table()
    theirs = np.exp2(q.log2_probability(table.outcomes))
    shared = math.fsum(np.minimum(table.probabilities, theirs))
    return 1.0 - nonnegative(1.0 - nonnegative(1.0 - shared))


def renyi_entropy(distribution: Joint, order: float) -> float:
    r"""Rényi entropy of the whole sequence.

    .. math:: H_\alpha = \frac1{1 - \alpha} \log_2 \sum_y p(y)^\alpha

    with the limits: order 0, log2 of the number of outcomes; order 1, Shannon's entropy; order inf,
    minus log2 of the largest probability.

    Args:
        distribution: joint law; orders other than 0 and 1 need its table.
        order: α >= 0, ``math.inf`` included.

    Returns:
        bits, >= 0, nonincreasing in the order.

    Raises:
        ValueError: the order is negative or not a number, or the law is too large for a table.

    Example:
        >>> from infodecode import distributions
        >>> renyi_entropy(distributions.Table([[0], [1]], [1, 3]), math.inf)
        0.4150374992788438

    Reference: Rényi 1961.
    """
    require("distribution", distribution)
    if not (isinstance(order, float) and order == math.inf):
        order = _validation.number("order", order, minimum=0)
    if order == 1:
        return distribution.entropy()
    if order == 0 and distribution.support_size is not None:
        return math.log2(distribution.support_size)
    logs = np.log(distribution.table().probabilities)
    top = float(logs.max())
    excess = order - 1
    if order == math.inf:
        nats = -top
    elif abs(excess * float(logs.min())) < 1:
        # sum p^α = 1 + sum p (p^(α-1) - 1), which keeps its digits as α tends to 1.
        nats = -math.log1p(math.fsum(np.exp(logs) * np.expm1(excess * logs))) / excess
    else:
        nats = -(order * top + math.log(math.fsum(np.exp(order * (logs - top))))) / excess
    return nonnegative(nats / math.log(2))


def subset_entropies(distribution: Joint) -> FloatArray:
    """Entropies of all sets of positions.

    Marginals are added up along a walk that drops one position at a time, from arrays over all
    cells or from merged outcomes, whichever is less work. Counts are added exactly; entropies are
    good to 1e-12 bits.

    Cost: prod(V_i + 1) additions if dense (3^n binary), at most N 2^n if not, 2^n where
    entropies have a formula.

    Args:
        distribution: joint law of n <= 20 positions that fits a table, or whose family has a
            formula for them (chains, codes, lists).

    Returns:
        ``(2**n,)`` bits; entry m is the entropy of the positions whose bit is set in m (bit i for
        position i), so entry 0 is 0.0 and the last one H(Y).

    Raises:
        ValueError: more than 20 positions; or all marginals together could have more than 4e9
            weights.

    Example:
        >>> from infodecode import distributions
        >>> subset_entropies(distributions.permutations(3)).round(3).tolist()
        [0.0, 1.585, 1.585, 2.585, 1.585, 2.585, 2.585, 2.585]
    """
    require("distribution", distribution)
    n = distribution.length
    if n > SUBSETS_LENGTH:
        raise ValueError(
            f"all subsets of at most {SUBSETS_LENGTH} positions can be visited, got {n} positions "
            f"(2^{n} subsets); ask entropy(distribution, positions) for the subsets you need, or "
            "information_curve_estimate(distribution) for the curve, from samples"
        )
    known = distribution._subset_entropies()
    return walk_subsets(distribution.table()) if known is None else known


def entropy_gains(distribution: Joint) -> FloatArray:
    """Mean entropy ``(n,)`` that one more position adds to k known ones, k = 0..n - 1.

    Averaged over all sets of k positions and all further positions; nonincreasing and >= 0.
    Limits are those of `subset_entropies`, unless the family has a formula (`mean_gains`).
    """
    gains = distribution.mean_gains()
    return gains_of(
        np.diff(mean_entropies(subset_entropies(distribution))) if gains is None else gains
    )


def mean_entropies(by_mask: FloatArray) -> FloatArray:
    """Mean ``(n + 1,)`` of all subset entropies ``(2**n,)`` over the subsets of each size."""
    size = np.bitwise_count(np.arange(len(by_mask)))
    return np.array([by_mask[size == k].mean() for k in range(len(by_mask).bit_length())])


def gains_of(differences: FloatArray) -> FloatArray:
    """`entropy_gains` from the differences ``(n,)`` of mean entropies, rounding errors removed."""
    scale = float(differences.sum())
    gains = nonnegative(differences, scale=scale)
    nonnegative(-np.diff(gains, append=0.0), scale=scale)
    return np.asarray(np.minimum.accumulate(gains), dtype=np.float64)


def information_curve(distribution: Joint) -> FloatArray:
    r"""What j - 1 random positions tell about another one, on average.

    .. math:: Z_j = \mathbb E_{|S| = j - 1,\, i \notin S}\; I(Y_i; Y_S), \qquad j = 1..n

    It decides every random order: see `infodecode.random_order_bits`. Its sum is the total
    correlation, and n Z_n is the total plus the dual total correlation.

    Cost: that of `subset_entropies`; O(n) to O(n²) where the family has a formula.
    `information_curve_estimate` serves any law.

    Args:
        distribution: joint law; of at most 20 positions (see `subset_entropies`), or of any length
            when its entropies depend on the number of positions only, or the family has a formula
            (chains, lists).

    Returns:
        ``(n,)`` bits, nondecreasing from ``Z_1 = 0.0``; entry j - 1 is Z_j.

    Raises:
        ValueError: beyond the limits of `subset_entropies`.

    Example:
        >>> from infodecode import distributions
        >>> information_curve(distributions.permutations(4)).round(3).tolist()
        [0.0, 0.415, 1.0, 2.0]

    Reference: Chen, Cong, Li 2025 (arXiv 2511.04647).
    """
    require("distribution", distribution)
    return curve_of(entropy_gains(distribution))


def curve_of(gains: FloatArray) -> FloatArray:
    """`information_curve` from the gains."""
    curve: FloatArray = gains[0] - gains
    return nonnegative(curve, scale=float(gains.sum()))


def _disjoint(
    distribution: Joint, positions: Positions | None, given: Positions
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    known = _validation.positions("given", given, distribution.length)
    if positions is None:
        given_too = set(known)
        return tuple(i for i in range(distribution.length) if i not in given_too), known
    chosen = _validation.positions("positions", positions, distribution.length)
    _require_disjoint(("positions", chosen), ("given", known))
    return chosen, known


def _require_disjoint(a: tuple[str, tuple[int, ...]], b: tuple[str, tuple[int, ...]]) -> None:
    shared = sorted(set(a[1]) & set(b[1]))
    if shared:
        raise ValueError(f"{a[0]} and {b[0]} must share no position, got {shared[0]} in both")


def _require_same_space(p: Joint, q: Joint) -> None:
    for what, ours, theirs in (
        ("length", p.length, q.length),
        ("alphabet sizes", p.alphabet_sizes, q.alphabet_sizes),
        ("labels", p.labels, q.labels),
    ):
        if ours != theirs:
            raise ValueError(f"p and q must have the same {what}, got {ours} and {theirs}")
