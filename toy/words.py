"""English words of a given length, letter by letter."""

from __future__ import annotations

from infodecode import distributions
from toy.study import Case, program


def cases() -> list[Case]:
    """Short words, every one alike or as frequent as they are."""
    return [
        Case(distributions.words(3)),
        Case(distributions.words(4, weighted=True)),
        Case(distributions.words(5)),
        Case(distributions.words(5, weighted=True)),
    ]


if __name__ == "__main__":
    program("words", cases)
