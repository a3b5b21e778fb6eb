"""Canvases up to the order of their positions, and up to the names of their tokens."""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def sort_descending(counts):  # type: ignore[no-untyped-def]
    """By insertion: most counts are 0, and stay where they are."""
    for k in range(1, counts.shape[0]):
        value = counts[k]
        j = k
        while j > 0 and counts[j - 1] < value:
            counts[j] = counts[j - 1]
            j -= 1
        counts[j] = value


@njit
def canonical_into(canvas, width, rename, out):  # type: ignore[no-untyped-def]
    """The first canvas ``(n,)`` of each orbit: tokens in order, masks last.

    With ``rename`` the most frequent token becomes 0, the next one 1, and so on.
    """
    n = canvas.shape[1]
    counts = np.zeros(width, np.int64)
    for b in range(canvas.shape[0]):
        counts[:] = 0
        for i in range(n):
            if canvas[b, i] >= 0:
                counts[canvas[b, i]] += 1
        if rename:
            sort_descending(counts)
        k = 0
        for v in range(width):
            for _ in range(counts[v]):
                out[b, k] = v
                k += 1
        out[b, k:] = -1


@njit
def profile(before, after, counts):  # type: ignore[no-untyped-def]
    """How often each token was revealed ``before`` and was drawn since, as one number per token."""
    n = before.shape[0]
    counts[:] = 0
    for i in range(n):
        if before[i] >= 0:
            counts[before[i]] += n + 1
        elif after[i] >= 0:
            counts[after[i]] += 1


@njit
def profiles_into(before, parent, after, rename, out):  # type: ignore[no-untyped-def]
    """`profile` ``(B, V)``, sorted if tokens may be renamed: equal for equivalent canvases."""
    width = out.shape[1]
    counts = np.zeros(width, np.int64)
    for b in range(after.shape[0]):
        profile(before[parent[b]], after[b], counts)
        if rename:
            sort_descending(counts)
        for v in range(width):
            out[b, v] = counts[v]


@njit
def representative_tokens_into(before, parent, after, out):  # type: ignore[no-untyped-def]
    """``(B, V)``: at the first token of each profile how many tokens share it, else 0."""
    width = out.shape[1]
    counts = np.zeros(width, np.int64)
    for b in range(after.shape[0]):
        profile(before[parent[b]], after[b], counts)
        for v in range(width):
            out[b, v] = 0
            for w in range(width):
                if counts[w] == counts[v]:
                    out[b, w] += 1
                    break


@njit
def alike_into(code, open_, label, sizes):  # type: ignore[no-untyped-def]
    """Numbers 0, 1, … for the open positions of a row with equal codes, -1 elsewhere; their sizes.

    ``sizes`` (B, n) is zeroed.
    """
    n = code.shape[1]
    for b in range(code.shape[0]):
        found = 0
        for i in range(n):
            label[b, i] = -1
            if not open_[b, i]:
                continue
            for j in range(i):
                if open_[b, j] and code[b, j] == code[b, i]:
                    label[b, i] = label[b, j]
                    break
            if label[b, i] < 0:
                label[b, i] = found
                found += 1
            sizes[b, label[b, i]] += 1


@njit
def count_splits_into(sizes, need, ways):  # type: ignore[no-untyped-def]
    """How many ways there are to take ``need`` positions (any number if -1) from groups alike."""
    for b in range(sizes.shape[0]):
        total = max(need[b], 0)
        reach = np.zeros(total + 1)
        reach[0] = 1.0
        for k in range(sizes.shape[1]):
            if sizes[b, k] == 0:
                break
            if need[b] < 0:
                reach[0] *= sizes[b, k] + 1
                continue
            for t in range(total, -1, -1):
                for c in range(1, min(sizes[b, k], t) + 1):
                    reach[t] += reach[t - c]
        ways[b] = reach[total]


@njit
def splits_into(label, sizes, need, log2_factorials, odds, first, parent, chosen, share):  # type: ignore[no-untyped-def]
    """Every such split fills rows ``first[b]`` … : the lowest positions of each group, its share.

    A split's share is the product over groups of C(size, taken) and of two to the ``odds`` (B, n)
    per position taken, over the sum of these products.
    """
    n = label.shape[1]
    taken = np.zeros(n + 1, np.int64)
    left = np.zeros(n + 1, np.int64)
    for b in range(label.shape[0]):
        groups = 0
        while groups < n and sizes[b, groups] > 0:
            groups += 1
        for k in range(groups):
            taken[k] = 0
        row = first[b]
        while row < first[b + 1]:
            total = 0
            for k in range(groups):
                total += taken[k]
            if need[b] < 0 or total == need[b]:
                parent[row] = b
                bits = 0.0
                for k in range(groups):
                    m, c = sizes[b, k], taken[k]
                    bits += log2_factorials[m] - log2_factorials[c] - log2_factorials[m - c]
                    bits += c * odds[b, k]
                    left[k] = c
                share[row] = bits
                for i in range(n):
                    k = label[b, i]
                    if k >= 0 and left[k] > 0:
                        chosen[row, i] = True
                        left[k] -= 1
                row += 1
            k = 0
            while k < groups and (taken[k] == sizes[b, k] or (0 <= need[b] <= total)):
                total -= taken[k]
                taken[k] = 0
                k += 1
            if k < groups:
                taken[k] += 1
        top = -np.inf
        for row in range(first[b], first[b + 1]):
            top = max(top, share[row])
        whole = 0.0
        for row in range(first[b], first[b + 1]):
            share[row] = 2.0 ** (share[row] - top)
            whole += share[row]
        for row in range(first[b], first[b + 1]):
            share[row] /= whole
