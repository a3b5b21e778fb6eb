"""``infodecode sweep``: a table of distributions by decoders by seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

SHOWN_FAILURES = 5


def sweep(
    grid: Annotated[Path, typer.Argument(metavar="GRID.toml", help="Which cells; see below.")],
    output: Annotated[
        Path | None,
        typer.Option(
            help="The table.", metavar="FILE.csv", show_default="the grid's name with .csv"
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="Cells at a time; changes no figure.", show_default="all cores"),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            help="Where: loky (processes here), dask, ray, or another one of joblib.",
            metavar="NAME",
            show_default="loky",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="Of the cluster's scheduler, such as tcp://host:8786; without, dask and ray "
            "start one here.",
            metavar="ADDRESS",
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute cells again whose row is an error.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cells that are still to do, and stop.")
    ] = False,
) -> int:
    """Every decoder of a grid on every law: one row a cell, resumed where it stopped.

    \b
    A grid:
      distributions = ["permutations:5", "titanic"]
      decoders = ["top_k:2", {strategy = "threshold:0.9", temperature = [0, 1]}]
      models = ["ideal", "noisy:0.5"]
      seeds = [0, 1]
      compute = "exact-or-simulate"   # or exact, simulate
      samples = 10000

    Exit status: 0 every row is there, 1 some are errors, 2 bad input, 130 interrupted.

    \b
    Examples:
      infodecode sweep grid.toml --dry-run
      infodecode sweep grid.toml --jobs 8
      infodecode sweep grid.toml --backend dask --address tcp://scheduler:8786
    """
    from infodecode import sweeps

    read = sweeps.read_grid(grid)
    path = sweeps.output_of(read, output)
    if dry_run:
        waiting = sweeps.unfinished(read, path, retry_failed=retry_failed)
        for cell in waiting:
            print(cell)
        print(f"{len(read)} cells, {len(waiting)} to compute, table {path}")
        return 0
    try:
        table = sweeps.run(
            read, path, jobs=jobs, backend=backend, address=address, retry_failed=retry_failed
        )
    except KeyboardInterrupt:
        typer.echo(f"infodecode: stopped; {_to_go_on(path)}", err=True)
        return 130
    except sweeps.WorkersStopped as error:
        typer.echo(f"infodecode: workers stopped ({error}); {_to_go_on(path)}", err=True)
        return 1
    return _summary(table, path)


def _to_go_on(path: Path) -> str:
    return f"finished rows are in {path}, the same command goes on"


def _summary(table: pd.DataFrame, path: Path) -> int:
    """Say how many rows of which kind; the exit status."""
    kinds = table["method"].value_counts().to_dict()
    failed = table[table["status"] == "failed"]
    parts = [f"{count} {kind}" for kind, count in kinds.items()]
    parts += [f"{len(failed)} failed"] if len(failed) else []
    print(f"{len(table)} cells ({', '.join(parts)}): {path}")
    for row in failed.head(SHOWN_FAILURES).itertuples():
        print(f"failed: {row.distribution}, {row.strategy}: {row.message}")
    if len(failed) > SHOWN_FAILURES:
        print(f"and {len(failed) - SHOWN_FAILURES} more; --retry-failed computes them again")
    return int(len(failed) > 0)
