"""Puzzles: Latin squares, and 4x4 Sudoku with or without clues."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from infodecode import _validation
from infodecode._typing import Array, IntArray
from infodecode.distributions._symmetry import Automorphism
from infodecode.distributions._table import Table

LARGEST_SQUARE = 5
"""Largest Latin squares that a table holds: of size 6 there are 812,851,200."""

_OPEN = ".0_"


class _Grids(Table):
    """Uniform over squares of symbols 1..size, read row by row and printed line by line."""

    def __init__(self, grids: IntArray, size: int, name: str) -> None:
        lines = range(1, size + 1)
        super().__init__(
            grids,
            alphabet_sizes=[size] * size**2,
            labels=[lines] * size**2,
            names=[f"r{row}c{column}" for row in lines for column in lines],
            template="\n".join([" ".join(["{}"] * size)] * size),
            name=name,
        )


class LatinSquares(_Grids):
    """Uniform over the Latin squares of size n: see `latin_squares`."""

    def __init__(self, n: int) -> None:
        size = _validation.integer("n", n, minimum=1)
        if size > LARGEST_SQUARE:
            raise ValueError(
                f"n must be at most {LARGEST_SQUARE}, got {size}: there are 812,851,200 Latin "
                "squares of size 6, too many for a table, and more beyond"
            )
        super().__init__(_squares(size), size, f"latin_squares({size})")

    def symmetries(self) -> tuple[Automorphism, ...]:
        """Any order of the rows, of the columns and of the symbols, and rows as columns."""
        size = self.alphabet_sizes[0]
        if size == 1:
            return ()
        moves = [_transpose(size)]
        for i in range(size - 1):
            swap, pair = _swapped(size, i, i + 1), f"{i + 1} and {i + 2}"
            moves += [
                _rows_to(f"swap rows {pair}", swap),
                _columns_to(f"swap columns {pair}", swap),
                _symbols_to(f"swap symbols {pair}", swap),
            ]
        return tuple(moves)


class Sudoku(_Grids):
    """Uniform over the 4x4 Sudoku grids that agree with the clues: see `sudoku`.

    Attributes:
        clues: the 16 given digits, row by row, 0 where open.
    """

    clues: tuple[int, ...]

    def __init__(self, clues: object = None) -> None:
        self.clues = (0,) * 16 if clues is None else _clues(clues)
        grids = _sudoku_grids()
        given = np.array(self.clues)
        agree = ((given == 0) | (grids == given - 1)).all(axis=1)
        if not agree.any():
            raise ValueError(f"clues must allow a grid: {_contradiction(grids, self.clues)}")
        shown = _shown(self.clues) if any(self.clues) else ""
        super().__init__(grids[agree], 4, f"sudoku({shown})")

    def symmetries(self) -> tuple[Automorphism, ...]:
        """Which of these leave the law as it is: rows swapped within a band, bands swapped, the
        same for columns, rows as columns, and two digits renamed.
        """
        return tuple(move for move in _sudoku_moves() if _keeps(move, self.outcomes))


def latin_squares(n: int) -> LatinSquares:
    r"""*Latin Square*: every symbol once in each row and column; all squares, uniformly.

    There are L(n) = 1, 2, 12, 576, 161280 of them for n = 1..5. Cells are read row by row. Every
    cell is uniform by itself and decided by all the others, so

    .. math:: H(Y) = \log_2 L(n), \quad
              \mathrm{TC} = n^2 \log_2 n - \log_2 L(n), \quad \mathrm{DTC} = \log_2 L(n)

    Args:
        n: size of the square, 1 to 5, hence n² positions; symbols are labelled 1..n.

    Raises:
        ValueError: n is larger: from 6 on a table cannot hold them.

    Example:
        >>> import infodecode
        >>> squares = latin_squares(4)
        >>> print(squares.render(squares.outcomes[0]))
        1 2 3 4
        2 1 4 3
        3 4 1 2
        4 3 2 1
        >>> round(infodecode.total_correlation(squares), 4)
        22.8301

    Reference: ParallelBench (Kang et al. 2025), section 5; Keedwell and Dénes 2015.
    """
    return LatinSquares(n)


def sudoku(clues: object = None) -> Sudoku:
    r"""4x4 *Sudoku*: 1 to 4 once in each row, column and 2x2 box; uniform given the clues.

    Without clues there are 288 grids. Every cell is then uniform by itself and decided by all the
    others: H = DTC = log2 288 = 8.17 bits and TC = 32 - log2 288 = 23.83 bits. A puzzle with a
    single solution, as in ParallelBench, has entropy and total correlation 0: with exact marginals
    a single round solves it. Clues stay positions, certain ones.

    Args:
        clues: None; or 16 characters row by row, ``1`` to ``4`` where given and ``.``, ``0`` or
            ``_`` where open, whitespace ignored; or integers ``(4, 4)`` or ``(16,)``, 0 where open.

    Raises:
        ValueError: a wrong character, digit or size, or no grid agrees with the clues (names
            those that contradict each other, if two do).

    Example:
        >>> import infodecode
        >>> infodecode.total_correlation(sudoku("0042 2031 4023 3214"))
        0.0
        >>> half = sudoku("1... .... ..1. ....")
        >>> half
        <sudoku(1... .... ..1. ....): 16 positions, 18 outcomes>
        >>> round(infodecode.total_correlation(half), 4)
        14.8496

    Reference: ParallelBench (Kang et al. 2025), section 5.
    """
    return Sudoku(clues)


# Grids ------------------------------------------------------------------------------------------


def _squares(size: int) -> IntArray:
    """All Latin squares ``(N, size**2)``, in lexicographic order.

    Those with the first row 0, 1, … are extended row by row; renaming symbols gives the others.
    """
    rows = np.array(list(itertools.permutations(range(size))), np.int8)
    squares = rows[:1, None]
    for _ in range(size - 1):
        clash = (squares[:, None] == rows[None, :, None]).any(axis=(2, 3))
        which, row = np.nonzero(~clash)
        squares = np.concatenate([squares[which], rows[row, None]], axis=1)
    renamed = rows[:, squares].reshape(-1, size**2)
    return np.asarray(renamed[np.lexsort(renamed.T[::-1])])


def _sudoku_grids() -> IntArray:
    """All 288 grids ``(288, 16)``: Latin squares whose boxes hold every symbol once."""
    squares = _squares(4)
    boxes = squares.reshape(-1, 2, 2, 2, 2).swapaxes(2, 3).reshape(-1, 4, 4)
    return np.asarray(squares[(np.sort(boxes, axis=2) == np.arange(4)).all(axis=(1, 2))])


# Symmetries -------------------------------------------------------------------------------------


def _swapped(size: int, a: int, b: int) -> IntArray:
    order = np.arange(size)
    order[[a, b]] = order[[b, a]]
    return order


def _rows_to(name: str, to: IntArray) -> Automorphism:
    size = len(to)
    return Automorphism(name, (to[:, None] * size + np.arange(size)).ravel())


def _columns_to(name: str, to: IntArray) -> Automorphism:
    size = len(to)
    return Automorphism(name, (np.arange(size)[:, None] * size + to).ravel())


def _symbols_to(name: str, to: IntArray) -> Automorphism:
    cells = len(to) ** 2
    return Automorphism(name, np.arange(cells), (to,) * cells)


def _transpose(size: int) -> Automorphism:
    return Automorphism("exchange rows and columns", np.arange(size**2).reshape(size, -1).T.ravel())


def _sudoku_moves() -> tuple[Automorphism, ...]:
    """Generators of the 4x4 grids' symmetries; clues may break any of them."""
    moves = []
    for what, to in (("rows", _rows_to), ("columns", _columns_to)):
        moves += [
            to(f"swap {what} 1 and 2", _swapped(4, 0, 1)),
            to(f"swap {what} 3 and 4", _swapped(4, 2, 3)),
            to(f"swap {what} 1, 2 with {what} 3, 4", np.array([2, 3, 0, 1])),
        ]
    moves.append(_transpose(4))
    moves += [
        _symbols_to(f"swap digits {a + 1} and {b + 1}", _swapped(4, a, b))
        for a, b in itertools.combinations(range(4), 2)
    ]
    return tuple(moves)


def _keeps(move: Automorphism, outcomes: IntArray) -> bool:
    """Whether ``move`` maps the set of distinct ``outcomes`` onto itself."""
    return set(map(tuple, move.apply(outcomes).tolist())) == set(map(tuple, outcomes.tolist()))


# Clues ------------------------------------------------------------------------------------------


def _clues(clues: object) -> tuple[int, ...]:
    digits = _characters(clues) if isinstance(clues, str) else _array(clues)
    for cell, digit in enumerate(digits):
        if not 0 <= digit <= 4:
            raise ValueError(
                f"clues must hold 1 to 4, or 0 where open, got {digit} at {_cell(cell)}"
            )
    return tuple(digits)


def _characters(clues: str) -> list[int]:
    text = "".join(clues.split())
    if len(text) != 16:
        raise ValueError(
            f"clues must have 16 characters besides whitespace, got {len(text)} in "
            f"{_validation.shown(clues)}"
        )
    for cell, character in enumerate(text):
        if character not in _OPEN + "1234":
            raise ValueError(
                "clues must hold 1 to 4, and '.', '0' or '_' where open, "
                f"got {character!r} at {_cell(cell)}"
            )
    return [0 if character in _OPEN else int(character) for character in text]


def _array(clues: object) -> list[int]:
    given: Array = _validation.array("clues", clues)
    if given.shape not in ((4, 4), (16,)):
        raise ValueError(
            f"clues must be a string or have shape (4, 4) or (16,), got {_validation.shown(clues)}"
        )
    whole = _validation.integer_array("clues", given, dimensions=given.ndim)
    return [int(digit) for digit in whole.ravel()]


def _contradiction(grids: IntArray, clues: Sequence[int]) -> str:
    """Two clues that no grid has together, or else all of them."""
    given = [(cell, digit) for cell, digit in enumerate(clues) if digit]
    for (i, a), (j, b) in itertools.combinations(given, 2):
        if not ((grids[:, i] == a - 1) & (grids[:, j] == b - 1)).any():
            return f"{a} at {_cell(i)} contradicts {b} at {_cell(j)}"
    return f"none agrees with {_shown(clues)}"


def _cell(index: int) -> str:
    return f"row {index // 4 + 1}, column {index % 4 + 1}"


def _shown(clues: Sequence[int]) -> str:
    text = "".join(str(digit) if digit else "." for digit in clues)
    return " ".join(text[row : row + 4] for row in range(0, 16, 4))
