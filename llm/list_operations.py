"""ParallelBench's ten list operations as exercises: a prompt, and a law over its answers.

A prompt is one short line, ``replace at 1 with D : A B C =``, and the answer continues it with
items alone, here ``A D C``. The answers, and what counts as one, come from
`infodecode.distributions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from infodecode import _validation, distributions
from infodecode._typing import BoolArray, FloatArray, IntArray
from infodecode.distributions import Joint

BOS, EOS, MASK = "<|startoftext|>", "<|endoftext|>", "<|mdm_mask|>"
ANY = "any"
LIST, ANSWER = ":", "="
"""Words before the items of a prompt, and before the answer."""

EXTRA_ITEMS = {"replace": 0, "insert": 1, "remove": -1}
"""Items that an answer has beyond those of the list, by the prompt's first word."""


@dataclass(frozen=True)
class Operation:
    """One of the ten operations.

    Attributes:
        name: as ParallelBench names it, in lower case, such as ``"replace index"``.
        template: the prompt's words before the list.
    """

    name: str
    template: str

    @property
    def verb(self) -> str:
        """The prompt's first word."""
        return self.template.split()[0]

    @property
    def at_index(self) -> bool:
        """Whether the prompt names the index."""
        return self.name.endswith("index")

    @property
    def takes_item(self) -> bool:
        """Whether the prompt names a new item."""
        return "{new}" in self.template

    @property
    def certain(self) -> bool:
        """Whether a prompt has a single answer."""
        return not (self.name == "shuffle" or self.name.endswith("random"))

    def answer_length(self, n: int) -> int:
        """Positions of the answer to a list of n items."""
        return n + EXTRA_ITEMS.get(self.verb, 0)

    def prompt_length(self, n: int) -> int:
        """Words of the prompt with a list of n items."""
        return len(self.template.split()) + n + 2

    def indices(self, n: int) -> int:
        """How many indices a list of n items has for this operation; 0 if the prompt names none."""
        return max(n, self.answer_length(n)) if self.at_index else 0

    def law(self, n: int, index: int | None = None) -> Joint:
        """Law of the answer to a list of n items, as `infodecode.distributions` names it.

        Its labels are A, B, … for the items in the order of the prompt, and ``new``. The law of
        *Sort* is that of a list which came sorted.
        """
        if self.at_index != (index is not None):
            needs = "needs an index" if self.at_index else "takes no index"
            raise ValueError(f"{self.name} {needs}, got index={index!r}")
        if index is not None:
            return _INDEXED[self.verb](n, index)
        return _LAWS[self.name](n)


_INDEXED: Mapping[str, Any] = {
    "replace": distributions.replace_index,
    "insert": distributions.insert_index,
    "remove": distributions.remove_index,
}
_LAWS: Mapping[str, Any] = {
    "copy": distributions.copy,
    "reverse": distributions.reverse,
    "sort": distributions.copy,
    "shuffle": distributions.permutations,
    "replace random": distributions.replace_random,
    "insert random": distributions.insert_random,
    "remove random": distributions.remove_random,
}

OPERATIONS: Mapping[str, Operation] = {
    name: Operation(name, template)
    for name, template in {
        "copy": "copy",
        "reverse": "reverse",
        "sort": "sort",
        "shuffle": "shuffle",
        "replace index": "replace at {place} with {new}",
        "replace random": "replace at {place} with {new}",
        "insert index": "insert {new} at {place}",
        "insert random": "insert {new} at {place}",
        "remove index": "remove {place}",
        "remove random": "remove {place}",
    }.items()
}
"""The ten operations by name."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of prompts and answers, one token each.

    Args:
        items: names that lists are drawn from, at least 2.
        longest: largest number of items in a list; indices run from 0 to ``longest``.

    Example:
        >>> Vocabulary(items=3, longest=1).words[-5:]
        ('0', '1', 'A', 'B', 'C')
    """

    items: int = 26
    longest: int = 8

    def __post_init__(self) -> None:
        _validation.integer("longest", self.longest, minimum=1)
        _validation.integer("items", self.items, minimum=self.longest + 1)

    @cached_property
    def item_names(self) -> tuple[str, ...]:
        """A, B, …: the items, in the order that *sort* sorts them into."""
        return distributions.copy(self.items).labels[0]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word, in the order of its token id; the items come last."""
        verbs = dict.fromkeys(operation.verb for operation in OPERATIONS.values())
        numbers = map(str, range(self.longest + 1))
        return (BOS, EOS, MASK, LIST, ANSWER, *verbs, "at", "with", ANY, *numbers, *self.item_names)

    @cached_property
    def ids(self) -> Mapping[str, int]:
        """Token id of a word."""
        return {word: k for k, word in enumerate(self.words)}

    @property
    def first_item(self) -> int:
        """Token id of the first item."""
        return len(self.words) - self.items


@dataclass(frozen=True)
class Exercises:
    """Prompts of one operation with lists of one length, a row each. Items are numbers from 0.

    Attributes:
        operation: what is asked.
        vocabulary: the words.
        items: the lists, ``(R, n)``, distinct in a row.
        new: the new items, ``(R,)``, none of its list; -1 where the operation takes none.
        index: the indices, ``(R,)``; -1 where the prompt names none.
    """

    operation: Operation
    vocabulary: Vocabulary
    items: IntArray
    new: IntArray
    index: IntArray

    @classmethod
    def draw(
        cls,
        operation: Operation,
        n: int,
        size: int,
        *,
        vocabulary: Vocabulary,
        generator: np.random.Generator,
    ) -> Exercises:
        """``size`` exercises: items and indices uniform, items without repetition."""
        keys = generator.random((size, vocabulary.items))
        chosen = np.argsort(keys, axis=1)[:, : n + 1]
        none = np.full(size, -1)
        indices = operation.indices(n)
        index = generator.integers(indices, size=size) if indices else none
        new = chosen[:, n] if operation.takes_item else none
        return cls(operation, vocabulary, chosen[:, :n], new, index)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def n(self) -> int:
        """Items in a list."""
        return int(self.items.shape[1])

    @property
    def answer_length(self) -> int:
        """Positions of an answer."""
        return self.operation.answer_length(self.n)

    def prompts(self) -> list[str]:
        """The prompts as text."""
        words = np.array(self.vocabulary.words, dtype=object)
        return [" ".join(row) for row in words[self.prompt_ids()].tolist()]

    def prompt_ids(self) -> IntArray:
        """The prompts as token ids, ``(R, operation.prompt_length(n))``."""
        ids, first = self.vocabulary.ids, self.vocabulary.first_item
        size = len(self)
        place = np.where(self.index < 0, ids[ANY], ids["0"] + self.index)
        columns = {"{place}": place, "{new}": first + self.new}
        head = [
            columns[word] if word in columns else np.full(size, ids[word])
            for word in [*self.operation.template.split(), LIST]
        ]
        end = np.full(size, ids[ANSWER])
        return np.column_stack([*head, first + self.items, end]).astype(np.int64)

    def answers(self, generator: np.random.Generator) -> IntArray:
        """One answer each, ``(R, m)`` token ids, drawn from the operation's law."""
        size, index = len(self), None
        if self.operation.at_index:
            indices = range(self.operation.indices(self.n))
            rows = [_law(self.operation, self.n, i).sample(1)[0] for i in indices]
            tokens, index = np.array(rows)[self.index], 0
        else:
            seed = int(generator.integers(1 << 62))
            tokens = _law(self.operation, self.n, None).sample(size, seed=seed)
        slots = _slots(self.operation, self.n, index)[np.arange(self.answer_length), tokens]
        return np.take_along_axis(self._sources, slots, axis=1) + self.vocabulary.first_item

    def valid(self, answers: IntArray) -> BoolArray:
        """Whether each row ``(R, m)`` of token ids is one of its exercise's answers, ``(R,)``."""
        return np.asarray(self.information(answers) < np.inf)

    def information(self, answers: IntArray) -> FloatArray:
        """-log2 of the probability ``(R,)`` of each answer under its law; inf where it is wrong."""
        given = np.asarray(answers) - self.vocabulary.first_item
        if given.shape != (len(self), self.answer_length):
            raise ValueError(
                f"answers must have shape {(len(self), self.answer_length)}, got {given.shape}"
            )
        same = given[:, :, None] == self._sources[:, None, :]
        slots = np.where(same.any(axis=2), same.argmax(axis=2), self.n + 1)
        result = np.full(len(self), np.inf)
        for index in np.unique(self.index).tolist():
            rows = np.flatnonzero(self.index == index)
            at = None if index < 0 else index
            law = _law(self.operation, self.n, at)
            tokens = _tokens(self.operation, self.n, at)[np.arange(law.length), slots[rows]]
            known = (tokens >= 0).all(axis=1)
            result[rows[known]] = -law.log2_probability(tokens[known])
        return result + 0.0

    @cached_property
    def _sources(self) -> IntArray:
        """Items by slot, ``(R, n + 1)``: the list as the law sees it, then the new item."""
        listed = np.sort(self.items, axis=1) if self.operation.name == "sort" else self.items
        return np.column_stack([listed, self.new])


@cache
def _law(operation: Operation, n: int, index: int | None) -> Joint:
    return operation.law(n, index)


@cache
def _slots(operation: Operation, n: int, index: int | None) -> IntArray:
    """Slot of every token at every position ``(m, V)``: 0 .. n - 1 the list's items, n the new."""
    law = _law(operation, n, index)
    names = {name: k for k, name in enumerate((*distributions.copy(n).labels[0], "new"))}
    out = np.zeros((law.length, max(law.alphabet_sizes)), np.int64)
    for i, labels in enumerate(law.labels):
        out[i, : len(labels)] = [names[label] for label in labels]
    return out


@cache
def _tokens(operation: Operation, n: int, index: int | None) -> IntArray:
    """Token of every slot at every position ``(m, n + 2)``; -1 where no token has it."""
    law = _law(operation, n, index)
    out = np.full((law.length, n + 2), -1)
    for i, slots in enumerate(_slots(operation, n, index)):
        used = slots[: law.alphabet_sizes[i]]
        out[i, used] = np.arange(len(used))
    return out
