"""Frontiers: rounds against error over the settings of every strategy, beside the optimum.

For every kind of toy: all strategies that have a grid, those that rank by confidence a second time
with tokens drawn first, the optimal policies themselves, and the oracle of thresholds. What the
theory says of them is checked: nobody whose path the adaptive optimum bounds goes below it, optimal
policies attain it, an output loses at most what its path loses. Writes
``results/toy/frontiers.csv``; exit status 1 if anything is contradicted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.adaptive import price_curve
from infodecode.distributions import Joint
from infodecode.frontier import Frontier, Point
from infodecode.oracle import COUPLINGS, OracleThreshold, oracle_threshold
from infodecode.regret import BOUNDED
from infodecode.strategies import AdaptiveOptimum, Strategy, Threshold
from toy.study import CONFIDENCE, OUTPUT, SEED, TOLERANCE, status_of, write

SAMPLES = 1_000
MAX_CHILDREN = 4_000
DRAWN_LENGTH = 6
"""Most positions of laws decoded with tokens drawn first."""

PRICES = (1.0, 4.0, math.inf)
"""Of a bit, in rounds: what the optimal policies are optimal for."""

POLICY = AdaptiveOptimum.__name__


@dataclass(frozen=True)
class Row:
    """A decoder, an oracle, or a point of a curve; empty cells are what does not exist.

    Attributes:
        row: ``decoder``, ``oracle``, or a curve: ``fixed_partition`` (L*_T), ``random_order`` (best
            sizes), ``adaptive`` (corners of the adaptive optimum; its rounds are those on data).
        law, length: the distribution.
        family, settings: class of the strategy and its settings, the first of those that are alike.
        alike: how many settings of the family's grid have the same figures.
        kind: of a decoder, as the adaptive optimum sees it (`infodecode.regret.KINDS`); of an
            oracle, the coupling of its runs.
        method: ``exact``, ``simulated``, or ``rounds simulated`` (the rest is exact).
        rounds: expected number under the output law.
        calls: expected number of model calls; a look-ahead is one more in its round.
        data_rounds: expected number of rounds along data.
        kl: forward KL(data ‖ output), bits; of a curve, its bits.
        path_kl: along data, at least ``kl``.
        optimum: least path KL of any policy with as many rounds on data (of decoders without a
            path: as many rounds).
        regret: ``path_kl - optimum``.
        best_fixed: least path KL of random choices among fixed partitions with as many rounds.
        below_optimum, below_fixed: by how many bits ``kl`` is below what any policy, or random
            choices among fixed partitions, can reach along data in ``rounds`` or ``data_rounds``,
            whichever is more; 0 if it is not.
        validity: probability that an output is possible under the data.
        entropy: of the output law, bits.
        pareto: undominated among the strategies of its law.
        validity_low, validity_high, rounds_low, rounds_high: intervals of what was simulated.
        confidence: of the intervals; of decoders 0.95.
        samples, seed: of what was simulated.
    """

    row: str
    law: str
    length: int
    family: str
    settings: str = ""
    alike: int | None = None
    kind: str | None = None
    method: str | None = None
    rounds: float | None = None
    calls: float | None = None
    data_rounds: float | None = None
    kl: float | None = None
    path_kl: float | None = None
    optimum: float | None = None
    regret: float | None = None
    best_fixed: float | None = None
    below_optimum: float | None = None
    below_fixed: float | None = None
    validity: float | None = None
    entropy: float | None = None
    pareto: bool | None = None
    validity_low: float | None = None
    validity_high: float | None = None
    rounds_low: float | None = None
    rounds_high: float | None = None
    confidence: float | None = None
    samples: int | None = None
    seed: int | None = None


def laws() -> list[Joint]:
    """One toy of every kind, small enough to be exact; certain ones have nothing to lose."""
    return [
        distributions.permutations(4),
        distributions.derangements(5),
        distributions.replace_random(3),
        distributions.replace_random(6),
        distributions.insert_random(5),
        distributions.remove_random(5),
        distributions.latin_squares(3),
        distributions.titanic(),
        distributions.variable_names(),
        distributions.phrases(("New York", "Mexico City", "New Orleans"), (4, 3, 1)),
        distributions.article(),
        distributions.parity(5),
        distributions.linear_code([[1, 1, 0, 1, 0], [0, 1, 1, 0, 1]]),
        distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=5),
        distributions.words(3, weighted=True, most=60),
        distributions.mixture([distributions.copy(4), distributions.permutations(4)], [1, 1]),
        distributions.concatenate(distributions.replace_random(3), distributions.permutations(2)),
    ]


def families(length: int) -> list[type[Strategy]]:
    """Every class of strategies that has a grid."""
    classes = (value for value in vars(strategies).values() if isinstance(value, type))
    return [c for c in classes if issubclass(c, Strategy) and c.grid(length)]


def decoders(length: int) -> list[Decoder]:
    """The grids of all strategies; those that read the confidence alone once more, drawing first.

    ParallelBench analyses the former, LLaDA and Fast-dLLM decode by the latter. Beyond a few
    positions too much can be drawn at once for the latter to be exact, and they are left out.
    """
    grid = [strategy for family in families(length) for strategy in family.grid(length)]
    ranked = [s for s in grid if s.needs == {"confidence"} and length <= DRAWN_LENGTH]
    first = [Decoder(strategy, order="sample-then-choose") for strategy in ranked]
    return [*map(Decoder, grid), *first]


def policies(law: Joint) -> list[Decoder]:
    """Optimal policies of the law itself, deterministic."""
    best = price_curve(law, PRICES)
    return [Decoder(policy.policy(), position_ties="lowest") for policy in best]


def measure(law: Joint) -> list[Row]:
    """The curves of a law, its decoders, and the oracles of its thresholds."""
    settings = {"samples": SAMPLES, "seed": SEED, "max_children": MAX_CHILDREN, "progress": False}
    front = infodecode.frontier(law, decoders(law.length), entropy=True, **settings)
    best = infodecode.frontier(law, policies(law), entropy=True, **settings)
    optimal = (replace(point, pareto=False) for point in best.points)
    gammas = [strategy.gamma for strategy in Threshold.grid(law.length)]
    oracles = [
        oracle_threshold(
            law, gammas, coupling=coupling, samples=SAMPLES, seed=SEED, confidence=CONFIDENCE
        )
        for coupling in COUPLINGS
    ]
    return [
        *curve_rows(front),
        *merged(decoder_row(front, point) for point in (*front.points, *optimal)),
        *(oracle_row(law, oracle) for oracle in oracles),
    ]


def curve_rows(front: Frontier) -> Iterator[Row]:
    """L*_T, the best sizes in random order, and the corners of the adaptive optimum."""
    law, bounds = front.distribution, front.bounds
    for name, curve in (
        ("fixed_partition", bounds.partition_bits),
        ("random_order", bounds.random_order_bits),
    ):
        for rounds, bits in enumerate([] if curve is None else curve.tolist(), start=1):
            yield Row(name, law.name, law.length, name, rounds=rounds, kl=bits)
    corners = front.adaptive_curve
    for rounds, bits in [] if corners is None else corners.tolist():
        yield Row("adaptive", law.name, law.length, "adaptive", rounds=rounds, kl=bits)


def decoder_row(front: Frontier, point: Point) -> Row:
    """A decoder beside what bounds it."""
    beside = front.beside(point)
    generous = front.beside(replace(point, data_rounds=max(point.rounds, point.data_rounds or 0)))
    (validity, rounds), runs = point.intervals, point.simulation
    return Row(
        row="decoder",
        law=front.distribution.name,
        length=front.distribution.length,
        family=point.family,
        settings=point.settings,
        alike=1,
        kind=point.kind,
        method=point.method,
        rounds=point.rounds,
        calls=point.calls,
        data_rounds=point.data_rounds,
        kl=point.kl,
        path_kl=point.path_kl,
        optimum=beside.get("adaptive_bits"),
        regret=point.regret,
        best_fixed=beside.get("partition_bits"),
        below_optimum=_below(point.kl, generous.get("adaptive_bits")),
        below_fixed=_below(point.kl, generous.get("partition_bits")),
        validity=point.validity,
        entropy=point.entropy,
        pareto=point.pareto,
        validity_low=None if validity is None else validity.low,
        validity_high=None if validity is None else validity.high,
        rounds_low=None if rounds is None else rounds.low,
        rounds_high=None if rounds is None else rounds.high,
        confidence=None if rounds is None else rounds.confidence,
        samples=None if runs is None else runs.samples,
        seed=None if runs is None else runs.seed,
    )


def _below(kl: float | None, bits: float | None) -> float | None:
    if kl is None or bits is None:
        return None
    return bits - kl if kl < bits - TOLERANCE else 0.0


def oracle_row(law: Joint, oracle: OracleThreshold) -> Row:
    """The best threshold of every sample."""
    return Row(
        row="oracle",
        law=law.name,
        length=law.length,
        family="oracle threshold",
        settings="/".join(f"{gamma:g}" for gamma in oracle.gammas),
        kind=oracle.coupling,
        method=oracle.method,
        rounds=oracle.rounds.value,
        validity=oracle.validity.value,
        validity_low=oracle.validity.low,
        validity_high=oracle.validity.high,
        rounds_low=oracle.rounds.low,
        rounds_high=oracle.rounds.high,
        confidence=oracle.validity.confidence,
        samples=oracle.samples,
        seed=oracle.seed,
    )


def merged(rows: Iterable[Row]) -> list[Row]:
    """Settings of a family with the same figures as one row."""
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        rounded = {
            name: round(value, 10)
            for name, value in vars(row).items()
            if isinstance(value, float) and math.isfinite(value)
        }
        groups.setdefault(replace(row, settings="", pareto=None, **rounded), []).append(row)
    return [
        replace(alike[0], alike=len(alike), pareto=any(row.pareto for row in alike))
        for alike in groups.values()
    ]


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory, in words."""
    every = list(rows)
    one_round = {
        row.law: row.kl for row in every if row.row == "fixed_partition" and row.rounds == 1
    }
    found = [
        f"{row.law}, {row.settings}: {words}"
        for row in every
        if row.row == "decoder"
        for words in _contradictions(row, one_round.get(row.law))
    ]
    thresholds: dict[str, list[float]] = {}
    for row in every:
        if row.family == Threshold.__name__ and row.kind in BOUNDED and row.method == "exact":
            assert row.validity is not None
            assert row.alike is not None
            thresholds.setdefault(row.law, []).extend([row.validity] * row.alike)
    for row in every:
        if row.row == "oracle" and row.validity_low is not None and row.validity_high is not None:
            single = thresholds.get(row.law, [])
            if row.validity_high < max(single, default=0.0) - TOLERANCE:
                found.append(f"{row.law}, {row.kind} oracle: below a single threshold")
            every_one = len(single) == len(row.settings.split("/"))
            if every_one and row.validity_low > sum(single) + TOLERANCE:
                found.append(f"{row.law}, {row.kind} oracle: above all thresholds together")
    return found


def _contradictions(row: Row, one_round: float | None) -> Iterator[str]:
    kl, path, optimum = row.kl, row.path_kl, row.optimum
    known = None not in (kl, one_round)
    if known and row.rounds <= 1 + TOLERANCE and kl < one_round - TOLERANCE:
        yield f"KL {kl:.6g} bits in one round, which loses {one_round:.6g} bits at least"
    if row.kind in BOUNDED and path is not None:
        if optimum is not None and path < optimum - TOLERANCE:
            yield f"path KL {path:.6g} bits below the adaptive optimum {optimum:.6g} bits"
        if kl is not None and kl > path + TOLERANCE:
            yield f"KL {kl:.6g} bits above the path KL {path:.6g} bits"
        if kl is not None and row.kind == "inside" and kl < path - TOLERANCE:
            yield f"KL {kl:.6g} bits below the path KL {path:.6g} bits without a mixture"
        if row.kind == "inside" and None not in (kl, optimum) and kl < optimum - TOLERANCE:
            yield f"KL {kl:.6g} bits below the adaptive optimum {optimum:.6g} bits"
    if row.regret is not None:
        if row.regret < 0:
            yield f"regret {row.regret:.6g} bits below zero"
        if row.family == POLICY and row.regret > TOLERANCE:
            yield f"an optimal policy with regret {row.regret:.6g} bits"
    if None not in (optimum, row.best_fixed) and optimum > row.best_fixed + TOLERANCE:
        yield f"adaptive optimum {optimum:.6g} bits above fixed partitions {row.best_fixed:.6g}"
    if kl is not None and row.validity is not None and row.validity < 2.0**-kl - TOLERANCE:
        yield f"validity {row.validity:.6g} below 2^-KL = {2.0**-kl:.6g}"


def summary(rows: Sequence[Row]) -> list[str]:
    """What the table shows, in sentences."""
    found = [row for row in rows if row.row == "decoder" and row.family != POLICY]
    kinds = Counter(row.kind for row in found)
    bounded = [row for row in found if row.regret is not None]
    attained = [row for row in bounded if row.regret <= TOLERANCE]
    lossy = [row for row in attained if row.path_kl > TOLERANCE and row.data_rounds > 1 + TOLERANCE]
    lines = [
        f"{len(found)} decoders that differ: "
        + ", ".join(f"{number} {kind}" for kind, number in kinds.most_common()),
        f"{len(bounded)} have a path that the adaptive optimum bounds: {len(attained)} attain it, "
        f"{len(lossy)} of these with a loss in more than one round.",
    ]
    for kind in kinds:
        below = [row for row in found if row.kind == kind and row.below_optimum]
        if below:
            most = max(below, key=lambda row: row.below_optimum)
            lines.append(
                f"{len(below)} of the kind {kind!r} lose less than the adaptive optimum, at most "
                f"by {most.below_optimum:.4f} bits: {_described(most)}."
            )
    beaten = [row for row in found if row.kind == "mixture" and row.below_fixed]
    lines.append(
        f"{len(beaten)} mixtures lose less than every fixed partition, and every random choice "
        "among them, in as many rounds:"
    )
    lines += [f"  {_described(row)}, {row.below_fixed:.4f} less" for row in beaten]
    return lines


def _described(row: Row) -> str:
    return f"{row.law}, {row.settings}: {row.kl:.4f} bits in {row.rounds:.4f} rounds"


COLUMNS = (
    ("rounds", "rounds"), ("KL", "kl"), ("optim.", "optimum"), ("regret", "regret"),
    ("valid", "validity"),
)  # fmt: skip

LEGEND = """rounds  expected number
KL      KL(data || output) in bits
optim.  least path KL of any policy with as many rounds on data
regret  path KL less that optimum
valid   probability of a possible output
Undominated decoders only; the file has all of them, and the curves."""


def table(rows: Iterable[Row]) -> Table:
    """The undominated decoders and the oracles of one law, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("decoder", overflow="fold", width=32)
    result.add_column("kind", no_wrap=True, min_width=11)
    for heading, _ in COLUMNS:
        result.add_column(heading, justify="right", min_width=6, no_wrap=True)
    shown = [row for row in rows if row.pareto or row.row == "oracle"]
    for row in sorted(shown, key=lambda row: (row.row, row.rounds)):
        name = row.family if row.row == "oracle" else row.settings
        cells = [getattr(row, column) for _, column in COLUMNS]
        result.add_row(name, row.kind, *("" if c is None else f"{c:.4f}"[:6] for c in cells))
    return result


def run(output: Path = OUTPUT) -> int:
    """Measure, print and write the table; 1 if anything is contradicted, else 0."""
    console = Console(highlight=False)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for law in progress.track(laws(), description="frontiers (the first run compiles)"):
            measured = measure(law)
            console.print(f"{law.name}: {law.length} positions, {law.entropy():.4f} bits")
            console.print(table(measured), "")
            rows += measured
    console.print(LEGEND, "")
    path = output / "frontiers.csv"
    write(rows, path, command="python -m toy.frontiers")
    for line in summary(rows):
        console.print(line, soft_wrap=True)
    console.print(f"\ntable: {path}")
    return status_of(console, violations(rows))


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Rounds against error over the settings of every strategy, beside the optimum."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
