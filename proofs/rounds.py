"""From Bits to Rounds: the theorem, its two forms, and the rounds it does not cover."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import sympy as sp

from infodecode import Decoder, distributions, exact, min_rounds
from infodecode.strategies import Factor, FixedPartition, Threshold
from proofs import examples, searches
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


def both_forms_add_up() -> str:
    """Rounds under the rule carry at most a(n) < -ln(1-f), and -sum ln c <= G: sum over rounds."""
    i, eps, t, budget = sp.symbols("i eps t budget", positive=True)
    demand(sp.solve(sp.Eq(i - eps, t * budget), t) == [(i - eps) / budget], "linear form")
    return "I - eps <= T G and I <= -T ln(1-f), whatever the sizes; needs every round in the rule"


def one_token() -> str:
    """One token uniform over 16 values, f = 1/2: one forced round, the printed bound 5.5."""
    law = distributions.Table([[v] for v in range(16)])
    run = exact(law, Decoder(Factor(0.5)), arithmetic="rational")
    demand(run.expected_rounds == 1, "T = 1")
    demand(Fraction(2) * (1 - Fraction(1, 16)) > Fraction(1, 2), "the round is outside the rule")
    demand(_exp(Fraction(1, 2), up=True) ** 5 < 16, "16 > e^(5/2): more than five rounds")
    return "T = 1; ln 16 / f = 5.5 > 1"


def rare_token() -> str:
    """P = (9/10, 1/10), f = 1/2: the position passes, its rare token is drawn: T = 1, bound 4.6."""
    law = distributions.Table([[0], [1]], [9, 1])
    run = exact(law, Decoder(Factor(0.5)), arithmetic="rational")
    demand(Fraction(2) * (1 - Fraction(9, 10)) < Fraction(1, 2), "the position passes the rule")
    demand(Fraction(2) * (1 - Fraction(1, 10)) > Fraction(1, 2), "the drawn token does not")
    demand(run.validity == 1 and run.expected_rounds == 1, "drawn with probability 1/10 in a round")
    demand(_exp(Fraction(1, 2), up=True) ** 4 < 10, "10 > e^2: more than four rounds")
    return "T = 1 with probability 1/10 of the rare token; ln 10 / f = 4.6 > 1"


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


def total_error_is_wrong() -> str:
    """Two copies of a bit drawn at once, then a certain token: the total eps claims too much."""
    rounds, forced = 2, 1
    information = forced_information = Fraction(1)  # of ln 2
    total_eps = Fraction(-2) + 1  # ln(1/4) - ln(1/2), of ln 2
    claimed = (information - forced_information - total_eps) / Fraction(1, 2)
    demand(claimed == 2, "in units of ln 2")
    demand(Fraction(272, 100) < 2**2, "2 ln 2 > 1: forced rounds plus more than one")
    demand(forced + 1 == rounds, "T = 2")
    return "T = 2, while |N| + (I - I_N - eps)/f = 1 + 2 ln 2 = 2.39"


def exact_minimum() -> str:
    """Length 32, 10 nats: the least rounds by dynamic programming over sizes, in fractions."""
    found = [_least_rounds(Fraction(8, 10)), _least_rounds(Fraction(95, 100)),
             _least_rounds(Fraction(1, 2))]  # fmt: skip
    demand(found == [12, 7, None], f"found {found}")
    bits = 10 / math.log(2)
    ours = [min_rounds(bits, factor, 32).rounds for factor in (0.8, 0.95, 0.5)]
    demand(ours == found, f"min_rounds says {ours}")
    return "f = .8: 12 rounds, f = .95: 7, f = .5: infeasible; min_rounds agrees"


@cache
def _least_rounds(factor: Fraction, length: int = 32) -> int | None:
    """Fewest sizes adding up to the length with product of 1 - s f/(s+1) at most e^-10."""
    left = {s: 1 - s * factor / (s + 1) for s in range(1, length + 1)}
    best = {length: Fraction(1)}
    for rounds in range(1, length + 1):
        after: dict[int, Fraction] = {}
        for room, product in best.items():
            for s in range(1, room + 1):
                value = product * left[s]
                if room - s not in after or value < after[room - s]:
                    after[room - s] = value
        best = after
        if 0 in best and best[0] * _exp(Fraction(1), up=False) ** 10 <= 1:
            return rounds
    return None


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
    for copies in (2, 3, 7):
        ratio = (1 - (1 - x) ** copies - x**copies) / (copies * x)
        demand(sp.limit(ratio, x, 0) == 1, f"{copies} copies")
    return "(1-a)(1-b) - (1-a-b) = ab >= 0; for k copies TV/(k eps) -> 1"


# Examples


def efficiency() -> str:
    """The share of bits over the share of rounds of forced rounds, exactly, on two toys."""
    from infodecode.exact_ledger import exact_ledger

    found = []
    for law in (distributions.variable_names(), distributions.replace_random(6)):
        book = exact_ledger(law, Decoder(Factor(0.5)), 0.5, progress=False)
        ratio = float(book.shares()["efficiency"]["forced"])
        demand(ratio > 1, f"{law.name}: forced rounds carry {ratio:.2f} times their share")
        found.append(f"{ratio:.2f} on {law.name}")
    return "; ".join(found)


def names_first() -> str:
    """Profile records: the name, then everything else, in two rounds and without error."""
    law = distributions.profile_records(20)
    first = exact(law, Decoder(FixedPartition(((0,), (1, 2, 3)))), arithmetic="rational")
    demand(first.kl == 0 and first.expected_rounds == 2, "name first")
    cautious = exact(law, Decoder(Threshold(0.9)), arithmetic="rational")
    demand(cautious.kl == 0 and cautious.expected_rounds > 3, "confidence first")
    return f"2 rounds against {cautious.expected_rounds} by confidence above .9, both without error"


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
        (Check("A forced round breaks the rule.", "counterexample", one_token),),
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
        "Proved if every committed token of every round obeys the factor rule (and f < 1). "
        "Decoders that force a token when nothing passes do not: see BR-5.",
        (Check("The sum over rounds.", "symbolic", both_forms_add_up),),
    ),
    Claim(
        "BR-5",
        "Theorem 3.2 as a bound on the rounds of confidence decoders, which force the best token "
        "when none passes, or draw an off-mode token.",
        f"{PAPER}, section 3 and Figure 4",
        "corrected",
        "As printed it fails either way. With E the rounds whose committed tokens all obey the "
        "rule and N all others, whatever their label: T >= |N| + (sum over E of -ln c_i)/G(f), "
        "also off the support. On it the sum is I - I_N - eps_E, with I_N the joint surprisal of "
        "the rounds N and eps_E that of E alone; the total eps would claim too much.",
        (
            Check("A forced token: one round, bound 5.5.", "counterexample", one_token),
            Check("A rare token in a passing position: bound 4.6.", "counterexample", rare_token),
            Check("Twenty forced rounds, bound 85.", "counterexample", shuffle_twenty),
            Check("The corrected bound.", "symbolic", corrected),
            Check("The total error in its place.", "counterexample", total_error_is_wrong),
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
        "Found by dynamic programming over sizes, in fractions against a rational bound of e^-10; "
        "where no sizes will do, a round outside the rule must occur.",
        (Check("Length 32, 10 nats.", "enumeration", exact_minimum),),
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
        "An observation on one model and data set, not a theorem: the ratio is a property of the "
        "law. On toys it is computed exactly (`python -m toy.rounds`).",
        (Check("Exact ratios on two toys, at f = 1/2.", "enumeration", efficiency),),
    ),
    Claim(
        "BR-9",
        "Decoding one informative token first makes the rest nearly certain: a name in a profile "
        "record, an identifier in code.",
        f"{PAPER}, Examples 1 and 2",
        "proved",
        "On exact laws of both kinds the informative order takes two rounds without any error.",
        (
            Check("Profile records.", "enumeration", names_first),
            Check("Variable names.", "enumeration", identifiers),
        ),
    ),
)
