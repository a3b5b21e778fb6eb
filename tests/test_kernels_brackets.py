"""Kernels of brackets against slow computations, and against themselves uncompiled."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infodecode import distributions, information
from infodecode._kernels import brackets
from infodecode.distributions import Table
from infodecode.partitions import optimal_partitions

seeds = st.integers(0, 2**32)


def random_table(seed, *, most_positions=6, floats=False):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, most_positions + 1))
    sizes = rng.integers(1, 4, n)
    rows = np.unique(rng.integers(0, sizes, (int(rng.integers(1, 25)), n)), axis=0)
    weights = rng.integers(1, 5, len(rows))
    return Table(rows, weights / weights.sum() if floats else weights)


# Gains of a known set ---------------------------------------------------------------------------


def gains_by_kernel(law, known, kernel):
    fields = law._packing.fields << law._packing.shift
    keep = np.zeros(law._packing.words, np.uint64)
    for i in known:
        keep[law._packing.word[i]] |= fields[i]
    rows = len(law.outcomes)
    out = np.full(law.length, -7.0)
    tally = np.zeros(max(law.alphabet_sizes), law.weights.dtype)
    entropy = kernel(
        law._keys & keep,
        np.ascontiguousarray(law.outcomes.T),
        law.weights,
        float(law.total),
        np.array([i for i in range(law.length) if i not in known], np.int64),
        np.empty(1 << (2 * rows - 1).bit_length(), np.int32),
        np.empty((4, rows + 1), np.int32),
        tally,
        out,
    )
    assert not tally.any()
    return entropy, out


@settings(max_examples=60)
@given(seed=seeds, floats=st.booleans())
def test_gains_of_a_known_set_are_differences_of_entropies(seed, floats):
    law = random_table(seed, floats=floats)
    for size in range(law.length + 1):
        known = tuple(range(0, law.length, 2))[:size]
        with np.errstate(over="ignore"):
            plain = gains_by_kernel(law, known, brackets.known_gains_into.py_func)
        entropy, gains = gains_by_kernel(law, known, brackets.known_gains_into)
        assert entropy == plain[0]
        np.testing.assert_array_equal(gains, plain[1])
        assert entropy == pytest.approx(law.entropy(known), abs=1e-13)
        for i in range(law.length):
            if i in known:
                assert gains[i] == -7.0
            else:
                expected = information.entropy(law, [i], given=known)
                assert gains[i] == pytest.approx(expected, abs=1e-13)


def test_many_equal_terms_do_not_add_up_to_an_error():
    law = Table(np.arange(200_000)[:, None] // [1, 2, 1000])
    entropy, gains = gains_by_kernel(law, (0,), brackets.known_gains_into)
    assert entropy == pytest.approx(math.log2(200_000), abs=1e-13)
    assert gains[1:].tolist() == [0.0, 0.0]
    assert gains_by_kernel(law, (1,), brackets.known_gains_into)[1][0] == pytest.approx(
        1, abs=1e-14
    )


def test_a_weight_that_vanishes_beside_another_leaves_nothing_behind():
    law = Table([[0, 0], [0, 1], [1, 0]], [1.0 - 2.0**-40, 2.0**-80, 2.0**-40])
    gains = gains_by_kernel(law, (0,), brackets.known_gains_into)[1]
    assert 0 < gains[1] < 1e-20


# Pruned search over all partitions --------------------------------------------------------------


def last_round(entropies):
    n = len(entropies).bit_length() - 1
    masks = np.arange(len(entropies))
    prices = [
        sum(entropies[m | 1 << i] - entropies[m] for i in range(n) if not m >> i & 1) for m in masks
    ]
    return np.array(prices) - (entropies[-1] - entropies)


def cheap_prefixes(entropies, limit, pairs, rounds, kernel=brackets.cheap_prefixes_into):
    costs = np.empty((rounds, len(entropies)))
    parents = np.empty(costs.shape, np.int32)
    return kernel(entropies, limit, pairs, costs, parents), costs, parents


@settings(max_examples=40)
@given(seed=seeds)
def test_pruned_search_finds_the_best_partitions(seed):
    law = random_table(seed)
    entropies = information.subset_entropies(law)
    best = optimal_partitions(law).bits
    for rounds in range(2, law.length + 1):
        target = best[rounds - 1]
        done, costs, parents = cheap_prefixes(entropies, target + 1e-9, 10**6, rounds - 1)
        assert done
        totals = costs[-1] + last_round(entropies)
        assert totals.min() == pytest.approx(target, abs=1e-11)
        known = int(totals.argmin())
        for t in range(rounds - 2, -1, -1):
            parent = int(parents[t, known])
            if parent >= 0:
                assert parent & known == parent != known
                lost = costs[t, known] - (costs[t - 1, parent] if t else 0.0)
                positions = [i for i in range(law.length) if (known ^ parent) >> i & 1]
                given_ = [i for i in range(law.length) if parent >> i & 1]
                expected = information.total_correlation(law, positions, given=given_)
                assert lost == pytest.approx(expected, abs=1e-11)
                known = parent
        assert known == 0
        if target > 1e-6:
            done, costs, _ = cheap_prefixes(entropies, target / 2, 10**6, rounds - 1)
            assert done
            assert (costs[-1] + last_round(entropies)).min() > target / 2


@settings(max_examples=15)
@given(seed=seeds)
def test_pruned_search_uncompiled(seed):
    entropies = information.subset_entropies(random_table(seed, most_positions=5))
    compiled = cheap_prefixes(entropies, 0.7, 10**6, 3)
    plain = cheap_prefixes(entropies, 0.7, 10**6, 3, brackets.cheap_prefixes_into.py_func)
    assert compiled[0] == plain[0]
    np.testing.assert_array_equal(compiled[1], plain[1])
    np.testing.assert_array_equal(compiled[2], plain[2])


def test_pruned_search_says_when_it_gave_up():
    entropies = information.subset_entropies(distributions.permutations(6))
    needed = next(pairs for pairs in range(1, 5000) if cheap_prefixes(entropies, 9.0, pairs, 3)[0])
    assert needed > 100
    assert not any(cheap_prefixes(entropies, 9.0, pairs, 3)[0] for pairs in range(1, needed))


# Markov chains ----------------------------------------------------------------------------------


@settings(max_examples=25)
@given(seed=seeds, length=st.integers(1, 7), states=st.integers(2, 3))
def test_gaps_of_a_chain(seed, length, states):
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.ones(states), states)
    law = distributions.markov_chain(transition, length=length, initial=np.full(states, 1 / states))
    alone = law.position_entropies()
    given_ = np.array(
        [
            [information.entropy(law, [i], given=[j]) if i != j else 0.0 for i in range(length)]
            for j in range(length)
        ]
    )
    best = optimal_partitions(law).bits
    whole = law.entropy()
    for rounds in range(1, length + 1):
        results = []
        for costs_kernel, rounds_kernel in (
            (brackets.chain_costs_into, brackets.chain_rounds_into),
            (brackets.chain_costs_into.py_func, brackets.chain_rounds_into.py_func),
        ):
            costs = np.zeros((rounds, length + 2, length + 2))
            costs_kernel(given_, alone, np.ones(length), costs)
            where = np.empty(length, np.int64)
            rounds_kernel(given_, alone, costs, where)
            results.append((costs, where))
        for compiled, plain in zip(*results, strict=True):
            np.testing.assert_array_equal(compiled, plain)
        costs, where = results[0]
        assert costs[-1, 0, -1] - whole == pytest.approx(best[rounds - 1], abs=1e-11)
        known: list[int] = []
        paid = 0.0
        for t in range(rounds):
            block = np.flatnonzero(where == t).tolist()
            paid += math.fsum(information.entropy(law, [i], given=known) for i in block)
            known += block
        assert len(known) == length
        assert paid == pytest.approx(costs[-1, 0, -1], abs=1e-11)


def test_the_last_round_of_a_chain_pays_for_all_copies():
    law = distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=4)
    alone = law.position_entropies()
    given_ = np.array(
        [
            [information.entropy(law, [i], given=[j]) if i != j else 0.0 for i in range(4)]
            for j in range(4)
        ]
    )
    copies = np.array([1.0, 2.0, 1.0, 3.0])
    costs = np.zeros((2, 6, 6))
    brackets.chain_costs_into(given_, alone, copies, costs)
    assert costs[0, 0, 5] == pytest.approx(float(alone @ copies), abs=1e-13)
    best = min(
        math.fsum(alone[i] for i in first)
        + math.fsum(
            copies[i] * information.entropy(law, [i], given=first)
            for i in range(4)
            if i not in first
        )
        for size in range(5)
        for first in itertools.combinations(range(4), size)
    )
    assert costs[1, 0, 5] == pytest.approx(best, abs=1e-12)
