"""Locally Confident, Globally Stuck: power laws, local tempering, Metropolis-Hastings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp

from infodecode import Decoder, distributions, exact
from infodecode.strategies import Threshold
from proofs import examples, searches
from proofs.claim import Check, Claim, demand

PAPER = "Locally Confident, Globally Stuck"
Law = Mapping[tuple[int, ...], Fraction]

KARAN_DU: Law = {
    (0, 1): Fraction(4, 9),
    (1, 0): Fraction(5, 18),
    (1, 1): Fraction(5, 18),
}
"""aa 0, ab .4, ba .25, bb .25, normalised (Karan and Du, arXiv 2510.14901)."""


def power(law: Law, alpha: int) -> dict[tuple[int, ...], Fraction]:
    """mu^alpha / Z."""
    raised = {y: p**alpha for y, p in law.items()}
    total = sum(raised.values())
    return {y: p / total for y, p in raised.items()}


def marginal(law: Law, shown: Mapping[int, int], i: int) -> dict[int, Fraction]:
    """Law of position i given the tokens shown."""
    found: dict[int, Fraction] = {}
    for y, p in law.items():
        if all(y[j] == v for j, v in shown.items()):
            found[y[i]] = found.get(y[i], Fraction(0)) + p
    total = sum(found.values())
    return {v: p / total for v, p in found.items()}


def locally_tempered(
    law: Law, order: tuple[int, ...], alpha: int
) -> dict[tuple[int, ...], Fraction]:
    """What comes of drawing each token from its own marginal to the power alpha."""
    done: dict[tuple[tuple[int, int], ...], Fraction] = {(): Fraction(1)}
    for i in order:
        after: dict[tuple[tuple[int, int], ...], Fraction] = {}
        for shown, weight in done.items():
            raised = {v: p**alpha for v, p in marginal(law, dict(shown), i).items()}
            for v, p in raised.items():
                after[(*shown, (i, v))] = weight * p / sum(raised.values())
        done = after
    return {tuple(v for _, v in sorted(shown)): weight for shown, weight in done.items()}


# Entropy caps


def cap_falls() -> str:
    """h(c) + (1-c) log(V-1), the most entropy with largest probability c, falls from c = 1/V on."""
    c, v = sp.symbols("c V", positive=True)
    most = -c * sp.log(c) - (1 - c) * sp.log(1 - c) + (1 - c) * sp.log(v - 1)
    slope = sp.diff(most, c) - sp.log((1 - c) / (c * (v - 1)))
    demand(sp.simplify(sp.expand_log(slope, force=True)) == 0, f"{slope}")
    demand(sp.solve(sp.Eq((1 - c) / (c * (v - 1)), 1), c) == [1 / v], "zero slope at 1/V")
    return "slope log((1-c)/(c(V-1))): zero at c = 1/V, negative above"


def naive_cap() -> str:
    """Four equal values, tau = .9: nothing passes, the forced token has two bits."""
    law = distributions.Table([[v] for v in range(4)])
    run = exact(law, Decoder(Threshold(0.9)), arithmetic="rational")
    demand(run.output.entropy() == 2, "entropy of the output")
    demand(Fraction(9**9, 10**10) / 3 > Fraction(1, 2**10), "h(.9) + .1 log2 3 < 1")
    return "entropy 2 bits; without the forced commit the cap would be .63"


def attained_cap() -> str:
    """One position with probabilities (tau, the rest shared equally) passes and attains it."""
    for tau, size in ((Fraction(9, 10), 4), (Fraction(1, 2), 3)):
        share = (1 - tau) / (size - 1)
        unit = share.denominator * tau.denominator
        weights = [int(tau * unit)] + [int(share * unit)] * (size - 1)
        law = distributions.Table([[v] for v in range(size)], weights)
        run = exact(law, Decoder(Threshold(float(tau), inclusive=True)), arithmetic="rational")
        found = {int(y[0]): w for y, w in zip(run.outcomes, run.weights, strict=True)}
        demand(found == {0: tau} | dict.fromkeys(range(1, size), share), f"output {found}")
        p = sp.Rational(tau.numerator, tau.denominator)
        entropy = -p * sp.log(p, 2) - (1 - p) * sp.log((1 - p) / (size - 1), 2)
        cap = -p * sp.log(p, 2) - (1 - p) * sp.log(1 - p, 2) + (1 - p) * sp.log(size - 1, 2)
        gap = sp.simplify(sp.expand_log(entropy - cap, force=True))
        demand(gap == 0, f"tau = {tau}, V = {size}: {gap}")
    return "equality at (tau, V) = (9/10, 4) and (1/2, 3)"


def drawn_gate() -> str:
    """Tokens of probability >= tau are at most floor(1/tau); a uniform law attains the cap."""
    for tau in (Fraction(1, 2), Fraction(1, 3), Fraction(2, 7)):
        most = tau.denominator // tau.numerator
        demand(most * tau <= 1 < (most + 1) * tau, f"floor(1/{tau}) = {most}")
        law = distributions.Table([[v] for v in range(most)])
        rule = Threshold(float(tau), inclusive=True)
        run = exact(law, Decoder(rule, order="sample-then-choose"), arithmetic="rational")
        demand(run.output.support_size == most, "every token may pass")
    return "log2 floor(1/tau) bits a gated token, attained by uniform laws at 1/2, 1/3, 2/7"


# The law that balances both


def variational() -> str:
    """E_q log mu + H(q)/alpha = (log Z - KL(q || mu^alpha / Z))/alpha, on symbols."""
    alpha = sp.symbols("alpha", positive=True)
    for size in (2, 3):
        mu = sp.symbols(f"mu:{size}", positive=True)
        q = list(sp.symbols(f"q:{size - 1}", positive=True))
        q.append(1 - sum(q))
        z = sp.Add(*(p**alpha for p in mu))
        value = sum(w * sp.log(p) - w * sp.log(w) / alpha for w, p in zip(q, mu, strict=True))
        gap = sum(w * sp.log(w * z / p**alpha) for w, p in zip(q, mu, strict=True))
        rest = sp.expand(sp.expand_log(value - (sp.log(z) - gap) / alpha, force=True))
        demand(sp.simplify(rest) == 0, f"{size} outcomes: {rest}")
    return "the gap to the optimum is KL(q || mu^alpha / Z)/alpha, 2 and 3 outcomes"


def token_form() -> str:
    """mu(x|c)^alpha Z_alpha(c, x) is the conditional of the power law, up to a constant."""
    alpha = sp.symbols("alpha", positive=True)
    mu = {(a, b): sp.symbols(f"mu_{a}{b}", positive=True) for a in range(2) for b in range(3)}
    first = [sum(mu[a, b] for b in range(3)) for a in range(2)]
    rest = [sum((mu[a, b] / first[a]) ** alpha for b in range(3)) for a in range(2)]
    told = (first[0] ** alpha * rest[0]) * sum(mu[1, b] ** alpha for b in range(3))
    other = (first[1] ** alpha * rest[1]) * sum(mu[0, b] ** alpha for b in range(3))
    for value in (1, 2, 3):
        demand(sp.simplify((told - other).subs(alpha, value)) == 0, f"alpha = {value}")
    law = KARAN_DU
    target = power(law, 4)
    for order in ((0, 1), (1, 0)):
        demand(locally_tempered(target, order, 1) == target, f"{order}: drawn by its conditionals")
    return "exact for alpha = 1, 2, 3 on 2 x 3 symbols; drawing by it gives mu^4 in either order"


def local_tempering() -> str:
    """Karan and Du's law at alpha = 4: four values of P(ab)."""
    target = power(KARAN_DU, 4)[0, 1]
    left, right = (locally_tempered(KARAN_DU, o, 4).get((0, 1)) for o in ((0, 1), (1, 0)))
    assert left is not None
    assert right is not None
    found = [round(float(v), 3) for v in (target, left, (left + right) / 2, right)]
    demand(found == [0.766, 0.291, 0.570, 0.849], f"{found}")
    return f"target {target}; left to right {left}; right to left {right}"


# Metropolis-Hastings


def _rational(value: Fraction) -> sp.Rational:
    return sp.Rational(value.numerator, value.denominator)


def chain(target: list[sp.Expr], proposal: list[sp.Expr], order: list[int]) -> sp.Matrix:
    """Independent Metropolis-Hastings where target/proposal grows along ``order``."""
    size = len(target)
    matrix = sp.zeros(size, size)
    place = {state: rank for rank, state in enumerate(order)}
    for a, b in itertools.permutations(range(size), 2):
        ratio = (target[b] * proposal[a]) / (target[a] * proposal[b])
        matrix[a, b] = proposal[b] * (1 if place[b] >= place[a] else ratio)
    for a in range(size):
        matrix[a, a] = 1 - sum(matrix[a, b] for b in range(size) if b != a)
    return matrix


def detailed_balance() -> str:
    """pi(a) P(a, b) = pi(b) P(b, a), for every order of the weights, on symbols."""
    pi = list(sp.symbols("pi:3", positive=True))
    q = list(sp.symbols("q:3", positive=True))
    for order in itertools.permutations(range(3)):
        matrix = chain(pi, q, list(order))
        for a, b in itertools.combinations(range(3), 2):
            flow = pi[a] * matrix[a, b] - pi[b] * matrix[b, a]
            demand(sp.simplify(flow) == 0, f"{order}: {a}, {b}")
    return "3 states, all 6 orders of pi/q: reversible with respect to pi"


def mixing() -> str:
    """Every row holds at least pi/w* of the target: TV shrinks by 1 - 1/w* a step."""
    pi = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    for q in itertools.product((1, 2, 5), repeat=3):
        propose = [Fraction(v, sum(q)) for v in q]
        weights = [p / v for p, v in zip(pi, propose, strict=True)]
        worst = max(weights)
        order = sorted(range(3), key=lambda i: weights[i])
        matrix = chain([_rational(p) for p in pi], [_rational(v) for v in propose], order)
        for a, b in itertools.product(range(3), repeat=2):
            demand(Fraction(str(matrix[a, b])) >= pi[b] / worst, f"{q}: row {a}, column {b}")
    return "P(a, b) >= pi(b)/w*, w* = max pi/q, for 27 proposals: TV <= (1 - 1/w*)^(k+1)"


def several_tokens() -> str:
    """Two bits at once with Z_alpha alone: (2, 1, 1, 2)/6 becomes uniform at alpha = 1."""
    law: Law = {(0, 0): Fraction(1, 3), (0, 1): Fraction(1, 6), (1, 0): Fraction(1, 6),
                (1, 1): Fraction(1, 3)}  # fmt: skip
    first, second = marginal(law, {}, 0), marginal(law, {}, 1)
    proposal = {y: first[y[0]] * second[y[1]] for y in law}
    wrong = {y: proposal[y] * 1 for y in law}  # nothing is left: Z_alpha = 1
    demand(set(wrong.values()) == {Fraction(1, 4)}, f"{wrong}")
    right = {y: proposal[y] * (law[y] / proposal[y]) for y in law}
    demand(right == law, f"{right}")
    return "with Z alone 1/4 each; with Z [mu(x_S|c)/prod mu(x_i|c)]^alpha the law itself"


def mean_field() -> str:
    """The mean-field weight, a product of power sums, is not Z_alpha on dependent positions."""
    law: Law = {(0, 0, 0): Fraction(1, 2), (1, 0, 0): Fraction(1, 4), (1, 1, 1): Fraction(1, 4)}
    alpha = 2
    exact_z, product = {}, {}
    for x in (0, 1):
        rest = {y: p for y, p in law.items() if y[0] == x}
        total = sum(rest.values())
        exact_z[x] = sum((p / total) ** alpha for p in rest.values())
        product[x] = Fraction(1)
        for i in (1, 2):
            product[x] *= sum(p**alpha for p in marginal(law, {0: x}, i).values())
    demand(exact_z == {0: 1, 1: Fraction(1, 2)}, f"{exact_z}")
    demand(product == {0: 1, 1: Fraction(1, 4)}, f"{product}")
    return "copies of a bit: Z = 1/2, mean field 1/4"


def repair() -> str:
    """Sequence IMH with alpha = 1 and a parallel proposal: mu is stationary."""
    mu = [sp.Rational(1, 2), sp.Rational(1, 2), sp.Integer(0), sp.Integer(0)]
    q = [sp.Rational(1, 4)] * 4
    support = [0, 1]
    matrix = sp.zeros(4, 4)
    for a in range(4):
        for b in range(4):
            if a == b:
                continue
            accept = 1 if a not in support else (1 if b in support else 0)
            matrix[a, b] = q[b] * accept
        matrix[a, a] = 1 - sum(matrix[a, b] for b in range(4) if b != a)
    row = sp.Matrix([mu])
    demand(sp.simplify(row * matrix - row) == sp.zeros(1, 4), "stationary")
    start = sp.Matrix([q])
    distance = [(start * matrix**step - row).applyfunc(sp.Abs) for step in (0, 1, 2)]
    found = [sum(d) / 2 for d in distance]
    demand(found == [sp.Rational(1, 2), sp.Rational(1, 4), sp.Rational(1, 8)], f"{found}")
    return "two copies of a bit drawn at once: TV 1/2, 1/4, 1/8, halved by every step"


def needs_marginal_proposal() -> str:
    """A proposal weighed by the path it took, positions included, leaves another law behind."""
    mu: Law = {(0, 0): Fraction(1, 2), (1, 1): Fraction(1, 2)}
    path = {y: Fraction(1, 2) * (1 if y == (0, 0) else Fraction(1, 2)) for y in mu}
    weights = {y: mu[y] / path[y] for y in mu}
    proposal = dict.fromkeys(mu, Fraction(1, 2))
    stationary = {y: proposal[y] * weights[y] for y in mu}
    total = sum(stationary.values())
    found = {y: w / total for y, w in stationary.items()}
    demand(found != mu, "the law would be right by accident")
    return (
        f"a position chosen with probability 1/2 on one path only: {found[0, 0]} and {found[1, 1]}"
    )


def pass_at_k() -> str:
    """Pass@k is 1 - E (1-p)^k over prompts; concave in p, so mixing prompts matters."""
    p, r, size = sp.symbols("p r k", positive=True)
    slope = sp.diff(1 - (1 - p) ** size, p, 2)
    demand(sp.simplify(slope + size * (size - 1) * (1 - p) ** (size - 2)) == 0, f"{slope}")
    demand(
        sp.expand((1 - ((1 - p) ** 2 + (1 - r) ** 2) / 2) - (1 - (1 - (p + r) / 2) ** 2))
        == sp.expand(-((p - r) ** 2) / 4),
        "k = 2, two prompts",
    )
    return "second derivative -k(k-1)(1-p)^(k-2); two prompts lose (p-r)^2/4 at k = 2"


def check(shows: str, method: str, run: Callable[[], str], *, slow: bool = False) -> Check:
    """Short for `Check`."""
    return Check(shows, method, run, slow)


CLAIMS = (
    Claim(
        "QE-1",
        "Remasking by low confidence bounds the entropy of the output: every commit above tau "
        "adds at most h(tau) + (1-tau) log2(V-1).",
        f"{PAPER}, abstract",
        "corrected",
        "The cap must count forced commits. (A) Positions that follow from the canvas, tokens "
        "drawn after choosing, gate on the largest probability at tau >= 1/V: H(nu) = E sum H(p_i) "
        "over commits <= E[gated] (h(tau) + (1-tau) log2(V-1)) + E sum over forced of H(p_i). (B) "
        "Gate on the drawn token's probability: H(nu) <= sum_t E H(S_t, flag_t | canvas) + "
        "E[gated] log2 floor(1/tau) + E[forced] log2 V.",
        (
            check("The most entropy above a threshold.", "symbolic", cap_falls),
            check("A forced commit exceeds the naive cap.", "counterexample", naive_cap),
            check("Cap (A) is attained.", "enumeration", attained_cap),
            check("Cap (B) is attained.", "enumeration", drawn_gate),
            examples.check("QE-1"),
            searches.check("QE-1"),
        ),
    ),
    Claim(
        "QE-2",
        "argmax over q of E_q[log mu] + H(q)/alpha is mu^alpha / Z.",
        f"{PAPER}, abstract",
        "proved",
        "The Gibbs variational principle; what q loses is KL(q || mu^alpha / Z)/alpha.",
        (check("The gap is a divergence.", "symbolic", variational),),
    ),
    Claim(
        "QE-3",
        "Token by token: q*(x_i | c) is proportional to mu(x_i | c)^alpha Z_alpha(c, x_i), with "
        "Z_alpha the sum over completions of mu(rest | c, x_i)^alpha.",
        f"{PAPER}, abstract; ours in this form",
        "proved",
        "So local tempering, mu(x_i | c)^alpha alone, is wrong by exactly Z_alpha, and its law "
        "depends on the order.",
        (
            check("The conditional of the power law.", "symbolic", token_form),
            check("Karan and Du's example.", "counterexample", local_tempering),
            examples.check("QE-3"),
        ),
    ),
    Claim(
        "QE-4",
        "Independent Metropolis-Hastings on tokens while decoding, weights w estimating Z_alpha.",
        f"{PAPER}, abstract; in our notation",
        "conditional",
        "One token at a fixed position: reversible, exact for w = Z_alpha; after k moves TV <= "
        "(1 - 1/w*)^(k+1), w* = max pi/q. Several tokens of one round need w = Z_alpha "
        "[mu(x_S|c)/prod mu(x_i|c)]^alpha. The mean-field weight is exact only for positions that "
        "are independent given the rest.",
        (
            check("Detailed balance.", "symbolic", detailed_balance),
            check("The rate.", "enumeration", mixing),
            check("Several tokens.", "counterexample", several_tokens),
            check("Mean field.", "counterexample", mean_field),
            examples.check("QE-4"),
            examples.check("QE-4-mean-field"),
        ),
    ),
    Claim(
        "QE-5",
        "Metropolis-Hastings on sequences, proposals x' from a decoder's q: accept with min(1, "
        "mu(x')^alpha q(x) / (mu(x)^alpha q(x'))).",
        f"{PAPER}, abstract; in our notation",
        "conditional",
        "Exact if q > 0 on the support and q is the marginal output law. alpha = 1 repairs the "
        "factorisation error of a parallel decoder. From mu(x) = 0 every proposal is accepted.",
        (
            check("Detailed balance.", "symbolic", detailed_balance),
            check("A parallel proposal repaired.", "enumeration", repair),
            check("Weights by the path.", "counterexample", needs_marginal_proposal),
        ),
    ),
    Claim(
        "QE-6",
        "Pass@k separates rules of equal quality by their exploration.",
        f"{PAPER}, abstract",
        "conditional",
        "Pass@k = 1 - E[(1-p)^k] over prompts: concave in p, so uneven success costs; the rest "
        "depends on the problems.",
        (check("Concavity.", "symbolic", pass_at_k),),
    ),
)
