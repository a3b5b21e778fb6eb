"""Selection bias: against the oracle, by formula, within its limits, and where there is none."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infodecode import Decoder, distributions, exact, strategies
from infodecode.biases import MarginalChange, marginal_change, selection_bias
from infodecode.chance import TooManyCanvases
from tests import laws, oracle, translation

EXAMPLES = 60 if settings.default.max_examples < 100 else settings.default.max_examples
DRAWN = "sample-then-choose"
TWO_BITS = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [6, 3, 2, 1])
HAMMING = [[1, 0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1, 1]]


def independent(*bits):
    """A law of independent bits, given their probabilities of 0."""
    rows = list(itertools.product((0, 1), repeat=len(bits)))
    weights = [
        math.prod(p if b == 0 else 1 - p for b, p in zip(row, bits, strict=True)) for row in rows
    ]
    return distributions.Table(rows, weights)


def of_two_bits(a):
    """KL by formula; a is the probability of the likelier token of the more certain bit."""
    return -a * math.log2(2 - a) - (1 - a) * math.log2(1 - a)


@settings(max_examples=EXAMPLES)
@given(sample=laws.counted(), ties=st.sampled_from(["random", "lowest"]))
def test_equals_the_oracle_and_keeps_its_limits(sample, ties):
    bias = selection_bias(translation.table(sample), position_ties=ties)
    dialect = oracle.Dialect(order=DRAWN, position_ties=ties)
    decoded = oracle.decode(sample.law, oracle.TopK((1,), "confidence"), dialect)
    output = oracle.output_law(decoded)
    assert set(output) == set(sample.law)
    orders = math.factorial(sample.length)
    assert all(p <= orders * sample.law[y] for y, p in output.items())
    assert bias.kl == pytest.approx(oracle.kl_divergence(sample.law, output), abs=1e-12)
    assert bias.reverse_kl == pytest.approx(oracle.kl_divergence(output, sample.law), abs=1e-12)
    assert bias.total_variation == pytest.approx(
        float(oracle.total_variation(sample.law, output)), abs=1e-12
    )
    assert bias.validity == 1.0
    assert math.isfinite(bias.kl)
    assert bias.reverse_kl <= math.log2(orders) + 1e-12
    assert bias.total_variation <= 1 - 1 / orders + 1e-12
    assert bias.entropy_before == pytest.approx(oracle.entropy(sample.law), abs=1e-12)
    assert bias.entropy_after == pytest.approx(oracle.entropy(output), abs=1e-12)
    assert_largest_change(bias.change, sample, output)


def assert_largest_change(change, sample, output):
    changes = {}
    for i, size in enumerate(sample.alphabet_sizes):
        before, after = oracle.marginal(sample.law, [i]), oracle.marginal(output, [i])
        for v in range(size):
            changes[i, v] = before.get((v,), Fraction(0)), after.get((v,), Fraction(0))
    largest = max(abs(q - p) for p, q in changes.values())
    if largest == 0:
        assert change is None
        return
    where = next(key for key, (p, q) in changes.items() if abs(q - p) == largest)
    assert (change.position, change.token) == where
    assert (change.before, change.after) == pytest.approx([float(p) for p in changes[where]])


@settings(max_examples=EXAMPLES)
@given(sample=laws.counted(), ties=st.sampled_from(["random", "lowest"]))
def test_other_orders_leave_the_law_as_it_is(sample, ties):
    """BIAS-0: what looks at no drawn token is exact, whether it chooses before drawing or after."""
    law = translation.table(sample)
    for by in ("random", "margin", "entropy", "left_to_right"):
        bias = selection_bias(law, by=by, position_ties=ties)
        assert (bias.kl, bias.reverse_kl, bias.total_variation) == (0.0, 0.0, 0.0)
        assert bias.change is None
    for by in ("random", "confidence"):
        assert exact(law, Decoder(strategies.TopK(1, by), position_ties=ties)).kl == 0.0


@given(sample=laws.counted(max_length=1))
def test_one_position_has_no_bias(sample):
    bias = selection_bias(translation.table(sample))
    assert (bias.kl, bias.reverse_kl, bias.total_variation, bias.change) == (0, 0, 0, None)


def test_two_independent_bits():
    decoder = Decoder(strategies.OneByOne("confidence"), order=DRAWN)
    run = exact(TWO_BITS, decoder, arithmetic="rational")
    assert translation.output(run) == {
        (0, 0): Fraction(5, 8), (0, 1): Fraction(5, 16),
        (1, 0): Fraction(1, 24), (1, 1): Fraction(1, 48),
    }  # fmt: skip
    bias = selection_bias(TWO_BITS)
    assert bias.change == MarginalChange(0, 0, 0.75, 0.9375)
    assert bias.kl == pytest.approx(of_two_bits(3 / 4), abs=1e-13)
    assert bias.total_variation == pytest.approx(3 / 16, abs=1e-13)


@settings(max_examples=EXAMPLES)
@given(weights=st.lists(st.integers(1, 30), min_size=4, max_size=4))
def test_two_bits_however_they_depend_on_each_other(weights):
    w00, w01, w10, _ = weights
    total = sum(weights)
    one, two = (max(w, total - w) for w in (w00 + w01, w00 + w10))
    rows = [[0, 0], [0, 1], [1, 0], [1, 1]]
    for ties in ("random", "lowest"):
        bias = selection_bias(distributions.Table(rows, weights), position_ties=ties)
        assert bias.kl <= 0.258588
        assert bias.total_variation <= 1 / 4
        if one != two:
            a = max(one, two) / total
            assert bias.kl == pytest.approx(of_two_bits(a), abs=1e-12)
            assert bias.total_variation == pytest.approx(a * (1 - a), abs=1e-12)
            moved = abs(bias.change.after - bias.change.before)
            assert moved == pytest.approx(a * (1 - a), abs=1e-12)


def test_the_most_that_two_bits_lose():
    bias = selection_bias(distributions.Table([[0, 0], [1, 1]], [745, 255]))
    assert bias.kl == pytest.approx(of_two_bits(0.745), abs=1e-13)
    assert bias.kl == pytest.approx(0.258588, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5, 7])
def test_copies_of_a_bit_lose_bits_in_proportion_to_their_number(n):
    bias = selection_bias(distributions.Table([[0] * n, [1] * n], [2, 1]))
    kept = 1 - (1 / 3) ** n
    expected = 2 / 3 * math.log2(2 / 3 / kept) + (n - 1) / 3 * math.log2(3)
    assert bias.kl == pytest.approx(expected, abs=1e-12)
    assert bias.change.after == pytest.approx(kept)
    assert bias.reverse_kl < math.log2(1.5)


def test_independent_bits_lose_bits_in_proportion_to_the_square_of_their_number():
    """Rare tokens are committed only where all draws are rare: with probability 1/2^m of m."""

    def limit(n):
        rare = np.array([1.0])
        for m in range(n, 0, -1):
            rare = np.convolve(rare, [1 - 2.0**-m, 2.0**-m])
        even = np.array([math.comb(n, k) for k in range(n + 1)]) / 2**n
        return float(even @ np.log2(even / rare))

    for n in (2, 5, 8):
        assert selection_bias(independent(*[0.5 + 1e-7] * n)).kl == pytest.approx(
            limit(n), abs=1e-5
        )
        assert selection_bias(independent(*[0.5] * n)).kl == 0.0
    assert limit(8) > 7.25
    assert limit(10) == pytest.approx(12.11, abs=0.01)
    assert limit(40) == pytest.approx(40**2 / 8, rel=0.05)


def test_an_outcome_may_come_nearly_n_factorial_times_as_often():
    """Two tokens of probability .1 among tokens of .05: each, once drawn, is nearly sure to win."""
    rows = np.array(list(itertools.product(range(19), repeat=2)))
    weights = np.where(rows == 0, 2, 1).prod(axis=1)
    run = exact(
        distributions.Table(rows, weights),
        Decoder(strategies.OneByOne("confidence"), order=DRAWN),
        arithmetic="rational",
    )
    assert translation.output(run)[0, 0] == Fraction(1, 100) * Fraction(19, 10)


@pytest.mark.parametrize(
    "law",
    [
        distributions.permutations(4),
        distributions.replace_random(5),
        distributions.replace_random(9),
        distributions.parity(5),
        distributions.linear_code(HAMMING),
        distributions.latin_squares(3),
    ],
    ids=lambda law: law.name,
)
def test_no_bias_where_symmetries_lead_from_any_outcome_to_any_other(law):
    full = law.table().outcomes
    reached, new = set(), {tuple(full[0].tolist())}
    while new:
        reached |= new
        images = [move.apply(np.array(list(new))) for move in law.symmetries()]
        new = {tuple(y) for image in images for y in image.tolist()} - reached
    assert len(reached) == len(full)
    bias = selection_bias(law)
    assert (bias.kl, bias.reverse_kl, bias.change) == (0.0, 0.0, None)
    assert bias.entropy_after == pytest.approx(bias.entropy_before, abs=1e-11)


def test_ties_by_position_break_the_symmetry():
    bias = selection_bias(distributions.replace_random(3), position_ties="lowest")
    assert bias.total_variation == pytest.approx(4 / 27, abs=1e-14)
    assert (bias.change.position, bias.change.token) == (0, 0)
    assert bias.change.after == pytest.approx(22 / 27, abs=1e-14)


def test_bias_that_no_marginal_shows():
    """A chain that is the same with its two states exchanged."""
    law = distributions.markov_chain([[0.9, 0.1], [0.1, 0.9]], length=3)
    bias = selection_bias(law)
    assert bias.kl == pytest.approx(0.0544952, abs=1e-7)
    assert bias.change is None


def test_an_independent_law_loses_bits_at_a_threshold_on_drawn_tokens():
    """All of it is bias: where positions are independent, drawing several at once is exact."""
    gate = strategies.Threshold(0.7)
    assert exact(TWO_BITS, Decoder(gate)).kl == 0.0
    drawn = exact(TWO_BITS, Decoder(gate, order=DRAWN))
    assert drawn.kl == pytest.approx(of_two_bits(3 / 4), abs=1e-13)


@pytest.mark.parametrize(
    ("law", "strategy"),
    [
        (distributions.replace_random(5), strategies.TopK(2, by="confidence")),
        (distributions.permutations(4), strategies.TopK(2)),
        (distributions.parity(4), strategies.TopK(4)),
    ],
    ids=str,
)
def test_marginals_of_orbits_are_those_of_sequences(law, strategy):
    folded, plain = (
        marginal_change(exact(law, Decoder(strategy), orbits=orbits)) for orbits in (True, False)
    )
    if plain is None:
        assert folded is None
    else:
        assert (folded.position, folded.token) == (plain.position, plain.token) == (0, 0)
        assert folded.after == pytest.approx(plain.after, abs=1e-12)


def test_refusals():
    law = distributions.permutations(3)
    with pytest.raises(ValueError, match="by must be one of"):
        selection_bias(law, by="luck")
    with pytest.raises(ValueError, match="position_ties must be one of"):
        selection_bias(law, position_ties="highest")
    with pytest.raises(TypeError, match="distribution"):
        selection_bias([[0, 1]])
    with pytest.raises(TooManyCanvases, match="max_children=2"):
        selection_bias(law, max_children=2)
    unfinished = exact(law, Decoder(strategies.OneByOne()), max_rounds=2)
    with pytest.raises(ValueError, match="run must have finished every decode, got 1 unfinished"):
        marginal_change(unfinished)
