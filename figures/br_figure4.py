"""From Bits to Rounds, Figure 4: bits against rounds, and what a round carries."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style

TABLES = ("toy/bits.csv",)
EXTRA = ("llm/rounds.csv",)
"""Of a network: the columns of the toys, its name in ``law``."""

CAPTION = """The factor rule, greedily, on eight words of which some letters are given. (a) Rounds
of single decodes against the information of what was put out, with the published bound without
approximation error (lines: information over f nats). Rounds grow with the bits, as published, but
at f = 1/4 and 1/2 decodes lie *below* the line of their factor: it fails as soon as rounds are
forced, each of which carries what it likes. (b) Means: the published bound exceeds the rounds that
are really taken where the rule is strict; the corrected one, which counts forced rounds apart,
never does. (c) What the bound does say, on every law: a round whose tokens all obey the rule
carries at most G(f) bits (line); it carries far less."""

FACTORS = (0.25, 0.5, 1.5)
"""Those of panel (a)."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str | None = None) -> Axes:
    """Rounds of single decodes of a law against their information."""
    axes = style.axes_or_new(ax)
    decodes = frame[(frame["kind"] == "decode") & frame["information"].notna()]
    decodes = decodes[decodes["law"] == (decodes["law"].iloc[0] if law is None else law)]
    ends = []
    top = 1.12 * decodes["rounds"].max()
    for factor, colour, marker in zip(FACTORS, style.CYCLE, style.MARKERS, strict=False):
        mine = decodes[decodes["factor"] == factor]
        if mine.empty:
            continue
        axes.plot(mine["information"], mine["rounds"], marker, color=colour, ms=2.5, mfc="none",
                  mew=0.5, ls="none")  # fmt: skip
        bits = np.array([decodes["information"].min(), decodes["information"].max()])
        reached = min(bits[1], top * factor / math.log(2))
        axes.plot([bits[0], reached], np.array([bits[0], reached]) * math.log(2) / factor, "-",
                  color=colour, lw=0.9)  # fmt: skip
        last = mine.loc[mine["information"].idxmax()]
        ends.append((bits[1], last["rounds"], f"f = {factor:g}", colour))
    axes.set(xlabel="bits of the output", ylabel="rounds", ylim=(0, top))
    style.label_ends(axes, ends)
    return axes


@style.styled
def plot_bounds(frame: pd.DataFrame, ax: Axes | None = None, *, law: str | None = None) -> Axes:
    """Mean rounds of a law against the factor, beside the published and the corrected bound."""
    axes = style.axes_or_new(ax)
    means = frame[frame["kind"] == "mean"]
    chosen = means["law"].iloc[0] if law is None else law
    mine = means[means["law"] == chosen].sort_values("factor")
    ends = []
    for name, label, colour, line in (
        ("printed", "published\nbound", style.VERMILION, "s--"),
        ("rounds", "rounds", style.BLACK, "o-"),
        ("corrected", "corrected\nbound", style.BLUE, "^-."),
    ):
        axes.plot(mine["factor"], mine[name], line, color=colour, ms=3.5)
        ends.append((mine["factor"].iloc[-1], mine[name].iloc[-1], label, colour))
    axes.set(xlabel="factor f", ylabel="rounds, mean", ylim=(0, None))
    style.label_ends(axes, ends)
    return axes


@style.styled
def plot_budget(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Bits of a round that obeys the rule against the factor, below the budget."""
    axes = style.axes_or_new(ax)
    means = frame[(frame["kind"] == "mean") & (frame["obeying_rounds"] > 0)].sort_values("factor")
    means = means[means["table"] == TABLES[0]]
    budget = means.groupby("factor")["budget"].first()
    axes.plot(budget.index, budget, "-", color=style.BLACK)
    ends = [(budget.index[-1], budget.iloc[-1], "budget\nG(f)", style.BLACK)]
    for (law, mine), colour, marker in zip(
        means.groupby("law", sort=False), style.CYCLE, style.MARKERS, strict=False
    ):
        bits = mine["obeying_bits"] / mine["obeying_rounds"]
        axes.plot(mine["factor"], bits, marker + ":", color=colour, ms=3.5, lw=0.8)
        ends.append(
            (
                mine["factor"].iloc[-1],
                bits.iloc[-1],
                law.replace(" and", "\nand").replace(", ", ",\n"),
                colour,
            )
        )
    axes.set(xlabel="factor f", ylabel="bits of an obeying round", ylim=(0, None))
    style.label_ends(axes, ends)
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """The three panels; a row of two more for each task of a network."""
    decodes = frame[frame["kind"] == "decode"]
    networks = decodes.loc[decodes["table"] != TABLES[0], "law"].unique()
    rows = 1 + len(networks)
    figure, panels = plt.subplots(
        rows, 3, figsize=(style.PAGE, 2.3 * rows), layout="constrained", squeeze=False
    )
    for axes, panel, letter in zip(panels[0], (plot, plot_bounds, plot_budget), "abc", strict=True):
        panel(frame, axes)
        axes.set_title(f"({letter})", loc="left")
    for (left, middle, right), law in zip(panels[1:], networks, strict=True):
        plot(frame, left, law=law).set_title(law, loc="left")
        plot_bounds(frame, middle, law=law)
        right.set_axis_off()
    return figure
