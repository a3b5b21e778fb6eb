"""Grammar, checked offline by Harper.

ParallelBench asks LanguageTool, a Java server with far more rules; docs/tasks.md says how the two
differ. Harper comes as a wheel: ``pip install "infodecode[tasks]"``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harper import Linter

ADVICE = frozenset(
    {"Enhancement", "Readability", "Redundancy", "Regionalism", "Style", "WordChoice"}
)
"""Kinds of remarks that are advice: a text with these alone counts as grammatical."""


def has_checker() -> bool:
    """Whether harper-py is installed."""
    return find_spec("harper") is not None


def remarks(text: str) -> tuple[tuple[str, str, str], ...]:
    """What the checker finds in American English: kind, the words in question, and why.

    Raises:
        ImportError: harper-py is not installed.
    """
    from harper import Language

    found = _linter().lint(text, language=Language.PLAINTEXT)
    return tuple((lint.lint_kind, lint.problem_text, lint.message) for lint in found)


def is_grammatical(text: str) -> bool:
    """Whether there is a text, no word follows itself, and the checker finds nothing but advice.

    The doubled word, what parallel decoding gets wrong most, is looked for here: the checker sees
    many of them, not all.

    Raises:
        ImportError: harper-py is not installed.
    """
    need_checker()
    text = text.strip()
    return (
        bool(text)
        and not has_doubled_word(text)
        and all(kind in ADVICE for kind, _, _ in remarks(text))
    )


def has_doubled_word(text: str) -> bool:
    """Whether a word follows itself with nothing but white space between.

    Example:
        >>> has_doubled_word("We saw saw it."), has_doubled_word("Well, we saw, saw it.")
        (True, False)
    """
    return bool(re.search(r"\b([^\W\d_]+)\s+\1\b", text.casefold()))


def need_checker() -> None:
    """Raise an ImportError that says what to install, unless it is there."""
    if not has_checker():
        raise ImportError('grammar is checked by harper-py: pip install "infodecode[tasks]"')


@cache
def _linter() -> Linter:
    from harper import Linter

    return Linter()
