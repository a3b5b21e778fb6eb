"""The other operations on a list: copy, reverse, sort, insert, remove."""

from __future__ import annotations

from infodecode import distributions
from toy import closed_forms as by
from toy.study import Case, program


def cases() -> list[Case]:
    """Certain outcomes, and an item inserted or removed at random."""
    return [
        Case(distributions.copy(5), (by.certain,)),
        Case(distributions.reverse(5), (by.certain,)),
        Case(distributions.sort(5), (by.certain,)),
        Case(distributions.insert_index(5, 2), (by.certain,)),
        Case(distributions.remove_index(5, 2), (by.certain,)),
        Case(distributions.insert_random(5)),
        Case(distributions.remove_random(6)),
    ]


if __name__ == "__main__":
    program("lists", cases)
