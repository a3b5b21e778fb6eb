"""Replace: one item of a list becomes new, at a random place or at a given one."""

from __future__ import annotations

from infodecode import distributions
from toy import closed_forms as by
from toy.study import Case, program


def cases() -> list[Case]:
    """Replace Random of 4 to 9 items and, over orbits, of 50; Replace Index."""
    return [
        Case(distributions.replace_random(4), (by.replace_random,)),
        Case(distributions.replace_random(6), (by.replace_random,)),
        Case(distributions.replace_random(9), (by.replace_random,)),
        Case(distributions.replace_random(50), (by.replace_random,), share=0.1),
        Case(distributions.replace_index(5, 2), (by.certain,)),
    ]


if __name__ == "__main__":
    program("replace", cases)
