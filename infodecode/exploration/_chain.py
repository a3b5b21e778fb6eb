"""Exact chains: Metropolis–Hastings on whole sequences, its transition matrix and how it mixes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from infodecode import _validation
from infodecode._html import figures_table
from infodecode._rounding import DECODED_ZERO, ROUNDING, at_mode, nonnegative
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.decoder import Decoder
from infodecode.distributions import Joint, Table
from infodecode.exploration._transition import Costs

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class ExactChain:
    """Metropolis–Hastings on sequences, with a decoder's proposals: its matrix and its laws.

    A state is a sequence of the support, or with ``density="path"`` and whole proposals a sequence
    with the token probability of the path it came by. All sequences off the support are one state
    more: from there a proposal is made from a blank canvas and always accepted, so that it matters
    no longer which it was. That state is not part of the matrix; ``entry`` is its row.

    Laws are over sequences, after 0, 1, …, ``steps`` moves.

    Attributes:
        distribution: the data law mu.
        decoder: makes the proposals.
        alpha: exponent of the target mu^alpha / Z.
        density: ``"marginal"`` or ``"path"``, as in `exact_chain`.
        cuts: ``(m, n)`` sets of positions masked again, of which a step draws one.
        shares: ``(m,)`` with which probability each is drawn.
        outcomes: ``(N, n)`` the sequence of each state.
        target: ``(N,)`` stationary probability of each state.
        transition: ``(N, N)`` probability of going from the row's state to the column's.
        acceptances: ``(N,)`` probability that a proposal made from each state is accepted.
        entry: ``(N,)`` probability of each state after a whole proposal that is always accepted;
            what is missing to 1 leaves the support.
        start: ``(N,)`` probability of each state before the first step; likewise.
        classes: groups of states between which the chain never moves; 1 where it converges.
        missing_mass: target probability outside the largest class; 0 where it converges.
    """

    distribution: Joint
    decoder: Decoder
    alpha: float
    density: str
    cuts: Array
    shares: Array
    outcomes: IntArray
    target: Array
    transition: Array
    acceptances: Array
    entry: Array
    start: Array
    classes: int
    missing_mass: float
    _sequence: IntArray
    _log2_data: FloatArray
    _start_law: Table | None
    _costs: Callable[[], Costs]
    _outside: Callable[[], tuple[IntArray, FloatArray]]

    def __repr__(self) -> str:
        return (
            f"<exact chain on {self.distribution.name}, alpha={self.alpha:g}, "
            f"{self.decoder!r}: {len(self.target):,} states, "
            f"acceptance {float(self.acceptance):.4g}>"
        )

    def _repr_html_(self) -> str:
        title = f"{self.distribution.name}, {self.decoder!r}, target mu^{self.alpha:g}"
        names = ("acceptance", "spectral_gap", "classes", "missing_mass", "ess_log2_probability",
                 "ess_mode", "density")  # fmt: skip
        return figures_table(title, {name: getattr(self, name) for name in names})

    # -- how well it does what it should ------------------------------------------------------

    @cached_property
    def stationarity_error(self) -> float | Fraction:
        """Largest entry of |pi P - pi|; 0 in fractions."""
        return _plain(abs(self.target @ self.transition - self.target).max())

    @cached_property
    def balance_error(self) -> float | Fraction:
        """Largest |pi_a P_ab - pi_b P_ba| (detailed balance); 0 in fractions."""
        flow = self.target[:, None] * self.transition
        return _plain(abs(flow - flow.T).max())

    @cached_property
    def acceptance(self) -> float | Fraction:
        """Probability that a proposal is accepted, in stationarity."""
        return _plain((self.target * self.acceptances).sum())

    @cached_property
    def eigenvalues(self) -> FloatArray:
        """``(N,)`` of the transition matrix, decreasing; the first is 1.

        None is negative: for any one set of positions the chain is an independence sampler given
        the rest, whose eigenvalues are not (Liu 1996), and a step mixes these. Only a decoder that
        overwrites tokens it was given can have others.
        """
        p = np.asarray(self.transition, np.float64)
        return np.asarray(np.linalg.eigvalsh(np.sqrt(p * p.T))[::-1])

    @cached_property
    def spectral_gap(self) -> float:
        """1 less the second largest modulus of an eigenvalue; 1.0 where there is one state.

        With whole proposals and the marginal density it is ``1 / largest_weight``.
        """
        others = abs(self.eigenvalues[1:])
        return nonnegative(1.0 - float(others.max()), zero=ROUNDING) if len(others) else 1.0

    @cached_property
    def largest_weight(self) -> float | None:
        """w* = max pi/q for whole proposals; None where some keep a part of the sequence.

        After k moves from the proposal law, TV <= (1 - 1/w*)^(k + 1). inf where q misses a state.
        """
        if not self.cuts.all():
            return None
        target, entry = (np.asarray(a, np.float64) for a in (self.target, self.entry))
        if (entry[target > 0] == 0).any():
            return math.inf
        return float((target[target > 0] / entry[target > 0]).max())

    # -- how fast -----------------------------------------------------------------------------

    def total_variation(self, steps: int) -> Array:
        """``(steps + 1,)`` total variation distance to the target, never increasing."""
        goal = self._by_sequence(self.target)
        laws = self._laws(steps)
        if self.target.dtype == object:
            zero = Fraction(0)
            found = [sum((max(p, zero) for p in goal - law), zero) for law in laws]
            return np.array(found, dtype=object)
        excess = [math.fsum(np.maximum(goal - law, 0)) for law in laws]
        return nonnegative(np.array(excess), zero=DECODED_ZERO)

    def kl(self, steps: int) -> FloatArray:
        """``(steps + 1,)`` KL(target || law) in bits; inf while an outcome cannot be reached."""
        goal = np.asarray(self._by_sequence(self.target), np.float64)
        out = []
        for law in self._laws(steps):
            now = np.asarray(law, np.float64)
            on = goal > 0
            if (now[on] == 0).any():
                out.append(math.inf)
            else:
                out.append(math.fsum(goal[on] * np.log2(goal[on] / now[on])))
        return nonnegative(np.array(out), zero=DECODED_ZERO)

    def validity(self, steps: int) -> Array:
        """``(steps + 1,)`` probability of being on the support of the data."""
        return np.array([_plain(law.sum()) for law in self._laws(steps)])

    def law(self, step: int) -> Table:
        """The law of the sequence after ``step`` moves, as a distribution."""
        number = _validation.integer("step", step, minimum=0)
        if number == 0 and self._start_law is not None:
            return self._start_law
        law = self._laws(number)[-1]
        sequences, d = self.distribution.table().outcomes, self.distribution
        off = 1 - law.sum()
        weights: Array = law
        if off > self._negligible:
            outside, share = self._outside()
            sequences = np.concatenate([sequences, outside])
            weights = np.concatenate([np.asarray(law, np.float64), float(off) * share])
        exact = weights.dtype == object and math.lcm(*(w.denominator for w in weights)) < 2**53
        if not exact:
            weights = np.asarray(weights, np.float64)
            weights = weights / math.fsum(weights)
        return Table(
            sequences, weights, alphabet_sizes=d.alphabet_sizes, labels=d.labels, names=d.names,
            template=d.template, name=f"{d.name} after {number} steps towards mu^{self.alpha:g}",
        )  # fmt: skip

    def _laws(self, steps: int) -> list[Array]:
        """Laws over the sequences of the support after 0 … ``steps`` moves."""
        number = _validation.integer("steps", steps, minimum=0)
        state, out = self.start, []
        for step in range(number + 1):
            out.append(self._by_sequence(state))
            if step < number:
                off = 1 - state.sum()
                state = state @ self.transition
                if off > self._negligible:
                    state = state + off * self.entry
        return out

    @property
    def _negligible(self) -> float:
        """What rounding may leave off the support."""
        return 0.0 if self.start.dtype == object else DECODED_ZERO

    def _by_sequence(self, law: Array) -> Array:
        out = np.zeros(len(self._log2_data), law.dtype)
        np.add.at(out, self._sequence, law)
        return out

    # -- what it costs ------------------------------------------------------------------------

    @property
    def calls_per_step(self) -> float:
        """Expected model calls of a proposal, in stationarity; evaluating mu not included."""
        return self._expected.calls

    @property
    def evaluations_per_step(self) -> float:
        """Expected sequences evaluated for a proposal, in stationarity."""
        return self._expected.evaluated

    @cached_property
    def _expected(self) -> Costs:
        return self._costs()

    def calls_per_accepted(self, *, target_calls: float = 0.0) -> float:
        """Expected model calls per accepted sequence, in stationarity.

        Args:
            target_calls: model calls that it takes to find mu of a proposal: 0 where the law is
                known; n one by one, or 1 batched, for a network's left-to-right score.
        """
        extra = _validation.number("target_calls", target_calls, minimum=0)
        return (self.calls_per_step + extra) / float(self.acceptance)

    def autocorrelation_time(self, values: object) -> float | None:
        """Integrated autocorrelation time of a function of the sequence, in steps.

        1 + 2 sum_k rho_k, with rho_k the correlation k steps apart in stationarity: the mean of a
        long run is as good as that of one independent sample every so many steps. None where the
        function is constant.

        Args:
            values: ``(M,)``, one for each outcome of ``distribution.table()``.
        """
        given = np.asarray(values, np.float64)
        if given.shape != self._log2_data.shape or not np.isfinite(given).all():
            raise ValueError(
                f"values must be {len(self._log2_data)} finite numbers, one per outcome, "
                f"got {_validation.shown(values)}"
            )
        if self.classes > 1:
            raise ValueError(f"values never mix: the chain has {self.classes} classes of states")
        pi = np.asarray(self.target, np.float64)
        f = given[self._sequence]
        f = f - pi @ f
        variance = float(pi @ f**2)
        if variance <= (ROUNDING * (1 + abs(given).max())) ** 2:
            return None
        p = np.asarray(self.transition, np.float64)
        g = np.linalg.solve(np.eye(len(pi)) - p + pi[None, :], f)
        return float(2 * (pi @ (f * g)) / variance - 1)

    @cached_property
    def ess_log2_probability(self) -> float | None:
        """Effective sample size per step for log2 mu; None where mu is uniform."""
        time = self.autocorrelation_time(self._log2_data)
        return None if time is None else 1 / time

    @cached_property
    def ess_mode(self) -> float | None:
        """Effective sample size per step for being at a mode of mu; None where all are."""
        modes = at_mode(self._log2_data, float(self._log2_data.max()))
        time = self.autocorrelation_time(modes.astype(np.float64))
        return None if time is None else 1 / time

    def to_frame(self, steps: int = 20) -> pd.DataFrame:
        """One row per step: distance to the target, validity, quality and cost so far.

        ``calls`` counts a whole decode to start from and ``calls_per_step`` for every move;
        ``log2_probability`` is E[log2 mu] in bits, -inf while the law leaves the support.
        """
        import pandas as pd

        number = _validation.integer("steps", steps, minimum=0)
        validity = self.validity(number).astype(np.float64)
        laws = [np.asarray(law, np.float64) for law in self._laws(number)]
        quality = [float(law @ self._log2_data) for law in laws]
        return pd.DataFrame(
            {
                "step": np.arange(number + 1),
                "calls": self._expected.start + self.calls_per_step * np.arange(number + 1),
                "total_variation": self.total_variation(number).astype(np.float64),
                "kl": self.kl(number),
                "validity": validity,
                "log2_probability": np.where(validity >= 1 - ROUNDING, quality, -np.inf),
            }
        )


def _plain(value: object) -> float | Fraction:
    return value if isinstance(value, Fraction) else float(value)  # type: ignore[arg-type]
