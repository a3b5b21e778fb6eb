"""A decoder on data: the rounds it takes and the bits it loses where every token is a true one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import count_in_row, pairs_of
from infodecode._rounding import DECODED_ZERO, nonnegative
from infodecode._typing import FloatArray
from infodecode.chance import Branches, Enumerated, RoundLaws, children_allowed, pieces
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.propagation import blank_state, prepare, propagate


@dataclass(frozen=True)
class DataPath:
    """What a decoder does along data traces.

    Attributes:
        distribution: the data law mu.
        decoder: whose positions are followed.
        bits: path KL: the expected sum over rounds of the total correlation of what a round
            commits, given the canvas. At least the forward KL of the output law, and equal to it
            where positions follow from the canvas alone, without random ties.
        expected_rounds: E_mu[T]; a decoder's own E_nu[T] differs (`ExactRun.expected_rounds`).
        rounds: entry t is the data probability of taking t rounds.
    """

    distribution: Joint
    decoder: Decoder
    bits: float
    expected_rounds: float
    rounds: FloatArray


def data_path(
    distribution: Joint,
    decoder: Decoder,
    *,
    max_children: int | None = None,
    progress: bool | None = None,
) -> DataPath:
    r"""Path KL and expected rounds of a decoder under the data law.

    .. math:: \mathbb E_\mu \sum_t C(Y_{S_t} \mid \text{canvas}_t)
              = \mathbb E_\mu \sum_i -\log_2 c_i - H(Y)

    The decoder chooses positions, from exact marginals; their tokens are those of a sequence drawn
    from mu; c_i is the marginal probability of a token in its round. The bounds of the theory on
    rounds of decoders that adapt to values are over these traces, not over the decoder's own.

    Args:
        distribution: the data law.
        decoder: commit-only, choosing before drawing, at temperature 1.
        max_children, progress: as in `infodecode.exact`.

    Raises:
        TypeError, ValueError: an argument that cannot be, or too many canvases in a round.

    Example:
        >>> from infodecode import distributions, strategies
        >>> law = distributions.replace_random(3)
        >>> path = data_path(law, Decoder(strategies.TopK((2, 1))))
        >>> round(path.bits, 4)  # the output law loses .1699 only
        0.2516

    Reference: ParallelBench (Kang et al. 2025), Theorem 3; Cai and Li 2026 (arXiv 2603.22248).
    """
    law, model, _ = prepare(distribution, decoder, None, "marginal", "float")
    if decoder.strategy.revising or decoder.draws_first or decoder.temperature != 1:
        raise ValueError(
            "decoder must commit for good, choose before it draws, and have temperature 1, "
            f"got {decoder!r}"
        )
    most = children_allowed(law.length) if max_children is None else max_children
    limit = _validation.integer("max_children", most, minimum=1)
    chance = _Following(law, max_children=limit, width=max(law.alphabet_sizes))
    done = propagate(
        blank_state(law, decoder, model), law, decoder, model, chance,
        decoder.round_limit(law.length, None), progress=progress,
    )  # fmt: skip
    entropy = law.entropy()
    rounds = np.asarray(done.finished_by_round, np.float64)
    return DataPath(
        distribution=distribution,
        decoder=decoder,
        bits=nonnegative(chance.surprisal - entropy, scale=entropy, zero=DECODED_ZERO),
        expected_rounds=math.fsum(np.arange(len(rounds)) * rounds) / math.fsum(rounds),
        rounds=rounds,
    )


class _Following(Enumerated):
    """Enumerates the choices of positions; tokens come from the joint law.

    Attributes:
        surprisal: expected sum of -log2 of the marginals of all tokens so far.
    """

    def __init__(self, law: Joint, *, max_children: int, width: int) -> None:
        super().__init__(law, max_children=max_children, width=width)
        self.law = law
        self.surprisal = 0.0

    def _one_position(self, laws: RoundLaws, branches: Branches, step: int) -> Iterator[Branches]:
        parent, canvas, weight = branches
        pair = laws.start[parent] + step
        place, marginal = laws.positions[pair], laws.laws.take(pair, axis=0)
        joint = self.law._laws(canvas, np.arange(len(parent)), place)
        possible = joint > 0
        for piece in pieces(count_in_row(possible)):
            row, token = pairs_of(possible[piece])
            row += piece.start
            filled = canvas.take(row, axis=0)
            filled[np.arange(len(row)), place[row]] = token
            share = weight[row] * joint[row, token]
            self.surprisal -= math.fsum(share * np.log2(marginal[row, token]))
            yield parent[row], filled, share
