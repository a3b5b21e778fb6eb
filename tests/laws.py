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


DIALECTS = st.builds(
    oracle.Dialect,
    temperature=st.sampled_from([Fraction(1), Fraction(0), Fraction(1, 2), Fraction(1, 3)]),
    order=st.sampled_from(["choose-then-sample", "sample-then-choose"]),
    token_ties=st.sampled_from(["random", "lowest"]),
    position_ties=st.sampled_from(["random", "lowest"]),
    confidence=st.sampled_from(["untempered", "tempered"]),
    block_length=st.sampled_from([None, None, 1, 2, 3]),
)

TOP_K = st.builds(
    oracle.TopK,
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
    by=st.sampled_from(["confidence", "margin", "entropy", "random", "left_to_right"]),
)


@st.composite
def confidences(draw: st.DrawFn, law: oracle.Law, dialect: oracle.Dialect) -> Fraction:
    """A confidence that some position of some canvas has under the law: a boundary to sit on."""
    outcome = draw(st.sampled_from(sorted(law)))
    hidden = draw(st.sets(st.sampled_from(range(len(outcome))), min_size=1))
    canvas = tuple(oracle.MASK if i in hidden else token for i, token in enumerate(outcome))
    tokens = oracle.token_laws(law, canvas)[draw(st.sampled_from(sorted(hidden)))]
    if dialect.confidence == "tempered":
        tokens = oracle.tempered(tokens, dialect)
    if dialect.order == "choose-then-sample":
        return max(tokens.values())
    return draw(st.sampled_from(sorted(tokens.values())))


@st.composite
def thresholds(draw: st.DrawFn, law: oracle.Law, dialect: oracle.Dialect) -> oracle.Threshold:
    tenths = st.integers(0, 10).map(lambda k: Fraction(k, 10))
    return oracle.Threshold(
        gamma=draw(st.one_of(confidences(law, dialect), tenths)),
        inclusive=draw(st.booleans()),
        at_least=draw(st.integers(1, 2)),
        fallback=draw(st.integers(1, 3)),
    )


@st.composite
def factors(draw: st.DrawFn, law: oracle.Law, dialect: oracle.Dialect) -> oracle.Factor:
    """The boundary is met when (m + 1)(1 - confidence) equals the factor."""
    fifths = st.integers(1, 10).map(lambda k: Fraction(k, 5))
    boundary = draw(st.integers(2, 5)) * (1 - draw(confidences(law, dialect)))
    return oracle.Factor(boundary or draw(fifths), as_shipped=draw(st.booleans()))


@st.composite
def fixed_partitions(draw: st.DrawFn, length: int) -> oracle.FixedPartition:
    order = draw(st.permutations(range(length)))
    cuts = sorted(draw(st.sets(st.integers(1, length - 1)))) if length > 1 else []
    ends = zip([0, *cuts], [*cuts, length], strict=True)
    return oracle.FixedPartition(tuple(tuple(order[a:b]) for a, b in ends))


def random_dialect(chance: random.Random) -> oracle.Dialect:
    """Any temperature (1 more often), order and tie rule of positions."""
    return oracle.Dialect(
        temperature=chance.choice([Fraction(1), Fraction(1), Fraction(0), Fraction(1, 2)]),
        order=chance.choice(["choose-then-sample", "sample-then-choose"]),
        position_ties=chance.choice(["random", "lowest"]),
    )


@st.composite
def decoders(draw: st.DrawFn, law: oracle.Law) -> tuple[oracle.Strategy, oracle.Dialect]:
    """Any strategy in any dialect. A fixed partition names its own blocks: whole canvas."""
    dialect = draw(DIALECTS)
    length = len(next(iter(law)))
    strategy = draw(
        st.one_of(TOP_K, thresholds(law, dialect), factors(law, dialect), fixed_partitions(length))
    )
    if isinstance(strategy, oracle.FixedPartition):
        dialect = oracle.Dialect(dialect.temperature, dialect.order, dialect.token_ties)
    return strategy, dialect
