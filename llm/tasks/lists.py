"""The list operations of `llm.list_operations` as tasks: what the tiny model can read.

Prompts and answers are in its own words (``replace any with D : A B C =``, then ``A D C``), the
answer has exactly its own length, and there is no shot; what counts is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from llm.list_operations import ANSWER, ANY, LIST, OPERATIONS, Operation, Vocabulary
from llm.tasks.question import OWN, Question, Task, dice
from llm.tasks.waiting_line import answered, rule_of

GROUP = "lists"


def tasks(seed: int, *, shortest: int = 3, longest: int = 6) -> Iterator[Task]:
    """The ten tasks with lists of ``shortest`` to ``longest`` items, in turn."""
    most = Vocabulary().longest
    if not 2 <= shortest <= longest <= most:
        raise ValueError(f"lists must have from 2 to {most} items, got {shortest} to {longest}")
    for operation in OPERATIONS.values():
        make = partial(_question, operation, seed, shortest, longest)
        yield Task(f"{GROUP}/{_key(operation)}", OWN, make)


def _key(operation: Operation) -> str:
    return operation.name.replace(" ", "_")


def _question(
    operation: Operation, seed: int, shortest: int, longest: int, number: int
) -> Question:
    key = _key(operation)
    task = f"{GROUP}/{key}"
    rng = dice(seed, task, number)
    n = shortest + number % (longest - shortest + 1)
    *listed, new = rng.sample(Vocabulary().item_names, n + 1)
    index = rng.randrange(n + 1 if operation.verb == "insert" else n)
    place = str(index) if operation.at_index else ANY
    request = operation.template.format(place=place, new=new)
    prompt = " ".join([request, LIST, *listed, ANSWER])
    items = tuple(listed)
    right = answered(items, key, new, index, rng)
    rule = rule_of(items, key, new, right, form="words")
    return Question(task, number, (prompt,), len(right), rule, " ".join(right))
