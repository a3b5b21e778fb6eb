"""Latin squares and Sudoku against filters over all grids of rows that are orders."""

from __future__ import annotations

import math
import pickle
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, bounds, exact, information, partitions, strategies
from infodecode.distributions._puzzles import latin_squares, sudoku
from tests.families import CHECKS, symmetries_leave_it_as_it_is

PARALLELBENCH = "0042 2031 4023 3214"
DIAGONAL = "1... .... ..1. ...."

INSTANCES = [
    *(latin_squares(n) for n in range(1, 5)),
    sudoku(),
    sudoku(DIAGONAL),
    sudoku("12.. .... .... ...."),
    sudoku(PARALLELBENCH),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("law", INSTANCES, ids=lambda law: law.name)
def test_a_puzzle_equals_its_table(law, check):
    check(law)


def latin(n):
    """All Latin squares from the definition: every choice of n rows, filtered by columns."""
    rows = list(permutations(range(n)))
    return [
        sum(square, ())
        for square in product(rows, repeat=n)
        if all(len(set(column)) == n for column in zip(*square, strict=True))
    ]


LATIN = {n: latin(n) for n in range(1, 5)}
BOXES = [[a + b for b in (0, 1, 4, 5)] for a in (0, 2, 8, 10)]
GRIDS = [grid for grid in LATIN[4] if all(len({grid[c] for c in box}) == 4 for box in BOXES)]


def outcomes(law):
    return sorted(map(tuple, law.outcomes.tolist()))


def orbits(law):
    """How many classes the symmetries divide the outcomes into."""
    left, count = set(outcomes(law)), 0
    while left:
        fresh, count = {left.pop()}, count + 1
        while fresh:
            some = np.array(sorted(fresh), np.int32)
            images = {tuple(y) for move in law.symmetries() for y in move.apply(some).tolist()}
            fresh = images & left
            left -= fresh
    return count


# Latin squares ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", LATIN)
def test_latin_squares_are_those_of_the_definition(n):
    law = latin_squares(n)
    assert law.outcomes.tolist() == list(map(list, sorted(LATIN[n])))
    assert law.weights.tolist() == [1] * len(LATIN[n])


def test_latin_squares_are_as_many_as_known():
    """OEIS A002860; 161,280 distinct grids that are Latin squares are all of them."""
    assert [latin_squares(n).support_size for n in range(1, 6)] == [1, 2, 12, 576, 161280]
    law = latin_squares(5)
    squares = law.outcomes.reshape(-1, 5, 5)
    for axis in (1, 2):
        assert (np.sort(squares, axis=axis) == np.arange(5).reshape(-1, *[1] * (2 - axis))).all()
    assert (law.weights == 1).all()
    assert law.length == 25
    assert law.outcomes[0, :5].tolist() == [0, 1, 2, 3, 4]


def test_closed_forms_of_latin_squares():
    for n in range(2, 6):
        law = latin_squares(n)
        bits = math.log2(law.support_size)
        assert law.entropy() == pytest.approx(bits, rel=1e-14)
        assert information.total_correlation(law) == pytest.approx(n * n * math.log2(n) - bits)
        assert information.dual_total_correlation(law) == pytest.approx(bits, rel=1e-14)
        np.testing.assert_allclose(law.position_entropies(), math.log2(n), rtol=1e-14)
    assert information.total_correlation(latin_squares(1)) == 0.0


def test_latin_squares_fall_into_their_main_classes():
    """Order 4: two classes, that of the cyclic group and that of the Klein group."""
    assert [orbits(latin_squares(n)) for n in range(1, 5)] == [1, 1, 1, 2]


def test_a_square_prints_line_by_line():
    law = latin_squares(3)
    assert law.render([0, 1, 2, 1, -1, -1, -1, -1, -1]) == "1 2 3\n2 _ _\n_ _ _"
    assert law.names[:4] == ("r1c1", "r1c2", "r1c3", "r2c1")
    assert law.name == "latin_squares(3)"


def test_the_report_on_latin_squares():
    law = latin_squares(4)
    report = bounds(law)
    assert report.total_correlation == report.partition_bits[0]
    assert (np.diff(report.partition_bits) <= 0).all()
    for rounds in (2, 3, 5, 8):
        attained = partitions.partition_bits(law, report.partition(rounds))
        assert attained == pytest.approx(report.partition_bits[rounds - 1], abs=1e-12)
    assert (report.random_order_bits >= report.partition_bits).all()


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="n must be at most 5, got 6: there are 812,851,200"):
        latin_squares(6)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        latin_squares(0)
    with pytest.raises(TypeError, match=r"n must be an integer, got 4\.0"):
        latin_squares(4.0)


# Sudoku -----------------------------------------------------------------------------------------


def test_all_grids():
    law = sudoku()
    assert law.support_size == len(GRIDS) == 288
    assert outcomes(law) == sorted(GRIDS)
    bits = math.log2(288)
    assert law.entropy() == pytest.approx(bits, rel=1e-14)
    assert information.total_correlation(law) == pytest.approx(32 - bits)
    assert information.dual_total_correlation(law) == pytest.approx(bits)
    assert law.name == "sudoku()"
    assert law.clues == (0,) * 16
    assert len(law.symmetries()) == 13


def test_all_grids_are_two_up_to_symmetry():
    assert orbits(sudoku()) == 2


def test_the_example_of_parallelbench():
    law = sudoku(PARALLELBENCH)
    assert law.support_size == 1
    assert law.render(law.outcomes[0]).split() == list("1342243141233214")
    assert law.entropy() == 0.0
    assert information.total_correlation(law) == 0.0
    run = exact(law, Decoder(strategies.FixedPartition([range(16)])))
    assert run.validity == 1.0
    assert run.kl == 0.0


@st.composite
def puzzles(draw):
    """Clues (16,), mostly those of a grid, some of them changed."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    clues = np.array(GRIDS[generator.integers(288)]) + 1
    clues[generator.random(16) >= generator.random()] = 0
    for cell in generator.integers(0, 16, generator.integers(0, 3)):
        clues[cell] = generator.integers(0, 5)
    return clues


@given(clues=puzzles())
def test_clues_filter_the_grids(clues):
    expected = sorted(
        g for g in GRIDS if all(c in (0, v + 1) for c, v in zip(clues, g, strict=True))
    )
    if not expected:
        with pytest.raises(ValueError, match="clues must allow a grid"):
            sudoku(clues)
        return
    law = sudoku(clues)
    assert outcomes(law) == expected
    assert law.clues == tuple(clues.tolist())
    given_cells = np.flatnonzero(clues)
    assert not law.position_entropies()[given_cells].any()
    assert law.entropy(given_cells) == 0.0
    assert law.alphabet_sizes == (4,) * 16
    np.testing.assert_allclose(
        law.marginals(np.full(16, -1)), sudoku().marginals(clues - 1), atol=1e-14
    )
    symmetries_leave_it_as_it_is(law)


@given(clues=puzzles())
def test_every_candidate_that_is_a_symmetry_is_found(clues):
    """Clues only: a relabelling of all grids keeps those with the clues if it keeps the clues."""
    if not any(all(c in (0, v + 1) for c, v in zip(clues, g, strict=True)) for g in GRIDS):
        return
    law = sudoku(clues)
    found = {move.name for move in law.symmetries()}
    for move in sudoku().symmetries():
        if move.apply(clues[None] - 1)[0].tolist() == (clues - 1).tolist():
            assert move.name in found


def test_clues_leave_the_true_symmetries():
    assert [move.name for move in sudoku(DIAGONAL).symmetries()] == [
        "exchange rows and columns",
        "swap digits 2 and 3",
        "swap digits 2 and 4",
        "swap digits 3 and 4",
    ]
    assert sudoku(PARALLELBENCH).symmetries() == ()


FORMS = [
    "1200 0000 0010 0004",
    "12..\n....\n..1.\n...4",
    "12________1____4",
    " 1 2 . 0 _ . . . 0 0 1 . . . . 4 ",
    [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4],
    [[1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 4]],
    np.array([[1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 4]], np.uint8),
]


def test_clues_may_be_written_in_many_ways():
    laws = [sudoku(form) for form in FORMS]
    assert len({(law.clues, law.name) for law in laws}) == 1
    assert laws[0].name == "sudoku(12.. .... ..1. ...4)"
    assert laws[0].clues == (1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4)
    assert sudoku("." * 16).name == "sudoku()"
    copy = pickle.loads(pickle.dumps(laws[0]))
    assert copy.clues == laws[0].clues
    assert outcomes(copy) == outcomes(laws[0])


REFUSED = {
    "same row": (
        "1..1 .... .... ....",
        "clues must allow a grid: 1 at row 1, column 1 contradicts 1 at row 1, column 4",
    ),
    "same column": (
        "2... .... .... 2...",
        "2 at row 1, column 1 contradicts 2 at row 4, column 1",
    ),
    "same box": (".... .... ..3. ...3", "3 at row 3, column 3 contradicts 3 at row 4, column 4"),
    "three clues": ("12.. ..3. .... ....", r"a grid: none agrees with 12\.\. \.\.3\. \.\.\.\. \."),
    "15 characters": (
        "1.. .... .... ....",
        "clues must have 16 characters besides whitespace, got 15",
    ),
    "17 characters": ("1.... .... .... ....", "clues must have 16 characters .* got 17"),
    "empty": ("", "clues must have 16 characters besides whitespace, got 0"),
    "five": ("1... 5... .... ....", "clues must hold 1 to 4, .* got '5' at row 2, column 1"),
    "letters": ("1... .... .... ...x", "clues must hold 1 to 4, .* got 'x' at row 4, column 4"),
    "superscript": ("1... .... .... ...²", "clues must hold 1 to 4, .* got '²' at row 4, column 4"),
    "large": ([0] * 15 + [5], "clues must hold 1 to 4, or 0 where open, got 5 at row 4, column 4"),
    "negative": ([-1] + [0] * 15, "clues must hold .* got -1 at row 1, column 1"),
    "three rows": ([[0] * 4] * 3, r"clues must be a string or have shape \(4, 4\) or \(16,\)"),
    "a number": (7, r"clues must be a string or have shape \(4, 4\) or \(16,\), got 7"),
    "halves": ([0.5] * 16, "clues must hold integers"),
    "ragged": ([[1, 2], [3]], "clues must be a rectangular array"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_clues_are_refused(case):
    clues, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        sudoku(clues)


def test_clues_of_other_types_are_refused():
    with pytest.raises(TypeError, match="clues must hold integers"):
        sudoku([["1"] * 4] * 4)
    with pytest.raises(TypeError, match="clues must hold integers"):
        sudoku([True] * 16)
