"""The list of studies, and the command that runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from toy import (
    chains,
    codes,
    composed,
    lists,
    phrases,
    puzzles,
    records,
    replace,
    rounds,
    shuffle,
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

ROUNDS = "rounds"
"""The study of bits and rounds, which has decoders and a table of its own."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    help="Closed form beside exact beside simulated decoders, on exact toy distributions.\n\n"
    f"STUDIES: {', '.join([*STUDIES, ROUNDS])}; all of them by default. Each writes a table; exit "
    "status 1 if anything contradicts a formula, an interval or a bound."
)
def main(
    studies: Annotated[list[str] | None, typer.Argument(help="Which ones.")] = None,
    samples: Annotated[
        int, typer.Option(help="Sequences to simulate per decoder.", min=1)
    ] = SAMPLES,
    output: Annotated[Path, typer.Option(help="Folder of the tables.", file_okay=False)] = OUTPUT,
) -> None:
    known = [*STUDIES, ROUNDS]
    chosen = list(dict.fromkeys(studies or known))
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise typer.BadParameter(
            f"a study must be one of {', '.join(known)}, got {unknown[0]!r}", param_hint="STUDIES"
        )
    status = [
        rounds.run(output)
        if name == ROUNDS
        else run_study(name, STUDIES[name](), samples=samples, output=output)
        for name in chosen
    ]
    raise typer.Exit(max(status))
