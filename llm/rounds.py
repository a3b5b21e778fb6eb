"""``python -m llm rounds``: bits and rounds of a network (From Bits to Rounds, Figures 2 and 4).

Decodes lists with the factor rule at many factors: rounds and bits of every decode, the shares of
rounds that exploit and that are forced, what a round carries beside its budget, the theorem's bound
and the corrected one. A network has no law of its own; as in the paper, the information of an
output is its score from left to right, and the spread over orders is given beside it. Writes
``results/llm/rounds.csv``; exit status 1 if a decode takes fewer rounds than the corrected bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import Progress

import infodecode
from infodecode import Decoder, strategies
from infodecode.ledger import printed_bounds
from infodecode.masked_lm import MaskedLM
from infodecode.rounds import largest_round_surprisal
from llm import tables
from llm.answering import SEED, answered
from llm.options import OUTPUT, Device, Model, Output, Samples
from toy import bits
from toy.bits import FACTORS

TASKS = ("shuffle", "replace random", "insert random", "remove random")
LENGTH = 8
ORDERS = 4
SAMPLES = 400
SHOWN = 50
"""Decodes written one by one, of each factor on the first task."""

TOLERANCE = 1e-5
"""Single precision of the probabilities."""


@dataclass(frozen=True)
class Row(bits.Row):
    """As in the table of the toys, and beside it:

    Attributes:
        information: here -log2 of the model's own score from left to right.
        spread: largest less smallest score of an output over orders, bits; 0 for an ideal model.
        factorisation: score in the order of the decode less surprisal as decoded, bits: what
            drawing the tokens of a round apart costs.
        model_error: true information less score in the order of the decode, bits, over the right
            answers: what the model itself is off.
        validity: share of right answers.
    """

    spread: float | None = None
    factorisation: float | None = None
    model_error: float | None = None
    validity: float | None = None


def rows_of(model: MaskedLM, task: str, samples: int) -> Iterator[Row]:
    """Every factor: means, and single decodes of the first task."""
    for factor in FACTORS:
        decoder = Decoder(strategies.Factor(factor))
        found = answered(model, decoder, task, LENGTH, samples=samples)
        book = found.trace.ledger(factor)
        scores = found.trace.scores(
            orders=ORDERS,
            information=found.exercises.information(found.trace.sequences),
            batch_size=1024,
            progress=False,
        )
        frame = pd.DataFrame(
            {
                "rounds": book.rounds,
                "information": scores.left_to_right,
                "bits": book.bits,
                "printed": printed_bounds(book.bits, scores.left_to_right, factor),
                "corrected": book.bound,
                "forced_rounds": book.forced_rounds,
                "forced_bits": book.forced_bits,
                "obeying_rounds": book.obeying_rounds,
                "obeying_bits": book.obeying_bits,
                "spread": scores.spread,
                "factorisation": scores.factorisation_error,
                "model_error": np.where(found.valid, scores.model_error, np.nan),
                "validity": found.valid,
            }
        ).astype(float)
        frame["broken"] = (frame["rounds"] < frame["printed"] - TOLERANCE).astype(float)
        single = frame.iloc[: SHOWN if task == TASKS[0] else 0]
        for kind, part in (("mean", frame.mean().to_frame().T), ("decode", single)):
            for values in part.to_dict("records"):
                row = {name: None if np.isnan(v) else v for name, v in values.items()}
                yield Row(
                    kind=kind,
                    law=f"{model.name}: {task}",
                    length=found.exercises.answer_length,
                    factor=factor,
                    temperature=decoder.temperature,
                    masked=float(found.exercises.answer_length),
                    budget=largest_round_surprisal(factor),
                    samples=samples if kind == "mean" else None,
                    seed=SEED,
                    **row,
                )


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory, in words."""
    return [
        f"{row.law}, factor {row.factor:g}: {row.rounds:g} rounds, the corrected bound "
        f"{row.corrected:.6g}"
        for row in rows
        if row.corrected > row.rounds + TOLERANCE
    ]


def command(
    model: Model = "tiny",
    samples: Samples = SAMPLES,
    device: Device = "cpu",
    output: Output = OUTPUT,
) -> None:
    """Bits against rounds for every factor, beside the bounds (From Bits to Rounds)."""
    console = Console(width=120)
    network = infodecode.load_masked_lm(model, device=device)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for task in progress.track(TASKS, description="rounds"):
            rows += rows_of(network, task, samples)
    path = output / "rounds.csv"
    tables.write(rows, path, command=f"python -m llm rounds --model {model} --samples {samples}")
    for row in rows:
        if row.kind == "mean":
            console.print(
                f"{row.law}, factor {row.factor:g}: {row.rounds:.2f} rounds, printed "
                f"{row.printed:.2f} (broken in {row.broken:.0%}), corrected {row.corrected:.2f}, "
                f"validity {row.validity:.3f}, spread over orders {row.spread:.2f} bits"
            )
    console.print(f"table: {path}")
    found = violations(rows)
    for line in found:
        console.print(f"[red]{line}[/]")
    raise typer.Exit(1 if found else 0)


if __name__ == "__main__":
    typer.run(command)
