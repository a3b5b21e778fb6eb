"""Linear codes against all words that pass their checks, and against algebra on Python integers."""

from __future__ import annotations

import math
import pickle
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infodecode import Decoder, exact, information, partitions, strategies
from infodecode._kernels import codes
from infodecode.distributions import _codes
from infodecode.distributions._codes import linear_code, parity
from tests import laws
from tests.families import CHECKS, every_canvas

HAMMING = [[1, 0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1, 1]]
seeds = st.integers(0, 2**32).map(np.random.default_rng)


def repetition_check(n):
    return [[int(j in (i, i + 1)) for j in range(n)] for i in range(n - 1)] or np.zeros((0, n))


INSTANCES = [
    *(parity(n, odd=odd) for n in range(1, 6) for odd in (False, True)),
    *(linear_code(repetition_check(n), name=f"repetition of {n}") for n in range(1, 5)),
    *(linear_code(np.zeros((0, n)), name=f"all words of {n}") for n in (1, 3)),
    *(linear_code(np.eye(n, dtype=int), name=f"a single word of {n}") for n in (1, 3)),
    linear_code(np.eye(3, dtype=int), syndrome=[1, 1, 1], name="111"),
    linear_code(np.eye(3, dtype=int), syndrome=[0, 1, 1], name="011"),
    linear_code(repetition_check(3), syndrome=[1, 0], name="011 or 100"),
    linear_code([[0, 0, 0], [0, 0, 0]], name="checks of nothing"),
    linear_code([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]], syndrome=[1, 0, 1], name="dependent"),
    linear_code([[0, 1, 1, 0, 1], [0, 1, 1, 0, 0]], name="a constant and free bits"),
    linear_code([[1, 1, 1, 0], [0, 0, 1, 1]], name="the same parity twice"),
    linear_code(HAMMING),
    linear_code(HAMMING, syndrome=[1, 0, 1]),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("law", INSTANCES, ids=lambda law: law.name)
def test_a_code_equals_its_table(law, check):
    check(law)


# The definition ---------------------------------------------------------------------------------


def words_of(check, syndrome, n):
    """All words that pass, straight from the definition."""
    return [
        word
        for word in product((0, 1), repeat=n)
        if all(
            sum(h * y for h, y in zip(row, word, strict=True)) % 2 == s
            for row, s in zip(check, syndrome, strict=True)
        )
    ]


@st.composite
def samples(draw, max_length=6):
    """(code, its words): dense, sparse and dependent checks, any coset."""
    n = draw(laws.lengths(max_length))
    generator = draw(seeds)
    r = int(generator.integers(0, n + 2))
    check = (generator.random((r, n)) < generator.choice([0.2, 0.5, 1.0])).astype(int)
    syndrome = check @ generator.integers(0, 2, n) % 2
    return linear_code(check, syndrome=syndrome), words_of(check.tolist(), syndrome.tolist(), n)


def bits_of(words, positions):
    """Entropy in bits of some positions of a uniformly random word, by counting."""
    counts = Counter(tuple(word[i] for i in positions) for word in words)
    return -sum(c / len(words) * math.log2(c / len(words)) for c in counts.values())


@given(sample=samples())
def test_words_marginals_and_masses(sample):
    law, words = sample
    table = law.table()
    assert sorted(map(tuple, table.outcomes.tolist())) == words
    assert table.weights.tolist() == [1] * len(words)
    assert law.support_size == len(words) == 2**law.dimension
    assert law.log2_mode() == -math.log2(len(words))
    canvases = every_canvas(law)
    agree = ((canvases[:, None] < 0) | (canvases[:, None] == np.array(words)[None])).all(axis=2)
    counts = agree.sum(axis=1)
    np.testing.assert_array_equal(np.exp2(law._log2_mass(canvases)), counts / len(words))
    assert not np.signbit(law._log2_mass(canvases)[counts == len(words)]).any()
    np.testing.assert_array_equal(law._completions(canvases), counts)
    rows, positions = np.nonzero(canvases < 0)
    ones = np.array(
        [agree[b] @ np.array(words)[:, i] for b, i in zip(rows, positions, strict=True)]
    )
    zeros = counts[rows] - ones
    expected = np.stack([zeros, ones], axis=1) / np.maximum(counts[rows], 1)[:, None]
    np.testing.assert_array_equal(law._laws(canvases, rows, positions), expected)
    some = np.random.default_rng(0).random(len(rows)) < 0.3
    np.testing.assert_array_equal(law._laws(canvases, rows[some], positions[some]), expected[some])


@given(sample=samples())
def test_entropies_are_ranks(sample):
    law, words = sample
    n = law.length
    by_mask = [bits_of(words, [i for i in range(n) if mask >> i & 1]) for mask in range(1 << n)]
    np.testing.assert_allclose(law._subset_entropies(), by_mask, atol=1e-12)
    np.testing.assert_allclose(
        [law.entropy([i for i in range(n) if mask >> i & 1]) for mask in range(1 << n)],
        by_mask,
        atol=1e-12,
    )
    np.testing.assert_allclose(
        law.position_entropies(), [by_mask[1 << i] for i in range(n)], atol=1e-12
    )
    by_size = [{round(by_mask[m], 9) for m in range(1 << n) if m.bit_count() == k}
               for k in range(n + 1)]  # fmt: skip
    if all(len(values) == 1 for values in by_size):
        np.testing.assert_allclose(law.size_entropies(), [v for (v,) in by_size], atol=1e-9)
    else:
        assert law.size_entropies() is None


@given(sample=samples())
def test_closed_forms(sample):
    """TC = n' - k and DTC = k - n'': not constant, and touched by no check."""
    law, words = sample
    known, n = set(words), law.length
    varying = sum(len({word[i] for word in words}) == 2 for i in range(n))
    untouched = sum(
        all((*word[:i], 1 - word[i], *word[i + 1 :]) in known for word in words) for i in range(n)
    )
    assert untouched == (law.check == 0).all(axis=0).sum()
    assert law.entropy() == law.dimension
    assert information.total_correlation(law) == varying - law.dimension
    assert information.dual_total_correlation(law) == law.dimension - untouched


@given(sample=samples())
def test_the_basis_is_reduced_and_spans(sample):
    law, words = sample
    assert not (law.check @ law.generator.T.astype(int) % 2).any()
    np.testing.assert_array_equal(law.generator[:, law.free], np.eye(law.dimension))
    np.testing.assert_array_equal(law.check.astype(int) @ law.word % 2, law.syndrome)
    assert not law.word[law.free].any()
    leading = [
        i for i in range(law.length) if bits_of(words, range(i + 1)) > bits_of(words, range(i))
    ]
    assert law.free.tolist() == leading
    span = {
        tuple((law.word + np.array(u, int) @ law.generator) % 2)
        for u in product((0, 1), repeat=law.dimension)
    }
    assert span == set(words)


# Symmetry ---------------------------------------------------------------------------------------


def any_order(words):
    return all(
        {(*w[:i], w[i + 1], w[i], *w[i + 2 :]) for w in words} == set(words)
        for i in range(len(words[0]) - 1)
    )


@given(sample=samples())
def test_random_codes_know_whether_order_matters(sample):
    law, words = sample
    assert law.exchangeable == ("positions" if any_order(words) else None)


@pytest.mark.parametrize("law", INSTANCES, ids=lambda law: law.name)
def test_symmetries_lead_from_one_word_to_all_words(law):
    words = list(map(tuple, law.table().outcomes.tolist()))
    assert law.exchangeable == ("positions" if any_order(words) else None)
    reached, fresh = {words[0]}, [words[0]]
    while fresh:
        images = {
            tuple(image)
            for move in law.symmetries()
            for image in move.apply(np.array(fresh, np.int32)).tolist()
        }
        fresh = sorted(images - reached)
        reached |= images
    assert reached == set(words)


# Decoding ---------------------------------------------------------------------------------------


@given(sample=samples(max_length=5), data=st.data())
def test_a_fixed_partition_stays_in_the_code_with_probability_2_to_minus_its_bits(sample, data):
    law, words = sample
    blocks = data.draw(laws.fixed_partitions(law.length)).blocks
    bits = partitions.partition_bits(law, blocks)
    assert bits == round(bits)
    run = exact(law, Decoder(strategies.FixedPartition(blocks)))
    assert run.validity == pytest.approx(2.0**-bits, rel=1e-12)
    assert run.kl == pytest.approx(bits, abs=1e-12)
    assert len(run.outcomes[run.on_support]) == len(words)
    np.testing.assert_allclose(
        run.probabilities[run.on_support], 2.0 ** -(bits + law.dimension), rtol=1e-12
    )


@given(sample=samples())
def test_two_rounds_are_enough(sample):
    law, _ = sample
    bits = partitions.optimal_partitions(law).bits
    assert bits[0] == information.total_correlation(law)
    assert not bits[1:].any()
    rest = np.setdiff1d(np.arange(law.length), law.free)
    if len(rest) and law.dimension:
        assert partitions.partition_bits(law, [law.free, rest]) == 0.0


@pytest.mark.parametrize("by", ["random", "confidence", "left_to_right"])
@pytest.mark.parametrize("odd", [False, True])
def test_parity_is_lost_in_the_last_round_only(by, odd):
    for n, k in product(range(2, 8), range(1, 8)):
        run = exact(parity(n, odd=odd), Decoder(strategies.TopK(k, by=by)))
        last = n % k or k
        expected = int(last >= 2)
        assert run.validity == pytest.approx(2.0**-expected, rel=1e-12)
        assert run.kl == pytest.approx(expected, abs=1e-12)


def test_closed_forms_of_parity():
    for n in range(2, 30):
        law = parity(n, odd=n % 3 == 0)
        assert law.entropy() == n - 1
        assert information.total_correlation(law) == 1.0
        assert information.dual_total_correlation(law) == n - 1
        assert information.information_curve(law).tolist() == [0.0] * (n - 1) + [1.0]
    assert {sum(word) % 2 for word in parity(5, odd=True).table().outcomes.tolist()} == {1}
    assert {sum(word) % 2 for word in parity(5).table().outcomes.tolist()} == {0}


def test_hamming_code():
    """Length 7, 4 bits of freedom, any two words at least 3 apart."""
    law = linear_code(HAMMING)
    words = law.table().outcomes
    assert law.dimension == 4
    assert min((a != b).sum() for a, b in combinations(words, 2)) == 3
    assert law.render(law.word) == "0000000"
    assert law.name == "linear_code([7, 4])"
    assert linear_code(HAMMING, syndrome=[1, 0, 0]).name == "linear_code([7, 4], coset)"
    copy = pickle.loads(pickle.dumps(parity(4)))
    assert copy.exchangeable == "positions"


# Long codes -------------------------------------------------------------------------------------


class Basis:
    """Vectors over GF(2) as Python integers, echelon by highest bit."""

    def __init__(self):
        self.rows = {}

    def reduced(self, vector):
        while vector and vector.bit_length() in self.rows:
            vector ^= self.rows[vector.bit_length()]
        return vector

    def add(self, vector):
        left = self.reduced(vector)
        if left:
            self.rows[left.bit_length()] = left
        return bool(left)


def scrambled(generator, n, k):
    """A code known by its generator matrix: (checks in disorder and with repeats, G)."""
    parts = generator.integers(0, 2, (k, n - k))
    order = generator.permutation(n)
    full = np.concatenate([np.eye(k, dtype=int), parts], axis=1)[:, order]
    check = np.concatenate([parts.T, np.eye(n - k, dtype=int)], axis=1)[:, order]
    mix = np.tril(generator.integers(0, 2, (n - k, n - k)), -1) + np.eye(n - k, dtype=int)
    check = mix @ check % 2
    return np.concatenate([check, check[:2].sum(axis=0, keepdims=True) % 2]), full


@pytest.mark.parametrize(
    ("n", "k"), [(63, 62), (65, 63), (70, 64), (130, 65), (130, 128), (200, 30), (300, 150)]
)
def test_codes_across_word_boundaries(n, k):
    generator = np.random.default_rng(n * 1000 + k)
    check, full = scrambled(generator, n, k)
    offset = generator.integers(0, 2, n)
    law = linear_code(check, syndrome=check @ offset % 2)
    assert law.dimension == k
    columns = [int("".join(map(str, column)), 2) for column in full.T.tolist()]
    words = (generator.integers(0, 2, (8, k)) @ full + offset) % 2
    assert (law.log2_probability(words) == -k).all()
    for word, share in zip(words, [0, 0.1, 0.3, 0.5, 0.6, 0.8, 0.95, 1], strict=True):
        revealed = generator.random(n) < share
        basis = Basis()
        implied = [i for i in np.flatnonzero(revealed) if not basis.add(columns[i])]
        canvas = np.where(revealed, word, -1).astype(np.int32)
        marginals = law.marginals(canvas)[0]
        for i in np.flatnonzero(~revealed):
            determined = basis.reduced(columns[i]) == 0
            expected = [float(word[i] == v) if determined else 0.5 for v in (0, 1)]
            assert marginals[i].tolist() == expected
        assert law._log2_mass(canvas[None]).tolist() == [-len(basis.rows)]
        assert law._completions(canvas[None]).tolist() == [2.0 ** (k - len(basis.rows))]
        assert law.entropy(np.flatnonzero(revealed)) == len(basis.rows)
        for i in implied[:3]:
            wrong = canvas.copy()
            wrong[i] ^= 1
            assert law._log2_mass(wrong[None]).tolist() == [-math.inf]
            assert law._completions(wrong[None]).tolist() == [0]
            hidden = np.flatnonzero(~revealed)
            assert not law._laws(wrong[None], np.zeros(len(hidden), np.int64), hidden).any()
    drawn = law.sample(200, seed=1)
    assert not ((drawn + offset) @ check.T % 2).any()
    assert len(np.unique(drawn, axis=0)) == 200
    assert abs(drawn.mean() - 0.5) < 0.02


def test_thousands_of_positions():
    law = parity(10_000)
    assert information.total_correlation(law) == 1.0
    assert information.dual_total_correlation(law) == 9999.0
    canvas = law.sample(1, seed=0)
    assert canvas.sum() % 2 == 0
    last = int(canvas[0, 5000])
    canvas[0, 5000] = -1
    assert law.marginals(canvas)[0, 5000].tolist() == [1.0 - last, float(last)]
    assert law._log2_mass(canvas).tolist() == [-9999.0]
    canvas[0, 77] = -1
    assert law.marginals(canvas)[0, [77, 5000]].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert law._completions(np.full((1, 10_000), -1)).tolist() == [math.inf]
    assert "about 10^" in repr(law)
    generator = np.random.default_rng(3)
    check = generator.integers(0, 2, (1000, 2000))
    law = linear_code(check)
    words = law.sample(20, seed=2)
    assert not (words @ check.T % 2).any()
    hidden = generator.random(words.shape) < 0.4
    canvases = np.where(hidden, -1, words).astype(np.int32)
    marginals = law.marginals(canvases)
    np.testing.assert_array_equal(marginals.argmax(axis=2), words)
    assert marginals.min() == 0.0


# Kernels ----------------------------------------------------------------------------------------


KERNELS = (
    "code_laws_into",
    "code_ranks_into",
    "complete_words_into",
    "reduce_into",
    "subset_ranks_into",
)


@pytest.mark.parametrize("n", [4, 70, 140])
def test_kernels_run_plain(n, monkeypatch):
    generator = np.random.default_rng(n)
    checks = generator.integers(0, 2, (4, n))
    compiled = linear_code(checks)
    words = compiled.sample(6, seed=0)
    canvases = np.where(generator.random(words.shape) < 0.1, -1, words).astype(np.int32)
    canvases[0] = -1
    canvases[1, -1] ^= 1
    pairs = np.nonzero(canvases < 0)
    subsets = linear_code(checks[:, :4])._subset_entropies()
    for name in ("_highest", "_reduce", "insert", "_restrict", "_reveal"):
        monkeypatch.setattr(codes, name, getattr(codes, name).py_func)
    for name in KERNELS:
        monkeypatch.setattr(_codes, name, getattr(codes, name).py_func)
    plain = linear_code(checks)
    np.testing.assert_array_equal(plain.generator, compiled.generator)
    np.testing.assert_array_equal(plain.sample(6, seed=0), words)
    np.testing.assert_array_equal(plain._log2_mass(canvases), compiled._log2_mass(canvases))
    np.testing.assert_array_equal(plain._laws(canvases, *pairs), compiled._laws(canvases, *pairs))
    np.testing.assert_array_equal(linear_code(checks[:, :4])._subset_entropies(), subsets)


@given(generator=seeds, n=st.integers(1, 80), rows=st.integers(0, 6))
def test_a_reduced_system_stays_reduced(generator, n, rows):
    words = n // 64 + 1
    equations, leads = np.zeros((rows, words), np.uint64), np.zeros(rows, np.int64)
    basis, count, known = Basis(), 0, {0}
    for _ in range(rows):
        bits = generator.random(n + 1) < generator.choice([0.02, 0.5])
        value = sum(1 << int(i) for i in np.flatnonzero(bits))
        row = np.array([value >> 64 * w & (1 << 64) - 1 for w in range(words)], np.uint64)
        left = basis.reduced(value)
        lead = codes.insert(row, equations, leads, count)
        assert (lead == -1) == (value in known)
        assert (lead == 0) == (left == 1)
        if lead <= 0:
            continue
        assert basis.add(value)
        known |= {other ^ value for other in known}
        count += 1
        values = [sum(int(x) << 64 * w for w, x in enumerate(e)) for e in equations[:count]]
        assert [v.bit_length() - 1 for v in values] == leads[:count].tolist()
        assert all(v in known for v in values)
        for a, b in ((a, b) for a in range(count) for b in range(count) if a != b):
            assert not values[a] >> int(leads[b]) & 1


# Refusals ---------------------------------------------------------------------------------------


REFUSED = {
    "one axis": ([1, 0], None, "check must have 2 axes"),
    "no columns": ([[], []], None, "check must have 1 to 10,000 columns, got 0"),
    "long": (np.zeros((1, 10_001), int), None, "must have 1 to 10,000 columns, got 10,001"),
    "tall": (
        np.zeros((5_001, 10_000), np.int8),
        None,
        r"check must have at most 50,000,000 entries, got shape \(5001, 10000\)",
    ),
    "not bits": ([[0, 1], [1, 2]], None, r"check must hold 0 and 1, got 2 at \[1, 1\]"),
    "negative": ([[0, -1]], None, r"check must hold 0 and 1, got -1 at \[0, 1\]"),
    "halves": ([[0, 0.5]], None, "check must hold integers"),
    "ragged": ([[0, 1], [1]], None, "check must be a rectangular array"),
    "short syndrome": (
        [[0, 1], [1, 1]],
        [1],
        "syndrome must have one bit for each of 2 rows of check, got 1",
    ),
    "syndrome of twos": ([[0, 1]], [2], r"syndrome must hold 0 and 1, got 2 at \[0\]"),
    "syndrome of rows": ([[0, 1]], [[1]], "syndrome must have 1 axes"),
    "contradiction": (
        [[0, 1, 1], [1, 1, 0], [0, 0, 1], [1, 0, 1]],
        [0, 1, 0, 0],
        "syndrome must be the H y of some word y, but row 3 of check",
    ),
    "zero row": ([[0, 0], [1, 1]], [1, 0], "row 0 of check, which is zero or a sum of rows before"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_codes_are_refused(case):
    check, syndrome, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        linear_code(check, syndrome=syndrome)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="check must hold integers"):
        linear_code([["a"]])
    with pytest.raises(TypeError, match="name must be a string, got 5"):
        linear_code([[0, 1]], name=5)


def test_bad_parities_are_refused():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        parity(0)
    with pytest.raises(ValueError, match="n must be at most 10000, got 10001"):
        parity(10_001)
    with pytest.raises(TypeError, match="odd must be True or False, got 1"):
        parity(3, odd=1)


@given(sample=samples(), data=st.data())
def test_an_impossible_syndrome_is_refused_exactly_when_it_is_impossible(sample, data):
    law, _ = sample
    assume(len(law.check))
    syndrome = data.draw(st.lists(st.integers(0, 1), min_size=len(law.check),
                                  max_size=len(law.check)))  # fmt: skip
    words = words_of(law.check.tolist(), syndrome, law.length)
    if words:
        assert linear_code(law.check, syndrome=syndrome).support_size == len(words)
    else:
        with pytest.raises(ValueError, match="syndrome must be the H y of some word"):
            linear_code(law.check, syndrome=syndrome)


def test_results_cannot_be_changed():
    law = linear_code(HAMMING)
    for array in (law.check, law.syndrome, law.generator, law.word, law.free):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    mine = np.array(HAMMING)
    law = linear_code(mine)
    mine[:] = 0
    assert law.check.tolist() == HAMMING
