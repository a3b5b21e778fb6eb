"""Small tables for notebooks."""

from __future__ import annotations

import html
from collections.abc import Mapping


def figures_table(title: str, figures: Mapping[str, object]) -> str:
    """A titled table with a row per figure."""
    rows = "".join(
        f"<tr><td style='text-align:left'>{html.escape(name.replace('_', ' '))}</td>"
        f"<td style='text-align:right'>{html.escape(_plain(value))}</td></tr>"
        for name, value in figures.items()
    )
    return f"<div><b>{html.escape(title)}</b><table>{rows}</table></div>"


def _plain(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
