"""ParallelBench, Table 1: what it prints, beside what is true at ten items."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from figures import style

TABLES = ("toy/formulas.csv",)
SIZE = (style.PAGE, 1.75)
LENGTH = 10
CAPTION = """ParallelBench's Table 1 with its numbers at ten items. The first line of a cell is
what the paper prints, the second the library's value: total correlation, and the validity of
greedy random top-k and of the greedy threshold, exactly, ties at random. Total correlations and
thresholds are right. For *Replace Random* the size of the last round decides, which at ten items
and two a round is two; odd lengths are always right. In red what is wrong as printed: the closed
forms of equation 5 for *Shuffle*, n!/n!! and n!/(n-1)!!, exceed 1; right are (n-1)!!/n!! and
n!/n^n."""

HEAD = ("C(Y|X), bits", "n → ∞", "top-2", "top-n", "γ = .5", "γ = .95")
PLACES = (0.17, 0.40, 0.48, 0.64, 0.80, 0.91)
GREEDY = ({"k": 2}, {"k": LENGTH}, {"gamma": 0.5}, {"gamma": 0.95})
PRINTED = {
    "copy": ("copy,\nreplace index", ("0", "0", "1", "1", "1", "1")),
    "replace random": (
        "replace\nrandom",
        ("$(n-1)[\\log_2 n - \\log_2(n-1)]$", "$\\log_2 e$", "0.5", "0", "0", "1"),
    ),
    "shuffle": (
        "shuffle",
        ("$n\\,\\log_2 n - \\log_2 n!$", "∞", "n!/n!! = 945", "n!/(n-1)!! = 3840", "1", "1"),
    ),
}
WRONG = {("shuffle", 2), ("shuffle", 3)}
"""Task and column of what the paper prints wrongly."""

ROWS = (0.72, 0.42, 0.12)


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The table, as text on axes without a frame."""
    axes = style.axes_or_new(ax, SIZE)
    axes.set(xlim=(0, 1), ylim=(0, 1.12))
    axes.set_axis_off()
    for x, text in zip(PLACES, HEAD, strict=True):
        axes.text(x, 0.94, text, va="center", weight="bold")
    axes.text(PLACES[2], 1.07, "accuracy, greedy: random top-k", va="center", color=style.GREY)
    axes.text(PLACES[4], 1.07, "threshold", va="center", color=style.GREY)
    axes.axhline(0.875, color=style.BLACK, lw=0.6)
    here = frame[(frame["length"] == LENGTH) & (frame["table"] == TABLES[0])]
    for y, (task, (name, printed)) in zip(ROWS, PRINTED.items(), strict=True):
        axes.text(0, y, name, va="center")
        for column, (x, text) in enumerate(zip(PLACES, printed, strict=True)):
            wrong = (task, column) in WRONG
            axes.text(x, y + 0.07, text, va="center", fontsize=7,
                      color=style.VERMILION if wrong else style.GREY)  # fmt: skip
            if (value := _value(here[here["task"] == task], column)) is not None:
                axes.text(x, y - 0.07, f"{value:.4g}", va="center")
    axes.axhline(0, color=style.BLACK, lw=0.6)
    return axes


def _value(rows: pd.DataFrame, column: int) -> float | None:
    """The exact value of a cell; None of the limit."""
    if column == 1:
        return None
    chosen = {"quantity": "bits", "k": LENGTH}
    if column:
        chosen = {"quantity": "validity", "temperature": 0.0, **GREEDY[column - 2]}
    for name, value in chosen.items():
        rows = rows[rows[name] == value]
    [value] = rows["exact"]
    return float(value)
