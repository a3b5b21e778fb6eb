"""The tables that figures read, as one frame for each figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

RESULTS = Path("results")


class MissingTable(Exception):
    """A table that a figure needs is not there."""

    def __init__(self, table: str, path: Path) -> None:
        super().__init__(f"{path} is missing; {command(table)} makes it")
        self.table = table

    @property
    def elsewhere(self) -> bool:
        """Whether it takes a network, and perhaps a GPU, to make it."""
        return not self.table.startswith("toy/")


def command(table: str) -> str:
    """What makes a table: ``toy/words.csv`` comes from ``python -m toy words``.

    A study of ``toy`` that writes several tables begins their names with its own.

    Example:
        >>> command("llm/ete.csv"), command("llm/gpu_latency.csv")
        ('python -m llm ete', 'python -m llm gpu latency')
        >>> command("toy/exploration_mixing.csv")
        'python -m toy exploration'
    """
    folder, name = table.removesuffix(".csv").split("/")
    if folder == "toy":
        name = name.split("_")[0]
    return f"python -m {folder} {name.replace('gpu_', 'gpu ')}"


def read(
    tables: Sequence[str], extra: Sequence[str] = (), *, results: Path = RESULTS
) -> pd.DataFrame:
    """The rows of some tables, one below the other, with the column ``table``.

    Args:
        tables: paths below ``results``, as in ``toy/words.csv``.
        extra: tables that are read if they are there.
        results: the folder.

    Raises:
        MissingTable: one of ``tables`` is not there.
    """
    frames = []
    for table in (*tables, *extra):
        path = results / table
        if path.exists():
            frames.append(pd.read_csv(path).assign(table=table))
        elif table in tables:
            raise MissingTable(table, path)
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
