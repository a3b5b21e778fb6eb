"""A claim and its constraints as integer vectors over sets of variables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Table
from infodecode.prover import _logarithms
from infodecode.prover._forms import Form, Names
from infodecode.prover._grammar import Statement
from infodecode.prover._logarithms import Logs

Vector: TypeAlias = dict[int, int]
"""Integer coefficient of the joint entropy of each mask of variables."""


@dataclass(frozen=True)
class Scaled:
    """A form as ``unit`` times a vector of coprime integers."""

    vector: Vector
    unit: Fraction

    def on(self, values: Sequence[int] | IntArray) -> int:
        """The vector on integer values by mask, exactly."""
        return sum(c * int(values[mask]) for mask, c in self.vector.items())

    def floats(self) -> tuple[IntArray, FloatArray]:
        """Masks and coefficients, the largest of size 1."""
        masks = np.array(list(self.vector), np.int64)
        largest = max(map(abs, self.vector.values()), default=1)
        return masks, np.array([c / largest for c in self.vector.values()], np.float64)


@dataclass(frozen=True)
class Problem:
    """What is claimed of which variables.

    Attributes:
        names: the variables; bit i of a mask is ``names[i]``.
        goals: what is claimed to be >= 0: one form, or a form and its negative for ``==``.
        equalities: what is given to be 0, by the number of the constraint.
        inequalities: what is given to be >= 0.
    """

    names: tuple[str, ...]
    goals: tuple[Scaled, ...]
    equalities: Mapping[int, Scaled]
    inequalities: Mapping[int, Scaled]

    @property
    def n(self) -> int:
        return len(self.names)

    def allows(self, values: Sequence[int] | IntArray) -> bool:
        """Whether integer values by mask satisfy the constraints, exactly."""
        return all(not form.on(values) for form in self.equalities.values()) and all(
            form.on(values) >= 0 for form in self.inequalities.values()
        )

    def refuted_by(self, goal: Scaled, law: Table) -> bool:
        """Whether a law with integer weights satisfies the constraints and fails ``goal``."""
        cells = {0: Logs()}

        def sign(form: Scaled) -> int:
            for mask in form.vector:
                if mask not in cells:
                    cells[mask] = law_logs(law, [i for i in range(self.n) if mask >> i & 1])
            terms = [(Fraction(c), cells[mask]) for mask, c in form.vector.items()]
            return _logarithms.sign(_logarithms.combined(terms))

        return (
            sign(goal) < 0
            and all(sign(form) == 0 for form in self.equalities.values())
            and all(sign(form) >= 0 for form in self.inequalities.values())
        )


def problem_of(claim: Statement, given: Sequence[Statement], names: tuple[str, ...]) -> Problem:
    """The statements over the bits of ``names``."""
    goal = scaled(claim.form, names)
    opposite = Scaled({mask: -c for mask, c in goal.vector.items()}, goal.unit)
    constraints = [scaled(statement.form, names) for statement in given]
    kinds = [statement.equality for statement in given]
    return Problem(
        names,
        (goal, opposite) if claim.equality else (goal,),
        {k: form for k, form in enumerate(constraints) if kinds[k]},
        {k: form for k, form in enumerate(constraints) if not kinds[k]},
    )


def scaled(form: Form, names: tuple[str, ...]) -> Scaled:
    """A form with its sets as masks."""
    bit = {name: 1 << i for i, name in enumerate(names)}
    common = math.lcm(*(value.denominator for value in form.values()))
    whole = {sum(bit[name] for name in key): int(value * common) for key, value in form.items()}
    shared = math.gcd(*whole.values()) or 1
    vector = {mask: value // shared for mask, value in whole.items()}
    return Scaled(vector, Fraction(shared, common))


def law_logs(law: Table, positions: Sequence[int]) -> Logs:
    """The exact entropy of some positions of a law with integer weights."""
    _, cell = np.unique(law.outcomes[:, positions], axis=0, return_inverse=True)
    weights = np.zeros(int(cell.max()) + 1, np.int64)
    np.add.at(weights, cell.ravel(), law.weights)
    return _logarithms.entropy_logs(weights.tolist())


def law_difference(form: Mapping[Names, Fraction], law: Table) -> Logs:
    """A form on the entropies of a law whose positions have the variables' names."""
    return _logarithms.combined(
        (coefficient, law_logs(law, [law.names.index(name) for name in names]))
        for names, coefficient in form.items()
    )
