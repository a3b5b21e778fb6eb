"""Sentences: the words they are made of, and whether a text is one sentence."""

from __future__ import annotations

import re
from functools import cache

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """Words in lower case, without a possessive ``'s``.

    Example:
        >>> words_of("The well-fed dog's ball: red!")
        ['the', 'well-fed', 'dog', 'ball', 'red']
    """
    return [re.sub(r"['’]s$", "", word.casefold()) for word in _WORD.findall(text)]


def uses(text: str, word: str, *, inflected: bool = True) -> bool:
    """Whether a word, or words in a row, occur as whole words in a text.

    Args:
        text: what was written.
        word: to be found, whatever its case.
        inflected: count regular inflections of its last word, too: see `inflections`.

    Example:
        >>> uses("She carried two boxes.", "carry"), uses("We partied.", "art")
        (True, False)
    """
    *before, last = words_of(word) or [word.casefold()]
    forms = inflections(last) if inflected else frozenset({last})
    given, size = words_of(text), len(before) + 1
    return any(
        given[i : i + size - 1] == before and given[i + size - 1] in forms
        for i in range(len(given) - size + 1)
    )


@cache
def inflections(word: str) -> frozenset[str]:
    """A word in lower case with its regular endings -s, -ed and -ing, in any regular spelling.

    Irregular forms (*threw*) are others, and so are derived words (*thrower*). Which spelling is
    the right one (*stoped*) is the grammar checker's concern.

    Example:
        >>> sorted(inflections("carry"))
        ['carried', 'carries', 'carry', 'carryed', 'carrying', 'carrys']
        >>> sorted(inflections("stop"))
        ['stop', 'stoped', 'stoping', 'stopped', 'stopping', 'stops']
    """
    found = {word, *(word + ending for ending in ("s", "ed", "ing"))}
    if re.search(r"(s|x|z|ch|sh|o)$", word):
        found.add(word + "es")
    if re.search(r"[^aeiou]y$", word):
        found |= {word[:-1] + "ies", word[:-1] + "ied"}
    if word.endswith("e"):
        found |= {word + "d", word[:-1] + "ing"}
    if re.search(r"(^|[^aeiou])[aeiou][^aeiouwxy]$", word):
        found |= {word + word[-1] + ending for ending in ("ed", "ing")}
    return frozenset(found)


def is_one(text: str) -> bool:
    """Whether a text is a single sentence: a capital first, one full stop (or ! or ?) last.

    Example:
        >>> is_one("It is 3.5 m long."), is_one("Yes. It is."), is_one("a dog")
        (True, False, False)
    """
    text = text.strip()
    first = text.lstrip("\"'“‘(")[:1]
    ends = re.findall(r"[.!?]+[\"'”’)]*(?=\s|$)", text)
    return (
        "\n" not in text
        and bool(first)
        and not first.islower()
        and len(ends) == 1
        and text.endswith(ends[0])
    )
