"""Every toy: best fixed partition, best random order, adaptive optimum, and all decoders."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style
from figures._frontiers import KINDS, curve, short

TABLES = ("toy/frontiers.csv",)
CAPTION = """Bits lost against expected rounds on every toy of `toy.frontiers`: the best fixed
partition L*_T, the best sizes in uniformly random order, the adaptive optimum (of paths along
data), and all settings of all strategies with a finite KL. Where positions are alike, fixed and
random orders lose the same; elsewhere the right order saves rounds (variable names, linear code,
Latin squares), and looking at values saves more (replace random, derangements). Points below the
dotted curve are no contradiction: they mix orders, draw before they choose or revise, which path
KL does not bound. Points far above, at many rounds, are decoders that draw before they choose."""

COLUMNS = 4


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str = "insert_random(5)") -> Axes:
    """One law; decoders beyond the picture are left out."""
    axes = style.axes_or_new(ax)
    fixed, random, best = (
        curve(frame, law, row) for row in ("fixed_partition", "random_order", "adaptive")
    )
    axes.plot(random["rounds"], random["kl"], "--", color=style.SKY, zorder=3)
    axes.plot(fixed["rounds"], fixed["kl"], "-", color=style.BLUE, zorder=3.2)
    axes.plot(best["rounds"], best["kl"], ":", color=style.BLACK, lw=1.4, zorder=3.4)
    decoders = frame[(frame["law"] == law) & (frame["row"] == "decoder")]
    decoders = decoders[np.isfinite(decoders["kl"]) & (decoders["family"] != "AdaptiveOptimum")]
    length, top = int(fixed["length"].iloc[0]), max(1.12 * fixed["kl"].iloc[0], 0.1)
    for kind, (colour, marker, _) in KINDS.items():
        mine = decoders[decoders["kind"] == kind]
        mine = mine[(mine["rounds"] <= length + 1e-9) & (mine["kl"] <= top)]
        axes.scatter(mine["rounds"], mine["kl"], s=5, marker=marker, facecolors="none",
                     edgecolors=colour, linewidths=0.4, zorder=2, clip_on=mine.empty)  # fmt: skip
    axes.set(ylim=(0, top), xlim=(1, length), xlabel=style.ROUNDS, ylabel="KL, bits")
    axes.set_xticks(range(1, length + 1))
    axes.set_title(short(law), fontsize=7.5)
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a law, and what lines and marks are in the last one."""
    laws = frame["law"].unique()
    rows = math.ceil((len(laws) + 1) / COLUMNS)
    figure, panels = plt.subplots(
        rows, COLUMNS, figsize=(style.PAGE, 1.55 * rows), layout="constrained"
    )
    for axes, law in zip(panels.flat, laws, strict=False):
        plot(frame, axes, law=law)
        column = list(panels.flat).index(axes) % COLUMNS
        axes.set_ylabel("KL, bits" if column == 0 else "")
        below = list(panels.flat).index(axes) + COLUMNS
        axes.set_xlabel(style.ROUNDS if below >= len(laws) else "")
    spare = panels.flat[len(laws) :]
    for axes in spare:
        axes.set_axis_off()
    handles = [
        Line2D([], [], color=style.BLUE, label="best fixed partition $L^*_T$"),
        Line2D([], [], color=style.SKY, ls="--", label="best random order"),
        Line2D([], [], color=style.BLACK, ls=":", lw=1.4, label="adaptive optimum"),
        *(Line2D([], [], color=c, marker=m, mfc="none", ls="none", label=name)
          for kind, (c, m, name) in KINDS.items() if (frame["kind"] == kind).any()),
    ]  # fmt: skip
    key = spare[0].legend(handles=handles, loc="upper left", borderaxespad=0, ncols=2)
    key.set_in_layout(False)
    return figure
