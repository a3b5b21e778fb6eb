"""Tables of results: one row a measurement, with the command and the versions that made it."""

from __future__ import annotations

import csv
import dataclasses
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

import infodecode


def versions() -> str:
    """What computed the numbers."""
    return (
        f"infodecode {infodecode.__version__}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}, numpy {np.__version__}, "
        f"Python {platform.python_version()}"
    )


def write(rows: Sequence[Any], path: Path, *, command: str) -> None:
    """Write dataclasses as a table in one move: a reader sees the old file or the new one."""
    origin = {"command": command, "versions": versions()}
    columns = [column.name for column in dataclasses.fields(rows[0])]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*columns, *origin], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(getattr(row, name)) for name in columns} | origin)
    draft.replace(path)


def _cell(value: object) -> object:
    return format(value, ".6g") if isinstance(value, float) else value
