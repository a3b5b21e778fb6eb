"""The two puzzles, 4 by 4: Latin squares, of which there are many, and Sudoku with one solution."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from infodecode import distributions
from infodecode._typing import IntArray
from llm.tasks.parsing import Square, written_square
from llm.tasks.question import OWN, Question, Task, dice
from llm.tasks.rules import LatinSquare, Sudoku

GROUP = "puzzle"
LENGTH = 64
"""Tokens of an answer, as in the paper."""

SIZE = 4
CLUES = 12
"""Clues of a Sudoku, as in the paper's files."""

FEWEST_CLUES = 4
"""No 4 by 4 Sudoku with fewer has one solution."""

LATIN = (
    "Arrange the symbols {symbols} in a Latin square of order 4: four rows in which every symbol "
    "occurs once in each row and once in each column. Answer with the four rows alone, a row a "
    "line, symbols separated by commas."
)
SUDOKU = (
    "Solve this 4 by 4 Sudoku, in which 0 stands for an empty cell. Every row, every column and "
    "every 2 by 2 box takes the digits 1, 2, 3 and 4. Answer with the four rows alone, four digits "
    "a line.\n{grid}"
)


def tasks(seed: int, *, clues: int = CLUES) -> Iterator[Task]:
    """Latin squares, and Sudoku with this many clues."""
    if not FEWEST_CLUES <= clues < SIZE**2:
        raise ValueError(f"clues must be {FEWEST_CLUES} to {SIZE**2 - 1}, got {clues}")
    yield Task(f"{GROUP}/latin_square", OWN, partial(_latin_square, seed))
    yield Task(f"{GROUP}/sudoku", OWN, partial(_sudoku, seed, clues))


@cache
def _squares(kind: str) -> IntArray:
    """Every square of symbols 0..3, ``(N, 16)``."""
    law = distributions.sudoku() if kind == "sudoku" else distributions.latin_squares(SIZE)
    return np.asarray(law.table().outcomes)


def _latin_square(seed: int, number: int) -> Question:
    task = f"{GROUP}/latin_square"
    rng = dice(seed, task, number)
    turns: list[str] = []
    symbols: list[str] = []
    for _ in range(2):
        symbols = rng.sample(string.ascii_uppercase + string.digits, SIZE)
        cells = [symbols[k] for k in rng.choice(_squares("latin")).tolist()]
        square = written_square([cells[k : k + SIZE] for k in range(0, SIZE**2, SIZE)])
        turns += [LATIN.format(symbols=", ".join(symbols)), square]
    return Question(task, number, tuple(turns[:-1]), LENGTH, LatinSquare(tuple(symbols)), turns[-1])


def _sudoku(seed: int, clues: int, number: int) -> Question:
    task = f"{GROUP}/sudoku"
    rng = dice(seed, task, number)
    turns: list[str] = []
    grid: Square = ()
    for _ in range(2):
        grid, solution = _puzzle(clues, rng)
        turns += [SUDOKU.format(grid=_written(grid)), _written(solution)]
    return Question(task, number, tuple(turns[:-1]), LENGTH, Sudoku(grid), turns[-1])


def _puzzle(clues: int, rng: random.Random) -> tuple[Square, Square]:
    """A grid with this many clues and its only solution."""
    grids = _squares("sudoku")
    while True:
        solution = rng.choice(grids)
        kept = rng.sample(range(SIZE**2), clues)
        if (grids[:, kept] == solution[kept]).all(axis=1).sum() == 1:
            break
    digits = [str(digit + 1) for digit in solution.tolist()]
    given = [digit if k in kept else "0" for k, digit in enumerate(digits)]
    return _rows(given), _rows(digits)


def _rows(cells: list[str]) -> Square:
    return tuple(tuple(cells[k : k + SIZE]) for k in range(0, SIZE**2, SIZE))


def _written(rows: Square) -> str:
    return "\n".join(map("".join, rows))
