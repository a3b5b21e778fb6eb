"""The oracle's laws, strategies and dialects in the library's words, and back."""

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import infodecode
from infodecode import Decoder, distributions, strategies
from tests import oracle
from tests.laws import Sample


def table(sample: Sample) -> distributions.Table:
    outcomes = np.array(list(sample.weights), dtype=np.int32)
    weights = np.array(list(sample.weights.values()))
    return distributions.Table(outcomes, weights, alphabet_sizes=sample.alphabet_sizes)


def law(joint: distributions.Joint) -> oracle.Law:
    """A counted distribution as the oracle sees it."""
    counted = joint.table()
    assert counted.integer
    return oracle.normalised(
        {tuple(y): int(w) for y, w in zip(counted.outcomes.tolist(), counted.weights, strict=True)}
    )


def decoder(strategy: oracle.Strategy, dialect: oracle.Dialect | None = None) -> Decoder:
    dialect = dialect or oracle.Dialect()
    blocks = strategies.WholeCanvas()
    if dialect.block_length is not None:
        blocks = strategies.LeftToRight(dialect.block_length)
    return Decoder(
        rule(strategy),
        temperature=float(dialect.temperature),
        order=dialect.order,
        token_ties=dialect.token_ties,
        position_ties=dialect.position_ties,
        confidence=dialect.confidence,
        blocks=blocks,
    )


def decoder_with(rule: strategies.Strategy, dialect: oracle.Dialect) -> Decoder:
    """A decoder in a dialect of the oracle, with a strategy of the library."""
    return replace(decoder(oracle.TopK((1,)), dialect), strategy=rule)


def rule(strategy: oracle.Strategy) -> Any:
    match strategy:
        case oracle.TopK(sizes, by):
            return strategies.TopK(sizes[0] if len(sizes) == 1 else sizes, by=by)
        case oracle.Threshold(gamma, inclusive, at_least, fallback):
            return strategies.Threshold(
                float(gamma), inclusive=inclusive, at_least=at_least, fallback=fallback
            )
        case oracle.Factor(factor, as_shipped):
            return strategies.Factor(float(factor), as_shipped=as_shipped)
        case oracle.FixedPartition(blocks):
            return strategies.FixedPartition(blocks)


def output(run: "infodecode.ExactRun") -> dict[oracle.Canvas, Any]:
    """Finished outputs and their probabilities (fractions in rational runs), zeros left out."""
    result: dict[oracle.Canvas, Any] = defaultdict(int)
    for outcome, p in zip(run.outcomes.tolist(), run.weights.tolist(), strict=True):
        if p:
            result[tuple(outcome)] += p
    return dict(result)


def rounds(run: "infodecode.ExactRun") -> dict[int, Any]:
    return {number: p for number, p in enumerate(run.rounds.tolist()) if p}


def assert_output(run: "infodecode.ExactRun", expected: dict[oracle.Canvas, Fraction]) -> None:
    """Every decode finishes, with these probabilities: the very fractions in rational runs."""
    got = output(run)
    assert set(got) == set(expected)
    for outcome, p in got.items():
        assert float(p) == pytest.approx(float(expected[outcome]), abs=1e-12)
        assert run.weights.dtype != object or p == expected[outcome]
    assert run.unfinished == 0
