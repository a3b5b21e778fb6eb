"""Ordered partitions: the floor of fixed orders, and the best of them, against brute force."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import distributions
from infodecode.distributions import Table
from infodecode.information import mutual_information, total_correlation
from infodecode.partitions import optimal_partitions, partition_bits
from tests import laws, oracle
from tests.translation import table

EXACT = 1e-12


def ordered_partitions(positions):
    """Every ordered partition into non-empty blocks."""
    if not positions:
        yield ()
    for size in range(1, len(positions) + 1):
        for block in combinations(positions, size):
            rest = tuple(i for i in positions if i not in block)
            for later in ordered_partitions(rest):
                yield (block, *later)


def brute_force(law, length):
    """Least L_T over all ordered partitions into T blocks, T = 1..n; entropies kept by set."""
    known = {}

    def entropy(positions):
        key = tuple(sorted(positions))
        if key not in known:
            known[key] = oracle.entropy(oracle.marginal(law, key))
        return known[key]

    best = [math.inf] * length
    for blocks in ordered_partitions(tuple(range(length))):
        total, before = -entropy(range(length)), ()
        for block in blocks:
            total += math.fsum(entropy((*before, i)) - entropy(before) for i in block)
            before += block
        best[len(blocks) - 1] = min(best[len(blocks) - 1], total)
    return best


samples = laws.counted() | laws.floating() | laws.rounded()


@st.composite
def sample_and_blocks(draw):
    sample = draw(samples)
    return sample, draw(laws.fixed_partitions(sample.length)).blocks


# Given partitions -----------------------------------------------------------------------


@given(sample_and_blocks())
def test_the_cost_is_the_mean_total_correlation_of_the_blocks(case):
    sample, blocks = case
    expected = oracle.partition_bits(sample.law, blocks)
    found = partition_bits(table(sample), blocks)
    assert found == pytest.approx(expected, abs=EXACT)
    assert found == 0.0 or found > EXACT


@given(sample_and_blocks())
def test_an_ideal_model_attains_the_floor(case):
    """PB-2: KL(data || output) of exact marginals, decoded in these blocks."""
    sample, blocks = case
    output = oracle.output_law(oracle.decode(sample.law, oracle.FixedPartition(blocks)))
    expected = oracle.kl_divergence(sample.law, output)
    assert partition_bits(table(sample), blocks) == pytest.approx(expected, abs=EXACT)


@given(sample_and_blocks())
def test_splitting_a_block_saves_what_its_parts_tell_each_other(case):
    """PB-3: C(A and B | Z) = C(A | Z) + C(B | Z, A) + sum over b of I(b; A | Z)."""
    sample, blocks = case
    d = table(sample)
    before = ()
    for block in blocks:
        for cut in range(1, len(block)):
            a, b = block[:cut], block[cut:]
            together = total_correlation(d, block, given=before)
            apart = total_correlation(d, a, given=before)
            apart += total_correlation(d, b, given=before + a)
            saved = math.fsum(mutual_information(d, x, a, given=before) for x in b)
            assert together == pytest.approx(apart + saved, abs=EXACT)
        before += block


@pytest.mark.parametrize("n", range(1, 10))
def test_closed_forms_of_shuffle(n):
    """PB-8 and PB-9."""
    shuffle, whole = distributions.permutations(n), math.log2(math.factorial(n))
    assert partition_bits(shuffle, [range(n)]) == pytest.approx(n * math.log2(n) - whole, abs=EXACT)
    if n % 2 == 0:
        blocks = [(2 * t, 2 * t + 1) for t in range(n // 2)]
        expected = math.log2(math.prod(range(n, 0, -2)) / math.prod(range(n - 1, 0, -2)))
        assert partition_bits(shuffle, blocks) == pytest.approx(expected, abs=EXACT)
    if n <= 6:
        for blocks in ordered_partitions(tuple(range(min(n, 4)))):
            rest = tuple(range(min(n, 4), n))
            blocks = (*blocks, rest) if rest else blocks
            left = n - np.cumsum([0, *map(len, blocks)])
            expected = math.fsum(len(b) * math.log2(k) for b, k in zip(blocks, left, strict=False))
            for d in (shuffle, shuffle.table()):
                assert partition_bits(d, blocks) == pytest.approx(expected - whole, abs=EXACT)


@pytest.mark.parametrize("n", [2, 3, 6, 500])
def test_closed_forms_of_the_other_list_tasks(n):
    """PB-6 and PB-7."""
    expected = (n - 1) * (math.log2(n) - math.log2(n - 1))
    replace = distributions.replace_random(n)
    assert partition_bits(replace, [range(n)]) == pytest.approx(expected, abs=1e-11)
    if n < 10:
        for d in (distributions.copy(n), distributions.replace_index(n, 0)):
            assert optimal_partitions(d).bits.tolist() == [0.0] * n


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([(0, 1)], "position 2 is missing"),
        ([(0, 1), (1, 2)], "position 1 appears twice"),
        ([(0, 1, 2), ()], r"blocks\[1\] must not be empty"),
        ([(0, 1, 3)], r"blocks\[0\]\[2\] must be at most 2, got 3"),
    ],
)
@pytest.mark.parametrize("d", [distributions.permutations(3), distributions.copy(3)])
def test_blocks_are_checked(d, blocks, message):
    with pytest.raises(ValueError, match=message):
        partition_bits(d, blocks)


# Best partitions ------------------------------------------------------------------------


def check_partitions(d, best):
    """Every partition has exactly T non-empty blocks and costs what it says."""
    for rounds in range(1, d.length + 1):
        blocks = best.partition(rounds)
        assert len(blocks) == rounds
        assert all(blocks)
        assert sorted(i for block in blocks for i in block) == list(range(d.length))
        assert partition_bits(d, blocks) == pytest.approx(best.bits[rounds - 1], abs=EXACT)


@given(samples)
def test_best_partitions_of_random_laws(sample):
    d = table(sample)
    best = optimal_partitions(d)
    assert best.bits == pytest.approx(brute_force(sample.law, sample.length), abs=EXACT)
    check_partitions(d, best)


@given(st.integers(0, 10**6))
def test_best_partitions_of_five_positions(seed):
    rng = np.random.default_rng(seed)
    rows = np.unique(rng.integers(0, [2, 3, 2, 1, 4], (12, 5)), axis=0)
    weights = rng.integers(1, 20, len(rows))
    law = dict(zip(map(tuple, rows.tolist()), weights.tolist(), strict=True))
    d = Table(rows, weights)
    best = optimal_partitions(d)
    assert best.bits == pytest.approx(brute_force(oracle.normalised(law), 5), abs=EXACT)
    check_partitions(d, best)


@given(samples)
def test_one_more_round_helps_exactly_while_there_is_something_to_gain(sample):
    """PB-4: L*_T > L*_{T+1} while L*_T > 0, and all zeros from then on."""
    bits = optimal_partitions(table(sample)).bits
    assert bits[-1] == 0.0
    for now, then in pairwise(bits):
        assert then < now or now == then == 0.0


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (
            distributions.replace_random(6),
            [1.3151720, 0.6651496, 0.2834006, 0.1301198, 0.0484157, 0],
        ),
        (distributions.permutations(5), [4.7027499, 2.0588937, 0.9068906, 0.3219281, 0]),
    ],
)
def test_golden_values(law, expected):
    for d in (law, law.table()):
        best = optimal_partitions(d)
        assert best.bits == pytest.approx(expected, abs=5e-8)
        check_partitions(d, best)
    assert law.size_entropies() is not None
    assert law.table().size_entropies() is None


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("make", [distributions.permutations, distributions.replace_random])
def test_sizes_suffice_where_entropies_depend_on_sizes_only(make, n):
    law = make(n)
    by_sizes, by_sets = optimal_partitions(law), optimal_partitions(law.table())
    assert by_sizes.bits == pytest.approx(by_sets.bits, abs=EXACT)
    check_partitions(law, by_sizes)


def test_a_thousand_items():
    n = 1000
    best = optimal_partitions(distributions.permutations(n))
    whole = math.lgamma(n + 1) / math.log(2)
    assert best.bits[0] == pytest.approx(n * math.log2(n) - whole, rel=1e-12)
    assert best.bits[n - 2] == pytest.approx(math.log2(n / (n - 1)), rel=1e-8)
    assert best.bits[n - 1] == 0.0
    assert (np.diff(best.bits) < 0).all()
    for rounds in (1, 2, 17, 999, 1000):
        blocks = best.partition(rounds)
        assert len(blocks) == rounds
        assert [i for block in blocks for i in block] == list(range(n))
        left = n - np.cumsum([0, *map(len, blocks)])
        cost = math.fsum(len(b) * math.log2(k) for b, k in zip(blocks, left, strict=False)) - whole
        assert cost == pytest.approx(best.bits[rounds - 1], abs=1e-8)


def test_a_chain_is_bisected():
    """Of a Markov chain, T rounds reveal 2^T - 1 positions at no cost, each halving the gaps."""
    n, stay = 12, 0.9
    rows = np.arange(2**n)[:, None] >> np.arange(n) & 1
    changes = (rows[:, 1:] != rows[:, :-1]).sum(axis=1)
    weights = 0.5 * stay ** (n - 1 - changes) * (1 - stay) ** changes
    d = Table(rows, weights / weights.sum())
    best = optimal_partitions(d)
    check_partitions(d, best)
    assert [rounds for rounds in range(1, n + 1) if best.bits[rounds - 1] == 0.0] == [*range(4, 13)]
    assert best.bits[1] <= partition_bits(d, [range(0, n, 2), range(1, n, 2)]) + EXACT


def test_limits_and_rounds_are_checked():
    with pytest.raises(ValueError, match=r"at most 18 positions, got 19 .*3\^19"):
        optimal_partitions(distributions.copy(19).table())
    for best in map(optimal_partitions, (distributions.permutations(3), distributions.copy(3))):
        for rounds in (0, 4):
            with pytest.raises(ValueError, match="rounds must be at"):
                best.partition(rounds)
        with pytest.raises(ValueError, match="read-only"):
            best.bits[0] = 1
