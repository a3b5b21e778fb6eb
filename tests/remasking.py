"""Rules that mask again, by a recursion over tuples and fractions; what is expected of each."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest

import infodecode
from infodecode import distributions
from tests import oracle
from tests.test_simulate_against_exact import assert_follows

MASK = oracle.MASK
WHOLE = 10**6


def law_at(law, canvas, i):
    """Law of position i given everything else that is visible; its marginal if that cannot be."""
    others = tuple(MASK if j == i else v for j, v in enumerate(canvas))
    known = others if oracle.consistent(law, others) else (MASK,) * len(canvas)
    return oracle.token_laws(law, known)[i]


def drawn(law, canvas, positions, temperature=1):
    """Every draw at the positions, tempered, with its probability."""
    dialect = oracle.Dialect(temperature=Fraction(temperature))
    at = {i: oracle.tempered(law_at(law, canvas, i), dialect) for i in positions}
    yield from oracle.draws(at, positions)


def best(scores, count):
    """Ways to take the ``count`` highest scores, equal ones at random."""
    count = max(0, min(count, len(scores)))
    if count in (0, len(scores)):
        return [(tuple(scores) if count else (), Fraction(1))]
    cut = sorted(scores.values(), reverse=True)[count - 1]
    sure = [i for i, s in scores.items() if s > cut + 1e-12]
    tied = [i for i, s in scores.items() if abs(s - cut) <= 1e-12 or s == cut]
    ways = list(combinations(tied, count - len(sure)))
    return [((*sure, *way), Fraction(1, len(ways))) for way in ways]


def coins(chances):
    """Every set of positions, each in it with its own probability."""
    for flips in product([False, True], repeat=len(chances)):
        share = 1
        for p, flip in zip(chances.values(), flips, strict=True):
            share *= p if flip else 1 - p
        if share:
            yield tuple(i for i, flip in zip(chances, flips, strict=True) if flip), share


def blank(canvas, positions):
    return tuple(MASK if i in positions else v for i, v in enumerate(canvas))


def replaced(values, changes):
    return tuple(changes.get(i, v) for i, v in enumerate(values))


def forward(advance, length, memory=None, rounds=60):
    """Law of outputs, law of rounds, and what is left; ``advance`` yields a round's outcomes.

    It is called with canvas, memory and round, and yields (canvas, memory, probability, over).
    """
    live = {((MASK,) * length, memory): Fraction(1)}
    outputs, by_round = defaultdict(Fraction), defaultdict(Fraction)
    for t in range(rounds):
        following = defaultdict(Fraction)
        for (canvas, kept), weight in live.items():
            for child, remembered, share, over in advance(canvas, kept, t):
                if over:
                    outputs[child] += weight * share
                    by_round[t + 1] += weight * share
                else:
                    following[child, remembered] += weight * share
        live = following
    return dict(outputs), dict(by_round), sum(live.values())


def assert_exact(law, decoder, advance, memory=None, rounds=60, *, arithmetic="float", **options):
    """`exact` gives what the recursion does: outputs, rounds, unfinished."""
    outputs, by_round, left = forward(advance, law.length, memory, rounds)
    run = infodecode.exact(law, decoder, max_rounds=rounds, arithmetic=arithmetic, **options)
    got = dict(zip(map(tuple, run.outcomes.tolist()), run.weights.tolist(), strict=True))
    for outcome in {*got, *outputs}:
        assert float(got.get(outcome, 0)) == pytest.approx(
            float(outputs.get(outcome, 0)), abs=1e-11
        )
    for t, p in enumerate(run.finished_by_round):
        assert float(p) == pytest.approx(float(by_round.get(t, 0)), abs=1e-11)
    assert float(run.unfinished) == pytest.approx(float(left), abs=1e-11)
    return run


def assert_simulates(law, decoder, **options):
    """`simulate` follows `exact`, and does so in any batch."""
    run = infodecode.exact(law, decoder, **options)
    kept = {"keep_sequences": True, "seed": 11}
    sampled = infodecode.simulate(
        law, decoder, samples=6000, confidence=1 - 1e-6, **kept, **options
    )
    assert_follows(sampled, run)
    few = [
        infodecode.simulate(law, decoder, samples=60, batch=b, **kept, **options).sequences
        for b in (1, 7, 60)
    ]
    for sequences in few:
        np.testing.assert_array_equal(sequences, sampled.sequences[:60])


def assert_keeps_what_is_given(decoder):
    """Tokens of a partly filled canvas are never touched; the rest is filled."""
    law = distributions.permutations(4)
    trace = infodecode.decode(law, decoder, canvases=[-1, 2, -1, -1], samples=200, seed=3)
    assert trace.finished.all()
    assert (trace.canvases[:, :, 1] == 2).all()
    assert (trace.sequences >= 0).all()
    return trace
