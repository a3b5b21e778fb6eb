"""The ten waiting-line tasks: list operations on a queue of customers, after one shot."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from llm.tasks.parsing import Items, quoted_list
from llm.tasks.question import OWN, Question, Task, dice
from llm.tasks.rules import Inserted, Removed, Replaced, Rule, Same, Shuffled

GROUP = "waiting_line"
LENGTH = 32
"""Tokens of an answer, as in the paper."""

FIRST_NAMES = (
    "Ada", "Bruno", "Clara", "Dario", "Edith", "Felix", "Greta", "Hugo", "Iris", "Jonas", "Karla",
    "Leo", "Mona", "Nils", "Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tessa", "Umar", "Vera",
    "Wanda", "Yusuf",
)  # fmt: skip
LAST_NAMES = (
    "Abbot", "Barlow", "Castle", "Drake", "Ellis", "Finch", "Glover", "Hale", "Irwin", "Jarvis",
    "Keane", "Lowe", "Marsh", "Nash", "Orchard", "Pike", "Quill", "Rowe", "Sharp", "Thorne",
    "Usher", "Vale", "Wolfe", "York",
)  # fmt: skip

OPENING = "Customers stand in a queue. From first to last they are:"
CLOSING = "Answer with the resulting queue alone, as a list in the same form."
REQUESTS: Mapping[str, str] = {
    "copy": "Write the queue down as it is.",
    "reverse": "Turn the queue round: whoever is last comes first.",
    "sort": "Sort the queue by first name, from A to Z.",
    "shuffle": "Mix the queue at random, into an order other than this one.",
    "replace_index": "{new} takes the place of the customer at index {index}, counted from 0.",
    "replace_random": "{new} takes the place of one customer, any of them.",
    "insert_index": "{new} joins at index {index}, counted from 0; the others keep their order.",
    "insert_random": "{new} joins at any place; the others keep their order.",
    "remove_index": "The customer at index {index}, counted from 0, leaves.",
    "remove_random": "One customer leaves, any of them.",
}
NAMES = tuple(REQUESTS)


@dataclass(frozen=True)
class Case:
    """A queue, what is to be done with it, and what is right."""

    listed: Items
    new: str
    index: int
    operation: str

    @property
    def prompt(self) -> str:
        """What the user says."""
        request = REQUESTS[self.operation].format(new=self.new, index=self.index)
        return f"{OPENING}\n{quoted_list(self.listed)}\n{request}\n{CLOSING}"


def tasks(seed: int, *, shortest: int = 3, longest: int = 6) -> Iterator[Task]:
    """The ten tasks with queues of ``shortest`` to ``longest`` customers, in turn."""
    if not 2 <= shortest <= longest < len(FIRST_NAMES):
        raise ValueError(
            f"queues must have from 2 to {len(FIRST_NAMES) - 1} customers, got {shortest} to "
            f"{longest}"
        )
    for operation in NAMES:
        make = partial(_question, operation, seed, shortest, longest)
        yield Task(f"{GROUP}/{operation}", OWN, make)


def answered(listed: Items, operation: str, new: str, index: int, rng: random.Random) -> Items:
    """A right answer, at an index that *random* tasks may choose; *shuffle* draws its order."""
    head, tail = listed[:index], listed[index:]
    match operation.partition("_")[0]:
        case "reverse":
            return listed[::-1]
        case "sort":
            return tuple(sorted(listed))
        case "shuffle":
            return _shuffled(listed, rng)
        case "replace":
            return (*head, new, *tail[1:])
        case "insert":
            return (*head, new, *tail)
        case "remove":
            return head + tail[1:]
        case _:
            return listed


def _shuffled(listed: Items, rng: random.Random) -> Items:
    while (order := tuple(rng.sample(listed, len(listed)))) == listed:
        pass
    return order


def rule_of(listed: Items, operation: str, new: str, right: Items, form: str = "quoted") -> Rule:
    """What counts as an answer to an operation on a list; ``right`` is one."""
    match operation:
        case "shuffle":
            return Shuffled(listed, form=form)
        case "replace_random":
            return Replaced(listed, new, form)
        case "insert_random":
            return Inserted(listed, new, form)
        case "remove_random":
            return Removed(listed, form=form)
        case _:
            return Same(right, form=form)


def _case(operation: str, n: int, rng: random.Random) -> Case:
    first, last = rng.sample(FIRST_NAMES, n + 1), rng.sample(LAST_NAMES, n + 1)
    *listed, new = map(" ".join, zip(first, last, strict=True))
    index = rng.randrange(n + 1 if operation.startswith("insert") else n)
    return Case(tuple(listed), new, index, operation)


def _question(operation: str, seed: int, shortest: int, longest: int, number: int) -> Question:
    task = f"{GROUP}/{operation}"
    rng = dice(seed, task, number)
    asked = _case(operation, shortest + number % (longest - shortest + 1), rng)
    shot = _case(operation, rng.randint(shortest, longest), rng)
    shown, right = (
        answered(case.listed, operation, case.new, case.index, rng) for case in (shot, asked)
    )
    return Question(
        task,
        number,
        (shot.prompt, quoted_list(shown), asked.prompt),
        LENGTH,
        rule_of(asked.listed, operation, asked.new, right),
        quoted_list(right),
    )
