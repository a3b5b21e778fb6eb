"""KLASS: readiness, its exact laws, and where it is another rule."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, decode, distributions, exact, simulate
from infodecode.strategies import Clocked, LeftToRight, Threshold, TopK, WholeCanvas
from infodecode.strategies.klass import KLASS
from infodecode.strategies.quota import Quota
from tests import laws, oracle, scalar_rules
from tests.test_quota import quota_of
from tests.test_simulate_against_exact import assert_follows, uneven
from tests.translation import table

EXACT = 1e-12
FLOOR = 1e-12
DIVERGENCES = [0.04, 0.31, 0.9, 1.3, 45.0]
"""In bits; none of them a divergence between small rational laws."""


def divergence(now, before):
    """KL in bits with the floor inside both logarithms."""
    return sum(
        float(p) * math.log2((float(p) + FLOOR) / (float(before.get(v, 0)) + FLOOR))
        for v, p in now.items()
    )


def scalar(law, rule, dialect):
    """As the released code has it: all divergences of the last rounds, at every position.

    Memory: last canvas, divergences by position, block, rounds in it, masks it opened with.
    """

    def laws_at(canvas):
        raw = oracle.token_laws(law, canvas)
        if dialect.confidence == "tempered":
            return {i: oracle.tempered(one, dialect) for i, one in raw.items()}
        return raw

    def choose(view):
        previous, history, block, spent, opened = view.memory
        if block != view.start:
            block, spent, opened = view.start, 0, len(view.open)
        before = laws_at(previous) if previous is not None else {}
        now = {i: divergence(one, before.get(i, {})) for i, one in view.laws.items()}
        history = tuple((*past, now.get(i, 0.0))[-rule.history :] for i, past in enumerate(history))
        memory = (view.canvas, history, block, spent + 1, opened)
        ready = [
            i for i in view.open
            if spent >= rule.history - 1
            and all(d < rule.divergence for d in history[i])
            and view.score("confidence", i) > Fraction(rule.confidence).limit_denominator(1000)
        ]  # fmt: skip
        quota = 1
        if rule.steps is not None:
            quotas = quota_of(opened, rule.steps)
            quota = quotas[spent] if spent < rule.steps else max(1, opened // rule.steps)
        if not ready:
            ways = view.best("confidence", quota)
        elif rule.unmask == "all":
            ways = [(tuple(ready), Fraction(1))]
        elif rule.unmask == "max_conf":
            ways = view.best("confidence", 1, ready)
        else:
            ways = view.best_of({i: round(-now[i], 10) for i in ready}, 1)
        for chosen, p in ways:
            yield chosen, p, memory

    return choose


def start_of(length, rule):
    return (None, ((0.0,) * rule.history,) * length, -1, 0, 0)


RULES = st.builds(
    KLASS,
    confidence=st.sampled_from([0.0, 0.3, 0.5, 0.6, 0.9]),
    divergence=st.sampled_from(DIVERGENCES),
    history=st.integers(1, 3),
    unmask=st.sampled_from(["all", "max_conf", "min_kl"]),
    steps=st.sampled_from([None, None, 1, 2, 3, 5]),
)


@given(
    sample=laws.counted(max_length=4, max_outcomes=6),
    rule=RULES,
    dialect=laws.DIALECTS,
    policy=st.sampled_from([WholeCanvas(), LeftToRight(2), LeftToRight(3)]),
)
def test_exact_law(sample, rule, dialect, policy):
    expected = scalar_rules.follow(
        sample.law,
        scalar(sample.law, rule, dialect),
        start_of(sample.length, rule),
        blocks=policy,
        dialect=dialect,
    )
    run = exact(table(sample), scalar_rules.decoder(rule, dialect, blocks=policy))
    scalar_rules.assert_same(run, expected)


@given(start=scalar_rules.partly_filled(), rule=RULES)
def test_exact_law_from_a_partly_filled_canvas(start, rule):
    sample, canvas = start
    expected = scalar_rules.follow(
        sample.law,
        scalar(sample.law, rule, oracle.Dialect()),
        start_of(sample.length, rule),
        canvas=canvas,
    )
    scalar_rules.assert_same_from(table(sample), canvas, Decoder(rule), expected)


def same_law(ours, theirs, law):
    one, other = (exact(law, Decoder(rule)) for rule in (ours, theirs))
    assert one.outcomes.tolist() == other.outcomes.tolist()
    np.testing.assert_allclose(one.weights, other.weights, atol=EXACT)


def test_where_it_is_another_rule():
    """Nothing is ever confident: top-k or the quota. Everything is stable: a threshold."""
    for law in (uneven(), distributions.permutations(4), distributions.replace_random(4)):
        same_law(KLASS(confidence=1.0), TopK(1, "confidence"), law)
        same_law(KLASS(confidence=1.0, steps=2), Quota(2), law)
        for gamma in (0.3, 0.6, 0.74, 0.75):
            always = KLASS(confidence=gamma, divergence=100.0, history=1)
            same_law(always, Threshold(gamma), law)


def counts_of(trace):
    return trace.committed.sum(axis=(1, 2)).tolist()


@pytest.mark.parametrize(("history", "counts"), [(1, [1, 5]), (2, [1, 1, 4]), (3, [1, 1, 1, 3])])
def test_stability_takes_rounds(history, counts):
    """Certain positions: the first call has nothing to compare with, then all is stable."""
    trace = decode(distributions.copy(6), Decoder(KLASS(history=history)))
    assert counts_of(trace) == counts
    assert trace.forced[:, 0].tolist() == [True] * (len(counts) - 1) + [False]


def test_the_first_call_diverges_from_nothing():
    """By log2(1e12) bits, for what is certain."""
    nothing = math.log2(1 + 1e12)
    law = distributions.copy(3)
    for epsilon, counts in [(nothing - 0.01, [1, 2]), (nothing + 0.01, [3])]:
        rule = KLASS(divergence=epsilon, history=1)
        assert counts_of(decode(law, Decoder(rule))) == counts


def test_a_new_block_waits_for_its_own_rounds():
    """Its first divergence is from the last call of the block before, and counts."""
    law = distributions.copy(8)
    trace = decode(law, Decoder(KLASS(), blocks=LeftToRight(4)))
    assert counts_of(trace) == [1, 1, 2, 1, 3]
    alone = decode(law, Decoder(KLASS(history=1), blocks=LeftToRight(4)))
    assert counts_of(alone) == [1, 3, 4]


def test_what_moves_is_not_ready():
    """A bit that decides the others: they are sure once it is known, and stable a round later."""
    law = distributions.Table([[0, 0, 0, 0], [1, 1, 1, 1]], [9, 1])
    still = KLASS(confidence=0.8, divergence=0.01, history=1)
    trace = decode(law, Decoder(still), samples=50, seed=1)
    assert trace.rounds.tolist() == [3] * 50
    loose = decode(law, Decoder(KLASS(confidence=0.8, divergence=10.0, history=1)), samples=50)
    assert set(loose.rounds.tolist()) == {2}


def test_one_of_several_ready_positions():
    """Once 0 is known, 1 is the more confident of the others, and 2 has not moved."""
    pair = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [85, 10, 1, 4])
    law = distributions.concatenate(pair, distributions.Table([[0], [1]], [7, 3]))
    expected = {
        "all": [[0], [1, 2]],
        "max_conf": [[0], [1], [2]],
        "min_kl": [[0], [2], [1]],
    }
    for unmask, committed in expected.items():
        rule = KLASS(confidence=0.5, divergence=1.0, history=1, unmask=unmask)
        trace = decode(law, Decoder(rule, temperature=0))
        assert [np.flatnonzero(row[0]).tolist() for row in trace.committed] == committed
        assert trace.forced[:, 0].tolist() == [True] + [False] * (len(committed) - 1)


def test_the_fallback_commits_the_quota_of_the_round():
    """Of 5 masks in 2 rounds 3, 2; what became ready does not count, and rounds may be added."""
    law = distributions.permutations(5)
    never = KLASS(confidence=1.0, steps=2)
    assert counts_of(decode(law, Decoder(never))) == [3, 2]
    assert counts_of(decode(law, Decoder(KLASS(confidence=1.0, steps=9)))) == [1] * 5
    assert counts_of(decode(law, Decoder(never, blocks=LeftToRight(3)))) == [2, 1, 1, 1]
    pair = distributions.Table([[0, 0], [1, 1]], [9, 1])
    late = distributions.concatenate(pair, distributions.permutations(4))
    rule = KLASS(confidence=0.8, divergence=10.0, history=1, steps=3)
    assert counts_of(decode(late, Decoder(rule, temperature=0))) == [2, 2, 2]
    ready = KLASS(confidence=0.8, divergence=10.0, history=1, unmask="max_conf", steps=3)
    certain = distributions.concatenate(distributions.copy(3), distributions.permutations(3))
    trace = decode(certain, Decoder(ready, temperature=0))
    assert counts_of(trace) == [2, 1, 2, 1]
    assert trace.forced[:3, 0].tolist() == [True, False, True]


def test_blocks_that_close_too_early_are_refused():
    with pytest.raises(ValueError, match=r"blocks must stay open for all rounds of KLASS\("):
        decode(distributions.permutations(4), Decoder(KLASS(), blocks=Clocked(2, 1)))


@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
@pytest.mark.parametrize("steps", [None, 2])
def test_simulation_follows_the_exact_law(order, steps):
    law = uneven()
    rule = KLASS(confidence=0.5, divergence=0.4, history=1, steps=steps)
    decoder = Decoder(rule, order=order)
    run = exact(law, decoder, off_support="marginal")
    again = simulate(law, decoder, samples=5000, seed=3, confidence=1 - 1e-6, keep_sequences=True)
    assert_follows(again, run)


def test_fractions():
    law = distributions.permutations(4)
    rule = KLASS(confidence=0.2, divergence=1.0, history=1)
    exactly = exact(law, Decoder(rule), arithmetic="rational")
    assert isinstance(exactly.validity, Fraction)
    assert float(exactly.validity) == pytest.approx(exact(law, Decoder(rule)).validity, abs=EXACT)


def test_published_settings():
    rule = KLASS()
    assert (rule.confidence, rule.history, rule.unmask, rule.steps) == (0.9, 2, "all", None)
    assert rule.divergence * math.log(2) == pytest.approx(0.01)
    assert len(set(KLASS.grid(4))) == 12
    assert "streak" not in KLASS(history=1).start(np.full((2, 3), -1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: KLASS(1.5), ValueError, "confidence must be at most 1, got 1.5"),
        (lambda: KLASS(divergence=0), ValueError, "divergence must be greater than 0, got 0"),
        (lambda: KLASS(history=0), ValueError, "history must be at least 1, got 0"),
        (lambda: KLASS(unmask="min"), ValueError, "unmask must be one of 'all', 'max_conf', 'min"),
        (lambda: KLASS(steps=0), ValueError, "steps must be at least 1, got 0"),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()
