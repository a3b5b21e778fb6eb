"""ParallelBench, Figure 6: how far tasks can be decoded in parallel, and from left to right."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures import style

TABLES = ("toy/tradeoffs.csv",)
EXTRA = ("llm/tradeoffs.csv",)
"""The same columns of a trained model, its name in ``law``."""

CAPTION = """The two axes of ParallelBench's Figure 6, on toys with exact marginals. Across: the
centre of mass of the validity over k = 1..8 positions a round, averaged over four orders (random,
confidence, margin, entropy); 4.5 means that nothing is lost at any k, and the axis runs backwards,
so that what is hard to parallelise stands on the right, as in the paper. Up: the slope of the
validity over block lengths at two positions a round, for each halving of the block; above 0 short
blocks help. Bars are 95% intervals where validity was simulated. Only laws of neighbouring copies
(variable names) gain from short blocks; where distant positions are less dependent (records, Latin
squares, words, insertions) blocks force dependent ones together. Where every position is like any
other (shuffle, replace random, parity) blocks do nothing. Diamonds are the network trained on the
list operations, joined to the toy of the same task."""

ORDERS = ("random", "confidence", "margin", "entropy")
LEFT, RIGHT = ((-4, 0), "right"), ((4, 0), "left")
ABOVE, BELOW = ((0, 6), "center"), ((0, -7), "center")
PLACES = {
    "variable names": LEFT, "records": LEFT, "words": BELOW,
    "shuffle": ABOVE, "parity": BELOW, "replace random": ((2, 6), "left"),
    "remove random": BELOW, "insert random": BELOW, "copy": ((-3, 16), "left"),
}  # fmt: skip
"""Where a name stands beside its point; by default right of it."""

SAME = {"replace index": "copy"}
"""Laws that share the point and the name of another one."""


def coordinates(frame: pd.DataFrame) -> pd.DataFrame:
    """Centre of mass and slope of every law, with half the widths of their intervals."""
    kept = frame[frame["strategy"].isin(ORDERS)]
    spread = ((kept["high"] - kept["low"]) / 2).fillna(0)
    kept = kept.assign(square=spread**2)
    found = {}
    for (table, law), rows in kept.groupby(["table", "law"], sort=False):
        at_once, blocks = (
            rows[rows["sweep"] == sweep].groupby("setting").agg(
                score=("validity", "mean"), square=("square", "sum"), number=("square", "size")
            )
            for sweep in ("k", "block")
        )  # fmt: skip
        k, score = at_once.index.to_numpy(), at_once["score"].to_numpy()
        centre = (k * score).sum() / score.sum()
        halvings = -np.log2(blocks.index.to_numpy())
        weight = halvings - halvings.mean()
        weight /= (weight**2).sum()
        found[law] = {
            "table": table,
            "centre": centre,
            "slope": float(weight @ blocks["score"]),
            "centre_spread": _spread(at_once, (k - centre) / score.sum()),
            "slope_spread": _spread(blocks, weight),
        }
    return pd.DataFrame.from_dict(found, orient="index")


def _spread(scores: pd.DataFrame, weight: np.ndarray) -> float:
    """Half the interval of a weighted sum of independent means."""
    squares = scores["square"].to_numpy() / scores["number"].to_numpy() ** 2
    return float(np.sqrt((weight**2 * squares).sum()))


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """A point a task."""
    axes = style.axes_or_new(ax)
    points = coordinates(frame)
    axes.axhline(0, color=style.GREY, lw=0.6, ls=":")
    trained = points["table"] != TABLES[0]
    for some, colour, marker in (
        (points[~trained], style.BLUE, "o"), (points[trained], style.VERMILION, "D"),
    ):  # fmt: skip
        axes.errorbar(
            some["centre"], some["slope"], xerr=some["centre_spread"], yerr=some["slope_spread"],
            ls="none", marker=marker, color=colour, elinewidth=0.8,
        )  # fmt: skip
    for law, point in points[trained].iterrows():
        task = law.rpartition(": ")[2]
        if task in points.index:
            toy = points.loc[task]
            axes.plot([toy["centre"], point["centre"]], [toy["slope"], point["slope"]], "-",
                      color=style.VERMILION, lw=0.6, zorder=1)  # fmt: skip
    if trained.any():
        axes.text(0.03, 0.97, "trained model,\nbeside its toy", transform=axes.transAxes,
                  color=style.VERMILION, fontsize=7, va="top")  # fmt: skip
    for law, point in points[~trained].iterrows():
        if SAME.get(law) in points.index:
            continue
        shift, side = PLACES.get(law, RIGHT)
        name = ", ".join([law, *(other for other, one in SAME.items() if one == law)])
        axes.annotate(
            name, (point["centre"], point["slope"]), xytext=shift, textcoords="offset points",
            ha=side, va="center", fontsize=7,
        )  # fmt: skip
    axes.margins(x=0.08)
    axes.set_xlabel("centre of mass over k   (harder in parallel →)")
    axes.set_ylabel("slope per halving of the block")
    axes.invert_xaxis()
    return axes
