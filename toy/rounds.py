"""Bits to rounds: the printed bound broken by real decoders, the corrected one held by all.

For every small toy, many decoders and factors: the exact ledger of every outcome
(`infodecode.exact_ledger`), or that of sampled decodes where outcomes are too many. Writes
``results/toy/rounds.csv``; exit status 1 if the corrected bound exceeds the rounds of any outcome.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.chance import TooManyCanvases
from infodecode.distributions import Joint
from infodecode.exact_ledger import exact_ledger
from infodecode.ledger import Ledger
from toy import strategies as all_strategies
from toy.study import OUTPUT, SEED, TOLERANCE, write

FACTORS = (0.5, 1.0, 1.5)
SAMPLES = 500
KNOWN = ("factor 1", "factor 1 as shipped", "threshold .9", "top-2, random")
"""Names in `toy.strategies` of decoders that are in every group here."""

MAX_CHILDREN = 200_000


@dataclass(frozen=True)
class Row:
    """One law, decoder and factor; numbers are expectations under the output law.

    Attributes:
        law, decoder, factor: what was held against which rule.
        method: ``exact`` (every outcome) or ``sampled``.
        rounds: T.
        printed: the published bound, as it would apply to every decode.
        corrected: the bound that counts rounds outside the rule one by one.
        broken: probability of an outcome whose rounds are fewer than the printed bound.
        worst: largest printed bound over rounds, minus rounds.
        held: whether no outcome takes fewer rounds than the corrected bound.
        obeying, forced: share of the rounds that obey the rule, and that were forced.
        forced_bits: share of the bits that forced rounds carried.
        forced_efficiency, exploited_efficiency: share of bits over share of rounds, as in the
            paper's Figure 2; empty without such rounds.
        samples, seed: of sampled rows.
    """

    law: str
    decoder: str
    factor: float
    method: str
    rounds: float
    printed: float
    corrected: float
    broken: float
    worst: float
    held: bool
    obeying: float
    forced: float
    forced_bits: float
    forced_efficiency: float | None
    exploited_efficiency: float | None
    samples: int | None = None
    seed: int | None = None


def laws() -> list[Joint]:
    """Toys that an exact ledger fits, the paper's examples, and the long list of theory."""
    return [
        distributions.Table(np.arange(16)[:, None], name="uniform over 16"),
        distributions.Table([[0], [1]], [9, 1], name="nine to one"),
        distributions.permutations(5),
        distributions.permutations(20),
        distributions.replace_random(6),
        distributions.insert_random(4),
        distributions.parity(5),
        distributions.latin_squares(3),
        distributions.profile_records(60),
        distributions.variable_names(),
        distributions.article(),
        distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=6),
        distributions.words(3, weighted=True, most=200),
        distributions.titanic(),
    ]


def decoders(factor: float, length: int) -> dict[str, Decoder]:
    """The rule itself, greedy too, and decoders that know nothing of it; at factor 1 all others."""
    others = all_strategies.decoders(length) if factor == 1 else {}
    return {
        "factor": Decoder(strategies.Factor(factor)),
        "factor greedy": Decoder(strategies.Factor(factor), temperature=0),
        "factor as shipped": Decoder(strategies.Factor(factor, as_shipped=True)),
        "threshold .9": Decoder(strategies.Threshold(0.9)),
        "top-2 random": Decoder(strategies.TopK(2)),
        "top-2 drawn": Decoder(strategies.TopK(2, by="confidence"), order="sample-then-choose"),
        **{name: others[name] for name in others if name not in KNOWN},
    }


def measure(law: Joint, name: str, decoder: Decoder, factor: float) -> Row:
    """The ledger of one decoder, exactly if it fits."""
    exact, samples = _exact(law, decoder, factor), None
    if exact is None:
        samples = SAMPLES
        trace = infodecode.decode(law, decoder, samples=samples, seed=SEED)
        book: Ledger = trace.ledger(factor, distribution=law)
    else:
        book = exact
    printed = np.where(np.isfinite(book.information), book.printed_bound, 0.0)
    shares = book.shares()
    efficiency = shares["efficiency"].to_dict()
    rounds = book.mean(book.rounds)
    return Row(
        law=law.name,
        decoder=name,
        factor=factor,
        method="exact" if samples is None else "sampled",
        rounds=rounds,
        printed=book.mean(printed),
        corrected=book.mean(book.bound),
        broken=book.mean((book.rounds < printed - TOLERANCE).astype(float)),
        worst=float((printed - book.rounds).max()),
        held=bool((book.bound <= book.rounds + TOLERANCE).all()),
        obeying=book.mean(book.obeying_rounds) / rounds,
        forced=book.mean(book.forced_rounds) / rounds,
        forced_bits=_share(book),
        forced_efficiency=efficiency.get("forced"),
        exploited_efficiency=efficiency.get("exploited"),
        samples=samples,
        seed=None if samples is None else SEED,
    )


def _exact(law: Joint, decoder: Decoder, factor: float) -> Ledger | None:
    """The ledger of every outcome; None if they are too many, or tokens may be masked again."""
    if decoder.strategy.revising:
        return None
    try:
        return exact_ledger(law, decoder, factor, max_children=MAX_CHILDREN, progress=False)
    except TooManyCanvases:
        return None


def _share(book: Ledger) -> float:
    bits = book.mean(book.bits)
    return book.mean(book.forced_bits) / bits if bits else 0.0


def measurements() -> Iterator[Row]:
    """Every law, decoder and factor."""
    for law in laws():
        for factor in FACTORS:
            for name, decoder in decoders(factor, law.length).items():
                yield measure(law, name, decoder, factor)


def table(rows: list[Row]) -> Table:
    """For the terminal, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("decoder", no_wrap=True, min_width=20)
    result.add_column("f", justify="right", no_wrap=True, min_width=3)
    for heading in ("rounds", "printed", "broken", "corr.", "obey", "forced", "f.bits", "f.eff"):
        width = 5 if heading == "f.eff" else 6
        result.add_column(heading, justify="right", min_width=width, no_wrap=True)
    for row in rows:
        eff = "" if row.forced_efficiency is None else f"{row.forced_efficiency:.2f}"
        result.add_row(
            row.decoder, f"{row.factor:g}", f"{row.rounds:.2f}", f"{row.printed:.2f}",
            f"{row.broken:.0%}", f"{row.corrected:.2f}", f"{row.obeying:.0%}", f"{row.forced:.0%}",
            f"{row.forced_bits:.0%}", eff,
        )  # fmt: skip
    return result


LEGEND = """f        factor of the rule that rounds are held against
rounds   expected number
printed  the published bound, expected; broken: how often the rounds are fewer
corr.    the corrected bound, expected; it holds for every single outcome
obey     share of the rounds whose committed tokens all obey the rule
forced   share of the rounds that committed a fallback; f.bits: of the bits
f.eff    efficiency of forced rounds: their share of bits over that of rounds"""


def run(output: Path = OUTPUT) -> int:
    """Measure, print and write the table; 1 if the corrected bound is broken, else 0."""
    console = Console(highlight=False)
    total = sum(len(decoders(factor, law.length)) for law in laws() for factor in FACTORS)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        rows = list(progress.track(measurements(), total=total, description="rounds"))
    for law in dict.fromkeys(row.law for row in rows):
        console.print(law)
        console.print(table([row for row in rows if row.law == law]), "")
    console.print(LEGEND)
    path = output / "rounds.csv"
    write(rows, path, command="python -m toy.rounds")
    console.print(f"\ntable: {path}")
    broken = sum(row.broken > 0 for row in rows)
    console.print(f"The printed bound is broken in {broken} of {len(rows)} rows.")
    wrong = [row for row in rows if not row.held]
    for row in wrong:
        console.print(
            f"CONTRADICTION  {row.law}, {row.decoder}, factor {row.factor:g}: an outcome takes "
            "fewer rounds than the corrected bound", style="bold red",
        )  # fmt: skip
    if not wrong:
        console.print("The corrected bound is held by every outcome of every row.")
    return 1 if wrong else 0


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Bits to rounds on the toys: the printed bound broken, the corrected one held."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
