"""Floors and ceilings that a KL sets, against exact output laws; forward beside reverse KL."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infodecode import Decoder, data_path, distributions, exact, partition_bits, strategies
from infodecode.floors import validity_floor, variation_ceiling
from tests import laws, oracle, translation

EXAMPLES = 100 if settings.default.max_examples < 100 else settings.default.max_examples
DRAWN = "sample-then-choose"


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_every_decoder_obeys_them(data):
    """FLOOR-1 with what its equation leaves open, Pinsker, and the sequence error rate."""
    sample = data.draw(laws.counted())
    strategy, dialect = data.draw(laws.decoders(sample.law))
    run = exact(translation.table(sample), translation.decoder(strategy, dialect))
    output = oracle.output_law(oracle.decode(sample.law, strategy, dialect))
    valid = {y: p for y, p in output.items() if y in sample.law}
    error = 1 - float(run.validity)
    assert run.validity >= validity_floor(run.kl) - 1e-12
    if math.isfinite(run.kl):
        given_valid = oracle.kl_divergence(sample.law, oracle.normalised(valid))
        assert run.kl == pytest.approx(given_valid - math.log2(run.validity), abs=1e-11)
    assert error <= run.total_variation + 1e-12
    for kl in (run.kl, run.reverse_kl):
        assert run.total_variation <= variation_ceiling(kl) + 1e-12
    assert math.isfinite(run.reverse_kl) == (error == 0) == (sum(valid.values()) == 1)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_path_bits_floor_validity_where_choosing_comes_first(data):
    sample = data.draw(laws.counted())
    law = translation.table(sample)
    strategy = data.draw(
        st.sampled_from(
            [
                strategies.TopK(2),
                strategies.TopK(2, by="confidence"),
                strategies.TopK((1, 3), by="entropy"),
                strategies.Threshold(0.6),
                strategies.Factor(1.0),
            ]
        )
    )
    decoder = Decoder(strategy)
    run, path = exact(law, decoder), data_path(law, decoder)
    assert run.kl <= path.bits + 1e-11
    assert run.validity >= validity_floor(path.bits) - 1e-11


def test_drawing_first_breaks_the_floor_of_the_path_not_that_of_the_output():
    """Replace Random of 4 items, two a round; every partition into pairs has the same L_T."""
    law = distributions.replace_random(4)
    path = partition_bits(law, [(0, 1), (2, 3)])
    assert validity_floor(path) == pytest.approx(3 * math.sqrt(3) / 8, abs=1e-15)
    first = exact(law, Decoder(strategies.TopK(2, by="confidence")), arithmetic="rational")
    assert first.validity == Fraction(21, 32) > validity_floor(path)
    drawn = exact(
        law, Decoder(strategies.TopK(2, by="confidence"), order=DRAWN), arithmetic="rational"
    )
    assert drawn.validity == Fraction(267, 512) < validity_floor(path)
    assert validity_floor(drawn.kl) == pytest.approx(267 / 512, abs=1e-14)


@pytest.mark.parametrize(
    ("law", "decoder"),
    [
        *(
            (law, decoder)
            for law in (distributions.permutations(4), distributions.replace_random(5))
            for decoder in (
                Decoder(strategies.TopK(2)),
                Decoder(strategies.TopK((3, 1))),
                Decoder(strategies.TopK(law.length)),
                Decoder(strategies.TopK(2, by="confidence")),
                Decoder(strategies.TopK(2, by="confidence"), order=DRAWN),
                Decoder(strategies.TopK(2, by="entropy"), temperature=0.5),
                Decoder(strategies.Threshold(0.3), order=DRAWN),
            )
        ),
        (distributions.permutations(4), Decoder(strategies.TopK(3, by="left_to_right"))),
        (distributions.permutations(4), Decoder(strategies.TopK(2), position_ties="lowest")),
    ],
    ids=str,
)
def test_the_floor_is_attained_where_symmetries_make_all_outcomes_alike(law, decoder):
    run = exact(law, decoder)
    assert float(run.validity) == pytest.approx(validity_floor(run.kl), abs=1e-12)


def test_a_fixed_order_on_replace_random_stays_above_the_floor():
    law = distributions.replace_random(4)
    run = exact(law, Decoder(strategies.TopK(2, by="left_to_right")), arithmetic="rational")
    assert run.validity == Fraction(21, 32)
    assert validity_floor(run.kl) == pytest.approx(3 * math.sqrt(3) / 8, abs=1e-14)


def test_small_forward_kl_with_infinite_reverse_kl():
    """All sequences but one, drawn at once: the one that is left out has probability .00024."""
    bits = list(itertools.product((0, 1), repeat=12))
    run = exact(distributions.Table(bits[:-1]), Decoder(strategies.TopK(12)))
    assert run.kl == pytest.approx(3.5175e-4, rel=1e-4)
    assert math.isinf(run.reverse_kl)
    assert 1 - run.validity == pytest.approx((2047 / 4095) ** 12, rel=1e-12)


def test_small_reverse_kl_with_infinite_forward_kl():
    """Greedy decoding puts out the mode alone, which is always possible."""
    law = distributions.Table([[0, 0], [1, 1]], [999, 1])
    run = exact(law, Decoder(strategies.TopK(2), temperature=0))
    assert math.isinf(run.kl)
    assert run.reverse_kl == pytest.approx(-math.log2(0.999), abs=1e-15)
    assert run.validity == 1


@given(p=st.floats(0.001, 0.999), q=st.floats(0.001, 0.999))
def test_the_ceiling_holds_on_coins(p, q):
    kl = p * math.log2(p / q) + (1 - p) * math.log2((1 - p) / (1 - q))
    assert abs(p - q) <= variation_ceiling(max(0.0, kl)) + 1e-9


def test_the_ceiling_is_tight_for_nearly_fair_coins():
    p = 0.5 + 1e-3
    kl = p * math.log2(p / 0.5) + (1 - p) * math.log2((1 - p) / 0.5)
    assert variation_ceiling(kl) == pytest.approx(1e-3, rel=1e-5)
    assert variation_ceiling(kl) == math.sqrt(kl * math.log(2) / 2)


def test_ends():
    assert validity_floor(0) == 1.0
    assert validity_floor(3) == 0.125
    assert validity_floor(math.inf) == validity_floor(np.float64(math.inf)) == 0.0
    assert variation_ceiling(0) == 0.0
    assert variation_ceiling(math.inf) == 1.0
    assert variation_ceiling(20) == math.sqrt(1 - 2**-20)
    assert math.copysign(1, variation_ceiling(0.0)) == 1


@pytest.mark.parametrize("function", [validity_floor, variation_ceiling])
def test_refusals(function):
    for value in (-0.1, math.nan, -math.inf):
        with pytest.raises(ValueError, match="kl must be"):
            function(value)
    for value in ("1", None, True):
        with pytest.raises(TypeError, match="kl must be a real number"):
            function(value)
