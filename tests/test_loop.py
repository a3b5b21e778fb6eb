"""The loop's interface: remasking, look-ahead, memory, several actions, given tokens.

Each small strategy is decoded exactly and by simulation, and once more by a recursion written here
from its description, over tuples and fractions.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, product
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions
from tests import laws, oracle, small_strategies
from tests.translation import table

MASK = -1


def fill(canvas, tokens):
    return tuple(tokens.get(i, v) for i, v in enumerate(canvas))


def draws(law, canvas, positions):
    """Every draw at ``positions`` from the marginals of ``canvas``, with its probability."""
    possible = oracle.consistent(law, canvas)
    marginals = oracle.token_laws(law, canvas if possible else (MASK,) * len(canvas))
    options = [[(i, v, p) for v, p in marginals[i].items()] for i in positions]
    for picks in product(*options):
        weight = Fraction(1)
        for _, _, p in picks:
            weight *= p
        yield {i: v for i, v, _ in picks}, weight


def certainty(law, canvas):
    return -sum(
        -float(p) * log2(p) for one in oracle.token_laws(law, canvas).values() for p in one.values()
    )


def best(scores, count):
    """Every equally good way to take the ``count`` best, as (positions, probability)."""
    count = min(count, len(scores))
    cut = sorted(scores.values(), reverse=True)[count - 1]
    sure = [i for i, s in scores.items() if s > cut + 1e-12]
    tied = [i for i, s in scores.items() if abs(s - cut) <= 1e-12]
    ways = list(combinations(tied, count - len(sure)))
    return [((*sure, *way), Fraction(1, len(ways))) for way in ways]


def run_exactly(law, length, advance, start=None, rounds=64, absorb=True):
    """Forward propagation of (canvas, memory); ``advance`` yields children."""
    live = {((MASK,) * length, start): Fraction(1)}
    done = defaultdict(Fraction)
    for t in range(rounds):
        following = defaultdict(Fraction)
        for (canvas, memory), weight in live.items():
            for child, kept, share in advance(law, canvas, memory, t):
                if absorb and not oracle.consistent(law, child):
                    continue
                if MASK in child:
                    following[child, kept] += weight * share
                else:
                    done[child] += weight * share
        live = following
        if not live:
            break
    return dict(done), sum(live.values())


def remask(strategy):
    def advance(law, canvas, memory, t):
        holes = oracle.masked(canvas)
        sets = list(combinations(holes, min(strategy.k, len(holes))))
        for chosen in sets:
            for tokens, p in draws(law, canvas, chosen):
                filled = fill(canvas, tokens)
                if t >= strategy.until:
                    yield filled, None, p / len(sets)
                    continue
                visible = [i for i, v in enumerate(filled) if v != MASK]
                sigma = Fraction(strategy.sigma)
                for again in product([False, True], repeat=len(visible)):
                    share = Fraction(1)
                    for flag in again:
                        share *= sigma if flag else 1 - sigma
                    gone = dict.fromkeys(
                        (i for i, f in zip(visible, again, strict=True) if f), MASK
                    )
                    yield fill(filled, gone), None, share * p / len(sets)

    return advance


def look_ahead(follow):
    def advance(law, canvas, memory, t):
        marginals = oracle.token_laws(law, canvas)
        confidence = {i: max(one.values()) for i, one in marginals.items()}
        for tried, share in best(confidence, 2):
            after = {}
            for i in tried:
                mode = min(v for v, p in marginals[i].items() if p == confidence[i])
                after[i] = certainty(law, fill(canvas, {i: mode}))
            for (winner,), split in best(after, 1):
                if not follow:
                    for tokens, p in draws(law, canvas, [winner]):
                        yield fill(canvas, tokens), None, share * split * p
                    continue
                top = max(marginals[winner].values())
                mode = min(v for v, p in marginals[winner].items() if p == top)
                filled = fill(canvas, {winner: mode})
                sure = {
                    i: next(iter(one)) for i, one in oracle.token_laws(law, filled).items()
                    if max(one.values()) == 1
                }  # fmt: skip
                yield fill(filled, sure), None, share * split

    return advance


def stable(gamma):
    def advance(law, canvas, memory, t):
        marginals = oracle.token_laws(law, canvas)
        confidence = {i: max(one.values()) for i, one in marginals.items()}
        streak = {i: (memory[i] + 1 if c >= gamma else 0) for i, c in confidence.items()}
        kept = tuple(min(streak.get(i, 0), 2) for i in range(len(canvas)))
        ready = [i for i, s in streak.items() if s >= 2]
        for chosen, share in [(ready, Fraction(1))] if ready else best(confidence, 1):
            for tokens, p in draws(law, canvas, chosen):
                yield fill(canvas, tokens), kept, share * p

    return advance


def both_ends(law, canvas, memory, t):
    n = len(canvas)
    holes = oracle.masked(canvas)
    halves = [
        [i for i in holes if i < n // 2] or [None],
        [i for i in holes if i >= n // 2] or [None],
    ]
    for pair in product(*halves):
        chosen = [i for i in pair if i is not None]
        for tokens, p in draws(law, canvas, chosen):
            yield fill(canvas, tokens), None, p / (len(halves[0]) * len(halves[1]))


def assert_same(run, expected):
    got = dict(zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True))
    assert set(got) == {y for y, p in expected.items() if p}
    for outcome, weight in got.items():
        if isinstance(weight, Fraction):
            assert weight == expected[outcome]
        else:
            assert weight == pytest.approx(float(expected[outcome]), abs=1e-12)


def assert_simulates(law, strategy, expected):
    """The sampled loop puts out each outcome as often as it should, within five deviations."""
    samples = 4000
    run = infodecode.simulate(law, Decoder(strategy), samples=samples, keep_sequences=True)
    counts = defaultdict(int)
    for row in run.sequences.tolist():
        counts[tuple(row)] += 1
    for outcome, p in expected.items():
        deviation = (samples * float(p) * (1 - float(p))) ** 0.5
        assert abs(counts[outcome] - samples * float(p)) <= 5 * deviation + 1e-9


CASES = [
    ("remask", lambda gamma: small_strategies.BernoulliRemask(2, 0.25, 2)),
    ("look ahead", lambda gamma: small_strategies.LeastUncertaintyAfter()),
    ("follow", lambda gamma: small_strategies.TryThenFollow()),
    ("memory", lambda gamma: small_strategies.StableConfidence(gamma)),
    ("both ends", lambda gamma: small_strategies.BothEnds()),
]


def recursion(name, strategy):
    return {
        "remask": lambda: remask(strategy),
        "look ahead": lambda: look_ahead(False),
        "follow": lambda: look_ahead(True),
        "memory": lambda: stable(Fraction(strategy.gamma)),
        "both ends": lambda: both_ends,
    }[name]()


@pytest.mark.parametrize(("name", "make"), CASES)
@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@given(sample=laws.counted(max_length=3, max_outcomes=6), gamma=st.sampled_from([0.25, 0.5, 0.75]))
def test_small_strategies_have_their_exact_law(name, make, arithmetic, sample, gamma):
    strategy = make(gamma)
    start = (0,) * sample.length if name == "memory" else None
    expected, left = run_exactly(
        sample.law, sample.length, recursion(name, strategy), start, absorb=not strategy.revising
    )
    run = infodecode.exact(table(sample), Decoder(strategy), arithmetic=arithmetic)
    assert_same(run, expected)
    assert float(run.unfinished) == pytest.approx(float(left), abs=1e-12)


@pytest.mark.parametrize(("name", "make"), CASES)
def test_small_strategies_simulate_their_exact_law(name, make):
    law = distributions.from_counts([[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 1]], [3, 1, 2, 2])
    strategy = make(0.5)
    run = infodecode.exact(law, Decoder(strategy))
    expected = dict(zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True))
    assert_simulates(law, strategy, expected)


def test_look_ahead_costs_a_call_and_its_candidates():
    law = distributions.permutations(3)
    run = infodecode.exact(law, Decoder(small_strategies.LeastUncertaintyAfter()))
    assert run.expected_calls == pytest.approx(6)
    assert run.expected_evaluations == pytest.approx(1 + 2 + 1 + 2 + 1 + 1)
    again = infodecode.simulate(law, Decoder(small_strategies.LeastUncertaintyAfter()), samples=50)
    assert again.expected_calls == 6
    assert again.expected_evaluations == 8


def test_following_a_look_ahead_takes_fewer_rounds():
    """All three positions equal: the tried token settles the rest in the same round."""
    law = distributions.from_counts([[0, 0, 0], [1, 1, 1]], [1, 1])
    run = infodecode.exact(law, Decoder(small_strategies.TryThenFollow()))
    assert run.rounds.tolist() == [0, 1]
    assert run.expected_calls == pytest.approx(2)


def test_unfinished_mass_is_reported():
    law = distributions.permutations(3)
    decoder = Decoder(small_strategies.BernoulliRemask(1, 0.5, 1000))
    run = infodecode.exact(law, decoder, max_rounds=4, off_support="uniform")
    assert 0 < run.unfinished < 1
    assert float(np.sum(run.weights)) + run.unfinished == pytest.approx(1)
    assert run.finished_by_round.sum() + run.unfinished == pytest.approx(1)
    for name in ("kl", "reverse_kl", "total_variation", "output", "rounds", "expected_calls"):
        with pytest.raises(ValueError, match=r"had not after 4 rounds; raise max_rounds"):
            getattr(run, name)
    estimate = infodecode.simulate(law, decoder, max_rounds=4, samples=2000)
    assert estimate.unfinished / 2000 == pytest.approx(run.unfinished, abs=0.05)


class CommitsNothing(small_strategies.Strategy):
    def plan(self, state):
        return small_strategies.Ranked(np.zeros(state.canvas.shape), 0)


def test_a_revising_decoder_is_followed_off_the_support():
    """Absorbing would lose what remasking repairs."""
    law = distributions.replace_random(3)
    decoder = Decoder(small_strategies.BernoulliRemask(3, 0.5, 3))
    run = infodecode.exact(law, decoder)
    assert run.off_support == "marginal"
    assert run.absorbed == 0
    assert run.validity > infodecode.exact(law, Decoder(infodecode.strategies.TopK(3))).validity
    with pytest.raises(ValueError, match=r"off_support must be .* for a strategy that revises"):
        infodecode.exact(law, decoder, off_support="absorb")


def test_a_strategy_that_commits_nothing_is_named():
    with pytest.raises(RuntimeError, match=r"CommitsNothing.*committed nothing"):
        infodecode.exact(distributions.copy(2), Decoder(CommitsNothing()))


class ScoresDraws(small_strategies.Strategy):
    needs = frozenset({"drawn_probability"})


def test_scoring_draws_needs_draws():
    with pytest.raises(ValueError, match="order must be 'sample-then-choose'"):
        Decoder(ScoresDraws())
    Decoder(ScoresDraws(), order="sample-then-choose")


def test_trace_tells_what_happened():
    law = distributions.replace_random(4)
    trace = infodecode.decode(
        law, Decoder(infodecode.strategies.Threshold(0.74)), samples=3, seed=5
    )
    assert trace.canvases.shape[1:] == (3, 4)
    assert trace.finished.all()
    assert not trace.remasked.any()
    assert trace.committed.sum(axis=(0, 2)).tolist() == [4, 4, 4]
    frame = trace.to_frame()
    first = frame[frame["round"] == 1]
    assert (first["probability"].isin([0.75, 0.25])).all()
    assert not first["forced"].any()
    same = infodecode.simulate(
        law, Decoder(infodecode.strategies.Threshold(0.74)), samples=3, seed=5, keep_sequences=True
    )
    assert (trace.sequences == same.sequences).all()
    assert str(trace).splitlines()[0].split() == ["0", "_", "_", "_", "_"]


def test_trace_starts_from_a_prompt():
    law = distributions.permutations(4)
    prompt = [-1, 2, -1, 0]
    trace = infodecode.decode(
        law, Decoder(infodecode.strategies.TopK(1)), canvases=prompt, samples=5
    )
    assert (trace.sequences[:, [1, 3]] == [2, 0]).all()
    assert trace.rounds.tolist() == [2] * 5
    assert set(map(tuple, trace.sequences[:, [0, 2]].tolist())) <= {(1, 3), (3, 1)}
    done = infodecode.decode(law, Decoder(infodecode.strategies.TopK(1)), canvases=[0, 1, 2, 3])
    assert done.rounds.tolist() == [0]
    assert done.finished.all()


def test_absorbed_runs_are_followed_when_the_whole_law_is_wanted():
    law = distributions.permutations(3)
    run = infodecode.exact(law, Decoder(infodecode.strategies.TopK(2)))
    assert run.off_support == "absorb"
    assert run.absorbed == pytest.approx(1 / 3)
    assert "expected_rounds" not in run.summary()
    whole = infodecode.exact(law, Decoder(infodecode.strategies.TopK(2)), off_support="marginal")
    assert run.followed.off_support == "marginal"
    assert run.rounds.tolist() == whole.rounds.tolist() == [0, 0, 1]
    assert run.expected_calls == run.expected_rounds == 2
    assert infodecode.total_variation(run.output, whole.output) == 0
    assert run.entropy == whole.entropy
    assert run.validity == pytest.approx(2 / 3)
    exactly = infodecode.exact(law, Decoder(infodecode.strategies.TopK(2)), arithmetic="rational")
    assert exactly.output.integer
    assert sum(exactly.followed.weights) == 1


def test_rounds_of_a_thousand_positions():
    run = infodecode.exact(distributions.copy(1200), Decoder(infodecode.strategies.TopK(1200)))
    assert run.validity == 1
    n = 150
    run = infodecode.exact(distributions.replace_random(n), Decoder(infodecode.strategies.TopK(n)))
    assert run.validity == pytest.approx((1 - 1 / n) ** (n - 1))


def test_outputs_too_rare_for_a_float_are_not_put_out():
    e = 1e-10
    law = distributions.Table(
        [[0, 0], [0, 1], [1, 0], [1, 1]], [(1 - e) ** 2, e * (1 - e), e * (1 - e), e * e]
    )
    run = infodecode.exact(law, Decoder(infodecode.strategies.TopK(2), temperature=0.05))
    assert run.kl == np.inf
    assert len(run.outcomes) < 4
    assert np.isfinite(run.reverse_kl)


def test_exact_rounding_stays_within_one():
    for law in (distributions.replace_random(6), distributions.permutations(5)):
        run = infodecode.exact(law, Decoder(infodecode.strategies.TopK(1)))
        assert run.validity == run.mode_probability == run.coverage == 1.0
        assert run.kl == run.reverse_kl == run.total_variation == 0.0


def test_large_mixtures_are_simulated_and_bounded_as_far_as_possible():
    law = distributions.mixture([distributions.permutations(20), distributions.copy(20)], [1, 1])
    run = infodecode.simulate(law, Decoder(infodecode.strategies.TopK(1)), samples=50)
    assert run.validity.value == 1
    assert run.mode_probability is None
    report = infodecode.bounds(law)
    assert report.entropy is None
    assert report.notes
    assert "unknown" in repr(report)


class Allows(small_strategies.Strategy):
    def plan(self, state):
        zeros = np.zeros(state.canvas.shape)
        return small_strategies.Ranked(zeros, 1, allowed=np.ones(state.canvas.shape, bool))


class Misspells(small_strategies.Strategy):
    needs = frozenset({"confidance"})


def test_mistakes_of_a_strategy_are_named():
    with pytest.raises(RuntimeError, match=r"Allows.* may only commit feasible positions, got"):
        infodecode.exact(distributions.copy(2), Decoder(Allows()))
    with pytest.raises(ValueError, match=r"needs of .* must be among .*, got 'confidance'"):
        Decoder(Misspells())
    with pytest.raises(ValueError, match="ties must be one of 'random', 'lowest', got 'Random'"):
        small_strategies.Ranked(np.zeros((1, 1)), 1, ties="Random")


def test_a_partition_goes_on_from_a_prompt():
    law = distributions.permutations(4)
    decoder = Decoder(infodecode.strategies.FixedPartition([[0, 1], [2, 3]]))
    trace = infodecode.decode(law, decoder, canvases=[[1, 0, -1, -1], [-1, 0, -1, 2]])
    assert trace.rounds.tolist() == [1, 2]
    assert (trace.sequences[0, :2] == [1, 0]).all()


def test_small_temperatures_are_refused_in_fractions():
    law = distributions.titanic()
    half = Decoder(infodecode.strategies.TopK(2), temperature=0.5)
    assert infodecode.exact(law, half, arithmetic="rational").validity <= 1
    for temperature in (1e-300, 0.001, 0.3):
        decoder = Decoder(infodecode.strategies.TopK(2), temperature=temperature)
        with pytest.raises(ValueError, match=r"1/k for an integer k up to 64, got temperature="):
            infodecode.exact(law, decoder, arithmetic="rational")


class HalfOfThem(small_strategies.Strategy):
    """Each masked position with probability 1/2, as ancestral samplers do."""

    def plan(self, state):
        return small_strategies.Independent(np.full(state.canvas.shape, 0.5))


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
def test_independent_choices_look_at_allowed_positions_only(arithmetic):
    """Two positions, each waiting a geometric number of rounds: P(done by t) = (1 - 2^-t)^2."""
    run = infodecode.exact(
        distributions.copy(2), Decoder(HalfOfThem()), max_rounds=5, arithmetic=arithmetic
    )
    done = [float(p) for p in np.cumsum(run.finished_by_round)]
    assert done == pytest.approx([(1 - 0.5**t) ** 2 for t in range(6)], abs=1e-15)
    assert float(run.unfinished) == pytest.approx(1 - done[-1])
    sampled = infodecode.simulate(
        distributions.copy(2), Decoder(HalfOfThem()), max_rounds=5, samples=4000
    )
    assert sampled.unfinished / 4000 == pytest.approx(float(run.unfinished), abs=0.02)
