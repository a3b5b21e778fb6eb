"""``python -m notebooks [NAME ...]``: execute the notebooks and write their outputs."""

from __future__ import annotations

from typing import Annotated

import typer

import notebooks


def main(
    names: Annotated[list[str] | None, typer.Argument(help="All of them by default.")] = None,
) -> None:
    """Execute notebooks in place."""
    known = {path.stem: path for path in notebooks.paths()}
    for name in names or known:
        if name not in known:
            raise typer.BadParameter(f"must be one of {', '.join(known)}, got {name!r}")
        before = notebooks.read(known[name])
        after = notebooks.executed(before)
        notebooks.write(after, known[name])
        same = notebooks.shown(before) == notebooks.shown(after)
        print(f"{known[name].name}: {'as before' if same else 'outputs changed'}")


if __name__ == "__main__":
    typer.run(main)
