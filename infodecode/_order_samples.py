"""Samples of a law, each with a random order: what `infodecode.curve_estimates` averages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from infodecode import _validation
from infodecode._kernels.chains import row_entropies
from infodecode._progress import progress_bar
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Joint

POSITIONS_ASKED = 256
"""Most masked positions of a canvas over which the estimate of a point of the curve averages."""

CANVAS_NUMBERS = 1 << 17
"""Most probabilities asked of a canvas for it: fewer positions, where each has many tokens."""

BLOCK = 64
"""Samples that are drawn together: part of what a seed means."""

_LAWS_AT_ONCE = 1 << 22


class CurveTerms:
    """Terms of every point, on sampled rows."""

    def __init__(self, law: Joint, points: IntArray, alone: FloatArray) -> None:
        self._law, self._points, self._alone = law, points, alone
        self._asked = max(1, min(POSITIONS_ASKED, CANVAS_NUMBERS // max(law.alphabet_sizes)))

    def __call__(self, data: IntArray, order: IntArray) -> FloatArray:
        canvas = np.full_like(data, -1)
        out = np.zeros((len(self._points), len(data)))
        known = 0
        for p, j in enumerate(self._points.tolist()):
            _reveal(canvas, data, order[:, known : j - 1])
            known = j - 1
            asked = np.sort(order[:, known : known + self._asked], axis=1)
            for rows, laws in _laws_at(self._law, canvas, asked):
                left = row_entropies(laws).reshape(-1, asked.shape[1])
                out[p, rows] = (self._alone[asked[rows]] - left).mean(axis=1)
        return out


class OrderTerms:
    """log2 of the law over the product of the marginals, on sampled rows.

    Over a stretch of rounds of several positions each, the law is asked at both ends only.
    """

    def __init__(self, law: Joint, sizes: IntArray) -> None:
        self._law = law
        self._ends = [0, *np.cumsum(sizes).tolist()]

    def __call__(self, data: IntArray, order: IntArray) -> FloatArray:
        canvas = np.full_like(data, -1)
        bits = np.zeros(len(data))
        inside = False
        for begin, end in pairwise(self._ends):
            several = end - begin > 1
            if several != inside:
                bits += (1 if inside else -1) * self._law._log2_mass(canvas)
                inside = several
            asked = np.sort(order[:, begin:end], axis=1)
            if several:
                for rows, laws in _laws_at(self._law, canvas, asked):
                    token = np.take_along_axis(data[rows], asked[rows], axis=1).ravel()
                    chosen = laws[np.arange(len(token)), token].reshape(-1, end - begin)
                    bits[rows] -= np.log2(chosen).sum(axis=1)
            _reveal(canvas, data, asked)
        if inside:
            bits += self._law._log2_mass(canvas)
        return bits[None]


def over_samples(
    work: Callable[[IntArray, IntArray], FloatArray],
    width: int,
    law: Joint,
    samples: int,
    seed: int,
    threads: int | None,
    progress: bool | None,
) -> FloatArray:
    """Terms ``(width, samples)``: block by block, each drawn from a generator of its own."""
    workers = _validation.integer(
        "threads", os.cpu_count() if threads is None else threads, minimum=1
    )

    def block(begin: int) -> FloatArray:
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(begin,)))
        data = law._draw(BLOCK, generator)
        order = generator.permuted(np.tile(np.arange(law.length), (BLOCK, 1)), axis=1)
        rows = min(BLOCK, samples - begin)
        return work(data[:rows], order[:rows])

    out = np.empty((width, samples))
    pool = ThreadPoolExecutor(workers)
    try:
        with progress_bar("samples", samples, progress) as advance:
            starts = range(0, samples, BLOCK)
            for begin, terms in zip(starts, pool.map(block, starts), strict=True):
                out[:, begin : begin + terms.shape[1]] = terms
                advance(terms.shape[1])
    finally:
        pool.shutdown(cancel_futures=True)
    return out


def _laws_at(law: Joint, canvas: IntArray, asked: IntArray) -> Iterator[tuple[slice, FloatArray]]:
    """Laws ``(rows * k, V)`` at the positions ``asked`` ``(B, k)``, some rows at a time."""
    width = asked.shape[1]
    step = max(1, _LAWS_AT_ONCE // (width * max(law.alphabet_sizes)))
    for begin in range(0, len(canvas), step):
        rows = slice(begin, min(begin + step, len(canvas)))
        number = np.repeat(np.arange(rows.stop - begin), width)
        yield rows, law._laws(canvas[rows], number, asked[rows].ravel())


def _reveal(canvas: IntArray, data: IntArray, positions: IntArray) -> None:
    np.put_along_axis(canvas, positions, np.take_along_axis(data, positions, axis=1), axis=1)


def blank_laws(law: Joint) -> tuple[FloatArray, FloatArray]:
    """Entropy of each position ``(n,)``, and log2 of how many tokens it can hold."""
    everyone = np.arange(law.length)[None]
    step = max(1, _LAWS_AT_ONCE // max(law.alphabet_sizes))
    blank = np.full((1, law.length), -1, np.int32)
    bits, widths = [], []
    for begin in range(0, law.length, step):
        ((_, laws),) = _laws_at(law, blank, everyone[:, begin : begin + step])
        bits.append(row_entropies(laws))
        widths.append(np.log2((laws > 0).sum(axis=1)))
    return np.concatenate(bits), np.concatenate(widths)
