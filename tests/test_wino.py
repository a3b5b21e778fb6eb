"""WINO: drafts, verification, limits, exact laws against a recursion, when it ends."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.strategies import Clocked, LeftToRight, Unlocking
from infodecode.strategies.wino import WINO
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
)
from tests.test_simulate_against_exact import uneven
from tests.translation import law as exact_law
from tests.translation import table


def wino(law, low, back, *, limited=True, block=WHOLE, draws_first=False):
    """A round from the description; memory: how many tokens the last round drafted."""
    n = len(next(iter(law)))

    def drafts(canvas, tokens, holes):
        at = {i: law_at(law, canvas, i) for i in holes}
        c = {i: at[i][tokens[i]] if draws_first else max(at[i].values()) for i in holes}
        number = sum(p > low for p in c.values())
        if limited:
            number = min(number, max(5, min(20, int(len(holes) * Fraction(7, 10)))))
        return best(c, max(number, 1))

    def advance(canvas, last, t):
        first = canvas.index(MASK) // block
        inside = range(first * block, min((first + 1) * block, n))
        holes = [i for i in inside if canvas[i] == MASK]
        shown = {i: law_at(law, canvas, i).get(canvas[i], 0) for i in inside if i not in holes}
        fails = {i: -p for i, p in shown.items() if p < back}
        for tokens, p in drawn(law, canvas, holes if draws_first else []):
            for chosen, q in drafts(canvas, tokens, holes):
                here = {i: tokens[i] for i in chosen} if draws_first else None
                count = len(fails)
                if limited and count >= last:
                    count = max(last - 1, 0)
                if limited and len(chosen) == 1:
                    count = 0
                for fresh, r in [(here, 1)] if draws_first else drawn(law, canvas, chosen):
                    for gone, s in best(fails, count):
                        child = blank(oracle.fill(canvas, fresh), gone)
                        yield child, len(chosen), p * q * r * s, MASK not in child

    return advance


TENTHS = st.integers(0, 10).map(lambda k: Fraction(k, 10))


@pytest.mark.parametrize("draws_first", [False, True])
@given(sample=laws.counted(max_length=4, max_outcomes=8), low=TENTHS, back=TENTHS)
def test_wino_has_its_exact_law(draws_first, sample, low, back):
    """And ends within as many rounds as there are positions."""
    order = "sample-then-choose" if draws_first else "choose-then-sample"
    rule = WINO(float(low), float(back))
    advance = wino(sample.law, low, back, draws_first=draws_first)
    run = assert_exact(
        table(sample), Decoder(rule, order=order), advance, 0, rule.max_rounds(sample.length)
    )
    assert rule.max_rounds(sample.length) == sample.length
    assert run.unfinished == 0


@given(sample=laws.counted(max_length=3, max_outcomes=6), low=TENTHS, back=TENTHS)
def test_without_limits_it_has_its_exact_law(sample, low, back):
    rule = WINO(float(low), float(back), limited=False)
    advance = wino(sample.law, low, back, limited=False)
    assert_exact(table(sample), Decoder(rule), advance, 0, 6)


def test_wino_in_blocks():
    law = distributions.replace_random(5)
    low, back = Fraction(1, 2), Fraction(9, 10)
    advance = wino(exact_law(law), low, back, block=3)
    decoder = Decoder(WINO(0.5, 0.9), blocks=LeftToRight(3))
    run = assert_exact(law, decoder, advance, 0, 5)
    assert run.unfinished == 0


@given(
    st.sampled_from([distributions.replace_random(7), distributions.parity(7)]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([1, 2, 4, 7]),
)
def test_a_block_ends_within_as_many_rounds_as_it_had_masks(law, low, back, block):
    decoder = Decoder(WINO(low, back), blocks=LeftToRight(block))
    estimate = infodecode.simulate(law, decoder, samples=200)
    assert estimate.unfinished == 0
    assert len(estimate.rounds) <= 8


def test_the_bound_on_rounds_is_met_after_masking_again():
    """Nothing is sure enough: one at a time. All rounds are needed, and none is idle."""
    trace = infodecode.decode(distributions.permutations(5), Decoder(WINO(1.0)), samples=20)
    assert trace.rounds.tolist() == [5] * 20
    assert trace.forced.all()
    bold = infodecode.decode(distributions.permutations(7), Decoder(WINO(0.1, 1.0)), samples=50)
    assert bold.remasked.any()
    assert bold.rounds.max() <= 7


def test_without_limits_a_decode_may_never_end():
    """Of three items two are always seen to be doubtful when the third becomes certain."""
    law = distributions.permutations(3)
    run = infodecode.exact(law, Decoder(WINO(limited=False)), max_rounds=40)
    assert run.unfinished == pytest.approx(1)
    assert infodecode.exact(law, Decoder(WINO())).unfinished == 0
    assert infodecode.exact(law, Decoder(WINO())).validity == pytest.approx(1)


def test_without_verification_it_is_a_threshold():
    for law in (uneven(), distributions.replace_random(5)):
        run = infodecode.exact(law, Decoder(WINO(0.55, 0.0)))
        plain = infodecode.exact(law, Decoder(strategies.Threshold(0.55)), off_support="marginal")
        assert infodecode.total_variation(run.output, plain.output) < 1e-12
        assert run.rounds.tolist() == plain.rounds.tolist()


def test_both_thresholds_are_strict():
    """Replace random of 4: confidence 3/4 at first; then a 0 beside two others has 1/2."""
    law = distributions.replace_random(4)
    for low, first in ((0.75, 1), (0.75 - 1e-9, 4)):
        trace = infodecode.decode(law, Decoder(WINO(low, 0.0)), samples=50)
        assert (trace.committed[0].sum(axis=1) == first).all()
        assert (trace.forced[0] == (first == 1)).all()
    two = distributions.from_counts([[0, 0, 0, 0], [0, 1, 0, 0]], [3, 1])
    canvas = [[-1, 0, -1, -1]]
    for back, lost in ((0.75, 0), (0.75 + 1e-9, 1)):
        rule = WINO(0.6, back)
        state = infodecode.state.State.start(
            np.array(canvas, np.int32),
            np.ones(1),
            np.zeros(1, np.uint64),
            1e-12,
            {"drafted": np.array([2])},
        )
        (after,) = Decoder(rule).step(
            state, infodecode.IdealModel(two), infodecode.chance.Sampled()
        )
        assert after.canvas[0].tolist() == [0, -1 if lost else 0, 0, 0]


def revised(probabilities, masks, drafted, last, **options):
    """How many of the tokens with these probabilities are masked again in one round."""
    seen = len(probabilities)
    n = seen + drafted + masks
    rule = WINO(**options)
    shape = (1, n)
    field = np.zeros(shape)
    field[0, :seen] = probabilities
    chosen = np.zeros(shape, bool)
    chosen[0, seen : seen + drafted] = True
    canvas = np.zeros(shape, np.int32)
    canvas[0, seen + drafted :] = -1
    state = infodecode.state.State.start(
        canvas, np.ones(1), np.zeros(1, np.uint64), 1e-12, {"drafted": np.array([last])}
    ).with_(
        chosen=chosen,
        scores={
            "visible_probability": field,
            "block_start": np.array([0]),
            "block_end": np.array([n]),
        },
    )
    plan = rule.revise(state)
    action = plan.actions[0]
    ((_, gone, _),) = infodecode.chance.Sampled().choose(state, action, "lowest", 3)
    return np.flatnonzero(gone[0]).tolist()


def test_limits_on_masking_again():
    low = [0.5, 0.1, 0.95, 0.3]
    assert revised(low, 3, 2, 9) == [0, 1, 3]
    assert revised(low, 3, 2, 4) == [0, 1, 3]
    assert revised(low, 3, 2, 3) == [1, 3]
    assert revised(low, 3, 2, 2) == [1]
    assert revised(low, 3, 2, 1) == []
    assert revised(low, 3, 1, 9) == []
    assert revised(low, 3, 1, 1, limited=False) == [0, 1, 3]


@pytest.mark.parametrize(
    ("n", "drafts"), [(4, 4), (5, 5), (6, 5), (8, 5), (10, 7), (20, 14), (29, 20), (40, 20)]
)
def test_the_limit_on_drafts(n, drafts):
    """Every position is certain; the cap alone decides."""
    trace = infodecode.decode(distributions.copy(n), Decoder(WINO()))
    assert trace.committed[0].sum() == drafts
    whole = infodecode.decode(distributions.copy(n), Decoder(WINO(limited=False)))
    assert whole.rounds.tolist() == [1]


def test_memory_does_not_outlive_a_block():
    law = distributions.copy(6)
    decoder = Decoder(WINO(), blocks=LeftToRight(2))
    state = decoder.start(
        np.full((1, 6), -1, np.int32),
        np.ones(1),
        np.zeros(1, np.uint64),
        infodecode.IdealModel(law),
    )
    (after,) = decoder.step(state, infodecode.IdealModel(law), infodecode.chance.Sampled())
    assert (after.canvas[0, :2] >= 0).all()
    assert after.memory["drafted"].tolist() == [0]


CASES = {
    "published thresholds": Decoder(WINO()),
    "bold": Decoder(WINO(0.3, 0.95)),
    "bold, draw first": Decoder(WINO(0.2, 0.9), order="sample-then-choose"),
    "greedy": Decoder(WINO(0.3, 0.6), temperature=0),
    "tempered": Decoder(WINO(0.5, 0.9), temperature=0.5, confidence="tempered"),
    "blocks": Decoder(WINO(0.3, 0.9), blocks=LeftToRight(2)),
    "unlocked blocks": Decoder(WINO(0.3, 0.9), blocks=Unlocking(2, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_simulation_follows_the_exact_law(case):
    assert_simulates(uneven(), CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_what_is_given_stays(case):
    assert_keeps_what_is_given(CASES[case])


def test_blocks_that_close_are_refused():
    with pytest.raises(ValueError, match="blocks must stay open for all rounds of WINO"):
        infodecode.exact(distributions.permutations(4), Decoder(WINO(), blocks=Clocked(2, 1)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WINO(1.1), "threshold must be at most 1, got 1.1"),
        (lambda: WINO(0.5, -0.1), "threshold_back must be at least 0, got -0.1"),
        (lambda: WINO(float("nan")), "threshold must be finite"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(TypeError, match="limited must be True or False, got 0"):
        WINO(limited=0)


def test_grid_runs():
    for rule in WINO.grid(3):
        estimate = infodecode.simulate(distributions.permutations(3), Decoder(rule), samples=20)
        assert estimate.unfinished == 0
