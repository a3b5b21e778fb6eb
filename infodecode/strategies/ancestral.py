"""The ancestral sampler of masked diffusion: every position unmasks by the clock, on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from infodecode import _validation
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.state import State
from infodecode.strategies._base import Independent, Plan, Strategy
from infodecode.strategies._clock import CLOCK_NEEDS, clock_start, demand_open, tick

SCHEDULES: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "linear": lambda r: r,
    "cosine": lambda r: 1 - np.cos(np.pi / 2 * r),
    "sine": lambda r: np.sin(np.pi / 2 * r),
}
"""Share alpha revealed at progress r = 1 - t, from 0 to 1."""


@dataclass(frozen=True)
class Ancestral(Strategy):
    r"""Each masked position unmasks with the probability that time gives it, in ``steps`` rounds.

    .. math:: \frac{\alpha_s - \alpha_t}{1 - \alpha_t}, \qquad
              t = 1 - \tfrac{k}{\text{steps}},\; s = 1 - \tfrac{k+1}{\text{steps}}

    in round k = 0, 1, …; alpha_t is the share of positions revealed at time t, from alpha_1 = 0 to
    alpha_0 = 1, so that the last round commits all that is left. A round may commit nothing.

    Hence every position draws its round by itself, round k with probability
    ``q_k = alpha_s - alpha_t``, whatever the tokens: the sampler is a uniformly random order whose
    round sizes are multinomial. With exact marginals and a model that does not look at the time,

    .. math:: \text{path KL} = \sum_{s_1 + \dots + s_N = n} \binom{n}{s_1 \dots s_N}
              \prod_k q_k^{s_k}\; \text{random\_order\_bits}(s)

    (rounds without commits left out of s), and the output, a mixture, loses that much at most.
    Two positions share a round with probability ``sum_k q_k^2``; where none do, the sampler is
    exact, hence TV <= C(n, 2) sum_k q_k^2, n (n - 1) / (2 steps) on the linear schedule.

    With a block policy the clock starts anew in every block, which then takes ``steps`` rounds at
    most. Under `WholeCanvas` a decode ends when the canvas is full; the original runs on to the end
    of its grid (``expected_calls`` counts both, and calls saved by keeping the last answer while
    nothing changes). Its grid ends a little before time 0, and what is left is filled by argmax,
    which is the draw of the last round here at temperature 0.

    Attributes:
        steps: rounds of the time grid, at least 1.
        schedule: alpha at progress r = 1 - t: ``"linear"`` r (MDLM's log-linear noise);
            ``"cosine"`` 1 - cos(pi r / 2) (MaskGIT, MD4), few positions first; ``"sine"``
            sin(pi r / 2) (MDLM's cosine noise), many first.

    Reference: MDLM (Sahoo et al. 2024, arXiv 2406.07524), code kuleshov-group/mdlm;
    MD4 (Shi et al. 2024, arXiv 2406.04329).
    """

    steps: int
    schedule: str = "linear"

    may_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _validation.store(self, steps=_validation.integer("steps", self.steps, minimum=1))
        _validation.choice("schedule", self.schedule, tuple(SCHEDULES))

    @classmethod
    def grid(cls, length: int) -> tuple[Ancestral, ...]:
        return tuple(cls(1 << k) for k in range((4 * length).bit_length()))

    @property
    def equivariant(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return CLOCK_NEEDS

    @property
    def shares(self) -> FloatArray:
        """``(steps,)``: probability q_k that a position is committed in round k; they add to 1."""
        return np.diff(self._revealed)

    @property
    def _revealed(self) -> FloatArray:
        alpha = SCHEDULES[self.schedule](np.arange(self.steps + 1) / self.steps)
        alpha[-1] = 1.0
        return alpha

    @property
    def _probabilities(self) -> FloatArray:
        """``(steps,)``: of unmasking in round k if still masked; the last is exactly 1."""
        if self.schedule == "linear":
            return 1.0 / np.arange(self.steps, 0, -1)
        return self.shares / (1 - self._revealed[:-1])

    def start(self, canvas: IntArray) -> Mapping[str, Array]:
        return clock_start(canvas)

    def plan(self, state: State) -> Plan:
        demand_open(self, state)
        step, _, memory = tick(state, self.steps)
        probability = self._probabilities[np.minimum(step, self.steps - 1)]
        each = np.repeat(probability[:, None], state.canvas.shape[1], axis=1)
        return Plan((Independent(each),), memory=memory)

    def max_rounds(self, length: int) -> int:
        return self.steps * length

    def expected_calls(self, length: int, *, skip_idle: bool = False) -> float:
        r"""Expected model calls on a blank canvas, in one block.

        .. math:: \sum_k \bigl(1 - \alpha_{t_k}^n\bigr) \quad\text{or}\quad
                  \sum_k \bigl(1 - (1 - q_k)^n\bigr)

        The first counts the rounds k that begin, at time t_k, before the canvas is full; the
        second, with ``skip_idle``, those that commit something: what is left if the model does not
        look at the time and its last answer is kept while nothing changes.

        Args:
            length: positions, at least 1.
            skip_idle: count rounds with a commit only.

        Example:
            >>> Ancestral(8).expected_calls(4), Ancestral(8).expected_calls(4, skip_idle=True)
            (6.85..., 3.31...)
        """
        n = _validation.integer("length", length, minimum=1)
        if _validation.flag("skip_idle", skip_idle):
            return float((1 - (1 - self.shares) ** n).sum())
        return float((1 - self._revealed[:-1] ** n).sum())
