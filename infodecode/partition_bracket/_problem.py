"""The problem behind a bracket: entropies of items given known sets, and the work allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from infodecode._grouping import Packing
from infodecode._kernels.brackets import known_gains_into
from infodecode._subsets import walk_subsets
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Joint, Mixture, Table

EVALUATIONS = 20_000
"""Most known sets that a bracket looks at by default."""

NOTHING = "nothing is lost"

_CELLS = 500_000_000
_FORMULA_CELLS = 20_000
_TABLE_ROWS = 100_000
_LATTICE_STEPS = 50_000


@dataclass(frozen=True)
class Work:
    """What one bracket asks for and may do."""

    rounds: int
    evaluations: int | None
    generator: np.random.Generator
    advance: Callable[[int], object]


@dataclass(frozen=True)
class Solution:
    """Rounds of the positions of a part, and a lower bound of its best cost before ``slack``."""

    rounds: IntArray
    lower: float
    proof: str
    slack: float = 0.0


def together(parts: Sequence[Solution]) -> Solution:
    """Independent parts side by side."""
    return Solution(
        np.concatenate([part.rounds for part in parts]),
        math.fsum(part.lower for part in parts),
        " + ".join(dict.fromkeys(part.proof for part in parts)),
        math.fsum(part.slack for part in parts),
    )


class Gains:
    """Entropies of items (positions of a law) given a known set of them, each set computed once.

    Sets are bitmasks; the gain of a known item is 0.

    Attributes:
        size: number of items, k.
        everyone: the set of all.
        spent: sets computed so far.
        most: sets that may be computed.
    """

    def __init__(self, size: int, cells: int, work: Work) -> None:
        self.size, self.everyone, self.work = size, (1 << size) - 1, work
        self.spent = 0
        self.most = work.evaluations or min(EVALUATIONS, max(20 * size, _CELLS // cells))
        self._seen: dict[int, tuple[float, FloatArray]] = {}

    @property
    def steps(self) -> int:
        """Steps of a walk over all sets of items that ``most`` single ones are worth."""
        return _LATTICE_STEPS * self.most

    def __call__(self, known: int) -> FloatArray:
        """Entropies ``(k,)`` of the items given the known ones."""
        return self._look(known)[1]

    def entropy(self, known: int) -> float:
        """Entropy of a set of items."""
        return self._look(known)[0]

    def _look(self, known: int) -> tuple[float, FloatArray]:
        found = self._seen.get(known)
        if found is None:
            found = self._seen[known] = self._compute(known)
            self.spent += 1
            self.work.advance(1)
        return found

    def _compute(self, known: int) -> tuple[float, FloatArray]:
        raise NotImplementedError

    def part(self, items: Sequence[int]) -> Gains:
        """The same for some of the items."""
        raise NotImplementedError

    def lattice(self) -> FloatArray | None:
        """Entropies ``(2**k,)`` of all sets, if they are not too much work."""
        return None


class TableGains(Gains):
    """From the outcomes of a table."""

    def __init__(self, table: Table, work: Work) -> None:
        super().__init__(table.length, table.outcomes.size, work)
        self.table = table
        pack = Packing(table.alphabet_sizes)
        self._keys = pack.keys(table.outcomes)
        self._word, self._fields = pack.word, pack.fields << pack.shift
        self._codes = np.ascontiguousarray(table.outcomes.T)
        rows = len(table.outcomes)
        self._slots = np.empty(1 << (2 * rows - 1).bit_length(), np.int32)
        self._scratch = np.empty((4, rows + 1), np.int32)
        self._tally = np.zeros(max(table.alphabet_sizes), table.weights.dtype)

    def _compute(self, known: int) -> tuple[float, FloatArray]:
        inside = members([known], self.size)[0]
        keep = np.zeros(self._keys.shape[1], np.uint64)
        np.bitwise_or.at(keep, self._word[inside], self._fields[inside])
        gains = np.zeros(self.size)
        entropy = known_gains_into(
            self._keys & keep, self._codes, self.table.weights, float(self.table.total),
            np.flatnonzero(~inside), self._slots, self._scratch, self._tally, gains,
        )  # fmt: skip
        return entropy, gains

    def part(self, items: Sequence[int]) -> Gains:
        return TableGains(self.table.marginal(items), self.work)

    def lattice(self) -> FloatArray | None:
        cells, rows = np.ones(1), len(self.table.outcomes)
        for size in self.table.alphabet_sizes:
            cells = np.minimum(np.concatenate([cells, cells * size]), rows)
        return walk_subsets(self.table) if cells.sum() <= self.steps else None


class LawGains(Gains):
    """From the formula of a law without a table."""

    def __init__(self, law: Joint, positions: Sequence[int], work: Work) -> None:
        super().__init__(len(positions), _FORMULA_CELLS * len(positions), work)
        self.law, self.positions = law, tuple(positions)
        self._entropies = {0: 0.0}

    def entropy(self, known: int) -> float:
        found = self._entropies.get(known)
        if found is None:
            chosen = [p for i, p in enumerate(self.positions) if known >> i & 1]
            found = self._entropies[known] = self.law.entropy(chosen)
        return found

    def _compute(self, known: int) -> tuple[float, FloatArray]:
        whole = self.entropy(known)
        wider = [known | 1 << i for i in range(self.size)]
        return whole, np.array([max(0.0, self.entropy(mask) - whole) for mask in wider])

    def part(self, items: Sequence[int]) -> Gains:
        return LawGains(self.law, [self.positions[i] for i in items], self.work)


def gains_of(law: Joint, work: Work) -> Gains:
    """Entropies of the positions of a law, from its table where that is small enough."""
    size = law.support_size
    if isinstance(law, Table | Mixture) or (size is not None and size <= _TABLE_ROWS):
        return TableGains(law.table(), work)
    return LawGains(law, range(law.length), work)


def mask_of(items: Sequence[int] | IntArray) -> int:
    """The set of some items."""
    return sum(1 << int(i) for i in items)


def members(masks: Sequence[int], size: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which items ``(m, k)`` the sets hold."""
    width = -(-size // 8)
    octets = np.frombuffer(b"".join(mask.to_bytes(width, "little") for mask in masks), np.uint8)
    bits = np.unpackbits(octets.reshape(-1, width), axis=1, count=size, bitorder="little")
    return bits.astype(bool)
