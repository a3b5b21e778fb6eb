"""One token a round by a perfect model, chosen by the confidence of drawn tokens: the bias."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from figures import style

TABLES = ("toy/floors.csv",)
SIZE = (style.COLUMN, 3.6)
DECODER = "one by one drawn"
CAPTION = """KL of decoding one position a round with a perfect model, if all tokens are drawn
first and the position whose drawn token is most probable is committed, as released decoders do
(circles); diamonds: what drawing everything at once loses. Choosing before drawing loses nothing
one by one, on every law. Drawing first prefers probable tokens, on most laws that are not
symmetric: on eight *independent* bits it loses seven bits, where all at once loses none. Such
decoders have a cost that no number of rounds removes."""

NAMES = {
    "variable_names(2 identifiers in 5 slots)": "variable names",
    "phrases(New York, Mexico City, New Orleans)": "phrases",
    "hidden_markov(2 states, 6 tokens, length=4)": "hidden Markov model",
    "mixture(copy(5), permutations(5); 0.5, 0.5)": "copy(5) or shuffle(5)",
    "eight bits, P(0) = 5/9": "eight biased bits",
    "all eight bits but 11111111": "8 bits, not all 1",
    "article(8 nouns)": "article and noun",
    "sudoku(1... ..3. .... 4...)": "sudoku, 4 clues",
    "markov_chain(2 states, length=7)": "Markov chain of 7",
    "markov_chain(3 states, length=6)": "Markov chain, 3 states",
    "words(4, weighted=True)": "words of 4 letters",
    "words(3)": "words of 3 letters",
}
"""Laws whose names are too long."""

LEFT_OUT = ("words(3, weighted=True, most=200)", "markov_chain(2 states, length=6)",
            "insert_random(4)", "profile_records(60)")  # fmt: skip
"""Laws like others that are shown."""


@style.styled
def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """A row a law that is biased, the worst on top."""
    axes = style.axes_or_new(ax, SIZE)
    rows = frame[(frame["decoder"] == DECODER) & (frame["kl"] > 1e-9)]
    rows = rows[~rows["law"].isin(LEFT_OUT)].sort_values("kl")
    for height, row in enumerate(rows.itertuples()):
        axes.plot([row.one_round, row.kl], [height] * 2, "-", color=style.GREY, lw=0.5)
    axes.plot(rows["one_round"], range(len(rows)), "D", color=style.BLUE, ms=3.5, mfc="white",
              clip_on=False)  # fmt: skip
    axes.plot(rows["kl"], range(len(rows)), "o", color=style.VERMILION, ms=4, clip_on=False)
    axes.set_yticks(range(len(rows)), [NAMES.get(law, law) for law in rows["law"]])
    axes.set(xlabel=style.BITS, xlim=(0, None), ylim=(-0.6, len(rows) - 0.4))
    axes.tick_params(axis="y", length=0, pad=6)
    axes.text(0.97, 0.30, "one by one,\ndrawn first", color=style.VERMILION, fontsize=7, ha="right",
              transform=axes.transAxes)  # fmt: skip
    axes.text(0.97, 0.22, "all at once", color=style.BLUE, fontsize=7, ha="right",
              transform=axes.transAxes)  # fmt: skip
    return axes
