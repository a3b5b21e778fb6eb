"""P2: its counts, exact laws against a recursion, special cases, what is given stays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.strategies import Clocked, LeftToRight
from infodecode.strategies.p2 import KAPPAS, P2
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


def log2(p):
    return math.log2(p) if p else -math.inf


def score(rule, law, token):
    """Of a position with this law; ``token`` is what stands or is drawn there, or None."""
    first, second = [*sorted(law.values(), reverse=True), 0][:2]
    if rule.score == "margin":
        return log2(first) - log2(second)
    return log2(first if token is None else law.get(token, 0))


def left_masked(rule, size, step):
    done = (step + 1) / rule.steps
    kappa = {"linear": done, "sine": math.sin(math.pi * done / 2), "square": done**2}[rule.kappa]
    return int(size * (1 - kappa) + 1e-9)


def p2(law, rule, block=WHOLE, draws_first=False):
    """A round from the description; nothing to remember."""
    n = len(next(iter(law)))
    blocks = -(-n // block)

    def planned(canvas, tokens, inside, t):
        at = {i: law_at(law, canvas, i) for i in inside}
        scores = {}
        for i in inside:
            if canvas[i] == MASK:
                scores[i] = score(rule, at[i], tokens.get(i))
            else:
                favourite = rule.as_shipped or rule.score == "margin"
                own = score(rule, at[i], None if favourite else canvas[i])
                never = 0.0 if rule.score == "margin" else math.inf
                scores[i] = rule.eta * own if rule.eta else never
        left = left_masked(rule, len(inside), t % rule.steps)
        return best(scores, len(inside) - left)

    def advance(canvas, memory, t):
        number = min(t // rule.steps, blocks - 1)
        inside = range(number * block, min((number + 1) * block, n))
        holes = [i for i in inside if canvas[i] == MASK]
        for tokens, p in drawn(law, canvas, holes if draws_first else []):
            for kept, q in planned(canvas, tokens, inside, t):
                chosen = [i for i in holes if i in kept]
                gone = [i for i in inside if canvas[i] != MASK and i not in kept]
                here = {i: tokens[i] for i in chosen} if draws_first else None
                for fresh, r in [(here, 1)] if draws_first else drawn(law, canvas, chosen):
                    child = blank(oracle.fill(canvas, fresh), gone)
                    over = MASK not in child
                    if rule.as_shipped:
                        over = over and t + 1 >= rule.steps * blocks
                    yield child, None, p * q * r, over

    return advance


RULES = st.builds(
    lambda steps, eta, kappa, score, shipped: P2(steps, eta, kappa, score, as_shipped=shipped),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    st.sampled_from(KAPPAS),
    st.sampled_from(["log_probability", "margin"]),
    st.booleans(),
)


@pytest.mark.parametrize("draws_first", [False, True])
@given(sample=laws.counted(max_length=3, max_outcomes=6), rule=RULES)
def test_p2_has_its_exact_law(draws_first, sample, rule):
    order = "sample-then-choose" if draws_first else "choose-then-sample"
    advance = p2(sample.law, rule, draws_first=draws_first)
    run = assert_exact(table(sample), Decoder(rule, order=order), advance, rounds=rule.steps)
    assert run.unfinished == 0


@pytest.mark.parametrize("rule", [P2(2), P2(3, 4.0), P2(3, 2.0, score="margin", as_shipped=True)])
def test_p2_in_blocks(rule):
    law = distributions.replace_random(4)
    decoder = Decoder(rule, blocks=Clocked(2, rule.steps))
    run = assert_exact(law, decoder, p2(exact_law(law), rule, 2), rounds=2 * rule.steps)
    assert run.unfinished == 0


def test_p2_in_rational_arithmetic():
    law = uneven()
    rule = P2(4, 2.0)
    assert_exact(
        law.table(), Decoder(rule), p2(exact_law(law), rule), rounds=4, arithmetic="rational"
    )


def test_eta_zero_never_masks_again():
    """Then P2 is top-k by confidence, the sizes those of its schedule."""
    law = uneven()
    for order in ("choose-then-sample", "sample-then-choose"):
        run = infodecode.exact(law, Decoder(P2(3, 0.0), order=order))
        plain = infodecode.exact(
            law,
            Decoder(strategies.TopK(1, by="confidence"), order=order),
            off_support="marginal",
        )
        assert infodecode.total_variation(run.output, plain.output) < 1e-12
        assert run.rounds.tolist() == plain.rounds.tolist() == [0, 0, 0, 1]
    trace = infodecode.decode(distributions.permutations(5), Decoder(P2(4, 0.0)), samples=200)
    assert not trace.remasked.any()


def test_the_token_there_against_the_favourite_there():
    """Two bits that differ, in a canvas that says 0, 0: each token is impossible given the other.

    The rule masks one of them again; the released code sees that some token is certain there.
    """
    law = distributions.from_counts([[0, 1, 0], [1, 0, 0]], [1, 1])
    start = [0, 0, -1]
    for rule, masked in ((P2(2), 1), (P2(2, as_shipped=True), 0)):
        given = infodecode.state.State.start(
            np.array([start], np.int32),
            np.ones(1),
            np.zeros(1, np.uint64),
            1e-12,
            rule.start(np.full((1, 3), -1, np.int32)),
        )
        decoder = Decoder(rule, position_ties="lowest")
        model = infodecode.IdealModel(law)
        (after,) = decoder.step(given, model, infodecode.chance.Sampled())
        assert (after.canvas[0, :2] < 0).sum() == masked


def test_a_larger_eta_masks_more_often():
    law = distributions.replace_random(5)
    remasked = []
    for eta in (0.0, 0.5, 1.0, 4.0):
        trace = infodecode.decode(law, Decoder(P2(5, eta)), samples=400, seed=3)
        remasked.append(trace.remasked.sum())
    assert remasked[0] == 0
    assert remasked == sorted(remasked)
    assert remasked[-1] > 0


def test_counts():
    assert P2(4).masked_after(10, [0, 1, 2, 3]).tolist() == [7, 5, 2, 0]
    assert P2(3, kappa="sine").masked_after(10, [0, 1, 2]).tolist() == [5, 1, 0]
    assert P2(10).masked_after(10, np.arange(10)).tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


@given(st.integers(0, 300), st.integers(1, 100), st.sampled_from(KAPPAS))
def test_counts_never_grow(masks, steps, kappa):
    for as_shipped in (False, True):
        rule = P2(steps, kappa=kappa, as_shipped=as_shipped)
        left = rule.masked_after(masks, np.arange(steps))
        assert (np.diff(np.append(masks, left)) <= 0).all()
        assert left[-1] == 0
    if kappa != "sine":
        power = 1 if kappa == "linear" else 2
        exact = [masks * (steps**power - (i + 1) ** power) // steps**power for i in range(steps)]
        assert P2(steps, kappa=kappa).masked_after(masks, np.arange(steps)).tolist() == exact


def test_the_released_code_calls_until_its_steps_are_over():
    law = distributions.copy(2)
    assert infodecode.exact(law, Decoder(P2(6))).rounds.tolist() == [0] * 4 + [1]
    shipped = infodecode.exact(law, Decoder(P2(6, as_shipped=True)))
    assert shipped.rounds.tolist() == [0] * 6 + [1]


CASES = {
    "linear": Decoder(P2(4, 2.0)),
    "draw first": Decoder(P2(3, 5.0, "sine"), order="sample-then-choose"),
    "margin": Decoder(P2(4, 0.5, "square", "margin"), position_ties="lowest"),
    "as shipped": Decoder(P2(4, 1.5, as_shipped=True), temperature=0.5, confidence="tempered"),
    "greedy": Decoder(P2(3), temperature=0),
    "blocks": Decoder(P2(2, 2.0), blocks=Clocked(2, 2)),
    "blocks left when full": Decoder(P2(2, 2.0), blocks=LeftToRight(2)),
}


@pytest.mark.parametrize("case", CASES)
def test_simulation_follows_the_exact_law(case):
    assert_simulates(uneven(), CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_what_is_given_stays(case):
    assert_keeps_what_is_given(CASES[case])


def test_what_is_given_does_not_count():
    trace = assert_keeps_what_is_given(Decoder(P2(3, 3.0)))
    left = (trace.canvases < 0).sum(axis=2)
    assert (left == np.array([3, 2, 1, 0])[:, None]).all()


def test_blocks_that_close_too_early_are_refused():
    with pytest.raises(ValueError, match="blocks must stay open for all rounds of P2"):
        infodecode.exact(distributions.copy(4), Decoder(P2(3), blocks=Clocked(2, 1)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: P2(0), "steps must be at least 1, got 0"),
        (lambda: P2(2, -1), "eta must be at least 0, got -1"),
        (lambda: P2(2, math.inf), "eta must be finite"),
        (lambda: P2(2, kappa="cosine"), "kappa must be one of 'linear', 'sine', 'square'"),
        (lambda: P2(2, score="random"), "score must be one of 'log_probability', 'margin'"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_grid_runs():
    for rule in P2.grid(3):
        estimate = infodecode.simulate(distributions.permutations(3), Decoder(rule), samples=20)
        assert estimate.unfinished == 0
