"""Theorems 1 to 3: an altered ingredient of each kind of check makes it fail; exact bits."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, adaptive_optimum, distributions, optimal_partitions
from infodecode.data_path import data_path
from infodecode.strategies import EntropyBounded, EntropyBudget, FixedPartition
from proofs import exact_bits, partitions, set_functions, symbolic_tables
from proofs.claim import Refuted
from proofs.exact_bits import Bits, log2, whole
from tests import laws
from tests.translation import table

EXACT = 1e-12
samples = laws.counted(max_length=3, max_outcomes=6)


# Exact bits -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (log2(1), "0"), (log2(8), "3"), (log2(Fraction(9, 8)), "2 log2(3) - 3"),
        (log2(Fraction(1, 6)), "-log2(3) - 1"), (whole(Fraction(-2, 3)), "-2/3"),
        (log2(15) * Fraction(1, 2) + whole(1), "1/2 log2(3) + 1/2 log2(5) + 1"),
        (log2(10) - whole(1), "log2(5)"),
    ],
)  # fmt: skip
def test_bits_as_text(bits, text):
    assert str(bits) == text


rationals = st.fractions(min_value=Fraction(1, 50), max_value=50, max_denominator=50)


@given(rationals, rationals, st.fractions(-3, 3, max_denominator=6))
def test_bits_are_numbers(a, b, factor):
    assert float(log2(a) + log2(b)) == pytest.approx(math.log2(a * b), abs=EXACT)
    assert float(log2(a) - log2(b) * factor) == pytest.approx(
        math.log2(a) - float(factor) * math.log2(b), abs=1e-11
    )
    assert log2(a) + log2(b) == log2(a * b)
    assert (log2(a) < log2(b)) == (a < b)
    assert (log2(a) >= log2(b)) == (a >= b)
    assert log2(a).sign == (a > 1) - (a < 1)


def test_bits_are_compared_without_rounding():
    """3^12 against 2^19, and numbers that agree to 15 digits."""
    assert log2(3) * 12 > whole(19)
    near = Fraction(10**16 + 1, 10**16)
    assert log2(near).sign == 1
    assert log2(1 / near).sign == -1
    assert Bits({}) == whole(0)
    assert log2(3) != 3


@given(samples)
def test_entropies_and_orders_agree_with_the_package(sample):
    d, n = table(sample), sample.length
    law = exact_bits.law_of(d)
    assert sum(law.values()) == 1
    assert [float(h) for h in exact_bits.entropies(law)] == pytest.approx(
        list(infodecode.information.subset_entropies(d)), abs=EXACT
    )
    fixed, adaptive = optimal_partitions(d).bits, adaptive_optimum(d).bits
    for rounds in range(1, n + 1):
        least, best = exact_bits.best_fixed(law, rounds)
        assert float(least) == pytest.approx(fixed[rounds - 1], abs=EXACT)
        for blocks in best:
            assert infodecode.partition_bits(d, blocks) == pytest.approx(float(least), abs=EXACT)
        assert float(exact_bits.best_adaptive(law, rounds)) == pytest.approx(
            adaptive[rounds - 1], abs=EXACT
        )


@given(samples, st.sampled_from([Fraction(1, 2), Fraction(5, 4), Fraction(3)]))
def test_traces_agree_with_the_package(sample, budget):
    d = table(sample)
    law = exact_bits.law_of(d)
    for rule, ours, ties in (
        (exact_bits.entropy_budget(budget), EntropyBudget(float(budget)), "random"),
        (exact_bits.entropy_bounded(budget), EntropyBounded(float(budget)), "lowest"),
    ):
        path = data_path(d, Decoder(ours, position_ties=ties))
        found = exact_bits.traces(law, rule)
        lost = found.spent - exact_bits.entropy(law, range(sample.length))
        assert float(found.rounds) == pytest.approx(path.expected_rounds, abs=EXACT)
        assert float(lost) == pytest.approx(path.bits, abs=1e-11)
        assert lost <= found.at_stake


def test_a_decoder_that_leaves_the_support_is_refused():
    law = exact_bits.law_of(distributions.Table([[0] * 4, [1] * 4]))
    with pytest.raises(ValueError, match=r"tokens \(0, 1\) at \(0, 1\) are impossible"):
        exact_bits.traces(law, exact_bits.entropy_budget(Fraction(2)), own=True)


@pytest.mark.parametrize(("n", "numbers"), [(1, [1]), (2, [1, 2]), (3, [1, 6, 6]),
                                           (4, [1, 14, 36, 24])])  # fmt: skip
def test_ordered_partitions(n, numbers):
    for rounds, number in enumerate(numbers, start=1):
        found = list(exact_bits.ordered_partitions(n, rounds))
        assert len(set(found)) == len(found) == number
        assert all(sorted(itertools.chain(*blocks)) == list(range(n)) for blocks in found)
    assert len(list(exact_bits.ordered_partitions(n))) == sum(numbers)


@given(samples)
def test_divergence(sample):
    law = exact_bits.law_of(table(sample))
    flat = dict.fromkeys(law, Fraction(1, len(law)))
    gap = exact_bits.divergence(law, flat)
    assert gap == log2(len(law)) - exact_bits.entropy(law, range(sample.length))
    assert gap >= whole(0)
    assert exact_bits.divergence(flat, law) is not None
    first = next(iter(law))
    assert exact_bits.divergence(law, {first: Fraction(1)}) is None or len(law) == 1


# Theorem 1 --------------------------------------------------------------------------------


def unconditional(shape, mass, blocks):
    """The total correlations of the blocks, not given the earlier ones."""
    return sum(symbolic_tables.expected_correlations(shape, mass, (b,)) for b in blocks)


def test_unconditional_correlations_are_not_the_floor():
    with pytest.raises(Refuted, match="blocks "):
        partitions.divergence_splits(None, unconditional)


def test_one_round_needs_the_correlation():
    with pytest.raises(Refuted, match=r"2x2, blocks \(\(0, 1\),\)"):
        partitions.divergence_splits(1, lambda shape, mass, blocks: 0)
    with pytest.raises(Refuted, match="2x2"):
        partitions.divergence_splits(
            1, lambda *given: 2 * symbolic_tables.expected_correlations(*given)
        )


def test_numbers_in_place_of_symbols():
    """The symbolic floor and gap at weights 1, 2, 3, 4, against the package."""
    shape, blocks = (2, 2), ((0,), (1,))
    weights = {"m00": 1, "m01": 2, "m10": 3, "m11": 4}
    mass = symbolic_tables.masses(shape)
    law = distributions.Table(list(itertools.product((0, 1), repeat=2)), [1, 2, 3, 4])
    for order in (blocks, ((0, 1),)):
        floor = symbolic_tables.expected_correlations(shape, mass, order)
        value = float(_at(floor, weights)) / math.log(2)
        assert value == pytest.approx(infodecode.partition_bits(law, order), abs=EXACT)
    gap = symbolic_tables.marginal_divergences(shape, mass, ((0, 1),))
    halves = {s.name: 0.5 for s in gap.free_symbols if s.name.startswith("theta")}
    found = float(_at(gap, weights | halves)) / math.log(2)
    assert found == pytest.approx(2 - sum(law.entropy(i) for i in (0, 1)), abs=EXACT)


def _at(expression, values):
    return expression.subs({s: values[s.name] for s in expression.free_symbols})


def test_ideal_marginals_have_just_this_floor(monkeypatch):
    monkeypatch.setattr(exact_bits, "partition_floor", lambda h, blocks: whole(0))
    with pytest.raises(Refuted, match=r"blocks \(\(0, 1, 2\),\): .* against 0"):
        partitions.ideal_marginals(None)


def test_there_must_be_an_impossible_context():
    with pytest.raises(Refuted, match="the two models do not differ"):
        partitions.careless(((0, 0, 0), (1, 1, 1), (0, 1, 0), (1, 0, 0)))


def test_what_is_predicted_on_the_support_matters(monkeypatch):
    monkeypatch.setattr(partitions, "output_of", lambda law, decoder, off_support: {
        (0, 0, 0): Fraction(len(off_support), 10), (1, 1, 1): Fraction(1, 100)})  # fmt: skip
    with pytest.raises(Refuted, match="on the support"):
        partitions.careless()


@given(st.integers(0, 10**6))
def test_ideal_output_is_that_of_the_decoder(seed):
    law = partitions.random_law(random.Random(seed), 3)
    d = distributions.Table(list(law), [int(p * 5040 * 11 * 13 * 17 * 19 * 23 * 29 * 31) for p in
                                        law.values()])  # fmt: skip
    blocks = ((2,), (0, 1))
    output = partitions.output_of(d, Decoder(FixedPartition(blocks)))
    expected = exact_bits.ideal_output(law, blocks)
    for y, p in expected.items():
        assert float(output[y]) == pytest.approx(float(p), rel=1e-9)


# Lemma 1 and Theorem 2 --------------------------------------------------------------------


@pytest.mark.parametrize("relation", ["<=", "=="])
def test_subadditivity_has_no_certificate(relation):
    with pytest.raises(Refuted, match=rf"C\(A1,B1\) {relation}"):
        partitions.superadditivity(3, relation)


def test_a_false_inequality_has_no_certificate():
    set_functions.certified("I(A;B) <= H(A)")
    with pytest.raises(Refuted, match=r"not Shannon-provable|refuted"):
        set_functions.certified("I(A;B|C) <= I(A;B)")


@pytest.mark.parametrize("most", [2, 3, 5])
def test_sizes(most):
    found = set(partitions.sizes_up_to(most))
    box = itertools.product(range(most + 1), repeat=3)
    assert found == {(a, b, z) for a, b, z in box if a and b and a + b + z <= most}


def test_a_split_gains_neither_more_nor_less(monkeypatch):
    def other(i, others, context):
        return set_functions.information_form(i, others, 0)

    monkeypatch.setattr(partitions, "information_form", other)
    with pytest.raises(Refuted, match="to "):
        partitions.splitting()


def test_every_block_is_split(monkeypatch):
    """The printed proof's split, of the last block alone, leaves some partitions unsplit."""

    def last(blocks):
        return (s for s in set_functions.splits(blocks) if s[0][: len(blocks) - 1] == blocks[:-1])

    monkeypatch.setattr(partitions, "splits", last)
    with pytest.raises(Refuted, match="nothing to split"):
        partitions.splitting()


@pytest.mark.parametrize("number", [3, 4])
def test_forms_on_a_law(number):
    law = partitions.random_law(random.Random(number), number)
    h = exact_bits.entropies(law)
    for blocks in exact_bits.ordered_partitions(number):
        terms = set_functions.form(*set_functions.floor_form(blocks))
        value = exact_bits.total(h[mask] * c for mask, c in terms.items())
        assert value == exact_bits.partition_floor(h, blocks)


def test_strict_steps_are_counted(monkeypatch):
    monkeypatch.setattr(exact_bits, "best_fixed", lambda law, t: (whole(int(t < 3)), []))
    with pytest.raises(Refuted, match="1 to 1"):
        partitions.strictly(1, 3)


def test_inputs_need_their_own_partitions(monkeypatch):
    monkeypatch.setattr(exact_bits, "best_fixed", lambda law, t: (log2(3), []))
    with pytest.raises(Refuted, match="own partitions"):
        partitions.mean_over_inputs()


def test_random_laws_are_the_same_in_every_run():
    first, again = (partitions.random_law(random.Random(7), 3) for _ in range(2))
    assert first == again
    assert not np.array_equal(list(first), list(partitions.random_law(random.Random(8), 3)))
