"""Bounds beside exact and simulated decoders, on small laws where all three can be computed.

For each law and each decoder: the exact law of the output (validity, KL, rounds), the validity of
independent simulated runs with its interval, and the bits that the best fixed partition loses in
as many rounds. Writes ``results/toy/heart.csv``; exits with status 1 if a simulation contradicts
its exact value or a bound is violated.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numba
import numpy as np
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.distributions import Joint
from infodecode.report import Bounds

OUTPUT = Path("results/toy/heart.csv")
SAMPLES = 100_000
SEED = 2
CONFIDENCE = 0.999
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        kind: ``decoder``, or a bound: ``fixed_partition`` (L*_T) or ``random_order`` (best sizes).
        law: name of the distribution.
        length: its number of positions.
        name: the decoder's name, or the best partition or sizes of a bound.
        rounds: expected number of rounds; an integer for a bound.
        kl: forward KL(data ‖ output), bits, possibly infinite; of a bound: its bits.
        validity: exact probability that an output is possible under the data.
        floor: 2^-kl, which the validity of any output law must reach.
        best_fixed: L*_T with T = ``rounds`` rounded down, bits.
        fixed_order: whether the decoder commits a fixed ordered partition, which L*_T bounds.
        simulated: share of valid outputs among ``samples`` simulated ones, between ``low`` and
            ``high`` with confidence 99.9%.
        reverse_kl: KL(output ‖ data), bits, possibly infinite.
        total_variation: between data and output, 0 to 1.
        coverage: data probability of the outcomes the decoder can produce.
    """

    kind: str
    law: str
    length: int
    name: str
    rounds: float
    kl: float
    validity: float | None = None
    floor: float | None = None
    best_fixed: float | None = None
    fixed_order: bool | None = None
    simulated: float | None = None
    low: float | None = None
    high: float | None = None
    reverse_kl: float | None = None
    total_variation: float | None = None
    coverage: float | None = None
    samples: int | None = None
    seed: int | None = None


def laws() -> list[Joint]:
    """The toys of ParallelBench, one mixture, one concatenation and one real table."""
    return [
        distributions.copy(5),
        distributions.replace_index(5, 2),
        distributions.replace_random(6),
        distributions.permutations(6),
        distributions.mixture(
            [distributions.copy(5), distributions.permutations(5)], [Fraction(1, 2), Fraction(1, 2)]
        ),
        distributions.concatenate(distributions.replace_random(3), distributions.permutations(3)),
        distributions.titanic(),
    ]


def decoders(bounds: Bounds) -> dict[str, Decoder]:
    """Name -> decoder: random and confident orders, two gates, and the best two rounds.

    Greedy is top-2 by confidence at temperature 0; drawn confidence draws every token first and
    ranks positions by the drawn tokens' probabilities.
    """
    top_2 = strategies.TopK(2, by="confidence")
    return {
        "one by one": Decoder(strategies.OneByOne()),
        "top-2 random": Decoder(strategies.TopK(2, by="random")),
        "top-2 confidence": Decoder(top_2),
        "top-2 greedy": Decoder(top_2, temperature=0),
        "top-2 drawn confidence": Decoder(top_2, order="sample-then-choose"),
        "threshold .9": Decoder(strategies.Threshold(0.9)),
        "factor 1": Decoder(strategies.Factor(1.0)),
        "best two rounds": Decoder(strategies.FixedPartition(bounds.partition(2))),
    }


def measure(law: Joint, *, samples: int = SAMPLES, seed: int = SEED) -> list[Row]:
    """The bounds of a law, then every decoder, exact beside simulated."""
    bounds = infodecode.bounds(law)
    rows = []
    for t in range(1, law.length + 1):
        partition = "/".join("-".join(map(str, block)) for block in bounds.partition(t))
        sizes = "-".join(map(str, bounds.random_order_sizes(t)))
        for kind, name, bits in (
            ("fixed_partition", partition, bounds.partition_bits),
            ("random_order", sizes, bounds.random_order_bits),
        ):
            rows.append(Row(kind, law.name, law.length, name, t, float(bits[t - 1])))
    for name, decoder in decoders(bounds).items():
        run = infodecode.exact(law, decoder, off_support="marginal")
        simulation = infodecode.simulate(
            law, decoder, samples=samples, seed=seed, confidence=CONFIDENCE
        )
        rounds = run.expected_rounds
        rows.append(
            Row(
                kind="decoder",
                law=law.name,
                length=law.length,
                name=name,
                rounds=rounds,
                kl=run.kl,
                validity=run.validity,
                floor=2.0**-run.kl,
                best_fixed=float(bounds.partition_bits[math.floor(rounds + TOLERANCE) - 1]),
                fixed_order=isinstance(decoder.strategy, strategies.FixedPartition),
                simulated=simulation.validity.value,
                low=simulation.validity.low,
                high=simulation.validity.high,
                reverse_kl=run.reverse_kl,
                total_variation=run.total_variation,
                coverage=run.coverage,
                samples=simulation.samples,
                seed=seed,
            )
        )
    return rows


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory or the other computation, in words; empty if all is well."""
    found = []
    for row in rows:
        if row.kind != "decoder":
            continue
        where = f"{row.law}, {row.name}"
        if not row.low - TOLERANCE <= row.validity <= row.high + TOLERANCE:
            found.append(
                f"{where}: exact validity {row.validity:.6g} outside the simulated interval "
                f"[{row.low:.6g}, {row.high:.6g}]"
            )
        if row.validity < row.floor - TOLERANCE:
            found.append(f"{where}: validity {row.validity:.6g} below 2^-KL = {row.floor:.6g}")
        if row.fixed_order and row.kl < row.best_fixed - TOLERANCE:
            found.append(f"{where}: KL {row.kl:.6g} bits below L*_T = {row.best_fixed:.6g} bits")
    return found


def write(rows: Sequence[Row], path: Path, *, command: str) -> None:
    """Write the table in one step: a reader sees the old file or the new one, never half of it."""
    origin = {
        "command": command,
        "versions": f"infodecode {infodecode.__version__}, numpy {np.__version__}, "
        f"numba {numba.__version__}, Python {platform.python_version()}",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [field.name for field in dataclasses.fields(Row)]
    draft = path.with_suffix(".tmp")
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*columns, *origin], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            cells = {column: _cell(getattr(row, column)) for column in columns}
            writer.writerow(cells | origin)
    draft.replace(path)


def _cell(value: object) -> object:
    return f"{value:.12g}" if isinstance(value, float) else value


def table(rows: Iterable[Row]) -> Table:
    """The decoders of one law for the terminal, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    result.add_column("decoder", min_width=22, no_wrap=True)
    for heading in ("rounds", "validity", "simulated", "KL", "L*_T", "2^-KL"):
        result.add_column(heading, justify="right", min_width=6, no_wrap=True)
    for row in rows:
        if row.kind == "decoder":
            result.add_row(
                row.name,
                f"{row.rounds:.2f}",
                f"{row.validity:.4f}",
                f"{row.low:.4f}-{row.high:.4f}",
                f"{row.kl:.4f}",
                f"{row.best_fixed:.4f}",
                f"{row.floor:.4f}",
            )
    return result


LEGEND = """rounds     expected number, exactly
validity   probability that the output is possible under the data, exactly
simulated  its 99.9% interval from {samples:,} sequences
KL         KL(data || output) in bits, exactly
L*_T       bits lost by the best fixed partition in so many rounds (whole ones)
2^-KL      floor: no decoder is valid less often"""


def main(output: Path = OUTPUT, *, samples: int = SAMPLES) -> int:
    """Measure every law, print and write the table; 1 if anything is contradicted, else 0."""
    console = Console(highlight=False)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for law in progress.track(laws(), description="laws (the first run compiles)"):
            measured = measure(law, samples=samples)
            console.print(f"{law.name}: {law.length} positions, {law.entropy():.4f} bits")
            console.print(table(measured), "")
            rows += measured
    console.print(LEGEND.format(samples=samples))
    write(rows, output, command="python -m toy")
    console.print(f"\ntable: {output}")
    found = violations(rows)
    for line in found:
        console.print(f"CONTRADICTION  {line}", style="bold red")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
