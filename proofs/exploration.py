"""Locally Confident, Globally Stuck: power laws, local tempering, Metropolis-Hastings."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction

import sympy as sp

from proofs import caps, examples, metropolis, searches
from proofs.claim import Check, Claim, demand

PAPER = "Locally Confident, Globally Stuck"
Tokens = tuple[int, ...]
Law = Mapping[Tokens, Fraction]

KARAN_DU: Law = {
    (0, 1): Fraction(4, 9),
    (1, 0): Fraction(5, 18),
    (1, 1): Fraction(5, 18),
}
"""aa 0, ab .4, ba .25, bb .25, normalised (Karan and Du, arXiv 2510.14901)."""

THREE: Law = {
    (0, 0, 0): Fraction(1, 12), (0, 1, 1): Fraction(5, 12), (1, 0, 1): Fraction(1, 6),
    (1, 1, 0): Fraction(1, 4), (1, 1, 1): Fraction(1, 12),
}  # fmt: skip


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


def completions(law: Law, shown: Mapping[int, int], alpha: int) -> Fraction:
    """Z_alpha: the sum over completions of their probability, given the tokens shown, to alpha."""
    left = [p for y, p in law.items() if all(y[j] == v for j, v in shown.items())]
    return sum(((p / sum(left)) ** alpha for p in left), Fraction(0))


def token_by_token(law: Law, order: Tokens, alpha: int) -> dict[Tokens, Fraction]:
    """What comes of drawing each token with mu(x|c)^alpha Z_alpha(c, x), normalised."""
    done: dict[tuple[tuple[int, int], ...], Fraction] = {(): Fraction(1)}
    for i in order:
        after: dict[tuple[tuple[int, int], ...], Fraction] = {}
        for shown, weight in done.items():
            raised = {
                v: p**alpha * completions(law, {**dict(shown), i: v}, alpha)
                for v, p in marginal(law, dict(shown), i).items()
            }
            for v, p in raised.items():
                after[(*shown, (i, v))] = weight * p / sum(raised.values())
        done = after
    return {tuple(v for _, v in sorted(shown)): weight for shown, weight in done.items()}


# The law that balances both


def variational() -> str:
    """E_q log mu + H(q)/alpha = (log Z - KL(q || mu^alpha / Z))/alpha: each outcome's term."""
    alpha, p, q, z = sp.symbols("alpha mu q Z", positive=True)
    value = q * sp.log(p) - q * sp.log(q) / alpha
    gap = q * sp.log(q * z / p**alpha)
    rest = sp.expand(sp.expand_log(value - (q * sp.log(z) - gap) / alpha, force=True))
    demand(sp.simplify(rest) == 0, f"{rest}")
    return "the gap to the optimum is KL(q || mu^alpha / Z)/alpha, term by term, as q adds up to 1"


def token_form() -> str:
    """mu(x|c)^alpha Z_alpha(c, x) is the power law's mass with x: each completion's term."""
    alpha, token, rest = sp.symbols("alpha mu_x mu_rest", positive=True)
    gap = token**alpha * rest**alpha - (token * rest) ** alpha
    demand(sp.simplify(sp.powsimp(gap, force=True)) == 0, f"{gap}")
    for law, alpha in itertools.product((KARAN_DU, THREE), (2, 4)):
        for order in itertools.permutations(range(len(next(iter(law))))):
            found = token_by_token(law, order, alpha)
            demand(found == power(law, alpha), f"alpha = {alpha}, {order}: {found}")
    return (
        "mu(x|c)^alpha mu(rest|c,x)^alpha = mu(x,rest|c)^alpha for all alpha; drawn so, token by "
        "token, 2 and 3 positions have the power law in any order"
    )


# Pass@k


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


CLAIMS = (
    Claim(
        "QE-1",
        "Remasking by low confidence constrains the entropy of the output.",
        f"{PAPER}, abstract; the caps are ours",
        "conditional",
        "As two caps, in which forced commits count by themselves: nothing bounds them by the "
        "gate. (A) Positions that follow from the canvas, tokens drawn after choosing, gate on the "
        "largest probability at tau >= 1/V: H(nu) = E sum H(p_i) over commits <= E[gated] (h(tau) "
        "+ (1-tau) log2(V-1)) + E sum over forced of H(p_i). (B) Gate on the drawn token's "
        "probability: H(nu) <= sum_t E H(S_t, flag_t | canvas) + E[gated] log2 floor(1/tau) + "
        "E[forced] log2 V; for a strict gate ceil(1/tau) - 1 in place of floor(1/tau).",
        (
            Check("The most entropy above a threshold.", "symbolic", caps.most_entropy),
            Check("(A): the entropy along the path.", "certificate", caps.path_entropy),
            Check("(A) on small laws.", "enumeration", caps.cap_a_on_laws),
            Check("(A) is attained.", "enumeration", caps.attained_cap),
            Check("(B): the entropy along the path.", "certificate", caps.drawn_path),
            Check(
                "(B): few tokens pass, and uniform laws attain it.", "enumeration", caps.few_pass
            ),
            Check("(B) on small laws.", "enumeration", caps.cap_b_on_laws),
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
        (Check("The gap is a divergence.", "symbolic", variational),),
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
            Check("The conditional of the power law.", "symbolic", token_form),
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
        "[mu(x_S|c)/prod mu(x_i|c)]^alpha. The mean-field weight is exact for positions that are "
        "independent given the rest, and not in general.",
        (
            Check("Detailed balance.", "symbolic", metropolis.detailed_balance),
            Check("The rate.", "symbolic", metropolis.rate),
            Check("Stationarity and rate on chains.", "enumeration", metropolis.chains),
            Check("The weight of a round.", "symbolic", metropolis.weights_of_a_round),
            Check("Mean field where it is exact.", "symbolic", metropolis.mean_field_is_exact_when),
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
        "Exact if q > 0 on the support and q is the marginal output law; from mu(x) = 0 every "
        "proposal is accepted. alpha = 1 repairs the factorisation error of a parallel decoder. "
        "Along a path that chooses before it draws, the tokens' probabilities alone will do in "
        "place of q; with those of the positions the law is another.",
        (
            Check("Detailed balance.", "symbolic", metropolis.detailed_balance),
            Check("A parallel proposal repaired.", "enumeration", metropolis.repair),
            Check("Token probabilities suffice.", "enumeration", metropolis.only_tokens_enter),
            examples.check("QE-5"),
            searches.check("QE-5"),
        ),
    ),
    Claim(
        "QE-6",
        "Pass@k separates rules of equal quality by their exploration.",
        f"{PAPER}, abstract",
        "conditional",
        "Pass@k = 1 - E[(1-p)^k] over prompts: concave in p, so uneven success costs; the rest "
        "depends on the problems.",
        (Check("Concavity.", "symbolic", pass_at_k),),
    ),
)
