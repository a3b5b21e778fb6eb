"""Claims PB-10 to PB-15 through the library, on both sides of every boundary.

A rule that compares a confidence with a threshold is decided by the last bit when the two are
equal, and on the toys they are equal all the time. The values below are exact rationals; the
float path has to reproduce them to 1e-12 and the rational path to the last digit.
"""

import json
import math
from fractions import Fraction

import numpy as np
import pytest

import infodecode
from infodecode import Decoder, distributions
from infodecode.models import LawModel
from infodecode.strategies import Factor, Threshold, TopK
from tests import oracle

NEAR = 1e-9
GREEDY = {"temperature": 0.0}
LOWEST = {"temperature": 0.0, "token_ties": "lowest"}


def check(distribution, strategy, expected, **dialect):
    """Validity in both arithmetics."""
    decoder = Decoder(strategy, **dialect)
    assert infodecode.exact(distribution, decoder).validity == pytest.approx(
        float(expected), rel=0, abs=1e-12
    )
    rational = infodecode.exact(distribution, decoder, arithmetic="rational").validity
    assert isinstance(rational, Fraction | int)
    assert rational == expected


def shuffle_top_k(n, k):
    accuracy = Fraction(1)
    for m in range(n, 0, -k):
        j = min(k, m)
        accuracy *= Fraction(math.perm(m, j), m**j)
    return accuracy


def replace_random_top_k(n, k):
    total, kept = Fraction(0), Fraction(1)
    for m in range(n, 0, -k):
        j = min(k, m)
        total += kept * Fraction(j, m) * Fraction(m - 1, m) ** (j - 1)
        kept *= Fraction(m - 1, m) ** j
    return total


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("by", ["random", "confidence", "margin", "entropy", "left_to_right"])
def test_shuffle_top_k(n, by):
    """PB-10 and PB-11: the product form, at every temperature if token ties are random."""
    d = distributions.permutations(n)
    for k in range(1, n + 1):
        check(d, TopK(k, by=by), shuffle_top_k(n, k))
        check(d, TopK(k, by=by), shuffle_top_k(n, k), **GREEDY)
        check(d, TopK(k, by=by), int(k == 1), **LOWEST)


@pytest.mark.parametrize("n", [6, 7])
def test_shuffle_pairs(n):
    double_factorial = {m: math.prod(range(m, 0, -2)) for m in (n - 1, n)}
    expected = double_factorial[n - 1] / double_factorial[n]
    run = infodecode.exact(distributions.permutations(n), Decoder(TopK(2, by="left_to_right")))
    assert run.validity == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("n", [4, 5, 6, 7, 8])
def test_replace_random_greedy(n, k):
    """PB-12: the size of the last round decides."""
    d, last = distributions.replace_random(n), n % k or k
    for by in ("random", "confidence"):
        check(d, TopK(k, by=by), {1: Fraction(1), 2: Fraction(1, 2)}.get(last, 0), **GREEDY)
        check(d, TopK(k, by=by), int(last == 1), **LOWEST)


@pytest.mark.parametrize(("n", "k", "expected"), [(9, 2, 1), (10, 3, 1), (7, 4, 0)])
def test_replace_random_greedy_against_the_printed_claim(n, k, expected):
    check(distributions.replace_random(n), TopK(k, by="confidence"), expected, **GREEDY)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7])
def test_replace_random_at_temperature_one(n):
    """PB-13."""
    for k in range(1, n + 1):
        check(distributions.replace_random(n), TopK(k, by="random"), replace_random_top_k(n, k))


def test_replace_random_two_of_six():
    check(distributions.replace_random(6), TopK(2, by="random"), Fraction(845, 1152))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_shuffle_threshold(n, temperature):
    """PB-14: M!/M^M with M the most items left at which 1/M passes."""
    d = distributions.permutations(n)
    for items in range(1, n + 1):
        at, below = Fraction(math.factorial(items), items**items), max(items - 1, 1)
        strictly = Fraction(math.factorial(below), below**below)
        gamma = 1 / items
        check(d, Threshold(gamma - NEAR), at, temperature=temperature)
        check(d, Threshold(gamma), strictly, temperature=temperature)
        check(d, Threshold(gamma, inclusive=True), at, temperature=temperature)
        check(d, Threshold(min(gamma + NEAR, 1.0)), strictly, temperature=temperature)


def test_shuffle_threshold_one_half():
    d = distributions.permutations(5)
    check(d, Threshold(0.5), 1)
    check(d, Threshold(0.5, inclusive=True), Fraction(1, 2))


@pytest.mark.parametrize(
    ("gamma", "strict", "inclusive"),
    [
        (0.5 - 2e-12, Fraction(1, 2), Fraction(1, 2)),
        (0.5 - 5e-13, 1, Fraction(1, 2)),
        (0.5 + 5e-13, 1, Fraction(1, 2)),
        (0.5 + 2e-12, 1, 1),
    ],
)
def test_differences_below_the_tolerance_are_ties(gamma, strict, inclusive):
    d = distributions.permutations(4)
    check(d, Threshold(gamma), strict)
    check(d, Threshold(gamma, inclusive=True), inclusive)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7, 10])
def test_replace_random_threshold(n):
    """PB-15, and the flip of gamma = (n - 1)/n under >=."""
    d, gamma = distributions.replace_random(n), (n - 1) / n
    for inclusive in (False, True):
        check(d, Threshold(gamma - NEAR, inclusive=inclusive), 0, **GREEDY)
        check(d, Threshold(gamma + NEAR, inclusive=inclusive), 1, **GREEDY)
    check(d, Threshold(gamma), 1, **GREEDY)
    check(d, Threshold(gamma, inclusive=True), 0, **GREEDY)


def test_replace_random_factor_one():
    """6 (1 - 5/6) < 1 is true in floating point; the tolerance makes it false again."""
    d = distributions.replace_random(6)
    check(d, Factor(1.0), Fraction(1125, 1296))
    above = infodecode.exact(d, Decoder(Factor(1.0 + NEAR))).validity
    assert above == pytest.approx(0.8038, abs=5e-5)


@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_factor_boundaries_on_replace_random(m):
    """At confidence (n - 1)/n exactly m positions pass when factor is just above (m + 1)/n."""
    n = 6
    d = distributions.replace_random(n)
    law = oracle.replace_random(n)
    for strategy, factor in (
        (Factor((m + 1) / n), Fraction(m + 1, n)),
        (Factor((m + 1) / n + NEAR), Fraction(m + 1, n) + Fraction(1, 10**9)),
    ):
        expected = oracle.validity(law, oracle.decode(law, oracle.Factor(factor)))
        check(d, strategy, expected)


class Independent(LawModel):
    """Position i shows token 0 with a given confidence, and four more that share the rest."""

    def __init__(self, confidences):
        self.alphabet_sizes = (5,) * len(confidences)
        c = np.array(confidences, dtype=float)[:, None]
        self._table = np.hstack([c, np.repeat((1 - c) / 4, 4, axis=1)])

    def laws(self, canvases, rows, positions):
        return self._table[positions]


def first_commits(confidences, strategy):
    trace = infodecode.decode(Independent(confidences), Decoder(strategy, **GREEDY))
    return np.flatnonzero(trace.canvases[1, 0] != -1).tolist()


@pytest.mark.parametrize(
    ("confidences", "factor", "published", "shipped"),
    [
        ([0.9], 0.1, [0], [0]),
        ([0.9, 0.6], 1.0, [0], [0, 1]),
        ([0.6, 0.9], 1.0, [1], [0, 1]),
        ([0.3, 0.9, 0.9], 1.0, [1, 2], [0, 1, 2]),
        ([0.99, 0.3, 0.9, 0.25], 1.0, [0, 2], [0, 2]),
        ([0.25, 0.5, 0.25], 1.0, [1], [1]),
        ([1.0, 1.0, 1.0], 0.01, [0, 1, 2], [0, 1, 2]),
        ([0.95, 0.81, 0.79, 0.8, 0.3], 0.8, [0, 1], [0, 1, 3]),
        ([0.95, 0.81, 0.79, 0.81, 0.3], 0.8, [0, 1, 3], [0, 1, 3]),
        ([0.95, 0.81, 0.84, 0.845, 0.3], 0.8, [0, 2, 3], [0, 2, 3]),
    ],
)
def test_factor_steps(confidences, factor, published, shipped):
    assert first_commits(confidences, Factor(factor)) == published
    assert first_commits(confidences, Factor(factor, as_shipped=True)) == shipped


def test_factor_against_recorded_steps(golden):
    for row in json.loads((golden / "factor_steps.json").read_text()):
        confidences, factor = row["confidences"], row["factor"]
        published = first_commits(confidences, Factor(factor))
        shipped = first_commits(confidences, Factor(factor, as_shipped=True))
        assert published == sorted(row["selected_published"]), row
        assert shipped == sorted(row["selected_code"]), row


@pytest.mark.parametrize(
    ("sizes", "n", "commits"),
    [((3, 1), 6, [3, 1, 1, 1]), ((1, 2), 6, [1, 2, 2, 1]), ((2, 1, 2), 8, [2, 1, 2, 2, 1])],
)
def test_the_last_size_repeats(sizes, n, commits):
    trace = infodecode.decode(distributions.permutations(n), Decoder(TopK(sizes, by="random")))
    visible = (trace.canvases[:, 0] != -1).sum(axis=1)
    assert np.diff(visible).tolist() == commits
