"""A progress bar for long work: silent for a second, and off when nobody is looking."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any


@contextmanager
def progress_bar(
    what: str, total: int, show: bool | None = None
) -> Iterator[Callable[[int], object]]:
    """Yields ``advance(count)``.

    Args:
        what: unit of the count, for the label.
        total: the full count.
        show: True shows the bar at once, False never, None on a terminal or in a notebook after
            a second.
    """
    if show is False or (show is None and not watched()):
        yield lambda count: None
        return
    with _bar()(total=total, unit=f" {what}", delay=0 if show else 1, leave=False) as bar:
        yield bar.update


def _bar() -> Any:
    """tqdm's bar for a notebook if that can draw it, else the one made of text."""
    if "ipykernel" in sys.modules and find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm as drawn

        return drawn
    from tqdm.std import tqdm

    return tqdm


def watched() -> bool:
    """Whether a person is likely to be looking: a terminal or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
