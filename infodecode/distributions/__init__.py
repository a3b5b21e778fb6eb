"""Exact joint laws: tables, structured families, products and mixtures, and real data.

Every law offers exact conditional marginals, log-probabilities, samples and entropies; a structured
family does so without a table, so its length may go into the thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from infodecode import _validation
from infodecode.distributions._compose import Concatenation as Concatenation
from infodecode.distributions._compose import Mixture as Mixture
from infodecode.distributions._joint import LARGEST_LIST, letters
from infodecode.distributions._joint import TABLE_LIMIT as TABLE_LIMIT
from infodecode.distributions._joint import Joint as Joint
from infodecode.distributions._permutations import Permutations as Permutations
from infodecode.distributions._records import from_counts as from_counts
from infodecode.distributions._records import from_records as from_records
from infodecode.distributions._records import from_samples as from_samples
from infodecode.distributions._records import titanic as titanic
from infodecode.distributions._replacement import ReplaceRandom as ReplaceRandom
from infodecode.distributions._table import Table as Table


def permutations(n: int) -> Permutations:
    """*Shuffle*: the n! orders of n items, uniformly (ParallelBench, section 4.1)."""
    return Permutations(n)


def replace_random(n: int) -> ReplaceRandom:
    """*Replace Random*: a uniformly random one of n items is replaced (ParallelBench, 4.1)."""
    return ReplaceRandom(n)


def copy(n: int) -> Table:
    """*Copy*: the list itself, a single outcome; every total correlation is 0 (ParallelBench)."""
    size = _validation.integer("n", n, minimum=1, maximum=LARGEST_LIST)
    items = letters(size)
    return Table(
        [list(range(size))],
        alphabet_sizes=[size] * size,
        labels=[items] * size,
        name=f"copy({size})",
    )


def replace_index(n: int, i: int) -> Table:
    """*Replace Index*: the item at index ``i`` of n becomes the new one, a single outcome."""
    size = _validation.integer("n", n, minimum=1, maximum=LARGEST_LIST)
    index = _validation.integer("i", i, minimum=0, maximum=size - 1)
    row = list(range(size))
    row[index] = size
    return Table(
        [row],
        alphabet_sizes=[size + 1] * size,
        labels=[[*letters(size), "new"]] * size,
        name=f"replace_index({size}, {index})",
    )


def concatenate(*parts: Joint) -> Concatenation:
    """Independent parts side by side: the product of the laws over the positions of all."""
    return Concatenation(*parts)


def mixture(parts: Sequence[Joint], weights: Sequence[float | Fraction]) -> Mixture:
    """Draw one of ``parts`` with the given weights, then a sequence from it."""
    return Mixture(parts, weights)
