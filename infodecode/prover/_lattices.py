"""Lattices of partitions of a few atoms, from which laws are built.

Each variable is a partition of the atoms into its values; the joint variable of a set is the common
refinement. Two kinds: all partitions of a few atoms, and those of GF(q)^r by linear maps, where the
entropy of uniform atoms is the rank times log2 q.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Table

LINEAR = ((2, 2), (2, 3), (3, 2), (2, 4), (3, 3))
"""Fields and dimensions of the linear laws."""

ATOMS = (3, 4, 5, 6)
"""Numbers of atoms of the other laws."""

_NODES = 5000


@dataclass(frozen=True)
class Lattice:
    """Partitions closed under common refinement; number 0 is the trivial one.

    Attributes:
        labels: ``(L, N)`` the value of each of N atoms under each of L partitions.
        join: ``(L, L)`` number of the common refinement of two.
    """

    labels: IntArray
    join: IntArray

    def entropies(self, weights: IntArray) -> FloatArray:
        """``(L,)`` in bits, for atoms of these weights."""
        share = weights / weights.sum()
        cells = np.zeros(self.labels.shape)
        for atom, part in enumerate(share):
            cells[np.arange(len(cells)), self.labels[:, atom]] += part
        logs = np.log2(cells, out=np.zeros_like(cells), where=cells > 0)
        return np.asarray(-np.sum(cells * logs, axis=1))

    def joint(self, numbers: IntArray, masks: Iterable[int]) -> dict[int, IntArray]:
        """Joint variables ``(B,)`` of the masks, and of some others.

        Args:
            numbers: ``(n, B)`` partitions of the variables.
            masks: sets of variables.
        """
        found: dict[int, IntArray] = {0: np.zeros_like(numbers[0])}

        def of(mask: int) -> IntArray:
            if mask not in found:
                last = mask.bit_length() - 1
                found[mask] = np.asarray(self.join[of(mask ^ 1 << last), numbers[last]])
            return found[mask]

        for mask in masks:
            of(mask)
        return found

    def law(self, numbers: Sequence[int], weights: IntArray, names: tuple[str, ...]) -> Table:
        """The law of variables that are these partitions of atoms with these weights."""
        columns = [np.unique(self.labels[k], return_inverse=True)[1].ravel() for k in numbers]
        return Table(np.stack(columns, axis=1), weights, names=names, name="counterexample")


@lru_cache(maxsize=8)
def partition_lattice(atoms: int) -> Lattice:
    """All partitions of ``atoms`` atoms: 3 to 6 atoms have 5, 15, 52, 203."""
    halves = [[mask >> i & 1 for i in range(atoms)] for mask in range(2, 1 << atoms, 2)]
    return _closure(np.array(halves))


@lru_cache(maxsize=8)
def linear_lattice(field: int, dimension: int) -> Lattice:
    """The partitions of GF(field)^dimension by linear maps."""
    points = np.array(list(product(range(field), repeat=dimension)))
    return _closure((points[1:] @ points.T) % field)


def _closure(generators: IntArray) -> Lattice:
    """Everything that the generators, ``(G, N)`` labels, refine to together."""
    found = np.zeros((1, generators.shape[1]), np.int64)
    while True:
        grown = np.unique(np.concatenate([found, _refined(found, generators)]), axis=0)
        if len(grown) == len(found):
            break
        found = grown
    together = np.concatenate([found, _refined(found, found)])
    _, number = np.unique(together, axis=0, return_inverse=True)
    return Lattice(found, number.ravel()[len(found) :].reshape(len(found), len(found)))


def _refined(a: IntArray, b: IntArray) -> IntArray:
    """Common refinements of all pairs of rows; a value is named by its first atom."""
    code = (a[:, None, :] * (b.max() + 1) + b[None, :, :]).reshape(-1, a.shape[1])
    return np.asarray((code[:, :, None] == code[:, None, :]).argmax(axis=1))


def linear_ranks(field: int, dimension: int) -> IntArray:
    """The rank of each partition of `linear_lattice`."""
    lattice = linear_lattice(field, dimension)
    entropies = lattice.entropies(np.ones(field**dimension, np.int64))
    return np.rint(entropies / math.log2(field)).astype(np.int64)


def representation(
    field: int, dimension: int, ranks: Mapping[int, int], n: int
) -> list[int] | None:
    """Partitions of GF(field)^dimension whose joint ranks are ``ranks``, by backtracking.

    None if there are none, or after 5,000 steps. Only one choice of the first variable is tried:
    invertible maps lead from any subspace to all others of its dimension.
    """
    lattice, rank = linear_lattice(field, dimension), linear_ranks(field, dimension)
    wanted = np.array([ranks[mask] if mask else 0 for mask in range(1 << n)])
    chosen: list[int] = []
    steps = 0

    def extend(joint: IntArray) -> bool:
        nonlocal steps
        i = len(chosen)
        if i == n:
            return True
        fits = (rank[lattice.join[joint]] == wanted[1 << i : 2 << i, None]).all(axis=0)
        for number in np.nonzero(fits)[0][: None if i else 1].tolist():
            steps += 1
            if steps > _NODES:
                return False
            chosen.append(number)
            if extend(np.concatenate([joint, lattice.join[joint, number]])):
                return True
            chosen.pop()
        return False

    return chosen if extend(np.zeros(1, np.int64)) else None
