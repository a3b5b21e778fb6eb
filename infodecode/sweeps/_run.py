"""A sweep from its grid to its table: what is finished stays, the rest is computed."""

from __future__ import annotations

import datetime
import json
import platform
import shlex
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import infodecode
from infodecode import _validation
from infodecode._progress import progress_bar
from infodecode.sweeps import _workers
from infodecode.sweeps._cell import DECODING, Cell
from infodecode.sweeps._grid import Grid, read_grid
from infodecode.sweeps._measure import COLUMNS, measure
from infodecode.sweeps._table import Table, statuses

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("numpy", "scipy", "numba")
WHOLE_NUMBERS = ("seed", "length", "samples", "whole_rounds")
TEXTS = (
    "cell", "distribution", *(name for name in DECODING if name != "temperature"), "off_support",
    "compute", "status", "method", "infodecode", "message",
)  # fmt: skip


def run(
    grid: Grid | str | Path | Mapping[str, Any],
    output: str | Path | None = None,
    *,
    jobs: int | None = None,
    backend: str | None = None,
    address: str | None = None,
    retry_failed: bool = False,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Compute every cell of a grid that has no row yet, and return the table.

    The table is the same, byte for byte, for any number of jobs, backend and number of
    interruptions. Run again after a stop, it goes on where it was. An error in a cell is recorded
    in its row and stops nothing. Beside the table a file ``NAME.json`` has the grid, the versions
    and a list of the runs.

    Args:
        grid: a `Grid`, or what `read_grid` takes.
        output: the table, a file that ends in ``.csv``; by default that of the grid's name beside
            the grid.
        jobs: cells computed at a time; by default one for each core, or all that the cluster has.
        backend: ``"loky"`` (processes of this machine, the default), ``"dask"``, ``"ray"``, or a
            name registered with `joblib.register_parallel_backend`.
        address: of the scheduler of a Dask or Ray cluster; without, one is started here.
        retry_failed: compute again the cells whose row is an error.
        progress: show a bar with the time left; by default on a terminal, after a second.

    Returns:
        the rows in the order of the grid; docs/scaling_out.md says what the columns mean.

    Raises:
        ValueError, TypeError: a grid or an argument that cannot be, or a file that is another
            table.
        OSError: a file cannot be read or written.
        WorkersStopped: workers died; finished rows are in the table.

    Example:
        >>> import tempfile
        >>> grid = {"distributions": ["permutations:4", "parity:4"],
        ...         "decoders": ["top_k:2", "top_k:1"], "compute": "exact"}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = run(grid, f"{folder}/table.csv", jobs=1)
        >>> table[["distribution", "strategy", "validity", "rounds"]].round(3).values.tolist()
        [['permutations:4', 'top_k:2', 0.375, 2.0], ['permutations:4', 'top_k:1', 1.0, 4.0],
         ['parity:4', 'top_k:2', 0.5, 2.0], ['parity:4', 'top_k:1', 1.0, 4.0]]
    """
    read = grid if isinstance(grid, Grid) else read_grid(grid)
    path = output_of(read, output)
    jobs = None if jobs is None else _validation.integer("jobs", jobs, minimum=1)
    _validation.flag("retry_failed", retry_failed)
    _workers.demand(backend, address)
    by_identity = {cell.identity: cell for cell in read.cells}
    with Table(path) as table:
        waiting = _waiting(read, table.statuses(by_identity), retry_failed)
        _say_what_was_found(table, len(read) - len(waiting))
        record = _Record(read, path, jobs, backend, len(waiting))
        try:
            rows = _workers.mapped(measure, waiting, jobs=jobs, backend=backend, address=address)
            with progress_bar("cells", len(waiting), progress) as advance, closing(rows):
                for row in rows:
                    table.append(row)
                    advance(1)
        finally:
            unused = table.sort(by_identity)
            record.finish(table.statuses(by_identity))
        if unused:
            _say(f"{unused} rows of cells that are not in the grid are kept in {table.unused}")
    return read_table(path)


def unfinished(
    grid: Grid, output: str | Path | None = None, *, retry_failed: bool = False
) -> list[Cell]:
    """The cells that `run` would compute."""
    path = output_of(grid, output)
    found = statuses(path, (cell.identity for cell in grid.cells))
    return _waiting(grid, found, retry_failed)


def _waiting(grid: Grid, found: Mapping[str, str], retry_failed: bool) -> list[Cell]:
    """Cells that have no row yet, or one that is to be computed again."""
    done = {cell for cell, status in found.items() if status == "ok" or not retry_failed}
    return [cell for cell in grid.cells if cell.identity not in done]


def output_of(grid: Grid, output: str | Path | None) -> Path:
    """Where the table goes."""
    if output is None:
        if grid.path is None:
            raise ValueError("output must be a file for a grid that is not one itself, got None")
        return grid.path.with_suffix(".csv")
    path = Path(output)
    if path.suffix.lower() != ".csv":
        raise ValueError(f"output must end in .csv, got {str(path)!r}")
    if not path.parent.is_dir():
        raise ValueError(f"output: no such folder: {path.parent}")
    return path


def read_table(path: str | Path) -> pd.DataFrame:
    """The table of a sweep. An infinite figure is ``inf``; what is unknown, ``nan`` or ``<NA>``."""
    import pandas as pd

    types = dict.fromkeys(COLUMNS, "float64")
    types |= dict.fromkeys(WHOLE_NUMBERS, "Int64") | dict.fromkeys(TEXTS, "str")
    return pd.read_csv(path, dtype=types)


class _Record:
    """The file beside the table: grid, versions, and every run with its command."""

    def __init__(
        self, grid: Grid, table: Path, jobs: int | None, backend: str | None, cells: int
    ) -> None:
        self._path = table.with_suffix(".json")
        self._began = time.monotonic()
        arguments = ["infodecode", "sweep", grid.name, "--output", table.name]
        arguments += [] if jobs is None else ["--jobs", str(jobs)]
        arguments += [] if backend is None else ["--backend", backend]
        versions = {name: metadata.version(name) for name in PACKAGES}
        self._this: dict[str, object] = {
            "command": shlex.join(arguments),
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": None,
            "cells": cells,
            "infodecode": infodecode.__version__,
            "python": platform.python_version(),
            **versions,
        }
        self._content: dict[str, object] = {
            "table": table.name,
            "cells": len(grid),
            "ok": None,
            "failed": None,
            "seeds": grid.seeds,
            "grid": grid.definition,
        }
        self._earlier = self._runs()
        self._write()

    def finish(self, statuses: Mapping[str, str]) -> None:
        """Say how it ended."""
        self._this["seconds"] = round(time.monotonic() - self._began, 3)
        for status in ("ok", "failed"):
            self._content[status] = list(statuses.values()).count(status)
        self._write()

    def _runs(self) -> list[object]:
        """Those of before; none if the file is not what it should be."""
        try:
            runs = json.loads(self._path.read_text(encoding="utf-8"))["runs"]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return runs if isinstance(runs, list) else []

    def _write(self) -> None:
        draft = self._path.with_name(self._path.name + ".tmp")
        content = {**self._content, "runs": [*self._earlier, self._this]}
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(self._path)


def _say_what_was_found(table: Table, finished: int) -> None:
    if table.cut:
        _say(f"{table.path}: a half line of {table.cut} bytes was cut off")
    if finished:
        _say(f"{table.path} has {finished} finished rows, which stay")


def _say(text: str) -> None:
    print(f"infodecode: {text}", file=sys.stderr)
