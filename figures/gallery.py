"""``docs/figures.md``: every figure with its caption."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType

from figures.tables import command

TITLE = """# Figures

Made by `python -m figures` from the tables in `results/`; nothing is simulated there. Each figure \
is a module of `figures/` with a function `plot(frame, ax=None)` for notebooks:

```python
from figures import pb_figure2a, tables

axes = pb_figure2a.plot(tables.read(pb_figure2a.TABLES))
```
"""

GROUPS = {
    "pb_": "ParallelBench (Kang et al. 2025)",
    "br_": "From Bits to Rounds (2025)",
    "le_": "Locally Confident, Globally Stuck (2026)",
    "": "Bounds and decoders",
}
"""Beginning of a name -> heading; the first that fits."""


def grouped(names: Mapping[str, ModuleType]) -> dict[str, list[str]]:
    """Heading -> names of its figures."""
    groups: dict[str, list[str]] = {heading: [] for heading in GROUPS.values()}
    for name in names:
        prefix = next(prefix for prefix in GROUPS if name.startswith(prefix))
        groups[GROUPS[prefix]].append(name)
    return groups


def page(modules: Mapping[str, ModuleType], drawn: frozenset[str]) -> str:
    """The page, with the pictures that are there.

    Args:
        modules: name -> module of a figure.
        drawn: names of those that have a picture in ``docs/images``.
    """
    parts = [TITLE]
    for heading, names in grouped(modules).items():
        parts.append(f"## {heading}\n")
        for name in names:
            module = modules[name]
            parts.append(f"### {name}\n")
            caption = re.sub(r"\s+", " ", module.CAPTION).strip()
            if name in drawn:
                parts.append(f"![{name}](images/{name}.svg)\n")
            else:
                parts.append("Not drawn: its table is measured on a network.\n")
            tables = (*module.TABLES, *getattr(module, "EXTRA", ()))
            made = ", ".join(f"`results/{t}` (`{command(t)}`)" for t in tables)
            parts.append(f"{caption}\n\nReads {made}.\n")
    return "\n".join(parts)
