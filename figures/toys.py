"""Error against rounds: bounds and decoders on three laws, for the first page of the README."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style, tables

LAWS = {"replace_random(6)": "replace", "permutations(6)": "shuffle", "titanic": "records"}
"""Law -> the study that measured it."""

TABLES = tuple(f"toy/{study}.csv" for study in LAWS.values())
CAPTION = """Bits lost against rounds on three laws: the best fixed partition (blue, with what no
fixed order reaches shaded), the best sizes in random order (dashed; on the first two laws the
curves coincide), and decoders with a finite KL, exactly. Two random tokens a round lose more than
the best partition does in as many rounds. Factor 1 lies below the blue line on replace_random: its
order depends on the values it has revealed, which a fixed order cannot do."""

DECODERS = {
    "one by one": {"marker": "o", "color": style.BLACK, "mfc": "none", "ms": 9},
    "top-2 random": {"marker": "D", "color": style.GREEN, "mfc": "none", "ms": 9},
    "top-2 confidence": {"marker": "s", "color": style.PURPLE, "ms": 5},
    "threshold .9": {"marker": "^", "color": style.BLACK, "ms": 6},
    "factor 1": {"marker": "v", "color": style.VERMILION, "ms": 6},
}
SIZE = (8.6, 3.2)


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None, *, law: str = "replace_random(6)") -> Axes:
    """One law: bits lost against rounds, of the bounds and of every decoder with a finite KL."""
    axes = style.axes_or_new(ax)
    mine = frame[frame["law"] == law]
    for kind, label, colour, line in (
        ("random_order", "best sizes in random order", style.AMBER, "--"),
        ("fixed_partition", "best fixed partition $L^*_T$", style.BLUE, "-"),
    ):
        curve = mine[mine["kind"] == kind].sort_values("rounds")
        axes.plot(curve["rounds"], curve["kl"], line, color=colour, label=label, zorder=2)
    axes.fill_between(curve["rounds"], curve["kl"], color=style.BLUE, alpha=0.10, linewidth=0)
    axes.set_xticks(curve["rounds"])
    decoders = mine[(mine["kind"] == "decoder") & np.isfinite(mine["kl"])]
    for name, marks in DECODERS.items():
        rows = decoders[(decoders["name"] == name) & decoders["rounds"].notna()]
        if len(rows):
            axes.plot(rows["rounds"], rows["kl"], ls="none", label=name, zorder=3, clip_on=False,
                      **marks)  # fmt: skip
    axes.set(title=law, xlabel=style.ROUNDS, ylabel=style.BITS)
    axes.set_ylim(bottom=0)
    return axes


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a law."""
    figure, [panels] = plt.subplots(1, len(LAWS), figsize=SIZE, layout="constrained", squeeze=False)
    for axes, law in zip(panels, LAWS, strict=True):
        plot(frame, axes, law=law)
    for axes in panels[1:]:
        axes.set_ylabel("")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def main(folder: Path, output: Path) -> None:
    """The figure of any tables of these studies, as a file."""
    found = tables.read([f"{study}.csv" for study in LAWS.values()], results=folder)
    with plt.rc_context(style.RC):
        figure = draw(found)
        figure.savefig(output)
        plt.close(figure)
