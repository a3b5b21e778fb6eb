"""Bits and rounds of the factor rule: the tables of From Bits to Rounds' Figures 2 and 4.

For several laws and factors: the share of rounds and of bits that forced and exploited rounds have
(Figure 2), and the bits that a round carries which obeys the rule, beside its budget (Figure 4b).
For eight words of which some letters are given, greedily: the information and the rounds of single
decodes beside the bounds (Figure 4a); the fewer letters are given, the more there is to say. Writes
``results/toy/bits.csv``; exit status 1 if the corrected bound exceeds the rounds of a decode or an
obeying round carries more than its budget.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import Progress

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.distributions import Joint
from infodecode.rounds import largest_round_surprisal
from toy.study import OUTPUT, SEED, TOLERANCE, status_of, write

FACTORS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
SAMPLES = 400
SHOWN_DECODES = 100
"""Decodes of prompts that are written one by one."""

PROMPTED = "words, letters given"
LEAST_GIVEN, MOST_GIVEN = 0.05, 0.8
"""Of the letters; each sequence has a share of its own."""


@dataclass(frozen=True)
class Row:
    """Means over the decodes of a law at a factor, or one decode.

    Attributes:
        kind: ``mean``, or ``decode`` for a single one.
        law, length, factor: what was decoded.
        temperature: of the token law.
        masked: positions to decode.
        rounds: T.
        information: -log2 of the probability of the output, bits; empty of means off the support.
        bits: surprisal of the committed tokens, bits.
        printed, corrected: the published bound and the corrected one, rounds.
        forced_rounds, forced_bits: of the rounds in which nothing passed the rule.
        obeying_rounds, obeying_bits: of those whose tokens all obey it.
        budget: most bits that such a round can carry.
        broken: share of the decodes with fewer rounds than the published bound.
        samples, seed: of means.
    """

    kind: str
    law: str
    length: int
    factor: float
    temperature: float
    masked: float
    rounds: float
    information: float | None
    bits: float
    printed: float
    corrected: float
    forced_rounds: float
    forced_bits: float
    obeying_rounds: float
    obeying_bits: float
    budget: float
    broken: float
    samples: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Case:
    """A law, the canvases to begin with, and how tokens are drawn."""

    name: str
    law: Joint
    canvases: np.ndarray | None = None
    temperature: float = 1.0


def cases() -> list[Case]:
    """Words with letters given; a chain, records and code in a row, one word, a shuffle."""
    record, code = distributions.profile_records(20), distributions.variable_names()
    word = distributions.words(5, weighted=True)
    words = distributions.concatenate(*[word] * 8)
    sequences = words.sample(SAMPLES, seed=SEED)
    generator = np.random.default_rng(SEED)
    given = generator.random(sequences.shape) < generator.uniform(
        LEAST_GIVEN, MOST_GIVEN, (SAMPLES, 1)
    )
    steps = [[0.9, 0.1], [0.2, 0.8]]
    return [
        Case(PROMPTED, words, np.where(given, sequences, -1), temperature=0.0),
        Case("Markov chain", distributions.markov_chain(steps, length=64)),
        Case("records and code", distributions.concatenate(*[record, code] * 4)),
        Case("words", word),
        Case("shuffle", distributions.permutations(12)),
    ]


def rows_of(case: Case) -> Iterator[Row]:
    """Every factor: the means, and single decodes where something was given."""
    for factor in FACTORS:
        decoder = Decoder(strategies.Factor(factor), temperature=case.temperature)
        trace = infodecode.decode(
            case.law, decoder, samples=SAMPLES, seed=SEED, canvases=case.canvases
        )
        book = trace.ledger(factor, distribution=case.law)
        frame = book.to_frame().assign(bound=book.bound, masked=trace.committed.sum(axis=(0, 2)))
        # Off the support the information is infinite, and the published bound says nothing.
        frame["printed_bound"] = frame["printed_bound"].where(frame["information"] < math.inf, 0.0)
        frame["broken"] = frame["rounds"] < frame["printed_bound"] - TOLERANCE
        yield _row("mean", case, factor, frame.mean())
        if case.canvases is not None:
            for _, decode in frame.iloc[:SHOWN_DECODES].iterrows():
                yield _row("decode", case, factor, decode)


def _row(kind: str, case: Case, factor: float, values: pd.Series) -> Row:
    information = float(values["information"])
    same = ("masked", "rounds", "bits", "forced_rounds", "forced_bits", "obeying_rounds",
            "obeying_bits", "broken")  # fmt: skip
    return Row(
        kind=kind,
        law=case.name,
        length=case.law.length,
        factor=factor,
        temperature=case.temperature,
        information=information if information < math.inf else None,
        printed=float(values["printed_bound"]),
        corrected=float(values["bound"]),
        budget=largest_round_surprisal(factor),
        samples=SAMPLES if kind == "mean" else None,
        seed=SEED,
        **{name: float(values[name]) for name in same},
    )


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory, in words."""
    found = []
    for row in rows:
        where = f"{row.law}, factor {row.factor:g}"
        if row.corrected > row.rounds + TOLERANCE:
            found.append(f"{where}: {row.rounds:g} rounds, the corrected bound {row.corrected:.6g}")
        if row.obeying_bits > row.obeying_rounds * row.budget + TOLERANCE:
            found.append(f"{where}: {row.obeying_bits:.6g} bits in {row.obeying_rounds:g} obeying "
                         f"rounds of at most {row.budget:.6g}")  # fmt: skip
    return found


def run(output: Path = OUTPUT) -> int:
    """Measure and write the table; 1 if anything is contradicted, else 0."""
    console = Console(highlight=False)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for case in progress.track(cases(), description="bits"):
            rows += rows_of(case)
    path = output / "bits.csv"
    write(rows, path, command="python -m toy.bits")
    for row in rows:
        if row.kind == "mean":
            console.print(
                f"{row.law}, factor {row.factor:g}: {row.rounds:.2f} rounds, printed "
                f"{row.printed:.2f} (broken in {row.broken:.0%}), corrected {row.corrected:.2f}"
            )
    console.print(f"table: {path}")
    return status_of(console, violations(rows))


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Bits and rounds of the factor rule, by kind of round, beside the bounds."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
