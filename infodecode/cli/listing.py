"""``infodecode list``: every name with an example, what it is and where it comes from."""

from __future__ import annotations

import itertools
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from infodecode.cli import show
from infodecode.cli.vocabulary import GROUPS, Entry

NARROWEST, WIDEST = 80, 110
EXAMPLE, PAPER = 25, 21
"""Columns of the two outer fields; what the names are takes the rest."""

TITLES = {
    "distributions": "Distributions",
    "strategies": "Strategies (--strategy)",
    "models": "Models (--model)",
    "blocks": "Blocks (--blocks)",
    "tokens": "Token rules (--tokens)",
}
NOTES = {
    "distributions": (
        "A CSV file is a law as well, one row an observation. Numbers are 0.25 or 1/4; spaces "
        "separate the entries of a row, semicolons the rows of a matrix. The weight of a mixture "
        "comes first and applies to its whole part, + binds tighter than |, parentheses group."
    ),
}
INTRODUCTION = (
    "Type NAME:VALUE,... as in the examples; a value may have its name (permutations:n=6). "
    "Quote what has spaces. Positions count from 0."
)


def listing(groups: Sequence[str], *, as_json: bool) -> None:
    """Print the names of some groups of `GROUPS`."""
    if as_json:
        show.print_json({group: _records(GROUPS[group]) for group in groups})
        return
    console = show.open_console()
    width = min(max(console.width, NARROWEST), WIDEST) if console.is_terminal else NARROWEST
    _print(console, Text("\n".join(textwrap.wrap(INTRODUCTION, width))))
    for group in groups:
        _print(console, Text(f"\n{TITLES[group]}", "bold"))
        for entry in GROUPS[group].values():
            _print(console, _lines(entry, width))
        if group in NOTES:
            note = textwrap.fill(NOTES[group], width, initial_indent="  ", subsequent_indent="  ")
            _print(console, Text(note, "dim"))


def typed(example: str) -> str:
    """The example as one argument of a shell: in double quotes if it needs any."""
    return example if shlex.quote(example) == example else f'"{example}"'


def _lines(entry: Entry[Any], width: int) -> Text:
    """Example, summary and paper side by side; the latter two below an example that is too long."""
    example = typed(entry.example)
    below = len(example) > EXAMPLE - 4
    summary = textwrap.wrap(entry.summary, width - EXAMPLE - PAPER - 2)
    paper = textwrap.wrap(entry.paper, PAPER)
    text = Text.assemble("  ", (example, "cyan"), "\n" if below else "")
    for row, (what, where) in enumerate(itertools.zip_longest(summary, paper, fillvalue="")):
        indent = EXAMPLE if row or below else EXAMPLE - 2 - len(example)
        text.append("\n" if row else "")
        text.append(" " * indent + what.ljust(width - EXAMPLE - PAPER if where else 0))
        text.append(where, "dim")
    return text


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)


def _records(entries: Mapping[str, Entry[Any]]) -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "example": entry.example,
            "summary": entry.summary,
            "paper": entry.paper,
            "parameters": list(entry.parameters),
        }
        for name, entry in entries.items()
    ]
