"""Block refinement against its description, written as the loop of the pipeline."""

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

from infodecode import Decoder, decode, distributions, even_sizes, exact, simulate, strategies
from infodecode.strategies.block_refinement import BlockRefinement
from tests import laws, oracle, translation
from tests.translation import table

MASK = oracle.MASK


@dataclass
class Reference:
    """Every decode of one law; canvases off its support are followed by the marginals."""

    law: oracle.Law
    rule: BlockRefinement
    threshold: Fraction
    editing: Fraction | None
    dialect: oracle.Dialect

    def run(self, canvas):
        self.ended = defaultdict(Fraction)
        self.block(canvas, 0, 0, Fraction(1))
        return dict(self.ended)

    def laws_at(self, canvas):
        possible = oracle.consistent(self.law, canvas)
        prior = (MASK,) * len(canvas)
        every = oracle.token_laws(self.law, canvas if possible else prior)
        return {i: every[i] for i in oracle.masked(canvas)}

    def block(self, canvas, number, calls, weight):
        start = number * self.rule.block_length
        if start >= len(canvas):
            self.ended[canvas, calls] += weight
        elif MASK in canvas[start : start + self.rule.block_length]:
            self.fill(canvas, number, 0, calls, weight)
        elif self.editing is not None and (self.rule.as_shipped or self.rule.max_post_steps):
            self.edit(canvas, number, 1, calls, weight)
        else:
            self.block(canvas, number + 1, calls, weight)

    def fill(self, canvas, number, step, calls, weight):
        places = self.places(canvas, number)
        quota = even_quota(self.rule.block_length, self.rule.steps, step)
        edits = self.edits(canvas, places) if self.rule.as_shipped else {}
        for tokens, p in self.commits(canvas, places, quota):
            child = oracle.fill(canvas, tokens | edits)
            if any(child[i] == MASK for i in places):
                self.fill(child, number, step + 1, calls + 1, weight * p)
            elif self.editing is None or (self.rule.as_shipped and not edits):
                self.block(child, number + 1, calls + 1, weight * p)
            elif self.rule.as_shipped or self.rule.max_post_steps:
                self.edit(child, number, 1, calls + 1, weight * p)
            else:
                self.block(child, number + 1, calls + 1, weight * p)

    def edit(self, canvas, number, post, calls, weight):
        edits = self.edits(canvas, self.places(canvas, number))
        child = oracle.fill(canvas, edits)
        most = self.rule.max_post_steps + self.rule.as_shipped
        if edits and post < most:
            self.edit(child, number, post + 1, calls + 1, weight)
        else:
            self.block(child, number + 1, calls + 1, weight)

    def edits(self, canvas, places):
        found = {}
        for i in places:
            if canvas[i] == MASK or self.editing is None:
                continue
            one = self.laws_at(oracle.fill(canvas, {i: MASK}))[i]
            best = max(one.values())
            favourite = min(v for v, p in one.items() if p == best)
            if best > self.editing and favourite != canvas[i]:
                found[i] = favourite
        return found

    def commits(self, canvas, places, quota):
        raw = {i: one for i, one in self.laws_at(canvas).items() if i in places}
        drawable = {i: oracle.tempered(one, self.dialect) for i, one in raw.items()}
        first = self.dialect.order == "sample-then-choose"
        for drawn, p in oracle.draws(drawable, list(raw) if first else []):
            confidence = {i: raw[i][drawn[i]] if first else max(raw[i].values()) for i in raw}
            sure = tuple(i for i, c in confidence.items() if c > self.threshold)
            ways = [(sure, Fraction(1))]
            if len(sure) < quota:
                ways = oracle.best(confidence, quota, self.dialect.position_ties)
            for chosen, share in ways:
                here = {i: {drawn[i]: Fraction(1)} if first else drawable[i] for i in chosen}
                for tokens, q in oracle.draws(here, chosen):
                    yield tokens, p * share * q

    def places(self, canvas, number):
        start = number * self.rule.block_length
        return range(start, min(start + self.rule.block_length, len(canvas)))


def even_quota(length, steps, step):
    quotas = [length // steps + (k < length % steps) for k in range(steps)]
    return quotas[step]


@st.composite
def cases(draw, max_length=3):
    sample = draw(laws.counted(max_length=max_length, max_outcomes=6))
    chance = random.Random(draw(st.integers(0, 2**32)))
    shares = [Fraction(1, 4), Fraction(1, 3), Fraction(1, 2), Fraction(2, 3), Fraction(3, 4)]
    threshold = chance.choice([*shares, Fraction(1)])
    editing = chance.choice([None, *shares])
    rule = BlockRefinement(
        chance.randint(1, sample.length + 1),
        chance.randint(1, sample.length + 1),
        float(threshold),
        None if editing is None else float(editing),
        chance.randint(0, 3),
        as_shipped=chance.random() < 0.5,
    )
    dialect = laws.random_dialect(chance)
    return sample, Reference(sample.law, rule, threshold, editing, dialect)


def decoder_of(reference):
    return translation.decoder_with(reference.rule, reference.dialect)


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@given(case=cases())
def test_exact_law(arithmetic, case):
    sample, reference = case
    options = {"arithmetic": arithmetic, "off_support": "marginal"}
    run = exact(table(sample), decoder_of(reference), **options)
    expected = reference.run((MASK,) * sample.length)
    translation.assert_output(run, oracle.output_law(expected))
    calls = {k: float(p) for k, p in translation.rounds(run).items()}
    assert calls == pytest.approx({k: float(p) for k, p in oracle.rounds_law(expected).items()})


@given(case=cases(), seed=st.integers(0, 1000))
def test_from_a_partly_filled_canvas(case, seed):
    sample, reference = case
    chance = random.Random(seed)
    outcome = chance.choice(sorted(sample.law))
    canvas = tuple(v if chance.random() < 0.5 else MASK for v in outcome)
    trace = decode(table(sample), decoder_of(reference), canvases=canvas, samples=20, seed=seed)
    assert trace.finished.all()
    if MASK in canvas:
        possible = reference.run(canvas)
        pairs = zip(map(tuple, trace.sequences.tolist()), trace.rounds.tolist(), strict=True)
        assert set(pairs) <= set(possible)


RULES = {
    "published": BlockRefinement(4, 2, 0.6, 0.5, 2),
    "shipped": BlockRefinement(3, 2, 0.6, 0.4, 2, as_shipped=True),
}


@pytest.mark.parametrize("name", RULES)
def test_simulation_follows_the_exact_law(name):
    law = distributions.from_counts(
        [[0, 0, 1, 0], [0, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0]], [3, 1, 2, 2, 1]
    )
    decoder = Decoder(RULES[name])
    run = exact(law, decoder)
    sampled = simulate(law, decoder, samples=20_000, seed=3, keep_sequences=True)
    assert sampled.unfinished == 0
    for outcome, p in translation.output(run).items():
        share = (sampled.sequences == outcome).all(axis=1).mean()
        assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / 20_000) + 1e-12
    for t, p in enumerate(run.rounds):
        share = sampled.rounds[t] / 20_000 if t < len(sampled.rounds) else 0.0
        assert abs(share - p) <= 5 * math.sqrt(p * (1 - p) / 20_000) + 1e-12


@pytest.mark.parametrize("quota", [1, 2, 3])
@pytest.mark.parametrize("gamma", [0.3, 0.5, 0.9])
def test_without_editing_it_is_a_threshold_with_quota(quota, gamma):
    for law in (distributions.permutations(6), distributions.replace_random(6)):
        rule = BlockRefinement(6, 6 // quota, gamma)
        assert not rule.revising
        ours, same = (
            exact(law, Decoder(s)) for s in (rule, strategies.Threshold(gamma, at_least=quota))
        )
        assert translation.output(ours) == pytest.approx(translation.output(same), abs=1e-12)
        assert ours.rounds.tolist() == pytest.approx(same.rounds.tolist())


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_a_threshold_of_one_leaves_the_quota(steps):
    """LLaDA's schedule, the remainder in the first rounds."""
    law = distributions.permutations(5)
    ours = exact(law, Decoder(BlockRefinement(5, steps, 1.0)))
    llada = exact(law, Decoder(strategies.TopK(even_sizes(5, steps), by="confidence")))
    assert translation.output(ours) == pytest.approx(translation.output(llada), abs=1e-12)


def copies(n):
    return distributions.Table([[0] * n, [1] * n], [1, 1])


def test_a_majority_repairs_the_others():
    """Three copies of a bit drawn at once: the one that differs from two is overwritten."""
    law = copies(3)
    documented = exact(law, Decoder(BlockRefinement(3, 1, 0.9, 0.5)))
    assert documented.validity == 1
    assert documented.kl == 0
    assert documented.expected_rounds == 2 / 8 * 2 + 6 / 8 * 3
    shipped = exact(law, Decoder(BlockRefinement(3, 1, 0.9, 0.5, as_shipped=True)))
    assert shipped.validity == 1 / 4
    assert shipped.expected_rounds == 1
    trace = decode(law, Decoder(BlockRefinement(3, 1, 0.9, 0.5)), samples=50)
    assert set(trace.edited.sum(axis=(0, 2)).tolist()) == {0, 1}
    assert not trace.remasked.any()


@pytest.mark.parametrize("most", [0, 1, 2, 5])
def test_rounds_of_editing(most):
    """Two bits that must differ, drawn alike, flip together for ever; a third bit is free.

    In the first of two rounds they are both drawn in a third of the decodes, alike in half of
    these. The released code edits in the round that commits the third bit, and once too often.
    """
    law = distributions.Table([[0, 1, 0], [0, 1, 1], [1, 0, 0], [1, 0, 1]], [1, 1, 1, 1])
    options = {"block_length": 3, "steps": 2, "threshold": 0.9, "editing_threshold": 0.5}
    rules = [BlockRefinement(**options, max_post_steps=most, as_shipped=s) for s in (False, True)]
    documented, shipped = (exact(law, Decoder(rule)).rounds for rule in rules)
    alike = 1 / 6
    if most < 2:
        assert documented[2 + most] == pytest.approx(1)
    else:
        assert documented[3] == pytest.approx(1 - alike)
        assert documented[2 + most] == pytest.approx(alike)
    assert shipped[2] == pytest.approx(1 - alike)
    assert shipped[2 + most + 1] == pytest.approx(alike)


def test_no_rounds_of_editing_is_no_editing():
    law = distributions.replace_random(4)
    some, none = (
        exact(law, Decoder(BlockRefinement(4, 2, 0.9, editing, 0)), off_support="marginal")
        for editing in (0.5, None)
    )
    assert translation.output(some) == translation.output(none)
    assert some.rounds.tolist() == none.rounds.tolist()


def test_a_full_block_is_edited_before_the_next_is_filled():
    law = copies(4)
    trace = decode(
        law, Decoder(BlockRefinement(2, 1, 0.9, 0.5)), canvases=[[0, 0, -1, -1]], samples=3
    )
    assert trace.committed.sum(axis=2)[:, 0].tolist() == [0, 2, 0]
    plain = decode(law, Decoder(BlockRefinement(2, 1, 0.9)), canvases=[[0, 0, -1, -1]])
    assert plain.rounds.tolist() == [1]


def test_visible_tokens_are_edited_too():
    """A third token that was wrong from the start is overruled if the drawn one agrees with two."""
    law, decoder = copies(4), Decoder(BlockRefinement(4, 1, 0.9, 0.5))
    trace = decode(law, decoder, canvases=[0, 0, 1, -1], samples=30)
    assert set(map(tuple, trace.sequences.tolist())) == {(0, 0, 0, 0), (0, 0, 1, 1)}


def test_fallbacks_are_marked():
    """Fewer than the quota are confident: the quota's best go, marked."""
    law = distributions.permutations(4)
    trace = decode(law, Decoder(BlockRefinement(4, 4, 0.6, 0.5)), samples=10)
    frame = trace.to_frame()
    assert (frame["forced"] == (frame["probability"] <= 0.6)).all()


def test_only_an_editing_decoder_revises():
    assert BlockRefinement(editing_threshold=0.5).revising
    law = distributions.permutations(3)
    assert exact(law, Decoder(BlockRefinement(3, 1)), off_support="absorb").absorbed > 0
    with pytest.raises(ValueError, match="for a strategy that revises"):
        exact(law, Decoder(BlockRefinement(3, 1, 0.9, 0.5)), off_support="absorb")


def test_blocks_of_the_decoder_are_refused():
    decoder = Decoder(BlockRefinement(2), blocks=strategies.LeftToRight(2))
    with pytest.raises(ValueError, match=r"blocks must be WholeCanvas\(\) with BlockRefinement\("):
        exact(distributions.copy(4), decoder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_length": 0}, "block_length must be at least 1, got 0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"threshold": 2.0}, "threshold must be at most 1, got 2.0"),
        ({"editing_threshold": 0}, "editing_threshold must be greater than 0, got 0"),
        ({"editing_threshold": 1.5}, "editing_threshold must be at most 1, got 1.5"),
        ({"max_post_steps": -1}, "max_post_steps must be at least 0, got -1"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        BlockRefinement(**options)


def test_grid():
    law = distributions.permutations(3)
    assert all(exact(law, Decoder(rule)).validity > 0 for rule in BlockRefinement.grid(3))
    assert np.unique([repr(rule) for rule in BlockRefinement.grid(8)]).size == 18
