"""``python -m llm COMMAND``: train the tiny model, and measure networks."""

from __future__ import annotations

import typer

from llm import ete, exploration, formulas, gpu, rounds, tradeoffs, train
from llm.tasks import program as tasks

app = typer.Typer(
    help="Experiments on masked language models.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Keeps every command named, also while there is one alone."""


app.command("train")(train.command)
app.command("formulas")(formulas.command)
app.command("rounds")(rounds.command)
app.command("ete")(ete.command)
app.command("tradeoffs")(tradeoffs.command)
app.command("exploration")(exploration.command)
app.command("tasks")(tasks.command)
app.add_typer(gpu.app, name="gpu")

if __name__ == "__main__":
    app()
