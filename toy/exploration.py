"""Quality against exploration: entropies and their caps, the frontier, Pass@k, how chains mix.

For every toy that is small enough and every rule of `toy.exploration_rules`: the entropy of what is
put out, its quality E[log2 mu], and the cap that a confidence gate puts on the entropy; the laws
mu^alpha are the frontier. Then Pass@k on toy reasoning problems (`toy.pass_at_k`), the distance of
sequence-level chains from their targets by step, and values that others have printed. Writes
``results/toy/exploration.csv`` and ``exploration_pass_at_k.csv``, ``exploration_mixing.csv``,
``exploration_values.csv``; exit status 1 if anything is contradicted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from infodecode.chance import TooManyCanvases
from infodecode.distributions import Joint, power
from infodecode.distributions._power import log2_power_sum
from infodecode.exploration import EntropyCap, entropy_cap
from infodecode.token_rules import FromMarginal, LocalPower
from toy import exploration_values, floors, pass_at_k
from toy.exploration_rules import ALPHA, MAX_CHILDREN, Measured, Rule, rules
from toy.study import OUTPUT, TOLERANCE, status_of, write

OUTCOMES, LENGTH = 260, 9
"""Largest laws of the study: outcomes, positions."""

ALPHAS = (0.5, 0.6, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0, 32.0)
"""Exponents of the laws that make the frontier."""

_EXPONENTS = np.exp2(np.linspace(-8, 8, 1025))
"""Among which the law of the frontier with a given entropy is looked for."""

GATE = 0.9
"""Gate of the caps of decoders that have none of their own."""

MIXING_STEPS = 32
MIXING_LAWS = ("markov_chain(3 states, length=6)", "permutations(4)", "replace_random(6)",
               "titanic", "markov_chain(2 states, length=6)",
               "words(3, weighted=True, most=200)")  # fmt: skip
CHAINS = {"power": "sequence IMH, 1", "repair": "pairs, repaired 1"}
"""Chains that are followed by step: towards mu^alpha, and at alpha 1 from a parallel decoder."""


@dataclass(frozen=True)
class Row:
    """What a rule puts out on a law, exactly; or a law of the frontier.

    Attributes:
        kind: ``rule``, or ``target``: mu^alpha itself.
        law, length, outcomes: the data law mu.
        most: bits of a uniform law over all sequences, sum of log2 V.
        rule: its name.
        alpha: exponent of the law that the rule aims at.
        entropy: of the output, bits.
        quality: E[log2 mu] of the output, bits; -inf where it leaves the support.
        validity: probability that it does not.
        valid_quality: E[log2 mu] given that it does not.
        missing: KL(output ‖ mu^alpha) / alpha, bits: what quality + entropy / alpha falls short of
            the best that there is, log2(Z) / alpha; infinite off the support.
        below: quality that the law of the frontier with this entropy has more, bits; empty off the
            support.
        calls, evaluations: expected model calls, and sequences evaluated, for one output.
        gate: threshold of the cap; where it exists, these:
        cap: of the entropy, bits.
        naive: what the cap would be if every commit passed the gate.
        gated, forced: expected commits that pass, and others.
        choice: bits of the random choices of positions; information: what the output tells of them.
    """

    kind: str
    law: str
    length: int
    outcomes: int
    most: float
    rule: str
    alpha: float
    entropy: float | None = None
    quality: float | None = None
    validity: float | None = None
    valid_quality: float | None = None
    missing: float | None = None
    below: float | None = None
    calls: float | None = None
    evaluations: float | None = None
    gate: float | None = None
    cap: float | None = None
    naive: float | None = None
    gated: float | None = None
    forced: float | None = None
    choice: float | None = None
    information: float | None = None


@dataclass(frozen=True)
class Step:
    """A chain after some moves.

    Attributes:
        chain: ``power`` (target mu^alpha, proposals locally tempered) or ``repair`` (alpha 1,
            proposals by pairs of positions).
        law, alpha, step: which.
        total_variation, kl: distance to the target, KL(target ‖ law) in bits.
        bound: (1 - 1/w*)^(step + 1), no smaller than the total variation.
        validity: probability of being on the support.
        log2_probability: E[log2 mu], -inf off the support.
        calls: expected model calls so far.
        acceptance, spectral_gap: of the chain.
        stationarity_error, balance_error: largest deviations; rounding.
    """

    chain: str
    law: str
    alpha: float
    step: int
    total_variation: float
    kl: float
    bound: float
    validity: float
    log2_probability: float
    calls: float
    acceptance: float
    spectral_gap: float
    stationarity_error: float
    balance_error: float


def laws() -> list[Joint]:
    """The laws of the other studies that are small enough."""
    return [law for law in floors.laws() if 2 <= law.length <= LENGTH and _few(law)]


def _few(law: Joint) -> bool:
    return law.support_size is not None and 2 <= law.support_size <= OUTCOMES


def frontier_rows(law: Joint) -> Iterator[Row]:
    """The laws mu^alpha."""
    for alpha in ALPHAS:
        try:
            target = power(law, alpha)
        except ValueError:
            continue
        yield _row("target", law, "power law", alpha, target)


def rule_rows(measured: Measured) -> Iterator[Row]:
    """Every rule on a law."""
    law = measured.law
    for name, rule in rules().items():
        found = measured.output(rule)
        if found is None:
            yield Row("rule", *_named(law), name, rule.alpha)
            continue
        costs = {"calls": found.calls, "evaluations": found.evaluations}
        yield _row("rule", law, name, rule.alpha, found.law, **costs, **_capped(law, rule))


def _row(
    kind: str, law: Joint, name: str, alpha: float, output: Joint, **more: float | None
) -> Row:
    table = output.table()
    log2 = law.log2_probability(table.outcomes)
    on = np.isfinite(log2)
    share = table.probabilities
    validity = 1.0 if on.all() else math.fsum(share[on])
    inside = math.fsum(share[on] * log2[on])
    entropy = table.entropy()
    missing, below = math.inf, None
    if on.all():
        best, exponents = law.table().log2_probability(law.table().outcomes), _EXPONENTS
        sums = np.logaddexp2.reduce(exponents[:, None] * best, axis=1)
        below = _rounded(float(((sums - entropy) / exponents).min()) - inside)
        goal = best.max() if alpha == math.inf else log2_power_sum(law, alpha) / alpha
        missing = _rounded(float(goal) - entropy / alpha - inside)
    return Row(
        kind, *_named(law), name, alpha,
        entropy=entropy,
        quality=inside if on.all() else -math.inf,
        validity=validity,
        valid_quality=inside / validity if validity else None,
        missing=missing,
        below=below,
        **more,
    )  # fmt: skip


def _named(law: Joint) -> tuple[str, int, int, float]:
    size = law.support_size
    assert size is not None
    return law.name, law.length, size, float(np.log2(law.alphabet_sizes).sum())


def _rounded(bits: float) -> float:
    return bits if abs(bits) > TOLERANCE else 0.0


def _capped(law: Joint, rule: Rule) -> dict[str, float | None]:
    """The cap of a decoder on its own, whose gate sees what it draws from."""
    decoder = rule.decoder
    plain = isinstance(decoder.tokens, FromMarginal | LocalPower)
    if rule.moves is not None or not plain:
        return {}
    own = hasattr(decoder.strategy, "gamma")
    try:
        found = entropy_cap(
            law, decoder, gate=None if own else GATE, max_children=MAX_CHILDREN, progress=False
        )
    except TooManyCanvases:
        return {}
    return cap_values(found)


def cap_values(found: EntropyCap) -> dict[str, float | None]:
    """The columns of a cap."""
    return {
        "gate": found.gate, "cap": found.cap, "naive": found.naive, "gated": found.gated,
        "forced": found.forced, "choice": found.choice_bits,
        "information": found.position_information,
    }  # fmt: skip


def mixing_rows(measured: Measured) -> Iterator[Step]:
    """The chains of a law, step by step."""
    for name, of in CHAINS.items():
        rule = rules()[of]
        chain = measured.chain(rule.decoder, rule.alpha)
        weight = chain.largest_weight
        assert weight is not None
        for row in chain.to_frame(MIXING_STEPS).to_dict("records"):
            step = int(row.pop("step"))
            yield Step(
                chain=name, law=measured.law.name, alpha=rule.alpha, step=step,
                bound=(1 - 1 / weight) ** (step + 1),
                acceptance=float(chain.acceptance), spectral_gap=chain.spectral_gap,
                stationarity_error=float(chain.stationarity_error),
                balance_error=float(chain.balance_error),
                **{str(column): float(value) for column, value in row.items()},
            )  # fmt: skip


def violations(rows: Iterable[Row]) -> list[str]:
    """What contradicts the theory, in words."""
    return [
        f"{row.law}, {row.rule}: {words}"
        for row in rows
        if row.entropy is not None
        for words in _contradictions(row)
    ]


def _contradictions(row: Row) -> Iterator[str]:
    if row.cap is not None and row.entropy > row.cap + TOLERANCE:
        yield f"entropy {row.entropy:.6g} bits above its cap {row.cap:.6g}"
    if row.information is not None and row.information > row.choice + TOLERANCE:
        yield f"{row.information:.6g} bits told of {row.choice:.6g} bits of choices"
    for shortfall in (row.missing, row.below):
        if shortfall is not None and shortfall < -TOLERANCE:
            yield f"better than the frontier by {-shortfall:.6g} bits"
    if row.rule in ("power law", "exact power", "random order", "confidence") and row.missing:
        yield f"{row.missing:.6g} bits off mu^{row.alpha:g}"


def mixing_violations(rows: Iterable[Step]) -> list[str]:
    """Chains that are not stationary, or farther from their target than proved."""
    found = []
    for row in rows:
        where = f"{row.law}, {row.chain} after {row.step}"
        if max(row.stationarity_error, row.balance_error) > 1e-12:
            found.append(f"{where}: not stationary by {row.stationarity_error:.3g}")
        if row.total_variation > row.bound + TOLERANCE:
            found.append(
                f"{where}: total variation {row.total_variation:.6g} above {row.bound:.6g}"
            )
    return found


COLUMNS = (
    ("entropy", "entropy"), ("cap", "cap"), ("naive", "naive"), ("quality", "quality"),
    ("valid", "validity"), ("below", "below"), ("calls", "calls"),
)  # fmt: skip

LEGEND = f"""entropy  of the output, bits; cap: what its gate leaves of it
naive    the cap if forced commits and random choices were not counted
quality  E log2 mu of the output, bits
valid    probability that the output is possible under the data
below    what a law mu^alpha of the same entropy has more of quality, bits
calls    expected model calls for one output
Tempering, power, mean-field and IMH aim at mu^{ALPHA}, other rules at mu."""


def table(rows: Iterable[Row]) -> Table:
    """The rules on one law for the terminal, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("rule", min_width=22, no_wrap=True)
    for heading, _ in COLUMNS:
        result.add_column(heading, justify="right", min_width=7, no_wrap=True)
    for row in rows:
        if row.kind == "rule":
            result.add_row(row.rule, *(_shown(getattr(row, column)) for _, column in COLUMNS))
    return result


def mixing_table(rows: Iterable[Step]) -> Table:
    """Total variation after some steps, by chain and law."""
    steps = (0, 1, 2, 4, 8, 16, 32)
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("TV after", min_width=23, no_wrap=True, overflow="ellipsis", max_width=31)
    for step in steps:
        result.add_column(str(step), justify="right", min_width=6, no_wrap=True)
    for (law, chain), group in itertools.groupby(rows, lambda row: (row.law, row.chain)):
        of = {row.step: row for row in group}
        short = law if len(law) <= 22 else law[:21] + "…"
        result.add_row(f"{short}, {chain}", *(f"{of[s].total_variation:.4f}" for s in steps))
    return result


def _shown(value: float | None) -> str:
    return "" if value is None else "-inf" if value == -math.inf else f"{value:.3f}"


def summary(rows: list[Row]) -> str:
    """The conclusion in a few lines."""
    capped = [row for row in rows if row.cap is not None]
    tight = sum(row.cap - row.entropy <= TOLERANCE for row in capped)
    naive = sum(row.entropy > row.naive + TOLERANCE for row in capped)
    drawn = [row for row in capped if "drawn" in row.rule]
    loose = sum(row.cap > row.most + TOLERANCE for row in drawn)
    return (
        f"Entropies above their cap: 0 of {len(capped)}; at it: {tight}; above the naive cap, that "
        f"leaves out forced commits: {naive}. Where tokens are drawn first, the cap says less than "
        f"n log2 V on {loose} of {len(drawn)}."
    )


def run(output: Path = OUTPUT) -> int:
    """Measure, print and write the tables; 1 if the theory is contradicted, else 0."""
    console = Console(highlight=False)
    rows: list[Row] = []
    steps: list[Step] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for law in progress.track(laws(), description="exploration"):
            measured = Measured(law)
            found = list(rule_rows(measured))
            rows += [*found, *frontier_rows(law)]
            if law.name in MIXING_LAWS:
                steps += mixing_rows(measured)
                console.print(f"{law.name}: {law.length} positions, {law.entropy():.4f} bits")
                console.print(table(found), "")
    console.print(LEGEND, "")
    console.print(mixing_table(steps), "")
    asked = pass_at_k.measure()
    console.print(pass_at_k.table(asked), "")
    values = exploration_values.measure()
    console.print(exploration_values.table(values), "")
    for name, content in (
        ("exploration", rows), ("exploration_mixing", steps),
        ("exploration_pass_at_k", asked), ("exploration_values", values),
    ):  # fmt: skip
        path = output / f"{name}.csv"
        write(content, path, command="python -m toy.exploration")
        console.print(f"table: {path}")
    contradictions = [
        *violations(rows), *mixing_violations(steps), *pass_at_k.violations(asked),
        *exploration_values.violations(values),
    ]  # fmt: skip
    if not contradictions:
        console.print(summary(rows))
        console.print(pass_at_k.summary(asked))
    return status_of(console, contradictions)


def main(
    output: Annotated[Path, typer.Option(help="Folder of the tables.", file_okay=False)] = OUTPUT,
) -> None:
    """Quality against exploration on the toys: entropies, caps, Pass@k, mixing."""
    raise typer.Exit(run(output))


if __name__ == "__main__":
    typer.run(main)
