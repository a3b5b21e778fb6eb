"""Sizes with proved bounds: every bound on random laws, and on the laws that attain it."""

import math
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise, product
from itertools import permutations as orders

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, distributions, exact, optimal_random_order
from infodecode.information import (
    dual_total_correlation,
    information_curve,
    total_correlation,
)
from infodecode.partitions import partition_bits
from infodecode.proved_schedules import (
    dtc_schedule,
    dtc_sizes,
    equal_schedule,
    order_factors,
    order_mixture,
    profile_schedule,
    profile_sizes,
    tc_schedule,
    tc_sizes,
)
from infodecode.schedules import random_order_bits
from infodecode.strategies import TopK
from tests import laws
from tests.translation import table

EXACT = 1e-12
DELTAS = [0.0, 0.01, 0.1, 0.25, 0.3, 0.5, 2 / 3, 0.75, 0.9, 1.0]

TOYS = [
    distributions.permutations(1),
    distributions.permutations(7),
    distributions.replace_random(2),
    distributions.replace_random(9),
    distributions.copy(5),
    distributions.parity(6),
    distributions.linear_code([[1, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]),
    distributions.linear_code([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0], [1, 0, 0, 0, 1, 1]]),
    distributions.insert_random(6),
    distributions.remove_random(6),
    distributions.shuffled(4),
    distributions.derangements(5),
    distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=40),
    distributions.latin_squares(3),
    distributions.words(4),
    distributions.concatenate(distributions.permutations(3), distributions.replace_random(4)),
    distributions.mixture([distributions.permutations(4), distributions.copy(4)], [1, 2]),
]

toys = pytest.mark.parametrize("law", TOYS, ids=lambda law: law.name)
samples = laws.counted(max_length=5) | laws.floating(max_length=5)


def compositions(n):
    """All tuples of sizes >= 1 that add up to n."""
    for rounds in range(1, n + 1):
        for cuts in combinations(range(1, n), rounds - 1):
            yield tuple(b - a for a, b in pairwise((0, *cuts, n)))


@cache
def separable_code(n, k, field):
    """Reed-Solomon: values at n points of the polynomials of degree below k over a prime field."""
    words = [
        [sum(c * x**e for e, c in enumerate(coefficients)) % field for x in range(n)]
        for coefficients in product(range(field), repeat=k)
    ]
    return distributions.Table(words, np.ones(len(words), int), alphabet_sizes=[field] * n)


@cache
def measures(law):
    curve = information_curve(law)
    total = math.fsum(curve)
    return total, law.length * float(curve[-1]) - total, float(curve[-1])


def slack(law):
    return EXACT * max(1.0, law.length * float(law.position_entropies().max()))


# The identities behind the bounds ---------------------------------------------------------


@toys
def test_the_curve_adds_up_to_both_correlations(law):
    total, dual, _ = measures(law)
    assert total == pytest.approx(total_correlation(law), abs=slack(law))
    assert dual == pytest.approx(dual_total_correlation(law), abs=slack(law))


FIVE = [
    distributions.permutations(5),
    distributions.insert_random(4),
    distributions.markov_chain([[0.8, 0.2], [0.3, 0.7]], length=5),
    distributions.linear_code([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1]]),
    distributions.Table(
        [[0, 0, 1, 0, 2], [1, 0, 0, 1, 0], [1, 2, 1, 0, 0], [0, 1, 0, 1, 1], [1, 1, 1, 1, 2]],
        [5, 1, 2, 3, 7],
    ),
]


@pytest.mark.parametrize("law", FIVE, ids=lambda law: law.name)
def test_bits_are_the_mean_over_all_orders(law):
    """RT-1: each order by itself, as a fixed partition."""
    for plan in (
        tc_schedule(law, 0.5), dtc_schedule(law, 0.5), equal_schedule(law, 2),
        profile_schedule(law, 3),
    ):  # fmt: skip
        ends = np.cumsum(plan.sizes).tolist()
        paths = [
            partition_bits(law, [order[a:b] for a, b in pairwise([0, *ends])])
            for order in orders(range(5))
        ]
        assert plan.bits == pytest.approx(math.fsum(paths) / len(paths), abs=EXACT)
        assert plan.bits == pytest.approx(random_order_bits(law, plan.sizes), abs=EXACT)


# Constants of given sizes -----------------------------------------------------------------


@given(samples, st.data())
def test_the_factors_bound_every_law(sample, data):
    law = table(sample)
    sizes = data.draw(st.sampled_from(list(compositions(sample.length))))
    factors, (total, dual, last) = order_factors(sizes), measures(law)
    bits = random_order_bits(law, sizes)
    assert bits <= factors.total_correlation * total + EXACT
    assert bits <= factors.dual_total_correlation * dual + EXACT
    assert bits <= factors.last_information * last + EXACT


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_no_smaller_factors_bound_every_law(n):
    """The codes that any k positions determine: one step of the curve, wherever it hurts most."""
    field = {2: 2, 3: 3, 4: 5, 5: 5}[n]
    codes = [separable_code(n, k, field) for k in range(1, n)]
    for k, code in enumerate(codes, 1):
        steps = np.diff(information_curve(code))
        jump = np.where(np.arange(1, n) == k, math.log2(field), 0.0)
        assert steps == pytest.approx(jump, abs=1e-11)
    for sizes in compositions(n):
        factors = order_factors(sizes)
        ratios = [[random_order_bits(c, sizes) / m for m in measures(c)] for c in codes]
        worst = np.max(ratios, axis=0)
        assert worst[0] == pytest.approx(factors.total_correlation, abs=1e-11)
        assert worst[1] == pytest.approx(factors.dual_total_correlation, abs=1e-11)
        assert worst[2] == pytest.approx(factors.last_information, abs=1e-11)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((1,), (0, 0, 0)), ((1, 1, 1), (0, 0, 0)), ((4,), (1, 3, 3)), ((1, 3), (1, 1, 2)),
     ((3, 1), (2 / 3, 2, 2)), ((2, 2), (1, 1, 1)), ((3, 2, 1), (1 / 2, 2, 2))],
)  # fmt: skip
def test_factors_of_small_schedules(sizes, expected):
    factors = order_factors(sizes)
    assert (
        factors.total_correlation, factors.dual_total_correlation, factors.last_information
    ) == expected  # fmt: skip


# The two schedules of correlations --------------------------------------------------------


def decimal(delta):
    return Fraction(delta).limit_denominator(10_000)


@pytest.mark.parametrize("delta", [*DELTAS, 0.29, 0.57, 0.7])
def test_sizes_are_the_largest_that_keep_the_bound(delta):
    share = decimal(delta)
    for n in [*range(1, 60), 101, 1001]:
        masked = n
        for s in tc_sizes(n, delta):
            assert 1 <= s <= masked
            assert s == 1 or s - 1 <= share * (masked - 1)
            assert s == masked or s > share * (masked - 1)
            masked -= s
        assert masked == 0
        known = 0
        for s in dtc_sizes(n, delta):
            assert s - 1 <= share * (known + 1)
            assert s == n - known or s > share * (known + 1)
            known += s
        assert known == n


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("delta", [*DELTAS, 1.5, 3.0, 20.0])
def test_no_sizes_with_the_bound_take_fewer_rounds(n, delta):
    share = decimal(delta) * (1 + Fraction(1, 10**12))
    factors = {sizes: order_factors(sizes) for sizes in compositions(n)}
    if delta <= 1:
        fewest = min(len(s) for s, f in factors.items() if f.total_correlation <= share)
        assert len(tc_sizes(n, delta)) == fewest
        assert factors[tc_sizes(n, delta)].total_correlation <= share
    fewest = min(len(s) for s, f in factors.items() if f.dual_total_correlation <= share)
    assert len(dtc_sizes(n, delta)) == fewest
    assert factors[dtc_sizes(n, delta)].dual_total_correlation <= share


@pytest.mark.parametrize("delta", [0.01, 0.1, 0.29, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 50, 1000, 30_000])
def test_rounds_grow_with_the_logarithm(n, delta):
    if n > 1:
        bound = 2 + (math.log(n - 1) / -math.log1p(-delta) if delta < 1 else 0)
        assert len(tc_sizes(n, delta)) <= bound + 1e-9
        assert bound <= 2 + math.log(n - 1) / delta + 1e-9
    bound = 1 + math.log(n) / math.log1p(delta)
    assert len(dtc_sizes(n, delta)) <= bound + 1e-9
    assert bound <= 1 + (1 + 1 / delta) * math.log(n) + 1e-9


@toys
def test_bounds_hold_on_toys(law):
    """RT-2 and RT-3."""
    total, dual, last = measures(law)
    for delta in DELTAS:
        plan = tc_schedule(law, delta)
        assert plan.bits <= plan.bound + slack(law)
        assert plan.bound == pytest.approx(delta * total, abs=slack(law))
    for delta in [*DELTAS, 2.0, 40.0]:
        plan = dtc_schedule(law, delta)
        assert plan.bits <= plan.bound + slack(law)
        assert plan.bound == pytest.approx(delta * dual, abs=slack(law) * max(1, delta))
    n = law.length
    for rounds in range(1, n + 1):
        plan = equal_schedule(law, rounds)
        assert plan.rounds == rounds
        assert plan.bound == pytest.approx((math.ceil(n / rounds) - 1) * last, abs=slack(law))
        assert plan.bits <= plan.bound + slack(law)
        assert plan.bound <= n * last / rounds + slack(law)
        assert last * n == pytest.approx(total + dual, abs=slack(law))
        plan = profile_schedule(law, rounds)
        assert plan.rounds == rounds
        assert plan.bits <= plan.bound + slack(law)


@given(samples, st.floats(0, 1), st.floats(0, 4))
def test_bounds_hold_on_random_laws(sample, delta, multiple):
    law, n = table(sample), sample.length
    total, dual, _ = measures(law)
    assert tc_schedule(law, delta).bits <= delta * total + EXACT
    assert dtc_schedule(law, multiple).bits <= multiple * dual + EXACT
    shared = math.fsum(
        law.entropy(i) + law.entropy(set(range(n)) - {i}) - law.entropy() for i in range(n)
    )
    for rounds in range(1, n + 1):
        assert equal_schedule(law, rounds).bits <= shared / rounds + EXACT
        best = optimal_random_order(law).bits[rounds - 1]
        plan = profile_schedule(law, rounds)
        assert best - EXACT <= plan.bits <= plan.bound + EXACT


def test_bounds_that_are_attained():
    parity, copies = separable_code(5, 4, 5), separable_code(5, 1, 5)
    middle = separable_code(5, 2, 5)
    assert tc_sizes(5, 0.5) == (3, 1, 1)
    plan = tc_schedule(copies, 0.5)
    assert plan.bits == pytest.approx(plan.bound, abs=EXACT)
    assert plan.bound == pytest.approx(2 * math.log2(5))
    assert dtc_sizes(5, 1.0) == (2, 3)
    assert dtc_schedule(copies, 1.0).bits == pytest.approx(math.log2(5))
    assert dtc_schedule(copies, 1.0).bound == pytest.approx(math.log2(5))
    assert equal_schedule(copies, 2).bits == pytest.approx(2 * math.log2(5))
    assert equal_schedule(copies, 2).bound == pytest.approx(2 * math.log2(5))
    assert tc_schedule(parity, 1.0).bits == pytest.approx(math.log2(5))
    assert random_order_bits(middle, (1, 3, 1)) == pytest.approx(2 * math.log2(5))
    assert dtc_sizes(5, 1.5) == (2, 3)


def test_more_positions_than_the_published_sizes():
    """In bits of the bound nothing is lost; rounds are won."""

    def published(n, delta):
        sizes, masked = [], n
        while masked:
            fits = [s for s in range(1, masked + 1) if s <= max(1, delta * (masked - s))]
            sizes.append(max(fits))
            masked -= sizes[-1]
        return sizes

    for n, delta in [(12, 0.5), (100, 0.1), (100, 0.5), (1000, 0.25)]:
        assert len(tc_sizes(n, delta)) < len(published(n, delta))


def test_even_sizes_have_the_smallest_factor_of_their_rounds():
    for n in range(1, 9):
        for sizes in compositions(n):
            least = math.ceil(n / len(sizes)) - 1
            assert order_factors(sizes).last_information >= least
    assert order_factors(equal_schedule(distributions.copy(8), 3).sizes).last_information == 2


# The profile ------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([0.0, 0.0, 1e-9, 0.3, 1.0, 50.0]), max_size=30), st.data())
def test_profile_sizes_are_a_schedule(steps, data):
    curve = np.cumsum([0.0, *steps])
    rounds = data.draw(st.integers(1, len(curve)))
    sizes = profile_sizes(curve, rounds)
    assert len(sizes) == rounds
    assert sum(sizes) == len(curve)
    assert min(sizes) >= 1
    assert profile_sizes(curve * 4, rounds) == sizes


def test_profile_of_a_flat_and_of_a_steady_curve():
    assert profile_sizes(np.zeros(10), 4) == (3, 3, 2, 2)
    sizes = profile_sizes(np.arange(100.0), 10)
    assert max(sizes) - min(sizes) <= 1
    assert profile_sizes(np.arange(5.0), 5) == (1, 1, 1, 1, 1)


@pytest.mark.parametrize("k", range(1, 7))
def test_profile_ends_a_round_at_a_jump(k):
    assert profile_sizes(np.where(np.arange(7) >= k, 1.0, 0.0), 2) == (k, 7 - k)


@pytest.mark.parametrize("make", [distributions.permutations, distributions.replace_random])
def test_profile_is_nearly_the_best_in_the_long_run(make):
    law = make(2000)
    best = optimal_random_order(law)
    for rounds in (5, 20, 100):
        plan = profile_schedule(law, rounds)
        assert best.bits[rounds - 1] <= plan.bits <= 1.025 * best.bits[rounds - 1]
        assert plan.bits < 0.95 * equal_schedule(law, rounds).bits


# Schedules in the loop --------------------------------------------------------------------


@given(laws.counted(max_length=4, max_outcomes=8))
def test_the_mixture_over_orders_is_no_worse(sample):
    law = table(sample)
    plan = dtc_schedule(law, 1.0)
    assert plan.strategy() == TopK(plan.sizes, by="random")
    run = exact(law, Decoder(plan.strategy()))
    assert run.kl <= plan.bits + 1e-11
    mixed = order_mixture(law, plan.sizes)
    assert mixed.path_bits == plan.bits
    assert mixed.output_bits == run.kl
    assert mixed.best_fixed_bits <= plan.bits + EXACT


def test_a_mixture_beats_the_best_fixed_order():
    """RT-8: A third of log2(27/16) against log2(9/8)."""
    mixed = order_mixture(distributions.replace_random(3), iter([2, 1]))
    assert mixed.path_bits == pytest.approx(mixed.best_fixed_bits, abs=EXACT)
    assert mixed.path_bits == pytest.approx(math.log2(27 / 16) / 3, abs=EXACT)
    assert mixed.output_bits == pytest.approx(math.log2(9 / 8), abs=EXACT)


def test_ten_thousand_positions():
    for law in (
        distributions.permutations(10_000),
        distributions.replace_random(10_000),
        distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=3000),
    ):
        plans = [tc_schedule(law, 0.1), dtc_schedule(law, 0.1), equal_schedule(law, 90),
                 profile_schedule(law, 90)]  # fmt: skip
        for plan in plans:
            assert sum(plan.sizes) == law.length
            assert plan.rounds <= 90
            assert 0 < plan.bits <= plan.bound
        assert plans[3].bits < plans[2].bits


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda law: tc_schedule(law, 1.01), "delta must be at most 1, got 1.01"),
        (lambda law: tc_schedule(law, -0.1), "delta must be at least 0, got -0.1"),
        (lambda law: dtc_schedule(law, math.inf), "delta must be finite, got inf"),
        (lambda law: dtc_sizes(3, -1), "delta must be at least 0, got -1"),
        (lambda law: tc_sizes(0, 0.5), "length must be at least 1, got 0"),
        (lambda law: equal_schedule(law, 5), "rounds must be at most 4, got 5"),
        (lambda law: profile_schedule(law, 0), "rounds must be at least 1, got 0"),
        (lambda law: profile_sizes([0, 2, 1], 1), r"curve must be finite and never decrease, got"),
        (lambda law: profile_sizes([0, math.nan], 1), "curve must be finite and never decrease"),
        (lambda law: profile_sizes([], 1), "curve must be a row of numbers, got"),
        (lambda law: profile_sizes([[0.0]], 1), "curve must be a row of numbers, got"),
        (lambda law: order_factors([]), "sizes must hold at least one size, got none"),
        (lambda law: order_factors([2, 0]), r"sizes\[1\] must be at least 1, got 0"),
        (lambda law: order_mixture(law, [2, 1]), "sizes must add up to the length 4, got 3"),
    ],
)
def test_arguments_are_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call(distributions.permutations(4))


@pytest.mark.parametrize("schedule", [tc_schedule, dtc_schedule, equal_schedule, profile_schedule])
def test_laws_are_checked(schedule):
    with pytest.raises(TypeError, match="distribution must be a distribution, got 3"):
        schedule(3, 1)
    with pytest.raises(ValueError, match="at most 20 positions"):
        schedule(distributions.Table(np.eye(22, 21, dtype=int), np.ones(22, int)), 1)


def test_enormous_multiples_take_one_round():
    assert dtc_sizes(50, 1e300) == (50,)
    assert dtc_sizes(50, 49.0) == (50,)
    assert len(dtc_sizes(50, 48.9)) == 2
    assert tc_sizes(50, 1.0) == (50,)
    assert tc_sizes(50, 1e-300) == dtc_sizes(50, 0) == (1,) * 50
