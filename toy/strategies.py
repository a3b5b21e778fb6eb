"""Every strategy on every kind of toy: rounds, model calls, validity, KL and regret.

Each at one setting, as published where that makes sense on a few positions, schedules with half as
many rounds as positions. Writes ``results/toy/strategies.csv`` and, for README, the table
``docs/strategies_by_toy.md``; exit status 1 if a figure contradicts a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode import Decoder, distributions
from infodecode import strategies as s
from infodecode.distributions import Joint
from infodecode.frontier import Point
from toy.study import OUTPUT, SEED, TOLERANCE, status_of, write

SAMPLES = 4_000
MAX_CHILDREN = 1_000_000
PAGE = Path("docs/strategies_by_toy.md")
DRAWN = "sample-then-choose"


@dataclass(frozen=True)
class Row:
    """One law and decoder.

    Attributes:
        law, length: the distribution.
        strategy: name of the decoder here; ``decoder`` spells it out.
        kind: what the adaptive optimum says about it (`infodecode.regret.KINDS`).
        method: ``exact``, ``simulated``, or ``rounds simulated``.
        rounds, calls: expected numbers of rounds and of model calls, under the output law.
        validity: probability that an output is possible.
        kl: forward KL of the output law, bits; infinite if an outcome never comes out.
        path_kl, data_rounds, regret: along data, where they are defined.
        best_fixed: L*_T with T the expected rounds, rounded down; bits.
        samples, seed: of what was simulated.
    """

    law: str
    length: int
    strategy: str
    decoder: str
    kind: str
    method: str
    rounds: float
    calls: float | None
    validity: float
    kl: float | None
    path_kl: float | None
    data_rounds: float | None
    regret: float | None
    best_fixed: float | None
    samples: int | None
    seed: int | None


def laws() -> dict[str, Joint]:
    """One toy of every kind, by a short name."""
    return {
        "shuffle": distributions.permutations(5),
        "replace random": distributions.replace_random(5),
        "parity": distributions.parity(5),
        "Markov chain": distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=5),
        "records": distributions.profile_records(20),
        "variable names": distributions.variable_names(),
        "phrases": distributions.phrases(("New York", "Mexico City", "New Orleans"), (4, 3, 1)),
        "Titanic": distributions.titanic(),
        "words": distributions.words(3, weighted=True, most=100),
    }


def decoders(length: int) -> dict[str, Decoder]:
    """Every strategy by name, at one setting for sequences of this length."""
    half = -(-length // 2)
    blocks = s.LeftToRight(half)
    return {
        "one by one, random": Decoder(s.OneByOne()),
        "top-2, random": Decoder(s.TopK(2)),
        "top-2, confidence": Decoder(s.TopK(2, by="confidence")),
        "top-2, margin": Decoder(s.TopK(2, by="margin")),
        "top-2, entropy": Decoder(s.TopK(2, by="entropy")),
        "top-2, left to right": Decoder(s.TopK(2, by="left_to_right")),
        "LLaDA quota, drawn": Decoder(s.Quota(half), order=DRAWN, position_ties="lowest"),
        "Dream, origin": Decoder(s.DreamSchedule(half)),
        "Dream, confidence": Decoder(s.DreamSchedule(half, by="confidence"), order=DRAWN),
        "Dream threshold": Decoder(s.DreamThreshold(half)),
        "threshold .9": Decoder(s.Threshold(0.9)),
        "threshold .9, drawn": Decoder(s.Threshold(0.9, inclusive=True), order=DRAWN),
        "factor 1": Decoder(s.Factor(1.0)),
        "factor 1 as shipped": Decoder(s.Factor(1.0, as_shipped=True), order=DRAWN),
        "entropy-bounded .5": Decoder(s.EntropyBounded(0.5)),
        "entropy budget 1": Decoder(s.EntropyBudget(1.0)),
        "dilated": Decoder(s.Dilated()),
        "PC-sampler": Decoder(s.PCSampler(half)),
        "KLASS": Decoder(s.KLASS()),
        "SlowFast": Decoder(s.SlowFast(half, high_threshold=0.5)),
        "block refinement": Decoder(s.BlockRefinement(half, 2, 0.9)),
        "ancestral": Decoder(s.Ancestral(half)),
        "first hitting": Decoder(s.FirstHitting()),
        "look-ahead": Decoder(s.LookAhead()),
        "ETE": Decoder(s.ETE(commit="drawn")),
        "ETE, blocks": Decoder(s.ETE(commit="drawn"), blocks=s.Unlocking(half, 1)),
        "ReMDM cap": Decoder(s.ReMDM(half)),
        "ReMDM rescale": Decoder(s.ReMDM(half, "rescale")),
        "ReMDM conf": Decoder(s.ReMDM(half, "conf")),
        "ReMDM for LLaDA": Decoder(s.ReMDMLLaDA(half, 1), blocks=s.Clocked(length, half + 1)),
        "RCR": Decoder(s.RCR(half)),
        "P2": Decoder(s.P2(half)),
        "WINO": Decoder(s.WINO(), blocks=blocks),
    }


def measurements() -> Iterator[Row]:
    """Every law and decoder, the adaptive optimum of the law among them."""
    for name, law in laws().items():
        named = decoders(law.length)
        best = infodecode.adaptive_optimum(law)
        for rounds in (2, 3):
            policy = best.policy(min(rounds, len(best.bits)))
            named[f"adaptive optimum, {rounds} rounds"] = Decoder(policy, position_ties="lowest")
        front = infodecode.frontier(
            law, named.values(), samples=SAMPLES, seed=SEED, max_children=MAX_CHILDREN,
            progress=False,
        )  # fmt: skip
        known = front.bounds.partition_bits
        for label, point in zip(named, front.points, strict=True):
            floor = None if known is None else float(known[_whole(point.rounds, law.length) - 1])
            yield _row(name, law, label, point, floor)


def _whole(rounds: float, length: int) -> int:
    return min(max(1, int(rounds + TOLERANCE)), length)


def _row(name: str, law: Joint, label: str, point: Point, floor: float | None) -> Row:
    simulated = point.method != "exact"
    return Row(
        law=name,
        length=law.length,
        strategy=label,
        decoder=repr(point.decoder),
        kind=point.kind,
        method=point.method,
        rounds=point.rounds,
        calls=point.calls,
        validity=point.validity,
        kl=point.kl,
        path_kl=point.path_kl,
        data_rounds=point.data_rounds,
        regret=point.regret,
        best_fixed=floor,
        samples=SAMPLES if simulated else None,
        seed=SEED if simulated else None,
    )


def contradictions(rows: list[Row]) -> Iterator[str]:
    """Figures that no bound allows."""
    for row in rows:
        where = f"{row.law}, {row.strategy}"
        if row.kl is not None and row.validity < 2.0**-row.kl - TOLERANCE and row.samples is None:
            yield f"{where}: validity {row.validity:.6g} below its floor 2^-kl"
        if row.regret is not None and row.regret < -TOLERANCE:
            yield f"{where}: regret {row.regret:.3g} below 0"
        if row.path_kl is not None and row.kl is not None and row.kl > row.path_kl + TOLERANCE:
            yield f"{where}: KL {row.kl:.6g} above that of its path, {row.path_kl:.6g}"
        if row.strategy == "one by one, random" and row.kl is not None and row.kl > TOLERANCE:
            yield f"{where}: KL {row.kl:.3g}, but choosing one position first is exact"
        if row.calls is not None and row.calls < row.rounds - 1e-6 and row.samples is None:
            yield f"{where}: {row.calls:.6g} calls in {row.rounds:.6g} rounds"


SUMMARY = {
    "strategies": (
        "one by one, random", "top-2, confidence", "LLaDA quota, drawn", "threshold .9",
        "threshold .9, drawn", "factor 1", "entropy-bounded .5", "KLASS", "ancestral", "look-ahead",
        "ETE", "ReMDM for LLaDA", "RCR", "P2", "WINO", "adaptive optimum, 2 rounds",
    ),
    "laws": ("shuffle", "replace random", "Markov chain", "records", "variable names", "words"),
}  # fmt: skip
"""What README shows of the page."""


def grid(rows: list[Row], strategies: Sequence[str], laws_: Sequence[str]) -> list[str]:
    """Lines of a table in Markdown: rounds / KL."""
    cells = {(row.strategy, row.law): f"{row.rounds:.2f} / {_bits(row)}" for row in rows}
    lines = [f"| strategy | {' | '.join(laws_)} |", "|---|" + "--:|" * len(laws_)]
    for strategy in strategies:
        line = " | ".join(cells[strategy, law] for law in laws_)
        lines.append(f"| {strategy} | {line} |")
    return lines


def page(rows: list[Row]) -> str:
    """Strategy by toy, in Markdown: rounds and KL."""
    laws_ = list(dict.fromkeys(row.law for row in rows))
    names = list(dict.fromkeys(row.strategy for row in rows))
    lines = [
        "# Strategies by toy",
        "",
        "Expected rounds / forward KL in bits of every strategy on every kind of toy, with exact "
        "marginals, temperature 1, half as many scheduled rounds as positions; made by `python -m "
        "toy.strategies`, all figures in `results/toy/strategies.csv`. A dash: too many canvases "
        "to be exact (rounds simulated). *drawn*: tokens first, then positions. The last rows are "
        "the best policies there are for two and for three rounds.",
        "",
        *grid(rows, names, laws_),
    ]
    return "\n".join(lines) + "\n"


def _bits(row: Row) -> str:
    if row.kl is None:
        return "–"
    return "∞" if row.kl == float("inf") else f"{row.kl:.3f}"


def table(rows: list[Row]) -> Table:
    """For the terminal, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("strategy", no_wrap=True, min_width=26)
    for heading in ("rounds", "calls", "valid", "KL", "path KL", "regret"):
        result.add_column(heading, justify="right", min_width=6, no_wrap=True)
    result.add_column(" kind", no_wrap=True)
    for row in rows:
        shown = (row.calls, row.validity, row.kl, row.path_kl, row.regret)
        figures = ["" if v is None else f"{v:.3f}" for v in shown]
        result.add_row(row.strategy, f"{row.rounds:.2f}", *figures, f" {row.kind}")
    return result


def run(output: Path = OUTPUT) -> int:
    """Measure, print and write; 1 if something contradicts a bound, else 0."""
    document = PAGE if output == OUTPUT else output / PAGE.name
    console = Console(highlight=False)
    total = sum(len(decoders(law.length)) + 2 for law in laws().values())
    with Progress(console=Console(stderr=True), transient=True) as progress:
        rows = list(progress.track(measurements(), total=total, description="strategies"))
    for name in laws():
        console.print(name)
        console.print(table([row for row in rows if row.law == name]), "")
    path = output / "strategies.csv"
    write(rows, path, command="python -m toy.strategies")
    document.write_text(page(rows), encoding="utf-8")
    console.print(f"tables: {path}, {document}")
    simulated = sum(row.samples is not None for row in rows)
    console.print(f"{len(rows)} rows, {simulated} of them simulated in part.")
    return status_of(console, contradictions(rows))


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Every strategy on every kind of toy."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
