"""ParallelBench's own questions, read from a checkout that the user has.

The repository (furiosa-ai/ParallelBench) has no licence, so nothing of it is shipped here. Its
version 1 keeps a folder for each kind of task under `FILES`: ``TASK.jsonl``, a question a line, and
``task_config.yaml`` with the prompt and the name of the metric of every task. Version 2 has no such
files, and its scores are not comparable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from llm.tasks.parsing import lenient_quoted, strict_grid
from llm.tasks.question import Question, Task
from llm.tasks.rules import (
    Grammatical,
    Inserted,
    LatinSquare,
    Removed,
    Replaced,
    Rule,
    Same,
    Shuffled,
    Sudoku,
    WordsUsed,
)

SOURCE = "ParallelBench v1"
FILES = Path("dataset/parallel_bench/data/output/test")
CONFIG = "task_config.yaml"
MAIN = (
    "waiting_line",
    "puzzle",
    *(f"words_to_sentence/{level}" for level in ("easy", "medium", "hard")),
)
"""Tasks of the paper that are scored in full; the others are named to be had."""

LENGTH, LENGTHS = 64, {"waiting_line": 32, "waiting_line_n15": 128}
"""Tokens of an answer: 64, but for these folders."""

Row = Mapping[str, Any]


def _sudoku(row: Row) -> Rule:
    clues = strict_grid(str(row["input"]["sudoku"]), 4)
    if clues is None:
        raise ValueError(
            f"sudoku must be four lines of four digits, got {row['input']['sudoku']!r}"
        )
    return Sudoku(clues)


METRICS: Mapping[str, Callable[[Row], Rule]] = {
    "list_match_score": lambda row: Same(lenient_quoted(row["answer"])),
    "list_shuffle_score": lambda row: Shuffled(tuple(row["answer"]["input"])),
    "list_random_replace_score": lambda row: Replaced(
        tuple(row["answer"]["input"]), row["answer"]["word"]
    ),
    "list_random_insert_score": lambda row: Inserted(
        tuple(row["answer"]["input"]), row["answer"]["word"]
    ),
    "list_random_remove_score": lambda row: Removed(tuple(row["answer"]["input"])),
    "latin_square_score": lambda row: LatinSquare(tuple(row["answer"]["symbols"])),
    "sudoku_score": _sudoku,
    "sentence_to_words_score": lambda row: WordsUsed(tuple(row["answer"]["words"])),
    "summary_score": lambda row: Grammatical(),
    "paraphrase_score": lambda row: Grammatical(),
}
"""From a question of a metric to what counts as its answer."""

GRAMMAR = ("sentence_to_words_score", "summary_score", "paraphrase_score")


def tasks(checkout: Path) -> Iterator[Task]:
    """Every task of a checkout whose metric is known, in the order of its files.

    Args:
        checkout: of version 1, or the folder that `FILES` names.

    Raises:
        FileNotFoundError: no such files.
        ValueError: a file is not what it should be; names file and line.
    """
    folder = checkout / FILES if (checkout / FILES).is_dir() else checkout
    files = sorted(folder.glob("*/*.jsonl"))
    if not files:
        raise FileNotFoundError(
            f"parallelbench must be a checkout of ParallelBench version 1, with {FILES}/*/*.jsonl; "
            f"there is none in {checkout}"
        )
    for file in files:
        name = f"{file.parent.name}/{file.stem}"
        config = _config(file.parent / CONFIG).get(name)
        if config is None:
            raise ValueError(f"{file.parent / CONFIG} has no entry {name!r}")
        if config.get("metric") in METRICS:
            rows = _rows(file)
            make = partial(_question, name, file, config, rows)
            yield Task(name, SOURCE, make, len(rows), config["metric"] in GRAMMAR)


def _config(file: Path) -> Mapping[str, Any]:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{file} must map tasks to their prompts")
    return content


def _rows(file: Path) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{file}, line {number}: {error}") from None
        if not isinstance(row, dict) or not isinstance(row.get("input"), dict):
            raise ValueError(f"{file}, line {number}: must be an object with an input")
        rows.append(row)
    return rows


def _question(
    task: str, file: Path, config: Mapping[str, Any], rows: list[Row], number: int
) -> Question:
    row = rows[number]
    try:
        turns: list[str] = []
        for shot in row["input"].get("icl_examples") or ():
            turns += [_prompt(config, shot["input"]), _example(shot)]
        turns.append(_prompt(config, row["input"]))
        rule = METRICS[config["metric"]](row)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file}, question {number}: {error!r}") from error
    length = LENGTHS.get(task.partition("/")[0], LENGTH)
    return Question(task, number, tuple(turns), length, rule, _example(row))


def _prompt(config: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    r"""The prompt with its ``{fields}`` filled in; ``\n`` may be written out in the file."""

    def value(match: re.Match[str]) -> str:
        return str(values[match[1]])

    return re.sub(r"\{(\w+)\}", value, str(config["prompt"])).replace("\\n", "\n")


def _example(row: Row) -> str:
    answer = row.get("answer")
    return str(answer.get("example", "")) if isinstance(answer, dict) else str(answer or "")
