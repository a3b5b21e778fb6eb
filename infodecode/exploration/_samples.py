"""What sampled chains tell: means with intervals, and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from infodecode._html import figures_table
from infodecode._typing import BoolArray, FloatArray, IntArray
from infodecode.decoder import Decoder
from infodecode.estimate import Estimate, mean_of_values, proportion
from infodecode.exploration.diagnostics import effective_sample_size, potential_scale_reduction

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class SampledChain:
    """Sampled chains and what they tell.

    Means are over chains, which are independent, after the steps of ``warm_up``; their intervals
    are normal. Log-probabilities are in bits.

    Attributes:
        decoder: makes the proposals.
        alpha: exponent of the target.
        density, score: as in `sample_chain`.
        seed: of the run; chain c depends on (seed, c) alone.
        warm_up: steps left out of the means.
        sequences: ``(C, n)`` where each chain ended.
        history: ``(steps + 1, C, n)`` where each chain was before and after every step, when asked
            for; else None.
        log2_scores: ``(steps + 1, C)`` log2 mu of each chain; -inf off the support.
        accepted: ``(steps, C)`` whether the proposal of a step was accepted.
        calls_per_step: mean model calls of a step of one chain: its proposal, and what its score
            asks of the model. A path back to the present sequence shares the proposal's calls.
        evaluations_per_step: mean sequences evaluated, paths back and scores included.
    """

    decoder: Decoder
    alpha: float
    density: str
    score: str
    seed: int
    warm_up: int
    sequences: IntArray
    history: IntArray | None
    log2_scores: FloatArray
    accepted: BoolArray
    calls_per_step: float
    evaluations_per_step: float
    _confidence: float

    def __repr__(self) -> str:
        steps, chains = self.accepted.shape
        return (
            f"<{chains:,} chains of {steps:,} steps, alpha={self.alpha:g}, {self.decoder!r}, seed "
            f"{self.seed}: acceptance {self.acceptance}>"
        )

    def _repr_html_(self) -> str:
        steps, chains = self.accepted.shape
        title = f"{chains:,} chains of {steps:,} steps, {self.decoder!r}, target mu^{self.alpha:g}"
        names = ("acceptance", "log2_probability", "validity", "effective_samples",
                 "scale_reduction", "calls_per_step", "density", "score", "seed")  # fmt: skip
        return figures_table(title, {name: getattr(self, name) for name in names})

    @cached_property
    def acceptance(self) -> Estimate:
        """Share of proposals accepted."""
        settled = self.accepted[self.warm_up :]
        return mean_of_values(settled.mean(axis=0), self._confidence)

    @cached_property
    def validity(self) -> Estimate:
        """Share of chains that ended on the support."""
        on = int(np.isfinite(self.log2_scores[-1]).sum())
        return proportion(on, self.log2_scores.shape[1], self._confidence)

    @cached_property
    def log2_probability(self) -> Estimate | None:
        """Mean of log2 mu in bits; None where a chain was off the support after ``warm_up``."""
        settled = self._settled
        if not np.isfinite(settled).all():
            return None
        return mean_of_values(settled.mean(axis=0), self._confidence)

    @cached_property
    def effective_samples(self) -> float | None:
        """Effective sample size of log2 mu over all chains; None where it is constant or -inf."""
        return effective_sample_size(self._settled) if self._diagnosable else None

    @cached_property
    def scale_reduction(self) -> float | None:
        """Split R-hat of log2 mu; None where it is constant or -inf, or steps are too few."""
        return potential_scale_reduction(self._settled) if self._diagnosable else None

    def calls_per_accepted(self) -> float:
        """Model calls per accepted sequence; inf if none was."""
        rate = self.acceptance.value
        return self.calls_per_step / rate if rate > 0 else float("inf")

    @property
    def _settled(self) -> FloatArray:
        return self.log2_scores[self.warm_up :]

    @property
    def _diagnosable(self) -> bool:
        return len(self._settled) >= 4 and bool(np.isfinite(self._settled).all())

    def to_frame(self) -> pd.DataFrame:
        """One row per step: mean log2 mu in bits, share on the support, share accepted."""
        import pandas as pd

        steps = len(self.accepted)
        return pd.DataFrame(
            {
                "step": np.arange(steps + 1),
                "log2_probability": self.log2_scores.mean(axis=1),
                "validity": np.isfinite(self.log2_scores).mean(axis=1),
                "acceptance": [None, *self.accepted.mean(axis=1)],
            }
        )
