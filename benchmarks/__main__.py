"""``python -m benchmarks [PART ...]``: measure, print, write tables and their page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import page

PARTS = {
    "information": "total correlation beside numpy, pyitlib, hoi and dit",
    "decoders": "decoding beside plain decoders in numpy and torch",
    "loop": "overhead of a round on a network, beside LLaDA's and Fast-dLLM's loops",
    "heart": "speed of the main paths, beside targets",
    "growth": "how cost grows with size",
    "selection": "every strategy's selection beside the marginals it needs",
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def listing() -> str:
    """The parts, a line each."""
    return "\n\n".join(f"{name}: {what}" for name, what in {**PARTS, "page": page.WHAT}.items())


@app.command(
    help="Measure some parts, or all; exit status 1 when a target is missed or values disagree.",
    epilog=listing(),
)
def main(
    parts: Annotated[list[str] | None, typer.Argument(metavar="[PART]...")] = None,
    llada: Annotated[Path | None, typer.Option(help="Checkout of ML-GSAI/LLaDA.")] = None,
    fast_dllm: Annotated[Path | None, typer.Option(help="Checkout of NVlabs/Fast-dLLM.")] = None,
) -> None:
    chosen = parts or list(PARTS)
    if unknown := [name for name in chosen if name not in (*PARTS, "page")]:
        raise typer.BadParameter(
            f"must be one of {', '.join((*PARTS, 'page'))}, got {unknown[0]!r}", param_hint="PART"
        )
    checkouts = []
    for option, checkout in (("--llada", llada), ("--fast-dllm", fast_dllm)):
        checkouts += [option, str(checkout)] if checkout is not None else []
    worst = 0
    for name in chosen:
        if name == "page":
            continue
        if name == "loop" and not checkouts:
            typer.echo("loop: skipped: give --llada or --fast-dllm, checkouts to measure beside")
            continue
        worst = max(worst, alone(name, *(checkouts if name == "loop" else ())))
    page.PAGE.write_text(page.written(), encoding="utf-8")
    typer.echo(f"{page.PAGE} renewed")
    raise typer.Exit(worst)


def alone(part: str, *options: str) -> int:
    """Exit status of a part, in a process of its own: no threads or settings of others in it."""
    typer.echo(f"\n{part}: {PARTS[part]}")
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{part}", *options], check=False)
    return min(abs(done.returncode), 1)


if __name__ == "__main__":
    app()
