"""PC-Sampler: confidence calibrated by how common a token is, earlier positions first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.schedules import even_sizes
from infodecode.state import State
from infodecode.strategies._base import Plan, Ranked
from infodecode.strategies._clock import ClockedSchedule, block_starts, distinct_rounds

LEAST_FREQUENCY = 1e-9
"""Added to frequencies inside the logarithm, as the released code does."""

LEAST_SCORE = 1e-300
"""Scores are ranked by their logarithms, which end here."""


@dataclass(frozen=True)
class PCSampler(ClockedSchedule):
    r"""Position-aware calibrated confidence, in LLaDA's quota.

    .. math:: \text{score}_i = e^{-\lambda i} \min\bigl( -c_i \ln f(v_i),\ \alpha \bigr)

    with i the place in the block, c_i the confidence of token v_i and f(v) its frequency in a
    corpus. Common tokens (punctuation, stop words, end of text) are predicted with confidence early
    and say little: the calibration puts them last. The factor in front prefers early positions.
    Each round commits as many of the best as `Quota` would.

    The score counts in *nats*, because the published ``clip`` does; it is a score, no information
    reported. v_i is the token drawn if drawing comes first, as in the original, else the likeliest
    one. 1e-9 is added to f, as the released code does, so that unseen tokens have a score. The
    paper's settings are the defaults here; those of the released function are 1 and 1.

    Attributes:
        steps: rounds of a block, at least 1.
        frequencies: f, a number in [0, 1] for every token; `corpus_frequencies` gives those of a
            distribution. None leaves the calibration out: :math:`\text{score}_i = e^{-\lambda i}
            c_i`, the order that any uniform f gives if nothing is clipped.
        decay: lambda >= 0.
        clip: alpha > 0, in nats.
        as_shipped: as in `Quota`.

    Example:
        >>> from infodecode import Decoder, distributions, exact
        >>> law = distributions.replace_random(4)
        >>> run = exact(law, Decoder(PCSampler(2, corpus_frequencies(law))))
        >>> float(run.validity)
        0.65625

    Reference: PC-Sampler (Huang et al. 2025, arXiv 2508.13021); ``src/generate.py`` of
    NEUIR/PC-Sampler.
    """

    frequencies: Sequence[float] | None = field(default=None, repr=False)
    decay: float = 0.25
    clip: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        frequencies = self.frequencies
        if frequencies is not None:
            given = _validation.array("frequencies", frequencies)
            if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iuf":
                raise ValueError(
                    "frequencies must be a number for every token, "
                    f"got {_validation.shown(frequencies)}"
                )
            bad = ~((given >= 0) & (given <= 1))
            if bad.any():
                token = int(np.argmax(bad))
                raise ValueError(
                    f"frequencies must be in [0, 1], got {given[token].item()!r} of token {token}"
                )
            frequencies = tuple(given.astype(float).tolist())
        _validation.store(
            self,
            frequencies=frequencies,
            decay=_validation.number("decay", self.decay, minimum=0),
            clip=_validation.number("clip", self.clip, above=0),
        )

    @classmethod
    def grid(cls, length: int) -> tuple[PCSampler, ...]:
        return tuple(
            cls(steps, decay=decay)
            for decay in (0.0, 0.25, 1.0)
            for steps in distinct_rounds(length)
        )

    def sizes(self, length: int) -> tuple[int, ...] | None:
        if self.as_shipped and self.steps > length:
            return None
        return even_sizes(length, min(self.steps, length))

    @property
    def needs(self) -> frozenset[str]:
        tokens = set() if self.frequencies is None else {"token1"}
        return super().needs | {"block_number", "confidence"} | tokens

    @cached_property
    def _surprisal(self) -> FloatArray:
        """``(V,)``: -ln f, in nats."""
        return np.asarray(-np.log(np.asarray(self.frequencies) + LEAST_FREQUENCY))

    def plan(self, state: State) -> Plan:
        step, memory = self.clock(state)
        calibrated = state.scores["confidence"]
        if self.frequencies is not None:
            calibrated = np.minimum(calibrated * self._surprisal[self._tokens(state)], self.clip)
        starts, number = block_starts(state)
        place = np.arange(len(number)) - starts[number]
        key = np.log(np.maximum(calibrated, LEAST_SCORE)) - self.decay * place
        return Plan((Ranked(key, self.quota(state, step)),), memory)

    def _tokens(self, state: State) -> IntArray:
        tokens = np.where(state.drawn >= 0, state.drawn, state.scores["token1"])
        known = len(self._surprisal)
        if tokens.size and tokens.max() >= known:
            raise ValueError(
                f"frequencies must cover every token, got {known} of them and token {tokens.max()}"
            )
        return np.asarray(tokens)


def corpus_frequencies(distribution: Joint) -> FloatArray:
    """How common each token is in a distribution: its marginals, averaged over positions.

    Args:
        distribution: the law whose sequences are the corpus.

    Returns:
        ``(V,)`` frequencies that add up to 1.

    Example:
        >>> from infodecode import distributions
        >>> corpus_frequencies(distributions.replace_random(4))
        array([0.75, 0.25])
    """
    require("distribution", distribution)
    blank = np.full((1, distribution.length), -1)
    return np.asarray(distribution.marginals(blank)[0].mean(axis=0))
