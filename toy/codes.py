"""Parity and linear codes: no two positions tell about each other, all of them do."""

from __future__ import annotations

from infodecode import distributions
from toy import closed_forms as by
from toy.study import Case, program


def cases() -> list[Case]:
    """Even and odd words, over orbits a long one, and the Hamming code."""
    return [
        Case(distributions.parity(5), (by.parity,)),
        Case(distributions.parity(6, odd=True), (by.parity,)),
        Case(distributions.parity(50), (by.parity,), share=0.1),
        Case(
            distributions.linear_code(
                [[1, 0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1, 1]],
                name="hamming(7, 4)",
            ),
            (by.uniform_code,),
        ),
    ]


if __name__ == "__main__":
    program("codes", cases)
