"""ParallelBench, Figure 7: positions a round against accuracy, with the oracle threshold."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from figures import style

TABLES = ("toy/tradeoffs.csv",)
CAPTION = """Validity against positions per round, averaged over the toys of `toy.tradeoffs` that
have an adaptive optimum (positions and rounds are added up over toys before they are divided):
top-k for k = 1..8, threshold and factor over their settings, at temperature 1 with exact
marginals. Star: the oracle, which takes for every sample the fastest threshold that was right,
with shared random numbers (it sees what was drawn, so that no bound on policies holds for it).
Dotted: the policies of least path KL in 1, 2, ... rounds. Top-k pays for every position it takes
at once. Hindsight about thresholds brings 2.34 positions a round without an error, one threshold
for all 1.68; the optimum, without hindsight, 2.46, and 3.12 where it is right 93 times in 100.
What thresholds miss is less how many positions to take than which."""

LINES = (
    ("random", "k", style.GREY, "o", "-", 6, (2, 5)),
    ("confidence", "k", style.GREEN, "s", "-", 7, (-4, -7)),
    ("threshold", "gamma", style.BLUE, "^", "-", 1, (4, 4)),
    ("factor", "factor", style.VERMILION, "v", "--", 5, (5, 2)),
    ("adaptive optimum", "adaptive", style.BLACK, ".", ":", 2, (4, 5)),
)
"""Strategy, sweep, colour, marker and line; which point its name stands beside, and where."""

NAMES = {"random": "random top-k", "confidence": "confidence top-k"}


def averages(frame: pd.DataFrame) -> pd.DataFrame:
    """Every sweep over the laws that have them all: positions per round and mean validity.

    Policies for more rounds than a law has positions are those for as many rounds as positions.
    """
    laws = set(frame.loc[frame["sweep"] == "adaptive", "law"])
    kept = frame[frame["law"].isin(laws)].assign(setting=frame["setting"].fillna(0))
    wide = kept.pivot_table(
        index=["strategy", "sweep", "setting"], columns="law", values=["rounds", "validity"]
    )
    filled = wide.groupby(level=["strategy", "sweep"]).ffill()
    positions = kept.groupby("law")["length"].first().sum()
    return pd.DataFrame(
        {
            "speed": positions / filled["rounds"].sum(axis=1),
            "validity": filled["validity"].mean(axis=1),
        }
    )


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str | None = None) -> Axes:
    """Validity against positions per round, on average or of one law."""
    axes = style.axes_or_new(ax)
    points = averages(frame if law is None else frame[frame["law"] == law])
    for name, sweep, colour, marker, line, which, shift in LINES:
        mine = points.loc[name, sweep].sort_index()
        axes.plot(mine["speed"], mine["validity"], line, marker=marker, color=colour, ms=3.5)
        at = mine.iloc[which]
        axes.annotate(
            NAMES.get(name, name), (at["speed"], at["validity"]), xytext=shift,
            textcoords="offset points", color=colour, fontsize=7, va="center",
            ha="left" if shift[0] > 0 else "right",
        )  # fmt: skip
    star = points.loc["oracle threshold"].iloc[0]
    axes.plot(star["speed"], star["validity"], "*", color=style.AMBER, mec=style.BLACK, mew=0.6,
              ms=12, ls="none", clip_on=False, zorder=5)  # fmt: skip
    axes.annotate("oracle threshold", (star["speed"], star["validity"]), xytext=(8, 3),
                  textcoords="offset points", fontsize=7, va="center")  # fmt: skip
    axes.set(xlabel="positions per round", ylabel="validity", ylim=(0, 1.04))
    return axes
