"""A decoder on data: the rounds it takes and the bits it loses where every token is a true one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._kernels.rows import count_in_row, pairs_of
from infodecode._randomness import seed_key, streams_of
from infodecode._rounding import DECODED_ZERO, ROUNDING, nonnegative
from infodecode._typing import BoolArray, FloatArray
from infodecode.chance import Branches, Enumerated, RoundLaws, Sampled, children_allowed, pieces
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.estimate import Estimate, mean_of_counts, mean_of_values
from infodecode.models import Evaluation
from infodecode.propagation import (
    blank_state,
    demand_finished,
    demand_rows_finished,
    prepare,
    propagate,
)
from infodecode.simulate import rounds_from
from infodecode.state import State
from infodecode.token_rules import FromMarginal


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

    Cost: as `exact` without orbits.

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
    _demand_choosing_first(decoder)
    most = children_allowed(law.length) if max_children is None else max_children
    limit = _validation.integer("max_children", most, minimum=1)
    chance = _Following(law, max_children=limit, width=max(law.alphabet_sizes))
    done = propagate(
        blank_state(law, decoder, model), law, decoder, model, chance,
        decoder.round_limit(law.length, None), progress=progress,
    )  # fmt: skip
    demand_finished("data_path", done)
    entropy = law.entropy()
    rounds = np.asarray(done.finished_by_round, np.float64)
    return DataPath(
        distribution=distribution,
        decoder=decoder,
        bits=nonnegative(chance.surprisal - entropy, scale=entropy, zero=DECODED_ZERO),
        expected_rounds=math.fsum(np.arange(len(rounds)) * rounds) / math.fsum(rounds),
        rounds=rounds,
    )


@dataclass(frozen=True)
class DataPathEstimate:
    """What a decoder does along sampled data traces.

    Attributes:
        distribution: the data law mu.
        decoder: whose positions are followed.
        bits: path KL, as in `DataPath`.
        rounds, calls: mean number of rounds, and of model calls.
        samples, seed: of the traces.
    """

    distribution: Joint
    decoder: Decoder
    bits: Estimate
    rounds: Estimate
    calls: Estimate
    samples: int
    seed: int


def data_path_estimate(
    distribution: Joint,
    decoder: Decoder,
    *,
    samples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> DataPathEstimate:
    """Path KL and rounds of a decoder under the data law, from sampled data.

    As `data_path`, for laws and decoders beyond it: sequences y are drawn from mu, the decoder
    chooses positions on each, and the mean of log2 mu(y) - sum_i log2 c_i estimates the path KL
    without bias, and without variance where nothing is lost. Cost: as of decoding ``samples``
    sequences.

    Args:
        distribution: the data law.
        decoder: commit-only, choosing before drawing, at temperature 1.
        samples, seed, confidence: as in `infodecode.simulate`. Intervals of bits are normal.

    Raises:
        TypeError, ValueError: an argument that cannot be.

    Example:
        >>> from infodecode import distributions, strategies
        >>> law = distributions.permutations(30)
        >>> path = data_path_estimate(law, Decoder(strategies.TopK(2)), samples=500)
        >>> path.rounds.value, round(path.bits.value, 2)
        (15.0, 2.79)
    """
    law, model, _ = prepare(distribution, decoder, None, "marginal", "float")
    _demand_choosing_first(decoder)
    count = _validation.integer("samples", samples, minimum=1)
    level = _validation.confidence_level(confidence)
    data = law.sample(count, seed=seed)
    limit = decoder.round_limit(law.length, None)
    blank = np.full(data.shape, -1, np.int32)
    state = decoder.start(blank, np.ones(count), streams_of(seed_key(seed), 0, count), model)
    state = state.with_(memory={**state.memory, _DATA: data, _ROW: np.arange(count)})
    lost = law._log2_mass(data)
    rounds, calls = np.zeros((2, count), np.int64)
    finished = np.zeros(count, bool)
    for after in rounds_from(state, decoder, model, _FollowingSamples(), limit):
        row = after.memory[_ROW]
        committed = np.where(after.probability > 0, after.probability, 1.0)
        lost[row] -= np.log2(committed).sum(axis=1)
        rounds[row] += 1
        calls[row] += after.calls
        finished[row] = decoder.strategy.finished(after)
    demand_rows_finished("data_path_estimate", finished, limit)
    lost[np.abs(lost) < ROUNDING * law.length] = 0.0
    return DataPathEstimate(
        distribution=distribution,
        decoder=decoder,
        bits=mean_of_values(lost, level),
        rounds=mean_of_counts(np.bincount(rounds).tolist(), level),
        calls=mean_of_counts(np.bincount(calls).tolist(), level),
        samples=count,
        seed=seed,
    )


_DATA, _ROW = "data", "row of data"


class _FollowingSamples(Sampled):
    """Draws positions; tokens are those of the row's own data."""

    def __init__(self) -> None:
        super().__init__(record=True)

    def fill(self, state: State, where: BoolArray, evaluation: Evaluation) -> Iterator[State]:
        yield state.with_(canvas=np.where(where, state.memory[_DATA], state.canvas))

    def keep(self, state: State) -> Iterator[State]:
        raise ValueError(_OWN_TOKENS)


_OWN_TOKENS = "decoder must draw the tokens it commits, got one that commits tokens of its own"


def _demand_choosing_first(decoder: Decoder) -> None:
    if (
        decoder.strategy.revising
        or decoder.draws_first
        or decoder.temperature != 1
        or decoder.tokens != FromMarginal()
    ):
        raise ValueError(
            "decoder must commit for good, choose before it draws, and draw from the marginals at "
            f"temperature 1, got {decoder!r}"
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

    def keep(self, state: State) -> Iterator[State]:
        raise ValueError(_OWN_TOKENS)

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
