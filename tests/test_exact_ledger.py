"""Exact ledgers: against exact runs, against sampled traces, and against the bounds."""

import math

import numpy as np
import pytest

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.exact_ledger import exact_ledger
from infodecode.ledger import LABELS
from tests import small_strategies

LAWS = [
    distributions.permutations(4),
    distributions.replace_random(5),
    distributions.insert_random(3),
    distributions.parity(4),
    distributions.titanic(),
    distributions.article(),
    distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=5),
    distributions.profile_records(40),
]
DECODERS = {
    "factor": Decoder(strategies.Factor(0.5)),
    "greedy": Decoder(strategies.Factor(1.0), temperature=0),
    "shipped": Decoder(strategies.Factor(1.0, as_shipped=True)),
    "threshold": Decoder(strategies.Threshold(0.8)),
    "random": Decoder(strategies.TopK(2)),
    "drawn": Decoder(strategies.TopK(2, by="confidence"), order="sample-then-choose"),
    "blocks": Decoder(strategies.Factor(0.7), blocks=strategies.LeftToRight(2)),
}
ETE_DRAWN = Decoder(strategies.ETE(commit="drawn"))
FACTORS = (0.3, 0.5, 1.0, 1.5, 1.9)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("name", DECODERS)
def test_ledgers_agree_with_exact_runs_and_hold_the_corrected_bound(law, name):
    decoder = DECODERS[name]
    run = infodecode.exact(law, decoder, off_support="marginal")
    for factor in FACTORS:
        book = exact_ledger(law, decoder, factor)
        outcomes, mass, rounds = book.of_outcomes(book.rounds)
        output = dict(zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True))
        assert dict(zip(map(tuple, outcomes.tolist()), mass, strict=True)) == pytest.approx(output)
        assert float(mass @ rounds) == pytest.approx(run.expected_rounds)
        assert np.bincount(book.rounds, book.weights)[1:] == pytest.approx(run.rounds[1:])
        assert (book.bound <= book.rounds + 1e-9).all()
        np.testing.assert_allclose(book.obeying_bits + book.breaking_bits, book.bits)
        for sort in ("bits", "rounds"):
            labels = [getattr(book, f"{kind}_{sort}") for kind in LABELS]
            np.testing.assert_allclose(sum(labels), getattr(book, sort), atol=1e-12)
        on = np.isfinite(book.information)
        assert math.fsum(book.weights[on]) == pytest.approx(float(run.validity))
        if factor < 1:
            reach = -math.log2(1 - factor)
            within = book.information[on] - book.obeying_information[on]
            direct = book.breaking_rounds[on] + (book.information[on] - within) / reach
            np.testing.assert_allclose(book.frechet_bound[on], direct, atol=1e-9)


@pytest.mark.parametrize("law", LAWS[:5], ids=lambda law: law.name)
@pytest.mark.parametrize("name", ["factor", "drawn", "threshold"])
def test_expectations_are_those_of_sampled_traces(law, name):
    decoder, samples = DECODERS[name], 4000
    book = exact_ledger(law, decoder, 0.5)
    trace = infodecode.decode(law, decoder, samples=samples, seed=5)
    sampled = trace.ledger(0.5, distribution=law)
    for field in (
        "rounds", "obeying_rounds", "breaking_rounds", "forced_rounds", "bits", "obeying_bits",
        "forced_bits", "linear_bound", "frechet_bound",
    ):  # fmt: skip
        values = getattr(sampled, field)
        error = 5 * values.std() / math.sqrt(samples) + 1e-9
        assert book.mean(getattr(book, field)) == pytest.approx(values.mean(), abs=error), field
    ours, theirs = book.shares(), sampled.shares()
    assert list(ours.index) == list(theirs.index)
    np.testing.assert_allclose(ours["share_of_bits"], theirs["share_of_bits"], atol=0.05)


def test_an_outcome_may_have_several_accounts():
    """Equal outcomes that were reached with and without a forced round keep their own ledgers."""
    law = distributions.replace_random(4)
    book = exact_ledger(law, Decoder(strategies.TopK(2)), 0.6)
    outcomes, mass, breaking = book.of_outcomes(book.breaking_rounds)
    assert len(book.outcomes) > len(outcomes)
    assert math.fsum(mass) == pytest.approx(1)
    assert ((breaking >= 0) & (breaking <= 2)).all()


@pytest.mark.parametrize(
    "strategy",
    [
        small_strategies.LeastUncertaintyAfter(),
        small_strategies.TryThenFollow(),
        small_strategies.StableConfidence(0.6),
        small_strategies.BothEnds(),
    ],
    ids=repr,
)
def test_look_ahead_second_plans_memory_and_two_actions_keep_books(strategy):
    law = distributions.replace_random(4)
    decoder = Decoder(strategy)
    book = exact_ledger(law, decoder, 0.5)
    run = infodecode.exact(law, decoder, off_support="marginal")
    assert book.mean(book.rounds) == pytest.approx(run.expected_rounds)
    assert (book.bound <= book.rounds + 1e-9).all()
    outcomes, mass, _ = book.of_outcomes(book.bits)
    output = dict(zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True))
    assert dict(zip(map(tuple, outcomes.tolist()), mass, strict=True)) == pytest.approx(output)


def test_refusals():
    law = distributions.permutations(4)
    with pytest.raises(ValueError, match="decoder must commit for good"):
        exact_ledger(law, Decoder(small_strategies.BernoulliRemask(2, 0.5, 2)), 0.5)
    with pytest.raises(ValueError, match="factor must be greater than 0"):
        exact_ledger(law, DECODERS["factor"], 0.0)
    with pytest.raises(ValueError, match="off_support must be one of"):
        exact_ledger(law, DECODERS["factor"], 0.5, off_support="absorb")
    with pytest.raises(ValueError, match="max_children"):
        exact_ledger(distributions.permutations(8), DECODERS["factor"], 0.5, max_children=10)
    with pytest.raises(TypeError, match="decoder must be a Decoder"):
        exact_ledger(law, strategies.Factor(0.5), 0.5)


def test_rounds_that_looked_ahead_have_explored():
    """From Bits to Rounds, section 4.4: the name of a record, then everything it makes certain."""
    book = exact_ledger(distributions.profile_records(20), ETE_DRAWN, 0.5)
    shares = book.shares()
    assert list(shares.index) == ["exploited", "explored", "obeying", "breaking"]
    assert list(shares["rounds"]) == [1, 1, 1, 1]
    assert shares.loc["explored", "share_of_bits"] == 1
    assert shares.loc["explored", "efficiency"] == 2
    trace = infodecode.decode(distributions.profile_records(20), ETE_DRAWN, samples=50)
    sampled = trace.ledger(0.5, distribution=distributions.profile_records(20))
    assert (sampled.explored_rounds == 1).all()
    assert sampled.error("explored") == pytest.approx(np.zeros(50), abs=1e-12)


def test_errors_of_all_kinds_add_up():
    law = distributions.replace_random(4)
    decoder = Decoder(strategies.TopK(2))
    book = exact_ledger(law, decoder, 0.9)
    on = np.isfinite(book.information)
    by_label = sum(book.error(kind)[on] for kind in LABELS)
    by_rule = book.error("obeying")[on] + book.error("breaking")[on]
    np.testing.assert_allclose(by_label, by_rule, atol=1e-12)
    np.testing.assert_allclose(by_label, (book.information - book.bits)[on], atol=1e-12)
    assert np.isposinf(book.error("breaking")[~on]).all()
    with pytest.raises(ValueError, match="kind must be one of"):
        book.error("lost")


def test_decodes_that_do_not_end_have_no_ledger():
    rule = strategies.Dilated(2, 0.9, as_shipped=True)
    decoder = Decoder(rule, blocks=strategies.Clocked(8, 3))
    law = distributions.replace_random(8)
    with pytest.raises(ValueError, match="exact_ledger needs every decode to finish: probability"):
        exact_ledger(law, decoder, 0.5)
    with pytest.raises(ValueError, match="data_path needs every decode to finish: probability"):
        infodecode.data_path(law, decoder)
    with pytest.raises(ValueError, match="data_path_estimate needs every decode to finish: 9 of 9"):
        infodecode.data_path_estimate(law, decoder, samples=9)
