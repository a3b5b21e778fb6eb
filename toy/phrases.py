"""Phrases: words that belong together, and an article that its noun decides."""

from __future__ import annotations

from infodecode import distributions
from toy.study import Case, program


def cases() -> list[Case]:
    """New York and Mexico City (ParallelBench, Figure 1); a and an."""
    return [
        Case(distributions.phrases()),
        Case(distributions.phrases(("New York", "Mexico City", "New Orleans"), (4, 3, 1))),
        Case(distributions.article()),
    ]


if __name__ == "__main__":
    program("phrases", cases)
