"""``python -m llm tasks``: ParallelBench's tasks, scored, beside what the decoding cost.

Asks a network the questions of some tasks with several strategies. Every question is a record in a
JSON Lines file (prompt, output, scores, rounds, calls, tokens a round, seconds, decoder); run again
after a stop, the program goes on where it was. Then it writes ``tasks.csv``, a row for each
strategy and task, and ``tasks_speed.csv``, the best speed at a score. docs/tasks.md has the tasks
and what counts as right.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

import infodecode
from infodecode.cli.options import DecodingOptions, Order, Temperature
from infodecode.masked_lm import MaskedLM
from infodecode.masked_lm.prompted import EOS
from llm import tables
from llm.options import OUTPUT, Device, Output
from llm.tasks import lists, official, puzzles, waiting_line, words_to_sentence
from llm.tasks.decoding import Settings, chunks, decoded, identity
from llm.tasks.grammar import need_checker
from llm.tasks.question import Task, chosen
from llm.tasks.records import Record, Records
from llm.tasks.summary import MEAN, Best, Row, best_speeds, rows_of

T = TypeVar("T", Row, Best)

TINY = "tiny"
STRATEGIES = (
    "top_k:1;top_k:2;top_k:2,by=confidence;top_k:4,by=confidence;threshold:0.9;threshold:0.6;"
    "factor:0.5;factor:1"
)
LEVELS = "60,70,80,90"
SAMPLES = 100
RECORDS = Path("build/tasks")


def catalogue(
    parallelbench: Path | None, *, seed: int, shortest: int, longest: int, clues: int
) -> dict[str, Task]:
    """Every task by name: a checkout's, or those that are generated."""
    if parallelbench is not None:
        return {task.name: task for task in official.tasks(parallelbench)}
    return {
        task.name: task
        for task in (
            *waiting_line.tasks(seed, shortest=shortest, longest=longest),
            *words_to_sentence.tasks(seed),
            *puzzles.tasks(seed, clues=clues),
            *lists.tasks(seed, shortest=shortest, longest=longest),
        )
    }


def default_tasks(model: str, parallelbench: Path | None) -> str:
    """What is asked when no tasks are named: the tiny model reads lists alone."""
    if parallelbench is not None:
        return ",".join(official.MAIN)
    if model == TINY:
        return lists.GROUP
    return ",".join((waiting_line.GROUP, words_to_sentence.GROUP, puzzles.GROUP))


def answer(
    model: MaskedLM,
    decodings: Sequence[DecodingOptions],
    tasks: Sequence[Task],
    records: Records,
    *,
    samples: int,
    settings: Settings,
    batch_size: int,
    console: Console,
) -> list[Record]:
    """The record of every question with every strategy; those that there are not are made."""
    wanted: list[str] = []
    with Progress(console=console, transient=True) as progress:
        size = sum(len(task.questions(samples)) for task in tasks) * len(decodings)
        bar = progress.add_task("questions", total=size)
        for task in tasks:
            for decoding in decodings:
                progress.update(bar, description=f"{task.name}, {decoding.strategy}")
                for chunk in chunks(task, samples):
                    keys = [identity(model, decoding, settings, question) for question in chunk]
                    if not all(key in records for key in keys):
                        made = decoded(
                            model, decoding, settings, task, chunk, batch_size=batch_size
                        )
                        records.append(record for record in made if record["id"] not in records)
                    wanted += keys
                    progress.advance(bar, len(chunk))
    return [records[key] for key in wanted]


def command(
    model: Annotated[
        str, typer.Option(help="tiny, a folder, or a name on the hub.", metavar="NAME|FOLDER")
    ] = TINY,
    strategies: Annotated[
        str,
        typer.Option(
            help="Separated by ';', in the words of infodecode list strategies.",
            metavar="NAME:VALUE,...;...",
        ),
    ] = STRATEGIES,
    tasks: Annotated[
        str | None,
        typer.Option(
            help="Tasks or groups, separated by commas: waiting_line, words_to_sentence, puzzle, "
            "lists, waiting_line/shuffle, … By default all that the model can read.",
            metavar="NAME,...",
        ),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Questions of each task.")] = SAMPLES,
    parallelbench: Annotated[
        Path | None,
        typer.Option(
            help="A checkout of ParallelBench version 1: its own questions.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    temperature: Temperature = 0.0,
    order: Order = "choose-then-sample",
    blocks: Annotated[
        str, typer.Option(help="Which positions are open, such as left_to_right:8.")
    ] = "whole_canvas",
    length: Annotated[
        int | None, typer.Option(min=1, help="Tokens to generate, instead of the task's number.")
    ] = None,
    shortest: Annotated[int, typer.Option(help="Fewest customers in a queue.")] = 3,
    longest: Annotated[int, typer.Option(help="Most customers in a queue.")] = 6,
    clues: Annotated[int, typer.Option(help="Of a Sudoku.")] = puzzles.CLUES,
    eos: Annotated[str, typer.Option(help=" or ".join(EOS) + ": as infodecode.decode.")] = "keep",
    guidance: Annotated[float, typer.Option(min=0, help="Classifier-free guidance.")] = 0.0,
    chat: Annotated[
        bool | None,
        typer.Option(help="Use the chat template; by default where one is.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the questions and the draws.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Sequences in a forward pass.")] = 32,
    device: Device = "cpu",
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"], typer.Option(help="Of the weights.")
    ] = "float32",
    revision: Annotated[str | None, typer.Option(help="Of the model on the hub.")] = None,
    at: Annotated[str, typer.Option(help="Scores, in percent, of the best speeds.")] = LEVELS,
    records: Annotated[
        Path | None,
        typer.Option(
            help="JSON Lines of every question; by default build/tasks/MODEL.jsonl.",
            dir_okay=False,
        ),
    ] = None,
    output: Output = OUTPUT,
) -> None:
    """ParallelBench's tasks with several strategies: scores, rounds, the best speed at a score."""
    console = Console()
    try:
        levels = [float(Fraction(level.strip())) for level in at.split(",")]
        named = tasks or default_tasks(model, parallelbench)
        given = catalogue(parallelbench, seed=seed, shortest=shortest, longest=longest, clues=clues)
        todo = chosen(named, given)
        if any(task.needs_grammar for task in todo):
            need_checker()
        decodings = [
            DecodingOptions(strategy.strip(), temperature=temperature, order=order, blocks=blocks)
            for strategy in dict.fromkeys(strategies.split(";"))
        ]
        for decoding in decodings:
            decoding.read_decoder()
        path = records or RECORDS / f"{_file_name(model)}.jsonl"
        kept = Records(path)
        network = infodecode.load_masked_lm(model, device=device, dtype=dtype, revision=revision)
        found = answer(
            network,
            decodings,
            todo,
            kept,
            samples=samples,
            settings=Settings(seed, length, eos, guidance, chat, revision),
            batch_size=batch_size,
            console=Console(stderr=True),
        )
    except (ValueError, TypeError, OSError, ImportError) as error:
        console.print(f"[red]{escape(str(error))}[/]", soft_wrap=True)
        raise typer.Exit(2) from None
    rows = rows_of(found)
    best = best_speeds(rows, levels)
    line = shlex.join(["python", "-m", "llm", *sys.argv[1:]])
    tables.write(_in_floats(rows), output / "tasks.csv", command=line)
    tables.write(_in_floats(best), output / "tasks_speed.csv", command=line)
    console.print(scores_table(rows))
    console.print(speed_table(best))
    console.print(f"records: {path}\ntables: {output / 'tasks.csv'}, {output / 'tasks_speed.csv'}")


def scores_table(rows: Sequence[Row]) -> Table:
    """Scores in percent, and cost, group by group; the means of all tasks come last."""
    table = Table(title="scores in percent", box=box.SIMPLE)
    for name in ("task", "strategy"):
        table.add_column(name, overflow="fold")
    for name in ("lenient", "strict", "tokens a\nround", "calls"):
        table.add_column(name, justify="right", no_wrap=True)
    before = MEAN
    for task in sorted(dict.fromkeys(row.task for row in rows), key=MEAN.__eq__):
        group, _, short = task.rpartition("/")
        if group not in ("", before):
            table.add_section()
            table.add_row(f"[bold]{group}[/]")
            before = group
        for row in rows:
            if row.task == task:
                table.add_row(
                    short, row.strategy, f"{float(row.lenient * 100):.1f}",
                    f"{float(row.strict * 100):.1f}", f"{float(row.tokens_per_round):.2f}",
                    f"{row.calls:.2f}",
                )  # fmt: skip
        table.add_section()
    return table


def speed_table(best: Iterable[Best]) -> Table:
    """PBx."""
    title = "best speed at a mean score of x percent"
    table = Table("", "score", "tokens a round", "strategy", "reached", title=title, box=box.SIMPLE)
    for one in best:
        if one.strategy is None:
            cells = ("-", "none reaches it", "")
        else:
            assert one.tokens_per_round is not None
            assert one.reached is not None
            reached = f"{float(one.reached * 100):.1f}"
            cells = (f"{float(one.tokens_per_round):.2f}", one.strategy, reached)
        table.add_row(f"PB{one.at:g}", one.score, *cells)
    return table


def _in_floats(rows: Iterable[T]) -> list[T]:
    def plain(value: Any) -> Any:
        return float(value) if isinstance(value, Fraction) else value

    return [
        dataclasses.replace(row, **{name: plain(value) for name, value in vars(row).items()})
        for row in rows
    ]


def _file_name(model: str) -> str:
    return re.sub(r"[^\w.-]+", "_", model).strip("_") or "model"
