"""English words: bits lost against rounds, and which letters to decode first."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style

TABLES = ("toy/words.csv",)
LAWS = {"words(3)": "3 letters", "words(4, weighted=True)": "4 letters, by frequency",
        "words(5, weighted=True)": "5 letters, by frequency"}  # fmt: skip
CAPTION = """English words as laws: bits lost against expected rounds, by the best fixed partition
(its blocks beside it: letters numbered from 1, a stroke between rounds), by the best sizes in
random order, and by decoders with exact marginals (rounds of long words simulated). The best two
rounds take every second letter first: neighbours depend on each other most and are not drawn
together. The largest probability is a poor guide, entropy a better one: of five letters, two a
round by confidence lose twice what two random ones do. A threshold of .9 spends its rounds where
the word is still open, and loses less than fixed orders do in as many; a factor of 1 loses as much
or more."""

DECODERS = {
    "top-2 random": ("top-2 random", style.GREEN, "D"),
    "top-2 confidence": ("top-2 confidence", style.PURPLE, "s"),
    "top-2 entropy": ("top-2 entropy", style.AMBER, "o"),
    "threshold .9": ("threshold .9", style.BLACK, "^"),
    "factor 1": ("factor 1", style.VERMILION, "v"),
}
"""Name in the table -> name, colour and marker."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str = "words(3)") -> Axes:
    """One length."""
    axes = style.axes_or_new(ax)
    mine = frame[frame["law"] == law]
    fixed, random = (
        mine[mine["kind"] == kind].sort_values("rounds")
        for kind in ("fixed_partition", "random_order")
    )
    axes.plot(random["rounds"], random["kl"], "--", color=style.SKY)
    axes.plot(fixed["rounds"], fixed["kl"], "-", color=style.BLUE)
    for row in fixed.itertuples():
        if 1 < row.rounds < row.length:
            low = row.kl < 0.08 * fixed["kl"].max()
            axes.annotate(
                _letters(row.name), (row.rounds, row.kl), xytext=(0, 16) if low else (-3, -8),
                ha="center" if low else "right", textcoords="offset points", color=style.BLUE,
                fontsize=6.5,
            )  # fmt: skip
    for name, (_, colour, marker) in DECODERS.items():
        rows = mine[(mine["kind"] == "decoder") & (mine["name"] == name)]
        rows = rows[rows["kl"].notna() & (rows["kl"] < math.inf)]
        rounds = rows["rounds"].fillna(rows["simulated_rounds"])
        axes.plot(rounds, rows["kl"], marker, color=colour, mfc="none", clip_on=False)
    length = int(mine["length"].iloc[0])
    axes.set_xticks(range(1, length + 1))
    axes.set(xlabel=style.ROUNDS, ylabel=style.BITS, ylim=(0, None))
    axes.set_title(LAWS.get(law, law))
    return axes


def _letters(partition: str) -> str:
    """``0-2/1`` as ``1 3 | 2``."""
    blocks = [[str(int(i) + 1) for i in block.split("-")] for block in partition.split("/")]
    return "|".join(" ".join(block) for block in blocks)


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a length."""
    figure, panels = plt.subplots(1, len(LAWS), figsize=(style.PAGE, 2.4), layout="constrained")
    for axes, law in zip(panels, LAWS, strict=True):
        plot(frame, axes, law=law)
    for axes in panels[1:]:
        axes.set_ylabel("")
    lines = (
        ("best fixed partition", style.BLUE, "-", ""),
        ("best random order", style.SKY, "--", ""),
    )
    marks = [(name, colour, "none", marker) for name, colour, marker in DECODERS.values()]
    for name, colour, line, marker in (*lines, *marks):
        panels[0].plot([], [], color=colour, ls=line, marker=marker, mfc="none", label=name)
    panels[0].legend(loc="upper right", borderaxespad=0)
    return figure
