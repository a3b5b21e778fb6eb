"""ReMDM and its dialect on LLaDA: schedules, exact laws against a recursion, what is given."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.strategies import Clocked, LeftToRight, Unlocking
from infodecode.strategies.remdm import PUBLISHED_ETA, VARIANTS, ReMDM, confidence_shares
from infodecode.strategies.remdm_llada import ReMDMLLaDA
from tests import laws, oracle
from tests.remasking import (
    MASK,
    WHOLE,
    assert_exact,
    assert_keeps_what_is_given,
    assert_simulates,
    best,
    blank,
    coins,
    drawn,
    law_at,
    replaced,
)
from tests.test_simulate_against_exact import uneven
from tests.translation import law as exact_law
from tests.translation import table

# ReMDM: the schedule -----------------------------------------------------------------------


def alpha(rule, t):
    """Share visible at time t, from the description of each variant."""
    if rule.variant != "loop":
        return 1 - t
    if t > rule.t_on:
        return (1 - t) * rule.alpha_on / (1 - rule.t_on)
    if t > rule.t_off:
        return rule.alpha_on
    return 1 - t * (1 - rule.alpha_on) / rule.t_off if rule.t_off else 1.0


RULES = st.builds(
    lambda steps, variant, eta, off, on, alpha_on: ReMDM(
        steps,
        variant,
        None if variant == "forward_backward" else eta,
        t_off=off,
        t_on=off + on,
        alpha_on=alpha_on,
    ),
    st.integers(1, 40),
    st.sampled_from(VARIANTS),
    st.floats(0, 1) | st.none(),
    st.floats(0, 0.4),
    st.floats(0.01, 0.5),
    st.floats(0.05, 0.95),
)


@given(RULES)
def test_the_expected_share_visible_keeps_to_the_schedule(rule):
    sigma, unmask = rule.schedule()
    assert sigma.shape == unmask.shape == (rule.steps,)
    assert ((sigma >= 0) & (sigma <= 1) & (unmask >= 0) & (unmask <= 1)).all()
    assert unmask[-1] == 1
    assert sigma[-1] == pytest.approx(0, abs=1e-12)
    if rule.variant == "conf":
        return
    visible = 0.0
    for k in range(rule.steps):
        before, after = 1 - k / rule.steps, 1 - (k + 1) / rule.steps
        assert visible == pytest.approx(alpha(rule, before), abs=1e-9)
        visible = visible * (1 - sigma[k]) + (1 - visible) * unmask[k]
        assert visible == pytest.approx(alpha(rule, after), abs=1e-9)
        if alpha(rule, before) > 1e-6:
            assert sigma[k] <= (1 - alpha(rule, after)) / alpha(rule, before) + 1e-9


def test_the_published_formulas():
    """Half way through four rounds: alpha_t = 1/2, alpha_s = 3/4, sigma_max = 1/2."""
    expected = {"cap": 0.008, "rescale": 0.0075, "conf": 0.5, "forward_backward": 0.5}
    for variant, sigma in expected.items():
        rule = ReMDM(4, variant)
        assert rule.eta == PUBLISHED_ETA.get(variant)
        assert rule.schedule()[0][2] == pytest.approx(sigma)
        stays = 0.25 / 0.5 if variant == "conf" else (0.25 - sigma * 0.5) / 0.5
        assert rule.schedule()[1][2] == pytest.approx(1 - stays)
    sigma, unmask = ReMDM(20, "loop").schedule()
    assert sigma[:9].tolist() == [0] * 9
    assert sigma[9:18] == pytest.approx(0.02)
    assert sigma[19:].tolist() == [0]
    assert unmask[9:18] == pytest.approx(1 - (0.1 - 0.02 * 0.9) / 0.1)
    assert unmask[0] == pytest.approx(0.05 * 0.9 / 0.45)
    assert ReMDM(4, "rescale", 0.0).schedule()[1] == pytest.approx([1 / 4, 1 / 3, 1 / 2, 1])


def test_borders_of_the_loop_are_where_they_are_said_to_be():
    rule = ReMDM(20, "loop", 0.1)
    for t, sigma in ((0.55, 0.1), (0.55 + 1e-9, 0), (0.05, 0), (0.05 + 1e-9, 0.1)):
        assert rule.transition(t, t - 1e-6)[0] == pytest.approx(sigma), t
    crossing = rule.transition(0.6, 0.3)
    assert crossing[0] == 0
    assert crossing[1] == pytest.approx(1 - 0.1 / (1 - 0.4 * 0.9 / 0.45))
    leaving = rule.transition(0.1, 0.0)
    assert [float(p) for p in leaving] == [0, 1]


def test_as_shipped_loops_without_a_cap_and_keeps_to_one_phase():
    """Eta .5 is beyond (1 - .9) / .9: the sampler fills every mask, as if none might stay."""
    assert [float(p) for p in ReMDM(20, "loop", 0.5, as_shipped=True).transition(0.5, 0.45)] == [
        0.5,
        1,
    ]
    assert ReMDM(20, "loop", 0.5).transition(0.5, 0.45)[0] == pytest.approx(1 / 9)
    shipped = ReMDM(4, "loop", 0.1, as_shipped=True).transition(0.1, 0.0)
    assert [float(p) for p in shipped] == pytest.approx([0.1, 0.9])
    late = ReMDM(4, "forward_backward", as_shipped=True).transition(0.1, 0.0)
    assert float(late[0]) == pytest.approx(1 / 9)
    assert ReMDM(4, "forward_backward").transition(0.1, 0.0)[0] == 0
    sigma, unmask = ReMDM(4, "rescale", 0.5, as_shipped=True).schedule()
    assert len(sigma) == 5
    assert sigma[-1] == 0
    assert unmask[-1] == 1
    assert unmask[3] == pytest.approx(1, abs=1e-4)
    assert unmask[3] < 1


def test_confidence_shares():
    p = np.array([[0.5, 0.1, 0.9], [1.0, 1.0, 1.0]])
    where = np.array([[True, True, False], [False, False, False]])
    shares = confidence_shares(p, where)
    total = math.exp(-0.5) + math.exp(-0.1)
    assert shares[0] == pytest.approx([math.exp(-0.5) / total, math.exp(-0.1) / total, 0])
    assert shares[1].tolist() == [0, 0, 0]


# ReMDM: exact laws -------------------------------------------------------------------------


def remdm(law, rule, block=WHOLE, given=()):
    """A round, from the description; memory: probability of each visible token when filled in."""
    n = len(next(iter(law)))
    blocks = -(-n // block)

    def advance(canvas, memory, t):
        number, step = (
            min(t // rule.steps, blocks - 1),
            t - min(t // rule.steps, blocks - 1) * (rule.steps),
        )
        inside = range(number * block, min((number + 1) * block, n))
        a_t = Fraction(step, rule.steps)
        a_s = Fraction(step + 1, rule.steps)
        largest = min(Fraction(1), (1 - a_s) / a_t) if a_t else Fraction(1)
        eta = Fraction(rule.eta).limit_denominator(1000)
        sigma = min(eta, largest) if rule.variant == "cap" else eta * largest
        stays = (1 - a_s - (0 if rule.variant == "conf" else sigma) * a_t) / (1 - a_t)
        holes = [i for i in inside if canvas[i] == MASK]
        shown = [i for i in inside if canvas[i] != MASK and i not in given]
        gone = dict.fromkeys(shown, sigma)
        if rule.variant == "conf":
            weight = {i: math.exp(-memory[i]) for i in shown}
            gone = {i: float(sigma) * w / sum(weight.values()) for i, w in weight.items()}
        for filled, p in coins(dict.fromkeys(holes, 1 - stays)):
            for tokens, q in drawn(law, canvas, filled):
                for lost, r in coins(gone):
                    child = blank(oracle.fill(canvas, tokens), lost)
                    kept = None
                    if rule.variant == "conf":
                        fresh = {i: float(law_at(law, canvas, i)[v]) for i, v in tokens.items()}
                        kept = replaced(replaced(memory, fresh), dict.fromkeys(lost, 0.0))
                    yield child, kept, p * q * r, t + 1 == rule.steps * blocks

    return advance


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@pytest.mark.parametrize("variant", ["cap", "rescale"])
@given(sample=laws.counted(max_length=3, max_outcomes=6), steps=st.integers(1, 3))
def test_remdm_has_its_exact_law(variant, arithmetic, sample, steps):
    rule = ReMDM(steps, variant, 0.25)
    run = assert_exact(
        table(sample), Decoder(rule), remdm(sample.law, rule), rounds=steps, arithmetic=arithmetic
    )
    assert run.unfinished == 0


@given(sample=laws.counted(max_length=3, max_outcomes=6), steps=st.integers(1, 3))
def test_remdm_by_confidence_has_its_exact_law(sample, steps):
    rule = ReMDM(steps, "conf")
    assert_exact(
        table(sample), Decoder(rule), remdm(sample.law, rule), (0.0,) * sample.length, steps
    )


@pytest.mark.parametrize("variant", ["rescale", "conf"])
def test_remdm_in_blocks(variant):
    law = distributions.parity(3)
    rule = ReMDM(2, variant, 0.5)
    advance = remdm(exact_law(law), rule, block=2)
    decoder = Decoder(rule, blocks=Clocked(2, 2))
    run = assert_exact(law, decoder, advance, (0.0,) * 3 if variant == "conf" else None, 4)
    assert run.rounds.tolist() == [0, 0, 0, 0, 1]


def test_remdm_in_one_round_draws_everything_at_once():
    law = distributions.replace_random(4)
    at_once = infodecode.exact(law, Decoder(strategies.TopK(4)))
    for variant in VARIANTS:
        run = infodecode.exact(law, Decoder(ReMDM(1, variant)))
        assert run.validity == pytest.approx(at_once.validity)
        assert run.rounds.tolist() == [0, 1]


def test_remdm_without_remasking_is_ancestral_sampling():
    """Each position's round is uniform and independent of the others."""
    law = distributions.permutations(3)
    run = infodecode.exact(law, Decoder(ReMDM(2, "rescale", 0.0)))
    valid = 0
    for rounds in product(range(2), repeat=3):
        sizes = [rounds.count(t) for t in range(2)]
        left, p = 3, Fraction(1)
        for size in sizes:
            p *= Fraction(math.perm(left, size), left**size if size else 1)
            left -= size
        valid += p / 8
    assert run.validity == pytest.approx(float(valid))


CASES = {
    "cap": Decoder(ReMDM(3, "cap", 0.4)),
    "rescale": Decoder(ReMDM(3, "rescale", 0.7)),
    "conf": Decoder(ReMDM(3, "conf")),
    "loop": Decoder(ReMDM(4, "loop", 0.1)),
    "forward backward": Decoder(ReMDM(3, "forward_backward")),
    "as shipped": Decoder(ReMDM(3, "conf", as_shipped=True)),
    "shipped loop": Decoder(ReMDM(3, "loop", 0.3, t_on=0.8, as_shipped=True)),
    "greedy": Decoder(ReMDM(3, "rescale", 0.7), temperature=0),
    "tempered, draw first": Decoder(
        ReMDM(3, "conf"), temperature=0.5, order="sample-then-choose", confidence="tempered"
    ),
    "blocks": Decoder(ReMDM(2, "conf"), blocks=Clocked(2, 2)),
    "blocks left when full": Decoder(ReMDM(2, "rescale", 0.9), blocks=LeftToRight(2)),
    "quotas": Decoder(ReMDMLLaDA(3, 2, 1)),
    "quotas, draw first": Decoder(ReMDMLLaDA(2, 2, 2), order="sample-then-choose"),
    "quotas, greedy": Decoder(ReMDMLLaDA(3, 1, 2), temperature=0, position_ties="lowest"),
    "quotas in blocks": Decoder(ReMDMLLaDA(2, 1, 1), blocks=Clocked(2, 3)),
}


@pytest.mark.parametrize("case", CASES)
def test_simulation_follows_the_exact_law(case):
    assert_simulates(uneven(), CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_what_is_given_stays(case):
    trace = assert_keeps_what_is_given(CASES[case])
    rule, blocks = CASES[case].strategy, CASES[case].blocks
    if not isinstance(blocks, LeftToRight):
        assert set(trace.rounds) == {rule.rounds * (2 if isinstance(blocks, Clocked) else 1)}


def test_what_is_given_does_not_count_in_a_block():
    """Two of three are left to fill: expectation stays on schedule."""
    rule = ReMDM(3, "rescale", 0.5)
    law = distributions.permutations(3)
    trace = infodecode.decode(law, Decoder(rule), canvases=[0, -1, -1], samples=6000, seed=1)
    for t in range(4):
        shares = (trace.canvases[t, :, 1:] >= 0).mean()
        assert shares == pytest.approx(t / 3, abs=0.025)


def test_what_was_just_filled_is_not_masked_in_the_same_round():
    rule = ReMDM(6, "rescale", 1.0)
    trace = infodecode.decode(distributions.permutations(5), Decoder(rule), samples=300, seed=2)
    assert trace.remasked.any()
    assert trace.finished.all()
    before, after = trace.canvases[:-1] >= 0, trace.canvases[1:] >= 0
    assert (trace.remasked == (before & ~after)).all()
    assert not trace.edited.any()


def test_the_shipped_last_round_takes_the_mode():
    """A loop that has not come to its end leaves masks, which become the likeliest token."""
    law = distributions.from_counts([[0], [1]], [3, 1])
    rule = ReMDM(2, "loop", 0.0, t_on=0.4, t_off=0.0, alpha_on=0.5, as_shipped=True)
    _, unmask = rule.schedule()
    run = infodecode.exact(law, Decoder(rule))
    assert run.rounds.tolist() == [0, 0, 0, 1]
    output = dict(zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True))
    drawn_before = 1 - np.prod(1 - unmask[:-1])
    assert 0 < drawn_before < 1
    assert output[(1,)] == pytest.approx(0.25 * drawn_before)


# ReMDM on LLaDA ----------------------------------------------------------------------------


def remdm_llada(law, rule, block=WHOLE):
    """Rounds of a block, listed one by one; memory: confidence of each visible token."""
    n = len(next(iter(law)))
    blocks = -(-n // block)

    def advance(canvas, memory, t):
        number = min(t // rule.rounds, blocks - 1)
        step = t - number * rule.rounds
        inside = range(number * block, min((number + 1) * block, n))
        threshold = max(min(int(len(inside) * 7 / 8), len(inside) - 1), 1)
        kinds = [False] * rule.steps
        kinds[threshold:threshold] = [True] * rule.remdm_steps
        quotas = [
            len(inside) // rule.steps + (i < len(inside) % rule.steps) for i in range(rule.steps)
        ]
        holes = [i for i in inside if canvas[i] == MASK]
        laws_here = {i: law_at(law, canvas, i) for i in holes}
        quota, *later = quotas[sum(not kind for kind in kinds[:step]) :] or [0]
        count = len(holes) - quota - sum(later) if kinds[step] else quota
        redo = rule.remdm_number if step + 1 < rule.rounds and kinds[step + 1] else 0
        for chosen, p in best({i: max(laws_here[i].values()) for i in holes}, count):
            for tokens, q in drawn(law, canvas, chosen):
                filled = oracle.fill(canvas, tokens)
                kept = replaced(memory, {i: laws_here[i][v] for i, v in tokens.items()})
                shown = [i for i in inside if filled[i] != MASK]
                for lost, r in best({i: -kept[i] for i in shown}, redo):
                    yield (
                        blank(filled, lost),
                        replaced(kept, dict.fromkeys(lost, 0)),
                        p * q * r,
                        t + 1 == rule.rounds * blocks,
                    )

    return advance


@given(
    sample=laws.counted(max_length=3, max_outcomes=6),
    steps=st.integers(1, 3),
    extra=st.integers(0, 2),
    number=st.integers(1, 2),
)
def test_remdm_llada_has_its_exact_law(sample, steps, extra, number):
    rule = ReMDMLLaDA(steps, extra, number)
    advance = remdm_llada(sample.law, rule)
    run = assert_exact(table(sample), Decoder(rule), advance, (0,) * sample.length, rule.rounds)
    assert run.unfinished == 0


def test_remdm_llada_in_blocks():
    law = distributions.replace_random(4)
    for block, steps in ((2, 2), (3, 2), (3, 3)):
        rule = ReMDMLLaDA(steps, 2, 1)
        advance = remdm_llada(exact_law(law), rule, block)
        decoder = Decoder(rule, blocks=Clocked(block, rule.rounds))
        assert_exact(law, decoder, advance, (0,) * 4, 2 * rule.rounds)


def test_remdm_llada_without_extra_rounds_is_the_quota():
    law = uneven()
    for steps, sizes in ((1, 3), (2, (2, 1)), (3, 1)):
        run = infodecode.exact(law, Decoder(ReMDMLLaDA(steps, 0)))
        plain = infodecode.exact(
            law, Decoder(strategies.TopK(sizes, by="confidence")), off_support="marginal"
        )
        assert infodecode.total_variation(run.output, plain.output) < 1e-12
        assert run.rounds.tolist() == plain.rounds.tolist()


def test_remdm_llada_idles_when_there_is_nothing_to_fill():
    """Quotas 1, 1, 0, an extra round after the first, whose token is masked again at once."""
    trace = infodecode.decode(distributions.copy(2), Decoder(ReMDMLLaDA(3, 1, 1)))
    assert trace.rounds.tolist() == [4]
    assert (trace.canvases[:, 0] < 0).sum(axis=1).tolist() == [2, 2, 1, 0, 0]


def test_remdm_llada_publishes_as_many_extra_rounds_as_steps():
    assert ReMDMLLaDA(32).remdm_steps == 32
    assert ReMDMLLaDA(32).rounds == 64


# What it refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReMDM(0), "steps must be at least 1, got 0"),
        (lambda: ReMDM(2, "switch"), "variant must be one of 'cap', .*, got 'switch'"),
        (lambda: ReMDM(2, "cap", 1.5), "eta must be at most 1, got 1.5"),
        (lambda: ReMDM(2, "cap", float("nan")), "eta must be finite"),
        (
            lambda: ReMDM(2, "forward_backward", 0.5),
            "eta must be left out for variant='forward_backward', got 0.5",
        ),
        (lambda: ReMDM(2, "loop", t_on=0.05), "t_on must be greater than t_off=0.05 and less"),
        (lambda: ReMDM(2, "loop", t_on=1.0), "t_on must be greater .* less than 1, got 1.0"),
        (lambda: ReMDM(2, "loop", alpha_on=1.0), "alpha_on must be less than 1, got 1.0"),
        (lambda: ReMDM(2, "loop", alpha_on=0), "alpha_on must be greater than 0"),
        (lambda: ReMDM(2).transition(0.5, 0.5), "t and s must be times with 0 <= s < t <= 1"),
        (lambda: ReMDM(2).transition(1.1, 0.5), "t and s must be times"),
        (lambda: ReMDMLLaDA(0), "steps must be at least 1"),
        (lambda: ReMDMLLaDA(2, -1), "remdm_steps must be at least 0, got -1"),
        (lambda: ReMDMLLaDA(2, 1, 0), "remdm_number must be at least 1, got 0"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("rule", [ReMDM(3, "rescale", 0.0), ReMDMLLaDA(3, 1, 1)])
def test_a_block_that_closes_too_early_is_refused(rule):
    with pytest.raises(ValueError, match="blocks must stay open for all rounds of ReMDM"):
        infodecode.exact(distributions.copy(3), Decoder(rule, blocks=Clocked(2, 1)))


@pytest.mark.parametrize("family", [ReMDM, ReMDMLLaDA])
def test_grids_run(family):
    law = distributions.permutations(3)
    for rule in family.grid(3):
        assert infodecode.simulate(law, Decoder(rule), samples=20).unfinished == 0
    assert not family.grid(3)[0].equivariant


def test_unlocking_runs_too():
    law = distributions.permutations(4)
    decoder = Decoder(ReMDM(3, "rescale", 0.5), blocks=Unlocking(2, 3, eager=False))
    run = infodecode.exact(law, decoder)
    assert run.unfinished == 0
    clocked = infodecode.exact(law, Decoder(ReMDM(3, "rescale", 0.5), blocks=Clocked(2, 3)))
    assert infodecode.total_variation(run.output, clocked.output) < 1e-12
