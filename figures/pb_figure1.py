"""ParallelBench, Figure 1 (middle): what list operations lose, against their length."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes

from figures import style

TABLES = ("toy/formulas.csv",)
CAPTION = """Bits that an ideal model loses on list operations, against the length: all at once
(the total correlation C, PB-6 to PB-8) and two items a round (even n, L with n/2 rounds, PB-9).
Lines are formulas, circles the library's values. *Copy* and *Replace Index* lose nothing, *Replace
Random* at most log2(e) = 1.44 bits at any length, *Shuffle* without bound, even two at a time: how
much parallelism a task allows is a property of its law, not of how hard it looks."""

LINES = (
    ("shuffle", False, style.VERMILION, "-", "shuffle,\nall at once"),
    ("shuffle", True, style.VERMILION, "--", "shuffle,\n2 a round"),
    ("replace random", False, style.BLUE, "-", "replace random,\nall at once → $\\log_2 e$"),
    ("replace random", True, style.BLUE, "--", "replace random,\n2 a round"),
)
"""Task, whether two a round, colour, line and name of each curve."""

LOWEST, HIGHEST = 0.09, 60.0


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Bits against the length, on a logarithmic axis; nothing lost as a line at its foot."""
    axes = style.axes_or_new(ax)
    bits = frame[frame["quantity"] == "bits"].sort_values("length")
    ends = []
    for task, pairs, colour, line, name in LINES:
        k = 2 if pairs else bits["length"]
        rows = bits[(bits["task"] == task) & (bits["k"] == k)]
        rows = rows[rows["length"] % 2 == 0] if pairs else rows
        axes.plot(rows["length"], rows["formula"], line, color=colour)
        some = rows[rows["length"] % 4 == 0]
        axes.plot(some["length"], some["exact"], "o", color=colour, mfc="none", ms=4, mew=0.7)
        last = rows.iloc[-1]
        ends.append((last["length"], last["formula"], name, colour))
    length = bits["length"].max()
    axes.axhline(math.log2(math.e), color=style.GREY, ls=":", lw=0.8)
    axes.plot([3, length], [LOWEST, LOWEST], "-", color=style.BLACK, clip_on=False)
    axes.text(3, LOWEST * 1.15, "copy, replace index: 0", fontsize=7)
    axes.set_yscale("log")
    axes.set_ylim(LOWEST, HIGHEST)
    axes.set_yticks([0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xticks([3, 6, 9, 12, 15, 18, 21, 24])
    axes.set(xlabel="list length n", ylabel=style.BITS)
    style.label_ends(axes, ends)
    return axes
