"""Scores order by order: against the chain rule, on ideal models, and what they add up to."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import (
    Decoder,
    NoisyModel,
    decode,
    distributions,
    sequence_scores,
    strategies,
    testing,
)
from infodecode.models import IdealModel


@given(law=testing.distributions(), seed=st.integers(0, 99))
def test_an_ideal_model_scores_every_order_alike(law, seed):
    trace = decode(law, Decoder(strategies.TopK(1)), samples=3, seed=seed)
    scores = sequence_scores(trace, IdealModel(law), orders=3, distribution=law)
    expected = -law.log2_probability(trace.sequences)
    for found in (scores.left_to_right, scores.decoding, scores.rounds, *scores.random.T):
        np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(scores.spread, 0, atol=1e-9)
    np.testing.assert_allclose(scores.model_error, 0, atol=1e-9)


@given(seed=st.integers(0, 99), scale=st.floats(0.1, 1.5))
def test_scores_are_chain_rules_of_the_model(seed, scale):
    """Position by position, one canvas at a time, in a model whose orders disagree."""
    law = distributions.replace_random(4)
    model = NoisyModel(law, scale, seed=seed)
    trace = decode(model, Decoder(strategies.TopK(2)), samples=3, seed=seed)
    scores = sequence_scores(trace, model, orders=2, seed=seed, distribution=law)

    def by_hand(sequence, order):
        canvas, bits = np.full((1, 4), -1, np.int32), 0.0
        for i in order:
            p = model.laws(canvas, np.array([0]), np.array([i]))[0, sequence[i]]
            bits -= np.log2(p) if p else -np.inf
            canvas[0, i] = sequence[i]
        return bits

    for k, sequence in enumerate(trace.sequences):
        first = np.flatnonzero(trace.committed[0, k])
        order = [*first, *(i for i in range(4) if i not in first)]
        assert scores.left_to_right[k] == pytest.approx(by_hand(sequence, range(4)))
        assert scores.decoding[k] == pytest.approx(by_hand(sequence, order))
    np.testing.assert_allclose(
        scores.rounds, -np.log2(np.where(trace.probability > 0, trace.probability, 1)).sum((0, 2))
    )
    fine = np.isfinite(scores.decoding) & np.isfinite(scores.information)
    total = scores.factorisation_error[fine] + scores.model_error[fine]
    np.testing.assert_allclose(total, (scores.information - scores.rounds)[fine])
    assert not np.isnan(scores.spread).any()
    assert not np.isnan(scores.model_error).any()


def test_the_factorisation_error_averages_to_the_path_divergence():
    """For an ideal model: E_nu of -log nu/mu over the decoder's own canvases, a round at a time."""
    law = distributions.permutations(4)
    trace = decode(law, Decoder(strategies.TopK(2)), samples=4000, seed=1)
    valid = np.isfinite(law.log2_probability(trace.sequences))
    scores = sequence_scores(trace, IdealModel(law), orders=1, distribution=law)
    assert np.isinf(scores.decoding[~valid]).all()
    # Given validity each pair costs its exact share: log2 of 4/3 and of 2.
    expected = np.log2(3 / 4) + np.log2(1 / 2)
    np.testing.assert_allclose(scores.factorisation_error[valid], expected, atol=1e-9)


def test_what_is_masked_does_not_count():
    law = distributions.permutations(4)
    trace = decode(law, Decoder(strategies.TopK(1)), max_rounds=2)
    scores = sequence_scores(trace, IdealModel(law), orders=2)
    np.testing.assert_allclose(scores.decoding, np.log2(12))
    np.testing.assert_allclose(scores.random, np.log2(12))


def test_long_sequences_are_scored_a_few_at_a_time(monkeypatch):
    law = distributions.replace_random(5)
    model = NoisyModel(law, 1.0)
    trace = decode(model, Decoder(strategies.TopK(2)), samples=7)
    whole = sequence_scores(trace, model, orders=3)
    asked = []
    evaluate = NoisyModel.evaluate

    def counted(self, state, rule):
        asked.append(state.rows)
        return evaluate(self, state, rule)

    monkeypatch.setattr(NoisyModel, "evaluate", counted)
    monkeypatch.setattr(sys.modules["infodecode.sequence_scores"], "_TOKENS_AT_ONCE", 20)
    parts = sequence_scores(trace, model, orders=3)
    assert max(asked) == 4
    assert sum(asked) == 7 * 5 * 5
    for name in ("decoding", "left_to_right", "random"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()


def test_a_token_that_was_impossible_has_infinitely_many_bits():
    law = distributions.permutations(3)
    trace = decode(law, Decoder(strategies.TopK(1)), samples=2)
    lost = trace.probability.copy()
    lost[np.nonzero(trace.committed)[0][0], 0] = 0.0
    scores = sequence_scores(dataclasses.replace(trace, probability=lost), IdealModel(law))
    assert np.isinf(scores.rounds).tolist() == [True, False]


def test_seeds_samples_and_views():
    law = distributions.replace_random(5)
    model = NoisyModel(law, 1.0)
    trace = decode(model, Decoder(strategies.TopK(2)), samples=4)
    one = sequence_scores(trace, model, orders=3, seed=1)
    assert (sequence_scores(trace, model, orders=3, seed=1).random == one.random).all()
    assert (sequence_scores(trace, model, orders=3, seed=2).random != one.random).any()
    assert (one.spread > 0).all()
    assert list(one.to_frame().columns)[-1] == "factorisation_error"
    assert "Scores of 4 sequences" in repr(one)
    alone = sequence_scores(decode(law, Decoder(strategies.TopK(2))), model, orders=1)
    assert "Scores of 1 sequence, mean bits" in repr(alone)
    assert "left_to_right" in repr(one)
    assert "<table" in one._repr_html_()


def test_information_under_other_names():
    law = distributions.replace_random(4)
    trace = decode(law, Decoder(strategies.TopK(2)), samples=5)
    known = -law.log2_probability(trace.sequences)
    scores = sequence_scores(trace, IdealModel(law), orders=1, information=known)
    expected = sequence_scores(trace, IdealModel(law), orders=1, distribution=law)
    assert scores.model_error.tolist() == expected.model_error.tolist()
    with pytest.raises(ValueError, match="got both"):
        sequence_scores(trace, IdealModel(law), distribution=law, information=known)
    for wrong in (known[:2], -1 - known, known * np.nan):
        with pytest.raises(ValueError, match="information must be 5 numbers"):
            sequence_scores(trace, IdealModel(law), information=wrong)


def test_refusals():
    law = distributions.permutations(4)
    trace = decode(law, Decoder(strategies.TopK(1)))
    with pytest.raises(ValueError, match="orders must be at least 1"):
        sequence_scores(trace, IdealModel(law), orders=0)
    with pytest.raises(ValueError, match="model must have the 4 positions"):
        sequence_scores(trace, IdealModel(distributions.permutations(5)))
