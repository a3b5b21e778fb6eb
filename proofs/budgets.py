"""Budgets of entropy (RT-5, RT-6): what rounds spend on data, and on the decoder's own canvases."""

from __future__ import annotations

import itertools
from fractions import Fraction

import sympy as sp

from infodecode import Decoder
from infodecode.distributions import Table
from infodecode.strategies import EntropyBounded, EntropyBudget
from proofs import exact_bits, examples
from proofs.claim import Refuted, demand
from proofs.exact_bits import Bits, Law, Positions, Rule
from proofs.partitions import LAWS
from proofs.set_functions import certified, names, quantity


def rounded_budget() -> str:
    """s = max(1, floor(x)), x = eta/h: s > x/2, so a round spends s h > eta/2 unless it ends."""
    k, r = sp.symbols("k r", nonnegative=True)
    spare = (k + 1) - (k + 1 + r) / 2
    demand(sp.expand(spare - (k + (1 - r)) / 2) == 0, f"{spare}")
    return "x = k + 1 + r, 0 <= r < 1: floor(x) - x/2 = (k + (1-r))/2 > 0; x < 1: s h = h > eta"


def path_divergence(law: Law, rule: Rule) -> Bits:
    """KL along the path: the total correlation of what a round takes, in the mean over data."""

    def of(rest: Law, masked: Positions) -> Bits:
        if not masked:
            return exact_bits.NOTHING
        sets = rule(rest, masked)
        value = exact_bits.NOTHING
        for chosen in sets:
            left = tuple(i for i in masked if i not in chosen)
            value += exact_bits.total_correlation(rest, chosen) * Fraction(1, len(sets))
            for tokens, p in exact_bits.marginal(rest, chosen).items():
                after = of(exact_bits.given(rest, chosen, tokens), left)
                value += after * (p / len(sets))
        return value

    return of(law, tuple(range(exact_bits.length_of(law))))


def budget_on_data(factor: Fraction = Fraction(2)) -> str:
    """What data traces spend is H + KL_path, exactly; and the rounds stay within the bound."""
    count = 0
    for table in LAWS:
        law = exact_bits.law_of(table)
        everything = exact_bits.entropy(law, range(3))
        for eta in (Fraction(k, 4) for k in (1, 3, 4, 6, 8, 11)):
            rule = exact_bits.entropy_budget(eta)
            found = exact_bits.traces(law, rule)
            told = everything + path_divergence(law, rule)
            demand(found.spent == told, f"spent {found.spent}, H + KL {told}")
            bound = exact_bits.whole(1) + told * (factor / eta)
            demand(exact_bits.whole(found.rounds) <= bound, f"eta = {eta}: {found.rounds} rounds")
            count += 1
    return (
        f"sum over rounds of s h = H + KL_path and E_mu T <= 1 + 2 (H + KL_path)/eta, {count} cases"
    )


def copies_of_a_bit() -> str:
    """n copies, n >= 4 even, eta = 2: the first pair agrees or not; one more round, or n/2 - 1."""
    n = sp.symbols("n", positive=True)
    rounds = 1 + sp.Rational(1, 2) * 1 + sp.Rational(1, 2) * (n / 2 - 1)
    demand(sp.expand(rounds - (1 + n / 4)) == 0, f"{rounds}")
    for copies in (4, 6, 8):
        law = Table([[0] * copies, [1] * copies])
        run = examples.rational(law, Decoder(EntropyBudget(2.0)), "marginal")
        demand(run.expected_rounds == 1 + Fraction(copies, 4), f"n = {copies}")
    demand(sp.solve(rounds > 1 + sp.Rational(2 * (1 + 1), 2), n).as_set().inf == 8, "n > 8")
    return "E_nu T = 1 + n/4, as exact runs have it for n = 4, 6, 8; above 1 + 2 (1+1)/2 for n > 8"


def logarithmic_loss() -> str:
    """h_j = eta/j: sizes 1, 2, 4, ...; the round from N = 2^t on loses eta (1 - D(N))."""
    start, j = sp.symbols("N j", positive=True, integer=True)
    fall = 1 / (2 * start) + 1 / (2 * start + 1) - 1 / start
    demand(sp.simplify(fall + 1 / (2 * start * (2 * start + 1))) == 0, "D(N) = 1/N + ... falls")
    demand(1 - Fraction(1, 2) - Fraction(1, 3) == Fraction(1, 6), "D(2) = 5/6")
    step = sp.simplify(1 / j - 1 / (j + 1) - 1 / (j * (j + 1)))
    demand(step == 0, "steps eta/(k(k+1)) of codes of dimension k, eta/n of free tokens")
    return "each round after the first loses at least eta/6: KL >= (log2(n+1) - 1) eta/6"


def logarithmic_law() -> str:
    """The case n = 3 as a law: three copied bits, one parity bit, two free bits a position."""
    rows = []
    for copied, parts in itertools.product(range(8), itertools.product((0, 1), repeat=2)):
        coded = (*parts, parts[0] ^ parts[1])
        for free in itertools.product(range(4), repeat=3):
            rows.append([copied << 3 | c << 2 | f for c, f in zip(coded, free, strict=True)])
    law = Table(rows, alphabet_sizes=[64] * 3)
    run = examples.rational(law, Decoder(EntropyBudget(6.0)))
    found = exact_bits.divergence(exact_bits.law_of(law), examples.output_of(run))
    demand(found == exact_bits.whole(6 * (2 - Fraction(11, 6))), f"KL {found}")
    return f"eta = 6 bits, H = 11 bits, two rounds: KL = {found} bit = eta (2 - 1 - 1/2 - 1/3)"


def stake_bounds_correlation(most: int, relation: str = "<=") -> str:
    """C(S | z) <= sum H - H(i | z) for every i, the largest too."""
    count = 0
    for s, z in itertools.product(range(1, most + 1), range(most)):
        if s + z <= most:
            block, context = names("S", s), names("Z", z)
            stake = [quantity("H", y, context) for y in block[1:]] or ["0"]
            whole = quantity("C", ",".join(block), context)
            certified(f"{whole} {relation} {' + '.join(stake)}")
            count += 1
    return f"{count} pairs of sizes with |S| + |Z| <= {most}"


def stake_bounds_correlation_always() -> str:
    """sum H - H(i) - C = H(S) - H(i) = H(rest of S | i)."""
    alone, one, joint = sp.symbols("sum_H H_i H_S")
    slack = (alone - one) - (alone - joint)
    demand(sp.expand(slack - (joint - one)) == 0, f"{slack}")
    return "the slack is H(S | z) - H(i | z) = H(S without i | z, i) >= 0, for any S"


def bounded_on_data() -> str:
    """KL of the output, in fractions, against the budgets along data."""
    count = 0
    for table in LAWS:
        law = exact_bits.law_of(table)
        for gamma in (Fraction(1, 2), Fraction(1), Fraction(3, 2)):
            found = exact_bits.traces(law, exact_bits.entropy_bounded(gamma))
            decoder = Decoder(EntropyBounded(float(gamma)), position_ties="lowest")
            kl = exact_bits.divergence(law, examples.output_of(examples.rational(table, decoder)))
            told = path_divergence(law, exact_bits.entropy_bounded(gamma))
            demand(kl == told, f"KL {kl}, along the path {told}")
            demand(told <= found.at_stake, f"gamma = {gamma}: {told} above {found.at_stake}")
            demand(found.at_stake <= exact_bits.whole(gamma * found.rounds), "budget")
            count += 1
    return f"KL(mu || nu) = E_mu sum C <= E_mu sum of budgets <= gamma E_mu T, {count} cases"


def own_budgets_fall_short(name: str) -> str:
    """The KL of the output lies above what the decoder's own canvases put at stake."""
    example = examples.load(name)
    kl = exact_bits.divergence(example.mu, examples.output_of(example.run))
    own = examples.budgets(example, own=True)
    if kl is None:
        raise Refuted("KL is infinite")
    demand(own < kl <= examples.budgets(example, own=False), f"KL {kl}, own budgets {own}")
    return f"KL = {float(kl):.3f} bits, above {float(own):.3f}"
