"""The baseline: a plain numpy decoder that masks rows and bin-counts only the chosen positions.

It is what one writes in an afternoon: the law as an array of outcomes, a decode at a time, the
outcomes that agree with the canvas found by comparing columns, tokens drawn from a bin count.
"""

from __future__ import annotations

import itertools

import numpy as np


def permutation_table(n: int) -> np.ndarray:
    """All orders of n items, one per row."""
    return np.array(list(itertools.permutations(range(n))))


def decode(
    outcomes: np.ndarray, per_round: int, generator: np.random.Generator
) -> np.ndarray | None:
    """One random top-k decode at temperature 1; None once the canvas has left the support."""
    n = outcomes.shape[1]
    canvas = np.full(n, -1)
    while (masked := np.flatnonzero(canvas < 0)).size:
        agree = np.ones(len(outcomes), bool)
        for i in np.flatnonzero(canvas >= 0):
            agree &= outcomes[:, i] == canvas[i]
        rows = outcomes[agree]
        if not len(rows):
            return None
        chosen = generator.permutation(masked)[:per_round]
        for i in chosen:
            counts = np.bincount(rows[:, i])
            canvas[i] = generator.choice(len(counts), p=counts / counts.sum())
    return canvas
