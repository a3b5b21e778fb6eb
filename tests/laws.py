"""Hypothesis strategies for small random laws and for every decoder the oracle understands."""

import random
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from hypothesis import strategies as st

from tests import oracle


@dataclass(frozen=True)
class Sample:
    """A random law: the exact one, and the weights that describe it to the library."""

    law: oracle.Law
    weights: dict[oracle.Canvas, int | float]
    alphabet_sizes: tuple[int, ...]

    @property
    def length(self) -> int:
        return len(self.alphabet_sizes)


def lengths(max_length: int) -> st.SearchStrategy[int]:
    """1..max_length, the longest first: Hypothesis prefers what it could shrink to."""
    return st.integers(0, max_length - 1).map(lambda shorter: max_length - shorter)


def random_support(
    generator: random.Random, length: int, max_outcomes: int
) -> tuple[list[oracle.Canvas], tuple[int, ...]]:
    sizes = tuple(generator.choice((1, 2, 2, 3, 3)) for _ in range(length))
    outcomes = list(product(*map(range, sizes)))
    most = min(max_outcomes, len(outcomes))
    size = generator.randint(min(2, most), most)
    return generator.sample(outcomes, size), sizes


@st.composite
def counted(draw: st.DrawFn, max_length: int = 4, max_outcomes: int = 10) -> Sample:
    """Small integer weights: many exact ties, and probabilities that sit on boundaries.

    Only a length and a seed come from Hypothesis, which left to itself tests points and pairs.
    """
    length = draw(lengths(max_length))
    generator = random.Random(draw(st.integers(0, 2**32)))
    outcomes, sizes = random_support(generator, length, max_outcomes)
    largest = generator.choice((1, 2, 4))
    weights: dict[oracle.Canvas, int | float] = {y: generator.randint(1, largest) for y in outcomes}
    return Sample(oracle.normalised(weights), weights, sizes)


@st.composite
def rounded(draw: st.DrawFn, max_length: int = 4, max_outcomes: int = 10) -> Sample:
    """A counted law whose weights reach the library as rounded floats, its ties blurred."""
    sample = draw(counted(max_length, max_outcomes))
    weights: dict[oracle.Canvas, int | float] = {y: float(p) for y, p in sample.law.items()}
    return Sample(sample.law, weights, sample.alphabet_sizes)


@st.composite
def floating(draw: st.DrawFn, max_length: int = 4, max_outcomes: int = 10) -> Sample:
    """Float weights in general position: no ties but those that the support forces."""
    length = draw(lengths(max_length))
    generator = random.Random(draw(st.integers(0, 2**32)))
    outcomes, sizes = random_support(generator, length, max_outcomes)
    raw = [generator.uniform(0.05, 1.0) for _ in outcomes]
    weights: dict[oracle.Canvas, int | float] = {
        y: w / sum(raw) for y, w in zip(outcomes, raw, strict=True)
    }
    return Sample(oracle.normalised(weights), weights, sizes)


def fractions_in(low: int, high: int, denominator: int) -> st.SearchStrategy[Fraction]:
    """low/denominator .. high/denominator: values that small counted laws hit exactly."""
    return st.integers(low, high).map(lambda k: Fraction(k, denominator))


def dialects(max_length: int = 4) -> st.SearchStrategy[oracle.Dialect]:
    return st.builds(
        oracle.Dialect,
        temperature=st.sampled_from([Fraction(1), Fraction(0), Fraction(1, 2), Fraction(1, 3)]),
        order=st.sampled_from(["choose-then-sample", "sample-then-choose"]),
        token_ties=st.sampled_from(["random", "lowest"]),
        position_ties=st.sampled_from(["random", "lowest"]),
        confidence=st.sampled_from(["untempered", "tempered"]),
        block_length=st.one_of(st.none(), st.integers(1, max_length)),
    )


def top_k() -> st.SearchStrategy[oracle.TopK]:
    return st.builds(
        oracle.TopK,
        sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
        by=st.sampled_from(["random", "confidence", "margin", "entropy", "left_to_right"]),
    )


def thresholds() -> st.SearchStrategy[oracle.Threshold]:
    return st.builds(
        oracle.Threshold,
        gamma=st.one_of(fractions_in(0, 12, 12), fractions_in(1, 9, 10)),
        inclusive=st.booleans(),
        at_least=st.integers(1, 2),
        fallback=st.integers(1, 3),
    )


def factors() -> st.SearchStrategy[oracle.Factor]:
    return st.builds(
        oracle.Factor,
        factor=st.one_of(fractions_in(1, 36, 12), fractions_in(1, 20, 10)),
        as_shipped=st.booleans(),
    )


@st.composite
def fixed_partitions(draw: st.DrawFn, length: int) -> oracle.FixedPartition:
    order = draw(st.permutations(range(length)))
    cuts = sorted(draw(st.sets(st.integers(1, length - 1)))) if length > 1 else []
    ends = zip([0, *cuts], [*cuts, length], strict=True)
    return oracle.FixedPartition(tuple(tuple(order[a:b]) for a, b in ends))


@st.composite
def decoders(draw: st.DrawFn, length: int) -> tuple[oracle.Strategy, oracle.Dialect]:
    """Any strategy in any dialect. A fixed partition names its own blocks: whole canvas."""
    dialect = draw(dialects())
    strategy = draw(st.one_of(top_k(), thresholds(), factors(), fixed_partitions(length)))
    if isinstance(strategy, oracle.FixedPartition):
        dialect = oracle.Dialect(dialect.temperature, dialect.order, dialect.token_ties)
    return strategy, dialect
