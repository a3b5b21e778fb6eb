"""A random walk over the laws of a lattice, towards those that refute a claim."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from infodecode._typing import FloatArray, IntArray
from infodecode.prover._lattices import Lattice
from infodecode.prover._problem import Problem, Scaled

_WALKERS = 512
_STEPS = 120
_TEMPERATURE = 0.2
_PENALTY = 4.0
_EXACT = 1e-9
_TRIED = 8


def refutations(
    lattice: Lattice,
    weights: IntArray,
    problem: Problem,
    goal: Scaled,
    generator: np.random.Generator,
) -> Iterator[list[int]]:
    """Partitions of the variables that fail ``goal`` within the constraints, in floats.

    Walkers change one variable at a time; half of them start where all variables are constant,
    which satisfies every constraint.
    """
    entropies = lattice.entropies(weights)
    walkers = _WALKERS >> max(0, problem.n - 4)
    current = generator.integers(len(entropies), size=(problem.n, walkers))
    current[:, : walkers // 2] = 0
    value, broken = _measured(lattice, entropies, problem, goal, current)
    score = value + _PENALTY * broken
    everyone = np.arange(walkers)
    tried = 0
    for step in range(_STEPS):
        proposal = current.copy()
        changed = generator.integers(problem.n, size=walkers)
        proposal[changed, everyone] = generator.integers(len(entropies), size=walkers)
        value, broken = _measured(lattice, entropies, problem, goal, proposal)
        for walker in np.nonzero((value < -_EXACT) & (broken < _EXACT))[0]:
            yield proposal[:, walker].tolist()
            tried += 1
            if tried == _TRIED:
                return
        new = value + _PENALTY * broken
        heat = _TEMPERATURE * (1 - step / _STEPS) * generator.exponential(size=walkers)
        accepted = new <= score + heat
        current[:, accepted], score[accepted] = proposal[:, accepted], new[accepted]


def _measured(
    lattice: Lattice, entropies: FloatArray, problem: Problem, goal: Scaled, numbers: IntArray
) -> tuple[FloatArray, FloatArray]:
    """The goal's value and by how much constraints are broken, for each walker."""
    forms = [goal, *problem.equalities.values(), *problem.inequalities.values()]
    joint = lattice.joint(numbers, {mask for form in forms for mask in form.vector})

    def on(form: Scaled) -> FloatArray:
        masks, coefficients = form.floats()
        return np.asarray(coefficients @ entropies[[joint[mask] for mask in masks.tolist()]])

    broken = np.zeros(numbers.shape[1])
    for form in problem.equalities.values():
        broken += np.abs(on(form))
    for form in problem.inequalities.values():
        broken += np.maximum(-on(form), 0)
    return on(goal), broken
