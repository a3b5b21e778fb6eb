"""Dream's schedules, and Fast-dLLM's threshold for them."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, decode, distributions, exact, simulate
from infodecode.strategies import Clocked, LeftToRight, Threshold, TopK, WholeCanvas
from infodecode.strategies.dream import DreamSchedule, DreamThreshold
from infodecode.strategies.quota import Quota
from infodecode.strategies.top_k import ORDERS
from tests import laws, oracle, scalar_rules
from tests.test_quota import quota_of
from tests.test_simulate_against_exact import assert_follows, uneven
from tests.translation import table

EXACT = 1e-12
EPS = [
    Fraction(1, 1000),
    Fraction(1, 100),
    Fraction(1, 4),
    Fraction(1, 2),
    Fraction(0),
    Fraction(1),
]


def share_of(step, steps, eps):
    """1 - t_{i+1} / t_i on a line from 1 to eps; 1 in the last round."""
    if step >= steps - 1:
        return Fraction(1)
    now, then = (1 - Fraction(i, steps) * (1 - eps) for i in (step, step + 1))
    return 1 - then / now


def scalar(steps, by, eps, *, shipped=False):
    """Memory: block, rounds in it, clock over."""

    def rule(view):
        block, spent, _ = view.memory
        spent = spent if block == view.start else 0
        memory = (view.start, spent + 1, view.end == len(view.canvas) and spent + 1 >= steps)
        share = share_of(spent, steps, eps)
        if by == "origin":
            for chosen, p in coins(view.open, share):
                yield chosen, p, memory
            return
        for chosen, p in view.best(by, math.floor(len(view.open) * share)):
            yield chosen, p, memory

    def ends(canvas, memory):
        return memory[2] if shipped else oracle.MASK not in canvas

    return rule, ends


def coins(positions, share):
    """Every outcome of a coin per position."""
    sets = [((), Fraction(1))]
    for i in positions:
        sets = [
            (chosen + extra, p * q)
            for chosen, p in sets
            for extra, q in (((i,), share), ((), 1 - share))
            if q
        ]
    return sets


START = (-1, 0, False)
BLOCKS = [WholeCanvas(), LeftToRight(2), LeftToRight(1)]


def blocks(steps):
    return st.sampled_from([*BLOCKS, Clocked(2, steps), Clocked(3, steps)])


@given(
    sample=laws.counted(max_length=4, max_outcomes=6),
    steps=st.integers(1, 5),
    by=st.sampled_from(["origin", *ORDERS]),
    eps=st.sampled_from(EPS),
    dialect=laws.DIALECTS,
    data=st.data(),
)
def test_exact_law(sample, steps, by, eps, dialect, data):
    policy = data.draw(blocks(steps))
    rule, ends = scalar(steps, by, eps)
    expected = scalar_rules.follow(
        sample.law, rule, START, blocks=policy, dialect=dialect, finished=ends
    )
    ours = DreamSchedule(steps, by, float(eps))
    run = exact(table(sample), scalar_rules.decoder(ours, dialect, blocks=policy))
    scalar_rules.assert_same(run, expected)


@given(
    start=scalar_rules.partly_filled(),
    steps=st.integers(1, 5),
    by=st.sampled_from(["origin", "entropy"]),
)
def test_exact_law_from_a_partly_filled_canvas(start, steps, by):
    sample, canvas = start
    rule, ends = scalar(steps, by, Fraction(1, 1000))
    expected = scalar_rules.follow(sample.law, rule, START, canvas=canvas, finished=ends)
    decoder = Decoder(DreamSchedule(steps, by))
    scalar_rules.assert_same_from(table(sample), canvas, decoder, expected)


@pytest.mark.parametrize("by", ["origin", "confidence"])
def test_as_shipped_the_clock_runs_out(by):
    """Off rounding edges only the idle rounds at the end differ."""
    sample_law = oracle.replace_random(3)
    rule, ends = scalar(5, by, Fraction(1, 1000), shipped=True)
    expected = scalar_rules.follow(sample_law, rule, START, finished=ends)
    run = exact(distributions.replace_random(3), Decoder(DreamSchedule(5, by, as_shipped=True)))
    got = dict(zip(map(tuple, run.outcomes.tolist()), run.weights.tolist(), strict=True))
    assert got == pytest.approx({y: float(p) for y, p in expected.outputs.items()}, abs=1e-6)
    assert run.rounds[:5].sum() == 0
    assert run.finished_by_round[5] == pytest.approx(1 - run.absorbed)


@given(st.integers(1, 60), st.integers(1, 40), st.sampled_from(EPS))
def test_counts_are_those_of_exact_arithmetic(masks, steps, eps):
    left, counts = masks, []
    for step in range(steps):
        counts.append(math.floor(left * share_of(step, steps, eps)))
        left -= counts[-1]
    assert DreamSchedule(steps, "random", float(eps)).sizes(masks) == tuple(counts)
    assert left == 0


def test_counts_on_an_edge():
    """With eps = 0 every product is m / rounds left; 9 in 3 go 3, 3, 3, not 2, 3, 4."""
    assert DreamSchedule(3, "random", 0.0).sizes(9) == (3, 3, 3)
    assert DreamSchedule(3, "random", 0.0).sizes(10) == (3, 3, 4)
    assert DreamSchedule(49, "random", 0.0).sizes(49) == (1,) * 49
    assert 49 * (1 / 49) < 1
    assert DreamSchedule(4, "random", 1.0).sizes(6) == (0, 0, 0, 6)
    assert DreamSchedule(3).sizes(9) is None


def test_without_eps_it_is_the_quota_from_the_other_end():
    for masks, steps in [(10, 3), (8, 5), (7, 7)]:
        sizes = DreamSchedule(steps, "random", 0.0).sizes(masks)
        assert sizes[::-1] == tuple(quota_of(masks, steps))


@pytest.mark.parametrize("by", ["origin", "left_to_right"])
def test_a_block_may_stay_open_for_longer(by):
    law = distributions.copy(4)
    trace = decode(law, Decoder(DreamSchedule(2, by), blocks=Clocked(2, 3)))
    assert trace.finished.all()
    assert trace.committed[1:3].sum(axis=(1, 2)).tolist() == [2 - trace.committed[0].sum(), 0]


def test_origin_is_ancestral_sampling():
    """A position is still masked before round i with probability t_i."""
    rule = DreamSchedule(4)
    times = np.cumprod([1, *(1 - rule.shares)])
    np.testing.assert_allclose(times[:4], np.linspace(1, 1e-3, 5)[:4], atol=EXACT)
    law = distributions.copy(2)
    run = exact(law, Decoder(rule))
    late = np.array([*times[1:4], 0])
    finished = (1 - late) ** 2
    np.testing.assert_allclose(np.cumsum(run.rounds)[1:], finished, atol=EXACT)


def test_origin_in_fractions():
    run = exact(distributions.copy(2), Decoder(DreamSchedule(2, eps=0.5)), arithmetic="rational")
    assert run.rounds.tolist() == [0, Fraction(1, 16), Fraction(15, 16)]


def test_one_round_commits_everything():
    law = uneven()
    for by in ("origin", "confidence"):
        ours, theirs = (exact(law, Decoder(r)) for r in (DreamSchedule(1, by), TopK(3)))
        np.testing.assert_allclose(ours.weights, theirs.weights, atol=EXACT)


@pytest.mark.parametrize(
    "rule",
    [
        DreamSchedule(3),
        DreamSchedule(4, "entropy"),
        DreamSchedule(3, as_shipped=True),
        DreamThreshold(2, 0.6),
    ],
)
@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
def test_simulation_follows_the_exact_law(rule, order):
    law = uneven()
    decoder = Decoder(rule, order=order, temperature=0.5)
    run = exact(law, decoder, off_support="marginal")
    again = simulate(law, decoder, samples=5000, seed=3, confidence=1 - 1e-6, keep_sequences=True)
    assert_follows(again, run)


# Threshold in a window ---------------------------------------------------------------------


def windowed(steps, threshold):
    """As the code has it: a window of this round's quota and what the last one rejected.

    Memory: block, rounds in it, masks it opened with, rejected.
    """

    def rule(view):
        block, spent, opened, rejected = view.memory
        if block != view.start:
            block, spent, opened, rejected = view.start, 0, len(view.open), 0
        quotas = quota_of(opened, steps)
        window = rejected + (quotas[spent] if spent < steps else 0)
        for candidates, p in view.best("confidence", window):
            sure = [i for i in candidates if view.score("confidence", i) >= threshold]
            ways = [(tuple(sure), 1)] if sure else view.best("confidence", 1, list(candidates))
            for chosen, q in ways:
                yield chosen, p * q, (block, spent + 1, opened, len(candidates) - len(chosen))

    return rule


@given(
    sample=laws.counted(max_length=4, max_outcomes=6),
    steps=st.integers(1, 5),
    dialect=laws.DIALECTS,
    data=st.data(),
)
def test_exact_law_of_a_threshold_in_a_window(sample, steps, dialect, data):
    policy = data.draw(st.sampled_from(BLOCKS))
    threshold = data.draw(laws.confidences(sample.law, dialect) | st.just(Fraction(9, 10)))
    expected = scalar_rules.follow(
        sample.law, windowed(steps, threshold), (-1, 0, 0, 0), blocks=policy, dialect=dialect
    )
    ours = DreamThreshold(steps, float(threshold))
    run = exact(table(sample), scalar_rules.decoder(ours, dialect, blocks=policy))
    scalar_rules.assert_same(run, expected)


@given(start=scalar_rules.partly_filled(), steps=st.integers(1, 4))
def test_exact_law_of_a_window_on_a_partly_filled_canvas(start, steps):
    sample, canvas = start
    rule = windowed(steps, Fraction(3, 5))
    expected = scalar_rules.follow(sample.law, rule, (-1, 0, 0, 0), canvas=canvas)
    decoder = Decoder(DreamThreshold(steps, 0.6))
    scalar_rules.assert_same_from(table(sample), canvas, decoder, expected)


def same_law(ours, theirs, law):
    one, other = (exact(law, Decoder(rule)) for rule in (ours, theirs))
    assert one.outcomes.tolist() == other.outcomes.tolist()
    np.testing.assert_allclose(one.weights, other.weights, atol=EXACT)
    np.testing.assert_allclose(one.finished_by_round.sum(), other.finished_by_round.sum())


def test_windows_at_their_ends():
    for law in (uneven(), distributions.replace_random(5), distributions.permutations(4)):
        same_law(DreamThreshold(3, 0.0), Quota(3), law)
        for gamma in (0.3, 0.75, 0.8):
            same_law(DreamThreshold(1, gamma), Threshold(gamma, inclusive=True), law)
        same_law(DreamThreshold(law.length, 1.0), Quota(law.length), law)


def test_a_window_holds_back_what_is_sure():
    """Everything is certain from the start: the window alone decides."""
    law = distributions.copy(7)
    counts = decode(law, Decoder(DreamThreshold(3))).committed.sum(axis=(1, 2)).tolist()
    assert counts == [3, 2, 2]


def test_what_a_window_rejects_comes_back():
    """Shuffle of 4 in two rounds: 2 released and 1 rejected; then all, one by one."""
    law = distributions.permutations(4)
    trace = decode(law, Decoder(DreamThreshold(2, 0.45)), seed=1)
    assert trace.committed.sum(axis=(1, 2)).tolist() == [1, 1, 2]
    assert trace.forced[:, 0].tolist() == [True, True, False]


def test_settings_worth_comparing():
    assert {rule.by for rule in DreamSchedule.grid(4)} == {"origin", "entropy"}
    assert {rule.steps for rule in DreamThreshold.grid(4)} == {1, 2, 4}
    assert (DreamSchedule(4).by, DreamSchedule(4).eps) == ("origin", 1e-3)
    assert DreamThreshold(4).threshold == 0.9


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: DreamSchedule(0), ValueError, "steps must be at least 1, got 0"),
        (lambda: DreamSchedule(2, "maskgit"), ValueError, "by must be one of 'origin', 'random'"),
        (lambda: DreamSchedule(2, eps=2), ValueError, "eps must be at most 1, got 2"),
        (lambda: DreamSchedule(2, eps=-0.1), ValueError, "eps must be at least 0, got -0.1"),
        (lambda: DreamSchedule(2, as_shipped=0), TypeError, "as_shipped must be True or False"),
        (lambda: DreamThreshold(0), ValueError, "steps must be at least 1, got 0"),
        (lambda: DreamThreshold(2, 1.1), ValueError, "threshold must be at most 1, got 1.1"),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()
