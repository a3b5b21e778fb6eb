"""Frontiers of four toys: error and validity against rounds, from ``python -m toy.frontiers``."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

TABLE = Path("results/toy/frontiers.csv")
OUTPUT = Path("docs/images/frontier.svg")
LAWS = ("replace_random(6)", "derangements(5)", "insert_random(5)",
        "words(3, weighted=True, most=60)")  # fmt: skip

BLUE, SKY, ORANGE, AMBER = "#0072B2", "#56B4E9", "#D55E00", "#E69F00"
GREEN, PURPLE, GREY, BLACK = "#009E73", "#CC79A7", "#777777", "#000000"
KINDS = {
    "inside": (GREEN, "chooses, then draws"),
    "mixture": (ORANGE, "the same, mixing orders"),
    "draws first": (PURPLE, "draws, then chooses"),
    "revising": (AMBER, "revises"),
    "greedy": (GREY, "greedy in part"),
}
"""Kind of decoder -> its colour, and what to call it."""

STARS = [(4, 0), (4, 45), (6, 0), (3, 0), (3, 180), (3, 90), (3, 270), (8, 0)]
MARKERS = (*"osD^vP<>Xdp", *((rays, 1, angle) for rays, angle in STARS), "h")
"""Families of strategies take these in turn, the most often undominated first."""

SIZE = (11, 7)
STYLE = {"font.size": 9, "svg.hashsalt": "infodecode", "svg.fonttype": "path"}
Row = Mapping[str, str]
Marker = str | tuple[int, int, int]


def read(path: Path) -> list[Row]:
    """The rows of a table, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def curve(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    """Rounds and bits of one of the curves."""
    mine = [row for row in rows if row["row"] == name]
    return [float(row["rounds"]) for row in mine], [float(row["kl"]) for row in mine]


def points(axes: Axes, rows: Sequence[Row], markers: Mapping[str, Marker], quantity: str) -> None:
    """Decoders as marks: colour by kind, shape by family, filled and larger where undominated.

    Those with more rounds than positions are left out: one by one takes fewer and loses nothing.
    """
    for row in rows:
        if row["family"] not in markers or not row[quantity]:
            continue
        rounds, value = float(row["rounds"]), float(row[quantity])
        if rounds > int(row["length"]) or not math.isfinite(value):
            continue
        colour, _ = KINDS[row["kind"]]
        best = row["pareto"] == "True"
        [mark] = axes.plot(
            rounds, value, marker=markers[row["family"]], color=colour, ls="none", clip_on=False,
            ms=6 if best else 4, mfc=colour if best else "none", mew=0.8,
            alpha=1 if best else 0.7, zorder=4 if best else 2,
        )  # fmt: skip
        mark.set_in_layout(False)
        if quantity == "kl" and row["path_kl"]:
            ends = (rounds, float(row["data_rounds"])), (value, float(row["path_kl"]))
            axes.plot(*ends, color=colour, lw=0.6, alpha=0.5, zorder=1.5)


def draw_error(axes: Axes, rows: Sequence[Row], markers: Mapping[str, Marker]) -> None:
    """KL against rounds, on the curves."""
    fixed = curve(rows, "fixed_partition")
    axes.plot(
        *curve(rows, "random_order"), "--", color=SKY, lw=1.4, zorder=3, label="best random order"
    )
    axes.plot(*fixed, "-", color=BLUE, lw=1.4, zorder=3, label="best fixed partition $L^*_T$")
    axes.plot(
        *curve(rows, "adaptive"), ":", color=BLACK, lw=1.6, zorder=3.5,
        label="adaptive optimum\n(of paths, on data)",
    )  # fmt: skip
    points(axes, rows, markers, "kl")
    top = fixed[1][0]
    axes.set_ylim(-0.02 * top, 1.05 * top)


def draw_validity(axes: Axes, rows: Sequence[Row], markers: Mapping[str, Marker]) -> None:
    """Validity against rounds, with the floor of fixed partitions and the oracle."""
    rounds, bits = curve(rows, "fixed_partition")
    floor = [2.0**-b for b in bits]
    axes.plot(rounds, floor, "-", color=BLUE, lw=1.4, zorder=3, label="floor $2^{-L^*_T}$")
    points(axes, rows, markers, "validity")
    for row in rows:
        if row["row"] == "oracle" and row["kind"] == "shared":
            axes.plot(
                float(row["rounds"]), float(row["validity"]), "*", color="white", mec=BLACK,
                ms=13, ls="none", clip_on=False, zorder=5, label="oracle threshold",
            )  # fmt: skip
    axes.set_ylim(0, 1.02)


def main(table: Path = TABLE, output: Path = OUTPUT) -> None:
    """Read the table, draw two panels a law, write the picture."""
    rows = read(table)
    found = [row for row in rows if row["row"] == "decoder" and row["law"] in LAWS]
    marks = Counter(row["family"] for row in found if row["pareto"] == "True")
    families = {row["family"] for row in found} - {"AdaptiveOptimum"}
    ranked = sorted(families, key=lambda family: (-marks[family], family))
    markers = {family: MARKERS[k % len(MARKERS)] for k, family in enumerate(ranked)}
    with mpl.rc_context(STYLE):
        figure, panels = plt.subplots(
            2, len(LAWS), figsize=SIZE, layout="constrained", squeeze=False, sharex="col"
        )
        for (error, validity), law in zip(panels.T, LAWS, strict=True):
            mine = [row for row in rows if row["law"] == law]
            draw_error(error, mine, markers)
            draw_validity(validity, mine, markers)
            error.set_title(law.replace("weighted=True, ", ""))
            validity.set_xlabel("expected rounds")
            length = int(mine[0]["length"])
            validity.set_xticks(range(1, length + 1))
            validity.set_xlim(1 - 0.05 * length, 1.05 * length)
            for axes in (error, validity):
                axes.spines[["top", "right"]].set_visible(False)
        panels[0, 0].set_ylabel("KL(data ‖ output), bits")
        panels[1, 0].set_ylabel("validity")
        panels[0, 1].legend(loc="upper right", frameon=False, labelcolor="linecolor")
        panels[1, 0].legend(loc="lower right", frameon=False)
        figure.legend(
            handles=legend(found, markers), loc="outside lower center", ncols=6, frameon=False
        )
        output.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(output, metadata={"Date": None} if output.suffix == ".svg" else None)
        plt.close(figure)


def legend(rows: Sequence[Row], markers: Mapping[str, Marker]) -> list[Line2D]:
    """What colours and shapes mean."""
    kinds = dict.fromkeys(row["kind"] for row in rows)
    colours = [
        Line2D([], [], color=colour, marker="s", ls="none", label=label)
        for kind, (colour, label) in KINDS.items()
        if kind in kinds
    ]
    shapes = [
        Line2D([], [], color=BLACK, marker=marker, mfc="none", ls="none", label=family)
        for family, marker in markers.items()
    ]
    filled = Line2D([], [], color=GREY, marker="o", ls="none", label="filled: undominated")
    return [*colours, filled, *shapes]
