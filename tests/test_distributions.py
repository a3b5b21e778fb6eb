"""Every law against its own enumerated table, and tables against plain counting."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import IdealModel, distributions, information
from infodecode.distributions import Table
from tests import laws, oracle
from tests.families import CHECKS, every_canvas
from tests.translation import table

FAMILIES = [
    *(distributions.permutations(n) for n in (1, 2, 3, 4)),
    *(distributions.replace_random(n) for n in (1, 2, 3, 5)),
    *(distributions.shuffled(n) for n in (2, 3, 4, 5)),
    *(distributions.derangements(n) for n in (2, 3, 4, 5, 6)),
    *(distributions.insert_random(n) for n in (1, 2, 3, 6)),
    *(distributions.remove_random(n) for n in (2, 3, 4, 7)),
    *(distributions.copy(n) for n in (1, 3)),
    distributions.replace_index(3, 1),
    distributions.reverse(3),
    distributions.sort(4),
    *(distributions.insert_index(3, i) for i in (0, 2, 3)),
    *(distributions.remove_index(3, i) for i in (0, 2)),
    distributions.concatenate(distributions.permutations(2), distributions.replace_random(3)),
    distributions.concatenate(Table([[0, 1], [1, 0]], [0.25, 0.75]), distributions.permutations(2)),
    distributions.mixture(
        [distributions.permutations(3), distributions.copy(3)], [Fraction(1, 3), Fraction(2, 3)]
    ),
    distributions.mixture([distributions.permutations(3), distributions.copy(3)], [0.3, 0.7]),
    distributions.mixture(
        [
            distributions.concatenate(distributions.copy(1), distributions.replace_random(2)),
            distributions.concatenate(distributions.copy(1), distributions.replace_random(2)),
        ],
        [1, 3],
    ),
    distributions.titanic(),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("law", FAMILIES, ids=lambda law: law.name)
def test_a_family_equals_its_table(law, check):
    check(law)


@given(sample=laws.counted(max_length=4), repeat=st.integers(1, 40))
def test_tables_count(sample, repeat):
    """Marginals and fractions of a table, looked up one by one and in a crowd of copies."""
    law = table(sample)
    canvases = every_canvas(law)
    keep = [bool(oracle.consistent(sample.law, tuple(c))) for c in canvases.tolist()]
    possible = canvases[keep]
    once = law.marginals(possible)
    many = law.marginals(np.tile(possible, (repeat, 1)))
    np.testing.assert_array_equal(many, np.tile(once, (repeat, 1, 1)))
    rows, positions = np.nonzero(possible < 0)
    exact = law._fraction_laws(possible, rows, positions)
    for row, i, one in zip(rows, positions, exact, strict=True):
        expected = oracle.token_laws(sample.law, tuple(possible[row].tolist()))[i]
        assert {v: p for v, p in enumerate(one) if p} == expected


def test_sorted_lookup_equals_scanning():
    """Above 64 outcomes crowds are looked up by bisection; below, and alone, by scanning."""
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 5, (600, 14))
    law = Table(rows, generator.integers(1, 9, 600), alphabet_sizes=[5] * 7 + [200] * 7)
    assert law._packing.words > 1
    canvases = law.sample(400, seed=1)
    canvases[:200, [1, 5, 13]] = -1
    canvases[200:, ::2] = -1
    canvases[399] = [4, 4, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0, -1]
    pairs = np.nonzero(canvases < 0)
    crowd = law._laws(canvases, *pairs)
    assert len(law._slots) > 3
    alone = [
        law._laws(canvases[[row]], np.zeros(1, np.int64), np.array([i]))[0]
        for row, i in zip(*pairs, strict=True)
    ]
    np.testing.assert_array_equal(crowd, alone)
    np.testing.assert_array_equal(
        law._log2_mass(canvases), np.concatenate([law._log2_mass(c[None]) for c in canvases])
    )
    copy = pickle.loads(pickle.dumps(law))
    np.testing.assert_array_equal(copy._laws(canvases, *pairs), crowd)


def test_repeated_outcomes_add_up_and_zero_weights_leave():
    law = distributions.from_counts([[0, 1], [0, 1], [1, 1], [2, 0]], [1, 2, 0, 4])
    assert law.outcomes.tolist() == [[0, 1], [2, 0]]
    assert law.weights.tolist() == [3, 4]
    assert law.total == 7
    assert law.alphabet_sizes == (3, 2)


def test_fractions_become_counts():
    law = Table([[0], [1]], [Fraction(1, 3), Fraction(2, 3)])
    assert law.weights.tolist() == [1, 2]
    assert law.integer


def test_mixture_of_counts_stays_exact():
    law = distributions.mixture([distributions.permutations(3), distributions.copy(3)], [1, 1])
    assert law.table().integer
    top = law.table().weights[law.table().outcomes.tolist().index([0, 1, 2])]
    assert Fraction(int(top), law.table().total) == Fraction(7, 12)


def test_product_entropies_add_up():
    parts = [distributions.permutations(3), distributions.titanic()]
    law = distributions.concatenate(*parts)
    assert information.total_correlation(law) == pytest.approx(
        sum(information.total_correlation(part) for part in parts), abs=1e-12
    )


def test_closed_forms():
    for n in range(2, 40):
        shuffle = distributions.permutations(n)
        assert information.total_correlation(shuffle) == pytest.approx(
            n * math.log2(n) - math.log2(math.factorial(n)), abs=1e-11
        )
        replaced = distributions.replace_random(n)
        assert information.total_correlation(replaced) == pytest.approx(
            (n - 1) * math.log2(n / (n - 1)), abs=1e-12
        )
    assert information.total_correlation(distributions.copy(50)) == 0.0
    assert information.total_correlation(distributions.replace_index(50, 3)) == 0.0


def test_structured_families_need_no_table():
    law = distributions.permutations(2000)
    canvas = np.full((1, 2000), -1)
    canvas[0, :1998] = np.arange(1998)
    assert law._laws(canvas, np.array([0]), np.array([1999]))[0, -2:].tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match=r"permutations\(2000\) has about 10\^5735 outcomes"):
        law.table()
    assert "2000 positions" in repr(law)


# Real data ------------------------------------------------------------------------------------


def test_titanic():
    law = distributions.titanic()
    assert law.total == 2201
    assert law.names == ("class", "sex", "age", "survived")
    assert law.labels[0] == ("1st", "2nd", "3rd", "crew")
    survived = law.marginal([3])
    assert dict(zip(survived.labels[0], survived.marginals([-1])[0, 0], strict=True)) == {
        "no": pytest.approx(1490 / 2201),
        "yes": pytest.approx(711 / 2201),
    }
    women = law.marginals([-1, 0, -1, -1])[0, 3]
    assert women[1] == 344 / 470


def test_records_keep_text_and_order(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("code,flag,times\n01,NA,2\n1,no,3\n10,NA,1\n2,no,1\n")
    law = distributions.from_records(path, count="times")
    assert law.labels == (("01", "1", "2", "10"), ("NA", "no"))
    assert law.weights.tolist() == [2, 3, 1, 1]
    assert law.name == "codes"
    only = distributions.from_records(str(path), columns=["flag"])
    assert only.weights.tolist() == [2, 2]
    frame = pd.DataFrame(
        {"a": pd.Categorical(["x", "y"], categories=["y", "x", "z"]), 5: [2.5, 10]}
    )
    law = distributions.from_records(frame)
    assert law.labels == (("y", "x", "z"), ("2.5", "10.0"))
    assert law.names == ("a", "5")
    assert law.outcomes.tolist() == [[1, 0], [0, 1]]


def test_samples_may_be_words():
    law = distributions.from_samples([["a", "x"], ["b", "x"], ["a", "x"]], names=["u", "v"])
    assert law.labels == (("a", "b"), ("x",))
    assert law.weights.tolist() == [2, 1]
    assert law.labels_of([0, -1]) == ("a", "_")


BAD_RECORDS = {
    "empty file": ("", r"records must have a header and rows"),
    "ragged row": ("a,b\n1,2,3\n", r"records must be a readable CSV file"),
    "header only": ("a,b\n", r"records must have at least one row"),
    "missing value": ("a,b\n1,\n", r"no missing values, got one in column 'b', row 0"),
    "negative count": (
        "a,n\n1,-2\n",
        r"count column 'n' must hold integers >= 0, got '-2' in row 0",
    ),
    "fractional count": ("a,n\n1,1.5\n", r"count column 'n' must hold integers"),
    "words for counts": ("a,n\n1,many\n", r"count column 'n' must hold integers >= 0, got 'many'"),
    "zero counts": ("a,n\n1,0\n", r"count column 'n' must not be zero throughout"),
    "blank line": ("a\nx\n\ny\n", r"no missing values, got one in column 'a', row 1"),
    "repeated column": ("a,a,b\n1,2,3\n", r"distinct column names, got 'a' twice"),
}


@pytest.mark.parametrize("case", BAD_RECORDS)
def test_bad_records_are_refused(case, tmp_path):
    text, message = BAD_RECORDS[case]
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        distributions.from_records(path, count="n" if ",n" in text else None)


def test_missing_files_and_columns_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="records must name a CSV file"):
        distributions.from_records(tmp_path / "none.csv")
    frame = pd.DataFrame({"a": [1]})
    with pytest.raises(ValueError, match=r"count must be one of 'a', got 'z'"):
        distributions.from_records(frame, count="z")
    with pytest.raises(ValueError, match=r"columns\[0\] must be one of 'a', got 'z'"):
        distributions.from_records(frame, columns=["z"])
    with pytest.raises(TypeError, match="records must be a pandas DataFrame or the path"):
        distributions.from_records([[1, 2]])


BAD_TABLES = [
    (([[0], [1]], [0.5, float("nan")]), ValueError, "weights must be finite and >= 0, got .*nan"),
    (
        ([[0], [1]], [1, -1]),
        ValueError,
        "weights must be finite and >= 0, got .*-1.* for outcome 1",
    ),
    (([[0], [1]], [0, 0]), ValueError, "weights must not all be zero"),
    (
        ([[0], [1]], [0.5, 0.6]),
        ValueError,
        "weights given as floats are probabilities .* add up to 1",
    ),
    (([[0], [1]], [1]), ValueError, "weights must have one entry per outcome"),
    (([[0], [1]], [True, False]), TypeError, "weights must be integers"),
    (([[0], [1]], ["a", "b"]), TypeError, "weights must be integers"),
    (([[0], [1]], [2**60, 1]), ValueError, "add up to at most"),
    (([[0, 1], [1]],), ValueError, "outcomes must be a rectangular array"),
    (([[0.5]],), ValueError, "outcomes must hold integers"),
    (([["a"]],), TypeError, "outcomes must hold integers"),
    (([[-1]],), ValueError, "outcomes must be complete"),
    (([[-2]],), ValueError, "outcomes must hold -1 .masked. or a value in"),
    (([],), ValueError, "outcomes must have"),
    (([[]],), ValueError, "outcomes must have at least one row and one position"),
    ((5,), ValueError, "outcomes must have 2 axes"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_TABLES)
def test_bad_tables_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Table(*arguments)


def test_bad_families_are_refused():
    for make in (distributions.permutations, distributions.replace_random, distributions.copy):
        for n in (0, -1):
            with pytest.raises(ValueError, match="n must be at least 1"):
                make(n)
        for n in (2.5, "3", None, True):
            with pytest.raises(TypeError, match="n must be an integer"):
                make(n)
    with pytest.raises(ValueError, match="i must be at most 2, got 3"):
        distributions.replace_index(3, 3)
    with pytest.raises(ValueError, match="parts must hold at least one distribution"):
        distributions.concatenate()
    with pytest.raises(TypeError, match=r"parts\[1\] must be a distribution"):
        distributions.concatenate(distributions.copy(1), 3)
    with pytest.raises(ValueError, match="parts must share positions, alphabets and labels"):
        distributions.mixture([distributions.copy(1), distributions.copy(2)], [1, 1])
    with pytest.raises(ValueError, match="weights must all be positive"):
        distributions.mixture([distributions.copy(1)] * 2, [1, 0])
    with pytest.raises(ValueError, match="weights must have 2 entries"):
        distributions.mixture([distributions.copy(1)] * 2, [1])
    with pytest.raises(ValueError, match="labels must name every token"):
        Table([[0], [1]], labels=[["x"]], alphabet_sizes=[2])
    with pytest.raises(ValueError, match="alphabet_sizes must have"):
        Table([[0], [1]], alphabet_sizes=[2, 2])


def test_impossible_canvases_are_refused_by_marginals():
    law = distributions.permutations(3)
    with pytest.raises(ValueError, match=r"positive probability .* got \[0, 0, -1\] in row 1"):
        law.marginals([[0, 1, -1], [0, 0, -1]])
    with pytest.raises(ValueError, match="canvases must have 3 positions, got 2"):
        law.marginals([0, 1])
    with pytest.raises(ValueError, match=r"value in 0..2 at position 0, got 3 in row 0"):
        law.marginals([3, 1, -1])
    with pytest.raises(ValueError, match="sequences must be complete"):
        law.log2_probability([0, 1, -1])


def test_off_support_laws():
    blank, repeated = np.array([[-1, -1, -1]]), np.array([[0, 0, -1]])
    row, place = np.array([0]), np.array([2])
    law = distributions.permutations(3)
    third = IdealModel(law).laws(repeated, row, place)
    np.testing.assert_array_equal(third, IdealModel(law).laws(blank, row, place))
    natural = IdealModel(law, off_support="natural").laws(repeated, row, place)
    assert natural.tolist() == [[0.0, 0.5, 0.5]]
    uniform = IdealModel(Table([[0, 0], [1, 1]], alphabet_sizes=[3, 2]), off_support="uniform")
    assert uniform.laws(np.array([[2, -1]]), row, np.array([1])).tolist() == [[0.5, 0.5, 0.0]]
    with pytest.raises(ValueError, match="off_support='natural' needs a family"):
        IdealModel(law.table(), off_support="natural")


def test_products_of_large_counts_fall_back_to_floats():
    skewed = Table([[0], [1]], [999999, 1])
    law = distributions.concatenate(skewed, skewed, skewed).table()
    assert not law.integer
    assert math.fsum(law.probabilities) == pytest.approx(1)
    pair = [Table([[0], [1]], [10**9 + 6, 1]), Table([[0], [1]], [1, 10**9 + 8])]
    assert distributions.mixture(pair, [1, 1]).entropy() == pytest.approx(1, abs=1e-6)


def test_laws_do_not_change_under_their_users():
    law = distributions.permutations(4)
    with pytest.raises(ValueError, match="read-only"):
        law.size_entropies()[4] = 99
    with pytest.raises(ValueError, match="read-only"):
        law.table().weights[0] = 99


def test_absurd_sizes_are_refused_at_once():
    for make in (distributions.permutations, distributions.copy, distributions.replace_random):
        with pytest.raises(ValueError, match="n must be at most 100000"):
            make(10**9)
    with pytest.raises(ValueError, match="outcomes may have at most 1,000,000 tokens"):
        Table([[10**8]])
    with pytest.raises(ValueError, match=r"labels\[0\] must be distinct, got 'a' twice"):
        Table([[0], [1]], labels=[["a", "a"]])


def test_no_negative_zeros():
    one = distributions.permutations(1)
    for value in (
        one.log2_probability([[0]]), one.log2_mode(), distributions.replace_random(1).log2_mode()
    ):  # fmt: skip
        assert not np.signbit(value).any()


def test_small_information_is_not_taken_for_rounding():
    """A dependence of 1.5e-11 bits in a table of a million cells."""
    generator = np.random.default_rng(0)
    counts = 10**9 + generator.integers(-8000, 8001, (1000, 1000))
    law = distributions.from_counts(np.indices((1000, 1000)).reshape(2, -1).T, counts.ravel())
    p = counts / counts.sum()
    outer = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    excess = p / outer - 1
    expected = float((outer * ((1 + excess) * np.log1p(excess) - excess)).sum() / math.log(2))
    assert information.total_correlation(law) == pytest.approx(expected, abs=1e-12)
    assert expected > 1e-11
