"""The cone of polymatroids: every joint entropy of n variables lies in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

LARGEST = 8
"""Most variables. Nine would have 4,617 elemental inequalities and take seconds."""


@dataclass(frozen=True)
class Elemental:
    """An inequality from which all of Shannon's follow.

    Attributes:
        pair: ``(i,)`` for H(i | all others) >= 0, ``(i, j)`` for I(i; j | given) >= 0.
        given: the mask of what is given.
        row: ``(mask, coefficient)`` of each joint entropy in it.
    """

    pair: tuple[int, ...]
    given: int
    row: tuple[tuple[int, int], ...]

    def text(self, names: tuple[str, ...]) -> str:
        """Such as ``I(A;B|C)``."""
        given = ",".join(members(self.given, names))
        inside = ";".join(names[i] for i in self.pair) + ("|" + given if given else "")
        return f"{'H' if len(self.pair) == 1 else 'I'}({inside})"


@lru_cache(maxsize=LARGEST)
def elementals(n: int) -> tuple[Elemental, ...]:
    """All n + C(n, 2) 2^(n-2) of them: 4 variables 28, 6 variables 246, 8 variables 1,800."""
    everything = (1 << n) - 1
    found = []
    for i in range(n):
        others = everything ^ 1 << i
        found.append(Elemental((i,), others, _row({everything: 1, others: -1})))
    for i, j in combinations(range(n), 2):
        rest = everything ^ 1 << i ^ 1 << j
        given = rest
        while True:
            a, b = given | 1 << i, given | 1 << j
            found.append(Elemental((i, j), given, _row({a: 1, b: 1, a | b: -1, given: -1})))
            if not given:
                break
            given = (given - 1) & rest
    return tuple(found)


def members(mask: int, names: tuple[str, ...]) -> list[str]:
    """The names in a mask."""
    return [name for i, name in enumerate(names) if mask >> i & 1]


def _row(coefficients: dict[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple((mask, value) for mask, value in coefficients.items() if mask)
