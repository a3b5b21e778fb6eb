"""Speed against validity on toys: positions a round, block lengths, thresholds, the oracle.

The tables of ParallelBench's Figures 6 and 7. For each toy: top-k by four orders over k, two
positions a round in blocks of several lengths, thresholds and factors, the oracle threshold, and
the policies of the adaptive optimum. Writes ``results/toy/tradeoffs.csv``; exit status 1 if a
validity lies below its floor, or the oracle below a single threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.chance import TooManyCanvases
from infodecode.distributions import Joint
from infodecode.estimate import proportion
from infodecode.strategies import LeftToRight
from toy.study import CONFIDENCE, OUTPUT, SEED, TOLERANCE, status_of, write

SAMPLES = 4_000
MAX_CHILDREN = 10_000
SHOWN_CONFIDENCE = 0.95
ORDERS = ("random", "confidence", "margin", "entropy")
"""Those that the paper averages over."""

MOST_AT_ONCE = 8
"""The largest k, on every toy alike; shorter sequences take everything at once from k = n on."""

BLOCKS = (2, 4, 8, 16)
AT_ONCE_IN_BLOCKS = 2
GAMMAS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
ADAPTIVE_PAIRS = 1 << 18


@dataclass(frozen=True)
class Row:
    """One decoder on one toy, at temperature 1 with exact marginals.

    Attributes:
        sweep: ``k``, ``block``, ``gamma``, ``factor``, ``adaptive`` or ``oracle``: what ``setting``
            is (of the adaptive optimum, its rounds; of the oracle, nothing).
        law, length: the distribution.
        strategy: order of a top-k, or the name of the rule.
        setting: k, block length, threshold, factor or rounds.
        rounds: expected number.
        validity: probability of a possible output; of the oracle, that some threshold finds one.
        low, high: 95% interval of a simulated validity.
        floor: 2^-L*_T in as many rounds, which fixed orders reach; of the adaptive optimum 2^-V_T.
        method: ``exact`` or ``simulated``.
        samples, seed: of the simulation.
    """

    sweep: str
    law: str
    length: int
    strategy: str
    setting: float | None
    rounds: float
    validity: float
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    method: str = "exact"
    samples: int | None = None
    seed: int | None = None


def laws() -> list[tuple[str, Joint]]:
    """Tasks of ParallelBench that have a law, and toys of other kinds, by the names of figures.

    All of them forbid most sequences: where everything is possible, validity says nothing.
    """
    return [
        ("copy", distributions.copy(8)),
        ("replace index", distributions.replace_index(8, 2)),
        ("replace random", distributions.replace_random(8)),
        ("insert random", distributions.insert_random(7)),
        ("remove random", distributions.remove_random(9)),
        ("shuffle", distributions.permutations(8)),
        ("Latin square", distributions.latin_squares(4)),
        ("sudoku, 4 clues", distributions.sudoku([[1, 0, 0, 0], [0, 0, 3, 0], [0] * 4,
                                                  [4, 0, 0, 0]])),
        ("parity", distributions.parity(8)),
        ("variable names", distributions.variable_names()),
        ("records", distributions.profile_records(60)),
        ("words", distributions.words(5, weighted=True, most=500)),
    ]  # fmt: skip


def measured(sweep: str, name: str, law: Joint, strategy: str, setting: float,
             decoder: Decoder) -> Row:  # fmt: skip
    """A decoder, exactly if that is little work, else simulated."""
    first = (sweep, name, law.length, strategy, setting)
    try:
        run = infodecode.exact(law, decoder, max_children=MAX_CHILDREN, progress=False)
        return Row(*first, rounds=float(run.expected_rounds), validity=float(run.validity))
    except TooManyCanvases:
        found = infodecode.simulate(
            law, decoder, samples=SAMPLES, seed=SEED, confidence=SHOWN_CONFIDENCE, progress=False
        )
    valid = found.validity
    return Row(
        *first, rounds=found.expected_rounds.value, validity=valid.value, low=valid.low,
        high=valid.high, method="simulated", samples=SAMPLES, seed=SEED,
    )  # fmt: skip


def rows_of(name: str, law: Joint) -> Iterator[Row]:
    """Every sweep on one toy."""
    n = law.length
    for order in (*ORDERS, "left_to_right"):
        for k in range(1, MOST_AT_ONCE + 1):
            top = Decoder(strategies.TopK(min(k, n), by=order))
            yield measured("k", name, law, order, k, top)
    for order in ORDERS:
        for block in (*(b for b in BLOCKS if b < n), n):
            top = strategies.TopK(AT_ONCE_IN_BLOCKS, by=order)
            yield measured(
                "block", name, law, order, block, Decoder(top, blocks=LeftToRight(block))
            )
    for gamma in GAMMAS:
        gate = Decoder(strategies.Threshold(gamma))
        yield measured("gamma", name, law, "threshold", gamma, gate)
    for factor in FACTORS:
        yield measured("factor", name, law, "factor", factor, Decoder(strategies.Factor(factor)))
    yield from _bounds_rows(name, law)
    oracle = infodecode.oracle_threshold(
        law, GAMMAS, samples=SAMPLES, seed=SEED, confidence=SHOWN_CONFIDENCE
    )
    yield Row(
        "oracle", name, n, "oracle threshold", None, oracle.rounds.value, oracle.validity.value,
        oracle.validity.low, oracle.validity.high, method="simulated", samples=SAMPLES, seed=SEED,
    )  # fmt: skip


def _bounds_rows(name: str, law: Joint) -> Iterator[Row]:
    """The policies of the adaptive optimum, in up to so many rounds, where they can be had."""
    try:
        best = infodecode.adaptive_optimum(law, max_pairs=ADAPTIVE_PAIRS)
    except ValueError:
        return
    for rounds in range(1, law.length + 1):
        policy = Decoder(best.policy(rounds), position_ties="lowest")
        row = measured("adaptive", name, law, "adaptive optimum", rounds, policy)
        yield Row(**{**vars(row), "floor": float(2.0 ** -best.bits[rounds - 1])})


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory, in words."""
    every = list(rows)
    found = []
    for row in every:
        where = f"{row.law}, {row.strategy} {row.setting:g}" if row.setting else row.law
        if row.floor is not None and _high(row) < row.floor - TOLERANCE:
            found.append(f"{where}: validity {row.validity:.6g} below 2^-V_T = {row.floor:.6g}")
        if row.sweep == "k" and row.setting == 1 and _high(row) < 1 - TOLERANCE:
            found.append(f"{where}: validity {row.validity:.6g}, one by one")
        if row.sweep == "oracle":
            single = [r.validity for r in every if r.law == row.law and r.sweep == "gamma"]
            if _high(row) < max(single) - TOLERANCE:
                found.append(f"{where}: the oracle {row.validity:.6g} is below a threshold's "
                             f"{max(single):.6g}")  # fmt: skip
    return found


def _high(row: Row) -> float:
    """The validity, or the end of an interval that hardly ever misses."""
    if row.samples is None:
        return row.validity
    return proportion(round(row.validity * row.samples), row.samples, CONFIDENCE).high


def run(output: Path = OUTPUT) -> int:
    """Measure and write the table; 1 if anything is contradicted, else 0."""
    console = Console(highlight=False)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name, law in progress.track(laws(), description="tradeoffs"):
            rows += rows_of(name, law)
    path = output / "tradeoffs.csv"
    write(rows, path, command="python -m toy.tradeoffs")
    exact = sum(row.method == "exact" for row in rows)
    console.print(f"{len(rows)} decoders, {exact} of them exactly.")
    console.print(f"table: {path}")
    return status_of(console, violations(rows))


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Speed against validity on toys: what ParallelBench's Figures 6 and 7 show."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
