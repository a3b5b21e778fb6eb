"""Pass@k: exact, estimated, along a chain; the toy problems it is measured on."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, distributions, exact, strategies
from infodecode.exploration import (
    Problem,
    chain_pass,
    exact_chain,
    pass_at_k,
    pass_at_k_estimate,
    sum_problem,
    trap_problems,
)
from infodecode.token_rules import ExactPower

KS = (1, 2, 3, 10, 1024)


@given(st.lists(st.fractions(0, 1, max_denominator=50), min_size=1, max_size=4))
def test_it_is_the_mean_over_prompts(successes):
    expected = [sum(1 - (1 - s) ** k for s in successes) / len(successes) for k in KS]
    assert pass_at_k(successes, KS).tolist() == expected
    floats = pass_at_k([float(s) for s in successes], KS)
    assert floats == pytest.approx([float(e) for e in expected], rel=1e-13)
    assert (np.diff(floats) >= 0).all()


def test_small_and_large_probabilities_keep_their_digits():
    assert pass_at_k(1e-18, 1024) == pytest.approx(1.024e-15, rel=1e-14)
    assert pass_at_k([1e-300], 2) == pytest.approx(2e-300, rel=1e-14)
    assert pass_at_k(1.0, 1) == pass_at_k([1], 7) == 1.0
    assert pass_at_k(0.0, 10**6) == 0.0
    assert 1 - pass_at_k(1e-3, 20_000) == pytest.approx((1 - 1e-3) ** 20_000, rel=1e-6)


def test_one_number_or_an_array():
    assert isinstance(pass_at_k(0.5, 2), float)
    assert pass_at_k(Fraction(1, 2), 2) == Fraction(3, 4)
    assert isinstance(pass_at_k([Fraction(1, 2), 0.5], 2), float)
    assert pass_at_k(np.array([0.5, 0.25]), np.array([1, 2])).tolist() == [0.375, 0.59375]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([0.5, 1.2], 1), ValueError, r"successes\[1\] must be at most 1"),
        (([-0.1], 1), ValueError, r"successes\[0\] must be at least 0"),
        (([], 1), ValueError, "at least one prompt"),
        (([math.nan], 1), ValueError, "finite"),
        (([0.5], 0), ValueError, "k must be at least 1"),
        (([0.5], [1, 0]), ValueError, r"k\[1\] must be at least 1"),
        (([0.5], 1.5), TypeError, "k must be a sequence"),
        (("0.5", 1), TypeError, "successes must be a sequence"),
    ],
)
def test_refusals(arguments, error, words):
    with pytest.raises(error, match=words):
        pass_at_k(*arguments)


def binomial(n, c, s):
    return math.comb(n, c) * s**c * (1 - s) ** (n - c)


@pytest.mark.parametrize("s", [Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)])
@pytest.mark.parametrize(("n", "k"), [(6, 1), (6, 3), (6, 6), (9, 4)])
def test_the_estimate_has_no_bias_and_is_that_of_chen(n, k, s):
    mean = 0.0
    for c in range(n + 1):
        value = pass_at_k_estimate(c, n, k).value
        printed = 1 - Fraction(math.comb(n - c, k), math.comb(n, k))
        assert value == pytest.approx(float(printed), abs=1e-14)
        mean += float(binomial(n, c, s)) * value
    assert mean == pytest.approx(float(pass_at_k(s, k)), abs=1e-13)


@pytest.mark.parametrize("prompts", [(0.02, 0.5), (0.1, 0.9)])
@pytest.mark.parametrize("k", [1, 4])
def test_intervals_cover_as_claimed_where_prompts_are_fixed(prompts, k):
    """Every pair of counts with its probability."""
    n, truth, covered = 20, pass_at_k(prompts, k), 0.0
    for counts in itertools.product(range(n + 1), repeat=2):
        found = pass_at_k_estimate(counts, n, k, confidence=0.9)
        chance = math.prod(binomial(n, c, s) for c, s in zip(counts, prompts, strict=True))
        covered += chance * (found.low <= truth <= found.high)
    assert covered >= 0.9


def test_intervals_over_sampled_prompts():
    shares = np.array([0.0, 0.1, 0.1, 0.6, 1.0])
    found = pass_at_k_estimate((10 * shares).astype(int), 10, 1, prompts="sampled")
    half = 1.959964 * shares.std(ddof=1) / math.sqrt(5)
    assert (found.value, found.high) == pytest.approx((0.36, 0.36 + half), abs=1e-6)
    one = pass_at_k_estimate([3], [10], 2, prompts="sampled")
    assert (one.low, one.high) == (-math.inf, math.inf)


def test_large_counts_and_different_ones():
    assert pass_at_k_estimate(1, 10**6, 10).value == pytest.approx(1e-5, rel=1e-12)
    found = pass_at_k_estimate([1, 2], [4, 8], 2)
    assert found.value == pytest.approx((1 - 3 / 6 + 1 - 15 / 28) / 2)
    assert pass_at_k_estimate([0, 0], 5, 5).value == 0
    assert str(pass_at_k_estimate(0, 5, 5).value) == "0.0"


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (([3], 2, 1), {}, r"correct\[0\] must be at most the 2 samples"),
        (([1, 1], [4, 2], 3), {}, r"samples\[1\] must be at least k=3"),
        (([1, 1], [4, 2, 2], 1), {}, "one per prompt"),
        (([], 2, 1), {}, "at least one prompt"),
        (([1], 2, 1), {"prompts": "all"}, "prompts must be one of"),
        (([1], 2, 1), {"confidence": 1.0}, "confidence"),
        (([-1], 2, 1), {}, r"correct\[0\] must be at least 0"),
    ],
)
def test_refused_estimates(arguments, options, words):
    with pytest.raises(ValueError, match=words):
        pass_at_k_estimate(*arguments, **options)


@pytest.mark.parametrize("density", ["marginal", "path"])
def test_a_chain_is_followed_state_by_state(density):
    """All ways to walk, one by one; the proposals leave the support."""
    law = distributions.Table([[0, 0], [0, 1], [1, 0]], [3, 2, 1])
    decoder = Decoder(strategies.TopK(2))
    chain = exact_chain(law, decoder, density=density)
    right = [[1, 0]]
    states = [tuple(row) for row in chain.outcomes.tolist()]
    stay = 1 - chain.entry.sum()
    moves = np.zeros((len(states) + 1,) * 2)
    moves[:-1, :-1] = chain.transition
    moves[-1, :-1], moves[-1, -1] = chain.entry, stay
    start = np.append(chain.start, 1 - chain.start.sum())
    good = np.array([state == (1, 0) for state in states] + [False])
    expected = []
    for steps in range(4):
        seen = 0.0
        for walk in itertools.product(range(len(start)), repeat=steps + 1):
            chance = start[walk[0]] * math.prod(moves[a, b] for a, b in itertools.pairwise(walk))
            seen += chance * good[list(walk)].any()
        expected.append(seen)
    assert chain_pass(chain, right, 3) == pytest.approx(expected, abs=1e-12)
    assert chain.start.sum() < 1


def test_a_chain_that_takes_everything_draws_independently():
    law = distributions.Table([[0, 0], [0, 1], [1, 0]], [3, 2, 1])
    chain = exact_chain(law, Decoder(strategies.OneByOne()), arithmetic="rational")
    draws = [pass_at_k(Fraction(1, 6), k) for k in range(1, 5)]
    assert chain_pass(chain, [[1, 0]], 3).tolist() == draws
    assert chain_pass(chain, law.outcomes, 2).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match=r"possible under .*\[1, 1\] in row 1"):
        chain_pass(chain, [[1, 0], [1, 1]], 3)
    with pytest.raises(ValueError, match="steps"):
        chain_pass(chain, [[1, 0]], -1)


def test_a_problem_is_what_it_says():
    problem = sum_problem(3, trap=Fraction(1, 4), careless=Fraction(1, 4))
    law = problem.law
    rows, share = law.outcomes, law.probabilities
    right = rows.sum(axis=1) == 3
    assert problem.accepts(rows).tolist() == right.tolist()
    assert right.sum() == len(problem.correct) == 10
    assert share[right] == pytest.approx(np.full(10, 0.05))
    assert share[(rows == 4).all(axis=1)] == pytest.approx([0.25])
    loose = (rows[:, 0] == 5) & ~right
    assert loose.sum() == 36
    assert share[loose].sum() == pytest.approx(0.25)
    assert law.integer
    assert len(rows) == 47
    assert problem.success(law) == Fraction(1, 2)
    assert law.labels[0] == ("0", "1", "2", "3", "4", "5")
    assert problem.prompt == "3 digits up to 5 that add up to 3"
    assert "10 right answers" in repr(problem)


@pytest.mark.parametrize("alpha", [0.5, 2, 4])
@pytest.mark.parametrize(("total", "trap"), [(1, 0.3), (4, 0.1), (13, 0.5), (7, 0.2)])
def test_success_of_power_laws_by_formula(total, trap, alpha):
    """The equation of the docstring; 13 opens with 0, the others with 5."""
    problem = sum_problem(total, trap=trap, careless=0.4)
    number = len(problem.correct)
    loose = 36 - int((problem.correct[:, 0] == (5 if total <= 7 else 0)).sum())
    right = number ** (1 - alpha) * (0.6 - trap) ** alpha
    other = trap**alpha + loose ** (1 - alpha) * 0.4**alpha
    target = distributions.power(problem.law, alpha)
    assert float(problem.success(target)) == pytest.approx(right / (right + other))
    run = exact(problem.law, Decoder(strategies.OneByOne(), tokens=ExactPower(alpha)))
    assert float(problem.success(run.output)) == pytest.approx(right / (right + other))


def test_rational_runs_have_rational_pass():
    problem = sum_problem(1)
    run = exact(problem.law, Decoder(strategies.OneByOne()), arithmetic="rational")
    share = problem.success(run.output)
    assert share == Fraction(3, 10)
    assert pass_at_k([share], 2) == Fraction(51, 100)


def test_success_on_laws_without_a_table():
    problem = sum_problem(2, digits=2, base=3, trap=0, careless=0)
    chain = distributions.markov_chain(np.full((3, 3), 1 / 3), length=2)
    assert problem.success(chain) == pytest.approx(3 / 9)


def test_the_family_traps_confident_decoders():
    problems = trap_problems()
    shares = [float(p.success(p.law)) for p in problems]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 0.6
    hardest = problems[-1]
    trap = hardest.law.outcomes[np.argmax(hardest.law.weights)]
    first = strategies.OneByOne("confidence")
    greedy = exact(hardest.law, Decoder(first, temperature=0))
    assert greedy.outcomes.tolist() == [trap.tolist()]
    drawn = exact(hardest.law, Decoder(first, order="sample-then-choose")).output
    among = {tuple(y): p for y, p in zip(drawn.outcomes, drawn.probabilities, strict=True)}
    assert among[tuple(trap)] > 0.85 > hardest.law.probabilities.max()
    assert float(hardest.success(drawn)) < shares[-1] / 3


def test_a_trap_is_never_right_nor_careless():
    for digits, base in ((2, 3), (3, 6), (2, 4)):
        for total in range(digits * (base - 1) + 1):
            problem = sum_problem(total, digits=digits, base=base, careless=Fraction(1, 4))
            assert problem.success(problem.law) == Fraction(9, 20)
            assert (problem.correct.sum(axis=1) == total).all()
            assert (problem.law.probabilities > 0.29).sum() >= 1


def test_float_shares_are_read_as_written():
    assert sum_problem(2, trap=0.3).success(sum_problem(2, trap=0.3).law) == Fraction(3, 10)
    fine = sum_problem(2, trap=math.pi / 10)
    assert float(fine.success(fine.law)) == pytest.approx(0.6 - math.pi / 10, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sum_problem(16), ValueError, "total must be at most 15"),
        (lambda: sum_problem(3, trap=0.6), ValueError, "leave room for right answers"),
        (lambda: sum_problem(3, trap=1), ValueError, "trap must be less than 1"),
        (lambda: sum_problem(3, careless=-0.1), ValueError, "careless must be at least 0"),
        (lambda: sum_problem(3, digits=1), ValueError, "digits must be at least 2"),
        (lambda: sum_problem(3, base=2), ValueError, "base must be at least 3"),
        (lambda: sum_problem(3, digits=9), ValueError, r"at most 65,536, got 6\*\*9"),
        (lambda: trap_problems(()), ValueError, "at least one prompt"),
        (
            lambda: sum_problem(3).success(distributions.permutations(3)),
            ValueError,
            "output must have the alphabets",
        ),
        (
            lambda: Problem("?", distributions.permutations(2).table(), [[0, 2]]),
            ValueError,
            "correct must hold",
        ),
    ],
)
def test_refused_problems(call, error, words):
    with pytest.raises(error, match=words):
        call()
