"""What figures of ``toy/frontiers.csv`` have in common."""

from __future__ import annotations

import pandas as pd

from figures import style

KINDS = {
    "inside": (style.GREEN, "o", "chooses, then draws"),
    "mixture": (style.VERMILION, "s", "the same, mixing orders"),
    "draws first": (style.PURPLE, "D", "draws, then chooses"),
    "revising": (style.AMBER, "^", "revises"),
    "greedy": (style.GREY, "v", "greedy in part"),
}
"""Kind of decoder -> its colour, its marker, and what to call it."""

SHORT = {
    "variable_names(2 identifiers in 5 slots)": "variable names",
    "phrases(New York, Mexico City, New Orleans)": "phrases",
    "article(8 nouns)": "article and noun",
    "linear_code([5, 3])": "linear code (5, 3)",
    "markov_chain(2 states, length=5)": "Markov chain of 5",
    "words(3, weighted=True, most=60)": "60 words of 3 letters",
    "mixture(copy(4), permutations(4); 0.5, 0.5)": "copy(4) or shuffle(4)",
    "concatenate(replace_random(3), permutations(2))": "replace(3) + shuffle(2)",
}
"""Names of laws that are too long for the title of a panel."""


def short(law: str) -> str:
    """A law's name as a title."""
    return SHORT.get(law, law)


def curve(frame: pd.DataFrame, law: str, row: str) -> pd.DataFrame:
    """Rounds and bits of one of the curves of a law."""
    return frame[(frame["law"] == law) & (frame["row"] == row)].sort_values("rounds")
