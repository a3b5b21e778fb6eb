"""From Bits to Rounds, Figure 5: seconds of a batched forward pass against the batch."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from figures import style

TABLES = ("llm/gpu_latency.csv",)
"""Columns: model, device, length, batch, seconds, low, high (median, 10% and 90% quantiles)."""

CAPTION = """Seconds of one batched forward pass against the number of sequences in it: the median
of repetitions with 10% and 90% quantiles. As long as a curve is flat, a look-ahead at so many
candidates is free, and a batched call may count as one round; where it rises, look-ahead has to
save rounds for what its calls cost."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """A line a device and length."""
    axes = style.axes_or_new(ax)
    ends = []
    groups = frame.sort_values("batch").groupby(["model", "device", "length"], sort=False)
    for ((_, device, length), mine), colour, marker in zip(
        groups, style.CYCLE, style.MARKERS, strict=False
    ):
        style.interval_bars(axes, mine["batch"], mine["seconds"], mine["low"], mine["high"],
                            color=colour, marker=marker, ls="-")  # fmt: skip
        last = mine.iloc[-1]
        ends.append((last["batch"], last["seconds"], f"{device}\n{length} positions", colour))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="sequences in a batch", ylabel="seconds of a forward pass", ylim=(0, None))
    style.label_ends(axes, ends)
    return axes
