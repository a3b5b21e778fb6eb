"""Laws made of other laws: independent concatenation and mixtures."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._kernels.chains import row_entropies
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions._averages import gains_side_by_side
from infodecode.distributions._joint import TABLE_LIMIT, Joint, require
from infodecode.distributions._table import LARGEST_TOTAL, Table

_LAWS_AT_ONCE = 1 << 22
"""Most probabilities of a mixture's blank canvas that are computed together."""


class Concatenation(Joint):
    """Independent parts side by side: the product law.

    Entropies and total correlations add up over the parts.
    """

    def __init__(self, *parts: Joint) -> None:
        self.parts = _joints("parts", parts)
        self._start = [0, *itertools.accumulate(part.length for part in self.parts)]
        several = len(self.parts) > 1
        self._describe(
            f"concatenate({', '.join(part.name for part in self.parts)})",
            [v for part in self.parts for v in part.alphabet_sizes],
            [row for part in self.parts for row in part.labels],
            [
                f"{k}.{name}" if several else name
                for k, part in enumerate(self.parts)
                for name in part.names
            ],
            ("\n" if any("\n" in part.template for part in self.parts) else " ").join(
                part.template for part in self.parts
            ),
        )

    @property
    def support_size(self) -> int | None:
        sizes = [part.support_size for part in self.parts]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def _pieces(self, canvases: IntArray) -> list[IntArray]:
        return [np.ascontiguousarray(canvases[:, a:b]) for a, b in itertools.pairwise(self._start)]

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), max(self.alphabet_sizes)))
        possible = np.isfinite(self._log2_mass(canvases))[rows]
        for k, (part, piece) in enumerate(zip(self.parts, self._pieces(canvases), strict=True)):
            mine = (positions >= self._start[k]) & (positions < self._start[k + 1]) & possible
            out[mine, : max(part.alphabet_sizes)] = part._laws(
                piece, rows[mine], positions[mine] - self._start[k]
            )
        return out

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        pieces = zip(self.parts, self._pieces(canvases), strict=True)
        masses = np.array([part._log2_mass(piece) for part, piece in pieces])
        return np.asarray(masses.sum(axis=0), dtype=np.float64)

    def _completions(self, canvases: IntArray) -> FloatArray:
        pieces = zip(self.parts, self._pieces(canvases), strict=True)
        counts = np.array([part._completions(piece) for part, piece in pieces])
        return np.asarray(counts.prod(axis=0), dtype=np.float64)

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        return np.concatenate([part._draw(size, generator) for part in self.parts], axis=1)

    def _entropy(self, positions: tuple[int, ...]) -> float:
        by_part = itertools.groupby(positions, lambda i: bisect_right(self._start, i) - 1)
        return math.fsum(
            self.parts[k]._entropy(tuple(i - self._start[k] for i in inside))
            for k, inside in by_part
        )

    def log2_mode(self) -> float | None:
        modes = [part.log2_mode() for part in self.parts]
        return None if None in modes else math.fsum(mode for mode in modes if mode is not None)

    def position_entropies(self) -> FloatArray:
        return np.concatenate([part.position_entropies() for part in self.parts])

    def erasure_entropies(self) -> FloatArray:
        return np.concatenate([part.erasure_entropies() for part in self.parts])

    def mean_gains(self) -> FloatArray | None:
        """From those of the parts, by formula or, of short ones, from all their subsets."""
        copies = Counter(self.parts)
        gains = [_gains_of_part(part) for part in copies]
        known = [part for part in gains if part is not None]
        return gains_side_by_side(known, [*copies.values()]) if len(known) == len(gains) else None

    def _enumerate(self) -> Table:
        tables = [part.table() for part in self.parts]
        exact = (
            all(table.integer for table in tables)
            and math.prod(int(table.total) for table in tables) <= LARGEST_TOTAL
        )
        weights = [table.weights if exact else table.probabilities for table in tables]
        grid = np.indices([len(table.outcomes) for table in tables]).reshape(len(tables), -1)
        rows = np.concatenate([t.outcomes[g] for t, g in zip(tables, grid, strict=True)], axis=1)
        joint = np.prod(
            [w[g].astype(object if exact else float) for w, g in zip(weights, grid, strict=True)],
            axis=0,
        )
        if not exact:
            joint = joint / math.fsum(joint)
        return Table(
            rows, joint, alphabet_sizes=self.alphabet_sizes, labels=self.labels, names=self.names,
            template=self.template, name=self.name,
        )  # fmt: skip


class Mixture(Joint):
    """A law drawn at random first, a sequence from it second.

    Args:
        parts: laws over the same positions, alphabets and labels.
        weights: integers, fractions, or floats adding up to 1; all positive.
    """

    def __init__(self, parts: Sequence[Joint], weights: Sequence[float | Fraction]) -> None:
        self.parts = _joints("parts", parts)
        first = self.parts[0]
        for k, part in enumerate(self.parts):
            if part.alphabet_sizes != first.alphabet_sizes or part.labels != first.labels:
                raise ValueError(
                    "parts must share positions, alphabets and labels: "
                    f"parts[{k}] is {part!r} beside {first!r}"
                )
        shares_given = _validation.iterate("weights", weights)
        if len(shares_given) != len(self.parts):
            raise ValueError(
                f"weights must have {len(self.parts)} entries, got {len(shares_given)}"
            )
        self._mixing = Table(
            np.arange(len(self.parts))[:, None], shares_given, alphabet_sizes=[len(self.parts)]
        )
        if self._mixing.support_size != len(self.parts):
            raise ValueError(f"weights must all be positive, got {shares_given!r}")
        shares = ", ".join(f"{share:.3g}" for share in self._mixing.probabilities)
        self._describe(
            f"mixture({', '.join(part.name for part in self.parts)}; {shares})",
            first.alphabet_sizes,
            first.labels,
            first.names,
            first.template,
        )

    @cached_property
    def _table(self) -> Table:
        return self._merge()

    @property
    def support_size(self) -> int | None:
        return self._table.support_size if self._enumerable else None

    @property
    def _enumerable(self) -> bool:
        sizes = [part.support_size for part in self.parts]
        return all(size is not None for size in sizes) and sum(filter(None, sizes)) <= TABLE_LIMIT

    def _log2_masses(self, canvases: IntArray) -> FloatArray:
        own = np.log2(self._mixing.probabilities)
        return np.array(
            [w + part._log2_mass(canvases) for w, part in zip(own, self.parts, strict=True)]
        )

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        return np.asarray(np.logaddexp2.reduce(self._log2_masses(canvases), axis=0))

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        masses = self._log2_masses(canvases)
        total = np.logaddexp2.reduce(masses, axis=0)
        possible = np.isfinite(total)
        shares = np.zeros(masses.shape)
        shares[:, possible] = np.exp2(masses[:, possible] - total[possible])
        laws = [part._laws(canvases, rows, positions) for part in self.parts]
        parts = [s[rows, None] * law for s, law in zip(shares, laws, strict=True)]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)

    def _completions(self, canvases: IntArray) -> FloatArray:
        counts = np.array([part._completions(canvases) for part in self.parts])
        return np.asarray(counts.sum(axis=0), dtype=np.float64)

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        which = self._mixing._draw(size, generator)[:, 0]
        out = np.empty((size, self.length), np.int32)
        for k, part in enumerate(self.parts):
            mine = np.flatnonzero(which == k)
            out[mine] = part._draw(len(mine), generator)
        return out

    def _entropy(self, positions: tuple[int, ...]) -> float:
        return self.table()._entropy(positions)

    def position_entropies(self) -> FloatArray:
        blank = np.full((1, self.length), -1, np.int32)
        step = max(1, _LAWS_AT_ONCE // max(self.alphabet_sizes))
        bits = []
        for start in range(0, self.length, step):
            asked = np.arange(start, min(start + step, self.length))
            bits.append(row_entropies(self._laws(blank, np.zeros_like(asked), asked)))
        return np.concatenate(bits)

    def erasure_entropies(self) -> FloatArray:
        return self.table().erasure_entropies()

    def mean_gains(self) -> FloatArray | None:
        return self._table.mean_gains() if self._enumerable else None

    def _enumerate(self) -> Table:
        return self._table

    def _merge(self) -> Table:
        tables = [part.table() for part in self.parts]
        rows = np.concatenate([table.outcomes for table in tables])
        totals = [int(table.total) for table in tables]
        if (
            self._mixing.integer
            and all(table.integer for table in tables)
            and math.lcm(*totals) * int(self._mixing.total) <= LARGEST_TOTAL
        ):
            weights: object = [
                Fraction(int(w) * int(c), int(table.total))
                for w, table in zip(self._mixing.weights, tables, strict=True)
                for c in table.weights
            ]
        else:
            shares = self._mixing.probabilities
            joint = np.concatenate(
                [s * table.probabilities for s, table in zip(shares, tables, strict=True)]
            )
            weights = joint / math.fsum(joint)
        return Table(
            rows, _as_objects(weights), alphabet_sizes=self.alphabet_sizes, labels=self.labels,
            names=self.names, template=self.template, name=self.name,
        )  # fmt: skip


def _gains_of_part(part: Joint) -> FloatArray | None:
    from infodecode.information import SUBSETS_LENGTH, entropy_gains

    known = part.mean_gains()
    return entropy_gains(part) if known is None and part.length <= SUBSETS_LENGTH else known


def _as_objects(weights: object) -> object:
    return np.array(weights, dtype=object) if isinstance(weights, list) else weights


def _joints(name: str, parts: Sequence[object]) -> tuple[Joint, ...]:
    joints = _validation.iterate(name, parts)
    if not joints:
        raise ValueError(f"{name} must hold at least one distribution, got none")
    return tuple(require(f"{name}[{k}]", part) for k, part in enumerate(joints))
