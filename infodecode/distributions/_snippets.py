"""Variable names in code: every occurrence of a name is a position, and one decides the others."""

from __future__ import annotations

import itertools
import keyword
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from infodecode import _validation
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions._compose import Concatenation
from infodecode.distributions._joint import LARGEST_LIST, Joint
from infodecode.distributions._symmetry import Automorphism
from infodecode.distributions._table import Table, weights_of

Names: TypeAlias = Mapping[str, Sequence[str] | Mapping[str, int | float | Fraction]]

FACTORIAL = """\
def factorial(n):
    <product> = 1
    for <factor> in range(1, n + 1):
        <product> *= <factor>
    return <product>"""
"""Two identifiers, five slots (From Bits to Rounds, section 3, Example 2)."""

SUM_OF_SQUARES = """\
def sum_of_squares(<numbers>):
    <total> = 0
    for <number> in <numbers>:
        <total> += <number> * <number>
    return <total>"""
"""Three identifiers, eight slots."""

CANDIDATES: dict[str, dict[str, int]] = {
    "product": {
        "result": 32, "res": 20, "ans": 14, "product": 12, "fact": 8, "out": 6, "acc": 5, "p": 3,
    },
    "factor": {"i": 64, "k": 16, "j": 12, "step": 8},
    "numbers": {"numbers": 36, "nums": 28, "values": 20, "xs": 16},
    "total": {"total": 40, "s": 20, "acc": 16, "result": 14, "squares": 10},
    "number": {"x": 40, "n": 24, "number": 20, "value": 16},
}  # fmt: skip
"""Names that the ready snippets choose from, with weights out of 100."""

_PLACEHOLDER = re.compile(r"<([A-Za-z_]\w*)>")


class VariableNames(Joint):
    r"""Identifiers drawn independently, each written in several slots of a snippet.

    An identifier with entropy :math:`H_g` and :math:`s_g` slots adds :math:`H_g` to the entropy and
    :math:`(s_g - 1) H_g` to the total correlation. `variable_names` has the whole account.

    Attributes:
        placeholders: the identifiers as the snippet calls them, in order of first appearance.
        identifiers: for each of them, the probabilities of its possible names and s_g.
        slots: ``(n,)`` which identifier each position shows, as an index.
    """

    placeholders: tuple[str, ...]
    identifiers: tuple[tuple[FloatArray, int], ...]
    slots: IntArray

    def __init__(self, snippet: str, laws: Mapping[str, Table]) -> None:
        pieces = _PLACEHOLDER.split(snippet)
        shown = pieces[1::2]
        self.placeholders = tuple(laws)
        number = {identifier: g for g, identifier in enumerate(laws)}
        self.slots = np.array([number[identifier] for identifier in shown])
        counters = {identifier: itertools.count(1) for identifier in laws}
        size = f"{_several(len(laws), 'identifier')} in {_several(len(shown), 'slot')}"
        self._describe(
            f"variable_names({size})",
            [laws[identifier].alphabet_sizes[0] for identifier in shown],
            [laws[identifier].labels[0] for identifier in shown],
            [f"{identifier}#{next(counters[identifier])}" for identifier in shown],
            "{}".join(piece.replace("{", "{{").replace("}", "}}") for piece in pieces[::2]),
        )
        self._laws_of = tuple(laws.values())
        self._entropies = np.array([law.entropy() for law in self._laws_of])
        self._counts = np.bincount(self.slots)
        self.identifiers = tuple(
            (law.probabilities, int(count))
            for law, count in zip(self._laws_of, self._counts, strict=True)
        )
        self._order = np.argsort(self.slots, kind="stable")
        self._start = np.concatenate([[0], np.cumsum(self._counts)[:-1]])
        widest = max(self.alphabet_sizes)
        self._probabilities = np.zeros((len(laws), widest))
        for g, law in enumerate(self._laws_of):
            self._probabilities[g, law.outcomes[:, 0]] = law.probabilities
        self._choices = np.array([float(law.support_size) for law in self._laws_of])
        self.slots.flags.writeable = False

    @property
    def support_size(self) -> int:
        return math.prod(law.support_size for law in self._laws_of)

    def _revealed(self, canvases: IntArray) -> tuple[IntArray, FloatArray]:
        """Token ``(B, G)`` of each identifier, -1 where masked, and its probability; 0 if torn."""
        grouped = canvases[:, self._order]
        token = np.maximum.reduceat(grouped, self._start, axis=1)
        every = np.where(grouped < 0, np.iinfo(grouped.dtype).max, grouped)
        torn = (token >= 0) & (np.minimum.reduceat(every, self._start, axis=1) != token)
        probability = self._probabilities[np.arange(token.shape[1]), token]
        return token, np.where(token < 0, 1.0, np.where(torn, 0.0, probability))

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        token, probability = self._revealed(canvases)
        group = self.slots[positions]
        known = token[rows, group]
        out = self._probabilities[group]
        decided = np.flatnonzero(known >= 0)
        out[decided] = 0.0
        out[decided, known[decided]] = 1.0
        out[probability.min(axis=1)[rows] == 0] = 0.0
        return out

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        _, probability = self._revealed(canvases)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log2(probability).sum(axis=1), dtype=np.float64)

    def _completions(self, canvases: IntArray) -> FloatArray:
        token, probability = self._revealed(canvases)
        ways = np.where(token < 0, self._choices, 1.0)
        with np.errstate(over="ignore"):
            out = np.asarray(ways.prod(axis=1), dtype=np.float64)
        out[probability.min(axis=1) == 0] = 0.0
        return out

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        drawn = np.concatenate([law._draw(size, generator) for law in self._laws_of], axis=1)
        return drawn[:, self.slots]

    def _entropy(self, positions: tuple[int, ...]) -> float:
        return math.fsum(self._entropies[np.unique(self.slots[list(positions)])])

    def position_entropies(self) -> FloatArray:
        return np.asarray(self._entropies[self.slots], dtype=np.float64)

    def erasure_entropies(self) -> FloatArray:
        return np.where(self._counts[self.slots] == 1, self._entropies[self.slots], 0.0)

    def mean_gains(self) -> FloatArray:
        n = self.length
        gains = np.zeros(n)
        known = np.arange(n)
        for count in np.unique(self._counts):
            entropy = math.fsum(self._entropies[self._counts == count])
            missed = np.maximum(n - count - known[:-1], 0) / (n - known[:-1])
            untouched = np.concatenate([[1.0], np.cumprod(missed)])
            gains += entropy * untouched * count / (n - known)
        return gains

    def _subset_entropies(self) -> FloatArray:
        sets = np.arange(1 << self.length)
        out = np.zeros(len(sets))
        for g, entropy in enumerate(self._entropies):
            mine = sum(1 << int(i) for i in np.flatnonzero(self.slots == g))
            out += entropy * ((sets & mine) != 0)
        return out

    def log2_mode(self) -> float:
        return math.fsum(law.log2_mode() for law in self._laws_of)

    def symmetries(self) -> tuple[Automorphism, ...]:
        found = []
        for g, identifier in enumerate(self.placeholders):
            mine = np.flatnonzero(self.slots == g)
            if len(mine) > 1:
                swap = np.arange(self.length)
                swap[mine[:2]] = mine[1::-1]
                found.append(Automorphism(f"swap the first two slots of <{identifier}>", swap))
            if len(mine) > 2:
                turn = np.arange(self.length)
                turn[mine] = np.roll(mine, -1)
                found.append(Automorphism(f"move all slots of <{identifier}> by one", turn))
        return tuple(found)

    def _enumerate(self) -> Table:
        drawn = Concatenation(*self._laws_of).table()
        return Table(
            drawn.outcomes[:, self.slots],
            drawn.weights if drawn.integer else drawn.probabilities,
            alphabet_sizes=self.alphabet_sizes, labels=self.labels, names=self.names,
            template=self.template, name=self.name,
        )  # fmt: skip


def variable_names(snippet: str = FACTORIAL, names: Names | None = None) -> VariableNames:
    r"""Names of the variables of a snippet: each slot is uncertain, and one decides its equals.

    A placeholder such as ``<total>`` is a slot, and all slots of the same placeholder show the same
    identifier. Identifiers are drawn independently. With entropy :math:`H_g` of identifier g and
    :math:`s_g` slots,

    .. math:: H = \sum_g H_g, \qquad TC = \sum_g (s_g - 1) H_g .

    One round loses TC. Two rounds lose nothing, however many slots there are: first one slot of
    each identifier, then all the others. So :math:`L^*_1 = TC` and :math:`L^*_T = 0` for T >= 2,
    which no decoder knows that looks at one position at a time: all slots of an identifier are
    equally confident. k random positions leave identifier g unseen with probability
    :math:`\binom{n - s_g}{k} / \binom{n}{k}`, which gives the information curve.

    By default the factorial of Example 2. Its ``<product>`` is result 32, res 20, ans 14, product
    12, fact 8, out 6, acc 5 or p 3 times out of 100, its ``<factor>`` i 64, k 16, j 12 or step 8.

    Args:
        snippet: text with placeholders: a letter or underscore, then letters, digits and
            underscores, in angle brackets. `FACTORIAL` and `SUM_OF_SQUARES` are ready.
        names: candidates of each placeholder: a sequence of names, all alike, or a mapping from
            names to integer weights, fractions or probabilities. The ready snippets have theirs.

    Returns:
        A law whose positions are called ``total#1``, ``total#2`` and so on; any number of slots up
        to 100,000.

    Raises:
        ValueError: no placeholder; one without candidates, or candidates without a placeholder;
            a candidate that Python does not allow as a name; one that two placeholders share, so
            that two variables could become one (names the clash).

    Example:
        >>> import infodecode
        >>> law = variable_names()
        >>> print(law.render([0, -1, -1, 0, -1]))
        def factorial(n):
            result = 1
            for _ in range(1, n + 1):
                _ *= i
            return _
        >>> infodecode.bounds(law).partition_bits.round(4).tolist()
        [6.8087, 0.0, 0.0, 0.0, 0.0]
        >>> mine = {"a": ["left", "lo"], "b": {"right": 3, "hi": 1}}
        >>> variable_names("while <a> < <b>: <a> += 1", names=mine).names
        ('a#1', 'b#1', 'a#2')

    Reference: From Bits to Rounds (2025), section 3, Example 2.
    """
    if not isinstance(snippet, str):
        raise TypeError(f"snippet must be a string, got {_validation.shown(snippet)}")
    shown = _PLACEHOLDER.findall(snippet)
    if not 1 <= len(shown) <= LARGEST_LIST:
        raise ValueError(
            f"snippet must have 1 to {LARGEST_LIST:,} placeholders such as <total>, "
            f"got {len(shown):,} in {_validation.shown(snippet)}"
        )
    identifiers = dict.fromkeys(shown)
    given = CANDIDATES if names is None else names
    if not isinstance(given, Mapping):
        raise TypeError(f"names must map placeholders to names, got {_validation.shown(given)}")
    for identifier in identifiers:
        if identifier not in given:
            raise ValueError(
                f"names must give candidates for every placeholder, got none for <{identifier}>"
            )
    for identifier in given if names is not None else ():
        if identifier not in identifiers:
            raise ValueError(
                "names must be those of placeholders in the snippet, "
                f"got {_validation.shown(identifier)} and no <{identifier}>"
            )
    laws = {g: _law(f"names[{g!r}]", given[g]) for g in identifiers}
    owner: dict[str, str] = {}
    for identifier, law in laws.items():
        for candidate in law.labels[0]:
            if candidate in owner:
                raise ValueError(
                    "names of different placeholders must differ, got "
                    f"{candidate!r} for <{owner[candidate]}> and <{identifier}>"
                )
            owner[candidate] = identifier
    return VariableNames(snippet, laws)


def _law(name: str, candidates: object) -> Table:
    """The candidates of one identifier as a law of one position."""
    options = _validation.iterate(name, candidates)
    if not options:
        raise ValueError(f"{name} must hold at least one name, got none")
    for option in options:
        if not isinstance(option, str):
            raise TypeError(f"{name} must hold names as text, got {_validation.shown(option)}")
        if not option.isidentifier() or keyword.iskeyword(option):
            raise ValueError(f"{name} must hold names that Python allows, got {option!r}")
    if len(set(options)) < len(options):
        repeated = next(option for option in options if options.count(option) > 1)
        raise ValueError(f"{name} must hold distinct names, got {repeated!r} twice")
    given = list(candidates.values()) if isinstance(candidates, Mapping) else None
    weights = weights_of(name, given, len(options))
    return Table(np.arange(len(options))[:, None], weights, labels=[options])


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
