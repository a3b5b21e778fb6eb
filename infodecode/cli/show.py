"""What the commands print: a readable table, or one JSON object."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Column, Table

import infodecode
from infodecode import Bounds, Estimate, ExactRun, Simulation
from infodecode._typing import IntArray
from infodecode.distributions import Joint

MAX_ROWS = 24
MAX_POSITIONS = 12
REDIRECTED_WIDTH = 100


def bounds(result: Bounds, distribution: Joint, *, as_json: bool) -> None:
    """Print a `Bounds` report; of a long law a geometric choice of rounds."""
    if as_json:
        print_json(_bounds_record(result))
        return
    console = open_console()
    plural = "" if result.length == 1 else "s"
    console.print(f"{result.name}: {result.length} position{plural}, everything in bits")
    console.print(
        f"entropy {amount(result.entropy)}, "
        f"total correlation {amount(result.total_correlation)}, "
        f"dual total correlation {amount(result.dual_total_correlation)}"
    )
    if result.partition_bits is not None or result.random_order_bits is not None:
        _print_curves(console, result, distribution)
    for note in result.notes:
        console.print(f"note: {note}")


QUANTITIES = {
    "validity": "validity",
    "mode probability": "mode_probability",
    "coverage": "coverage",
    "forward KL": "kl",
    "reverse KL": "reverse_kl",
    "total variation": "total_variation",
    "output entropy": "entropy",
    "expected rounds": "expected_rounds",
    "expected model calls": "expected_calls",
    "absorbed": "absorbed",
    "unfinished": "unfinished",
}
"""What `exact` shows, and the attribute of an `ExactRun` that it is, its name in JSON."""

FOLLOWED = ("entropy", "expected_rounds", "expected_calls")
"""What needs the runs that left the support."""

UNITS = {"kl": "bits", "reverse_kl": "bits", "entropy": "bits"}


def exact(run: ExactRun, strategy: str, model: str, *, as_json: bool) -> None:
    """Print an `ExactRun`; what cannot be known is "-" with the reason, and null in JSON."""
    absorbed = float(run.absorbed) > 0
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name in QUANTITIES.values():
        if absorbed and name in FOLLOWED:
            values[name] = None
            reasons[name] = "needs --off-support: some outputs were absorbed"
            continue
        try:
            values[name] = getattr(run, name)
        except ValueError as error:
            values[name], reasons[name] = None, str(error)
    orbits = run.orbit_sizes is not None
    if as_json:
        head = _head(run.distribution, strategy, model)
        head |= {"off_support": run.off_support, "orbits": orbits}
        fractions = {key: str(v) for key, v in values.items() if isinstance(v, Fraction)}
        values["rounds"] = None if values["expected_rounds"] is None else run.rounds
        print_json(head | values | ({"fractions": fractions} if fractions else {}))
        return
    console = open_console()
    console.print(
        f"{run.distribution.name}, {strategy}, model {model}, off support: {run.off_support}"
        + (", over orbits" if orbits else "")
    )
    table = Table("", "", Column(overflow="fold"), box=box.SIMPLE, show_header=False)
    for title, name in QUANTITIES.items():
        value = values[name]
        note = str(value) if isinstance(value, Fraction) else UNITS.get(name, "")
        table.add_row(title, amount(value), reasons.get(name, note))
    console.print(table)
    if values["expected_rounds"] is not None:
        _print_shares(console, {k: float(p) for k, p in enumerate(run.rounds)})


def simulation(result: Simulation, strategy: str, model: str, *, as_json: bool) -> None:
    """Print a `Simulation`."""
    if as_json:
        print_json(
            _head(result.distribution, strategy, model)
            | {
                "off_support": result.off_support,
                "samples": result.samples,
                "seed": result.seed,
                "validity": estimate_record(result.validity),
                "mode_probability": estimate_record(result.mode_probability),
                "expected_rounds": estimate_record(result.expected_rounds),
                "expected_calls": result.expected_calls,
                "unfinished": result.unfinished,
                "rounds": result.rounds,
            }
        )
        return
    console = open_console()
    console.print(
        f"{result.distribution.name}, {strategy}, model {model}, "
        f"off support: {result.off_support}, {result.samples:,} sequences, seed {result.seed}"
    )
    table = Table(box=box.SIMPLE)
    for heading in ("", "estimate", "low", "high"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, estimate in (
        ("validity", result.validity),
        ("mode probability", result.mode_probability),
        ("expected rounds", result.expected_rounds),
    ):
        if estimate is not None:
            cells = (estimate.value, estimate.low, estimate.high)
            table.add_row(name, *map(amount, cells))
    console.print(table)
    _print_shares(console, {k: c / result.samples for k, c in enumerate(result.rounds)})


def samples(distribution: Joint, sequences: IntArray, seed: int, *, as_json: bool) -> None:
    """Print samples ``(size, n)`` as a person would read them, a blank line between long ones."""
    texts = [distribution.render(sequence) for sequence in sequences]
    if as_json:
        head = {"version": infodecode.__version__, "distribution": distribution.name}
        tokens = [distribution.labels_of(sequence) for sequence in sequences]
        print_json(
            head
            | {"length": distribution.length, "names": distribution.names, "seed": seed}
            | {"sequences": tokens, "texts": texts}
        )
        return
    gap = "\n\n" if "\n" in distribution.template else "\n"
    if texts:
        print(gap.join(texts))


def amount(value: Any) -> str:
    """Six significant digits, in scientific notation if tiny or huge; ``-`` for None."""
    return "-" if value is None else f"{float(value):.6g}"


def sizes_text(sizes: Sequence[int]) -> str:
    """``(3, 1, 1)`` -> ``"3 1x2"``: equal neighbours are counted."""
    runs: list[list[int]] = []
    for size in sizes:
        if runs and runs[-1][0] == size:
            runs[-1][1] += 1
        else:
            runs.append([size, 1])
    return " ".join(str(size) if times == 1 else f"{size}x{times}" for size, times in runs)


def partition_text(partition: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """Names of the positions, rounds separated by ``|``; of a long law the sizes alone."""
    if len(names) > MAX_POSITIONS:
        return "sizes " + sizes_text([len(block) for block in partition])
    return " | ".join(" ".join(names[position] for position in block) for block in partition)


def _print_curves(console: Console, result: Bounds, distribution: Joint) -> None:
    """A row for each number of rounds, or for a choice of them."""
    table = Table(box=box.SIMPLE)
    for heading in ("rounds", "L*_T", "partition", "random order", "sizes", "floor"):
        text = heading in ("partition", "sizes")
        table.add_column(heading, justify="left" if text else "right", overflow="fold")
    rows, floor = _some_rounds(result.length), result.validity_floor
    for rounds in rows:
        cells = dict.fromkeys(("bits", "partition", "random", "sizes", "floor"), "-")
        if result.partition_bits is not None and floor is not None:
            cells["bits"] = amount(result.partition_bits[rounds - 1])
            cells["partition"] = partition_text(result.partition(rounds), distribution.names)
            cells["floor"] = amount(floor[rounds - 1])
        if result.random_order_bits is not None:
            cells["random"] = amount(result.random_order_bits[rounds - 1])
            cells["sizes"] = sizes_text(result.random_order_sizes(rounds))
        table.add_row(str(rounds), *cells.values())
    console.print(table)
    if len(rows) < result.length:
        console.print(f"{len(rows)} of {result.length} numbers of rounds shown; --json has all")


def _some_rounds(length: int) -> list[int]:
    if length <= MAX_ROWS:
        return list(range(1, length + 1))
    return sorted({round(x) for x in np.geomspace(1, length, MAX_ROWS)})


def _print_shares(console: Console, shares: Mapping[int, float]) -> None:
    table = Table(box=box.SIMPLE)
    table.add_column("rounds", justify="right")
    table.add_column("share", justify="right")
    for rounds, share in shares.items():
        if share > 0:
            table.add_row(str(rounds), amount(share))
    console.print(table)


def open_console() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = REDIRECTED_WIDTH
    return console


def _head(distribution: Joint, strategy: str, model: str) -> dict[str, Any]:
    return {
        "version": infodecode.__version__,
        "distribution": distribution.name,
        "length": distribution.length,
        "strategy": strategy,
        "model": model,
    }


def _bounds_record(result: Bounds) -> dict[str, Any]:
    every = range(1, result.length + 1)
    partitions = sizes = None
    if result.partition_bits is not None:
        partitions = [result.partition(rounds) for rounds in every]
    if result.random_order_bits is not None:
        sizes = [result.random_order_sizes(rounds) for rounds in every]
    return {
        "version": infodecode.__version__,
        "distribution": result.name,
        "length": result.length,
        "entropy": result.entropy,
        "total_correlation": result.total_correlation,
        "dual_total_correlation": result.dual_total_correlation,
        "information_curve": result.information_curve,
        "partition_bits": result.partition_bits,
        "partitions": partitions,
        "adaptive_bits": result.adaptive_bits,
        "random_order_bits": result.random_order_bits,
        "random_order_sizes": sizes,
        "validity_floor": result.validity_floor,
        "notes": result.notes,
    }


def estimate_record(estimate: Estimate | None) -> dict[str, float] | None:
    """An estimate with its interval for JSON."""
    return None if estimate is None else dataclasses.asdict(estimate)


def print_json(record: Mapping[str, Any]) -> None:
    print(json.dumps({key: _plain(value) for key, value in record.items()}, allow_nan=False))


def _plain(value: Any) -> Any:
    """``value`` in JSON's own types; infinity becomes the string ``"inf"``."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Fraction):
        value = float(value)
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
