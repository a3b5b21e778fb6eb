"""Decoders along data: against exact runs, random orders, and a slow walk over every outcome."""

import numpy as np
import pytest
from hypothesis import given

import infodecode
from infodecode import Decoder, data_path, distributions, strategies
from tests import laws
from tests.test_entropy_strategies import along_data
from tests.translation import table

LAWS = [
    distributions.permutations(4),
    distributions.replace_random(5),
    distributions.insert_random(3),
    distributions.titanic(),
    distributions.parity(4),
    distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=5),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize(
    "strategy",
    [
        strategies.TopK(2, by="confidence"),
        strategies.Threshold(0.7),
        strategies.Factor(1.0),
        strategies.EntropyBounded(0.5),
    ],
    ids=repr,
)
def test_path_kl_of_positions_that_follow_from_the_canvas_is_that_of_the_output(law, strategy):
    decoder = Decoder(strategy, position_ties="lowest")
    path = data_path(law, decoder)
    assert path.bits == pytest.approx(infodecode.exact(law, decoder).kl, abs=1e-11)
    assert path.rounds.sum() == pytest.approx(1)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_random_orders(law):
    sizes = (2,) + (1,) * (law.length - 2)
    path = data_path(law, Decoder(strategies.TopK(sizes)))
    assert path.bits == pytest.approx(infodecode.random_order_bits(law, sizes), abs=1e-11)
    assert path.expected_rounds == pytest.approx(len(sizes))
    assert path.bits >= infodecode.exact(law, path.decoder).kl - 1e-11


@given(sample=laws.counted(max_length=4))
def test_against_a_walk_over_every_outcome(sample):
    law = table(sample)
    for strategy in (strategies.Threshold(0.6), strategies.TopK(2, by="entropy")):
        slow = along_data(law, strategy)
        path = data_path(law, Decoder(strategy))
        assert path.bits == pytest.approx(slow.kl, abs=1e-11)
        assert path.expected_rounds == pytest.approx(slow.rounds, abs=1e-11)


def test_data_and_decoder_may_take_different_rounds():
    """Copies of a bit: data take 2 rounds, a decoder that errs once takes many."""
    law = distributions.Table([[0] * 6, [1] * 6])
    decoder = Decoder(strategies.EntropyBudget(2.0))
    path = data_path(law, decoder)
    assert path.expected_rounds == pytest.approx(2)
    assert infodecode.exact(law, decoder, off_support="marginal").expected_rounds > 2.1


def test_certain_laws_lose_nothing():
    path = data_path(distributions.copy(4), Decoder(strategies.TopK(4)))
    assert path.bits == 0.0
    assert not np.signbit(path.bits)


def test_refusals():
    law = distributions.permutations(3)
    for decoder in (
        Decoder(strategies.TopK(1), temperature=0),
        Decoder(strategies.TopK(1), order="sample-then-choose"),
    ):
        with pytest.raises(ValueError, match="choose before it draws, and draw from the marginals"):
            data_path(law, decoder)
    with pytest.raises(ValueError, match="max_children"):
        data_path(distributions.permutations(6), Decoder(strategies.TopK(2)), max_children=5)
    with pytest.raises(TypeError, match="decoder must be a Decoder"):
        data_path(law, strategies.TopK(1))
