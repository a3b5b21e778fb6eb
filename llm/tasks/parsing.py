"""What an output says: lists, squares and grids, read strictly or leniently.

Strictly, the whole output is the answer and nothing else, but for white space around it. Leniently,
the answer is found in the text. A strict reader returns None where there is no answer; a lenient
one returns what it found, which may be empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Items: TypeAlias = tuple[str, ...]
Square: TypeAlias = tuple[Items, ...]

QUOTES = "\"'“”‘’`"


def folded(text: str) -> str:
    """Text without regard to case, and with single spaces.

    Example:
        >>> folded(" Ada  FINCH ")
        'ada finch'
    """
    return " ".join(text.split()).casefold()


def quoted_list(items: Sequence[str]) -> str:
    """The form of lists in prompts.

    Example:
        >>> print(quoted_list(["Ada Finch", "Leo Hale"]))
        ["Ada Finch", "Leo Hale"]
    """
    return json.dumps(list(items), ensure_ascii=False)


def strict_quoted(text: str) -> Items | None:
    """The list if the output is one in exactly the form of `quoted_list`."""
    text = text.strip()
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        return None
    return tuple(found) if quoted_list(found) == text else None


def lenient_quoted(text: str) -> Items:
    """Items after the last ``[``, up to the next ``]``, apart by commas; without ``[`` all of it.

    Example:
        >>> lenient_quoted("Gladly: [ 'Ada Finch',Leo Hale ] is the queue")
        ('Ada Finch', 'Leo Hale')
    """
    inside = text.rpartition("[")[2].partition("]")[0]
    items = (item.strip().strip(QUOTES).strip() for item in inside.split(","))
    return tuple(item for item in items if item)


def strict_words(text: str) -> Items | None:
    """Items apart by single spaces."""
    items = tuple(text.strip().split(" "))
    return items if all(items) else None


def lenient_words(text: str) -> Items:
    """Whatever is neither white space nor punctuation of lists."""
    return tuple(re.findall(rf"[^\s,\[\]{QUOTES}]+", text))


@dataclass(frozen=True)
class ListForm:
    """How lists are written, and how they are read.

    Attributes:
        write: items to text.
        strict, lenient: text to items.
    """

    write: Callable[[Sequence[str]], str]
    strict: Callable[[str], Items | None]
    lenient: Callable[[str], Items]


LIST_FORMS: Mapping[str, ListForm] = {
    "quoted": ListForm(quoted_list, strict_quoted, lenient_quoted),
    "words": ListForm(" ".join, strict_words, lenient_words),
}


def written_square(rows: Sequence[Sequence[str]]) -> str:
    """A Latin square as lines of symbols with commas between them."""
    return "\n".join(map(",".join, rows))


def strict_square(text: str, symbols: Sequence[str]) -> Square | None:
    """The square if the output is one in exactly the form of `written_square`."""
    rows = tuple(tuple(line.split(",")) for line in text.strip().split("\n"))
    good = len(rows) == len(symbols) and all(sorted(row) == sorted(symbols) for row in rows)
    return rows if good else None


def lenient_square(text: str, symbols: Sequence[str]) -> Square:
    """The first lines that hold every symbol once, at most as many as a square has."""
    wanted = sorted(map(folded, symbols))
    rows = (tuple(folded(cell) for cell in line.split(",")) for line in text.splitlines())
    return tuple(row for row in rows if sorted(row) == wanted)[: len(symbols)]


def strict_grid(text: str, size: int) -> Square | None:
    """Digits if the output is ``size`` lines of ``size`` digits and nothing else."""
    lines = text.strip().split("\n")
    good = len(lines) == size and all(re.fullmatch(rf"[0-9]{{{size}}}", line) for line in lines)
    return tuple(map(tuple, lines)) if good else None


def lenient_grid(text: str, size: int) -> Square:
    """Lines with exactly ``size`` digits, whatever is between them; empty unless there are size."""
    found = (tuple(re.findall("[0-9]", line)) for line in text.splitlines())
    rows = tuple(row for row in found if len(row) == size)
    return rows if len(rows) == size else ()
