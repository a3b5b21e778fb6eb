"""Sampled curves: unbiased over all samples and orders, and intervals that cover."""

import math
from itertools import permutations as orders

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import binom

from infodecode import distributions
from infodecode._order_samples import BLOCK, CurveTerms, OrderTerms, blank_laws, over_samples
from infodecode.curve_estimates import (
    CurveEstimate,
    _bets,
    bounded_mean,
    information_curve_estimate,
    random_order_estimate,
)
from infodecode.information import information_curve, total_correlation
from infodecode.proved_schedules import profile_sizes
from infodecode.schedules import even_sizes, random_order_bits
from tests import laws
from tests.translation import table

STICKY = [[0.9, 0.1], [0.2, 0.8]]
HAMMING = [[1, 0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1, 1]]
CASINO = [[1 / 6] * 6, [0.1] * 5 + [0.5]]


def every_order(law):
    """All rows (sequence, order) with their probabilities."""
    full = law.table()
    order = np.array(list(orders(range(law.length))))
    data = np.repeat(full.outcomes, len(order), axis=0)
    weight = np.repeat(full.probabilities, len(order)) / len(order)
    return data, np.tile(order, (len(full.outcomes), 1)), weight


def compositions(n):
    if n == 0:
        yield ()
    for first in range(1, n + 1):
        for rest in compositions(n - first):
            yield (first, *rest)


random_laws = laws.counted(max_length=4) | laws.floating(max_length=4)


@given(random_laws)
def test_the_terms_of_all_samples_average_to_the_curve(sample):
    law = table(sample)
    data, order, weight = every_order(law)
    alone, widths = blank_laws(law)
    np.testing.assert_allclose(alone, law.position_entropies(), atol=1e-12)
    assert (alone <= widths + 1e-12).all()
    terms = CurveTerms(law, np.arange(1, law.length + 1), alone)(data, order)
    np.testing.assert_allclose(terms @ weight, information_curve(law), atol=1e-12)
    assert (terms <= alone.max() + 1e-12).all()
    assert (terms >= (alone - widths).min() - 1e-12).all()


@given(random_laws)
def test_the_terms_of_all_samples_average_to_the_cost_of_any_sizes(sample):
    law = table(sample)
    data, order, weight = every_order(law)
    for sizes in compositions(law.length):
        (terms,) = OrderTerms(law, np.array(sizes))(data, order)
        assert terms @ weight == pytest.approx(random_order_bits(law, sizes), abs=1e-12)


def test_a_few_positions_of_many_average_to_the_same(monkeypatch):
    """Fewer than all masked positions, and few rows at a time."""
    monkeypatch.setattr("infodecode._order_samples.POSITIONS_ASKED", 2)
    monkeypatch.setattr("infodecode._order_samples._LAWS_AT_ONCE", 5)
    law = distributions.markov_chain(STICKY, length=5, initial=[1, 0])
    data, order, weight = every_order(law)
    alone, _ = blank_laws(law)
    np.testing.assert_allclose(alone, law.position_entropies(), atol=1e-12)
    terms = CurveTerms(law, np.array([1, 3, 5]), alone)(data, order)
    np.testing.assert_allclose(terms @ weight, information_curve(law)[[0, 2, 4]], atol=1e-12)
    (bits,) = OrderTerms(law, np.array([3, 1, 1]))(data, order)
    assert bits @ weight == pytest.approx(random_order_bits(law, [3, 1, 1]), abs=1e-12)


COVERED = [
    distributions.markov_chain(STICKY, length=12),
    distributions.remove_random(10),
    distributions.linear_code(HAMMING),
    distributions.titanic(),
    distributions.mixture([distributions.parity(6), distributions.parity(6, odd=True)], [3, 1]),
    distributions.hidden_markov(STICKY, CASINO, length=5),
]
SEEDS = 120


def misses_allowed(tries, share):
    """More misses than this have a probability of 1e-4 if intervals cover as claimed."""
    return int(binom.ppf(1 - 1e-4, tries, share))


@pytest.mark.parametrize("law", COVERED, ids=str)
def test_guaranteed_intervals_cover_every_point(law):
    exact = information_curve(law)
    missed = np.zeros(law.length, int)
    for seed in range(SEEDS):
        found = information_curve_estimate(
            law, samples=50, seed=seed, confidence=0.8, guaranteed=True, threads=1
        )
        missed += (exact < found.low - 1e-12) | (exact > found.high + 1e-12)
    assert missed.max() <= misses_allowed(SEEDS, 0.2)


@pytest.mark.parametrize("law", COVERED, ids=str)
def test_normal_intervals_cover_with_samples_enough(law):
    exact = information_curve(law)
    sizes = even_sizes(law.length, 2)
    bits = random_order_bits(law, sizes)
    missed, missed_bits = np.zeros(law.length, int), 0
    for seed in range(SEEDS):
        found = information_curve_estimate(law, samples=200, seed=seed, confidence=0.8, threads=1)
        missed += (exact < found.low - 1e-12) | (exact > found.high + 1e-12)
        missed_bits += bits not in found.random_order_bits(sizes)
    assert missed.max() <= misses_allowed(SEEDS, 0.22)
    assert missed_bits <= misses_allowed(SEEDS, 0.22)


def test_intervals_are_not_vacuous():
    """As wide as a normal interval should be: about 20 % of them miss at 80 % confidence."""
    law = distributions.markov_chain(STICKY, length=12)
    exact = information_curve(law)[5]
    missed = sum(
        not found.low[0] <= exact <= found.high[0]
        for found in (
            information_curve_estimate(
                law, samples=100, seed=seed, points=[6], confidence=0.8, threads=1
            )
            for seed in range(SEEDS)
        )
    )
    assert 12 <= missed <= misses_allowed(SEEDS, 0.22)


def test_what_no_sample_shows_is_covered_by_guaranteed_intervals_only():
    """One position in 20,000 tells of another: 20 samples that saw none of it agree entirely."""
    law = distributions.replace_random(20_000)
    exact = information_curve(law)[1]
    usual, firm = (
        information_curve_estimate(law, samples=20, points=[2], guaranteed=guaranteed)
        for guaranteed in (False, True)
    )
    assert usual.high[0] < exact
    assert firm.low[0] <= exact <= firm.high[0]


def test_what_the_order_alone_decides_has_no_spread():
    """Permutations are alike from every order and sequence; parity is blind before its end."""
    law = distributions.permutations(40)
    found = information_curve_estimate(law, samples=3)
    np.testing.assert_allclose(found.values, information_curve(law)[found.positions - 1])
    np.testing.assert_allclose(found.low, found.high)
    sizes = [10] * 4
    assert found.random_order_bits(sizes).value == pytest.approx(random_order_bits(law, sizes))
    blind = information_curve_estimate(distributions.parity(30), samples=2)
    assert blind.values.tolist() == [0.0] * 29 + [1.0]


def test_samples_depend_on_their_number_alone():
    law = distributions.hidden_markov(STICKY, CASINO, length=40)
    sizes = [30, 1, 1, 8]
    alike = [
        information_curve_estimate(law, samples=150, seed=3, points=[5, 30], threads=threads)
        for threads in (1, 3)
    ]
    np.testing.assert_array_equal(alike[0].values, alike[1].values)
    single = information_curve_estimate(law, samples=150, seed=3, points=[30])
    assert single.values[0] == alike[0].values[1]
    other = information_curve_estimate(law, samples=150, seed=4, points=[5, 30])
    assert (other.values != alike[0].values).all()
    assert random_order_estimate(law, sizes, samples=90, threads=1) == random_order_estimate(
        law, sizes, samples=90, threads=4
    )


def test_the_first_samples_of_a_longer_run_are_those_of_a_shorter_one():
    law = distributions.titanic()
    terms = CurveTerms(law, np.array([2, 3]), blank_laws(law)[0])
    longer = over_samples(terms, 2, law, BLOCK + 40, 5, None, False)
    for count in (1, BLOCK, BLOCK + 7):
        shorter = over_samples(terms, 2, law, count, 5, 2, False)
        np.testing.assert_array_equal(shorter, longer[:, :count])
    assert len(np.unique(longer[0])) > 5


def test_one_round_costs_the_total_correlation_and_single_ones_nothing():
    law = distributions.hidden_markov(STICKY, CASINO, length=6)
    found = random_order_estimate(law, [6], samples=4000, confidence=0.999)
    assert total_correlation(law) in found
    assert random_order_estimate(law, [1] * 6, samples=5).value == 0.0
    blind = random_order_estimate(law, [1] * 6, samples=5)
    assert (blind.low, blind.high) == (0.0, 0.0)


def test_a_single_sample_says_nothing_of_the_spread():
    law = distributions.markov_chain(STICKY, length=9)
    found = information_curve_estimate(law, samples=1, points=[5])
    assert found.low[0] <= 0.0
    assert found.high[0] == pytest.approx(law.position_entropies().mean())
    assert random_order_estimate(law, [9], samples=1).high == math.inf


def test_default_points_are_dense_at_both_ends():
    small = information_curve_estimate(distributions.copy(32), samples=1)
    assert small.positions.tolist() == list(range(1, 33))
    large = information_curve_estimate(distributions.copy(10_000), samples=1)
    assert large.positions[:4].tolist() == [1, 2, 4, 8]
    assert large.positions[-4:].tolist() == [9_993, 9_997, 9_999, 10_000]
    assert len(large.positions) < 45
    assert not large.values.any()


def test_the_curve_through_the_points_serves_for_sizes():
    law = distributions.markov_chain(STICKY, length=400)
    found = information_curve_estimate(law, samples=300, seed=1)
    curve = found.curve
    assert curve.shape == (400,)
    assert curve[0] == 0.0
    assert (np.diff(curve) >= 0).all()
    np.testing.assert_allclose(curve, information_curve(law), atol=0.1)
    sizes = profile_sizes(curve, 20)
    assert sum(sizes) == 400
    best = random_order_bits(law, profile_sizes(information_curve(law), 20))
    assert random_order_bits(law, sizes) <= 1.1 * best
    assert random_order_bits(law, sizes) in found.random_order_bits(sizes)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.2, 0.1, 0.4], [0.0, 0.15, 0.15, 0.4]),
        ([-0.1, 0.3, 0.2, 0.1], [0.0, 0.2, 0.2, 0.2]),
        ([0.5, 0.4, 0.0, 0.1], [0.25] * 4),
    ],
)
def test_estimates_that_fall_are_pooled(values, expected):
    found = CurveEstimate(
        distributions.parity(4), np.arange(1, 5), np.array(values), np.array(values),
        np.array(values), 1, 0, 0.95, False,
    )  # fmt: skip
    np.testing.assert_allclose(found.curve[1:], expected[1:], atol=1e-15)


def test_what_is_printed():
    found = information_curve_estimate(distributions.parity(5), samples=3)
    assert repr(found) == (
        "<information curve of parity(5), 5 points from 3 samples, seed 0: Z_5 = 1 [1, 1]>"
    )


# Means of bounded variables ---------------------------------------------------------------------


@pytest.mark.parametrize("chance", [0.0, 0.01, 0.3, 0.97])
@pytest.mark.parametrize("count", [5, 100])
def test_bets_cover_the_mean_of_a_coin(chance, count):
    generator = np.random.default_rng(1)
    low, high = -1.0, 3.0
    missed = 0
    for _ in range(400):
        values = np.where(generator.random(count) < chance, high, low)
        found = bounded_mean(values, low, high, 0.8)
        assert low <= found.low <= found.value <= found.high <= high
        missed += low + (high - low) * chance not in found
    assert missed <= misses_allowed(400, 0.2)


def test_bets_against_a_constant():
    """log(2 / 0.05) / (0.75 N) or so on the side where nothing was ever seen."""
    found = bounded_mean(np.zeros(1000), 0.0, 1.0, 0.95)
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0.0037 < found.high < 0.007
    turned = bounded_mean(np.ones(1000), 0.0, 1.0, 0.95)
    assert turned.low == pytest.approx(1 - found.high, abs=1e-12)
    fixed = bounded_mean(np.full(3, 0.5), 0.5, 0.5, 0.95)
    assert fixed.low == fixed.value == fixed.high == 0.5


def test_bets_narrow_with_samples_and_spread():
    generator = np.random.default_rng(2)
    wide = bounded_mean(generator.random(10_000), 0.0, 1.0, 0.95)
    narrow = bounded_mean(0.5 + generator.random(10_000) / 100, 0.0, 1.0, 0.95)
    assert 0.5 in wide
    assert wide.half_width < 1.7 * 1.96 * math.sqrt(1 / 12 / 10_000)
    assert narrow.half_width < wide.half_width / 5


@pytest.mark.parametrize("count", [2, 4, 8])
def test_bets_against_coins_of_every_bias_in_all_their_outcomes(count):
    words = np.arange(1 << count)[:, None] >> np.arange(count) & 1
    for confidence in (0.05, 0.3, 0.8):
        found = [bounded_mean(word.astype(float), 0.0, 1.0, confidence) for word in words]
        low, high = (np.array([getattr(e, end) for e in found]) for end in ("low", "high"))
        worst = 0.0
        for mean in np.linspace(0.01, 0.99, 99):
            chance = (mean**words * (1 - mean) ** (1 - words)).prod(axis=1)
            worst = max(worst, float(chance @ ((low > mean) | (high < mean))))
        assert 0 < worst <= 1 - confidence


def test_a_bet_knows_what_came_before_it_only():
    values = np.random.default_rng(0).random(20)
    changed = np.where(np.arange(20) < 7, values, 1 - values)
    before, after = _bets(values, 3.0), _bets(changed, 3.0)
    np.testing.assert_array_equal(before[:8], after[:8])
    assert (before[8:] != after[8:]).all()


# Refusals ---------------------------------------------------------------------------------------

LAW = distributions.parity(4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples must be at least 1, got 0"),
        ({"samples": 2.5}, "samples must be an integer"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"points": [0]}, r"points\[0\] must be at least 1"),
        ({"points": [2, 5]}, r"points\[1\] must be at most 4, got 5"),
        ({"points": []}, "points must hold at least one position"),
        ({"points": 3}, "points must be a sequence"),
        ({"confidence": 1.0}, "confidence must be less than 1"),
        ({"confidence": 0}, "confidence must be greater than 0"),
        ({"guaranteed": 1}, "guaranteed must be True or False"),
        ({"threads": 0}, "threads must be at least 1"),
    ],
)
def test_curve_refusals(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        information_curve_estimate(LAW, **options)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([2, 1], "sizes must add up to the length 4, got 3"),
        ([4, 0], r"sizes\[1\] must be at least 1"),
        ([], "sizes must add up to the length 4, got 0"),
        (4, "sizes must be a sequence"),
    ],
)
def test_order_refusals(sizes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        random_order_estimate(LAW, sizes)


def test_what_is_no_distribution():
    for estimate in (information_curve_estimate, lambda law: random_order_estimate(law, [1])):
        with pytest.raises(TypeError, match="distribution must be a distribution"):
            estimate([1, 2])
