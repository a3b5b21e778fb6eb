"""SlowFast against its description, written as the nested loops of the original."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, IdealModel, decode, distributions, exact, simulate, strategies
from infodecode._randomness import seed_key, streams_of
from infodecode.simulate import sampled_rounds
from infodecode.strategies.slow_fast import SlowFast
from tests import laws, oracle, translation
from tests.translation import table

MASK = oracle.MASK
HALVES = [Fraction(1, 4), Fraction(1, 3), Fraction(1, 2), Fraction(2, 3), Fraction(3, 4)]


@dataclass
class Reference:
    """Every decode of one law: nested loops over blocks, cycles and the two phases."""

    law: oracle.Law
    rule: SlowFast
    cycle: Fraction
    high: Fraction
    dialect: oracle.Dialect

    def run(self, canvas):
        self.ended = defaultdict(Fraction)
        self.block(canvas, 0, 0, Fraction(1))
        return dict(self.ended)

    def block(self, canvas, number, calls, weight):
        first = number * self.rule.block_length
        if first >= len(canvas):
            self.ended[canvas, calls] += weight
        elif self.holes(canvas, first, self.end(canvas, number)):
            self.explore(canvas, number, first, (), None, 0, calls, weight)
        else:
            self.block(canvas, number + 1, calls, weight)

    def explore(self, canvas, number, start, seen, fixed, step, calls, weight):
        """``seen``: estimates in the window; ``fixed``: the end once they agree."""
        stop = self.end(canvas, number)
        shipped = self.rule.as_shipped
        if not shipped and not self.holes(canvas, start, stop):
            return self.block(canvas, number + 1, calls, weight)
        if step == self.rule.exploration_steps or (fixed is not None and not shipped):
            end = sum(seen) // len(seen) if fixed is None else fixed
            return self.fill(canvas, number, start, end, 0, calls, weight)
        several = 2 if shipped else math.inf
        for child, confidence, p in self.call(canvas, range(start, stop), several, len(canvas)):
            new_seen, new_fixed = seen, fixed
            if fixed is None:
                reach = [i for i in range(start, stop) if confidence.get(i, -1) >= self.cycle]
                estimate = max(reach) + 1 if reach else min(start + 1, stop)
                new_seen = (*seen, estimate)[-self.rule.window :]
                if len(new_seen) == self.rule.window and np.std(new_seen) < self.rule.deviation:
                    new_fixed = estimate
            self.step(
                child, number, calls, weight * p,
                lambda c, k, w, s=new_seen, f=new_fixed: self.explore(
                    c, number, start, s, f, step + 1, k, w
                ),
            )  # fmt: skip

    def fill(self, canvas, number, start, end, done, calls, weight):
        if not self.holes(canvas, start, end):
            if self.holes(canvas, start, self.end(canvas, number)):
                return self.explore(canvas, number, end, (), None, 0, calls, weight)
            return self.block(canvas, number + 1, calls, weight)
        seen = end if done and self.rule.prefix_only else len(canvas)
        for child, _, p in self.call(canvas, range(start, end), 2, seen):
            self.step(
                child, number, calls, weight * p,
                lambda c, k, w: self.fill(c, number, start, end, done + 1, k, w),
            )  # fmt: skip

    def step(self, child, number, calls, weight, go_on):
        if oracle.consistent(self.law, child):
            go_on(child, calls + 1, weight)
        else:
            self.ended[None, calls + 1] += weight

    def call(self, canvas, places, several, seen):
        """(canvas after, confidences before, probability): all sure ones if ``several``, or one."""
        shown = tuple(v if i < seen else MASK for i, v in enumerate(canvas))
        holes = oracle.masked(canvas)
        raw = {i: one for i, one in oracle.token_laws(self.law, shown).items() if i in holes}
        drawable = {i: oracle.tempered(one, self.dialect) for i, one in raw.items()}
        first = self.dialect.order == "sample-then-choose"
        for drawn, p in oracle.draws(drawable, holes if first else []):
            confidence = {i: raw[i][drawn[i]] if first else max(raw[i].values()) for i in holes}
            open_ = {i: c for i, c in confidence.items() if i in places}
            sure = tuple(i for i, c in open_.items() if c >= self.high)
            ways = [(sure, Fraction(1))]
            if len(sure) < several:
                ways = oracle.best(open_, 1, self.dialect.position_ties)
            for chosen, share in ways:
                here = {i: {drawn[i]: Fraction(1)} if first else drawable[i] for i in chosen}
                for tokens, q in oracle.draws(here, chosen):
                    yield oracle.fill(canvas, tokens), confidence, p * share * q

    def end(self, canvas, number):
        return min((number + 1) * self.rule.block_length, len(canvas))

    @staticmethod
    def holes(canvas, start, end):
        return MASK in canvas[start:end]


@st.composite
def cases(draw, max_length=3):
    sample = draw(laws.counted(max_length=max_length, max_outcomes=6))
    chance = random.Random(draw(st.integers(0, 2**32)))
    cycle, high = chance.choice([Fraction(0), *HALVES]), chance.choice([*HALVES, Fraction(1)])
    rule = SlowFast(
        chance.randint(1, sample.length + 1),
        exploration_steps=chance.randint(1, 3),
        cycle_threshold=float(cycle),
        window=chance.randint(1, 3),
        deviation=chance.choice([0, 0.5, 1.0, 2.0]),
        high_threshold=float(high),
        prefix_only=chance.random() < 0.7,
        as_shipped=chance.random() < 0.5,
    )
    dialect = laws.random_dialect(chance)
    return sample, Reference(sample.law, rule, cycle, high, dialect)


def decoder_of(reference):
    return translation.decoder_with(reference.rule, reference.dialect)


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@given(case=cases())
def test_exact_law(arithmetic, case):
    sample, reference = case
    run = exact(table(sample), decoder_of(reference), arithmetic=arithmetic)
    expected = reference.run((MASK,) * sample.length)
    translation.assert_output(run, oracle.output_law(expected))
    rounds = np.zeros(len(run.finished_by_round))
    for (output, calls), p in expected.items():
        if output is not None:
            rounds[calls] += float(p)
    np.testing.assert_allclose([float(p) for p in run.finished_by_round], rounds, atol=1e-12)


@given(case=cases(), seed=st.integers(0, 1000))
def test_from_a_partly_filled_canvas(case, seed):
    """Every decode that is sampled is one of the reference's, idle calls included."""
    sample, reference = case
    chance = random.Random(seed)
    outcome = chance.choice(sorted(sample.law))
    canvas = tuple(v if chance.random() < 0.5 else MASK for v in outcome)
    trace = decode(table(sample), decoder_of(reference), canvases=canvas, samples=20, seed=seed)
    assert trace.finished.all()
    if MASK not in canvas:
        assert trace.rounds.tolist() == [0] * 20
        return
    possible = reference.run(canvas)
    for output, calls in zip(trace.sequences.tolist(), trace.rounds.tolist(), strict=True):
        known = oracle.consistent(sample.law, tuple(output))
        assert not known or (tuple(output), calls) in possible


RULES = {
    "published": SlowFast(4, exploration_steps=2, cycle_threshold=0.5, high_threshold=0.6),
    "shipped": SlowFast(
        3, exploration_steps=3, cycle_threshold=0.4, high_threshold=0.5, as_shipped=True
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_simulation_follows_the_exact_law(name):
    law = distributions.from_counts(
        [[0, 0, 1, 0], [0, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0]], [3, 1, 2, 2, 1]
    )
    decoder = Decoder(RULES[name])
    run = exact(law, decoder, off_support="marginal")
    sampled = simulate(law, decoder, samples=20_000, seed=3, keep_sequences=True)
    assert sampled.unfinished == 0
    for outcome, p in translation.output(run).items():
        share = (sampled.sequences == outcome).all(axis=1).mean()
        assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / 20_000) + 1e-12
    rounds = np.zeros(len(run.rounds))
    rounds[: len(sampled.rounds)] = sampled.rounds[: len(rounds)]
    for t, p in enumerate(run.rounds):
        assert abs(rounds[t] / 20_000 - p) <= 5 * math.sqrt(p * (1 - p) / 20_000) + 1e-12


def test_certain_positions_are_explored_twice_and_filled_at_once():
    """Two estimates agree that the cycle ends with the block; the rest goes in the third round."""
    law = distributions.copy(6)
    trace = decode(law, Decoder(SlowFast(), position_ties="lowest"))
    assert trace.committed.sum(axis=2).ravel().tolist() == [1, 1, 4]
    blocks = decode(law, Decoder(SlowFast(3), position_ties="lowest"))
    assert blocks.committed.sum(axis=2).ravel().tolist() == [1, 1, 1, 1, 1, 1]


def test_the_released_code_explores_on_when_the_block_is_full():
    law = distributions.copy(6)
    trace = decode(law, Decoder(SlowFast(as_shipped=True)))
    assert trace.committed.sum(axis=2).ravel().tolist() == [6, 0, 0, 0, 0, 0]
    assert trace.calls.sum() == trace.rounds[0] == 6
    assert not trace.forced.any()
    two = exact(law, Decoder(SlowFast(4, exploration_steps=3, as_shipped=True)))
    assert two.expected_calls == 6
    assert SlowFast(as_shipped=True).may_idle
    assert not SlowFast().may_idle


def test_cycles_that_never_settle_go_one_by_one():
    """Deviation 0 is never reached, so that exploration is top-1 until the block is full."""
    for law in (distributions.replace_random(5), distributions.profile_records(8)):
        slow = exact(law, Decoder(SlowFast(deviation=0, exploration_steps=law.length)))
        single = exact(law, Decoder(strategies.TopK(1, by="confidence")))
        assert translation.output(slow) == pytest.approx(translation.output(single), abs=1e-12)
        assert slow.rounds.tolist() == single.rounds.tolist()


def test_what_the_prefix_hides_costs_bits():
    """Fast rounds after the first do not see what exploration committed beyond their cycle."""
    law = distributions.replace_random(4)
    assert exact(law, Decoder(SlowFast(prefix_only=False))).kl == 0
    assert exact(law, Decoder(SlowFast())).kl == pytest.approx(0.04605, abs=1e-5)


def test_fallbacks_are_marked():
    law = distributions.permutations(4)
    trace = decode(law, Decoder(SlowFast(high_threshold=0.6)), samples=20)
    frame = trace.to_frame()
    assert (frame["forced"] == (frame["probability"] < 0.6)).all()


def test_memory_keeps_nothing_that_cannot_matter():
    """In the fast phase no estimates, and only whether its first round is over."""
    law, rule = distributions.permutations(6), SlowFast(exploration_steps=2, cycle_threshold=0.15)
    streams = streams_of(seed_key(1), 0, 200)
    canvas = np.full((200, 6), MASK, np.int32)
    phases = set()
    for state in sampled_rounds(canvas, streams, Decoder(rule), IdealModel(law), 6):
        step, estimates = state.memory["step"], state.memory["estimates"]
        phases.update(step.tolist())
        assert (estimates[(step == 0) | (step >= 2)] == -1).all()
        assert (estimates[step == 1, 1] > 0).all()
    assert phases == {0, 1, 2, 3}


def test_blocks_of_the_decoder_are_refused():
    decoder = Decoder(SlowFast(2), blocks=strategies.LeftToRight(2))
    with pytest.raises(ValueError, match=r"blocks must be WholeCanvas\(\) with SlowFast\(block"):
        exact(distributions.copy(4), decoder)
    wide = Decoder(SlowFast(2), blocks=strategies.LeftToRight(4))
    assert exact(distributions.copy(4), wide).validity == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_length": 0}, "block_length must be at least 1, got 0"),
        ({"exploration_steps": 0}, "exploration_steps must be at least 1, got 0"),
        ({"cycle_threshold": 1.1}, "cycle_threshold must be at most 1, got 1.1"),
        ({"window": 0}, "window must be at least 1, got 0"),
        ({"deviation": -1.0}, "deviation must be at least 0, got -1.0"),
        ({"high_threshold": -0.1}, "high_threshold must be at least 0, got -0.1"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        SlowFast(**options)


def test_flags_must_be_flags():
    with pytest.raises(TypeError, match="as_shipped must be True or False, got 1"):
        SlowFast(as_shipped=1)


def test_grid():
    law = distributions.permutations(3)
    assert all(exact(law, Decoder(rule)).validity > 0 for rule in SlowFast.grid(3))
