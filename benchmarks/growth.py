"""How cost grows with size: the measured exponent of each function beside the documented one.

``python -m benchmarks growth`` measures, prints, and writes ``results/benchmarks/growth.csv``. A
repetition times every size and fits a line to the logarithms; the exponent is the median over
repetitions, with their spread. It is processor time, in one thread, so that a busy machine changes
it little. docs/complexity.md has the costs that are compared.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import comparison
from benchmarks.growth_cases import Case, cases

RESULTS = Path("results/benchmarks/growth.csv")

REPETITIONS = 4

SHORTEST = 0.002
"""Seconds: shorter calls are timed several in a row."""

TOLERANCE = 0.25
"""By how much a measured exponent may exceed the documented one: caches, memory, noise."""


@dataclass(frozen=True)
class Row:
    """A measured exponent.

    Attributes:
        function, law, documented, unit: as in `Case`.
        sizes: n of each measurement.
        seconds: processor time of one call, the least over repetitions.
        exponent: median over repetitions of the slope of log seconds on log size.
        low, high: least and largest slope.
        expected: slope of the documented cost over the same sizes: 1.13 for n log n, say.
    """

    function: str
    law: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    unit: str
    exponent: float
    low: float
    high: float
    documented: str
    expected: float

    @property
    def met(self) -> bool:
        """Whether the cost grows no faster than documented, within `TOLERANCE`."""
        return self.exponent <= self.expected + TOLERANCE


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Exponent of the power law that fits best: least squares on the logarithms."""
    x, y = np.log(np.asarray(sizes, float)), np.log(np.asarray(values, float))
    x -= x.mean()
    return float(x @ y / (x @ x))


def timed(case: Case, n: int, calls: int) -> float:
    """Processor seconds of one call, the mean of several on laws of their own."""
    work = [case.prepare(n) for _ in range(calls)]
    begin = time.process_time()
    for call in work:
        call()
    return (time.process_time() - begin) / calls


def measured(case: Case) -> Row:
    """Time a case."""
    timed(case, case.sizes[0], 1)
    once = [timed(case, n, 1) for n in case.sizes]
    calls = [max(1, min(20, math.ceil(SHORTEST / seconds))) for seconds in once]
    sizes = [case.against(n) for n in case.sizes]
    seconds = np.array(
        [
            [timed(case, n, count) for n, count in zip(case.sizes, calls, strict=True)]
            for _ in range(REPETITIONS)
        ]
    )
    slopes = [slope(sizes, times) for times in seconds]
    return Row(
        function=case.function,
        law=case.law,
        sizes=tuple(case.sizes),
        seconds=tuple(seconds.min(axis=0).tolist()),
        unit=case.unit,
        exponent=float(np.median(slopes)),
        low=min(slopes),
        high=max(slopes),
        documented=case.documented,
        expected=slope(sizes, [case.cost(n) for n in case.sizes]),
    )


def main() -> int:
    """Exit code 1 when a cost grows faster than documented."""
    rows = []
    title = f"{comparison.versions()}, {comparison.machine()}"
    table = Table("function", "law", "sizes", "seconds at the largest", "exponent", "spread",
                  "documented", title=title)  # fmt: skip
    for case in cases():
        row = measured(case)
        rows.append(row)
        colour = "green" if row.met else "red"
        table.add_row(
            row.function,
            row.law,
            f"{row.sizes[0]:,} … {row.sizes[-1]:,}",
            f"{row.seconds[-1]:.2g}",
            f"[{colour}]{row.exponent:.2f}[/] of {row.unit}",
            f"{row.low:.2f} … {row.high:.2f}",
            f"{row.documented} ({row.expected:.2f})",
        )
    Console(width=160).print(table)
    frame = comparison.frame_of(rows)
    for name, form in (("sizes", "{}"), ("seconds", "{:.3g}")):
        frame[name] = [" ".join(map(form.format, values)) for values in frame[name]]
    comparison.write(
        frame, RESULTS, command="python -m benchmarks growth", about=comparison.versions(), digits=3
    )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
