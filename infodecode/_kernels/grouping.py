"""Equal rows get equal numbers: an open-addressing hash of multi-word keys."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit
from infodecode._kernels.random import mix


@njit
def hash_row(keys, b):  # type: ignore[no-untyped-def]
    """64-bit hash of row ``b``: SplitMix64's finaliser, chained over the words."""
    h = np.uint64(0x9E3779B97F4A7C15)
    for w in range(keys.shape[1]):
        h = mix(h ^ keys[b, w])
    return h


@njit
def insert_into(keys, slots, store, count, ids):  # type: ignore[no-untyped-def]
    """Number the rows of ``keys`` ``(B, W)``; new ones are appended to ``store``.

    ``slots`` (a power of two, at least twice the final count) holds 0 or 1 + a number;
    ``count`` rows of ``store`` are taken. Returns the new count; ``ids`` (B,) gets the numbers.
    """
    mask = np.uint64(slots.shape[0] - 1)
    words = keys.shape[1]
    for b in range(keys.shape[0]):
        slot = hash_row(keys, b) & mask
        while True:
            found = slots[slot] - 1
            if found < 0:
                for w in range(words):
                    store[count, w] = keys[b, w]
                slots[slot] = count + 1
                ids[b] = count
                count += 1
                break
            same = True
            for w in range(words):
                if store[found, w] != keys[b, w]:
                    same = False
                    break
            if same:
                ids[b] = found
                break
            slot = (slot + np.uint64(1)) & mask
    return count


@njit
def rehash_into(store, count, slots):  # type: ignore[no-untyped-def]
    """Refill zeroed ``slots`` with the first ``count`` rows of ``store``, all distinct."""
    mask = np.uint64(slots.shape[0] - 1)
    for number in range(count):
        slot = hash_row(store, number) & mask
        while slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = number + 1


@njit
def hash_rows_into(keys, out):  # type: ignore[no-untyped-def]
    """`hash_row` of every row."""
    for b in range(keys.shape[0]):
        out[b] = hash_row(keys, b)
