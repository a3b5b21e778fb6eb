"""Sampled chains: against the exact ones, by chi-square with fixed seeds; and their diagnostics."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.exploration import (
    effective_sample_size,
    exact_chain,
    potential_scale_reduction,
    sample_chain,
)
from infodecode.models import Evaluation, IdealModel, Model, NoisyModel
from infodecode.propagation import Unfinished
from infodecode.token_rules import LocalPower, MeanFieldPower, MetropolisHastings
from tests import small_strategies

CHAINS = 4000
LAW = distributions.Table(
    [[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 0, 1]],
    [0.24, 0.06, 0.2, 0.13, 0.07, 0.2, 0.1],
)
TIED = distributions.Table(
    list(itertools.product(range(2), repeat=3)), [18, 18, 18, 12, 9, 9, 3, 3]
)


def agree(run, chain, steps=(0, 1, 4)):
    """The sequences of all chains at some steps are samples of the exact laws of those steps."""
    for step in steps:
        law = chain.law(step)
        rows, counts = np.unique(run.history[step], axis=0, return_counts=True)
        seen = dict(zip(map(tuple, rows.tolist()), counts, strict=True))
        expected = dict(
            zip(map(tuple, law.outcomes.tolist()), law.probabilities * CHAINS, strict=True)
        )
        assert set(seen) <= set(expected)
        rare = [y for y, e in expected.items() if e < 8]
        groups = [[y] for y in expected if y not in rare] + ([rare] if rare else [])
        total = [(sum(seen.get(y, 0) for y in g), sum(expected[y] for y in g)) for g in groups]
        distance = sum((o - e) ** 2 / e for o, e in total if e > 0)
        assert chi2.sf(distance, max(len(total) - 1, 1)) > 1e-4, (step, seen, expected)


def both(decoder, *, law=LAW, model=None, seed=1, **options):
    first = law if model is None else model
    run = sample_chain(
        first, decoder, steps=4, chains=CHAINS, seed=seed, keep_history=True, warm_up=0,
        distribution=None if model is None else law, **options,
    )  # fmt: skip
    options.setdefault("density", "path")
    chain = exact_chain(law, decoder, model=model, off_support="marginal", **options)
    return run, chain


@pytest.mark.parametrize("cuts", [None, [0, 1, 1], [(0, 2), (1,), (0, 1)]])
@pytest.mark.parametrize(
    "decoder",
    [
        Decoder(strategies.TopK(2, "left_to_right")),
        Decoder(strategies.TopK(3)),
        Decoder(strategies.TopK(2)),
        Decoder(strategies.TopK(2, "confidence"), temperature=0.7),
        Decoder(strategies.TopK(2, "confidence"), temperature=1.4, confidence="tempered"),
        Decoder(strategies.Threshold(0.55), tokens=LocalPower(2)),
        Decoder(strategies.Threshold(0.55), tokens=LocalPower(2), temperature=1.5),
        Decoder(strategies.TopK(2), tokens=MeanFieldPower(2)),
    ],
    ids=repr,
)
def test_chains_weighed_by_paths_agree_with_the_exact_ones(decoder, cuts):
    run, chain = both(decoder, alpha=2, cuts=cuts)
    agree(run, chain)


@pytest.mark.parametrize("cuts", [None, [0, (1, 2)]])
@pytest.mark.parametrize(
    "decoder",
    [
        Decoder(strategies.OneByOne("confidence")),
        Decoder(strategies.OneByOne("random"), temperature=2.0),
    ],
    ids=repr,
)
def test_random_positions_cancel(decoder, cuts):
    run, chain = both(decoder, law=TIED, cuts=cuts)
    agree(run, chain)
    if decoder.temperature == 1:
        assert run.accepted.all()


def test_what_random_paths_cost_in_acceptance():
    """Two copies of a bit beside another; one position, then the two others at once.

    Beginning with the other bit draws the copies at once: half the probability, and half the time
    for nothing. Weighed by the output law 5/6 are accepted; by paths, where one in three is of
    that kind on either side, independently, 2/3 (2/3 + 1/3 1/2) + 1/3 1/2 = 13/18.
    """
    law = distributions.Table([[0, 0, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]], [2, 2, 1, 1])
    decoder = Decoder(strategies.TopK((1, 2)))
    for cuts, density, expected in (
        (None, "marginal", 5 / 6), (None, "path", 13 / 18),
        ([0, (2,)], "marginal", (5 / 6 + 1) / 2), ([0, (2,)], "path", (13 / 18 + 1) / 2),
    ):  # fmt: skip
        chain = exact_chain(law, decoder, cuts=cuts, density=density)
        assert chain.acceptance == pytest.approx(expected, abs=1e-12)
        run = sample_chain(law, decoder, cuts=cuts, density=density, steps=20, chains=2000)
        assert abs(run.acceptance.value - expected) < 2 * run.acceptance.half_width < 0.02


@pytest.mark.parametrize("cuts", [None, [0, (0, 2), 2]])
@pytest.mark.parametrize(
    "decoder",
    [
        Decoder(strategies.TopK(2, "confidence"), order="sample-then-choose"),
        Decoder(strategies.TopK(2)),
        Decoder(small_strategies.BernoulliRemask(2, 0.3, 2)),
        Decoder(strategies.TopK(2), tokens=MetropolisHastings(2, proposals=2)),
    ],
    ids=repr,
)
def test_chains_weighed_by_output_laws_agree_with_the_exact_ones(decoder, cuts):
    run, chain = both(decoder, alpha=1.5, cuts=cuts, density="marginal")
    agree(run, chain)


def test_the_way_back_of_a_revising_decoder_is_from_its_own_canvas():
    """It overwrites tokens that were kept, so that q(x | …) is from what is kept of x'."""
    decoder = Decoder(small_strategies.BernoulliRemask(2, 0.3, 2))
    cuts = [0, (0, 2), 2]
    chain = exact_chain(LAW, decoder, cuts=cuts)
    run = sample_chain(LAW, decoder, cuts=cuts, density="marginal", steps=20, chains=2000)
    assert abs(run.acceptance.value - chain.acceptance) < 2 * run.acceptance.half_width < 0.012


@pytest.mark.parametrize("cuts", [None, [0, 1]])
def test_a_noisy_model_proposes(cuts):
    model = NoisyModel(LAW, 0.8, seed=5)
    run, chain = both(Decoder(strategies.TopK(2)), model=model, alpha=2, cuts=cuts)
    agree(run, chain)


@pytest.mark.parametrize("cuts", [None, [0, 1]])
def test_the_models_own_chain_rule_is_a_target(cuts):
    """Left to right, one by one, the noisy model puts out exactly that law."""
    model, decoder = NoisyModel(LAW, 0.8, seed=5), Decoder(strategies.TopK(2))
    one = Decoder(strategies.OneByOne("left_to_right"))
    own = infodecode.exact(LAW, one, model=model).output
    run = sample_chain(
        model, decoder, alpha=2, steps=4, chains=CHAINS, cuts=cuts, keep_history=True, seed=2
    )
    assert run.score == "left-to-right"
    chain = exact_chain(own, decoder, alpha=2, model=model, cuts=cuts, density="path",
                        off_support="marginal")  # fmt: skip
    agree(run, chain)
    np.testing.assert_allclose(run.log2_scores[-1], own.log2_probability(run.sequences))
    plain = sample_chain(model, decoder, distribution=LAW, steps=4, chains=CHAINS, cuts=cuts,
                         seed=2)  # fmt: skip
    assert run.calls_per_step == pytest.approx(plain.calls_per_step + 1, rel=0.01)
    assert run.evaluations_per_step == pytest.approx(plain.evaluations_per_step + 3, rel=0.01)


@pytest.mark.parametrize("cuts", [None, [0, 1]])
def test_the_output_law_of_the_decoder_is_a_target(cuts):
    decoder = Decoder(strategies.TopK(2, "left_to_right"))
    own = infodecode.exact(LAW, decoder, off_support="marginal").output
    run = sample_chain(
        LAW, decoder, alpha=3, steps=4, chains=CHAINS, cuts=cuts, score="path", keep_history=True
    )
    agree(run, exact_chain(own, decoder, alpha=3, model=IdealModel(LAW), cuts=cuts))
    np.testing.assert_allclose(run.log2_scores[-1], own.log2_probability(run.sequences))
    with pytest.raises(ValueError, match="positions follow from the canvas"):
        sample_chain(LAW, Decoder(strategies.TopK(2)), score="path")


def test_given_starts():
    run, chain = both(Decoder(strategies.TopK(2)), alpha=2, start=[2, 0, 1])
    agree(run, chain)
    run, chain = both(Decoder(strategies.TopK(2)), alpha=2, start=[2, 1, 1], cuts=[0, 1])
    agree(run, chain)
    assert not np.isfinite(run.log2_scores[0]).any()
    each = np.tile([[0, 0, 0], [2, 0, 1]], (2, 1))
    begun = sample_chain(
        LAW, Decoder(strategies.TopK(2)), chains=4, steps=1, start=each, keep_history=True
    )
    assert (begun.history[0] == each).all()


@given(
    st.integers(1, 7), st.sampled_from([None, (0, 1)]), st.sampled_from(["path", "marginal"]),
    st.integers(0, 2**40),
)  # fmt: skip
def test_a_chain_depends_on_its_number_and_the_seed_alone(batch, cuts, density, seed):
    options = {"steps": 5, "seed": seed, "cuts": cuts, "density": density, "keep_history": True}
    decoder = Decoder(strategies.TopK(2))
    whole = sample_chain(LAW, decoder, chains=9, alpha=2, **options)
    parts = sample_chain(LAW, decoder, chains=9, alpha=2, batch=batch, **options)
    fewer = sample_chain(LAW, decoder, chains=4, alpha=2, **options)
    assert (whole.history == parts.history).all()
    assert (whole.accepted == parts.accepted).all()
    assert (whole.log2_scores == parts.log2_scores).all()
    assert (whole.history[:, :4] == fewer.history).all()
    assert (whole.sequences == whole.history[-1]).all()


def test_steps_differ_and_so_do_seeds():
    runs = [
        sample_chain(
            LAW, Decoder(strategies.TopK(3)), steps=40, chains=20, seed=seed, keep_history=True
        )
        for seed in (0, 1)
    ]
    assert (runs[0].history != runs[1].history).any()
    changes = (runs[0].history[1:] != runs[0].history[:-1]).any(axis=2)
    assert 0.1 < changes.mean() < 0.9
    assert (changes <= runs[0].accepted).all()


class Network(Model):
    """A model that hands out scores, draws and probabilities of tokens, but no laws."""

    def __init__(self, law):
        self.model = NoisyModel(law, 0.5, seed=1)
        self.alphabet_sizes, self.tolerance = law.alphabet_sizes, 0.0

    def evaluate(self, state, rule):
        return _Answers(self.model.evaluate(state, rule))


class _Answers(Evaluation):
    def __init__(self, inner):
        self.inner = inner

    def scores(self, fields, where):
        return self.inner.scores(fields, where)

    def visible_scores(self, fields, where):
        raise AssertionError("not asked for")

    def law(self, rows, positions):
        raise AssertionError("a network has no laws to hand out")

    def draw(self, rows, positions, uniform):
        return self.inner.draw(rows, positions, uniform)

    def confidence_of(self, rows, positions, tokens):
        return self.inner.confidence_of(rows, positions, tokens)

    def log2_probability_of(self, rows, positions, tokens):
        return self.inner.log2_probability_of(rows, positions, tokens)

    def log2_power_sums(self, rows, positions, alpha):
        return self.inner.log2_power_sums(rows, positions, alpha)

    def draw_power(self, rows, positions, alpha, uniform):
        return self.inner.draw_power(rows, positions, alpha, uniform)


@pytest.mark.parametrize("options", [
    {}, {"temperature": 0.5, "confidence": "tempered"}, {"temperature": 0.5},
    {"tokens": LocalPower(2)},
])  # fmt: skip
@pytest.mark.parametrize("cuts", [None, [0, 1]])
def test_networks_need_only_numbers_and_tokens(cuts, options):
    decoder = Decoder(strategies.Threshold(0.6), **options)
    run = sample_chain(Network(LAW), decoder, alpha=2, steps=30, chains=300, cuts=cuts)
    law = infodecode.exact(LAW, Decoder(strategies.OneByOne("left_to_right")),
                           model=NoisyModel(LAW, 0.5, seed=1)).output  # fmt: skip
    target = distributions.power(law, 2).table()
    quality = float(target.probabilities @ law.log2_probability(target.outcomes))
    found = run.log2_probability
    assert abs(found.value - quality) < 3 * found.half_width


@pytest.mark.parametrize("cuts", [None, [0, 2]])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_a_network_walks_as_the_exact_model_of_the_same_laws(cuts, temperature):
    pytest.importorskip("torch")
    from infodecode.masked_lm.model import MaskedLM
    from tests.fake_network import PairwiseLaws, PairwiseNetwork

    network = PairwiseNetwork(seed=0)
    lm = MaskedLM(network, name="pairwise").prompted([[1, 2, 3]], 4)
    laws = PairwiseLaws(network, [1, 2, 3], 4)
    decoder = Decoder(strategies.TopK(2, "confidence"), temperature=temperature)
    runs = [
        sample_chain(model, decoder, alpha=2, steps=12, chains=20, cuts=cuts, keep_history=True)
        for model in (lm, laws)
    ]
    assert (runs[0].history == runs[1].history).all(axis=2).mean() > 0.99
    np.testing.assert_allclose(runs[0].log2_scores[0], runs[1].log2_scores[0], atol=1e-3)
    assert runs[0].calls_per_step == pytest.approx(runs[1].calls_per_step, rel=0.02)


# Diagnostics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [1, 2])
def test_diagnostics_agree_with_the_exact_chain(alpha):
    decoder = Decoder(strategies.TopK(3))
    run = sample_chain(LAW, decoder, alpha=alpha, steps=2000, chains=40, warm_up=100, seed=4)
    chain = exact_chain(LAW, decoder, alpha=alpha)
    assert abs(run.acceptance.value - chain.acceptance) < 2 * run.acceptance.half_width
    per_step = run.effective_samples / (40 * 1901)
    assert per_step == pytest.approx(chain.ess_log2_probability, rel=0.1)
    assert run.scale_reduction < 1.01
    assert run.validity.value == 1
    quality = float(chain.target @ LAW.log2_probability(chain.outcomes))
    assert abs(run.log2_probability.value - quality) < 2 * run.log2_probability.half_width
    assert run.calls_per_step == 1
    assert run.calls_per_accepted() == pytest.approx(chain.calls_per_accepted(), rel=0.02)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, -0.4])
def test_effective_samples_of_an_autoregression(phi):
    generator = np.random.default_rng(7)
    x = np.zeros((5000, 20))
    x[0] = generator.normal(size=20) / math.sqrt(1 - phi**2)
    for t in range(1, len(x)):
        x[t] = phi * x[t - 1] + generator.normal(size=20)
    expected = x.size * (1 - phi) / (1 + phi)
    assert effective_sample_size(x) == pytest.approx(expected, rel=0.1)
    assert potential_scale_reduction(x) == pytest.approx(1, abs=0.01)


def test_chains_that_disagree_count_for_little():
    x = np.random.default_rng(1).normal(size=(400, 4)) + 5 * np.arange(4)
    assert effective_sample_size(x) < 10
    assert potential_scale_reduction(x) > 2
    assert effective_sample_size(np.ones((10, 2))) is None
    assert potential_scale_reduction(np.ones((10, 2))) is None
    assert potential_scale_reduction(np.tile([0.0, 1.0], (10, 1))) == math.inf
    trend = np.linspace(0, 1, 100)[:, None] + np.zeros((1, 3))
    assert potential_scale_reduction(trend) > 1.5


def test_lag_sums_are_the_plain_ones():
    x = np.random.default_rng(3).normal(size=(9, 3)).cumsum(axis=0)
    n, chains = x.shape
    means, centred = x.mean(axis=0), x - x.mean(axis=0)
    lagged = [np.mean([(centred[: n - k, c] * centred[k:, c]).sum() / (n - 1)
                       for c in range(chains)]) for k in range(n)]  # fmt: skip
    within, between = lagged[0], means.var(ddof=1)
    rho = [1 - (within - v) / (within * (n - 1) / n + between) for v in lagged]
    rho[0], pairs = 1.0, []
    for k in range(0, n - 1, 2):
        pair = rho[k] + rho[k + 1]
        if pair < 0:
            break
        pairs.append(min([pair, *pairs]))
    time = max(2 * sum(pairs) - 1, 1 / math.log10(n * chains))
    assert effective_sample_size(x) == pytest.approx(n * chains / time)


def test_results_in_a_notebook():
    run = sample_chain(LAW, Decoder(strategies.TopK(3)), steps=6, chains=50)
    frame = run.to_frame()
    assert len(frame) == 7
    assert frame["acceptance"].isna().tolist() == [True] + [False] * 6
    assert frame["validity"].iloc[0] < 1
    assert run.warm_up == 3
    assert "effective samples" in run._repr_html_()
    assert "50 chains of 6 steps" in repr(run)
    early = sample_chain(LAW, Decoder(strategies.TopK(3)), steps=6, chains=50, warm_up=0)
    assert early.log2_probability is None
    assert early.effective_samples is None


# Refusals ------------------------------------------------------------------------------------


def test_refusals():
    decoder = Decoder(strategies.TopK(2))
    drawn = Decoder(strategies.TopK(2), order="sample-then-choose")
    for arguments, options, message in (
        ((LAW, drawn), {}, "draws tokens before it chooses positions"),
        ((LAW, Decoder(small_strategies.BernoulliRemask(2, 0.3, 2))), {}, "masks tokens again"),
        ((LAW, Decoder(strategies.TopK(2), tokens=MetropolisHastings(2))), {}, "together"),
        ((LAW, drawn), {"density": "marginal", "score": "path"}, "draws tokens before"),
        ((LAW, Decoder(strategies.TopK(2), temperature=0)), {}, "temperature above 0"),
        ((LAW, decoder), {"alpha": 0}, "alpha must be greater than 0"),
        ((LAW, decoder), {"steps": 0}, "steps must be at least 1"),
        ((LAW, decoder), {"chains": 0}, "chains must be at least 1"),
        ((LAW, decoder), {"steps": 3, "warm_up": 3}, "warm_up must be at most 2"),
        ((LAW, decoder), {"start": [[0, 0, 0], [1, 0, 0]], "chains": 3}, "start must be one"),
        ((LAW, decoder), {"start": [0, -1, 0]}, "start must be complete"),
        ((LAW, decoder), {"cuts": [3]}, r"cuts\[0\] must be at most 2"),
        ((LAW, decoder), {"score": "right-to-left"}, "score must be one of"),
        ((LAW, decoder), {"distribution": LAW}, "the first argument is one already"),
        ((NoisyModel(LAW, 1), decoder), {"distribution": TIED}, "must have the alphabets"),
        ((NoisyModel(LAW, 1), decoder), {"density": "marginal"}, "give the distribution"),
        ((NoisyModel(LAW, 1), decoder), {"score": "distribution"}, "needs the distribution"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            sample_chain(*arguments, **options)
    with pytest.raises(TypeError, match="decoder must be a Decoder"):
        sample_chain(LAW, strategies.TopK(2))
    with pytest.raises(TypeError, match="model must be a model or a distribution"):
        sample_chain("law", decoder)
    with pytest.raises(ValueError, match="names tokens of its own"):
        sample_chain(distributions.parity(4), Decoder(strategies.ETE()))
    with pytest.raises(Unfinished, match=r"had not after 1 rounds"):
        sample_chain(LAW, decoder, max_rounds=1)
    for values, message in (
        (np.zeros(5), "at least 4 steps"), (np.zeros((3, 2)), "at least 4 steps"),
        ([[0.0], [-np.inf], [0], [0]], "must be finite"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            effective_sample_size(values)
