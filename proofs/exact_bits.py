"""Bits without rounding: exact sums of logarithms of primes, and what orders cost in them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, total_ordering
from typing import TypeAlias

import sympy as sp

from infodecode.distributions import Joint
from infodecode.prover import _logarithms

Tokens: TypeAlias = tuple[int, ...]
Positions: TypeAlias = tuple[int, ...]
Blocks: TypeAlias = tuple[Positions, ...]

Law: TypeAlias = Mapping[Tokens, Fraction]
"""Probability of each outcome; no zeros."""

LN2 = (Fraction(6931471805, 10**10), Fraction(6931471806, 10**10))
"""ln 2 lies between."""

Rule: TypeAlias = Callable[[Law, Positions], Sequence[Positions]]
"""From the law given the canvas and its masked positions: the sets, one of which a round takes."""


@total_ordering
@dataclass(frozen=True, eq=False)
class Bits:
    """A number of bits ``sum of coefficient * log2(prime)``; compared without rounding.

    Attributes:
        logs: coefficient of each prime, none of them 0.
    """

    logs: Mapping[int, Fraction]

    def __add__(self, other: Bits) -> Bits:
        return total([self, other])

    def __sub__(self, other: Bits) -> Bits:
        return total([self, other * -1])

    def __mul__(self, factor: Fraction | int) -> Bits:
        return Bits(_logarithms.combined([(Fraction(factor), self.logs)]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bits) and self.logs == other.logs

    def __lt__(self, other: Bits) -> bool:
        return (self - other).sign < 0

    @property
    def sign(self) -> int:
        """-1, 0 or 1."""
        return _logarithms.sign(dict(self.logs))

    def __float__(self) -> float:
        return _logarithms.bits(self.logs)

    def __str__(self) -> str:
        text = ""
        for prime, value in sorted(
            self.logs.items(), key=lambda item: (item[1] < 0, item[0] == 2, item[0])
        ):
            size = str(abs(value)) if abs(value) != 1 or prime == 2 else ""
            factor = "" if prime == 2 else f"log2({prime})"
            sign = " - " if value < 0 else " + "
            text += sign + " ".join(filter(None, (size, factor)))
        if not text:
            return "0"
        return ("-" if text.startswith(" - ") else "") + text[3:]


NOTHING = Bits({})


def whole(bits: Fraction | int) -> Bits:
    """A rational number of bits."""
    return Bits({2: Fraction(bits)} if bits else {})


@cache
def log2(value: Fraction | int) -> Bits:
    """log2 of a positive rational."""
    up, down = Fraction(value).numerator, Fraction(value).denominator
    powers = [(Fraction(1), sp.factorint(up)), (Fraction(-1), sp.factorint(down))]
    return Bits(_logarithms.combined(powers))


def total(terms: Iterable[Bits]) -> Bits:
    """The sum."""
    return Bits(_logarithms.combined((Fraction(1), term.logs) for term in terms))


# Laws and their entropies


def law_of(distribution: Joint) -> dict[Tokens, Fraction]:
    """The law of a distribution with integer weights."""
    table = distribution.table()
    weights = [int(w) for w in table.weights]
    rows = map(tuple, table.outcomes.tolist())
    return {y: Fraction(w, sum(weights)) for y, w in zip(rows, weights, strict=True)}


def length_of(law: Law) -> int:
    """Number of positions."""
    return len(next(iter(law)))


def marginal(law: Law, positions: Sequence[int]) -> dict[Tokens, Fraction]:
    """Law of the tokens at these positions."""
    found: dict[Tokens, Fraction] = defaultdict(Fraction)
    for y, p in law.items():
        found[tuple(y[i] for i in positions)] += p
    return dict(found)


def given(law: Law, positions: Sequence[int], tokens: Tokens) -> dict[Tokens, Fraction]:
    """The law given these tokens; empty if they are impossible."""
    shown = list(zip(positions, tokens, strict=True))
    rest = {y: p for y, p in law.items() if all(y[i] == v for i, v in shown)}
    mass = sum(rest.values())
    return {y: p / mass for y, p in rest.items()}


def entropy(law: Law, positions: Sequence[int]) -> Bits:
    """H of these positions."""
    return total([log2(p) * -p for p in marginal(law, positions).values()])


def entropies(law: Law) -> list[Bits]:
    """H of every set of positions, by mask."""
    n = length_of(law)
    return [entropy(law, [i for i in range(n) if mask >> i & 1]) for mask in range(1 << n)]


def total_correlation(law: Law, positions: Sequence[int]) -> Bits:
    """C of these positions."""
    return total([entropy(law, [i]) for i in positions]) - entropy(law, positions)


def divergence(mu: Law, nu: Law) -> Bits | None:
    """KL(mu || nu); None if it is infinite."""
    if not set(mu) <= set(nu):
        return None
    return total([log2(p / nu[y]) * p for y, p in mu.items()])


# Orders fixed in advance


def ordered_partitions(n: int, rounds: int | None = None) -> Iterator[Blocks]:
    """Every ordered partition of range(n), into so many blocks if that is given."""
    for turns in itertools.product(range(n), repeat=n):
        count = max(turns) + 1
        if len(set(turns)) == count and rounds in (None, count):
            yield tuple(tuple(i for i in range(n) if turns[i] == t) for t in range(count))


def mask_of(positions: Iterable[int]) -> int:
    """The bits of these positions."""
    return sum(1 << i for i in positions)


def partition_floor(h: Sequence[Bits], blocks: Blocks) -> Bits:
    """L of an ordered partition, from the entropies of all sets: C of each block, given before."""
    known, costs = 0, []
    for block in blocks:
        after = known | mask_of(block)
        costs += [h[known | 1 << i] - h[known] for i in block] + [h[known] - h[after]]
        known = after
    return total(costs)


def best_fixed(law: Law, rounds: int) -> tuple[Bits, list[Blocks]]:
    """L*_T and all ordered partitions that attain it."""
    h = entropies(law)
    partitions = ordered_partitions(length_of(law), rounds)
    floors = {blocks: partition_floor(h, blocks) for blocks in partitions}
    least = min(floors.values())
    return least, [blocks for blocks, floor in floors.items() if floor == least]


def ideal_output(law: Law, blocks: Blocks) -> dict[Tokens, Fraction]:
    """What exact marginals put out on the support, block by block."""
    found = {}
    for y in law:
        value = Fraction(1)
        known: Positions = ()
        for block in blocks:
            rest = given(law, known, tuple(y[i] for i in known))
            for i in block:
                value *= marginal(rest, [i])[(y[i],)]
            known += block
        found[y] = value
    return found


# Orders that look at the canvas


def subsets(positions: Positions) -> Iterator[Positions]:
    """All but the empty one."""
    for size in range(1, len(positions) + 1):
        yield from itertools.combinations(positions, size)


def best_adaptive(law: Law, rounds: int, masked: Positions | None = None) -> Bits:
    """V_T of a law whose positions ``masked`` are open, all of them by default."""
    masked = tuple(range(length_of(law))) if masked is None else masked
    if not masked or len(law) == 1:
        return NOTHING
    costs = []
    for chosen in [masked] if rounds == 1 else subsets(masked):
        cost = total_correlation(law, chosen)
        rest = tuple(i for i in masked if i not in chosen)
        for tokens, p in marginal(law, chosen).items():
            cost += best_adaptive(given(law, chosen, tokens), rounds - 1, rest) * p
        costs.append(cost)
    return min(costs)


@dataclass(frozen=True)
class Traces:
    """Means over the canvases that a decoder meets.

    Attributes:
        rounds: number of rounds.
        spent: sum over rounds of the entropies of what is committed.
        at_stake: the same less the largest of every round.
    """

    rounds: Fraction
    spent: Bits
    at_stake: Bits


def traces(law: Law, rule: Rule, *, own: bool = False) -> Traces:
    """Follow a rule; tokens are those of data, or drawn from their marginals (``own``).

    Raises:
        ValueError: a canvas of the decoder's own has data probability 0.
    """
    rounds, spent, at_stake = Fraction(0), NOTHING, NOTHING
    live: list[tuple[Positions, Tokens, Fraction]] = [((), (), Fraction(1))]
    while live:
        after: list[tuple[Positions, Tokens, Fraction]] = []
        for shown, tokens, weight in live:
            rest = given(law, shown, tokens)
            if not rest:
                raise ValueError(f"tokens {tokens} at {shown} are impossible under the data")
            masked = tuple(i for i in range(length_of(law)) if i not in shown)
            rounds += weight
            sets = rule(rest, masked)
            for chosen in sets:
                share = weight / len(sets)
                alone = [entropy(rest, [i]) for i in chosen]
                spent += total(alone) * share
                at_stake += (total(alone) - max(alone)) * share
                if len(chosen) < len(masked):
                    drawn = independent(rest, chosen) if own else marginal(rest, chosen)
                    after += [
                        ((*shown, *chosen), (*tokens, *new), share * p) for new, p in drawn.items()
                    ]
        live = after
    return Traces(rounds, spent, at_stake)


def independent(law: Law, positions: Sequence[int]) -> dict[Tokens, Fraction]:
    """Law of tokens drawn at these positions each from its own marginal."""
    found: dict[Tokens, Fraction] = {(): Fraction(1)}
    for i in positions:
        alone = marginal(law, [i])
        found = {(*y, *v): p * q for y, p in found.items() for v, q in alone.items()}
    return found


def entropy_budget(eta: Fraction) -> Rule:
    """floor(eta / mean entropy) random positions, at least one."""

    def sets(law: Law, masked: Positions) -> Sequence[Positions]:
        held = total([entropy(law, [i]) for i in masked])
        fits = [s for s in range(1, len(masked) + 1) if held * s <= whole(eta * len(masked))]
        return list(itertools.combinations(masked, max(fits, default=1)))

    return sets


def entropy_bounded(gamma: Fraction) -> Rule:
    """The longest prefix, lowest entropy first, with sum less maximum up to gamma."""

    def sets(law: Law, masked: Positions) -> Sequence[Positions]:
        alone = {i: entropy(law, [i]) for i in masked}
        order = sorted(masked, key=lambda i: (alone[i], i))
        fits = [
            k for k in range(1, len(order) + 1)
            if total([alone[i] for i in order[: k - 1]]) <= whole(gamma)
        ]  # fmt: skip
        return [tuple(order[: max(fits)])]

    return sets
