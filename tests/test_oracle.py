"""The oracle against theory: closed forms, identities and counterexamples with known values."""

import json
import math
import operator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import laws, oracle
from tests.oracle import Dialect, Factor, Threshold, TopK, decode, validity

GREEDY = Dialect(temperature=Fraction(0))
LOWEST = Dialect(temperature=Fraction(0), token_ties="lowest")
DRAW_FIRST = Dialect(order="sample-then-choose")


def accuracy(law, strategy, dialect=None):
    return validity(law, decode(law, strategy, dialect))


def falling(m, j):
    return math.prod(range(m - j + 1, m + 1))


def double_factorial(n):
    return math.prod(range(n, 0, -2))


def shuffle_top_k(n, k):
    """PB-10: the product over rounds of (m)_j / m^j, the last round shorter."""
    accuracy = Fraction(1)
    for m in range(n, 0, -k):
        j = min(k, m)
        accuracy *= Fraction(falling(m, j), m**j)
    return accuracy


def replace_random_top_k(n, k):
    """PB-13: the new item comes in round t, and nowhere before or beside it."""
    total, kept = Fraction(0), Fraction(1)
    for m in range(n, 0, -k):
        j = min(k, m)
        total += kept * Fraction(j, m) * Fraction(m - 1, m) ** (j - 1)
        kept *= Fraction(m - 1, m) ** j
    return total


@pytest.mark.parametrize(
    ("n", "by"),
    [(n, by) for n in (1, 2, 3, 4) for by in ("random", "confidence")] + [(5, "left_to_right")],
)
def test_shuffle_top_k_is_the_product_form(n, by):
    for k in range(1, n + 1):
        assert accuracy(oracle.permutations(n), TopK((k,), by)) == shuffle_top_k(n, k)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_shuffle_closed_forms(n):
    law = oracle.permutations(n)
    pairs = Fraction(double_factorial(n - 1), double_factorial(n))
    for k, expected in ((1, 1), (2, pairs), (n, Fraction(math.factorial(n), n**n))):
        assert accuracy(law, TopK((k,), "left_to_right")) == expected


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("by", ["random", "confidence", "left_to_right"])
def test_shuffle_does_not_depend_on_temperature_if_token_ties_are_random(n, by):
    law = oracle.permutations(n)
    for k in range(1, n + 1):
        for temperature in (0, 1, Fraction(1, 2)):
            assert accuracy(law, TopK((k,), by), Dialect(temperature)) == shuffle_top_k(n, k)
        assert accuracy(law, TopK((k,), by), LOWEST) == (k == 1)


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_replace_random_greedy_depends_on_the_last_round_alone(n, k):
    law, last = oracle.replace_random(n), n % k or k
    for by in ("random", "confidence"):
        expected = {1: Fraction(1), 2: Fraction(1, 2)}.get(last, Fraction(0))
        assert accuracy(law, TopK((k,), by), GREEDY) == expected
        assert accuracy(law, TopK((k,), by), LOWEST) == (last == 1)


@pytest.mark.parametrize(("n", "k", "expected"), [(9, 2, 1), (10, 3, 1), (7, 4, 0)])
def test_replace_random_greedy_against_the_printed_claim(n, k, expected):
    assert accuracy(oracle.replace_random(n), TopK((k,), "left_to_right"), GREEDY) == expected
    if n < 9:
        assert accuracy(oracle.replace_random(n), TopK((k,), "confidence"), GREEDY) == expected


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_replace_random_at_temperature_one(n):
    law = oracle.replace_random(n)
    for k in range(1, n + 1):
        assert accuracy(law, TopK((k,))) == replace_random_top_k(n, k)
    assert replace_random_top_k(n, n) == Fraction(n - 1, n) ** (n - 1)


def test_replace_random_two_of_six():
    assert accuracy(oracle.replace_random(6), TopK((2,))) == Fraction(845, 1152)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("dialect", [Dialect(), GREEDY])
def test_shuffle_threshold_on_both_sides_of_every_boundary(n, dialect):
    """PB-14: the M items left when 1/M first passes gamma are drawn at once."""
    law, near = oracle.permutations(n), Fraction(1, 1000)
    for gamma in {Fraction(1, m) + s * near for m in range(1, n + 1) for s in (-1, 0, 1)}:
        for inclusive in (False, True):
            passes = operator.ge if inclusive else operator.gt
            m = max((m for m in range(1, n + 1) if passes(Fraction(1, m), gamma)), default=1)
            expected = Fraction(math.factorial(m), m**m)
            assert accuracy(law, Threshold(gamma, inclusive), dialect) == expected


def test_shuffle_threshold_one_half():
    law = oracle.permutations(4)
    assert accuracy(law, Threshold(Fraction(1, 2))) == 1
    assert accuracy(law, Threshold(Fraction(1, 2), inclusive=True)) == Fraction(1, 2)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_replace_random_greedy_threshold(n):
    """PB-15, and the flip of the case gamma = (n - 1)/n under >=."""
    law, gamma, near = oracle.replace_random(n), Fraction(n - 1, n), Fraction(1, 1000)
    for inclusive in (False, True):
        assert accuracy(law, Threshold(gamma - near, inclusive), GREEDY) == 0
        assert accuracy(law, Threshold(gamma + near, inclusive), GREEDY) == 1
    assert accuracy(law, Threshold(gamma), GREEDY) == 1
    assert accuracy(law, Threshold(gamma, inclusive=True), GREEDY) == 0


def test_replace_random_factor_one_sits_on_a_boundary():
    """6 (1 - 5/6) < 1 is false; in floating point it is true, and gives .8038."""
    law = oracle.replace_random(6)
    assert accuracy(law, Factor(Fraction(1))) == Fraction(1125, 1296)
    above = accuracy(law, Factor(Fraction(1) + Fraction(1, 10**15)))
    assert float(above) == pytest.approx(0.8038, abs=5e-5)


@pytest.mark.parametrize(
    ("confidences", "factor", "published", "shipped"),
    [
        ([".9", ".6"], "1", 1, 2),
        ([".9"], ".1", 1, 1),
        ([".9", ".9", ".2"], "1", 2, 3),
        ([".99", ".9", ".2", ".1"], "1", 2, 2),
        ([".75", ".75", ".75"], "1", 2, 3),
        ([".75", ".75", ".75", ".75"], "1", 2, 4),
        ([".75", ".75", ".75", ".75", ".75"], "1", 2, 3),
        ([".1", ".1", ".1"], "1", 1, 1),
        (["1", "1", "1"], ".01", 3, 3),
    ],
)
def test_factor_counts(confidences, factor, published, shipped):
    values = [Fraction(c) for c in confidences]
    assert Factor(Fraction(factor)).count(values, 1) == published
    assert Factor(Fraction(factor), as_shipped=True).count(values, 1) == shipped


def test_factor_counts_against_recorded_steps(golden):
    for row in json.loads((golden / "factor_steps.json").read_text()):
        values = [Fraction(c) for c in row["confidences"]]
        factor = Fraction(row["factor"])
        assert Factor(factor).count(values, 1) == len(row["selected_published"])
        assert Factor(factor, as_shipped=True).count(values, 1) == len(row["selected_code"])


def test_drawing_first_is_biased_even_one_by_one():
    """BIAS-1 on two independent bits: the first is redrawn when its rare value loses."""
    law = {(a, b): Fraction(3 - 2 * a, 4) * Fraction(2 - b, 3) for a in range(2) for b in range(2)}
    output = oracle.output_law(decode(law, TopK((1,), "confidence"), DRAW_FIRST))
    assert oracle.marginal(output, [0])[(0,)] == Fraction(15, 16)
    assert oracle.kl_divergence(law, output) > 0.1


def test_drawing_first_can_fall_below_the_validity_floor():
    law = oracle.replace_random(4)
    floor = 2 ** -oracle.partition_bits(law, [(0, 1), (2, 3)])
    assert accuracy(law, TopK((2,), "confidence")) >= floor - 1e-15
    assert accuracy(law, TopK((2,), "confidence"), DRAW_FIRST) < floor


def test_random_order_can_beat_the_best_fixed_partition():
    law = oracle.replace_random(3)
    fixed = min(oracle.partition_bits(law, blocks) for blocks in ([(0,), (1, 2)], [(0, 1), (2,)]))
    random_order = min(
        oracle.kl_divergence(law, oracle.output_law(decode(law, TopK(sizes))))
        for sizes in ((1, 2), (2, 1))
    )
    assert fixed == pytest.approx(0.2516, abs=5e-5)
    assert random_order == pytest.approx(0.1699, abs=5e-5)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_total_correlation_of_the_toys(n):
    everything = range(n)
    shuffle = n * math.log2(n) - math.log2(math.factorial(n))
    replace = (n - 1) * (math.log2(n) - math.log2(n - 1))
    assert oracle.total_correlation(oracle.permutations(n), everything) == pytest.approx(shuffle)
    assert oracle.total_correlation(oracle.replace_random(n), everything) == pytest.approx(replace)


@given(st.data())
def test_one_by_one_choose_then_sample_is_exact(data):
    """BIAS-0, for every rule that looks at the canvas alone."""
    law = data.draw(laws.counted()).law
    by = data.draw(st.sampled_from(["random", "confidence", "margin", "entropy", "left_to_right"]))
    ties = data.draw(st.sampled_from(["random", "lowest"]))
    run = decode(law, TopK((1,), by), Dialect(position_ties=ties))
    assert oracle.output_law(run) == law
    assert oracle.rounds_law(run) == {len(next(iter(law))): 1}


@given(st.data())
def test_fixed_partition_costs_its_bits(data):
    """PB-2, and validity >= 2^-KL (FLOOR-1)."""
    law = data.draw(laws.counted()).law
    partition = data.draw(laws.fixed_partitions(len(next(iter(law)))))
    run = decode(law, partition)
    cost = oracle.kl_divergence(law, oracle.output_law(run))
    assert cost == pytest.approx(oracle.partition_bits(law, partition.blocks), abs=1e-12)
    assert validity(law, run) >= 2**-cost - 1e-12


@given(st.data())
def test_every_law_of_outputs_is_a_law(data):
    sample = data.draw(laws.counted(max_length=3))
    strategy, dialect = data.draw(laws.decoders(sample.law))
    absorbed = decode(sample.law, strategy, dialect)
    followed = decode(sample.law, strategy, dialect, off_support="marginal")
    assert sum(absorbed.values()) == sum(followed.values()) == 1
    on_support = {y: p for y, p in oracle.output_law(followed).items() if y in sample.law}
    assert on_support == oracle.output_law(absorbed)
    assert all(1 <= number <= sample.length for _, number in followed)


@given(st.data())
def test_at_temperature_zero_the_order_does_not_matter(data):
    sample = data.draw(laws.counted(max_length=3))
    strategy, dialect = data.draw(laws.decoders(sample.law))
    rest = (dialect.token_ties, dialect.position_ties, dialect.confidence, dialect.block_length)
    one, other = (
        decode(sample.law, strategy, Dialect(Fraction(0), order, *rest), off_support="marginal")
        for order in ("choose-then-sample", "sample-then-choose")
    )
    assert one == other
