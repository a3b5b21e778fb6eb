"""Floors and bridges: what decoding costs where the model is perfect, in every measure.

For every toy, one position a round and several, tokens drawn after the choice of positions and
before: forward and reverse KL, the sequence error rate, total variation, and the marginal that
moves most. What the theory says of them is checked: the validity floor, no error one by one when
choosing comes first (BIAS-0), the limits of the bias when it does not (BIAS-1). Writes
``results/toy/floors.csv``; exit status 1 if anything is contradicted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.biases import marginal_change
from infodecode.chance import TooManyCanvases
from infodecode.distributions import Joint
from infodecode.floors import validity_floor, variation_ceiling
from toy import rounds
from toy.study import MAX_CHILDREN, OUTPUT, TOLERANCE, status_of, write

UNBIASED = ("one by one", "one by one conf.")
BIASED = "one by one drawn"


@dataclass(frozen=True)
class Row:
    """One law and decoder, exactly; measured cells are empty where that takes too many canvases.

    Attributes:
        law, length, decoder: what was run.
        one_round: total correlation of the law, bits: the KL of drawing all tokens at once.
        kl: forward KL(data ‖ output), bits, possibly infinite.
        reverse_kl: KL(output ‖ data), bits, infinite where the output leaves the support.
        sequence_error_rate: probability of an output that is impossible under the data.
        validity: of a possible one.
        floor: 2^-kl, which validity must reach.
        conditional_kl: KL(data ‖ output given that it is valid), bits; 0 where the floor is
            attained.
        total_variation: between data and output, 0 to 1.
        ceiling: the largest total variation that the smaller KL leaves possible.
        moved: largest change of the probability of a token at a position, where no decode leaves
            the support (what follows there is a convention).
        position, token, before, after: that token, and its probabilities; empty if none changes.
    """

    law: str
    length: int
    decoder: str
    one_round: float
    kl: float | None = None
    reverse_kl: float | None = None
    sequence_error_rate: float | None = None
    validity: float | None = None
    floor: float | None = None
    conditional_kl: float | None = None
    total_variation: float | None = None
    ceiling: float | None = None
    moved: float | None = None
    position: int | None = None
    token: int | None = None
    before: float | None = None
    after: float | None = None


def laws() -> list[Joint]:
    """The plainest examples, then every law of the other studies, once.

    Not the Shuffle of 50, whose draws take long to be refused; that of 20 is like it.
    """
    from toy.studies import STUDIES

    cases = itertools.chain.from_iterable(cases() for cases in STUDIES.values())
    every = [*plain_laws(), *rounds.laws(), *(case.law for case in cases)]
    return list({law.name: law for law in every if law.name != "permutations(50)"}.values())


def plain_laws() -> list[Joint]:
    """Independent bits, one bit copied, and a law that leaves out a single sequence."""
    bits = list(itertools.product((0, 1), repeat=8))
    return [
        distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [6, 3, 2, 1], name="two bits"),
        distributions.Table([[0] * 8, [1] * 8], [2, 1], name="one bit, eight copies"),
        distributions.Table(bits, [5 ** y.count(0) * 4 ** y.count(1) for y in bits],
                            name="eight bits, P(0) = 5/9"),
        distributions.Table(bits[:-1], name="all eight bits but 11111111"),
    ]  # fmt: skip


def decoders(length: int) -> dict[str, Decoder]:
    """Choosing before drawing and after it, one position a round and several; and greedy."""
    one, two = strategies.OneByOne("confidence"), strategies.TopK(2, by="confidence")
    gate = strategies.Threshold(0.9)
    first = "sample-then-choose"
    return {
        "one by one": Decoder(strategies.OneByOne()),
        "one by one conf.": Decoder(one),
        BIASED: Decoder(one, order=first),
        "top-2 confidence": Decoder(two),
        "top-2 drawn": Decoder(two, order=first),
        "threshold .9": Decoder(gate),
        "threshold drawn": Decoder(gate, order=first),
        "all at once": Decoder(strategies.TopK(length)),
        "greedy": Decoder(one, temperature=0),
    }


def measure(law: Joint, name: str, decoder: Decoder) -> Row:
    """Every measure of one exact run, or only the name where it would be too large."""
    blank = Row(law.name, law.length, name, infodecode.total_correlation(law))
    try:
        run = infodecode.exact(law, decoder, max_children=MAX_CHILDREN, progress=False)
    except TooManyCanvases:
        return blank
    stays = run.absorbed == 0 and bool(run.on_support.all())
    change = marginal_change(run) if stays else None
    kl, validity = run.kl, float(run.validity)
    gap = kl + math.log2(validity) if validity else math.inf
    return Row(
        law=law.name,
        length=law.length,
        decoder=name,
        one_round=blank.one_round,
        kl=kl,
        reverse_kl=run.reverse_kl,
        sequence_error_rate=float(run.sequence_error_rate),
        validity=validity,
        floor=validity_floor(kl),
        conditional_kl=None if not validity else gap if abs(gap) > TOLERANCE else 0.0,
        total_variation=run.total_variation,
        ceiling=variation_ceiling(min(kl, run.reverse_kl)),
        moved=None if not stays else 0.0 if change is None else abs(change.after - change.before),
        position=change and change.position,
        token=change and change.token,
        before=change and change.before,
        after=change and change.after,
    )


def measurements() -> Iterator[Row]:
    """Every law and decoder."""
    for law in laws():
        for name, decoder in decoders(law.length).items():
            yield measure(law, name, decoder)


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory, in words."""
    return [
        f"{row.law}, {row.decoder}: {words}"
        for row in rows
        if row.kl is not None
        for words in _contradictions(row)
    ]


def _contradictions(row: Row) -> Iterator[str]:
    error, tv = row.sequence_error_rate, row.total_variation
    if row.validity < row.floor - TOLERANCE:
        yield f"validity {row.validity:.6g} below 2^-KL = {row.floor:.6g}"
    if error > tv + TOLERANCE:
        yield f"error rate {error:.6g} above the total variation {tv:.6g}"
    if tv > row.ceiling + TOLERANCE:
        yield f"total variation {tv:.6g} above {row.ceiling:.6g}, all that the KL allows"
    if math.isfinite(row.reverse_kl) != (error == 0):
        yield f"reverse KL {row.reverse_kl:.6g} bits at an error rate of {error:.6g}"
    if row.decoder == "all at once" and abs(row.kl - row.one_round) > TOLERANCE:
        yield f"KL {row.kl:.6g} bits in one round, the total correlation is {row.one_round:.6g}"
    if row.decoder in UNBIASED and (row.kl or row.moved):
        yield f"KL {row.kl:.6g} bits, one by one, choosing before drawing"
    if row.decoder == BIASED:
        orders = math.lgamma(row.length + 1) / math.log(2)
        if error or not math.isfinite(row.kl):
            yield f"error rate {error:.6g} and KL {row.kl:.6g} bits, one by one"
        if row.reverse_kl > orders + TOLERANCE:
            yield f"reverse KL {row.reverse_kl:.6g} bits above log2 n! = {orders:.6g}"
        if tv > 1 - 2.0**-orders + TOLERANCE:
            yield f"total variation {tv:.6g} above 1 - 1/n! = {1 - 2.0**-orders:.6g}"


COLUMNS = (
    ("KL", "kl"), ("rev.", "reverse_kl"), ("given", "conditional_kl"),
    ("valid", "validity"), ("floor", "floor"), ("error", "sequence_error_rate"),
    ("TV", "total_variation"), ("moved", "moved"),
)  # fmt: skip

LEGEND = """KL       KL(data || output) in bits; rev.: KL(output || data)
given    KL(data || output given that it is valid): what the floor leaves open
valid    probability of an output that is possible under the data
floor    2^-KL, at most valid; error: 1 - valid, the sequence error rate
TV       total variation, at least error
moved    largest change of a token's probability where all outputs are valid
drawn    tokens first, then the positions of the most confident draws"""


def table(rows: Iterable[Row]) -> Table:
    """The decoders of one law for the terminal, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("decoder", min_width=17, no_wrap=True)
    for heading, _ in COLUMNS:
        result.add_column(heading, justify="right", min_width=6, no_wrap=True)
    for row in rows:
        result.add_row(row.decoder, *(_shown(getattr(row, column)) for _, column in COLUMNS))
    return result


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if value < 100 else f"{value:.1f}"


def summary(rows: list[Row]) -> str:
    """The conclusion: where choosing by drawn tokens costs, and how much at most."""
    exact = [row for row in rows if row.decoder == BIASED and row.kl is not None]
    worst = max(exact, key=lambda row: row.kl)
    costly = sum(row.kl > row.one_round + TOLERANCE for row in exact)
    return (
        f"One by one by drawn confidence, a perfect model is biased on "
        f"{sum(row.kl > 0 for row in exact)} of {len(exact)} laws, by {worst.kl:.2f} bits on "
        f"{worst.law}, and on {costly} worse than all tokens at once; choosing first, on none."
    )


def run(output: Path = OUTPUT) -> int:
    """Measure, print and write the table; 1 if the theory is contradicted, else 0."""
    console = Console(highlight=False)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        total = len(laws()) * len(decoders(1))
        rows = list(progress.track(measurements(), total=total, description="floors"))
    for law in dict.fromkeys(row.law for row in rows):
        of_law = [row for row in rows if row.law == law]
        if all(row.kl == 0 for row in of_law):
            console.print(f"{law}: no decoder loses anything\n")
            continue
        console.print(f"{law}: n = {of_law[0].length}, TC {of_law[0].one_round:.4f} bits")
        console.print(table(of_law), "")
    console.print(LEGEND)
    path = output / "floors.csv"
    write(rows, path, command="python -m toy.floors")
    console.print(f"\ntable: {path}")
    if left := sum(row.kl is None for row in rows):
        console.print(f"{left} of {len(rows)} rows would take too many canvases and are empty.")
    found = violations(rows)
    if not found:
        console.print(summary(rows))
    return status_of(console, found)


def main(
    output: Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)] = OUTPUT,
) -> None:
    """Floors and bridges on the toys: KL both ways, error rate, bias of drawn confidence."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
