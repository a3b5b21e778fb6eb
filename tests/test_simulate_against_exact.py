"""`infodecode.simulate` against `infodecode.exact`, and what a seed promises."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

import infodecode
from infodecode import Decoder, distributions, strategies
from tests import oracle, translation

SAMPLES = 20_000
TESTS = 200  # chi-square tests in this module, for Bonferroni
DRAW_FIRST = {"order": "sample-then-choose"}
GREEDY = {"temperature": 0.0}


def uneven():
    """Three positions, ties in some contexts, probabilities that no rule treats alike."""
    outcomes = [(0, 0, 0), (0, 1, 1), (1, 0, 2), (1, 1, 0), (2, 0, 1), (2, 1, 1), (0, 0, 2)]
    return distributions.from_counts(outcomes, [5, 1, 2, 2, 1, 4, 1])


CASES = {
    "one by one": (uneven(), Decoder(strategies.OneByOne())),
    "random pairs": (distributions.permutations(4), Decoder(strategies.TopK(2, by="random"))),
    "sizes": (uneven(), Decoder(strategies.TopK((2, 1), by="random"))),
    "confidence": (uneven(), Decoder(strategies.TopK(2, by="confidence"))),
    "margin": (uneven(), Decoder(strategies.TopK(2, by="margin"), temperature=0.5)),
    "entropy": (uneven(), Decoder(strategies.TopK(2, by="entropy"))),
    "drawn token's confidence": (
        uneven(),
        Decoder(strategies.TopK(1, by="confidence"), **DRAW_FIRST),
    ),
    "greedy": (distributions.replace_random(5), Decoder(strategies.TopK(2), **GREEDY)),
    "greedy, lowest ties": (
        distributions.permutations(4),
        Decoder(
            strategies.TopK(2, by="confidence"),
            token_ties="lowest",
            position_ties="lowest",
            **GREEDY,
        ),
    ),
    "threshold": (distributions.permutations(4), Decoder(strategies.Threshold(0.3))),
    "threshold, draw first": (
        uneven(),
        Decoder(strategies.Threshold(0.4, inclusive=True), **DRAW_FIRST),
    ),
    "factor": (distributions.replace_random(6), Decoder(strategies.Factor(1.0))),
    "factor as shipped": (uneven(), Decoder(strategies.Factor(1.0, as_shipped=True))),
    "factor, tempered": (
        uneven(),
        Decoder(strategies.Factor(1.0), temperature=0.5, confidence="tempered", **DRAW_FIRST),
    ),
    "partition": (uneven(), Decoder(strategies.FixedPartition([(2,), (0, 1)]))),
    "blocks": (
        distributions.permutations(5),
        Decoder(strategies.TopK(2, by="random"), blocks=strategies.LeftToRight(3)),
    ),
}


def goodness_of_fit(observed, expected):
    """Chi-square p-value; cells that expect fewer than five are pooled into one."""
    observed, expected = np.asarray(observed, float), np.asarray(expected, float)
    assert observed[expected == 0].sum() == 0
    rare = expected < 5
    if rare.any():
        observed = np.append(observed[~rare], observed[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    if len(expected) == 1 or expected[-1] == 0:
        return 1.0
    return stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue


def assert_follows(simulation, run):
    """The whole output law, the rounds and the validity."""
    expected = {tuple(y): p for y, p in zip(run.outcomes.tolist(), run.probabilities, strict=True)}
    rows, counts = np.unique(simulation.sequences, axis=0, return_counts=True)
    observed = dict(zip(map(tuple, rows.tolist()), counts, strict=True))
    assert set(observed) <= set(expected)
    level = 1e-4 / TESTS
    fit = goodness_of_fit(
        [observed.get(y, 0) for y in expected],
        [p * simulation.samples for p in expected.values()],
    )
    assert fit > level
    assert len(simulation.rounds) <= len(run.rounds)
    rounds = np.pad(simulation.rounds, (0, len(run.rounds) - len(simulation.rounds)))
    assert goodness_of_fit(rounds, run.rounds * simulation.samples) > level
    assert simulation.rounds.sum() == simulation.samples
    assert_inside(run.validity, simulation.validity)
    assert_inside(run.expected_rounds, simulation.expected_rounds)


def assert_inside(value, estimate):
    assert estimate.low - 1e-12 <= value <= estimate.high + 1e-12


@pytest.mark.parametrize("off_support", ["marginal", "uniform"])
@pytest.mark.parametrize("case", CASES)
def test_simulation_follows_the_exact_law(case, off_support):
    d, decoder = CASES[case]
    run = infodecode.exact(d, decoder, off_support=off_support)
    simulation = infodecode.simulate(
        d,
        decoder,
        samples=SAMPLES,
        seed=7,
        off_support=off_support,
        confidence=1 - 1e-6,
        keep_sequences=True,
    )
    assert simulation.samples == SAMPLES
    assert_follows(simulation, run)


@pytest.mark.parametrize(
    ("d", "k"),
    [
        (distributions.permutations(4), 2),
        (distributions.permutations(4), 3),
        (distributions.replace_random(4), 2),
    ],
    ids=["shuffle in pairs", "shuffle in threes", "replace random in pairs"],
)
def test_natural_models_off_the_support(d, k):
    decoder = Decoder(strategies.TopK(k, by="random"))
    run = infodecode.exact(d, decoder, off_support="natural")
    simulation = infodecode.simulate(
        d,
        decoder,
        samples=SAMPLES,
        seed=3,
        off_support="natural",
        confidence=1 - 1e-6,
        keep_sequences=True,
    )
    assert_follows(simulation, run)


def kept(d, decoder, **options):
    return infodecode.simulate(d, decoder, keep_sequences=True, **options).sequences


@pytest.mark.parametrize("case", CASES)
def test_neither_batch_nor_threads_change_a_result(case):
    d, decoder = CASES[case]
    reference = kept(d, decoder, samples=100, seed=1)
    for batch in (1, 7, 1000):
        for threads in (1, 2):
            again = kept(d, decoder, samples=100, seed=1, batch=batch, threads=threads)
            np.testing.assert_array_equal(again, reference)


@pytest.mark.parametrize("case", CASES)
def test_fewer_samples_are_the_first_of_more(case):
    d, decoder = CASES[case]
    few = kept(d, decoder, samples=100, seed=5)
    many = kept(d, decoder, samples=1000, seed=5)
    np.testing.assert_array_equal(few, many[:100])


@pytest.mark.parametrize("case", CASES)
def test_decoding_shows_the_very_samples(case):
    d, decoder = CASES[case]
    trace = infodecode.decode(d, decoder, samples=50, seed=5)
    np.testing.assert_array_equal(trace.sequences, kept(d, decoder, samples=200, seed=5)[:50])


def test_seeds_give_different_streams():
    d, decoder = CASES["random pairs"]
    streams = [kept(d, decoder, samples=200, seed=seed).tobytes() for seed in range(300)]
    streams += [
        kept(d, decoder, samples=200, seed=2**s).tobytes() for s in (32, 33, 48, 62, 64, 100)
    ]
    assert len(set(streams)) == len(streams)


def test_a_shifted_seed_is_not_a_shifted_sequence():
    """Sample i of seed s must not be sample i + 1 of seed s - 1."""
    d, decoder = CASES["one by one"]
    first, second = (kept(d, decoder, samples=2000, seed=seed) for seed in (10, 11))
    for shift in range(-3, 4):
        same = (first[5 + shift : 1990 + shift] == second[5:1990]).all(axis=1).mean()
        assert same < 0.4


NOISY_CASES = {
    "random pairs": oracle.TopK((2,)),
    "confidence": oracle.TopK((2, 1), "confidence"),
    "entropy": oracle.TopK((1,), "entropy"),
    "threshold": oracle.Threshold(Fraction(1, 2)),
    "factor": oracle.Factor(Fraction(3, 2)),
}


@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
@pytest.mark.parametrize("scale", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("case", NOISY_CASES)
def test_noisy_models(case, scale, order):
    """`exact`, `simulate` and the oracle decode with one and the same perturbed model."""
    d = uneven()
    model = infodecode.NoisyModel(infodecode.IdealModel(d), scale, seed=4)
    assert np.isclose(model.laws(*asked((-1, 0, -1))).sum(axis=1), 1).all()
    strategy, dialect = NOISY_CASES[case], oracle.Dialect(order=order)
    decoder = translation.decoder(strategy, dialect)

    def exactly(p):
        """Without noise the ties of the data come back, which rounding would break."""
        return Fraction(p) if scale else Fraction(p).limit_denominator(1000)

    def token_laws(canvas):
        laws = model.laws(*asked(canvas))
        return {
            i: {token: exactly(p) for token, p in enumerate(law.tolist()) if p}
            for i, law in zip(oracle.masked(canvas), laws, strict=True)
        }

    reference = oracle.decode(
        translation.law(d), strategy, dialect, model=token_laws, off_support="marginal"
    )
    options = {"model": model, "off_support": "marginal"}
    run = infodecode.exact(d, decoder, **options)
    simulation = infodecode.simulate(
        d,
        decoder,
        samples=SAMPLES,
        seed=2,
        confidence=1 - 1e-6,
        keep_sequences=True,
        **options,
    )
    on_support = {y: p for y, p in translation.output(run).items() if y in translation.law(d)}
    expected = oracle.output_law(reference)
    assert on_support == pytest.approx(
        {y: float(p) for y, p in expected.items() if y in translation.law(d)}, abs=1e-12
    )
    assert_follows(simulation, run)


def asked(canvas):
    """Arguments of a model's `laws` for every masked position of one canvas."""
    positions = np.array(oracle.masked(canvas))
    return np.array([canvas], np.int32), np.zeros(len(positions), np.int64), positions
