"""What a strategy forgets changes no decode; it only lets equal canvases merge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.chance import TooManyCanvases
from infodecode.strategies import Clocked, LeftToRight, Unlocking
from tests import laws
from tests.translation import table


def remembering(strategy):
    """The same strategy, but for what it forgets."""
    kind = type("Remembering", (type(strategy),), {"forget": lambda self, state: {}})
    copy = object.__new__(kind)
    vars(copy).update(vars(strategy))
    return copy


RULES = {
    "conf": Decoder(strategies.ReMDM(3, "conf", 0.7)),
    "conf, shipped": Decoder(strategies.ReMDM(2, "conf", as_shipped=True)),
    "conf, never": Decoder(strategies.ReMDM(3, "conf", 0.0)),
    "conf, blocks": Decoder(strategies.ReMDM(2, "conf"), blocks=LeftToRight(2)),
    "conf, clocked": Decoder(strategies.ReMDM(2, "conf"), blocks=Clocked(2, 2)),
    "LLaDA": Decoder(strategies.ReMDMLLaDA(3, 2, 1)),
    "LLaDA, two": Decoder(strategies.ReMDMLLaDA(2, 1, 2), order="sample-then-choose"),
    "LLaDA, blocks": Decoder(strategies.ReMDMLLaDA(2, 1), blocks=LeftToRight(2)),
    "RCR": Decoder(strategies.RCR(3)),
    "RCR, cosine": Decoder(strategies.RCR(4, "cosine")),
    "RCR, drawn": Decoder(strategies.RCR(3), order="sample-then-choose", position_ties="lowest"),
    "RCR, shipped": Decoder(strategies.RCR(3, as_shipped=True)),
    "RCR, blocks": Decoder(strategies.RCR(2), blocks=Unlocking(2, 2, eager=False)),
}


def pair(decoder):
    """With what it forgets, and without."""
    options = {
        name: getattr(decoder, name) for name in ("order", "position_ties", "blocks", "temperature")
    }
    return decoder, Decoder(remembering(decoder.strategy), **options)


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25)
@given(sample=laws.counted(max_length=4, max_outcomes=8) | laws.floating(4, 8))
def test_exact_laws_stay(name, sample):
    law = table(sample)
    forgets, remembers = (
        infodecode.exact(law, decoder, progress=False) for decoder in pair(RULES[name])
    )
    place = same_outcomes(forgets, remembers)
    assert forgets.largest_round <= remembers.largest_round
    assert forgets.unfinished == pytest.approx(remembers.unfinished, abs=1e-12)
    np.testing.assert_allclose(forgets.weights, remembers.weights[place], atol=1e-12)
    np.testing.assert_allclose(forgets.finished_by_round, remembers.finished_by_round, atol=1e-12)


def same_outcomes(run, other):
    """Places in ``other`` of the outcomes of ``run``."""
    place = {tuple(row): k for k, row in enumerate(other.outcomes.tolist())}
    assert len(place) == len(run.outcomes)
    return [place[tuple(row)] for row in run.outcomes.tolist()]


@pytest.mark.parametrize("name", RULES)
def test_samples_stay(name):
    law = distributions.replace_random(6)
    forgets, remembers = (
        infodecode.simulate(law, decoder, samples=500, seed=3, keep_sequences=True, progress=False)
        for decoder in pair(RULES[name])
    )
    np.testing.assert_array_equal(forgets.sequences, remembers.sequences)
    np.testing.assert_array_equal(forgets.rounds, remembers.rounds)


@pytest.mark.parametrize(
    ("law", "rule"),
    [
        (distributions.permutations(4), strategies.ReMDM(3, "conf")),
        (distributions.variable_names(), strategies.ReMDMLLaDA(3, 2, 1)),
        (distributions.words(3, weighted=True, most=20), strategies.RCR(3)),
        (distributions.words(3, weighted=True, most=20), strategies.RCR(3, as_shipped=True)),
    ],
)
def test_fewer_rows_to_follow(law, rule):
    forgets, remembers = (
        infodecode.exact(law, decoder, progress=False) for decoder in pair(Decoder(rule))
    )
    assert forgets.largest_round < remembers.largest_round
    assert forgets.kl == pytest.approx(remembers.kl, abs=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "rule"),
    [
        (distributions.permutations(5), strategies.ReMDM(3, "conf")),
        (distributions.variable_names(), strategies.ReMDM(3, "conf")),
        (distributions.variable_names(), strategies.RCR(3)),
    ],
)
def test_within_a_million_canvases(law, rule):
    forgets, remembers = pair(Decoder(rule))
    run = infodecode.exact(law, forgets, max_children=1_000_000, progress=False)
    assert run.unfinished == 0
    with pytest.raises(TooManyCanvases, match="max_children=1,000,000"):
        infodecode.exact(law, remembers, max_children=1_000_000, progress=False)
    seen = infodecode.simulate(law, forgets, samples=20_000, seed=1, progress=False)
    assert seen.validity.low - 0.01 < run.validity < seen.validity.high + 0.01
