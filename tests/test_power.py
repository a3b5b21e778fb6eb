"""Power laws against the definition, family by family."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import distributions
from infodecode.distributions import log2_power_mass, log2_power_sum, power
from tests import laws, oracle, translation

CHAIN = distributions.markov_chain([[0.9, 0.1, 0], [0.3, 0.6, 0.1], [0, 0.5, 0.5]], length=4)

FAMILIES = [
    distributions.titanic(),
    distributions.words(4, most=40, weighted=True),
    distributions.variable_names(),
    distributions.variable_names("<a> {{x}} = <b> + <a>", {"a": {"i": 3, "j": 1}, "b": {"k": 1}}),
    CHAIN,
    distributions.markov_chain([[0.5, 0.5], [0.2, 0.8]], length=1),
    distributions.hidden_markov([[0.9, 0.1], [0.3, 0.7]], [[0.5, 0.5, 0], [0, 0.2, 0.8]], length=3),
    distributions.concatenate(distributions.titanic(), CHAIN),
    distributions.mixture([distributions.permutations(3), distributions.copy(3)], [1, 2]),
]

UNIFORM = [
    distributions.permutations(4), distributions.replace_random(4), distributions.insert_random(3),
    distributions.remove_random(4), distributions.parity(4), distributions.derangements(4),
    distributions.shuffled(4), distributions.copy(3), distributions.latin_squares(3),
    distributions.linear_code([[1, 0, 1, 1], [0, 1, 1, 0]]),
]  # fmt: skip


def canvases_of(law, count=25):
    """Some canvases of positive probability, and one without tokens."""
    generator = np.random.default_rng(3)
    rows = law.sample(count, seed=1)
    hidden = generator.random(rows.shape) < generator.random((count, 1))
    return np.concatenate([np.where(hidden, -1, rows), np.full((1, law.length), -1)])


def future(table, canvas, alpha):
    agrees = ((canvas < 0) | (canvas == table.outcomes)).all(axis=1)
    masses = table.probabilities[agrees]
    return math.log2(math.fsum((masses / math.fsum(masses)) ** alpha))


@pytest.mark.parametrize("law", FAMILIES + UNIFORM, ids=lambda law: law.name[:40])
@pytest.mark.parametrize("alpha", [0.5, 2, 3.5])
def test_power_law_of_every_family(law, alpha):
    table, raised = law.table(), power(law, alpha)
    weights = table.probabilities**alpha
    expected = dict(zip(map(tuple, table.outcomes.tolist()), weights / weights.sum(), strict=True))
    found = raised.table()
    got = dict(zip(map(tuple, found.outcomes.tolist()), found.probabilities, strict=True))
    assert got == pytest.approx(expected, abs=1e-13)
    assert raised.labels == law.labels
    assert raised.names == law.names
    assert raised.template == law.template
    canvases = canvases_of(law)
    bits = [future(table, canvas, alpha) for canvas in canvases]
    assert log2_power_mass(law, canvases, alpha) == pytest.approx(bits, abs=1e-10)
    assert raised.marginals(canvases) == pytest.approx(found.marginals(canvases), abs=1e-12)
    assert log2_power_sum(law, alpha) == pytest.approx(
        (1 - alpha) * infodecode.renyi_entropy(law, alpha), abs=1e-10
    )


@pytest.mark.parametrize("law", UNIFORM, ids=lambda law: law.name)
def test_uniform_laws_stay_as_they_are(law):
    assert power(law, 3) is law


def test_alpha_one_changes_nothing():
    law = distributions.titanic()
    assert power(law, 1) is law
    assert power(law, 1.0) is law
    assert log2_power_sum(law, 1) == 0.0
    assert (log2_power_mass(law, canvases_of(law), 1) == 0.0).all()


@given(sample=laws.counted(), alpha=st.integers(1, 6))
def test_counts_are_raised_exactly(sample, alpha):
    law = translation.table(sample)
    expected = oracle.normalised({y: p**alpha for y, p in sample.law.items()})
    raised = power(law, alpha)
    assert raised.integer
    assert translation.law(raised) == expected


@given(sample=laws.floating(), alpha=st.floats(0.1, 8))
def test_power_law_balances_quality_and_exploration(sample, alpha):
    """E_q[log2 mu] + H(q)/alpha is at most log2(Z)/alpha, and mu^alpha/Z attains it."""
    law = translation.table(sample)
    raised = power(law, alpha)
    best = log2_power_sum(law, alpha) / alpha

    def value(q):
        return float(q.probabilities @ law.log2_probability(q.outcomes)) + q.entropy() / alpha

    assert value(raised) == pytest.approx(best, abs=1e-9)
    assert value(law) <= best + 1e-9
    assert value(power(law, alpha + 1)) <= best + 1e-9


@given(sample=laws.floating())
def test_powers_of_powers(sample):
    law = translation.table(sample)
    twice = power(power(law, 2), 1.5)
    assert infodecode.total_variation(twice, power(law, 3)) == pytest.approx(0, abs=1e-12)


def test_powers_of_a_chain_are_chains_of_any_length():
    chain = distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=2000)
    raised = power(chain, 4)
    assert isinstance(raised, distributions.InhomogeneousChain)
    rows = raised.sample(20, seed=1)
    expected = 4 * chain.log2_probability(rows) - log2_power_sum(chain, 4)
    assert raised.log2_probability(rows) == pytest.approx(expected, abs=1e-8)
    assert raised.support_size == 2**2000
    assert raised.log2_mode() == pytest.approx(
        4 * chain.log2_mode() - log2_power_sum(chain, 4), abs=1e-8
    )
    again = power(power(CHAIN, 2), 3)
    assert infodecode.total_variation(again.table(), power(CHAIN, 6).table()) < 1e-12


def test_inhomogeneous_chain_is_its_table():
    raised = power(CHAIN, 2)
    table = raised.table()
    assert raised.support_size == table.support_size
    assert raised.log2_mode() == pytest.approx(table.log2_mode())
    for positions in ((), (0,), (1, 3), (0, 1, 2, 3)):
        assert raised.entropy(positions) == pytest.approx(table.entropy(positions), abs=1e-12)
    assert raised.position_entropies() == pytest.approx(table.position_entropies(), abs=1e-12)
    canvases = canvases_of(raised)
    assert raised._log2_mass(canvases) == pytest.approx(table._log2_mass(canvases), abs=1e-12)
    ways = table._completions(canvases)
    assert (raised._completions(canvases) >= ways).all()
    assert raised._completions(canvases) == pytest.approx(ways)
    impossible = np.array([[0, 2, -1, -1]], np.int32)
    assert np.isneginf(raised._log2_mass(impossible)).all()
    assert (raised._laws(impossible, np.array([0]), np.array([3])) == 0).all()
    counts = np.bincount(raised.sample(20_000, seed=2)[:, 3], minlength=3)
    marginal = table.marginals([-1] * 4)[0, 3]
    assert counts / 20_000 == pytest.approx(marginal, abs=0.02)


def test_futures():
    law = distributions.from_counts([[0, 0], [0, 1], [1, 1]], [1, 3, 4])
    bits = log2_power_mass(law, [[0, -1], [1, -1], [0, 1], [1, 0], [-1, -1]], 2)
    assert bits[1:4].tolist() == [0.0, 0.0, -math.inf]
    assert bits[[0, 4]] == pytest.approx([math.log2(10 / 16), math.log2(26 / 64)])


def test_futures_of_rare_canvases_do_not_underflow():
    tiny = 1e-200
    law = distributions.Table([[0, 0], [1, 0], [1, 1]], [1 - 2 * tiny, tiny, tiny])
    assert log2_power_mass(law, [1, -1], 2)[0] == pytest.approx(-1)
    with pytest.raises(ValueError, match=r"alpha must leave every outcome of .* got 2: the least"):
        power(law, 2)
    chain = distributions.markov_chain([[1 - 1e-90, 1e-90], [0.5, 0.5]], length=3)
    with pytest.raises(ValueError, match=r"alpha must leave every outcome of .* got 4"):
        power(chain, 4)
    with pytest.raises(ValueError, match="alpha must keep the powers of the probabilities of"):
        log2_power_mass(chain, [-1, -1, 0], 4)


def test_large_counts_become_floats():
    law = distributions.Table([[0], [1]], [3, 2**20])
    assert power(law, 2).integer
    assert not power(law, 3).integer
    assert power(law, 3).probabilities[1] == pytest.approx(1 - Fraction(27, 2**60), abs=1e-15)
    assert power(distributions.Table([[0], [1]], [2**40, 2**41]), 9).integer


def test_refusals():
    law = distributions.titanic()
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="alpha must be greater than 0, got"):
            power(law, wrong)
    with pytest.raises(ValueError, match="alpha must be finite, got inf"):
        log2_power_sum(law, math.inf)
    with pytest.raises(TypeError, match="alpha must be a real number, got '2'"):
        log2_power_mass(law, [-1] * 4, "2")
    with pytest.raises(TypeError, match="distribution must be a distribution, got 3"):
        power(3, 2)
    casino = distributions.hidden_markov(
        [[0.9, 0.1], [0.3, 0.7]], [[0.5, 0.5], [0.1, 0.9]], length=30
    )
    with pytest.raises(ValueError, match=r"needs all its outcomes \(1,073,741,824\), more than"):
        power(casino, 2)
