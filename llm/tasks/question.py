"""Questions and tasks: what is asked, how many tokens the answer may take, what counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from llm.tasks.rules import Rule, Score

OWN = "infodecode"
"""Source of the questions that are generated here."""


@dataclass(frozen=True)
class Question:
    """One prompt and its right answers.

    Attributes:
        task: as in ``waiting_line/shuffle``.
        number: from 0, within the task.
        turns: what is said in turn, by the user first and last; shots come before the question.
        length: tokens to generate.
        rule: what counts as an answer.
        example: one right answer, strictly; empty where none is known.
    """

    task: str
    number: int
    turns: tuple[str, ...]
    length: int
    rule: Rule
    example: str

    def __post_init__(self) -> None:
        if len(self.turns) % 2 == 0:
            raise ValueError(f"turns must end with the user's, got {len(self.turns)}")

    def score(self, output: str) -> Score:
        """Whether an output is right."""
        return self.rule.score(output)


@dataclass(frozen=True)
class Task:
    """Questions of one kind, by number.

    Attributes:
        name: as in ``waiting_line/shuffle``.
        source: whose questions they are.
        make: the question of a number, always the same one.
        count: how many there are; None if they never end.
        needs_grammar: whether scoring asks the grammar checker.
    """

    name: str
    source: str
    make: Callable[[int], Question]
    count: int | None = None
    needs_grammar: bool = False

    @property
    def group(self) -> str:
        """The part of the name before the slash."""
        return self.name.partition("/")[0]

    def questions(self, samples: int) -> list[Question]:
        """The first ``samples`` questions, or all that there are."""
        size = samples if self.count is None else min(samples, self.count)
        return [self.make(number) for number in range(size)]


def dice(*parts: object) -> random.Random:
    """Random numbers that depend on these parts alone."""
    return random.Random("/".join(map(str, parts)))


def chosen(text: str, tasks: Mapping[str, Task]) -> list[Task]:
    """Tasks by ``"waiting_line,puzzle/sudoku"``: names, or the groups before their slashes.

    Raises:
        ValueError: a name that is neither, or none at all.
    """
    found: dict[str, Task] = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        group = {key: task for key, task in tasks.items() if name in (key, task.group)}
        if not group:
            raise ValueError(f"tasks must be some of {_listing(tasks.values())}, got {name!r}")
        found |= group
    if not found:
        raise ValueError(f"tasks must be some of {_listing(tasks.values())}, got {text!r}")
    return list(found.values())


def _listing(tasks: Iterable[Task]) -> str:
    groups: dict[str, list[str]] = {}
    for task in tasks:
        groups.setdefault(task.group, []).append(task.name.partition("/")[2])
    return ", ".join(f"{group} ({', '.join(names)})" for group, names in groups.items())
