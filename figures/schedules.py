"""What schedules of a random order lose, the best and those that theorems give."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style

TABLES = ("toy/curves.csv",)
CAPTION = """Expected KL of a uniformly random order against its rounds, on laws of 32 positions:
the best sizes, equal ones, and the schedules of theorems (TC and DTC of Chen, Cong and Li; profile
of Lavenant and Zanella). The profile schedule, which follows the slope of the information curve,
is nearly as good as the best one. Equal sizes are good on a shuffle and poor where the curve is
steep at one end (insertions). The TC and DTC schedules promise a share of TC or DTC without
knowing the curve: each suits one end of it."""

LINES = {
    "best": ("best", style.BLACK, "-", ""),
    "profile": ("profile", style.BLUE, "--", ""),
    "equal": ("equal", style.GREEN, "-.", ""),
    "tc": ("TC", style.VERMILION, "none", "^"),
    "dtc": ("DTC", style.PURPLE, "none", "v"),
}
"""Kind -> its name, colour, line and marker."""

LAWS = ("shuffle", "insert random", "Markov chain", "eight copied bits")
LEAST = 0.02
"""Bits at the foot of the logarithmic axis."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str = "shuffle") -> Axes:
    """One law, on a logarithmic axis of bits."""
    axes = style.axes_or_new(ax)
    mine = frame[(frame["law"] == law) & (frame["bits"] > LEAST)]
    for kind, (name, colour, line, marker) in LINES.items():
        rows = mine[mine["kind"] == kind].sort_values("rounds")
        axes.plot(rows["rounds"], rows["bits"], ls=line, marker=marker, color=colour, ms=3.5,
                  mfc="white", label=name)  # fmt: skip
    axes.set(yscale="log", xlabel="rounds", ylabel="expected KL, bits")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks([1, 8, 16, 24, 32])
    axes.set_title(law)
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a law."""
    figure, panels = plt.subplots(
        2, 2, figsize=(style.COLUMN, 3.5), layout="constrained", sharex=True
    )
    for axes, law in zip(panels.flat, LAWS, strict=True):
        plot(frame, axes, law=law)
    for axes in panels[0]:
        axes.set_xlabel("")
    for axes in panels[:, 1]:
        axes.set_ylabel("")
    panels[0, 0].legend(loc="lower left", borderaxespad=0, labelspacing=0.2)
    return figure
