"""Decoders on Shuffle and Replace Random, for every number of items: a recurrence and its solution.

On both tasks the canvases that can still come out right are alike: of Shuffle, m masked positions
and the m items left for them; of Replace Random, m masked positions and nothing new shown (once the
new item is shown, the rest is certain). So an accuracy is a function of m.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import sympy as sp

from proofs.claim import demand

n, m, k = sp.symbols("n m k", positive=True, integer=True)
x = sp.Symbol("x")
a, b, c = sp.symbols("a b c", nonnegative=True, integer=True)


def same(left: sp.Expr, right: sp.Expr, what: str) -> None:
    """Demand that two expressions are equal for all values of their symbols."""
    gap = sp.gammasimp(sp.combsimp(sp.simplify(left - right).rewrite(sp.gamma)))
    demand(sp.simplify(gap) == 0, f"{what}: the difference is {gap}")


# Replace Random


def none_new(masked: sp.Expr, drawn: sp.Expr) -> sp.Expr:
    """All of them keep their items."""
    return ((masked - 1) / masked) ** drawn


def one_new(masked: sp.Expr, drawn: sp.Expr) -> sp.Expr:
    """Exactly one of them is new."""
    return drawn / masked * ((masked - 1) / masked) ** (drawn - 1)


def replace_canvas() -> str:
    """The new item is at each position with probability 1/n; (n - m)/n of them show old items."""
    same((1 / n) / (1 - (n - m) / n), 1 / m, "new at a masked position, given that none is shown")
    draws = (x / m + (m - 1) / m) ** k
    same(draws.subs(x, 0), none_new(m, k), "no new item among k draws")
    same(sp.diff(draws, x).subs(x, 0), one_new(m, k), "one new item among k draws")
    return "with nothing new shown a masked position is new with probability 1/m; k draws: binomial"


def sampled_recurrence(rounds: int = 5) -> str:
    """W(m) = one(m, k) + none(m, k) W(m - k), W(0) = 0: one new item is valid, two never are."""
    first, through, then, total = sp.symbols("one_1 none_1 W S")
    unrolled = first + through * (total + x * then)
    demand(
        sp.expand(unrolled - ((first + through * total) + through * x * then)) == 0,
        "step: a round in front of a sum S that ends with x W",
    )
    left = sp.symbols(f"m1:{rounds + 1}", positive=True)
    taken = sp.symbols(f"k1:{rounds + 1}", positive=True)
    recursive = sp.Integer(0)
    for size, drawn in zip(reversed(left), reversed(taken), strict=True):
        recursive = one_new(size, drawn) + none_new(size, drawn) * recursive
    printed = sum(
        sp.prod(((left[s] - 1) / left[s]) ** taken[s] for s in range(t))
        * taken[t] / left[t] * ((left[t] - 1) / left[t]) ** (taken[t] - 1)
        for t in range(rounds)
    )  # fmt: skip
    demand(sp.expand(recursive - printed) == 0, f"{rounds} rounds")
    same(one_new(n, n), ((n - 1) / n) ** (n - 1), "one round, k = n")
    same(one_new(m, sp.Integer(1)) + none_new(m, sp.Integer(1)), sp.Integer(1), "one by one")
    return (
        "W(m) = (k/m)((m-1)/m)^(k-1) + ((m-1)/m)^k W(m-k) unrolls to the sum, by induction on "
        "rounds; k = n gives ((n-1)/n)^(n-1), k = 1 gives 1"
    )


def replace_chain(size: int, takes: Callable[[int], int], *, greedy: bool = False) -> Fraction:
    """Accuracy from the chances of single draws: no formula for a round is used.

    Args:
        size: masked positions, nothing new shown.
        takes: how many of so many masked positions a round draws.
        greedy: ties at two positions settled at random, else the likelier token.
    """
    if not size:
        return Fraction(0)
    new = Fraction(1, size)
    if greedy:
        new = {1: Fraction(1), 2: Fraction(1, 2)}.get(size, Fraction(0))
    none, one = Fraction(1), Fraction(0)
    for _ in range(takes(size)):
        none, one = none * (1 - new), one * (1 - new) + none * new
    return one + none * replace_chain(size - takes(size), takes, greedy=greedy)


def greedy_round(masked: sp.Expr) -> str:
    """What greedy does in a round with nothing new shown: keep all, or settle ties at random."""
    lead = sp.expand((masked - 1) - 1)  # m times (probability of keeping - of the new item)
    if lead == 0:
        return "tie"
    demand(lead.is_positive or lead.is_negative, f"{masked} masked: the sign of {lead} is open")
    return "keep" if lead.is_positive else "replace"


def greedy_recurrence() -> str:
    """Greedy, k a round: A(m) = A(m - k) before the last round, which has r positions."""
    same((m - 1) / m - 1 / m, (m - 2) / m, "keep - replace")
    for size, does in ((sp.Integer(1), "replace"), (sp.Integer(2), "tie"), (3 + a, "keep")):
        demand(greedy_round(size) == does, f"{size} masked: {greedy_round(size)}, not {does}")
    several, last, more = 2 + a, 1 + b, 1 + c
    before = sp.expand(several * more + last - 3)  # m - 3, with k = 2 + a, r = 1 + b, more rounds
    demand(before.is_nonnegative, f"k >= 2: before the last round m - 3 = {before}")
    half = sp.Rational(1, 2)
    draws = (half * x + half) ** 2
    last_round = {1: sp.Integer(1), 2: sp.diff(draws, x).subs(x, 0), 3: sp.Integer(0)}
    demand(last_round[2] == half, "two ties, one new item")
    demand(half * 1 + half * last_round[1] == 1, "k = 1: the tie at m = 2 costs nothing")
    return (
        "every round of m >= 3 keeps all its items, and before the last m = kq + r >= 3 (for k = "
        "1, m = 2 is a tie that is valid either way); then 1, 1/2, 0 for r = 1, 2, >= 3; k | n "
        "means r = k"
    )


def lowest_index() -> str:
    """Two positions tied between own and new item: all ranks of the three items' indices."""
    found = {}
    for ranks in itertools.permutations(range(3)):
        first, second, new = ranks
        found[new] = (first > new) + (second > new) == 1
    demand(found == {0: False, 1: True, 2: False}, f"{found}")
    return "valid iff the new item's index lies between the other two"


def threshold_recurrence() -> str:
    """Greedy with a threshold, n > 2: confidence (m-1)/m falls with m, so all or one by one."""
    same(m / (m + 1) - (m - 1) / m, 1 / (m * (m + 1)), "confidence grows with m")
    demand(greedy_round(3 + a) == "keep", "n > 2: the first round keeps")
    gap = sp.factor((2 + a) / (3 + a) - sp.Rational(1, 2))
    demand(gap.is_positive, f"a tie at m = 2 has confidence 1/2 < (n-1)/n: {gap}")
    for size in range(3, 31):
        demand(replace_chain(size, lambda _: 1, greedy=True) == 1, f"one by one, n = {size}")
        demand(replace_chain(size, lambda left: left, greedy=True) == 0, f"all at once, n = {size}")
    return (
        "(n-1)/n > gamma: all n > 2 keep, 0; else m < n masked have (m-1)/m < (n-1)/n <= gamma, so "
        "one by one: keep while m > 2, either at m = 2, new at m = 1 if not yet: 1"
    )


# Shuffle


def shuffle_canvas(share: Fraction | sp.Expr = 1 / m) -> str:
    """m items left in m! equally likely orders: (m-1)! of them have a given item at a position."""
    same(sp.factorial(m - 1) / sp.factorial(m), share, "an item at a position")
    return "every item left is at a masked position with probability (m-1)!/m! = 1/m"


def on_top(items: sp.Expr) -> sp.Expr:
    """Of the orders in which the noise may put so many equal scores, those with one item on top."""
    return sp.factorial(items - 1) / sp.factorial(items)


def exchangeable_ties() -> str:
    """m equal scores with noise: in (m-1)! of the m! orders a given item comes out on top."""
    same(on_top(m), 1 / m, "on top")
    same(on_top(m) ** k, (1 / m) ** k, "k positions by themselves")
    return (
        "exchangeable noise, independent between positions: k tokens are independent and uniform "
        "on the m items left, whichever k positions were chosen, as at temperature 1"
    )


def biased_noise() -> str:
    """Noise of mean 0 alone is not enough: one item gets +1 with probability 1/4, else -1/3."""
    high, low, p = Fraction(1), Fraction(-1, 3), Fraction(1, 4)
    demand(p * high + (1 - p) * low == 0, "mean 0")
    wins = p  # against an item without noise
    accuracy = 2 * wins * (1 - wins)
    demand(accuracy == Fraction(3, 8), f"{accuracy}")
    return f"Shuffle of two in one round: {accuracy}, not 1/2; the mean of the noise is 0"


def shuffle_threshold_recurrence() -> str:
    """A(m) = m!/m^m if 1/m > gamma, else A(m - 1)."""
    same(1 / m - 1 / (m + 1), 1 / (m * (m + 1)), "1/m grows as m falls")
    draw = (m - a) / m
    falling = sp.gamma(m + 1) / sp.gamma(m + 1 - a) / m**a
    ratio = sp.gammasimp(falling.subs(a, a + 1) / falling)
    demand(sp.simplify(ratio - draw) == 0, "one more draw avoids a of m items")
    demand(falling.subs(a, 0) == 1, "no draws")
    demand(sp.simplify(falling.subs(a, m) - sp.gamma(m + 1) / m**m) == 0, "all m draws: m!/m^m")
    gap = sp.Rational(1, 2) - 1 / (2 + a)
    demand(sp.factor(gap).is_nonnegative, f"gamma >= 1/2: no m >= 2 passes, {gap}")
    return (
        "one by one while 1/m <= gamma, which is uniform on Shuffle of m - 1; the first m with "
        "1/m > gamma is the largest, M, and takes all: M!/M^M; gamma >= 1/2 leaves M = 1"
    )


# Tasks without dependence


def functions_of_the_input() -> str:
    """One position more, which the input determines: C stays as it is."""
    alone, before, after = sp.symbols("H_b H_S H_Sb")
    gain = alone - (after - before)  # C(S, b) - C(S) = H(b) - H(b | S)
    spread = after - before
    demand(sp.expand(gain + spread - alone) == 0, "H(b) = [C(S, b) - C(S)] + H(b | S)")
    return "from C(nothing) = 0: C(S,b) - C(S) = H(b) - H(b|S), both terms >= 0 and H(b) = 0"
