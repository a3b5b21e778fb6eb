"""Shuffle: orders of a list, any, all but the original one, and without a fixed item."""

from __future__ import annotations

from infodecode import distributions
from toy import closed_forms as by
from toy.study import Case, program


def cases() -> list[Case]:
    """Permutations of 4 to 6 items and, over orbits, of 50; two laws with less symmetry."""
    return [
        Case(distributions.permutations(4), (by.shuffle,)),
        Case(distributions.permutations(5), (by.shuffle,)),
        Case(distributions.permutations(6), (by.shuffle,)),
        Case(distributions.permutations(50), (by.shuffle,), share=0.1),
        Case(distributions.shuffled(5)),
        Case(distributions.derangements(5), (by.deranged,)),
    ]


if __name__ == "__main__":
    program("shuffle", cases)
