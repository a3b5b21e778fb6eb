"""LLaDA's quota: sizes, exact laws, clocks and blocks."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, decode, distributions, exact, simulate
from infodecode.chance import Sampled
from infodecode.models import IdealModel
from infodecode.strategies import (
    Clocked,
    LeftToRight,
    TopK,
    Unlocking,
    WholeCanvas,
)
from infodecode.strategies._clock import even_share
from infodecode.strategies.quota import Quota
from infodecode.strategies.top_k import ORDERS
from tests import laws, oracle, scalar_rules
from tests.test_simulate_against_exact import assert_follows, uneven
from tests.translation import table

EXACT = 1e-12


def quota_of(masks, steps):
    """LLaDA's sizes as its code writes them: a base, and one more in the first rounds."""
    return [masks // steps + (i < masks % steps) for i in range(steps)]


def scalar(steps, by, *, shipped=False):
    """The quota of one canvas; memory: block, rounds in it, masks it opened with, clock over."""

    def rule(view):
        block, spent, opened, _ = view.memory
        if block != view.start:
            block, spent, opened = view.start, 0, len(view.open)
        count = quota_of(opened, steps)[spent] if spent < steps else len(view.open)
        over = view.end == len(view.canvas) and spent + 1 >= steps
        for chosen, p in view.best(by, count):
            yield chosen, p, (block, spent + 1, opened, over)

    def ends(canvas, memory):
        return memory[3] if shipped else oracle.MASK not in canvas

    return rule, ends


START = (-1, 0, 0, False)


def blocks(steps):
    return st.one_of(
        st.just(WholeCanvas()),
        st.builds(LeftToRight, st.integers(1, 3)),
        st.builds(Clocked, st.integers(1, 3), st.just(steps)),
    )


@pytest.mark.parametrize("shipped", [False, True])
@given(
    sample=laws.counted(max_length=4, max_outcomes=6),
    steps=st.integers(1, 5),
    by=st.sampled_from(ORDERS),
    dialect=laws.DIALECTS,
    data=st.data(),
)
def test_exact_law(shipped, sample, steps, by, dialect, data):
    policy = data.draw(blocks(steps))
    rule, ends = scalar(steps, by, shipped=shipped)
    expected = scalar_rules.follow(
        sample.law, rule, START, blocks=policy, dialect=dialect, finished=ends
    )
    ours = Quota(steps, by, as_shipped=shipped)
    run = exact(table(sample), scalar_rules.decoder(ours, dialect, blocks=policy))
    scalar_rules.assert_same(run, expected)


@given(start=scalar_rules.partly_filled(), steps=st.integers(1, 5), data=st.data())
def test_exact_law_from_a_partly_filled_canvas(start, steps, data):
    sample, canvas = start
    policy = data.draw(blocks(steps))
    rule, ends = scalar(steps, "confidence")
    expected = scalar_rules.follow(
        sample.law, rule, START, canvas=canvas, blocks=policy, finished=ends
    )
    decoder = Decoder(Quota(steps), blocks=policy)
    scalar_rules.assert_same_from(table(sample), canvas, decoder, expected)


@given(st.integers(0, 40), st.integers(1, 45))
def test_sharing_what_is_left_is_the_quota(masks, steps):
    left, shares = np.array([masks]), []
    for step in range(steps):
        shares.append(int(even_share(left, np.array([steps - step]))[0]))
        left = left - shares[-1]
    assert shares == quota_of(masks, steps)


def counts_of(trace):
    return trace.committed.sum(axis=(1, 2)).tolist()


@pytest.mark.parametrize("by", ORDERS)
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_on_a_whole_canvas_it_is_top_k_with_the_sizes(by, steps):
    law = uneven()
    rule = Quota(steps, by)
    sizes = rule.sizes(3)
    assert sum(sizes) == 3
    assert len(sizes) == min(steps, 3)
    ours, theirs = (exact(law, Decoder(r)) for r in (rule, TopK(sizes, by)))
    assert ours.outcomes.tolist() == theirs.outcomes.tolist()
    np.testing.assert_allclose(ours.weights, theirs.weights, atol=EXACT)


def test_published_example():
    assert Quota(3).sizes(10) == (4, 3, 3)
    assert Quota(4).sizes(2) == (1, 1)
    assert Quota(4, as_shipped=True).sizes(2) is None
    assert Quota(2, as_shipped=True).sizes(5) == (3, 2)


def test_rounds_with_a_quota_of_nothing_are_idle_calls():
    law = distributions.copy(5)
    waiting = Decoder(Quota(3, "left_to_right"), blocks=Clocked(2, 3))
    assert counts_of(decode(law, waiting)) == [1, 1, 0, 1, 1, 0, 1]
    shipped = Decoder(Quota(3, "left_to_right", as_shipped=True), blocks=Clocked(2, 3))
    trace = decode(law, shipped)
    assert counts_of(trace) == [1, 1, 0, 1, 1, 0, 1, 0, 0]
    assert trace.calls.sum() == 9
    assert not trace.forced.any()
    eager = Decoder(Quota(3, "left_to_right"), blocks=LeftToRight(2))
    assert counts_of(decode(law, eager)) == [1, 1, 1, 1, 1]
    run = exact(law, shipped)
    assert run.expected_rounds == run.expected_calls == 9


def test_a_block_that_is_given_waits_as_well():
    law = distributions.copy(4)
    decoder = Decoder(Quota(2, "left_to_right"), blocks=Clocked(2, 2))
    trace = decode(law, decoder, canvases=[0, 1, -1, -1])
    assert counts_of(trace) == [0, 0, 1, 1]


def test_blocks_that_close_too_early_are_refused():
    decoder = Decoder(Quota(3), blocks=Clocked(3, 2))
    with pytest.raises(ValueError, match=r"blocks must stay open for all rounds of Quota\(steps=3"):
        exact(distributions.copy(6), decoder)
    longer = Decoder(Quota(2, "left_to_right"), blocks=Clocked(3, 3))
    assert counts_of(decode(distributions.copy(6), longer)) == [2, 1, 0, 2, 1]


def test_unlocked_blocks_share_what_is_open():
    law = distributions.permutations(4)
    ours = exact(law, Decoder(Quota(2, "random"), blocks=Unlocking(2, 2)))
    theirs = exact(law, Decoder(Quota(2, "random"), blocks=LeftToRight(2)))
    assert ours.validity == pytest.approx(theirs.validity, abs=EXACT)


@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
@pytest.mark.parametrize("by", ["confidence", "random", "entropy"])
def test_simulation_follows_the_exact_law(by, order):
    law = uneven()
    decoder = Decoder(Quota(2, by), order=order, blocks=Clocked(2, 2))
    run = exact(law, decoder, off_support="marginal")
    again = simulate(law, decoder, samples=5000, seed=3, confidence=1 - 1e-6, keep_sequences=True)
    assert_follows(again, run)


def test_fractions():
    """Pairs of a random order on Replace Random, by hand."""
    run = exact(distributions.replace_random(4), Decoder(Quota(2, "random")), arithmetic="rational")
    theirs = exact(distributions.replace_random(4), Decoder(TopK(2)), arithmetic="rational")
    assert run.validity == theirs.validity
    assert isinstance(run.validity, Fraction)


@pytest.mark.parametrize("policy", [WholeCanvas(), LeftToRight(2), Clocked(2, 3)])
def test_one_round_a_mask_is_exact(policy):
    for law in (uneven(), distributions.parity(3)):
        assert exact(law, Decoder(Quota(3, "random"), blocks=policy)).kl == 0
        assert exact(law, Decoder(Quota(1, "random"))).kl > 0


def test_settings_worth_comparing():
    grid = Quota.grid(5)
    assert {rule.steps for rule in grid} == {1, 2, 3, 5}
    assert {rule.by for rule in grid} == {"random", "confidence"}
    assert Quota(3) == Quota(3, "confidence")
    assert not Quota(3).equivariant


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Quota(0), ValueError, "steps must be at least 1, got 0"),
        (lambda: Quota(1.5), TypeError, "steps must be an integer, got 1.5"),
        (lambda: Quota(2, by="best"), ValueError, "by must be one of 'random', 'confidence'"),
        (lambda: Quota(2, as_shipped=1), TypeError, "as_shipped must be True or False, got 1"),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_clock_that_has_run_out_is_no_memory():
    law, model = distributions.copy(4), IdealModel(distributions.copy(4))
    decoder = Decoder(Quota(2), blocks=Clocked(4, 6))
    blank = np.full((1, 4), -1, np.int32)
    state = decoder.start(blank, np.ones(1), np.zeros(1, np.uint64), model)
    seen = []
    for _ in range(5):
        (state,) = decoder.step(state, IdealModel(law), Sampled())
        seen.append(int(state.memory["block_round"][0]))
    assert seen == [1, 2, 2, 2, 2]
