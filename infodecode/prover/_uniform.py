"""Laws in which any k of some variables are independent and decide the others of them.

Their ranks are those of uniform matroids U(k, m), realised by Reed-Solomon codes over a prime
field. For up to three variables every polymatroid is a sum of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Table
from infodecode.prover._cone import members
from infodecode.prover._problem import Problem, Scaled

LARGEST_SUPPORT = 1 << 14
"""Most outcomes of a law made here."""

_PRIMES = (2, 3, 5, 7)
_FEASIBLE = 1e-9


@dataclass(frozen=True)
class Uniform:
    """U(k, m) on the m variables of ``mask``; all other variables are constant."""

    mask: int
    k: int

    @property
    def size(self) -> int:
        return self.mask.bit_count()

    @property
    def field(self) -> int:
        """The smallest prime q over which a code realises it."""
        if self.k in (1, self.size - 1, self.size):
            return 2
        return next(q for q in _PRIMES if q >= self.size - 1)

    def ranks(self, n: int) -> list[int]:
        """Rank of each mask."""
        return [min(self.k, (self.mask & mask).bit_count()) for mask in range(1 << n)]

    def generator(self, field: int) -> IntArray:
        """``(k, m)`` matrix over GF(field), any k columns of which are independent."""
        if self.k == 1:
            return np.ones((1, self.size), np.int64)
        if self.k >= self.size - 1:
            extra = np.ones((self.k, self.size - self.k), np.int64)
            return np.hstack([np.eye(self.k, dtype=np.int64), extra])
        points = [[pow(x, power, field) for x in range(field)] for power in range(self.k)]
        infinity = [[0]] * (self.k - 1) + [[1]]
        return np.hstack([np.array(points), np.array(infinity)])[:, : self.size]


Sum = list[tuple[Uniform, int]]


def single(problem: Problem) -> Sum | None:
    """The smallest one that satisfies the constraints and fails a goal."""
    family, ranks = _family(problem.n)
    failing: set[int] = set()
    for goal in problem.goals:
        masks, coefficients = list(goal.vector), list(goal.vector.values())
        fits = problem.n * sum(map(abs, coefficients)) < 1 << 62
        weights = np.array(coefficients, np.int64 if fits else object)
        failing.update(np.nonzero(ranks[:, masks] @ weights < 0)[0].tolist())
    for j in sorted(failing, key=lambda j: (family[j].field ** family[j].k, j)):
        if problem.allows(ranks[j]):
            return [(family[j], 1)]
    return None


def mixed(problem: Problem, goal: Scaled) -> Sum | None:
    """Independent copies of several over one field, found by linear programming."""
    family, ranks = _family(problem.n)
    for field in sorted({part.field for part in family}):
        usable = [j for j, part in enumerate(family) if _over(part, field)]
        for weights in _combinations(problem, goal, ranks[usable]):
            parts = [(family[usable[j]], count) for j, count in weights.items()]
            values = sum(count * ranks[usable[j]] for j, count in weights.items())
            size = sum(part.k * count for part, count in parts) * math.log2(field)
            if (
                size <= math.log2(LARGEST_SUPPORT)
                and goal.on(np.asarray(values)) < 0
                and problem.allows(np.asarray(values))
            ):
                return parts
    return None


def ranks_of(parts: Sum, n: int) -> list[int]:
    """The sum of the ranks, by mask."""
    total = [0] * (1 << n)
    for part, count in parts:
        total = [t + count * r for t, r in zip(total, part.ranks(n), strict=True)]
    return total


def law_of(parts: Sum, names: tuple[str, ...]) -> Table:
    """Independent copies of the parts as one law, uniform on its outcomes."""
    field = field_of(parts)
    blocks: list[list[IntArray]] = [[] for _ in names]
    copies = [part for part, count in parts for _ in range(count)]
    dimension = sum(part.k for part in copies)
    seeds = np.indices((field,) * dimension).reshape(dimension, -1)
    start = 0
    for part in copies:
        words = part.generator(field).T @ seeds[start : start + part.k] % field
        start += part.k
        for word, i in zip(words, _bits(part.mask), strict=True):
            blocks[i].append(word)
    columns = []
    for symbols in blocks:
        token = np.zeros(seeds.shape[1], np.int64)
        for word in symbols:
            token = token * field + word
        columns.append(np.unique(token, return_inverse=True)[1].ravel())
    return Table(np.stack(columns, axis=1), names=names, name=described(parts, names))


def described(parts: Sum, names: tuple[str, ...]) -> str:
    """Such as ``U(2,3) on A,B,C over GF(2)``."""
    pieces = [
        f"{'' if count == 1 else f'{count} x '}U({part.k},{part.size}) on "
        f"{','.join(members(part.mask, names))}"
        for part, count in parts
    ]
    return f"{' + '.join(pieces)} over GF({field_of(parts)})"


def field_of(parts: Sum) -> int:
    """The smallest field that realises all parts."""
    return next(q for q in _PRIMES if all(_over(part, q) for part, _ in parts))


def _over(part: Uniform, field: int) -> bool:
    return part.field == 2 or field >= part.field


def _combinations(problem: Problem, goal: Scaled, ranks: IntArray) -> Iterator[dict[int, int]]:
    """Whole numbers of copies of each row of ``ranks``, near the solution in floats."""
    from scipy.optimize import linprog

    def values(forms: Sequence[Scaled]) -> list[FloatArray]:
        return [ranks[:, form.floats()[0]] @ form.floats()[1] for form in forms]

    equal = [*values(list(problem.equalities.values())), np.ones(len(ranks))]
    result = linprog(
        values([goal])[0],
        A_ub=[-row for row in values(list(problem.inequalities.values()))] or None,
        b_ub=np.zeros(len(problem.inequalities)) if problem.inequalities else None,
        A_eq=equal,
        b_eq=[0.0] * (len(equal) - 1) + [1.0],
        method="highs-ds",
    )
    if result.status != 0 or result.fun >= -_FEASIBLE:
        return
    for denominator in (12, 60, 1000):
        shares = {
            int(j): Fraction(result.x[j]).limit_denominator(denominator)
            for j in np.nonzero(result.x > _FEASIBLE)[0]
        }
        common = math.lcm(*(share.denominator for share in shares.values()))
        counts = {j: int(share * common) for j, share in shares.items() if share}
        shared = math.gcd(*counts.values()) or 1
        yield {j: count // shared for j, count in counts.items()}


@lru_cache(maxsize=8)
def _family(n: int) -> tuple[list[Uniform], IntArray]:
    family = [Uniform(mask, k) for mask in range(1, 1 << n) for k in range(1, mask.bit_count() + 1)]
    return family, np.array([part.ranks(n) for part in family], np.int64)


def _bits(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]
