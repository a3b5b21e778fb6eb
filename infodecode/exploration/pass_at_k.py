"""Pass@k: whether one of k draws is right, exactly and from samples."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from infodecode import _validation
from infodecode._typing import Array
from infodecode.estimate import Estimate, mean_of_values, proportion
from infodecode.exploration._chain import ExactChain

PROMPTS = ("fixed", "sampled")

MOST_DRAWS = 1 << 53
"""Largest k that is exact as a float."""


def pass_at_k(successes: object, k: object) -> float | Fraction | Array:
    r"""The probability that at least one of k independent draws is right, on average over prompts.

    .. math:: \text{Pass@}k = \frac1P \sum_{p} 1 - (1 - s_p)^k

    With ``k`` draws a rule that is seldom right on every prompt beats one that is mostly right on
    most of them and never on the others: exploration counts as soon as k > 1.

    Accurate for small and large probabilities alike: 1 - (1 - s)^k is computed as
    ``-expm1(k log1p(-s))``.

    Args:
        successes: probability s of a right answer, one number or ``(P,)`` of each prompt, in
            [0, 1]. If all are fractions, so is the result.
        k: number of draws >= 1, or several.

    Returns:
        a number, or an array with one for each k.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> float(pass_at_k([0.5, 0.0], 4)), pass_at_k([0.25, 0.25], [1, 16]).round(4).tolist()
        (0.46875, [0.25, 0.99])

    Reference: Chen et al. 2021 (arXiv 2107.03374), section 2.1.
    """
    given = [successes] if isinstance(successes, int | float | Fraction) else successes
    shares = _validation.iterate("successes", given)
    if not shares:
        raise ValueError("successes must hold at least one prompt, got none")
    checked = [
        _validation.number(f"successes[{p}]", s, minimum=0, maximum=1) for p, s in enumerate(shares)
    ]
    several = not isinstance(k, int | np.integer)
    draws = [
        _validation.integer(f"k[{i}]" if several else "k", v, minimum=1, maximum=MOST_DRAWS)
        for i, v in enumerate(_validation.iterate("k", k) if several else [k])
    ]
    if all(isinstance(s, Fraction) for s in shares):
        exact = [sum((1 - (1 - s) ** v for s in shares), Fraction(0)) / len(shares) for v in draws]
        return np.array(exact, dtype=object) if several else exact[0]
    values = np.array([_mean_pass(np.array(checked), v) for v in draws])
    return values if several else float(values[0])


def _mean_pass(successes: Array, k: int) -> float:
    sure = successes == 1
    failing = np.log1p(-np.where(sure, 0.0, successes))
    return math.fsum(np.where(sure, 1.0, -np.expm1(k * failing))) / len(successes)


def pass_at_k_estimate(
    correct: object,
    samples: object,
    k: int,
    *,
    prompts: str = "fixed",
    confidence: float = 0.95,
) -> Estimate:
    r"""Pass@k from samples, without bias, with an interval.

    .. math:: \widehat{\text{Pass@}k}
              = \frac1P \sum_p 1 - \binom{n_p - c_p}{k} \Big/ \binom{n_p}{k}

    with c of n samples right. (1 - (1 - c/n)^k is biased downwards.)

    The interval answers one of two questions. ``prompts="fixed"``: these prompts are the ones that
    matter, only answers were sampled. It then comes from Clopper-Pearson intervals of each prompt,
    wide enough to hold together, and covers at least as claimed; with many prompts it is cautious.
    ``prompts="sampled"``: the prompts stand for others like them. It is then the normal interval
    of the mean over prompts, unbounded for a single one.

    Args:
        correct: ``(P,)`` how many samples of each prompt are right, or one number.
        samples: how many there are: one number, or ``(P,)``; each at least ``k``.
        k: number of draws >= 1.
        prompts: see above.
        confidence: of the interval.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> print(pass_at_k_estimate([3, 0, 10], 10, 2))
        0.51111 [0.31407, 0.84436]

    Reference: Chen et al. 2021 (arXiv 2107.03374), section 2.1 and Figure 3.
    """
    right = _counts("correct", correct)
    total = _counts("samples", samples, minimum=1)
    if len(total) == 1:
        total *= len(right)
    if len(total) != len(right):
        raise ValueError(
            f"samples must be one number or one per prompt ({len(right)}), got {len(total)}"
        )
    draws = _validation.integer("k", k, minimum=1)
    level = _validation.confidence_level(confidence)
    _validation.choice("prompts", prompts, PROMPTS)
    for p, (c, n) in enumerate(zip(right, total, strict=True)):
        if c > n:
            raise ValueError(f"correct[{p}] must be at most the {n} samples, got {c}")
        if n < draws:
            raise ValueError(f"samples[{p}] must be at least k={draws}, got {n}")
    each = [_unbiased(c, n, draws) for c, n in zip(right, total, strict=True)]
    if prompts == "sampled":
        return mean_of_values(np.array(each), level)
    together = 1 - (1 - level) / len(right)
    found = [proportion(c, n, together) for c, n in zip(right, total, strict=True)]
    low, high = (
        _mean_pass(np.array([getattr(one, end) for one in found]), draws) for end in ("low", "high")
    )
    value = math.fsum(each) / len(each)
    return Estimate(value, min(low, value), max(high, value), level)


def _unbiased(correct: int, samples: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k) as one minus the product of 1 - k / i, i = n - c + 1 … n."""
    if samples - correct < k:
        return 1.0
    i = np.arange(samples - correct + 1, samples + 1)
    return float(-np.expm1(np.log1p(-k / i).sum())) + 0.0


def _counts(name: str, value: object, minimum: int = 0) -> list[int]:
    if isinstance(value, int | np.integer):
        return [_validation.integer(name, value, minimum=minimum)]
    items = _validation.iterate(name, value)
    if not items:
        raise ValueError(f"{name} must hold at least one prompt, got none")
    return [_validation.integer(f"{name}[{p}]", v, minimum=minimum) for p, v in enumerate(items)]


def chain_pass(chain: ExactChain, correct: object, steps: int) -> Array:
    """The probability that a chain has been at a right answer, after 0, 1, …, ``steps`` moves.

    A verifier looks at every state of one chain, instead of at the ends of many: each further look
    costs one proposal, but states that follow each other are alike.

    Args:
        chain: an exact chain (`infodecode.exploration.exact_chain`).
        correct: ``(K, n)`` right answers, each possible under the data.
        steps: moves, >= 0.

    Returns:
        ``(steps + 1,)`` probabilities, never decreasing; fractions on a rational chain.

    Example:
        >>> from infodecode import Decoder, distributions, strategies
        >>> from infodecode.exploration import exact_chain
        >>> bits = distributions.Table([[0, 0], [1, 1]])
        >>> chain = exact_chain(bits, Decoder(strategies.TopK(2)), arithmetic="rational")
        >>> print(*chain_pass(chain, [[1, 1]], 2))
        1/4 7/16 37/64
    """
    law = chain.distribution
    rows = _validation.sequences("correct", correct, law.alphabet_sizes)
    number = _validation.integer("steps", steps, minimum=0)
    impossible = ~np.isfinite(law._log2_mass(rows))
    if impossible.any():
        row = int(np.argmax(impossible))
        raise ValueError(
            f"correct must be possible under {law.name}, got {rows[row].tolist()} in row {row}"
        )
    known = {row.tobytes() for row in np.ascontiguousarray(rows, np.int32)}
    wrong = np.array(
        [row.tobytes() not in known for row in np.ascontiguousarray(chain.outcomes, np.int32)]
    )
    moves, entry = chain.transition[np.ix_(wrong, wrong)], chain.entry[wrong]
    state, outside = chain.start[wrong], _outside(chain.start.sum())
    staying = _outside(chain.entry.sum())
    out = []
    for _ in range(number + 1):
        out.append(1 - (state.sum() + outside))
        state, outside = state @ moves + outside * entry, outside * staying
    if chain.start.dtype == object:
        return np.array(out, dtype=object)
    return np.clip(np.array(out, np.float64), 0.0, 1.0)


def _outside(mass: float | Fraction) -> float | Fraction:
    return 1 - mass if isinstance(mass, Fraction) else max(0.0, 1.0 - float(mass))
