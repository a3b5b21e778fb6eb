"""Seeds and streams: sample k of a run depends on (seed, k) alone."""

from __future__ import annotations

import numpy as np

from infodecode import _validation
from infodecode._kernels.random import streams_into
from infodecode._typing import Array


def seed_key(seed: int) -> np.uint64:
    """64 bits from a seed of any size."""
    sequence = np.random.SeedSequence(_validation.integer("seed", seed, minimum=0, maximum=None))
    return np.uint64(sequence.generate_state(1, np.uint64)[0])


def streams_of(key: np.uint64, first: int, count: int) -> Array:
    """Random streams of samples ``first`` … under a seed's key."""
    out = np.empty(count, np.uint64)
    streams_into(key, first, out)
    return out
