"""Regret: how far a decoder is from the best commit-only policy that takes as many rounds."""

from __future__ import annotations

from dataclasses import dataclass

from infodecode._rounding import DECODED_ZERO, nonnegative
from infodecode.adaptive import bits_at_rounds
from infodecode.data_path import data_path
from infodecode.decoder import Decoder
from infodecode.distributions import Joint


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
    game: the first are compared by their path, the second refused (see `data_path`).

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
    path = data_path(distribution, decoder, max_children=max_children)
    best = bits_at_rounds(distribution, path.expected_rounds)
    return Regret(
        distribution=distribution,
        decoder=decoder,
        expected_rounds=path.expected_rounds,
        bits=path.bits,
        best_bits=best,
        regret=nonnegative(path.bits - best, scale=max(1.0, path.bits), zero=DECODED_ZERO),
    )
