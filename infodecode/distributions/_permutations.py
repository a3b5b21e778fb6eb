"""Shuffle: the uniform law over all orders of n items."""

from __future__ import annotations

import itertools
import math
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._kernels.families import distinct_into, permutation_laws_into
from infodecode._kernels.rows import count_in_row
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions._joint import LARGEST_LIST, Joint, letters
from infodecode.distributions._symmetry import Exchangeable
from infodecode.distributions._table import Table


class Permutations(Joint):
    r"""Uniform law over the n! orders of n items (ParallelBench's *Shuffle*).

    Given r distinct revealed items, a masked position is uniform over the other n - r. Total
    correlation :math:`n\log_2 n-\log_2 n!` (ParallelBench, eq. 4).
    """

    exchangeable: Exchangeable | None = "positions and tokens"

    def __init__(self, n: int) -> None:
        size = _validation.integer("n", n, minimum=1, maximum=LARGEST_LIST)
        self._describe(f"permutations({size})", [size] * size, [letters(size)] * size)

    @property
    def support_size(self) -> int:
        return math.factorial(self.length)

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), self.length))
        permutation_laws_into(canvases, rows, False, out)
        return out

    def _natural_laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), self.length))
        permutation_laws_into(canvases, rows, True, out)
        return out

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        revealed = np.empty(len(canvases), np.int64)
        distinct_into(canvases, revealed)
        return np.where(revealed < 0, -np.inf, 0.0 - self._entropies[revealed])

    def _completions(self, canvases: IntArray) -> FloatArray:
        masked = np.arange(self.length + 1, dtype=np.float64)
        with np.errstate(over="ignore"):
            ways = np.cumprod(np.maximum(masked, 1))
        return np.asarray(ways[count_in_row(canvases < 0)])

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        items = np.tile(np.arange(self.length, dtype=np.int32), (size, 1))
        return generator.permuted(items, axis=1)

    def _entropy(self, positions: tuple[int, ...]) -> float:
        return float(self._entropies[len(positions)])

    def position_entropies(self) -> FloatArray:
        return np.full(self.length, math.log2(self.length))

    def log2_mode(self) -> float:
        return 0.0 - self._entropy(tuple(range(self.length)))

    def size_entropies(self) -> FloatArray:
        return self._entropies

    def mean_gains(self) -> FloatArray:
        return np.log2(np.arange(self.length, 0, -1))

    @cached_property
    def _entropies(self) -> FloatArray:
        """log2 of n (n-1) … (n-k+1) for k = 0..n, each correctly rounded."""
        falling = itertools.accumulate(range(self.length, 0, -1), lambda a, b: a * b, initial=1)
        entropies = np.array([math.log2(value) for value in falling])
        entropies.flags.writeable = False
        return entropies

    def _enumerate(self) -> Table:
        rows = np.array(list(itertools.permutations(range(self.length))), np.int32)
        return Table(rows, alphabet_sizes=self.alphabet_sizes, labels=self.labels, name=self.name)
