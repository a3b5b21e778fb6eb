"""Regret: how far a decoder is from the best commit-only policy that takes as many rounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infodecode._rounding import DECODED_ZERO, nonnegative
from infodecode._typing import FloatArray
from infodecode.adaptive import bits_at_rounds
from infodecode.data_path import data_path
from infodecode.decoder import Decoder
from infodecode.distributions import Joint

KINDS = {
    "inside": "commits for good, chooses before it draws, temperature 1: the adaptive optimum "
    "bounds its path KL, which is the KL of its output",
    "mixture": "the same, but its positions are partly random and its output mixes several paths: "
    "the adaptive optimum bounds its path KL, and the KL of its output is smaller",
    "draws first": "chooses positions by tokens it has drawn: it has no path KL, and may lose less "
    "than the adaptive optimum",
    "revising": "may mask again what it committed: it has no path KL, and may lose less than the "
    "adaptive optimum",
    "greedy": "takes likeliest tokens without drawing, all (temperature 0) or some: its KL is "
    "infinite where a possible sequence never comes out",
    "tempered": "draws from a tempered law: it has no path KL of exact marginals",
}
"""Kinds of decoders, as the adaptive optimum sees them, and what it says about each."""

BOUNDED = ("inside", "mixture")
"""Kinds with a path KL, which the adaptive optimum bounds."""

MIXED = 1e-10
"""Bits by which the KL of an output lies below its path KL if that is no rounding error."""


@dataclass(frozen=True)
class Regret:
    """A decoder beside the value-adaptive optimum, both on data.

    Attributes:
        distribution: the data law.
        decoder: what was compared.
        expected_rounds: E_mu[T] of the decoder.
        bits: its path KL.
        best_bits: least path KL of any commit-only policy that chooses before it draws, random
            mixtures included, with at most as many expected rounds.
        regret: ``bits - best_bits``, >= 0.
    """

    distribution: Joint
    decoder: Decoder
    expected_rounds: float
    bits: float
    best_bits: float
    regret: float


def regret(distribution: Joint, decoder: Decoder, *, max_children: int | None = None) -> Regret:
    """How many bits a decoder loses beyond the best policy at its own expected rounds.

    Both are path KL over data traces. The KL of an output law that mixes several orders can be
    smaller than its path KL, and decoders that choose by drawn tokens or mask again play another
    game: the first are compared by their path, the second refused. `infodecode.frontier` shows
    every decoder beside the optimum, and says of each what kind it is (`KINDS`).

    Args:
        distribution: the data law; limits as for `infodecode.adaptive_optimum`.
        decoder: commit-only, choosing before drawing, at temperature 1.
        max_children: as in `infodecode.exact`.

    Raises:
        TypeError, ValueError: an argument that cannot be, or beyond the limits.

    Example:
        >>> from infodecode import distributions, strategies
        >>> law = distributions.replace_random(6)
        >>> round(regret(law, Decoder(strategies.TopK(2))).regret, 4)
        0.3333
        >>> regret(law, Decoder(strategies.Factor(1.0))).regret
        0.0
    """
    if isinstance(decoder, Decoder) and (kind := outside(decoder)) is not None:
        raise ValueError(
            "decoder must commit for good, choose before it draws, and have temperature 1, got "
            f"{decoder!r}, whose kind is {kind!r}; frontier(distribution, [decoder]).to_frame() "
            "shows such a decoder beside the optimum"
        )
    path = data_path(distribution, decoder, max_children=max_children)
    best = bits_at_rounds(distribution, path.expected_rounds)
    return Regret(
        distribution=distribution,
        decoder=decoder,
        expected_rounds=path.expected_rounds,
        bits=path.bits,
        best_bits=best,
        regret=regret_bits(path.bits, best),
    )


def regret_bits(bits: float, best_bits: float) -> float:
    """``bits - best_bits``, with rounding errors turned into exactly 0.0."""
    return nonnegative(bits - best_bits, scale=max(1.0, bits), zero=DECODED_ZERO)


def outside(decoder: Decoder) -> str | None:
    """Which of `KINDS` a decoder is, if the adaptive optimum does not bound its path; else None.

    Example:
        >>> from infodecode import strategies
        >>> outside(Decoder(strategies.Factor(1.0), order="sample-then-choose"))
        'draws first'
    """
    if decoder.strategy.revising:
        return "revising"
    if decoder.temperature == 0:
        return "greedy"
    if decoder.draws_first:
        return "draws first"
    return None if decoder.temperature == 1 else "tempered"


def convex_bits(curve: FloatArray, rounds: float) -> float:
    """Lower convex hull of bits at T = 1..n, at any number of rounds >= 1.

    What random choices among the rows of ``curve`` attain at as many expected rounds at best.

    Example:
        >>> convex_bits(np.array([4.0, 3.0, 0.0]), 2.0)
        2.0
    """
    corners: list[tuple[float, float]] = []
    for x, y in enumerate(curve.tolist(), start=1):
        while len(corners) > 1:
            (a, at_a), (b, at_b) = corners[-2:]
            if (at_b - at_a) * (x - a) < (y - at_a) * (b - a):
                break
            corners.pop()
        corners.append((x, y))
    at, bits = np.array(corners).T
    return float(np.interp(rounds, at, bits))
