"""Locally Confident, Globally Stuck: Pass@k on toy reasoning problems, by draws and by calls."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from figures._exploration import RULES

TABLES = ("toy/exploration_pass_at_k.csv",)
SHOWN = {
    "random order": 1, "drawn confidence": 1, "local tempering": 2, "mean-field": 2,
    "exact power": 2, "sequence IMH, 1": 2,
}  # fmt: skip
"""Rules that are drawn, with the alpha at which they are."""

CAPTION = """Pass@k on seven toy problems (digits that add up to a total), exactly. Each has
several right answers, a wrong one whose share grows from problem to problem (the trap), and a
first digit that is likely and always wrong. (a) Against the number of draws k. At one draw the
power law mu^2 is right more often than mu; from two draws on mu is, for sharper laws take the trap
of the hard problems. Drawn confidence is never better than the power law here; local tempering
gives up exploration and gains next to nothing at one draw. (b) Against model calls: what
Metropolis-Hastings spends on a move, other rules spend on another draw. The exact weights of the
power law come from the distribution, without a call; a network has none."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, cost: str = "k") -> Axes:
    """Pass@k against ``"k"`` or ``"calls"``."""
    axes = style.axes_or_new(ax)
    means = frame[frame["kind"] == "mean"]
    for rule, alpha in SHOWN.items():
        rows = means[(means["rule"] == rule) & (means["alpha"] == alpha)].sort_values("k")
        colour, marker, name = RULES[rule]
        axes.plot(rows[cost], rows["success"], marker + "-", color=colour, label=name, ms=3.5,
                  mfc="none" if rule == "mean-field" else colour)  # fmt: skip
    axes.set(xscale="log", xlim=(0.9, 150) if cost == "k" else (2.5, 500), ylim=(0.3, 1.02),
             xlabel="draws k" if cost == "k" else "expected model calls",
             ylabel="Pass@k")  # fmt: skip
    axes.xaxis.set_major_formatter("{x:,.0f}")
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """By draws, and by calls."""
    figure, panels = plt.subplots(1, 2, figsize=(style.PAGE, 2.8), layout="constrained")
    for axes, cost, title in zip(panels, ("k", "calls"), ("(a)", "(b)"), strict=True):
        plot(frame, axes, cost=cost)
        axes.set_title(title, loc="left")
    panels[0].legend(loc="lower right")
    panels[1].set_ylabel("")
    return figure
