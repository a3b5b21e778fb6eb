"""Brackets of the best partition: always around it, exact where they say so, and reproducible."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infodecode import distributions
from infodecode._subsets import walk_subsets
from infodecode.distributions import Table
from infodecode.information import total_correlation
from infodecode.partition_bracket import _bracket, _parts, _problem, _search, partition_bracket
from infodecode.partition_bracket._problem import TableGains
from infodecode.partitions import optimal_partitions, partition_bits
from tests import laws
from tests.brackets import EXACT, check, random_law
from tests.translation import table

seeds = st.integers(0, 2**32)
samples = laws.counted(max_length=5) | laws.floating(max_length=5) | laws.rounded(max_length=5)
shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def beyond(monkeypatch):
    """Treat short laws as if they were too long for the programme over all partitions.

    The search for a good partition gives up early: the proofs have more left to do.
    """
    monkeypatch.setattr(_bracket, "PARTITIONS_LENGTH", 0)
    monkeypatch.setattr(_search, "_PATIENCE", 20)


@pytest.fixture
def searching(beyond, monkeypatch):
    """Leave only the two searches."""
    monkeypatch.setattr(_parts, "_LATTICE_ITEMS", 0)
    monkeypatch.setattr(_parts, "_CHAIN_ITEMS", 0)


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
    monkeypatch.setattr(_problem, "_LATTICE_STEPS", steps)
    monkeypatch.setattr(_parts, "_LATTICE_START", 30)
    monkeypatch.setattr(TableGains, "lattice", lambda self: walk_subsets(self.table))
    law = random_law(seed, most_positions=7)
    best = optimal_partitions(law).bits
    for rounds in range(2, law.length):
        bracket = partition_bracket(law, rounds, evaluations=60)
        check(bracket, law, rounds, best[rounds - 1])


def test_part_of_the_way_through_all_partitions(beyond, monkeypatch):
    """Too many sets cost less than the best partition, few enough less than half of it."""
    law = distributions.words(7)
    best = float(optimal_partitions(law).bits[1])
    found = {}
    monkeypatch.setattr(_problem, "_LATTICE_STEPS", 1)
    monkeypatch.setattr(TableGains, "lattice", lambda self: walk_subsets(self.table))
    for evaluations in range(10, 400, 10):
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


@pytest.mark.parametrize("rounds", [2, 3, 4, 5])
def test_copies_wait_for_the_next_round(beyond, rounds):
    """The best partition of words whose letters are written once, twice or three times."""
    plain = distributions.words(4, most=60).outcomes
    law = Table(np.column_stack([plain, plain[:, [0, 2, 2]], (7 * plain[:, 3] + 1) % 27]))
    bracket = partition_bracket(law, rounds)
    check(bracket, law, rounds, optimal_partitions(law).bits[rounds - 1])
    assert bracket.exact


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
    law = sparse(19, 30)
    for rounds in (2, 4):
        bracket = partition_bracket(law, rounds, evaluations=4000)
        check(bracket, law, rounds)
        assert (bracket.exact, bracket.proof) == (True, "all partitions")
        again = partition_bracket(law.marginal(range(18, -1, -1)), rounds, evaluations=4000, seed=3)
        assert again.upper == pytest.approx(bracket.upper, abs=1e-9)


@pytest.mark.parametrize("law", [sparse(40, 300), distributions.latin_squares(4)])
def test_long_laws_are_bracketed(law, monkeypatch):
    monkeypatch.setattr(_bracket, "PARTITIONS_LENGTH", 15)
    monkeypatch.setattr(_parts, "_LATTICE_ITEMS", 15)
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
    emission = np.random.default_rng(0).dirichlet(np.ones(60), 2)
    hidden = distributions.hidden_markov([[0.9, 0.1], [0.1, 0.9]], emission, length=40)
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
