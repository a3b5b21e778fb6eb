"""``python -m llm formulas``: formulas of ideal models on a trained one (ParallelBench, Figure 2).

Random top-k and thresholds on *Copy*, *Replace Index*, *Replace Random* and *Shuffle*, at lengths 3
to 8: the share of right answers with its interval beside PB-10 to PB-15. One position a round shows
what the model has not learnt; what a decoder loses beyond that is the dependence between the
positions of a round, which the formulas foretell. Writes ``results/llm/formulas.csv``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

import infodecode
from infodecode import Decoder, strategies
from infodecode.masked_lm import MaskedLM
from llm import tables
from llm.answering import SEED, answered
from llm.options import OUTPUT, Device, Model, Output, Samples
from toy.formulas import TASKS
from toy.study import Case

SHORTEST, LONGEST = 3, 8
GAMMAS = tuple(k / 20 for k in range(1, 20))
SAMPLES = 1_000


@dataclass(frozen=True)
class Row:
    """One decoder on one task.

    Attributes:
        model, task, length: what was decoded; n items.
        k: positions a round; empty for thresholds.
        gamma: the threshold.
        temperature: of the token law.
        claim: whose formula.
        formula: accuracy of an ideal model whose ties are random.
        validity, low, high: share of right answers, and its 95% interval.
        one_by_one: the same at one position a round: what the model itself has learnt.
        expected: ``formula * one_by_one``: the formula, if errors of the model and of the decoder
            struck independently.
        rounds: mean number.
        samples, seed: of the exercises.
    """

    model: str
    task: str
    length: int
    k: int | None
    gamma: float | None
    temperature: float
    claim: str | None
    formula: float | None
    validity: float
    low: float
    high: float
    one_by_one: float
    expected: float | None
    rounds: float
    samples: int
    seed: int


def decoders(task: str, n: int) -> Iterator[Decoder]:
    """Random top-k at temperature 1 and greedy; thresholds on the longest lists."""
    for temperature in (1.0, 0.0):
        for k in sorted({2, 3, n}):
            yield Decoder(strategies.TopK(k), temperature=temperature)
    if n == LONGEST and task in ("shuffle", "replace random"):
        # PB-14 is about temperature 1, PB-15 about greedy decoding.
        temperature = 1.0 if task == "shuffle" else 0.0
        for gamma in GAMMAS:
            yield Decoder(strategies.Threshold(gamma), temperature=temperature)


def rows_of(model: MaskedLM, task: str, n: int, samples: int) -> Iterator[Row]:
    """Every decoder on lists of n items."""
    build, formula = TASKS[task]
    case = Case(build(n), (formula,))
    alone = None
    for decoder in [Decoder(strategies.TopK(1)), *decoders(task, n)]:
        found = answered(model, decoder, task, n, samples=samples)
        closed = case.closed(decoder)
        accuracy = None if closed.validity is None else float(closed.validity)
        alone = found.validity.value if alone is None else alone
        yield Row(
            model=model.name,
            task=task,
            length=n,
            k=getattr(decoder.strategy, "k", None),
            gamma=getattr(decoder.strategy, "gamma", None),
            temperature=decoder.temperature,
            claim=closed.claim or None,
            formula=accuracy,
            validity=found.validity.value,
            low=found.validity.low,
            high=found.validity.high,
            one_by_one=alone,
            expected=None if accuracy is None else accuracy * alone,
            rounds=found.rounds.value,
            samples=samples,
            seed=SEED,
        )


def command(
    model: Model = "tiny",
    samples: Samples = SAMPLES,
    device: Device = "cpu",
    output: Output = OUTPUT,
) -> None:
    """ParallelBench's formulas for ideal models, on a trained one (its Figure 2)."""
    console = Console(width=120)
    network = infodecode.load_masked_lm(model, device=device)
    cells = [(task, n) for task in TASKS for n in range(SHORTEST, LONGEST + 1)]
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for task, n in progress.track(cells, description="formulas"):
            rows += rows_of(network, task, n, samples)
    path = output / "formulas.csv"
    tables.write(rows, path, command=f"python -m llm formulas --model {model} --samples {samples}")
    sampled = [row for row in rows if row.temperature == 1 and row.expected is not None]
    off = [abs(row.validity - float(row.expected or 0)) for row in sampled]
    inside = sum(row.low <= float(row.expected or 0) <= row.high for row in sampled)
    console.print(
        f"{len(rows)} decoders; at temperature 1 the formula times what the model gets right one "
        f"by one lies in {inside} of {len(sampled)} intervals, {np.mean(off):.3f} off on average, "
        f"{max(off):.3f} at most\ntable: {path}"
    )


if __name__ == "__main__":
    typer.run(command)
