"""Sums and searches over a whole vocabulary: row by row on a CPU, all rows at once on a device.

On a CPU a row of logits stays in the cache from one pass to the next, each row is one thread's, and
numpy's search for a maximum is the quicker one. Either way a row's result depends on that row
alone.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch

BLOCK = 128
"""Tokens summed up before a draw looks for its own among them."""

LEAST = 2.0**-1022
"""Where a possible token's probability ends: less would be 0, which stands for the impossible."""

SHARE = 1 << 18
"""Logits that make it worth while to wake another thread of the CPU."""

DAMAGED = (
    "logits must be finite or -inf, got nan: the network overflows at this dtype, or its weights "
    "are damaged"
)


def row_by_row(logits: torch.Tensor) -> bool:
    """Whether rows are taken one at a time: on a CPU."""
    return bool(logits.device.type == "cpu")


def leading(logits: torch.Tensor, second: bool) -> tuple[torch.Tensor, ...]:
    """Of each row ``(K, V)``: p1, its token (the first, if tied), p2, ``sum exp(l - top)`` and top.

    All ``(K,)`` in double precision; p2 is 0 unless it is asked for.
    """
    if row_by_row(logits):
        found = _each(partial(_leading_rows, second=second), logits.numpy())
        return tuple(torch.from_numpy(np.array(found, np.float64).reshape(-1, 5).T.copy()))
    first = logits.argmax(dim=1, keepdim=True)
    top = logits.gather(1, first)
    weights = (logits - top).exp_()
    total = weights.sum(dim=1).double()
    p2 = torch.zeros_like(total)
    if second and logits.shape[1] > 1:
        p2 = weights.scatter_(1, first, -1.0).amax(dim=1).double() / total
    return 1.0 / total, first[:, 0].double(), p2, total, top[:, 0].double()


def entropy_bits(logits: torch.Tensor, total: torch.Tensor, top: torch.Tensor) -> torch.Tensor:
    """Entropy ``(K,)`` in bits: ``log sum w - sum w log w / sum w``, w relative to the peak."""
    if row_by_row(logits):
        means = _each(_mean_logs, logits.numpy(), top.tolist())
        mean = torch.tensor(means, dtype=torch.float64) / total
    else:
        centred = (logits - top[:, None].float()).clamp_(min=-1e30)
        mean = (centred.exp() * centred).sum(dim=1).double() / total
    return (total.log() - mean).clamp(min=0.0) / math.log(2)


def probability_of(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Probability ``(K,)`` of a token in each row, in double precision; 0 if its logit is -inf."""
    _, _, _, total, top = leading(logits, False)
    there = logits.gather(1, tokens[:, None])[:, 0].double()
    found = ((there - top).exp() / total).clamp(min=LEAST)
    return torch.where(there == -torch.inf, 0.0, found)


def log2_power_sums(logits: torch.Tensor, alpha: float) -> torch.Tensor:
    """log2 of the sum of each row's probabilities to the power of alpha, ``(K,)``."""
    _, _, _, total, top = leading(logits, False)
    _, _, _, raised, _ = leading(alpha * (logits - top[:, None].to(logits.dtype)), False)
    return raised.log2() - alpha * total.log2()


def inverted(logits: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """The token ``(K,)`` at which the cumulative law of each row passes ``uniform``.

    Sums of `BLOCK` tokens are searched first, then the block that holds the token; sums of blocks
    are in double precision. A token of probability 0 is never drawn.
    """
    if row_by_row(logits):
        found = _each(_inverted_rows, logits.numpy(), uniform.tolist())
        return torch.tensor(found, dtype=torch.int64)
    rows_, width = logits.shape
    weights = (logits - logits.amax(dim=1, keepdim=True)).exp_()
    if tail := -width % BLOCK:
        weights = torch.nn.functional.pad(weights, (0, tail))
    blocks = weights.view(rows_, -1, BLOCK)
    ends = blocks.sum(dim=2).double().cumsum(dim=1)
    total = ends[:, -1]
    wanted = torch.minimum(uniform * total, total.nextafter(torch.zeros_like(total)))
    block = torch.searchsorted(ends, wanted[:, None], right=True)[:, 0]
    each = torch.arange(rows_, device=logits.device)
    within = blocks[each, block].double()
    before = torch.where(block > 0, ends[each, (block - 1).clamp(min=0)], 0.0)
    inside = torch.searchsorted(within.cumsum(dim=1), (wanted - before)[:, None], right=True)[:, 0]
    last = BLOCK - 1 - (within > 0).flip(1).long().argmax(dim=1)
    return block * BLOCK + torch.minimum(inside, last)


def gumbel(logits: torch.Tensor, uniform: torch.Tensor, temperature: float) -> torch.Tensor:
    """The token ``(K,)`` of largest ``logit / temperature`` plus Gumbel noise, in double precision.

    Every token of every row has noise of its own, hashed from the row's uniform number and the
    token: the law drawn from is that of `inverted`, the tokens are others.
    """
    found = torch.empty(len(logits), dtype=torch.int64, device=logits.device)
    step = torch.arange(1, logits.shape[1] + 1, device=logits.device) * _GOLDEN
    for k, row in enumerate(logits):
        seed = (uniform[k] * 2.0**53).long()
        level = (_mixed(_mixed(seed) + step) >> 11 & (1 << 53) - 1).double() * 2.0**-53
        noise = -(-(level + 2.0**-54).log()).log()
        found[k] = (row.double() / temperature + noise).argmax()
    return found


_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)
_FACTORS = 0xBF58476D1CE4E5B9 - (1 << 64), 0x94D049BB133111EB - (1 << 64)


def _mixed(word: torch.Tensor) -> torch.Tensor:
    """SplitMix64's finaliser, on signed words that wrap around."""
    for shift, factor in zip((30, 27), _FACTORS, strict=True):
        word = (word ^ _shifted(word, shift)) * factor
    return word ^ _shifted(word, 31)


def _shifted(word: torch.Tensor, bits: int) -> torch.Tensor:
    """A logical shift to the right."""
    return word >> bits & (1 << 64 - bits) - 1


def _each(work: Callable[..., list[Any]], *columns: Any) -> list[Any]:
    """``work`` on rows in order, shared out over torch's threads where it pays."""
    rows, width = columns[0].shape
    threads = min(torch.get_num_threads(), rows * width // SHARE)
    if threads < 2:
        return work(*columns)
    ends = [rows * k // threads for k in range(threads + 1)]
    parts = [
        _workers(threads).submit(work, *(column[a:b] for column in columns))
        for a, b in pairwise(ends)
    ]
    return [value for part in parts for value in part.result()]


@cache
def _workers(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="infodecode-rows")


# Threads do not survive a fork: a child starts its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_workers.cache_clear)


def _leading_rows(logits: Any, *, second: bool) -> list[tuple[float, ...]]:
    scratch = np.empty(logits.shape[1], np.float32)
    return [_leading_row(row, second, scratch) for row in logits]


def _leading_row(row: Any, second: bool, scratch: Any) -> tuple[float, ...]:
    first = int(row.argmax())
    top = row[first]
    np.subtract(row, top, out=scratch)
    np.exp(scratch, out=scratch)
    total = float(scratch.sum())
    p2 = 0.0
    if second and len(row) > 1:
        scratch[first] = -1.0
        p2 = float(scratch.max()) / total
    return 1.0 / total, first, p2, total, float(top)


def _mean_logs(logits: Any, tops: list[float]) -> list[float]:
    """Of each row the sum of ``w log w``, w relative to the peak."""
    out = []
    for row, top in zip(logits, tops, strict=True):
        centred = np.maximum(row - np.float32(top), np.float32(-1e30))
        out.append(float((np.exp(centred) * centred).sum()))
    return out


def _inverted_rows(logits: Any, levels: list[float]) -> list[int]:
    return [_inverted_row(row, level) for row, level in zip(logits, levels, strict=True)]


def _inverted_row(row: Any, level: float) -> int:
    weights = np.zeros(len(row) + -len(row) % BLOCK, np.float32)
    inner = weights[: len(row)]
    np.subtract(row, row.max(), out=inner)
    np.exp(inner, out=inner)
    ends = weights.reshape(-1, BLOCK).sum(axis=1).astype(np.float64).cumsum()
    if not ends[-1] > 0:
        raise FloatingPointError(DAMAGED)
    wanted = min(level * ends[-1], np.nextafter(ends[-1], 0.0))
    block = int(np.searchsorted(ends, wanted, side="right"))
    within = weights[block * BLOCK : (block + 1) * BLOCK].astype(np.float64)
    before = ends[block - 1] if block else 0.0
    inside = int(np.searchsorted(within.cumsum(), wanted - before, side="right"))
    return block * BLOCK + min(inside, int(np.flatnonzero(within)[-1]))
