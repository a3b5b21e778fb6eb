"""Thousands of positions: every family has its entropies and its curve, or says what does."""

import math
import time
from itertools import permutations as orders

import numpy as np
import pytest
from hypothesis import given

from benchmarks import growth, growth_cases
from infodecode import distributions, information
from infodecode.curve_estimates import information_curve_estimate, random_order_estimate
from infodecode.decoder import Decoder
from infodecode.distributions import Table
from infodecode.distributions._averages import FEW_OUTCOMES, gains_of_few
from infodecode.models import IdealModel
from infodecode.schedules import even_sizes, optimal_random_order, random_order_bits
from infodecode.simulate import simulate
from infodecode.strategies import TopK
from tests import laws
from tests.translation import table

STICKY = [[0.9, 0.1], [0.2, 0.8]]
DICE = [[1 / 6] * 6, [0.1] * 5 + [0.5]]


def names(n):
    snippet = " ".join(f"<v{k % (n // 4)}>" for k in range(n))
    return distributions.variable_names(
        snippet, {f"v{k}": {f"a{k}": 1 + k % 5, f"b{k}": 2} for k in range(n // 4)}
    )


def sparse_code(n):
    generator = np.random.default_rng(0)
    check = np.zeros((n // 2, n), np.int64)
    for row in check:
        row[generator.choice(n - 2, 6, replace=False)] = 1
    return distributions.linear_code(check)


def wide_table(n, rows):
    generator = np.random.default_rng(rows)
    counts = generator.integers(1, 9, rows)
    return distributions.from_counts(generator.integers(0, 2, (rows, n)), counts)


def long_phrases(n):
    first = [" ".join(f"{letter}{i}" for i in range(n)) for letter in "abc"]
    return distributions.phrases([*first, first[0].replace("a7", "b7")], [4, 2, 1, 1])


FORMULA = {
    "permutations": distributions.permutations,
    "shuffled": distributions.shuffled,
    "derangements": distributions.derangements,
    "replace_random": distributions.replace_random,
    "insert_random": lambda n: distributions.insert_random(n - 1),
    "remove_random": lambda n: distributions.remove_random(n + 1),
    "copy": distributions.copy,
    "reverse": distributions.reverse,
    "sort": distributions.sort,
    "replace_index": lambda n: distributions.replace_index(n, 3),
    "insert_index": lambda n: distributions.insert_index(n - 1, 3),
    "remove_index": lambda n: distributions.remove_index(n + 1, 3),
    "parity": distributions.parity,
    "markov_chain": lambda n: distributions.markov_chain(STICKY, length=n),
    "markov_chain, from a state": lambda n: distributions.markov_chain(
        STICKY, length=n, initial=[1, 0]
    ),
    "variable_names": names,
    "phrases": long_phrases,
    "from_counts, 12 outcomes": lambda n: wide_table(n, 12),
    "mixture of certain laws": lambda n: distributions.mixture(
        [distributions.copy(n), distributions.reverse(n)], [3, 1]
    ),
    "concatenate": lambda n: distributions.concatenate(
        distributions.permutations(n // 5),
        distributions.markov_chain(STICKY, length=2 * n // 5),
        *[distributions.titanic()] * (n // 10),
    ),
}
"""Laws whose curve is exact at any length."""

SAMPLED = {
    "hidden_markov": lambda n: distributions.hidden_markov(
        [[0.95, 0.05], [0.1, 0.9]], DICE, length=n
    ),
    "linear_code": sparse_code,
    "from_counts, 500 outcomes": lambda n: wide_table(n, 500),
    "mixture of chains": lambda n: distributions.mixture(
        [
            distributions.markov_chain(STICKY, length=n),
            distributions.markov_chain(np.eye(2), initial=[0.5, 0.5], length=n),
        ],
        [1, 3],
    ),
    "concatenate with a hidden chain": lambda n: distributions.concatenate(
        distributions.parity(n // 2),
        distributions.hidden_markov(STICKY, DICE, length=n // 2),
    ),
}
"""Laws of which no formula is known: the curve is estimated."""

ENTROPY_KNOWN = ("linear_code", "from_counts, 500 outcomes")

LENGTHS = [pytest.param(1000), pytest.param(10_000, marks=pytest.mark.slow)]


def erasure_dual(law):
    return law.entropy() - math.fsum(law.erasure_entropies())


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("family", FORMULA)
def test_quantities_of_long_laws_agree(family, n):
    """Position, whole, erasure and mean entropies come from different formulas."""
    law = FORMULA[family](n)
    assert law.length == n
    whole, total = law.entropy(), information.total_correlation(law)
    curve = information.information_curve(law)
    scale = 1e-12 * n * max(1.0, math.fsum(law.position_entropies()) / n) + 1e-12 * whole
    assert curve.shape == (n,)
    assert math.fsum(law.position_entropies()) - whole == pytest.approx(total, abs=scale)
    assert math.fsum(curve) == pytest.approx(total, abs=10 * scale)
    assert n * curve[-1] == pytest.approx(total + erasure_dual(law), abs=10 * scale)
    assert information.dual_total_correlation(law) == pytest.approx(
        erasure_dual(law), abs=10 * scale
    )
    assert random_order_bits(law, [n]) == pytest.approx(total, abs=10 * scale)
    assert random_order_bits(law, even_sizes(n, n // 2)) <= total + scale


@pytest.mark.parametrize("family", FORMULA)
def test_best_sizes_of_long_laws_attain_their_bits(family):
    law = FORMULA[family](1000)
    best = optimal_random_order(law)
    for rounds in (1, 2, 10, 333, 1000):
        sizes = best.sizes(rounds)
        assert random_order_bits(law, sizes) == pytest.approx(best.bits[rounds - 1], abs=1e-9)
        assert best.bits[rounds - 1] <= random_order_bits(law, even_sizes(1000, rounds)) + 1e-9


@pytest.mark.slow
def test_best_sizes_of_ten_thousand_positions():
    law = distributions.markov_chain(STICKY, length=10_000)
    best = optimal_random_order(law)
    for rounds in (1, 14, 1000, 10_000):
        attained = random_order_bits(law, best.sizes(rounds))
        assert attained == pytest.approx(best.bits[rounds - 1], abs=1e-8)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("family", SAMPLED)
def test_where_no_formula_exists_samples_give_the_curve(family, n):
    law = SAMPLED[family](n)
    with pytest.raises(ValueError, match="20 positions"):
        information.information_curve(law)
    samples = 64 if n == 1000 else 8
    found = information_curve_estimate(
        law, samples=samples, points=[1, 2, n // 2, n], confidence=0.999
    )
    assert (found.low <= found.values).all()
    assert (found.values <= found.high).all()
    assert found.values[0] == found.high[0] == 0.0
    assert found.high[-1] > 0
    bits = random_order_estimate(law, [n // 2, n - n // 2], samples=samples, confidence=0.999)
    assert math.isfinite(bits.value)
    assert bits.high >= 0
    if family in ENTROPY_KNOWN:
        total = information.total_correlation(law)
        assert random_order_estimate(law, [n], samples=64, confidence=0.9999).low <= total
        assert random_order_estimate(law, [n], samples=64, confidence=0.9999).high >= total


@pytest.mark.parametrize("family", ENTROPY_KNOWN)
def test_the_last_point_is_known_where_the_entropy_is(family):
    """n Z_n = TC + DTC."""
    law = SAMPLED[family](1000)
    exact = (information.total_correlation(law) + erasure_dual(law)) / 1000
    found = information_curve_estimate(
        law, samples=400, points=[1000], confidence=0.999, guaranteed=True
    )
    assert found.low[0] <= exact <= found.high[0]


def others(law, i):
    return [j for j in range(law.length) if j != i]


@given(laws.counted(max_length=4) | laws.floating(max_length=4))
def test_erasure_entropies_of_tables(sample):
    law = table(sample)
    expected = [law.entropy() - law.entropy(others(law, i)) for i in range(law.length)]
    np.testing.assert_allclose(law.erasure_entropies(), expected, atol=1e-12)


HAMMING = [[1, 0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1, 1]]

SMALL = [
    distributions.permutations(5),
    distributions.shuffled(4),
    distributions.derangements(5),
    distributions.replace_random(5),
    distributions.insert_random(1),
    distributions.insert_random(5),
    distributions.remove_random(2),
    distributions.remove_random(6),
    distributions.copy(3),
    distributions.parity(1),
    distributions.parity(5),
    distributions.linear_code(HAMMING),
    distributions.linear_code([[1, 1, 0, 0, 1], [0, 0, 0, 1, 0]]),
    distributions.linear_code(np.zeros((0, 3), int)),
    distributions.markov_chain(STICKY, length=1),
    distributions.markov_chain(STICKY, length=2, initial=[0.3, 0.7]),
    distributions.markov_chain(STICKY, length=6, initial=[0.3, 0.7]),
    distributions.hidden_markov(STICKY, [[0.5, 0.5, 0], [0, 0.25, 0.75]], length=4),
    distributions.variable_names(),
    distributions.titanic(),
    distributions.mixture(
        [distributions.parity(4), distributions.markov_chain(STICKY, length=4)], [0.25, 0.75]
    ),
    distributions.concatenate(
        distributions.parity(3), *[distributions.phrases()] * 2, distributions.article()
    ),
]


@pytest.mark.parametrize("law", SMALL, ids=str)
def test_mean_position_and_erasure_entropies_are_those_of_the_table(law):
    full = law.table()
    expected = [full.entropy() - full.entropy(others(full, i)) for i in range(full.length)]
    np.testing.assert_allclose(law.erasure_entropies(), expected, atol=1e-12)
    np.testing.assert_allclose(full.erasure_entropies(), expected, atol=1e-12)
    np.testing.assert_allclose(law.position_entropies(), full.position_entropies(), atol=1e-12)
    np.testing.assert_allclose(
        information.entropy_gains(law), information.entropy_gains(full), atol=1e-12
    )


@given(laws.counted(max_length=4, max_outcomes=9) | laws.floating(max_length=4, max_outcomes=9))
def test_few_outcomes_give_the_gains_of_all_subsets(sample):
    law = table(sample)
    found = gains_of_few(law.outcomes, law.probabilities)
    np.testing.assert_allclose(found, information.entropy_gains(law), atol=1e-13)


def test_the_most_of_few_outcomes():
    """2^16 sets of outcomes: digits are not lost to their alternating sum."""
    generator = np.random.default_rng(5)
    law = Table(generator.integers(0, 2, (FEW_OUTCOMES, 12)), generator.integers(1, 99, 16))
    found = gains_of_few(law.outcomes, law.probabilities)
    np.testing.assert_allclose(found, information.entropy_gains(law), atol=1e-12)


def test_one_outcome_too_many_for_the_formula():
    law = wide_table(30, FEW_OUTCOMES + 1)
    assert law.mean_gains() is None
    assert wide_table(30, FEW_OUTCOMES).mean_gains() is not None
    with pytest.raises(ValueError, match="20 positions"):
        information.information_curve(law)


def test_side_by_side_averages_over_how_many_are_in_each_part():
    """Against the mean over all orders of the positions."""
    parts = [distributions.parity(3), distributions.replace_random(2)]
    law = distributions.concatenate(*parts)
    by_order = [
        [law.entropy(order[: k + 1]) - law.entropy(order[:k]) for k in range(5)]
        for order in orders(range(5))
    ]
    np.testing.assert_allclose(law.mean_gains(), np.mean(by_order, axis=0), atol=1e-13)


def test_a_part_without_a_formula_leaves_none():
    law = distributions.concatenate(sparse_code(40), distributions.parity(3))
    assert law.mean_gains() is None
    short = distributions.concatenate(sparse_code(10), distributions.parity(3))
    np.testing.assert_allclose(
        short.mean_gains(), information.entropy_gains(short.table()), atol=1e-12
    )


def test_equal_sequences_of_a_long_table_are_looked_up():
    """An order of the outcomes for every prefix of 2,000 positions, without 2,000 calls deep."""
    law = wide_table(2000, 80)
    run = simulate(law, Decoder(TopK(1000, by="left_to_right")), samples=100, threads=1)
    assert 0 <= run.validity.value <= 1
    rows = np.repeat(law.outcomes[:2], 20, axis=0)
    np.testing.assert_allclose(
        np.exp2(law.log2_probability(rows)), np.repeat(law.probabilities[:2], 20), rtol=1e-12
    )


def test_a_large_mixture_knows_its_positions():
    law = SAMPLED["mixture of chains"](60)
    blank = IdealModel(law).laws(
        np.full((1, 60), -1, np.int32), np.zeros(60, np.int64), np.arange(60)
    )
    expected = -(blank * np.log2(blank)).sum(axis=1)
    np.testing.assert_allclose(law.position_entropies(), expected, atol=1e-12)


def test_a_power_law_has_its_exponent():
    sizes = [1250, 2500, 5000, 10_000]
    assert growth.slope(sizes, [3e-9 * n**2 for n in sizes]) == pytest.approx(2)
    assert 1.1 < growth.slope(sizes, [n * math.log(n) for n in sizes]) < 1.15


def test_cost_that_grows_too_fast_is_seen():
    steady = growth.measured(slow_case(lambda n: n * 0.0003))
    assert steady.met
    assert steady.low <= steady.exponent <= steady.high
    assert not growth.measured(slow_case(lambda n: n**2 * 0.0003)).met


def slow_case(seconds):
    """A case that claims linear cost and spends so much processor time."""

    def prepare(n):
        def work():
            until = time.process_time() + seconds(n)
            while time.process_time() < until:
                pass

        return work

    return growth_cases.Case("work", "none", (4, 8, 16), "n", float, prepare)


def test_every_case_of_the_growth_benchmark_runs():
    """On a small size; the documented cost is a power law of what it is measured against."""
    for case in growth_cases.cases():
        case.prepare(min(case.sizes[0], 64))()
        sizes = [case.against(n) for n in case.sizes]
        assert growth.slope(sizes, [case.cost(n) for n in case.sizes]) > 0.9
