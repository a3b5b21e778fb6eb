"""PC-Sampler: its score, its exact laws, and what the calibration needs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, decode, distributions, exact, simulate
from infodecode.strategies import Clocked, LeftToRight, Unlocking, WholeCanvas
from infodecode.strategies.pc_sampler import PCSampler, corpus_frequencies
from infodecode.strategies.quota import Quota
from tests import laws, scalar_rules
from tests.test_quota import START, quota_of
from tests.test_simulate_against_exact import assert_follows, uneven
from tests.translation import table

EXACT = 1e-12


def scalar(steps, frequencies, decay, clip):
    """The score in words: place, confidence, token's frequency, clipped."""

    def score(view, i):
        confidence = float(view.score("confidence", i))
        law = view.laws[i]
        likeliest = min(v for v, p in law.items() if p == max(law.values()))
        token = view.drawn.get(i, likeliest)
        calibrated = confidence
        if frequencies is not None:
            calibrated = min(-confidence * math.log(frequencies[token] + 1e-9), clip)
        return round(math.exp(-decay * (i - view.start)) * calibrated, 12)

    def rule(view):
        block, spent, opened, _ = view.memory
        if block != view.start:
            block, spent, opened = view.start, 0, len(view.open)
        count = quota_of(opened, steps)[spent] if spent < steps else len(view.open)
        for chosen, p in view.best_of({i: score(view, i) for i in view.open}, count):
            yield chosen, p, (block, spent + 1, opened, False)

    return rule


FREQUENCIES = [None, (0.6, 0.3, 0.1), (0.05, 0.9, 0.05), (0.0, 0.5, 0.5)]


@given(
    sample=laws.counted(max_length=4, max_outcomes=6),
    steps=st.integers(1, 4),
    frequencies=st.sampled_from(FREQUENCIES),
    decay=st.sampled_from([0.0, 0.25, 1.0]),
    clip=st.sampled_from([10.0, 1.0, 0.4]),
    dialect=laws.DIALECTS,
    data=st.data(),
)
def test_exact_law(sample, steps, frequencies, decay, clip, dialect, data):
    policy = data.draw(
        st.sampled_from([WholeCanvas(), LeftToRight(2), Clocked(2, steps), Clocked(3, steps)])
    )
    rule = scalar(steps, frequencies, decay, clip)
    expected = scalar_rules.follow(sample.law, rule, START, blocks=policy, dialect=dialect)
    ours = PCSampler(steps, frequencies, decay, clip)
    run = exact(table(sample), scalar_rules.decoder(ours, dialect, blocks=policy))
    scalar_rules.assert_same(run, expected)


@given(start=scalar_rules.partly_filled(), steps=st.integers(1, 4))
def test_exact_law_from_a_partly_filled_canvas(start, steps):
    sample, canvas = start
    rule = scalar(steps, FREQUENCIES[1], 0.25, 10.0)
    expected = scalar_rules.follow(sample.law, rule, START, canvas=canvas)
    decoder = Decoder(PCSampler(steps, FREQUENCIES[1]))
    scalar_rules.assert_same_from(table(sample), canvas, decoder, expected)


def order_of(law, rule, **options):
    """Positions in the order in which a rule of one position a round commits them."""
    trace = decode(law, Decoder(rule, **options))
    return [int(np.flatnonzero(row[0])[0]) for row in trace.committed]


def test_common_tokens_come_last():
    """Confidences .9 of the common token and .6 of the rare one."""
    law = distributions.concatenate(
        distributions.Table([[0], [1]], [9, 1]), distributions.Table([[0], [1]], [4, 6])
    )
    assert order_of(law, PCSampler(2, decay=0.0)) == [0, 1]
    assert order_of(law, PCSampler(2, (0.9, 0.1), decay=0.0)) == [1, 0]
    assert order_of(law, PCSampler(2, (0.9, 0.1), decay=3.0)) == [0, 1]
    assert 0.9 * -math.log(0.9) < 0.6 * -math.log(0.1) < 0.9 * -math.log(0.9) * math.exp(3.0)


def test_the_clip_levels_rare_tokens():
    law = distributions.concatenate(
        distributions.Table([[0], [1]], [9, 1]), distributions.Table([[0], [1]], [1, 9])
    )
    rare = (1e-3, 1e-4)
    assert order_of(law, PCSampler(2, rare, decay=0.0)) == [1, 0]
    assert order_of(law, PCSampler(2, rare, decay=0.0, clip=1.0), position_ties="lowest") == [0, 1]


def test_without_decay_and_calibration_it_is_the_quota():
    for law in (uneven(), distributions.replace_random(5)):
        ours, theirs = (
            exact(law, Decoder(r)) for r in (PCSampler(2, decay=0.0), Quota(2, "confidence"))
        )
        np.testing.assert_allclose(ours.weights, theirs.weights, atol=EXACT)


def test_uniform_frequencies_leave_the_order_alone():
    law = uneven()
    ours, theirs = (exact(law, Decoder(r)) for r in (PCSampler(2, (1 / 3,) * 3), PCSampler(2)))
    np.testing.assert_allclose(ours.weights, theirs.weights, atol=EXACT)


def test_strong_decay_goes_left_to_right():
    """Far beyond where the factor itself would vanish in floating point."""
    law = distributions.permutations(60)
    assert order_of(law, PCSampler(60, corpus_frequencies(law), decay=30.0)) == list(range(60))


def test_places_count_from_the_start_of_their_block():
    """Both blocks are open after the first one's time: neither is preferred for its place."""
    law = distributions.copy(4)
    blocks = Unlocking(2, 1, eager=False)
    rule = PCSampler(3, decay=1.0)
    assert order_of(law, rule, blocks=blocks, position_ties="lowest") == [0, 2, 1, 3]


def test_unseen_tokens_are_as_rare_as_one_in_a_billion():
    """.4 of 20.7 nats against .8 of 9.2."""
    law = distributions.concatenate(
        distributions.Table([[0], [1], [2]], [4, 3, 3]), distributions.Table([[0], [1]], [2, 8])
    )
    rule = PCSampler(2, (0.0, 1e-4, 0.5), decay=0.0)
    assert order_of(law, rule) == [0, 1]
    assert -0.4 * math.log(1e-9) > -0.8 * math.log(1e-4) > -0.4 * math.log(1e-7)


def test_frequencies_of_a_distribution():
    law = uneven()
    outcomes, weights = law.table().outcomes, law.table().weights
    expected = [
        sum(w * (y == v).mean() for y, w in zip(outcomes, weights, strict=True)) / sum(weights)
        for v in range(3)
    ]
    np.testing.assert_allclose(corpus_frequencies(law), expected, atol=EXACT)
    assert corpus_frequencies(law).sum() == pytest.approx(1)
    with pytest.raises(TypeError, match="distribution must be a distribution"):
        corpus_frequencies([0.5, 0.5])


@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
def test_simulation_follows_the_exact_law(order):
    law = uneven()
    rule = PCSampler(2, corpus_frequencies(law))
    decoder = Decoder(rule, order=order, blocks=Clocked(2, 2))
    run = exact(law, decoder, off_support="marginal")
    again = simulate(law, decoder, samples=5000, seed=3, confidence=1 - 1e-6, keep_sequences=True)
    assert_follows(again, run)


def test_settings():
    assert (PCSampler(3).decay, PCSampler(3).clip) == (0.25, 10.0)
    assert PCSampler(3).sizes(10) == (4, 3, 3)
    assert PCSampler(5, as_shipped=True).sizes(3) is None
    assert {rule.decay for rule in PCSampler.grid(4)} == {0.0, 0.25, 1.0}
    assert PCSampler(3, np.array([0.5, 0.5])) == PCSampler(3, [0.5, 0.5])
    assert hash(PCSampler(3, [0.5, 0.5])) != hash(PCSampler(3))
    shipped = decode(
        distributions.copy(2), Decoder(PCSampler(4, as_shipped=True), position_ties="lowest")
    )
    assert shipped.committed.sum(axis=(1, 2)).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: PCSampler(0), ValueError, "steps must be at least 1, got 0"),
        (lambda: PCSampler(2, decay=-1), ValueError, "decay must be at least 0, got -1"),
        (lambda: PCSampler(2, clip=0), ValueError, "clip must be greater than 0, got 0"),
        (lambda: PCSampler(2, [[0.5]]), ValueError, "frequencies must be a number for every tok"),
        (lambda: PCSampler(2, []), ValueError, "frequencies must be a number for every token"),
        (lambda: PCSampler(2, ["a"]), ValueError, "frequencies must be a number for every token"),
        (lambda: PCSampler(2, [0.5, 1.5]), ValueError, r"in \[0, 1\], got 1.5 of token 1"),
        (lambda: PCSampler(2, [math.nan]), ValueError, r"in \[0, 1\], got nan of token 0"),
        (
            lambda: exact(distributions.permutations(3), Decoder(PCSampler(3, [0.5, 0.5]))),
            ValueError,
            "frequencies must cover every token, got 2 of them and token 2",
        ),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()
