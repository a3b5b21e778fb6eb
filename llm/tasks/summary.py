"""Tables of scored records: scores beside speed, and the best speed at a score.

Speed is ParallelBench's: tokens of the answer, its end of sequence and all that follows included,
over rounds. Over the questions of a task it is all tokens over all rounds; scores and speeds of
several tasks are averaged, every task alike. ``PBx`` is the largest speed with a mean score of at
least x percent. Means are compared as fractions: a score of exactly x is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from infodecode.estimate import proportion
from llm.tasks.records import Record

CONFIDENCE = 0.95
MEAN = "mean"
"""Name of the row that averages a strategy's tasks."""

SCORES = ("lenient", "strict")


@dataclass(frozen=True)
class Row:
    """One strategy on one task, or the mean of its tasks.

    Attributes:
        model, source, strategy: what was decoded, and how.
        task: its name, or ``"mean"``.
        samples: questions.
        lenient, strict: shares of right answers.
        lenient_low, lenient_high, strict_low, strict_high: 95 % Clopper-Pearson; of one task.
        words, grammar: shares of sentences with all words, of grammatical ones; where asked.
        tokens_per_round, tokens_per_call: all tokens over all rounds, over all model calls.
        rounds, calls, seconds: mean of a question; a batch's time is shared by its questions.
        unfinished: questions that ran out of rounds.
    """

    model: str
    source: str
    strategy: str
    task: str
    samples: int
    lenient: Fraction
    strict: Fraction
    lenient_low: float | None
    lenient_high: float | None
    strict_low: float | None
    strict_high: float | None
    words: float | None
    grammar: float | None
    tokens_per_round: Fraction
    tokens_per_call: Fraction
    rounds: float
    calls: float
    seconds: float
    unfinished: int


@dataclass(frozen=True)
class Best:
    """PBx: the fastest strategy whose mean score is high enough.

    Attributes:
        model, source: what was decoded.
        score: ``"lenient"`` or ``"strict"``.
        at: x, percent.
        strategy: the fastest one; None where none reaches x, as all that follows.
        tokens_per_round: PBx.
        tokens_per_call: the same strategy's.
        reached: its mean score.
    """

    model: str
    source: str
    score: str
    at: float
    strategy: str | None = None
    tokens_per_round: Fraction | None = None
    tokens_per_call: Fraction | None = None
    reached: Fraction | None = None


def rows_of(records: Iterable[Record]) -> list[Row]:
    """A row for each strategy and task, and for each strategy the mean of its tasks.

    Raises:
        ValueError: strategies were asked different questions, so that means would mislead.
    """
    cells: dict[tuple[str, str, str], dict[str, list[Record]]] = {}
    for record in records:
        key = record["model"], record["source"], record["strategy"]
        cells.setdefault(key, {}).setdefault(record["task"], []).append(record)
    asked = {frozenset((t, r["sample"]) for t in by for r in by[t]) for by in cells.values()}
    if len(asked) > 1:
        raise ValueError("records must have the same questions for every strategy")
    rows = []
    for key, by_task in cells.items():
        found = [_row(key, task, group) for task, group in by_task.items()]
        rows += [*found, _mean(found)]
    return rows


def best_speeds(rows: Sequence[Row], at: Iterable[float]) -> list[Best]:
    """PBx for every x of ``at``, by the lenient and by the strict score."""
    means = [row for row in rows if row.task == MEAN]
    levels = sorted(at)
    found = []
    for model, source in dict.fromkeys((row.model, row.source) for row in means):
        for score in SCORES:
            for x in levels:
                enough = [
                    row
                    for row in means
                    if (row.model, row.source) == (model, source)
                    and getattr(row, score) * 100 >= Fraction(str(x))
                ]
                one = Best(model, source, score, x)
                if enough:
                    row = max(enough, key=lambda row: row.tokens_per_round)
                    one = Best(
                        model, source, score, x, row.strategy, row.tokens_per_round,
                        row.tokens_per_call, getattr(row, score),
                    )  # fmt: skip
                found.append(one)
    return found


def _row(key: tuple[str, str, str], task: str, group: Sequence[Record]) -> Row:
    model, source, strategy = key
    size = len(group)

    def total(name: str) -> int:
        return sum(record[name] for record in group)

    ends: dict[str, float | None] = {}
    for score in SCORES:
        interval = proportion(total(score), size, CONFIDENCE)
        ends |= {f"{score}_low": interval.low, f"{score}_high": interval.high}
    return Row(
        model=model,
        source=source,
        strategy=strategy,
        task=task,
        samples=size,
        lenient=Fraction(total("lenient"), size),
        strict=Fraction(total("strict"), size),
        **ends,
        words=_part(group, "words"),
        grammar=_part(group, "grammar"),
        tokens_per_round=Fraction(total("tokens"), max(total("rounds"), 1)),
        tokens_per_call=Fraction(total("tokens"), max(total("calls"), 1)),
        rounds=total("rounds") / size,
        calls=total("calls") / size,
        seconds=sum(record["seconds"] for record in group) / size,
        unfinished=size - total("finished"),
    )


def _mean(rows: Sequence[Row]) -> Row:
    def mean(value: Callable[[Row], Fraction]) -> Fraction:
        return sum(map(value, rows), Fraction()) / len(rows)

    def part(name: str) -> float | None:
        values = [getattr(row, name) for row in rows if getattr(row, name) is not None]
        return sum(values) / len(values) if values else None

    number: Mapping[str, float] = {
        name: sum(getattr(row, name) for row in rows) / len(rows)
        for name in ("rounds", "calls", "seconds")
    }
    first = rows[0]
    return Row(
        model=first.model,
        source=first.source,
        strategy=first.strategy,
        task=MEAN,
        samples=sum(row.samples for row in rows),
        lenient=mean(lambda row: row.lenient),
        strict=mean(lambda row: row.strict),
        lenient_low=None,
        lenient_high=None,
        strict_low=None,
        strict_high=None,
        words=part("words"),
        grammar=part("grammar"),
        tokens_per_round=mean(lambda row: row.tokens_per_round),
        tokens_per_call=mean(lambda row: row.tokens_per_call),
        unfinished=sum(row.unfinished for row in rows),
        **number,
    )


def _part(group: Sequence[Record], name: str) -> float | None:
    values = [record["parts"][name] for record in group if name in record["parts"]]
    return sum(values) / len(values) if values else None
