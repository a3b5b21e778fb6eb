"""Markov chains and hidden Markov models against products along paths, summed over all of them."""

from __future__ import annotations

import math
import pickle
from collections import defaultdict
from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, information, strategies
from infodecode._kernels import chains
from infodecode.distributions import (
    HiddenMarkov,
    MarkovChain,
    Table,
    hidden_markov,
    markov_chain,
)
from tests import oracle
from tests.families import CHECKS, every_canvas
from tests.test_kernels import both

F = Fraction
STICKY = [[0.9, 0.1], [0.1, 0.9]]
CYCLE = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
ONE_WAY = [[F(1, 2), F(1, 2)], [F(0), F(1)]]
RING = [[0, F(2, 3), F(1, 3)], [F(1, 3), 0, F(2, 3)], [F(2, 3), F(1, 3), 0]]
WALK = [[0, 1, 0, 0], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0, 1, 0]]
CASINO = ([[0.95, 0.05], [0.1, 0.9]], [[1 / 6] * 6, [0.1] * 5 + [0.5]])
EXACT_CASINO = (
    [[F(19, 20), F(1, 20)], [F(1, 10), F(9, 10)]],
    [[F(1, 6)] * 6, [F(1, 10)] * 5 + [F(1, 2)]],
)
ONE_TOKEN = ([[F(1, 2), F(1, 2)], [F(1, 2), F(1, 2)]], [[1], [1]])

FAMILIES = [
    *(markov_chain(STICKY, length=n, labels=["sun", "rain"]) for n in (1, 2, 3, 5)),
    *(markov_chain([[F(9, 10), F(1, 10)], [F(1, 4), F(3, 4)]], length=n) for n in (1, 2, 4)),
    *(markov_chain(CYCLE, length=n) for n in (1, 3)),
    markov_chain(CYCLE, length=4, initial=[0, 1, 0]),
    markov_chain(ONE_WAY, length=5, initial=[1, 0]),
    markov_chain(ONE_WAY, length=3),
    markov_chain(RING, length=4),
    markov_chain(WALK, length=4),
    markov_chain(WALK, length=3, initial=[0.25, 0, 0.75, 0]),
    markov_chain([[0.3, 0.3, 0.4]] * 3, length=4),
    markov_chain([[1]], length=3),
    markov_chain(np.eye(2), length=4, initial=[0.3, 0.7]),
    *(hidden_markov(*CASINO, length=n) for n in (1, 2, 4)),
    hidden_markov(*EXACT_CASINO, length=3),
    hidden_markov(STICKY, [[0.8, 0.2], [0.3, 0.7]], length=5),
    hidden_markov(STICKY, [[1, 0, 0], [0, 0.5, 0.5]], length=3, initial=[0.1, 0.9]),
    hidden_markov(CYCLE, [[F(1, 2), F(1, 2)], [1, 0], [0, 1]], length=5),
    hidden_markov(ONE_WAY, [[1, 0], [F(1, 3), F(2, 3)]], length=4, initial=[1, 0]),
    hidden_markov([[0, 1], [1, 0]], [[1, 0], [0, 1]], length=3),
    hidden_markov(*ONE_TOKEN, length=3),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("law", FAMILIES, ids=lambda law: law.name)
def test_a_chain_equals_its_table(law, check):
    check(law)


# Against the definition -------------------------------------------------------------------------


def words(initial, transition, emission, length):
    """{word: probability}: every hidden path, times every word that it may emit."""
    states, tokens = range(len(emission)), range(len(emission[0]))
    weights = defaultdict(Fraction)
    for path in product(states, repeat=length):
        chance = initial[path[0]]
        for s, t in pairwise(path):
            chance *= transition[s][t]
        if chance:
            for word in product(tokens, repeat=length):
                weights[word] += chance * math.prod(
                    emission[s][v] for s, v in zip(path, word, strict=True)
                )
    return {word: p for word, p in weights.items() if p}


def identity(size):
    return [[int(s == t) for t in range(size)] for s in range(size)]


@st.composite
def rows(draw, count, width):
    """Laws with zeros, over small denominators."""
    out = []
    for _ in range(count):
        row = draw(st.lists(st.integers(0, 4), min_size=width, max_size=width).filter(any))
        out.append([F(w, sum(row)) for w in row])
    return out


@st.composite
def parameters(draw, hidden):
    """Initial law, transition and emission in fractions; the length; whether floats are passed."""
    states = draw(st.integers(1, 3))
    (initial,) = draw(rows(1, states))
    transition = draw(rows(states, states))
    emission = draw(rows(states, draw(st.integers(1, 3)))) if hidden else identity(states)
    return initial, transition, emission, draw(st.integers(1, 5)), draw(st.booleans())


def fit_a_table(initial, transition, emission, length):
    """Whether counts over the common denominators stay exact."""
    start, step, token = (
        math.lcm(*(F(p).denominator for row in matrix for p in row))
        for matrix in ([initial], transition, emission)
    )
    return start * step ** (length - 1) * token**length <= 2**53


def agrees(law, reference, counted):
    """Outcomes, exact weights, marginals, mode, completions and entropies, from the definition."""
    full = law.table()
    found = dict(zip(map(tuple, full.outcomes.tolist()), full.weights.tolist(), strict=True))
    assert found.keys() == reference.keys()
    assert law.support_size == len(reference)
    assert full.integer == counted
    if counted:
        assert {y: F(w, full.total) for y, w in found.items()} == reference
    for y, p in reference.items():
        assert law.log2_probability([y])[0] == pytest.approx(oracle.log2_fraction(p), abs=1e-12)
    assert law.log2_mode() == pytest.approx(
        oracle.log2_fraction(max(reference.values())), abs=1e-12
    )
    canvases = every_canvas(law)[:: 1 + len(every_canvas(law)) // 60]
    for canvas in canvases.tolist():
        agreeing = oracle.consistent(reference, tuple(canvas))
        assert law._completions(np.array([canvas], np.int32))[0] == len(agreeing)
        if not agreeing:
            with pytest.raises(ValueError, match="positive probability"):
                law.marginals(canvas)
            continue
        marginals = law.marginals(canvas)[0]
        for i, tokens in oracle.token_laws(reference, tuple(canvas)).items():
            for v, p in enumerate(marginals[i]):
                assert p == pytest.approx(float(tokens.get(v, 0)), rel=1e-13, abs=0)
    n = law.length
    for positions in (p for k in range(n + 1) for p in combinations(range(n), k)):
        expected = oracle.entropy(oracle.marginal(reference, positions))
        assert law.entropy(positions) == pytest.approx(expected, abs=1e-12)


@given(case=parameters(hidden=False))
def test_a_chain_is_a_product_along_the_path(case):
    initial, transition, emission, length, as_floats = case
    passed = np.array(transition, dtype=float) if as_floats else transition
    law = markov_chain(passed, length=length, initial=initial)
    counted = not as_floats and fit_a_table(initial, transition, emission, length)
    agrees(law, words(initial, transition, emission, length), counted)
    reference = Table(law.table().outcomes, law.table().weights, alphabet_sizes=law.alphabet_sizes)
    np.testing.assert_allclose(
        information.subset_entropies(law), information.subset_entropies(reference), atol=1e-12
    )
    np.testing.assert_allclose(
        information.entropy_gains(law), information.entropy_gains(reference), atol=1e-12
    )


@given(case=parameters(hidden=True))
def test_a_hidden_markov_model_is_a_sum_over_paths(case):
    initial, transition, emission, length, as_floats = case
    passed = np.array(emission, dtype=float) if as_floats else emission
    law = hidden_markov(transition, passed, length=length, initial=initial)
    counted = not as_floats and fit_a_table(initial, transition, emission, length)
    agrees(law, words(initial, transition, emission, length), counted)


@given(case=parameters(hidden=False))
def test_a_chain_is_a_hidden_markov_model_with_visible_states(case):
    initial, transition, emission, length, _ = case
    chain = markov_chain(transition, length=length, initial=initial)
    model = hidden_markov(transition, emission, length=length, initial=initial)
    assert isinstance(chain, MarkovChain)
    assert isinstance(model, HiddenMarkov)
    np.testing.assert_array_equal(chain.table().weights, model.table().weights)
    assert model.log2_mode() == pytest.approx(chain.log2_mode(), abs=1e-12)
    assert model.entropy() == pytest.approx(chain.entropy(), abs=1e-12)


@given(case=parameters(hidden=True))
def test_the_default_start_is_stationary(case):
    _, transition, emission, length, as_floats = case
    states = len(transition)
    reach = np.linalg.matrix_power(np.array(transition, float) + np.eye(states), states) > 0
    classes = {frozenset(np.flatnonzero(row)) for row in reach if (reach[row] == row).all()}
    passed = np.array(transition, dtype=float) if as_floats else transition
    if len(classes) > 1:
        with pytest.raises(ValueError, match=r"initial must be given: .* not unique"):
            hidden_markov(passed, emission, length=length)
        return
    law = hidden_markov(passed, emission, length=length)
    np.testing.assert_allclose(law.initial @ law.transition, law.initial, atol=1e-15)
    assert set(np.flatnonzero(law.initial)) == set(next(iter(classes)))
    assert law.initial.sum() == pytest.approx(1, abs=1e-15)
    pair = markov_chain(transition, length=2).table()
    assert pair.integer
    counts = dict(zip(map(tuple, pair.outcomes.tolist()), pair.weights.tolist(), strict=True))
    assert oracle.marginal(counts, [0]) == oracle.marginal(counts, [1])


def test_stationary_laws_of_periodic_and_leaking_chains():
    assert markov_chain([[0, 1], [1, 0]], length=2).initial.tolist() == [0.5, 0.5]
    assert markov_chain(ONE_WAY, length=2).initial.tolist() == [0, 1]
    steep = [[1 - 1e-9, 1e-9], [0.25, 0.75]]
    start = markov_chain(steep, length=2).initial
    assert start[1] == pytest.approx(4e-9 / (1 + 4e-9), rel=1e-14)


# Closed forms -----------------------------------------------------------------------------------


def bits(*law):
    return -math.fsum(p * math.log2(p) for p in law if p)


def bisection(length):
    """Middle first, then the middles of what lies between revealed positions."""
    segments, blocks = [range(length)], []
    while segments:
        blocks.append(tuple(s[len(s) // 2] for s in segments))
        halves = [h for s in segments for h in (s[: len(s) // 2], s[len(s) // 2 + 1 :])]
        segments = [h for h in halves if h]
    return blocks


@given(case=parameters(hidden=False))
def test_total_correlation_of_a_stationary_chain(case):
    _, transition, _, length, _ = case
    try:
        law = markov_chain(transition, length=length)
    except ValueError:
        return
    pair = oracle.normalised(
        {
            (s, t): F(law.initial[s]) * transition[s][t]
            for s, t in product(range(len(transition)), repeat=2)
        }
    )
    shared = oracle.total_correlation(pair, [0, 1])
    assert information.total_correlation(law) == pytest.approx((length - 1) * shared, abs=1e-12)


@pytest.mark.parametrize(("length", "rounds"), [(1, 1), (3, 2), (4, 3), (7, 3), (8, 4), (10, 4)])
def test_bisection_decodes_a_chain_without_error(length, rounds):
    law = markov_chain([[0.9, 0.1], [0.3, 0.7]], length=length, initial=[0.5, 0.5])
    best = infodecode.optimal_partitions(law).bits
    assert (best[rounds - 1 :] == 0).all()
    assert (best[: rounds - 1] > 1e-3).all()
    blocks = bisection(length)
    assert len(blocks) == rounds
    assert infodecode.partition_bits(law, blocks) == 0


def test_bisection_decodes_thousands_of_positions_without_error():
    law = markov_chain(STICKY, length=1000)
    blocks = bisection(1000)
    assert len(blocks) == 10
    assert infodecode.partition_bits(law, blocks) == pytest.approx(0, abs=1e-9)
    halves = [range(0, 1000, 2), range(1, 1000, 2)]
    expected = 499 * (1 - bits(0.18, 0.82))
    assert infodecode.partition_bits(law, halves) == pytest.approx(expected, abs=1e-9)


def test_mean_gains_of_a_thousand_positions():
    """Sticky weather in closed form, P^d(0, 1) = (1 - 0.6^d) / 4, and sums of exact fractions."""
    n = 1000
    law = markov_chain([[0.9, 0.1], [0.3, 0.7]], length=n)
    alone = F(bits(0.25, 0.75))
    later = [F(0)] + [
        F(
            0.75 * bits(0.25 * (1 - 0.6**d), 1 - 0.25 * (1 - 0.6**d))
            + 0.25 * bits(0.75 * (1 - 0.6**d), 1 - 0.75 * (1 - 0.6**d))
        )
        for d in range(1, n)
    ]

    def mean(k):
        if k == 0:
            return F(0)
        total = alone * math.comb(n, k)
        if k > 1:
            total += sum(later[d] * (n - d) * math.comb(n - d - 1, k - 2) for d in range(1, n))
        return total / math.comb(n, k)

    gains = law.mean_gains()
    assert len(gains) == n
    for k in (0, 1, 2, 10, 300, 998, 999):
        assert gains[k] == pytest.approx(float(mean(k + 1) - mean(k)), abs=1e-12)
    curve = information.information_curve(law)
    assert curve.sum() == pytest.approx(information.total_correlation(law), abs=1e-9)


@pytest.mark.parametrize("initial", [None, [0.2, 0.5, 0.3]])
def test_mean_gains_are_averages_over_all_sets(initial):
    law = markov_chain([[0.5, 0.5, 0], [0.1, 0.2, 0.7], [0.4, 0, 0.6]], length=11, initial=initial)
    means = information.mean_entropies(information.subset_entropies(law.table()))
    np.testing.assert_allclose(law.mean_gains(), np.diff(means), atol=1e-12)


def test_a_visible_chain_has_its_entropies_without_the_closed_form():
    """Words that leave the same law of the hidden state are taken together: 4 of them, not 4^50."""
    transition = np.random.default_rng(3).dirichlet(np.ones(4), size=4)
    chain = markov_chain(transition, length=50)
    model = hidden_markov(transition, np.eye(4), length=50)
    for positions in (None, [49], [0, 49], [3, 4, 17, 40]):
        assert model.entropy(positions) == pytest.approx(chain.entropy(positions), abs=1e-12)


def test_entropy_of_the_casino():
    """Lumping the five fair-looking faces: H = H(six or not) + E[not six] log2 5."""
    transition, emission = CASINO
    n = 12
    law = hidden_markov(transition, emission, length=n)
    lumped = hidden_markov(transition, [[5 / 6, 1 / 6], [0.5, 0.5]], length=n)
    not_six = n * (2 / 3 * 5 / 6 + 1 / 3 * 1 / 2)
    expected = lumped.table().entropy() + not_six * math.log2(5)
    assert law.entropy() == pytest.approx(expected, abs=1e-11)


# Thousands of positions -------------------------------------------------------------------------


def test_marginals_of_long_chains_come_from_the_nearest_neighbours():
    n = 2000
    transition = np.random.default_rng(0).dirichlet(np.ones(3), size=3)
    law = markov_chain(transition, length=n, initial=[0.2, 0.3, 0.5])
    generator = np.random.default_rng(1)
    canvas = np.where(generator.random(n) < 0.9, -1, law.sample(1)[0])
    marginals = law.marginals(canvas)[0]
    shown = np.flatnonzero(canvas >= 0)
    power = np.linalg.matrix_power
    for i in np.flatnonzero(canvas < 0)[::50]:
        left, right = shown[shown < i], shown[shown > i]
        expected = (
            power(transition, i - left[-1])[canvas[left[-1]]]
            if len(left)
            else law.initial @ power(transition, i)
        )
        if len(right):
            expected = expected * power(transition, right[0] - i)[:, canvas[right[0]]]
        np.testing.assert_allclose(marginals[i], expected / expected.sum(), rtol=1e-12)
    start = law.initial @ power(transition, shown[0])
    log2 = math.log2(start[canvas[shown[0]]]) + math.fsum(
        math.log2(power(transition, b - a)[canvas[a], canvas[b]]) for a, b in pairwise(shown)
    )
    assert law._log2_mass(canvas[None])[0] == pytest.approx(log2, rel=1e-13)


def test_long_chains_and_models_need_no_table():
    chain = markov_chain(STICKY, length=2000)
    assert chain.support_size == 2**2000
    assert chain.entropy() == pytest.approx(1 + 1999 * bits(0.1, 0.9), rel=1e-13)
    assert chain.log2_mode() == pytest.approx(-1 + 1999 * math.log2(0.9), rel=1e-13)
    assert len(information.information_curve(chain)) == 2000
    sample = chain.sample(200, seed=1)
    assert (sample[:, 1:] != sample[:, :-1]).mean() == pytest.approx(0.1, abs=0.003)
    assert (sample == 0).mean() == pytest.approx(0.5, abs=0.02)
    model = hidden_markov(*CASINO, length=2000)
    assert model.support_size == 6**2000
    assert model.log2_mode() is None
    rolls = model.sample(200, seed=1)
    assert (rolls == 5).mean() == pytest.approx(2 / 3 / 6 + 1 / 3 / 2, abs=0.01)
    assert np.isfinite(model.log2_probability(rolls)).all()
    assert model._completions(np.full((1, 2000), -1, np.int32))[0] == math.inf
    with pytest.raises(ValueError, match=r"hidden_markov\(.* has about 10\^1556 outcomes"):
        model.table()


def test_nothing_underflows():
    """A state that outlasts 2000 coin flips, and one that the last token picks after 2000."""
    chain = markov_chain(ONE_WAY, length=2000, initial=[1, 0])
    canvas = np.full(2000, -1)
    canvas[-1] = 0
    assert chain._log2_mass(canvas[None])[0] == -1999
    assert (chain.marginals(canvas)[0] == [1, 0]).all()
    assert chain.support_size == 2000
    assert chain.log2_mode() == -1
    assert chain.entropy() == 2
    with pytest.raises(ValueError, match="probabilities are too small for a float"):
        chain.table()
    model = hidden_markov(np.eye(2), [[1, 0], [0.5, 0.5]], length=2000, initial=[0.5, 0.5])
    word = np.zeros((1, 2000), int)
    word[0, -1] = 1
    assert model.log2_probability(word)[0] == -2001
    word[0, 5] = -1
    assert model.marginals(word)[0, 5].tolist() == [0.5, 0.5]
    race = hidden_markov(
        np.eye(2), [[1 - 2**-20, 2**-20], [0.5, 0.5]], length=4000, initial=[0.5, 0.5]
    )
    word = np.zeros((1, 4000), int)
    word[0, 2000:] = 1
    assert race.log2_probability(word)[0] == pytest.approx(-4001, rel=1e-13)


def test_tiny_factors_on_both_sides_of_a_mask():
    """Only the path 0, 1, 0 shows token 0 twice, each of its four other factors near 2**-275."""
    rare, seen = 2.0**-300, 2.0**-250
    law = hidden_markov(
        [[0, rare, 1], [rare, 1, 0], [0, 0, 1]],
        [[seen, 1, 0], [0, 0.5, 0.5], [0, 1, 0]],
        length=3,
        initial=[1, 0, 0],
    )
    assert law._log2_mass(np.array([[0, -1, 0]]))[0] == -1100
    assert law.marginals([0, -1, 0])[0, 1].tolist() == [0, 0.5, 0.5]


def exact_mass(law, canvas):
    """The forward recursion in fractions."""
    ahead = [F(p) for p in law.initial.tolist()]
    transition = [[F(p) for p in row] for row in law.transition.tolist()]
    emission = [[F(p) for p in row] for row in law.emission.tolist()]
    states = range(len(ahead))
    for i, token in enumerate(canvas):
        if token >= 0:
            ahead = [ahead[s] * emission[s][token] for s in states]
        if i < len(canvas) - 1:
            ahead = [sum(ahead[s] * transition[s][t] for s in states) for t in states]
    return sum(ahead)


@given(generator=st.integers(0, 2**32).map(np.random.default_rng))
def test_unlikely_states_keep_their_digits(generator):
    """Probabilities down to 2**-330: states fall behind by thousands of bits and come back."""
    states, n = int(generator.integers(2, 4)), 24

    def steep(count, width):
        exponents = generator.choice([0, 0, 1, 5, 90, 200, 330, 9999], size=(count, width))
        exponents[np.arange(count), generator.integers(width, size=count)] = 0
        weights = np.where(exponents == 9999, 0, np.exp2(-np.minimum(exponents, 330)))
        return weights / weights.sum(axis=1, keepdims=True)

    law = hidden_markov(
        np.maximum(steep(states, states), 0), steep(states, 2), length=n,
        initial=steep(1, states)[0],
    )  # fmt: skip
    canvas = generator.integers(0, 2, n)
    canvas[generator.random(n) < 0.3] = -1
    mass = exact_mass(law, canvas.tolist())
    found = law._log2_mass(canvas[None])[0]
    if mass == 0:
        assert found == -math.inf
        return
    assert found == pytest.approx(oracle.log2_fraction(mass), rel=1e-14, abs=1e-12)
    marginals = law.marginals(canvas)[0]
    for i in np.flatnonzero(canvas < 0):
        for v in range(2):
            filled = canvas.copy()
            filled[i] = v
            share = float(exact_mass(law, filled.tolist()) / mass)
            assert marginals[i, v] == pytest.approx(share, rel=1e-12, abs=1e-240)


def test_certainty_is_exactly_zero_bits():
    for law, word in (
        (markov_chain(CYCLE, length=50, initial=[1, 0, 0]), np.arange(50) % 3),
        (hidden_markov(np.full((3, 3), 1 / 3), [[1.0]] * 3, length=5000), np.zeros(5000, int)),
    ):
        assert law.support_size == 1
        for value in (law.log2_probability(word), law.log2_mode(), law.entropy()):
            assert value == 0
            assert not np.signbit(value).any()
    blurred = np.random.default_rng(0).dirichlet(np.ones(7), size=7)
    for n in (2, 100, 10_000):
        law = hidden_markov(blurred, [[1.0]] * 7, length=n)
        assert law.log2_probability(np.zeros(n, int))[0] == 0
    nearly = markov_chain(np.eye(2), length=2, initial=[1 - 2**-40, 2**-40])
    assert nearly.log2_probability([0, 0])[0] == pytest.approx(math.log2(1 - 2**-40), rel=1e-12)


# Symmetry, support, decoding --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "names"),
    [
        (markov_chain(STICKY, length=3), {"reverse the positions", "swap 0 and 1"}),
        (markov_chain(STICKY, length=1), {"swap 0 and 1"}),
        (markov_chain(STICKY, length=3, initial=[1, 0]), set()),
        (markov_chain([[0.9, 0.1], [0.3, 0.7]], length=3), {"reverse the positions"}),
        (markov_chain(RING, length=3), {"move all states by one"}),
        (markov_chain(CYCLE, length=3), {"move all states by one"}),
        (
            markov_chain(WALK, length=3),
            {"reverse the positions", "reverse the order of the states"},
        ),
        (
            markov_chain([[0.4, 0.3, 0.3], [0.2, 0.5, 0.3], [0.2, 0.3, 0.5]], length=2),
            {"reverse the positions", "swap 1 and 2"},
        ),
        (hidden_markov(*CASINO, length=3), {"reverse the positions"}),
        (hidden_markov(*CASINO, length=1), set()),
        (hidden_markov(RING, [[1, 0], [0, 1], [0, 1]], length=3), set()),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_symmetries_are_found(law, names):
    assert {automorphism.name for automorphism in law.symmetries()} == names


def test_counting_the_support_may_be_too_much():
    """One of 16 last tokens was a 1: every pattern of them is a set of hidden states of its own."""
    depth = 16
    transition = np.zeros((depth + 1, depth + 1))
    transition[0, :2] = 0.5
    transition[np.arange(1, depth), np.arange(2, depth + 1)] = 1
    transition[depth, 0] = 1
    emission = np.full((depth + 1, 2), 0.5)
    emission[1] = [0, 1]
    law = hidden_markov(transition, emission, length=30)
    assert law.support_size is None
    assert law.log2_mode() is None
    assert "too many outcomes" in repr(law)
    assert law._completions(np.full((2, 30), -1, np.int32)).tolist() == [math.inf] * 2
    assert np.isfinite(law.log2_probability(law.sample(20))).all()
    with pytest.raises(ValueError, match="has too many outcomes"):
        law.table()


def test_counting_the_support_may_take_too_many_additions():
    generator = np.random.default_rng(0)
    transition = generator.dirichlet(np.ones(100), size=100)
    transition[generator.random((100, 100)) < 0.5] = 0
    transition /= transition.sum(axis=1, keepdims=True)
    assert markov_chain(transition, length=10_000, initial=np.eye(100)[0]).support_size is None
    short = markov_chain(transition, length=2, initial=np.eye(100)[0])
    assert short.support_size == np.count_nonzero(transition[0])


def test_large_tables_come_in_slices():
    law = markov_chain([[F(3, 4), F(1, 4)], [F(1, 2), F(1, 2)]], length=18)
    full = law.table()
    assert len(full.outcomes) == 2**18
    assert full.integer
    some = np.random.default_rng(0).integers(2**18, size=500)
    np.testing.assert_allclose(
        np.log2(full.probabilities[some]), law.log2_probability(full.outcomes[some]), rtol=1e-13
    )


def test_counts_beyond_a_table_become_floats():
    start = [F(1, 2**53 - 1), F(2**53 - 2, 2**53 - 1)]
    halves = [[F(1, 2), F(1, 2)]] * 2
    assert markov_chain(halves, length=2).table().integer
    full = markov_chain(halves, length=2, initial=start).table()
    assert not full.integer
    assert full.probabilities[-1] == pytest.approx(0.5, rel=1e-15)


def test_sets_that_are_not_counted_per_canvas_still_bound_the_completions():
    generator = np.random.default_rng(0)
    transition = np.where(generator.random((9, 9)) < 0.35, 1.0, 0) + np.eye(9)
    transition /= transition.sum(axis=1, keepdims=True)
    emission = np.where(generator.random((9, 3)) < 0.5, 1.0, 0)
    emission[:, 0] += ~emission.any(axis=1)
    emission /= emission.sum(axis=1, keepdims=True)
    law = hidden_markov(transition, emission, length=7, initial=np.eye(9)[0])
    seen = law.table()
    assert law.support_size == len(seen.outcomes) > 100
    canvases = np.where(generator.random((50, 7)) < 0.5, -1, law.sample(50))
    np.testing.assert_array_equal(law._completions(canvases), seen._completions(canvases))


def test_decoding_a_chain_is_decoding_its_table():
    for law in (
        markov_chain([[0.7, 0.3, 0], [0.2, 0.5, 0.3], [0, 0.1, 0.9]], length=4),
        hidden_markov(STICKY, [[0.8, 0.2], [0.3, 0.7]], length=4),
    ):
        decoder = Decoder(strategies.TopK(2))
        for noise in (None, 0.7):
            runs = [
                infodecode.exact(
                    d, decoder, model=None if noise is None else infodecode.NoisyModel(d, noise)
                )
                for d in (law, law.table())
            ]
            outputs = [
                dict(zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True))
                for run in runs
            ]
            assert outputs[0].keys() == outputs[1].keys()
            for y, p in outputs[0].items():
                assert p == pytest.approx(outputs[1][y], abs=1e-12)
            assert runs[0].kl == pytest.approx(runs[1].kl, abs=1e-12)
            assert runs[0].kl > 1e-3


def test_exact_chains_decode_in_fractions():
    law = markov_chain(RING, length=3)
    run = infodecode.exact(law.table(), Decoder(strategies.TopK(1)), arithmetic="rational")
    assert run.validity == 1
    assert isinstance(run.validity, Fraction)


def test_laws_print_and_travel():
    law = markov_chain(STICKY, length=3, labels=["sun", "rain"])
    assert law.render([0, 1, -1]) == "sun rain _"
    assert repr(law) == "<markov_chain(2 states, length=3): 3 positions, 8 outcomes>"
    copy = pickle.loads(pickle.dumps(hidden_markov(*CASINO, length=3)))
    assert repr(copy) == (
        "<hidden_markov(2 states, 6 tokens, length=3): 3 positions, 216 outcomes>"
    )
    with pytest.raises(ValueError, match="read-only"):
        law.transition[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        law.position_entropies()[0] = 1


# Refusals ---------------------------------------------------------------------------------------

BAD_CHAINS = [
    ([[0.5, 0.5], [0.5, 0.4]], {}, ValueError, r"transition\[1\] must add up to 1, got 0\.9"),
    ([[F(1, 2), F(1, 2)], [F(1, 3), 1]], {}, ValueError, r"transition\[1\] must add up to 1"),
    ([[0.5, 0.5], [-0.5, 1.5]], {}, ValueError, r"transition\[1\]\[0\] must be at least 0"),
    ([[0.5, 0.5], [0.0, math.nan]], {}, ValueError, r"transition\[1\]\[1\] must be finite"),
    ([[1, 0], [0, 2]], {}, ValueError, r"transition\[1\]\[1\] must be at most 1, got 2"),
    ([[1 - 1e-101, 1e-101], [0, 1]], {}, ValueError, r"must be 0 or at least 1e-100, got 1e-101"),
    ([[F(1), F(1, 10**400)], [0, 1]], {}, ValueError, r"must be 0 or at least 1e-100"),
    ([[True, False], [False, True]], {}, TypeError, r"transition\[0\]\[0\] must be a real number"),
    ([["1", "0"], ["0", "1"]], {}, TypeError, r"transition\[0\]\[0\] must be a real number"),
    ([[1, 0]], {}, ValueError, r"transition must be square, got shape \(1, 2\)"),
    ([[1, 0], [1]], {}, ValueError, "transition must be a rectangular array"),
    ([], {}, ValueError, "transition must have 2 axes, not empty"),
    ([0.5, 0.5], {}, ValueError, "transition must have 2 axes"),
    (3, {}, TypeError, "transition must be a sequence, got 3"),
    (np.eye(101), {}, ValueError, "transition may have at most 100 rows and columns"),
    (np.eye(2), {}, ValueError, "initial must be given: .* states 0 and 1 never reach each other"),
    (STICKY, {"initial": [1]}, ValueError, r"initial must have one entry per state \(2\), got 1"),
    (STICKY, {"initial": [0.6, 0.6]}, ValueError, r"initial must add up to 1, got 1\.2"),
    (STICKY, {"initial": [[0.5, 0.5]]}, ValueError, "initial must have 1 axis"),
    (STICKY, {"labels": ["a"]}, ValueError, "labels must name 2 tokens, got 1"),
    (STICKY, {"labels": ["a", "a"]}, ValueError, r"must be distinct, got 'a' twice"),
    (STICKY, {"labels": "ab"}, TypeError, "labels must be a sequence"),
    (STICKY, {"length": 0}, ValueError, "length must be at least 1"),
    (STICKY, {"length": 10_001}, ValueError, "length must be at most 10000"),
    (STICKY, {"length": 2.0}, TypeError, "length must be an integer"),
]


@pytest.mark.parametrize(("transition", "options", "error", "message"), BAD_CHAINS)
def test_bad_chains_are_refused(transition, options, error, message):
    with pytest.raises(error, match=message):
        markov_chain(transition, **{"length": 3, **options})


def test_bad_hidden_markov_models_are_refused():
    with pytest.raises(ValueError, match=r"emission\[1\] must add up to 1, got 0\.8"):
        hidden_markov(STICKY, [[1, 0], [0.4, 0.4]], length=2)
    with pytest.raises(ValueError, match=r"one row per hidden state \(2\), got 1"):
        hidden_markov(STICKY, [[1, 0]], length=2)
    with pytest.raises(ValueError, match="emission may have at most 1000 rows and columns"):
        hidden_markov([[1]], np.full((1, 2000), 1 / 2000), length=2)
    with pytest.raises(ValueError, match="labels must name 6 tokens, got 5"):
        hidden_markov(*CASINO, length=2, labels=range(5))
    climb = np.diag([1e-60] * 8, -1) + np.diag([0.5] * 8, 1)
    climb += np.diag(1 - climb.sum(axis=1))
    with pytest.raises(ValueError, match=r"initial must be given: .* below 1e-100"):
        hidden_markov(climb, np.ones((9, 1)), length=2)
    assert hidden_markov(climb, np.ones((9, 1)), length=2, initial=np.eye(9)[0]).entropy() == 0


def test_rows_that_nearly_add_up_are_divided_by_their_sums():
    law = markov_chain([[0.3333333333, 0.6666666666], [0.5, 0.5]], length=2)
    assert law.transition[0].sum() == 1
    assert law.transition[0, 0] == pytest.approx(1 / 3, rel=1e-9)


def test_negative_zero_is_zero():
    marginals = markov_chain([[1.0, -0.0], [-0.0, 1.0]], length=2, initial=[1, 0]).marginals(
        [0, -1]
    )
    assert not np.signbit(marginals).any()


def test_entropies_of_too_many_words_are_refused():
    emission = np.random.default_rng(0).dirichlet(np.ones(1000), size=2)
    law = hidden_markov(STICKY, emission, length=5)
    assert law.entropy([0, 4]) < 2 * math.log2(1000)
    with pytest.raises(ValueError, match=r"entropy of 3 positions .* more than 4,194,304 words"):
        law.entropy([0, 1, 2])


# Kernels ----------------------------------------------------------------------------------------


@given(generator=st.integers(0, 2**32).map(np.random.default_rng))
def test_chain_kernels_run_plain(generator):
    states, tokens, n = 3, 2, 6
    transition = generator.dirichlet(np.ones(states), size=states)
    transition[0, 1] = 1e-90
    emission = generator.dirichlet(np.ones(tokens), size=states)
    emission[1] = [0, 1]
    initial = generator.dirichlet(np.ones(states))
    canvases = generator.integers(-1, tokens, (8, n)).astype(np.int32)
    rows_, positions = np.nonzero(canvases < 0)
    (laws,) = both(
        chains.hidden_laws_into, canvases, rows_, positions, initial, transition,
        np.ascontiguousarray(transition.T), emission, np.zeros((len(rows_), tokens)), fills=[7],
    )  # fmt: skip
    assert laws.shape == (len(rows_), tokens)
    both(
        chains.hidden_masses_into, canvases, initial, transition, emission,
        np.empty(8), np.empty(8, np.int64), fills=[4, 5],
    )  # fmt: skip
    follow = generator.integers(-1, 4, (4, tokens))
    both(chains.count_words_into, canvases, follow, np.empty(8), fills=[2])
    both(chains.row_entropies, transition, fills=[])
    row, power = np.array([1e-200, 1.0, 0.0]), np.array([-2, 0, 3])
    both(
        chains.state_law_into, row[None], power[None], row[None], power[None], 0,
        np.empty(3), np.empty(3, np.int64), fills=[5],
    )  # fmt: skip


@given(a=st.floats(1e-150, 1e77), b=st.floats(1e-150, 1e77), gap=st.integers(-4, 4))
def test_scaled_sums(a, b, gap):
    mass, scale = chains.added(a, 0, b, gap)
    exact = F(a) + F(b) * F(2) ** (512 * gap)
    assert float(F(mass) * F(2) ** (512 * int(scale)) / exact) == pytest.approx(1, rel=1e-15)
    both(chains.added, a, 0, b, gap, fills=[])
    mass, scale = chains.settled(a, gap)
    assert F(mass) * F(2) ** (512 * int(scale)) == F(a) * F(2) ** (512 * gap)
    assert 2.0**-256 <= mass <= 2.0**257
    both(chains.settled, a, gap, fills=[])
