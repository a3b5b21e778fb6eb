"""Toy reasoning problems: prompts with a verifier, right answers, and ways to go wrong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from infodecode import _validation
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.distributions import Joint, Table
from infodecode.distributions._joint import require
from infodecode.distributions._table import LARGEST_TOTAL

MOST_ANSWERS = 1 << 16
"""Most sequences that a problem may have."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A prompt, what a perfect model of the data answers, and what a verifier accepts.

    Attributes:
        prompt: the question, for people.
        law: the model's law of answers, given the prompt.
        correct: ``(K, n)`` the answers that the verifier accepts.
    """

    prompt: str
    law: Table
    correct: IntArray

    def __post_init__(self) -> None:
        rows = _validation.sequences("correct", self.correct, self.law.alphabet_sizes)
        _validation.store(self, correct=rows)

    def __repr__(self) -> str:
        return f"<problem {self.prompt!r}: {len(self.correct)} right answers>"

    def accepts(self, sequences: object) -> BoolArray:
        """Which of ``(B, n)`` sequences are right, ``(B,)``."""
        rows = _validation.sequences("sequences", sequences, self.law.alphabet_sizes)
        known = {tuple(row) for row in self.correct.tolist()}
        return np.array([tuple(row) in known for row in rows.tolist()], bool)

    def success(self, output: Joint) -> float | Fraction:
        """Probability that a draw from an output law is right; a fraction of integer counts."""
        require("output", output)
        if output.alphabet_sizes != self.law.alphabet_sizes:
            raise ValueError(
                f"output must have the alphabets {self.law.alphabet_sizes}, got "
                f"{output.alphabet_sizes}"
            )
        if isinstance(output, Table):
            right = output.weights[self.accepts(output.outcomes)]
            if output.integer:
                return Fraction(int(right.sum()), int(output.total))
            return min(1.0, math.fsum(right))
        return min(1.0, math.fsum(np.exp2(output.log2_probability(self.correct))))


def sum_problem(
    total: int,
    *,
    digits: int = 3,
    base: int = 6,
    trap: Fraction | float = Fraction(3, 10),
    careless: Fraction | float = Fraction(4, 10),
) -> Problem:
    r"""Digits that add up to ``total``: many right answers, and two ways to go wrong.

    With shares t (``trap``) and c (``careless``), the law of answers is

    * t on one wrong sequence, a digit repeated: the *trap*. Where it is the most probable answer,
      decoders that prefer confident draws give it more often still, and greedy ones always;
    * c evenly on the wrong sequences with one and the same first digit, a *careless opening*: that
      token is likely, and whatever follows it is not. Rules that look at the next token only take
      it, the power law does not;
    * 1 - t - c evenly on the K right answers.

    So mu^alpha is right with probability

    .. math:: \frac{K^{1-\alpha}(1-t-c)^\alpha}
                   {K^{1-\alpha}(1-t-c)^\alpha + t^\alpha + M^{1-\alpha} c^\alpha}

    M being the number of careless answers: more often than mu where the trap is small, less often
    where it is large.

    Args:
        total: what the digits must add up to.
        digits: positions, at least 2.
        base: digits are 0 … base - 1; at least 3.
        trap: t in [0, 1), as a fraction for integer counts.
        careless: c in [0, 1); t + c < 1.

    Returns:
        the problem; digits are labelled, and the prompt says what is asked.

    Raises:
        TypeError, ValueError: an argument that cannot be, or no sequence adds up to ``total``.

    Example:
        >>> problem = sum_problem(3)
        >>> problem, problem.success(problem.law)
        (<problem '3 digits up to 5 that add up to 3': 10 right answers>, Fraction(3, 10))
    """
    length = _validation.integer("digits", digits, minimum=2)
    size = _validation.integer("base", base, minimum=3)
    if size**length > MOST_ANSWERS:
        raise ValueError(f"base ** digits must be at most {MOST_ANSWERS:,}, got {size}**{length}")
    most = length * (size - 1)
    goal = _validation.integer("total", total, minimum=0, maximum=most)
    t, c = _share("trap", trap), _share("careless", careless)
    if t + c >= 1:
        raise ValueError(f"trap and careless must leave room for right answers, got {t} and {c}")
    rows = np.array(list(itertools.product(range(size), repeat=length)), np.int32)
    right = rows.sum(axis=1) == goal
    opening = size - 1 if 2 * goal <= most else 0
    repeated = next(d for d in (size - 2, 1, 0, size - 1) if d * length != goal and d != opening)
    trapped = (rows == repeated).all(axis=1)
    loose = (rows[:, 0] == opening) & ~right
    shares = [(right, 1 - t - c), (trapped, t), (loose, c)]
    weights = np.full(len(rows), Fraction(0), dtype=object)
    for where, share in shares:
        weights[where] = share / int(where.sum())
    law = Table(
        rows, _counts(weights.tolist()), alphabet_sizes=(size,) * length,
        labels=[[str(d) for d in range(size)]] * length,
        name=f"sum_problem({goal}, trap={float(t):.3g}, careless={float(c):.3g})",
    )  # fmt: skip
    return Problem(f"{length} digits up to {size - 1} that add up to {goal}", law, rows[right])


def trap_problems(
    totals: Sequence[int] = (1, 2, 3, 4, 12, 13, 14),
    *,
    digits: int = 3,
    base: int = 6,
    careless: Fraction | float = Fraction(4, 10),
) -> tuple[Problem, ...]:
    """A family of `sum_problem`, from easy to hard: the trap grows and takes it from the answers.

    Of P prompts the p-th, p = 0 … P - 1, has trap (1 - careless) (p / P)^2: none in the first.
    Sharper laws gain on the easy prompts, which are more, and lose on the hard ones.

    Args:
        totals: one prompt for each.
        digits, base, careless: as in `sum_problem`.

    Example:
        >>> [float(problem.success(problem.law)) for problem in trap_problems((1, 2))]
        [0.6, 0.45]
    """
    asked = _validation.iterate("totals", totals)
    if not asked:
        raise ValueError("totals must hold at least one prompt, got none")
    room = 1 - _share("careless", careless)
    return tuple(
        sum_problem(
            total, digits=digits, base=base, trap=room * Fraction(p, len(asked)) ** 2,
            careless=careless,
        )
        for p, total in enumerate(asked)
    )  # fmt: skip


def _share(name: str, value: object) -> Fraction:
    """A share in [0, 1), read as it is written: 0.3 is 3/10."""
    number = _validation.number(name, value, minimum=0, maximum=1)
    if number == 1:
        raise ValueError(f"{name} must be less than 1, got {_validation.shown(value)}")
    return Fraction(value) if isinstance(value, Fraction) else Fraction(repr(number))


def _counts(weights: Sequence[Fraction]) -> Array:
    """Fractions as integer counts, or as floats where these would be too large."""
    common = math.lcm(*(w.denominator for w in weights))
    counts = [int(w * common) for w in weights]
    if sum(counts) > LARGEST_TOTAL:
        return np.array(weights, dtype=np.float64)
    return np.array(counts) // math.gcd(*counts)
