"""The interface of every distribution: the joint law of a sequence of ``length`` positions.

Every law can be enumerated as a `Table`, itself such a law: the two files know each other.
"""

from __future__ import annotations

import itertools
import math
import string
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from infodecode import _validation
from infodecode._rounding import nonnegative
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions._symmetry import (
    Automorphism,
    Exchangeable,
    exchanges,
)

if TYPE_CHECKING:
    from infodecode.distributions._table import Table

TABLE_LIMIT = 4_000_000
"""Most outcomes that `Joint.table` enumerates."""


LARGEST_LIST = 100_000
"""Most positions of the list families."""

LARGEST_ALPHABET = 1_000_000
"""Most tokens at a position."""


class Joint(ABC):
    """Joint law of ``length`` positions, each with a finite alphabet ``0 .. V_i - 1``.

    Subclasses give the two underscore methods that decoding needs (`_laws`, `_log2_mass`), sampling
    and entropies; everything public is defined here once.

    Attributes:
        name: short name for people, such as ``permutations(6)``.
        alphabet_sizes: ``V_i``, the number of tokens possible at each position.
        labels: what the tokens of each position stand for.
        names: what the positions are called (columns of a table).
        template: how a sequence is printed for people (`render`): a format string with one field
            ``{}`` per position.
        exchangeable: ``"positions"`` if any order of the positions gives the same law,
            ``"positions and tokens"`` if so does any renaming of the tokens, the same at every
            position; else None. `exact` then follows orbits instead of canvases.
        batch: canvases that `simulate` prefers to decode together.
    """

    batch: ClassVar[int] = 8192
    exchangeable: Exchangeable | None = None

    name: str
    alphabet_sizes: tuple[int, ...]
    labels: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    template: str

    def _describe(
        self,
        name: str,
        alphabet_sizes: Sequence[int],
        labels: Sequence[Sequence[object]] | None = None,
        names: Sequence[object] | None = None,
        template: str | None = None,
    ) -> None:
        self.name = name
        self.alphabet_sizes = tuple(int(v) for v in alphabet_sizes)
        n = len(self.alphabet_sizes)
        rows = (
            [range(v) for v in self.alphabet_sizes]
            if labels is None
            else _validation.iterate("labels", labels)
        )
        known: dict[object, tuple[str, ...]] = {}
        self.labels = tuple(_row_of_labels(i, row, known) for i, row in enumerate(rows))
        if tuple(map(len, self.labels)) != self.alphabet_sizes:
            raise ValueError(
                f"labels must name every token: expected {list(self.alphabet_sizes)} per position, "
                f"got {[len(row) for row in self.labels]}"
            )
        self.names = tuple(
            map(str, range(n) if names is None else _validation.iterate("names", names))
        )
        if len(self.names) != n:
            raise ValueError(f"names must name {n} positions, got {len(self.names)}")
        self.template = " ".join(["{}"] * n) if template is None else template
        _demand_template(self.template, n)

    # -- what a subclass provides -------------------------------------------------------------

    @abstractmethod
    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        """Conditional laws ``(K, V)`` at the masked (row, position) pairs; zeros off support.

        Pairs come sorted by row. Every row of the result adds up to 1, or to 0 where the canvas
        has probability 0.
        """

    @abstractmethod
    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        """log2 of the probability ``(B,)`` of the revealed tokens; -inf off support."""

    @abstractmethod
    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        """Independent samples ``(size, n)``."""

    @abstractmethod
    def _entropy(self, positions: tuple[int, ...]) -> float:
        """Entropy in bits of the marginal on ``positions``."""

    @property
    @abstractmethod
    def support_size(self) -> int | None:
        """Number of outcomes of positive probability (an int of any size), None if unknown."""

    @abstractmethod
    def _enumerate(self) -> Table:
        """The law as a table; called only within `TABLE_LIMIT`."""

    def _completions(self, canvases: IntArray) -> FloatArray:
        """At most how many outcomes of positive probability agree with each canvas, ``(B,)``."""
        size = self.support_size
        return np.full(len(canvases), math.inf if size is None else as_float(size))

    def _natural_laws(
        self, canvases: IntArray, rows: IntArray, positions: IntArray
    ) -> FloatArray | None:
        """What the family's formula says off support, or None when it says nothing."""
        return None

    def size_entropies(self) -> FloatArray | None:
        """Entropies ``(n + 1,)`` of any k positions, when they depend on k alone; else None."""
        return None

    def mean_gains(self) -> FloatArray | None:
        """Entropies ``(n,)`` that one more position adds to k known ones, averaged over all sets.

        None where no formula gives them; then they come from the entropies of all subsets.
        """
        entropies = self.size_entropies()
        return None if entropies is None else np.diff(entropies)

    def _subset_entropies(self) -> FloatArray | None:
        """Entropies ``(2**n,)`` of all sets of positions by formula, or None; asked for n <= 20."""
        entropies = self.size_entropies()
        return (
            None if entropies is None else entropies[np.bitwise_count(np.arange(1 << self.length))]
        )

    def symmetries(self) -> tuple[Automorphism, ...]:
        """Maps of sequences that leave the law as it is; those known generate a group."""
        return (
            () if self.exchangeable is None else exchanges(self.exchangeable, self.alphabet_sizes)
        )

    # -- public -------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        """Number of positions, n."""
        return len(self.alphabet_sizes)

    def marginals(self, canvases: object) -> FloatArray:
        """Exact conditional marginals: what a perfect masked model would predict.

        Args:
            canvases: ``(B, n)`` or ``(n,)`` tokens; -1 is masked.

        Returns:
            ``(B, n, V)`` probabilities, V the largest alphabet, padded with zeros; a revealed
            position has probability 1 at its own token.

        Raises:
            ValueError: a canvas has probability 0 (names the row), or a token is out of range.
        """
        rows = _validation.canvases("canvases", canvases, self.alphabet_sizes)
        impossible = np.flatnonzero(np.isneginf(self._log2_mass(rows)))
        if len(impossible):
            raise ValueError(
                f"canvases must have positive probability under {self.name}, "
                f"got {rows[impossible[0]].tolist()} in row {int(impossible[0])}"
            )
        out = np.zeros((*rows.shape, max(self.alphabet_sizes)))
        b, i = np.nonzero(rows >= 0)
        out[b, i, rows[b, i]] = 1.0
        b, i = np.nonzero(rows < 0)
        out[b, i] = self._laws(rows, b, i)
        return out

    def log2_probability(self, sequences: object) -> FloatArray:
        """log2 of the probability of complete sequences ``(B, n)``; -inf off support."""
        rows = _validation.sequences("sequences", sequences, self.alphabet_sizes)
        return self._log2_mass(rows)

    def sample(self, size: int, *, seed: int = 0) -> IntArray:
        """``size`` independent sequences ``(size, n)``, the same for the same seed."""
        count = _validation.integer("size", size, minimum=0)
        generator = np.random.default_rng(
            _validation.integer("seed", seed, minimum=0, maximum=None)
        )
        return self._draw(count, generator)

    def entropy(self, positions: Iterable[int] | int | None = None) -> float:
        """Shannon entropy in bits of the marginal on ``positions`` (all of them by default)."""
        if positions is None:
            return self._entropy(tuple(range(self.length)))
        chosen = _validation.positions("positions", positions, self.length)
        return self._entropy(tuple(sorted(chosen)))

    def position_entropies(self) -> FloatArray:
        """Entropy in bits of each position by itself, ``(n,)``."""
        return np.array([self._entropy((i,)) for i in range(self.length)])

    def erasure_entropies(self) -> FloatArray:
        """Entropy in bits of each position given all the others, ``(n,)``.

        Their sum is H(Y) less the dual total correlation (Verdú and Weissman 2008).
        """
        everyone = tuple(range(self.length))
        by_size = self.size_entropies()
        if by_size is not None:
            bits = np.full(self.length, by_size[-1] - by_size[-2])
            return nonnegative(bits, scale=float(by_size[-1]))
        whole = self._entropy(everyone)
        without = [self._entropy(everyone[:i] + everyone[i + 1 :]) for i in everyone]
        return nonnegative(whole - np.array(without), scale=whole)

    def log2_mode(self) -> float | None:
        """log2 of the largest probability of an outcome; None where a table would be too large."""
        size = self.support_size
        return None if size is None or size > TABLE_LIMIT else self.table().log2_mode()

    def table(self) -> Table:
        """Every outcome with its weight.

        Raises:
            ValueError: more than `TABLE_LIMIT` outcomes.
        """
        if self.support_size is None or self.support_size > TABLE_LIMIT:
            raise ValueError(
                f"{self.name} has {_count(self.support_size)} outcomes, more than the "
                f"{TABLE_LIMIT:,} that a table may hold; use the structured family itself"
            )
        return self._enumerate()

    def labels_of(self, sequence: object) -> tuple[str, ...]:
        """Labels of one sequence ``(n,)``, ``_`` where masked."""
        rows = _validation.canvases("sequence", sequence, self.alphabet_sizes)
        if len(rows) != 1:
            raise ValueError(f"sequence must be a single one, got {len(rows)}")
        return tuple("_" if t < 0 else self.labels[i][t] for i, t in enumerate(rows[0].tolist()))

    def render(self, sequence: object) -> str:
        """One sequence ``(n,)`` as a person would read it, ``_`` where masked.

        Example:
            >>> from infodecode import distributions
            >>> distributions.words(5).render([15, 0, 17, -1, -1])
            'par__'
        """
        return self.template.format(*self.labels_of(sequence))

    def __repr__(self) -> str:
        positions = "1 position" if self.length == 1 else f"{self.length} positions"
        outcomes = (
            "1 outcome" if self.support_size == 1 else f"{_count(self.support_size)} outcomes"
        )
        return f"<{self.name}: {positions}, {outcomes}>"


def _demand_template(template: object, length: int) -> None:
    """Raise unless ``template`` formats exactly ``length`` labels."""
    if not isinstance(template, str):
        raise TypeError(f"template must be a string, got {_validation.shown(template)}")
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(
            f"template must be a format string, got {_validation.shown(template)} ({error})"
        ) from None
    fields = [part[1:] for part in parts if part[1] is not None]
    if fields != [("", "", None)] * length:
        raise ValueError(
            f"template must have one field {{}} for each of {length} positions and no other, "
            f"got {_validation.shown(template)}"
        )


def require(name: str, value: object) -> Joint:
    """``value``, which must be a distribution."""
    if not isinstance(value, Joint):
        raise TypeError(f"{name} must be a distribution, got {_validation.shown(value)}")
    return value


def log2_factorials(length: int) -> FloatArray:
    """log2 of 0!, 1!, …, length!, each correctly rounded."""
    products = itertools.accumulate(range(1, length + 1), lambda a, b: a * b, initial=1)
    return np.array([math.log2(value) for value in products])


def as_float(number: int) -> float:
    """A count of any size as a float, inf beyond the largest."""
    return float(number) if number.bit_length() < 1024 else math.inf


def _count(number: int | None) -> str:
    if number is None:
        return "too many"
    return f"{number:,}" if number < 10**15 else f"about 10^{int(math.log10(number))}"


def _row_of_labels(i: int, row: object, known: dict[object, tuple[str, ...]]) -> tuple[str, ...]:
    """Labels of position i as text; positions that share a row share its text."""
    key = row if isinstance(row, range) else id(row)
    if key not in known:
        text = tuple(map(str, _validation.iterate(f"labels[{i}]", row)))
        if len(set(text)) != len(text):
            repeated = next(label for label in text if text.count(label) > 1)
            raise ValueError(f"labels[{i}] must be distinct, got {repeated!r} twice")
        known[key] = text
    return known[key]


def letters(count: int) -> list[str]:
    """A, B, …, Z, then item27, item28, …: names for the items of a list."""
    return [chr(65 + k) if k < 26 else f"item{k + 1}" for k in range(count)]
