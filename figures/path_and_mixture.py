"""Path KL against the KL of what is put out, of every decoder that mixes orders."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures import style

TABLES = ("toy/frontiers.csv",)
CAPTION = """Every decoder of `toy.frontiers` whose order is partly random: the expected KL of its
paths (each order by itself, across) and the KL of its output, the mixture over them (up). No point
lies above the diagonal. What lies below it is gained by not knowing the order afterwards. Open
squares: outputs that lose less than any choice among fixed partitions can with as many rounds;
L*_T bounds fixed orders, not their mixtures."""

LEAST = 0.0004
"""Bits at the end of the logarithmic axes."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """A point a decoder, on logarithmic axes."""
    axes = style.axes_or_new(ax, (style.COLUMN, 2.9))
    mixed = frame[(frame["row"] == "decoder") & (frame["kind"] == "mixture")]
    mixed = mixed[np.isfinite(mixed["kl"]) & (mixed["kl"] > LEAST)]
    below = mixed["below_fixed"] > 1e-9
    low, high = LEAST, 1.3 * mixed["path_kl"].max()
    axes.plot([low, high], [low, high], "-", color=style.GREY, lw=0.8)
    axes.text(0.002, 0.0026, "nothing gained", rotation=45, color=style.GREY, fontsize=7,
              rotation_mode="anchor")  # fmt: skip
    for rows, colour, marker, filled in (
        (mixed[~below], style.BLUE, ".", True), (mixed[below], style.VERMILION, "s", False),
    ):  # fmt: skip
        axes.plot(rows["path_kl"], rows["kl"], marker, color=colour, ls="none",
                  mfc=colour if filled else "none", ms=3.5, mew=0.7)  # fmt: skip
    axes.text(0.97, 0.16, "below the best\nfixed partitions", color=style.VERMILION, fontsize=7,
              transform=axes.transAxes, ha="right")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.set(xlabel="path KL, bits", ylabel="KL(data ‖ output), bits")
    return axes
