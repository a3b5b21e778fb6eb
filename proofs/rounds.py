"""From Bits to Rounds: the theorem, its two forms, and the rounds it does not cover."""

from __future__ import annotations

import math
from fractions import Fraction

import sympy as sp

from infodecode import Decoder, distributions, exact, min_rounds
from infodecode.strategies import Factor, FixedPartition, Threshold
from proofs import exact_bits, examples, factor_rule, searches
from proofs.claim import Check, Claim, demand

PAPER = "From Bits to Rounds"
k, f, x = sp.symbols("k f x", positive=True)


def nonnegative(expression: sp.Expr, why: str) -> None:
    """Demand a form in which the sign can be read off the symbols' own signs."""
    demand(sp.simplify(expression).is_nonnegative, f"{why}: {expression}")


# Fréchet, and what a round under the rule can carry


def frechet() -> str:
    """P(A and B) - (P(A) + P(B) - 1) is P(neither); then one event more at a time."""
    both, only_a, only_b, neither = sp.symbols("both only_a only_b neither", nonnegative=True)
    total = both + only_a + only_b + neither
    slack = both - ((both + only_a) + (both + only_b) - total)
    demand(sp.expand(slack - neither) == 0, f"two events: slack is {slack}")
    missed, c = sp.symbols("missed c")
    step = ((1 - missed) + c - 1) - (1 - (missed + 1 - c))
    demand(sp.expand(step) == 0, f"step: {step}")
    return "slack of two events = P(neither) >= 0; the step adds 1 - c to the misses"


def round_information() -> str:
    """1 - k f/(k+1) is what Fréchet leaves, falls with k, and stays above 1 - f."""
    left = 1 - k * f / (k + 1)
    demand(sp.simplify(sp.diff(left, k) + f / (k + 1) ** 2) == 0, "derivative in k")
    demand(sp.simplify(left - (1 - f) - f / (k + 1)) == 0, "distance to 1 - f")
    return "d/dk a = f/(k+1)^2 / (1 - kf/(k+1)) > 0 and 1 - kf/(k+1) - (1-f) = f/(k+1) > 0"


def void_from_one_on() -> str:
    """For f >= 1 the logarithm of 1 - f is not there; large rounds carry anything."""
    left = 1 - k * f / (k + 1)
    demand(left.subs({k: 1, f: 2}) == 0, "f = 2, one token")
    demand(sp.limit(left.subs(f, 1), k, sp.oo) == 0, "f = 1, many tokens")
    answer = min_rounds(10.0, 1.5, 32)
    demand(answer.rounds is not None and answer.rounds >= 1, "the exact form still answers")
    return f"at f = 1 a(k) is unbounded in k; min_rounds(10 bits, f = 1.5, 32) = {answer.rounds}"


# The linear form


def tangent() -> str:
    """ln(1+x) <= x/sqrt(1+x) <= x, both with equality at x = 0 only."""
    root = sp.sqrt(1 + x)
    slope = sp.diff(x / root - sp.log(1 + x), x)
    square = ((2 + x) / 2) ** 2 - (1 + x)
    demand(sp.simplify(slope - ((2 + x) / 2 - root) / (1 + x) ** sp.Rational(3, 2)) == 0, "slope")
    demand(sp.expand(square - x**2 / 4) == 0, "((2+x)/2)^2 - (1+x) = x^2/4")
    return "the slope of the difference has the sign of (2+x)/2 - sqrt(1+x) >= 0"


def linear_up_to_one() -> str:
    """g(k) <= k f/(k+1-f) by ln(1+x) <= x, and that is at most f exactly for f <= 1."""
    above = k * f / (k + 1 - f)
    demand(sp.simplify((k + 1) / (k + 1 - f) - 1 - f / (k + 1 - f)) == 0, "x = f/(k+1-f)")
    demand(sp.simplify((f - above) * (k + 1 - f) - f * (1 - f)) == 0, "f - bound")
    return "f - kf/(k+1-f) = f(1-f)/(k+1-f), which is >= 0 exactly for f <= 1"


def budget_beyond_one() -> str:
    """For k >= 2, g(k) <= f while f <= 2 - 1/(k+1); beyond, g(1) - g(k) is positive and grows."""
    bound_square = (k + 1) * (k + 1 - f) - k**2
    demand(sp.expand(bound_square - (2 * k + 1 - (k + 1) * f)) == 0, "k^2 <= (k+1)(k+1-f)")
    growth = 1 / (2 - f) - k / (k + 1 - f)
    demand(
        sp.simplify(growth - (k - 1) * (f - 1) / ((2 - f) * (k + 1 - f))) == 0, "d/df g(1) - g(k)"
    )
    demand(6 * 16 > 81, "k = 2 at f = 5/3: g(1) = ln 6 > g(2) = 2 ln(9/4), as 6 > 81/16")
    demand(Fraction(272, 100) ** 2 < 8, "k >= 3: g(1) >= ln 8 > 2 > f, as 8 > 2.72^2 > e^2")
    demand(sp.limit(k * sp.log((k + 1) / (k + 1 - f)), k, sp.oo) == f, "g(k) -> f")
    return "sup over k of g(k) is max(f, ln(2/(2-f))) for every f in (0, 2)"


def crossover() -> str:
    """The one root of 2 - f = 2 e^-f in (1, 2), between two rationals."""
    low, high = Fraction(159362426, 10**8), Fraction(159362427, 10**8)
    slope = sp.diff(sp.log(2 / (2 - f)) - f, f)
    demand(sp.simplify(slope - (f - 1) / (2 - f)) == 0, "the difference falls, then rises")
    demand(2 - low > 2 / _exp(low, up=False), "below the root")
    demand(2 - high < 2 / _exp(high, up=True), "above the root")
    return "2 - f = 2 e^-f at f in (1.59362426, 1.59362427)"


def _exp(value: Fraction, *, up: bool) -> Fraction:
    """A rational bound of e^value for 0 < value < 2, to about 1e-16."""
    total = term = Fraction(1)
    for n in range(1, 30):
        term = term * value / n
        total += term
    return total + term if up else total


# The theorem, and the rounds outside the rule


def shuffle_twenty() -> str:
    """Shuffle of 20, f = 1/2: every round is forced, T = 20, printed 85 (61 by Fréchet alone)."""
    law = distributions.permutations(20)
    run = exact(law, Decoder(Factor(0.5)))
    demand(run.expected_rounds == 20, f"T = {run.expected_rounds}")
    for masked in range(2, 21):
        demand(2 * (1 - Fraction(1, masked)) > Fraction(1, 2), "forced while two are masked")
    half = _exp(Fraction(1, 2), up=True)
    demand(math.factorial(20) > half**84, "20! > e^42: the linear form says more than 84")
    demand(math.factorial(20) > 2**61, "20! > 2^61: the Fréchet form says more than 61")
    return "T = 20 always; 20! > e^(84/2) and 20! > 2^61"


def corrected() -> str:
    """T = |N| + |E|, and the rounds of E alone are held against their own tokens."""
    n_rounds, e_rounds, budget, surprisal = sp.symbols("N E G s", positive=True)
    bound = n_rounds + surprisal / budget
    demand(
        sp.simplify((n_rounds + e_rounds) - bound - (e_rounds - surprisal / budget)) == 0,
        "T - bound = |E| - s/G, and s <= |E| G",
    )
    i_all, i_n, i_e, log_c = sp.symbols("I I_N I_E log_c", real=True)
    eps = log_c + i_e
    demand(sp.expand((i_all - i_n - eps).subs(i_all, i_n + i_e) + log_c) == 0, "I - I_N - eps_E")
    return "T - bound = |E| - (sum over E of -ln c)/G >= 0; on support I - I_N - eps_E is that sum"


def exact_minimum() -> str:
    """Length 32, 10 nats: the least rounds by dynamic programming over sizes, in fractions."""

    def enough(left: Fraction) -> bool:
        return left * _exp(Fraction(1), up=False) ** 10 <= 1

    factors = (Fraction(8, 10), Fraction(95, 100), Fraction(1, 2))
    found = [factor_rule.least_rounds(factor, 32, enough) for factor in factors]
    demand(found == [12, 7, None], f"found {found}")
    ours = [min_rounds(10 / math.log(2), float(factor), 32).rounds for factor in factors]
    demand(ours == found, f"min_rounds says {ours}")
    return "f = .8: 12 rounds, f = .95: 7, f = .5: infeasible; min_rounds agrees"


# Greedy equivalence


def greedy() -> str:
    """P(mode) >= 1 - n f/(n+1); any other outcome misses one mode, so at most f/(n+1)."""
    gap = (1 - k * f / (k + 1)) - f / (k + 1)
    demand(sp.simplify(gap - (1 - f)) == 0, f"gap {gap}")
    return "P(mode) - P(other) >= 1 - f: the joint mode for f <= 1, the only one for f < 1"


def distance() -> str:
    """TV <= 1 - min(P(mode), product of c) <= sum (1 - c); copies of a rare bit attain it."""
    c, d = sp.symbols("c d", nonnegative=True)
    nonnegative((c * d - (1 - (1 - c) - (1 - d))).subs({c: 1 - x, d: 1 - k}), "two factors")
    more = sp.symbols("j", nonnegative=True, integer=True)
    copies = more + 2
    distance_of = 1 - (1 - x) ** copies - x**copies  # one of two values, x the rarer
    demand(sp.simplify(distance_of.subs(x, 0)) == 0, "0 at x = 0")
    slope = sp.limit(sp.diff(distance_of, x), x, 0, "+")
    demand(sp.simplify(slope - copies) == 0, f"slope {slope}")
    return "(1-a)(1-b) - (1-a-b) = ab >= 0; for k >= 2 copies TV/(k eps) -> 1, by the slope at 0"


# Examples


def names_first() -> str:
    """Profile records: the name, then everything else, in two rounds and without error."""
    law = distributions.profile_records(20)
    masses = exact_bits.law_of(law)
    surest = [max(exact_bits.marginal(masses, [i]).values()) for i in range(law.length)]
    demand(surest[0] == min(surest) < max(surest), f"confidences {surest}")
    first = exact(law, Decoder(FixedPartition(((0,), (1, 2, 3)))), arithmetic="rational")
    demand(first.kl == 0 and first.expected_rounds == 2, "name first")
    cautious = exact(law, Decoder(Threshold(0.9)), arithmetic="rational")
    demand(cautious.kl == 0 and cautious.expected_rounds > 3, "confidence first")
    return (
        f"the name has the least confidence, {surest[0]} against up to {max(surest)}; 2 rounds "
        f"against {cautious.expected_rounds} by confidence above .9, both without error"
    )


def identifiers() -> str:
    """Variable names: any one slot of an identifier fixes its other slots."""
    law = distributions.variable_names()
    first = exact(law, Decoder(FixedPartition(_one_slot_each(law))), arithmetic="rational")
    demand(first.kl == 0 and first.expected_rounds == 2, f"kl {first.kl}")
    cautious = exact(law, Decoder(Threshold(0.9)), arithmetic="rational")
    demand(cautious.expected_rounds > 2, "confidence first")
    return f"2 rounds against {cautious.expected_rounds} by confidence above .9, both without error"


def _one_slot_each(law: distributions.Joint) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A slot of every identifier, and the slots that these determine."""
    from infodecode import entropy

    first: list[int] = []
    for i in range(law.length):
        if entropy(law, (i,), given=tuple(first)) > 0:
            first.append(i)
    return tuple(first), tuple(i for i in range(law.length) if i not in first)


CLAIMS = (
    Claim(
        "BR-1",
        "The factor rule: (n_t + 1)(1 - c_i) <= f for every token committed in a round of n_t.",
        f"{PAPER}, Assumption 3.1 (after Fast-dLLM)",
        "conditional",
        "An assumption on decoders. The factor strategy meets it in rounds that pass, when the "
        "committed token is the likeliest one; not in rounds that force a position, nor when an "
        "off-mode token is drawn (BR-5).",
        (
            Check("Rounds that pass.", "symbolic", factor_rule.greedy_rounds_obey),
            Check("Forced and drawn tokens.", "symbolic", factor_rule.other_tokens_do_not),
        ),
    ),
    Claim(
        "BR-2",
        "A round under the rule has mu(x_S | x_U) >= 1 - n f/(n+1), so it carries at most a(n) = "
        "-ln(1 - n f/(n+1)) < -ln(1-f) nats, and T >= I(x)/(-ln(1-f)).",
        f"{PAPER}, Theorem 3.2, equations (8) and (9)",
        "conditional",
        "Proved for 0 < f < 1 with the confidence of the committed token. For f >= 1 the last "
        "form is empty; the sum of a(n) over rounds (BR-6) still says something.",
        (
            Check("Fréchet's inequality, for any number of events.", "induction", frechet),
            Check("a(n) grows with n and stays below its limit.", "symbolic", round_information),
            Check("From f = 1 on there is no limit.", "counterexample", void_from_one_on),
        ),
    ),
    Claim(
        "BR-3",
        "-sum ln c over a round is at most g(n) = n ln((n+1)/(n+1-f)) <= n f/(n+1-f) <= f, so "
        "T >= (I - eps)/f.",
        f"{PAPER}, Theorem 3.2, equations (10) and (11)",
        "conditional",
        "Proved for f <= 1. The last step needs it, but sup_n g(n) = G(f) = max(f, ln(2/(2-f))) "
        "for every f < 2: the bound with f stands up to f = 1.5936, where 2 - f = 2 e^-f, and with "
        "G(f) above.",
        (
            Check("g(n) <= f for f <= 1.", "symbolic", linear_up_to_one),
            Check("A sharper tangent of the logarithm.", "symbolic", tangent),
            Check("G(f) for all f < 2.", "symbolic", budget_beyond_one),
            Check("Where f and G(f) part.", "interval", crossover),
        ),
    ),
    Claim(
        "BR-4",
        "T >= max{(I - eps)/f, I/(-ln(1-f))}.",
        f"{PAPER}, Theorem 3.2, equation (2)",
        "conditional",
        "Proved if every committed token of every round obeys the factor rule, as the assumption "
        "has it, and 0 < f < 1 (the first form up to f = 1, and beyond with G(f): BR-3). Both "
        "constants are the best possible. Decoders that force a token when nothing passes are not "
        "covered: see BR-5.",
        (
            Check("The sum over rounds.", "induction", factor_rule.adding_up),
            Check(
                "Every trace that obeys the rule.",
                "enumeration",
                factor_rule.theorem_on_traces,
                slow=True,
            ),
            Check("No larger constants.", "symbolic", factor_rule.constants_are_sharp),
        ),
    ),
    Claim(
        "BR-5",
        "Theorem 3.2 as a bound on the rounds of confidence decoders, which force the best token "
        "when none passes, or draw an off-mode token.",
        f"{PAPER}, sections 3.1 and 5.1, Figure 4",
        "corrected",
        "The theorem assumes that every round obeys the rule (BR-4), so it does not speak of "
        "decoders with other rounds, on which section 5.1 verifies it; there it can fail either "
        "way. With E the rounds whose committed tokens all obey the rule and N all others, "
        "whatever their label: T >= |N| + (sum over E of -ln c_i)/G(f), also off the support. On "
        "it the sum is I - I_N - eps_E, with I_N the joint surprisal of the rounds N and eps_E "
        "that of E alone; the total eps would claim too much. For f < 1 also T >= |N| + (I - "
        "I_N)/(-ln(1-f)).",
        (
            Check("The corrected bound.", "symbolic", corrected),
            Check(
                "Every trace of small laws.",
                "enumeration",
                factor_rule.correction_on_traces,
                slow=True,
            ),
            Check("Twenty forced rounds, bound 85.", "counterexample", shuffle_twenty),
            examples.check("BR-5-forced"),
            examples.check("BR-5-rare"),
            examples.check("BR-5-shuffle"),
            examples.check("BR-5-total"),
            searches.check("BR-5-forced"),
            searches.check("BR-5-shuffle"),
        ),
    ),
    Claim(
        "BR-6",
        "The least T with sizes n_t >= 1 that add up to L and carry sum a(n_t) >= I.",
        "refinement of From Bits to Rounds, ours",
        "proved",
        "A trace under the rule carries at most sum a(n_t) (BR-2), and some law has one that "
        "carries just this, so that I, L and f alone give no better bound. Found by dynamic "
        "programming over sizes; where no sizes will do, a round outside the rule must occur.",
        (
            Check("Sizes and what they carry.", "enumeration", factor_rule.every_size_is_attained),
            Check("The programme.", "enumeration", factor_rule.programme_finds_the_least),
            Check("Length 32, 10 nats.", "enumeration", exact_minimum),
        ),
    ),
    Claim(
        "BR-7",
        "Under the factor rule with f <= 1 the product of the marginals and the joint law have "
        "the same most probable completion; TV <= sum (1 - c_i).",
        "Fast-dLLM, Theorem 1, as used by From Bits to Rounds",
        "proved",
        "The mode is unique for f < 1 or a strict rule. The bound on TV is attained in the limit.",
        (
            Check("The joint mode.", "symbolic", greedy),
            Check("The distance, and laws that attain it.", "symbolic", distance),
        ),
    ),
    Claim(
        "BR-8",
        "Exploration carries more bits per round than exploitation: 2.8 to 3.3 times its share.",
        f"{PAPER}, section 3, Figures 2 and 4",
        "conditional",
        "An observation on one model and data set, and it is reported as one: the ratio is a "
        "property of the law. On toys it is computed exactly (`python -m toy.rounds`); it is above "
        "1 on those with a name to guess, and below 1 where several likely tokens with some "
        "entropy pass together.",
        (
            Check(
                "Exact ratios on two toys, at f = 1/2.",
                "enumeration",
                factor_rule.forced_rounds_carry_more,
            ),
            examples.check("BR-8"),
        ),
    ),
    Claim(
        "BR-9",
        "Decoding one informative token first can make the rest nearly certain: a name in a "
        "profile record, an identifier in code; confidence takes another one first.",
        f"{PAPER}, Examples 1 and 2",
        "proved",
        "On exact laws of both kinds the informative order takes two rounds without any error.",
        (
            Check("Profile records.", "enumeration", names_first),
            Check("Variable names.", "enumeration", identifiers),
        ),
    ),
)
