"""The inequalities behind the bounds of parallel decoding, each for all laws, by certificate.

The ids are those of the ledger. Positions are Y1, Y2, ...; X is whatever is known before.
"""

import itertools
import math
from fractions import Fraction

import pytest

from infodecode.prover import prove

LENGTHS = [3, 4, 5, 6, 7, 8]
SLOWLY = [3, 4, 5, 6, 7, pytest.param(8, marks=pytest.mark.slow)]


def positions(indices):
    return ",".join(f"Y{i}" for i in indices)


def information(j, n):
    """Z_j: the mean of I(Y_i; Y_S) over i and sets S of j - 1 others."""
    if j == 1:
        return "0 H(Y1)"
    terms = [
        f"I(Y{i};{positions(s)})"
        for i in range(1, n + 1)
        for s in itertools.combinations([k for k in range(1, n + 1) if k != i], j - 1)
    ]
    return f"1/{len(terms)} ({' + '.join(terms)})"


def random_order_bits(sizes):
    """Sum over rounds and their positions of Z_j - Z_N, N - 1 positions known before."""
    n, start, terms = sum(sizes), 1, []
    for size in sizes:
        for j in range(start + 1, start + size):
            terms.append(f"{information(j, n)} - {information(start, n)}")
        start += size
    return " + ".join(terms) or "0 H(Y1)"


def partition_bits(blocks):
    """L of an ordered partition: total correlations of the blocks given all earlier ones."""
    terms = []
    for t, block in enumerate(blocks):
        before = positions(sorted(itertools.chain(*blocks[:t])))
        terms.append(f"TC({positions(block)}{'|' + before if before else ''})")
    return " + ".join(terms)


def ordered_partitions(n, sizes):
    for order in itertools.permutations(range(1, n + 1)):
        blocks, start = [], 0
        for size in sizes:
            blocks.append(order[start : start + size])
            start += size
        if all(list(block) == sorted(block) for block in blocks):
            yield blocks


def compositions(n):
    for cuts in itertools.product((False, True), repeat=n - 1):
        ends = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), n]
        yield [tuple(range(a + 1, b + 1)) for a, b in itertools.pairwise(ends)]


@pytest.mark.parametrize("n", LENGTHS)
def test_lemma_1(n):
    """PB-3: C(A u B | X) >= C(A | X) + C(B | X, A); the difference is sum_b I(b; A | X)."""
    for a in range(1, n - 1):
        first, second = range(1, a + 1), range(a + 1, n)
        whole, known = f"TC({positions(range(1, n))}|X)", positions(first)
        parts = f"TC({known}|X) + TC({positions(second)}|X,{known})"
        proof = prove(f"{whole} >= {parts}")
        assert proof.proved
        assert len(proof.certificate.terms) == a * (n - 1 - a)
        difference = " + ".join(f"I(Y{b};{known}|X)" for b in second)
        assert prove(f"{whole} - ({parts}) == {difference}")


@pytest.mark.parametrize("n", [3, 4, 5])
def test_splitting_any_block_never_costs(n):
    """PB-4 (Theorem 2): one more round, by a cut through any block of any partition."""
    for blocks in compositions(n):
        for t, block in enumerate(blocks):
            for cut in range(1, len(block)):
                finer = [*blocks[:t], block[:cut], block[cut:], *blocks[t + 1 :]]
                assert prove(f"{partition_bits(finer)} <= {partition_bits(blocks)}")


@pytest.mark.parametrize("n", [6, 7, 8])
def test_splitting_a_block_after_others(n):
    """PB-4 where the block has others before and after it."""
    blocks = [(1,), tuple(range(2, n)), (n,)]
    for cut in range(1, n - 2):
        finer = [blocks[0], blocks[1][:cut], blocks[1][cut:], blocks[2]]
        proof = prove(f"{partition_bits(finer)} <= {partition_bits(blocks)}")
        assert proof.proved
        assert len(proof.certificate.terms) == cut * (n - 2 - cut)


@pytest.mark.parametrize("n", SLOWLY)
def test_one_round_costs_most(n):
    """TC of all is at least the sum over the blocks of a partition, and than any L."""
    for blocks in list(compositions(n))[:: max(1, 2 ** (n - 5))]:
        total = f"TC({positions(range(1, n + 1))})"
        assert prove(f"{total} >= {' + '.join(f'TC({positions(b)})' for b in blocks)}")
        assert prove(f"{total} >= {partition_bits(blocks)}")


@pytest.mark.parametrize("n", LENGTHS)
def test_bits_of_a_partition_telescope(n):
    """RT-7: L = sum_t sum_{i in S_t} H(Y_i | S_<t) - H(Y)."""
    for blocks in list(compositions(n))[:: 2 ** max(0, n - 4)]:
        singles = []
        for t, block in enumerate(blocks):
            before = positions(itertools.chain(*blocks[:t]))
            singles += [f"H(Y{i}{'|' + before if before else ''})" for i in block]
        whole = f"H({positions(range(1, n + 1))})"
        assert prove(f"{partition_bits(blocks)} == {' + '.join(singles)} - {whole}")


@pytest.mark.parametrize("n", LENGTHS)
def test_the_information_curve_rises(n):
    """RT-1: Z_j <= Z_{j+1}: more positions known tell more."""
    for j in range(1, n):
        assert prove(f"{information(j, n)} <= {information(j + 1, n)}")


@pytest.mark.parametrize("n", LENGTHS)
def test_sums_of_the_information_curve(n):
    """RT-1: sum_j Z_j = TC and n Z_n = TC + DTC."""
    everything = positions(range(1, n + 1))
    total = " + ".join(information(j, n) for j in range(1, n + 1))
    assert prove(f"{total} == TC({everything})")
    assert prove(f"{n} ({information(n, n)}) == TC({everything}) + DTC({everything})")


@pytest.mark.parametrize("sizes", [(2, 1), (1, 2), (2, 2), (1, 1, 2), (3, 1), (2, 2, 1), (1, 3, 1)])
def test_bits_of_a_random_order(sizes):
    """RT-1: the mean of L over all orders is sum_j (Z_j - Z_{N_a(j)})."""
    partitions = list(ordered_partitions(sum(sizes), sizes))
    mean = f"1/{len(partitions)} ({' + '.join(partition_bits(p) for p in partitions)})"
    assert prove(f"{mean} == {random_order_bits(sizes)}")


@pytest.mark.parametrize(("n", "rounds"), [(4, 2), (6, 2), (6, 3), (8, 2), (8, 4), (4, 1), (5, 1)])
def test_equal_sizes(n, rounds):
    """RT-3: bits <= (s - 1) Z_n <= (1/T) sum_i I(Y_i; all others)."""
    size = n // rounds
    assert prove(f"{random_order_bits([size] * rounds)} <= {size - 1} ({information(n, n)})")
    shared = " + ".join(
        f"I(Y{i};{positions(k for k in range(1, n + 1) if k != i)})" for i in range(1, n + 1)
    )
    assert prove(f"{size - 1} ({information(n, n)}) <= 1/{rounds} ({shared})")


@pytest.mark.parametrize("sizes", [(2, 1, 1), (3, 1, 1, 1), (4, 2, 1, 1), (2, 2, 1, 1), (3, 2, 1)])
def test_schedules_of_total_correlation(sizes):
    """RT-2: sizes of at most max(1, delta * positions left) cost at most delta TC."""
    n, left, delta = sum(sizes), sum(sizes), Fraction(0)
    for size in sizes:
        left -= size
        if size > 1:
            delta = max(delta, Fraction(size, left))
    everything = positions(range(1, n + 1))
    assert prove(f"{random_order_bits(sizes)} <= {delta} TC({everything})")


@pytest.mark.parametrize("sizes", [(1, 1, 2), (1, 1, 1, 3), (1, 1, 2, 4), (1, 1, 2, 2)])
def test_schedules_of_dual_total_correlation(sizes):
    """RT-2: sizes of at most max(1, delta N_a) cost at most delta DTC."""
    known, delta = 1, Fraction(0)
    for size in sizes:
        if size > 1:
            delta = max(delta, Fraction(size, known))
        known += size
    everything = positions(range(1, sum(sizes) + 1))
    assert prove(f"{random_order_bits(sizes)} <= {delta} DTC({everything})")


@pytest.mark.parametrize("n", LENGTHS)
def test_entropy_budget(n):
    """RT-6: sum H - max H >= C(S | X), whichever position is the most uncertain one."""
    chosen = range(1, n)
    for most in chosen:
        others = " + ".join(f"H(Y{i}|X)" for i in chosen if i != most) or "0"
        proof = prove(f"TC({positions(chosen)}|X) <= {others}")
        assert proof.proved
    too_few = " + ".join(f"H(Y{i}|X)" for i in chosen if i > 2) or "0 H(X)"
    assert prove(f"TC({positions(chosen)}|X) <= {too_few}").verdict == "refuted"


@pytest.mark.parametrize("n", SLOWLY)
def test_averages_over_sets(n):
    """Han: mean entropies per position fall with the size of the sets; mean TCs rise."""
    for k in range(1, n):
        smaller, larger = (list(itertools.combinations(range(1, n + 1), m)) for m in (k, k + 1))
        per_position = [
            f"1/{len(sets) * len(sets[0])} ({' + '.join(f'H({positions(s)})' for s in sets)})"
            for sets in (smaller, larger)
        ]
        assert prove(f"{per_position[0]} >= {per_position[1]}")
        if k > 1:
            totals = [" + ".join(f"TC({positions(s)})" for s in sets) for sets in (smaller, larger)]
            means = [f"1/{math.comb(n, k + m)} ({text})" for m, text in enumerate(totals)]
            assert prove(f"{k} ({means[1]}) >= {k + 1} ({means[0]})")
