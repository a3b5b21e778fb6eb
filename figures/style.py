"""One look for every figure: readable in print at the width of a column, safe in colour blindness.

Colours are Okabe and Ito's; what differs in colour also differs in line or marker. Lines carry
their names at their ends (`label_ends`) rather than in a legend. Sizes are inches: `COLUMN` is the
width of a column of a paper in two columns, `PAGE` that of both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

BLUE, SKY, VERMILION, AMBER = "#0072B2", "#56B4E9", "#D55E00", "#E69F00"
GREEN, PURPLE, YELLOW, BLACK, GREY = "#009E73", "#CC79A7", "#F0E442", "#000000", "#777777"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, AMBER, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

COLUMN, PAGE = 3.35, 6.9
SIZE = (COLUMN, 2.5)
"""Of a figure with one panel."""

RC = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "errorbar.capsize": 1.5,
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "svg.hashsalt": "infodecode",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}
BITS = "KL(data ‖ output), bits"
ROUNDS = "expected rounds"
VALIDITY = "validity"

End = tuple[float, float, str, str]
P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """A function that draws, with the style of this file while it runs."""

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return inside


def axes_or_new(ax: Axes | None, size: tuple[float, float] = SIZE) -> Axes:
    """``ax``, or the axes of a new figure."""
    if ax is not None:
        return ax
    _, made = plt.subplots(figsize=size, layout="constrained")
    return made


def interval_bars(
    ax: Axes, x: pd.Series, value: pd.Series, low: pd.Series, high: pd.Series, **marks: object
) -> None:
    """Points with their intervals; without one where it is unknown."""
    below, above = (value - low).fillna(0).clip(lower=0), (high - value).fillna(0).clip(lower=0)
    marks = {"ls": "none", "elinewidth": 0.8, "zorder": 4} | marks
    ax.errorbar(x, value, yerr=[below, above], **marks)


def label_ends(ax: Axes, ends: Sequence[End], *, size: float = 7, pad: float = 5) -> None:
    """Names beside points, moved apart vertically until none covers another.

    Call it last: it needs the final limits.

    Args:
        ax: where the points are.
        ends: (x, y, text, colour) of each, in data coordinates; the text begins right of x.
        size: of the text, points.
        pad: between point and text, points.
    """
    ax.figure.draw_without_rendering()
    dpi = ax.figure.dpi
    line = 1.2 * size * dpi / 72
    order = sorted(range(len(ends)), key=lambda i: ax.transData.transform(ends[i][:2])[1])
    wanted = [float(ax.transData.transform(ends[i][:2])[1]) for i in order]
    heights = [line * (ends[i][2].count("\n") + 1) for i in order]
    for index, moved in zip(order, _apart(wanted, heights), strict=True):
        x, y, text, colour = ends[index]
        shift = (moved - ax.transData.transform((x, y))[1]) * 72 / dpi
        ax.annotate(
            text, (x, y), xytext=(pad, shift), textcoords="offset points", ha="left", va="center",
            color=colour, fontsize=size, annotation_clip=False, linespacing=1.05,
        )  # fmt: skip


def _apart(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Increasing centres moved as little as needed for intervals of these heights not to meet."""
    groups: list[tuple[list[float], list[float]]] = []
    for centre, height in zip(wanted, heights, strict=True):
        groups.append(([centre], [height]))
        while len(groups) > 1:
            (low_c, low_h), (high_c, high_h) = groups[-2:]
            if (
                _placed(low_c, low_h)[-1] + (low_h[-1] + high_h[0]) / 2
                <= _placed(high_c, high_h)[0]
            ):
                break
            groups[-2:] = [(low_c + high_c, low_h + high_h)]
    return [centre for centres, sizes in groups for centre in _placed(centres, sizes)]


def _placed(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Centres of a stack without gaps, around the mean of where they should be."""
    offsets = [sum(heights[:i]) + heights[i] / 2 for i in range(len(heights))]
    start = sum(w - o for w, o in zip(wanted, offsets, strict=True)) / len(wanted)
    return [start + offset for offset in offsets]
