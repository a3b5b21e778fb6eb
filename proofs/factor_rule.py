"""The factor rule of From Bits to Rounds: traces that obey it, what they carry, what others do."""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from infodecode import distributions, min_rounds
from infodecode.distributions import Joint, Table
from proofs import exact_bits
from proofs.claim import demand
from proofs.curves import compositions
from proofs.exact_bits import LN2, Bits, Blocks, Law, Positions

HALF = Fraction(1, 2)
f, k = sp.symbols("f k", positive=True)

Obeys = Callable[[Sequence[Fraction], Fraction], bool]
"""Whether the confidences of a round's tokens obey the rule at this factor."""


def obeys(confidences: Sequence[Fraction], factor: Fraction) -> bool:
    """(n + 1)(1 - c) <= f for all n of them."""
    return all((len(confidences) + 1) * (1 - c) <= factor for c in confidences)


# The rule


def greedy_rounds_obey() -> str:
    """The n best positions with (n+1)(1-c_(n)) <= f: each of them is at least as confident."""
    last, more, size = sp.symbols("c_n more n", nonnegative=True)
    slack = (size + 1) * (1 - last) - (size + 1) * (1 - (last + more))
    demand(sp.expand(slack - (size + 1) * more) == 0, "c_i = c_(n) + more")
    return "(n+1)(1-c_i) <= (n+1)(1-c_(n)) <= f for all n likeliest tokens of a passing round"


def other_tokens_do_not() -> str:
    """A token that is not the likeliest has 2(1 - c) >= 1: no n and no f < 1 allow it."""
    lead, others = sp.symbols("lead others", nonnegative=True)
    c = (1 - lead - others) / 2  # c + (c + lead) + others = 1
    demand(sp.expand(2 * (1 - c) - (1 + lead + others)) == 0, "2(1 - c) = 1 + lead + others")
    demand(not obeys([Fraction(1, 16)], HALF), "one of 16 equal values, forced")
    demand(obeys([Fraction(9, 10)], HALF), "the likely one of two values passes")
    demand(not obeys([Fraction(1, 10)], HALF), "its rare value")
    return "2(1-c) >= 1 off the mode; forced: 2(1 - 1/16) = 15/8 > 1/2; drawn: 2(1 - 1/10) > 1/2"


# The theorem, on every trace of small laws


@dataclass(frozen=True)
class Round:
    """What a round commits.

    Attributes:
        confidences: marginal probability of each token.
        joint: probability of all of them, given what is known.
    """

    confidences: tuple[Fraction, ...]
    joint: Fraction

    @property
    def surprisal(self) -> Bits:
        """Sum of -log2 of the confidences."""
        return exact_bits.total(exact_bits.log2(c) * -1 for c in self.confidences)


def trace(law: Law, blocks: Blocks, y: Sequence[int]) -> list[Round]:
    """The rounds that commit ``y`` block by block."""
    found, known = [], tuple[int, ...]()
    for block in blocks:
        rest = exact_bits.given(law, known, tuple(y[i] for i in known))
        alone = tuple(exact_bits.marginal(rest, [i])[(y[i],)] for i in block)
        joint = exact_bits.marginal(rest, block)[tuple(y[i] for i in block)]
        found.append(Round(alone, joint))
        known += block
    return found


def peaked_laws(count: int = 8) -> Iterator[Law]:
    """Three positions with a likely outcome, so that some rounds obey the rule and some do not."""
    generator = random.Random(1)
    rows = list(itertools.product((0, 1), (0, 1, 2), (0, 1)))
    for heavy in itertools.islice(itertools.cycle((20, 60, 200, 900)), count):
        kept = rows[:1] + generator.sample(rows[1:], 5)
        weights = [heavy] + [generator.randint(1, 9) for _ in kept[1:]]
        yield exact_bits.law_of(Table(kept, weights, alphabet_sizes=(2, 3, 2)))


def traces_of(laws: Iterable[Law]) -> Iterator[tuple[Bits, list[Round]]]:
    """Surprisal and rounds of every outcome under every ordered partition."""
    for law in laws:
        for blocks in exact_bits.ordered_partitions(exact_bits.length_of(law)):
            for y, p in law.items():
                yield exact_bits.log2(1 / p), trace(law, blocks, y)


def nats(value: Fraction) -> Bits:
    """At most so many nats, in bits: ln 2 is rounded up."""
    return exact_bits.whole(value / LN2[1])


def theorem_on_traces(rule: Obeys = obeys) -> str:
    """T >= (I - eps)/f and T >= I/(-ln(1-f)) where all rounds obey, without rounding."""
    count = 0
    for factor in (HALF, Fraction(9, 10)):
        most = exact_bits.log2(1 / (1 - factor))
        for surprisal, rounds in traces_of(peaked_laws()):
            if all(rule(r.confidences, factor) for r in rounds):
                told = exact_bits.total(r.surprisal for r in rounds)
                error = told - surprisal
                error = error * error.sign
                demand(surprisal <= most * len(rounds), f"f = {factor}: I = {surprisal}")
                demand(surprisal - error <= nats(factor * len(rounds)), f"f = {factor}: I - eps")
                count += 1
    return f"{count} traces that obey the rule, f = 1/2 and 9/10, on 8 laws of 3 positions"


def correction_on_traces(budget: Fraction = Fraction(1)) -> str:
    """T >= |N| + (sum over E of -ln c)/f and |N| + (I - I_N)/(-ln(1-f)), on every trace."""
    count = 0
    for factor in (HALF, Fraction(9, 10)):
        most = exact_bits.log2(1 / (1 - factor))
        for surprisal, rounds in traces_of(peaked_laws()):
            inside = [r for r in rounds if obeys(r.confidences, factor)]
            outside = [r for r in rounds if not obeys(r.confidences, factor)]
            spent = exact_bits.total(r.surprisal for r in inside)
            left = surprisal - exact_bits.total(exact_bits.log2(1 / r.joint) for r in outside)
            demand(spent <= nats(budget * factor * len(inside)), f"f = {factor}: -ln c of E")
            demand(left <= most * (budget * len(inside)), f"f = {factor}: I - I_N")
            count += bool(inside) and bool(outside)
    return f"every trace on 8 laws, f = 1/2 and 9/10; {count} of them have rounds of both kinds"


def adding_up() -> str:
    """Round after round, and the error of all of them: I - eps <= -sum ln c."""
    so_far, more, most, rounds = sp.symbols("I_T i budget T", nonnegative=True)
    spare = (rounds + 1) * most - (so_far + more)
    parts = (rounds * most - so_far) + (most - more)
    demand(sp.expand(spare - parts) == 0, "one round more")
    size, left = sp.symbols("size left", nonnegative=True)
    for signed in (size, -size):  # log of joint over product of confidences, over all rounds
        slack = (left + signed) - (left - sp.Abs(signed))
        demand(slack.is_nonnegative, f"signed error {signed}: {slack}")
    return (
        "from I = 0 at T = 0: a round adds at most -ln(1-f) to I (BR-2) and at most G(f) to -sum "
        "ln c (BR-3), and -sum ln c = I + signed error >= I - eps"
    )


def constants_are_sharp() -> str:
    """n tokens of confidence 1 - f/(n+1) in one round: misses apart, or independent."""
    apart = -sp.log(1 - k * f / (k + 1))
    limit = sp.limit(apart, k, sp.oo)
    demand(sp.simplify(limit + sp.log(1 - f)) == 0, f"misses apart: I -> {limit}")
    independent = -k * sp.log(1 - f / (k + 1))
    limit = sp.limit(independent, k, sp.oo)
    demand(sp.simplify(limit - f) == 0, f"independent misses: I -> {limit}, eps = 0")
    return (
        "T = 1 while I -> -ln(1-f) (misses of the n tokens exclude each other), or I - eps -> f "
        "(independent): neither constant can be larger"
    )


# The exact form


def misses_apart(sizes: Sequence[int], factor: Fraction) -> tuple[Law, Blocks]:
    """Independent blocks; in each at most one token misses its mode, at confidence 1 - f/(s+1)."""
    parts = []
    for size in sizes:
        miss = factor / (size + 1)
        rows = {(0,) * size: 1 - size * miss}
        rows |= {tuple(int(i == j) for i in range(size)): miss for j in range(size)}
        parts.append(rows)
    law: dict[tuple[int, ...], Fraction] = {(): Fraction(1)}
    for rows in parts:
        law = {(*y, *z): p * q for y, p in law.items() for z, q in rows.items()}
    ends = list(itertools.accumulate(sizes, initial=0))
    return law, tuple(tuple(range(i, j)) for i, j in itertools.pairwise(ends))


def carried(sizes: Sequence[int], factor: Fraction) -> Fraction:
    """e^-(sum of a(s)): what Fréchet leaves of the probability."""
    return math.prod((1 - s * factor / (s + 1) for s in sizes), start=Fraction(1))


def every_size_is_attained() -> str:
    """Laws on which a trace of these sizes obeys the rule and carries sum a(s) exactly."""
    count = 0
    for factor in (HALF, Fraction(4, 5)):
        for length in range(1, 5):
            for sizes in compositions(length):
                law, blocks = misses_apart(sizes, factor)
                rounds = trace(law, blocks, (0,) * length)
                demand(all(obeys(r.confidences, factor) for r in rounds), f"{sizes}: the rule")
                found = math.prod((r.joint for r in rounds), start=Fraction(1))
                demand(found == carried(sizes, factor), f"{sizes}: {found}")
                count += 1
    return (
        f"{count} choices of sizes up to length 4, so sum a(n_t) cannot be less; rarer misses give "
        "every smaller I"
    )


def least_rounds(factor: Fraction, length: int, most: Callable[[Fraction], bool]) -> int | None:
    """Fewest sizes that add up to the length and leave a probability ``most`` accepts."""
    best = {length: Fraction(1)}
    for rounds in range(1, length + 1):
        after: dict[int, Fraction] = {}
        for room, product in best.items():
            for s in range(1, room + 1):
                value = product * carried((s,), factor)
                if room - s not in after or value < after[room - s]:
                    after[room - s] = value
        best = after
        if 0 in best and most(best[0]):
            return rounds
    return None


def programme_finds_the_least() -> str:
    """Against all sizes, up to length 8: the programme in fractions, and `min_rounds`."""
    count = 0
    for factor in (HALF, Fraction(4, 5), Fraction(1)):
        for length, p in itertools.product(
            range(1, 9), (Fraction(10, 31), Fraction(3, 31), Fraction(1, 97), Fraction(1, 4999))
        ):
            fits = [len(s) for s in compositions(length) if carried(s, factor) <= p]
            told = min(fits, default=None)
            found = least_rounds(factor, length, p.__ge__)
            demand(found == told, f"f = {factor}, L = {length}, p = {p}: {found} against {told}")
            ours = min_rounds(math.log2(1 / p), float(factor), length).rounds
            demand(ours == told, f"f = {factor}, L = {length}, p = {p}: min_rounds says {ours}")
            count += 1
    return f"{count} cases, L <= 8, f = 1/2, 4/5, 1, each against all 2^(L-1) choices of sizes"


# What forced rounds carry


@dataclass(frozen=True)
class Account:
    """Means over what a decoder with this rule puts out.

    Attributes:
        rounds, bits: number of forced rounds and of passing ones, and the bits of their tokens.
    """

    rounds: tuple[Fraction, Fraction]
    bits: tuple[Bits, Bits]

    @property
    def favours_forced(self) -> int:
        """Sign of: forced rounds' share of bits less their share of rounds."""
        share = self.bits[0] * sum(self.rounds) - exact_bits.total(self.bits) * self.rounds[0]
        return share.sign

    @property
    def efficiency(self) -> float:
        """Share of bits over share of rounds of forced rounds."""
        share = float(self.bits[0]) / float(exact_bits.total(self.bits))
        return share / float(self.rounds[0] / sum(self.rounds))


def choices(law: Law, masked: Positions, factor: Fraction) -> tuple[bool, list[Positions]]:
    """Whether the rule forces a position, and what it may take, ties between positions open."""
    top = {i: max(exact_bits.marginal(law, [i]).values()) for i in masked}
    ranked = sorted(top.values(), reverse=True)
    count = max((s for s in range(1, len(ranked) + 1) if (s + 1) * (1 - ranked[s - 1]) < factor),
                default=0)  # fmt: skip
    last = ranked[max(count, 1) - 1]
    sure = tuple(i for i in masked if top[i] > last)
    tied = [i for i in masked if top[i] == last]
    room = max(count, 1) - len(sure)
    return not count, [tuple(sorted(sure + t)) for t in itertools.combinations(tied, room)]


def account(law: Law, factor: Fraction) -> Account:
    """Follow the rule, tokens drawn from their marginals after choosing."""
    rounds, bits = [Fraction(0), Fraction(0)], [exact_bits.NOTHING, exact_bits.NOTHING]
    positions = range(exact_bits.length_of(law))
    live: dict[tuple[Positions, Positions], Fraction] = {((), ()): Fraction(1)}
    while live:
        after: dict[tuple[Positions, Positions], Fraction] = defaultdict(Fraction)
        for (shown, tokens), weight in live.items():
            rest = exact_bits.given(law, shown, tokens)
            demand(rest, f"tokens {tokens} at {shown} are impossible")
            masked = tuple(i for i in positions if i not in shown)
            forced, sets = choices(rest, masked, factor)
            rounds[not forced] += weight
            for chosen in sets:
                share = weight / len(sets)
                bits[not forced] += (
                    exact_bits.total(exact_bits.entropy(rest, [i]) for i in chosen) * share
                )
                if len(chosen) < len(masked):
                    for new, p in exact_bits.independent(rest, chosen).items():
                        order = sorted(zip((*shown, *chosen), (*tokens, *new), strict=True))
                        key = tuple(i for i, _ in order), tuple(v for _, v in order)
                        after[key] += share * p
        live = dict(after)
    return Account((rounds[0], rounds[1]), (bits[0], bits[1]))


def forced_rounds_carry_more() -> str:
    """Share of bits over share of rounds of forced rounds, on two toys at f = 1/2."""
    found = []
    toys: tuple[Joint, ...] = (distributions.variable_names(), distributions.replace_random(6))
    for toy in toys:
        book = account(exact_bits.law_of(toy), HALF)
        demand(book.favours_forced == 1, f"{toy.name}: {book.efficiency:.2f}")
        found.append(f"{book.efficiency:.2f} on {toy.name}")
    return "; ".join(found)
