"""ParallelBench: Theorems 1 to 3, the error floors of orders fixed in advance."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache, partial

import sympy as sp

from infodecode import Decoder, distributions, exact
from infodecode.distributions import Table
from infodecode.strategies import FixedPartition
from proofs import exact_bits, examples, searches
from proofs.claim import Check, Claim, demand
from proofs.exact_bits import Law
from proofs.set_functions import (
    certified,
    floor_form,
    form,
    information_form,
    names,
    quantity,
    splits,
)
from proofs.symbolic_tables import divergence_splits, log

PAPER = "ParallelBench"


# Theorem 1


def one_more() -> str:
    """One outcome: what a further position, and a further round, add to log mu/nu."""
    alone, guess, q, theta, joint, model, mu, nu = sp.symbols(
        "alone guess q theta joint model mu nu", positive=True
    )
    position = log(alone * q / (guess * theta)) - log(alone / guess) - log(q / theta)
    demand(sp.expand(position) == 0, "a position adds log marginal/prediction")
    split = log(joint / guess) - log(joint / alone) - log(alone / guess)
    demand(sp.expand(split) == 0, "log of joint over product, then of product over predictions")
    another = log(mu * joint / (nu * model)) - log(mu / nu) - log(joint / model)
    demand(sp.expand(another) == 0, "a round adds the log-ratio of its block, given the past")
    return "log mu/nu = sum over rounds of log joint/marginals + log marginals/predictions"


def gibbs() -> str:
    """x - 1 - log x, whose mean over p at x = q/p is KL(p || q), is least at x = 1 alone."""
    x, p, q = sp.symbols("x p q", positive=True)
    excess = x - 1 - sp.log(x)
    demand(excess.subs(x, 1) == 0, "0 at x = 1")
    demand(sp.diff(excess, x).subs(x, 1) == 0, "slope 0 at x = 1")
    demand(sp.diff(excess, x, 2).is_positive, "convex")
    gap = sp.expand(p * excess.subs(x, q / p) - (p * (log(p) - log(q)) + q - p))
    demand(sp.expand(sp.expand_log(gap, force=True)) == 0, f"{gap}")
    return "p log(p/q) + q - p = p (x - 1 - log x) at x = q/p: >= 0, and 0 only for q = p"


LAWS: tuple[Table, ...] = (
    distributions.permutations(3).table(),
    distributions.replace_random(3).table(),
    Table([[0, 0, 0], [0, 1, 2], [1, 0, 1], [1, 1, 0], [1, 1, 2]], [1, 2, 3, 4, 5]),
    Table([[0, 0, 1], [0, 1, 0], [1, 1, 1], [1, 0, 2], [0, 1, 2], [1, 1, 0]], [5, 1, 1, 2, 7, 3]),
)
"""Laws of three positions for checks by enumeration."""


def output_of(law: Table, decoder: Decoder, **options: object) -> dict[tuple[int, ...], Fraction]:
    """Output law on the support, in fractions."""
    run = exact(law, decoder, arithmetic="rational", **options)  # type: ignore[arg-type]
    pairs = zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True)
    return {y: Fraction(w) for y, w in pairs}


def ideal_marginals(rounds: int | None) -> str:
    """The exact decoder of a partition has KL = L_T, as sums of logarithms of primes."""
    count = 0
    for table in LAWS:
        law = exact_bits.law_of(table)
        h = exact_bits.entropies(law)
        for blocks in exact_bits.ordered_partitions(3, rounds):
            nu = output_of(table, Decoder(FixedPartition(blocks)))
            found, told = exact_bits.divergence(law, nu), exact_bits.partition_floor(h, blocks)
            demand(found == told, f"blocks {blocks}: {found} against {told}")
            count += 1
    return f"KL(mu || nu) = L exactly in {count} cases, {len(LAWS)} laws of 3 positions"


def careless(rows: Sequence[Sequence[int]] = ((0, 0, 0), (1, 1, 1))) -> str:
    """Copies of a bit, two at once: what is predicted on impossible contexts costs nothing."""
    law, blocks = Table(rows, [3] + [1] * (len(rows) - 1)), ((0, 1), (2,))
    ideal = exact_bits.ideal_output(exact_bits.law_of(law), blocks)
    outputs = [
        output_of(law, Decoder(FixedPartition(blocks)), off_support=rule)
        for rule in ("marginal", "uniform")
    ]
    demand(outputs[0] != outputs[1], "the two models do not differ")
    for nu in outputs:
        valid = {y: p for y, p in nu.items() if y in ideal}
        demand(valid == ideal, f"on the support {valid}, ideal {ideal}")
    return "two models that differ on contexts (0, 1) and (1, 0) only: other nu, the same KL = L"


def mixing_is_convex() -> str:
    """-log of a mean is at most the mean of -log: its tangent at the mean has mean 0."""
    a, b, c = sp.symbols("a b c", positive=True)
    mean = c * a + (1 - c) * b
    slack = c * (a / mean - 1) + (1 - c) * (b / mean - 1)
    demand(sp.simplify(slack) == 0, f"{slack}")
    return "log(nu_pi/nu) <= nu_pi/nu - 1, whose mean over orders pi is 0: KL(mixture) <= mean KL"


# Lemma 1


def sizes_up_to(most: int) -> Iterator[tuple[int, int, int]]:
    """|A|, |B| >= 1 and |Z| >= 0 that add up to ``most`` or less."""
    for a, b, z in itertools.product(range(1, most), range(1, most), range(most - 1)):
        if a + b + z <= most:
            yield a, b, z


@cache
def superadditivity(most: int, relation: str = ">=") -> str:
    """Lemma 1 with sets of these sizes; which positions they hold makes no difference."""
    count = 0
    for a, b, z in sizes_up_to(most):
        first, second, context = names("A", a), names("B", b), names("Z", z)
        together = quantity("C", ",".join(first + second), context)
        apart = quantity("C", ",".join(first), context)
        apart += " + " + quantity("C", ",".join(second), context + first)
        shared = (quantity("I", f"{y};{','.join(first)}", context) for y in second)
        certified(f"{together} {relation} {apart}")
        certified(f"{together} == {apart} + {' + '.join(shared)}")
        count += 1
    return f"{count} triples of sizes with |A| + |B| + |Z| <= {most}, and the difference in each"


def sum_of_informations() -> str:
    """The difference is sum I(b; A | Z): one more position in B, in joint entropies."""
    z, zb, zs, zsb, za, zab = sp.symbols("H_Z H_Zb H_ZS H_ZSb H_ZA H_ZAb")
    joint = (zb - z) - (zsb - zs)
    second = (zab - za) - (zsb - zs)
    information = (zb - z) - (zab - za)
    demand(sp.expand(joint - second - information) == 0, "step")
    return (
        "from B empty: with b, C(A,B|Z) gains H(b|Z) - H(b|Z,A,B), and C(B|Z,A) gains "
        "H(b|Z,A) - H(b|Z,A,B), less by I(b; A|Z)"
    )


def information_is_nonnegative() -> str:
    """I(b; A | Z) is a sum of elemental terms, one for each member of A."""
    z, zb, za, zab, zac, zabc = sp.symbols("H_Z H_Zb H_ZA H_ZAb H_ZAc H_ZAbc")
    before = zb + za - zab - z
    elemental = zab + zac - zabc - za
    after = zb + zac - zabc - z
    demand(sp.expand(after - before - elemental) == 0, "chain rule")
    return "I(b; A, c | Z) = I(b; A | Z) + I(b; c | Z, A), from I(b; nothing | Z) = 0"


# Theorem 2


def splitting() -> str:
    """Any split of any block, as an identity between set functions; T < n leaves one to split."""
    count = 0
    for n in (2, 3, 4):
        for blocks in exact_bits.ordered_partitions(n):
            found = list(splits(blocks))
            demand(bool(found) == (len(blocks) < n), f"{blocks}: nothing to split")
            for after, first, second, before in found:
                gain = floor_form(blocks) + [(-c, mask) for c, mask in floor_form(after)]
                told = [term for i in second for term in information_form(i, first, before)]
                demand(form(*gain) == form(*told), f"{blocks} to {after}")
                count += 1
    return f"L - L' = sum of I(b; A | Z) >= 0 in all {count} splits of n <= 4; T < n leaves one"


def some_split_gains(most: int) -> str:
    """C(S | Z) is at most the gain of taking each b last, summed over b in S."""
    count = 0
    for s, z in itertools.product(range(2, most + 1), range(most - 1)):
        if s + z > most:
            continue
        block, context = names("S", s), names("Z", z)
        last = [
            quantity("I", f"{b};{','.join(x for x in block if x != b)}", context) for b in block
        ]
        certified(f"{quantity('C', ','.join(block), context)} <= {' + '.join(last)}")
        count += 1
    return f"{count} pairs of sizes with |S| + |Z| <= {most}"


def some_split_gains_always() -> str:
    """The same for all sizes: C is a telescoping sum, and I grows with what it is with."""
    z, zs, zb, zsb, zsr, zsbr = sp.symbols("H_Z H_ZS H_Zb H_ZSb H_ZSr H_ZSbr")
    growth = (zb - z) - (zsb - zs)
    with_earlier = zb + zs - zsb - z
    demand(sp.expand(growth - with_earlier) == 0, "C(S, b | Z) - C(S | Z) = I(b; S | Z)")
    with_all = zb + zsr - zsbr - z
    elemental = zsb + zsr - zsbr - zs
    demand(sp.expand(with_all - with_earlier - elemental) == 0, "chain rule")
    return "C(S|Z) = sum I(s_k; s_<k | Z) <= sum I(s_k; rest | Z): if C > 0, some split gains"


def strictly(seeds: int, length: int) -> str:
    """L*_T in exact logarithms on random integer tables: it falls until it is 0."""
    falls = 0
    for seed in range(seeds):
        law = random_law(random.Random(seed), length)
        floors = [exact_bits.best_fixed(law, t)[0] for t in range(1, length + 1)]
        demand(floors[-1] == exact_bits.NOTHING, "one by one")
        for now, later in itertools.pairwise(floors):
            demand(later < now if now.sign else later == now, f"seed {seed}: {now} to {later}")
            falls += now.sign
    return f"{falls} strict steps on {seeds} tables of {length} positions"


def random_law(generator: random.Random, length: int) -> dict[tuple[int, ...], Fraction]:
    """Some binary outcomes with weights up to 4, among them dependent positions and sure ones."""
    rows = list(itertools.product(range(2), repeat=length))
    kept = generator.sample(rows, generator.randint(2, len(rows)))
    return exact_bits.law_of(Table(kept, [generator.randint(1, 4) for _ in kept]))


# Theorem 3


def mean_over_inputs() -> str:
    """Each input by itself, with its own best partition; then the mean."""
    p, q, falls, also = sp.symbols("p q falls also", nonnegative=True)
    demand((p * falls + q * also).is_nonnegative, "a mean of what is >= 0")
    pairs: list[Law] = []
    for free, a, b in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        rows = []
        for u, v in itertools.product((0, 1), repeat=2):
            row = {free: u, a: v, b: v}
            rows.append([row[i] for i in range(3)])
        pairs.append(exact_bits.law_of(Table(rows)))
    own = [exact_bits.best_fixed(law, 2)[0] for law in pairs]
    demand(own == [exact_bits.NOTHING] * 3, f"own partitions: {own}")
    common = min(
        exact_bits.total(
            exact_bits.partition_floor(exact_bits.entropies(law), blocks) for law in pairs
        )
        for blocks in exact_bits.ordered_partitions(3, 2)
    ) * Fraction(1, 3)
    demand(common == exact_bits.whole(Fraction(1, 3)), f"one partition for all: {common}")
    return (
        "monotone for each input, so in the mean; copies of a bit at places that the input tells: "
        "0 bits in two rounds, 1/3 bit with the best partition for all inputs"
    )


CLAIMS = (
    Claim(
        "PB-1",
        "One round: min over models of KL(mu || nu) >= C(Y).",
        f"{PAPER}, equation (1), after Huang et al. 2022",
        "proved",
        "KL(mu || nu) = C(Y) + sum_i KL(mu_i || nu_i) for every model that predicts positions one "
        "by one, so the minimum is C(Y), at the ideal marginals and nowhere else.",
        (
            Check(
                "The gap is a sum of divergences, on symbolic tables.",
                "symbolic",
                partial(divergence_splits, 1),
            ),
            Check("Any number of positions and outcomes.", "induction", one_more),
            Check("A divergence is >= 0, and 0 for equal laws only.", "symbolic", gibbs),
            Check("Ideal marginals attain it.", "enumeration", partial(ideal_marginals, 1)),
        ),
    ),
    Claim(
        "PB-2",
        "An ordered partition fixed in advance: KL(mu || nu) >= L_T = sum_t E_mu C(S_t | S_<t), "
        "with equality for ideal marginals.",
        f"{PAPER}, Theorem 1",
        "proved",
        "KL(mu || nu) - L_T is the sum over positions of E_mu KL(mu(y_i | S_<t) || nu(y_i | "
        "S_<t)). So equality needs ideal marginals on contexts of positive probability only. The "
        "scope is in the word fixed: a random order, drawn independently of the tokens, puts out a "
        "mixture, whose KL is at most the mean of L_T over orders and can lie below the best L*_T.",
        (
            Check(
                "The gap is a sum of divergences, on symbolic tables.",
                "symbolic",
                partial(divergence_splits, None),
            ),
            Check("Any number of rounds, positions and outcomes.", "induction", one_more),
            Check("A divergence is >= 0, and 0 for equal laws only.", "symbolic", gibbs),
            Check("Ideal marginals attain it.", "enumeration", partial(ideal_marginals, None)),
            Check("Impossible contexts do not matter.", "enumeration", careless),
            examples.check("PB-2-contexts"),
            Check("A mixture of orders loses at most their mean.", "symbolic", mixing_is_convex),
            examples.check("PB-2"),
            searches.check("PB-2"),
        ),
    ),
    Claim(
        "PB-3",
        "C(A,B | Z) >= C(A | Z) + E C(B | Z, A).",
        f"{PAPER}, Lemma 1 (subadditivity of conditional total correlation)",
        "proved",
        "The difference is sum over b in B of I(b; A | Z). The inequality is right as printed, and "
        "so is its proof; its usual name would be superadditivity.",
        (
            Check("All sizes up to 5 positions.", "certificate", partial(superadditivity, 5)),
            Check(
                "All sizes up to 8 positions.",
                "certificate",
                partial(superadditivity, 8),
                slow=True,
            ),
            Check("The difference, for all sizes.", "induction", sum_of_informations),
            Check("I(b; A | Z) >= 0, for all sizes.", "induction", information_is_nonnegative),
            examples.check("PB-3"),
        ),
    ),
    Claim(
        "PB-4",
        "L*_T >= L*_{T+1}.",
        f"{PAPER}, Theorem 2 and Remark 2",
        "proved",
        "For T < n, beyond which there are no partitions. The printed proof splits the last block "
        "of an optimal partition, which may be a single position; any block of two or more will "
        "do, since later blocks still know the same positions, and T < n leaves one. Strict "
        "exactly while L*_T > 0: some block then has C > 0, and one of its positions gains by "
        "being taken last.",
        (
            Check("Splitting any block.", "symbolic", splitting),
            Check("The step for all sizes.", "induction", sum_of_informations),
            Check(
                "The step, up to 8 positions.",
                "certificate",
                partial(superadditivity, 8),
                slow=True,
            ),
            examples.check("PB-4"),
            searches.check("PB-4"),
            Check("Where C > 0 some split gains.", "induction", some_split_gains_always),
            Check(
                "The same, up to 8 positions.",
                "certificate",
                partial(some_split_gains, 8),
                slow=True,
            ),
            Check("Strict until 0, in exact logarithms.", "random laws", partial(strictly, 20, 3)),
            Check(
                "The same for four positions.", "random laws", partial(strictly, 12, 4), slow=True
            ),
        ),
    ),
    Claim(
        "PB-5",
        "Partitions that depend on the input: the mean over inputs of the best L_T falls with T.",
        f"{PAPER}, Theorem 3",
        "proved",
        "Theorem 2 for each input, then the mean. Orders that adapt to the values revealed are "
        "not covered, and can do better from T = 3 on (RT-8).",
        (
            Check("The mean over inputs.", "enumeration", mean_over_inputs),
            examples.check("PB-5"),
            searches.check("PB-5"),
        ),
    ),
)
