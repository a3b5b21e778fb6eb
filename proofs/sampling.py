"""ParallelBench: accuracies of decoders on Shuffle and Replace Random, and what choosing does."""

from __future__ import annotations

import random
from fractions import Fraction

import sympy as sp

from infodecode import Decoder, bounds, distributions, exact
from infodecode.distributions import Table
from infodecode.strategies import Threshold, TopK
from proofs import examples, searches
from proofs.claim import Check, Claim, demand

PAPER = "ParallelBench"
GREEDY = {"temperature": 0}
LOWEST = {"temperature": 0, "token_ties": "lowest", "position_ties": "lowest"}
n, m = sp.symbols("n m", positive=True, integer=True)


def validity(law: object, rule: object, **options: object) -> Fraction:
    """Exact validity of a decoder, as a fraction."""
    decoder = Decoder(rule, **options)  # type: ignore[arg-type]
    run = exact(law, decoder, arithmetic="rational", off_support="absorb")  # type: ignore[arg-type]
    return Fraction(run.validity)


def rounds_of(size: int, per_round: int) -> list[tuple[int, int]]:
    """Masked positions before each round, and how many of them it takes."""
    return [(left, min(per_round, left)) for left in range(size, 0, -per_round)]


# Shuffle


def greedy_shuffle() -> str:
    """With random token ties greedy draws are uniform too; the lowest index repeats itself."""
    for size in range(2, 6):
        law = distributions.permutations(size)
        for per_round in range(2, size + 1):
            rule = TopK(per_round)
            warm, cold = validity(law, rule), validity(law, rule, **GREEDY)
            demand(warm == cold, f"n = {size}, k = {per_round}: {warm} against {cold}")
            lowest = validity(law, rule, **LOWEST)
            demand(lowest == 0, f"n = {size}, k = {per_round}, lowest index: {lowest}")
    return "equal for random ties, 0 for the lowest index, n = 2 to 5, all k >= 2"


def shuffle_threshold() -> str:
    """One by one while 1/m <= gamma, then all M that are left: M!/M^M."""
    for size in range(2, 6):
        law = distributions.permutations(size)
        for gamma in (Fraction(1, d) for d in range(1, size + 2)):
            for inclusive in (False, True):
                group = max(
                    (k for k in range(1, size + 1)
                     if Fraction(1, k) > gamma or (inclusive and Fraction(1, k) == gamma)),
                    default=1,
                )  # fmt: skip
                told = Fraction(sp.factorial(group).p, group**group)
                found = validity(law, Threshold(float(gamma), inclusive=inclusive))
                demand(found == told, f"n = {size}, gamma = {gamma}: {found} against {told}")
    return "M!/M^M at every gamma = 1/d, d <= n + 1, strict and inclusive; inclusive 1/2: 1/2"


# Replace Random


def keep_probability() -> str:
    """With m masked and everything shown kept: keep (m-1)/m, replace 1/m."""
    gap = sp.simplify((m - 1) / m - 1 / m - (m - 2) / m)
    demand(gap == 0, f"{gap}")
    return "(m-1)/m - 1/m = (m-2)/m: positive for m > 2, a tie at m = 2"


def greedy_replace() -> str:
    """The size of the last round decides."""
    for size in range(2, 9):
        law = distributions.replace_random(size)
        for per_round in range(1, size + 1):
            last = rounds_of(size, per_round)[-1][1]
            told = {1: Fraction(1), 2: Fraction(1, 2)}.get(last, Fraction(0))
            found = validity(law, TopK(per_round), **GREEDY)
            demand(found == told, f"n = {size}, k = {per_round}: {found} against {told}")
    return "1, 1/2, 0 for a last round of 1, 2, more: all k, n = 2 to 8 (n = 9, k = 2 gives 1)"


def greedy_replace_exceptions() -> str:
    """Sizes for which the printed values 1/2 and 0 fail."""
    found = {
        pair: validity(distributions.replace_random(pair[0]), TopK(pair[1]), **GREEDY)
        for pair in ((9, 2), (10, 3), (7, 4))
    }
    demand(found == {(9, 2): 1, (10, 3): 1, (7, 4): 0}, f"{found}")
    return "n = 9, k = 2: 1; n = 10, k = 3: 1; n = 7, k = 4: 0"


def one_round_limit() -> str:
    """Exactly one of n independent draws is new: n (1/n) ((n-1)/n)^(n-1)."""
    form = n * (1 / n) * ((n - 1) / n) ** (n - 1)
    limit = sp.limit(form, n, sp.oo)
    demand(sp.simplify(limit - sp.exp(-1)) == 0, f"limit {limit}")
    return "((n-1)/n)^(n-1) -> 1/e"


def sampled_replace() -> str:
    """No new item before round t, exactly one in it, certainty afterwards."""
    for size in range(2, 8):
        law = distributions.replace_random(size)
        for per_round in range(1, size + 1):
            told, kept = Fraction(0), Fraction(1)
            for left, taken in rounds_of(size, per_round):
                keep = Fraction(left - 1, left)
                told += kept * Fraction(taken, left) * keep ** (taken - 1)
                kept *= keep**taken
            found = validity(law, TopK(per_round))
            demand(found == told, f"n = {size}, k = {per_round}: {found} against {told}")
    six = validity(distributions.replace_random(6), TopK(2))
    demand(six == Fraction(845, 1152), f"n = 6, k = 2: {six}")
    return "equals exact runs for all k, n = 2 to 7; n = 6, k = 2: 845/1152"


def replace_threshold() -> str:
    """All kept at once where (n-1)/n passes; else one at a time, valid for certain."""
    for size in range(3, 9):
        law = distributions.replace_random(size)
        edge = Fraction(size - 1, size)
        for gamma in (edge - Fraction(1, 100), edge, edge + Fraction(1, 1000)):
            for inclusive in (False, True):
                passes = edge > gamma or (inclusive and edge == gamma)
                found = validity(law, Threshold(float(gamma), inclusive=inclusive), **GREEDY)
                demand(found == (0 if passes else 1), f"n = {size}, gamma = {gamma}: {found}")
    return "below, at and above gamma = (n-1)/n, n = 3 to 8; at the edge >= gives 0, > gives 1"


def table_one() -> str:
    """The closed forms beside the computed bounds, at n = 3 to 40."""
    for size in (3, 10, 40):
        told = (size - 1) * sp.log(sp.Rational(size, size - 1), 2)
        ours = bounds(distributions.replace_random(size)).total_correlation
        demand(ours is not None and abs(ours - float(told)) < 1e-12, f"Replace Random, n = {size}")
        told = size * sp.log(size, 2) - sp.log(sp.factorial(size), 2)
        ours = bounds(distributions.permutations(size)).total_correlation
        demand(ours is not None and abs(ours - float(told)) < 1e-11, f"Shuffle, n = {size}")
        ours = bounds(distributions.copy(size)).total_correlation
        demand(ours == 0, f"Copy, n = {size}")
    return "bounds() gives the closed forms at n = 3, 10, 40; the figures: `python -m toy`"


def coupling() -> str:
    """Two thresholds below every confidence are one decoder: one draw for both, or two."""
    law = distributions.replace_random(4)
    low, high = (validity(law, Threshold(gamma)) for gamma in (0.1, 0.2))
    demand(low == high == Fraction(27, 64), f"{low}, {high}")
    independent = 1 - (1 - low) ** 2
    demand(independent > low, "independent draws")
    return f"the same draws: {low}; independent draws: {independent}"


# Choosing and drawing


def floor_identity() -> str:
    """KL = -log nu(S) + KL(mu || nu given S), S the support; the second term is >= 0."""
    a, b, p, q = sp.symbols("a b p q", positive=True)
    whole = a * sp.log(a / p) + b * sp.log(b / q)
    inside = a * sp.log(a * (p + q) / p) + b * sp.log(b * (p + q) / q)
    gap = sp.expand_log(whole - inside + (a + b) * sp.log(p + q), force=True)
    demand(sp.simplify(sp.expand(gap)) == 0, f"{gap}")
    return "term by term, since the data has mass 1; equality iff nu given S is mu"


def floor_needs_choosing_first() -> str:
    """Replace Random of 4, top-2 by drawn confidence: below 2^-L of any two pairs."""
    law = distributions.replace_random(4)
    found = validity(law, TopK(2, by="confidence"), order="sample-then-choose")
    demand(found == Fraction(267, 512), f"{found}")
    floor_square = Fraction(27, 64)  # (3 sqrt(3) / 8)^2 = 2^(-2 L)
    demand(found**2 < floor_square, "267/512 < 3 sqrt(3)/8")
    first = validity(law, TopK(2, by="confidence"))
    demand(first == Fraction(21, 32) and first**2 >= floor_square, f"choosing first: {first}")
    return "267/512 = .521 against 2^-L = 3 sqrt(3)/8 = .650; choosing first 21/32 = .656"


def chosen_first() -> str:
    """One position a round, chosen from canvas and chance: the chain rule, in fractions."""
    generator = random.Random(0)
    for _ in range(12):
        law = _random_law(generator)
        for by in ("random", "confidence", "margin", "entropy", "left_to_right"):
            run = exact(law, Decoder(TopK(1, by=by)), arithmetic="rational")
            found = dict(zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True))
            demand(found == _masses(law), f"{by} on {_masses(law)}")
    return "nu = mu exactly on 12 random laws of 3 positions, five orders"


def _random_law(generator: random.Random) -> Table:
    outcomes = [(a, b, c) for a in range(2) for b in range(3) for c in range(2)]
    kept = generator.sample(outcomes, generator.randint(3, 9))
    return Table(kept, [generator.randint(1, 5) for _ in kept], alphabet_sizes=(2, 3, 2))


def _masses(law: Table) -> dict[tuple[int, ...], Fraction]:
    total = sum(law.weights.tolist())
    pairs = zip(law.outcomes.tolist(), law.weights.tolist(), strict=True)
    return {tuple(outcome): Fraction(weight, total) for outcome, weight in pairs}


def chain_rule() -> str:
    """Choosing i with probability c and then y_i: sum over i of c_i mu(y_i) mu(rest | y_i) = mu."""
    c1, c2, whole = sp.symbols("c1 c2 mu", positive=True)
    a, b = sp.symbols("a b", positive=True)
    either = c1 * a * (whole / a) + c2 * b * (whole / b)
    demand(sp.simplify(either.subs(c2, 1 - c1) - whole) == 0, "step")
    return "induction on masked positions: choices add up to 1 and do not see the draw"


def drawn_first() -> str:
    """Independent bits with P(0) = 3/4 and 2/3: the first comes out 0 with probability 15/16."""
    law = Table([[0, 0], [0, 1], [1, 0], [1, 1]], [6, 3, 2, 1])
    decoder = Decoder(TopK(1, by="confidence"), order="sample-then-choose")
    run = exact(law, decoder, arithmetic="rational")
    zero = sum(
        w for outcome, w in zip(run.outcomes.tolist(), run.weights, strict=True) if outcome[0] == 0
    )
    demand(zero == Fraction(15, 16), f"{zero}")
    demand(run.validity == 1, "the support is kept")
    return "P(first = 0) = 15/16 in place of 3/4, at one token a round with exact marginals"


CLAIMS = (
    Claim(
        "PB-11",
        "The accuracy of Shuffle is the same for greedy decoding and at any temperature.",
        f"{PAPER}, section 4.2",
        "conditional",
        "True if equally probable tokens are settled at random, independently at each position. "
        "With a deterministic argmax all positions of a round take the same item: accuracy 0 for "
        "k >= 2.",
        (
            Check("Both tie rules.", "enumeration", greedy_shuffle),
            examples.check("PB-11"),
        ),
    ),
    Claim(
        "PB-12",
        "Replace Random, greedy, k a round: accuracy 1/2 for k = 2 and 0 for k > 2, since keeping "
        "is more probable than replacing.",
        f"{PAPER}, section 4.2.1",
        "corrected",
        "The size r of the last round decides: 1 for r = 1, 1/2 for r = 2 with random token ties "
        "(0 or 1 with the lowest index), 0 for r >= 3. Keeping is more probable only while three "
        "or more are masked.",
        (
            Check("Keeping against replacing.", "symbolic", keep_probability),
            Check("All k for n up to 8.", "enumeration", greedy_replace),
            Check("Where the printed values fail.", "counterexample", greedy_replace_exceptions),
            examples.check("PB-12"),
            examples.check("PB-12-three"),
            searches.check("PB-12"),
            searches.check("PB-12-three"),
        ),
    ),
    Claim(
        "PB-13",
        "Replace Random at temperature 1, all at once: accuracy ((n-1)/n)^(n-1) -> 1/e.",
        f"{PAPER}, section 4.2.1",
        "proved",
        "For rounds with m_1 = n > m_2 > ... masked positions, of which k_t are taken: sum_t "
        "[prod_{s<t} ((m_s-1)/m_s)^{k_s}] (k_t/m_t) ((m_t-1)/m_t)^{k_t-1}.",
        (
            Check("The limit.", "symbolic", one_round_limit),
            Check("The general form.", "enumeration", sampled_replace),
        ),
    ),
    Claim(
        "PB-14",
        "Shuffle with a threshold gamma > 1/2: accuracy 1.",
        f"{PAPER}, section 4.2.2",
        "proved",
        "In general M!/M^M with M the largest m <= n such that 1/m > gamma (1 if there is none). "
        "With >= in place of >, as Fast-dLLM ships, gamma = 1/2 gives 1/2.",
        (
            Check("Every threshold 1/d.", "enumeration", shuffle_threshold),
            examples.check("PB-14"),
        ),
    ),
    Claim(
        "PB-15",
        "Replace Random with a threshold, greedy: accuracy 0 if (n-1)/n > gamma, else 1.",
        f"{PAPER}, section 4.2.2",
        "conditional",
        "True for n > 2 and a strict threshold. With >= the case gamma = (n-1)/n gives 0.",
        (
            Check("Around the edge.", "enumeration", replace_threshold),
            examples.check("PB-15"),
            examples.check("PB-15-inclusive"),
        ),
    ),
    Claim(
        "PB-16",
        "Table 1 and Figures 2a to 2e.",
        PAPER,
        "proved",
        "The analytic values are those of PB-6 to PB-15, with the corrections there; `python -m "
        "toy` sets them beside exact and simulated decoders.",
        (Check("Total correlations of Table 1.", "enumeration", table_one),),
    ),
    Claim(
        "PB-17",
        "An oracle that picks the best threshold of every sample bounds what thresholds can do.",
        f"{PAPER}, section 5, Figure 7",
        "conditional",
        "It depends on how the random numbers of different thresholds are coupled, which must be "
        "said; `oracle_threshold` uses the same ones. The adaptive optimum (RT-8) does not bound "
        "it, for it sees what it drew.",
        (
            Check("Two couplings of one decoder.", "counterexample", coupling),
            examples.check("PB-17"),
        ),
    ),
    Claim(
        "FLOOR-1",
        "Any output law has validity nu(supp mu) >= 2^-KL(mu || nu).",
        "ours",
        "proved",
        "With equality iff nu, given that it is valid, is mu. Accuracy >= 2^-L of a schedule needs "
        "decoders that choose positions before they draw tokens.",
        (
            Check("The divergence splits.", "symbolic", floor_identity),
            Check("Drawing first falls below.", "counterexample", floor_needs_choosing_first),
            examples.check("FLOOR-1"),
            examples.check("FLOOR-1-four"),
            searches.check("FLOOR-1"),
        ),
    ),
    Claim(
        "BIAS-0",
        "With exact marginals, one position a round, chosen before its token is drawn, the output "
        "law is the data law, whatever the rule of choosing.",
        "ours",
        "proved",
        "The chain rule, position by position: the choice may use the canvas and chance of its "
        "own, but not the draw.",
        (
            Check("The step.", "induction", chain_rule),
            Check("Five orders on random laws.", "enumeration", chosen_first),
        ),
    ),
    Claim(
        "BIAS-1",
        "Choosing one position a round by the confidence of its drawn token is exact as well.",
        "as LLaDA and Fast-dLLM decode at temperature above 0",
        "refuted",
        "Probable tokens win the comparison more often than they are drawn. Its size on every toy: "
        "`python -m toy.floors`.",
        (
            Check("Two independent bits.", "counterexample", drawn_first),
            examples.check("BIAS-1"),
            examples.check("BIAS-1-independent"),
            searches.check("BIAS-1"),
        ),
    ),
)
