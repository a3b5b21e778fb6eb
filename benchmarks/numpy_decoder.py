"""The baseline: a plain numpy decoder that masks rows and bin-counts only the positions it needs.

It is what one writes in an afternoon: the law as an array of outcomes (repeated ones weigh more), a
decode at a time, the outcomes that agree with the canvas found by comparing columns, tokens drawn
from a bin count.
"""

from __future__ import annotations

import itertools
import math

import numpy as np


def permutation_table(n: int) -> np.ndarray:
    """All orders of n items, one per row."""
    return np.array(list(itertools.permutations(range(n))))


def agreeing(outcomes: np.ndarray, canvas: np.ndarray) -> np.ndarray:
    """The outcomes that have the tokens of the canvas."""
    agree = np.ones(len(outcomes), bool)
    for i in np.flatnonzero(canvas >= 0):
        agree &= outcomes[:, i] == canvas[i]
    return outcomes[agree]


def positions(
    rows: np.ndarray, masked: np.ndarray, per_round: int, generator: np.random.Generator, by: str
) -> np.ndarray:
    """Which masked positions to fill: any, or the most confident, ties at random."""
    shuffled = generator.permutation(masked)
    if by == "confidence":
        most = [np.bincount(rows[:, i]).max() for i in shuffled]
        shuffled = shuffled[np.argsort(most, kind="stable")[::-1]]
    return shuffled[:per_round]


def decode(
    outcomes: np.ndarray, per_round: int, generator: np.random.Generator, by: str = "random"
) -> np.ndarray | None:
    """One top-k decode at temperature 1; None if it leaves the support before the end."""
    canvas = np.full(outcomes.shape[1], -1)
    while (masked := np.flatnonzero(canvas < 0)).size:
        rows = agreeing(outcomes, canvas)
        if not len(rows):
            return None
        for i in positions(rows, masked, per_round, generator, by):
            counts = np.bincount(rows[:, i])
            canvas[i] = generator.choice(len(counts), p=counts / counts.sum())
    return canvas


def log2_mass(outcomes: np.ndarray) -> np.ndarray:
    """log2 of the probability of each row."""
    _, which, counts = np.unique(outcomes, axis=0, return_inverse=True, return_counts=True)
    return np.log2(counts / len(outcomes))[which.ravel()]


def path_bits(
    outcomes: np.ndarray, mass: np.ndarray, per_round: int, generator: np.random.Generator,
    by: str = "random",
) -> float:  # fmt: skip
    """Bits lost along one sequence of the data: its own tokens are revealed, not drawn."""
    which = generator.integers(len(outcomes))
    data, spent = outcomes[which], float(mass[which])
    canvas = np.full(len(data), -1)
    while (masked := np.flatnonzero(canvas < 0)).size:
        rows = agreeing(outcomes, canvas)
        for i in positions(rows, masked, per_round, generator, by):
            canvas[i] = data[i]
            spent -= math.log2((rows[:, i] == data[i]).mean())
    return spent


def exact_law(outcomes: np.ndarray, per_round: int) -> dict[tuple[int, ...], float]:
    """Probability of every valid output of random top-k, canvas by canvas."""
    canvases = {(-1,) * outcomes.shape[1]: 1.0}
    while any(-1 in canvas for canvas in canvases):
        after: dict[tuple[int, ...], float] = {}
        for canvas, weight in canvases.items():
            rows = agreeing(outcomes, np.array(canvas))
            if not len(rows):
                continue
            masked = [i for i, token in enumerate(canvas) if token < 0]
            counts = {i: np.bincount(rows[:, i]).tolist() for i in masked}
            sets = list(itertools.combinations(masked, min(per_round, len(masked))))
            for chosen in sets:
                for tokens in itertools.product(*(range(len(counts[i])) for i in chosen)):
                    p = weight / len(sets)
                    child = list(canvas)
                    for i, token in zip(chosen, tokens, strict=True):
                        p *= counts[i][token] / len(rows)
                        child[i] = token
                    if p:
                        after[tuple(child)] = after.get(tuple(child), 0.0) + p
        canvases = after
    valid = set(map(tuple, outcomes.tolist()))
    return {output: p for output, p in canvases.items() if output in valid}


def validity_and_kl(
    outcomes: np.ndarray, output: dict[tuple[int, ...], float]
) -> tuple[float, float]:
    """Mass on the support of the data, and KL(data ‖ output) in bits."""
    q = np.array([output[tuple(row)] for row in outcomes.tolist()])
    return math.fsum(output.values()), float((log2_mass(outcomes) - np.log2(q)).mean())
