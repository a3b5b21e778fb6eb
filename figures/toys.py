"""Error against rounds: bounds and decoders on three laws, from the tables of ``python -m toy``."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

TABLES = Path("results/toy")
OUTPUT = Path("docs/images/toys.svg")
LAWS = {"replace_random(6)": "replace", "permutations(6)": "shuffle", "titanic": "records"}
"""Law -> the study that measured it."""

BLUE, ORANGE, GREEN, PURPLE, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000"
DECODERS = {
    "one by one": {"marker": "o", "color": BLACK, "mfc": "none", "ms": 9},
    "top-2 random": {"marker": "D", "color": GREEN, "mfc": "none", "ms": 9},
    "top-2 confidence": {"marker": "s", "color": PURPLE, "ms": 5},
    "threshold .9": {"marker": "^", "color": BLACK, "ms": 6},
    "factor 1": {"marker": "v", "color": ORANGE, "ms": 6},
}
SIZE = (8.6, 3.2)
STYLE = {"font.size": 9, "svg.hashsalt": "infodecode", "svg.fonttype": "path"}


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a table, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def draw(axes: Axes, rows: Sequence[Mapping[str, str]], law: str) -> None:
    """One law: bits lost against rounds, of the bounds and of every decoder with a finite KL."""
    mine = [row for row in rows if row["law"] == law]
    for kind, label, colour, style in (
        ("random_order", "best sizes in random order", ORANGE, "--"),
        ("fixed_partition", "best fixed partition $L^*_T$", BLUE, "-"),
    ):
        curve = [(int(row["rounds"]), float(row["kl"])) for row in mine if row["kind"] == kind]
        axes.plot(*zip(*curve, strict=True), style, color=colour, label=label, zorder=2)
        if kind == "fixed_partition":
            axes.fill_between(*zip(*curve, strict=True), color=BLUE, alpha=0.10, linewidth=0)
            axes.set_xticks([t for t, _ in curve])
    for row in mine:
        if row["kind"] == "decoder" and row["name"] in DECODERS and math.isfinite(float(row["kl"])):
            axes.plot(
                float(row["rounds"]), float(row["kl"]), ls="none", label=row["name"],
                zorder=3, clip_on=False, **DECODERS[row["name"]],
            )  # fmt: skip
    axes.set_title(law)
    axes.set_xlabel("rounds (expected)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(bottom=0)


def main(tables: Path = TABLES, output: Path = OUTPUT) -> None:
    """Read the tables, draw a panel a law, write the picture."""
    with mpl.rc_context(STYLE):
        figure, [panels] = plt.subplots(
            1, len(LAWS), figsize=SIZE, layout="constrained", squeeze=False
        )
        for axes, (law, study) in zip(panels, LAWS.items(), strict=True):
            draw(axes, read(tables / f"{study}.csv"), law)
        panels[0].set_ylabel("KL(data ‖ output), bits")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        output.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(output, metadata={"Date": None} if output.suffix == ".svg" else None)
        plt.close(figure)
