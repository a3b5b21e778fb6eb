"""Independent Metropolis-Hastings: detailed balance, its rate, and the weights it needs."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction

import sympy as sp

from infodecode import distributions
from proofs import exact_bits
from proofs.claim import demand
from proofs.exact_bits import Law, Tokens

a, b = sp.symbols("q_a q_b", positive=True)
w, more = sp.symbols("w more", positive=True)


def flow(weight_from: sp.Expr, weight_to: sp.Expr, accept: sp.Expr) -> sp.Expr:
    """pi(from) q(to) times the probability of accepting, pi = weight times q up to a constant."""
    return weight_from * a * b * accept


def detailed_balance(power: int = 1) -> str:
    """pi(x) q(x') min(1, w'/w) = q(x) q(x') min(w, w'), which is symmetric."""
    there = flow(w, w + more, sp.Integer(1))
    back = flow(w + more, w, (w / (w + more)) ** power)
    demand(sp.simplify(there - back) == 0, f"flows {there} and {back}")
    return (
        "both flows are q(x) q(x') min(w, w'), with any number of states: reversible with respect "
        "to pi = w q"
    )


def rate(share: int = 1) -> str:
    """Every row, and the proposal itself, hold at least pi/w* of the target."""
    target = b * w  # pi(x') = w(x') q(x'), and w* = w(x') + more
    certain = sp.simplify(b - share * target / (w + more))
    demand(certain.is_nonnegative, f"w(x') >= w(x): P(x, x') = q(x'), {certain} left")
    current = sp.Symbol("w_x", positive=True)  # w* = w(x) + more
    partly = sp.simplify(target / current - share * target / (current + more))
    demand(partly.is_nonnegative, f"w(x') < w(x): P(x, x') = pi(x')/w(x), {partly} left")
    return (
        "P(x,x') = min(q(x'), pi(x')/w(x)) >= pi(x')/w*, P(x,x) >= q(x) >= pi(x)/w*, w* = max "
        "pi/q: TV shrinks by 1 - 1/w* a move, and is at most that at q: TV <= (1-1/w*)^(k+1)"
    )


def rational_chain(
    target: Sequence[Fraction], proposal: Sequence[Fraction]
) -> list[list[Fraction]]:
    """The transition matrix; from a state of target 0 every proposal is accepted."""
    size = len(target)
    matrix = []
    for x in range(size):
        row = [Fraction(0)] * size
        for y in range(size):
            if y != x:
                accept = Fraction(1)
                if target[x]:
                    accept = min(accept, target[y] * proposal[x] / (target[x] * proposal[y]))
                row[y] = proposal[y] * accept
        row[x] = 1 - sum(row, Fraction(0))
        matrix.append(row)
    return matrix


def distances(
    target: Sequence[Fraction], proposal: Sequence[Fraction], moves: int
) -> list[Fraction]:
    """TV to the target, after 0, 1, ... moves from a proposal."""
    matrix, law, found = rational_chain(target, proposal), list(proposal), []
    for _ in range(moves + 1):
        found.append(sum((abs(p - t) for p, t in zip(law, target, strict=True)), Fraction(0)) / 2)
        law = [
            sum((law[x] * matrix[x][y] for x in range(len(law))), Fraction(0))
            for y in range(len(law))
        ]
    return found


def chains(sharper: int = 0) -> str:
    """Stationary, and TV <= (1 - 1/w*)^(k+1), on chains of three and four states."""
    count = 0
    for pi in ((3, 2, 1), (1, 1, 1, 5)):
        target = [Fraction(p, sum(pi)) for p in pi]
        for q in itertools.product((1, 2, 5), repeat=len(pi)):
            propose = [Fraction(v, sum(q)) for v in q]
            matrix = rational_chain(target, propose)
            after = [sum(p * row[y] for p, row in zip(target, matrix, strict=True))
                     for y in range(len(pi))]  # fmt: skip
            demand(after == target, f"pi = {pi}, q = {q}: not stationary")
            left = 1 - 1 / max(p / v for p, v in zip(target, propose, strict=True))
            for k, distance in enumerate(distances(target, propose, 4)):
                demand(distance <= left ** (k + 1 + sharper), f"pi = {pi}, q = {q}, k = {k}")
            count += 1
    return f"{count} chains in fractions, up to 4 moves"


# One round of several tokens, and the mean-field weight


def weights_of_a_round() -> str:
    """pi over the locally tempered product: Z_alpha [mu(x_S|c)/prod mu(x_i|c)]^alpha."""
    joint, alone, z, alpha = sp.symbols("mu_S prod Z alpha", positive=True)
    ratio = joint**alpha * z / alone**alpha
    demand(sp.simplify(sp.powsimp(ratio - z * (joint / alone) ** alpha, force=True)) == 0, "ratio")
    demand(sp.simplify(ratio.subs(joint, alone) - z) == 0, "one token: Z alone")
    return "mu(x_S|c)^alpha Z_alpha / prod mu(x_i|c)^alpha, up to a constant; one token: Z_alpha"


def mean_field_is_exact_when() -> str:
    """Positions independent given the rest: the sum of products is the product of sums."""
    alpha = sp.symbols("alpha", positive=True)
    p = sp.symbols("p:3", positive=True)
    total, value = sp.symbols("S_rest s", positive=True)  # one position more
    both = sum((value * v) ** alpha for v in p)
    demand(sp.simplify(sp.expand_power_base(both - value**alpha * sum(v**alpha for v in p),
                                            force=True)) == 0, "step")  # fmt: skip
    demand(sp.expand(total * sum(p) - sum(total * v for v in p)) == 0, "product of sums")
    return "sum over (rest, v) of (mu(rest) mu_j(v))^alpha = Z(rest) sum over v of mu_j(v)^alpha"


# Sequences


def repair() -> str:
    """Copies of a bit drawn at once, weighed with alpha = 1."""
    law = exact_bits.law_of(distributions.Table([[0, 0], [1, 1]]))
    q = exact_bits.independent(law, (0, 1))
    states = sorted(q)
    found = distances([law.get(y, Fraction(0)) for y in states], [q[y] for y in states], 2)
    demand(found == [Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)], f"{found}")
    return "two copies of a bit drawn at once: TV 1/2, 1/4, 1/8, halved by every step"


def paths(
    law: Law, canvas: dict[int, int] | None = None
) -> Iterator[tuple[Tokens, Fraction, Fraction]]:
    """Every way to commit the most confident position one by one, ties between positions open.

    Yields:
        the sequence, the probability of its tokens, the probability of its positions.
    """
    shown = canvas or {}
    known = tuple(shown)
    rest = exact_bits.given(law, known, tuple(shown.values()))
    masked = [i for i in range(exact_bits.length_of(law)) if i not in shown]
    if not masked:
        yield tuple(shown[i] for i in sorted(shown)), Fraction(1), Fraction(1)
        return
    alone = {i: exact_bits.marginal(rest, [i]) for i in masked}
    best = max(max(p.values()) for p in alone.values())
    tied = [i for i in masked if max(alone[i].values()) == best]
    for i in tied:
        for (v,), p in alone[i].items():
            for y, tokens, positions in paths(law, {**shown, i: v}):
                yield y, p * tokens, positions / len(tied)


def stationary(law: Law, *, with_positions: bool) -> dict[Tokens, Fraction]:
    """Stationary law of y where proposals are paths and q is taken from the path.

    A chain on paths with weights mu/q has, on a path, its proposal's probability times the weight.
    """
    found: dict[Tokens, Fraction] = defaultdict(Fraction)
    for y, tokens, positions in paths(law):
        told = tokens * positions if with_positions else tokens
        found[y] += tokens * positions * law[y] / told
    whole = sum(found.values())
    return {y: p / whole for y, p in found.items()}


def laws_of_three(count: int) -> Iterator[Law]:
    """Random laws of three bits, ties in confidence and certain positions among them."""
    generator = random.Random(3)
    rows = list(itertools.product((0, 1), repeat=3))
    for _ in range(count):
        kept = generator.sample(rows, generator.randint(3, 7))
        weights = [generator.choice((1, 1, 2, 3)) for _ in kept]
        yield exact_bits.law_of(distributions.Table(kept, weights, alphabet_sizes=(2, 2, 2)))


def only_tokens_enter(*, with_positions: bool = False) -> str:
    """Along a choose-then-sample path token probabilities alone leave the right law behind."""
    count = 0
    for law in laws_of_three(12):
        found = stationary(law, with_positions=with_positions)
        demand(found == law, f"{law}: {found}")
        count += 1
    choice, rest = sp.symbols("choice rest", positive=True)
    demand(sp.expand(choice * rest + (1 - choice) * rest - rest) == 0, "choices add up to 1")
    return f"exact on {count} random laws: choices of positions add up to 1, whatever the tokens"


def first_zero(law: Law, *, with_positions: bool) -> Fraction:
    """Probability that the first token is 0 in the stationary law."""
    found = stationary(law, with_positions=with_positions)
    return sum((p for y, p in found.items() if y[0] == 0), Fraction(0))
