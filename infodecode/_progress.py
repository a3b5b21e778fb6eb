"""A progress bar for long work: silent for a second, and off when nobody is looking."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
    from tqdm.auto import tqdm

    with tqdm(total=total, unit=f" {what}", delay=0 if show else 1, leave=False) as bar:
        yield bar.update


def watched() -> bool:
    """Whether a person is likely to be looking: a terminal or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
