"""From Bits to Rounds, Figure 6: accuracy against rounds, Explore-Then-Exploit and confidence."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style

TABLES = ("toy/ete.csv",)
EXTRA = ("llm/ete.csv",)
"""Of a network: the columns of the toys, its name in ``law``."""

LAWS = ("record + code, blocks of 4", "4 x (record + code), blocks of 9")
CAPTION = """Validity against rounds (filled) and model calls (open, where they differ) at
temperature 1, on a record and a snippet of code, and on four of both in a row: confidence
baselines, Explore-Then-Exploit (ETE), and ETE without its look-ahead; bars are 95% intervals. The
labels are thresholds (a factor of 1 falls on the threshold .9), of ETE with the rounds a block may
take. On the long sequence ETE needs a third of the rounds of a threshold of .9, without an error.
Most of it comes from unlocking blocks early: without its look-ahead ETE takes about as many rounds
and fewer calls. At a threshold of .5 every decoder errs, and the look-ahead makes it err less."""

FAMILIES = {
    "baseline": ("threshold, factor", style.BLUE, "o", 5),
    "ETE without look-ahead": ("ETE without look-ahead", style.GREEN, "v", -6),
    "ETE": ("ETE", style.VERMILION, "^", 5),
}
"""Family -> its name, colour, marker, and how far above its marks the settings stand, in points."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str = LAWS[0]) -> Axes:
    """One law at temperature 1, or at the highest there is."""
    axes = style.axes_or_new(ax)
    mine = frame[frame["law"] == law]
    mine = mine[mine["temperature"] == mine["temperature"].max()]
    for family, (_, colour, marker, above) in FAMILIES.items():
        rows = mine[mine["family"] == family].drop_duplicates(["rounds", "calls", "validity"])
        for row in rows.itertuples():
            axes.plot([row.rounds, row.calls], [row.validity] * 2, "-", color=colour, lw=0.6)
            axes.plot(row.calls, row.validity, marker, color=colour, mfc="white", ms=4)
        style.interval_bars(
            axes, rows["rounds"], rows["validity"], rows["validity_low"], rows["validity_high"],
            color=colour, marker=marker, ms=5,
        )  # fmt: skip
        for row in rows.itertuples():
            setting = row.decoder.split()[-1].replace("0.", ".")
            axes.annotate(
                setting, (row.rounds, row.validity), xytext=(0, above),
                textcoords="offset points", ha="center", va="bottom" if above > 0 else "top",
                fontsize=6, color=colour,
            )  # fmt: skip
    axes.set(xlabel="rounds, calls", ylabel="validity", ylim=(-0.1, 1.13), xlim=(0, None))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_title(law)
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a law; networks after the toys."""
    more = frame.loc[frame["table"] != TABLES[0], "law"].unique()
    laws = [*LAWS, *more]
    rows = math.ceil(len(laws) / 2)
    figure, panels = plt.subplots(
        rows, 2, figsize=(style.PAGE, 2.4 * rows), layout="constrained", sharey=True, squeeze=False
    )
    for axes, law in zip(panels.flat, laws, strict=False):
        plot(frame, axes, law=law)
    for axes in panels.flat[len(laws) :]:
        axes.set_axis_off()
    for axes in panels[:, 1]:
        axes.set_ylabel("")
    handles = [
        Line2D([], [], color=colour, marker=marker, ls="none", label=name)
        for name, colour, marker, _ in FAMILIES.values()
    ]
    calls = Line2D(
        [], [], color=style.VERMILION, marker="^", mfc="white", label="its calls", lw=0.6
    )
    panels[0, 1].legend(handles=[*handles, calls], loc="center", bbox_to_anchor=(0.42, 0.58))
    return figure
