"""The linear programmes behind a verdict, and their answers in exact arithmetic.

HiGHS answers in floats. An answer counts only once it is rational and passes an exact check; if
simple fractions near the floats do not, the programme is solved again for the remaining error,
scaled up, which adds six or more digits a time (Gleixner, Steffy and Wolter 2016).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from infodecode._typing import Array, FloatArray

Column: TypeAlias = Sequence[tuple[int, int]]
"""A form known to be >= 0: ``(mask, coefficient)`` of each joint entropy in it."""

Weights: TypeAlias = dict[int, Fraction]

_DENOMINATORS = (1, 60, 10**4)
_REFINEMENTS = 30
_NEGLIGIBLE = 1e-9
_SPARSITY = 0.05
_SLOPE = 10
_TRIES = 3
_FAR = 10**6


class Programme:
    """Which forms are sums of the columns with weights >= 0, and what shows that others are not.

    Args:
        n: number of variables.
        columns: forms known to be >= 0; the elemental inequalities must be among them.
    """

    def __init__(self, n: int, columns: Sequence[Column]) -> None:
        self.everything = (1 << n) - 1
        self.columns = list(columns)

    def combination(self, target: Mapping[int, int]) -> Weights | None:
        """Exact weights >= 0 with which the columns add up to ``target``, as short as is easy.

        Earlier columns are cheaper. Without such an order a symmetric target has solutions of many
        terms with large denominators; with it, proofs follow the chain rule. Solving again with
        costs that fall with the weights then drops terms (Candès, Wakin and Boyd 2008).

        None if the programme has no solution in floats, or none whose fractions were found.
        """
        if not target:
            return {}
        matrix = self._matrix(self.columns)
        unit = Fraction(max(map(abs, target.values())))
        right = self._dense({mask: value / unit for mask, value in target.items()})
        slope = 1 + _SLOPE * np.arange(len(self.columns)) / len(self.columns)
        cost, found = slope, []
        for _ in range(_TRIES):
            if (solution := _solve(matrix, right, cost)) is None:
                return None
            x = np.where(solution[0] > _NEGLIGIBLE, solution[0], 0)
            weights = {int(j): Fraction(x[j]) * unit for j in np.nonzero(x)[0]}
            if (rounded := self._rounded_weights(weights, target)) is not None:
                found.append(rounded)
            cost = slope / (x / max(x.max(), _NEGLIGIBLE) + _SPARSITY)
        if found:
            return min(found, key=_length)
        prices = [Fraction(price) for price in slope]
        for weights, _, finest in self._refined(self.columns, target, prices):
            if (rounded := self._rounded_weights(weights, target, finest)) is not None:
                return rounded
        return None

    def decide(self, target: Mapping[int, int]) -> tuple[Weights | None, Weights | None]:
        """Exact weights as in `combination`, or an exact polymatroid on which ``target`` is < 0.

        One programme has both answers: the least s such that ``target`` + s H(everything) is such a
        sum. If s > 0, the dual solution is the polymatroid, scaled to coprime integers.

        Raises:
            ArithmeticError: neither was found, after many digits.
        """
        slack = len(self.columns)
        columns = [*self.columns, ((self.everything, -1),)]
        cost = [Fraction(0)] * slack + [Fraction(1)]
        for weights, duals, finest in self._refined(columns, target, cost):
            if (values := self._rounded_values(duals, target, finest)) is not None:
                return None, values
            if slack not in weights:
                found = self._rounded_weights(weights, target, finest)
                if found is not None:
                    return found, None
        raise ArithmeticError(
            "neither a certificate nor a polymatroid was found in exact arithmetic: the "
            "coefficients differ by too many orders of magnitude"
        )

    def holds(self, values: Mapping[int, Fraction]) -> bool:
        """Whether every column is >= 0 on the values."""
        return all(
            sum(coefficient * values[mask] for mask, coefficient in column) >= 0
            for column in self.columns
        )

    def _rounded_weights(
        self, weights: Weights, target: Mapping[int, int], finest: int = 1
    ) -> Weights | None:
        for denominator in (*_DENOMINATORS, finest):
            rounded = {j: w.limit_denominator(denominator) for j, w in weights.items()}
            rounded = {j: w for j, w in rounded.items() if w > 0}
            if not any(self._residual(self.columns, rounded, target).values()):
                return rounded
        return None

    def _rounded_values(
        self, duals: Sequence[Fraction], target: Mapping[int, int], finest: int
    ) -> Weights | None:
        for denominator in (*_DENOMINATORS, finest):
            rounded = [-y.limit_denominator(denominator) for y in duals]
            common = math.lcm(*(v.denominator for v in rounded))
            shared = math.gcd(*(int(v * common) for v in rounded)) or 1
            values = {mask: v * common / shared for mask, v in enumerate(rounded, start=1)}
            if sum(c * values[mask] for mask, c in target.items()) < 0 and self.holds(values):
                return values
        return None

    def _refined(
        self,
        columns: Sequence[Column],
        target: Mapping[int, int],
        cost: Sequence[Fraction],
    ) -> Iterator[tuple[Weights, list[Fraction], int]]:
        """Weights, dual values and a denominator they can tell apart, each time with more digits.

        It ends where HiGHS finds nothing.
        """
        matrix = self._matrix(columns)
        weights: Weights = {}
        duals = [Fraction(0)] * self.everything
        residual, reduced = _exact(target), list(cost)
        primal = dual = Fraction(1)
        for k in range(1, _REFINEMENTS + 1):
            primal = _power_of_two(1 / max(*map(abs, residual.values()), 1 / (primal * 2**30)))
            low = np.zeros(len(columns))
            for j, weight in weights.items():
                low[j] = -weight * primal if weight * primal < _FAR else -np.inf
            right = self._dense({mask: value * primal for mask, value in residual.items()})
            found = _solve(matrix, right, np.array([float(r * dual) for r in reduced]), low)
            if found is None:
                return
            for j in np.nonzero(found[0])[0].tolist():
                if found[0][j] - low[j] <= _NEGLIGIBLE:
                    weights.pop(j, None)
                else:
                    weights[j] = weights.get(j, Fraction(0)) + Fraction(found[0][j]) / primal
            weights = {j: weight for j, weight in weights.items() if weight > 0}
            duals = [y + Fraction(d) / dual for y, d in zip(duals, found[1], strict=True)]
            yield weights, duals, 10 ** (4 * k)
            residual = self._residual(columns, weights, target)
            reduced = [
                price - sum(coefficient * duals[mask - 1] for mask, coefficient in column)
                for price, column in zip(cost, columns, strict=True)
            ]
            worst = max(
                abs(r) if j in weights else max(-r, Fraction(0)) for j, r in enumerate(reduced)
            )
            if worst:
                dual = _power_of_two(1 / max(worst, 1 / (dual * 2**30)))

    def _residual(
        self, columns: Sequence[Column], weights: Weights, target: Mapping[int, int]
    ) -> Weights:
        left = _exact(target)
        for j, weight in weights.items():
            for mask, coefficient in columns[j]:
                left[mask] = left.get(mask, Fraction(0)) - weight * coefficient
        return left

    def _matrix(self, columns: Sequence[Column]) -> Any:
        from scipy.sparse import csc_array

        entries = [(mask - 1, j, float(c)) for j, col in enumerate(columns) for mask, c in col]
        rows, places, values = zip(*entries, strict=True)
        return csc_array((values, (rows, places)), shape=(self.everything, len(columns)))

    def _dense(self, target: Mapping[int, Fraction]) -> FloatArray:
        right = np.zeros(self.everything)
        for mask, value in target.items():
            right[mask - 1] = float(value)
        return right


def _solve(
    matrix: Any, right: FloatArray, cost: Array, low: FloatArray | None = None
) -> tuple[FloatArray, FloatArray] | None:
    """The solution and the dual values of: least cost, matrix x = right, x >= low."""
    from scipy.optimize import linprog

    bounds = (0, None) if low is None else np.stack([low, np.full_like(low, np.inf)], axis=1)
    result = linprog(cost, A_eq=matrix, b_eq=right, bounds=bounds, method="highs-ds")
    if result.status != 0:
        return None
    return np.asarray(result.x), np.asarray(result.eqlin.marginals)


def _length(weights: Weights) -> int:
    """About how long the sum is in writing."""
    return sum(16 + len(str(weight)) for weight in weights.values())


def _exact(target: Mapping[int, int]) -> Weights:
    return {mask: Fraction(value) for mask, value in target.items()}


def _power_of_two(scale: Fraction) -> Fraction:
    """The largest power of two up to ``scale``: scaling by it rounds nothing."""
    numerator, denominator = scale.numerator, scale.denominator
    exponent = numerator.bit_length() - denominator.bit_length()
    if numerator * 2 ** max(-exponent, 0) < denominator * 2 ** max(exponent, 0):
        exponent -= 1
    return Fraction(2) ** exponent
