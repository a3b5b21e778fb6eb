"""Options that the experiments share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

OUTPUT = Path("results/llm")

Model = Annotated[
    str, typer.Option(help="tiny, or a checkpoint of `python -m llm train`.", metavar="NAME|FOLDER")
]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Samples = Annotated[int, typer.Option(min=1, help="Exercises of each kind.")]
Output = Annotated[Path, typer.Option(help="Folder of the table.", file_okay=False)]
