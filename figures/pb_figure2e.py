"""ParallelBench, Figure 2e: thresholds on ten items."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from figures import _lists, style

TABLES, EXTRA = _lists.TABLES, _lists.EXTRA
CAPTION = """Accuracy of the confidence threshold on ten items against the threshold, with exact
marginals: *Shuffle* (the same greedy and at temperature 1), *Replace Random* greedy and at
temperature 1. *Shuffle* needs a threshold of 1/2, *Replace Random* one of 9/10 (PB-14, PB-15): one
threshold that suits both is as slow as the harder of them. With exact marginals no curve falls as
the threshold rises, so that the opposite trends that the paper reports of a fine-tuned model are
the model's."""

LINES = (
    ("shuffle", 1.0, style.BLUE, "-", "shuffle"),
    ("replace random", 1.0, style.GREEN, "--", "replace random"),
    ("replace random", 0.0, style.VERMILION, "-", "the same,\ngreedy"),
)
"""Task, temperature, colour, line and name of each curve."""

PLACES = {"shuffle": (0.46, 0.6), "replace random": (0.55, 0.48), "the same,\ngreedy": (0.6, 0.1)}


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Accuracy against the threshold."""
    axes = style.axes_or_new(ax)
    gates = frame[frame["gamma"].notna()].sort_values("gamma")
    gates = gates[gates["length"] == gates.loc[gates["table"] == TABLES[0], "length"].iloc[0]]
    for task, temperature, colour, line, name in LINES:
        mine = gates[(gates["task"] == task) & (gates["temperature"] == temperature)]
        toy = mine[mine["table"] == TABLES[0]]
        _lists.draw_kinds(
            axes, toy, mine[mine["table"] != TABLES[0]], "gamma", colour, line,
            steps="steps-post",
        )  # fmt: skip
        axes.text(*PLACES[name], name, color=colour, fontsize=7, ha="right" if name == "shuffle"
                  else "left", va="center")  # fmt: skip
    axes.set(xlabel="threshold γ", ylabel="accuracy (validity), n = 10", ylim=(-0.03, 1.05))
    axes.set_xlim(0, 1)
    trained = (gates["table"] != TABLES[0]).any()
    _lists.key(axes, trained=trained, loc="upper left")
    return axes
