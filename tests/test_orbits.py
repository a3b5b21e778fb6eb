"""Exact runs over orbits: equal to the plain run, exact where no plain run could ever finish.

The oracle is the plain run, its outcomes added up by a canonical form written here, slowly and from
the definition of the group. Where that run is out of reach, closed forms in fractions take over.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions
from infodecode.orbits import ORBITS_FROM, ORBITS_LENGTH, Orbits
from infodecode.state import State
from infodecode.strategies import (
    BlockPolicy,
    Factor,
    FixedPartition,
    Independent,
    LeftToRight,
    OneByOne,
    Plan,
    Ranked,
    Strategy,
    Threshold,
    TopK,
    WholeCanvas,
)
from tests import laws, oracle, small_strategies, translation

DRAW_FIRST = {"order": "sample-then-choose"}

SUMMARIES = (
    "absorbed", "unfinished", "finished_by_round", "validity", "kl", "reverse_kl",
    "total_variation", "coverage", "mode_probability", "rounds", "expected_rounds",
    "expected_calls", "expected_evaluations", "entropy",
)  # fmt: skip


# The comparison ---------------------------------------------------------------------------------


@cache
def names_of_tokens(multiset: tuple[int, ...], width: int) -> tuple[int, ...]:
    """The first sorted sequence that some renaming of the tokens leads to."""
    return min(
        tuple(sorted(name[token] for token in multiset))
        for name in itertools.permutations(range(width))
    )


def canonical(d, sequence) -> tuple[int, ...]:
    """What all sequences of an orbit have in common, by trying every renaming."""
    multiset = tuple(sorted(sequence))
    if d.exchangeable == "positions":
        return multiset
    return names_of_tokens(multiset, max(d.alphabet_sizes))


def added_up(run) -> dict[tuple[int, ...], float]:
    total: dict[tuple[int, ...], list[float]] = defaultdict(list)
    for outcome, p in zip(run.outcomes.tolist(), run.probabilities.tolist(), strict=True):
        total[canonical(run.distribution, outcome)].append(p)
    return {orbit: math.fsum(parts) for orbit, parts in total.items()}


def figure(run, name):
    """A summary, or the message of its refusal, without the rounded numbers in it."""
    try:
        return getattr(run, name)
    except ValueError as refusal:
        return str(refusal).split(":")[0]


def assert_equal(plain, over_orbits) -> None:
    assert plain.orbit_sizes is None
    assert over_orbits.orbit_sizes is not None
    expected, actual = added_up(plain), added_up(over_orbits)
    assert len(actual) == len(over_orbits.outcomes)
    assert actual == pytest.approx(expected, rel=1e-10, abs=1e-13)
    for name in SUMMARIES:
        value, theirs = figure(plain, name), figure(over_orbits, name)
        if isinstance(value, str):
            assert theirs == value, name
        else:
            np.testing.assert_allclose(
                np.asarray(theirs, float), np.asarray(value, float), 1e-10, 1e-12, err_msg=name
            )
    assert over_orbits.largest_round <= plain.largest_round


def assert_orbits_agree(d, decoder, **options) -> None:
    plain = infodecode.exact(d, decoder, orbits=False, **options)
    assert_equal(plain, infodecode.exact(d, decoder, orbits=True, **options))


def assert_agree_or_refused(d, decoder, **options) -> None:
    """For decoders that a reduction may well decline, but must not get wrong."""
    try:
        run = infodecode.exact(d, decoder, orbits=True, **options)
    except ValueError as refusal:
        assert "orbits" in str(refusal)
    else:
        assert_equal(infodecode.exact(d, decoder, orbits=False, **options), run)


# Laws and decoders ------------------------------------------------------------------------------


class AnyOrder(distributions.Table):
    """A table whose author promises that any order of the positions gives the same law."""

    exchangeable = "positions"


class AnyOrderAnyNames(distributions.Table):
    """Any names of the tokens, too."""

    exchangeable = "positions and tokens"


def spread(length: int, width: int, weight_of, *, rename: bool):
    """A symmetric law: the weight of an outcome is that of its multiset, or of its pattern."""
    outcomes = list(itertools.product(range(width), repeat=length))
    family = AnyOrderAnyNames if rename else AnyOrder
    patterns = [canonical(Pattern(family.exchangeable, (width,)), y) for y in outcomes]
    weights = np.array([weight_of(pattern) for pattern in patterns])
    if weights.dtype.kind == "f":
        weights /= weights.sum()
    return family(outcomes, weights, alphabet_sizes=[width] * length)


@dataclass(frozen=True)
class Pattern:
    """As much of a law as `canonical` asks for."""

    exchangeable: str
    alphabet_sizes: tuple[int, ...]


@st.composite
def symmetric_laws(draw: st.DrawFn):
    """Random symmetric laws, off-support patterns and ties among them; n**V at most 81."""
    length, width = draw(st.sampled_from([(4, 3), (3, 3), (4, 2), (5, 2), (3, 4), (2, 3), (1, 2)]))
    rename = draw(st.booleans())
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    largest = int(generator.integers(1, 5))
    counted = bool(generator.integers(2))
    known: dict[tuple[int, ...], float] = {}

    def weight_of(pattern):
        if pattern not in known:
            count = int(generator.integers(0, largest + 1))
            known[pattern] = count if counted or not count else generator.uniform(0.05, 1)
        return known[pattern]

    everything = itertools.product(range(width), repeat=length)
    patterns = {canonical(Pattern(kind(rename), (width,)), y) for y in everything}
    if not any(map(weight_of, sorted(patterns))):
        known[min(patterns)] = 1
    return spread(length, width, weight_of, rename=rename)


def kind(rename: bool) -> str:
    return "positions and tokens" if rename else "positions"


def as_oracle(d) -> oracle.Law:
    """The law in fractions; what rounded floats meant is near enough to put thresholds on."""
    pairs = zip(d.table().outcomes.tolist(), d.table().weights.tolist(), strict=True)
    return oracle.normalised({tuple(y): Fraction(w) for y, w in pairs})


@st.composite
def decoders(draw: st.DrawFn, d) -> Decoder:
    """Any library decoder that treats positions alike."""
    law = as_oracle(d)
    dialect = draw(laws.DIALECTS)
    rule = draw(
        st.one_of(
            laws.TOP_K.filter(lambda rule: rule.by != "left_to_right"),
            laws.thresholds(law, dialect),
            laws.factors(law, dialect),
        )
    )
    lowest_tokens = dialect.temperature == 0 and d.exchangeable == "positions and tokens"
    return translation.decoder(
        rule,
        oracle.Dialect(
            temperature=dialect.temperature,
            order=dialect.order,
            token_ties="random" if lowest_tokens else dialect.token_ties,
            confidence=dialect.confidence,
        ),
    )


MODES = st.sampled_from(["absorb", "marginal", "uniform"])


@given(data=st.data(), off_support=MODES, max_rounds=st.sampled_from([None, None, None, 1, 2]))
def test_orbits_of_any_symmetric_law_and_any_decoder(data, off_support, max_rounds):
    d = data.draw(symmetric_laws())
    decoder = data.draw(decoders(d))
    assert_orbits_agree(d, decoder, off_support=off_support, max_rounds=max_rounds)


# Every library strategy, on a grid --------------------------------------------------------------


def even_weight(n: int):
    """Uniform over the words of n bits with an even number of ones."""
    return spread(n, 2, lambda word: int(sum(word) % 2 == 0), rename=False)


def rare_repeats(n: int):
    """Three tokens whose names do not matter, patterns of unequal weight, some impossible."""
    return spread(n, 3, lambda pattern: max(0, 3 - 2 * pattern.count(1)), rename=True)


FAMILIES = (
    [distributions.permutations(n) for n in range(1, 5)]
    + [distributions.replace_random(n) for n in range(1, 6)]
    + [even_weight(4), rare_repeats(4)]
)

STRATEGIES = (
    *(TopK(k, by) for k in (1, 2, (1, 2), (3, 1, 1)) for by in
      ("random", "confidence", "margin", "entropy")),
    *(Threshold(gamma, inclusive) for gamma in (1 / 4, 1 / 3, 1 / 2, 3 / 4, 1.0)
      for inclusive in (False, True)),
    Threshold(0.6, at_least=2),
    Threshold(0.6, at_least=3, fallback=2),
    Threshold(0.75, inclusive=True, fallback=2),
    Threshold(0.3, at_least=2, fallback=3),
    *(Factor(factor, as_shipped) for factor in (0.5, 1.0, 4 / 3, 1.5, 2.0, 3.0)
      for as_shipped in (False, True)),
)  # fmt: skip

DIALECTS = [
    {"temperature": temperature, "order": order, "confidence": confidence}
    for temperature in (0.0, 0.5, 1.0)
    for order in ("choose-then-sample", "sample-then-choose")
    for confidence in ("untempered", "tempered")
    if temperature != 1 or confidence == "untempered"
]


def modes(d) -> list[str]:
    structured = isinstance(d, distributions.Permutations | distributions.ReplaceRandom)
    return ["absorb", "marginal", "uniform", *(["natural"] if structured else [])]


def grid(d):
    return itertools.product(STRATEGIES, DIALECTS, modes(d))


def named(d) -> str:
    return f"{d.name} of {d.length}"


@pytest.mark.parametrize("d", FAMILIES, ids=named)
def test_orbits_equal_the_plain_run(d):
    """Every 11th of all settings: 11 divides no number of dialects, modes or strategies."""
    for strategy, dialect, off_support in itertools.islice(grid(d), 0, None, 11):
        assert_orbits_agree(d, Decoder(strategy, **dialect), off_support=off_support)


@pytest.mark.slow
@pytest.mark.parametrize(
    "d",
    [*FAMILIES, distributions.permutations(5), distributions.replace_random(6), even_weight(5)],
    ids=named,
)
def test_orbits_equal_the_plain_run_in_all_settings(d):
    for strategy, dialect, off_support in grid(d):
        assert_orbits_agree(d, Decoder(strategy, **dialect), off_support=off_support)


@pytest.mark.parametrize("d", [distributions.permutations(4), rare_repeats(4)], ids=named)
@pytest.mark.parametrize("max_rounds", [1, 2, 3])
def test_unfinished_runs(d, max_rounds):
    """What is still masked counts as unfinished, and what needs finished decodes is refused."""
    for strategy in (TopK(1, "confidence"), TopK((1, 2)), Threshold(0.4), Factor(1.5, True)):
        for order in ("choose-then-sample", "sample-then-choose"):
            for off_support in modes(d):
                decoder = Decoder(strategy, order=order)
                assert_orbits_agree(d, decoder, off_support=off_support, max_rounds=max_rounds)


def test_a_followed_run_that_does_not_finish_says_so():
    """The run itself ends, every decode over or absorbed; following the absorbed takes longer."""
    d, decoder = even_or_odd(5), Decoder(Factor(1.6))
    run = infodecode.exact(d, decoder, max_rounds=2)
    assert (run.validity, run.absorbed, run.unfinished) == pytest.approx((0.5, 0.5, 0))
    assert run.followed.unfinished == pytest.approx(0.5)
    for name in ("output", "entropy", "rounds", "expected_rounds", "expected_calls",
                 "expected_evaluations"):  # fmt: skip
        with pytest.raises(ValueError, match="had not after 2 rounds; raise max_rounds"):
            getattr(run, name)
    assert "entropy" not in run.summary()


def even_or_odd(n: int):
    """All zeros or all ones."""
    return spread(n, 2, lambda word: int(len(set(word)) == 1), rename=False)


# Orbits themselves ------------------------------------------------------------------------------


def images(d, sequence) -> set[tuple[int, ...]]:
    """Everything that the group makes of a sequence, one element of the group after another."""
    width = max(d.alphabet_sizes)
    names = (
        itertools.permutations(range(width)) if d.exchangeable != "positions" else [range(width)]
    )
    return {
        tuple(-1 if sequence[i] < 0 else name[sequence[i]] for i in order)
        for name in names
        for order in itertools.permutations(range(d.length))
    }


ORBITS_OF = [
    *(distributions.permutations(n) for n in range(1, 5)),
    *(distributions.replace_random(n) for n in range(1, 5)),
    rare_repeats(4),
    even_weight(3),
]


@pytest.mark.parametrize("d", ORBITS_OF, ids=named)
def test_one_canvas_stands_for_each_orbit(d):
    orbits = Orbits(d)
    left = set(itertools.product(range(-1, max(d.alphabet_sizes)), repeat=d.length))
    stand_ins = set()
    while left:
        orbit = images(d, next(iter(left)))
        left -= orbit
        canonical_ones = orbits.canonical(np.array(sorted(orbit), np.int32))
        (stand_in,) = set(map(tuple, canonical_ones.tolist()))
        assert stand_in in orbit
        stand_ins.add(stand_in)
        if -1 not in stand_in:
            assert orbits.size(np.array(stand_in)) == len(orbit)
            assert orbits.size(np.array(max(orbit))) == len(orbit)
    assert len(set(map(frozenset, (images(d, y) for y in stand_ins)))) == len(stand_ins)


@pytest.mark.parametrize("d", ORBITS_OF, ids=named)
def test_orbit_sizes_of_a_run_count_its_sequences(d):
    """A round of everything from uniform marginals reaches every sequence."""
    decoder = Decoder(TopK(d.length))
    run = infodecode.exact(d, decoder, orbits=True, off_support="marginal")
    for outcome, size in zip(run.outcomes.tolist(), run.orbit_sizes, strict=True):
        assert size == len(images(d, outcome))
    assert len(run.orbit_sizes) == len(run.weights)
    if d.length > 1:
        width = max(d.alphabet_sizes)
        assert sum(run.orbit_sizes) == width**d.length


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
    even_weight(4),
    rare_repeats(3),
    rare_repeats(4),
]


@pytest.mark.parametrize("d", SMALL, ids=named)
@pytest.mark.parametrize("case", OWN)
def test_strategies_of_ones_own(d, case):
    decoder = OWN[case]
    for off_support in ("marginal", "uniform"):
        assert_orbits_agree(d, decoder, off_support=off_support, max_rounds=5)


@pytest.mark.parametrize("d", [distributions.replace_random(4), even_weight(4)], ids=named)
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


# Closed forms at fifty positions and beyond -----------------------------------------------------


def near(value) -> object:
    return pytest.approx(float(value), rel=1e-11, abs=0)


def rounds_of(n: int, k: int) -> list[int]:
    """Sizes of rounds of k, the last one shorter."""
    return [min(k, m) for m in range(n, 0, -k)]


def left_before(sizes) -> list[int]:
    """How many positions are masked before each round."""
    return [sum(sizes[t:]) for t in range(len(sizes))]


def falling(m: int, j: int) -> int:
    return math.perm(m, j)


def shuffle_validity(sizes) -> Fraction:
    return math.prod(
        Fraction(falling(m, j), m**j) for m, j in zip(left_before(sizes), sizes, strict=True)
    )


def replacement_validity(sizes, new=lambda m: Fraction(1, m)) -> Fraction:
    """One new item in all, where a round at m masked positions draws it with probability new(m)."""
    valid, none_yet = Fraction(0), Fraction(1)
    for m, j in zip(left_before(sizes), sizes, strict=True):
        valid += none_yet * j * new(m) * (1 - new(m)) ** (j - 1)
        none_yet *= (1 - new(m)) ** j
    return valid


def log2(value: Fraction) -> float:
    return math.log2(value.numerator) - math.log2(value.denominator)


@pytest.mark.parametrize("by", ["random", "confidence", "margin", "entropy"])
@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 50])
@pytest.mark.parametrize("n", [50, 100])
def test_shuffle_in_rounds_of_k(n, k, by):
    """PB-10 and PB-9, general sizes. Every order is a random order on Shuffle."""
    run = infodecode.exact(distributions.permutations(n), Decoder(TopK(k, by)))
    sizes = rounds_of(n, k)
    assert run.validity == near(shuffle_validity(sizes))
    assert run.absorbed == pytest.approx(float(1 - shuffle_validity(sizes)), abs=1e-13)
    bits = sum(j * math.log2(m) for m, j in zip(left_before(sizes), sizes, strict=True))
    floor = bits - math.log2(math.factorial(n))
    assert run.kl == pytest.approx(max(floor, 0.0), rel=1e-11, abs=1e-11 * bits)
    assert run.kl == pytest.approx(-log2(shuffle_validity(sizes)), rel=1e-11, abs=1e-12)
    assert run.orbit_sizes == (math.factorial(n),)
    assert run.coverage == 1
    assert run.mode_probability == run.validity
    assert run.total_variation == pytest.approx(float(1 - shuffle_validity(sizes)), abs=1e-13)


def test_shuffle_by_a_schedule_of_sizes():
    sizes = (7, 1, 12, 5)
    run = infodecode.exact(distributions.permutations(50), Decoder(TopK(sizes)))
    assert run.validity == near(shuffle_validity([7, 1, 12, 5, 5, 5, 5, 5, 5]))


@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 49, 50])
@pytest.mark.parametrize("n", [50, 100])
def test_replace_random_in_rounds_of_k(n, k):
    """PB-13; a random order leaves each new place equally likely, so KL is -log2 validity."""
    run = infodecode.exact(distributions.replace_random(n), Decoder(TopK(k)))
    expected = replacement_validity(rounds_of(n, k))
    assert run.validity == near(expected)
    assert run.kl == pytest.approx(-log2(expected), rel=1e-11, abs=1e-12)
    assert run.orbit_sizes == (n,)


def test_the_formula_is_the_known_one():
    """PB-13 as printed for n = 6, k = 2, and at k = n."""
    assert replacement_validity([2, 2, 2]) == Fraction(845, 1152)
    assert replacement_validity([50]) == Fraction(49, 50) ** 49
    assert shuffle_validity([2, 2, 1]) == Fraction(3 * 1, 5 * 3) * 4 * 1


@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 50])
@pytest.mark.parametrize("power", [2, 3])
def test_tempered_replace_random(k, power):
    """Shuffle does not feel the temperature; Replace Random sharpens."""

    def new(m: int) -> Fraction:
        return Fraction(1, 1 + (m - 1) ** power)

    decoder = Decoder(TopK(k), temperature=1 / power)
    run = infodecode.exact(distributions.replace_random(50), decoder)
    assert run.validity == near(replacement_validity(rounds_of(50, k), new))
    run = infodecode.exact(distributions.permutations(50), decoder)
    assert run.validity == near(shuffle_validity(rounds_of(50, k)))


@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
@pytest.mark.parametrize("by", ["random", "confidence"])
@pytest.mark.parametrize("n", [48, 49, 50, 51])
def test_greedy_replace_random(n, by, order):
    """PB-12: the size of the last round decides."""
    for k in (1, 2, 3, 7, n // 2, n):
        decoder = Decoder(TopK(k, by), temperature=0.0, order=order)
        run = infodecode.exact(distributions.replace_random(n), decoder)
        last = rounds_of(n, k)[-1]
        assert run.validity == pytest.approx({1: 1.0, 2: 0.5}.get(last, 0.0), rel=1e-11, abs=0)


def drawn_first(n: int, k: int) -> Fraction:
    """Replace Random, the k most probable drawn tokens: keeps go first, or a new one with few."""
    valid = Fraction(0), Fraction(1)
    known = list(valid)
    for m in range(2, n + 1):
        new, j = Fraction(1, m), min(k, m)
        total = Fraction(0)
        for keeps in range(m + 1):
            drawn = math.comb(m, keeps) * (1 - new) ** keeps * new ** (m - keeps)
            if m == 2:
                total += drawn * tied_pair(keeps, j)
            elif keeps >= j:
                total += drawn * (known[m - j] if m > j else 0)
            elif keeps == j - 1:
                total += drawn
        known.append(total)
    return known[n]


def tied_pair(keeps: int, j: int) -> Fraction:
    """Two masked positions, keep and new equally probable: one of them goes, or both at once."""
    return Fraction(1) if j == 1 else Fraction(int(keeps == 1))


@pytest.mark.parametrize("k", [1, 2, 3, 7, 25, 50])
def test_replace_random_by_the_drawn_tokens_confidence(k):
    decoder = Decoder(TopK(k, "confidence"), **DRAW_FIRST)
    run = infodecode.exact(distributions.replace_random(50), decoder)
    assert run.validity == near(drawn_first(50, k))


@pytest.mark.parametrize("k", [1, 2, 5, 20])
def test_shuffle_by_the_drawn_tokens_confidence(k):
    """All drawn tokens are equally probable: a random order again."""
    run = infodecode.exact(
        distributions.permutations(20), Decoder(TopK(k, "confidence"), **DRAW_FIRST)
    )
    assert run.validity == near(shuffle_validity(rounds_of(20, k)))


THRESHOLDS = [*(Fraction(1, m) for m in (1, 2, 3, 7, 49, 50)), *map(Fraction, ("0.3", "0.019"))]


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("gamma", THRESHOLDS, ids=str)
def test_shuffle_by_threshold(gamma, inclusive):
    """PB-14: one by one down to M masked positions, then all of them at once."""
    n = 50
    passing = [m for m in range(1, n + 1) if Fraction(1, m) > gamma - Fraction(inclusive, 10**9)]
    largest = max(passing, default=1)
    decoder = Decoder(Threshold(float(gamma), inclusive))
    run = infodecode.exact(distributions.permutations(n), decoder)
    assert run.validity == near(Fraction(math.factorial(largest), largest**largest))


@pytest.mark.parametrize(("at_least", "fallback"), [(1, 3), (4, 1), (4, 7), (7, 4)])
def test_shuffle_by_threshold_with_quotas(at_least, fallback):
    """Rounds of the larger of both numbers, until all that is left passes at once."""
    n, passes = 50, 10
    sizes = []
    while (m := n - sum(sizes)) > 0:
        sizes.append(m if m <= passes else max(at_least, fallback))
    decoder = Decoder(Threshold(1 / 10.5, at_least=at_least, fallback=fallback))
    run = infodecode.exact(distributions.permutations(n), decoder)
    assert run.validity == near(shuffle_validity(sizes))


def factor_size(m: int, factor: Fraction, as_shipped: bool) -> int:
    """The rule at m positions that all have confidence 1/m."""
    gap = 1 - Fraction(1, m)
    passing = [
        j
        for j in range(1, m + 1)
        if (j + 1) * gap < factor or (as_shipped and (j + 1) * gap == factor)
    ]
    size = max(passing, default=1)
    return m if as_shipped and size == m - 1 else size


@pytest.mark.parametrize("as_shipped", [False, True])
@pytest.mark.parametrize("factor", [Fraction(1), Fraction(19, 10), Fraction(49, 10), Fraction(30)])
def test_shuffle_by_factor(factor, as_shipped):
    """5 · (1 - 1/50) is 4.9: the boundary, on either side of which the two rules fall."""
    sizes = []
    while (m := 50 - sum(sizes)) > 0:
        sizes.append(factor_size(m, factor, as_shipped))
    decoder = Decoder(Factor(float(factor), as_shipped))
    run = infodecode.exact(distributions.permutations(50), decoder)
    assert run.validity == near(shuffle_validity(sizes))


@pytest.mark.parametrize("n", [50, 100])
def test_greedy_replace_random_by_threshold(n):
    """PB-15: all at once if (n - 1)/n passes, and then nothing is new; else one by one."""
    for gamma, inclusive, valid in (
        ((n - 1) / n - 1e-9, False, 0.0),
        ((n - 1) / n, False, 1.0),
        ((n - 1) / n, True, 0.0),
        ((n - 1) / n + 1e-9, True, 1.0),
        (1.0, False, 1.0),
    ):
        decoder = Decoder(Threshold(gamma, inclusive), temperature=0.0)
        run = infodecode.exact(distributions.replace_random(n), decoder)
        assert run.validity == pytest.approx(valid, rel=1e-11, abs=0)


def test_the_whole_output_law_of_one_round():
    """Everything at once from the marginals: independent positions, off the support too."""
    n = 30
    run = infodecode.exact(distributions.permutations(n), Decoder(TopK(n)), off_support="marginal")
    assert sum(run.orbit_sizes) == n**n
    assert len(run.orbit_sizes) == 5604
    assert run.entropy == near(n * math.log2(n))
    assert run.validity == near(Fraction(math.factorial(n), n**n))
    n = 100
    run = infodecode.exact(distributions.replace_random(n), Decoder(TopK(n)))
    assert run.absorbed == pytest.approx(1 - float(Fraction(n - 1, n) ** (n - 1)), rel=1e-11)
    assert run.followed.orbit_sizes == tuple(
        math.comb(n, new) for new in run.followed.outcomes.sum(axis=1).tolist()
    )
    each = math.log2(n) - (n - 1) / n * math.log2(n - 1)
    assert run.entropy == near(n * each)
    np.testing.assert_array_equal(run.rounds, [0, 1])


def test_expected_rounds_at_fifty_positions():
    """Off the support by the natural rule: in rounds of k there are ceil(n / k) of them."""
    decoder = Decoder(TopK(7))
    run = infodecode.exact(distributions.replace_random(50), decoder, off_support="natural")
    assert run.expected_rounds == near(8)
    assert run.expected_calls == near(8)
    assert run.expected_evaluations == near(8)


def test_the_longest_sequences():
    n = ORBITS_LENGTH
    run = infodecode.exact(distributions.permutations(n), Decoder(TopK(2)))
    assert run.validity == near(shuffle_validity(rounds_of(n, 2)))
    run = infodecode.exact(distributions.replace_random(n), Decoder(TopK(9)))
    assert run.validity == near(replacement_validity(rounds_of(n, 9)))
    for d in (distributions.permutations(n + 1), distributions.replace_random(n + 1)):
        with pytest.raises(ValueError, match=f"it has more than {n} positions"):
            infodecode.exact(d, Decoder(OneByOne()), orbits=True)


# What cannot be followed ------------------------------------------------------------------------


class Blocks(BlockPolicy):
    """One's own, all positions open: equal to no other policy."""

    def feasible(self, state: State):
        return state.masked


@dataclass(frozen=True)
class Undeclared(Strategy):
    def plan(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), 2, ties="random")


SHUFFLE, REPLACE = distributions.permutations(50), distributions.replace_random(50)
LOWEST_TOKENS = {"token_ties": "lowest", "temperature": 0.0}

REFUSED = {
    "order by place": (
        SHUFFLE, Decoder(TopK(2, by="left_to_right")), "left_to_right.* does not treat all positions"
    ),
    "fixed partition": (
        REPLACE, Decoder(FixedPartition([range(25), range(25, 50)])),
        "FixedPartition.* does not treat all positions alike",
    ),
    "undeclared": (REPLACE, Decoder(Undeclared()), r"Undeclared\(\) does not treat all positions"),
    "own memory": (
        REPLACE, Decoder(small_strategies.StableConfidence(0.9)), "does not treat all positions"
    ),
    "blocks": (SHUFFLE, Decoder(TopK(2), blocks=LeftToRight(5)), "LeftToRight.* by their place"),
    "own blocks": (SHUFFLE, Decoder(TopK(2), blocks=Blocks()), "opens positions by their place"),
    "lowest positions": (
        SHUFFLE, Decoder(TopK(2), position_ties="lowest"), "position_ties='lowest' prefers"
    ),
    "lowest tokens": (SHUFFLE, Decoder(TopK(2), **LOWEST_TOKENS), "token_ties='lowest' prefers"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    d, decoder, reason = REFUSED[case]
    with pytest.raises(
        ValueError, match=f"orbits=True needs a symmetric law and dec.*: .*{reason}"
    ):
        infodecode.exact(d, decoder, orbits=True)


@pytest.mark.parametrize(
    "case",
    ["order by place", "fixed partition", "undeclared", "blocks", "lowest positions"],
)
def test_a_run_too_large_says_what_the_symmetry_lacks(case):
    _, decoder, reason = REFUSED[case]
    with pytest.raises(ValueError, match=f"its symmetry cannot shorten this run: .*{reason}"):
        infodecode.exact(SHUFFLE, decoder, max_children=1000)


def test_lowest_tokens_matter_only_where_tokens_are_alike_and_tied():
    decoder = Decoder(TopK(2), **LOWEST_TOKENS)
    assert infodecode.exact(REPLACE, decoder, orbits=True).validity == 0
    warm = Decoder(TopK(2), token_ties="lowest")
    assert infodecode.exact(SHUFFLE, warm).validity == near(shuffle_validity([2] * 25))


@pytest.mark.parametrize("off_support", ["absorb", "marginal"])
def test_laws_and_models_without_the_symmetry(off_support):
    d, decoder = distributions.replace_random(4), Decoder(TopK(2))
    not_alike = "the positions of .* are not exchangeable"
    for law in (
        d.table(),
        distributions.concatenate(d, d),
        distributions.mixture([d, d], [0.5, 0.5]),
        distributions.derangements(4),
        distributions.copy(4),
    ):
        if law.exchangeable is None:
            with pytest.raises(ValueError, match=not_alike):
                infodecode.exact(law, decoder, orbits=True, off_support=off_support)
    with pytest.raises(ValueError, match="the model is not the ideal one"):
        infodecode.exact(d, decoder, model=infodecode.NoisyModel(d, 0.1), orbits=True)


def test_fractions_are_refused_for_what_they_are():
    """The law is exchangeable; it is the arithmetic that orbits cannot carry."""
    d, decoder = distributions.replace_random(4), Decoder(TopK(2))
    with pytest.raises(ValueError, match="rational"):
        infodecode.exact(d, decoder, arithmetic="rational", orbits=True)
    symmetric = even_weight(4)
    assert infodecode.exact(symmetric, decoder, arithmetic="rational").validity == Fraction(1, 2)
    with pytest.raises(ValueError, match="rational"):
        infodecode.exact(symmetric, decoder, arithmetic="rational", orbits=True)


def test_the_ideal_model_by_name_is_the_ideal_model():
    d, decoder = REPLACE, Decoder(TopK(7))
    model = infodecode.IdealModel(d)
    run = infodecode.exact(d, decoder, model=model)
    assert run.validity == near(replacement_validity(rounds_of(50, 7)))
    other = infodecode.IdealModel(distributions.replace_random(50).table())
    with pytest.raises(ValueError, match="the model is not the ideal one"):
        infodecode.exact(d, decoder, model=other, orbits=True)


@pytest.mark.parametrize("family", [distributions.permutations, distributions.replace_random])
def test_orbits_are_followed_from_ten_positions_on(family):
    decoder = Decoder(TopK(1))
    below, above = family(ORBITS_FROM - 1), family(ORBITS_FROM)
    assert ORBITS_FROM == 10
    small = Decoder(TopK((1, 1), "left_to_right"), temperature=0.0, token_ties="lowest")
    assert infodecode.exact(above, small).orbit_sizes is None
    assert infodecode.exact(above, decoder).orbit_sizes is not None
    assert infodecode.exact(below, decoder, orbits=True).orbit_sizes is not None
    assert infodecode.exact(below, decoder).orbit_sizes is None
    with pytest.raises(TypeError, match="orbits must be"):
        infodecode.exact(above, decoder, orbits="yes")


def test_orbits_can_be_declined():
    d, decoder = distributions.replace_random(12), Decoder(TopK(5))
    plain = infodecode.exact(d, decoder, orbits=False)
    assert_equal(plain, infodecode.exact(d, decoder))
    assert plain.followed.orbit_sizes is None
    assert infodecode.exact(d, decoder).followed.orbit_sizes is not None
    assert ", over orbits" in infodecode.exact(d, decoder)._repr_html_()
    assert ", over orbits" not in plain._repr_html_()
    assert infodecode.exact(d, decoder, off_support="marginal").output.name.endswith("symmetry")


def test_too_many_orbits_are_refused():
    with pytest.raises(ValueError, match="one round leads to about .* canvases, more than max_chi"):
        infodecode.exact(SHUFFLE, Decoder(TopK(50)), off_support="marginal", max_children=1000)
    drawn = Decoder(TopK(3, "confidence"), **DRAW_FIRST)
    with pytest.raises(ValueError, match="choices of positions, more than max_children=2,000"):
        infodecode.exact(distributions.permutations(16), drawn, max_children=2000)


# Simulation -------------------------------------------------------------------------------------

LONG = {
    "shuffle in pairs": (SHUFFLE, Decoder(TopK(2, "entropy"))),
    "shuffle in threes, drawn first": (
        distributions.permutations(16), Decoder(TopK(3, "confidence"), **DRAW_FIRST)
    ),
    "shuffle by threshold": (SHUFFLE, Decoder(Threshold(0.3, at_least=2))),
    "shuffle by factor": (SHUFFLE, Decoder(Factor(1.9, as_shipped=True))),
    "replace random in sevens": (REPLACE, Decoder(TopK(7))),
    "replace random, drawn first": (REPLACE, Decoder(TopK(7, "confidence"), **DRAW_FIRST)),
    "replace random, tempered": (
        REPLACE, Decoder(TopK(25, "margin"), temperature=0.8, confidence="tempered", **DRAW_FIRST)
    ),
    "replace random by threshold": (REPLACE, Decoder(Threshold(0.95), **DRAW_FIRST)),
    "replace random by factor": (REPLACE, Decoder(Factor(1.0))),
    "replace random, remasking": (REPLACE, Decoder(Remask(20, 0.2, 2))),
}  # fmt: skip


@pytest.mark.parametrize("case", LONG)
def test_simulations_at_fifty_positions_agree(case):
    d, decoder = LONG[case]
    run = infodecode.exact(d, decoder)
    assert run.orbit_sizes is not None
    simulation = infodecode.simulate(d, decoder, samples=4000, seed=11, confidence=0.9999)
    assert simulation.validity.low <= run.validity <= simulation.validity.high
    if d is REPLACE:
        rounds = simulation.expected_rounds
        assert rounds.low - 1e-9 <= run.expected_rounds <= rounds.high + 1e-9
