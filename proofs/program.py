"""``python -m proofs``: every check of every claim, and the ledger that comes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from proofs import ledger
from proofs.claim import VERDICTS, Check, Claim, Refuted
from proofs.claims import CLAIMS

EVIDENCE = Path("results/proofs/evidence.json")
LEDGER = Path("docs/ledger.md")


@dataclass(frozen=True)
class Outcome:
    """What a check came to.

    Attributes:
        claim, check: which one.
        evidence: what it found; the reason where it failed.
        passed: whether it came out as the ledger says.
        seconds: how long it took.
    """

    claim: Claim
    check: Check
    evidence: str
    passed: bool
    seconds: float


def settle(claim: Claim, check: Check) -> Outcome:
    """Run one check. Only a refuted one is caught: errors of the program stay errors."""
    begin = time.perf_counter()
    try:
        evidence, passed = check.run(), True
    except Refuted as reason:
        evidence, passed = str(reason), False
    return Outcome(claim, check, evidence, passed, time.perf_counter() - begin)


def settle_all(claims: Iterable[Claim], *, fast: bool = False) -> list[Outcome]:
    """Every check of these claims, the slow ones left out if only fast ones are asked for."""
    chosen = [(c, check) for c in claims for check in c.checks if not (fast and check.slow)]
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("proofs", total=len(chosen))
        outcomes = []
        for claim, check in chosen:
            progress.update(task, description=claim.name)
            outcomes.append(settle(claim, check))
            progress.advance(task)
    return outcomes


def recorded() -> dict[str, list[str]]:
    """Evidence by claim, as it was last written."""
    return json.loads(EVIDENCE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def main(
    claims: Annotated[
        list[str] | None, typer.Argument(help="Ids such as PB-7; all of them by default.")
    ] = None,
    fast: Annotated[bool, typer.Option(help="Leave out checks of more than a second.")] = False,
    write: Annotated[
        bool, typer.Option(help="Write the evidence and docs/ledger.md (all claims only).")
    ] = False,
) -> None:
    """Settle every claim of the three papers; exit status 1 if any check fails.

    Prints each claim with its verdict and, for each check, what it found.
    """
    known = {claim.name: claim for claim in CLAIMS}
    for name in claims or ():
        if name not in known:
            raise typer.BadParameter(f"a claim must be one of {', '.join(known)}, got {name!r}")
    if write and (claims or fast):
        raise typer.BadParameter("--write goes with all claims and all checks")
    chosen = [known[name] for name in claims] if claims else list(CLAIMS)
    outcomes = settle_all(chosen, fast=fast)
    show(chosen, outcomes)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if write and not failed:
        evidence = {
            claim.name: [o.evidence for o in outcomes if o.claim is claim] for claim in CLAIMS
        }
        EVIDENCE.parent.mkdir(parents=True, exist_ok=True)
        EVIDENCE.write_text(json.dumps(evidence, indent=1, ensure_ascii=False) + "\n", "utf-8")
        LEDGER.write_text(ledger.page(CLAIMS, evidence), "utf-8")
    raise typer.Exit(1 if failed else 0)


def show(claims: list[Claim], outcomes: list[Outcome]) -> None:
    """Claim by claim on the terminal."""
    console = Console(highlight=False)
    for claim in claims:
        console.print(f"[bold]{claim.name}[/]  {VERDICTS[claim.verdict]}  ({claim.source})")
        console.print(f"  {claim.statement}", markup=False)
        console.print(f"  {claim.finding}", markup=False)
        for outcome in outcomes:
            if outcome.claim is claim:
                mark = "ok    " if outcome.passed else "FAILED"
                line = f"  {mark} {outcome.check.method}: {outcome.check.shows}"
                style = None if outcome.passed else "bold red"
                console.print(line, markup=False, style=style)
                console.print(f"         {outcome.evidence}", markup=False)
        console.print()
    for verdict, meaning in VERDICTS.items():
        number = sum(claim.verdict == verdict for claim in claims)
        if number:
            console.print(f"{number:>4}  {meaning}")
    failed = sum(not outcome.passed for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    console.print(f"{len(outcomes)} checks in {seconds:.0f} s, {failed} failed")
