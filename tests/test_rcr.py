"""RCR: its schedule, exact laws against a recursion, what is given stays, blocks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.strategies import Clocked, LeftToRight, Unlocking
from infodecode.strategies.rcr import RCR, SCHEDULES
from tests import laws, oracle
from tests.remasking import (
    MASK,
    WHOLE,
    assert_exact,
    assert_keeps_what_is_given,
    assert_simulates,
    best,
    blank,
    drawn,
    law_at,
    replaced,
)
from tests.test_simulate_against_exact import uneven
from tests.translation import law as exact_law
from tests.translation import table


def rcr(law, rule, block=WHOLE):
    """A round from the description; memory: the running confidence of every position."""
    n = len(next(iter(law)))
    blocks = -(-n // block)

    def advance(canvas, memory, t):
        number = min(t // rule.steps, blocks - 1)
        step = t - number * rule.steps
        end = min((number + 1) * block, n)
        holes = [i for i in range(end) if canvas[i] == MASK]
        size = end - number * block
        left = size * (rule.steps - step - 1) // rule.steps
        if rule.schedule == "cosine":
            left = int(size * np.cos(np.pi / 2 * (step + 1) / rule.steps) + 1e-9)
        for tokens, p in drawn(law, canvas, holes):
            filled = oracle.fill(canvas, tokens)
            fresh = {i: law_at(law, canvas, i)[v] for i, v in tokens.items()}
            if not rule.as_shipped:
                fresh = {i: max(memory[i], c) for i, c in fresh.items()}
            running = replaced(memory, fresh)
            shown = {i: -running[i] for i in range(end)}
            for lost, r in best(shown, left):
                child = blank(filled, lost)
                over = MASK not in child and (not rule.as_shipped or t + 1 >= rule.steps * blocks)
                yield child, running, p * r, over

    return advance


@pytest.mark.parametrize("as_shipped", [False, True])
@given(
    sample=laws.counted(max_length=3, max_outcomes=6),
    steps=st.integers(1, 4),
    schedule=st.sampled_from(SCHEDULES),
)
def test_rcr_has_its_exact_law(as_shipped, sample, steps, schedule):
    rule = RCR(steps, schedule, as_shipped=as_shipped)
    start = (0,) * sample.length
    run = assert_exact(table(sample), Decoder(rule), rcr(sample.law, rule), start, steps)
    assert run.unfinished == 0


@pytest.mark.parametrize("as_shipped", [False, True])
def test_rcr_comes_back_to_earlier_blocks(as_shipped):
    law = uneven()
    rule = RCR(2, as_shipped=as_shipped)
    decoder = Decoder(rule, blocks=Unlocking(2, 2, eager=False))
    assert_exact(law, decoder, rcr(exact_law(law), rule, 2), (0,) * 3, 4)
    law = distributions.replace_random(4)
    decoder = Decoder(rule, blocks=Unlocking(2, 2, eager=False))
    assert_exact(law, decoder, rcr(exact_law(law), rule, 2), (0,) * 4, 4)
    trace = infodecode.decode(law, decoder, samples=500, seed=1)
    assert trace.remasked[2:, :, :2].any()


def test_one_round_draws_everything_at_once():
    law = distributions.replace_random(4)
    run = infodecode.exact(law, Decoder(RCR(1)))
    at_once = infodecode.exact(law, Decoder(strategies.TopK(4)))
    assert run.validity == pytest.approx(at_once.validity)


def test_two_equal_bits():
    """Both drawn, one of them masked again and drawn anew, as sure of itself as before."""
    law = distributions.from_counts([[0, 0], [1, 1]], [1, 1])
    run = infodecode.exact(law, Decoder(RCR(2)))
    assert run.validity == 1
    assert run.kl == 0


def test_the_running_confidence_is_the_largest_and_the_shipped_one_the_last():
    """A position that was drawn with .9, then with .1, counts as .9, or as .1."""
    canvas = np.array([[0, 1]], np.int32)
    rules = RCR(3), RCR(3, as_shipped=True)
    for rule, kept in zip(rules, (0.9, 0.1), strict=True):
        state = infodecode.state.State.start(
            canvas,
            np.ones(1),
            np.zeros(1, np.uint64),
            1e-12,
            {**rule.start(canvas * 0 - 1), "running": np.array([[0.9, 0.5]])},
        )
        state = state.with_(
            chosen=np.array([[True, False]]),
            probability=np.array([[0.1, 0.0]]),
            memory={**state.memory, "block_round": np.array([2])},
            scores={"block_start": np.array([0]), "block_end": np.array([2])},
        )
        plan = rule.revise(state)
        assert plan.memory["running"][0].tolist() == [kept, 0.5]
        assert plan.actions[0].count.tolist() == [0]
        assert plan.actions[0].key[0].tolist() == [-kept, -0.5]


def test_masks_left_by_each_schedule():
    assert RCR(3).masked_after(10, [0, 1, 2]).tolist() == [6, 3, 0]
    assert RCR(4, "cosine").masked_after(10, [0, 1, 2, 3]).tolist() == [9, 7, 3, 0]
    assert RCR(10).masked_after(10, np.arange(10)).tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from(SCHEDULES))
def test_masks_left_never_grow(masks, steps, schedule):
    for as_shipped in (False, True):
        rule = RCR(steps, schedule, as_shipped=as_shipped)
        left = rule.masked_after(masks, np.arange(steps))
        assert (np.diff(np.append(masks, left)) <= 0).all()
        assert left[-1] == 0
    if schedule == "linear":
        expected = [masks * (steps - i - 1) // steps for i in range(steps)]
        assert RCR(steps).masked_after(masks, np.arange(steps)).tolist() == expected


def test_recorded_quotas(golden):
    cases = json.loads((golden / "schedules.json").read_text())["rcr_quota"]
    assert cases
    for masks, steps, mode, quotas in cases:
        left = RCR(steps, mode, as_shipped=True).masked_after(masks, np.arange(steps))
        assert (-np.diff(np.append(masks, left))).tolist() == quotas, (masks, steps, mode)


def test_idle_rounds_are_those_of_the_released_code():
    """Five masks in five rounds lose one to rounding, and the last round finds nothing to do."""
    law = distributions.copy(5)
    assert infodecode.exact(law, Decoder(RCR(5))).rounds.tolist() == [0] * 5 + [1]
    shipped = infodecode.decode(law, Decoder(RCR(5, as_shipped=True)))
    assert shipped.rounds.tolist() == [5]
    assert (shipped.canvases[:, 0] < 0).sum(axis=1).tolist() == [5, 4, 3, 2, 0, 0]
    more = infodecode.exact(distributions.copy(2), Decoder(RCR(8)))
    assert more.rounds.tolist() == [0] * 5 + [1]


CASES = {
    "linear": Decoder(RCR(3)),
    "cosine, draw first": Decoder(RCR(2, "cosine"), order="sample-then-choose"),
    "as shipped": Decoder(RCR(3, as_shipped=True), temperature=0.5, confidence="tempered"),
    "greedy": Decoder(RCR(2), temperature=0),
    "blocks": Decoder(RCR(2), blocks=Unlocking(2, 2, eager=False)),
    "long blocks": Decoder(RCR(3), blocks=Unlocking(2, 3, eager=False)),
}


@pytest.mark.parametrize("case", CASES)
def test_simulation_follows_the_exact_law(case):
    assert_simulates(uneven(), CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_what_is_given_stays(case):
    assert_keeps_what_is_given(CASES[case])


def test_what_is_given_does_not_count():
    """Three of four are to be filled: two masked after the first of three rounds, then one."""
    trace = assert_keeps_what_is_given(Decoder(RCR(3)))
    left = (trace.canvases < 0).sum(axis=2)
    assert (left == np.array([3, 2, 1, 0])[:, None]).all()


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (Clocked(2, 2), "blocks must stay open for all rounds of RCR"),
        (LeftToRight(2), "blocks must not go back for RCR"),
        (Unlocking(2, 8), r"Unlocking\(block_length, 8, eager=False\); got a policy that opened"),
    ],
)
def test_blocks_that_close_or_go_back_are_refused_once_it_matters(blocks, message):
    rule = RCR(blocks.rounds if isinstance(blocks, Clocked) else 2)
    with pytest.raises(ValueError, match=message):
        infodecode.exact(distributions.replace_random(4), Decoder(rule, blocks=blocks))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RCR(0), "steps must be at least 1, got 0"),
        (lambda: RCR(2, "pow2"), "schedule must be one of 'linear', 'cosine', got 'pow2'"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(TypeError, match="as_shipped must be True or False, got 1"):
        RCR(2, as_shipped=1)


def test_grid_runs():
    for rule in RCR.grid(3):
        estimate = infodecode.simulate(distributions.permutations(3), Decoder(rule), samples=20)
        assert estimate.unfinished == 0
