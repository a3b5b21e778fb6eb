"""Replace Random: one position, drawn uniformly, holds the new item; the others keep theirs."""

from __future__ import annotations

import math

import numpy as np

from infodecode import _validation
from infodecode._kernels.families import replacement_laws_into
from infodecode._kernels.rows import count_in_row
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions._joint import LARGEST_LIST, Joint, letters
from infodecode.distributions._symmetry import Exchangeable
from infodecode.distributions._table import Table


class ReplaceRandom(Joint):
    r"""n positions over {keep, new}, exactly one of them new, uniformly (ParallelBench).

    Entropy :math:`\log_2 n`; total correlation :math:`(n-1)\log_2\frac{n}{n-1}`, which tends to
    :math:`\log_2 e` (eq. 3). Token 0 keeps the item, token 1 is the new one.
    """

    exchangeable: Exchangeable | None = "positions"

    def __init__(self, n: int) -> None:
        size = _validation.integer("n", n, minimum=1, maximum=LARGEST_LIST)
        self._describe(
            f"replace_random({size})", [2] * size, [(item, "new") for item in letters(size)]
        )

    @property
    def support_size(self) -> int:
        return self.length

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), 2))
        replacement_laws_into(canvases, rows, False, out)
        return out

    def _natural_laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), 2))
        replacement_laws_into(canvases, rows, True, out)
        return out

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        replaced = count_in_row(canvases == 1)
        masked = count_in_row(canvases < 0)
        ways = np.where(replaced == 0, masked, np.where(replaced == 1, 1, 0))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log2(ways / self.length) + 0.0, dtype=np.float64)

    def _completions(self, canvases: IntArray) -> FloatArray:
        return np.asarray(np.maximum(count_in_row(canvases < 0), 1), dtype=np.float64)

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        out = np.zeros((size, self.length), np.int32)
        out[np.arange(size), generator.integers(self.length, size=size)] = 1
        return out

    def _entropy(self, positions: tuple[int, ...]) -> float:
        return float(self.size_entropies()[len(positions)])

    def position_entropies(self) -> FloatArray:
        return np.full(self.length, self._entropy((0,)))

    def log2_mode(self) -> float:
        return 0.0 - self._entropy(tuple(range(self.length)))

    def size_entropies(self) -> FloatArray:
        n = self.length
        inside = np.arange(n + 1) / n
        outside = [(n - k) / n * math.log2(n / (n - k)) if k < n else 0.0 for k in range(n + 1)]
        return np.asarray(inside * math.log2(n) + np.array(outside), dtype=np.float64)

    def _enumerate(self) -> Table:
        return Table(
            np.eye(self.length, dtype=np.int32),
            alphabet_sizes=self.alphabet_sizes,
            labels=self.labels,
            name=self.name,
        )
