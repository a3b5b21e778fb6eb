"""Look-ahead by information gain against its description, one canvas at a time."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, data_path, decode, distributions, exact, simulate, strategies
from infodecode.strategies.look_ahead import LookAhead
from tests import laws, oracle, translation
from tests.translation import table

MASK = oracle.MASK


@dataclass
class Reference:
    """Law of (output, rounds, calls, evaluated); off the support by the marginals."""

    law: oracle.Law
    rule: LookAhead
    threshold: Fraction | None
    dialect: oracle.Dialect

    def run(self, canvas):
        live = {(canvas, 0, 0, 0): Fraction(1)}
        ended = defaultdict(Fraction)
        while live:
            after = defaultdict(Fraction)
            for (now, rounds, calls, evaluated), weight in live.items():
                for child, more_calls, more, p in self.one_round(now):
                    key = (child, rounds + 1, calls + more_calls, evaluated + more)
                    (after if MASK in child else ended)[key] += weight * p
            live = after
        return ended

    def laws_at(self, canvas):
        possible = oracle.consistent(self.law, canvas)
        every = oracle.token_laws(self.law, canvas if possible else (MASK,) * len(canvas))
        return {i: every[i] for i in oracle.masked(canvas)}

    def one_round(self, canvas):
        raw = self.laws_at(canvas)
        open_ = {i: raw[i] for i in oracle.feasible(canvas, self.dialect.block_length)}
        sure = self.sure(open_)
        if sure or len(open_) == 1:
            for child, p in self.draw(canvas, raw, sure or list(open_)):
                yield child, 1, 1, p
            return
        scores = {i: oracle.score(self.rule.by, i, one, None) for i, one in open_.items()}
        ties = "random" if self.rule.by == "random" else self.dialect.position_ties
        for tried, share in oracle.best(scores, self.rule.candidates, ties):
            mode = {
                i: min(v for v, p in raw[i].items() if p == max(raw[i].values())) for i in tried
            }
            objective = {i: self.objective(canvas, i, mode[i], raw[i]) for i in tried}
            for (winner,), split in oracle.best(objective, 1, self.dialect.position_ties):
                for child, p in self.commit(canvas, raw, winner, mode[winner]):
                    yield child, 2, 1 + len(tried), share * split * p

    def commit(self, canvas, raw, winner, token):
        if self.rule.commit == "drawn":
            yield from self.draw(canvas, raw, [winner])
            return
        child = oracle.fill(canvas, {winner: token})
        left = self.laws_at(child)
        open_ = oracle.feasible(child, self.dialect.block_length) if left else []
        sure = self.sure({i: left[i] for i in open_}) if self.rule.again else []
        yield from self.draw(child, left, sure)

    def draw(self, canvas, raw, positions):
        drawable = {i: oracle.tempered(raw[i], self.dialect) for i in positions}
        for tokens, p in oracle.draws(drawable, positions):
            yield oracle.fill(canvas, tokens), p

    def sure(self, open_):
        if self.threshold is None:
            return []
        return [i for i, one in open_.items() if max(one.values()) >= self.threshold]

    def objective(self, canvas, position, token, one):
        after = self.laws_at(oracle.fill(canvas, {position: token}))
        left = math.fsum(map(bits, after.values()))
        if self.rule.average and after:
            left /= len(after)
        return round(-left - self.rule.cost * bits(one), 10)


def bits(one):
    return float(oracle.entropy_key(tuple(sorted(one.values())))) / math.log(2)


@st.composite
def cases(draw):
    sample = draw(laws.counted(max_length=3, max_outcomes=6))
    chance = random.Random(draw(st.integers(0, 2**32)))
    shares = [Fraction(1, 3), Fraction(1, 2), Fraction(2, 3), Fraction(3, 4), Fraction(1)]
    threshold = chance.choice([None, *shares])
    commit = chance.choice(["drawn", "tried"])
    rule = LookAhead(
        chance.randint(1, 4),
        chance.choice(["confidence", "margin", "entropy", "random"]),
        chance.choice([0.0, 0.5, 1.0]),
        chance.random() < 0.5,
        None if threshold is None else float(threshold),
        commit,
        commit == "tried" and threshold is not None and chance.random() < 0.7,
    )
    dialect = replace(laws.random_dialect(chance), block_length=chance.choice([None, None, 1, 2]))
    return sample, Reference(sample.law, rule, threshold, dialect)


def decoder_of(reference):
    return translation.decoder_with(reference.rule, reference.dialect)


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@given(case=cases())
def test_exact_law(arithmetic, case):
    sample, reference = case
    options = {"arithmetic": arithmetic, "off_support": "marginal"}
    run = exact(table(sample), decoder_of(reference), **options)
    expected = reference.run((MASK,) * sample.length)
    outputs, rounds = defaultdict(Fraction), defaultdict(float)
    for (output, t, _, _), p in expected.items():
        outputs[output] += p
        rounds[t] += float(p)
    translation.assert_output(run, outputs)
    assert {t: float(p) for t, p in translation.rounds(run).items()} == pytest.approx(dict(rounds))
    calls = float(sum(p * calls for (_, _, calls, _), p in expected.items()))
    evaluated = float(sum(p * number for (_, _, _, number), p in expected.items()))
    assert float(run.expected_calls) == pytest.approx(calls)
    assert float(run.expected_evaluations) == pytest.approx(evaluated)


@given(case=cases(), seed=st.integers(0, 1000))
def test_from_a_partly_filled_canvas(case, seed):
    sample, reference = case
    chance = random.Random(seed)
    outcome = chance.choice(sorted(sample.law))
    canvas = tuple(v if chance.random() < 0.5 else MASK for v in outcome)
    trace = decode(table(sample), decoder_of(reference), canvases=canvas, samples=20, seed=seed)
    assert trace.finished.all()
    if MASK in canvas:
        known = set(reference.run(canvas))
        costs = (trace.rounds, trace.calls.sum(axis=0), trace.evaluated.sum(axis=0))
        for row in zip(map(tuple, trace.sequences.tolist()), *map(list, costs), strict=True):
            assert row in known


RULES = {
    "drawn": LookAhead(2, cost=0.0, threshold=0.75),
    "followed": LookAhead(3, "entropy", average=False, threshold=0.7, commit="tried", again=True),
    "random": LookAhead(2, "random", threshold=None),
}


@pytest.mark.parametrize("name", RULES)
def test_simulation_follows_the_exact_law(name):
    law = distributions.from_counts(
        [[0, 0, 1, 0], [0, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0]], [3, 1, 2, 2, 1]
    )
    decoder = Decoder(RULES[name])
    run = exact(law, decoder, off_support="marginal")
    sampled = simulate(law, decoder, samples=20_000, seed=3, keep_sequences=True)
    for outcome, p in translation.output(run).items():
        share = (sampled.sequences == outcome).all(axis=1).mean()
        assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / 20_000) + 1e-12
    for t, p in enumerate(run.rounds):
        share = sampled.rounds[t] / 20_000 if t < len(sampled.rounds) else 0.0
        assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / 20_000) + 1e-12
    assert sampled.expected_calls == pytest.approx(run.expected_calls, abs=0.05)


@given(laws.counted(max_length=4, max_outcomes=8), st.sampled_from([0.0, 1.0]), st.booleans())
def test_one_drawn_position_a_round_is_exact(sample, cost, average):
    rule = LookAhead(2, cost=cost, average=average, threshold=None)
    assert exact(table(sample), Decoder(rule)).kl == 0


@pytest.mark.parametrize("by", ["confidence", "margin", "entropy"])
def test_a_single_candidate_leaves_nothing_to_choose(by):
    law = distributions.profile_records(12)
    ours = exact(law, Decoder(LookAhead(1, by, threshold=None)))
    plain = exact(law, Decoder(strategies.TopK(1, by=by)))
    assert translation.output(ours) == pytest.approx(translation.output(plain), abs=1e-12)


@pytest.mark.parametrize("law", [distributions.titanic(), distributions.profile_records(15)])
def test_tried_and_drawn_tokens_are_the_same_at_temperature_0(law):
    runs = [
        exact(
            law,
            Decoder(LookAhead(threshold=0.6, commit=commit), temperature=0, token_ties="lowest"),
        )
        for commit in ("drawn", "tried")
    ]
    assert translation.output(runs[0]) == translation.output(runs[1])


# Information first (From Bits to Rounds, Examples 1 and 2) -------------------------------


def costs(law, rule):
    run = exact(law, Decoder(rule))
    assert run.kl == 0
    assert run.expected_rounds == pytest.approx(data_path(law, Decoder(rule)).expected_rounds)
    return run.expected_rounds, run.expected_calls, run.expected_evaluations


def test_a_name_first_and_the_rest_at_once():
    """Confidence starts with the age and asks for the name last; all three lose nothing.

    The published objective starts with the age as well once there are many names: it charges the
    name's own entropy in full, and counts what it says about the others as a mean.
    """
    small = distributions.profile_records(20)
    assert costs(small, strategies.Threshold(0.99)) == pytest.approx((3.45, 3.45, 3.45))
    assert costs(small, LookAhead(threshold=0.99)) == pytest.approx((2, 3, 6))
    large = distributions.profile_records()
    assert costs(large, strategies.Threshold(0.99))[0] == pytest.approx(3.97)
    assert costs(large, LookAhead(threshold=0.99)) == pytest.approx((3.97, 6.94, 12.91))
    others = LookAhead(threshold=0.99, average=False)
    assert costs(large, others) == pytest.approx((3.02, 5.03, 10.04))
    verifier = LookAhead(threshold=0.99, cost=0)
    assert costs(large, verifier) == pytest.approx((2.225, 3.38, 6.63))
    opening = decode(large, Decoder(verifier), samples=20).committed[0]
    assert opening.tolist() == [[True, False, False, False]] * 20


def test_any_slot_of_a_variable_fixes_the_others():
    """Two variables cost two rounds each, whichever is first, and one with a copy that pays."""
    law = distributions.variable_names()
    for rule in (strategies.Threshold(0.99), LookAhead(), LookAhead(cost=0)):
        assert costs(law, rule)[0] == pytest.approx(4)
    follow = LookAhead(commit="tried", again=True, cost=0)
    run = exact(law, Decoder(follow, temperature=0))
    assert (run.expected_rounds, run.expected_calls) == (2, 4)
    assert run.validity == 1


def test_calls_of_rounds():
    """Shuffle of three: a look-ahead at three, one at two, and the last one is sure."""
    law = distributions.permutations(3)
    trace = decode(law, Decoder(LookAhead()))
    assert trace.calls[:, 0].tolist() == [2, 2, 1]
    assert trace.evaluated[:, 0].tolist() == [4, 3, 1]
    assert not trace.forced.any()


def test_a_last_unsure_position_is_a_fallback():
    law = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [1, 1, 1, 1])
    trace = decode(law, Decoder(LookAhead()))
    assert trace.calls[:, 0].tolist() == [2, 1]
    assert trace.forced[:, 0].tolist() == [False, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 0}, "candidates must be at least 1, got 0"),
        ({"by": "age"}, "by must be one of 'confidence', 'margin', 'entropy', 'random', got 'age'"),
        ({"cost": -1.0}, "cost must be at least 0, got -1.0"),
        ({"threshold": 1.5}, "threshold must be at most 1, got 1.5"),
        ({"commit": "none"}, "commit must be one of 'drawn', 'tried', got 'none'"),
        ({"again": True}, "again=True needs commit='tried' and a threshold, got commit='drawn'"),
        (
            {"again": True, "commit": "tried", "threshold": None},
            "again=True needs .* got commit='tried' and threshold=None",
        ),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        LookAhead(**options)


def test_flags_must_be_flags():
    with pytest.raises(TypeError, match="average must be True or False, got 1"):
        LookAhead(average=1)


def test_grid():
    law = distributions.permutations(3)
    kls = [exact(law, Decoder(rule)).kl for rule in LookAhead.grid(3)]
    assert np.isfinite(kls).all()
    assert kls[-1] == 0
