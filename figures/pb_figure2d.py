"""ParallelBench, Figure 2d: replace random, greedy."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from figures import _lists

TABLES, EXTRA = _lists.TABLES, _lists.EXTRA
CAPTION = """Accuracy of random top-k on *Replace Random*, greedy. Every round of three or more
items keeps them all, so that the size of the last round decides (PB-12): 1 after a single item,
1/2 after two, 0 otherwise. With two a round, odd lengths end with one item and are always right;
the paper's 1/2 is for even lengths."""


def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Accuracy of random top-k against the length of the list."""
    return _lists.against_length(frame, "replace random", 0.0, ax, loc=(0.42, 0.58))
