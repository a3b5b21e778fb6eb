"""Decoding by rules written out for one canvas: slow, obvious, in fractions.

A rule is a generator. It is given a `View` of one canvas in one round and yields every choice of
positions with its probability and the memory afterwards. Off the support, canvases are absorbed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from infodecode import Decoder, strategies
from infodecode.models import IdealModel
from infodecode.propagation import chance_for, propagate
from infodecode.strategies import Strategy
from tests import laws, oracle

MASK = oracle.MASK


@dataclass(frozen=True)
class View:
    """What a rule sees: ``open`` positions of the block ``start..end``, their laws and draws."""

    canvas: oracle.Canvas
    round: int
    open: list[int]
    start: int
    end: int
    laws: dict[int, oracle.TokenLaw]
    drawn: dict[int, int]
    memory: Any
    ties: str

    def score(self, by: str, position: int) -> Any:
        return oracle.score(by, position, self.laws[position], self.drawn.get(position))

    def best(self, by: str, count: int, among: list[int] | None = None) -> Any:
        """Every way to take the ``count`` best, as (positions, probability)."""
        among = self.open if among is None else among
        return self.best_of({i: self.score(by, i) for i in among}, count, by)

    def best_of(self, scores: dict[int, Any], count: int, by: str = "") -> Any:
        if count <= 0 or not scores:
            return [((), Fraction(1))]
        return oracle.best(scores, count, "random" if by == "random" else self.ties)


WHOLE, PLAIN = strategies.WholeCanvas(), oracle.Dialect()
Blocks = Callable[[oracle.Canvas, int], tuple[list[int], int, int]]


def blocks_of(policy: strategies.BlockPolicy) -> Blocks:
    """Open positions of a canvas in round t, and the block's range."""

    def whole(canvas: oracle.Canvas, t: int) -> tuple[list[int], int, int]:
        return oracle.masked(canvas), 0, len(canvas)

    def numbered(canvas: oracle.Canvas, t: int) -> tuple[list[int], int, int]:
        n, size = len(canvas), policy.block_length
        holes = oracle.masked(canvas)
        if isinstance(policy, strategies.LeftToRight):
            block = (holes[0] if holes else n - 1) // size
        else:
            block = min(t // policy.rounds, (n - 1) // size)
        return [i for i in holes if i // size == block], block * size, min((block + 1) * size, n)

    return whole if policy == WHOLE else numbered


@dataclass(frozen=True)
class Outcome:
    """Law of the outputs, and the probability of finishing after t rounds."""

    outputs: dict[oracle.Canvas, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    rounds: dict[int, Fraction] = field(default_factory=lambda: defaultdict(Fraction))


def follow(
    law: oracle.Law,
    rule: Callable[[View], Any],
    memory: Any = None,
    *,
    blocks: strategies.BlockPolicy = WHOLE,
    dialect: oracle.Dialect = PLAIN,
    finished: Callable[[oracle.Canvas, Any], bool] = lambda canvas, memory: MASK not in canvas,
    canvas: oracle.Canvas | None = None,
    most: int = 64,
) -> Outcome:
    """Decode ``law`` by a rule, from a whole canvas of masks or the one given."""
    start = (MASK,) * len(next(iter(law))) if canvas is None else canvas
    live = {(start, memory): Fraction(1)}
    result = Outcome()
    for t in range(most):
        after: dict[Any, Fraction] = defaultdict(Fraction)
        for (shown, kept), weight in live.items():
            for child, now, share in one_round(law, rule, shown, kept, t, blocks, dialect):
                if not oracle.consistent(law, child):
                    continue
                if finished(child, now):
                    result.outputs[child] += weight * share
                    result.rounds[t + 1] += weight * share
                else:
                    after[child, now] += weight * share
        live = after
    assert not live, f"not finished after {most} rounds"
    return result


def one_round(law, rule, canvas, memory, t, blocks, dialect):
    """Children of one canvas: (canvas, memory, probability)."""
    open_, start, end = blocks_of(blocks)(canvas, t)
    raw = oracle.token_laws(law, canvas)
    drawable = {i: oracle.tempered(one, dialect) for i, one in raw.items()}
    seen = drawable if dialect.confidence == "tempered" else raw
    ties = dialect.position_ties
    if dialect.order == "choose-then-sample":
        view = View(canvas, t, open_, start, end, seen, {}, memory, ties)
        for chosen, p, kept in rule(view):
            for tokens, q in oracle.draws(drawable, chosen):
                yield oracle.fill(canvas, tokens), kept, p * q
        return
    for tokens, q in oracle.draws(drawable, open_):
        view = View(canvas, t, open_, start, end, seen, tokens, memory, ties)
        for chosen, p, kept in rule(view):
            yield oracle.fill(canvas, {i: tokens[i] for i in chosen}), kept, p * q


def decoder(rule: Strategy, dialect: oracle.Dialect, **options: Any) -> Decoder:
    """The library's decoder in a dialect of the oracle."""
    return Decoder(
        rule,
        temperature=float(dialect.temperature),
        order=dialect.order,
        token_ties=dialect.token_ties,
        position_ties=dialect.position_ties,
        confidence=dialect.confidence,
        **options,
    )


def assert_same(run: Any, expected: Outcome) -> None:
    """An absorbing exact run has these outputs, and takes as many rounds."""
    demand_same(run.outcomes, run.weights, run.finished_by_round, expected)
    assert run.unfinished == 0


def assert_same_from(law: Any, canvas: oracle.Canvas, chosen: Decoder, expected: Outcome) -> None:
    """As `assert_same`, from a partly filled canvas."""
    model = IdealModel(law)
    chance = chance_for(law, chosen, model, "absorb", 10**6, False)
    live = chosen.start(np.array([canvas], np.int32), np.ones(1), np.zeros(1, np.uint64), model)
    done = propagate(live, law, chosen, model, chance, 64)
    demand_same(done.outputs.canvas, done.outputs.weight, done.finished_by_round, expected)
    assert done.unfinished == 0


def demand_same(outcomes: Any, weights: Any, rounds: Any, expected: Outcome) -> None:
    got = dict(zip(map(tuple, outcomes.tolist()), weights.tolist(), strict=True))
    assert set(got) == {y for y, p in expected.outputs.items() if p}
    for outcome, weight in got.items():
        assert float(weight) == pytest.approx(float(expected.outputs[outcome]), abs=1e-12)
    assert max(expected.rounds, default=0) < len(rounds)
    for t, p in enumerate(rounds.tolist()):
        assert float(p) == pytest.approx(float(expected.rounds.get(t, 0)), abs=1e-12)


@st.composite
def partly_filled(draw: st.DrawFn, max_length: int = 4) -> tuple[laws.Sample, oracle.Canvas]:
    """A random law, and one of its outcomes with some positions masked."""
    sample = draw(laws.counted(max_length=max_length, max_outcomes=6))
    outcome = draw(st.sampled_from(sorted(sample.law)))
    hidden = draw(st.sets(st.sampled_from(range(sample.length)), min_size=1))
    return sample, tuple(MASK if i in hidden else v for i, v in enumerate(outcome))
