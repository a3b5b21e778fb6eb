"""The ancestral sampler: a random order with multinomial round sizes, exactly."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import (
    Decoder,
    data_path,
    decode,
    distributions,
    exact,
    random_order_bits,
    simulate,
    strategies,
)
from infodecode.strategies.ancestral import SCHEDULES, Ancestral
from tests import laws, oracle, translation
from tests.translation import table

MASK = oracle.MASK
RULES = st.builds(Ancestral, st.integers(1, 4), st.sampled_from(sorted(SCHEDULES)))
TOYS = [
    distributions.permutations(4),
    distributions.replace_random(4),
    distributions.variable_names(),
    distributions.profile_records(20),
]
toys = pytest.mark.parametrize("law", TOYS, ids=lambda law: law.name)


def multinomial(n, shares):
    """(sizes, probability) for every way n positions fall into the rounds."""
    for sizes in product(range(n + 1), repeat=len(shares)):
        if sum(sizes) == n:
            ways = math.factorial(n) / math.prod(map(math.factorial, sizes))
            yield sizes, ways * math.prod(q**s for q, s in zip(shares, sizes, strict=True))


def committing(sizes):
    return [s for s in sizes if s]


# The identity ----------------------------------------------------------------------------


@given(laws.counted(max_length=4, max_outcomes=8), RULES)
def test_path_kl_is_that_of_multinomial_sizes(sample, rule):
    law = table(sample)
    expected = math.fsum(
        p * random_order_bits(law, committing(sizes))
        for sizes, p in multinomial(law.length, rule.shares)
    )
    path = data_path(law, Decoder(rule))
    assert path.bits == pytest.approx(expected, abs=1e-10)
    assert exact(law, Decoder(rule)).kl <= expected + 1e-10


@given(laws.counted(max_length=3, max_outcomes=6), RULES)
def test_output_is_the_mixture_over_sizes(sample, rule):
    law = table(sample)
    mixture = defaultdict(float)
    for sizes, p in multinomial(law.length, rule.shares):
        fixed = exact(law, Decoder(strategies.TopK(tuple(committing(sizes)))))
        for output, q in translation.output(fixed).items():
            mixture[output] += p * q
    run = exact(law, Decoder(rule))
    assert translation.output(run) == pytest.approx(dict(mixture), abs=1e-12)


@toys
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 3, 8])
def test_rounds_and_calls(law, schedule, steps):
    """A decode ends with the last of n independent rounds; each with its model call, or not."""
    rule, n = Ancestral(steps, schedule), law.length
    run = exact(law, Decoder(rule), off_support="marginal")
    revealed = np.append(0, rule.shares.cumsum())
    np.testing.assert_allclose(np.cumsum(run.rounds), revealed[: len(run.rounds)] ** n, atol=1e-12)
    assert run.expected_calls == pytest.approx(rule.expected_calls(n))
    assert run.expected_rounds == pytest.approx(run.expected_calls)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_calls_without_idle_rounds(schedule):
    for n, steps in ((1, 3), (3, 4), (4, 2)):
        rule = Ancestral(steps, schedule)
        pairs = multinomial(n, rule.shares)
        expected = math.fsum(p * len(committing(sizes)) for sizes, p in pairs)
        assert rule.expected_calls(n, skip_idle=True) == pytest.approx(expected)
    rule = Ancestral(8, schedule)
    trace = decode(distributions.copy(4), Decoder(rule), samples=4000)
    busy = trace.committed.any(axis=2).sum(axis=0)
    deviation = busy.std() / math.sqrt(4000)
    assert abs(busy.mean() - rule.expected_calls(4, skip_idle=True)) <= 5 * deviation
    assert abs(trace.rounds.mean() - rule.expected_calls(4)) <= 5 * trace.rounds.std() / 4000**0.5


def test_calls_are_refused():
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        Ancestral(3).expected_calls(0)
    with pytest.raises(TypeError, match="skip_idle must be True or False, got 1"):
        Ancestral(3).expected_calls(4, skip_idle=1)


@given(laws.counted(max_length=4, max_outcomes=8), st.integers(1, 30))
def test_total_variation_of_many_steps(sample, steps):
    """Exact where no two positions share a round: TV <= n (n - 1) / (2 steps)."""
    law, n = table(sample), sample.length
    run = exact(law, Decoder(Ancestral(steps)), off_support="marginal")
    assert run.total_variation <= n * (n - 1) / (2 * steps) + 1e-12


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_shares(schedule):
    """Differences of alpha; a masked position is committed with its share of what is left."""
    rule = Ancestral(5, schedule)
    alpha = {
        "linear": lambda r: r,
        "cosine": lambda r: 1 - math.cos(math.pi * r / 2),
        "sine": lambda r: math.sin(math.pi * r / 2),
    }[schedule]
    expected = [alpha((k + 1) / 5) - alpha(k / 5) for k in range(5)]
    assert rule.shares.tolist() == pytest.approx(expected)
    assert math.fsum(rule.shares) == pytest.approx(1)
    run = exact(distributions.copy(1), Decoder(rule))
    assert run.rounds[1:].tolist() == pytest.approx(expected)


# The loop --------------------------------------------------------------------------------


def reference(law, steps):
    """Recursion over canvases on the linear schedule, in fractions."""
    ended = defaultdict(Fraction)

    def go_on(canvas, k, weight):
        if MASK not in canvas:
            ended[canvas, k] += weight
            return
        holes, odds = oracle.masked(canvas), Fraction(1, steps - k)
        for size in range(len(holes) + 1):
            for chosen in combinations(holes, size):
                share = odds**size * (1 - odds) ** (len(holes) - size)
                if not share:
                    continue
                marginals = oracle.token_laws(law, canvas)
                for tokens, p in oracle.draws(marginals, chosen):
                    child = oracle.fill(canvas, tokens)
                    if oracle.consistent(law, child):
                        go_on(child, k + 1, weight * share * p)

    go_on((MASK,) * len(next(iter(law))), 0, Fraction(1))
    return ended


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@given(sample=laws.counted(max_length=3, max_outcomes=6), steps=st.integers(1, 3))
def test_exact_law(arithmetic, sample, steps):
    run = exact(table(sample), Decoder(Ancestral(steps)), arithmetic=arithmetic)
    expected = reference(sample.law, steps)
    outputs, rounds = defaultdict(Fraction), defaultdict(Fraction)
    for (output, k), p in expected.items():
        outputs[output] += p
        rounds[k] += p
    got = translation.output(run)
    assert set(got) == set(outputs)
    for output, p in got.items():
        assert p == (outputs[output] if arithmetic == "rational" else pytest.approx(
            float(outputs[output]), abs=1e-12
        ))  # fmt: skip
    for k, p in enumerate(run.finished_by_round):
        assert float(p) == pytest.approx(float(rounds[k]), abs=1e-12)


@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
@pytest.mark.parametrize("temperature", [0, 1])
def test_simulation_follows_the_exact_law(order, temperature):
    law = distributions.from_counts(
        [[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 1], [0, 0, 0]], [3, 1, 2, 2, 1]
    )
    decoder = Decoder(Ancestral(3, "cosine"), order=order, temperature=temperature)
    run = exact(law, decoder, off_support="marginal")
    sampled = simulate(law, decoder, samples=20_000, seed=3, keep_sequences=True)
    for outcome, p in translation.output(run).items():
        share = (sampled.sequences == outcome).all(axis=1).mean()
        assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / 20_000) + 1e-12
    for t, p in enumerate(run.rounds):
        assert abs(sampled.rounds[t] / 20_000 - p) <= 5 * math.sqrt(p * (1 - p) / 20_000) + 1e-12


def test_tokens_drawn_first_change_nothing():
    """No position is chosen by its token."""
    law = distributions.replace_random(4)
    first, later = (
        exact(law, Decoder(Ancestral(3), order=order))
        for order in ("sample-then-choose", "choose-then-sample")
    )
    assert translation.output(first) == pytest.approx(translation.output(later), abs=1e-12)


def test_a_single_step_commits_everything():
    law = distributions.permutations(4)
    at_once = exact(law, Decoder(strategies.TopK(4)))
    assert translation.output(exact(law, Decoder(Ancestral(1)))) == translation.output(at_once)


@pytest.mark.parametrize(
    "law", [distributions.permutations(6), distributions.replace_random(7)], ids=lambda d: d.name
)
def test_orbits(law):
    """Rounds are all that the memory counts, so that symmetry may be followed."""
    decoder = Decoder(Ancestral(3, "cosine"))
    every, orbits = (exact(law, decoder, orbits=flag) for flag in (False, True))
    assert orbits.kl == pytest.approx(every.kl, abs=1e-10)
    assert orbits.validity == pytest.approx(every.validity, abs=1e-12)
    assert orbits.largest_round < every.largest_round


def test_shuffle_of_thirty():
    """Two steps on the linear schedule: half of the items, give or take, and then the others."""
    n = 30
    law = distributions.permutations(n)

    def valid(m, k):
        return math.prod((m - i) / m for i in range(k))

    expected = math.fsum(
        math.comb(n, k) / 2**n * valid(n, k) * valid(n - k, n - k) for k in range(n + 1)
    )
    assert exact(law, Decoder(Ancestral(2))).validity == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_every_block_has_its_own_clock(steps):
    """Two blocks of two: their rounds add up, each the later of two uniform ones."""
    law = distributions.copy(4)
    run = exact(law, Decoder(Ancestral(steps), blocks=strategies.LeftToRight(2)))
    later = np.diff((np.arange(steps + 1) / steps) ** 2)
    expected = np.convolve(later, later)
    assert run.rounds[2:].tolist() == pytest.approx(expected.tolist())
    clocked = exact(law, Decoder(Ancestral(steps), blocks=strategies.Clocked(2, steps)))
    assert clocked.unfinished == 0
    assert len(clocked.rounds) <= 2 * steps + 1


def test_from_a_partly_filled_canvas():
    law = distributions.permutations(4)
    trace = decode(law, Decoder(Ancestral(5)), canvases=[-1, 2, -1, 0], samples=50)
    assert (trace.sequences[:, [1, 3]] == [2, 0]).all()
    assert trace.finished.all()
    assert trace.rounds.max() <= 5
    assert not trace.committed.any(axis=2).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "steps must be at least 1, got 0"),
        ((3, "square"), "schedule must be one of 'linear', 'cosine', 'sine', got 'square'"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        Ancestral(*arguments)


def test_grid():
    assert [rule.steps for rule in Ancestral.grid(4)] == [1, 2, 4, 8, 16]
    assert Ancestral(3).may_idle
    assert not Ancestral(3).revising


@pytest.mark.parametrize("rounds", [2, 3, 9])
def test_blocks_open_for_longer_than_the_clock(rounds):
    law = distributions.permutations(4)
    plain = exact(law, Decoder(Ancestral(2), blocks=strategies.Clocked(2, 2)))
    waiting = exact(law, Decoder(Ancestral(2), blocks=strategies.Clocked(2, rounds)))
    assert waiting.validity == pytest.approx(plain.validity)
    with pytest.raises(ValueError, match="blocks must stay open for all rounds of Ancestral"):
        exact(law, Decoder(Ancestral(2), blocks=strategies.Clocked(2, 1)))
