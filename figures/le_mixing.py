"""Locally Confident, Globally Stuck: how fast sequence-level chains reach their targets."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from figures import style
from figures._exploration import SHORT

TABLES = ("toy/exploration_mixing.csv",)
TITLES = {"power": r"(a) towards $\mu^2$", "repair": r"(b) towards $\mu$"}
LAWS = ("markov_chain(2 states, length=6)", "markov_chain(3 states, length=6)", "titanic",
        "replace_random(6)", "permutations(4)", "words(3, weighted=True, most=200)")  # fmt: skip
LEAST = 1e-6
"""Foot of the logarithmic axis."""

CAPTION = """Total variation between a sequence-level Metropolis-Hastings chain and its target, by
number of moves, exactly; the curves start at the proposals themselves. (a) Target mu^2, whole
proposals by local tempering, one position a round in random order: a few moves are enough (uniform
laws stay as they are and need none). (b) Target mu, whole proposals by a decoder that draws two
positions a round: the chain takes out the factorisation error of parallel decoding, the faster the
closer the proposals are to the data. Where they are far from it (words) it takes tens of moves,
and one position a round would be cheaper."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, chain: str = "repair") -> Axes:
    """Total variation of ``"power"`` or ``"repair"`` chains."""
    axes = style.axes_or_new(ax)
    rows = frame[(frame["chain"] == chain) & (frame["total_variation"] > LEAST / 100)]
    for law, colour, marker in zip(LAWS, style.CYCLE, style.MARKERS, strict=False):
        mine = rows[rows["law"] == law].sort_values("step")
        if len(mine):
            axes.plot(mine["step"], mine["total_variation"], marker + "-", color=colour, ms=3,
                      label=SHORT[law])  # fmt: skip
    axes.set(yscale="log", ylim=(LEAST, 1), xlabel="moves", ylabel="total variation")
    axes.set_xlim(-0.3, 16 if chain == "power" else 32)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """Both targets."""
    figure, panels = plt.subplots(1, 2, figsize=(style.PAGE, 3.0), layout="constrained")
    for axes, (chain, title) in zip(panels, TITLES.items(), strict=True):
        plot(frame, axes, chain=chain)
        axes.set_title(title, loc="left")
    panels[1].set_ylabel("")
    figure.legend(*panels[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
