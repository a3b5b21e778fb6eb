"""``python -m llm tradeoffs``: how far a network's tasks can be decoded in parallel (Figure 6).

The sweeps of ``python -m toy.tradeoffs`` over positions a round and over block lengths, on lists.
Writes ``results/llm/tradeoffs.csv``.
"""

from __future__ import annotations

from collections.abc import Iterator

import typer
from rich.console import Console
from rich.progress import Progress

import infodecode
from infodecode import Decoder, strategies
from infodecode.masked_lm import MaskedLM
from infodecode.strategies import LeftToRight
from llm import tables
from llm.answering import SEED, answered
from llm.list_operations import OPERATIONS
from llm.options import OUTPUT, Device, Model, Output, Samples
from toy.tradeoffs import AT_ONCE_IN_BLOCKS, MOST_AT_ONCE, ORDERS, Row

LENGTH = 8
BLOCKS = (2, 4, 8)
SAMPLES = 300


def rows_of(model: MaskedLM, task: str, samples: int) -> Iterator[Row]:
    """Both sweeps on one task."""
    n = OPERATIONS[task].answer_length(LENGTH)
    for order in ORDERS:
        for k in range(1, MOST_AT_ONCE + 1):
            yield _row(model, task, "k", order, k, Decoder(strategies.TopK(min(k, n), by=order)),
                       samples)  # fmt: skip
        for block in BLOCKS:
            decoder = Decoder(
                strategies.TopK(AT_ONCE_IN_BLOCKS, by=order), blocks=LeftToRight(min(block, n))
            )
            yield _row(model, task, "block", order, block, decoder, samples)


def _row(
    model: MaskedLM, task: str, sweep: str, order: str, setting: int, decoder: Decoder, samples: int
) -> Row:
    found = answered(model, decoder, task, LENGTH, samples=samples)
    valid = found.validity
    return Row(
        sweep=sweep,
        law=f"{model.name}: {task}",
        length=found.exercises.answer_length,
        strategy=order,
        setting=setting,
        rounds=found.rounds.value,
        validity=valid.value,
        low=valid.low,
        high=valid.high,
        method="simulated",
        samples=samples,
        seed=SEED,
    )


def command(
    model: Model = "tiny",
    samples: Samples = SAMPLES,
    device: Device = "cpu",
    output: Output = OUTPUT,
) -> None:
    """Positions a round and block lengths on every list operation (ParallelBench, Figure 6)."""
    console = Console(width=120)
    network = infodecode.load_masked_lm(model, device=device)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for task in progress.track(list(OPERATIONS), description="tradeoffs"):
            rows += rows_of(network, task, samples)
    path = output / "tradeoffs.csv"
    tables.write(rows, path, command=f"python -m llm tradeoffs --model {model} --samples {samples}")
    console.print(f"{len(rows)} decoders\ntable: {path}")


if __name__ == "__main__":
    typer.run(command)
