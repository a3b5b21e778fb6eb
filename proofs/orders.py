"""Rounds against error: random orders, entropy budgets, best partitions, adaptive orders."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import sympy as sp

from infodecode import distributions, optimal_partitions
from infodecode.distributions import Table
from proofs import budgets, curves, exact_bits, examples, searches
from proofs.claim import Check, Claim, demand
from proofs.exact_bits import Law, Positions, Tokens
from proofs.partitions import LAWS, mixing_is_convex, random_law
from proofs.sampling import floor_identity
from proofs.set_functions import floor_form, form

CHEN = "Chen, Cong and Li 2025 (arXiv 2511.04647)"

# RT-7


def block_costs_telescope(most: int) -> str:
    """L = sum of H(y_i | before) - H(Y): joint entropies of known sets cancel."""
    count = 0
    for n in range(1, most + 1):
        for blocks in exact_bits.ordered_partitions(n):
            known, terms = 0, [(-1, (1 << n) - 1)]
            for block in blocks:
                for i in block:
                    terms += [(1, known | 1 << i), (-1, known)]
                known |= exact_bits.mask_of(block)
            demand(form(*terms) == form(*floor_form(blocks)), f"{blocks}")
            count += 1
    return f"{count} ordered partitions, n <= {most}, on all set functions"


def telescoping_step() -> str:
    """One more block: the costs change by sum H(y_i | known) - (H(after) - H(known))."""
    so_far, known, after, alone = sp.symbols("costs H_known H_after sum_H")
    before = so_far - known
    now = (so_far + alone) - after
    demand(sp.expand(now - before - (alone - (after - known))) == 0, "step")
    return "from no blocks and H = 0: sum of costs - H(known) grows by C of the block"


def pairs_counted() -> str:
    """Pairs of a known set and a block after it: 3^n."""
    n, k = sp.symbols("n k", integer=True, nonnegative=True)
    total = sp.summation(sp.binomial(n, k) * 2 ** (n - k), (k, 0, n))
    demand(sp.simplify(total - 3**n) == 0, f"{total}")
    return "sum over known sets of 2^(n-k) = 3^n"


def programme_is_exact() -> str:
    """The partitions that `optimal_partitions` finds, against all of them, without rounding."""
    tables = [
        distributions.words(4, most=12), distributions.replace_random(4), distributions.parity(4),
        Table([[0, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [2, 1, 0, 1]]),
        Table([[0, 0, 1, 1], [0, 1, 0, 2], [1, 1, 1, 0], [1, 0, 0, 1]], [1, 2, 3, 4]),
    ]  # fmt: skip
    count = 0
    for table in tables:
        law = exact_bits.law_of(table)
        h, best = exact_bits.entropies(law), optimal_partitions(table)
        for rounds in range(1, 5):
            least, _ = exact_bits.best_fixed(law, rounds)
            found = exact_bits.partition_floor(h, best.partition(rounds))
            demand(found == least, f"{table.name}, T = {rounds}: {found} against {least}")
            count += 1
    return f"{count} optima of 4 positions, each among all ordered partitions"


# RT-8


@dataclass(frozen=True)
class Policy:
    """A deterministic policy from some canvas on.

    Attributes:
        chosen: positions of the next round; empty if nothing is masked.
        after: the policy that follows, for each way the tokens can come out.
    """

    chosen: Positions
    after: Mapping[Tokens, Policy]


def policies(law: Law, masked: Positions, rounds: int) -> Iterator[Policy]:
    """Every policy that is done after so many rounds."""
    if not masked:
        yield Policy((), {})
        return
    for chosen in exact_bits.subsets(masked):
        rest = tuple(i for i in masked if i not in chosen)
        if rounds == 1 and rest:
            continue
        drawn = list(exact_bits.marginal(law, chosen))
        choices = [
            list(policies(exact_bits.given(law, chosen, tokens), rest, rounds - 1))
            for tokens in drawn
        ]
        for after in itertools.product(*choices):
            yield Policy(chosen, dict(zip(drawn, after, strict=True)))


def policy_output(law: Law, policy: Policy) -> dict[Tokens, Fraction]:
    """What exact marginals put out on the support under a policy."""
    found = {}
    for y in law:
        value, rest, now = Fraction(1), law, policy
        while now.chosen:
            tokens = tuple(y[i] for i in now.chosen)
            for i, v in zip(now.chosen, tokens, strict=True):
                value *= exact_bits.marginal(rest, [i])[(v,)]
            rest, now = exact_bits.given(rest, now.chosen, tokens), now.after[tokens]
        found[y] = value
    return found


def all_policies(laws: Sequence[Law], rounds: Sequence[int]) -> str:
    """The least KL(mu || nu) over all policies, from their output laws, is V_T."""
    count = 0
    for law in laws:
        positions = tuple(range(exact_bits.length_of(law)))
        for t in rounds:
            losses = [
                exact_bits.divergence(law, policy_output(law, policy))
                for policy in policies(law, positions, t)
            ]
            least = min(loss for loss in losses if loss is not None)
            told = exact_bits.best_adaptive(law, t)
            demand(least == told, f"T = {t}: {least} against {told}")
            count += len(losses)
    return f"{count} policies on {len(laws)} laws"


def choices_cancel() -> str:
    """The law of a path holds the same probabilities of choices under data and model."""
    choice, data, model, c, one = sp.symbols("choice data model c V", positive=True)
    ratio = sp.expand_log(sp.log(choice * data / (choice * model)), force=True)
    demand(sp.expand(ratio - sp.log(data) + sp.log(model)) == 0, f"{ratio}")
    spare = sp.symbols("spare", nonnegative=True)
    mean = (c * one + (1 - c) * (one + spare)) - one
    demand(sp.expand(mean - (1 - c) * spare) == 0, "a mean of choices is no better than the best")
    return "log of choice x data over choice x model is free of the choice; its mean is >= the best"


def two_rounds_leave_no_choice(seeds: int, length: int) -> str:
    """V_1 = L*_1 and V_2 = L*_2, V_T <= L*_T, exactly, on random integer tables."""
    smaller = 0
    for seed in range(seeds):
        law = random_law(random.Random(seed), length)
        for t in range(1, length + 1):
            fixed, adaptive = exact_bits.best_fixed(law, t)[0], exact_bits.best_adaptive(law, t)
            agree = adaptive == fixed if t <= 2 else adaptive <= fixed
            demand(agree, f"seed {seed}, T = {t}: {adaptive} against {fixed}")
            smaller += adaptive < fixed
    return f"{seeds} tables of {length} positions; V_T < L*_T {smaller} times, from T = 3 on"


# RT-9


def rare_copy() -> str:
    """Two copies of a bit with P(1) = e, at once: KL = h(e) -> 0, errors 2e(1-e) > 0."""
    e = sp.symbols("e", positive=True)
    loss = -e * sp.log(e) - (1 - e) * sp.log(1 - e)
    demand(sp.limit(loss, e, 0) == 0, "KL -> 0")
    inside = e**2 + (1 - e) ** 2
    demand(sp.expand(1 - inside - 2 * e * (1 - e)) == 0, "errors")
    return "KL = h(e) -> 0 as e -> 0, while nu(01) = e(1-e) > 0 = mu(01) for every e in (0, 1)"


def errors_bounded() -> str:
    """1 - nu(S) <= 1 - 2^-KL, from KL = -log nu(S) + KL(mu || nu given S)."""
    count = 0
    for table in (*LAWS, distributions.replace_random(4), distributions.parity(3)):
        law = exact_bits.law_of(table)
        for blocks in exact_bits.ordered_partitions(exact_bits.length_of(law), 2):
            nu = exact_bits.ideal_output(law, blocks)
            kl = exact_bits.divergence(law, nu)
            assert kl is not None
            inside = sum(nu.values())
            demand(exact_bits.log2(inside) >= kl * -1, f"{table.name}, {blocks}: {inside}")
            count += 1
    return f"log2 nu(supp mu) >= -KL exactly, {count} decoders"


CLAIMS = (
    Claim(
        "RT-1",
        "A uniformly random order with sizes s_1, ..., s_T has E KL = sum_j (Z_j - Z_{N(j)}), N(j) "
        "one more than the positions known before the round of j; the curve Z never falls, sum_j "
        "Z_j = TC, n Z_n = TC + DTC.",
        CHEN,
        "proved",
        "With h_j = H_1 - Z_j the mean entropy that a j-th position adds, an order costs h_{N(j)} "
        "for each position, and the h_j add up to H(Y). The mean is over orders each by itself; "
        "the output, a mixture of them, has at most this KL (PB-2).",
        (
            Check("All orders of n <= 4 positions.", "enumeration", partial(curves.all_orders, 4)),
            Check("Random places.", "symbolic", curves.random_places),
            Check("The sum telescopes.", "induction", curves.telescopes),
            Check("Both sums, n <= 5.", "certificate", partial(curves.curve_adds_up, 5)),
            Check(
                "The same up to n = 8.", "certificate", partial(curves.curve_adds_up, 8), slow=True
            ),
            Check("Both sums, all n.", "symbolic", curves.curve_adds_up_always),
            Check("The curve never falls.", "certificate", partial(curves.curve_grows, 5)),
            Check(
                "The same up to n = 8.", "certificate", partial(curves.curve_grows, 8), slow=True
            ),
            Check("The same for all n.", "symbolic", curves.curve_grows_always),
        ),
    ),
    Claim(
        "RT-2",
        "A random order with sizes s <= max(1, delta times the positions masked after it) has E KL "
        "<= delta TC; with s <= max(1, floor(delta N_a)), E KL <= delta DTC; both take about "
        "(1 + 1/delta) log n rounds.",
        CHEN,
        "proved",
        "With the constants spelled out, T <= 2 + ln(n-1)/(-ln(1-delta)) <= 2 + ln(n-1)/delta, and "
        "T <= 1 + ln n/ln(1+delta) <= 1 + (1 + 1/delta) ln n; (1 + 1/delta) ln n alone is exceeded "
        "by small n. Larger sizes keep both bounds: s = 1 + floor(delta (m-1)) with m masked "
        "before the round, and s = 1 + floor(delta N_a); no larger sizes keep them for all laws.",
        (
            Check(
                "What a round costs in steps of the curve.", "induction", curves.steps_of_a_round
            ),
            Check("The first step decides.", "symbolic", curves.first_step_is_worst),
            Check("Both kinds of sizes keep the bounds.", "symbolic", curves.sizes_keep_bounds),
            Check(
                "All three bounds, all sizes, n <= 4.",
                "certificate",
                partial(curves.bounds_certified, 4),
            ),
            Check(
                "The same, n <= 5.", "certificate", partial(curves.bounds_certified, 5), slow=True
            ),
            Check(
                "The same with multipliers written out, n <= 8.",
                "certificate",
                partial(curves.bounds_step_by_step, 8),
            ),
            Check(
                "The schedules, n <= 8.",
                "certificate",
                partial(curves.schedules_certified, 8),
                slow=True,
            ),
            Check("No smaller factors.", "enumeration", partial(curves.attained, 6)),
            Check("The rounds.", "symbolic", curves.rounds_bound),
            Check("Fewer rounds than published.", "enumeration", curves.rounds_saved),
            Check("The leading term alone, at n = 2.", "interval", curves.leading_term_alone),
        ),
    ),
    Claim(
        "RT-3",
        "Equal sizes s = n/T: E KL <= (s-1) Z_n <= (1/T) sum_i I(Y_i; Y_-i).",
        "Li and Cai 2025 (arXiv 2505.21400)",
        "proved",
        "Every step of the curve is paid at most s - 1 times. For T that does not divide n the "
        "same with ceil(n/T) - 1.",
        (
            Check(
                "What a round costs in steps of the curve.", "induction", curves.steps_of_a_round
            ),
            Check("A step is paid s - 1 times at most.", "symbolic", curves.first_step_is_worst),
            Check("The second bound.", "symbolic", curves.even_sizes_bound),
            Check("Both bounds, n <= 5.", "certificate", partial(curves.even_certified, 5)),
            Check(
                "Both bounds, n <= 8.", "certificate", partial(curves.even_certified, 8), slow=True
            ),
        ),
    ),
    Claim(
        "RT-4",
        "The best sizes of a random order are in proportion to 1/sqrt(Z').",
        "Lavenant and Zanella 2025 (arXiv 2510.25544); Secchi and Zanella 2026 (arXiv 2609.21960)",
        "conditional",
        "In the limit of long sequences with a smooth curve and large rounds. For short ones, or "
        "at jumps of the curve, the best sizes come from a dynamic programme.",
        (
            Check("The continuous problem.", "symbolic", curves.profile_is_optimal),
            Check("The limit that it is.", "symbolic", curves.continuous_limit),
            examples.check("RT-4"),
            searches.check("RT-4"),
        ),
    ),
    Claim(
        "RT-5",
        "Random sets of max(1, floor(eta/h)) positions, h the mean entropy of masked ones: over "
        "data traces E[T] <= 1 + 2 (H + KL_path)/eta; the KL can reach the order of eta log n.",
        "Cai and Li 2026 (arXiv 2603.22248), in our notation",
        "proved",
        "Every round but the last spends more than eta/2, and the rounds spend H + KL_path "
        "together. The scope is in the traces: for the rounds of what the decoder itself puts out "
        "the bound can fail. n copies of a bit (n even, at least 4) with eta = 2 have a bound of 3 "
        "and E_nu T = 1 + n/4.",
        (
            Check("A round spends more than eta/2.", "symbolic", budgets.rounded_budget),
            Check("What data traces spend.", "enumeration", budgets.budget_on_data),
            examples.check("RT-5"),
            searches.check("RT-5"),
            Check("Any even number of copies.", "symbolic", budgets.copies_of_a_bit),
            Check("The order of eta log n.", "symbolic", budgets.logarithmic_loss),
            Check("Its smallest case as a law.", "enumeration", budgets.logarithmic_law),
        ),
    ),
    Claim(
        "RT-6",
        "Committing the longest prefix with sum H - max H <= gamma, tokens drawn after choosing: "
        "over data traces KL <= E sum over rounds of (sum H - max H).",
        "EB-Sampler (Ben-Hamu et al. 2025, arXiv 2505.24857), in our notation",
        "proved",
        "A round's C is at most its sum H - max H. The scope is in the traces: summed over the "
        "canvases that the decoder itself meets, the same budgets do not bound its KL.",
        (
            Check(
                "The stake bounds C, n <= 5.",
                "certificate",
                partial(budgets.stake_bounds_correlation, 5),
            ),
            Check(
                "The same, n <= 8.",
                "certificate",
                partial(budgets.stake_bounds_correlation, 8),
                slow=True,
            ),
            Check("The same for all sizes.", "symbolic", budgets.stake_bounds_correlation_always),
            Check("Along data, in exact logarithms.", "enumeration", budgets.bounded_on_data),
            examples.check("RT-6"),
            Check(
                "The decoder's own budgets.",
                "counterexample",
                partial(budgets.own_budgets_fall_short, "RT-6"),
            ),
            Check(
                "A larger gap.",
                "counterexample",
                partial(budgets.own_budgets_fall_short, "RT-6-wide"),
            ),
        ),
    ),
    Claim(
        "RT-7",
        "L_T = sum_t sum_{i in S_t} H(y_i | S_<t) - H(Y), so that one dynamic programme over 3^n "
        "pairs of a known set and a block has L*_T for all T.",
        "ours",
        "proved",
        "A block's cost depends on what is known before it alone.",
        (
            Check("L telescopes, n <= 4.", "symbolic", partial(block_costs_telescope, 4)),
            Check("L telescopes, all n and T.", "induction", telescoping_step),
            Check("The number of pairs.", "symbolic", pairs_counted),
            Check("Against all ordered partitions.", "enumeration", programme_is_exact),
        ),
    ),
    Claim(
        "RT-8",
        "V_T(canvas) = min over S of C(S | canvas) + E V_{T-1} is the least path KL of commit-only "
        "policies that choose, from canvas, history and chance, before they draw. V_T = L*_T for T "
        "<= 2; from T = 3 on it can be smaller.",
        "ours; ParallelBench, Theorem 3, for values",
        "proved",
        "Choices cancel from the law of a path, so its KL is the sum of what its rounds lose, and "
        "each round may as well take the best set. With two rounds nothing is left to choose once "
        "values are seen. A deterministic policy puts out its path's KL; the output of randomised "
        "orders can have less, and drawing before choosing less still: both lie outside.",
        (
            Check("Choices cancel.", "symbolic", choices_cancel),
            Check(
                "All policies of three positions.",
                "enumeration",
                partial(all_policies, [exact_bits.law_of(law) for law in LAWS], (1, 2, 3)),
            ),
            Check(
                "All policies of four positions in three rounds.",
                "enumeration",
                partial(all_policies, [examples.load("PB-5").mu], (3,)),
                slow=True,
            ),
            Check(
                "Up to two rounds, three positions.",
                "random laws",
                partial(two_rounds_leave_no_choice, 12, 3),
            ),
            Check(
                "Up to two rounds, four positions.",
                "random laws",
                partial(two_rounds_leave_no_choice, 6, 4),
                slow=True,
            ),
            examples.check("PB-5"),
            Check("A mixture of orders loses at most their mean.", "symbolic", mixing_is_convex),
            examples.check("PB-2"),
            examples.check("RT-8"),
        ),
    ),
    Claim(
        "RT-9",
        "The forward KL can be small while the reverse KL is infinite; the sequence error rate is "
        "at most 1 - 2^-KL.",
        "ours",
        "proved",
        "Every parallel decoder that leaves the support has an infinite reverse KL.",
        (
            examples.check("RT-9"),
            Check("As small as one likes.", "symbolic", rare_copy),
            Check("The divergence splits (FLOOR-1).", "symbolic", floor_identity),
            Check("The error rate.", "enumeration", errors_bounded),
        ),
    ),
)
