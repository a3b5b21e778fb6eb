"""Information curves, and round sizes of random orders: the best, and those that theorems give.

What j - 1 random positions tell about another one, for toys of 32 positions, and what the best
sizes, equal ones, and those of the TC, DTC and profile schedules lose in as many rounds. Writes
``results/toy/curves.csv``; exit status 1 if a schedule beats the best one or exceeds its bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

import infodecode
from infodecode import distributions
from infodecode.distributions import Joint
from infodecode.proved_schedules import Schedule
from toy.study import OUTPUT, TOLERANCE, status_of, write

LENGTH = 32
DELTAS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Shares of the total correlation; those of the dual total correlation go on to all of n."""

SHARES_OF_DTC = (*DELTAS, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True)
class Row:
    """A point of a curve, or a schedule.

    Attributes:
        kind: ``curve``, ``best``, ``equal``, ``tc``, ``dtc`` or ``profile``.
        law, length: the distribution.
        position: j, of a curve.
        rounds: number of rounds, of a schedule.
        bits: Z_j, or the expected KL of a schedule.
        bound: what the theorem of the schedule allows.
        sizes: of the rounds.
    """

    kind: str
    law: str
    length: int
    position: int | None = None
    rounds: int | None = None
    bits: float | None = None
    bound: float | None = None
    sizes: str | None = None


def laws() -> list[tuple[str, Joint]]:
    """Curves of different shapes, by the names of figures."""
    n = LENGTH
    sticky = [[0.9, 0.1], [0.2, 0.8]]
    return [
        ("shuffle", distributions.permutations(n)),
        ("replace random", distributions.replace_random(n)),
        ("insert random", distributions.insert_random(n - 1)),
        ("Markov chain", distributions.markov_chain(sticky, length=n)),
        ("parity", distributions.parity(n)),
        ("eight copied bits", distributions.concatenate(*[
            distributions.Table([[0] * 4, [1] * 4]) for _ in range(n // 4)
        ])),
    ]  # fmt: skip


def rows_of(name: str, law: Joint) -> Iterator[Row]:
    """The curve, then every schedule."""
    n = law.length
    for j, bits in enumerate(infodecode.information_curve(law).tolist(), start=1):
        yield Row("curve", name, n, position=j, bits=bits)
    best = infodecode.optimal_random_order(law)
    for t in range(1, n + 1):
        sizes = "-".join(map(str, best.sizes(t)))
        yield Row("best", name, n, rounds=t, bits=float(best.bits[t - 1]), sizes=sizes)
        yield _row("equal", name, n, infodecode.equal_schedule(law, t))
        yield _row("profile", name, n, infodecode.profile_schedule(law, t))
    for delta in DELTAS:
        yield _row("tc", name, n, infodecode.tc_schedule(law, delta))
    for delta in SHARES_OF_DTC:
        yield _row("dtc", name, n, infodecode.dtc_schedule(law, delta))


def _row(kind: str, name: str, n: int, found: Schedule) -> Row:
    sizes = "-".join(map(str, found.sizes))
    return Row(kind, name, n, rounds=found.rounds, bits=found.bits, bound=found.bound, sizes=sizes)


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory, in words."""
    every = list(rows)
    best = {(row.law, row.rounds): row.bits for row in every if row.kind == "best"}
    found = []
    last: dict[str, float] = {}
    for row in every:
        assert row.bits is not None
        if row.kind == "curve":
            if row.bits < last.get(row.law, 0.0) - TOLERANCE:
                found.append(f"{row.law}: the curve falls at {row.position}")
            last[row.law] = row.bits
            continue
        where = f"{row.law}, {row.kind}, {row.rounds} rounds: {row.bits:.6g} bits"
        least = best[row.law, row.rounds]
        assert least is not None
        if row.bits < least - TOLERANCE:
            found.append(f"{where}, below the best sizes' {least:.6g}")
        if row.bound is not None and row.bits > row.bound + TOLERANCE:
            found.append(f"{where}, above its bound {row.bound:.6g}")
    return found


def run(output: Path = OUTPUT) -> int:
    """Compute and write the table; 1 if anything is contradicted, else 0."""
    console = Console(highlight=False)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name, law in progress.track(laws(), description="curves"):
            rows += rows_of(name, law)
    path = output / "curves.csv"
    write(rows, path, command="python -m toy.curves")
    console.print(f"{sum(row.kind != 'curve' for row in rows)} schedules on {len(laws())} laws.")
    console.print(f"table: {path}")
    return status_of(console, violations(rows))


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Information curves of toys, and what schedules of random orders lose on them."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
