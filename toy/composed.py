"""Laws made of laws: side by side, and drawn at random."""

from __future__ import annotations

from fractions import Fraction

from infodecode import distributions
from toy.study import Case, program


def cases() -> list[Case]:
    """A mixture and a concatenation, each with a part that is certain or nearly so."""
    return [
        Case(
            distributions.mixture(
                [distributions.copy(5), distributions.permutations(5)],
                [Fraction(1, 2), Fraction(1, 2)],
            )
        ),
        Case(
            distributions.concatenate(
                distributions.replace_random(3), distributions.permutations(3)
            )
        ),
    ]


if __name__ == "__main__":
    program("composed", cases)
