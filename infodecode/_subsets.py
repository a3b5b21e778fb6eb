"""All marginals of a table, along a walk that drops one position at a time."""

from __future__ import annotations

import math

import numpy as np

from infodecode._grouping import Packing
from infodecode._kernels.entropies import position_weights
from infodecode._kernels.lattice import dense_entropies_into, sparse_entropies_into
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.distributions import Table

SUBSETS_CELLS = 4_000_000_000
"""Most weights that `walk_subsets` adds up over all marginals (about a minute)."""

_DENSE_ARRAY = 1 << 25
_DENSE_ADVANTAGE = 3


def walk_subsets(table: Table) -> FloatArray:
    """Entropies ``(2**n,)`` of all sets of positions, bit i of the index for position i.

    Raises:
        ValueError: the marginals could have more than `SUBSETS_CELLS` weights in all.
    """
    weights = position_weights(table.outcomes, table.weights, max(table.alphabet_sizes))
    used: BoolArray = weights > 0
    alphabet = used.sum(axis=1)
    order = np.argsort(-alphabet, kind="stable")
    alphabet, used = alphabet[order], used[order]
    codes = np.cumsum(used, axis=1) - 1
    columns = [codes[k][table.outcomes[:, i]] for k, i in enumerate(order)]
    bits = np.left_shift(1, order)

    dense = float(np.prod(alphabet + 1.0))
    sparse = _sparse_cells(alphabet, len(table.outcomes))
    use_dense = (
        dense <= _DENSE_ADVANTAGE * sparse and np.prod(alphabet.astype(float)) <= _DENSE_ARRAY
    )
    cells = dense if use_dense else sparse
    if cells > SUBSETS_CELLS:
        raise ValueError(
            f"the marginals of all {2**table.length:,} subsets of {table.name} could have "
            f"{cells:.3g} weights, more than {SUBSETS_CELLS:.3g}; ask "
            "entropy(distribution, positions) for the subsets you need, or take fewer "
            "positions with marginal()"
        )
    walk = _walk_dense if use_dense else _walk_sparse
    return walk(table, columns, alphabet, bits)


def _sparse_cells(alphabet: IntArray, outcomes: int) -> float:
    """Bound on the sizes of all marginals of a law with so many outcomes."""
    cells = np.ones(1)
    for size in alphabet:
        cells = np.minimum(np.concatenate([cells, cells * size]), outcomes)
    return float(cells.sum())


def _offsets(alphabet: IntArray, most: float) -> IntArray:
    """Start of the largest marginal that lacks 0, 1, .. n positions; sizes come largest first."""
    cells = np.minimum(np.cumprod(np.concatenate([[1.0], alphabet])), most)[::-1]
    return np.concatenate([[0], np.cumsum(cells.astype(np.int64))])


def _walk_dense(
    table: Table, columns: list[IntArray], alphabet: IntArray, bits: IntArray
) -> FloatArray:
    offsets = _offsets(alphabet, math.inf)
    cells = np.zeros(offsets[-1], table.weights.dtype)
    cell = np.zeros(len(table.outcomes), np.int64)
    for column, size in zip(columns[::-1], alphabet[::-1], strict=True):
        cell = cell * size + column
    cells[cell] = table.weights
    out = np.empty(1 << table.length)
    dense_entropies_into(cells, alphabet, bits, offsets, out)
    return out


def _walk_sparse(
    table: Table, columns: list[IntArray], alphabet: IntArray, bits: IntArray
) -> FloatArray:
    rows = len(table.outcomes)
    offsets = _offsets(alphabet, rows)
    pack = Packing(tuple(alphabet.tolist()))
    keys: Array = np.empty((offsets[-1], pack.words), np.uint64)
    keys[:rows] = pack.keys(np.column_stack(columns))
    keep = np.full((table.length, pack.words), ~np.uint64(0))
    keep[np.arange(table.length), pack.word] ^= pack.fields << pack.shift
    weights = np.empty(offsets[-1], table.weights.dtype)
    weights[:rows] = table.weights
    slots = np.empty(1 << (2 * rows - 1).bit_length(), np.int32)
    out = np.empty(1 << table.length)
    sparse_entropies_into(keys, weights, keep, bits, offsets, slots, out)
    return out
