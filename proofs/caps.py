"""How much entropy a gate on confidence leaves: two caps, proved, attained, and on small laws."""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import sympy as sp

from infodecode import Decoder, distributions, exact
from infodecode.distributions import Table
from infodecode.strategies import Threshold
from proofs import exact_bits, examples
from proofs.claim import demand
from proofs.exact_bits import Bits, Law, Positions, Tokens
from proofs.set_functions import certified, names

THRESHOLDS = (Fraction(9, 20), Fraction(3, 5), Fraction(4, 5))

Shown: TypeAlias = tuple[tuple[int, int], ...]
"""Positions and their tokens."""

Move: TypeAlias = tuple[Positions, Tokens, bool, Fraction]
"""Positions committed in a round, their tokens, whether they passed the gate, the probability."""


# Cap (A): positions chosen before tokens are drawn


def most_entropy(share: Callable[[sp.Expr, sp.Expr], sp.Expr] = lambda c, v: 1 / v) -> str:
    """h(c) + (1-c) log(V-1), the most entropy with largest probability c, falls from c = 1/V on."""
    c, v = sp.symbols("c V", positive=True)
    p, rest = sp.symbols("p rest", positive=True)  # a token among the others, (1 - c) = rest
    split = -p * sp.log(p) - (-rest * (p / rest) * sp.log(p / rest) - p * sp.log(rest))
    demand(sp.expand(sp.expand_log(split, force=True)) == 0, "H = h(c) + (1-c) H(others)")
    most = -c * sp.log(c) - (1 - c) * sp.log(1 - c) + (1 - c) * sp.log(v - 1)
    slope = sp.diff(most, c) - sp.log((1 - c) / (c * (v - 1)))
    demand(sp.simplify(sp.expand_log(slope, force=True)) == 0, f"{slope}")
    below = sp.simplify(1 - (1 - c) / (c * (v - 1)) - v * (c - share(c, v)) / (c * (v - 1)))
    demand(below == 0, f"the slope's sign is not that of {share(c, v)} - c: {below}")
    return (
        "H = h(c) + (1-c) H(others), at most log(V-1) (a divergence from uniform is >= 0); slope "
        "log((1-c)/(c(V-1))) < 0 for c > 1/V, as 1 - (1-c)/(c(V-1)) = V(c-1/V)/(c(V-1))"
    )


def path_entropy() -> str:
    """The output tells the path, and a round's tokens are independent given the canvas."""
    certified("H(Y) == H(A) + H(B|A)", given=["H(A,B|Y) == 0", "H(Y|A,B) == 0"])
    certified("H(A,B,C|Z) == H(A|Z) + H(B|Z) + H(C|Z)", given=["TC(A,B,C|Z) == 0"])
    past, canvas, after = sp.symbols("H_past H_canvas H_after")
    demand(sp.expand((past + (after - canvas)) - (past - canvas) - after) == 0, "one round more")
    return "H(nu) = sum over rounds of E H(tokens | canvas) = E sum over commits of H(p_i)"


def cap(tau: Fraction, size: int) -> Bits:
    """h(tau) + (1 - tau) log2(V - 1)."""
    entropy = exact_bits.log2(tau) * -tau + exact_bits.log2(1 - tau) * (tau - 1)
    return entropy + exact_bits.log2(size - 1) * (1 - tau)


def attained_cap() -> str:
    """One position with probabilities (tau, the rest shared equally) passes and attains it."""
    for tau, size in ((Fraction(9, 10), 4), (Fraction(1, 2), 3)):
        share = (1 - tau) / (size - 1)
        unit = share.denominator * tau.denominator
        weights = [int(tau * unit)] + [int(share * unit)] * (size - 1)
        law = Table([[v] for v in range(size)], weights)
        run = exact(law, Decoder(Threshold(float(tau), inclusive=True)), arithmetic="rational")
        found = exact_bits.entropy(examples.output_of(run), [0])
        demand(found == cap(tau, size), f"tau = {tau}, V = {size}: {found}")
    return "equality at (tau, V) = (9/10, 4) and (1/2, 3)"


# Both caps on small laws


@dataclass(frozen=True)
class Account:
    """What a decoder puts out, and means over its canvases.

    Attributes:
        output: law of the output.
        gated, forced: tokens committed above the gate, and others.
        told: E H of which positions are committed, and whether they passed, given the canvas.
        gated_entropy, forced_entropy: E sum of H(p_i) over commits of either kind.
    """

    output: Law
    gated: Fraction
    forced: Fraction
    told: Bits
    gated_entropy: Bits
    forced_entropy: Bits


Moves: TypeAlias = Callable[[Law, Positions, Fraction], Iterator[Move]]
"""What may happen in a round: from the law given the canvas, its masked positions, the gate."""


def chosen_first(rest: Law, masked: Positions, tau: Fraction) -> Iterator[Move]:
    """All positions whose likeliest token has probability above tau, else the likeliest one."""
    top = {i: max(exact_bits.marginal(rest, [i]).values()) for i in masked}
    passing = tuple(i for i in masked if top[i] > tau)
    chosen = passing or (max(masked, key=lambda i: (top[i], -i)),)
    for tokens, p in exact_bits.independent(rest, chosen).items():
        yield chosen, tokens, bool(passing), p


def drawn_first(rest: Law, masked: Positions, tau: Fraction) -> Iterator[Move]:
    """All drawn tokens of probability above tau, else the likeliest of the drawn ones."""
    alone = {i: exact_bits.marginal(rest, [i]) for i in masked}
    for drawn, p in exact_bits.independent(rest, masked).items():
        chance = {i: alone[i][(v,)] for i, v in zip(masked, drawn, strict=True)}
        passing = tuple(i for i in masked if chance[i] > tau)
        chosen = passing or (max(masked, key=lambda i: (chance[i], -i)),)
        tokens = tuple(v for i, v in zip(masked, drawn, strict=True) if i in chosen)
        yield chosen, tokens, bool(passing), p


def account(law: Law, tau: Fraction, moves: Moves) -> Account:
    """Follow every way to decode a law all of whose sequences are possible."""
    everything = range(exact_bits.length_of(law))
    output: dict[Tokens, Fraction] = defaultdict(Fraction)
    count = {True: Fraction(0), False: Fraction(0)}
    entropy = {True: exact_bits.NOTHING, False: exact_bits.NOTHING}
    told = exact_bits.NOTHING
    live: dict[Shown, Fraction] = {(): Fraction(1)}
    while live:
        after: dict[Shown, Fraction] = defaultdict(Fraction)
        for shown, weight in live.items():
            known = tuple(i for i, _ in shown)
            rest = exact_bits.given(law, known, tuple(v for _, v in shown))
            masked = tuple(i for i in everything if i not in known)
            plans: dict[Tokens, Fraction] = defaultdict(Fraction)
            for chosen, tokens, passed, p in moves(rest, masked, tau):
                plans[(*chosen, -1 - passed)] += p
                count[passed] += weight * p * len(chosen)
                alone = exact_bits.total(exact_bits.entropy(rest, [i]) for i in chosen)
                entropy[passed] += alone * (weight * p)
                canvas = tuple(sorted((*shown, *zip(chosen, tokens, strict=True))))
                if len(canvas) == len(everything):
                    output[tuple(v for _, v in canvas)] += weight * p
                else:
                    after[canvas] += weight * p
            told += exact_bits.total(exact_bits.log2(p) * -p for p in plans.values()) * weight
        live = dict(after)
    return Account(output, count[True], count[False], told, entropy[True], entropy[False])


def full_laws(count: int) -> Iterator[Table]:
    """All sequences of three positions with 2, 3 and 2 tokens, weights up to 12."""
    generator = random.Random(2)
    rows = list(itertools.product((0, 1), (0, 1, 2), (0, 1)))
    for _ in range(count):
        yield Table(rows, [generator.choice((1, 1, 2, 5, 12)) for _ in rows])


def _as_decoded(table: Table, tau: Fraction, order: str, found: Law) -> None:
    decoder = Decoder(Threshold(float(tau)), order=order, position_ties="lowest")
    output = examples.output_of(examples.rational(table, decoder))
    demand(found == output, f"gate {tau}, {order}: {found} against {output}")


def cap_a_on_laws(counted: bool = True) -> str:
    """H(nu) = E sum H(p_i), and the cap that counts gated commits and adds forced ones."""
    count = 0
    for table in full_laws(6):
        law = exact_bits.law_of(table)
        for tau in THRESHOLDS[1:]:
            book = account(law, tau, chosen_first)
            _as_decoded(table, tau, "choose-then-sample", book.output)
            found = exact_bits.entropy(book.output, range(3))
            demand(found == book.gated_entropy + book.forced_entropy, f"{found}")
            most = cap(tau, 3) * book.gated
            if counted:
                most += book.forced_entropy
            demand(found <= most, f"gate {tau}: {float(found):.3f} above {float(most):.3f}")
            count += 1
    return f"{count} decoders of 3 positions, in exact logarithms, V = 3"


# Cap (B): a gate on the drawn token's probability


def few_pass() -> str:
    """Tokens of probability >= tau are at most floor(1/tau), > tau at most ceil(1/tau) - 1."""
    tau, r, whole = sp.symbols("tau r whole", positive=True)  # 1/tau = whole + r
    demand(sp.expand((1 / tau - whole - r).subs(tau, 1 / (whole + r))) == 0, "1/tau")
    for value in (Fraction(1, 2), Fraction(1, 3), Fraction(2, 7), Fraction(9, 10)):
        most, strict = math.floor(1 / value), math.ceil(1 / value) - 1
        demand(most * value <= 1 < (most + 1) * value, f"floor(1/{value}) = {most}")
        demand(strict * value < 1 <= (strict + 1) * value, f"ceil(1/{value}) - 1 = {strict}")
    for value in (Fraction(1, 2), Fraction(1, 3), Fraction(2, 7)):
        most = math.floor(1 / value)
        law = distributions.Table([[v] for v in range(most)])
        decoder = Decoder(Threshold(float(value), inclusive=True), order="sample-then-choose")
        found = exact_bits.entropy(examples.output_of(examples.rational(law, decoder)), [0])
        demand(found == exact_bits.log2(most), f"tau = {value}: {found}")
    return "k tokens >= tau have k tau <= 1; uniform laws attain log2 floor(1/tau) at 1/2, 1/3, 2/7"


def drawn_path(rounds: int = 2) -> str:
    """H(nu) is at most that of the path: which positions, then which tokens, round by round."""
    sets, tokens = names("S", rounds), names("X", rounds)
    terms = []
    for t in range(rounds):
        past = ",".join((*sets[:t], *tokens[:t]))
        terms.append(f"H({sets[t]}{'|' if past else ''}{past})")
        terms.append(f"H({tokens[t]}|{','.join(filter(None, (past, sets[t])))})")
    path = ",".join((*sets, *tokens))
    certified(f"H(Y) <= {' + '.join(terms)}", given=[f"H(Y|{path}) == 0"])
    so_far, before, now = sp.symbols("sum H_before H_now")
    demand(sp.expand((so_far + now - before) - so_far - (now - before)) == 0, "one round more")
    return (
        f"{rounds} rounds by certificate, S with its flag; the next by the chain rule; a gated "
        "token has at most floor(1/tau) values given S and the canvas, a forced one V"
    )


def cap_b_on_laws(told: bool = True) -> str:
    """Cap (B), strict gate, on the same laws; the output is that of `exact`."""
    count = 0
    for table in full_laws(6):
        law = exact_bits.law_of(table)
        for tau in THRESHOLDS:
            book = account(law, tau, drawn_first)
            _as_decoded(table, tau, "sample-then-choose", book.output)
            found = exact_bits.entropy(book.output, range(3))
            most = exact_bits.log2(math.ceil(1 / tau) - 1) * book.gated
            most += exact_bits.log2(3) * book.forced
            if told:
                most += book.told
            demand(found <= most, f"gate {tau}: {float(found):.3f} above {float(most):.3f}")
            count += 1
    return f"{count} decoders of 3 positions, in exact logarithms, strict gate: ceil(1/tau) - 1"
