"""What `benchmarks.growth` measures: functions, laws, sizes, and the cost that is documented."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import infodecode
from benchmarks import heart
from infodecode import Decoder, distributions, schedules, strategies
from infodecode.curve_estimates import information_curve_estimate, random_order_estimate
from infodecode.distributions import Joint
from infodecode.partition_bracket import partition_bracket

LONG = (1250, 2500, 5000, 10_000)
STICKY = [[0.9, 0.1], [0.2, 0.8]]


@dataclass(frozen=True)
class Case:
    """One function on one family of laws.

    Attributes:
        function: what is timed.
        law: of which family.
        sizes: n of each measurement.
        documented: the cost, in words.
        cost: the same as a function of n, up to a factor.
        prepare: makes the call to time from n; what the law caches is new each time.
        against: what the exponent is of, as a function of n; n itself by default.
        unit: its name.
    """

    function: str
    law: str
    sizes: Sequence[int]
    documented: str
    cost: Callable[[int], float]
    prepare: Callable[[int], Callable[[], object]]
    against: Callable[[int], float] = float
    unit: str = "n"


# Laws -------------------------------------------------------------------------------------------


def chain(n: int) -> Joint:
    return distributions.markov_chain(STICKY, length=n)


def hidden(n: int) -> Joint:
    return distributions.hidden_markov(STICKY, [[0.5, 0.5, 0], [0, 1 / 3, 2 / 3]], length=n)


def sparse_code(n: int) -> Joint:
    generator = np.random.default_rng(0)
    check = np.zeros((n // 2, n), np.int64)
    for row in check:
        row[generator.choice(n, 6, replace=False)] = 1
    return distributions.linear_code(check)


def side_by_side(n: int) -> Joint:
    half = n // 2
    return distributions.concatenate(distributions.replace_random(half), chain(n - half))


def few_outcomes(n: int) -> Joint:
    outcomes = np.random.default_rng(0).integers(0, 2, (8, n))
    return distributions.from_counts(outcomes, np.arange(1, 9))


def many_outcomes(rows: int) -> Joint:
    generator = np.random.default_rng(rows)
    return distributions.from_counts(
        generator.integers(0, 4, (rows, 10)), generator.integers(1, 9, rows)
    )


# Cases ------------------------------------------------------------------------------------------


def on(build: Callable[[int], Joint], function: Callable[[Joint], object]) -> Callable[
    [int], Callable[[], object]
]:  # fmt: skip
    """Calls of ``function`` on a new law for each."""

    def prepare(n: int) -> Callable[[], object]:
        law = build(n)
        return lambda: function(law)

    return prepare


def linear(n: int) -> float:
    return float(n)


def square(n: int) -> float:
    return float(n) ** 2


def cube(n: int) -> float:
    return float(n) ** 3


def square_log(n: int) -> float:
    return float(n) ** 2 * math.log(n)


def curves() -> list[Case]:
    """Entropies and curves of structured families."""
    d = distributions
    laws = [
        ("permutations", d.permutations, "n", linear),
        ("replace_random", d.replace_random, "n", linear),
        ("remove_random", d.remove_random, "n^2", square),
        ("markov_chain, 2 states", chain, "n^2", square),
        ("two parts side by side", side_by_side, "n^2", square),
        ("table of 8 outcomes", few_outcomes, "n", linear),
    ]
    cases = [
        Case("information_curve", name, LONG, cost, power, on(build, infodecode.information_curve))
        for name, build, cost, power in laws
    ]
    cases.append(
        Case("information_curve", "derangements", (625, 1250, 2500, 5000), "n^2", square,
             on(d.derangements, infodecode.information_curve))
    )  # fmt: skip
    whole = [
        ("entropy", "permutations", d.permutations, "n^2 / 64: exact factorials", square,
         infodecode.entropy),
        ("entropy", "markov_chain, 2 states", chain, "n", linear, infodecode.entropy),
        ("total_correlation", "markov_chain, 2 states", chain, "n", linear,
         infodecode.total_correlation),
        ("dual_total_correlation", "markov_chain, 2 states", chain, "n", linear,
         infodecode.dual_total_correlation),
        ("dual_total_correlation", "linear_code, rate 1/2", sparse_code, "n^2 / 64", square,
         infodecode.dual_total_correlation),
        ("random_order_bits", "replace_random", d.replace_random, "n", linear,
         lambda law: infodecode.random_order_bits(law, schedules.even_sizes(law.length, 10))),
        ("tc_schedule", "replace_random", d.replace_random, "n", linear,
         lambda law: infodecode.tc_schedule(law, 0.1)),
        ("dtc_schedule", "replace_random", d.replace_random, "n", linear,
         lambda law: infodecode.dtc_schedule(law, 0.1)),
        ("profile_schedule", "replace_random", d.replace_random, "n", linear,
         lambda law: infodecode.profile_schedule(law, 50)),
    ]  # fmt: skip
    cases += [
        Case(name, law, LONG, cost, power, on(build, function))
        for name, law, build, cost, power, function in whole
    ]
    cases += [
        Case("optimal_random_order", "replace_random", (400, 800, 1600, 3200),
             "n^2 log n, all T", square_log, on(d.replace_random, infodecode.optimal_random_order)),
        Case("information_curve_estimate", "hidden_markov, 2 states", LONG, "n per canvas", linear,
             on(hidden, lambda law: information_curve_estimate(
                 law, samples=8, points=[2, law.length // 2, law.length], threads=1))),
        Case("random_order_estimate", "hidden_markov, 2 states", LONG, "n per round", linear,
             on(hidden, lambda law: random_order_estimate(
                 law, schedules.even_sizes(law.length, 5), samples=8, threads=1))),
        Case("rounds_curve", "factor 0.8", (12_500, 25_000, 50_000, 100_000), "n", linear,
             lambda n: lambda: infodecode.rounds_curve(0.8, n)),
        Case("min_rounds", "factor 0.8", (12_500, 25_000, 50_000, 100_000), "n", linear,
             lambda n: lambda: infodecode.min_rounds(0.1 * n, 0.8, n)),
    ]  # fmt: skip
    return cases


def tables() -> list[Case]:
    """What grows with outcomes, subsets and pairs of subsets."""
    rows = (20_000, 40_000, 80_000, 160_000)
    dense = (10, 11, 12, 13, 14)

    def against_rows(name: str, function: Callable[[Joint], object]) -> Case:
        return Case(name, "table of N outcomes, 10 positions", rows, "n N", linear,
                    on(many_outcomes, function), unit="N")  # fmt: skip

    return [
        against_rows("entropy", lambda law: law.entropy(range(5))),
        against_rows("total_correlation", infodecode.total_correlation),
        against_rows("dual_total_correlation", infodecode.dual_total_correlation),
        Case("subset_entropies", "all binary words", dense, "3^n cells", lambda n: 3.0**n,
             on(heart.random_joint, infodecode.subset_entropies), lambda n: 3.0**n, "3^n"),
        Case("optimal_partitions", "all binary words", dense, "n 3^n", lambda n: n * 3.0**n,
             on(heart.random_joint, infodecode.optimal_partitions), lambda n: 3.0**n, "3^n"),
        Case("adaptive_optimum", "all binary words", (7, 8, 9, 10), "n 4^n",
             lambda n: n * 4.0**n, on(heart.random_joint, infodecode.adaptive_optimum),
             lambda n: 4.0**n, "4^n"),
        Case("rounds_at_price", "all binary words", (7, 8, 9, 10), "4^n", lambda n: 4.0**n,
             on(heart.random_joint, lambda law: infodecode.rounds_at_price(law, 1.0)),
             lambda n: 4.0**n, "4^n"),
        Case("adaptive_optimum", "replace_random", (80, 160, 320, 640), "n^3, by orbits", cube,
             on(distributions.replace_random, infodecode.adaptive_optimum)),
        Case("partition_bits", "markov_chain, 4 rounds", (200, 400, 800, 1600), "n^2", square,
             on(chain, lambda law: infodecode.partition_bits(
                 law, [range(t, law.length, 4) for t in range(4)]))),
        Case("partition_bracket", "markov_chain, 4 rounds", (25, 50, 100, 200), "n^4",
             lambda n: float(n) ** 4, on(chain, lambda law: partition_bracket(law, 4))),
    ]  # fmt: skip


def partial_orders(n: int) -> float:
    """Canvases that a decoder of permutations one by one leads to, before they are merged."""
    return float(sum(math.comb(n, k) * math.perm(n, k) * (n - k) ** 2 for k in range(n)))


def decoding() -> list[Case]:
    """The loop, exact and sampled."""
    one = Decoder(strategies.OneByOne(by="random"))
    pairs = Decoder(strategies.TopK(2, by="random"))
    count = partial_orders

    def against_children(name: str, function: Callable[[Joint], object]) -> Case:
        return Case(name, "permutations, one by one", (5, 6, 7), "n per canvas reached",
                    lambda n: n * count(n), on(distributions.permutations, function), count,
                    "canvases")  # fmt: skip

    return [
        against_children("exact", lambda law: infodecode.exact(law, one, orbits=False)),
        against_children("exact_ledger", lambda law: infodecode.exact_ledger(law, one, 0.5)),
        against_children("data_path", lambda law: infodecode.data_path(law, one)),
        Case("exact, by orbits", "replace_random, 2 a round", (32, 64, 128, 254),
             "n^2: n / 2 rounds of a few orbits", square,
             on(distributions.replace_random, lambda law: infodecode.exact(law, pairs))),
        Case("simulate", "replace_random, 8 rounds", LONG, "n per round", linear,
             on(distributions.replace_random, lambda law: infodecode.simulate(
                 law, Decoder(strategies.TopK(-(-law.length // 8))), samples=64, threads=1))),
        Case("frontier", "replace_random(6)", (8, 16, 32, 64), "one run per decoder", linear,
             frontier_of, unit="decoders"),
    ]  # fmt: skip


def frontier_of(count: int) -> Callable[[], object]:
    """A frontier of so many thresholds."""
    law = distributions.replace_random(6)
    thresholds = [strategies.Threshold(gamma) for gamma in np.linspace(0.4, 1, count).tolist()]
    return lambda: infodecode.frontier(law, thresholds)


def cases() -> tuple[Case, ...]:
    """Every case, in order."""
    return (*curves(), *tables(), *decoding())
