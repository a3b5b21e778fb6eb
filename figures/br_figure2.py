"""From Bits to Rounds, Figure 2: share of rounds and of bits that forced rounds have."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style

TABLES = ("toy/bits.csv",)
EXTRA = ("llm/rounds.csv",)
"""Of a network: the columns of the toys, its name in ``law``."""

CAPTION = """Share of the rounds (dashed) and of the bits (solid) that forced rounds have under
the factor rule, in which nothing passed and the best position was committed all the same: eight
words of which some letters are given, greedily, and other laws at temperature 1. The share of bits
is the larger wherever the two differ: a forced round carries more than its part, as the paper
observed on GSM8K. How much of a decode is forced is a matter of the law. A shuffle is forced
almost to its end, whatever the factor; of a chain all tokens pass from a factor of 3/4 on."""

LAWS = ("words, letters given", "Markov chain", "records and code", "shuffle")


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str = "words") -> Axes:
    """The two shares of one law against the factor."""
    axes = style.axes_or_new(ax)
    mine = frame[(frame["kind"] == "mean") & (frame["law"] == law)].sort_values("factor")
    rounds, bits = (mine[f"forced_{name}"] / mine[name] for name in ("rounds", "bits"))
    axes.fill_between(mine["factor"], rounds, bits, color=style.VERMILION, alpha=0.15, lw=0)
    axes.plot(mine["factor"], bits, "o-", color=style.VERMILION, clip_on=False)
    axes.plot(mine["factor"], rounds, "s--", color=style.BLACK, ms=3.5, clip_on=False)
    axes.set(ylim=(0, 1.02), xlabel="factor f", ylabel="share of forced rounds")
    axes.set_title(law)
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a law."""
    means = frame[frame["kind"] == "mean"]
    laws = [*LAWS, *means.loc[means["table"] != TABLES[0], "law"].unique()]
    rows = math.ceil(len(laws) / 2)
    figure, panels = plt.subplots(
        rows, 2, figsize=(style.COLUMN, 1.55 * rows), layout="constrained", sharey=True
    )
    for axes, law in zip(panels.flat, laws, strict=False):
        plot(frame, axes, law=law)
        if axes not in panels[-1]:
            axes.set_xlabel("")
    for axes in panels.flat[len(laws) :]:
        axes.set_axis_off()
    for axes in panels[:, 1]:
        axes.set_ylabel("")
    named = means[(means["law"] == LAWS[-2]) & (means["factor"] == 1)]
    for name, colour in (("bits", style.VERMILION), ("rounds", style.BLACK)):
        share = (named[f"forced_{name}"] / named[name]).mean()
        panels.flat[len(LAWS) - 2].annotate(
            name, (1, share), xytext=(0, -7), color=colour, fontsize=7, ha="center", va="center",
            textcoords="offset points",
        )  # fmt: skip
    return figure
