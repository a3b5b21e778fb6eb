"""Exact chains: against chains built path by path in fractions, and against what is proved."""

import itertools
import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.exploration import exact_chain
from infodecode.models import NoisyModel
from infodecode.token_rules import LocalPower
from tests import oracle, small_strategies, translation
from tests.laws import DIALECTS, TOP_K, counted, floating, thresholds

BITS = distributions.Table([[0, 0], [1, 1]])
KARAN_DU = distributions.Table([[0, 1], [1, 0], [1, 1]], [8, 5, 5])


# The oracle: every path of a decode, and chains on them -------------------------------------


def paths(law, canvas, strategy, dialect, number=1):
    """(sequence, token probability, position probability) of every path on the support."""
    if oracle.MASK not in canvas:
        yield canvas, Fraction(1), Fraction(1)
        return
    raw = oracle.token_laws(law, canvas)
    positions = oracle.feasible(canvas, dialect.block_length)
    drawable = {i: oracle.tempered(raw[i], dialect) for i in positions}
    seen = drawable if dialect.confidence == "tempered" else raw
    scores = {i: oracle.score(strategy.by, i, seen[i], None) for i in positions}
    for chosen, p in oracle.choices(strategy, number, scores, dialect):
        for tokens, q in oracle.draws(drawable, chosen):
            child = oracle.fill(canvas, tokens)
            if oracle.consistent(law, child):
                for end, t, r in paths(law, child, strategy, dialect, number + 1):
                    yield end, q * t, p * r


def output(law, canvas, strategy, dialect, number=1):
    """Law of what a decode puts out from a canvas, as far as it stays on the support."""
    if oracle.MASK not in canvas:
        return {canvas: Fraction(1)}
    out = defaultdict(Fraction)
    raw = oracle.token_laws(law, canvas)
    for child, p in oracle.one_round(canvas, number, strategy, dialect, raw).items():
        if oracle.consistent(law, child):
            for end, q in output(law, child, strategy, dialect, number + 1).items():
                out[end] += p * q
    return dict(out)


def powered(law, alpha):
    return oracle.normalised({y: p**alpha for y, p in law.items()})


def kept(sequence, masked):
    return tuple(-1 if i in masked else v for i, v in enumerate(sequence))


def sets_of(cuts, length):
    if cuts is None:
        return [tuple(range(length))]
    return [tuple(range(c, length)) if isinstance(c, int) else tuple(c) for c in cuts]


def matrix(law, strategy, dialect, alpha, cuts, *, by="marginal"):
    """Transition matrix in fractions, from the definition."""
    target, states = powered(law, alpha), list(law)
    sets = sets_of(cuts, len(states[0]))
    p = [[Fraction(0)] * len(states) for _ in states]
    for masked in sets:
        share = Fraction(1, len(sets))
        for a, x in enumerate(states):
            canvas = kept(x, masked)
            stay = share
            for b, moved in _accepted(law, target, canvas, x, states, strategy, dialect, by):
                p[a][b] += share * moved
                stay -= share * moved
            p[a][a] += stay
    return p


def _accepted(law, target, canvas, x, states, strategy, dialect, by):
    if by == "marginal":
        q = output(law, canvas, strategy, dialect)
        for b, y in enumerate(states):
            if q.get(y):
                yield b, min(q[y], target[y] * q.get(x, 0) / target[x])
        return
    found = list(paths(law, canvas, strategy, dialect))
    for b, y in enumerate(states):
        ways = [(t, r) for end, t, r in found if end == y]
        back = [(t, r) for end, t, r in found if end == x]
        total = sum(
            (r * s * min(target[x] * u, target[y] * t) for t, r in back for u, s in ways),
            Fraction(0),
        )
        yield b, total / target[x]


@st.composite
def problems(draw, *, orders=("choose-then-sample", "sample-then-choose"), hot=False):
    sample = draw(counted(3, 6))
    dialect = draw(DIALECTS.filter(lambda d: d.order in orders and (not hot or d.temperature)))
    strategy = draw(st.one_of(TOP_K, thresholds(sample.law, dialect)))
    positions = range(sample.length)
    subset = st.sets(st.sampled_from(positions), min_size=1).map(sorted).map(tuple)
    cut = st.sampled_from(positions)
    cuts = draw(st.none() | st.lists(st.one_of(cut, subset), min_size=1, max_size=3))
    return sample, strategy, dialect, cuts


@given(problems(), st.sampled_from([1, 2, 3]))
def test_the_rational_chain_is_the_one_of_the_definition(problem, alpha):
    sample, strategy, dialect, cuts = problem
    law = translation.table(sample)
    chain = exact_chain(
        law, translation.decoder(strategy, dialect), alpha=alpha, cuts=cuts,
        arithmetic="rational", reducible="report",
    )  # fmt: skip
    assert chain.transition.tolist() == matrix(sample.law, strategy, dialect, alpha, cuts)
    assert chain.target.tolist() == list(powered(sample.law, alpha).values())
    assert chain.balance_error == chain.stationarity_error == 0
    blank = (-1,) * sample.length
    q = output(sample.law, blank, strategy, dialect)
    assert chain.entry.tolist() == [q.get(y, 0) for y in sample.law]


@given(problems(orders=("choose-then-sample",), hot=True), st.sampled_from([1, 2]))
def test_chains_weighed_by_paths_are_those_of_the_definition(problem, alpha):
    sample, strategy, dialect, cuts = problem
    cuts = [*(cuts or [0]), (sample.length - 1,)]
    chain = exact_chain(
        translation.table(sample), translation.decoder(strategy, dialect), alpha=alpha, cuts=cuts,
        density="path", reducible="report",
    )  # fmt: skip
    if sample.length == 1:
        return
    expected = matrix(sample.law, strategy, dialect, alpha, cuts, by="path")
    np.testing.assert_allclose(chain.transition, np.array(expected, float), atol=1e-12)


@given(problems(orders=("choose-then-sample",), hot=True), st.sampled_from([1, 2]))
def test_states_that_keep_their_path_are_lumped_rightly(problem, alpha):
    """The chain on (sequence, whole path), each path by itself: the same laws of the sequence."""
    sample, strategy, dialect, _ = problem
    found = list(paths(sample.law, (-1,) * sample.length, strategy, dialect))
    target = powered(sample.law, alpha)
    pi = [target[x] * r for x, _, r in found]
    move = [[t * r * _least(pi, found, a, b) for b, (_, t, r) in enumerate(found)]
            for a in range(len(found))]  # fmt: skip
    for a, row in enumerate(move):
        row[a] += 1 - sum(row)
    chain = exact_chain(
        translation.table(sample), translation.decoder(strategy, dialect), alpha=alpha,
        density="path",
    )  # fmt: skip
    off = 1 - sum(t * r for _, t, r in found)
    law, p = np.array([t * r for _, t, r in found], object), np.array(move, object)
    for step in range(4):
        by_sequence = dict.fromkeys(sample.law, Fraction(0))
        for (x, _, _), mass in zip(found, law, strict=True):
            by_sequence[x] += mass
        tv = sum(max(target[x] - mass, Fraction(0)) for x, mass in by_sequence.items())
        assert chain.total_variation(3)[step] == pytest.approx(float(tv), abs=1e-12)
        assert chain.validity(3)[step] == pytest.approx(float(sum(law)), abs=1e-12)
        law = law @ p + off * np.array([t * r for _, t, r in found], object)
        off *= 1 - sum(t * r for _, t, r in found)


def _least(pi, found, a, b):
    (_, t, r), (_, u, s) = found[a], found[b]
    return min(Fraction(1), pi[b] * t * r / (pi[a] * u * s))


def test_counting_the_probabilities_of_positions_biases_the_chain():
    """The smallest example: after the first of three bits the others are tied, or not.

    One position a round is exact, so every path is right as it is. Weighed by tokens the chain
    keeps mu; weighed by tokens and positions it doubles the half whose paths are two.
    """
    law = distributions.Table(
        [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]],
        [18, 18, 18, 18, 9, 9, 3, 3],
    )
    mu, rule = translation.law(law), oracle.TopK((1,), "confidence")
    found = list(paths(mu, (-1, -1, -1), rule, oracle.Dialect()))
    assert {x: t for x, t, _ in found} == mu
    weights = defaultdict(Fraction)
    for x, t, r in found:
        weights[x] += t * r * (mu[x] / (t * r))
    biased = oracle.normalised(weights)
    first = [sum(p for x, p in law_.items() if x[0] == 0) for law_ in (mu, biased)]
    assert first == [Fraction(3, 4), Fraction(6, 7)]
    decoder = Decoder(strategies.OneByOne("confidence"))
    for density in ("path", "marginal"):
        chain = exact_chain(law, decoder, density=density)
        assert chain.acceptance == pytest.approx(1, abs=1e-12)
        assert chain.total_variation(0)[0] == 0
        cut = exact_chain(law, decoder, density=density, cuts=[0, 1, (0, 2)])
        assert cut.acceptance == pytest.approx(1, abs=1e-12)
        assert cut.kl(1)[1] == 0


# What is proved ------------------------------------------------------------------------------

DECODERS = st.one_of(
    st.builds(
        lambda k, by: Decoder(strategies.TopK(k, by)), st.integers(1, 3),
        st.sampled_from(["random", "left_to_right", "confidence"]),
    ),
    st.builds(lambda g: Decoder(strategies.Threshold(g)), st.floats(0, 1)),
    st.builds(
        lambda k, by: Decoder(strategies.TopK(k, by), order="sample-then-choose"),
        st.integers(1, 3), st.sampled_from(["random", "left_to_right"]),
    ),
    st.builds(lambda a: Decoder(strategies.TopK(2), tokens=LocalPower(a)), st.floats(0.5, 3)),
)  # fmt: skip


@given(
    st.one_of(counted(3, 8), floating(3, 8)), DECODERS, st.sampled_from([0.5, 1, 2, 4]),
    st.data(),
)  # fmt: skip
def test_every_chain_is_reversible_and_comes_closer_at_each_step(sample, decoder, alpha, data):
    law = translation.table(sample)
    cuts = data.draw(st.none() | st.lists(st.integers(0, law.length - 1), max_size=3))
    density = data.draw(st.sampled_from(["marginal", "path"]))
    if decoder.draws_first:
        density = "marginal"
    cuts = None if cuts is None else [0, *cuts]
    chain = exact_chain(law, decoder, alpha=alpha, cuts=cuts, density=density)
    assert chain.stationarity_error < 1e-12
    assert chain.balance_error < 1e-12
    assert (chain.transition >= 0).all()
    np.testing.assert_allclose(chain.transition.sum(axis=1), 1, atol=1e-12)
    assert chain.target.sum() == pytest.approx(1, abs=1e-12)
    assert chain.eigenvalues[0] == pytest.approx(1, abs=1e-12)
    assert chain.eigenvalues[-1] > -1e-12
    distance, kl = chain.total_variation(8), chain.kl(8)
    assert (np.diff(distance) <= 1e-12).all()
    assert (np.diff(kl[np.isfinite(kl)]) <= 1e-12).all()
    assert (distance <= np.sqrt((kl + 2e-13) * math.log(2) / 2) + 1e-12).all()
    if cuts is None:
        rate = 1 - 1 / chain.largest_weight
        assert (distance <= rate ** np.arange(1, 10) + 1e-12).all()
        if len(chain.target) > 1:
            assert chain.spectral_gap == pytest.approx(1 / chain.largest_weight, abs=1e-9)
    many = chain.transition
    for _ in range(40):
        many = many @ many
        many /= many.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(many, np.tile(chain.target, (len(many), 1)), atol=1e-6)


@given(counted(3, 6), st.sampled_from(["random", "left_to_right", "confidence"]))
def test_an_exact_decoder_is_accepted_always_at_alpha_one(sample, by):
    law = translation.table(sample)
    chain = exact_chain(law, Decoder(strategies.OneByOne(by)), arithmetic="rational")
    assert chain.acceptance == 1
    assert (chain.total_variation(2) == 0).all()
    assert chain.spectral_gap == pytest.approx(1)


def test_the_repair_of_two_bits():
    chain = exact_chain(BITS, Decoder(strategies.TopK(2)), arithmetic="rational")
    assert chain.total_variation(3).tolist() == [Fraction(1, 2 ** (k + 1)) for k in range(4)]
    assert chain.kl(2).tolist() == pytest.approx([1, math.log2(4 / 3), math.log2(8 / 7)])
    assert chain.validity(1).tolist() == [Fraction(1, 2), Fraction(3, 4)]
    assert chain.calls_per_accepted() == 2
    assert chain.calls_per_accepted(target_calls=1) == 4
    assert chain.law(1).weights.tolist() == pytest.approx([3 / 8, 3 / 8, 1 / 8, 1 / 8])
    assert chain.ess_log2_probability is None
    frame = chain.to_frame(2)
    assert frame["calls"].tolist() == [1, 2, 3]
    assert frame["log2_probability"].tolist() == [-math.inf] * 3
    assert "acceptance" in chain._repr_html_()


def test_karan_and_du_at_alpha_four():
    """Local tempering as a proposal has .291 on 'ab'; its chain goes to the target's .766."""
    decoder = Decoder(strategies.OneByOne("left_to_right"), tokens=LocalPower(4))
    chain = exact_chain(KARAN_DU, decoder, alpha=4, arithmetic="rational")
    assert float(chain.start[0]) == pytest.approx(0.291, abs=5e-4)
    assert float(chain.target[0]) == pytest.approx(0.766, abs=5e-4)
    assert chain.total_variation(60)[-1] < 1e-9
    plain = exact_chain(KARAN_DU, Decoder(strategies.OneByOne()), alpha=4)
    assert plain.target.tolist() == pytest.approx(chain.target.astype(float).tolist())


def test_the_target_is_the_power_law():
    law = distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=3)
    power = distributions.power(law, 2.5)
    chain = exact_chain(law, Decoder(strategies.TopK(2)), alpha=2.5)
    assert np.log2(chain.target) == pytest.approx(power.log2_probability(chain.outcomes))


# Effective sample size -----------------------------------------------------------------------


@given(floating(3, 6), st.integers(0, 2**32))
def test_autocorrelation_times_are_those_of_the_lagged_correlations(sample, seed):
    chain = exact_chain(translation.table(sample), Decoder(strategies.TopK(2)), alpha=2)
    values = np.random.default_rng(seed).normal(size=len(chain.target))
    f = values - chain.target @ values
    variance, time, lagged = chain.target @ f**2, 1.0, f.copy()
    if len(f) == 1:
        assert chain.autocorrelation_time(values) is None
        return
    for _ in range(4000):
        lagged = chain.transition @ lagged
        time += 2 * (chain.target @ (f * lagged)) / variance
    assert chain.autocorrelation_time(values) == pytest.approx(time, rel=1e-5)
    assert chain.autocorrelation_time(np.ones(len(f))) is None
    modes = sample_modes(chain)
    expected = 1 / chain.autocorrelation_time(modes) if 0 < modes.sum() < len(modes) else None
    assert chain.ess_mode == (expected if expected is None else pytest.approx(expected))


def sample_modes(chain):
    return (chain.target >= chain.target.max() * (1 - 1e-12)).astype(float)


# Costs ---------------------------------------------------------------------------------------


def test_costs_of_suffix_proposals():
    """Two a round from 6, 4 or 2 masks: 3, 2 or 1 calls; half a length costs half."""
    chain = exact_chain(distributions.permutations(5), Decoder(strategies.TopK(2)), cuts=[0, 1, 3])
    assert chain.calls_per_step == pytest.approx((3 + 2 + 1) / 3)
    assert chain.evaluations_per_step == pytest.approx(2)
    frame = chain.to_frame(2)
    assert frame["calls"].tolist() == pytest.approx([3, 5, 7])


def test_costs_weigh_canvases_as_in_stationarity():
    """After a 0 both other bits are certain and go at once; after a 1 they go one by one."""
    law = distributions.Table([[0, 0, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]],
                              [4, 1, 1, 1, 1])  # fmt: skip
    for alpha in (1, 3):
        chain = exact_chain(law, Decoder(strategies.Threshold(0.9)), alpha=alpha, cuts=[0, 1])
        certain = chain.target[0]
        whole = infodecode.exact(law, Decoder(strategies.Threshold(0.9))).expected_calls
        assert chain.calls_per_step == pytest.approx((whole + certain + 2 * (1 - certain)) / 2)


def test_a_look_ahead_costs_its_calls():
    law = distributions.parity(3)
    chain = exact_chain(law, Decoder(small_strategies.LeastUncertaintyAfter()))
    run = infodecode.exact(law, Decoder(small_strategies.LeastUncertaintyAfter()))
    assert chain.calls_per_step == pytest.approx(run.expected_calls)
    assert chain.evaluations_per_step == pytest.approx(run.expected_evaluations)


# Starts, other models, revising decoders -----------------------------------------------------


def test_laws_by_step_from_any_start():
    law, decoder = distributions.permutations(3), Decoder(strategies.TopK(3))
    chain = exact_chain(law, decoder)
    run = infodecode.exact(law, decoder, off_support="marginal")
    assert translation_of(chain.law(0)) == pytest.approx(translation_of(run.output))
    at = exact_chain(law, decoder, start=[0, 1, 2])
    assert at.total_variation(0)[0] == pytest.approx(5 / 6)
    assert at.validity(3).tolist() == pytest.approx([1, 1, 1, 1], abs=1e-14)
    assert at.kl(1)[0] == math.inf
    lost = exact_chain(law, decoder, start=[0, 0, 0], arithmetic="rational")
    assert lost.validity(0).tolist() == [0]
    assert lost.law(0).outcomes.tolist() == [[0, 0, 0]]
    one = exact_chain(law, decoder, arithmetic="rational")
    assert lost.total_variation(3)[1:].tolist() == one.total_variation(2).tolist()
    assert translation_of(lost.law(1)) == pytest.approx(translation_of(run.output))
    from_law = exact_chain(law, decoder, start=run.output, cuts=[0, 1])
    assert from_law.start.tolist() == pytest.approx(exact_chain(law, decoder).start.tolist())
    paths_start = exact_chain(KARAN_DU, Decoder(strategies.TopK(1)), start=KARAN_DU, density="path")
    assert paths_start.total_variation(0)[0] == pytest.approx(0, abs=1e-12)


def translation_of(table):
    return {
        tuple(y): float(w)
        for y, w in zip(table.outcomes.tolist(), table.probabilities, strict=True)
    }


@pytest.mark.parametrize("density", ["marginal", "path"])
@pytest.mark.parametrize("cuts", [None, [0, 2], [(0, 1), (1, 2), (0, 1, 2)]])
def test_a_noisy_model_proposes_and_the_target_stays(density, cuts):
    law = distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=3)
    chain = exact_chain(
        law, Decoder(strategies.TopK(2)), alpha=2, model=NoisyModel(law, 0.7, seed=3),
        density=density, cuts=cuts,
    )  # fmt: skip
    assert chain.balance_error < 1e-13
    assert chain.total_variation(200)[-1] < 1e-9
    assert chain.total_variation(0)[0] > 0.01


@pytest.mark.parametrize("cuts", [None, [0, 1], [(0, 2), (0, 1, 2)]])
def test_a_revising_decoder_may_propose(cuts):
    """It may overwrite what was kept: the way back is then from another canvas."""
    law = distributions.Table([[0, 0, 0], [0, 1, 1], [1, 1, 0], [1, 0, 1]], [4, 3, 2, 1])
    decoder = Decoder(small_strategies.BernoulliRemask(2, 0.3, 2))
    chain = exact_chain(law, decoder, alpha=2, cuts=cuts)
    assert chain.balance_error < 1e-13
    assert chain.stationarity_error < 1e-13
    assert chain.total_variation(200)[-1] < 1e-9
    with pytest.raises(ValueError, match="masks tokens again"):
        exact_chain(law, decoder, density="path")


# Refusals ------------------------------------------------------------------------------------


def test_reducible_chains_are_refused_with_the_mass_out_of_reach():
    law, cold = KARAN_DU, Decoder(strategies.OneByOne("left_to_right"), temperature=0)
    with pytest.raises(ValueError, match=r"2 classes, and target mass 0\.444 lies outside"):
        exact_chain(law, cold)
    chain = exact_chain(law, cold, reducible="report")
    assert chain.classes == 2  # it never begins with a; then b, and a tie
    assert chain.missing_mass == pytest.approx(4 / 9)
    assert chain.largest_weight == math.inf
    assert chain.spectral_gap == 0
    assert chain.balance_error < 1e-15
    with pytest.raises(ValueError, match=r"2 classes, and target mass 0\.444"):
        exact_chain(law, Decoder(strategies.TopK(2)), cuts=[1])
    tail = exact_chain(law, Decoder(strategies.TopK(2)), cuts=[1], reducible="report")
    with pytest.raises(ValueError, match="2 classes"):
        tail.autocorrelation_time([0, 1, 2])
    exact_chain(law, Decoder(strategies.TopK(2)), cuts=[1, (0,)])


def test_refusals():
    law, decoder = BITS, Decoder(strategies.TopK(2))
    first = Decoder(strategies.TopK(2), order="sample-then-choose")
    with pytest.raises(ValueError, match="draws tokens before it chooses"):
        exact_chain(law, first, density="path")
    with pytest.raises(ValueError, match="integer alpha and density='marginal'"):
        exact_chain(law, decoder, alpha=1.5, arithmetic="rational")
    with pytest.raises(ValueError, match="integer alpha and density='marginal'"):
        exact_chain(law, decoder, density="path", arithmetic="rational")
    with pytest.raises(ValueError, match="alpha must be greater than 0"):
        exact_chain(law, decoder, alpha=0)
    with pytest.raises(ValueError, match="4,096 states at most, got 40,320"):
        exact_chain(distributions.permutations(8), decoder)
    with pytest.raises(ValueError, match="256 states at most, got 720"):
        exact_chain(distributions.permutations(6), decoder, arithmetic="rational")
    for cuts, message in (
        ([], "at least one cut"), ([2], r"cuts\[0\] must be at most 1"),
        ([0, ()], r"cuts\[1\] must name at least one"), ("ab", "must be a sequence"),
        ([(0, 0)], "each position once"), ([True], "cuts"),
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError), match=message):
            exact_chain(law, decoder, cuts=cuts)
    with pytest.raises(ValueError, match="start must hold"):
        exact_chain(law, decoder, start=[0, 2])
    with pytest.raises(ValueError, match="start must have the alphabets"):
        exact_chain(law, decoder, start=distributions.permutations(3))
    with pytest.raises(ValueError, match="start of integer counts"):
        exact_chain(law, decoder, start=distributions.Table([[0, 0], [1, 1]], [0.5, 0.5]),
                    arithmetic="rational")  # fmt: skip
    with pytest.raises(ValueError, match="values must be 2 finite numbers"):
        exact_chain(law, decoder).autocorrelation_time([1.0])
    with pytest.raises(TypeError, match="decoder must be a Decoder"):
        exact_chain(law, strategies.TopK(2))
    with pytest.raises(ValueError, match="density must be one of"):
        exact_chain(law, decoder, density="positions")
    with pytest.raises(ValueError, match="steps must be at least 0"):
        exact_chain(law, decoder).kl(-1)
    with pytest.raises(ValueError, match="max_children=3"):
        exact_chain(distributions.permutations(3), Decoder(strategies.TopK(3)), max_children=3)


def test_a_decoder_that_names_its_tokens_has_no_path_of_draws():
    law = distributions.parity(4)
    decoder = Decoder(strategies.ETE())
    with pytest.raises(ValueError, match="names tokens of its own"):
        exact_chain(law, decoder, density="path", reducible="report")


def test_rare_outcomes_of_a_large_power_do_not_break_it():
    law = distributions.Table(list(itertools.product(range(3), repeat=2)),
                              [1, 10, 100, 2, 20, 200, 3, 30, 300])  # fmt: skip
    chain = exact_chain(law, Decoder(strategies.TopK(2)), alpha=400)
    assert (chain.target == 0).any()
    assert chain.balance_error < 1e-12
    assert chain.total_variation(100)[-1] < 1e-9
    assert np.isfinite(chain.eigenvalues).all()
