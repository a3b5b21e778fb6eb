"""What counts as an answer: ParallelBench's definitions (Kang et al. 2025, Appendix D).

Any right answer counts, not a stored one. A rule scores an output twice: strictly, where the whole
output has to be the answer, and leniently, where the answer is found in it and case and white space
do not matter. What is right strictly is right leniently.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from llm.tasks import parsing, sentences
from llm.tasks.grammar import is_grammatical
from llm.tasks.parsing import LIST_FORMS, Items, Square, folded


@dataclass(frozen=True)
class Score:
    """Whether an output is right.

    Attributes:
        strict: the whole output is a right answer.
        lenient: a right answer is in it.
        parts: what the lenient score is made of, where it has parts.
    """

    strict: bool
    lenient: bool
    parts: Mapping[str, bool] = field(default_factory=dict)


class Rule(ABC):
    """A question's right answers."""

    needs_grammar = False
    """Whether the grammar checker is asked."""

    @abstractmethod
    def score(self, output: str) -> Score:
        """Whether an output is right."""


@dataclass(frozen=True)
class ListRule(Rule):
    """Lists that are right answers to a list of distinct items.

    Attributes:
        listed: the items that the question gives; of `Same` the answer itself.
        new: the item to replace with or to insert; None where there is none.
        form: how lists are written, a name of `LIST_FORMS`.
    """

    listed: Items
    new: str | None = None
    form: str = "quoted"

    @abstractmethod
    def accepts(self, answer: Items, listed: Items, new: str | None) -> bool:
        """Whether a list is right."""

    def score(self, output: str) -> Score:
        form = LIST_FORMS[self.form]
        whole = form.strict(output)
        strict = whole is not None and self.accepts(whole, self.listed, self.new)
        found = tuple(map(folded, form.lenient(output)))
        new = None if self.new is None else folded(self.new)
        return Score(strict, strict or self.accepts(found, tuple(map(folded, self.listed)), new))


class Same(ListRule):
    """The one right list: copy, reverse, sort, and whatever names an index."""

    def accepts(self, answer: Items, listed: Items, new: str | None) -> bool:
        return answer == listed


class Shuffled(ListRule):
    """The same items in an order other than the given one."""

    def accepts(self, answer: Items, listed: Items, new: str | None) -> bool:
        return sorted(answer) == sorted(listed) and answer != listed


class Replaced(ListRule):
    """Equal but for one place, where the new item is."""

    def accepts(self, answer: Items, listed: Items, new: str | None) -> bool:
        different = [a for a, b in zip(answer, listed, strict=False) if a != b]
        return len(answer) == len(listed) and different == [new]


class Inserted(ListRule):
    """Without the new item, which is there once, equal."""

    def accepts(self, answer: Items, listed: Items, new: str | None) -> bool:
        rest = tuple(item for item in answer if item != new)
        return len(answer) == len(listed) + 1 and rest == listed


class Removed(ListRule):
    """Exactly one item is gone, the others are as they were."""

    def accepts(self, answer: Items, listed: Items, new: str | None) -> bool:
        return any(answer == listed[:i] + listed[i + 1 :] for i in range(len(listed)))


@dataclass(frozen=True)
class LatinSquare(Rule):
    """Squares with every symbol once in each row and once in each column.

    Attributes:
        symbols: distinct, whatever their case.
    """

    symbols: Items

    def __post_init__(self) -> None:
        if len(set(map(folded, self.symbols))) < len(self.symbols):
            raise ValueError(f"symbols must be distinct, got {self.symbols}")

    def score(self, output: str) -> Score:
        whole = parsing.strict_square(output, self.symbols)
        strict = whole is not None and self._is_square(whole)
        return Score(
            strict, strict or self._is_square(parsing.lenient_square(output, self.symbols))
        )

    def _is_square(self, rows: Square) -> bool:
        size = len(self.symbols)
        lines = (*rows, *zip(*rows, strict=True))
        return len(rows) == size and all(len(line) == len(set(line)) == size for line in lines)


@dataclass(frozen=True)
class Sudoku(Rule):
    """Grids that keep the clues and hold every digit once in each row, column and box.

    Attributes:
        clues: rows of digits, ``"0"`` where a cell is open; 4 by 4.
    """

    clues: Square

    def __post_init__(self) -> None:
        if [len(row) for row in self.clues] != [4] * 4:
            raise ValueError(f"clues must be 4 by 4, got {self.clues}")

    def score(self, output: str) -> Score:
        whole = parsing.strict_grid(output, 4)
        strict = whole is not None and self._is_solution(whole)
        return Score(strict, strict or self._is_solution(parsing.lenient_grid(output, 4)))

    def _is_solution(self, rows: Square) -> bool:
        if len(rows) != 4:
            return False
        corners = [(i, j) for i in (0, 2) for j in (0, 2)]
        boxes = [rows[i][j : j + 2] + rows[i + 1][j : j + 2] for i, j in corners]
        lines = (*rows, *zip(*rows, strict=True), *boxes)
        return all(sorted(line) == list("1234") for line in lines) and all(
            clue in ("0", cell)
            for clues, row in zip(self.clues, rows, strict=True)
            for clue, cell in zip(clues, row, strict=True)
        )


@dataclass(frozen=True)
class WordsUsed(Rule):
    """Grammatical sentences with all of the words.

    Leniently, a word may be inflected (`sentences.uses`); strictly, the output is one sentence
    with the words as they were given, whatever their case.

    Attributes:
        words: to be used, each at least once.
    """

    words: Items
    needs_grammar = True

    def score(self, output: str) -> Score:
        grammar = is_grammatical(output)
        words = all(sentences.uses(output, word) for word in self.words)
        exact = all(sentences.uses(output, word, inflected=False) for word in self.words)
        return Score(
            grammar and exact and sentences.is_one(output),
            grammar and words,
            {"words": words, "grammar": grammar},
        )


@dataclass(frozen=True)
class Grammatical(Rule):
    """Any grammatical text: what is offline of ParallelBench's scores of summaries."""

    needs_grammar = True

    def score(self, output: str) -> Score:
        grammar = is_grammatical(output)
        return Score(grammar, grammar, {"grammar": grammar})
