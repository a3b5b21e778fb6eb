"""Laws that refute claims: found, exact, and of the family they are said to be of."""

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infodecode
from infodecode.prover import _lattices, _logarithms, _uniform, prove
from infodecode.prover._cone import elementals
from infodecode.prover._grammar import parse_statement
from infodecode.prover._lattices import (
    linear_lattice,
    linear_ranks,
    partition_lattice,
    representation,
)
from infodecode.prover._problem import law_logs
from tests import laws
from tests.translation import table

NAMES = tuple("ABCDEFGH")
INGLETON = "I(A;B) <= I(A;B|C) + I(A;B|D) + I(C;D)"


def on_law(text, law):
    """A claim's larger side minus its smaller one in bits, by the library's own entropies."""
    form = parse_statement("claim", text).form
    return math.fsum(
        float(c) * infodecode.entropy(law, [law.names.index(x) for x in names])
        for names, c in form.items()
    )


@pytest.mark.parametrize(
    ("claim", "constraints", "outcomes"),
    [
        ("H(A) <= 0", [], 2),
        ("H(A) <= H(B)", [], 2),
        ("I(A;B|C) <= I(A;B)", [], 4),
        ("I(A;B) <= I(A;B|C)", [], 2),
        ("TC(A,B,C) <= DTC(A,B,C)", [], 2),
        ("DTC(A,B,C) <= TC(A,B,C)", [], 4),
        ("TC(A,B,C,D) <= TC(A,B) + TC(C,D)", [], 2),
        ("H(C) <= H(A)", ["H(C|A,B) = 0", "I(A;B) = 0", "H(A) == H(B)"], 4),
        ("I(A;B) <= 0", ["2 H(A) = 3 H(B)"], 8),
        ("H(A) == H(B)", ["H(A|B) = 0"], 2),
        ("I(A;B|C,D,E,F) <= I(A;B)", [], 32),
    ],
)
def test_false_claims_are_refuted(claim, constraints, outcomes):
    proof = prove(claim, given=constraints)
    assert proof.verdict == "refuted"
    assert proof.check()
    law = proof.witness.distribution
    assert law.support_size <= outcomes
    assert law.names == proof.variables
    gap = on_law(claim, law)
    assert abs(gap) == pytest.approx(proof.witness.bits)
    assert gap < -1e-9 or "==" in claim
    for constraint in constraints:
        assert on_law(constraint, law) == pytest.approx(0, abs=1e-9)


def test_linear_laws_realise_their_witness():
    """Joint entropies are the polymatroid times log2 q."""
    for claim in ("I(A;B|C) <= I(A;B)", "H(A,B,C,D) >= 3/4 (H(A,B) + H(C,D))",
                  "H(A,C) + H(B,C) >= 11/6 H(A,B) + H(C)"):  # fmt: skip
        witness = prove(claim).witness
        unit = math.log2(int(witness.description.split("GF(")[1][0]))
        for names, value in witness.items():
            positions = [witness.distribution.names.index(x) for x in names]
            bits = infodecode.entropy(witness.distribution, positions)
            assert bits == pytest.approx(float(value) * unit, abs=1e-12)


def test_ingleton_holds_for_linear_laws_only():
    """Refuted by four equally likely outcomes, whose entropies are no ranks."""
    proof = prove(INGLETON)
    assert proof.verdict == "refuted"
    assert "weights" in proof.witness.description
    assert on_law(INGLETON, proof.witness.distribution) < -0.1
    assert proof.check()
    conditional = prove(INGLETON, given=["I(A;B|C) = 0", "I(A;B|D) = 0"])
    assert conditional.verdict == "refuted"
    for k in (0, 1):
        assert on_law(conditional.given[k], conditional.witness.distribution) == pytest.approx(0)


def test_the_search_can_be_left_out_and_repeated():
    assert prove(INGLETON, search=False).verdict == "not Shannon-provable"
    first, second, other = (prove(INGLETON, seed=s).witness for s in (1, 1, 2))
    np.testing.assert_array_equal(first.distribution.outcomes, second.distribution.outcomes)
    assert other.check()


def only_refuted_by(ranks, n, quantity):
    """A claim that ``quantity`` is small where the ranks' tight inequalities are."""
    tight = [e for e in elementals(n) if not sum(c * ranks[mask] for mask, c in e.row)]
    return " + ".join(["0 H(A)", *(f"9 {e.text(NAMES[:n])}" for e in tight)]) + f" >= {quantity}"


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([(2, 3), (3, 2), (2, 4)]), st.integers(3, 6), st.integers(0, 2**32))
def test_what_only_a_linear_law_refutes(space, n, seed):
    """Claims that hold on all but the neighbours of one random linear law, which is found."""
    generator = np.random.default_rng(seed)
    lattice, rank = linear_lattice(*space), linear_ranks(*space)
    numbers = generator.integers(len(rank), size=(n, 1))
    joint = lattice.joint(numbers, range(1 << n))
    ranks = [int(rank[joint[mask][0]]) for mask in range(1 << n)]
    loose = [e.text(NAMES[:n]) for e in elementals(n) if sum(c * ranks[m] for m, c in e.row)]
    if loose:
        proof = prove(only_refuted_by(ranks, n, loose[generator.integers(len(loose))]))
        assert proof.verdict == "refuted"
        assert proof.check()
    found = representation(*space, dict(enumerate(ranks)), n)
    assert found is not None
    again = lattice.joint(np.array(found)[:, None], range(1 << n))
    assert [int(rank[again[mask][0]]) for mask in range(1 << n)] == ranks


def test_no_representation_of_what_is_not_linear():
    """U(2, 4) needs four lines in a plane, and GF(2) has three."""
    ranks = {mask: min(2, mask.bit_count()) for mask in range(16)}
    assert representation(2, 2, ranks, 4) is None
    assert representation(3, 2, ranks, 4) is not None
    assert prove(only_refuted_by(ranks, 4, "I(A;B|C)")).witness.description == (
        "U(2,4) on A,B,C,D over GF(3)"
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_uniform_matroids(size):
    """Any k of m variables are independent and decide the rest."""
    for k in range(1, size + 1):
        part = _uniform.Uniform((1 << size) - 1, k)
        if part.field**k > 3000:
            continue
        law = _uniform.law_of([(part, 1)], NAMES[:size])
        assert law.support_size == part.field**k
        ranks = part.ranks(size)
        for mask in range(1, 1 << size):
            bits = infodecode.entropy(law, [i for i in range(size) if mask >> i & 1])
            assert bits == pytest.approx(ranks[mask] * math.log2(part.field), abs=1e-9)


def test_sums_of_uniform_matroids():
    """Constraints that no single one satisfies."""
    parts = [(_uniform.Uniform(0b0011, 1), 2), (_uniform.Uniform(0b1110, 2), 1)]
    law = _uniform.law_of(parts, NAMES[:4])
    ranks = _uniform.ranks_of(parts, 4)
    assert law.support_size == 16
    for mask in range(1, 16):
        positions = [i for i in range(4) if mask >> i & 1]
        assert infodecode.entropy(law, positions) == pytest.approx(ranks[mask])
    proof = prove("I(A;B) <= 0", given=["3 H(A) = 4 H(B)", "H(C) = 2 H(A)", "4 I(A;B) <= H(A)"])
    assert proof.verdict == "refuted"
    assert " + " in proof.witness.description
    assert proof.check()


def test_partitions():
    """Bell numbers, and the subspaces of small spaces."""
    assert [len(partition_lattice(m).labels) for m in (3, 4, 5, 6)] == [5, 15, 52, 203]
    sizes = {space: len(linear_lattice(*space).labels) for space in _lattices.LINEAR}
    assert sizes == {(2, 2): 5, (2, 3): 16, (3, 2): 6, (2, 4): 67, (3, 3): 28}
    for lattice in (partition_lattice(4), linear_lattice(3, 2)):
        assert not lattice.labels[0].any()
        for a, b in itertools.product(range(len(lattice.labels)), repeat=2):
            pairs = list(zip(lattice.labels[a], lattice.labels[b], strict=True))
            together = lattice.labels[lattice.join[a, b]]
            same = [[x == y for y in together] for x in together]
            assert same == [[x == y for y in pairs] for x in pairs]


def test_entropies_of_partitions():
    lattice = partition_lattice(3)
    weights = np.array([1, 1, 2])
    for number, bits in enumerate(lattice.entropies(weights)):
        law = lattice.law([number], weights, ("A",))
        assert infodecode.entropy(law) == pytest.approx(bits, abs=1e-12)


@given(laws.counted().map(table))
def test_exact_entropies(law):
    logs = law_logs(law, range(law.length))
    assert _logarithms.bits(logs) == pytest.approx(infodecode.entropy(law), abs=1e-12)
    assert all(prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37) for prime in logs)


@given(st.integers(0, 2**32))
def test_signs_with_and_without_floats(seed):
    """Comparing integer powers decides every case; floats must agree where they are trusted."""
    generator = random.Random(seed)
    logs = {p: Fraction(generator.randint(-9, 9), generator.randint(1, 4)) for p in (2, 3, 5, 7)}
    logs = {p: c for p, c in logs.items() if c}
    expected = 0 if not logs else math.copysign(1, _logarithms.bits(logs))
    assert _logarithms.sign(logs) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_logarithms, "_FLOAT_ERROR", 2.0)
        assert _logarithms.sign(logs) == expected


@pytest.mark.parametrize("powers", [(301994, 190537), (-301994, -190537), (1054, 665)])
def test_a_sign_too_close_for_floats(powers):
    """3^190537 and 2^301994 differ in the 13th digit of their logarithms."""
    logs = {2: Fraction(-powers[0], 5), 3: Fraction(powers[1], 5)}
    larger = 3 ** abs(powers[1]) > 2 ** abs(powers[0])
    assert _logarithms.sign(logs) == (1 if larger == (powers[0] > 0) else -1)


def test_logarithms_that_cancel():
    nine = _logarithms.entropy_logs([1] * 9)
    three = _logarithms.entropy_logs([5, 5, 5])
    difference = _logarithms.combined([(Fraction(1), nine), (Fraction(-2), three)])
    assert difference == {}
    assert _logarithms.sign(difference) == 0
