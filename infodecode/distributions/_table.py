"""Tables: every outcome with its weight. The oracle of every structured family."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._grouping import Packing, group
from infodecode._kernels.entropies import position_weights, weight_entropy
from infodecode._kernels.packing import pack_masks_into
from infodecode._kernels.tables import marginal_weights_into, refine_order_into
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.distributions._averages import FEW_OUTCOMES, erasures_of_table, gains_of_few
from infodecode.distributions._joint import LARGEST_ALPHABET, Joint

_SCAN_BELOW = 64
_ORDER_FROM = 8
_ORDER_BYTES = 1 << 28
_SUBSETS_VISITED = 20
_WEIGHTS_AT_ONCE = 1 << 22
LARGEST_TOTAL = 1 << 53
"""Largest sum of counts: below it every count is exact as a float, too."""


class Table(Joint):
    """A finite joint law given by its outcomes and their weights.

    Args:
        outcomes: ``(N, n)`` integers >= 0; repeated rows are added up.
        weights: ``(N,)`` integer counts (kept exact), probabilities adding up to 1, or fractions;
            every outcome once by default. Outcomes of weight 0 leave the support.
        alphabet_sizes: tokens per position; by default the largest that occurs, plus one.
        labels: what the tokens of each position mean.
        names: what the positions are called.
        template: how a sequence is printed: a format string with one ``{}`` per position.
        name: short name for people.

    Raises:
        ValueError: weights that are negative, not finite, all zero, or floats that do not add up
            to 1; outcomes that are ragged, out of range or without positions.

    Attributes:
        outcomes: ``(N, n)`` int32, distinct rows in order of first appearance.
        weights: ``(N,)`` int64 counts or float64 probabilities, all positive.
        total: sum of the weights.
        batch: larger than for a formula, since equal canvases of a batch are looked up once.

    Example:
        >>> Table([[0, 0], [1, 1]], [3, 1]).marginals([-1, -1])[0, 0]
        array([0.75, 0.25])
    """

    batch: ClassVar[int] = 65536
    outcomes: IntArray
    weights: Array
    total: int | float

    def __init__(
        self,
        outcomes: object,
        weights: object = None,
        *,
        alphabet_sizes: Sequence[int] | None = None,
        labels: Sequence[Sequence[object]] | None = None,
        names: Sequence[object] | None = None,
        template: str | None = None,
        name: str | None = None,
    ) -> None:
        rows = _validation.integer_array("outcomes", outcomes, dimensions=2)
        if rows.shape[0] == 0 or rows.shape[1] == 0:
            raise ValueError(
                f"outcomes must have at least one row and one position, got {rows.shape}"
            )
        if alphabet_sizes is not None:
            sizes = tuple(
                _validation.integer(f"alphabet_sizes[{i}]", v, minimum=1)
                for i, v in enumerate(_validation.iterate("alphabet_sizes", alphabet_sizes))
            )
        elif labels is not None:
            sizes = tuple(
                len(_validation.iterate(f"labels[{i}]", row))
                for i, row in enumerate(_validation.iterate("labels", labels))
            )
        else:
            sizes = tuple(int(v) + 1 for v in rows.max(axis=0))
        if len(sizes) != rows.shape[1]:
            given = "labels" if alphabet_sizes is None else "alphabet_sizes"
            raise ValueError(
                f"{given} must have one entry for each of {rows.shape[1]} positions, "
                f"got {len(sizes)}"
            )
        if max(sizes) > LARGEST_ALPHABET:
            raise ValueError(
                f"outcomes may have at most {LARGEST_ALPHABET:,} tokens at a position, "
                f"got alphabet_sizes up to {max(sizes):,}"
            )
        canvas = _validation.sequences("outcomes", rows, sizes)
        values = weights_of("weights", weights, len(rows))
        self._packing = Packing(sizes)
        ids, first = group(self._packing.keys(canvas))
        if len(first) < len(canvas):
            merged = np.zeros(len(first), values.dtype)
            np.add.at(merged, ids, values)
            canvas, values = canvas[first], merged
        positive = values > 0
        self.outcomes = np.ascontiguousarray(canvas[positive], dtype=np.int32)
        self.weights = np.ascontiguousarray(values[positive])
        self.total = int(self.weights.sum()) if self.integer else math.fsum(self.weights)
        self._describe(
            name or f"table of {len(self.outcomes):,} outcomes", sizes, labels, names, template
        )
        self.outcomes.flags.writeable = self.weights.flags.writeable = False
        self._keys = self._packing.keys(self.outcomes)
        self._tokens = self.outcomes.astype(np.min_scalar_type(max(sizes)))
        self._orders = np.arange(len(self.outcomes), dtype=np.int32)[None]
        self._slots: dict[bytes, int] = {bytes(8 * self._packing.words): 0}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, object]:
        state = self.__dict__.copy()
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    @property
    def integer(self) -> bool:
        """Whether the weights are integer counts, so that exact fractions can be asked for."""
        return self.weights.dtype.kind == "i"

    @property
    def probabilities(self) -> FloatArray:
        """Probability of each outcome, ``(N,)``."""
        return np.asarray(self.weights / self.total, dtype=np.float64)

    @property
    def support_size(self) -> int:
        return len(self.outcomes)

    def _enumerate(self) -> Table:
        return self

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        weights, totals = self._weights_at(canvases, rows, positions)
        laws = np.zeros(weights.shape)
        np.divide(weights, totals[:, None], out=laws, where=totals[:, None] > 0)
        return laws

    def _fraction_laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> Array:
        """`_laws` as exact fractions, in an object array."""
        weights, totals = self._weights_at(canvases, rows, positions)
        laws = np.full(weights.shape, Fraction(0), dtype=object)
        for k, v in zip(*np.nonzero(weights), strict=True):
            laws[k, v] = Fraction(int(weights[k, v]), int(totals[k]))
        return laws

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        ids, _, totals = self._look_up(canvases, np.empty(0, np.int64), np.empty(0, np.int64))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log2(totals / self.total)[ids], dtype=np.float64)

    def _completions(self, canvases: IntArray) -> FloatArray:
        none = np.empty(0, np.int64)
        ids, _, totals = self._look_up(canvases, none, none, np.ones(len(self.outcomes), np.int64))
        return totals[ids].astype(np.float64)

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        if self.integer:
            ticket = generator.integers(int(self.total), size=size)
            chosen = np.searchsorted(np.cumsum(self.weights), ticket, side="right")
        else:
            chosen = generator.choice(len(self.outcomes), size=size, p=self.probabilities)
        return self.outcomes[chosen]

    def _entropy(self, positions: tuple[int, ...]) -> float:
        return float(weight_entropy(self._marginal_weights(positions)))

    def position_entropies(self) -> FloatArray:
        width = max(self.alphabet_sizes)
        step = max(1, _WEIGHTS_AT_ONCE // width)
        columns = (self.outcomes[:, i : i + step] for i in range(0, self.length, step))
        return np.array(
            [
                weight_entropy(row)
                for some in columns
                for row in position_weights(np.ascontiguousarray(some), self.weights, width)
            ]
        )

    def erasure_entropies(self) -> FloatArray:
        return erasures_of_table(self.outcomes, self.weights)

    def mean_gains(self) -> FloatArray | None:
        """For more positions than all subsets of which can be visited, but few outcomes."""
        if self.length <= _SUBSETS_VISITED or len(self.outcomes) > FEW_OUTCOMES:
            return None
        return gains_of_few(self.outcomes, self.probabilities)

    def log2_mode(self) -> float:
        return math.log2(self.weights.max() / self.total)

    def marginal(self, positions: Sequence[int]) -> Table:
        """The law of some positions, in the order given."""
        chosen = list(_validation.positions("positions", positions, self.length))
        if not chosen:
            raise ValueError("positions must name at least one position, got none")
        return Table(
            self.outcomes[:, chosen],
            self.weights if self.integer else self.probabilities,
            alphabet_sizes=[self.alphabet_sizes[i] for i in chosen],
            labels=[self.labels[i] for i in chosen],
            names=[self.names[i] for i in chosen],
            name=f"{self.name} at {', '.join(self.names[i] for i in chosen)}",
        )

    def _marginal_weights(self, positions: tuple[int, ...]) -> Array:
        if len(positions) == self.length:
            return self.weights
        pattern = np.full((1, self.length), -1, np.int32)
        pattern[0, list(positions)] = 0
        ids, first = group(self._keys & self._pattern_masks(pattern))
        merged = np.zeros(len(first), self.weights.dtype)
        np.add.at(merged, ids, self.weights)
        return merged

    def _weights_at(
        self, canvases: IntArray, rows: IntArray, positions: IntArray
    ) -> tuple[Array, Array]:
        """Weights ``(K, V)`` of the values at the pairs, and the weight ``(K,)`` of each canvas."""
        ids, weights, totals = self._look_up(canvases, rows, positions)
        return weights, totals[ids[rows]]

    def _look_up(
        self,
        canvases: IntArray,
        rows: IntArray,
        positions: IntArray,
        outcome_weights: Array | None = None,
    ) -> tuple[IntArray, Array, Array]:
        """Distinct canvases are looked up once: their numbers ``(B,)``, pair weights, totals."""
        added = self.weights if outcome_weights is None else outcome_weights
        keys = self._packing.keys(canvases)
        ids, first = group(keys)
        if len(first) == len(canvases):
            pair_canvas, pair_position, back = rows, positions, None
        else:
            wanted = np.zeros((len(first), self.length), bool)
            wanted[ids[rows], positions] = True
            pair_canvas, pair_position = np.nonzero(wanted)
            place = np.empty(wanted.shape, np.int64)
            place[pair_canvas, pair_position] = np.arange(len(pair_canvas))
            back = place[ids[rows], positions]
        masks = self._pattern_masks(canvases[first])
        start = np.searchsorted(pair_canvas, np.arange(len(first) + 1))
        weights = np.zeros((len(pair_canvas), max(self.alphabet_sizes)), added.dtype)
        totals = np.zeros(len(first), added.dtype)
        slots = self._slots_of(masks)
        marginal_weights_into(
            self._tokens,
            added,
            self._keys,
            self._orders,
            slots,
            masks,
            keys[first],
            start,
            pair_position,
            weights,
            totals,
        )
        return ids, weights if back is None else weights[back], totals

    def _pattern_masks(self, canvases: IntArray) -> Array:
        out = np.zeros((len(canvases), self._packing.words), np.uint64)
        pack_masks_into(
            canvases, self._packing.word, self._packing.shift, self._packing.fields, out
        )
        return out

    def _slots_of(self, masks: Array) -> IntArray:
        """Row of `_orders` for each canvas, -1 where scanning every outcome is the better way."""
        if len(self.outcomes) < _SCAN_BELOW:
            return np.full(len(masks), -1, np.int64)
        patterns, first = group(masks)
        counts = np.bincount(patterns)
        slot = np.empty(len(first), np.int64)
        for k, representative in enumerate(first):
            slot[k] = self._slot(masks[representative], build=counts[k] >= _ORDER_FROM)
        return slot[patterns]

    def _slot(self, mask: Array, *, build: bool) -> int:
        key = mask.tobytes()
        found = self._slots.get(key, -1)
        if found >= 0 or not build:
            return found
        with self._lock:
            return self._build_order(mask)

    def _build_order(self, mask: Array) -> int:
        """Sort by the pattern's earlier positions first, then stably by its last one."""
        missing: list[tuple[bytes, int]] = []
        revealed = self._revealed(mask)
        pattern = mask.copy()
        while (key := pattern.tobytes()) not in self._slots:
            last = revealed.pop()
            missing.append((key, last))
            pattern[self._packing.word[last]] &= ~(
                self._packing.fields[last] << self._packing.shift[last]
            )
        parent = self._slots[key]
        for key, last in reversed(missing):
            slot = len(self._slots)
            if (slot + 1) * 4 * len(self.outcomes) > _ORDER_BYTES:
                return -1
            if slot == len(self._orders):
                grown = np.empty((2 * slot, len(self.outcomes)), np.int32)
                grown[:slot] = self._orders
                self._orders = grown
            refine_order_into(
                self._orders[parent],
                np.ascontiguousarray(self.outcomes[:, last]),
                self.alphabet_sizes[last],
                self._orders[slot],
            )
            self._slots[key] = parent = slot
        return parent

    def _revealed(self, mask: Array) -> list[int]:
        fields = (mask[self._packing.word] >> self._packing.shift) & self._packing.fields
        return [int(i) for i in np.flatnonzero(fields)]


def weights_of(name: str, weights: object, count: int) -> Array:
    """Weights as positive-or-zero int64 counts, or as float64 probabilities."""
    if weights is None:
        return np.ones(count, np.int64)
    array = _validation.array(name, weights)
    if array.shape != (count,):
        raise ValueError(
            f"{name} must have one entry per outcome ({count}), got shape {array.shape}"
        )
    if array.dtype == object:
        array = _common_denominator(name, array)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be integers, probabilities or fractions, got {array.dtype}")
    bad = ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(count, bool)
    bad |= array < 0
    if bad.any():
        k = int(np.flatnonzero(bad)[0])
        raise ValueError(f"{name} must be finite and >= 0, got {array[k]!r} for outcome {k}")
    if not array.any():
        raise ValueError(f"{name} must not all be zero")
    if array.dtype.kind == "f":
        total = math.fsum(array)
        if abs(total - 1.0) > 1e-9:
            raise ValueError(
                f"{name} given as floats are probabilities and must add up to 1, got {total!r}; "
                "divide by their sum, or pass integer counts"
            )
        return array.astype(np.float64)
    total = sum(int(w) for w in array)
    if total > LARGEST_TOTAL:
        raise ValueError(f"{name} given as counts must add up to at most 2**53, got {total}")
    return array.astype(np.int64)


def _common_denominator(name: str, array: Array) -> Array:
    if not all(
        isinstance(w, int | Fraction | np.integer) and not isinstance(w, bool) for w in array
    ):
        raise TypeError(
            f"{name} must be integers, probabilities or fractions, "
            f"got {_validation.shown(array.tolist())}"
        )
    fractions = [Fraction(w) if isinstance(w, Fraction) else Fraction(int(w)) for w in array]
    scale = math.lcm(*(w.denominator for w in fractions))
    scaled = [int(w * scale) for w in fractions]
    if max(map(abs, scaled)) > LARGEST_TOTAL:
        shown = scale if scale > LARGEST_TOTAL else max(map(abs, scaled))
        raise ValueError(f"{name} must fit a common denominator below 2**53, got {shown}")
    divisor = math.gcd(*scaled) or 1
    if all(isinstance(w, Fraction) for w in array):
        scaled = [w // divisor for w in scaled]
    return np.array(scaled, np.int64)
