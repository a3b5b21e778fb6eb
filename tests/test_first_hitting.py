"""The first-hitting sampler is random one-by-one decoding, and the limit of the ancestral one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from infodecode import (
    Decoder,
    IdealModel,
    NoisyModel,
    decode,
    distributions,
    exact,
    simulate,
    strategies,
)
from infodecode.strategies.ancestral import Ancestral
from infodecode.strategies.first_hitting import FirstHitting, expected_hitting_times
from tests import laws, translation
from tests.translation import table

ONE_BY_ONE = strategies.TopK(1, by="random")


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@given(sample=laws.counted(max_length=4, max_outcomes=8))
def test_output_law_is_that_of_a_random_order(arithmetic, sample):
    law = table(sample)
    for temperature in (0, 1):
        ours, same = (
            exact(law, Decoder(rule, temperature=temperature), arithmetic=arithmetic)
            for rule in (FirstHitting(), ONE_BY_ONE)
        )
        assert translation.output(ours) == translation.output(same)
        assert ours.rounds.tolist() == same.rounds.tolist()
    run = exact(law, Decoder(FirstHitting()), arithmetic=arithmetic)
    assert run.kl == 0
    assert float(run.total_variation) == 0


def test_the_same_on_a_model_that_is_not_exact():
    law = distributions.replace_random(4)
    model = NoisyModel(IdealModel(law), 1.0, seed=2)
    ours, same = (exact(law, Decoder(rule), model=model) for rule in (FirstHitting(), ONE_BY_ONE))
    assert translation.output(ours) == translation.output(same)
    assert ours.kl > 0.01


@pytest.mark.parametrize("schedule", ["linear", "cosine", "sine"])
def test_the_ancestral_sampler_tends_to_it(schedule):
    """Their total variation is at most the probability that two positions share a round."""
    law = distributions.permutations(3)
    distances = []
    for steps in (1, 4, 16, 64):
        rule = Ancestral(steps, schedule)
        run = exact(law, Decoder(rule), off_support="marginal")
        assert run.total_variation <= 3 * (rule.shares**2).sum() + 1e-12
        distances.append(run.total_variation)
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < distances[0] / 20


def test_simulation_and_calls():
    law = distributions.permutations(5)
    run = simulate(law, Decoder(FirstHitting()), samples=500)
    assert run.validity.value == 1
    assert run.expected_calls == 5
    trace = decode(law, Decoder(FirstHitting()), samples=2000)
    first = trace.committed[0].mean(axis=0)
    assert abs(first - 0.2).max() <= 5 * math.sqrt(0.16 / 2000)
    assert (trace.committed.sum(axis=2) == 1).all()


def test_ties_are_random_whatever_the_decoder_says():
    law = distributions.permutations(4)
    trace = decode(law, Decoder(FirstHitting(), position_ties="lowest"), samples=200)
    assert trace.committed[0].any(axis=0).all()


def test_orbits():
    run = exact(distributions.permutations(40), Decoder(FirstHitting()))
    assert run.validity == 1.0
    assert run.largest_round == 1


@pytest.mark.parametrize("n", [1, 2, 7])
def test_expected_times_are_those_of_uniform_order_statistics(n):
    """The j-th largest of n uniform times, from the chain of hitting times itself: the present one
    times the largest of k uniforms, whose mean is k / (k + 1)."""
    times, now = [], 1.0
    for k in range(n, 0, -1):
        now *= k / (k + 1)
        times.append(now)
    assert expected_hitting_times(n).tolist() == pytest.approx(times)
    uniform = np.sort(np.random.default_rng(0).random((20_000, n)), axis=1)[:, ::-1]
    assert expected_hitting_times(n) == pytest.approx(uniform.mean(axis=0), abs=0.012)


def test_sizes_and_refusals():
    assert FirstHitting().sizes(3) == (1, 1, 1)
    assert FirstHitting.grid(5) == (FirstHitting(),)
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        expected_hitting_times(0)
