"""``python -m figures``: every figure, from the tables in ``results/``."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import ModuleType
from typing import Annotated

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import typer
from matplotlib.figure import Figure

import figures
from figures import gallery, style, tables

OUTPUT = Path("figures/output")
IMAGES = Path("docs/images")
PAGE = Path("docs/figures.md")
FORMATS = ("pdf", "svg", "png")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@style.styled
def drawn(module: ModuleType, results: Path = tables.RESULTS) -> Figure:
    """The figure of a module."""
    frame = tables.read(module.TABLES, getattr(module, "EXTRA", ()), results=results)
    if hasattr(module, "draw"):
        return module.draw(frame)
    size = getattr(module, "SIZE", style.SIZE)
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    module.plot(frame, axes)
    return figure


@style.styled
def save(figure: Figure, name: str, output: Path) -> None:
    """Write a figure in every format; equal figures are equal files."""
    output.mkdir(parents=True, exist_ok=True)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for suffix in FORMATS:
        date = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[suffix]
        figure.savefig(output / f"{name}.{suffix}", metadata=date)
    plt.close(figure)


@app.command(help="Draw every figure from the tables in results/; exit status 1 if one is missing.")
def main(
    only: Annotated[
        list[str] | None, typer.Option(help="Draw this one; may be repeated.", metavar="NAME")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Name the figures.")] = False,
    results: Annotated[Path, typer.Option(help="Folder of the tables.")] = tables.RESULTS,
    output: Annotated[Path, typer.Option(help="Folder of the figures.")] = OUTPUT,
    docs: Annotated[bool, typer.Option(help="Renew docs/images and docs/figures.md.")] = True,
) -> None:
    known = figures.modules()
    if list_:
        for name, module in known.items():
            typer.echo(f"{name:24}{' '.join((*module.TABLES, *getattr(module, 'EXTRA', ())))}")
        return
    chosen = only or list(known)
    if unknown := [name for name in chosen if name not in known]:
        raise typer.BadParameter(
            f"must be one of {', '.join(known)}, got {unknown[0]!r}", param_hint="--only"
        )
    started = time.perf_counter()
    missing = 0
    for name in chosen:
        try:
            figure = drawn(known[name], results)
        except tables.MissingTable as reason:
            missing += not reason.elsewhere
            typer.echo(f"{name}: {'skipped' if reason.elsewhere else 'MISSING'}: {reason}")
            continue
        save(figure, name, output)
        if docs:
            IMAGES.mkdir(parents=True, exist_ok=True)
            shutil.copy(output / f"{name}.svg", IMAGES)
        typer.echo(f"{name}: {output / name}.{{{','.join(FORMATS)}}}")
    if docs:
        there = frozenset(name for name in known if (IMAGES / f"{name}.svg").exists())
        PAGE.write_text(gallery.page(known, there), encoding="utf-8")
    typer.echo(f"{len(chosen)} figures in {time.perf_counter() - started:.1f} s")
    raise typer.Exit(1 if missing else 0)


if __name__ == "__main__":
    app()
