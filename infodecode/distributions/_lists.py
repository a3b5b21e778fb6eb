"""List operations: a certain outcome, or an item inserted or removed at a random place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._kernels.families import location_counts_into, location_laws_into
from infodecode._rounding import nonnegative
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions._joint import LARGEST_LIST, Joint, letters
from infodecode.distributions._symmetry import Automorphism
from infodecode.distributions._table import Table

GAINS_LENGTH = 10_000
"""Most positions for which `RandomPlace.mean_gains` adds up n^2 / 2 terms (about a second)."""


class Certain(Joint):
    """A single sequence, for certain: every entropy and every total correlation is 0.

    Args:
        sequence: ``(n,)`` tokens.
        alphabet_sizes, labels, names, template, name: as for `Table`.
    """

    def __init__(
        self,
        sequence: Sequence[int],
        *,
        alphabet_sizes: Sequence[int],
        labels: Sequence[Sequence[object]] | None = None,
        names: Sequence[object] | None = None,
        template: str | None = None,
        name: str,
    ) -> None:
        self._describe(name, alphabet_sizes, labels, names, template)
        rows = _validation.integer_array("sequence", [sequence], dimensions=2)
        self.sequence: IntArray = _validation.sequences("sequence", rows, self.alphabet_sizes)[0]
        self.sequence.flags.writeable = False

    @property
    def support_size(self) -> int:
        return 1

    def _agrees(self, canvases: IntArray) -> IntArray:
        return np.asarray(~((canvases >= 0) & (canvases != self.sequence)).any(axis=1))

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), max(self.alphabet_sizes)))
        out[np.arange(len(rows)), self.sequence[positions]] = self._agrees(canvases)[rows]
        return out

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        return np.where(self._agrees(canvases), 0.0, -np.inf)

    def _completions(self, canvases: IntArray) -> FloatArray:
        return self._agrees(canvases).astype(np.float64)

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        return np.tile(self.sequence, (size, 1))

    def _entropy(self, positions: tuple[int, ...]) -> float:
        return 0.0

    def position_entropies(self) -> FloatArray:
        return np.zeros(self.length)

    def size_entropies(self) -> FloatArray:
        return np.zeros(self.length + 1)

    def log2_mode(self) -> float:
        return 0.0

    def _enumerate(self) -> Table:
        return Table(
            self.sequence[None], alphabet_sizes=self.alphabet_sizes, labels=self.labels,
            names=self.names, template=self.template, name=self.name,
        )  # fmt: skip


class RandomPlace(Joint):
    r"""A place drawn uniformly from m; each position tells whether it lies later, here or earlier.

    Revealed positions leave an interval of places, so a conditional marginal is a count. The
    entropy of k positions is :math:`\log_2 m-\frac1m\sum_c c\log_2 c` over the sizes c of the
    groups of places that they do not tell apart.

    Attributes:
        places: m.
    """

    _before: IntArray
    _here: IntArray
    _after: IntArray

    def _set_up(
        self, name: str, places: int, labels: Sequence[Sequence[str]], *, points: bool
    ) -> None:
        """Tokens of the kinds before, here and after; ``points``: a position tells "here" apart."""
        self._describe(name, [len(row) for row in labels], labels)
        self.places = places
        self._points = points

    @property
    def support_size(self) -> int:
        return self.places

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), max(self.alphabet_sizes)))
        location_laws_into(
            canvases, rows, positions, self.places, self._before, self._here, self._after, out
        )
        return out

    def _completions(self, canvases: IntArray) -> FloatArray:
        counts = np.empty(len(canvases), np.int64)
        location_counts_into(canvases, self.places, self._before, self._here, self._after, counts)
        return counts.astype(np.float64)

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log2(self._completions(canvases) / self.places) + 0.0)

    def _outcomes(self, places: IntArray) -> IntArray:
        i = np.arange(self.length)
        later, here = places[:, None] > i, places[:, None] == i
        rows = np.where(later, self._before, np.where(here, self._here, self._after))
        return rows.astype(np.int32)

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        return self._outcomes(generator.integers(self.places, size=size))

    def _enumerate(self) -> Table:
        return Table(
            self._outcomes(np.arange(self.places)),
            alphabet_sizes=self.alphabet_sizes,
            labels=self.labels,
            name=self.name,
        )

    def log2_mode(self) -> float:
        return 0.0 - math.log2(self.places)

    @cached_property
    def _bits(self) -> FloatArray:
        """c log2(c) / m, for a group of c places that are not told apart."""
        c = np.arange(self.places + 1)
        return np.asarray(c * np.log2(np.maximum(c, 1)) / self.places)

    def _entropy(self, positions: tuple[int, ...]) -> float:
        last = -1
        groups = []
        for i in sorted(positions):
            groups.append(self._bits[i - last - self._points])
            last = i
        groups.append(self._bits[self.places - 1 - last])
        return nonnegative(float(self._bits[-1]) - math.fsum(groups), scale=float(self._bits[-1]))

    def position_entropies(self) -> FloatArray:
        i = np.arange(self.length)
        told = self._bits[i + 1 - self._points] + self._bits[self.places - 1 - i]
        return np.asarray(self._bits[-1] - told)

    def erasure_entropies(self) -> FloatArray:
        """Without a position, only the places that it alone tells apart form a group."""
        return np.full(self.length, self._bits[2 - self._points])

    def _subset_entropies(self) -> FloatArray:
        """Adding a position after all others of a set splits the group of the places after them."""
        lost = np.empty(1 << self.length)
        lost[0] = self._bits[-1]
        for i in range(self.length):
            others = np.arange(1 << i)
            last = np.array([int(mask).bit_length() - 1 for mask in others])
            lost[1 << i : 2 << i] = (
                lost[: 1 << i]
                - self._bits[self.places - 1 - last]
                + self._bits[i - last - self._points]
                + self._bits[self.places - 1 - i]
            )
        entropies: FloatArray = self._bits[-1] - lost
        return nonnegative(entropies, scale=float(self._bits[-1]))

    def mean_gains(self) -> FloatArray | None:
        """From the sizes of the k + 1 groups that k random positions leave, all distributed alike.

        A group holds g places more than the fewest possible with probability C(N-g-1, k-1)/C(N, k),
        N the number of positions.
        """
        n = self.length
        if n > GAINS_LENGTH:
            return None
        sizes = np.arange(n + 1)
        fewest = 0 if self._points else 1
        means = np.zeros(n + 1)
        for k in range(1, n + 1):
            g = sizes[1 : n - k + 1]
            share = np.cumprod(np.concatenate([[k / n], (n - g - k + 1) / (n - g)]))
            means[k] = self._bits[-1] - (k + 1) * (share @ self._bits[sizes[: n - k + 1] + fewest])
        return np.asarray(np.diff(means))


class InsertRandom(RandomPlace):
    r"""One new item goes in at a uniformly random one of the n + 1 places of a list of n.

    n + 1 positions; the entropy is :math:`\log_2(n+1)`. Token 0 is the new item; the others are the
    items that may stand at the position.
    """

    def __init__(self, n: int) -> None:
        size = _validation.integer("n", n, minimum=1, maximum=LARGEST_LIST)
        items = letters(size)
        inner = [("new", items[i], items[i - 1]) for i in range(1, size)]
        labels = [("new", items[0]), *inner, ("new", items[-1])]
        self._set_up(f"insert_random({size})", size + 1, labels, points=True)
        self._here = np.zeros(size + 1, np.int64)
        self._before = np.ones(size + 1, np.int64)
        self._after = np.full(size + 1, 2)
        self._after[0], self._before[-1], self._after[-1] = -2, -2, 1

    def symmetries(self) -> tuple[Automorphism, ...]:
        n = self.length
        tokens = tuple(np.array([0, 2, 1]) if 0 < i < n - 1 else np.array([0, 1]) for i in range(n))
        return (Automorphism("turn the list round", np.arange(n)[::-1], tokens),)


class RemoveRandom(RandomPlace):
    r"""A uniformly random one of n items leaves the list.

    n - 1 positions; the entropy is :math:`\log_2 n`. Position i holds item i (token 0) or, if the
    item that left stood at i or before, item i + 1 (token 1).
    """

    def __init__(self, n: int) -> None:
        size = _validation.integer("n", n, minimum=2, maximum=LARGEST_LIST)
        items = letters(size)
        labels = [(items[i], items[i + 1]) for i in range(size - 1)]
        self._set_up(f"remove_random({size})", size, labels, points=False)
        self._before = np.zeros(size - 1, np.int64)
        self._here = self._after = np.ones(size - 1, np.int64)

    def symmetries(self) -> tuple[Automorphism, ...]:
        n = self.length
        return (Automorphism("turn the list round", np.arange(n)[::-1], (np.array([1, 0]),) * n),)


def copy(n: int) -> Certain:
    """*Copy*: the list itself, a single outcome; every total correlation is 0 (ParallelBench)."""
    size = _size(n)
    return _certain(f"copy({size})", range(size), letters(size))


def reverse(n: int) -> Certain:
    """*Reverse*: the list from its end, a single outcome (ParallelBench, *Waiting Line*).

    Example:
        >>> from infodecode import distributions
        >>> law = distributions.reverse(4)
        >>> law.render(law.sample(1)[0])
        'D C B A'
    """
    size = _size(n)
    return _certain(f"reverse({size})", range(size - 1, -1, -1), letters(size))


def sort(n: int, *, seed: int = 0) -> Certain:
    """*Sort*: a list in some order, sorted; a single outcome (ParallelBench, *Waiting Line*).

    Args:
        n: number of items.
        seed: of the order in which the items came; token k is the k-th item that came.

    Example:
        >>> from infodecode import distributions
        >>> law = distributions.sort(4)
        >>> law.labels[0], law.render(law.sample(1)[0])
        (('C', 'A', 'B', 'D'), 'A B C D')
    """
    size = _size(n)
    generator = np.random.default_rng(_validation.integer("seed", seed, minimum=0, maximum=None))
    came = generator.permutation(size)
    items = letters(size)
    return _certain(f"sort({size})", np.argsort(came).tolist(), [items[k] for k in came])


def replace_index(n: int, i: int) -> Certain:
    """*Replace Index*: the item at index ``i`` of n becomes the new one, a single outcome."""
    size = _size(n)
    index = _validation.integer("i", i, minimum=0, maximum=size - 1)
    tokens = [*range(index), size, *range(index + 1, size)]
    return _certain(f"replace_index({size}, {index})", tokens, [*letters(size), "new"])


def insert_index(n: int, i: int) -> Certain:
    """*Insert Index*: a new item goes in before index ``i`` of n (``i = n``: at the end).

    A single outcome of n + 1 positions (ParallelBench, *Waiting Line*).
    """
    size = _size(n)
    index = _validation.integer("i", i, minimum=0, maximum=size)
    tokens = [*range(index), size, *range(index, size)]
    return _certain(f"insert_index({size}, {index})", tokens, [*letters(size), "new"])


def remove_index(n: int, i: int) -> Certain:
    """*Remove Index*: the item at index ``i`` of n leaves.

    A single outcome of n - 1 positions (ParallelBench, *Waiting Line*).
    """
    size = _validation.integer("n", n, minimum=2, maximum=LARGEST_LIST)
    index = _validation.integer("i", i, minimum=0, maximum=size - 1)
    tokens = [*range(index), *range(index + 1, size)]
    return _certain(f"remove_index({size}, {index})", tokens, letters(size))


def _size(n: object) -> int:
    return _validation.integer("n", n, minimum=1, maximum=LARGEST_LIST)


def _certain(name: str, tokens: Sequence[int], items: Sequence[str]) -> Certain:
    return Certain(
        tokens, alphabet_sizes=[len(items)] * len(tokens), labels=[items] * len(tokens), name=name
    )
