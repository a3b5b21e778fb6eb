"""Figures from the tables in ``results/``; nothing here simulates.

``python -m figures`` draws every figure into ``figures/output`` as PDF, SVG and PNG, and renews
``docs/images`` and ``docs/figures.md``; ``--only NAME`` draws some, ``--list`` names them. A figure
whose table is missing says which command makes it, and the others are drawn all the same.

A figure is one module of this folder, and nothing else has to change to add it:

- ``TABLES``: what it reads, as in ``("toy/words.csv",)``; a figure whose table does not come from
  ``toy`` is skipped without an error where the table is missing;
- ``EXTRA``: tables that it reads if they are there (networks beside toys);
- ``CAPTION``: what it shows, and what to conclude;
- ``plot(frame, ax=None)``: draws it, or its main panel, on axes, from the frame that `tables.read`
  returns: the rows of all its tables with the column ``table``;
- ``draw(frame)``: the whole figure, where it has several panels; else ``SIZE`` where that differs
  from the usual one.

In a notebook:

    from figures import optimum_curves, tables
    optimum_curves.plot(tables.read(optimum_curves.TABLES), law="insert_random(5)")
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

ORDER = ("pb_", "br_", "le_")
"""Beginnings of names that come first."""


def modules() -> dict[str, ModuleType]:
    """Every figure by name: the modules of this folder that have a caption."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    public = [name for name in names if not name.startswith("_")]
    loaded = {name: importlib.import_module(f"{__name__}.{name}") for name in public}
    figures = [name for name, module in loaded.items() if hasattr(module, "CAPTION")]
    return {name: loaded[name] for name in sorted(figures, key=_place)}


def _place(name: str) -> tuple[int, str]:
    first = [number for number, prefix in enumerate(ORDER) if name.startswith(prefix)]
    return (first[0] if first else len(ORDER), name)
