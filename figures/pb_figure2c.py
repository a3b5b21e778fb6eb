"""ParallelBench, Figure 2c: replace random, temperature 1."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes

from figures import _lists

TABLES, EXTRA = _lists.TABLES, _lists.EXTRA
CAPTION = """Accuracy of random top-k on *Replace Random* at temperature 1. All at once it falls
to 1/e (dotted), not to 0: the total correlation stays below log2(e) = 1.44 bits at any length. Two
items a round recover with the length (PB-13): a task can be harmless in pairs and costly all at
once."""


def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Accuracy of random top-k against the length of the list."""
    return _lists.against_length(
        frame, "replace random", 1.0, ax, limit=(1 / math.e, "1/e"), loc=(0.5, 0.06)
    )
