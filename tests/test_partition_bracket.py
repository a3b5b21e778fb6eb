"""Brackets of the best partition: always around it, exact where they say so, and reproducible."""

import importlib
import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infodecode import distributions
from infodecode.distributions import Table
from infodecode.information import entropy, total_correlation
from infodecode.partition_bracket import PartitionBracket, partition_bracket
from infodecode.partitions import optimal_partitions, partition_bits
from tests import laws
from tests.translation import table

module = importlib.import_module("infodecode.partition_bracket")

EXACT = 1e-12
seeds = st.integers(0, 2**32)
samples = laws.counted(max_length=5) | laws.floating(max_length=5) | laws.rounded(max_length=5)
shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def beyond(monkeypatch):
    """Treat short laws as if they were too long for the programme over all partitions."""
    monkeypatch.setattr(module, "PARTITIONS_LENGTH", 0)


@pytest.fixture
def searching(beyond, monkeypatch):
    """Leave only the two searches."""
    monkeypatch.setattr(module, "_LATTICE_ITEMS", 0)
    monkeypatch.setattr(module, "_CHAIN_ITEMS", 0)


def check(bracket, law, rounds, best=None):
    """Everything a bracket promises that can be checked without, and with, the true value."""
    assert isinstance(bracket, PartitionBracket)
    assert bracket.distribution is law
    assert bracket.rounds == rounds == len(bracket.partition)
    assert all(bracket.partition)
    assert sorted(i for block in bracket.partition for i in block) == list(range(law.length))
    assert bracket.upper == partition_bits(law, bracket.partition)
    assert 0.0 <= bracket.lower <= bracket.upper
    if best is not None:
        assert bracket.lower <= best + EXACT
        assert best <= bracket.upper + EXACT
        if bracket.exact:
            assert bracket.upper == pytest.approx(best, abs=3e-9)


def random_law(seed, most_positions=8, most_outcomes=40):
    """A sparse table, often with constants, copies, functions of others and independent parts."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, most_positions + 1))
    rows = rng.integers(0, rng.integers(1, 4, n), (int(rng.integers(2, most_outcomes)), n))
    kind = rng.integers(4)
    if kind == 1 and n > 2:
        rows[:, -1] = rows[:, 0]
    if kind == 2 and n > 2:
        rows[:, -1] = (rows[:, 0] + rows[:, 1]) % 2
    if kind == 3 and n > 3:
        left, right = np.unique(rows[:, :2], axis=0), np.unique(rows[:6, 2:], axis=0)
        rows = np.concatenate(
            [np.repeat(left, len(right), axis=0), np.tile(right, (len(left), 1))], axis=1
        )
    rows = np.unique(rows, axis=0)
    rows = rows[:, rng.permutation(n)]
    weights = np.ones(len(rows), int) if kind == 3 else rng.integers(1, 5, len(rows))
    return Table(rows, weights)


# Around the truth -------------------------------------------------------------------------------


@shared_fixture
@given(sample=samples, evaluations=st.sampled_from([None, 1, 20, 60]))
def test_brackets_of_random_laws(searching, sample, evaluations):
    law = table(sample)
    best = optimal_partitions(law).bits
    for rounds in range(1, law.length + 1):
        bracket = partition_bracket(law, rounds, evaluations=evaluations)
        check(bracket, law, rounds, best[rounds - 1])
        assert evaluations is not None or bracket.exact


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=seeds, evaluations=st.integers(1, 150))
def test_a_stopped_search_proves_nothing_false(searching, seed, evaluations):
    law = random_law(seed)
    best = optimal_partitions(law).bits
    for rounds in range(2, law.length):
        bracket = partition_bracket(law, rounds, evaluations=evaluations, seed=seed)
        check(bracket, law, rounds, best[rounds - 1])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=seeds)
def test_reductions_and_all_partitions_are_exact(beyond, seed):
    law = random_law(seed)
    best = optimal_partitions(law).bits
    for rounds in range(2, law.length):
        bracket = partition_bracket(law, rounds)
        check(bracket, law, rounds, best[rounds - 1])
        assert bracket.exact
        assert bracket.lower == pytest.approx(best[rounds - 1], abs=1e-9)
        assert "stopped" not in bracket.proof


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=seeds, steps=st.sampled_from([1, 3, 10, 50]))
def test_a_stopped_look_at_all_partitions_proves_nothing_false(beyond, monkeypatch, seed, steps):
    monkeypatch.setattr(module, "_LATTICE_STEPS", steps)
    monkeypatch.setattr(module, "_LATTICE_START", 30)
    monkeypatch.setattr(module._TableGains, "lattice", lambda self: _lattice(self.table))
    law = random_law(seed, most_positions=7)
    best = optimal_partitions(law).bits
    for rounds in range(2, law.length):
        bracket = partition_bracket(law, rounds, evaluations=60)
        check(bracket, law, rounds, best[rounds - 1])


def _lattice(law):
    return module.walk_subsets(law)


def test_part_of_the_way_through_all_partitions(beyond, monkeypatch):
    """Too many sets cost less than the best partition, few enough less than half of it."""
    law = distributions.words(7)
    best = float(optimal_partitions(law).bits[1])
    found = {}
    for evaluations in range(10, 400, 10):
        monkeypatch.setattr(module, "_LATTICE_STEPS", 1)
        monkeypatch.setattr(module._TableGains, "lattice", lambda self: _lattice(self.table))
        bracket = partition_bracket(law, 2, evaluations=evaluations)
        check(bracket, law, 2, best)
        found[bracket.proof] = bracket
    below = found["all partitions below it"]
    assert not below.exact
    assert below.lower > best / 5
    assert found["all partitions"].exact


@pytest.mark.parametrize("rounds", [2, 3, 4, 6])
@pytest.mark.parametrize(
    "law",
    [
        distributions.words(8, weighted=True),
        distributions.sudoku("1... .... ..1. ...."),
        distributions.hidden_markov([[0.9, 0.1], [0.1, 0.9]], [[0.8, 0.2], [0.2, 0.8]], length=9),
    ],
    ids=["words", "sudoku", "hidden Markov"],
)
def test_the_search_of_prefixes_proves_the_optimum(searching, law, rounds):
    best = optimal_partitions(law).bits[rounds - 1]
    bracket = partition_bracket(law, rounds)
    check(bracket, law, rounds, best)
    assert bracket.exact
    assert bracket.proof == ("search of prefixes" if best > 0 else "nothing is lost")
    assert bracket.upper - bracket.lower <= 1.5 * bracket.slack


@settings(max_examples=60)
@given(seed=seeds)
def test_the_search_of_prefixes_needs_no_good_partition_to_start_from(seed):
    law = random_law(seed, most_positions=6)
    best = optimal_partitions(law).bits
    for rounds in range(2, law.length):
        gains = module._TableGains(law, module._Work(rounds, 10**6, None, int))
        search = module._Search(gains, np.ones(law.length), rounds, None)
        search.chain, search.bits = [0] * (rounds - 1), total_correlation(law) + 1e-6
        found = module._PrefixSearch(search).run()
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
    gains = module._TableGains(law, module._Work(rounds, 10**6, None, int))
    wheres = np.array(list(itertools.product(range(rounds), repeat=6)))
    costs = np.zeros(len(wheres))
    for k, where in enumerate(wheres):
        for t in range(rounds):
            prices = gains(module._mask(np.flatnonzero(where < t)))
            costs[k] += (prices * np.where(t == rounds - 1, copies, 1.0))[where == t].sum()
    costs -= law.entropy()
    entries = []
    monkeypatch.setattr(
        module.heapq, "heappush", lambda heap, entry: entries.append(entry) or heap.append(entry)
    )
    monkeypatch.setattr(module.heapq, "heappop", lambda heap: heap.pop(heap.index(min(heap))))
    search = module._Search(gains, copies, rounds, None)
    search.chain, search.bits = [0] * (rounds - 1), 1e9
    assert module._PrefixSearch(search).run().lower == pytest.approx(costs.min(), abs=2e-9)
    assert len(entries) > 20
    known_before = [
        [module._mask(np.flatnonzero(w < t)) for t in range(rounds + 1)] for w in wheres
    ]
    for bound, _, prefix, block, place, _, _, closed in entries:
        steps = [prefix.known]
        step = prefix.parent
        while step is not None:
            steps.insert(0, step.known)
            step = step.parent
        later = module._mask(prefix.items[place:])
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


def test_short_laws_are_exact_as_they_come():
    law = distributions.words(6)
    best = optimal_partitions(law)
    for rounds in range(1, 7):
        bracket = partition_bracket(law, rounds)
        assert bracket.lower == bracket.upper == pytest.approx(best.bits[rounds - 1], abs=EXACT)
        assert bracket.exact
        assert bracket.slack == 0.0
    assert partition_bracket(law, 3).partition == best.partition(3)


# Ends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law",
    [distributions.latin_squares(4), distributions.permutations(30)],
    ids=["table", "formula"],
)
def test_one_round_and_one_position_a_round(law):
    one = partition_bracket(law, 1)
    assert one.lower == one.upper == pytest.approx(total_correlation(law), rel=EXACT)
    assert (one.proof, one.exact) == ("total correlation", True)
    each = partition_bracket(law, law.length)
    assert (each.lower, each.upper, each.proof) == (0.0, 0.0, "one position a round")
    assert each.partition == tuple((i,) for i in range(law.length))


def test_a_single_position():
    bracket = partition_bracket(Table([[0], [1]]), 1)
    assert (bracket.lower, bracket.upper, bracket.partition) == (0.0, 0.0, ((0,),))


def test_certain_laws_lose_nothing(beyond):
    for rounds in (2, 5, 22):
        bracket = partition_bracket(Table([[1] * 25]), rounds)
        check(bracket, bracket.distribution, rounds, 0.0)
        assert (bracket.proof, bracket.exact) == ("nothing is lost", True)


# Laws solved by their structure -----------------------------------------------------------------


@pytest.mark.parametrize("rounds", [2, 3, 5, 8])
def test_sizes_suffice_where_entropies_depend_on_sizes(rounds):
    for law in (distributions.permutations(40), distributions.derangements(25)):
        bracket = partition_bracket(law, rounds)
        check(bracket, law, rounds, optimal_partitions(law).bits[rounds - 1])
        assert (bracket.exact, bracket.proof) == (True, "entropies by number of positions")


@pytest.mark.parametrize("rounds", [2, 3, 4, 7, 20])
def test_independent_parts_add_up(rounds):
    parts = [
        distributions.words(5),
        distributions.permutations(20),
        distributions.words(4, most=99),
    ]
    law = distributions.concatenate(*parts)
    bracket = partition_bracket(law, rounds)
    best = math.fsum(optimal_partitions(part).bits[min(rounds, part.length) - 1] for part in parts)
    check(bracket, law, rounds)
    assert bracket.exact
    assert bracket.upper == pytest.approx(best, rel=EXACT)


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
    gains = module._gains_of(law, module._Work(rounds, None, np.random.default_rng(0), int))
    shared = gains(0) - np.array([gains(1 << i) for i in range(22)])
    parts, excess = module._independent_parts(gains, range(0, 22, 2), shared)
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
def test_copies_wait_for_the_next_round(beyond, rounds):
    """The best partition of words whose letters are written once, twice or three times."""
    plain = distributions.words(4, most=60).outcomes
    law = Table(np.column_stack([plain, plain[:, [0, 2, 2]], (7 * plain[:, 3] + 1) % 27]))
    bracket = partition_bracket(law, rounds)
    check(bracket, law, rounds, optimal_partitions(law).bits[rounds - 1])
    assert bracket.exact


@pytest.mark.parametrize("rounds", [2, 3, 4, 5])
def test_markov_chains_are_exact_in_any_order_of_the_positions(rounds):
    transition = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]])
    short = distributions.markov_chain(transition, length=10)
    best = optimal_partitions(short).bits[rounds - 1]
    gains = module._LawGains(short, range(10), module._Work(rounds, None, None, int))
    found = module._markov_chain(gains, np.ones(10), rounds)
    assert found.lower == pytest.approx(best, abs=1e-11)
    order = np.random.default_rng(rounds).permutation(10)
    mixed = module._LawGains(short, order.tolist(), module._Work(rounds, None, None, int))
    found = module._markov_chain(mixed, np.ones(10), rounds)
    assert found.lower == pytest.approx(best, abs=1e-11)
    blocks = [[int(order[i]) for i in np.flatnonzero(found.rounds == t)] for t in range(rounds)]
    assert partition_bits(short, [b for b in blocks if b]) == pytest.approx(best, abs=1e-11)


@pytest.mark.parametrize("length", [40, 100])
def test_long_chains(length):
    law = distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=length)
    previous = math.inf
    for rounds in range(2, 9):
        bracket = partition_bracket(law, rounds)
        check(bracket, law, rounds)
        assert bracket.exact
        assert bracket.proof == ("Markov chain" if 2**rounds <= length else "nothing is lost")
        assert bracket.upper < previous or previous == 0.0
        previous = bracket.upper


def test_a_hidden_chain_is_no_markov_chain():
    law = distributions.hidden_markov([[0.9, 0.1], [0.1, 0.9]], [[0.8, 0.2], [0.2, 0.8]], length=6)
    gains = module._LawGains(law, range(6), module._Work(3, None, None, int))
    assert module._markov_chain(gains, np.ones(6), 3) is None


def test_random_places_are_chains():
    for law in (distributions.insert_random(30), distributions.remove_random(30)):
        for rounds in (2, 3, 5):
            bracket = partition_bracket(law, rounds)
            check(bracket, law, rounds)
            assert bracket.exact
            assert bracket.proof in ("Markov chain", "nothing is lost")


@pytest.mark.parametrize("n", [24, 60])
def test_two_rounds_decode_a_linear_code(n):
    check_matrix = np.random.default_rng(n).integers(0, 2, (n // 2, n))
    law = distributions.linear_code(check_matrix)
    for rounds in (2, 3, 9):
        bracket = partition_bracket(law, rounds)
        check(bracket, law, rounds, 0.0)
        assert (bracket.lower, bracket.upper, bracket.exact) == (0.0, 0.0, True)


# Beyond -----------------------------------------------------------------------------------------


def sparse(n, outcomes, seed=0):
    rows = np.random.default_rng(seed).integers(0, 2, (outcomes, n))
    return Table(np.unique(rows, axis=0))


def test_nineteen_positions_by_all_partitions():
    law = sparse(19, 60)
    for rounds in (2, 4):
        bracket = partition_bracket(law, rounds, evaluations=4000)
        check(bracket, law, rounds)
        assert (bracket.exact, bracket.proof) == (True, "all partitions")
        again = partition_bracket(law.marginal(range(18, -1, -1)), rounds, evaluations=4000, seed=3)
        assert again.upper == pytest.approx(bracket.upper, abs=1e-9)


@pytest.mark.parametrize("law", [sparse(40, 300), distributions.latin_squares(4)])
def test_long_laws_are_bracketed(law, monkeypatch):
    monkeypatch.setattr(module, "PARTITIONS_LENGTH", 15)
    monkeypatch.setattr(module, "_LATTICE_ITEMS", 15)
    n = law.length
    uppers = []
    for rounds in (2, 3, 6):
        bracket = partition_bracket(law, rounds, evaluations=1500)
        check(bracket, law, rounds)
        assert bracket.lower < bracket.upper
        assert not bracket.exact
        uppers.append(bracket.upper)
        chunks = np.array_split(np.arange(n), rounds)
        assert bracket.upper < partition_bits(law, [chunk.tolist() for chunk in chunks])
    if law.support_size == 576:
        assert partition_bracket(law, 2, evaluations=1500).lower > 0.5
    assert uppers == sorted(uppers, reverse=True)


def test_the_same_seed_gives_the_same_bracket(searching):
    law = sparse(24, 200)
    one, two = (partition_bracket(law, 4, seed=5, evaluations=800) for _ in range(2))
    assert (one.lower, one.upper, one.partition) == (two.lower, two.upper, two.partition)
    others = {partition_bracket(law, 4, seed=s, evaluations=800).partition for s in range(6)}
    assert len(others) > 1


def test_more_work_is_no_worse():
    law = sparse(24, 200)
    few, many = (partition_bracket(law, 3, evaluations=k) for k in (150, 5000))
    assert few.lower <= many.lower
    assert many.upper <= few.upper


def test_progress_counts_known_sets(capsys):
    partition_bracket(sparse(22, 50), 3, evaluations=300, progress=True)
    assert "known sets" in capsys.readouterr().err


# Words ------------------------------------------------------------------------------------------


def test_it_says_what_it_found():
    chain = distributions.markov_chain([[0.9, 0.1], [0.1, 0.9]], length=40)
    assert repr(partition_bracket(chain, 20)) == (
        "Best partition of markov_chain(2 states, length=40) into 20 rounds: exactly 0 bits\n"
        f"  partition found: blocks of {_sizes(partition_bracket(chain, 20))}+… positions\n"
        "  lower bound: nothing is lost"
    )
    stopped = repr(partition_bracket(sparse(24, 200), 2, evaluations=300))
    assert "into 2 rounds: between 0 and 2." in stopped
    assert stopped.endswith("lower bound: never negative")


def _sizes(bracket):
    return "+".join(str(len(block)) for block in bracket.partition[:12])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rounds": 0}, ValueError, "rounds must be at least 1, got 0"),
        ({"rounds": 6}, ValueError, "rounds must be at most 5, got 6"),
        ({"rounds": 2.0}, TypeError, "rounds must be an integer"),
        ({"rounds": 2, "seed": -1}, ValueError, "seed must be at least 0"),
        ({"rounds": 2, "evaluations": 0}, ValueError, "evaluations must be at least 1"),
        ({"rounds": 2, "evaluations": 1.5}, TypeError, "evaluations must be an integer"),
    ],
)
def test_arguments_are_checked(arguments, error, message):
    with pytest.raises(error, match=message):
        partition_bracket(distributions.words(5), **arguments)


def test_laws_are_checked():
    with pytest.raises(TypeError, match="distribution must be a distribution"):
        partition_bracket([[0, 1]], 2)
    chain = distributions.markov_chain([[0.9, 0.1], [0.1, 0.9]], length=401)
    with pytest.raises(ValueError, match="at most 400 positions, got 401 in markov_chain"):
        partition_bracket(chain, 3)
    hidden = distributions.hidden_markov(
        [[0.9, 0.1], [0.1, 0.9]], [[0.8, 0.2], [0.2, 0.8]], length=40
    )
    with pytest.raises(ValueError, match="no formula exists"):
        partition_bracket(hidden, 3)


def test_rounding_cannot_lift_the_bound(searching):
    """Weights without a short binary form; every proof by search leaves its slack."""
    rows = distributions.words(6, most=50).outcomes
    weights = np.random.default_rng(1).uniform(0.05, 1, len(rows))
    law = Table(rows, weights / math.fsum(weights))
    for rounds in (2, 3):
        bracket = partition_bracket(law, rounds)
        best = optimal_partitions(law).bits[rounds - 1]
        assert bracket.exact
        assert bracket.slack >= 1e-9
        assert best - 1.5 * bracket.slack <= bracket.lower < best


def test_gains_of_formulas_and_tables_agree():
    law = distributions.markov_chain([[0.7, 0.3], [0.4, 0.6]], length=7)
    work = module._Work(2, None, None, int)
    one, two = module._LawGains(law, range(7), work), module._TableGains(law.table(), work)
    for known in range(1 << 7):
        assert one.entropy(known) == pytest.approx(two.entropy(known), abs=1e-12)
        assert one(known) == pytest.approx(two(known), abs=1e-12)
        for i in range(7):
            if not known >> i & 1:
                inside = [j for j in range(7) if known >> j & 1]
                assert two(known)[i] == pytest.approx(entropy(law, [i], given=inside), abs=1e-12)
    assert one.part([5, 2]).entropy(3) == pytest.approx(two.part([5, 2]).entropy(3), abs=1e-12)
    assert one.lattice() is None
