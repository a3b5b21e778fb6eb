"""Conditional marginals of the structured families, in closed form."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def permutation_laws_into(canvases, rows, lenient, out):  # type: ignore[no-untyped-def]
    """Uniform over the items not used yet, into zeroed ``out`` (K, n); pairs sorted by row.

    Canvases that use an item twice get zeros, or the same formula when ``lenient``.
    """
    n = canvases.shape[1]
    used = np.zeros(n, np.bool_)
    row = -1
    free = 0
    possible = True
    for k in range(rows.shape[0]):
        if rows[k] != row:
            row = rows[k]
            used[:] = False
            free = n
            possible = True
            for i in range(n):
                token = canvases[row, i]
                if token >= 0:
                    if used[token]:
                        possible = False
                    else:
                        used[token] = True
                        free -= 1
        if possible or lenient:
            share = 1.0 / free
            for v in range(n):
                out[k, v] = share * (not used[v])


@njit
def distinct_into(canvases, out):  # type: ignore[no-untyped-def]
    """Number of revealed items ``(B,)``, or -1 where an item appears twice."""
    n = canvases.shape[1]
    used = np.zeros(n, np.bool_)
    for b in range(canvases.shape[0]):
        used[:] = False
        revealed = 0
        for i in range(n):
            token = canvases[b, i]
            if token >= 0:
                if used[token]:
                    revealed = -1
                    break
                used[token] = True
                revealed += 1
        out[b] = revealed


@njit
def replacement_laws_into(canvases, rows, lenient, out):  # type: ignore[no-untyped-def]
    """Replace Random: (1 - 1/m, 1/m) with m masked and none replaced yet, then (1, 0)."""
    n = canvases.shape[1]
    row = -1
    masked = 0
    replaced = 0
    for k in range(rows.shape[0]):
        if rows[k] != row:
            row = rows[k]
            masked = 0
            replaced = 0
            for i in range(n):
                if canvases[row, i] < 0:
                    masked += 1
                elif canvases[row, i] == 1:
                    replaced += 1
        if replaced == 0:
            out[k, 0] = (masked - 1) / masked
            out[k, 1] = 1.0 / masked
        elif replaced == 1 or lenient:
            out[k, 0] = 1.0
