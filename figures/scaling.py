"""Bounds for up to 10,000 positions: bits against rounds, and rounds for a loss of one bit."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style

TABLES = ("toy/scaling.csv",)
CAPTION = """The best round sizes of a uniformly random order at lengths of practice; for the
shuffle and replace random, whose positions are all alike, this is L*_T as well. (a) Bits lost by
10,000 positions against rounds, colours as in (b). (b) Fewest rounds that lose at most one bit,
against the length: a constant share of the positions of a shuffle (62%) and of a Markov chain
(20%), a number that grows like the square of the logarithm for an insertion (48 rounds for 10,000
positions), two rounds for a replacement, at any length. The rounds that a task needs are set by
its law, not by its length."""

COLOURS = {
    "shuffle": (style.VERMILION, "o"),
    "Markov chain": (style.GREEN, "s"),
    "insert random": (style.BLUE, "^"),
    "replace random": (style.BLACK, "D"),
}
"""Family -> colour and marker."""

LEAST = 0.01
"""Bits at the foot of the logarithmic axis."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, bits: float = 1.0) -> Axes:
    """Fewest rounds that lose at most so many bits, against the length."""
    axes = style.axes_or_new(ax)
    rows = frame[(frame["kind"] == "rounds") & (frame["bits"] == bits)].sort_values("length")
    longest = rows["length"].max()
    axes.plot([10, longest], [10, longest], ":", color=style.GREY, lw=0.8)
    ends = [(longest, longest, "one by one", style.GREY)]
    for name, (colour, marker) in COLOURS.items():
        mine = rows[rows["law"] == name]
        axes.plot(mine["length"], mine["rounds"], marker + "-", color=colour, ms=3.5)
        last = mine.iloc[-1]
        ends.append((longest, last["rounds"], f"{name}: {last['rounds']:,.0f}", colour))
    axes.set(xscale="log", yscale="log", xlabel="positions n",
             ylabel=f"rounds for at most {bits:g} bit")  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    style.label_ends(axes, ends)
    return axes


@style.styled
def plot_curves(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Bits against rounds at the greatest length."""
    axes = style.axes_or_new(ax)
    longest = frame["length"].max()
    rows = frame[(frame["kind"] == "curve") & (frame["length"] == longest)]
    for name, (colour, _) in COLOURS.items():
        mine = rows[(rows["law"] == name) & (rows["bits"] > LEAST / 10)].sort_values("rounds")
        axes.plot(mine["rounds"], mine["bits"], "-", color=colour)
    axes.axhline(1, color=style.GREY, lw=0.6, ls=":")
    axes.set(xscale="log", yscale="log", ylim=(LEAST, None), xlabel="rounds",
             ylabel="expected KL, bits")  # fmt: skip
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,g}")
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """Both panels; colours are named in the second."""
    figure, panels = plt.subplots(1, 2, figsize=(style.PAGE, 2.5), layout="constrained")
    plot_curves(frame, panels[0])
    panels[0].set_title("(a)", loc="left")
    plot(frame, panels[1])
    panels[1].set_title("(b)", loc="left")
    return figure
