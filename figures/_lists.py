"""ParallelBench's Figure 2: accuracy on a list, by formula, exactly, simulated, and trained."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from figures import style

TABLES = ("toy/formulas.csv",)
EXTRA = ("llm/formulas.csv",)
"""Of a trained model: task, length, k, gamma, temperature, validity, low, high."""

SHADES = {"1": style.BLACK, "2": style.BLUE, "n": style.VERMILION}


@style.styled
def against_length(
    frame: pd.DataFrame,
    task: str,
    temperature: float,
    ax: Axes | None,
    *,
    limit: tuple[float, str] | None = None,
    loc: tuple[float, float] = (0.42, 0.52),
) -> Axes:
    """Accuracy of random top-k for k = 1, 2 and n, against the length; a limit as a dotted line.

    Odd lengths, which end with a single item, are a thin dashed line for k = 2.
    """
    axes = style.axes_or_new(ax)
    mine = frame[
        (frame["task"] == task) & (frame["temperature"] == temperature) & frame["k"].notna()
    ]
    ends = []
    for k, colour in SHADES.items():
        rows = mine[mine["k"] == (mine["length"] if k == "n" else int(k))].sort_values("length")
        toy = rows[rows["table"] == TABLES[0]]
        toy = toy[toy["quantity"] == "validity"]
        if k == "2":
            odd = toy[toy["length"] % 2 == 1]
            axes.plot(odd["length"], odd["formula"], "--", color=colour, lw=0.7, zorder=2)
            last = odd.iloc[-1]
            ends.append((last["length"], last["formula"], "k = 2, n odd", colour))
            toy = toy[toy["length"] % 2 == 0]
        draw_kinds(axes, toy, rows[rows["table"] != TABLES[0]], "length", colour)
        last = toy.iloc[-1]
        ends.append((last["length"], last["formula"], f"k = {k}", colour))
    axes.set(xlabel="list length n", ylabel="accuracy (validity)", ylim=(-0.03, 1.05))
    axes.set_xticks([3, 6, 9, 12, 15, 18, 21, 24])
    axes.set_title(f"{task}, {f'temperature {temperature:g}' if temperature else 'greedy'}")
    if limit is not None:
        axes.axhline(limit[0], color=style.GREY, ls=":", lw=0.8)
        axes.annotate(
            limit[1], (3, limit[0]), xytext=(0, -2), textcoords="offset points", va="top",
            color=style.GREY, fontsize=7,
        )  # fmt: skip
    key(axes, trained=(mine["table"] != TABLES[0]).any(), loc=loc)
    style.label_ends(axes, ends)
    return axes


def draw_kinds(
    axes: Axes,
    toy: pd.DataFrame,
    trained: pd.DataFrame,
    x: str,
    colour: str,
    line: str = "-",
    steps: str = "default",
) -> None:
    """The formula as a line, exact values as circles, samples with intervals, a trained model."""
    axes.plot(toy[x], toy["formula"], line, color=colour, zorder=2, ds=steps)
    exact = toy[toy["exact"].notna() & toy["simulated"].notna()]
    axes.plot(exact[x], exact["exact"], "o", color=colour, mfc="none", ms=6, mew=0.7, zorder=3)
    points = toy[toy["simulated"].notna()]
    style.interval_bars(axes, points[x], points["simulated"], points["low"], points["high"],
                        color=colour, marker=".", ms=3)  # fmt: skip
    if len(trained):
        style.interval_bars(axes, trained[x], trained["validity"], trained["low"], trained["high"],
                            color=colour, marker="D", ms=4, mfc="white")  # fmt: skip


def key(axes: Axes, *, trained: bool, loc: str | tuple[float, float]) -> None:
    """What line and markers are."""
    grey = style.GREY
    handles = [
        Line2D([], [], color=grey, label="formula"),
        Line2D([], [], color=grey, marker="o", ms=6, mfc="none", mew=0.7, ls="none", label="exact"),
        Line2D([], [], color=grey, marker=".", ms=4, ls="none", label="simulated, 95%"),
    ]
    if trained:
        handles.append(
            Line2D([], [], color=grey, marker="D", mfc="white", ls="none", label="trained model")
        )
    axes.legend(handles=handles, loc=loc)
