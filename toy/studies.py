"""The list of studies, and the command that runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from toy import (
    bits,
    chains,
    codes,
    composed,
    curves,
    ete,
    exploration,
    floors,
    formulas,
    frontiers,
    lists,
    phrases,
    puzzles,
    records,
    replace,
    rounds,
    scaling,
    shuffle,
    strategies,
    tradeoffs,
    variables,
    words,
)
from toy.study import OUTPUT, SAMPLES, Case, run_study

STUDIES: Mapping[str, Callable[[], list[Case]]] = {
    "shuffle": shuffle.cases,
    "replace": replace.cases,
    "lists": lists.cases,
    "puzzles": puzzles.cases,
    "records": records.cases,
    "variables": variables.cases,
    "phrases": phrases.cases,
    "codes": codes.cases,
    "chains": chains.cases,
    "words": words.cases,
    "composed": composed.cases,
}

OTHERS: Mapping[str, Callable[[Path], int]] = {
    "rounds": rounds.run,
    "floors": floors.run,
    "ete": ete.run,
    "frontiers": frontiers.run,
    "strategies": strategies.run,
    "formulas": formulas.run,
    "tradeoffs": tradeoffs.run,
    "bits": bits.run,
    "curves": curves.run,
    "scaling": scaling.run,
    "exploration": exploration.run,
}
"""Studies that have decoders and a table of their own."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    help="Closed form beside exact beside simulated decoders, on exact toy distributions.\n\n"
    f"STUDIES: {', '.join([*STUDIES, *OTHERS])}; all of them by default. Each writes a table; exit "
    "status 1 if anything contradicts a formula, an interval or a bound."
)
def main(
    studies: Annotated[list[str] | None, typer.Argument(help="Which ones.")] = None,
    samples: Annotated[
        int, typer.Option(help="Sequences to simulate per decoder.", min=1)
    ] = SAMPLES,
    output: Annotated[Path, typer.Option(help="Folder of the tables.", file_okay=False)] = OUTPUT,
) -> None:
    known = [*STUDIES, *OTHERS]
    chosen = list(dict.fromkeys(studies or known))
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise typer.BadParameter(
            f"a study must be one of {', '.join(known)}, got {unknown[0]!r}", param_hint="STUDIES"
        )
    status = [
        OTHERS[name](output)
        if name in OTHERS
        else run_study(name, STUDIES[name](), samples=samples, output=output)
        for name in chosen
    ]
    raise typer.Exit(max(status))
