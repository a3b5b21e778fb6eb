"""Three small strategies that break a loop designed around top-k, and one that uses every part.

They are the loop's proof of interface: one that remasks, one that looks ahead, one that remembers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from infodecode.state import State
from infodecode.strategies import Candidates, Independent, Plan, Ranked, Strategy


@dataclass(frozen=True)
class BernoulliRemask(Strategy):
    """Random top-k, then mask each visible token again with probability sigma, in early rounds."""

    k: int
    sigma: float
    until: int

    revising: ClassVar[bool] = True

    def plan(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), self.k, ties="random")

    def revise(self, state: State) -> Independent | None:
        early = (state.round < self.until)[:, None] & (state.canvas >= 0)
        return Independent(np.where(early, self.sigma, 0.0))

    def finished(self, state: State) -> np.ndarray:
        return ~state.masked.any(axis=1)


@dataclass(frozen=True)
class LeastUncertaintyAfter(Strategy):
    """Try the two most confident positions; commit the one that leaves the least entropy."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidence", "entropy"})

    def explore(self, state: State) -> Ranked:
        return Ranked(state.scores["confidence"], 2)

    def assess(self, state: State, candidates: Candidates) -> Mapping[str, np.ndarray]:
        left = np.full(state.canvas.shape, -np.inf)
        left[candidates.rows, candidates.positions] = -candidates.scores["entropy"].sum(axis=1)
        return {"certainty after": left}

    def plan(self, state: State) -> Ranked:
        return Ranked(state.scores["certainty after"], 1)


@dataclass(frozen=True)
class TryThenFollow(LeastUncertaintyAfter):
    """Commit the tried token itself, then what that same evaluation makes certain."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidence", "entropy", "token1"})

    def plan(self, state: State) -> Plan | Ranked:
        if state.stage == 0:
            tokens = state.scores["token1"].astype(np.int32)
            return Plan((Ranked(state.scores["certainty after"], 1, tokens=tokens),), again=True)
        certain = (state.scores["confidence"] > 1 - 1e-9) & state.feasible
        return Ranked(state.scores["confidence"], certain.sum(axis=1), allowed=certain)


@dataclass(frozen=True)
class StableConfidence(Strategy):
    """Commit what is confident in two rounds running, else the single best one (as KLASS)."""

    gamma: float

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidence"})

    def start(self, canvas: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"streak": np.zeros(canvas.shape, np.int64)}

    def plan(self, state: State) -> Plan:
        confident = (state.scores["confidence"] >= self.gamma - state.tolerance) & state.feasible
        streak = np.where(confident, state.memory["streak"] + 1, 0)
        ready = streak >= 2
        some = ready.any(axis=1)
        allowed = np.where(some[:, None], ready, state.feasible)
        count = np.where(some, ready.sum(axis=1), 1)
        action = Ranked(state.scores["confidence"], count, allowed=allowed, forced=~some)
        return Plan((action,), memory={"streak": np.minimum(streak, 2)})


@dataclass(frozen=True)
class BothEnds(Strategy):
    """Two actions at once: a random position of each half."""

    def plan(self, state: State) -> Plan:
        left = np.arange(state.canvas.shape[1]) < state.canvas.shape[1] // 2
        zeros = np.zeros(state.canvas.shape)
        return Plan(
            tuple(Ranked(zeros, 1, allowed=state.feasible & half) for half in (left, ~left))
        )
