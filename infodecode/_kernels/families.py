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


@njit
def read_permutation(canvas, taken):  # type: ignore[no-untyped-def]
    """Number of masked positions, -1 if an item appears twice; ``taken`` (n,) gets the items."""
    taken[:] = False
    masked = 0
    for i in range(canvas.shape[0]):
        token = canvas[i]
        if token < 0:
            masked += 1
        elif taken[token]:
            return -1
        else:
            taken[token] = True
    return masked


@njit
def at_home(canvas):  # type: ignore[no-untyped-def]
    """Whether every revealed item is at its own place."""
    home = True
    for i in range(canvas.shape[0]):
        home &= canvas[i] < 0 or canvas[i] == i
    return home


@njit
def shuffled_laws_into(canvases, rows, positions, home, out):  # type: ignore[no-untyped-def]
    """Uniform over the items not used yet, but for the original order, into zeroed ``out`` (K, n).

    ``home[m]`` is the probability of a masked position's own item when all n - m revealed ones are
    at home.
    """
    n = canvases.shape[1]
    taken = np.zeros(n, np.bool_)
    row, masked, original = -1, 0, False
    for k in range(rows.shape[0]):
        if rows[k] != row:
            row = rows[k]
            masked = read_permutation(canvases[row], taken)
            original = at_home(canvases[row])
        if masked <= 0 or (original and masked == 1):
            continue
        i = positions[k]
        for v in range(n):
            if not taken[v]:
                if not original:
                    out[k, v] = 1.0 / masked
                elif v == i:
                    out[k, v] = home[masked]
                else:
                    out[k, v] = (1.0 - home[masked]) / (masked - 1)


@njit
def derangement_share(masked, banned):  # type: ignore[no-untyped-def]
    """Share of the ``masked``! placements in which none of ``banned`` items is at its own place.

    Inclusion and exclusion: the sum over j of (-1)^j C(banned, j) (masked - j)! / masked!.
    """
    total, term = 1.0, 1.0
    for j in range(banned):
        term *= -(banned - j) / ((j + 1.0) * (masked - j))
        total += term
        if abs(term) < 1e-18:
            break
    return total


@njit
def derangement_shares_into(masked, banned, out):  # type: ignore[no-untyped-def]
    """`derangement_share` of every pair."""
    for k in range(masked.shape[0]):
        out[k] = derangement_share(masked[k], banned[k])


@njit
def derangement_state(canvas, taken):  # type: ignore[no-untyped-def]
    """Masked positions, and how many of them have their own item left; (-1, 0) if impossible."""
    masked = read_permutation(canvas, taken)
    banned = 0
    for i in range(canvas.shape[0]):
        if canvas[i] == i:
            masked = -1
        if canvas[i] < 0 and not taken[i]:
            banned += 1
    if masked < 0 or (masked == 1 and banned == 1):
        return -1, 0
    return masked, banned


@njit
def derangement_states_into(canvases, masked, banned):  # type: ignore[no-untyped-def]
    """`derangement_state` of every canvas."""
    taken = np.zeros(canvases.shape[1], np.bool_)
    for b in range(canvases.shape[0]):
        masked[b], banned[b] = derangement_state(canvases[b], taken)


@njit
def derangement_laws_into(canvases, rows, positions, out):  # type: ignore[no-untyped-def]
    """Derangements: an item weighs as many placements as are left after it; into zeroed ``out``."""
    n = canvases.shape[1]
    taken = np.zeros(n, np.bool_)
    row, masked, banned = -1, 0, 0
    for k in range(rows.shape[0]):
        if rows[k] != row:
            row = rows[k]
            masked, banned = derangement_state(canvases[row], taken)
        if masked < 0:
            continue
        i = positions[k]
        left = banned - (not taken[i])
        free = derangement_share(masked - 1, left)
        own = derangement_share(masked - 1, left - 1) if left else 0.0
        total = 0.0
        for v in range(n):
            if not taken[v] and v != i:
                out[k, v] = own if canvases[row, v] < 0 else free
                total += out[k, v]
        for v in range(n):
            out[k, v] /= total


@njit
def location_bounds(canvas, count, before, here, after):  # type: ignore[no-untyped-def]
    """First and last location in 0 .. count - 1 that the revealed tokens allow; first > last: none.

    A token allows the locations after its position if it is ``before[i]``, the position itself if
    ``here[i]``, those before it if ``after[i]``.
    """
    low, high = 0, count - 1
    for i in range(canvas.shape[0]):
        token = canvas[i]
        if token < 0:
            continue
        if token != after[i]:
            low = max(low, i if token == here[i] else i + 1)
        if token != before[i]:
            high = min(high, i if token == here[i] else i - 1)
    return low, high


@njit
def location_counts_into(canvases, count, before, here, after, out):  # type: ignore[no-untyped-def]
    """Number of locations that agree with each canvas, 0 where none does."""
    for b in range(canvases.shape[0]):
        low, high = location_bounds(canvases[b], count, before, here, after)
        out[b] = max(0, high - low + 1)


@njit
def location_laws_into(  # type: ignore[no-untyped-def]
    canvases, rows, positions, count, before, here, after, out
):
    """Shares of the locations left after, at and before each position, into zeroed ``out``."""
    row, low, high = -1, 0, 0
    for k in range(rows.shape[0]):
        if rows[k] != row:
            row = rows[k]
            low, high = location_bounds(canvases[row], count, before, here, after)
        left = high - low + 1
        if left <= 0:
            continue
        i = positions[k]
        later = max(0, high - max(low, i + 1) + 1)
        earlier = max(0, min(high, i - 1) - low + 1)
        if later:
            out[k, before[i]] += later / left
        if earlier:
            out[k, after[i]] += earlier / left
        if low <= i <= high:
            out[k, here[i]] += 1.0 / left
