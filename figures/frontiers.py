"""Frontiers of four toys: error and validity against rounds, from ``python -m toy frontiers``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures import style
from figures._frontiers import KINDS, curve, short

TABLES = ("toy/frontiers.csv",)
LAWS = ("replace_random(6)", "derangements(5)", "insert_random(5)",
        "words(3, weighted=True, most=60)")  # fmt: skip
CAPTION = """All strategies with all their settings on four toys: KL above, validity below,
against expected rounds. Colours are kinds of decoders, shapes families of strategies; filled marks
are undominated. A thin line leads from an output to its path on data, which the adaptive optimum
(dotted) bounds. The oracle threshold is the star. Undominated are few, and they change from law to
law: adaptive rules where the values decide what is certain, mixtures of orders elsewhere."""

STARS = [(4, 0), (4, 45), (6, 0), (3, 0), (3, 180), (3, 90), (3, 270), (8, 0)]
MARKERS = (*"osD^vP<>Xdp", *((rays, 1, angle) for rays, angle in STARS), "h")
"""Families of strategies take these in turn, the most often undominated first."""

QUANTITIES = {"kl": style.BITS, "validity": style.VALIDITY}
Marker = str | tuple[int, int, int]


def markers_of(frame: pd.DataFrame) -> dict[str, Marker]:
    """Family -> its shape."""
    decoders = frame[(frame["row"] == "decoder") & (frame["family"] != "AdaptiveOptimum")]
    best = decoders.assign(pareto=decoders["pareto"].astype(bool)).groupby("family")["pareto"].sum()
    ranked = sorted(best.index, key=lambda family: (-best[family], family))
    return {family: MARKERS[k % len(MARKERS)] for k, family in enumerate(ranked)}


@style.styled
def plot(
    frame: pd.DataFrame, ax: Axes | None = None, *, law: str = LAWS[0], quantity: str = "kl"
) -> Axes:
    """``"kl"`` or ``"validity"`` of every decoder of a law, on the curves of the bounds.

    Those with more rounds than positions are left out: one by one takes fewer and loses nothing.
    """
    axes = style.axes_or_new(ax)
    fixed = curve(frame, law, "fixed_partition")
    if quantity == "kl":
        random, best = (curve(frame, law, row) for row in ("random_order", "adaptive"))
        axes.plot(random["rounds"], random["kl"], "--", color=style.SKY, zorder=3,
                  label="best random order")  # fmt: skip
        axes.plot(fixed["rounds"], fixed["kl"], "-", color=style.BLUE, zorder=3,
                  label="best fixed partition $L^*_T$")  # fmt: skip
        axes.plot(best["rounds"], best["kl"], ":", color=style.BLACK, lw=1.5, zorder=3.5,
                  label="adaptive optimum\n(of paths, on data)")  # fmt: skip
    else:
        axes.plot(fixed["rounds"], 2.0 ** -fixed["kl"], "-", color=style.BLUE, zorder=3,
                  label="floor $2^{-L^*_T}$")  # fmt: skip
        oracle = curve(frame, law, "oracle")
        oracle = oracle[oracle["kind"] == "shared"]
        axes.plot(oracle["rounds"], oracle["validity"], "*", color="white", mec=style.BLACK, ms=11,
                  ls="none", zorder=5, label="oracle threshold")  # fmt: skip
    length = int(fixed["length"].iloc[0])
    _decoders(axes, frame[frame["law"] == law], markers_of(frame), quantity, length)
    top = fixed["kl"].iloc[0] if quantity == "kl" else 1.0
    axes.set_ylim(-0.02 * top, 1.05 * top)
    axes.set_xlim(1 - 0.05 * length, 1.05 * length)
    axes.set_xticks(range(1, length + 1))
    axes.set(xlabel=style.ROUNDS, ylabel=QUANTITIES[quantity], title=short(law))
    return axes


def _decoders(
    axes: Axes, rows: pd.DataFrame, markers: Mapping[str, Marker], quantity: str, length: int
) -> None:
    """Marks: colour by kind, shape by family, filled and larger where undominated."""
    decoders = rows[(rows["row"] == "decoder") & rows["family"].isin(list(markers))]
    decoders = decoders[(decoders["rounds"] <= length) & np.isfinite(decoders[quantity])]
    for (family, kind), mine in decoders.groupby(["family", "kind"], sort=False):
        colour = KINDS[kind][0]
        for best, some in mine.groupby(mine["pareto"].astype(bool)):
            [marks] = axes.plot(
                some["rounds"], some[quantity], marker=markers[family], color=colour, ls="none",
                ms=5.5 if best else 3.5, mfc=colour if best else "none", mew=0.7,
                alpha=1 if best else 0.7, zorder=4 if best else 2,
            )  # fmt: skip
            marks.set_clip_on(False)
            marks.set_in_layout(False)
        if quantity == "kl":
            with_path = mine[mine["path_kl"].notna()]
            ends = [with_path[["rounds", "data_rounds"]].T, with_path[["kl", "path_kl"]].T]
            axes.plot(*ends, color=colour, lw=0.5, alpha=0.5, zorder=1.5)


def draw(frame: pd.DataFrame) -> Figure:
    """Two panels a law, and what colours and shapes mean."""
    figure, panels = plt.subplots(
        2, len(LAWS), figsize=(1.5 * style.PAGE, 6.4), layout="constrained", squeeze=False
    )
    for column, law in zip(panels.T, LAWS, strict=True):
        for axes, quantity in zip(column, QUANTITIES, strict=True):
            plot(frame, axes, law=law, quantity=quantity)
        column[0].set_xlabel("")
        column[1].set_title("")
    for axes in panels[:, 1:].flat:
        axes.set_ylabel("")
    panels[0, 1].legend(loc="upper right", labelcolor="linecolor")
    panels[1, 0].legend(loc="lower right")
    shown = frame[(frame["row"] == "decoder") & frame["law"].isin(LAWS)]
    handles = [
        Line2D([], [], color=colour, marker="s", ls="none", label=name)
        for kind, (colour, _, name) in KINDS.items() if (shown["kind"] == kind).any()
    ]  # fmt: skip
    handles.append(Line2D([], [], color=style.GREY, marker="o", ls="none",
                          label="filled: undominated"))  # fmt: skip
    handles += [
        Line2D([], [], color=style.BLACK, marker=marker, mfc="none", ls="none", label=family)
        for family, marker in markers_of(frame).items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6)
    return figure


def main(table: Path, output: Path) -> None:
    """The figure of any such table, as a file."""
    with plt.rc_context(style.RC):
        figure = draw(pd.read_csv(table))
        figure.savefig(output)
        plt.close(figure)
