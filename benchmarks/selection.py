"""Selection beside the marginals it needs: 4,096 canvases of 64 positions, every strategy.

``python -m benchmarks.selection`` decodes a few rounds of half-revealed canvases and adds up two
processor times in the same run: what the strategy and the choice of positions take (*selection*),
and what the ideal model takes for the marginals of all open positions, as scores, and for the
tokens drawn (*marginals*; a strategy that reads no scores is charged for none, but its model
computes them all the same). Their ratio is to stay below 1. It also counts the interpreter's
instructions of a selection on few and on many rows: if they grow with the rows, something is done
row by row. Writes ``results/benchmarks/selection.csv``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.heart import machine
from infodecode import Decoder, distributions, strategies
from infodecode._randomness import seed_key, streams_of
from infodecode.chance import Choice, Sampled
from infodecode.cli import parsing, vocabulary
from infodecode.distributions import Joint
from infodecode.models import Evaluation, IdealModel, Model, TokenRule
from infodecode.state import OPEN_SCORES, State
from infodecode.strategies import Candidates, Strategy

RESULTS = Path("results/benchmarks/selection.csv")
POSITIONS = 64
ROWS = 4096
ROUNDS = 2
REPEAT = 5
FEW, MANY = 64, 1024
"""Rows on which instructions are counted."""

GROWTH = 1.25
"""Instructions on many rows over those on few: more says that rows are looked at one by one."""

T = TypeVar("T")


def laws() -> Mapping[str, Joint]:
    """Long laws: two structured families, and a table.

    Replace random is the hardest: two tokens and a closed form, most of it certain once the new
    item is shown. No marginals cost less.
    """
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 8, (2000, POSITIONS))
    return {
        "permutations(64)": distributions.permutations(POSITIONS),
        "replace_random(64)": distributions.replace_random(POSITIONS),
        "table of 2,000 rows": distributions.Table(rows, generator.integers(1, 9, 2000)),
    }


def all_strategies() -> Mapping[str, Strategy]:
    """Every strategy of the command line, as in its example, on 64 positions."""
    found = {}
    for name, entry in vocabulary.STRATEGIES.items():
        strategy = parsing.parse_strategy(entry.example)
        if sum(strategy.sizes(POSITIONS) or (POSITIONS,)) != POSITIONS:
            strategy = strategies.FixedPartition(np.arange(POSITIONS).reshape(8, 8).T.tolist())
        found[name] = strategy
    return found


class Clock:
    """Seconds of processor time by name: what else the machine does is left out of both."""

    def __init__(self) -> None:
        self.seconds = {"selection": 0.0, "marginals": 0.0}

    def time(self, what: str, work: Callable[[], T]) -> T:
        """The result of a call, its time added up."""
        begin = time.thread_time()
        try:
            return work()
        finally:
            self.seconds[what] += time.thread_time() - begin


class TimedStrategy(Strategy):
    """A strategy whose every answer is timed."""

    def __init__(self, strategy: Strategy, clock: Clock) -> None:
        self.strategy, self.clock = strategy, clock

    @property
    def needs(self) -> frozenset[str]:
        return self.strategy.needs

    def start(self, canvas):
        return self._timed(self.strategy.start, canvas)

    def view(self, state: State):
        return self._timed(self.strategy.view, state)

    def explore(self, state: State):
        return self._timed(self.strategy.explore, state)

    def assess(self, state: State, candidates: Candidates):
        return self._timed(self.strategy.assess, state, candidates)

    def plan(self, state: State):
        return self._timed(self.strategy.plan, state)

    def revise(self, state: State):
        return self._timed(self.strategy.revise, state)

    def forget(self, state: State):
        return self._timed(self.strategy.forget, state)

    def finished(self, state: State):
        return self._timed(self.strategy.finished, state)

    def _timed(self, work: Callable[..., T], *given: object) -> T:
        return self.clock.time("selection", lambda: work(*given))


class TimedChance(Sampled):
    """Choices of positions, timed."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def choose(self, state, action, ties, purpose) -> Iterator[Choice]:
        choices = super().choose(state, action, ties, purpose)
        yield self.clock.time("selection", lambda: next(choices))


class TimedModel(Model):
    """A model whose every answer is timed."""

    def __init__(self, model: Model, clock: Clock, *, scored: bool) -> None:
        self.model, self.clock, self.scored = model, clock, scored
        self.alphabet_sizes, self.tolerance = model.alphabet_sizes, model.tolerance

    def evaluate(self, state: State, rule: TokenRule) -> Evaluation:
        inner = self.clock.time("marginals", lambda: self.model.evaluate(state, rule))
        if not self.scored:
            self.clock.time("marginals", lambda: inner.scores(["p1"], state.feasible))
        return TimedEvaluation(inner, self.clock)


class TimedEvaluation(Evaluation):
    """Scores and draws, timed."""

    def __init__(self, evaluation: Evaluation, clock: Clock) -> None:
        self.evaluation, self.clock = evaluation, clock

    def scores(self, fields: Iterable[str], where):
        return self._timed(self.evaluation.scores, fields, where)

    def visible_scores(self, fields: Iterable[str], where):
        return self._timed(self.evaluation.visible_scores, fields, where)

    def law(self, rows, positions):
        return self._timed(self.evaluation.law, rows, positions)

    def draw(self, rows, positions, uniform):
        return self._timed(self.evaluation.draw, rows, positions, uniform)

    def confidence_of(self, rows, positions, tokens):
        return self._timed(self.evaluation.confidence_of, rows, positions, tokens)

    def _timed(self, work: Callable[..., T], *given: object) -> T:
        return self.clock.time("marginals", lambda: work(*given))


def half_revealed(law: Joint, rows: int) -> np.ndarray:
    """Samples of the law with half of the positions masked at random."""
    hidden = np.random.default_rng(1).random((rows, law.length)) < 0.5
    hidden[:, 0] = True
    return np.where(hidden, -1, law.sample(rows, seed=0)).astype(np.int32)


def few_rounds(
    law: Joint, decoder: Decoder, model: Model, chance: Sampled, rows: int, rounds: int
) -> None:
    """Decode a batch for some rounds."""
    streams = streams_of(seed_key(0), 0, rows)
    state = decoder.start(half_revealed(law, rows), np.ones(rows), streams, model)
    for _ in range(rounds):
        (state,) = decoder.step(state, model, chance)
        over = decoder.strategy.finished(state)
        if over.all():
            return
        state = state.take(np.flatnonzero(~over))


def timed(strategy: Strategy, law: Joint, *, rows: int = ROWS, rounds: int = ROUNDS) -> Clock:
    """Seconds of selection and of marginals."""
    clock = Clock()
    kind = type(
        "Timed", (TimedStrategy,), {"revising": strategy.revising, "may_idle": strategy.may_idle}
    )
    decoder = Decoder(kind(strategy, clock), order=order_of(strategy))
    scored = not strategy.needs.isdisjoint(OPEN_SCORES)
    model = TimedModel(IdealModel(law), clock, scored=scored)
    few_rounds(law, decoder, model, TimedChance(clock), rows, rounds)
    return clock


def order_of(strategy: Strategy) -> str:
    """Drawing first only where it has to be."""
    needs_draws = "drawn_probability" in strategy.needs
    return "sample-then-choose" if needs_draws else "choose-then-sample"


def instructions(strategy: Strategy, law: Joint, rows: int) -> int:
    """Interpreter instructions of everything that the strategy does in its first round."""
    counted = 0

    def count(frame, event, argument):
        nonlocal counted
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        counted += event == "opcode"
        return count

    class Counted(TimedStrategy):
        def _timed(self, work: Callable[..., T], *given: object) -> T:
            before = sys.gettrace()
            sys.settrace(count)
            try:
                return work(*given)
            finally:
                sys.settrace(before)

    kind = type(
        "Counted", (Counted,), {"revising": strategy.revising, "may_idle": strategy.may_idle}
    )
    decoder = Decoder(kind(strategy, Clock()), order=order_of(strategy))
    few_rounds(law, decoder, IdealModel(law), Sampled(), rows, 1)
    return counted


@dataclass(frozen=True)
class Row:
    """One strategy on one law.

    Attributes:
        strategy, setting, law: which.
        marginals_ms, selection_ms: of a round, medians over repetitions.
        ratio: selection over marginals, median over repetitions; below 1 is asked for.
        low, high: smallest and largest ratio.
        few, many: instructions of a selection on 64 and on 1,024 rows.
    """

    strategy: str
    setting: str
    law: str
    marginals_ms: float
    selection_ms: float
    ratio: float
    low: float
    high: float
    few: int
    many: int

    @property
    def met(self) -> bool:
        """Whether selection is the cheaper part, and nothing is done row by row."""
        return self.ratio < 1 and self.by_batch

    @property
    def by_batch(self) -> bool:
        """Whether instructions do not grow with the rows."""
        return self.many <= GROWTH * self.few


def measured(
    name: str, strategy: Strategy, law_name: str, law: Joint, *, rows: int = ROWS,
    rounds: int = ROUNDS, repeat: int = REPEAT,
) -> Row:  # fmt: skip
    """The median of some runs, after one that does not count."""
    timed(strategy, law, rows=rows, rounds=rounds)
    clocks = [timed(strategy, law, rows=rows, rounds=rounds).seconds for _ in range(repeat)]
    ratios = [clock["selection"] / clock["marginals"] for clock in clocks]
    by_round = {
        what: 1000 * float(np.median([clock[what] for clock in clocks])) / rounds
        for what in ("marginals", "selection")
    }
    return Row(
        strategy=name,
        setting=repr(strategy),
        law=law_name,
        marginals_ms=by_round["marginals"],
        selection_ms=by_round["selection"],
        ratio=float(np.median(ratios)),
        low=min(ratios),
        high=max(ratios),
        few=instructions(strategy, law, FEW),
        many=instructions(strategy, law, MANY),
    )


def measure(names: Iterable[str] = ()) -> Iterator[Row]:
    """Every strategy (or those named) on every law."""
    wanted = set(names)
    for name, strategy in all_strategies().items():
        if not wanted or name in wanted:
            for law_name, law in laws().items():
                yield measured(name, strategy, law_name, law)


def main() -> int:
    """Exit code 1 when a strategy breaks the rule."""
    rows = list(measure(sys.argv[1:]))
    table = Table("strategy", *laws(), "row by row", title=machine())
    for name in dict.fromkeys(row.strategy for row in rows):
        own = [row for row in rows if row.strategy == name]
        ratios = [f"[{'green' if row.ratio < 1 else 'red'}]{row.ratio:.3f}[/]" for row in own]
        grows = [row for row in own if not row.by_batch]
        table.add_row(name, *ratios, f"[red]{grows[0].few} to {grows[0].many}[/]" if grows else "")
    Console(width=120).print(table)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame([{**vars(row), "met": row.met} for row in rows])
    frame["rows"], frame["positions"], frame["rounds"] = ROWS, POSITIONS, ROUNDS
    frame["command"] = "python -m benchmarks.selection"
    frame["versions"] = machine()
    draft = RESULTS.with_suffix(".tmp")
    frame.to_csv(draft, index=False, float_format="%.4g")
    draft.replace(RESULTS)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
