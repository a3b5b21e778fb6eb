"""Canvases packed into 64-bit words: a field per position holds ``token + 1``, 0 where masked.

Fields never straddle words and later positions sit in higher bits, so that comparing words from
the last to the first orders canvases with the last position as the most significant.
"""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def pack_into(canvas, word, shift, out):  # type: ignore[no-untyped-def]
    """Pack canvases ``(B, n)`` into zeroed ``out`` ``(B, W)``."""
    for b in range(canvas.shape[0]):
        for i in range(canvas.shape[1]):
            out[b, word[i]] |= np.uint64(canvas[b, i] + 1) << shift[i]


@njit
def pack_masks_into(canvas, word, shift, fields, out):  # type: ignore[no-untyped-def]
    """Bit masks ``(B, W)``: at each revealed position the ones of its field, ``fields[i]``."""
    for b in range(canvas.shape[0]):
        for i in range(canvas.shape[1]):
            if canvas[b, i] >= 0:
                out[b, word[i]] |= fields[i] << shift[i]
