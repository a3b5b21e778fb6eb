"""What a study does with its laws: closed form beside exact beside simulated, and the bounds.

For every law and every decoder of `toy.grid`: what a formula says (`toy.closed_forms`), the exact
law of the output, independent simulated runs with intervals, and the bits that the best fixed
partition loses in as many rounds. A study writes ``results/toy/NAME.csv`` and says what
contradicts what; there should be nothing to say.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numba
import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode import Bounds, Decoder, ExactRun, Simulation
from infodecode.chance import TooManyCanvases
from infodecode.distributions import Joint
from toy.closed_forms import Closed, Formula, blocks_of, covered, every_law, sizes_of
from toy.grid import decoders

Result = TypeVar("Result")
OUTPUT = Path("results/toy")
SAMPLES = 20_000
SEED = 2
CONFIDENCE = 1 - 1e-6
"""Of each interval: there are two thousand, which miss once in five hundred runs of everything."""

TOLERANCE = 1e-9
MAX_CHILDREN = 1_000_000
FOLLOWED_SEQUENCES = 200_000
"""Sequences up to which canvases off the support are followed, for the rounds."""


@dataclass(frozen=True)
class Case:
    """A law, with the formulas that may know what decoders do on it, the first that does first.

    Attributes:
        law: the distribution.
        formulas: tried in turn; `every_law` comes last.
        share: of the samples that a study simulates per decoder; less for long laws.
        more: further decoders by name, beside those of `toy.grid`.
    """

    law: Joint
    formulas: tuple[Formula, ...] = ()
    share: float = 1.0
    more: Mapping[str, Decoder] = field(default_factory=dict)

    def closed(self, decoder: Decoder) -> Closed:
        """What the formulas say together: a value of the first formula that gives it."""
        if not covered(decoder):
            return Closed("")
        found = [c for f in (*self.formulas, every_law) if (c := f(self.law, decoder)) is not None]
        claims = dict.fromkeys(c.claim for c in found if c.claim)
        merged: dict[str, object] = {"claim": "+".join(claims)}
        for name in VALUES:
            merged[name] = next((v for c in found if (v := getattr(c, name)) is not None), None)
        return Closed(**merged)  # type: ignore[arg-type]


VALUES = ("validity", "kl", "rounds", "mode_probability", "coverage")


@dataclass(frozen=True)
class Row:
    """One measurement; empty cells are what does not exist or would take too long.

    Attributes:
        kind: ``decoder``, or a bound: ``fixed_partition`` (L*_T) or ``random_order`` (best sizes).
        law: name of the distribution.
        length: its number of positions.
        name: the decoder's name, or the best partition or sizes of a bound.
        temperature: of the token law; greedy rows are read by validity, mode and coverage.
        rounds: expected number of rounds, exactly; an integer for a bound.
        kl: forward KL(data ‖ output), bits, possibly infinite; of a bound: its bits.
        validity: exact probability that an output is possible under the data.
        mode_probability: exact probability of the most probable outcomes of the data.
        coverage: data probability of the outcomes the decoder can put out.
        reverse_kl: KL(output ‖ data), bits, possibly infinite.
        total_variation: between data and output, 0 to 1.
        claim, closed_validity, closed_kl, closed_rounds, closed_mode_probability,
            closed_coverage: the same by formula, and whose.
        floor: 2^-kl, which the validity of any output law must reach.
        best_fixed: L*_T with T = ``rounds`` rounded down, bits.
        fixed_order: whether the decoder commits a fixed ordered partition, which L*_T bounds.
        path_bits: expected KL of the random order of the decoder's sizes, at least its ``kl``.
        best_random: the same of the best sizes in as many rounds, at most ``path_bits``.
        data_rounds, path_kl, regret: on data traces the expected rounds, the path KL, and how far
            it is from the best of all policies with as many rounds; of decoders that choose before
            they draw at temperature 1, where the adaptive optimum is known.
        simulated_validity, validity_low, validity_high: share of valid outputs, its interval.
        simulated_rounds, rounds_low, rounds_high: mean rounds, its interval.
        simulated_mode, mode_low, mode_high: share of most probable outcomes, its interval.
        confidence, samples, seed: of the simulation.
    """

    kind: str
    law: str
    length: int
    name: str
    temperature: float | None = None
    rounds: float | None = None
    kl: float | None = None
    validity: float | None = None
    mode_probability: float | None = None
    coverage: float | None = None
    reverse_kl: float | None = None
    total_variation: float | None = None
    claim: str | None = None
    closed_validity: float | None = None
    closed_kl: float | None = None
    closed_rounds: float | None = None
    closed_mode_probability: float | None = None
    closed_coverage: float | None = None
    floor: float | None = None
    best_fixed: float | None = None
    fixed_order: bool | None = None
    path_bits: float | None = None
    best_random: float | None = None
    data_rounds: float | None = None
    path_kl: float | None = None
    regret: float | None = None
    simulated_validity: float | None = None
    validity_low: float | None = None
    validity_high: float | None = None
    simulated_rounds: float | None = None
    rounds_low: float | None = None
    rounds_high: float | None = None
    simulated_mode: float | None = None
    mode_low: float | None = None
    mode_high: float | None = None
    confidence: float | None = None
    samples: int | None = None
    seed: int | None = None


def measure(case: Case, *, samples: int = SAMPLES, seed: int = SEED) -> list[Row]:
    """The bounds of a law, then every decoder: by formula, exactly, simulated."""
    bounds = infodecode.bounds(case.law)
    samples = max(1, round(samples * case.share))
    return bound_rows(bounds) + [
        decoder_row(case, bounds, name, decoder, samples=samples, seed=seed)
        for name, decoder in {**decoders(bounds), **case.more}.items()
    ]


SHOWN_ROUNDS = 20


def bound_rows(bounds: Bounds) -> list[Row]:
    """L*_T and the best sizes in random order, for every T (of long laws, the first few)."""
    rows = []
    for t in range(1, min(bounds.length, SHOWN_ROUNDS) + 1):
        if bounds.partition_bits is not None:
            name = "/".join("-".join(map(str, block)) for block in bounds.partition(t))
            bits = float(bounds.partition_bits[t - 1])
            rows.append(Row("fixed_partition", bounds.name, bounds.length, name, rounds=t, kl=bits))
        if bounds.random_order_bits is not None:
            name = "-".join(map(str, bounds.random_order_sizes(t)))
            bits = float(bounds.random_order_bits[t - 1])
            rows.append(Row("random_order", bounds.name, bounds.length, name, rounds=t, kl=bits))
    return rows


def decoder_row(
    case: Case, bounds: Bounds, name: str, decoder: Decoder, *, samples: int, seed: int
) -> Row:
    """One decoder: the formulas' values, the exact ones where they can be had, simulated ones."""
    law = case.law
    closed = case.closed(decoder)
    run = exact_run(law, decoder)
    simulation = infodecode.simulate(
        law, decoder, samples=samples, seed=seed, confidence=CONFIDENCE, progress=False
    )
    values = {} if run is None else exact_values(law, run)
    rounds = values.get("rounds", closed.rounds)
    best = None
    if bounds.partition_bits is not None and rounds is not None:
        best = float(bounds.partition_bits[math.floor(rounds + TOLERANCE) - 1])
    return Row(
        kind="decoder",
        law=law.name,
        length=law.length,
        name=name,
        temperature=decoder.temperature,
        claim=closed.claim or None,
        **{f"closed_{value}": getattr(closed, value) for value in VALUES},
        **values,
        floor=2.0 ** -values["kl"] if "kl" in values else None,
        best_fixed=best,
        fixed_order=blocks_of(law, decoder) is not None,
        path_bits=(path := path_bits(law, decoder)),
        best_random=None if path is None else best_random(bounds, law, decoder),
        **data_values(law, bounds, decoder),
        **simulated_values(simulation),
        confidence=CONFIDENCE,
        samples=simulation.samples,
        seed=seed,
    )


def exact_run(law: Joint, decoder: Decoder) -> ExactRun | None:
    """The exact law of the output, or None where it would take too many canvases."""
    return _unless_refused(
        lambda: infodecode.exact(law, decoder, max_children=MAX_CHILDREN, progress=False)
    )


def exact_values(law: Joint, run: ExactRun) -> dict[str, float]:
    """The figures of a run; the rounds only where few sequences lie off the support."""
    values = {
        name: float(getattr(run, name))
        for name in ("validity", "mode_probability", "coverage", "kl", "reverse_kl",
                     "total_variation")
    }  # fmt: skip
    few = math.prod(law.alphabet_sizes) <= FOLLOWED_SEQUENCES and not run.decoder.draws_first
    if run.absorbed == 0 or few or (run.orbit_sizes and law.exchangeable == "positions"):
        rounds = _unless_refused(lambda: run.expected_rounds)
        if rounds is not None:
            values["rounds"] = float(rounds)
    return values


def _unless_refused(compute: Callable[[], Result]) -> Result | None:
    """What comes out, or None if that takes too many canvases."""
    try:
        return compute()
    except TooManyCanvases:
        return None


def simulated_values(simulation: Simulation) -> dict[str, float | None]:
    """Estimates and their intervals, by column."""
    values: dict[str, float | None] = {}
    for name, column, estimate in (
        ("simulated_validity", "validity", simulation.validity),
        ("simulated_rounds", "rounds", simulation.expected_rounds),
        ("simulated_mode", "mode", simulation.mode_probability),
    ):
        if estimate is not None:
            values[name] = estimate.value
            values[f"{column}_low"], values[f"{column}_high"] = estimate.low, estimate.high
    return values


def path_bits(law: Joint, decoder: Decoder) -> float | None:
    """Expected KL of each order by itself, for a random order at temperature 1."""
    sizes = sizes_of(law, decoder)
    if sizes is None or getattr(decoder.strategy, "by", None) != "random":
        return None
    if decoder.temperature != 1 or law.length > 18:
        return None
    return infodecode.random_order_bits(law, sizes)


def best_random(bounds: Bounds, law: Joint, decoder: Decoder) -> float | None:
    """Bits of the best sizes in random order, for as many rounds as the decoder takes."""
    sizes = sizes_of(law, decoder)
    if sizes is None or bounds.random_order_bits is None:
        return None
    return float(bounds.random_order_bits[len(sizes) - 1])


def data_values(law: Joint, bounds: Bounds, decoder: Decoder) -> dict[str, float]:
    """Regret and what it compares, where it is defined and small enough."""
    if bounds.adaptive_bits is None or decoder.draws_first or decoder.temperature != 1:
        return {}
    found = _unless_refused(lambda: infodecode.regret(law, decoder, max_children=MAX_CHILDREN))
    if found is None:
        return {}
    return {"data_rounds": found.expected_rounds, "path_kl": found.bits, "regret": found.regret}


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts a formula, the theory or the other computation, in words."""
    found = []
    for row in rows:
        if row.kind == "decoder":
            found += [f"{row.law}, {row.name}: {words}" for words in _contradictions(row)]
    return found


def _contradictions(row: Row) -> list[str]:
    found = []
    for name in VALUES:
        formula, value = getattr(row, f"closed_{name}"), getattr(row, name)
        if formula is not None and value is not None and not _equal(formula, value):
            found.append(f"{name} {value:.12g}, by formula ({row.claim}) {formula:.12g}")
    for name, column in (("validity",) * 2, ("rounds",) * 2, ("mode_probability", "mode")):
        value = getattr(row, name)
        value = getattr(row, f"closed_{name}") if value is None else value
        low, high = getattr(row, f"{column}_low"), getattr(row, f"{column}_high")
        if None not in (value, low) and not low - TOLERANCE <= value <= high + TOLERANCE:
            found.append(f"{name} {value:.6g} outside the simulated [{low:.6g}, {high:.6g}]")
    if row.floor is not None and row.validity < row.floor - TOLERANCE:
        found.append(f"validity {row.validity:.6g} below 2^-KL = {row.floor:.6g}")
    if (
        row.fixed_order and None not in (row.kl, row.best_fixed)
        and row.kl < row.best_fixed - TOLERANCE
    ):  # fmt: skip
        found.append(f"KL {row.kl:.6g} bits below L*_T = {row.best_fixed:.6g} bits")
    if None not in (row.path_kl, row.kl) and row.kl > row.path_kl + TOLERANCE:
        found.append(f"KL {row.kl:.6g} bits above the path KL {row.path_kl:.6g} bits")
    if None not in (row.path_bits, row.best_random) and row.path_bits < row.best_random - TOLERANCE:
        found.append(f"random order {row.path_bits:.6g} bits below the best {row.best_random:.6g}")
    if row.path_bits is not None and row.kl is not None and row.kl > row.path_bits + TOLERANCE:
        found.append(f"KL {row.kl:.6g} bits above that of its paths, {row.path_bits:.6g} bits")
    return found


def _equal(formula: float, value: float) -> bool:
    return formula == value or abs(formula - value) <= TOLERANCE


def status_of(console: Console, contradictions: Iterable[str]) -> int:
    """Print what contradicts what; the exit status of a study: 1 if anything does."""
    found = list(contradictions)
    for line in found:
        console.print(f"CONTRADICTION  {line}", style="bold red")
    return 1 if found else 0


def write(rows: Sequence[Any], path: Path, *, command: str) -> None:
    """Write the table in one step: a reader sees the old file or the new one, never half of it."""
    origin = {
        "command": command,
        "versions": f"infodecode {infodecode.__version__}, numpy {np.__version__}, "
        f"numba {numba.__version__}, Python {platform.python_version()}",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [column.name for column in dataclasses.fields(rows[0])]
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


COLUMNS = (
    ("rounds", "rounds"), ("closed", "closed_validity"), ("exact", "validity"),
    ("simul.", "simulated_validity"), ("KL cl.", "closed_kl"), ("KL", "kl"),
    ("L*_T", "best_fixed"), ("mode", "mode_probability"), ("cover", "coverage"),
)  # fmt: skip

LEGEND = """rounds  expected number
closed  validity, the probability of a possible output, by formula
exact   the same, from the exact law of the output
simul.  the same, in {samples:,} simulated runs; the intervals are in the file
KL cl.  KL(data || output) in bits, by formula
KL      the same, exactly
L*_T    bits lost by the best fixed partition in so many rounds (whole ones)
mode    probability that the output is a most probable outcome of the data
cover   data probability of all that the decoder can put out"""


def table(rows: Iterable[Row]) -> Table:
    """The decoders of one law for the terminal, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("decoder", min_width=16, no_wrap=True)
    for heading, _ in COLUMNS:
        result.add_column(heading, justify="right", min_width=6, no_wrap=True)
    for row in rows:
        if row.kind == "decoder":
            known = replace(row, rounds=row.closed_rounds) if row.rounds is None else row
            result.add_row(row.name, *(_shown(getattr(known, column)) for _, column in COLUMNS))
    return result


def _shown(value: float | None) -> str:
    """At most six characters."""
    if value is None:
        return ""
    return next(text for d in (4, 3, 2, 1, 0) if len(text := f"{value:.{d}f}") <= 6 or d == 0)


def run_study(
    name: str, cases: Sequence[Case], *, samples: int = SAMPLES, output: Path = OUTPUT
) -> int:
    """Measure every law, print and write the table; 1 if anything is contradicted, else 0."""
    console = Console(highlight=False)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for case in progress.track(cases, description=f"{name} (the first run compiles)"):
            measured = measure(case, samples=samples)
            law = case.law
            console.print(f"{law.name}: {law.length} positions, {law.entropy():.4f} bits")
            console.print(table(measured), "")
            rows += measured
    console.print(LEGEND.format(samples=samples))
    path = output / f"{name}.csv"
    write(rows, path, command=f"python -m toy.{name}")
    console.print(f"\ntable: {path}")
    return status_of(console, violations(rows))


def program(name: str, cases: Callable[[], list[Case]]) -> None:
    """One study as a command: ``python -m toy.NAME``."""

    def main(
        samples: Annotated[int, typer.Option(help="Sequences to simulate per decoder.", min=1)] = (
            SAMPLES
        ),
        output: Annotated[
            Path, typer.Option(help="Folder of the table.", file_okay=False)
        ] = OUTPUT,
    ) -> None:
        raise typer.Exit(run_study(name, cases(), samples=samples, output=output))

    main.__doc__ = f"Closed form beside exact beside simulated: the study {name!r}."
    typer.run(main)
