"""Puzzles: Latin squares and Sudoku grids, all of them or those that fit some clues."""

from __future__ import annotations

from infodecode import distributions
from toy import closed_forms as by
from toy.study import Case, program


def cases() -> list[Case]:
    """Latin squares of side 3 and 4; Sudoku without clues, with some, and solved by its clues."""
    return [
        Case(distributions.latin_squares(3)),
        Case(distributions.latin_squares(4), share=0.25),
        Case(distributions.sudoku(), share=0.25),
        Case(distributions.sudoku("1... ..3. .... 4...")),
        Case(distributions.sudoku("0042 2031 4023 3214"), (by.certain,)),
    ]


if __name__ == "__main__":
    program("puzzles", cases)
