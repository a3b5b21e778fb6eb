"""ParallelBench: accuracies of decoders on Shuffle and Replace Random, and what choosing does."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from functools import partial

import sympy as sp

from infodecode import Decoder, distributions, exact
from infodecode.distributions import Joint, Table
from infodecode.strategies import Threshold, TopK
from proofs import exact_bits, examples, recurrences, searches
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


CHAIN = 24
"""Up to this many items the recurrences are run in fractions."""


def greedy_replace() -> str:
    """The size of the last round decides: exact runs, and the chain of single draws."""
    for size in range(2, CHAIN + 1):
        for per_round in range(1, size + 1):
            last = rounds_of(size, per_round)[-1][1]
            told = {1: Fraction(1), 2: Fraction(1, 2)}.get(last, Fraction(0))
            found = recurrences.replace_chain(size, partial(min, per_round), greedy=True)
            demand(found == told, f"n = {size}, k = {per_round}: {found} against {told}")
    for size in range(2, 9):
        law = distributions.replace_random(size)
        for per_round in range(1, size + 1):
            last = rounds_of(size, per_round)[-1][1]
            told = {1: Fraction(1), 2: Fraction(1, 2)}.get(last, Fraction(0))
            found = validity(law, TopK(per_round), **GREEDY)
            demand(found == told, f"n = {size}, k = {per_round}: {found} against {told}")
    return (
        "1, 1/2, 0 for a last round of 1, 2, more: exact runs for n = 2 to 8, the chain to n = "
        f"{CHAIN}, all k"
    )


def one_round_limit() -> str:
    """Exactly one of n independent draws is new: n (1/n) ((n-1)/n)^(n-1)."""
    form = n * (1 / n) * ((n - 1) / n) ** (n - 1)
    limit = sp.limit(form, n, sp.oo)
    demand(sp.simplify(limit - sp.exp(-1)) == 0, f"limit {limit}")
    return "((n-1)/n)^(n-1) -> 1/e"


def replace_sum(size: int, per_round: int) -> Fraction:
    """No new item before round t, exactly one in it, certainty afterwards."""
    told, kept = Fraction(0), Fraction(1)
    for left, taken in rounds_of(size, per_round):
        keep = Fraction(left - 1, left)
        told += kept * Fraction(taken, left) * keep ** (taken - 1)
        kept *= keep**taken
    return told


def sampled_replace() -> str:
    """The sum against the chain of single draws, and against exact runs."""
    for size in range(2, CHAIN + 1):
        for per_round in range(1, size + 1):
            told = replace_sum(size, per_round)
            found = recurrences.replace_chain(size, partial(min, per_round))
            demand(found == told, f"n = {size}, k = {per_round}: {found} against {told}")
    for size in range(2, 8):
        law = distributions.replace_random(size)
        for per_round in range(1, size + 1):
            told, found = replace_sum(size, per_round), validity(law, TopK(per_round))
            demand(found == told, f"n = {size}, k = {per_round}: {found} against {told}")
    six = validity(distributions.replace_random(6), TopK(2))
    demand(six == Fraction(845, 1152), f"n = 6, k = 2: {six}")
    return (
        f"equals exact runs for n = 2 to 7 and the chain to n = {CHAIN}, all k; n = 6, k = 2: "
        "845/1152"
    )


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
    """The columns of Table 1: total correlations in exact logarithms, accuracies of exact runs."""
    for size in (3, 5, 6):
        law = distributions.replace_random(size)
        told = (exact_bits.log2(size) - exact_bits.log2(size - 1)) * (size - 1)
        _total_correlation(law, told)
        told = exact_bits.log2(size) * size - exact_bits.log2(math.factorial(size))
        _total_correlation(distributions.permutations(size), told)
        _total_correlation(distributions.copy(size), exact_bits.NOTHING)
        _total_correlation(distributions.replace_index(size, 0), exact_bits.NOTHING)
    for per_round, shuffled, replaced in (
        (2, Fraction(3, 8), Fraction(1, 2)), (4, Fraction(3, 32), Fraction(0)),
    ):  # fmt: skip
        _greedy_accuracies(TopK(per_round), replaced, shuffled)
    for gamma, replaced in ((0.7, Fraction(0)), (0.8, Fraction(1))):
        _greedy_accuracies(Threshold(gamma), replaced, Fraction(1))
    return (
        "total correlations at n = 3, 5, 6; greedy accuracies at n = 4 for k = 2, 4 and gamma = "
        ".7, .8; the figures: `python -m toy`"
    )


def _greedy_accuracies(rule: object, replaced: Fraction, shuffled: Fraction) -> None:
    for law, told in (
        (distributions.copy(4), Fraction(1)), (distributions.replace_index(4, 1), Fraction(1)),
        (distributions.replace_random(4), replaced), (distributions.permutations(4), shuffled),
    ):  # fmt: skip
        found = validity(law, rule, **GREEDY)
        demand(found == told, f"{law.name}, {rule}: {found} against {told}")


def _total_correlation(law: Joint, told: exact_bits.Bits) -> None:
    found = exact_bits.total_correlation(exact_bits.law_of(law), range(law.length))
    demand(found == told, f"{law.name}: {found} against {told}")


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
    """KL = -log nu(S) + KL(mu || nu given S), S the support: each outcome's term by itself."""
    p, q, inside = sp.symbols("mu nu nu_S", positive=True)
    term = p * sp.log(p / q) - (p * sp.log(p / (q / inside)) - p * sp.log(inside))
    gap = sp.expand(sp.expand_log(term, force=True))
    demand(gap == 0, f"{gap}")
    return "term by term, since the data has mass 1; equality iff nu given S is mu"


def choosing_first_keeps_the_floor() -> str:
    """Replace Random of 4 in pairs: 2^-L of any two pairs, squared, against both kinds."""
    law, rule = distributions.replace_random(4), TopK(2, by="confidence")
    drawn = validity(law, rule, order="sample-then-choose")
    chosen = validity(law, rule)
    floor_square = Fraction(27, 64)  # (3 sqrt(3) / 8)^2 = 2^(-2 L)
    demand(drawn**2 < floor_square <= chosen**2, f"{drawn}, {chosen}")
    return f"2^-L = 3 sqrt(3)/8 = .650; drawn first {drawn} below, chosen first {chosen} above"


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


CLAIMS = (
    Claim(
        "PB-11",
        "The accuracy of Shuffle, equation (5), is the same for greedy decoding and at any "
        "temperature.",
        f"{PAPER}, section 4.2 (logits with zero-mean noise)",
        "conditional",
        "True, for every n and k, if the noise that settles equally probable tokens is "
        "exchangeable between tokens and independent between positions, as is surely meant; a mean "
        "of 0 alone does not do it. An implementation without noise, whose argmax takes the lowest "
        "index, has all positions of a round take the same item: accuracy 0 for k >= 2.",
        (
            Check("A position of Shuffle.", "symbolic", recurrences.shuffle_canvas),
            Check("Ties settled by noise.", "symbolic", recurrences.exchangeable_ties),
            Check("Both tie rules.", "enumeration", greedy_shuffle),
            Check(
                "Zero-mean noise that favours items.", "counterexample", recurrences.biased_noise
            ),
            examples.check("PB-11"),
        ),
    ),
    Claim(
        "PB-12",
        "Replace Random, greedy, k a round, k | n: accuracy 1/2 for k = 2 and 0 for k > 2, since "
        "keeping is more probable than replacing.",
        f"{PAPER}, section 4.2.1",
        "proved",
        "With independent random token ties at k = 2. Table 1 repeats the values without k | n; "
        "for any k the size r of the last round decides: 1 for r = 1, 1/2 for r = 2, 0 for r >= 3. "
        "With the lowest index at ties r = 2 gives 1 if the new item's index lies between the "
        "other two, else 0.",
        (
            Check("A position of Replace Random.", "symbolic", recurrences.replace_canvas),
            Check("All n and k.", "induction", recurrences.greedy_recurrence),
            Check("Beside exact runs.", "enumeration", greedy_replace),
            Check("Ties by the lowest index.", "enumeration", recurrences.lowest_index),
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
        "For rounds with m_1 = n > m_2 > ... masked positions, of which k_t are taken in any order "
        "that does not look at tokens: sum_t [prod_{s<t} ((m_s-1)/m_s)^{k_s}] (k_t/m_t) "
        "((m_t-1)/m_t)^{k_t-1}.",
        (
            Check("A round of Replace Random.", "symbolic", recurrences.replace_canvas),
            Check("The general form, all rounds.", "induction", recurrences.sampled_recurrence),
            Check("The limit.", "symbolic", one_round_limit),
            Check("Beside exact runs.", "enumeration", sampled_replace),
        ),
    ),
    Claim(
        "PB-14",
        "Shuffle with a threshold gamma > 1/2: accuracy 1.",
        f"{PAPER}, section 4.2.2",
        "proved",
        "In general M!/M^M with M the largest m <= n such that 1/m > gamma (1 if there is none), "
        "so 1 from gamma = 1/2 on. With >= in place of >, as Fast-dLLM ships, gamma = 1/2 gives "
        "1/2.",
        (
            Check("A position of Shuffle.", "symbolic", recurrences.shuffle_canvas),
            Check("All n and gamma.", "induction", recurrences.shuffle_threshold_recurrence),
            Check("Every threshold 1/d, beside exact runs.", "enumeration", shuffle_threshold),
            examples.check("PB-14"),
        ),
    ),
    Claim(
        "PB-15",
        "Replace Random, n > 2, with a strict threshold, greedy: accuracy 0 if (n-1)/n > gamma, "
        "else 1.",
        f"{PAPER}, section 4.2.2 and Table 1",
        "proved",
        "Table 1 repeats it without n > 2; two positions have 1/2 below gamma = 1/2. With >=, as "
        "Fast-dLLM ships, the case gamma = (n-1)/n gives 0.",
        (
            Check("All n > 2 and gamma.", "induction", recurrences.threshold_recurrence),
            Check("Around the edge, beside exact runs.", "enumeration", replace_threshold),
            examples.check("PB-15"),
            examples.check("PB-15-inclusive"),
        ),
    ),
    Claim(
        "PB-16",
        "Table 1 and Figures 2a to 2e.",
        PAPER,
        "proved",
        "The analytic values are those of PB-6 to PB-15, with the correction of equation (5) in "
        "PB-10; `python -m toy` sets them beside exact and simulated decoders.",
        (Check("The columns of Table 1.", "enumeration", table_one),),
    ),
    Claim(
        "PB-17",
        "The best threshold of every sample, found with hindsight, is an empirical upper bound on "
        "what thresholds can do.",
        f"{PAPER}, Figure 7 and appendix G.2",
        "conditional",
        "As a maximum over runs it is. As a measure of what picking thresholds could gain it needs "
        "runs that share their random numbers: with numbers of its own each threshold is a further "
        "try, and the oracle gains by trying often even where all thresholds are one decoder. At "
        "temperature 0 without noise there is no difference. `oracle_threshold` shares them. The "
        "adaptive optimum (RT-8) does not bound the oracle, which sees what it drew.",
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
            Check("Both kinds beside the floor.", "enumeration", choosing_first_keeps_the_floor),
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
            examples.check("BIAS-1"),
            examples.check("BIAS-1-independent"),
            searches.check("BIAS-1"),
        ),
    ),
)
