"""`infodecode.exact` against the oracle: random laws, random decoders of every dialect."""

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infodecode
from infodecode import distributions
from tests import laws, oracle, translation

FLOAT_LAWS = st.one_of(laws.counted(), laws.rounded(), laws.floating())
EXAMPLES = 150 if settings.default.max_examples < 100 else settings.default.max_examples


def close(value):
    return pytest.approx(float(value), rel=1e-11, abs=1e-12)


def assert_same_law(actual, expected):
    assert set(actual) == {key for key, p in expected.items() if p}
    assert actual == {key: close(p) for key, p in expected.items() if p}


def assert_same_summary(run, law, reference):
    """Everything that the finished outputs on the support determine."""
    output = oracle.output_law(reference)
    top = max(law.values())
    covered = sum(p for y, p in law.items() if y in output)
    assert run.validity == close(oracle.validity(law, reference))
    assert run.kl == close(oracle.kl_divergence(law, output))
    assert run.total_variation == close(oracle.total_variation(law, output))
    assert run.coverage == close(covered)
    assert run.mode_probability == close(sum(output.get(y, 0) for y, p in law.items() if p == top))
    stays = oracle.validity(law, reference) == 1
    assert run.reverse_kl == close(oracle.kl_divergence(output, law) if stays else math.inf)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_absorbing(data):
    sample = data.draw(FLOAT_LAWS)
    strategy, dialect = data.draw(laws.decoders(sample.law))
    reference = oracle.decode(sample.law, strategy, dialect)
    run = infodecode.exact(translation.table(sample), translation.decoder(strategy, dialect))
    assert_same_law(translation.output(run), oracle.output_law(reference))
    assert_same_summary(run, sample.law, reference)
    assert run.absorbed == close(1 - oracle.validity(sample.law, reference))
    assert run.unfinished == 0
    if not run.absorbed:
        assert_same_law(translation.rounds(run), oracle.rounds_law(reference))


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_following(data):
    sample = data.draw(FLOAT_LAWS)
    strategy, dialect = data.draw(laws.decoders(sample.law))
    rule = data.draw(st.sampled_from(["marginal", "uniform"]))
    reference = oracle.decode(
        sample.law, strategy, dialect, off_support=rule, alphabet_sizes=sample.alphabet_sizes
    )
    run = infodecode.exact(
        translation.table(sample), translation.decoder(strategy, dialect), off_support=rule
    )
    output, lengths = oracle.output_law(reference), oracle.rounds_law(reference)
    assert run.off_support == rule
    assert run.absorbed == run.unfinished == 0
    assert_same_law(translation.output(run), output)
    assert_same_law(translation.rounds(run), lengths)
    assert_same_summary(run, sample.law, reference)
    assert run.entropy == close(oracle.entropy(output))
    assert run.expected_rounds == close(sum(number * p for number, p in lengths.items()))
    assert run.output.entropy() == close(oracle.entropy(output))


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_rational(data):
    sample = data.draw(laws.counted())
    strategy, dialect = data.draw(laws.decoders(sample.law))
    rule = data.draw(st.sampled_from(["absorb", "marginal", "uniform"]))
    reference = oracle.decode(
        sample.law, strategy, dialect, off_support=rule, alphabet_sizes=sample.alphabet_sizes
    )
    run = infodecode.exact(
        translation.table(sample),
        translation.decoder(strategy, dialect),
        off_support=rule,
        arithmetic="rational",
    )
    assert translation.output(run) == oracle.output_law(reference)
    assert all(isinstance(p, Fraction) for p in translation.output(run).values())
    assert run.validity == oracle.validity(sample.law, reference)
    if not run.absorbed:
        assert translation.rounds(run) == oracle.rounds_law(reference)
    assert_same_summary(run, sample.law, reference)


UNEVEN = {(0, 0, 2): 2, (0, 1, 0): 1, (0, 1, 1): 1, (1, 0, 0): 2, (1, 2, 0): 1, (2, 0, 1): 1}
EVEN = {(0, 0, 0, 1): 1, (0, 1, 1, 0): 1, (1, 0, 1, 0): 1, (1, 1, 0, 0): 1, (1, 1, 1, 1): 1}
GRID_STRATEGIES = [
    *(
        oracle.TopK(sizes, by)
        for by in ("random", "confidence", "margin", "entropy", "left_to_right")
        for sizes in ((1,), (2,), (2, 1))
    ),
    *(
        oracle.Threshold(gamma, inclusive, *rest)
        for gamma in (Fraction(1, 2), Fraction(3, 5))
        for inclusive in (False, True)
        for rest in ((1, 1), (2, 1), (1, 2))
    ),
    *(
        oracle.Factor(factor, as_shipped)
        for factor in (Fraction(4, 5), Fraction(1), Fraction(6, 5), Fraction(3, 2))
        for as_shipped in (False, True)
    ),
]
GRID_DIALECTS = [
    oracle.Dialect(*parts)
    for parts in product(
        (Fraction(0), Fraction(1), Fraction(1, 2)),
        ("choose-then-sample", "sample-then-choose"),
        ("random", "lowest"),
        ("random", "lowest"),
        ("untempered", "tempered"),
        (None, 2),
    )
    if parts[0] == 0 or parts[2] == "random"
]


@pytest.mark.parametrize("weights", [UNEVEN, EVEN], ids=["uneven", "even"])
@pytest.mark.parametrize("strategy", GRID_STRATEGIES, ids=str)
def test_every_dialect(strategy, weights):
    """The whole grid, on two laws that are full of ties and boundaries."""
    sizes = tuple(max(column) + 1 for column in zip(*weights, strict=True))
    sample = laws.Sample(oracle.normalised(weights), weights, sizes)
    table = translation.table(sample)
    for dialect in GRID_DIALECTS:
        reference = oracle.decode(
            sample.law, strategy, dialect, off_support="uniform", alphabet_sizes=sizes
        )
        run = infodecode.exact(table, translation.decoder(strategy, dialect), off_support="uniform")
        assert_same_law(translation.output(run), oracle.output_law(reference))
        assert_same_law(translation.rounds(run), oracle.rounds_law(reference))


@given(st.data())
def test_stopping_early_reports_the_unfinished_mass(data):
    sample = data.draw(laws.counted())
    strategy, dialect = data.draw(laws.decoders(sample.law))
    limit = data.draw(st.integers(1, sample.length))
    reference = oracle.decode(sample.law, strategy, dialect, off_support="marginal")
    run = infodecode.exact(
        translation.table(sample),
        translation.decoder(strategy, dialect),
        off_support="marginal",
        max_rounds=limit,
    )
    finished = {end: p for end, p in reference.items() if end[1] <= limit}
    assert run.unfinished == close(1 - sum(finished.values()))
    assert_same_law(translation.output(run), oracle.output_law(finished))


@given(st.data())
def test_absorbing_and_following_agree_on_the_support(data):
    """At longer lengths than the oracle reaches with ease."""
    sample = data.draw(laws.counted(max_length=6, max_outcomes=30))
    decoder = translation.decoder(*data.draw(laws.decoders(sample.law)))
    table = translation.table(sample)
    absorbed = infodecode.exact(table, decoder)
    for rule in ("marginal", "uniform"):
        followed = infodecode.exact(table, decoder, off_support=rule)
        on_support = {y: p for y, p in translation.output(followed).items() if y in sample.law}
        assert_same_law(translation.output(absorbed), on_support)
        assert followed.validity == close(absorbed.validity)


FAMILIES = [
    distributions.permutations(4),
    distributions.replace_random(4),
    distributions.replace_index(3, 1),
    distributions.copy(3),
    distributions.concatenate(distributions.permutations(2), distributions.replace_random(2)),
    distributions.mixture([distributions.permutations(3), distributions.copy(3)], [1, 2]),
]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda d: d.name)
@pytest.mark.parametrize("off_support", ["absorb", "marginal", "uniform"])
def test_structured_families(family, off_support):
    """Families that never build a table, against the oracle on the table they stand for."""
    law = translation.law(family)
    for strategy, dialect in (
        (oracle.TopK((2,)), oracle.Dialect()),
        (oracle.TopK((2,), "entropy"), oracle.Dialect(position_ties="lowest")),
        (oracle.TopK((2,), "margin"), oracle.Dialect(order="sample-then-choose")),
        (oracle.Threshold(Fraction(1, 3)), oracle.Dialect(block_length=3)),
        (oracle.Factor(Fraction(3, 2), as_shipped=True), oracle.Dialect(Fraction(0))),
    ):
        reference = oracle.decode(
            law,
            strategy,
            dialect,
            off_support=off_support,
            alphabet_sizes=family.alphabet_sizes,
        )
        decoder = translation.decoder(strategy, dialect)
        run = infodecode.exact(family, decoder, off_support=off_support)
        assert_same_law(translation.output(run), oracle.output_law(reference))
        assert_same_summary(run, law, reference)
