"""Information measures against their definitions on exact laws."""

import math
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import _subsets, distributions
from infodecode.distributions import Table
from infodecode.information import (
    dual_total_correlation,
    entropy,
    information_curve,
    kl_divergence,
    mutual_information,
    nonnegative,
    renyi_entropy,
    subset_entropies,
    total_correlation,
    total_variation,
)
from tests import laws, oracle
from tests.translation import table

EXACT = 1e-12


def exact_entropy(law, positions):
    return oracle.entropy(oracle.marginal(law, sorted(positions)))


samples = laws.counted() | laws.floating() | laws.rounded()


@st.composite
def sample_with_sets(draw, sets):
    """A law, and disjoint sets of its positions."""
    sample = draw(samples)
    owner = draw(st.lists(st.integers(0, sets), min_size=sample.length, max_size=sample.length))
    return sample, [[i for i, o in enumerate(owner) if o == k] for k in range(sets)]


# Entropy, mutual information, total correlation -----------------------------------------


@given(sample_with_sets(2))
def test_conditional_entropy_is_the_mean_over_the_values_of_the_condition(case):
    sample, (chosen, known) = case
    expected = 0.0
    for values, p in oracle.marginal(sample.law, known).items():
        canvas = [oracle.MASK] * sample.length
        for i, value in zip(known, values, strict=True):
            canvas[i] = value
        expected += float(p) * exact_entropy(oracle.consistent(sample.law, tuple(canvas)), chosen)
    assert entropy(table(sample), chosen, given=known) == pytest.approx(expected, abs=EXACT)


@given(sample_with_sets(2))
def test_everything_that_is_not_given_is_the_default(case):
    sample, (known, _) = case
    d = table(sample)
    rest = [i for i in range(sample.length) if i not in known]
    assert entropy(d, given=known) == entropy(d, rest, given=known)
    assert total_correlation(d, given=known) == total_correlation(d, rest, given=known)


@given(sample_with_sets(3))
def test_mutual_information_is_what_b_takes_off_the_entropy_of_a(case):
    sample, (a, b, known) = case
    law = sample.law
    expected = (exact_entropy(law, a + known) - exact_entropy(law, known)) - (
        exact_entropy(law, a + b + known) - exact_entropy(law, b + known)
    )
    d = table(sample)
    found = mutual_information(d, a, b, given=known)
    assert found == pytest.approx(expected, abs=EXACT)
    assert found == pytest.approx(mutual_information(d, b, a, given=known), abs=EXACT)
    assert found == 0.0 or found > EXACT


@given(sample_with_sets(2))
def test_total_correlation_is_the_mean_over_the_values_of_the_condition(case):
    sample, (chosen, known) = case
    expected = 0.0
    for values, p in oracle.marginal(sample.law, known).items():
        canvas = [oracle.MASK] * sample.length
        for i, value in zip(known, values, strict=True):
            canvas[i] = value
        rest = oracle.consistent(sample.law, tuple(canvas))
        expected += float(p) * oracle.total_correlation(rest, chosen)
    found = total_correlation(table(sample), chosen, given=known)
    assert found == pytest.approx(expected, abs=EXACT)
    assert found == 0.0 or found > EXACT


@given(samples)
def test_dual_total_correlation_and_its_bounds(sample):
    d, n = table(sample), sample.length
    whole = exact_entropy(sample.law, range(n))
    alone = [whole - exact_entropy(sample.law, set(range(n)) - {i}) for i in range(n)]
    dual = dual_total_correlation(d)
    assert dual == pytest.approx(whole - math.fsum(alone), abs=EXACT)
    assert dual <= whole + EXACT
    assert dual <= (n - 1) * total_correlation(d) + EXACT
    assert total_correlation(d) <= (n - 1) * dual + EXACT


@pytest.mark.parametrize("n", range(2, 8))
def test_closed_forms_of_the_list_tasks(n):
    replace, shuffle = distributions.replace_random(n), distributions.permutations(n)
    for law in (replace, replace.table()):
        expected = (n - 1) * (math.log2(n) - math.log2(n - 1))
        assert total_correlation(law) == pytest.approx(expected, abs=EXACT)
        assert dual_total_correlation(law) == pytest.approx(math.log2(n), abs=EXACT)
    for law in (shuffle, shuffle.table()):
        expected = n * math.log2(n) - math.log2(math.factorial(n))
        assert total_correlation(law) == pytest.approx(expected, abs=EXACT)
        assert dual_total_correlation(law) == pytest.approx(entropy(law), abs=EXACT)
    assert total_correlation(distributions.copy(n)) == 0.0
    assert total_correlation(distributions.replace_index(n, n - 1)) == 0.0


def test_independence_is_exactly_zero():
    p = np.array([0.1, 0.2, 0.7])
    rows = np.indices((3, 3, 3, 3)).reshape(4, -1).T
    weights = np.prod(p[rows], axis=1)
    d = Table(rows, weights / math.fsum(weights))
    for bits in (
        total_correlation(d),
        dual_total_correlation(d),
        mutual_information(d, [0, 1], 2, given=[3]),
        *information_curve(d),
    ):
        assert bits == 0.0
        assert not np.signbit(bits)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: entropy(d, [0, 3]), r"positions\[1\] must be at most 2, got 3"),
        (lambda d: entropy(d, [0, 0]), "positions must hold each position once"),
        (lambda d: entropy(d, [0, 1], given=[1]), "positions and given must share no position"),
        (lambda d: entropy(d, given=[-1]), r"given\[0\] must be at least 0"),
        (lambda d: total_correlation(d, [2], given=2), "positions and given must share no"),
        (lambda d: mutual_information(d, [0, 1], [1]), "a and b must share no position, got 1"),
        (lambda d: mutual_information(d, [0], [1], given=[0]), "a and given must share no"),
        (lambda d: mutual_information(d, [0], [1], given=[1]), "b and given must share no"),
    ],
)
def test_positions_are_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call(distributions.permutations(3))


def test_positions_are_integers():
    with pytest.raises(TypeError, match=r"positions\[0\] must be an integer"):
        entropy(distributions.permutations(3), [0.5])


# Rounding -------------------------------------------------------------------------------


def test_rounding_becomes_zero_and_anything_larger_is_an_error():
    assert nonnegative(-9e-13) == 0.0
    assert not np.signbit(nonnegative(-1e-17))
    assert nonnegative(9e-15) == 0.0
    assert nonnegative(9e-13) == 9e-13
    assert nonnegative(2e-12) == 2e-12
    assert nonnegative(-5e-12, scale=10) == 0.0
    assert nonnegative(math.inf) == math.inf
    with pytest.raises(ArithmeticError, match="cannot be negative"):
        nonnegative(-2e-12)
    assert nonnegative(np.array([-1e-13, 0.5])).tolist() == [0.0, 0.5]
    with pytest.raises(ArithmeticError):
        nonnegative(np.array([0.5, -1e-11]))


# Divergences ----------------------------------------------------------------------------


@st.composite
def pairs(draw):
    """Two laws over the same alphabets, as (law, table) each."""
    sizes = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    outcome = st.tuples(*(st.integers(0, v - 1) for v in sizes))
    both = []
    for _ in range(2):
        weights = draw(st.dictionaries(outcome, st.integers(1, 5), min_size=1, max_size=8))
        d = Table(list(weights), list(weights.values()), alphabet_sizes=sizes)
        both.append((oracle.normalised(weights), d))
    return both


@given(pairs())
def test_divergences_are_their_definitions(both):
    (p, p_table), (q, q_table) = both
    assert kl_divergence(p_table, q_table) == pytest.approx(oracle.kl_divergence(p, q), abs=EXACT)
    distance = total_variation(p_table, q_table)
    assert distance == pytest.approx(float(oracle.total_variation(p, q)), abs=EXACT)
    assert distance == pytest.approx(total_variation(q_table, p_table), abs=EXACT)
    assert 0 <= distance <= 1


def test_divergences_at_their_ends():
    left, right = Table([[0], [1]], alphabet_sizes=[4]), Table([[2], [3]], alphabet_sizes=[4])
    assert total_variation(left, right) == 1.0
    assert kl_divergence(left, right) == math.inf
    shuffle = distributions.permutations(5)
    assert kl_divergence(shuffle, shuffle.table()) == 0.0
    assert total_variation(shuffle, shuffle.table()) == 0.0


@pytest.mark.parametrize("measure", [kl_divergence, total_variation])
def test_only_laws_of_the_same_sequences_are_compared(measure):
    d = distributions.copy(2)
    with pytest.raises(ValueError, match="same length"):
        measure(d, distributions.copy(3))
    with pytest.raises(ValueError, match="same alphabet sizes"):
        measure(d, Table([[0, 1]], alphabet_sizes=[2, 3]))
    with pytest.raises(ValueError, match="same labels"):
        measure(d, Table([[0, 1]], labels=[["x", "y"], ["x", "y"]]))


def test_a_law_beyond_tables_can_be_the_second_one():
    n = 30
    shuffle = distributions.permutations(n)
    one = Table([list(range(n))], alphabet_sizes=[n] * n, labels=shuffle.labels)
    assert kl_divergence(one, shuffle) == pytest.approx(math.log2(math.factorial(n)))
    assert total_variation(shuffle, one) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="outcomes"):
        kl_divergence(shuffle, one)


# Rényi ----------------------------------------------------------------------------------

ORDERS = [0, 0.25, 0.5, 1 - 1e-9, 1, 1 + 1e-9, 1.5, 2, 7, 300, math.inf]


@given(samples)
def test_renyi_entropies(sample):
    d = table(sample)
    p = [float(w) for w in sample.law.values()]
    bits = [renyi_entropy(d, order) for order in ORDERS]
    assert bits[0] == pytest.approx(math.log2(len(p)), abs=EXACT)
    assert bits[-1] == pytest.approx(-math.log2(max(p)), abs=EXACT)
    for order in (0.25, 0.5, 1.5, 2, 7):
        expected = math.log2(math.fsum(x**order for x in p)) / (1 - order)
        assert bits[ORDERS.index(order)] == pytest.approx(expected, abs=1e-11)
    shannon = oracle.entropy(sample.law)
    for order in (1 - 1e-9, 1, 1 + 1e-9):
        assert bits[ORDERS.index(order)] == pytest.approx(shannon, abs=1e-8)
    assert all(a >= b - EXACT for a, b in pairwise(bits))


def test_renyi_entropy_near_order_one_keeps_its_digits():
    d = Table([[0], [1], [2]], [1, 2, 5])
    p = np.array([1, 2, 5]) / 8
    variance = math.log(2) * (p @ np.log2(p) ** 2 - d.entropy() ** 2)
    for step in (1e-6, -1e-6):
        slope = (renyi_entropy(d, 1 + step) - d.entropy()) / step
        assert slope == pytest.approx(-variance / 2, rel=1e-5)


def test_renyi_entropy_of_uniform_laws_does_not_depend_on_the_order():
    d = distributions.permutations(5)
    for order in ORDERS:
        assert renyi_entropy(d, order) == pytest.approx(math.log2(120), abs=EXACT)
        assert renyi_entropy(distributions.copy(2), order) == 0.0


@pytest.mark.parametrize("order", [-1, -math.inf, math.nan])
def test_renyi_order_is_checked(order):
    with pytest.raises(ValueError, match="order must be"):
        renyi_entropy(distributions.copy(2), order)


# All subsets ----------------------------------------------------------------------------


@pytest.fixture(params=["dense", "sparse"])
def walk(request, monkeypatch):
    """Force one of the two ways to visit the subsets."""
    advantage = math.inf if request.param == "dense" else 0
    monkeypatch.setattr(_subsets, "_DENSE_ADVANTAGE", advantage)
    return request.param


@pytest.mark.parametrize("seed", range(20))
def test_subset_entropies_of_random_tables(walk, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    sizes = rng.integers(1, 6, n)
    rows = np.unique(rng.integers(0, sizes, (int(rng.integers(1, 200)), n)), axis=0)
    weights = rng.integers(1, 1000, len(rows))
    law = dict(zip(map(tuple, rows.tolist()), map(Fraction, weights.tolist()), strict=True))
    expected = [exact_entropy(law, [i for i in range(n) if mask >> i & 1]) for mask in range(2**n)]
    gaps = sizes + rng.integers(0, 3, n)
    counted = Table(rows, weights, alphabet_sizes=gaps)
    assert subset_entropies(counted) == pytest.approx(expected, abs=EXACT)
    masses = Table(rows, weights / weights.sum(), alphabet_sizes=gaps)
    assert subset_entropies(masses) == pytest.approx(expected, abs=EXACT)


def test_tokens_that_never_occur_and_constant_positions_take_no_room(walk):
    d = Table([[0, 999, 5], [0, 3, 5], [0, 500, 70_000]], [1, 1, 2])
    one = 1.0
    expected = [0.0, 0.0, 1.5, 1.5, one, one, 1.5, 1.5]
    assert subset_entropies(d) == pytest.approx(expected, abs=EXACT)


def test_what_is_known_for_sure_has_no_entropy_at_all(walk):
    """Float marginals of one outcome miss the total by rounding: still exactly 0.0."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = np.unique(rng.integers(0, [1, 7, 1, 9, 5], (500, 5)), axis=0)
        weights = rng.random(len(rows))
        found = subset_entropies(Table(rows, weights / math.fsum(weights)))
        assert found[[0b00000, 0b00001, 0b00100, 0b00101]].tolist() == [0.0] * 4
        assert not np.signbit(found).any()


@pytest.mark.parametrize(("positions", "values"), [(12, 300), (13, 20)])
def test_keys_wider_than_a_machine_word(positions, values):
    """108 bits a key in two words, and 65 bits, where a field must not straddle them."""
    rng = np.random.default_rng(4)
    rows = rng.integers(0, values, (400, positions))
    rows[:, 8:] = rows[:, : positions - 8] // (values // 19)
    d = distributions.from_samples(rows)
    found = subset_entropies(d)
    for mask in [*rng.integers(0, 2**positions, 60).tolist(), 2**positions - 1]:
        chosen = [i for i in range(positions) if mask >> i & 1]
        assert found[mask] == pytest.approx(d.entropy(chosen), abs=EXACT)


def test_structured_laws_agree_with_their_tables(walk):
    parts = distributions.concatenate(
        distributions.permutations(4), distributions.replace_random(3)
    )
    for d in (distributions.permutations(6), distributions.replace_random(7), parts):
        by_table = subset_entropies(d.table())
        assert subset_entropies(d) == pytest.approx(by_table, abs=EXACT)
        for mask in range(2**d.length):
            positions = [i for i in range(d.length) if mask >> i & 1]
            assert by_table[mask] == pytest.approx(d.entropy(positions), abs=EXACT)


def test_subsets_beyond_the_limits_are_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"at most 20 positions .* got 21 .*2\^21"):
        subset_entropies(distributions.permutations(21))
    assert len(subset_entropies(distributions.permutations(20))) == 2**20
    monkeypatch.setattr(_subsets, "SUBSETS_CELLS", 26)
    d = Table([[a, b, c] for a in range(2) for b in range(2) for c in range(2)])
    with pytest.raises(ValueError, match="could have 27 weights, more than 26"):
        subset_entropies(d)
    monkeypatch.setattr(_subsets, "SUBSETS_CELLS", 27)
    assert subset_entropies(d)[-1] == 3.0


# Information curve ----------------------------------------------------------------------


@given(samples)
def test_information_curve_is_its_definition(sample):
    d, n = table(sample), sample.length
    curve = information_curve(d)
    for j in range(1, n + 1):
        terms = [
            exact_entropy(sample.law, [i])
            + exact_entropy(sample.law, known)
            - exact_entropy(sample.law, [*known, i])
            for known in combinations(range(n), j - 1)
            for i in set(range(n)) - set(known)
        ]
        assert curve[j - 1] == pytest.approx(math.fsum(terms) / len(terms), abs=EXACT)
    assert curve[0] == 0.0
    assert (np.diff(curve) >= 0).all()
    correlation, dual = total_correlation(d), dual_total_correlation(d)
    assert math.fsum(curve) == pytest.approx(correlation, abs=EXACT)
    assert n * curve[-1] == pytest.approx(correlation + dual, abs=EXACT)


class BySize(Table):
    """A table that says that its entropies depend on the number of positions only."""

    def size_entropies(self):
        return np.array([self.entropy(range(k)) for k in range(self.length + 1)])


def test_knowing_the_sizes_only_gives_the_same_as_visiting_the_subsets():
    """Bits whose probability depends on their sum: no position is determined by the others."""
    rows = np.indices((2,) * 5).reshape(5, -1).T
    weights = np.array([7, 1, 2, 9, 1, 4])[rows.sum(axis=1)]
    by_size, by_set = BySize(rows, weights), Table(rows, weights)
    assert dual_total_correlation(by_size) == pytest.approx(
        dual_total_correlation(by_set), abs=EXACT
    )
    for measure in (subset_entropies, information_curve):
        assert measure(by_size) == pytest.approx(measure(by_set), abs=EXACT)


def test_information_curve_of_a_thousand_items():
    curve = information_curve(distributions.permutations(1000))
    expected = math.log2(1000) - np.log2(np.arange(1000, 0, -1))
    assert curve == pytest.approx(expected, abs=1e-11)
