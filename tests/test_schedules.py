"""Random orders: expected cost and best sizes, against all orders and all sizes."""

import json
import math
from itertools import combinations, pairwise
from itertools import permutations as orders

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import distributions
from infodecode.distributions import Table
from infodecode.information import information_curve, total_correlation
from infodecode.partitions import optimal_partitions, partition_bits
from infodecode.schedules import even_sizes, optimal_random_order, random_order_bits
from tests import laws, oracle
from tests.translation import table

EXACT = 1e-12


def compositions(n, rounds):
    """All tuples of ``rounds`` sizes >= 1 that add up to n."""
    for cuts in combinations(range(1, n), rounds - 1):
        yield tuple(b - a for a, b in pairwise((0, *cuts, n)))


def blocks_of(order, sizes):
    ends = np.cumsum(sizes).tolist()
    return [order[a:b] for a, b in pairwise((0, *ends))]


def over_all_orders(law, sizes):
    """Mean of the exact cost over every order, without any information curve."""
    entropies = {
        s: oracle.entropy(oracle.marginal(law, s))
        for k in range(sum(sizes) + 1)
        for s in combinations(range(sum(sizes)), k)
    }

    def entropy(positions):
        return entropies[tuple(sorted(positions))]

    total, count = 0.0, 0
    for order in orders(range(sum(sizes))):
        known = ()
        for block in blocks_of(order, sizes):
            total += math.fsum(entropy((*known, i)) for i in block)
            total -= (len(block) - 1) * entropy(known) + entropy((*known, *block))
            known += block
        count += 1
    return total / count


samples = laws.counted(max_length=4) | laws.floating(max_length=4)


@st.composite
def sample_and_sizes(draw):
    sample = draw(samples)
    rounds = draw(st.integers(1, sample.length))
    return sample, draw(st.sampled_from(list(compositions(sample.length, rounds))))


@given(sample_and_sizes())
def test_the_cost_is_the_mean_over_all_orders(case):
    """RT-1."""
    sample, sizes = case
    expected = over_all_orders(sample.law, sizes)
    assert random_order_bits(table(sample), sizes) == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize("sizes", [(5,), (2, 3), (3, 2), (1, 3, 1), (2, 2, 1), (1, 1, 1, 1, 1)])
def test_the_cost_of_five_positions(sizes):
    rng = np.random.default_rng(sum(sizes[:2]))
    rows = np.unique(rng.integers(0, [2, 3, 2, 2, 4], (14, 5)), axis=0)
    weights = rng.integers(1, 20, len(rows))
    law = oracle.normalised(dict(zip(map(tuple, rows.tolist()), weights.tolist(), strict=True)))
    d = Table(rows, weights)
    found = random_order_bits(d, sizes)
    assert found == pytest.approx(over_all_orders(law, sizes), abs=EXACT)
    mean = np.mean([partition_bits(d, blocks_of(order, sizes)) for order in orders(range(5))])
    assert found == pytest.approx(mean, abs=EXACT)


@given(sample_and_sizes())
def test_the_cost_in_terms_of_the_information_curve(case):
    sample, sizes = case
    d = table(sample)
    curve = information_curve(d)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    assert random_order_bits(d, sizes) == pytest.approx(math.fsum(curve - curve[starts]), abs=EXACT)
    largest = max(sizes)
    assert random_order_bits(d, sizes) <= (largest - 1) * len(sizes) * curve[-1] + EXACT


@given(samples)
def test_the_ends(sample):
    d, n = table(sample), sample.length
    assert random_order_bits(d, [n]) == pytest.approx(total_correlation(d), abs=EXACT)
    assert random_order_bits(d, [1] * n) == 0.0


@given(samples)
def test_best_sizes_of_random_laws(sample):
    d, n = table(sample), sample.length
    best = optimal_random_order(d)
    for rounds in range(1, n + 1):
        costs = [random_order_bits(d, sizes) for sizes in compositions(n, rounds)]
        assert best.bits[rounds - 1] == pytest.approx(min(costs), abs=EXACT)
        sizes = best.sizes(rounds)
        assert len(sizes) == rounds
        assert min(sizes) >= 1
        assert random_order_bits(d, sizes) == pytest.approx(best.bits[rounds - 1], abs=EXACT)


@given(samples)
def test_the_best_fixed_order_is_no_worse_than_a_random_one(sample):
    d = table(sample)
    assert (optimal_partitions(d).bits <= optimal_random_order(d).bits + EXACT).all()


@pytest.mark.parametrize("n", [1, 2, 7, 10])
@pytest.mark.parametrize("make", [distributions.permutations, distributions.replace_random])
def test_best_sizes_of_symmetric_laws(make, n):
    d = make(n)
    best = optimal_random_order(d)
    for rounds in range(1, n + 1):
        costs = [random_order_bits(d, sizes) for sizes in compositions(n, rounds)]
        assert best.bits[rounds - 1] == pytest.approx(min(costs), abs=EXACT)
    if n < 10:
        assert best.bits == pytest.approx(optimal_random_order(d.table()).bits, abs=EXACT)


def test_early_information_makes_the_best_sizes_grow():
    """n copies of one bit: a round for one of them, then all others at once."""
    n = 6
    d = Table([[0] * n, [1] * n])
    best = optimal_random_order(d)
    assert best.sizes(2) == (1, n - 1)
    assert best.bits.tolist() == [n - 1, *[0.0] * (n - 1)]


def test_thousands_of_positions():
    n = 2000
    d = distributions.permutations(n)
    best = optimal_random_order(d)
    assert best.bits[-1] == 0.0
    assert (np.diff(best.bits) < 0).all()
    for rounds in (1, 3, 40, n - 1):
        sizes = best.sizes(rounds)
        assert len(sizes) == rounds
        assert sum(sizes) == n
        left = n - np.cumsum([0, *sizes[:-1]])
        cost = math.fsum(sizes * np.log2(left)) - math.lgamma(n + 1) / math.log(2)
        assert cost == pytest.approx(best.bits[rounds - 1], abs=1e-7)
        for t in range(min(rounds - 1, 40)):
            for move in (1, -1):
                shifted = list(sizes)
                shifted[t] -= move
                shifted[t + 1] += move
                if min(shifted) > 0:
                    assert random_order_bits(d, shifted) >= best.bits[rounds - 1] - 1e-8


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([2, 2], "sizes must add up to the length 3, got 4"),
        ([], "sizes must add up to the length 3, got 0"),
        ([3, 0], r"sizes\[1\] must be at least 1, got 0"),
    ],
)
def test_sizes_are_checked(sizes, message):
    with pytest.raises(ValueError, match=message):
        random_order_bits(distributions.permutations(3), sizes)


def test_limits_and_rounds_are_checked():
    with pytest.raises(ValueError, match="at most 10,000 positions, got 10,001"):
        optimal_random_order(distributions.replace_random(10_001))
    with pytest.raises(ValueError, match="at most 20 positions"):
        optimal_random_order(distributions.Table(np.eye(21, dtype=int)))
    best = optimal_random_order(distributions.permutations(3))
    for rounds in (0, 4):
        with pytest.raises(ValueError, match="rounds must be at"):
            best.sizes(rounds)


def test_even_sizes_are_the_recorded_quotas(golden):
    rows = json.loads((golden / "schedules.json").read_text())["llada_quota"]
    assert rows
    for n, steps, quotas in rows:
        if steps <= n:
            assert list(even_sizes(n, steps)) == quotas


@pytest.mark.parametrize(("n", "rounds"), [(10, 3), (7, 7), (5, 1), (12, 5)])
def test_even_sizes(n, rounds):
    sizes = even_sizes(n, rounds)
    assert sum(sizes) == n
    assert len(sizes) == rounds
    assert max(sizes) - min(sizes) <= 1
    assert list(sizes) == sorted(sizes, reverse=True)


def test_even_sizes_need_a_position_a_round():
    with pytest.raises(ValueError, match="rounds must be at most 3, got 4"):
        even_sizes(3, 4)
