"""Regret: never negative, zero for optimal policies, on the hull of what prices attain."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.adaptive import (
    LeastBits,
    adaptive_optimum,
    bits_at_rounds,
    price_curve,
    rounds_at_price,
)
from infodecode.regret import convex_bits, outside
from tests import laws
from tests.translation import table

FIVE = distributions.Table(
    [[0, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [2, 1, 0, 1]], name="five"
)


@given(sample=laws.counted(max_length=4))
def test_nobody_beats_the_optimum(sample):
    law = table(sample)
    best = infodecode.bounds(law)
    assert (best.adaptive_bits <= best.partition_bits + 1e-12).all()
    for strategy in (strategies.TopK(2), strategies.Threshold(0.6), strategies.Factor(1.0)):
        found = infodecode.regret(law, Decoder(strategy))
        assert found.regret >= 0
        assert found.bits == pytest.approx(found.best_bits + found.regret, abs=1e-12)
    for rounds in range(1, law.length + 1):
        assert bits_at_rounds(law, rounds) <= best.adaptive_bits[rounds - 1] + 1e-12


@given(sample=laws.counted(max_length=4))
def test_the_hull_is_what_prices_attain(sample):
    """sup over prices of (cost - rounds) / price is the hull: no price gives a higher line."""
    law = table(sample)
    prices = [0.25, 0.5, 1, 2, 4, 8, 16]
    for rounds in (1.0, 1.3, 2.0, 2.6):
        lines = [(best.cost - rounds) / best.price for best in price_curve(law, prices)]
        hull = bits_at_rounds(law, rounds)
        assert hull >= max(0.0, *lines) - 1e-10
    for best in price_curve(law, [0.0, 1.0, 5.0, math.inf]):
        assert bits_at_rounds(law, best.expected_rounds) == pytest.approx(best.bits, abs=1e-10)


@pytest.mark.parametrize(
    "law", [FIVE, distributions.replace_random(6), distributions.titanic()], ids=lambda v: v.name
)
def test_optimal_policies_have_no_regret(law):
    for price in (0.5, 2.0, 8.0, math.inf):
        best = rounds_at_price(law, price)
        found = infodecode.regret(law, Decoder(best.policy(), position_ties="lowest"))
        assert found.regret == pytest.approx(0, abs=1e-10)
        assert found.expected_rounds == pytest.approx(best.expected_rounds)
        assert found.bits == pytest.approx(best.bits, abs=1e-10)
    limited = adaptive_optimum(law)
    for rounds in range(1, law.length + 1):
        path = infodecode.data_path(law, Decoder(limited.policy(rounds)))
        assert path.bits == pytest.approx(limited.bits[rounds - 1], abs=1e-10)


def test_adapting_gains_on_fixed_orders():
    report = infodecode.bounds(FIVE)
    assert report.adaptive_bits[2] == 0
    assert report.partition_bits[2] == pytest.approx(0.0199731, abs=1e-7)
    assert "adaptive" in repr(report)
    assert "adaptive_bits" in report.to_frame()
    assert "adaptive" not in repr(infodecode.bounds(distributions.permutations(4)))


def test_factor_one_on_replace_random():
    """As good as any policy at its own expected rounds up to six positions, not at eight."""
    losses = [
        infodecode.regret(distributions.replace_random(n), Decoder(strategies.Factor(1.0))).regret
        for n in (4, 6, 8)
    ]
    assert losses == pytest.approx([0, 0, 0.019209], abs=1e-6)


@given(sample=laws.counted(max_length=4))
def test_corners_serve_every_number_of_rounds(sample):
    """As if each number were asked for alone, in any order; straight between corners."""
    law = table(sample)
    least = LeastBits(law)
    for rounds in (2.6, 1.0, 1.9, 1.3, 4.0, 2.0, 1.9):
        assert least.at(rounds) == pytest.approx(bits_at_rounds(law, rounds), abs=1e-10)
    corners = least.corners(40)
    assert np.array_equal(corners, LeastBits(law).corners(40))
    assert corners[0] == pytest.approx([1, bits_at_rounds(law, 1)], abs=1e-10)
    assert corners[-1] == pytest.approx([least.most_rounds, 0], abs=1e-10)
    slopes = np.diff(corners[:, 1]) / np.diff(corners[:, 0])
    assert (slopes < 0).all()
    assert (np.diff(slopes) >= -1e-9).all()
    for rounds in np.linspace(1, least.most_rounds, 40):
        on_edges = np.interp(rounds, *corners.T)
        assert on_edges == pytest.approx(least.at(rounds), abs=1e-9)


@given(
    curve=st.lists(st.integers(0, 9), min_size=1, max_size=7).map(
        lambda drops: np.cumsum(drops[::-1])[::-1].astype(float)
    ),
    eighths=st.integers(8, 64),
)
def test_convex_bits_are_the_least_of_all_mixtures_of_two(curve, eighths):
    rounds = eighths / 8
    expected = [
        curve[a] + (curve[b] - curve[a]) * (rounds - a - 1) / (b - a)
        for a in range(len(curve))
        for b in range(a + 1, len(curve))
        if a + 1 <= rounds <= b + 1
    ]
    expected += [bits for t, bits in enumerate(curve, start=1) if t <= rounds]
    assert convex_bits(curve, rounds) == pytest.approx(min(expected), abs=1e-12)


def test_certain_laws_need_one_round():
    assert bits_at_rounds(distributions.copy(3), 1) == 0.0
    assert LeastBits(distributions.copy(3)).corners(9).tolist() == [[1, 0]]
    assert infodecode.regret(distributions.copy(3), Decoder(strategies.OneByOne())).regret == 0.0


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"order": "sample-then-choose"}, "draws first"),
        ({"temperature": 0}, "greedy"),
        ({"temperature": 0, "order": "sample-then-choose"}, "greedy"),
        ({"temperature": 0.5}, "tempered"),
        ({"temperature": 2}, "tempered"),
    ],
)
def test_what_has_no_regret_is_refused_and_shown_where_the_message_says(options, kind):
    law = distributions.permutations(3)
    decoder = Decoder(strategies.OneByOne(), **options)
    assert outside(decoder) == kind
    words = f"choose before it draws.*{kind}.*frontier.*to_frame"
    with pytest.raises(ValueError, match=words):
        infodecode.regret(law, decoder)
    [shown] = infodecode.frontier(law, [decoder]).to_frame()["kind"]
    assert shown == kind


def test_decoders_of_the_class_are_not_outside():
    for strategy in (strategies.TopK(2), strategies.Threshold(0.9)):
        assert outside(Decoder(strategy, position_ties="lowest")) is None


def test_refusals():
    law = distributions.permutations(3)
    with pytest.raises(ValueError, match="expected_rounds must be at least 1"):
        bits_at_rounds(law, 0.5)
    with pytest.raises(ValueError, match="max_pairs must be at most"):
        adaptive_optimum(law, max_pairs=2**30)
    with pytest.raises(ValueError, match="expected_rounds must be at least 1"):
        LeastBits(law).at(0.5)
    with pytest.raises(ValueError, match="max_pairs must be at most"):
        LeastBits(law, max_pairs=2**30)
    rows = np.random.default_rng(0).integers(0, 2, (40, 12))
    notes = infodecode.bounds(distributions.Table(rows)).notes
    assert any("adaptive optimum" in note for note in notes)
