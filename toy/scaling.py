"""Bounds for up to 10,000 positions: bits lost against rounds, and rounds for a given loss.

Best sizes of a uniformly random order, which are the best fixed partition too where positions are
exchangeable (shuffle, replace random). Writes ``results/toy/scaling.csv``; exit status 1
if a curve rises with the rounds, or does not start at the total correlation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

import infodecode
from infodecode import distributions
from infodecode.distributions import Joint
from toy.study import OUTPUT, TOLERANCE, status_of, write

LENGTHS = (10, 32, 100, 316, 1000, 10_000)
LOSSES = (0.1, 1.0, 10.0)
"""Bits that may be lost, for the rounds that they take."""


@dataclass(frozen=True)
class Row:
    """A point of a curve, or the rounds that a loss takes.

    Attributes:
        kind: ``curve`` (``bits`` lost in ``rounds``) or ``rounds`` (fewest that lose at most
            ``bits``).
        law, length: the distribution.
        rounds, bits: as said.
        everywhere: whether the law is exchangeable, so that the curve is L*_T as well.
        total_correlation: of the law, bits.
    """

    kind: str
    law: str
    length: int
    rounds: int
    bits: float
    everywhere: bool
    total_correlation: float


FAMILIES: dict[str, Callable[[int], Joint]] = {
    "shuffle": distributions.permutations,
    "Markov chain": lambda n: distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=n),
    "insert random": lambda n: distributions.insert_random(n - 1),
    "replace random": distributions.replace_random,
}


def rows_of(name: str, length: int) -> Iterator[Row]:
    """The curve at about forty numbers of rounds, and the rounds for each loss."""
    law = FAMILIES[name](length)
    bits = infodecode.optimal_random_order(law).bits
    total = infodecode.total_correlation(law)
    same = law.size_entropies() is not None
    shown = np.unique(np.geomspace(1, length, 40).round().astype(int)).tolist()
    for rounds in shown:
        yield Row("curve", name, length, rounds, float(bits[rounds - 1]), same, total)
    for loss in LOSSES:
        rounds = int(np.argmax(bits <= loss + TOLERANCE)) + 1
        yield Row("rounds", name, length, rounds, loss, same, total)


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory, in words."""
    found = []
    before: dict[tuple[str, int], float] = {}
    for row in rows:
        if row.kind != "curve":
            continue
        where = f"{row.law}, n = {row.length}, {row.rounds} rounds: {row.bits:.9g} bits"
        scale = TOLERANCE * max(1.0, row.total_correlation)
        if row.rounds == 1 and not math.isclose(row.bits, row.total_correlation, abs_tol=scale):
            found.append(f"{where}, the total correlation is {row.total_correlation:.9g}")
        if row.bits > before.get((row.law, row.length), math.inf) + scale:
            found.append(f"{where}, more than in fewer rounds")
        if row.rounds == row.length and row.bits != 0:
            found.append(f"{where}, one by one")
        before[row.law, row.length] = row.bits
    return found


def run(output: Path = OUTPUT) -> int:
    """Compute and write the table; 1 if anything is contradicted, else 0."""
    console = Console(highlight=False)
    cases = [(name, n) for n in LENGTHS for name in FAMILIES]
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name, n in progress.track(cases, description="scaling"):
            rows += rows_of(name, n)
    path = output / "scaling.csv"
    write(rows, path, command="python -m toy.scaling")
    for name in FAMILIES:
        needed = [row for row in rows if row.kind == "rounds" and row.law == name and row.bits == 1]
        words = ", ".join(f"{row.rounds:,} of {row.length:,}" for row in needed)
        console.print(f"{name}: rounds for at most 1 bit: {words}")
    console.print(f"table: {path}")
    return status_of(console, violations(rows))


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Bits against rounds for up to 10,000 positions."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
