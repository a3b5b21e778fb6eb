"""The test bench on every strategy there is, and on strategies that are broken on purpose."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies, testing
from infodecode.cli import parsing, vocabulary
from infodecode.strategies import Independent, Plan, Ranked, Strategy
from infodecode.testing import StrategyViolation, check_strategy
from infodecode.testing import _rules as rules
from tests import small_strategies

# Every strategy there is ----------------------------------------------------------------

EXAMPLES = {name: entry.example for name, entry in vocabulary.STRATEGIES.items()}

SMALL = [
    small_strategies.BernoulliRemask(2, 0.25, 2),
    small_strategies.StableConfidence(0.5),
    small_strategies.BothEnds(),
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_strategy_of_the_command_line(name):
    report = check_strategy(parsing.parse_strategy(EXAMPLES[name]), examples=4)
    assert report.examples == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_strategy_and_settings_worth_comparing(name):
    strategy = parsing.parse_strategy(EXAMPLES[name])
    check_strategy(strategy)
    for setting in type(strategy).grid(4)[::3]:
        check_strategy(setting, examples=10)


@pytest.mark.parametrize("strategy", SMALL, ids=lambda s: type(s).__name__)
def test_small_strategies(strategy):
    check_strategy(strategy, examples=10)


@pytest.mark.parametrize("orders", [None, "choose-then-sample"])
def test_a_look_ahead_that_reads_confidence(orders):
    """It is not known yet when drawing comes first."""
    strategy = small_strategies.LeastUncertaintyAfter()
    if orders:
        assert check_strategy(strategy, examples=5, order=orders).examples == 5
        return
    with pytest.raises(StrategyViolation, match=r"'confidence'.*not known before tokens are drawn"):
        check_strategy(strategy)


def test_a_policy_made_for_one_law():
    law = distributions.from_counts([[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 1]], [3, 1, 2, 2])
    policy = infodecode.adaptive_optimum(law).policy(2)
    report = check_strategy(policy, laws=law, examples=5)
    assert report[RUNS].note == "WholeCanvas; not LeftToRight, Unlocking, Clocked"
    with pytest.raises(StrategyViolation, match="is a policy for 3 positions"):
        check_strategy(policy, laws=testing.distributions(min_length=4), examples=3)


def test_what_the_report_says():
    report = check_strategy(strategies.TopK(1), examples=6)
    assert report.examples == 6
    assert 0 < report[rules.ONE_BY_ONE].examples < 6
    assert report[rules.EQUIVARIANT].examples == 6
    assert report[rules.MEMORY] == testing.Check(rules.MEMORY, 0, "none")
    text = repr(report)
    assert text.splitlines()[0] == "TopK(k=1, by='random') holds on 6 laws"
    assert len(text.splitlines()) == 1 + len(rules.RULES)
    assert "WholeCanvas, LeftToRight, Unlocking" in text
    assert "<table>" in report._repr_html_()
    with pytest.raises(KeyError, match=r"rule must be one of .* got 'speed'"):
        report["speed"]
    assert repr(check_strategy(strategies.TopK(1), examples=6)) == text


# Strategies that are broken on purpose --------------------------------------------------

RUNS = rules.RUNS
PROGRESS = rules.PROGRESS
KEEPS = rules.KEEPS
FINISHES = rules.FINISHES
SIZES = rules.SIZES
BATCHES = rules.BATCHES
AGREES = rules.AGREES
EQUIVARIANT = rules.EQUIVARIANT
ONE_BY_ONE = rules.ONE_BY_ONE
SETTINGS = rules.SETTINGS
WELL_FORMED = rules.WELL_FORMED
FEASIBLE = rules.FEASIBLE
NEEDS = rules.NEEDS
WRITES = rules.WRITES
DRAWS = rules.DRAWS
ROWS = rules.ROWS
MEMORY = rules.MEMORY
COMPLETE = rules.COMPLETE

GENERATOR = np.random.default_rng(0)


def zeros(state):
    return np.zeros(state.canvas.shape)


def everything(state):
    return state.feasible.sum(axis=1)


def first_to_last(state):
    return np.broadcast_to(-np.arange(state.canvas.shape[1]) * 1.0, state.canvas.shape)


class DrawsItsOwnOrder(Strategy):
    def plan(self, state):
        return Ranked(GENERATOR.random(state.canvas.shape), 1)


@dataclass(frozen=True)
class CountsItsCalls(Strategy):
    seen: list = field(default_factory=list)

    def plan(self, state):
        self.seen.append(state.rows)
        return Ranked(zeros(state), 1 + len(self.seen) % 2)


class WritesToScores(Strategy):
    needs = frozenset({"p1"})

    def plan(self, state):
        key = state.scores["p1"]
        key *= -1
        return Ranked(key, 1)


class WritesToTheCanvas(Strategy):
    def finished(self, state):
        over = ~state.masked.any(axis=1)
        state.canvas[~over, 0] = 0
        return over

    def plan(self, state):
        return Ranked(zeros(state), 1)


class WritesToMemory(Strategy):
    def start(self, canvas):
        return {"count": np.zeros(len(canvas), np.int64)}

    def plan(self, state):
        state.memory["count"][:] += 1
        return Ranked(zeros(state), state.memory["count"])


class DividesByZero(Strategy):
    needs = frozenset({"entropy"})

    def plan(self, state):
        with np.errstate(all="ignore"):
            return Ranked(0 / state.scores["entropy"], 1)


class DividesByZeroAloud(Strategy):
    needs = frozenset({"entropy"})

    def plan(self, state):
        return Ranked(1 / state.scores["entropy"], 1)


class ComparesWithItsNeighbours(Strategy):
    needs = frozenset({"confidence"})

    def plan(self, state):
        confidence = state.scores["confidence"]
        passes = state.feasible & (confidence >= confidence[state.feasible].mean())
        return Ranked(confidence, np.maximum(passes.sum(axis=1), 1))


class WaitsForTheSlowest(Strategy):
    def plan(self, state):
        masks = everything(state)
        return Ranked(zeros(state), np.where(masks < masks.max(), 1, 2))


class ReadsWhatItDoesNotNeed(Strategy):
    needs = frozenset({"confidence"})

    def plan(self, state):
        return Ranked(-state.scores["entropy"], 1)


class StopsAtDoubt(Strategy):
    needs = frozenset({"p1"})

    def plan(self, state):
        return Ranked(zeros(state), ((state.scores["p1"] > 0.4) & state.feasible).sum(axis=1))


class FlipsCoins(Strategy):
    def plan(self, state):
        last = (everything(state) == 1)[:, None]
        return Independent(np.where(last, 1.0, zeros(state) + 0.5))


class ActsOnEverything(Strategy):
    def plan(self, state):
        return Ranked(zeros(state), 1, allowed=np.ones(state.canvas.shape, bool))


class MasksAgainUndeclared(Strategy):
    def plan(self, state):
        return Ranked(zeros(state), 1)

    def revise(self, state):
        return Ranked(first_to_last(state), (state.round == 1).astype(int))


class NeverContent(Strategy):
    revising: ClassVar[bool] = True

    def plan(self, state):
        return Ranked(zeros(state), everything(state))

    def revise(self, state):
        return Ranked(zeros(state), 1)


@dataclass(frozen=True)
class InAHurry(strategies.TopK):
    def max_rounds(self, length):
        return max(1, length - 1)


class KeepsAHistory(Strategy):
    def start(self, canvas):
        return {"sizes": np.zeros((len(canvas), 0), np.int64)}

    def plan(self, state):
        return Plan(
            (Ranked(zeros(state), 1),),
            memory={"sizes": np.column_stack([state.memory["sizes"], everything(state)])},
        )


class ChangesItsMind(Strategy):
    def start(self, canvas):
        return {"last": np.zeros(len(canvas), np.int64)}

    def plan(self, state):
        return Plan((Ranked(zeros(state), 1),), memory={"last": state.memory["last"] / 2})


class RemembersSomethingNew(Strategy):
    def plan(self, state):
        return Plan((Ranked(zeros(state), 1),), memory={"seen": everything(state)})


class StartsWithASum(Strategy):
    def start(self, canvas):
        return {"masks": np.full(len(canvas), (canvas < 0).sum())}

    def plan(self, state):
        return Ranked(zeros(state), 1)


@dataclass(frozen=True)
class Boasts(strategies.TopK):
    def sizes(self, length):
        return (length,)


class PrefersTheLeft(Strategy):
    equivariant = True

    def plan(self, state):
        return Ranked(first_to_last(state), 2)


class PrefersEvenTokens(Strategy):
    """Waits with the position after an even token: permuted with the positions, but not renamed."""

    equivariant = True

    def plan(self, state):
        even = ((state.canvas >= 0) & (state.canvas % 2 == 0)).any(axis=1)
        return Ranked(zeros(state), np.where(even, 1, 2))


class TakesTheMode(Strategy):
    needs = frozenset({"p1", "token1"})

    def plan(self, state):
        tokens = state.scores["token1"].astype(np.int32)
        return Ranked(first_to_last(state), 1, tokens=tokens)


class HidesTheCanvas(Strategy):
    def view(self, state):
        return np.full_like(state.canvas, -1)

    def plan(self, state):
        return Ranked(first_to_last(state), 1)


class WeighsItsRows(Strategy):
    """Rows of an exact run weigh less and less; samples all weigh 1."""

    def plan(self, state):
        light = np.asarray(state.weight, float) < 1
        return Ranked(zeros(state), np.where(light, 1, 2))


class ReadsItsStream(Strategy):
    """Random to the eye, but an exact run has one stream only."""

    def plan(self, state):
        return Ranked(zeros(state), 1 + (state.stream % np.uint64(2)).astype(np.int64))


class MindsItsThread(Strategy):
    """From the left in one thread and from the right in the next: the same law, other samples."""

    def plan(self, state):
        sign = -1 if threading.current_thread().name.endswith("_1") else 1
        return Ranked(sign * first_to_last(state), 1)


class Overtakes(Strategy):
    def plan(self, state):
        return Plan((Ranked(zeros(state), 1), Ranked(first_to_last(state), 1)))


class CountsBackwards(Strategy):
    def plan(self, state):
        return Ranked(zeros(state), -everything(state))


class CountsInHalves(Strategy):
    def plan(self, state):
        return Ranked(zeros(state), everything(state) / 2)


class MoreThanCertain(Strategy):
    def plan(self, state):
        return Independent(zeros(state) + 1.5)


class NamesUnknownTokens(Strategy):
    def plan(self, state):
        return Ranked(zeros(state), 1, tokens=np.full(state.canvas.shape, 7))


class LosesAnAxis(Strategy):
    def plan(self, state):
        return Ranked(zeros(state)[0], 1)


class GivesUp(Strategy):
    may_idle: ClassVar[bool] = True

    def plan(self, state):
        return Ranked(zeros(state), 1)

    def finished(self, state):
        return ~state.masked.any(axis=1) | (state.round >= 2)


class Breaks(Strategy):
    needs = frozenset({"confidence"})

    def plan(self, state):
        assert state.canvas.shape[1] < 3
        return Ranked(state.scores["confidence"], 1)


class Refuses(Strategy):
    def plan(self, state):
        raise ValueError("blocks must be something else")


class RefusesGrids(Strategy):
    def plan(self, state):
        return Ranked(zeros(state), 1)

    @classmethod
    def grid(cls, length):
        return (cls, length)


class TakesNoTime(RefusesGrids):
    @classmethod
    def grid(cls, length):
        return ()

    def max_rounds(self, length):
        return 0


BROKEN = [
    (DrawsItsOwnOrder(), DRAWS, "plan gives another key when asked again"),
    (CountsItsCalls(), DRAWS, "plan gives another count when asked again"),
    (WritesToScores(), WRITES, r"plan writes to scores\['p1'\]"),
    (WritesToTheCanvas(), WRITES, "finished writes to canvas"),
    (WritesToMemory(), WRITES, r"plan writes to memory\['count'\]"),
    (DividesByZero(), WELL_FORMED, "key of plan is nan at position 0"),
    (DividesByZeroAloud(), RUNS, "RuntimeWarning: divide by zero"),
    (WaitsForTheSlowest(), ROWS, "plan gives another count for a row among other rows"),
    (ComparesWithItsNeighbours(), BATCHES, "sample . comes out differently in"),
    (StartsWithASum(), ROWS, r"start gives another memory\['masks'\]"),
    (ReadsWhatItDoesNotNeed(), NEEDS, r"reads scores\['entropy'\], which needs does not name"),
    (StopsAtDoubt(), PROGRESS, "a round committed nothing on canvas"),
    (FlipsCoins(), PROGRESS, "round 1 commits nothing"),
    (ActsOnEverything(), FEASIBLE, r"plan allows position \d, which is not open"),
    (MasksAgainUndeclared(), KEEPS, r"round 2 masks position \d although revising is False"),
    (NeverContent(), FINISHES, "after max_rounds = 32 rounds the canvas is"),
    (InAHurry(1), FINISHES, "after max_rounds = 1 rounds the canvas is"),
    (KeepsAHistory(), MEMORY, r"turns memory\['sizes'\] from \(\d, 0\) int64 into \(\d, 1\) int64"),
    (ChangesItsMind(), MEMORY, r"turns memory\['last'\] from .* int64 into .* float64"),
    (RemembersSomethingNew(), MEMORY, "plan remembers 'seen', which start does not give"),
    (Boasts(1), SIZES, r"it commits \[1, 1\], sizes says \[2\]"),
    (PrefersTheLeft(), EQUIVARIANT, "with positions in the order .* although equivariant is True"),
    (PrefersEvenTokens(), EQUIVARIANT, "with tokens renamed by .* although equivariant is True"),
    (WeighsItsRows(), AGREES, "exactly, .* on samples"),
    (ReadsItsStream(), AGREES, "exactly, .* on samples"),
    (MindsItsThread(), BATCHES, "sample . comes out differently in batches of 3"),
    (Overtakes(), WELL_FORMED, "two actions of one plan take position"),
    (CountsBackwards(), WELL_FORMED, "count of plan is -1"),
    (CountsInHalves(), WELL_FORMED, "count of plan must be an integer per row"),
    (MoreThanCertain(), WELL_FORMED, "probability of plan is 1.5 at position 0"),
    (NamesUnknownTokens(), WELL_FORMED, "plan names token 7 at position 0, which has 1"),
    (LosesAnAxis(), WELL_FORMED, r"key of plan must have the shape \(\d, 1\), got \(1,\)"),
    (GivesUp(), COMPLETE, "finished calls a canvas with masks finished"),
    (Breaks(), RUNS, "AssertionError"),
    (Refuses(), RUNS, "refuses every block policy: blocks must be something else"),
    (RefusesGrids(), SETTINGS, r"grid\(1\) must hold strategies, got <class"),
    (TakesNoTime(), SETTINGS, r"max_rounds\(1\) must be at least 1, got 0"),
]


@pytest.mark.parametrize(("strategy", "rule", "detail"), BROKEN, ids=lambda v: type(v).__name__)
def test_what_is_broken_is_caught(strategy, rule, detail):
    with pytest.raises(StrategyViolation, match=detail) as caught:
        check_strategy(strategy)
    violation = caught.value
    assert isinstance(violation, AssertionError)
    assert violation.rule == rule
    assert violation.strategy is strategy
    lines = str(violation).splitlines()
    assert lines[0] == f"{strategy!r} must hold to: {rule}"
    assert len(lines) <= 5


def test_one_position_a_round_without_drawing_it_from_its_law():
    """Not held against those that name tokens or show another canvas, unless it is asked for."""
    for strategy in (TakesTheMode(), HidesTheCanvas()):
        assert check_strategy(strategy, examples=5)[ONE_BY_ONE].examples == 0
        with pytest.raises(
            StrategyViolation, match=r"KL\(data‖output\) is (inf|\d.*) bits"
        ) as caught:
            check_strategy(strategy, one_by_one=True)
        assert caught.value.rule == ONE_BY_ONE
    with pytest.raises(StrategyViolation, match="does not commit one position a round"):
        check_strategy(strategies.TopK(2), one_by_one=True)
    waived = check_strategy(strategies.TopK(1), examples=3, one_by_one=False)
    assert waived[ONE_BY_ONE].examples == 0


def test_a_violation_is_shown_where_it_is_smallest():
    with pytest.raises(StrategyViolation) as caught:
        check_strategy(ActsOnEverything())
    violation = caught.value
    assert violation.distribution.length <= 2
    assert violation.distribution.support_size == 1
    assert violation.canvas.shape == (violation.distribution.length,)
    assert violation.decoder.strategy is violation.strategy
    assert "  law      Table([[0" in str(violation)
    with pytest.raises(StrategyViolation) as again:
        check_strategy(ActsOnEverything())
    assert again.value.detail == violation.detail
    assert again.value.canvas.tolist() == violation.canvas.tolist()
    assert again.value.distribution.outcomes.tolist() == violation.distribution.outcomes.tolist()


def test_rounds_that_may_never_end_are_accepted_when_asked():
    """Independent coins: n positions left after 16 n + 16 rounds with a tiny probability."""

    class Coins(Strategy):
        may_idle: ClassVar[bool] = True

        def plan(self, state):
            return Independent(np.full(state.canvas.shape, 0.5))

        def max_rounds(self, length):
            return 12

    with pytest.raises(StrategyViolation, match=r"with probability .* it has not after max_rounds"):
        check_strategy(Coins(), laws=distributions.copy(2))
    report = check_strategy(Coins(), laws=distributions.copy(2), unfinished=1e-3)
    assert report[FINISHES].note == "but for 0.001"
    assert report[PROGRESS].note == "may idle"


def test_arguments_that_cannot_be():
    strategy = strategies.TopK(1)
    with pytest.raises(TypeError, match="strategy must be a Strategy, got 3"):
        check_strategy(3)
    with pytest.raises(ValueError, match="examples must be at least 1, got 0"):
        check_strategy(strategy, examples=0)
    with pytest.raises(TypeError, match="laws must be a distribution or a Hypothesis strategy"):
        check_strategy(strategy, laws=[1])
    with pytest.raises(TypeError, match="blocks must be a BlockPolicy, got 2"):
        check_strategy(strategy, blocks=2)
    with pytest.raises(ValueError, match="order must be one of"):
        check_strategy(strategy, order="first")
    with pytest.raises(TypeError, match="one_by_one must be True or False, got 1"):
        check_strategy(strategy, one_by_one=1)
    with pytest.raises(ValueError, match="unfinished must be at most 1, got 2"):
        check_strategy(strategy, unfinished=2)
    partition = strategies.FixedPartition([range(3), range(3, 9)])
    with pytest.raises(ValueError, match=r"laws must be given .* add up to 9 positions"):
        check_strategy(partition)
    assert check_strategy(partition, laws=distributions.copy(9), examples=2).examples == 2

    class Misspells(Strategy):
        needs = frozenset({"confidance"})

    with pytest.raises(ValueError, match=r"needs of .* got 'confidance'"):
        check_strategy(Misspells())


# Random laws and canvases ---------------------------------------------------------------


@settings(max_examples=200)
@given(law=testing.distributions(min_length=2, max_length=3, max_tokens=2, max_outcomes=5))
def test_laws_are_as_asked(law):
    assert 2 <= law.length <= 3
    if isinstance(law, distributions.Table):
        assert max(law.alphabet_sizes) <= 2
        assert law.support_size <= 5
        assert law.integer
    assert infodecode.exact(law, Decoder(strategies.TopK(1))).kl == 0


def examples(**options):
    """Many laws."""
    seen = []

    @settings(max_examples=300, database=None, derandomize=True)
    @given(law=testing.distributions(**options))
    def collect(law):
        seen.append(law)

    collect()
    return seen


def test_degenerate_laws_turn_up():
    laws = examples()
    tables = [law for law in laws if isinstance(law, distributions.Table)]
    assert len(laws) > len(tables) > len(laws) / 2
    assert any(law.length == 1 for law in laws)
    for long in ([law for law in tables if law.length == n] for n in (2, 3, 4)):
        assert any(law.support_size == 1 for law in long)
        assert any(1 in law.alphabet_sizes for law in long)
        assert any((law.outcomes.max(axis=0) + 1 < law.alphabet_sizes).any() for law in long)
        assert any(infodecode.total_correlation(law) > 0.2 for law in long)
    assert all(isinstance(law, distributions.Table) for law in examples(families=False))


@settings(max_examples=200)
@given(data=st.data())
def test_canvases_are_as_asked(data):
    law = data.draw(testing.distributions())
    rows = data.draw(testing.canvases(law, rows=3))
    assert rows.shape == (3, law.length)
    assert rows.dtype == np.int32
    assert (rows < 0).any(axis=1).all()
    assert np.isfinite(law._log2_mass(rows)).all()
    any_tokens = data.draw(testing.canvases(law, possible=False, complete=True))
    assert any_tokens.shape == (law.length,)
    assert ((any_tokens >= -1) & (any_tokens < np.array(law.alphabet_sizes))).all()


def test_impossible_and_complete_canvases_turn_up():
    law = distributions.permutations(3)
    seen = []

    @settings(max_examples=200, database=None, derandomize=True)
    @given(canvas=testing.canvases(law, possible=False, complete=True))
    def collect(canvas):
        seen.append((np.isfinite(law._log2_mass(canvas[None]))[0], (canvas >= 0).all()))

    collect()
    assert {possible for possible, _ in seen} == {True, False}
    assert {complete for _, complete in seen} == {True, False}


def test_laws_and_canvases_that_cannot_be():
    with pytest.raises(ValueError, match="min_length must be at least 1, got 0"):
        testing.distributions(min_length=0)
    with pytest.raises(ValueError, match="max_length must be at most 6, got 7"):
        testing.distributions(max_length=7)
    with pytest.raises(ValueError, match="max_length must be at least 3, got 2"):
        testing.distributions(min_length=3, max_length=2)
    with pytest.raises(TypeError, match="families must be True or False"):
        testing.distributions(families=1)


@given(data=st.data())
def test_canvases_of_something_else(data):
    with pytest.raises(TypeError, match="distribution must be a distribution"):
        data.draw(testing.canvases([0, 1]))


def test_without_hypothesis():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import infodecode\n"
        "try:\n    import infodecode.testing\n"
        "except ModuleNotFoundError as error:\n    print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == (
        'infodecode.testing needs Hypothesis: pip install "infodecode[testing]"'
    )
