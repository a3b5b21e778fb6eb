"""Orbits at fifty positions and beyond equal closed forms in fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import infodecode
from infodecode import Decoder, distributions
from infodecode.orbits import ORBITS_LENGTH
from infodecode.strategies import (
    Factor,
    OneByOne,
    Threshold,
    TopK,
)
from tests.orbit_comparison import DRAW_FIRST

# Closed forms at fifty positions and beyond -----------------------------------------------------


def near(value) -> object:
    return pytest.approx(float(value), rel=1e-11, abs=0)


def rounds_of(n: int, k: int) -> list[int]:
    """Sizes of rounds of k, the last one shorter."""
    return [min(k, m) for m in range(n, 0, -k)]


def left_before(sizes) -> list[int]:
    """How many positions are masked before each round."""
    return [sum(sizes[t:]) for t in range(len(sizes))]


def falling(m: int, j: int) -> int:
    return math.perm(m, j)


def shuffle_validity(sizes) -> Fraction:
    return math.prod(
        Fraction(falling(m, j), m**j) for m, j in zip(left_before(sizes), sizes, strict=True)
    )


def replacement_validity(sizes, new=lambda m: Fraction(1, m)) -> Fraction:
    """One new item in all, where a round at m masked positions draws it with probability new(m)."""
    valid, none_yet = Fraction(0), Fraction(1)
    for m, j in zip(left_before(sizes), sizes, strict=True):
        valid += none_yet * j * new(m) * (1 - new(m)) ** (j - 1)
        none_yet *= (1 - new(m)) ** j
    return valid


def log2(value: Fraction) -> float:
    return math.log2(value.numerator) - math.log2(value.denominator)


@pytest.mark.parametrize("by", ["random", "confidence", "margin", "entropy"])
@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 50])
@pytest.mark.parametrize("n", [50, 100])
def test_shuffle_in_rounds_of_k(n, k, by):
    """PB-10 and PB-9, general sizes. Every order is a random order on Shuffle."""
    run = infodecode.exact(distributions.permutations(n), Decoder(TopK(k, by)))
    sizes = rounds_of(n, k)
    assert run.validity == near(shuffle_validity(sizes))
    assert run.absorbed == pytest.approx(float(1 - shuffle_validity(sizes)), abs=1e-13)
    bits = sum(j * math.log2(m) for m, j in zip(left_before(sizes), sizes, strict=True))
    floor = bits - math.log2(math.factorial(n))
    assert run.kl == pytest.approx(max(floor, 0.0), rel=1e-11, abs=1e-11 * bits)
    assert run.kl == pytest.approx(-log2(shuffle_validity(sizes)), rel=1e-11, abs=1e-12)
    assert run.orbit_sizes == (math.factorial(n),)
    assert run.coverage == 1
    assert run.mode_probability == run.validity
    assert run.total_variation == pytest.approx(float(1 - shuffle_validity(sizes)), abs=1e-13)


def test_shuffle_by_a_schedule_of_sizes():
    sizes = (7, 1, 12, 5)
    run = infodecode.exact(distributions.permutations(50), Decoder(TopK(sizes)))
    assert run.validity == near(shuffle_validity([7, 1, 12, 5, 5, 5, 5, 5, 5]))


@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 49, 50])
@pytest.mark.parametrize("n", [50, 100])
def test_replace_random_in_rounds_of_k(n, k):
    """PB-13; a random order leaves each new place equally likely, so KL is -log2 validity."""
    run = infodecode.exact(distributions.replace_random(n), Decoder(TopK(k)))
    expected = replacement_validity(rounds_of(n, k))
    assert run.validity == near(expected)
    assert run.kl == pytest.approx(-log2(expected), rel=1e-11, abs=1e-12)
    assert run.orbit_sizes == (n,)


def test_the_formula_is_the_known_one():
    """PB-13 at n = 6, k = 2 and at k = n; PB-10 at k = 2, n odd: (n - 1)!!/n!!."""
    assert replacement_validity([2, 2, 2]) == Fraction(845, 1152)
    assert replacement_validity([50]) == Fraction(49, 50) ** 49
    assert shuffle_validity([2, 2, 1]) == Fraction(4 * 2, 5 * 3)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 50])
@pytest.mark.parametrize("power", [2, 3])
def test_tempered_replace_random(k, power):
    """Shuffle does not feel the temperature; Replace Random sharpens."""

    def new(m: int) -> Fraction:
        return Fraction(1, 1 + (m - 1) ** power)

    decoder = Decoder(TopK(k), temperature=1 / power)
    run = infodecode.exact(distributions.replace_random(50), decoder)
    assert run.validity == near(replacement_validity(rounds_of(50, k), new))
    run = infodecode.exact(distributions.permutations(50), decoder)
    assert run.validity == near(shuffle_validity(rounds_of(50, k)))


@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
@pytest.mark.parametrize("by", ["random", "confidence"])
@pytest.mark.parametrize("n", [48, 49, 50, 51])
def test_greedy_replace_random(n, by, order):
    """PB-12: the size of the last round decides."""
    for k in (1, 2, 3, 7, n // 2, n):
        decoder = Decoder(TopK(k, by), temperature=0.0, order=order)
        run = infodecode.exact(distributions.replace_random(n), decoder)
        last = rounds_of(n, k)[-1]
        assert run.validity == pytest.approx({1: 1.0, 2: 0.5}.get(last, 0.0), rel=1e-11, abs=0)


def drawn_first(n: int, k: int) -> Fraction:
    """Replace Random, the k most probable drawn tokens: keeps go first, or a new one with few."""
    valid = Fraction(0), Fraction(1)
    known = list(valid)
    for m in range(2, n + 1):
        new, j = Fraction(1, m), min(k, m)
        total = Fraction(0)
        for keeps in range(m + 1):
            drawn = math.comb(m, keeps) * (1 - new) ** keeps * new ** (m - keeps)
            if m == 2:
                total += drawn * tied_pair(keeps, j)
            elif keeps >= j:
                total += drawn * (known[m - j] if m > j else 0)
            elif keeps == j - 1:
                total += drawn
        known.append(total)
    return known[n]


def tied_pair(keeps: int, j: int) -> Fraction:
    """Two masked positions, keep and new equally probable: one of them goes, or both at once."""
    return Fraction(1) if j == 1 else Fraction(int(keeps == 1))


@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 50])
def test_replace_random_by_the_drawn_tokens_confidence(k):
    decoder = Decoder(TopK(k, "confidence"), **DRAW_FIRST)
    run = infodecode.exact(distributions.replace_random(50), decoder)
    assert run.validity == near(drawn_first(50, k))


@pytest.mark.parametrize("k", [1, 2, 5, 20])
def test_shuffle_by_the_drawn_tokens_confidence(k):
    """All drawn tokens are equally probable: a random order again."""
    run = infodecode.exact(
        distributions.permutations(20), Decoder(TopK(k, "confidence"), **DRAW_FIRST)
    )
    assert run.validity == near(shuffle_validity(rounds_of(20, k)))


THRESHOLDS = [*(Fraction(1, m) for m in (1, 2, 3, 7, 49, 50)), *map(Fraction, ("0.3", "0.019"))]


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("gamma", THRESHOLDS, ids=str)
def test_shuffle_by_threshold(gamma, inclusive):
    """PB-14: one by one down to M masked positions, then all of them at once."""
    n = 50
    passing = [m for m in range(1, n + 1) if Fraction(1, m) > gamma - Fraction(inclusive, 10**9)]
    largest = max(passing, default=1)
    decoder = Decoder(Threshold(float(gamma), inclusive))
    run = infodecode.exact(distributions.permutations(n), decoder)
    assert run.validity == near(Fraction(math.factorial(largest), largest**largest))


@pytest.mark.parametrize(("at_least", "fallback"), [(1, 3), (4, 1), (4, 7), (7, 4)])
def test_shuffle_by_threshold_with_quotas(at_least, fallback):
    """Rounds of the larger of both numbers, until all that is left passes at once."""
    n, passes = 50, 10
    sizes = []
    while (m := n - sum(sizes)) > 0:
        sizes.append(m if m <= passes else max(at_least, fallback))
    decoder = Decoder(Threshold(1 / 10.5, at_least=at_least, fallback=fallback))
    run = infodecode.exact(distributions.permutations(n), decoder)
    assert run.validity == near(shuffle_validity(sizes))


def factor_size(m: int, factor: Fraction, as_shipped: bool) -> int:
    """The rule at m positions that all have confidence 1/m."""
    gap = 1 - Fraction(1, m)
    passing = [
        j
        for j in range(1, m + 1)
        if (j + 1) * gap < factor or (as_shipped and (j + 1) * gap == factor)
    ]
    size = max(passing, default=1)
    return m if as_shipped and size == m - 1 else size


@pytest.mark.parametrize("as_shipped", [False, True])
@pytest.mark.parametrize("factor", [Fraction(1), Fraction(19, 10), Fraction(49, 10), Fraction(30)])
def test_shuffle_by_factor(factor, as_shipped):
    """5 · (1 - 1/50) is 4.9: the boundary, on either side of which the two rules fall."""
    sizes = []
    while (m := 50 - sum(sizes)) > 0:
        sizes.append(factor_size(m, factor, as_shipped))
    decoder = Decoder(Factor(float(factor), as_shipped))
    run = infodecode.exact(distributions.permutations(50), decoder)
    assert run.validity == near(shuffle_validity(sizes))


@pytest.mark.parametrize("n", [50, 100])
def test_greedy_replace_random_by_threshold(n):
    """PB-15: all at once if (n - 1)/n passes, and then nothing is new; else one by one."""
    for gamma, inclusive, valid in (
        ((n - 1) / n - 1e-9, False, 0.0),
        ((n - 1) / n, False, 1.0),
        ((n - 1) / n, True, 0.0),
        ((n - 1) / n + 1e-9, True, 1.0),
        (1.0, False, 1.0),
    ):
        decoder = Decoder(Threshold(gamma, inclusive), temperature=0.0)
        run = infodecode.exact(distributions.replace_random(n), decoder)
        assert run.validity == pytest.approx(valid, rel=1e-11, abs=0)


def test_the_whole_output_law_of_one_round():
    """Everything at once from the marginals: independent positions, off the support too."""
    n = 30
    run = infodecode.exact(distributions.permutations(n), Decoder(TopK(n)), off_support="marginal")
    assert sum(run.orbit_sizes) == n**n
    assert len(run.orbit_sizes) == 5604
    assert run.entropy == near(n * math.log2(n))
    assert run.validity == near(Fraction(math.factorial(n), n**n))
    n = 100
    run = infodecode.exact(distributions.replace_random(n), Decoder(TopK(n)))
    assert run.absorbed == pytest.approx(1 - float(Fraction(n - 1, n) ** (n - 1)), rel=1e-11)
    assert run.followed.orbit_sizes == tuple(
        math.comb(n, new) for new in run.followed.outcomes.sum(axis=1).tolist()
    )
    each = math.log2(n) - (n - 1) / n * math.log2(n - 1)
    assert run.entropy == near(n * each)
    np.testing.assert_array_equal(run.rounds, [0, 1])


def test_expected_rounds_at_fifty_positions():
    """Off the support by the natural rule: in rounds of k there are ceil(n / k) of them."""
    decoder = Decoder(TopK(7))
    run = infodecode.exact(distributions.replace_random(50), decoder, off_support="natural")
    assert run.expected_rounds == near(8)
    assert run.expected_calls == near(8)
    assert run.expected_evaluations == near(8)


@pytest.mark.parametrize("dialect", [{}, DRAW_FIRST, {"temperature": 0.0}, {"temperature": 0.5}])
@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 49, 50])
def test_parity_in_rounds_of_k(k, dialect):
    """Every bit is a fair coin until the last round, which may guess wrong if it takes several."""
    run = infodecode.exact(
        distributions.parity(50), Decoder(TopK(k, "confidence"), **dialect), off_support="uniform"
    )
    last = rounds_of(50, k)[-1]
    assert run.validity == near(1 if last == 1 else Fraction(1, 2))
    assert run.kl == pytest.approx(0 if last == 1 else 1, rel=1e-11, abs=1e-13)
    assert sum(run.orbit_sizes) == (2**49 if last == 1 else 2**50)
    assert run.entropy == near(49 if last == 1 else 50)
    assert run.coverage == 1


def test_the_longest_sequences():
    n = ORBITS_LENGTH
    run = infodecode.exact(distributions.permutations(n), Decoder(TopK(2)))
    assert run.validity == near(shuffle_validity(rounds_of(n, 2)))
    run = infodecode.exact(distributions.replace_random(n), Decoder(TopK(9)))
    assert run.validity == near(replacement_validity(rounds_of(n, 9)))
    for d in (distributions.permutations(n + 1), distributions.replace_random(n + 1)):
        with pytest.raises(ValueError, match=f"has more than {n} positions"):
            infodecode.exact(d, Decoder(OneByOne()), orbits=True)
