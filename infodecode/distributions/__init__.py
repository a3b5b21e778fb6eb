"""Exact joint laws: tables, structured families, products and mixtures, and real data.

Every law offers exact conditional marginals, log-probabilities, samples and entropies; a structured
family does so without a table, so its length may go into the thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from infodecode.distributions._codes import LinearCode as LinearCode
from infodecode.distributions._codes import linear_code as linear_code
from infodecode.distributions._codes import parity as parity
from infodecode.distributions._compose import Concatenation as Concatenation
from infodecode.distributions._compose import Mixture as Mixture
from infodecode.distributions._hidden_markov import HiddenMarkov as HiddenMarkov
from infodecode.distributions._hidden_markov import hidden_markov as hidden_markov
from infodecode.distributions._inhomogeneous import InhomogeneousChain as InhomogeneousChain
from infodecode.distributions._joint import TABLE_LIMIT as TABLE_LIMIT
from infodecode.distributions._joint import Joint as Joint
from infodecode.distributions._language import article as article
from infodecode.distributions._language import phrases as phrases
from infodecode.distributions._language import words as words
from infodecode.distributions._lists import Certain as Certain
from infodecode.distributions._lists import InsertRandom as InsertRandom
from infodecode.distributions._lists import RemoveRandom as RemoveRandom
from infodecode.distributions._lists import copy as copy
from infodecode.distributions._lists import insert_index as insert_index
from infodecode.distributions._lists import remove_index as remove_index
from infodecode.distributions._lists import replace_index as replace_index
from infodecode.distributions._lists import reverse as reverse
from infodecode.distributions._lists import sort as sort
from infodecode.distributions._markov import MarkovChain as MarkovChain
from infodecode.distributions._markov import markov_chain as markov_chain
from infodecode.distributions._permutations import Permutations as Permutations
from infodecode.distributions._power import log2_power_mass as log2_power_mass
from infodecode.distributions._power import log2_power_sum as log2_power_sum
from infodecode.distributions._power import power as power
from infodecode.distributions._profiles import profile_records as profile_records
from infodecode.distributions._puzzles import LatinSquares as LatinSquares
from infodecode.distributions._puzzles import Sudoku as Sudoku
from infodecode.distributions._puzzles import latin_squares as latin_squares
from infodecode.distributions._puzzles import sudoku as sudoku
from infodecode.distributions._records import from_counts as from_counts
from infodecode.distributions._records import from_records as from_records
from infodecode.distributions._records import from_samples as from_samples
from infodecode.distributions._records import titanic as titanic
from infodecode.distributions._replacement import ReplaceRandom as ReplaceRandom
from infodecode.distributions._restricted import Derangements as Derangements
from infodecode.distributions._restricted import Shuffled as Shuffled
from infodecode.distributions._snippets import FACTORIAL as FACTORIAL
from infodecode.distributions._snippets import SUM_OF_SQUARES as SUM_OF_SQUARES
from infodecode.distributions._snippets import VariableNames as VariableNames
from infodecode.distributions._snippets import variable_names as variable_names
from infodecode.distributions._symmetry import Automorphism as Automorphism
from infodecode.distributions._table import Table as Table


def permutations(n: int) -> Permutations:
    """*Shuffle*: the n! orders of n items, uniformly (ParallelBench, section 4.1)."""
    return Permutations(n)


def replace_random(n: int) -> ReplaceRandom:
    """*Replace Random*: a uniformly random one of n items is replaced (ParallelBench, 4.1)."""
    return ReplaceRandom(n)


def shuffled(n: int) -> Shuffled:
    r"""*Shuffle* as ParallelBench scores it: any order of n items but the original one, uniformly.

    Entropy :math:`\log_2(n!-1)`; total correlation :math:`n\log_2 n-\log_2(n!-1)` less the little
    that a position's own item is rarer than the others.

    Example:
        >>> shuffled(3).table().outcomes.tolist()
        [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    """
    return Shuffled(n)


def derangements(n: int) -> Derangements:
    r"""Orders of n items in which none is at its place, uniformly.

    With D the number of derangements, the entropy is :math:`\log_2 D` and the total correlation
    :math:`n\log_2(n-1)-\log_2 D`.

    Example:
        >>> derangements(3).table().outcomes.tolist()
        [[1, 2, 0], [2, 0, 1]]
    """
    return Derangements(n)


def insert_random(n: int) -> InsertRandom:
    r"""*Insert Random*: a new item goes into a list of n at a uniformly random place.

    n + 1 positions; entropy :math:`\log_2(n+1)` (ParallelBench, *Waiting Line*).

    Example:
        >>> law = insert_random(2)
        >>> [law.render(row) for row in law.table().outcomes]
        ['new A B', 'A new B', 'A B new']
    """
    return InsertRandom(n)


def remove_random(n: int) -> RemoveRandom:
    r"""*Remove Random*: a uniformly random one of n items leaves the list.

    n - 1 positions; entropy :math:`\log_2 n` (ParallelBench, *Waiting Line*).

    Example:
        >>> law = remove_random(3)
        >>> [law.render(row) for row in law.table().outcomes]
        ['B C', 'A C', 'A B']
    """
    return RemoveRandom(n)


def concatenate(*parts: Joint) -> Concatenation:
    """Independent parts side by side: the product of the laws over the positions of all."""
    return Concatenation(*parts)


def mixture(parts: Sequence[Joint], weights: Sequence[float | Fraction]) -> Mixture:
    """Draw one of ``parts`` with the given weights, then a sequence from it."""
    return Mixture(parts, weights)
