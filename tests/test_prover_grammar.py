"""What statements mean, and where they go wrong."""

import random
from fractions import Fraction
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import information
from infodecode.prover import prove
from infodecode.prover._forms import shown
from infodecode.prover._grammar import parse_quantity, parse_statement
from tests import laws
from tests.translation import table


def form(text):
    return {"".join(sorted(s)): c for s, c in parse_quantity(text).form.items()}


def statement_form(text):
    return {"".join(sorted(s)): c for s, c in parse_statement("claim", text).form.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("H(A)", {"A": 1}),
        ("H(B,A)", {"AB": 1}),
        ("H(A,A)", {"A": 1}),
        ("H(A|A)", {}),
        ("H(A|B)", {"AB": 1, "B": -1}),
        ("I(A;B)", {"A": 1, "B": 1, "AB": -1}),
        ("I(A;A)", {"A": 1}),
        ("I(A,B;C|D)", {"ABD": 1, "CD": 1, "ABCD": -1, "D": -1}),
        ("TC(A,B,C)", {"A": 1, "B": 1, "C": 1, "ABC": -1}),
        ("C(A,B|C)", {"AC": 1, "BC": 1, "ABC": -1, "C": -1}),
        ("TC(A)", {}),
        ("TC(A,B;C)", {"AB": 1, "C": 1, "ABC": -1}),
        ("DTC(A,B)", {"A": 1, "B": 1, "AB": -1}),
        ("D(A,B,C)", {"AB": 1, "AC": 1, "BC": 1, "ABC": -2}),
        ("DTC(A;B,C|D)", {"AD": 1, "BCD": 1, "ABCD": -1, "D": -1}),
    ],
)
def test_quantities(text, expected):
    assert form(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("H(A) <= H(B)", {"A": -1, "B": 1}),
        ("H(A) >= H(B)", {"A": 1, "B": -1}),
        ("H(A) ≥ H(B)", {"A": 1, "B": -1}),
        ("H(A)=H(B)", {"A": 1, "B": -1}),
        ("0<=H(A)", {"A": 1}),
        ("0 H(B) <= H(A)", {"A": 1}),
        ("3/2 H(A) >= 0", {"A": Fraction(3, 2)}),
        ("1.25*H(A) >= 0", {"A": Fraction(5, 4)}),
        ("0.1 H(A) >= 0", {"A": Fraction(1, 10)}),
        ("H(A)/3*2 >= 0", {"A": Fraction(2, 3)}),
        ("- 2 (H(A) - 1/2 (H(B) + 4 H(C))) / 2 >= 0", {"A": -1, "B": Fraction(1, 2), "C": 2}),
        ("- H(A) + H(A) >= -H(B)", {"B": 1}),
        ("2 * 3/4 * H(A) >= 0", {"A": Fraction(3, 2)}),
        (f"{'(' * 50}H(A){')' * 50} >= 0", {"A": 1}),
    ],
)
def test_statements(text, expected):
    assert statement_form(text) == expected


def test_names():
    """Identifiers, with primes; letters of quantities too. AB is one variable."""
    names = parse_statement("claim", "H(AB, H,I) >= I(X';X'') + TC(C,D_1|Ünder) - H(x1)").names
    assert names == {"AB", "H", "I", "X'", "X''", "C", "D_1", "Ünder", "x1"}
    assert prove("H(Y10,Y9,Y2) >= 0").variables == ("Y2", "Y9", "Y10")
    assert prove("H(A) + 0 H(B) >= 0", given=["H(Z) = H(Z)"]).variables == ("A", "B", "Z")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("H(A,B;C) <= H(A)", r"claim must have , \| or \) at position 5, got ';'"),
        ("H(A <= H(A)", r"must have , \| or \) at position 4, got '<='"),
        ("I(A;B|C;D) >= 0", r"must have , or \) at position 7, got ';'"),
        ("I(A,B) >= 0", r"two groups in I\(...;...\), not 1 at position 5, got '\)'"),
        ("I(A;B;C) >= 0", r"two groups in I\(...;...\), not 3 at position 6, got 'C'"),
        ("H() >= 0", r"must have a variable at position 2, got '\)'"),
        ("H(A|) >= 0", r"must have a variable at position 4, got '\)'"),
        ("H(A,) >= 0", r"must have a variable at position 4, got '\)'"),
        ("H(2) >= 0", r"must have a variable at position 2, got '2'"),
        ("J(A) >= 0", r"must have H, I, TC \(or C\) or DTC \(or D\) at position 0, got 'J'"),
        ("A >= 0", r"must have H, I, TC \(or C\) or DTC \(or D\) at position 0, got 'A'"),
        ("H A >= 0", r"must have \( at position 2, got 'A'"),
        ("H(A)", "must have an operator, or one of <=, >=, == at position 4, got the end"),
        ("H(A) H(B) >= 0", "must have an operator, or one of .* at position 5, got 'H'"),
        ("H(A) <= H(B) <= H(C)", "must have an operator or the end at position 13, got '<='"),
        ("H(A) < H(B)", "must have <=, >= or == as its relation at position 5, got '<'"),
        ("H(A) != 0", "must have <=, >= or == as its relation at position 5, got '!'"),
        ("H(A) => 0", "must have <=, >= or == as its relation at position 6, got '>'"),
        ("2 3 H(A) >= 0", "must have [*] between two numbers at position 2, got '3'"),
        (f"{'(' * 60}H(A){')' * 60} >= 0", "at most 50 parentheses .* at position 50, got '[(]'"),
        (f"{'9' * 1001} H(A) >= 0", "numbers of at most 1000 digits at position 0, got '9{24}' in"),
        ("H(A) >= $", r"signs of a statement at position 8, got '\$'"),
        ("H(A) >= 1", "the only constant is 0 at position 9, got the end"),
        ("H(A) >= 2 - H(B)", "the only constant is 0 at position 10, got '-'"),
        ("1/0 H(A) >= 0", "must have a number other than 0 at position 2, got '0'"),
        ("H(A)/0 >= 0", "must have a number other than 0 at position 5, got '0'"),
        ("H(A)*H(B) >= 0", "must have a number at position 5, got 'H'"),
        ("2/H(A) >= 0", "must have a number at position 2, got 'H'"),
        ("(H(A) + H(B) >= 0", r"must have an operator or \) at position 13, got '>='"),
        ("H(A) >=", "must have a quantity such as H.A., a number or . at position 7, got the end"),
        ("", "must have a quantity .* at position 0, got the end"),
        ("0 >= 0", "claim must name a variable, got '0 >= 0'"),
        ("H(A) + + H(B) >= 0", "must have a quantity .* at position 7, got '[+]'"),
    ],
)
def test_errors_name_the_position(text, message):
    with pytest.raises(ValueError, match=message):
        prove(text)
    if text != "0 >= 0":
        with pytest.raises(ValueError, match=message.replace("claim", r"given\[1\]")):
            prove("H(A) >= 0", given=["H(A) >= 0", text])


def test_long_statements_are_excerpted():
    text = " + ".join(f"H(X{i})" for i in range(30)) + " + H(X;Y) >= 0"
    with pytest.raises(ValueError, match=r"at position \d+, got ';' in '\.\.\..{24};Y\) >= 0'"):
        prove(text)


@given(st.integers(0, 2**32))
def test_what_is_shown_can_be_read_again(seed):
    generator = random.Random(seed)
    names = ["Y1", "Y2", "Y10", "X'"]
    subsets = list(chain.from_iterable(combinations(names, k) for k in (1, 2, 3, 4)))
    chosen = generator.sample(subsets, 5)
    written = {frozenset(s): Fraction(generator.randint(-9, 9), 7) for s in chosen}
    written = {s: c for s, c in written.items() if c}
    if written:
        assert parse_statement("claim", f"{shown(written)} >= 0").form == written


@given(laws.counted(max_length=4).map(table).filter(lambda law: law.length == 4))
def test_quantities_are_those_of_information(law):
    """On random laws, beside the functions of `infodecode.information`."""
    h = {
        "".join("ABCD"[i] for i in s): information.entropy(law, s)
        for k in (1, 2, 3, 4)
        for s in combinations(range(4), k)
    }
    expected = {
        "H(A,C|B)": information.entropy(law, [0, 2], given=[1]),
        "I(A,D;B|C)": information.mutual_information(law, [0, 3], [1], given=[2]),
        "TC(A,B,D|C)": information.total_correlation(law, [0, 1, 3], given=[2]),
        "DTC(A,B,C,D)": information.dual_total_correlation(law),
    }
    for text, bits in expected.items():
        assert sum(float(c) * h[s] for s, c in form(text).items()) == pytest.approx(bits, abs=1e-9)
