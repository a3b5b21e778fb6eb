"""Orbits and strategies of one's own: right, or refused."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, distributions
from infodecode.state import State
from infodecode.strategies import (
    Independent,
    Plan,
    Ranked,
    Strategy,
    TopK,
)
from tests import small_strategies
from tests.orbit_comparison import (
    DRAW_FIRST,
    assert_agree_or_refused,
    assert_orbits_agree,
    named,
    rare_repeats,
    symmetric_laws,
)

# Strategies of one's own ------------------------------------------------------------------------


class Remask(small_strategies.BernoulliRemask):
    equivariant = True


class LookAhead(small_strategies.LeastUncertaintyAfter):
    equivariant = True


class Follow(small_strategies.TryThenFollow):
    equivariant = True


@dataclass(frozen=True)
class Patient(Strategy):
    """Remembers how many rounds in a row nothing was confident; then takes that many at once."""

    gamma: float

    equivariant: ClassVar[bool] = True

    @property
    def needs(self):
        return frozenset({"confidence"})

    def start(self, canvas):
        return {"quiet": np.zeros(len(canvas), np.int64)}

    def plan(self, state: State) -> Plan:
        confident = (state.scores["confidence"] >= self.gamma - state.tolerance) & state.feasible
        some = confident.any(axis=1)
        quiet = np.where(some, 0, state.memory["quiet"] + 1)
        count = np.where(some, confident.sum(axis=1), quiet)
        return Plan((Ranked(state.scores["confidence"], count),), memory={"quiet": quiet})


@dataclass(frozen=True)
class BothKinds(Strategy):
    """Two actions at once: what is confident, and one of the others at random."""

    gamma: float

    equivariant: ClassVar[bool] = True

    @property
    def needs(self):
        return frozenset({"confidence"})

    def plan(self, state: State) -> Plan:
        passes = (state.scores["confidence"] >= self.gamma - state.tolerance) & state.feasible
        zeros = np.zeros(state.canvas.shape)
        return Plan(
            (
                Ranked(state.scores["confidence"], passes.sum(axis=1), allowed=passes),
                Ranked(zeros, 1, allowed=state.feasible & ~passes, ties="random"),
            )
        )


@dataclass(frozen=True)
class Coins(Strategy):
    """Each position on its own with its confidence; often none, so that runs end unfinished."""

    equivariant: ClassVar[bool] = True

    @property
    def needs(self):
        return frozenset({"confidence"})

    def plan(self, state: State) -> Independent:
        return Independent(np.where(state.feasible, state.scores["confidence"], 0.0))


@dataclass(frozen=True)
class DropWorst(Strategy):
    """Random k; then mask the one just committed whose drawn token was least probable."""

    k: int
    until: int

    equivariant: ClassVar[bool] = True
    revising: ClassVar[bool] = True

    @property
    def needs(self):
        return frozenset({"drawn_probability"})

    def plan(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), self.k, ties="random")

    def revise(self, state: State) -> Ranked:
        early = np.where(state.round < self.until, 1, 0)
        return Ranked(-state.scores["drawn_probability"], early, allowed=state.chosen)


OWN = {
    "remasking": Decoder(Remask(2, 0.3, 2)),
    "remasking all at once": Decoder(Remask(4, 0.6, 3), temperature=0.5),
    "remasking drawn tokens": Decoder(Remask(2, 0.25, 2), **DRAW_FIRST),
    "look-ahead": Decoder(LookAhead()),
    "look-ahead, greedy": Decoder(LookAhead(), temperature=0.0),
    "memory": Decoder(Patient(0.6)),
    "memory, drawn tokens": Decoder(Patient(0.4), **DRAW_FIRST),
    "two actions": Decoder(BothKinds(0.6)),
    "two actions on drawn tokens": Decoder(BothKinds(0.5), **DRAW_FIRST),
    "coins": Decoder(Coins()),
    "coins on drawn tokens": Decoder(Coins(), confidence="tempered", temperature=0.5, **DRAW_FIRST),
    "dropping the worst": Decoder(DropWorst(2, 2), **DRAW_FIRST),
    "dropping the worst of all": Decoder(DropWorst(4, 3), **DRAW_FIRST),
}

SMALL = [
    distributions.permutations(3),
    distributions.permutations(4),
    distributions.replace_random(4),
    distributions.parity(4),
    rare_repeats(3),
    rare_repeats(4),
]


@pytest.mark.parametrize("d", SMALL, ids=named)
@pytest.mark.parametrize("case", OWN)
def test_strategies_of_ones_own(d, case):
    decoder = OWN[case]
    for off_support in ("marginal", "uniform"):
        assert_orbits_agree(d, decoder, off_support=off_support, max_rounds=5)


@pytest.mark.parametrize("d", [distributions.replace_random(4), distributions.parity(4)], ids=named)
def test_a_plan_may_name_tokens_that_differ(d):
    """Where only positions are alike, the lowest of equally probable tokens is no obstacle."""
    for temperature in (0.0, 1.0):
        decoder = Decoder(Follow(), temperature=temperature)
        for off_support in ("absorb", "marginal"):
            assert_orbits_agree(d, decoder, off_support=off_support)


@dataclass(frozen=True)
class NewAndOld(Strategy):
    """One position at random; then tokens just drawn are masked again more often than old ones."""

    equivariant: ClassVar[bool] = True
    revising: ClassVar[bool] = True

    def plan(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), 1, ties="random")

    def revise(self, state: State) -> Independent:
        early = (state.round < 2)[:, None] & ~state.masked
        return Independent(np.where(early, np.where(state.chosen, 0.5, 0.125), 0.0))


@dataclass(frozen=True)
class TriedMoreOften(LookAhead):
    """Commit each tried position with probability 3/4, the others with 1/4."""

    equivariant: ClassVar[bool] = True

    def plan(self, state: State) -> Independent:
        tried = state.scores["certainty after"] > -np.inf
        return Independent(np.where(tried, 0.75, 0.25))


@dataclass(frozen=True)
class TriedAndAnother(Strategy):
    """Commit the likeliest token at a tried position, and draw one at another."""

    equivariant: ClassVar[bool] = True

    @property
    def needs(self):
        return frozenset({"token1"})

    def explore(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), 1, ties="random")

    def assess(self, state, candidates):
        tried = np.zeros(state.canvas.shape)
        tried[candidates.rows, candidates.positions] = 1
        return {"tried": tried}

    def plan(self, state: State) -> Plan:
        tried = (state.scores["tried"] > 0) & state.feasible
        tokens = state.scores["token1"].astype(np.int32)
        zeros = np.zeros(state.canvas.shape)
        return Plan(
            (
                Ranked(zeros, 1, allowed=tried, tokens=tokens),
                Ranked(zeros, 1, allowed=state.feasible & ~tried, ties="random"),
            )
        )


@dataclass(frozen=True)
class TriedAreNamed(TriedAndAnother):
    """Two positions at random; one that was tried gets its likeliest token, the other is drawn."""

    equivariant: ClassVar[bool] = True

    def plan(self, state: State) -> Ranked:
        tokens = np.where(state.scores["tried"] > 0, state.scores["token1"], -1).astype(np.int32)
        return Ranked(np.zeros(state.canvas.shape), 2, tokens=tokens, ties="random")


@dataclass(frozen=True)
class FirstToken(Strategy):
    """Token 0 at one position, whatever the model says."""

    equivariant: ClassVar[bool] = True

    def plan(self, state: State) -> Ranked:
        zeros = np.zeros(state.canvas.shape)
        return Ranked(zeros, 1, tokens=zeros.astype(np.int32), ties="random")


@dataclass(frozen=True)
class ByToken(Strategy):
    """As many positions as the number of the likeliest token, which is a name."""

    equivariant: ClassVar[bool] = True

    @property
    def needs(self):
        return frozenset({"token1"})

    def plan(self, state: State) -> Ranked:
        likeliest = state.scores["token1"].max(axis=1)
        return Ranked(np.zeros(state.canvas.shape), 1 + likeliest, ties="random")


@dataclass(frozen=True)
class TriedAndDrawn(TriedAndAnother):
    """Try one position after the tokens are drawn; commit it, and the most probable other one."""

    equivariant: ClassVar[bool] = True

    @property
    def needs(self):
        return frozenset({"drawn_probability", "token1"})

    def plan(self, state: State) -> Plan:
        tried = (state.scores["tried"] > 0) & state.feasible
        rest = state.feasible & ~tried
        drawn = state.scores["drawn_probability"]
        return Plan((Ranked(drawn, 1, allowed=tried), Ranked(drawn, 1, allowed=rest)))


@dataclass(frozen=True)
class TriedAreDropped(TriedAndAnother):
    """Commit two positions at random; one that was tried is masked again more often."""

    equivariant: ClassVar[bool] = True
    revising: ClassVar[bool] = True

    def plan(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), 2, ties="random")

    def revise(self, state: State) -> Independent:
        early = (state.round < 2)[:, None] & ~state.masked
        share = np.where(state.scores["tried"] > 0, 0.75, 0.25)
        return Independent(np.where(early, share, 0.0))


@dataclass(frozen=True)
class LowestTies(Strategy):
    """Says that it treats positions alike, and lets ties go to the lowest ones."""

    equivariant: ClassVar[bool] = True

    def plan(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), 2, ties="lowest")


@dataclass(frozen=True)
class FromTheLeft(TopK):
    """Inherits what `TopK` says of itself, and does something else."""

    def plan(self, state: State) -> Ranked:
        places = np.arange(state.canvas.shape[1])
        return Ranked(np.broadcast_to(-places, state.canvas.shape).astype(float), self.k)


HARD = {
    "new and old tokens": Decoder(NewAndOld()),
    "new and old tokens, drawn first": Decoder(NewAndOld(), **DRAW_FIRST),
    "tried more often": Decoder(TriedMoreOften()),
    "tried and another": Decoder(TriedAndAnother()),
    "tried are named": Decoder(TriedAreNamed()),
    "the first token": Decoder(FirstToken()),
    "by token": Decoder(ByToken()),
    "tried and drawn": Decoder(TriedAndDrawn(), **DRAW_FIRST),
    "tried are dropped": Decoder(TriedAreDropped()),
    "lowest ties": Decoder(LowestTies()),
    "inherits": Decoder(FromTheLeft(2)),
    "inherits, drawn first": Decoder(FromTheLeft(1), **DRAW_FIRST),
    "names tokens": Decoder(Follow()),
}


@pytest.mark.parametrize("d", SMALL, ids=named)
@pytest.mark.parametrize("case", HARD)
def test_what_sets_positions_apart_within_a_round(d, case):
    """Followed or refused, as the reduction likes; but never wrong."""
    assert_agree_or_refused(d, HARD[case], off_support="marginal", max_rounds=4)


@dataclass(frozen=True)
class Patchwork(Strategy):
    """Any mixture of what a strategy may do, its choices by scores, by rounds, by what is new."""

    by: str
    commits: str
    remasks: str
    names: bool
    again: bool

    equivariant: ClassVar[bool] = True

    @property
    def revising(self):
        return self.remasks != "none"

    @property
    def needs(self):
        return frozenset({self.by, "entropy", *(["token1"] if self.names else [])})

    def start(self, canvas):
        return {"surprises": np.zeros(len(canvas), np.int64)}

    def key(self, state: State):
        return state.scores[self.by]

    def plan(self, state: State) -> Plan:
        key = self.key(state)
        best = np.where(state.feasible, key, -np.inf).max(axis=1, keepdims=True)
        top = state.feasible & (key >= best - 1e-9)
        tokens = state.scores["token1"].astype(np.int32) if self.names else None
        one = Ranked(np.zeros(key.shape), 1, allowed=top, tokens=tokens, ties="random")
        match self.commits:
            case "top":
                actions = (Ranked(key, 2, tokens=tokens),)
            case "two actions":
                actions = (one, Ranked(key, 1, allowed=state.feasible & ~top))
            case "coins":
                actions = (one, Independent(np.where(top, 0.0, 0.3 + 0.5 * (key > 0.7))))
        surprised = (best[:, 0] < 0.5).astype(np.int64)
        memory = {"surprises": np.minimum(state.memory["surprises"] + surprised, 2)}
        return Plan(actions, memory=memory, again=self.again and not state.stage)

    def revise(self, state: State) -> Plan | Independent | Ranked | None:
        early = ((state.round < 2) & (state.memory["surprises"] < 2))[:, None]
        visible = early & ~state.masked
        match self.remasks:
            case "none":
                return None
            case "new":
                return Independent(np.where(visible & state.chosen, 0.25, 0.0))
            case "all, by age":
                return Independent(np.where(visible, np.where(state.chosen, 0.5, 0.125), 0.0))
            case "by score":
                return Independent(np.where(visible, 0.2 + 0.3 * (self.key(state) > 0.4), 0.0))
            case "a new and an old one":
                zeros = np.zeros(state.canvas.shape)
                return Plan(
                    (
                        Ranked(zeros, 1, allowed=visible & state.chosen),
                        Ranked(zeros, 1, allowed=visible & ~state.chosen),
                    )
                )
            case "the worst":
                return Ranked(-state.scores[self.by], 1, allowed=visible & state.chosen)


@dataclass(frozen=True)
class TryingPatchwork(Patchwork):
    """The same, by what two trials leave uncertain."""

    equivariant: ClassVar[bool] = True

    def explore(self, state: State) -> Ranked:
        return Ranked(-state.scores["entropy"], 2)

    def assess(self, state, candidates):
        after = np.zeros(state.canvas.shape)
        left = candidates.scores["entropy"].sum(axis=1)
        after[candidates.rows, candidates.positions] = 1 + left
        return {"after": after}

    def key(self, state: State):
        return state.scores.get("after", state.scores[self.by])


def patchwork(pick, d) -> Decoder:
    """``pick`` chooses one of several; tokens are named only where their names matter."""
    draws_first = pick([False, True])
    kinds = ["new", "all, by age", "by score", "a new and an old one", "the worst"]
    scores = ["p1", "margin", "entropy", *(["drawn_probability"] if draws_first else [])]
    return Decoder(
        pick([Patchwork, Patchwork, TryingPatchwork])(
            by=pick(scores),
            commits=pick(["top", "two actions", "coins"]),
            remasks=pick(["none", "none", "none", *kinds]),
            names=d.exchangeable == "positions" and pick([False, True]),
            again=pick([False, True]),
        ),
        temperature=pick([1.0, 0.5, 0.0]),
        order="sample-then-choose" if draws_first else "choose-then-sample",
        confidence=pick(["untempered", "tempered"]),
    )


@given(d=symmetric_laws(), seed=st.integers(0, 2**32), max_rounds=st.integers(1, 4))
def test_any_mixture_of_what_a_strategy_may_do(d, seed, max_rounds):
    decoder = patchwork(random.Random(seed).choice, d)
    options = {"off_support": "marginal", "max_rounds": max_rounds}
    if isinstance(decoder.strategy, TryingPatchwork):
        assert_agree_or_refused(d, decoder, **options)
    else:
        assert_orbits_agree(d, decoder, **options)
