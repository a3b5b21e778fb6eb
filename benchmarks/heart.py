"""Speed of the heart: decoding, information, partitions, exact laws, start-up.

``python -m benchmarks heart`` measures each beside a target, prints, and writes
``results/benchmarks/heart.csv``. Ratios are taken between runs that alternate in this one process,
so that a busy machine slows both sides; absolute times are the best of a few.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import infodecode
from benchmarks import comparison, numpy_decoder
from benchmarks.information import unique_total_correlation
from infodecode import Decoder, distributions, strategies

RESULTS = Path("results/benchmarks/heart.csv")
BASELINE_DECODES = 100
OUR_DECODES = 200_000


@dataclass(frozen=True)
class Row:
    """A measurement beside what was asked of it.

    Attributes:
        what: what was measured.
        value: the figure; for a ratio the median over repetitions.
        low, high: spread over repetitions.
        unit: ``x`` (times the baseline) or ``s``.
        target: the figure asked for: at least, for ratios; at most, for seconds.
    """

    what: str
    value: float
    low: float
    high: float
    unit: str
    target: float

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.target if self.unit == "x" else self.value <= self.target


def ratio(what: str, slow: Callable[[], object], fast: Callable[[], object], scale: float,
          target: float, repeat: int = 7) -> Row:  # fmt: skip
    """How many times faster per unit of work; ``scale`` is fast's work over slow's."""
    seconds = comparison.in_turn({"slow": slow, "fast": fast}, repeat=repeat)
    found = comparison.ratio(seconds["slow"], seconds["fast"], scale)
    return Row(what, found.value, found.low, found.high, "x", target)


def duration(what: str, work: Callable[[], object], target: float, repeat: int = 5) -> Row:
    """Best of a few warm calls."""
    found = comparison.in_turn({"work": work}, repeat=repeat)["work"]
    return Row(what, min(found), min(found), max(found), "s", target)


def command(what: str, arguments: list[str], target: float, repeat: int = 5) -> Row:
    """Whole processes, the first not counted."""

    def run() -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return duration(what, run, target, repeat)


def decoding() -> list[Row]:
    """Random top-2 on uniform permutations of 8, one thread, against the plain numpy decoder."""
    outcomes = numpy_decoder.permutation_table(8)
    generator = np.random.default_rng(0)

    def baseline() -> None:
        for _ in range(BASELINE_DECODES):
            numpy_decoder.decode(outcomes, 2, generator)

    rows = []
    family = distributions.permutations(8)
    for name, law, target in (
        ("structured family", family, 1000),
        ("40,320-row table", family.table(), 300),
    ):
        for threads in (1, 2):
            rows.append(
                ratio(
                    f"decodes per second, {name}, threads={threads}",
                    baseline,
                    lambda law=law, threads=threads: infodecode.simulate(
                        law, Decoder(strategies.TopK(2)), samples=OUR_DECODES, threads=threads
                    ),
                    OUR_DECODES / BASELINE_DECODES,
                    target,
                )
            )
    return rows


def information() -> list[Row]:
    """Total correlation, all subset entropies, best partitions of random joints."""
    shuffled = distributions.permutations(8).table()
    plain = shuffled.outcomes.astype(np.int64)
    nine = distributions.permutations(9).table()
    dense = {n: random_joint(n) for n in (12, 16)}
    return [
        ratio(
            "total correlation, 40,320-row table, beside numpy.unique(axis=0)",
            lambda: unique_total_correlation(plain),
            lambda: infodecode.total_correlation(shuffled),
            1.0,
            100,
        ),
        duration(
            "all subset entropies, permutations of 9",
            lambda: infodecode.subset_entropies(nine), 1.0,
        ),
        duration(
            "all subset entropies, dense binary joint of 16",
            lambda: infodecode.subset_entropies(dense[16]), 2.0,
        ),
        duration(
            "whole L*_T curve, random binary joint of 12",
            lambda: infodecode.optimal_partitions(dense[12]), 0.050,
        ),
        duration(
            "whole L*_T curve, random binary joint of 16",
            lambda: infodecode.optimal_partitions(dense[16]), 5.0, repeat=3,
        ),
        duration(
            "whole L*_T curve, permutations of 1,000",
            lambda: infodecode.optimal_partitions(distributions.permutations(1000)), 1.0,
        ),
    ]  # fmt: skip


def random_joint(n: int) -> distributions.Table:
    """A dense binary joint with random integer weights."""
    weights = np.random.default_rng(n).integers(1, 1000, 1 << n)
    outcomes = np.arange(1 << n)[:, None] >> np.arange(n) & 1
    return distributions.from_counts(outcomes, weights)


def exact_laws() -> list[Row]:
    """Exact output laws of random top-2, absorbing."""
    decoder = Decoder(strategies.TopK(2))
    return [
        duration(
            f"exact, {law.name}, random top-2",
            lambda law=law: infodecode.exact(law, decoder), target,
        )
        for law, target in (
            (distributions.permutations(7), 1.0),
            (distributions.replace_random(12), 0.2),
        )
    ]  # fmt: skip


def start_up() -> list[Row]:
    """Whole processes on a warm cache."""
    return [
        command("import infodecode (whole process)", ["-c", "import infodecode"], 1.0),
        command(
            "infodecode bounds permutations:6 (whole process)",
            ["-m", "infodecode.cli", "bounds", "permutations:6"], 3.0,
        ),
    ]  # fmt: skip


def measure() -> list[Row]:
    """Every row, in order."""
    return [*decoding(), *information(), *exact_laws(), *start_up()]


def machine() -> str:
    """What the figures were measured on."""
    return f"{comparison.versions()}, {platform.machine()}"


def main() -> int:
    """Exit code 1 when a target is missed."""
    rows = measure()
    table = Table("what", "measured", "spread", "target", title=machine())
    for row in rows:
        form = (lambda v: f"{v:,.0f}x") if row.unit == "x" else (lambda v: f"{v:.3f} s")
        table.add_row(
            row.what,
            f"[{'green' if row.met else 'red'}]{form(row.value)}[/]",
            f"{form(row.low)} … {form(row.high)}",
            f"{'>=' if row.unit == 'x' else '<='} {form(row.target)}",
        )
    Console(width=120).print(table)
    comparison.write(
        comparison.frame_of(rows),
        RESULTS,
        command="python -m benchmarks heart",
        about=comparison.versions(),
    )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
