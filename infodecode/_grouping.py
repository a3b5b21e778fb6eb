"""Numbers for distinct rows, kept across batches: the merge of `exact` and of every table."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.grouping import insert_into, rehash_into
from infodecode._kernels.packing import pack_into
from infodecode._typing import Array, IntArray


class Grouper:
    """Gives equal keys equal numbers 0, 1, 2, … in order of first appearance.

    Args:
        words: 64-bit words in a key.
    """

    def __init__(self, words: int, *, capacity: int = 64) -> None:
        self.count = 0
        self._store = np.zeros((capacity, words), np.uint64)
        self._slots = np.zeros(_slots_for(capacity), np.int64)

    def insert(self, keys: Array) -> IntArray:
        """Numbers ``(B,)`` of the keys ``(B, W)``."""
        needed = self.count + len(keys)
        if needed > len(self._store):
            capacity = max(needed, 2 * len(self._store))
            store = np.zeros((capacity, self._store.shape[1]), np.uint64)
            store[: self.count] = self._store[: self.count]
            self._store = store
            self._slots = np.zeros(_slots_for(capacity), np.int64)
            rehash_into(self._store, self.count, self._slots)
        ids = np.empty(len(keys), np.int64)
        self.count = insert_into(keys, self._slots, self._store, self.count, ids)
        return ids

    def insert_fresh(self, keys: Array) -> tuple[IntArray, IntArray]:
        """Numbers ``(B,)`` of the keys, and the first row of each key that was not known before."""
        known = self.count
        ids = self.insert(keys)
        fresh = np.empty(self.count - known, np.int64)
        new = np.flatnonzero(ids >= known)[::-1]
        fresh[ids[new] - known] = new
        return ids, fresh


class Packing:
    """Packed keys of canvases over given alphabets.

    Attributes:
        words: 64-bit words in a key.
        word, shift: ``(n,)`` where each position's field lies; it never straddles words.
        fields: ``(n,)`` all ones, as wide as the field.
    """

    def __init__(self, alphabet_sizes: tuple[int, ...]) -> None:
        widths = [int(v).bit_length() for v in alphabet_sizes]
        words, shifts = [], []
        word = shift = 0
        for width in widths:
            if shift + width > 64:
                word, shift = word + 1, 0
            words.append(word)
            shifts.append(shift)
            shift += width
        self.words = word + 1
        self.word, self.shift = np.array(words, np.int64), np.array(shifts, np.uint64)
        self.fields = np.array([(1 << width) - 1 for width in widths], np.uint64)

    def keys(self, canvas: IntArray) -> Array:
        """Keys ``(B, W)`` of canvases ``(B, n)``."""
        out = np.zeros((len(canvas), self.words), np.uint64)
        pack_into(canvas, self.word, self.shift, out)
        return out


def group(keys: Array) -> tuple[IntArray, IntArray]:
    """Group numbers ``(B,)`` of the keys, and the first row ``(G,)`` of each group."""
    grouper = Grouper(keys.shape[1], capacity=max(1, len(keys)))
    ids = grouper.insert(keys)
    first = np.empty(grouper.count, np.int64)
    first[ids[::-1]] = np.arange(len(keys) - 1, -1, -1)
    return ids, first


def _slots_for(capacity: int) -> int:
    return 1 << max(3, (2 * capacity - 1).bit_length())
