"""Locally Confident, Globally Stuck: quality against entropy, and what falls below the best."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from figures._exploration import RULES, SHORT

TABLES = ("toy/exploration.csv",)
LAWS = ("markov_chain(3 states, length=6)", "words(3, weighted=True, most=200)", "titanic")
ENTROPY = "entropy, bits"
CAPTION = """Quality against exploration, exactly. Above: E log2 mu of what is put out against its
entropy. The line is the frontier: no output law lies above the power laws mu^alpha (ticks at alpha
= 1, 2 and 4). Below: what each rule lacks to the power law of its own entropy. Rules that aim at
alpha = 2 should land on its tick: only the exact weights and enough moves of Metropolis-Hastings
do. Mean-field weights stay near the line, but at another alpha; local tempering falls below it.
One position a round from a perfect model is mu itself, in any order; choosing by the confidence of
drawn tokens gives up entropy, and for less quality than a power law of the same entropy has.
Outputs that leave the support of the data have quality minus infinity and are not drawn."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str = LAWS[0]) -> Axes:
    """The frontier of a law and the rules that stay on its support."""
    axes = style.axes_or_new(ax)
    rows = frame[frame["law"] == law]
    best = rows[rows["kind"] == "target"].sort_values("alpha")
    axes.plot(best["entropy"], best["quality"], "-", color=style.GREY, lw=1, zorder=1)
    ticks = best[best["alpha"].isin([1, 2, 4])]
    axes.plot(ticks["entropy"], ticks["quality"], "|", color=style.BLACK, ms=9, mew=0.8, zorder=2)
    for _, tick in ticks.iterrows():
        axes.annotate(
            f"{tick['alpha']:g}", (tick["entropy"], tick["quality"]), xytext=(0, 6),
            textcoords="offset points", ha="center", va="bottom", fontsize=6.5,
        )  # fmt: skip
    _marks(axes, rows, "quality")
    span = best["quality"].max() - best["quality"].min()
    axes.set_ylim(best["quality"].min() - 0.08 * span, best["quality"].max() + 0.14 * span)
    axes.set(xlabel=ENTROPY, ylabel=r"quality E $\log_2 \mu$, bits",
             title=SHORT.get(law, law))  # fmt: skip
    return axes


@style.styled
def plot_below(frame: pd.DataFrame, ax: Axes | None = None, *, law: str = LAWS[0]) -> Axes:
    """What rules lack to the frontier, at their own entropy."""
    axes = style.axes_or_new(ax)
    axes.axhline(0, color=style.GREY, lw=1, zorder=1)
    _marks(axes, frame[frame["law"] == law], "below")
    axes.invert_yaxis()
    axes.set(xlabel=ENTROPY, ylabel="below the frontier, bits")
    return axes


def _marks(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    known = rows[(rows["kind"] == "rule") & np.isfinite(rows["quality"])].set_index("rule")
    for rule, (colour, marker, name) in RULES.items():
        if rule in known.index:
            axes.plot(known.loc[rule, "entropy"], known.loc[rule, column], marker, color=colour,
                      mfc="none", ms=5, mew=0.9, ls="none", label=name, zorder=3)  # fmt: skip


def draw(frame: pd.DataFrame) -> Figure:
    """Two panels a law; marks are named below."""
    figure, panels = plt.subplots(
        2, len(LAWS), figsize=(style.PAGE, 4.6), layout="constrained", sharex="col"
    )
    for column, law in zip(panels.T, LAWS, strict=True):
        plot(frame, column[0], law=law)
        plot_below(frame, column[1], law=law)
        column[0].set_xlabel("")
    for axes in panels[:, 1:].flat:
        axes.set_ylabel("")
    named = {}
    for axes in panels[0]:
        handles, labels = axes.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    order = [name for _, _, name in RULES.values() if name in named]
    figure.legend([named[n] for n in order], order, loc="outside lower center", ncols=4)
    return figure
