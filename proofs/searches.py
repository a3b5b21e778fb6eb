"""How far the counterexamples are minimal: searches for smaller ones, each a statement that holds.

A search returns the text that the file of its counterexample has under ``minimal``. What is not
searched for is argued there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial

import numpy as np

from infodecode import Decoder, adaptive_optimum, distributions, optimal_partitions
from infodecode.distributions import Joint, Table
from infodecode.proved_schedules import profile_sizes
from infodecode.strategies import EntropyBudget, Factor, Threshold, TopK
from proofs import exact_bits, examples, metropolis
from proofs.claim import Check, demand

Column = tuple[int, ...]
"""The token of one position in every outcome."""


def laws(length: int, count: int, heaviest: int) -> Iterator[Table]:
    """Every law of so many binary outcomes, weights up to ``heaviest``, without common factor."""
    for rows in itertools.combinations(itertools.product((0, 1), repeat=length), count):
        for weights in itertools.product(range(1, heaviest + 1), repeat=count):
            if math.gcd(*weights) == 1:
                yield Table(rows, weights, alphabet_sizes=[2] * length)


def two_outcomes() -> str:
    """Two outcomes: the first position that varies tells which, and the rest is certain."""
    count = 0
    for law in laws(3, 2, 3):
        floor, _ = exact_bits.best_fixed(exact_bits.law_of(law), 2)
        demand(floor == exact_bits.NOTHING, f"{law.outcomes.tolist()}: L*_2 = {floor}")
        count += 1
    return f"3 positions, 3 outcomes, 2 tokens; two outcomes have L*_2 = 0 ({count} laws)"


def adaptivity(heaviest: int = 3) -> str:
    """Four positions and four outcomes: nothing is gained by looking at values."""
    count = 0
    for columns, weights in four_outcomes(heaviest):
        law = Table(list(zip(*columns, strict=True)), weights)
        fixed = optimal_partitions(law).bits[2]
        if fixed > 0:
            adaptive = adaptive_optimum(law).bits[2]
            demand(adaptive > fixed - 1e-9, f"{columns}, {weights}: {fixed} against {adaptive}")
        count += 1
    return (
        "4 positions (three rounds of three lose nothing, two rounds leave no choice) and 5 "
        f"outcomes, equally likely: no law of 4 outcomes with weights up to {heaviest} ({count:,} "
        "up to the order of positions and outcomes)"
    )


def four_outcomes(heaviest: int) -> Iterator[tuple[Sequence[Column], Sequence[int]]]:
    """Laws of four distinct outcomes and four positions that vary, one of each kind."""
    kinds = [c for c in itertools.product(range(4), repeat=4) if first_seen(c) == c and any(c)]
    orders = list(itertools.permutations(range(4)))
    for weights in itertools.combinations_with_replacement(range(1, heaviest + 1), 4):
        if math.gcd(*weights) > 1:
            continue
        alike = [o for o in orders if all(weights[o[k]] == weights[k] for k in range(4))]
        for columns in itertools.combinations_with_replacement(kinds, 4):
            moved = (sorted(first_seen([c[k] for k in o]) for c in columns) for o in alike)
            distinct = len(set(zip(*columns, strict=True))) == 4
            if distinct and list(columns) == min(moved):
                yield columns, weights


def first_seen(tokens: Sequence[int]) -> Column:
    """Tokens renamed in order of appearance."""
    number: dict[int, int] = {}
    return tuple(number.setdefault(v, len(number)) for v in tokens)


def printed_accuracy(first: int) -> str:
    """The least n at which n!/(n - first)!! exceeds 1; first = 0 for pairs, 1 for all at once."""
    for n in itertools.count(1):
        if math.factorial(n) > math.prod(range(n - first, 0, -2)):
            return f"n = {n} is the least at which the printed form exceeds 1"
    raise AssertionError


def greedy_accuracy(per_round: int, told: Fraction) -> str:
    """The least n at which greedy Replace Random does not have the printed accuracy."""
    for n in itertools.count(per_round):
        law, decoder = distributions.replace_random(n), Decoder(TopK(per_round), temperature=0)
        if examples.rational(law, decoder).validity != told:
            return f"n = {n} is the least n >= k at which the printed {told} is not right"
    raise AssertionError


def below_floor() -> str:
    """Two outcomes of three positions, both orders of sizes: validity is at least 2^-L."""
    count = 0
    for law, sizes in itertools.product(laws(3, 2, 3), ((1, 2), (2, 1))):
        decoder = Decoder(TopK(sizes, by="confidence"), order="sample-then-choose")
        validity = exact_bits.log2(Fraction(examples.rational(law, decoder).validity))
        h = exact_bits.entropies(exact_bits.law_of(law))
        floors = [
            exact_bits.partition_floor(h, blocks)
            for blocks in exact_bits.ordered_partitions(3, 2)
            if tuple(map(len, blocks)) == sizes
        ]
        demand(validity >= max(floors) * -1, f"{law.outcomes.tolist()}, sizes {sizes}")
        count += 1
    return (
        "3 positions (with two, both are drawn at once or one is known), 3 outcomes, 2 tokens; no "
        f"law of 2 outcomes with weights up to 3 ({count} decoders)"
    )


def bias() -> str:
    """Two positions: two equally likely outcomes come out right."""
    decoder = Decoder(TopK(1, by="confidence"), order="sample-then-choose")
    for law in laws(2, 2, 1):
        output = examples.output_of(examples.rational(law, decoder))
        demand(output == exact_bits.law_of(law), f"{law.outcomes.tolist()}: {output}")
    return "2 positions, 2 outcomes of weights 2 and 1; two of equal weights come out right"


def fewest_rounds(make: Callable[[int], Joint], what: str) -> str:
    """The least size at which the factor rule takes fewer rounds than Theorem 3.2 prints."""
    for size in itertools.count(1):
        law = make(size)
        rarest = exact_bits.log2(1 / min(exact_bits.law_of(law).values()))
        told = examples.printed_rounds(rarest, Fraction(1, 2))
        if examples.rational(law, Decoder(Factor(0.5))).expected_rounds < told:
            return what.format(size, told)
    raise AssertionError


def entropy_cap() -> str:
    """The least number of equal values that exceeds the naive cap at tau = .9."""
    for size in itertools.count(2):
        law = Table([[v] for v in range(size)])
        output = examples.output_of(examples.rational(law, Decoder(Threshold(0.9))))
        tau = Fraction(9, 10)
        cap = exact_bits.log2(tau) * -tau + exact_bits.log2(1 - tau) * (tau - 1)
        cap += exact_bits.log2(size - 1) * (1 - tau)
        if exact_bits.entropy(output, [0]) > cap:
            return f"1 position; {size} equal values exceed the cap already ({float(cap):.2f} bits)"
    raise AssertionError


def profile() -> str:
    """Up to three positions, information curves of small integer steps."""
    count = 0
    for n in (1, 2, 3):
        for steps in itertools.product(range(5), repeat=n - 1):
            for rounds in range(1, n + 1):
                sizes = profile_sizes(np.cumsum((0, *steps)), rounds)
                best = min(
                    curve_cost(steps, blocks_of)
                    for blocks_of in itertools.product(range(1, n + 1), repeat=rounds)
                    if sum(blocks_of) == n
                )
                found = curve_cost(steps, sizes)
                demand(found == best, f"{steps}, {rounds} rounds: {found} against {best}")
                count += 1
    return f"4 positions; up to three, no curve with steps up to 4 ({count} cases)"


def curve_cost(steps: Sequence[int], sizes: Sequence[int]) -> int:
    """Cost of a random order: the step from k to k + 1 positions, once for each position after."""
    known, cost = 0, 0
    for size in sizes:
        cost += sum((known + size - k) * steps[k - 1] for k in range(known + 1, known + size))
        known += size
    return cost


def budget_rounds() -> str:
    """Two outcomes, up to four positions, budgets in quarters: own rounds stay within the bound."""
    count = 0
    for n in (2, 3, 4):
        for law in laws(n, 2, 2):
            if law.outcomes[0].any():
                continue
            mu = exact_bits.law_of(law)
            for eta in (Fraction(k, 4) for k in range(1, 4 * n + 1)):
                spent = exact_bits.traces(mu, exact_bits.entropy_budget(eta)).spent
                decoder = Decoder(EntropyBudget(float(eta)))
                own = Fraction(examples.rational(law, decoder, "marginal").expected_rounds)
                bound = exact_bits.whole(1) + spent * (2 / eta)
                demand(exact_bits.whole(own) <= bound, f"{law.outcomes.tolist()}, eta = {eta}")
                count += 1
    return f"2 outcomes and 5 positions; up to four, none of 2 outcomes ({count} cases)"


def path_weights() -> str:
    """Two positions, or two outcomes of three: every sequence has as many paths."""
    counts = []
    for length, most in ((2, 4), (3, 2)):
        count = 0
        for outcomes in range(2, most + 1):
            for table in laws(length, outcomes, 2):
                law = exact_bits.law_of(table)
                found = metropolis.stationary(law, with_positions=True)
                demand(found == law, f"{table.outcomes.tolist()}: {found}")
                count += 1
        counts.append(count)
    return (
        "3 positions, 3 outcomes, equally likely, 2 tokens; none of 2 positions "
        f"({counts[0]} laws) or of 2 outcomes ({counts[1]} laws)"
    )


SEARCHES: Mapping[str, Callable[[], str]] = {
    "PB-2": two_outcomes,
    "PB-4": two_outcomes,
    "PB-5": adaptivity,
    "PB-10": partial(printed_accuracy, 0),
    "PB-10-all": partial(printed_accuracy, 1),
    "PB-12": partial(greedy_accuracy, 2, Fraction(1, 2)),
    "PB-12-three": partial(greedy_accuracy, 3, Fraction(0)),
    "FLOOR-1": below_floor,
    "BIAS-1": bias,
    "BR-5-forced": partial(
        fewest_rounds,
        lambda size: Table([[v] for v in range(size)]),
        "1 position; {} equal values, printed {} rounds, would do",
    ),
    "BR-5-shuffle": partial(
        fewest_rounds, distributions.permutations, "n = {} is the least, printed {} rounds"
    ),
    "QE-1": entropy_cap,
    "QE-5": path_weights,
    "RT-4": profile,
    "RT-5": budget_rounds,
}
"""By counterexample; the others say in their file why nothing smaller will do."""


def settle(name: str) -> str:
    """Run a search; what it says must be what the counterexample's file says."""
    found, told = SEARCHES[name](), examples.load(name).minimal
    demand(found == told, f"{name}: the search says {found!r}, the file {told!r}")
    return found


def check(name: str) -> Check:
    """The search for a counterexample smaller than this one."""
    return Check("Nothing smaller.", "enumeration", partial(settle, name), slow=True)
