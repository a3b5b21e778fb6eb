"""The best threshold of every sample, chosen after the fact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from infodecode import _validation
from infodecode._randomness import seed_key, streams_of
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.estimate import Estimate, mean_of_counts, proportion
from infodecode.exact import exact
from infodecode.models import IdealModel
from infodecode.simulate import decode_batch
from infodecode.strategies import Threshold

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Thresholds that `oracle_threshold` chooses from by default."""

COUPLINGS = ("shared", "independent")
"""How the runs of one sample under several thresholds hang together."""


@dataclass(frozen=True)
class OracleThreshold:
    """What an oracle gains that knows each sample's best threshold.

    Attributes:
        gammas: thresholds it chooses from, in ascending order.
        coupling: how the runs of a sample hang together (`oracle_threshold`).
        method: ``"simulated"`` or ``"exact"`` (intervals of no width, confidence 1).
        validity: share of samples valid under some threshold.
        rounds: mean rounds of the oracle: the fewest with which the sample is valid, or those of
            the strictest threshold where it never is.
        samples, seed: of a simulation; None where exact.
    """

    gammas: tuple[float, ...]
    coupling: str
    method: str
    validity: Estimate
    rounds: Estimate
    samples: int | None = None
    seed: int | None = None


def oracle_threshold(
    distribution: Joint,
    gammas: Sequence[float] = THRESHOLDS,
    *,
    coupling: str = "shared",
    samples: int = 10_000,
    seed: int = 0,
    temperature: float = 1.0,
    confidence: float = 0.95,
) -> OracleThreshold:
    r"""The best threshold of every sample, chosen after the fact.

    A sample is a run under every threshold, and the coupling of these runs is part of the
    definition: another coupling gives another oracle. With ``"shared"`` randomness, sample k
    settles ties in a round, and draws the token of a position in a round, by the same random
    numbers under every threshold; this is simulated. With ``"independent"`` runs the oracle has as
    many tries as there are thresholds, and its law follows from those of the single thresholds
    exactly. Under any coupling

    .. math:: \max_\gamma P(\text{valid}_\gamma) \le P(\text{oracle valid})
              \le \min\Bigl(1, \sum_\gamma P(\text{valid}_\gamma)\Bigr)

    The adaptive optimum does not bound the oracle, for it sees what it drew.

    Args:
        distribution: the data law, decoded by its ideal model.
        gammas: thresholds in [0, 1]; repeated ones count once.
        coupling: ``"shared"`` or ``"independent"``.
        samples, seed, confidence: as in `infodecode.simulate`; of no account where exact.
        temperature: of the token law.

    Raises:
        TypeError, ValueError: an argument that cannot be; independent runs of a law too large for
            `infodecode.exact`.

    Example:
        >>> from infodecode import distributions
        >>> law = distributions.replace_random(6)
        >>> best = oracle_threshold(law, samples=2000)
        >>> best.validity.value, best.rounds.value < 4.0
        (1.0, True)
        >>> round(oracle_threshold(law, coupling="independent").rounds.value, 4)
        1.32

    Reference: ParallelBench (Kang et al. 2025), Figure 7.
    """
    law = require("distribution", distribution)
    asked = _validation.iterate("gammas", gammas)
    wanted = tuple(sorted({Threshold(gamma).gamma for gamma in asked}))
    if not wanted:
        raise ValueError("gammas must hold at least one threshold, got none")
    decoders = [Decoder(Threshold(gamma), temperature=temperature) for gamma in wanted]
    count = _validation.integer("samples", samples, minimum=1)
    key = seed_key(seed)
    level = _validation.number("confidence", confidence, above=0, maximum=1)
    if level >= 1:
        raise ValueError(f"confidence must be less than 1, got {confidence!r}")
    if _validation.choice("coupling", coupling, COUPLINGS) == "independent":
        values = _independent(law, decoders)
        validity, rounds = (Estimate(value, value, value, 1.0) for value in values)
        return OracleThreshold(wanted, coupling, "exact", validity, rounds)
    model = IdealModel(law)
    streams = streams_of(key, 0, count)
    fewest = np.full(count, np.iinfo(np.int64).max)
    for decoder in decoders:
        blank = np.full((count, law.length), -1, np.int32)
        batch = decode_batch(blank, streams, decoder, model, decoder.round_limit(law.length, None))
        valid = np.isfinite(law._log2_mass(batch.sequences))
        fewest = np.where(valid, np.minimum(fewest, batch.rounds), fewest)
    found = fewest < np.iinfo(np.int64).max
    taken = np.where(found, fewest, batch.rounds)
    return OracleThreshold(
        gammas=wanted,
        coupling=coupling,
        method="simulated",
        validity=proportion(int(found.sum()), count, level),
        rounds=mean_of_counts(np.bincount(taken).tolist(), level),
        samples=count,
        seed=int(seed),
    )


def _independent(law: Joint, decoders: Sequence[Decoder]) -> tuple[float, float]:
    """Validity and mean rounds of the oracle of independent runs, the strictest decoder last."""
    runs = [exact(law, decoder, progress=False) for decoder in decoders]
    valid_after = np.zeros((len(runs), law.length + 1))
    for run, row in zip(runs, valid_after, strict=True):
        row[: len(run.finished_by_round)] = run.finished_by_round
    missing = np.prod(1 - np.cumsum(valid_after, axis=1), axis=0)
    times = np.arange(law.length + 1)
    fewest = math.fsum(times * -np.diff(missing, prepend=1.0))
    strictest = float(runs[-1].expected_rounds) - math.fsum(times * valid_after[-1])
    *others, invalid = (1 - float(run.validity) for run in runs)
    never = math.prod(others)
    return 1 - never * invalid, fewest + never * strictest
