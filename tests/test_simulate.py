"""What simulate promises beside its numbers: intervals, early stops, progress, scale."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

import infodecode
from infodecode import Decoder, Estimate, distributions, strategies
from infodecode.estimate import mean_of_counts, proportion
from infodecode.simulate import FIRST_LOOK

LAW = distributions.permutations(6)
DECODER = Decoder(strategies.TopK(2))


@given(
    trials=st.integers(1, 500),
    share=st.floats(0, 1),
    confidence=st.sampled_from([0.5, 0.95, 0.999]),
)
def test_proportions_have_exact_intervals(trials, share, confidence):
    successes = round(share * trials)
    estimate = proportion(successes, trials, confidence)
    expected = binomtest(successes, trials).proportion_ci(confidence, method="exact")
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert estimate.value == successes / trials
    assert estimate.value in estimate
    assert estimate.half_width == max(estimate.value - estimate.low, estimate.high - estimate.value)


@given(counts=st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any))
def test_means_of_counts(counts):
    values = np.repeat(np.arange(len(counts)), counts)
    estimate = mean_of_counts(counts, 0.95)
    assert estimate.value == pytest.approx(values.mean())
    if len(values) == 1:
        assert (estimate.low, estimate.high) == (-np.inf, np.inf)
        return
    spread = values.std(ddof=1)
    assert estimate.half_width == pytest.approx(1.959964 * spread / len(values) ** 0.5, abs=1e-6)


def test_estimates_keep_their_order():
    with pytest.raises(ArithmeticError, match="interval out of order"):
        Estimate(0.5, 0.6, 0.7, 0.95)
    assert str(Estimate(0.5, 0.25, 0.75, 0.95)) == "0.5 [0.25, 0.75]"


def test_it_stops_once_precise_enough():
    run = infodecode.simulate(LAW, DECODER, samples=10**6, precision=0.01)
    assert run.samples in [FIRST_LOOK * 2**k for k in range(8)]
    assert run.validity.half_width <= 0.01
    look = (run.samples // FIRST_LOOK).bit_length()
    assert run.validity.confidence == pytest.approx(1 - 0.05 / (look * (look + 1)))
    again = infodecode.simulate(LAW, DECODER, samples=10**6, precision=0.01, batch=999, threads=2)
    assert again.validity == run.validity
    assert again.rounds.tolist() == run.rounds.tolist()
    loose = infodecode.simulate(LAW, DECODER, samples=10**6, precision=0.4)
    assert loose.samples == FIRST_LOOK
    few = infodecode.simulate(LAW, DECODER, samples=100, precision=1e-6)
    assert few.samples == 100


def test_early_stops_do_not_spoil_the_interval():
    """Of 300 runs that stop when they like, at least the promised share cover the truth."""
    truth = infodecode.exact(LAW, DECODER).validity
    missed = 0
    for seed in range(300):
        run = infodecode.simulate(
            LAW, DECODER, samples=2 * FIRST_LOOK, precision=0.0144, confidence=0.8, seed=seed,
            threads=1,
        )  # fmt: skip
        missed += truth not in run.validity
    assert binomtest(missed, 300, 0.2, alternative="greater").pvalue > 1e-3


def test_intervals_cover_as_often_as_they_say():
    truth = infodecode.exact(LAW, DECODER).validity
    runs = [
        infodecode.simulate(LAW, DECODER, samples=400, seed=seed, confidence=0.9, threads=1)
        for seed in range(300)
    ]
    missed = sum(truth not in run.validity for run in runs)
    assert binomtest(missed, 300, 0.1, alternative="greater").pvalue > 1e-3


def test_costs_and_rounds_of_a_threshold():
    law = distributions.replace_random(5)
    decoder = Decoder(strategies.Threshold(0.7))
    run = infodecode.simulate(law, decoder, samples=20_000, off_support="natural")
    exact = infodecode.exact(law, decoder, off_support="natural")
    assert exact.expected_rounds in run.expected_rounds
    assert run.expected_calls == pytest.approx(run.expected_rounds.value)
    assert run.rounds.sum() + run.unfinished == 20_000
    assert exact.mode_probability in run.mode_probability


def test_progress_is_shown_when_asked(capsys):
    infodecode.simulate(LAW, DECODER, samples=5000, progress=True)
    infodecode.exact(LAW, DECODER, progress=True)
    shown = capsys.readouterr().err
    assert "samples" in shown
    assert "rounds" in shown
    infodecode.simulate(LAW, DECODER, samples=5000)
    infodecode.exact(LAW, DECODER)
    assert capsys.readouterr().err == ""


def test_long_sequences():
    """A thousand positions, decoded without a table."""
    law = distributions.permutations(1000)
    sizes = infodecode.optimal_random_order(law).sizes(200)
    run = infodecode.simulate(law, Decoder(strategies.TopK(sizes)), samples=20, keep_sequences=True)
    assert run.rounds.tolist()[-1] == 20
    assert len(run.rounds) == 201
    valid = [len(set(row)) == 1000 for row in run.sequences.tolist()]
    assert run.validity.value == sum(valid) / 20


def test_a_round_that_leads_to_too_much_is_refused_early():
    with pytest.raises(ValueError, match=r"one round leads to about [\d,]+ canvases, more than"):
        infodecode.exact(
            distributions.permutations(9),
            Decoder(strategies.TopK(5)),
            max_children=10**5,
            orbits=False,
        )
    with pytest.raises(ValueError, match=r"about 184,756 choices of positions, more than"):
        infodecode.exact(
            distributions.permutations(20),
            Decoder(strategies.TopK(10)),
            max_children=1000,
            orbits=False,
        )
    law = distributions.permutations(8)
    run = infodecode.exact(law, Decoder(strategies.TopK(4)), max_children=3_000_000)
    assert run.validity == pytest.approx(1680 * 24 / (8**4 * 4**4))
    with pytest.raises(ValueError, match="raise it, decode fewer positions a round, or simulate"):
        infodecode.exact(
            distributions.replace_random(30),
            Decoder(strategies.TopK(30), order="sample-then-choose"),
            orbits=False,
        )


def test_streaming_in_pieces_changes_nothing(monkeypatch):
    """The same law with chunks of a few rows as in one go."""
    chance, propagation = (
        importlib.import_module(f"infodecode.{name}") for name in ("chance", "propagation")
    )
    law = distributions.titanic()
    decoder = Decoder(strategies.TopK(2, by="entropy"), order="sample-then-choose")
    whole = infodecode.exact(law, decoder, off_support="uniform")
    monkeypatch.setattr(chance, "_CHUNK", 5)
    monkeypatch.setattr(propagation, "_ROWS", 3)
    pieces = infodecode.exact(law, decoder, off_support="uniform")
    assert pieces.rounds.tolist() == pytest.approx(whole.rounds.tolist())
    assert infodecode.total_variation(pieces.output, whole.output) == pytest.approx(0, abs=1e-12)
    assert pieces.kl == pytest.approx(whole.kl, abs=1e-12)


def test_runs_print_for_people():
    run = infodecode.simulate(LAW, DECODER, samples=100)
    assert repr(run).startswith(
        "<simulation of 100 samples, seed 0: permutations(6), Decoder(TopK("
    )
    exact = infodecode.exact(LAW, DECODER)
    assert repr(exact).startswith(
        "<exact permutations(6), Decoder(TopK(k=2, by='random')): validity"
    )
    for result in (run, exact, infodecode.bounds(LAW)):
        assert "<table" in result._repr_html_()
