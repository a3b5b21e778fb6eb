"""ParallelBench's formulas on lists: by hand, exactly, and simulated, at many lengths.

The bits that one round loses, and two positions a round (Figure 1, Table 1, PB-6 to PB-9); the
accuracy of random top-k against the length, at temperature 1 and greedy (Figures 2a to 2d); that of
thresholds on ten items (Figure 2e). Writes ``results/toy/formulas.csv``; exit status 1 if two of
the three contradict each other.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.chance import TooManyCanvases
from infodecode.distributions import Joint
from infodecode.estimate import proportion
from toy import closed_forms as by
from toy.study import CONFIDENCE, OUTPUT, SEED, TOLERANCE, Case, status_of, write

LENGTHS = range(3, 25)
MEASURED = (3, 4, 6, 8, 10, 12, 16, 24)
"""Lengths that are also simulated, and exact where that fits."""

MAX_CHILDREN = 50_000

SAMPLES = 2_000
SHOWN_CONFIDENCE = 0.95
"""Of the intervals in the table; what contradicts an exact value is judged by wider ones."""

THRESHOLD_LENGTH = 10
GAMMAS = tuple(k / 100 for k in range(1, 100))
MEASURED_GAMMAS = GAMMAS[4::5]


@dataclass(frozen=True)
class Row:
    """One quantity of one task.

    Attributes:
        quantity: ``bits`` (lost by a fixed order) or ``validity`` (of a decoder).
        task: name of the list operation.
        length: n.
        k: positions a round; empty for thresholds.
        gamma: the threshold.
        temperature: of the token law.
        claim: whose formula.
        formula, exact: the value by hand, and by the library; the latter is empty where the law
            of the output takes too many canvases, and at lengths that are not measured.
        simulated, low, high: share of valid samples, and its 95% interval.
        samples, seed: of the simulation.
    """

    quantity: str
    task: str
    length: int
    k: int | None = None
    gamma: float | None = None
    temperature: float | None = None
    claim: str | None = None
    formula: float | None = None
    exact: float | None = None
    simulated: float | None = None
    low: float | None = None
    high: float | None = None
    samples: int | None = None
    seed: int | None = None


TASKS: dict[str, tuple[Callable[[int], Joint], by.Formula]] = {
    "copy": (distributions.copy, by.certain),
    "replace index": (lambda n: distributions.replace_index(n, 1), by.certain),
    "replace random": (distributions.replace_random, by.replace_random),
    "shuffle": (distributions.permutations, by.shuffle),
}


def bits_by_hand(task: str, length: int, k: int) -> float:
    """PB-6 to PB-9: what a fixed order of k positions a round loses, in bits.

    Round by round, m positions masked: of Shuffle a position has log2 m bits left, of Replace
    Random those of one item in m, if the replaced item is still masked (m times in n).
    """
    if task in ("copy", "replace index"):
        return 0.0
    total = 0.0
    for m in range(length, 0, -k):
        size = min(k, m)
        if task == "shuffle":
            total += size * math.log2(m) - math.log2(math.perm(m, size))
        else:
            share = 1 / m
            alone = -share * math.log2(share)
            if m > 1:
                alone -= (1 - share) * math.log2(1 - share)
            total += size * m / length * alone
    return total if task == "shuffle" else total - math.log2(length)


def bits_rows() -> Iterator[Row]:
    """All at once, and two positions a round."""
    for task, (build, _) in TASKS.items():
        for n in LENGTHS:
            law = build(n)
            for k in (2, n):
                blocks = [list(range(a, min(a + k, n))) for a in range(0, n, k)]
                yield Row(
                    "bits", task, n, k,
                    claim=_claim(task, k == n),
                    formula=bits_by_hand(task, n, k),
                    exact=infodecode.partition_bits(law, blocks),
                )  # fmt: skip


def _claim(task: str, all_at_once: bool) -> str:
    if task == "shuffle":
        return "PB-8" if all_at_once else "PB-9"
    if task == "replace random":
        return "PB-7" if all_at_once else "PB-2"
    return "PB-6"


def validity_row(task: str, length: int, decoder: Decoder, *, measured: bool) -> Row:
    """A decoder by formula, and if asked exactly and simulated."""
    build, formula = TASKS[task]
    law = build(length)
    closed = Case(law, (formula,)).closed(decoder)
    exact = samples = None
    if measured:
        with contextlib.suppress(TooManyCanvases):
            run = infodecode.exact(law, decoder, max_children=MAX_CHILDREN, progress=False)
            exact = float(run.validity)
        samples = infodecode.simulate(
            law, decoder, samples=SAMPLES, seed=SEED, confidence=SHOWN_CONFIDENCE, progress=False
        ).validity
    return Row(
        "validity",
        task,
        length,
        k=getattr(decoder.strategy, "k", None),
        gamma=getattr(decoder.strategy, "gamma", None),
        temperature=decoder.temperature,
        claim=closed.claim or None,
        formula=closed.validity,
        exact=exact,
        simulated=samples and samples.value,
        low=samples and samples.low,
        high=samples and samples.high,
        samples=SAMPLES if measured else None,
        seed=SEED if measured else None,
    )


def validity_rows() -> Iterator[Row]:
    """Random top-k over lengths, then thresholds at one length."""
    for task in TASKS:
        for temperature in (1.0, 0.0):
            for n in LENGTHS:
                for k in sorted({1, 2, n}):
                    decoder = Decoder(strategies.TopK(k), temperature=temperature)
                    yield validity_row(task, n, decoder, measured=n in MEASURED)
            for gamma in GAMMAS:
                decoder = Decoder(strategies.Threshold(gamma), temperature=temperature)
                measured = gamma in MEASURED_GAMMAS
                yield validity_row(task, THRESHOLD_LENGTH, decoder, measured=measured)


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts a formula or an interval, in words."""
    found = []
    for row in rows:
        setting = f"gamma {row.gamma:g}" if row.k is None else f"k = {row.k}"
        where = f"{row.task}, n = {row.length}, {setting}"
        if row.formula is None:
            found.append(f"{where}: no formula")
            continue
        if row.exact is not None and abs(row.formula - row.exact) > TOLERANCE:
            found.append(f"{where}: {row.quantity} {row.exact:.9g}, by formula {row.formula:.9g}")
        if row.simulated is not None and row.samples is not None:
            wide = proportion(round(row.simulated * row.samples), row.samples, CONFIDENCE)
            if not wide.low - TOLERANCE <= row.formula <= wide.high + TOLERANCE:
                found.append(f"{where}: validity {row.formula:.6g} outside the simulated {wide}")
    return found


def run(output: Path = OUTPUT) -> int:
    """Measure and write the table; 1 if anything is contradicted, else 0."""
    console = Console(highlight=False)
    rows = list(bits_rows())
    total = len(TASKS) * 2 * (len(LENGTHS) * 3 + len(GAMMAS))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        rows += progress.track(validity_rows(), total=total, description="formulas")
    path = output / "formulas.csv"
    write(rows, path, command="python -m toy.formulas")
    found = violations(rows)
    exact, simulated = (sum(getattr(row, name) is not None for row in rows)
                        for name in ("exact", "simulated"))  # fmt: skip
    console.print(f"{len(rows)} formulas; {exact} compared exactly, {simulated} with samples.")
    console.print(f"table: {path}")
    return status_of(console, found)


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """ParallelBench's formulas on lists, by hand, exactly and simulated."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
