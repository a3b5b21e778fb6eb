"""ParallelBench, Figure 2a: shuffle, temperature 1."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from figures import _lists

TABLES, EXTRA = _lists.TABLES, _lists.EXTRA
CAPTION = """Accuracy of random top-k on *Shuffle* at temperature 1 with exact marginals: formula
(PB-10), exact law of the output, 2,000 samples with 95% intervals. One item a round is always
right; two a round fall towards 0 like a power of n, all at once exponentially. No model can do
better: what is lost is the dependence between the items of a round. The closed forms printed in
the paper's equation 5 exceed 1; the product there is right, and is drawn."""


def plot(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Accuracy of random top-k against the length of the list."""
    return _lists.against_length(frame, "shuffle", 1.0, ax)
