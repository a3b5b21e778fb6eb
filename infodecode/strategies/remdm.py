"""ReMDM: mask again while unmasking, each position on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._kernels.plans import kept, picked, spread
from infodecode._rounding import ROUNDING
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Independent, Plan, Strategy
from infodecode.strategies._clock import clock_over, clock_start, demand_open, tick
from infodecode.strategies._revision import BLOCK_NEEDS, in_block, own, revision_start

VARIANTS = ("cap", "rescale", "conf", "loop", "forward_backward")
"""Rules for the probability of masking again."""

PUBLISHED_ETA = {"cap": 0.008, "rescale": 0.015, "conf": 1.0, "loop": 0.02}
"""``eta`` of the authors' scripts (OpenWebText, 1024 rounds); "conf" has none there."""

LAST_TIME = 1e-5
"""Where the released code's grid of times ends, before it removes the remaining noise."""


def confidence_shares(probability: FloatArray, where: BoolArray) -> FloatArray:
    """ReMDM-conf's weights: ``softmax(-probability)`` over the positions ``where``, 0 elsewhere.

    Args:
        probability: ``(R, n)`` of each token when it was last filled in.
        where: ``(R, n)`` visible positions; a row may have none.

    Returns:
        ``(R, n)``, each row adding up to 1, or to 0 where no position is visible.
    """
    weight = kept(where, np.exp(-probability))
    total = weight.sum(axis=1, keepdims=True)
    return np.asarray(weight / np.where(total > 0, total, 1))


@dataclass(frozen=True)
class ReMDM(Strategy):
    r"""Each masked position is filled, and each visible one masked again, with a probability.

    Time runs from t = 1 to s = t - 1/steps, …, 0; a share ``alpha = 1 - t`` is visible. In a round
    from t to s a token visible before it is masked again with probability ``sigma``, and a masked
    position stays masked with probability

    .. math:: \frac{1 - \alpha_s - \sigma\,\alpha_t}{1 - \alpha_t},\qquad
              0 \le \sigma \le \sigma_{\max} = \min\{1, (1 - \alpha_s)/\alpha_t\}

    which keeps the expected share visible on schedule. In the last round everything masked is
    filled and nothing masked again. At ``sigma = 0`` this is ancestral sampling.

    ==================  ====================================================================
    variant             sigma
    ==================  ====================================================================
    "cap"               ``min(eta, sigma_max)``
    "rescale"           ``eta sigma_max``
    "conf"              ``eta sigma_max softmax(-p)_i`` over the visible positions, p the
                        model's probability of the token when it was last filled in; a
                        masked position is filled as in ancestral sampling
    "loop"              ``min(eta, sigma_max)`` for ``t_off < t <= t_on``, where alpha stays at
                        ``alpha_on``; 0 before and after, where alpha grows linearly to
                        ``alpha_on`` and on to 1 (a round across a border reads both ends)
    "forward_backward"  ``(alpha_s - alpha_t) / alpha_t``, at most ``sigma_max``
    ==================  ====================================================================

    A token filled in a round is not masked in the same round; tokens given at the start never are.
    With blocks, ``Clocked(block_length, rule.rounds)``, each runs through all times in turn, and
    only its own tokens are masked again; `LeftToRight` leaves a block as soon as it is full. A
    round may leave everything as it is: the model is called all the same, where the released code
    reuses the last call.

    Attributes:
        steps: rounds, at least 1.
        variant: a row of the table.
        eta: in [0, 1]; None for the published .008 ("cap"), .015 ("rescale"), .02 ("loop"). The
            authors' "conf" has none: 1. "forward_backward" takes none.
        t_on, t_off, alpha_on: of "loop": ``0 <= t_off < t_on < 1``, ``0 < alpha_on < 1``.
        as_shipped: the released code. Times end at 1e-5 instead of 0, and one more round fills
            what is left with the likeliest tokens. "loop" reads alpha_s off the phase that t is in
            even where s is in the next, and, like "forward_backward", does not cap sigma; where a
            probability of staying masked would be negative, its sampler acts as if it were 0. (It
            also keeps p in bfloat16 and draws from the nucleus of mass .9; these are not imitated.)

    Example:
        >>> sigma, unmask = ReMDM(4, "cap", eta=0.5).schedule()
        >>> sigma.tolist(), unmask.round(3).tolist()
        ([0.5, 0.5, 0.5, 0.0], [0.25, 0.5, 1.0, 1.0])

    Reference: ReMDM (Wang et al. 2025, arXiv 2503.00307), sections 3 and 4; code in
    kuleshov-group/remdm.
    """

    steps: int
    variant: str = "cap"
    eta: float | None = None
    t_on: float = field(default=0.55, kw_only=True)
    t_off: float = field(default=0.05, kw_only=True)
    alpha_on: float = field(default=0.9, kw_only=True)
    as_shipped: bool = field(default=False, kw_only=True)

    revising: ClassVar[bool] = True
    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        variant = _validation.choice("variant", self.variant, VARIANTS)
        if variant == "forward_backward" and self.eta is not None:
            raise ValueError(
                "eta must be left out for variant='forward_backward', "
                f"got {_validation.shown(self.eta)}"
            )
        eta = PUBLISHED_ETA.get(variant) if self.eta is None else self.eta
        _validation.store(
            self,
            steps=_validation.integer("steps", self.steps, minimum=1),
            eta=None if eta is None else _validation.number("eta", eta, minimum=0, maximum=1),
            t_off=_validation.number("t_off", self.t_off, minimum=0),
            t_on=_validation.number("t_on", self.t_on, above=0),
            alpha_on=_validation.number("alpha_on", self.alpha_on, above=0),
            as_shipped=_validation.flag("as_shipped", self.as_shipped),
        )
        if not self.t_off < self.t_on < 1:
            raise ValueError(
                f"t_on must be greater than t_off={self.t_off:g} and less than 1, got {self.t_on!r}"
            )
        if self.alpha_on >= 1:
            raise ValueError(f"alpha_on must be less than 1, got {self.alpha_on!r}")

    @classmethod
    def grid(cls, length: int) -> tuple[ReMDM, ...]:
        rounds = sorted({-(-length // 2), length, 2 * length})
        settings = (("cap", None), ("cap", 0.1), ("rescale", 0.5), ("conf", None), ("loop", 0.1))
        return tuple(cls(steps, variant, eta) for steps in rounds for variant, eta in settings)

    @property
    def rounds(self) -> int:
        """Rounds of a whole canvas, or of each block."""
        return self.steps + self.as_shipped

    @property
    def needs(self) -> frozenset[str]:
        needs = BLOCK_NEEDS
        if self.variant == "conf":
            needs |= {"committed_probability"}
        return needs | {"token1"} if self.as_shipped else needs

    def transition(self, t: object, s: object) -> tuple[FloatArray, FloatArray]:
        """The round from time t to time s.

        Args:
            t, s: times, ``0 <= s < t <= 1``; numbers or arrays of one shape.

        Returns:
            sigma: probability that a visible token is masked again ("conf": to be multiplied by
                the token's softmax weight).
            unmask: probability that a masked position is filled.

        Raises:
            ValueError: times that are not so ordered.
        """
        start, end = np.asarray(t, np.float64), np.asarray(s, np.float64)
        if not ((end >= 0) & (end < start) & (start <= 1)).all():
            raise ValueError(
                "t and s must be times with 0 <= s < t <= 1, "
                f"got t={_validation.shown(t)}, s={_validation.shown(s)}"
            )
        before, after = start, end
        if self.variant == "loop":
            before = self._masked_in_loop(start, start)
            after = self._masked_in_loop(end, start if self.as_shipped else end)
        visible = 1 - before
        some = visible > ROUNDING
        largest = np.minimum(1, np.where(some, after / np.where(some, visible, 1), np.sign(after)))
        sigma = self._sigma(start, before, after, largest)
        stays = after if self.variant == "conf" else after - sigma * visible
        return sigma, np.asarray(1 - np.clip(stays / before, 0, 1))

    def _sigma(
        self, t: FloatArray, before: FloatArray, after: FloatArray, largest: FloatArray
    ) -> FloatArray:
        eta = 0.0 if self.eta is None else self.eta
        if self.variant in ("rescale", "conf"):
            return np.asarray(eta * largest)
        if self.variant == "forward_backward":
            some = before < 1 - ROUNDING
            wanted = np.where(some, (before - after) / np.where(some, 1 - before, 1), 1)
        else:
            wanted = np.full(t.shape, eta)
        if self.as_shipped and self.variant != "cap":
            largest = np.ones_like(largest)
        sigma = np.minimum(wanted, largest)
        return np.where(self._looping(t), sigma, 0) if self.variant == "loop" else sigma

    def _looping(self, t: FloatArray) -> BoolArray:
        return np.asarray((t <= self.t_on + ROUNDING) & (t > self.t_off + ROUNDING))

    def _masked_in_loop(self, time: FloatArray, phase: FloatArray) -> FloatArray:
        """``1 - alpha`` at a time, by the formula of the phase that ``phase`` is in."""
        rising = 1 - (1 - time) * self.alpha_on / (1 - self.t_on)
        falling = np.zeros_like(time)
        if self.t_off:
            falling = (1 - self.alpha_on) * np.minimum(time, self.t_off) / self.t_off
        later = np.where(self._looping(phase), 1 - self.alpha_on, falling)
        return np.where(phase > self.t_on + ROUNDING, rising, later)

    def schedule(self) -> tuple[FloatArray, FloatArray]:
        """`transition` of every round: sigma and unmask, each ``(rounds,)``."""
        last = LAST_TIME if self.as_shipped else 0.0
        times = 1 - np.arange(self.steps + 1) * (1 - last) / self.steps
        times[-1] = last
        sigma, unmask = self.transition(times[:-1], times[1:])
        if self.as_shipped:
            return np.append(sigma, 0.0), np.append(unmask, 1.0)
        return sigma, unmask

    @cached_property
    def _schedule(self) -> tuple[FloatArray, FloatArray]:
        return self.schedule()

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        stored = {"filled_with": np.zeros(canvas.shape)} if self.variant == "conf" else {}
        return {**clock_start(canvas), **revision_start(canvas), **stored}

    def plan(self, state: State) -> Plan:
        demand_open(self, state)
        step, _, memory = tick(state, self.rounds)
        unmask = self._schedule[1][np.minimum(step, self.rounds - 1)]
        tokens = None
        if self.as_shipped:
            tokens = np.where(step[:, None] >= self.steps, state.scores["token1"], -1)
        return Plan((Independent(spread(state.feasible, unmask), tokens=tokens),), memory)

    def revise(self, state: State) -> Plan:
        step = state.memory["block_round"] - 1
        sigma = self._schedule[0][np.minimum(step, self.rounds - 1)]
        before = ~state.masked & ~state.chosen & own(state) & in_block(state)
        if self.variant != "conf":
            return Plan((Independent(spread(before, sigma), allowed=before),))
        known = state.memory["filled_with"]
        action = Independent(sigma[:, None] * confidence_shares(known, before), allowed=before)
        after = picked(state.chosen, state.probability, known)
        return Plan((action,), {"filled_with": after})

    def forget(self, state: State) -> Mapping[str, Array]:
        """Probabilities of tokens that are gone, and of a block in which none is masked again."""
        if self.variant != "conf":
            return {}
        known = ~state.masked
        over = state.memory["block_round"] > np.flatnonzero(self._schedule[0]).max(initial=-1)
        if over.any():
            known &= ~(in_block(state) & over[:, None])
        return {"filled_with": kept(known, state.memory["filled_with"])}

    def finished(self, state: State) -> BoolArray:
        return clock_over(state, self.rounds)

    def max_rounds(self, length: int) -> int:
        return self.rounds * length
