"""Information curves, and where the best sizes of a random order cut them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style

TABLES = ("toy/curves.csv",)
CAPTION = """What j - 1 random positions tell about another one (Z_j, solid), on laws of 32
positions, and the best sizes of four rounds in uniformly random order. In a round every position
is drawn as if it were its first (staircase): the shaded area is what the schedule loses, in bits.
The best sizes follow the slope of the curve: rounds are short where it is steep, at the end of a
shuffle, where the last items are nearly certain, and at the beginning of an insertion."""

ROUNDS = 4


@style.styled
def plot(
    frame: pd.DataFrame, ax: Axes | None = None, *, law: str = "shuffle", rounds: int = ROUNDS
) -> Axes:
    """One law: its curve, and its best schedule of so many rounds."""
    axes = style.axes_or_new(ax)
    mine = frame[frame["law"] == law]
    curve = mine[mine["kind"] == "curve"].sort_values("position")["bits"].to_numpy()
    [best] = mine[(mine["kind"] == "best") & (mine["rounds"] == rounds)].to_dict("records")
    sizes = np.array([int(size) for size in best["sizes"].split("-")])
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    position = np.arange(1, len(curve) + 1)
    stairs = curve[starts]
    axes.fill_between(position, stairs, curve, color=style.VERMILION, alpha=0.25, lw=0)
    axes.plot(position, stairs, color=style.VERMILION, lw=0.9, ds="steps-post")
    axes.plot(position, curve, color=style.BLUE)
    axes.set(xlabel="position j", ylabel="$Z_j$, bits", ylim=(0, None), xlim=(1, len(curve)))
    axes.set_xticks([1, 8, 16, 24, 32])
    axes.set_title(f"{law}\n{best['sizes'].replace('-', ' + ')}: {best['bits']:.2f} bits")
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a law."""
    laws = frame["law"].unique()
    figure, panels = plt.subplots(2, 3, figsize=(style.PAGE, 3.6), layout="constrained")
    for axes, law in zip(panels.flat, laws, strict=True):
        plot(frame, axes, law=law)
    for axes in panels[0]:
        axes.set_xlabel("")
    for axes in panels[:, 1:].flat:
        axes.set_ylabel("")
    return figure
