"""Bits to rounds: the bounds against every composition, the ledger against real decodes.

Logarithms are natural in this file where a paper states values; the library speaks bits.
"""

import math
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, NoisyModel, decode, distributions, strategies
from infodecode.ledger import Ledger, corrected_bound, ledger, ledger_of, obeys_factor
from infodecode.rounds import (
    ROUNDS_LENGTH,
    largest_round_surprisal,
    min_rounds,
    round_information,
    round_surprisal,
    rounds_curve,
)
from tests import small_strategies

LN2 = math.log(2)
EXACT = 1e-9
CROSSING = 1.5936242600404
"""Root of 2 - f = 2 exp(-f)."""

FACTORS = [0.01, 0.2, 0.5, 0.8, 0.95, 1.0, 1.01, 1.03, 1.05, 1.1, 1.15, 1.2, 1.3, 4 / 3, 1.4, 1.44,
           1.46, 1.48, 1.49, 1.5, 1.52, 1.54, 1.55, 1.57, 1.58, 1.59, 1.6, 1.75, 1.9, 1.99, 2.0,
           2.5, 4.0]  # fmt: skip

factors = st.floats(0.01, 2.5) | st.sampled_from(FACTORS)
probabilities = st.floats(1e-6, 1.0)


def meant(factor):
    """The fraction that a float was written for, as 4 / 3."""
    simple = Fraction(factor).limit_denominator(10_000)
    return simple if float(simple) == factor else Fraction(factor)


@cache
def information(size, factor):
    """a(k) in bits, from its definition."""
    joint = 1 - Fraction(size, size + 1) * meant(factor)
    return math.inf if joint <= 0 else -math.log2(joint)


@cache
def surprisal(size, factor):
    """g(k) in bits, from its definition."""
    one = 1 - meant(factor) / (size + 1)
    return math.inf if one <= 0 else -size * math.log2(one)


def best_by_recursion(values):
    """Most that T = 1..n rounds carry, when a round of k tokens carries values[k - 1]."""
    n = len(values)
    best = np.full((n + 1, n + 1), -np.inf)
    best[0, 0] = 0.0
    for t in range(1, n + 1):
        for tokens in range(t, n + 1):
            best[t, tokens] = max(
                best[t - 1, tokens - k] + values[k - 1]
                for k in range(1, tokens - t + 2)
                if best[t - 1, tokens - k] > -np.inf
            )
    return best[1:, n]


def compositions(n):
    for rounds in range(1, n + 1):
        for cuts in combinations(range(1, n), rounds - 1):
            yield tuple(b - a for a, b in pairwise((0, *cuts, n)))


@pytest.mark.parametrize("factor", FACTORS)
def test_a_round_carries_what_its_formula_says(factor):
    for size in range(1, 40):
        a, g = round_information(size, factor), round_surprisal(size, factor)
        assert a == pytest.approx(information(size, factor), rel=1e-12)
        assert g == pytest.approx(surprisal(size, factor), rel=1e-12)
        assert g <= a * (1 + 1e-12)
        assert g <= largest_round_surprisal(factor) * (1 + 1e-12)


@pytest.mark.parametrize(("factor", "size"), [(1.5, 2), (4 / 3, 3), (1.1, 10), (1.001, 1000)])
def test_the_frechet_bound_is_void_from_a_size_on(factor, size):
    assert math.isfinite(round_information(size - 1, factor))
    assert round_information(size, factor) == math.inf


@given(st.integers(1, 6), st.floats(0.05, 0.999), st.data())
def test_frechets_inequality_over_joint_laws(size, factor, data):
    """Any law whose round obeys the rule: the joint probability is at least 1 - k f / (k + 1)."""
    seed = data.draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    budget = factor / (size + 1)
    errors = rng.dirichlet(np.full(2**size - 1, 0.2)) * size * budget
    misses = np.array(list(product([0, 1], repeat=size)))[1:]
    largest = (errors @ misses).max()
    errors *= min(1.0, budget / largest)
    confidences = 1 - errors @ misses
    assert obeys_factor(confidences, factor)
    joint = 1 - errors.sum()
    assert -math.log2(joint) <= round_information(size, factor) + EXACT
    assert -np.log2(confidences).sum() <= round_surprisal(size, factor) + EXACT


def test_the_budget_of_a_round_is_a_supremum():
    for factor in FACTORS:
        sizes = [round_surprisal(k, factor) for k in (*range(1, 2000), 10**9)]
        assert largest_round_surprisal(factor) == pytest.approx(max(sizes), rel=1e-6)
    assert largest_round_surprisal(CROSSING - 1e-3) == (CROSSING - 1e-3) / LN2
    assert largest_round_surprisal(CROSSING + 1e-3) == round_surprisal(1, CROSSING + 1e-3)
    assert largest_round_surprisal(CROSSING) == pytest.approx(round_surprisal(1, CROSSING))


@pytest.mark.parametrize(("factor", "nats"), [(0.5, 0.5), (1.0, 1.0), (1.6, 1.609), (1.9, 2.996)])
def test_budgets_that_were_stated(factor, nats):
    assert largest_round_surprisal(factor) * LN2 == pytest.approx(nats, abs=5e-4)


@pytest.mark.parametrize("factor", FACTORS)
def test_the_curve_is_the_best_over_all_compositions(factor):
    for length in (1, 2, 3, 5, 8, 11):
        for error in (None, 0.0, 0.7):
            best = np.full(length, -np.inf)
            joint = np.full(length, -np.inf)
            for sizes in compositions(length):
                t = len(sizes) - 1
                best[t] = max(best[t], sum(information(k, factor) for k in sizes))
                joint[t] = max(joint[t], sum(surprisal(k, factor) for k in sizes))
            expected = best if error is None else np.minimum(best, joint + error)
            curve = rounds_curve(factor, length, approximation_error=error)
            assert curve == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("factor", [*FACTORS, *np.linspace(4 / 3, CROSSING, 25), 1 + 1 / 29])
def test_the_curve_is_that_of_dynamic_programming(factor):
    """Equal sizes, single tokens and one large round are enough, at any length and factor."""
    for length in (17, 30, 41):
        by_information = best_by_recursion([information(k, factor) for k in range(1, length + 1)])
        by_surprisal = best_by_recursion([surprisal(k, factor) for k in range(1, length + 1)])
        assert rounds_curve(factor, length) == pytest.approx(by_information, rel=1e-10)
        found = rounds_curve(factor, length, approximation_error=0.0)
        assert found == pytest.approx(np.minimum(by_information, by_surprisal), rel=1e-10)


@pytest.mark.parametrize(
    ("factor", "rounds", "closed"), [(0.8, 12, 6.2), (0.95, 7, 3.3), (0.5, None, 14.4)]
)
def test_ten_nats_in_thirty_two_tokens(factor, rounds, closed):
    """BR-6."""
    bound = min_rounds(bits=10 / LN2, factor=factor, length=32)
    assert bound.rounds == bound.frechet_rounds == rounds
    assert bound.frechet == pytest.approx(closed, abs=0.05)
    assert bound.linear == pytest.approx(10 / factor)


@st.composite
def questions(draw):
    factor = draw(factors)
    length = draw(st.integers(1, 60))
    most = length * min(4.0, round_surprisal(1, factor))
    bits = draw(st.floats(0, 1.3)) * most
    error = draw(st.none() | st.floats(0, 1).map(lambda share: share * bits))
    return bits, factor, length, error


@given(questions())
def test_sizes_carry_the_bits_and_one_round_fewer_cannot(question):
    bits, factor, length, error = question
    bound = min_rounds(bits, factor, length, approximation_error=error)
    curve = rounds_curve(factor, length, approximation_error=error)
    assert bound.most_bits == curve.max()
    assert sum(bound.most_sizes) == length
    slack = 1e-12 * max(1.0, bits)
    if bound.rounds is None:
        assert bound.sizes is None
        assert bits > bound.most_bits
        return
    assert (curve[: bound.rounds - 1] < bits).all()
    assert curve[bound.rounds - 1] >= bits - slack
    assert len(bound.sizes) == bound.rounds
    assert sum(bound.sizes) == length
    assert min(bound.sizes) >= 1
    if factor <= 1 or error is None:
        carried = sum(round_information(k, factor) for k in bound.sizes)
        assert carried >= bits - EXACT * max(1.0, bits)
        if error is not None:
            carried = sum(round_surprisal(k, factor) for k in bound.sizes)
            assert carried + error >= bits - EXACT * max(1.0, bits)


@given(questions())
def test_closed_forms_never_exceed_the_exact_one(question):
    bits, factor, length, error = question
    bound = min_rounds(bits, factor, length, approximation_error=error)
    assert (bound.frechet is None) == (factor >= 1)
    if bound.frechet is not None and bound.frechet_rounds is not None:
        assert bound.frechet <= bound.frechet_rounds + EXACT
    if bound.linear_rounds is not None:
        assert bound.linear <= bound.linear_rounds + EXACT
    if bound.rounds is not None:
        assert bound.frechet_rounds <= bound.rounds
        if error is not None:
            assert bound.linear_rounds <= bound.rounds
    if factor <= 1:
        parts = [bound.frechet_rounds] + [bound.linear_rounds] * (error is not None)
        assert bound.rounds == (None if None in parts else max(parts))


def at_least(more, less):
    """Whether a bound is no lower, infeasible being the highest."""
    return more is None or (less is not None and more >= less)


@given(questions(), st.floats(1.0, 1.5))
def test_rounds_grow_with_bits_and_fall_with_length_factor_and_error(question, stretch):
    bits, factor, length, error = question
    options = {"approximation_error": error}
    rounds = min_rounds(bits, factor, length, **options).rounds
    assert at_least(min_rounds(bits * stretch, factor, length, **options).rounds, rounds)
    assert at_least(rounds, min_rounds(bits, factor * stretch, length, **options).rounds)
    if factor <= 1:
        assert at_least(rounds, min_rounds(bits, factor, length + 1, **options).rounds)
    assert at_least(min_rounds(bits, factor, length, approximation_error=0.0).rounds, rounds)
    assert at_least(rounds, min_rounds(bits, factor, length).rounds)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.5, 1.6, 1.9])
def test_a_bound_at_its_boundary(factor):
    """Exactly what the curve carries takes that many rounds; a little more takes another."""
    curve = rounds_curve(factor, 12, approximation_error=0.0)
    for t in range(1, 12):
        for more, expected in ((0.0, t), (1e-13, t), (1e-10, t + 1)):
            bits = float(curve[t - 1]) * (1 + more)
            assert min_rounds(bits, factor, 12, approximation_error=0.0).rounds == expected


def test_no_bits_take_one_round_and_infeasible_bits_break_the_rule():
    assert min_rounds(0, 0.1, 5).rounds == 1
    assert min_rounds(0, 0.1, 5).sizes == (5,)
    bound = min_rounds(bits=5, factor=0.5, length=8)
    assert bound.rounds is None
    assert bound.most_bits == pytest.approx(8 * math.log2(4 / 3))
    assert bound.most_sizes == (1,) * 8
    assert "must break the rule" in bound.certificate
    assert "at most 3.3203 bits" in repr(bound)


def test_above_one_the_frechet_form_limits_short_rounds_only():
    """f = 1.5 lets two tokens of a round carry anything, f = 1.25 only four."""
    assert min_rounds(100, 1.5, 2).rounds == 1
    assert min_rounds(100, 1.5, 1).rounds is None
    assert min_rounds(100, 1.25, 4).rounds == 1
    assert min_rounds(100, 1.25, 3).rounds is None
    single, pair = math.log2(2 / 0.75), math.log2(3 / 0.5)
    assert rounds_curve(1.25, 3) == pytest.approx([4.0, single + pair, 3 * single])
    known = min_rounds(100, 1.5, 2, approximation_error=0.0)
    assert known.rounds is None
    assert known.most_bits == pytest.approx(4.0)


def test_both_forms_must_agree_on_the_number_of_rounds():
    """f = 1.6, two tokens: one round carries too little surprisal, two too little information."""
    bound = min_rounds(4 / LN2, 1.6, 2, approximation_error=2 / LN2)
    assert (bound.frechet_rounds, bound.linear_rounds, bound.rounds) == (1, 2, None)


def test_from_two_on_only_a_known_error_proves_a_second_round():
    assert min_rounds(1000, 2.0, 10).rounds == 1
    assert min_rounds(1000, 2.0, 10, approximation_error=0.0).rounds == 2
    assert min_rounds(1000, 2.0, 1, approximation_error=0.0).rounds == 1
    assert min_rounds(1000, 12.0, 10, approximation_error=0.0).rounds == 1
    assert min_rounds(2.0, 2.0, 10, approximation_error=0.0).rounds == 1
    assert min_rounds(1000, 2.0, 10).linear == 0.0
    assert min_rounds(1.0, 1e308, 100, approximation_error=0.0).rounds == 1
    for factor in (2.0, 2.0 - 1e-13):
        assert round_surprisal(1, factor) == round_information(1, factor) == math.inf


def test_without_an_error_the_linear_form_proves_nothing():
    unknown = min_rounds(10 / LN2, 0.8, 32)
    independent = min_rounds(10 / LN2, 0.8, 32, approximation_error=0.0)
    assert unknown.linear_rounds == independent.linear_rounds == independent.rounds == 17
    assert unknown.rounds == 12
    assert min_rounds(10 / LN2, 0.8, 32, approximation_error=20.0).linear == 0.0


def block(size, factor):
    """All tokens 0, or exactly one of them 1: every token errs with probability f / (k + 1)."""
    once = factor / (size + 1)
    outcomes = np.vstack([np.zeros((1, size), int), np.eye(size, dtype=int)])
    return distributions.Table(outcomes, np.array([1 - size * once] + [once] * size))


@pytest.mark.parametrize("factor", [0.5, 0.8, 0.95])
def test_the_bound_is_attained(factor):
    """Blocks of tokens that never err together, decoded as a best composition says."""
    best = rounds_curve(factor, 7)
    for rounds in (1, 2, 3, 7):
        sizes = min_rounds(float(best[rounds - 1]), factor, 7).sizes
        assert len(sizes) == rounds
        law = distributions.concatenate(*(block(k, factor) for k in sizes))
        ends = np.cumsum(sizes).tolist()
        blocks = tuple(tuple(range(a, b)) for a, b in pairwise((0, *ends)))
        trace = decode(law, Decoder(strategies.FixedPartition(blocks)), samples=200, seed=3)
        book = ledger(trace, factor, distribution=law)
        plain = int(np.flatnonzero((trace.sequences == 0).all(axis=1))[0])
        assert book.obeying_rounds[plain] == book.rounds[plain] == rounds
        assert book.information[plain] == pytest.approx(best[rounds - 1], abs=EXACT)


def test_long_sequences_are_quick():
    """Ten thousand tokens in milliseconds, the longest allowed in a fraction of a second."""
    for factor in (0.5, 1.2, 1.55, 1.9):
        bound = min_rounds(3000.0, factor, 10_000, approximation_error=10.0)
        assert sum(bound.sizes) == 10_000
    assert min_rounds(9000.0, 0.9, ROUNDS_LENGTH).rounds > 9000 / -math.log2(0.1)
    with pytest.raises(ValueError, match="length must be at most 100000, got 100001"):
        min_rounds(1.0, 0.5, ROUNDS_LENGTH + 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: min_rounds(-1, 0.5, 3), "bits must be at least 0"),
        (lambda: min_rounds(math.inf, 0.5, 3), "bits must be finite"),
        (lambda: min_rounds(1, 0, 3), "factor must be greater than 0"),
        (lambda: min_rounds(1, 0.5, 0), "length must be at least 1"),
        (lambda: min_rounds(1, 0.5, 3, approximation_error=-1), "approximation_error must be at"),
        (lambda: rounds_curve(-1, 3), "factor must be greater than 0"),
        (lambda: round_information(0, 0.5), "size must be at least 1"),
        (lambda: round_surprisal(0, 0.5), "size must be at least 1"),
        (lambda: largest_round_surprisal(0), "factor must be greater than 0"),
        (lambda: obeys_factor([0.5, 0.0], 0.5), r"probabilities\[1\] must be greater than 0"),
        (lambda: obeys_factor([1.1], 0.5), r"probabilities\[0\] must be at most 1"),
        (lambda: ledger_of([[0.5], [1.5]], 0.5), r"probabilities\[1\]\[0\] must be at most 1"),
        (lambda: ledger_of([[0.5]], 0.5, forced=[]), "forced must have one entry for each of 1"),
        (lambda: ledger_of([[0.5]], 0.5, information=[1, 2]), "information must have one entry"),
    ],
)
def test_arguments_that_cannot_be(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_arguments_of_the_wrong_type():
    law = distributions.permutations(3)
    trace = decode(law, Decoder(strategies.TopK(1)))
    with pytest.raises(TypeError, match="length must be an integer"):
        min_rounds(1, 0.5, 2.5)
    with pytest.raises(TypeError, match="trace must be a Trace"):
        ledger(law, 0.5)
    with pytest.raises(TypeError, match="distribution must be a distribution"):
        ledger(trace, 0.5, distribution="permutations")
    with pytest.raises(ValueError, match="distribution must have the 3 positions"):
        ledger(trace, 0.5, distribution=distributions.permutations(4))
    with pytest.raises(ValueError, match="distribution must have the tokens"):
        ledger(trace, 0.5, distribution=distributions.parity(3))


def test_the_rule_counts_committed_tokens():
    assert obeys_factor([], 0.5)
    assert obeys_factor([0.75], 0.5)
    assert obeys_factor([5 / 6] * 2, 0.5)
    assert not obeys_factor([5 / 6] * 3, 0.5)
    assert not obeys_factor([0.75 - 1e-9], 0.5)
    assert obeys_factor([0.75 - 1e-13], 0.5)
    assert ledger_of([[1 + 1e-7]], 0.5).bits == [0.0]


rounds_of_tokens = st.lists(st.lists(probabilities, max_size=5), max_size=6)


@given(rounds_of_tokens, factors)
def test_the_corrected_bound_holds_for_any_probabilities(rounds, factor):
    bound = corrected_bound(rounds, factor)
    broken = [c for c in rounds if any((len(c) + 1) * (1 - p) > factor + 1e-12 for p in c)]
    obeying = [c for c in rounds if c not in broken]
    budget = largest_round_surprisal(factor)
    expected = len(broken) + sum(-math.log2(p) for c in obeying for p in c) / budget
    assert bound == pytest.approx(expected, abs=EXACT)
    assert bound <= len(rounds) + EXACT


def test_a_round_at_the_edge_of_the_rule_is_worth_a_whole_round():
    """f = 1.9: one token of probability 0.05 obeys; the published budget of f nats is too small."""
    book = ledger_of([[0.05]], 1.9, information=[-math.log2(0.05)])
    assert book.obeying_rounds == [1]
    assert book.bound == pytest.approx([1.0])
    assert book.printed_bound == pytest.approx([-math.log(0.05) / 1.9])
    assert book.printed_bound[0] > 1.5


def permutations_of_twenty():
    law = distributions.permutations(20)
    trace = decode(law, Decoder(strategies.Factor(0.5)), samples=4, seed=1)
    return ledger(trace, 0.5, distribution=law)


def uniform_token():
    law = distributions.from_counts([[v] for v in range(16)], [1] * 16)
    return ledger(decode(law, Decoder(strategies.Factor(0.5))), 0.5, distribution=law)


def rare_token():
    """The position passes, 2 (1 - 9/10) < 1/2, and the rare token is drawn there."""
    law = distributions.from_counts([[0], [1]], [9, 1])
    trace = decode(law, Decoder(strategies.Factor(0.5)), samples=100)
    book = ledger(trace, 0.5, distribution=law)
    assert not trace.forced.any()
    rare = trace.sequences[:, 0] == 1
    assert rare.any()
    assert (book.breaking_rounds == rare).all()
    return ledger_of([[0.1]], 0.5, information=[math.log2(10)]), book, rare


def test_the_printed_theorem_fails_on_real_decodes_and_the_corrected_one_holds():
    """BR-5."""
    shuffle = permutations_of_twenty()
    entropy = math.lgamma(21)
    assert (shuffle.rounds == 20).all()
    assert shuffle.printed_bound == pytest.approx(np.full(4, entropy / 0.5), abs=EXACT)
    assert math.ceil(shuffle.printed_bound[0]) == 85
    assert entropy / LN2 == pytest.approx(61.1, abs=0.05)
    assert (shuffle.breaking_rounds == 19).all()
    assert shuffle.bound == pytest.approx(np.full(4, 19.0))

    token = uniform_token()
    assert token.rounds == [1]
    assert token.printed_bound == pytest.approx([5.5], abs=0.05)
    assert token.bound == pytest.approx([1.0])

    alone, book, rare = rare_token()
    assert alone.printed_bound == pytest.approx([4.6], abs=0.05)
    assert book.printed_bound[rare] == pytest.approx(alone.printed_bound[0])
    assert (book.rounds == 1).all()
    assert (book.bound[rare] == 1).all()
    assert (book.bound <= 1).all()


SAME = [[0, 0], [1, 1]]
TOYS = [
    distributions.permutations(6),
    distributions.replace_random(6),
    distributions.parity(5),
    distributions.markov_chain([[0.95, 0.05], [0.1, 0.9]], length=8),
    distributions.from_counts(SAME, [9, 1]),
    distributions.concatenate(*(block(3, 0.6) for _ in range(3))),
    distributions.mixture([distributions.permutations(5), distributions.copy(5)], [0.3, 0.7]),
]
DECODERS = [
    Decoder(strategies.Factor(0.5)),
    Decoder(strategies.Factor(0.9), order="sample-then-choose"),
    Decoder(strategies.Factor(1.5, as_shipped=True)),
    Decoder(strategies.Factor(0.7), temperature=0),
    Decoder(strategies.Threshold(0.8)),
    Decoder(strategies.TopK(2)),
    Decoder(strategies.TopK(3, by="random")),
    Decoder(small_strategies.StableConfidence(0.7)),
    Decoder(small_strategies.TryThenFollow()),
]


@pytest.mark.parametrize("law", TOYS, ids=lambda law: law.name)
@pytest.mark.parametrize("decoder", DECODERS, ids=repr)
def test_the_corrected_bounds_hold_on_every_sample(law, decoder):
    trace = decode(law, decoder, samples=60, seed=11)
    frame = trace.to_frame()
    for factor in (0.3, 0.5, 0.9, 1.2, 1.7, 2.0):
        book = ledger(trace, factor, distribution=law)
        assert (book.bound <= book.rounds + EXACT).all()
        assert (book.obeying_rounds + book.breaking_rounds == book.rounds).all()
        labelled = book.exploited_rounds + book.forced_rounds + book.explored_rounds
        assert (labelled == book.rounds).all()
        assert book.obeying_bits + book.breaking_bits == pytest.approx(book.bits)
        carried = book.exploited_bits + book.forced_bits + book.explored_bits
        assert carried == pytest.approx(book.bits)
        assert book.information == pytest.approx(-law.log2_probability(trace.sequences))
        valid = np.isfinite(book.information)
        if factor < 1:
            capacity = -math.log2(1 - factor)
            within = book.obeying_information
            assert (within <= book.obeying_rounds * capacity + EXACT).all()
            expected = book.breaking_rounds + within / capacity
            assert book.frechet_bound == pytest.approx(expected, abs=EXACT)
        budget = largest_round_surprisal(factor)
        if math.isfinite(budget):
            others = book.information[valid] - book.obeying_information[valid]
            left = book.information[valid] - others - book.obeying_error[valid]
            assert book.linear_bound[valid] == pytest.approx(
                book.breaking_rounds[valid] + left / budget, abs=EXACT
            )
        error = abs(book.information[valid] - book.bits[valid])
        printed = (book.information[valid] - error) / (factor / LN2)
        if factor < 1:
            printed = np.maximum(printed, book.information[valid] / capacity)
        assert book.printed_bound[valid] == pytest.approx(printed, abs=EXACT)
        all_obey = valid & (book.breaking_rounds == 0)
        if factor < CROSSING:
            assert (book.printed_bound[all_obey] <= book.rounds[all_obey] + EXACT).all()
        for sample in np.flatnonzero(all_obey)[:5]:
            error = abs(book.information[sample] - book.bits[sample])
            bound = min_rounds(
                book.information[sample], factor, law.length, approximation_error=error + EXACT
            )
            assert bound.rounds <= book.rounds[sample]
        first = frame[frame["sample"] == 0].groupby("round")["probability"]
        by_hand = [list(one) for _, one in first]
        assert corrected_bound(by_hand, factor) == pytest.approx(book.linear_bound[0])


def test_information_of_rounds_is_that_of_the_canvases():
    """Against the definition, by the table: every round's tokens given the canvas before it."""
    law = distributions.permutations(4)
    trace = decode(law, Decoder(strategies.TopK(2, by="random")), samples=40, seed=2)
    outcomes = law.table().outcomes

    def share(canvas):
        return np.mean((outcomes == canvas)[:, canvas >= 0].all(axis=1))

    book = ledger(trace, 0.9, distribution=law)
    for sample in range(40):
        rounds, bits = [], []
        for t in range(2):
            before, after = trace.canvases[t, sample], trace.canvases[t + 1, sample]
            new = trace.committed[t, sample]
            rounds.append(trace.probability[t, sample, new])
            known, reached = share(before), share(after)
            bits.append(0.0 if known == 0 else np.inf if reached == 0 else np.log2(known / reached))
        one = ledger_of(rounds, 0.9, information=bits)
        for name in ("information", "obeying_information", "frechet_bound", "printed_bound"):
            assert getattr(one, name) == pytest.approx(getattr(book, name)[[sample]], abs=EXACT)
    assert np.isinf(book.information).any()
    assert np.isfinite(book.information).any()


def test_a_decode_off_the_support():
    """Both tokens of an equal pair drawn at once differ: infinitely informative, and one round."""
    law = distributions.from_counts(SAME, [1, 1])
    trace = decode(law, Decoder(strategies.TopK(2)), samples=30, seed=0)
    book = ledger(trace, 0.5, distribution=law)
    wrong = trace.sequences[:, 0] != trace.sequences[:, 1]
    assert wrong.any()
    assert (np.isinf(book.information) == wrong).all()
    assert (book.bound == 1).all()
    assert np.isinf(book.printed_bound[wrong]).all()
    assert np.isinf(book.obeying_error[wrong]).all()
    above = ledger(trace, 1.5, distribution=law)
    assert above.frechet_bound is None
    assert (above.obeying_rounds == 1).all()
    assert (above.bound <= 1).all()
    assert above.printed_bound[wrong] == pytest.approx(2 * LN2 / 1.5)
    assert not above.to_frame().isna().any(axis=None)


def test_a_model_with_other_probabilities_than_the_data():
    """A model is sure of the token that the data hardly has: 6.6 bits, but a single round."""
    law = distributions.from_counts([[0], [1]], [99, 1])
    model = next(
        noisy
        for noisy in (NoisyModel(law, 6.0, seed=seed) for seed in range(100))
        if noisy.laws(np.array([[-1]]), np.array([0]), np.array([0]))[0, 1] > 0.9
    )
    trace = decode(model, Decoder(strategies.TopK(1)), samples=50)
    book = ledger(trace, 0.5, distribution=law)
    assert (book.obeying_information > 6.6).any()
    assert (book.bound <= 1).all()


def test_decoders_that_mask_again():
    law = distributions.permutations(4)
    decoder = Decoder(small_strategies.BernoulliRemask(2, 0.3, until=4))
    trace = decode(law, decoder, samples=50, seed=4)
    assert trace.remasked.any()
    book = ledger(trace, 0.9, distribution=law)
    assert (book.bound <= book.rounds + EXACT).all()
    assert (book.obeying_rounds + book.breaking_rounds <= book.rounds).all()
    assert (book.rounds == trace.rounds).all()


def test_a_partly_revealed_start_is_given():
    law = distributions.permutations(4)
    start = [2, -1, -1, -1]
    trace = decode(law, Decoder(strategies.TopK(1)), canvases=start, samples=5)
    assert ledger(trace, 0.5, distribution=law).information == pytest.approx(math.log2(6))
    done = decode(law, Decoder(strategies.TopK(1)), canvases=[2, 1, 0, 3])
    book = ledger(done, 0.5, distribution=law)
    assert (book.rounds, book.bits, book.information, book.bound) == (0, 0, 0, 0)
    assert len(book.shares()) == 0
    assert "0" in repr(book)


def test_shares_and_efficiency():
    rounds = [[0.9, 0.9], [0.25], [0.5]]
    book = ledger_of(rounds, 0.5, forced=[False, True, True])
    shares = book.shares()
    assert list(shares.index) == ["exploited", "forced", "obeying", "breaking"]
    assert list(shares["rounds"]) == [1, 2, 1, 2]
    total = 3 - 2 * math.log2(0.9)
    assert shares.loc["forced", "bits"] == pytest.approx(3)
    assert shares.loc["forced", "share_of_bits"] == pytest.approx(3 / total)
    assert shares.loc["forced", "efficiency"] == pytest.approx(3 / total / (2 / 3))
    certain = ledger_of([[1.0], [1.0]], 0.5).shares()
    assert list(certain.index) == ["exploited", "obeying"]
    assert (certain["share_of_bits"] == 0).all()


def test_what_people_see():
    book = permutations_of_twenty()
    assert repr(book).startswith("Ledger of 4 decodes at factor 0.5\n  mean rounds           20\n")
    assert "mean printed bound    84.6712" in repr(book)
    assert "efficiency" in book._repr_html_()
    frame = book.to_frame()
    assert len(frame) == 4
    assert list(frame["sample"]) == [0, 1, 2, 3]
    assert "frechet_bound" in frame
    assert "information" not in ledger_of([[0.5]], 0.5).to_frame()
    bound = min_rounds(10 / LN2, 0.8, 32)
    assert "12 (closed form 6.21335)" in repr(bound)
    assert "if error 0" in repr(bound)
    assert "no fewer than 12 rounds" in bound._repr_html_()
    assert "void" in repr(min_rounds(1, 1.5, 3))
    assert isinstance(book, Ledger)
