"""What figures of ``toy/exploration*.csv`` have in common."""

from __future__ import annotations

from figures import style

RULES = {
    "random order": (style.BLUE, "o", "one by one, any order"),
    "pairs": (style.SKY, "s", "two a round, random"),
    "drawn confidence": (style.VERMILION, "D", "drawn confidence"),
    "greedy": (style.GREY, "X", "greedy"),
    "local tempering": (style.AMBER, "^", "local tempering"),
    "local, left to right": (style.AMBER, "<", "local, left to right"),
    "mean-field": (style.PURPLE, "v", "mean-field"),
    "token IMH": (style.PURPLE, "P", "token IMH"),
    "sequence IMH, 1": (style.GREEN, "s", "sequence IMH, 1 move"),
    "sequence IMH, 4": (style.GREEN, "p", "sequence IMH, 4 moves"),
    "exact power": (style.BLACK, "*", "exact power law"),
}
"""Rule of `toy.exploration_rules` -> its colour, its marker, and what to call it."""

SHORT = {
    "markov_chain(3 states, length=6)": "Markov chain, 3 states",
    "markov_chain(2 states, length=6)": "Markov chain, 2 states",
    "words(3, weighted=True, most=200)": "200 words of 3 letters",
    "variable_names(2 identifiers in 5 slots)": "variable names",
    "titanic": "Titanic",
    "permutations(4)": "shuffle(4)",
    "replace_random(6)": "replace random (6)",
}
"""Names of laws as titles."""
