"""What ``infodecode frontier`` reads and prints."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.table import Table

import infodecode
from infodecode.cli import parsing, show
from infodecode.cli.vocabulary import STRATEGIES
from infodecode.frontier import Frontier, Point
from infodecode.regret import KINDS
from infodecode.strategies import Strategy

FIELDS = (
    "family", "kind", "method", "rounds", "calls", "data_rounds", "kl", "path_kl", "regret",
    "validity", "entropy", "pareto",
)  # fmt: skip
"""Attributes of a point in JSON."""

_SOME_LENGTH = 8

COLUMNS = {
    "rounds": "rounds",
    "data_rounds": "on data",
    "kl": "KL",
    "path_kl": "path KL",
    "adaptive_bits": "optimum",
    "regret": "regret",
    "validity": "valid",
    "entropy": "entropy",
}
"""Attributes of a point in the table, and their headings."""


def parse_strategies(text: str) -> list[type[Strategy] | Strategy]:
    """``"threshold,factor:0.5"`` -> the class `Threshold`, which has a grid, and one `Factor`.

    Commas separate strategies and their values alike: a part that starts with a strategy's name
    begins the next one, any other belongs to the one before.
    """
    specifications: list[str] = []
    for part in text.split(","):
        named = part.partition(":")[0].strip() in STRATEGIES
        if named or not specifications or ":" not in specifications[-1]:
            specifications.append(part.strip())
        else:
            specifications[-1] += f",{part}"
    return [_parse_one(specification) for specification in specifications]


def _parse_one(specification: str) -> type[Strategy] | Strategy:
    entry = STRATEGIES.get(specification)
    family = None if entry is None else _with_grid(entry.build)
    return parsing.parse_strategy(specification) if family is None else family


def _with_grid(build: object) -> type[Strategy] | None:
    """A class of strategies that has a grid, else None."""
    if isinstance(build, type) and issubclass(build, Strategy) and build.grid(_SOME_LENGTH):
        return build
    return None


def with_grids() -> list[str]:
    """Names of the strategies that have a grid."""
    return [name for name, entry in STRATEGIES.items() if _with_grid(entry.build) is not None]


def frontier(result: Frontier, *, temperature: float, order: str, as_json: bool) -> None:
    """Print a `Frontier`: a row for each decoder, undominated ones marked."""
    if as_json:
        show.print_json(_record(result, temperature, order))
        return
    console = show.open_console()
    law = result.distribution
    plural = "" if law.length == 1 else "s"
    console.print(
        f"{law.name}: {law.length} position{plural}, temperature {temperature:g}, {order}, "
        "everything in bits"
    )
    console.print(_table(result))
    for line in _notes(result):
        console.print(line)


def _table(result: Frontier) -> Table:
    entropies = any(point.entropy is not None for point in result.points)
    columns = {k: v for k, v in COLUMNS.items() if k != "entropy" or entropies}
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", no_wrap=True)
    for heading in columns.values():
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("decoder", overflow="fold")
    for mark, *cells in _rows(result, list(columns)):
        table.add_row(mark, *cells)
    return table


def _rows(result: Frontier, columns: Sequence[str]) -> Iterator[list[str]]:
    """Marks, figures and labels; neighbours of a family with the same figures are one row."""

    def alike(item: tuple[Point, list[str]]) -> tuple[str, ...]:
        return item[0].group, *item[1]

    described = []
    for point in result.points:
        values = {name: getattr(point, name, None) for name in columns} | result.beside(point)
        kind = point.kind + ("" if point.method == "exact" else " ~")
        described.append((point, [*(_shown(values[name]) for name in columns), kind]))
    for _, group in itertools.groupby(described, alike):
        points, [cells, *_] = zip(*group, strict=True)
        more = f", {len(points) - 1} more alike" if len(points) > 1 else ""
        yield ["*" if any(p.pareto for p in points) else "", *cells, points[0].settings + more]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}".removesuffix(".0000")


def _notes(result: Frontier) -> Iterator[str]:
    yield "* no other decoder has as few rounds and as small an error"
    if any(point.method != "exact" for point in result.points):
        yield "~ too large to be exact: simulated; --json has the intervals"
    for kind in dict.fromkeys(point.kind for point in result.points):
        yield f"{kind}: {KINDS[kind]}"
    if (best := result.oracle) is not None:
        yield (
            f"oracle: for every sample the best threshold of "
            f"{', '.join(f'{gamma:g}' for gamma in best.gammas)}, with the same random numbers "
            f"under all of them: rounds {best.rounds}, validity {best.validity}"
        )
    for note in result.bounds.notes:
        yield f"note: {note}"


def _record(result: Frontier, temperature: float, order: str) -> dict[str, Any]:
    bounds, best = result.bounds, result.oracle
    return {
        "version": infodecode.__version__,
        "distribution": result.distribution.name,
        "length": result.distribution.length,
        "temperature": temperature,
        "order": order,
        "points": [
            {"strategy": point.settings}
            | {name: getattr(point, name) for name in FIELDS}
            | result.beside(point)
            | {
                f"{name}_interval": show.estimate_record(interval)
                for name, interval in zip(("validity", "rounds"), point.intervals, strict=True)
            }
            for point in result.points
        ],
        "oracle": None if best is None else dataclasses.asdict(best),
        "partition_bits": bounds.partition_bits,
        "random_order_bits": bounds.random_order_bits,
        "adaptive_curve": result.adaptive_curve,
        "notes": bounds.notes,
    }
