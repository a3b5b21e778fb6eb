"""Kernels of entropies, subset lattices and schedules, compiled and plain, against exact sums."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations, product
from math import fsum, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode._kernels.entropies import position_weights, total_weight, weight_entropy
from infodecode._kernels.lattice import (
    best_blocks_into,
    dense_entropies_into,
    partition_costs_into,
    sparse_entropies_into,
)
from infodecode._kernels.schedules import best_starts_into, sizes_into

EXACT = 1e-12
MODES = pytest.mark.parametrize("plain", [False, True], ids=["compiled", "plain"])


def mode(kernel, plain):
    return kernel.py_func if plain else kernel


def exact_entropy(weights):
    """Entropy in bits with 50 digits; floats are taken at their exact binary value."""
    fractions = [Fraction(w) for w in weights if w]
    total = sum(fractions)
    with localcontext(prec=50):
        p = [Decimal(f.numerator) / Decimal(f.denominator) for f in (w / total for w in fractions)]
        return float(-sum((x * x.ln() for x in p), Decimal(0)) / Decimal(2).ln())


def exact_subset_entropies(law, length):
    """Entropies of all subsets by mask, from a dict of outcomes and weights."""
    out = []
    for mask in range(2**length):
        kept = [i for i in range(length) if mask >> i & 1]
        marginal = {}
        for outcome, weight in law.items():
            key = tuple(outcome[i] for i in kept)
            marginal[key] = marginal.get(key, 0) + Fraction(weight)
        out.append(exact_entropy(marginal.values()))
    return np.array(out)


def dense(law, sizes, dtype, plain=False):
    n = len(sizes)
    counts = [int(np.prod(sorted(sizes)[k:])) for k in range(n + 1)]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    cells = np.zeros(offsets[-1], dtype)
    for outcome, weight in law.items():
        cells[np.ravel_multi_index(outcome, sizes, order="F")] = weight
    out = np.full(2**n, np.nan)
    bits = np.left_shift(1, np.arange(n))
    mode(dense_entropies_into, plain)(cells, np.array(sizes), bits, offsets, out)
    return out


def sparse(law, sizes, dtype, words=1, plain=False):
    """Position i takes four bits of word ``i % words``."""
    n, rows = len(sizes), len(law)
    offsets = rows * np.arange(n + 2)
    keys = np.zeros((offsets[-1], words), np.uint64)
    keep = np.full((n, words), ~np.uint64(0))
    for i in range(n):
        shift = np.uint64(4 * (i // words))
        column = np.array([outcome[i] for outcome in law], np.uint64)
        keys[:rows, i % words] |= column << shift
        keep[i, i % words] ^= np.uint64(15) << shift
    weights = np.zeros(offsets[-1], dtype)
    weights[:rows] = list(law.values())
    slots = np.empty(1 << (2 * rows - 1).bit_length(), np.int32)
    out = np.full(2**n, np.nan)
    bits = np.left_shift(1, np.arange(n))
    mode(sparse_entropies_into, plain)(keys, weights, keep, bits, offsets, slots, out)
    return out


@st.composite
def weighted(draw, values, max_length=4):
    """(law, sizes): up to 30 outcomes of 1..max_length positions with 1..5 tokens."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=max_length)))
    outcomes = st.tuples(*(st.integers(0, v - 1) for v in sizes))
    return draw(st.dictionaries(outcomes, values, min_size=1, max_size=30)), sizes


counts = st.integers(1, 5) | st.integers(1, 2**45)
masses = st.floats(1e-9, 1.0)


# Entropies ------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 4) | st.integers(0, 2**45), min_size=1, max_size=40))
def test_entropy_of_counts(weights):
    weights = [*weights, 1]
    assert weight_entropy(np.array(weights)) == pytest.approx(exact_entropy(weights), abs=EXACT)
    assert weight_entropy.py_func(np.array(weights)) == weight_entropy(np.array(weights))


@given(st.lists(st.just(0.0) | st.floats(1e-300, 1e3), min_size=1, max_size=40))
def test_entropy_of_masses(weights):
    weights = [*weights, 0.25]
    assert weight_entropy(np.array(weights)) == pytest.approx(exact_entropy(weights), abs=EXACT)


@MODES
@pytest.mark.parametrize("weights", [[7], [0, 1, 0], [0.1], [0.0, 0.3], [2**52]])
def test_one_outcome_has_no_entropy_at_all(weights, plain):
    bits = mode(weight_entropy, plain)(np.array(weights))
    assert bits == 0.0
    assert not np.signbit(bits)


def test_entropy_of_a_rare_outcome_is_positive_and_has_the_right_size():
    assert weight_entropy(np.array([2**52, 1])) == pytest.approx(exact_entropy([2**52, 1]), rel=0.1)


def test_long_sums_of_floats_keep_their_digits():
    weights = np.full(3_000_000, 0.1)
    weights[::3] = 0.7
    total = 1_000_000 * 0.7 + 2_000_000 * 0.1
    parts = fsum(1_000_000 * k * w / total * log2(total / w) for w, k in ((0.7, 1), (0.1, 2)))
    assert total_weight(weights) == pytest.approx(total, rel=1e-15)
    assert weight_entropy(weights) == pytest.approx(parts, abs=EXACT)
    outcomes = np.zeros((len(weights), 1), np.int32)
    outcomes[::3] = 1
    assert position_weights(outcomes, weights, 2)[0] == pytest.approx([2e5, 7e5], rel=1e-15)


@MODES
@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_position_weights_add_up_what_the_rows_carry(plain, dtype):
    rng = np.random.default_rng(3)
    outcomes = rng.integers(0, 4, (50, 3)).astype(np.int32)
    weights = rng.integers(1, 9, 50).astype(dtype)
    found = mode(position_weights, plain)(outcomes, weights, 6)
    assert found.dtype == dtype
    expected = [[weights[outcomes[:, i] == v].sum() for v in range(6)] for i in range(3)]
    assert np.array_equal(found, expected)


# Subset entropies -----------------------------------------------------------------------


@given(weighted(counts))
def test_all_subset_entropies_of_counts(sample):
    law, sizes = sample
    expected = exact_subset_entropies(law, len(sizes))
    assert dense(law, sizes, np.int64) == pytest.approx(expected, abs=EXACT)
    assert sparse(law, sizes, np.int64) == pytest.approx(expected, abs=EXACT)


@given(weighted(masses))
def test_all_subset_entropies_of_masses(sample):
    law, sizes = sample
    expected = exact_subset_entropies(law, len(sizes))
    assert dense(law, sizes, np.float64) == pytest.approx(expected, abs=EXACT)
    assert sparse(law, sizes, np.float64, words=2) == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_plain_walks_equal_compiled_ones(dtype):
    rng = np.random.default_rng(0)
    sizes = (3, 1, 2, 4)
    law = {y: int(rng.integers(1, 99)) for y in product(*map(range, sizes)) if rng.random() < 0.6}
    assert np.array_equal(dense(law, sizes, dtype, plain=True), dense(law, sizes, dtype))
    for words in (1, 2, 3):
        assert np.array_equal(
            sparse(law, sizes, dtype, words, plain=True), sparse(law, sizes, dtype)
        )


@pytest.mark.parametrize("words", [1, 2, 5])
def test_larger_hashed_tables(words):
    """2,000 outcomes of 10 positions: enough for collisions and repeated merges."""
    rng = np.random.default_rng(1)
    sizes = (3,) * 10
    law = {tuple(y): int(rng.integers(1, 50)) for y in rng.integers(0, 3, (2000, 10)).tolist()}
    found = sparse(law, sizes, np.int64, words)
    assert found == pytest.approx(dense(law, sizes, np.int64), abs=EXACT)
    everyone = list(law.values())
    assert found[-1] == pytest.approx(exact_entropy(everyone), abs=EXACT)


# Ordered partitions ---------------------------------------------------------------------


def random_entropies(length, seed):
    rng = np.random.default_rng(seed)
    outcomes = product(range(2), repeat=length)
    law = {y: float(w) for y, w in zip(outcomes, rng.random(2**length) ** 4, strict=True)}
    return dense(law, (2,) * length, np.float64)


def cheapest(entropies, known, rounds):
    """Least cost of revealing the rest in so many rounds, by trying every next block."""
    length = len(entropies).bit_length() - 1
    rest = [i for i in range(length) if not known >> i & 1]
    gain = {i: entropies[known | 1 << i] - entropies[known] for i in rest}
    if rounds == 1:
        return fsum(gain.values()) if rest else np.inf
    return min(
        (
            fsum(gain[i] for i in block)
            + cheapest(entropies, known | sum(1 << i for i in block), rounds - 1)
            for size in range(1, len(rest) - rounds + 2)
            for block in combinations(rest, size)
        ),
        default=np.inf,
    )


@MODES
@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_partition_costs_of_every_known_set(length, plain):
    entropies = random_entropies(length, seed=length)
    costs = np.full((2**length, length), np.nan)
    mode(partition_costs_into, plain)(entropies, costs)
    for known in range(2**length - 1):
        expected = [cheapest(entropies, known, t + 1) for t in range(length)]
        assert costs[known] == pytest.approx(expected, abs=EXACT)


@MODES
def test_recovered_blocks_attain_the_cost(plain):
    length = 5
    entropies = random_entropies(length, seed=7)
    costs = np.empty((2**length, length))
    partition_costs_into(entropies, costs)
    for rounds in range(1, length + 1):
        blocks = np.empty(rounds, np.int64)
        mode(best_blocks_into, plain)(entropies, costs, blocks)
        known, total = 0, 0.0
        for block in blocks.tolist():
            assert block
            assert not block & known
            for i in range(length):
                if block >> i & 1:
                    total += entropies[known | 1 << i] - entropies[known]
            known |= block
        assert known == 2**length - 1
        assert total == pytest.approx(costs[0, rounds - 1], abs=EXACT)


# Schedules ------------------------------------------------------------------------------


def plain_recursion(gains):
    """O(n^2 T): least cost of n positions in 1..n rounds."""
    n = len(gains)
    best = np.arange(n + 1) * gains[0]
    totals = [best[n]]
    for t in range(2, n + 1):
        ends = np.full(n + 1, np.inf)
        for b in range(t, n + 1):
            a = np.arange(t - 1, b)
            ends[b] = np.min(best[a] + (b - a) * gains[a])
        best = ends
        totals.append(best[n])
    return np.array(totals)


def schedule_costs(gains, plain=False):
    n = len(gains)
    starts = np.zeros((n, n + 1), np.uint16)
    mode(best_starts_into, plain)(gains, starts)
    totals = []
    for rounds in range(1, n + 1):
        sizes = np.zeros(rounds, np.int64)
        mode(sizes_into, plain)(starts, sizes)
        assert sizes.min() >= 1
        assert sizes.sum() == n
        totals.append(fsum(sizes * gains[np.cumsum(sizes) - sizes]))
    return np.array(totals)


@given(st.lists(st.floats(0, 8) | st.integers(0, 3).map(float), min_size=1, max_size=24))
def test_schedules_equal_the_plain_recursion(values):
    gains = np.sort(values)[::-1].copy()
    assert schedule_costs(gains) == pytest.approx(plain_recursion(gains), abs=1e-11)


@pytest.mark.parametrize(
    "gains",
    [np.full(40, 0.1), np.log2(np.arange(70.0, 0, -1)), np.repeat([0.7, 0.3, 0.1], 13)],
    ids=["all ties", "permutations", "steps"],
)
def test_schedules_with_ties(gains):
    assert schedule_costs(gains) == pytest.approx(plain_recursion(gains), abs=1e-11)


def test_plain_schedules_equal_compiled_ones():
    gains = np.sort(np.random.default_rng(5).random(13))[::-1].copy()
    assert np.array_equal(schedule_costs(gains, plain=True), schedule_costs(gains))
