"""``python -m llm ete``: Explore-Then-Exploit beside confidence (From Bits to Rounds, Figure 6).

Thresholds, factors, and ETE with each of its parts taken away, on lists of 8 items in blocks of 4:
rounds, model calls, sequences evaluated, share of right answers. Where ETE loses, the table says
so. Writes ``results/llm/ete.csv``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode.masked_lm import MaskedLM
from llm import tables
from llm.answering import SEED, answered
from llm.options import OUTPUT, Device, Model, Output, Samples
from toy.ete import Row, decoders

TASKS = ("shuffle", "replace random", "insert random", "remove random")
LENGTH = 8
BLOCK = 4
SAMPLES = 500


def rows_of(model: MaskedLM, task: str, temperature: float, samples: int) -> list[Row]:
    """Every decoder on one task; a baseline that is at least as good on all counts is named."""
    rows = []
    for family, name, decoder in decoders(BLOCK, LENGTH, temperature):
        found = answered(model, decoder, task, LENGTH, samples=samples)
        valid = found.validity
        rows.append(
            Row(
                law=f"{model.name}: {task}",
                length=found.exercises.answer_length,
                decoder=name,
                family=family,
                temperature=temperature,
                rounds=found.rounds.value,
                calls=float(found.trace.calls.sum(axis=0).mean()),
                evaluations=float(found.trace.evaluated.sum(axis=0).mean()),
                validity=valid.value,
                validity_low=valid.low,
                validity_high=valid.high,
                method="simulated",
                samples=samples,
                seed=SEED,
            )
        )
    return list(_judged(rows))


def _judged(rows: list[Row]) -> Iterator[Row]:
    baselines = [row for row in rows if row.family == "baseline"]
    for row in rows:
        better = [
            other.decoder
            for other in baselines
            if row.family != "baseline"
            and other.calls <= row.calls
            and other.validity >= row.validity
            and (other.calls < row.calls or other.validity > row.validity)
        ]
        yield replace(row, dominated_by=better[0] if better else None)


def command(
    model: Model = "tiny",
    samples: Samples = SAMPLES,
    device: Device = "cpu",
    output: Output = OUTPUT,
) -> None:
    """Explore-Then-Exploit, part by part, beside thresholds and factors."""
    console = Console(width=120)
    network = infodecode.load_masked_lm(model, device=device)
    rows: list[Row] = []
    cells = [(task, temperature) for temperature in (1.0, 0.0) for task in TASKS]
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for task, temperature in progress.track(cells, description="ete"):
            rows += rows_of(network, task, temperature, samples)
    path = output / "ete.csv"
    tables.write(rows, path, command=f"python -m llm ete --model {model} --samples {samples}")
    shown = Table("law", "temperature", "decoder", "rounds", "calls", "valid", "beaten by")
    for row in rows:
        shown.add_row(
            row.law, f"{row.temperature:g}", row.decoder, f"{row.rounds:.2f}", f"{row.calls:.2f}",
            f"{row.validity:.3f}", row.dominated_by or "",
        )  # fmt: skip
    console.print(shown)
    whole = [row for row in rows if row.family == "ETE"]
    lost = sum(row.dominated_by is not None for row in whole)
    console.print(f"a baseline beats ETE in {lost} of {len(whole)} settings\ntable: {path}")


if __name__ == "__main__":
    typer.run(command)
