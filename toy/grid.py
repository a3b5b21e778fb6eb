"""The decoders that every toy is decoded by."""

from __future__ import annotations

from infodecode import Bounds, Decoder, strategies

BEST_TWO_ROUNDS = "best two rounds"
"""Name of the fixed partition into two blocks that loses least."""

DRAWN_LENGTH = 16
"""Beyond it, drawing every position in each round leads to too many canvases to be exact."""


def decoders(bounds: Bounds) -> dict[str, Decoder]:
    """Name -> decoder: the schedules, orders, gates and dialects that change results.

    Greedy means temperature 0, ties at random; "lowest" settles every tie by the lowest index, as
    an argmax does. Drawn confidence draws all tokens first and ranks positions by the probability
    of the drawn ones, up to 16 positions. The best two rounds are left out where nobody knows them.
    """
    n = bounds.length
    top_2 = strategies.TopK(2, by="confidence")
    grid = {
        "one by one": Decoder(strategies.OneByOne()),
        "top-2 random": Decoder(strategies.TopK(2, by="random")),
        "top-2 in order": Decoder(strategies.TopK(2, by="left_to_right")),
        "top-2 confidence": Decoder(top_2),
        "top-2 entropy": Decoder(strategies.TopK(2, by="entropy")),
        "top-2 drawn": Decoder(top_2, order="sample-then-choose"),
        "top-2 greedy": Decoder(top_2, temperature=0),
        "top-2 lowest": Decoder(top_2, temperature=0, position_ties="lowest", token_ties="lowest"),
        "half at once": Decoder(strategies.TopK(max(1, (n + 1) // 2), by="random")),
        "all at once": Decoder(strategies.TopK(n, by="random")),
        "all greedy": Decoder(strategies.TopK(n, by="random"), temperature=0),
        "threshold .9": Decoder(strategies.Threshold(0.9)),
        "threshold greedy": Decoder(strategies.Threshold(0.9), temperature=0),
        "factor 1": Decoder(strategies.Factor(1.0)),
        "factor 1 greedy": Decoder(strategies.Factor(1.0), temperature=0),
    }
    if n > DRAWN_LENGTH:
        del grid["top-2 drawn"]
    if bounds.partition_bits is not None and n > 1:
        grid[BEST_TWO_ROUNDS] = Decoder(strategies.FixedPartition(bounds.partition(2)))
    return grid
