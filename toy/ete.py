"""Explore-Then-Exploit against confidence, each of its parts switched off in turn.

On profile records, variable names, one of each, and a long row of both in blocks: rounds, model
calls, KL and validity, exactly where that is possible, else on samples. Greedy rows are read by
validity, as the paper decodes; at temperature 1 the look-ahead chooses positions and tokens are
drawn, and rows are read by KL. Writes ``results/toy/ete.csv`` and says where ETE loses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode import Decoder, distributions
from infodecode.chance import TooManyCanvases
from infodecode.distributions import Joint
from infodecode.strategies import ETE, Factor, LeftToRight, Threshold, TopK, Unlocking
from toy.study import OUTPUT, SEED, TOLERANCE, status_of, write

GAMMAS = (0.5, 0.9)
BUDGETS = (1, 3)
SAMPLES = 1_000
MAX_CHILDREN = 200_000
LARGEST_SUPPORT = 10_000
"""Outcomes up to which an exact run is tried."""

CONFIDENCE = 0.999


@dataclass(frozen=True)
class Row:
    """One law and decoder.

    Attributes:
        law, length: the distribution.
        decoder: name of the decoder: ``ETE gamma/budget of a block``, and under it what it is
            without one of its parts.
        family: ``ETE``, ``ETE without …`` or ``baseline``.
        temperature: 0 (greedy) or 1.
        rounds, calls, evaluations: expected rounds, model calls, sequences evaluated.
        validity, kl: of the output law; KL in bits, empty where simulated, infinite when greedy.
        path_kl: expected bits lost along data traces, where the decoder draws its tokens.
        validity_low, validity_high, path_low, path_high: intervals of simulated rows.
        method: ``exact`` or ``simulated``.
        dominated_by: a baseline of the same temperature with at most the calls and at most the
            error (path KL; greedy: 1 - validity), and less of one of them; empty if there is none.
        samples, seed: of simulated rows.
    """

    law: str
    length: int
    decoder: str
    family: str
    temperature: float
    rounds: float
    calls: float
    evaluations: float
    validity: float
    kl: float | None = None
    path_kl: float | None = None
    validity_low: float | None = None
    validity_high: float | None = None
    path_low: float | None = None
    path_high: float | None = None
    method: str = "exact"
    dominated_by: str | None = None
    samples: int | None = None
    seed: int | None = None

    @property
    def error(self) -> float:
        """What counts against calls: path KL, or the share of invalid outputs when greedy."""
        return 1 - self.validity if self.path_kl is None else self.path_kl


def laws() -> list[tuple[str, Joint, int]]:
    """The paper's two examples, both together, and many of both; with the length of a block."""
    record = distributions.profile_records(20)
    code = distributions.variable_names()
    pair = distributions.concatenate(record, code)
    many = distributions.concatenate(*[record, code] * 4)
    return [
        ("record", record, record.length),
        ("code", code, code.length),
        ("record + code", pair, pair.length),
        ("record + code, blocks of 4", pair, record.length),
        ("4 x (record + code), blocks of 9", many, pair.length),
    ]


def decoders(block: int, length: int, temperature: float) -> Iterator[tuple[str, str, Decoder]]:
    """Family, name and decoder: baselines, ETE, and ETE without each of its parts."""
    whole = block >= length
    ordered = Decoder(TopK(1), blocks=LeftToRight(block), temperature=temperature)
    baselines = {f"threshold {g:g}": Threshold(g) for g in GAMMAS}
    factors = {f"factor {f:g}": Factor(f) for f in (0.5, 1.0)}
    for name, rule in {**baselines, **factors}.items():
        yield "baseline", name, replace(ordered, strategy=rule)
    commit = "drawn" if temperature else "tried"
    for gamma in GAMMAS:
        full = ETE(gamma, commit=commit)
        for budget in (1,) if whole else BUDGETS:
            unlocking = Decoder(full, blocks=Unlocking(block, budget), temperature=temperature)
            tag = f"{gamma:g}" if whole else f"{gamma:g}/{budget}"
            yield "ETE", f"ETE {tag}", unlocking
            for part, rule in {
                "look-ahead": replace(full, beam=0),
                "implicit": replace(full, implicit=False),
                "follow-up": replace(full, follow=False),
            }.items():
                if (part == "implicit" and whole) or (part == "follow-up" and temperature):
                    continue
                yield f"ETE without {part}", f"  - {part} {tag}", replace(unlocking, strategy=rule)
        if not whole:
            strict = replace(ordered, strategy=full)
            yield "ETE without fast blocks", f"  - fast blocks {gamma:g}", strict


def measure(law: Joint, family: str, name: str, decoder: Decoder) -> Row:
    """Exactly if it fits, else on samples."""
    if law.support_size is not None and law.support_size <= LARGEST_SUPPORT:
        try:
            return _exact(law, family, name, decoder)
        except TooManyCanvases:
            pass
    return _simulated(law, family, name, decoder)


def _exact(law: Joint, family: str, name: str, decoder: Decoder) -> Row:
    run = infodecode.exact(
        law, decoder, off_support="marginal", max_children=MAX_CHILDREN, progress=False
    )
    path = None
    if decoder.temperature:
        path = infodecode.data_path(law, decoder, max_children=MAX_CHILDREN, progress=False).bits
    return Row(
        law.name, law.length, name, family, decoder.temperature,
        rounds=float(run.expected_rounds), calls=float(run.expected_calls),
        evaluations=float(run.expected_evaluations), validity=float(run.validity), kl=run.kl,
        path_kl=path,
    )  # fmt: skip


def _simulated(law: Joint, family: str, name: str, decoder: Decoder) -> Row:
    runs = infodecode.simulate(
        law, decoder, samples=SAMPLES, seed=SEED, confidence=CONFIDENCE, progress=False
    )
    path = None
    if decoder.temperature:
        path = infodecode.data_path_estimate(
            law, decoder, samples=SAMPLES, seed=SEED, confidence=CONFIDENCE
        ).bits
    assert runs.expected_rounds is not None
    return Row(
        law.name, law.length, name, family, decoder.temperature,
        rounds=runs.expected_rounds.value, calls=runs.expected_calls,
        evaluations=runs.expected_evaluations, validity=runs.validity.value,
        path_kl=None if path is None else path.value,
        validity_low=runs.validity.low, validity_high=runs.validity.high,
        path_low=None if path is None else path.low, path_high=None if path is None else path.high,
        method="simulated", samples=SAMPLES, seed=SEED,
    )  # fmt: skip


def judged(rows: list[Row]) -> list[Row]:
    """Rows of one law, block and temperature, with the baseline that beats each, if any."""
    baselines = [row for row in rows if row.family == "baseline"]
    return [replace(row, dominated_by=_better(row, baselines)) for row in rows]


def _better(row: Row, baselines: list[Row]) -> str | None:
    for other in baselines:
        gap = TOLERANCE
        if "simulated" in (row.method, other.method):
            gap = max(_spread(row), _spread(other))
        no_worse = other.calls <= row.calls + TOLERANCE and other.error <= row.error + gap
        if no_worse and (other.calls < row.calls - TOLERANCE or other.error < row.error - gap):
            return other.decoder
    return None


def _spread(row: Row) -> float:
    low, high = (
        (row.validity_low, row.validity_high)
        if row.path_kl is None
        else (row.path_low, row.path_high)
    )
    return 0.0 if low is None or high is None else (high - low) / 2


def measurements() -> Iterator[list[Row]]:
    """Judged rows of every law and temperature."""
    for label, law, block in laws():
        for temperature in (0.0, 1.0):
            wanted = decoders(block, law.length, temperature)
            rows = [measure(law, family, name, decoder) for family, name, decoder in wanted]
            yield [replace(row, law=label) for row in judged(rows)]


def contradictions(rows: list[Row]) -> Iterator[str]:
    """What cannot be: a validity below its floor, a path below its output, calls below rounds."""
    for row in rows:
        where = f"{row.law}, {row.decoder}, temperature {row.temperature:g}"
        if row.kl is not None and row.validity < 2.0**-row.kl - TOLERANCE:
            yield f"{where}: validity {row.validity:.6g} below 2^-kl"
        if row.kl is not None and row.path_kl is not None and row.path_kl < row.kl - TOLERANCE:
            yield f"{where}: path KL {row.path_kl:.6g} below that of the output, {row.kl:.6g}"
        if row.calls < row.rounds - TOLERANCE or row.evaluations < row.calls - TOLERANCE:
            yield f"{where}: rounds, calls and evaluations must not fall"


def table(rows: list[Row]) -> Table:
    """For the terminal, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("decoder", no_wrap=True, min_width=22)
    for heading in ("rounds", "calls", "valid", "path KL"):
        result.add_column(heading, justify="right", min_width=7, no_wrap=True)
    result.add_column("  beaten by", no_wrap=True, min_width=16)
    for row in rows:
        path = "" if row.path_kl is None else f"{row.path_kl:.3f}"
        result.add_row(
            row.decoder, f"{row.rounds:.2f}", f"{row.calls:.2f}", f"{row.validity:.3f}", path,
            f"  {row.dominated_by or ''}",
        )  # fmt: skip
    return result


def summary(rows: list[Row]) -> Table:
    """Where full ETE wins against confidence, and where it loses."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("settings of full ETE", no_wrap=True, min_width=47)
    for heading in ("all", "beaten", "cheaper"):
        result.add_column(f"  {heading}", justify="right", no_wrap=True, min_width=6)
    for key in dict.fromkeys((row.law, row.temperature) for row in rows):
        here = [row for row in rows if (row.law, row.temperature) == key]
        full = [row for row in here if row.family == "ETE"]
        bare = [row for row in here if row.family == "ETE without look-ahead"]
        beaten = sum(row.dominated_by is not None for row in full)
        cheaper = sum(
            a.calls < b.calls - TOLERANCE and a.error <= b.error + max(_spread(a), _spread(b))
            for a, b in zip(bare, full, strict=True)
        )
        mode = "temperature 1" if key[1] else "greedy"
        result.add_row(f"{key[0]}, {mode}", str(len(full)), str(beaten), str(cheaper))
    return result


LEGEND = """rounds     a look-ahead and what follows it count as one
calls      model calls: such a round makes two
valid      probability of a possible output
path KL    bits lost along data traces
beaten by  a baseline with no more calls and no more error, and less of one
cheaper    without its look-ahead it makes fewer calls, with no more error"""


def run(output: Path = OUTPUT) -> int:
    """Measure, print and write the table; 1 if something contradicts itself, else 0."""
    console = Console(highlight=False)
    groups = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for rows in progress.track(measurements(), total=2 * len(laws()), description="ete"):
            groups.append(rows)
    for rows in groups:
        mode = "temperature 1" if rows[0].temperature else "greedy"
        console.print(f"{rows[0].law}, {mode} ({rows[0].method})")
        console.print(table(rows), "")
    rows = [row for group in groups for row in group]
    path = output / "ete.csv"
    write(rows, path, command="python -m toy.ete")
    console.print(summary(rows), "")
    console.print(LEGEND)
    console.print(f"\ntable: {path}")
    return status_of(console, contradictions(rows))


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Explore-Then-Exploit against confidence, part by part."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
