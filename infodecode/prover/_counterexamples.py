"""Laws that refute a claim, from several families, each checked exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from infodecode.distributions import Table
from infodecode.prover import _uniform
from infodecode.prover._lattices import (
    ATOMS,
    LINEAR,
    linear_lattice,
    linear_ranks,
    partition_lattice,
    representation,
)
from infodecode.prover._problem import Problem, Scaled
from infodecode.prover._walk import refutations

_LARGEST_WEIGHT = 4
_WEIGHTINGS = 6


@dataclass(frozen=True)
class Counterexample:
    """A law that satisfies the constraints and violates the claim.

    Attributes:
        law: with integer weights.
        ranks: of all masks, if the entropies are these numbers times the log of a field's size.
        description: where it comes from.
    """

    law: Table
    ranks: Mapping[int, int] | None
    description: str


def at_once(problem: Problem) -> Counterexample | None:
    """A law so simple that it is worth a look before any linear programme."""
    parts = _uniform.single(problem)
    return None if parts is None else _sum(problem, parts)


def search(
    problem: Problem, goal: Scaled, polymatroid: Mapping[int, Fraction], seed: int
) -> Counterexample | None:
    """A law that refutes ``goal``; the polymatroid, which does, is where to look first."""
    generator = np.random.default_rng(seed)
    return (
        _linear(problem, goal, polymatroid, generator)
        or _mixed(problem, goal)
        or _weighted(problem, goal, generator)
    )


def _sum(problem: Problem, parts: _uniform.Sum) -> Counterexample:
    law = _uniform.law_of(parts, problem.names)
    return Counterexample(law, dict(enumerate(_uniform.ranks_of(parts, problem.n))), law.name)


def _linear(
    problem: Problem,
    goal: Scaled,
    polymatroid: Mapping[int, Fraction],
    generator: np.random.Generator,
) -> Counterexample | None:
    wanted = {mask: int(value) for mask, value in polymatroid.items()}
    rank = max(wanted.values())
    for field, dimension in LINEAR:
        if rank == dimension and (numbers := representation(field, dimension, wanted, problem.n)):
            return _of_maps(problem, field, dimension, numbers)
    for field, dimension in LINEAR:
        lattice, weights = linear_lattice(field, dimension), np.ones(field**dimension, np.int64)
        for numbers in refutations(lattice, weights, problem, goal, generator):
            found = _of_maps(problem, field, dimension, numbers)
            if problem.refuted_by(goal, found.law):
                return found
    return None


def _of_maps(problem: Problem, field: int, dimension: int, numbers: list[int]) -> Counterexample:
    lattice, rank = linear_lattice(field, dimension), linear_ranks(field, dimension)
    joint = lattice.joint(np.array(numbers)[:, None], range(1 << problem.n))
    return Counterexample(
        lattice.law(numbers, np.ones(field**dimension, np.int64), problem.names),
        {mask: int(rank[number[0]]) for mask, number in joint.items()},
        f"linear maps on GF({field})^{dimension}",
    )


def _mixed(problem: Problem, goal: Scaled) -> Counterexample | None:
    if not problem.equalities and not problem.inequalities:
        return None
    parts = _uniform.mixed(problem, goal)
    return None if parts is None else _sum(problem, parts)


def _weighted(
    problem: Problem, goal: Scaled, generator: np.random.Generator
) -> Counterexample | None:
    for atoms in ATOMS:
        lattice = partition_lattice(atoms)
        weightings = generator.integers(1, _LARGEST_WEIGHT + 1, size=(_WEIGHTINGS, atoms))
        weightings[0] = 1
        for weights in weightings:
            for numbers in refutations(lattice, weights, problem, goal, generator):
                law = lattice.law(numbers, weights, problem.names)
                if problem.refuted_by(goal, law):
                    text = ",".join(map(str, weights))
                    return Counterexample(law, None, f"{atoms} atoms of weights {text}")
    return None
