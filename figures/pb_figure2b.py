"""ParallelBench, Figure 2b: shuffle, greedy."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from figures import _lists

TABLES, EXTRA = _lists.TABLES, _lists.EXTRA
CAPTION = """The same as Figure 2a, greedy. If ties between equally probable tokens are broken at
random, position by position, nothing changes (PB-11): greedy decoding is no way out. With ties
broken by the lowest index, as an argmax does, both curves for k > 1 would be 0."""


def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Accuracy of random top-k against the length of the list."""
    return _lists.against_length(frame, "shuffle", 0.0, ax)
