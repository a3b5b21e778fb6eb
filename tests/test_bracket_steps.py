"""The steps of a bracket: entropies, independent parts, chains, and every bound of the search."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infodecode import distributions
from infodecode.distributions import Table
from infodecode.information import entropy, total_correlation
from infodecode.partition_bracket import _bounds, partition_bracket
from infodecode.partition_bracket._bounds import PrefixSearch
from infodecode.partition_bracket._parts import independent_parts, markov_chain
from infodecode.partition_bracket._problem import LawGains, TableGains, Work, gains_of, mask_of
from infodecode.partition_bracket._search import Search
from infodecode.partitions import optimal_partitions, partition_bits
from tests.brackets import EXACT, check, random_law

seeds = st.integers(0, 2**32)


def test_gains_of_formulas_and_tables_agree():
    law = distributions.markov_chain([[0.7, 0.3], [0.4, 0.6]], length=7)
    work = Work(2, None, None, int)
    one, two = LawGains(law, range(7), work), TableGains(law.table(), work)
    for known in range(1 << 7):
        assert one.entropy(known) == pytest.approx(two.entropy(known), abs=1e-12)
        assert one(known) == pytest.approx(two(known), abs=1e-12)
        for i in range(7):
            if not known >> i & 1:
                inside = [j for j in range(7) if known >> j & 1]
                assert two(known)[i] == pytest.approx(entropy(law, [i], given=inside), abs=1e-12)
    assert one.part([5, 2]).entropy(3) == pytest.approx(two.part([5, 2]).entropy(3), abs=1e-12)
    assert one.lattice() is None


@settings(max_examples=60)
@given(seed=seeds)
def test_the_search_of_prefixes_needs_no_good_partition_to_start_from(seed):
    law = random_law(seed, most_positions=6)
    best = optimal_partitions(law).bits
    for rounds in range(2, law.length):
        gains = TableGains(law, Work(rounds, 10**6, None, int))
        search = Search(gains, np.ones(law.length), rounds, None)
        search.chain, search.bits = [0] * (rounds - 1), total_correlation(law) + 1e-6
        found = PrefixSearch(search).run()
        target = best[rounds - 1]
        if target > 1e-8:
            assert found.lower == pytest.approx(target, abs=2e-9)
            blocks = [np.flatnonzero(found.rounds == t).tolist() for t in range(rounds)]
            assert partition_bits(law, [block for block in blocks if block]) == pytest.approx(
                target, abs=2e-9
            )
        else:
            assert found.lower == 0.0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=seeds, rounds=st.integers(2, 3))
def test_every_bound_of_the_search_holds_for_all_that_it_stands_for(monkeypatch, seed, rounds):
    """Each entry of the heap against all partitions that begin as it says."""
    rng = np.random.default_rng(seed)
    hidden = rng.integers(0, 2, 400)
    noisy = (hidden[:, None] ^ (rng.random((400, 6)) < rng.uniform(0.02, 0.4, 6))).astype(int)
    law = Table(*np.unique(noisy, axis=0, return_counts=True))
    copies = rng.integers(1, 3, 6).astype(float)
    gains = TableGains(law, Work(rounds, 10**6, None, int))
    wheres = np.array(list(itertools.product(range(rounds), repeat=6)))
    costs = np.zeros(len(wheres))
    for k, where in enumerate(wheres):
        for t in range(rounds):
            prices = gains(mask_of(np.flatnonzero(where < t)))
            costs[k] += (prices * np.where(t == rounds - 1, copies, 1.0))[where == t].sum()
    costs -= law.entropy()
    entries = []
    monkeypatch.setattr(
        _bounds.heapq, "heappush", lambda heap, entry: entries.append(entry) or heap.append(entry)
    )
    monkeypatch.setattr(_bounds.heapq, "heappop", lambda heap: heap.pop(heap.index(min(heap))))
    search = Search(gains, copies, rounds, None)
    search.chain, search.bits = [0] * (rounds - 1), 1e9
    assert PrefixSearch(search).run().lower == pytest.approx(costs.min(), abs=2e-9)
    assert len(entries) > 20
    known_before = [[mask_of(np.flatnonzero(w < t)) for t in range(rounds + 1)] for w in wheres]
    for bound, _, prefix, block, place, _, _, closed in entries:
        steps = [prefix.known]
        step = prefix.parent
        while step is not None:
            steps.insert(0, step.known)
            step = step.parent
        later = mask_of(prefix.items[place:])
        least = math.inf
        for sets, cost in zip(known_before, costs, strict=True):
            if sets[: len(steps)] != steps:
                continue
            if prefix.rounds < rounds:
                chosen = sets[len(steps)] ^ prefix.known
                if chosen & ~(block | later) or block & ~chosen or (chosen == block and not closed):
                    continue
            least = min(least, cost)
        assert bound <= least + 1e-9


@pytest.mark.parametrize("rounds", [2, 3, 4])
def test_independent_parts_of_a_table_are_found(rounds):
    """Three bits that any two of which determine the third look independent in pairs."""
    bits = np.arange(4)[:, None] >> np.arange(2) & 1
    triple = np.column_stack([bits, bits.sum(axis=1) % 2])
    words = distributions.words(5, most=40).outcomes
    rows = np.concatenate(
        [
            np.repeat(np.repeat(triple, 4, axis=0), len(words), axis=0),
            np.tile(np.repeat(triple, len(words), axis=0), (4, 1)),
            np.tile(words, (16, 1)),
        ],
        axis=1,
    )
    order = np.random.default_rng(0).permutation(11)
    law = Table(np.repeat(rows[:, order], 2, axis=1))
    assert law.length == 22
    gains = gains_of(law, Work(rounds, None, np.random.default_rng(0), int))
    shared = gains(0) - np.array([gains(1 << i) for i in range(22)])
    parts, excess = independent_parts(gains, range(0, 22, 2), shared)
    expected = [[2 * k for k in range(11) if order[k] in group] for group in (
        range(3), range(3, 6), range(6, 11),
    )]  # fmt: skip
    assert sorted(parts) == sorted(expected)
    assert excess < EXACT
    bracket = partition_bracket(law, rounds)
    check(bracket, law, rounds)
    assert bracket.exact
    doubled = Table(np.repeat(words, 2, axis=1))
    best = optimal_partitions(doubled).bits[rounds - 1]
    assert bracket.upper == pytest.approx(best, abs=1e-10)


@pytest.mark.parametrize("rounds", [2, 3, 4, 5])
def test_markov_chains_are_exact_in_any_order_of_the_positions(rounds):
    transition = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]])
    short = distributions.markov_chain(transition, length=10)
    best = optimal_partitions(short).bits[rounds - 1]
    gains = LawGains(short, range(10), Work(rounds, None, None, int))
    found = markov_chain(gains, np.ones(10), rounds)
    assert found.lower == pytest.approx(best, abs=1e-11)
    order = np.random.default_rng(rounds).permutation(10)
    mixed = LawGains(short, order.tolist(), Work(rounds, None, None, int))
    found = markov_chain(mixed, np.ones(10), rounds)
    assert found.lower == pytest.approx(best, abs=1e-11)
    blocks = [[int(order[i]) for i in np.flatnonzero(found.rounds == t)] for t in range(rounds)]
    assert partition_bits(short, [b for b in blocks if b]) == pytest.approx(best, abs=1e-11)


def test_a_hidden_chain_is_no_markov_chain():
    law = distributions.hidden_markov([[0.9, 0.1], [0.1, 0.9]], [[0.8, 0.2], [0.2, 0.8]], length=6)
    gains = LawGains(law, range(6), Work(3, None, None, int))
    assert markov_chain(gains, np.ones(6), 3) is None
